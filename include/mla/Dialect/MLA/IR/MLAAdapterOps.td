//===- MLAAdapterOps.td - Adapters that are not merged -----*- tablegen -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Constraints are labelled as in MLAOps.td.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_ADAPTEROPS_TD
#define MLA_ADAPTEROPS_TD

include "mla/Dialect/MLA/IR/MLAOpBase.td"

def MLA_AdaptOp : MLA_Op<"adapt", [Pure, MLA_DivisibleSum, AllTypesMatch<["y", "result"]>]> {
  let summary = "adds the low-rank update that the adapter of each sequence makes";
  let description = [{
    Every sequence names one of E adapters, each of which updates a projection by
    the product of two matrices (LoRA, arXiv:2106.09685, section 4.1):
    `result[t, n] = y[t, n] + sum_j up[e, n, j] * sum_k down[e, j, k] * x[t, k]`,
    with `e = adapters[b]` of the sequence `b` of token `t`:
    `cu[b] <= t < cu[b + 1]`. A number that is no adapter's adds nothing. All sums
    are at least in float32. x is what the projection reads, y what it computes,
    and J the largest rank: matrices of a smaller one are filled with zeros, and
    `up` includes the adapter's scale.

    Like a bias, the update is a separate operation, so that the legality analysis
    finds it on the use-def chain. With dimensions of heads:

    | y | x | down | up | |
    |---|---|---|---|---|
    | `[T, N]` | `[T, K]` | `[E, J, K]` | `[E, N, J]` | of a `plain` projection |
    | `[T, H, N]` | `[T, K]` | `[E, J, K]` | `[E, H, N, J]` | `to_heads` |
    | `[T, H, N]` | `[T, H, K]` | `[E, J, K]` | `[E, H, N, J]` | `per_head`, of values: W_UV |
    | `[T, H, N]` | `[T, H, K]` | `[E, H, J, K]` | `[E, N, J]` | `per_head`, of queries: W_UK, transposed |
    | `[T, N]` | `[T, H, K]` | `[E, J, H, K]` | `[E, N, J]` | `from_heads`, summed over heads too |

    A weight with `panels` has its contracted index before its rows: `[…, K, J]`
    of down, of `from_heads` `[E, H, K, J]`, and `[…, J, N]` of up.

    (C1) ranks are those of a row of the table;
    (C2) sizes agree, all but T are static and positive, and at most 2^31 - 1.

    ```mlir
    func.func @adapted(%c: tensor<?x64xf32>, %k: tensor<?x4x32xf32>, %adapters: tensor<?xi32>,
                       %cu_keys: tensor<?xi32>) -> tensor<?x4x32xf32> {
      %a = mla.weight "kv_b_proj.lora_A" : tensor<3x8x64xf32>
      %b = mla.weight "kv_b_proj.lora_B" : tensor<3x4x32x8xf32>
      %y = mla.adapt %k by %c, %a, %b of %adapters for %cu_keys
          : (tensor<?x4x32xf32>, tensor<?x64xf32>, tensor<3x8x64xf32>, tensor<3x4x32x8xf32>) -> tensor<?x4x32xf32>
      return %y : tensor<?x4x32xf32>
    }
    ```
  }];
  let arguments = (ins
    MLA_Activation:$y, MLA_Activation:$x, MLA_Weight:$down, MLA_Weight:$up, MLA_Indices:$adapters, MLA_Indices:$cu,
    UnitProp:$down_panels, UnitProp:$up_panels
  );
  let results = (outs MLA_Activation:$result);
  let assemblyFormat = [{
    $y `by` $x `,` $down (`panels` $down_panels^)? `,` $up (`panels` $up_panels^)? `of` $adapters `for` $cu attr-dict
    `:` `(` type($y) `,` type($x) `,` type($down) `,` type($up) `)` `->` type($result)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Sizes: of adapters, the rank, the heads of x and of y (1: none), and the columns of x and of y per head.
    struct Sizes {
      int64_t adapters, rank, headsIn, headsOut, contracted, rows;
    };
    Sizes getSizes();
    /// Return whether heads of x are summed.
    bool sumsHeads();
  }];
}

#endif // MLA_ADAPTEROPS_TD
