//===- MLAInterfaces.td - What passes ask operations -------*- tablegen -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_INTERFACES_TD
#define MLA_INTERFACES_TD

include "mlir/IR/OpBase.td"

def MLA_DivisibleOpInterface : OpInterface<"DivisibleOpInterface"> {
  let description = [{
    An operation that several ranks can divide among each other. Its only result
    is a tensor. Dimensions are listed per operand; `kWhole` stands for an operand
    of which every rank needs all.
  }];
  let cppNamespace = "::mla";
  let methods = [
    InterfaceMethod<[{
        Return the dimensions of the operands that are divided with dimension
        `dim` of the result: elements [a, b) of the result are what the operation
        computes of elements [a, b) of these. Return nothing if `dim` cannot be
        divided.
      }], "::llvm::SmallVector<int64_t>", "getDividedDims", (ins "int64_t":$dim)>,
    InterfaceMethod<[{
        Return the dimensions of the operands that the operation sums over and
        that ranks may divide: the sum of what it computes of parts is the result.
        Return nothing if there are none.
      }], "::llvm::SmallVector<int64_t>", "getSummedDims", (ins), "",
      "return {};">
  ];
  let extraClassDeclaration = "static constexpr int64_t kWhole = -1;";
}

#endif // MLA_INTERFACES_TD
