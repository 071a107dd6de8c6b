//===- MLAOpBase.td - What all operations share ------------*- tablegen -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_OPBASE_TD
#define MLA_OPBASE_TD

include "mla/Dialect/MLA/IR/MLAAttrs.td"
include "mla/Dialect/MLA/IR/MLAInterfaces.td"
include "mla/Dialect/MLA/IR/MLATypes.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"

class MLA_Op<string mnemonic, list<Trait> traits = []>
    : Op<MLA_Dialect, mnemonic, traits>;

defvar MLA_Divisible = DeclareOpInterfaceMethods<MLA_DivisibleOpInterface>;
defvar MLA_DivisibleSum = DeclareOpInterfaceMethods<MLA_DivisibleOpInterface, ["getSummedDims"]>;

def MLA_FloatTensor : RankedTensorOf<[AnyFloat]>;
def MLA_Activation : AnyTypeOf<[RankedTensorOf<[F32, BF16, F16]>],
    "tensor of f32, bf16 or f16", "::mlir::RankedTensorType">;
def MLA_Weight : AnyTypeOf<[MLA_FloatTensor], "tensor of a float type",
    "::mlir::RankedTensorType">;

def MLA_E4M3 : AnyTypeOf<[RankedTensorOf<[F8E4M3FN]>], "tensor of f8E4M3FN", "::mlir::RankedTensorType">;

def MLA_Lse : AnyTypeOf<[RankedTensorOf<[F32]>], "tensor of f32", "::mlir::RankedTensorType">;

def MLA_Sinks : AnyTypeOf<[RankedTensorOf<[F32]>], "tensor of f32", "::mlir::RankedTensorType">;
def MLA_CausalByDefault : DefaultValuedAttr<MLA_Mask, "::mla::MaskKind::Causal">;

/// One i32 per token or sequence, `tensor<?xi32>`; not printed.
def MLA_Indices : Type<
      CPred<"$_self == ::mlir::RankedTensorType::get({::mlir::ShapedType::kDynamic}, "
            "::mlir::IntegerType::get($_self.getContext(), 32))">,
      "tensor<?xi32>", "::mlir::RankedTensorType">,
    BuildableType<"::mlir::RankedTensorType::get({::mlir::ShapedType::kDynamic}, $_builder.getIntegerType(32))">;

#endif // MLA_OPBASE_TD
