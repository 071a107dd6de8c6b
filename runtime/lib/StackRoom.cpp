//===- StackRoom.cpp - Stack for generated code ---------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StackRoom.h"
#include "Memory.h"

#include <cstdint>
#include <pthread.h>
#include <signal.h>

using namespace mla;

/// Enough for one buffer of maximum size and everything else that calls need.
static constexpr size_t enough = 1 << 20;

namespace {
struct Stack {
  uintptr_t lowest = 0, highest = 0; ///< both 0: unknown
};

struct Call {
  void (*body)(void *);
  void *context;
};
} // namespace

static Stack stackOfThread() {
  Stack stack;
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0)
    return stack;
  void *lowest = nullptr;
  size_t bytes = 0, guard = 0;
  if (pthread_attr_getstack(&attributes, &lowest, &bytes) == 0 && pthread_attr_getguardsize(&attributes, &guard) == 0) {
    stack.highest = reinterpret_cast<uintptr_t>(lowest) + bytes;
    stack.lowest = reinterpret_cast<uintptr_t>(lowest) + guard;
  }
  pthread_attr_destroy(&attributes);
  return stack;
}

/// Returns false on a stack that is not the thread's, such as a coroutine's: its size is unknown.
static bool hasLittleStack() {
  static thread_local Stack stack = stackOfThread();
  uintptr_t here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  return here > stack.lowest && here <= stack.highest && here - stack.lowest < enough;
}

static Error callOnThread(Call &call) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, threadStackBytes);
  // Signals belong to the program: block all of them on our threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  auto run = [](void *argument) -> void * {
    Call *call = static_cast<Call *>(argument);
    call->body(call->context);
    return nullptr;
  };
  int status = pthread_create(&thread, &attributes, run, &call);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (status != 0)
    return outOfMemory("the calling thread has less than 1 MiB of stack left", "a thread with more");
  pthread_join(thread, nullptr);
  return {};
}

Error mla::callWithStack(void (*body)(void *), void *context) {
  if (!hasLittleStack()) {
    body(context);
    return {};
  }
  Call call = {body, context};
  return callOnThread(call);
}
