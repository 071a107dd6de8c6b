//===- MLAKernelOps.td - Operations as kernels -------------*- tablegen -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Constraints are labelled as in MLAOps.td.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_KERNELOPS_TD
#define MLA_KERNELOPS_TD

include "mla/Dialect/MLA/IR/MLAKernelAttrs.td"
include "mla/Dialect/MLA/IR/MLAOpBase.td"

def MLA_KernelOp : MLA_Op<"kernel", [IsolatedFromAbove, RecursiveMemoryEffects, SingleBlock,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>]> {
  let summary = "the computation of one device kernel, and its schedule";
  let description = [{
    The region holds unchanged mla operations, and slices, which a kernel reads
    through strides. Its arguments are the operands; each operand is a buffer in
    device memory (a cache is three), and so is each result. A yielded cache is
    the operand itself: kernels write it in place. `mla-schedule-kernels`
    attaches the schedule.

    (C1) the region's arguments have the operands' types;
    (C2) yielded values have the results' types;
    (C3) the schedule is one of the kernel's kind, with keys and values known to
    the kind;
    (C4) the region holds the kind's operation exactly once (a sum: all additions)
    and others of mla at most once, except those that the kind also stores; it
    yields its results, then theirs, possibly through operations that it fuses;
    (C5) the kind is one of the target's (`mla/Dialect/MLA/IR/KernelKind.h`).

    | kind | operation |
    |---|---|
    | `projection` | `mla.project` |
    | `normalize`, `rope` | `mla.rms_norm`, `mla.rope`; their results may be scaled by position and rounded. A norm may be of a sum, and store it; or store its input beside its result (`tensor.concat` of their columns) |
    | `append`, `gather` | `mla.append`, `mla.gather`; the first may also store rotated queries |
    | `latent_attention`, `naive_attention` | `mla.latent_attention`, `mla.attention` |
    | `embed`, `swiglu`, `route` | `mla.embed`, `mla.swiglu`, `mla.route` |
    | `router` | `mla.route`; the projection of its logits is in the region |
    | `gated_projection` | `mla.swiglu`; the projection is in the region |
    | `routed_choices` | `mla.sort_choices`; it also stores the norm whose rows it sorts, the route by it, and the norm's sum |
    | `sort_choices`, `grouped_projection`, `mix_choices` | `mla.sort_choices`, `mla.grouped_project`, `mla.mix_choices`; the last with its product, and its result may be added to others |
    | `sum` | `arith.addf`, of two or more tensors, in f32; the result is rounded |
    | `adapt` | `mla.adapt`; its result is rounded |
    | `pass_choices`, `join` | `mla.pass_choices`; `tensor.concat` of the columns of two tensors |

    ```mlir
    func.func @down(%hidden: tensor<?x160xbf16>) -> tensor<?x48xbf16> {
      %w_dq = mla.weight "q_a_proj" : tensor<48x160xbf16>
      %q_a = mla.kernel projection "q_a"(%x = %hidden, %w = %w_dq)
          schedule <projection, {rows = 128, splits = 1, stages = 5, tokens = 64}>
          : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16> {
        %y = mla.project %x, %w : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16>
        mla.yield %y : tensor<?x48xbf16>
      }
      return %q_a : tensor<?x48xbf16>
    }
    ```
  }];
  let arguments = (ins
    Variadic<AnyType>:$inputs, StrAttr:$kind, StrAttr:$name, OptionalAttr<MLA_Schedule>:$schedule
  );
  let results = (outs Variadic<AnyType>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// Return the kind in the module's target, or emit an error and return null.
    const KernelKind *findKind();
    /// Return the region's terminator.
    ::mlir::Operation *getYield() { return getBody().front().getTerminator(); }
  }];
}

def MLA_YieldOp : MLA_Op<"yield", [Pure, Terminator, HasParent<"KernelOp">]> {
  let summary = "the results of a kernel";
  let description = [{
    Terminates the region of `mla.kernel`; see its example.
  }];
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

#endif // MLA_KERNELOPS_TD
