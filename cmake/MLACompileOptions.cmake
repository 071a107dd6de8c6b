# mla_options is an interface library that every target of the project links, for warnings and for the size of programs.
# Sanitizers apply to the whole tree, so that reports have complete stacks.
add_library(mla_options INTERFACE)
target_compile_options(mla_options INTERFACE -Wall -Wextra -Wno-unused-parameter)
# What nothing uses of the C++ library is left out: it is a quarter of mla-run, and calls functions of newer glibcs.
target_link_options(mla_options INTERFACE LINKER:--gc-sections)
if(MLA_ENABLE_WERROR)
  add_compile_options(-Werror)
endif()
if(MLA_ENABLE_SANITIZERS)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize=vptr -fno-omit-frame-pointer
                      -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
endif()
if(MLA_ENABLE_FUZZERS)
  if(NOT MLA_ENABLE_SANITIZERS)
    message(FATAL_ERROR "MLA_ENABLE_FUZZERS finds little without MLA_ENABLE_SANITIZERS=ON; the preset fuzz sets both")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(MLA_ENABLE_TSAN)
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
endif()
