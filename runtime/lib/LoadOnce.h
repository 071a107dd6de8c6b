//===- LoadOnce.h - Libraries of the system, by dlopen ----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_LOADONCE_H
#define MLA_RUNTIME_LOADONCE_H

#include "mla/error.h"

#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <mutex>

namespace mla {

/// Returns the library's path: what the variable says if it is set, else the usual one.
inline std::string libraryPath(const char *variable, const char *usual) {
  const char *chosen = std::getenv(variable);
  return chosen && *chosen ? chosen : usual;
}

/// Opens a library without which there is no device. The error is "FAILURE: the loader's reason; ADVICE".
inline Result<void *> openLibrary(const std::string &path, const std::string &failure, const char *advice) {
  if (void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL))
    return library;
  const char *reason = dlerror();
  return Error(ErrorKind::NoDevice, failure + ": " + (reason ? reason : path) + "; " + advice);
}

/// Sets a function to that of the name. Returns whether the library has it.
template <typename Function> bool findFunction(void *library, const char *name, Function &function) {
  // Through memcpy: C++ does not convert between pointers to objects and to functions.
  void *address = dlsym(library, name);
  std::memcpy(&function, &address, sizeof(address));
  return address;
}

/// Returns the functions that load() finds; after the first success, those of then. They are never unloaded.
template <typename Functions>
Result<const Functions *> loadOnce(const std::string &where, Error (*load)(const std::string &where, Functions &)) {
  static std::mutex mutex;
  static Functions loaded;
  static bool ready = false;
  std::lock_guard<std::mutex> lock(mutex);
  if (!ready) {
    Functions functions;
    if (Error error = load(where, functions))
      return error;
    loaded = functions;
    ready = true;
  }
  return &loaded;
}

} // namespace mla

#endif // MLA_RUNTIME_LOADONCE_H
