//===- MLALaunchOps.td - Kernels as launches ---------------*- tablegen -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The launch lists of a bundle's manifest, as operations. Constraints are
// labelled as in MLAOps.td.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LAUNCHOPS_TD
#define MLA_LAUNCHOPS_TD

include "mla/Dialect/MLA/IR/MLAKernelAttrs.td"
include "mla/Dialect/MLA/IR/MLAOpBase.td"

def MLA_LaunchesOp : MLA_Op<"launches", [Symbol, IsolatedFromAbove, SingleBlock, NoTerminator,
    NoRegionArguments]> {
  let summary = "scratch memory and launches of one step, in order";
  let description = [{
    Replaces a function of `mla.kernel` operations. Memory has names: `bindings`
    are passed by the caller; `weight:<name>` is one of the weights; `temp:<n>`
    is scratch memory, declared by `mla.workspace`. A list with a regime is an
    entry. A list without one is a core, identified by its name: an attention
    without its layer, the check of a step's tables, an end of a model, which
    has `mla.end`, or the choice of the next token. The table of
    mla/launch_abi.def lists the cores, and the buffers of each and of an entry.

    (C1) the region holds only `mla.workspace`, `mla.launch` and `mla.collective`;
    (C2) every buffer of a launch is bound, one of the weights or declared
    before;
    (C3) scratch memory is declared once;
    (C4) bindings are buffers of the table, each at most once;
    (C5) their types have the rank and the kind of elements given by the table,
    and `?` for extents known only to a step;
    (C6) choices are of different kernels, expressions name only their limits, and
    `mla.choice` of a launch is one of them.

    ```mlir
    mla.launches @decode regime <{phase = decode, q = absorb, o = absorb}> weights ["q_a_proj"]
        bindings [#mla.binding<"hidden", tensor<?x7168xbf16>>, #mla.binding<"cu_seqlens", tensor<?xi32>>] {
      mla.workspace "temp:0" bytes (tokens * 3072)
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, OptionalAttr<MLA_Regime>:$regime,
                       DefaultValuedAttr<StrArrayAttr, "{}">:$weights,
                       DefaultValuedAttr<MLA_BindingArray, "{}">:$bindings,
                       DefaultValuedAttr<MLA_ChoiceArray, "{}">:$choices);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name (`regime` $regime^)? (`weights` $weights^)? (`bindings` $bindings^)? (`choices` $choices^)?
    attr-dict-with-keyword $body
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def MLA_WorkspaceOp : MLA_Op<"workspace", [HasParent<"LaunchesOp">]> {
  let summary = "scratch memory of a step";
  let description = [{
    A value passed between two kernels, or a kernel's own memory. Its contents
    are lost between steps. The runtime aligns it to 256 bytes.

    (C1) the bytes are one expression over the sizes of a step.

    ```mlir
    mla.launches @core {
      mla.workspace "temp:0" bytes ((processors + batch) * 131072)
    }
    ```
  }];
  let arguments = (ins StrAttr:$name, AffineMapAttr:$bytes);
  let assemblyFormat = "$name `bytes` custom<Expressions>($bytes) attr-dict";
  let hasVerifier = 1;
}

def MLA_LaunchOp : MLA_Op<"launch", [HasParent<"LaunchesOp">, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "a kernel, its grid and its arguments";
  let description = [{
    `grid` is the number of CTAs in three dimensions, `threads` the number of
    threads per CTA, `shared` the bytes of dynamic shared memory. With `overlap`
    the kernel may start while its predecessor runs, and waits for it itself
    (programmatic dependent launch). An argument is `#mla.tensor_map`,
    `#mla.pointer`, `#mla.extent` or a float. A launch with a zero in its grid is
    skipped.

    (C1) the grid has three expressions, a CTA 1 to 1024 threads, shared memory
    at most 232448 bytes;
    (C2) an argument is one of those four;
    (C3) the kernel is a function of a `gpu.module`;
    (C4) its parameters match the arguments in number and kind: integers, floats
    and addresses.

    ```mlir
    gpu.module @kernels {
      llvm.func @half(%x: !llvm.ptr<1>, %tokens: i32) attributes {nvvm.kernel} {
        llvm.return
      }
    }
    mla.launches @latent_attention bindings [#mla.binding<"out", tensor<?x128x512xbf16>>] {
      mla.launch @kernels::@half grid (tokens ceildiv 8, 1, 1) threads 256 shared 0 overlap
          args [#mla.pointer<"out">, #mla.extent<tokens>]
    }
    ```
  }];
  let arguments = (ins
    SymbolRefAttr:$kernel, AffineMapAttr:$grid, I64Attr:$threads, I64Attr:$shared, UnitAttr:$overlap, ArrayAttr:$args
  );
  let assemblyFormat = [{
    $kernel `grid` custom<Expressions>($grid) `threads` $threads `shared` $shared (`overlap` $overlap^)?
    `args` custom<Arguments>($args) attr-dict
  }];
  let hasVerifier = 1;
}

def MLA_CollectiveOp : MLA_Op<"collective", [HasParent<"LaunchesOp">]> {
  let summary = "an exchange of data between ranks";
  let description = [{
    Takes the place of a launch: `ranks` neighbouring ranks exchange `count`
    elements of a block, or, to reduce, of the whole, from `in` to `out`, which
    then may be the same.

    (C1) there are 2 ranks at least, and the elements are f32 or bf16;
    (C2) the count is one expression over the sizes of a step.

    ```mlir
    mla.launches @latent_attention bindings [#mla.binding<"out", tensor<?x128x512xbf16>>] {
      mla.collective all_reduce of bf16 among 8 from #mla.pointer<"out"> to #mla.pointer<"out"> count (tokens * 65536)
    }
    ```
  }];
  let arguments = (ins MLA_CollectiveAttr:$kind, TypeAttr:$element, I64Attr:$ranks, MLA_Pointer:$in, MLA_Pointer:$out,
                       AffineMapAttr:$count);
  let assemblyFormat = [{
    $kind `of` $element `among` $ranks `from` $in `to` $out `count` custom<Expressions>($count) attr-dict
  }];
  let hasVerifier = 1;
}

#endif // MLA_LAUNCHOPS_TD
