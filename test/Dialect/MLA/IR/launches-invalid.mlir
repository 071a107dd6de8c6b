// One case per constraint of launch lists, named for its label in MLALaunchOps.td and MLAKernelAttrs.td.
//
// RUN: mla-opt %s --split-input-file --verify-diagnostics

mla.launches @workspace_c1_expression {
  // expected-error @+1 {{(C1) the bytes must be one expression over the sizes of a step}}
  mla.workspace "temp:0" bytes (tokens, batch)
}

// -----

mla.launches @launch_c1_grid {
  // expected-error @+1 {{(C1) the grid must be three expressions over the sizes of a step}}
  mla.launch @k::@f grid (1, 1) threads 32 shared 0 args []
}

// -----

mla.launches @launch_c1_threads {
  // expected-error @+1 {{(C1) a block has 1 to 1024 threads, got 1056}}
  mla.launch @k::@f grid (1, 1, 1) threads 1056 shared 0 args []
}

// -----

mla.launches @launch_c1_shared {
  // expected-error @+1 {{(C1) a block has at most 232448 bytes of shared memory, got 232449}}
  mla.launch @k::@f grid (1, 1, 1) threads 32 shared 232449 args []
}

// -----

mla.launches @launch_c2_arguments {
  // expected-error @+1 {{(C2) an argument must be a tensor map, a pointer, an extent or an f32, got 1 : i32}}
  mla.launch @k::@f grid (1, 1, 1) threads 32 shared 0 args [1 : i32]
}

// -----

mla.launches @launch_c3_kernel {
  // expected-error @+1 {{(C3) unknown kernel @k::@f}}
  mla.launch @k::@f grid (1, 1, 1) threads 32 shared 0 args []
}

// -----

gpu.module @k {
  llvm.func @f(%x: i32) {
    llvm.return
  }
}
mla.launches @launch_c4_number {
  // expected-error @+1 {{(C4) expected 1 arguments of @k::@f, got 0}}
  mla.launch @k::@f grid (1, 1, 1) threads 32 shared 0 args []
}

// -----

