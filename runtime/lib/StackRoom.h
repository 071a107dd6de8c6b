//===- StackRoom.h - Stack for generated code -------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Generated code keeps buffers of up to 512 KiB on the stack, and a layer also
// runs on the calling thread, whose stack size the caller chooses.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_STACKROOM_H
#define MLA_RUNTIME_STACKROOM_H

#include "mla/error.h"

#include <cstddef>

namespace mla {

/// The stack size of the runtime's threads.
constexpr size_t threadStackBytes = 8 << 20;

/// Calls body(context) on this thread, or on another one if little stack is left.
Error callWithStack(void (*body)(void *), void *context);

} // namespace mla

#endif // MLA_RUNTIME_STACKROOM_H
