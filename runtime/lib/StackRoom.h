//===- StackRoom.h - Stack for generated code -------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Generated code keeps buffers of up to 512 KiB on the stack, and a layer also
// runs on the thread that calls it, whose stack is the caller's choice.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_STACKROOM_H
#define MLA_RUNTIME_STACKROOM_H

#include "mla/error.h"

#include <cstddef>

namespace mla {

/// What threads of the runtime get.
constexpr size_t threadStackBytes = 8 << 20;

/// Calls body(context): here, or where little stack is left on a thread of its own.
Error callWithStack(void (*body)(void *), void *context);

} // namespace mla

#endif // MLA_RUNTIME_STACKROOM_H