gpu.module @k {
  llvm.func @f(%x: i32) {
    llvm.return
  }
}
mla.launches @latent_attention bindings [#mla.binding<"out", tensor<?x1x8xbf16>>] {
  // expected-error @+1 {{(C4) expected an argument of type 'i32' of @k::@f, got #mla.pointer<"out">}}
  mla.launch @k::@f grid (1, 1, 1) threads 32 shared 0 args [#mla.pointer<"out">]
}

// -----

// expected-error @+1 {{(C1) cannot contain 'arith.constant'}}
mla.launches @launches_c1_nothing_else {
  %c = arith.constant 0 : index
}

// -----

gpu.module @k {
  llvm.func @f(%x: !llvm.ptr<1>) {
    llvm.return
  }
}
mla.launches @launches_c2_weight regime <{phase = decode, q = naive, o = naive}> weights ["w_uk"] {
  // expected-error @+1 {{(C2) unknown buffer "weight:w_uv"}}
  mla.launch @k::@f grid (1, 1, 1) threads 32 shared 0 args [#mla.pointer<"weight:w_uv">]
}

// -----

gpu.module @k {
  llvm.func @f(%x: !llvm.ptr<1>) {
    llvm.return
  }
}
// An entry has no buffer of a core.
mla.launches @launches_c2_core regime <{phase = decode, q = naive, o = naive}>
    bindings [#mla.binding<"hidden", tensor<?x8xbf16>>] {
  // expected-error @+1 {{(C2) unknown buffer "q_latent"}}
  mla.launch @k::@f grid (1, 1, 1) threads 32 shared 0 args [#mla.pointer<"q_latent">]
}

// -----

mla.launches @launches_c3_twice {
  mla.workspace "temp:0" bytes (tokens)
  // expected-error @+1 {{(C3) "temp:0" is already declared}}
  mla.workspace "temp:0" bytes (tokens)
}

// -----

// expected-error @+1 {{(C4) has no buffer "scales"; expected one of hidden, cu_seqlens, pages, block_table, lengths, adapters, out}}
mla.launches @launches_c4_unknown regime <{phase = decode, q = naive, o = naive}>
    bindings [#mla.binding<"scales", tensor<?x8xbf16>>] {
}

// -----

// expected-error @+1 {{(C4) has no buffer "pages"; expected one of q_nope, q_rope, cu_seqlens, k_nope, k_rope, cu_keys, v, sinks, out}}
mla.launches @naive_attention bindings [#mla.binding<"pages", tensor<?x64x80xbf16>>] {
}

// -----

// expected-error @+1 {{(C4) binds "hidden" twice}}
mla.launches @launches_c4_twice regime <{phase = decode, q = naive, o = naive}>
    bindings [#mla.binding<"hidden", tensor<?x8xbf16>>, #mla.binding<"hidden", tensor<?x8xbf16>>] {
}

// -----

// expected-error @+1 {{(C4) binds buffers, but is neither an entry with a regime nor one of latent_attention, naive_attention, step_check}}
mla.launches @launches_c4_list bindings [#mla.binding<"hidden", tensor<?x8xbf16>>] {
}

// -----

// expected-error @+1 {{(C5) expected rank 3 of "pages", got 'tensor<?x80xbf16>'}}
mla.launches @launches_c5_rank regime <{phase = decode, q = naive, o = naive}>
    bindings [#mla.binding<"pages", tensor<?x80xbf16>>] {
}

// -----

// expected-error @+1 {{(C5) expected elements of i32 in "lengths", got 'tensor<?xf32>'}}
mla.launches @launches_c5_indices regime <{phase = decode, q = naive, o = naive}>
    bindings [#mla.binding<"lengths", tensor<?xf32>>] {
}

// -----

// expected-error @+1 {{(C5) expected elements of a float type in "hidden", got 'tensor<?x8xi32>'}}
mla.launches @launches_c5_float regime <{phase = decode, q = naive, o = naive}>
    bindings [#mla.binding<"hidden", tensor<?x8xi32>>] {
}

// -----

// expected-error @+1 {{(C5) expected extent #1 of "hidden" to be known, got 'tensor<?x?xbf16>'}}
mla.launches @launches_c5_unknown_width regime <{phase = decode, q = naive, o = naive}>
    bindings [#mla.binding<"hidden", tensor<?x?xbf16>>] {
}

// -----

// expected-error @+1 {{(C5) expected extent #0 of "out" to be '?', got 'tensor<4x8xbf16>'}}
mla.launches @launches_c5_known_rows regime <{phase = decode, q = naive, o = naive}>
    bindings [#mla.binding<"out", tensor<4x8xbf16>>] {
}

// -----

mla.launches @launches_c6_limit choices [#mla.choice<"q", size = tokens, limits = (16), most = (64)>] {
  // expected-error @+1 {{(C6) names limit1, but the choices of the list have 1 limits}}
  mla.workspace "temp:0" bytes (tokens * limit1)
}

// -----

// expected-error @+1 {{(C6) has a second choice of kernel "q"}}
mla.launches @launches_c6_kernel choices [#mla.choice<"q", size = tokens, limits = (16), most = (64)>,
                                          #mla.choice<"q", size = batch, limits = (1), most = (2)>] {
}

// -----

llvm.func @f()
mla.launches @launches_c6_choice choices [#mla.choice<"q", size = tokens, limits = (16), most = (64)>] {
  // expected-error @+1 {{(C6) is of choice 1, but the list has 1}}
  mla.launch @f grid (1, 1, 1) threads 32 shared 0 args [] {mla.choice = 1 : i64}
}

// -----

llvm.func @f()
mla.launches @choice_type {
  // expected-error @+1 {{expected mla.choice to be an i64, got "q"}}
  mla.launch @f grid (1, 1, 1) threads 32 shared 0 args [] {mla.choice = "q"}
}
