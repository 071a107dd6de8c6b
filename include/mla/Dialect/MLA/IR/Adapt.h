//===- Adapt.h - The operation of adapters ----------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `mla.adapt` adds the updates of adapters that are not merged. Only what knows
// of such adapters includes this.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_DIALECT_MLA_IR_ADAPT_H
#define MLA_DIALECT_MLA_IR_ADAPT_H

#include "mla/Dialect/MLA/IR/MLA.h"

#define GET_OP_CLASSES
#include "mla/Dialect/MLA/IR/MLAAdapterOps.h.inc"

#endif // MLA_DIALECT_MLA_IR_ADAPT_H
