//===- MLALaunchOps.td - Kernels as launches ---------------*- tablegen -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the manifest of a bundle lists, as operations. Constraints are labelled
// as in MLAOps.td.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LAUNCHOPS_TD
#define MLA_LAUNCHOPS_TD

include "mla/Dialect/MLA/IR/MLAKernelAttrs.td"
include "mla/Dialect/MLA/IR/MLAOpBase.td"

def MLA_LaunchesOp : MLA_Op<"launches", [Symbol, IsolatedFromAbove, SingleBlock, NoTerminator,
    NoRegionArguments]> {
  let summary = "what the runtime does for one step: scratch memory and launches in order";
  let description = [{
    Stands in the place of a function of `mla.kernel` operations. Memory has
    names: `bindings` are what the caller gives; `weight:<name>` is one of the
    weights; `temp:<n>` is scratch memory, which `mla.workspace` declares. A
    list with a regime is an entry. One without is a core, named by what it is:
    an attention called alone, or the check of a step's tables. The table of
    mla/launch_abi.def has the cores, and the buffers of each and of an entry.

    (C1) there is nothing but `mla.workspace` and `mla.launch` in it;
    (C2) every buffer that a launch names is bound, one of the weights or
    declared before;
    (C3) scratch memory is declared once;
    (C4) what is bound are buffers of the table, each once;
    (C5) their types have the rank and the kind of elements that the table says,
    and `?` for extents that only a step knows.

    ```mlir
    mla.launches @decode regime <{phase = decode, q = absorb, o = absorb}> weights ["q_a_proj"]
        bindings [#mla.binding<"hidden", tensor<?x7168xbf16>>, #mla.binding<"cu_seqlens", tensor<?xi32>>] {
      mla.workspace "temp:0" bytes (tokens * 3072)
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, OptionalAttr<MLA_Regime>:$regime,
                       DefaultValuedAttr<StrArrayAttr, "{}">:$weights,
                       DefaultValuedAttr<MLA_BindingArray, "{}">:$bindings);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name (`regime` $regime^)? (`weights` $weights^)? (`bindings` $bindings^)? attr-dict-with-keyword $body
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def MLA_WorkspaceOp : MLA_Op<"workspace", [HasParent<"LaunchesOp">]> {
  let summary = "scratch memory of a step";
  let description = [{
    A value between two kernels, or a kernel's own memory. Nothing of it is kept
    from one step to the next. The runtime aligns it to 256 bytes.

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
    `grid` is blocks in three dimensions, `threads` those of a block, `shared`
    the bytes of dynamic shared memory. With `overlap` the kernel may be started
    while its predecessor runs: it waits itself (programmatic dependent launch).
    An argument is `#mla.tensor_map`, `#mla.pointer`, `#mla.extent` or a float.
    A launch whose grid has a zero is skipped.

    (C1) the grid has three expressions, a block 1 to 1024 threads, shared
    memory at most 232448 bytes;
    (C2) an argument is one of those four;
    (C3) the kernel is a function of a `gpu.module`;
    (C4) it takes as many arguments, integers, floats and addresses where they
    are given.

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

#endif // MLA_LAUNCHOPS_TD
