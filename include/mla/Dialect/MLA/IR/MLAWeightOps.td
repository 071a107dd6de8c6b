//===- MLAWeightOps.td - Weights and their elements --------*- tablegen -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_WEIGHTOPS_TD
#define MLA_WEIGHTOPS_TD

include "mla/Dialect/MLA/IR/MLAOpBase.td"

def MLA_WeightOp : MLA_Op<"weight", [Pure,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "a weight by name, not loaded yet";
  let description = [{
    Names a tensor of the checkpoint, or one that a `@prepare` function computes
    from it. Nothing is loaded until the layer is built. `mla-fold` starts from
    these operations.

    (C1) the shape is static.

    ```mlir
    %w_dq = mla.weight "model.layers.0.self_attn.q_a_proj.weight" : tensor<48x160xbf16>
    ```
  }];
  let arguments = (ins StrAttr:$name);
  let results = (outs MLA_Weight:$result);
  let assemblyFormat = "$name attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def MLA_DequantizeOp : MLA_Op<"dequantize", [Pure]> {
  let summary = "a dequantized block-scaled tensor";
  let description = [{
    `result[i, j, …] = x[i, j, …] * scale[i / block[0], j / block[1], …]`, with
    the scales that DeepSeek-V3 checkpoints store as `<name>_scale_inv`
    (arXiv:2412.19437, section 3.3), or those of `mla.quantize`. The last block
    of a dimension may be partial. Products are in float32 and rounded once.
    Two terms share a scale; they are in dimension `term_dim` of x, which the
    result does not have.

    In `@prepare` functions, a weight is dequantized before it is stored. In
    other functions, a projection multiplies the quantized elements themselves
    and the sums by the scales, if its target has such a kernel (`mla-quantize`).

    (C1) scale has the rank of the result, x its shape, or one with two terms in
    `term_dim`, which is neither the first nor the last of x;
    (C2) block has a positive size per dimension, 1 in a dynamic one;
    (C3) the scale has ceil(size / block) elements per dimension.

    ```mlir
    %w = mla.weight "q" : tensor<320x192xf8E4M3FN>
    %s = mla.weight "q_scale_inv" : tensor<3x2xf32>
    %x = mla.dequantize %w, %s {block = array<i64: 128, 128>}
        : tensor<320x192xf8E4M3FN>, tensor<3x2xf32> -> tensor<320x192xf32>
    ```
  }];
  let arguments = (ins
    MLA_Weight:$x, MLA_Weight:$scale, DenseI64ArrayAttr:$block, DefaultValuedAttr<I64Attr, "1">:$term_dim
  );
  let results = (outs MLA_Weight:$result);
  let assemblyFormat = "$x `,` $scale attr-dict `:` type($x) `,` type($scale) `->` type($result)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Return the number of blocks per dimension of a shape: the shape of the scales. Dynamic sizes stay dynamic.
    static ::llvm::SmallVector<int64_t> countBlocks(::llvm::ArrayRef<int64_t> shape, ::llvm::ArrayRef<int64_t> block);
  }];
}

def MLA_QuantizeOp : MLA_Op<"quantize", [Pure]> {
  let summary = "e4m3 elements of rows, and a scale per group of columns";
  let description = [{
    For every group of `group` columns of the last dimension, the last of which
    may be partial: `scale = max(max |x| / 448, 2^-126)`, and an element is
    `x * (1 / scale)` rounded to the nearest number of e4m3, ties to even
    (DeepSeek-V3's activations, arXiv:2412.19437, section 3.3, with a group of
    128). All of it is in float32. A NaN stays one.
    Of two terms, the second is what the first leaves of `x * (1 / scale)`,
    rounded too: about 8 bits, as bf16, or an error of 2^-10 of the scale. Terms
    are in dimension `term_dim` of the elements: 1, before heads that are
    contracted together; before the last of rows that are multiplied one by one.

    (C1) x has at least two dimensions, of which the first may be dynamic;
    elements have its shape, with two terms another dimension of 2, `term_dim`,
    which is neither the first nor the last;
    (C2) group is positive, and terms is 1 or 2;
    (C3) scales have ceil(columns / group) columns, and x's other dimensions.

    ```mlir
    func.func @quantize(%x: tensor<?x320xf32>) -> tensor<?x320xf32> {
      %q, %s = mla.quantize %x {group = 128 : i64} : tensor<?x320xf32> -> tensor<?x320xf8E4M3FN>, tensor<?x3xf32>
      %y = mla.dequantize %q, %s {block = array<i64: 1, 128>}
          : tensor<?x320xf8E4M3FN>, tensor<?x3xf32> -> tensor<?x320xf32>
      return %y : tensor<?x320xf32>
    }
    ```
  }];
  let arguments = (ins
    MLA_Activation:$x, I64Attr:$group, DefaultValuedAttr<I64Attr, "1">:$terms,
    DefaultValuedAttr<I64Attr, "1">:$term_dim
  );
  let results = (outs MLA_E4M3:$elements, MLA_Lse:$scale);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($elements) `,` type($scale)";
  let hasVerifier = 1;
}

def MLA_ComposeOp : MLA_Op<"compose", [Pure, InferTypeOpAdaptor]> {
  let summary = "per-head product of two weights applied one after the other";
  let description = [{
    `result[h, n, k] = sum_j outer[h, n, j] * inner[h, j, k]`: projecting by the
    result equals projecting by `inner` and then by `outer`. Sums are at least
    in float32 and rounded once. Constant operands fold; otherwise the product
    is computed when the layer is prepared.

    (C1) operands have rank 3 and the same number of heads;
    (C2) the outer weight reads as many elements as the inner one writes;
    (C3) no operand is f16: llama.cpp #13137 measured the loss of accuracy.

    ```mlir
    %w_uk = mla.weight "w_uk_transposed" : tensor<4x64x32xf32>
    %w_uq = mla.weight "w_uq_nope" : tensor<4x32x48xf32>
    %w = mla.compose %w_uk, %w_uq
        : (tensor<4x64x32xf32>, tensor<4x32x48xf32>) -> tensor<4x64x48xf32>
    ```
  }];
  let arguments = (ins MLA_Weight:$outer, MLA_Weight:$inner);
  let results = (outs MLA_Weight:$result);
  let assemblyFormat = "$outer `,` $inner attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

#endif // MLA_WEIGHTOPS_TD
