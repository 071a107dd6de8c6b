//===- Passes.cpp - C API of the passes -----------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla-c/Passes.h"
#include "mla/InitAll.h"

void mlaRegisterPasses() { mla::registerAllPasses(); }
