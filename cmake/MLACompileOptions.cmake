# One interface library that every target of the project links: warnings. Sanitizers are for the whole tree, so that a
# report's stack is complete.
add_library(mla_options INTERFACE)
target_compile_options(mla_options INTERFACE -Wall -Wextra -Wno-unused-parameter)
if(MLA_ENABLE_WERROR)
  add_compile_options(-Werror)
endif()
if(MLA_ENABLE_SANITIZERS)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize=vptr -fno-omit-frame-pointer
                      -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
endif()
