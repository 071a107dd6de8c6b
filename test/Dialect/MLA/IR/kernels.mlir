// Kernels, launches and their attributes, in the custom and the generic form.
//
// RUN: mla-opt %s | FileCheck %s
// RUN: mla-opt %s | mla-opt | FileCheck %s
// RUN: mla-opt %s --mlir-print-op-generic | mla-opt | FileCheck %s

// CHECK-LABEL: func.func @scheduled
func.func @scheduled(%hidden: tensor<?x160xbf16>, %w_dq: tensor<48x160xbf16>) -> tensor<?x48xbf16> {
  // CHECK: %[[Q:.*]] = mla.kernel projection "q_a"(%[[X:.*]] = %{{.*}}, %[[W:.*]] = %{{.*}})
  // CHECK-NEXT: schedule <projection, {rows = 128, tokens = 64}> : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16> {
  // CHECK-NEXT: %[[Y:.*]] = mla.project %[[X]], %[[W]]
  // CHECK-NEXT: mla.yield %[[Y]] : tensor<?x48xbf16>
  // CHECK-NEXT: }
  %q_a = mla.kernel projection "q_a"(%x = %hidden, %w = %w_dq) schedule <projection, {tokens = 64, rows = 128}>
      : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16> {
    %y = mla.project %x, %w : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16>
    mla.yield %y : tensor<?x48xbf16>
  }
  // CHECK: return %[[Q]]
  return %q_a : tensor<?x48xbf16>
}

// One class of choices needs no brackets.
// CHECK-LABEL: func.func @classes
func.func @classes(%hidden: tensor<?x160xbf16>, %w_dq: tensor<48x160xbf16>) {
  // CHECK: mla.kernel projection "two"
  // CHECK-NEXT: schedule <projection, [{limit = 16, tokens = 16}, {limit = 64}, {}]> :
  %q_a = mla.kernel projection "two"(%x = %hidden, %w = %w_dq) schedule <projection, [{tokens = 16, limit = 16}, {limit = 64}, {}]>
      : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16> {
    %y = mla.project %x, %w : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16>
    mla.yield %y : tensor<?x48xbf16>
  }
  // CHECK: mla.kernel projection "one"
  // CHECK-NEXT: schedule <projection, {tokens = 32}> :
  %q_b = mla.kernel projection "one"(%x = %hidden, %w = %w_dq) schedule <projection, [{tokens = 32}]>
      : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16> {
    %y = mla.project %x, %w : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16>
    mla.yield %y : tensor<?x48xbf16>
  }
  return
}

// CHECK-LABEL: func.func @unscheduled
func.func @unscheduled(%cache: !mla.cache<page = 16, latent = 64, rope = 16, bf16>) -> tensor<?xi32> {
  // CHECK: %[[G:.*]]:3 = mla.kernel gather "latent"(%{{.*}} = %{{.*}}) : (!mla.cache<{{.*}}>) -> (tensor<?x64xbf16>, tensor<?x16xbf16>, tensor<?xi32>) attributes {note = "kept"} {
  %g:3 = mla.kernel gather "latent"(%c = %cache) : (!mla.cache<page = 16, latent = 64, rope = 16, bf16>)
      -> (tensor<?x64xbf16>, tensor<?x16xbf16>, tensor<?xi32>) attributes {note = "kept"} {
    %latent, %k_rope, %cu_keys = mla.gather %c : !mla.cache<page = 16, latent = 64, rope = 16, bf16>
    mla.yield %latent, %k_rope, %cu_keys : tensor<?x64xbf16>, tensor<?x16xbf16>, tensor<?xi32>
  }
  // CHECK: return %[[G]]#2
  return %g#2 : tensor<?xi32>
}

// A kernel without a name.
// CHECK-LABEL: func.func @unnamed
func.func @unnamed(%x: tensor<?x64xbf16>, %gamma: tensor<64xf32>) {
  // CHECK: mla.kernel normalize ""(
  %y = mla.kernel normalize ""(%a = %x, %g = %gamma) : (tensor<?x64xbf16>, tensor<64xf32>) -> tensor<?x64xbf16> {
    %z = mla.rms_norm %a, %g {epsilon = 1.0e-6 : f64} : tensor<?x64xbf16>, tensor<64xf32> -> tensor<?x64xbf16>
    mla.yield %z : tensor<?x64xbf16>
  }
  return
}

// CHECK-LABEL: gpu.module @kernels
gpu.module @kernels {
  llvm.func @half(%map: !llvm.ptr, %out: !llvm.ptr<1>, %tokens: i32, %scale: f32) {
    llvm.return
  }
}

// CHECK: mla.launches @decode regime <{phase = decode, q = absorb, o = absorb}> weights ["q_a_proj"]
// CHECK-SAME: bindings [#mla.binding<"hidden", tensor<?x160xbf16>>, #mla.binding<"pages", tensor<?x64x80xf32>>, #mla.binding<"lengths", tensor<?xi32>>] {
// CHECK-NEXT: mla.workspace "temp:0" bytes (tokens * 3072 + 3072)
// CHECK-NEXT: mla.launch @kernels::@half grid (tokens ceildiv 64, batch, 1) threads 256 shared 230848 overlap args [
// CHECK-NEXT: #mla.tensor_map<"weight:q_a_proj", offset = 16, dims = (160, 48), strides = (320), box = (64, 48), swizzle = 128>,
// CHECK-NEXT: #mla.pointer<"temp:0", offset = 4>,
// CHECK-NEXT: #mla.extent<(max_length - 1) floordiv (pages * table_width) + processors mod 3>,
// CHECK-NEXT: 1.250000e-01 : f32]
// CHECK-NEXT: }
mla.launches @decode regime <{phase = decode, q = absorb, o = absorb}> weights ["q_a_proj"]
    bindings [#mla.binding<"hidden", tensor<?x160xbf16>>, #mla.binding<"pages", tensor<?x64x80xf32>>,
              #mla.binding<"lengths", tensor<?xi32>>] {
  mla.workspace "temp:0" bytes (tokens * 3072 + 3072)
  mla.launch @kernels::@half grid (tokens ceildiv 64, batch, 1) threads 256 shared 230848 overlap args [
      #mla.tensor_map<"weight:q_a_proj", offset = 16, dims = (160, 48), strides = (320), box = (64, 48), swizzle = 128>,
      #mla.pointer<"temp:0", offset = 4>,
      #mla.extent<(max_length - 1) floordiv (pages * table_width) + processors mod 3>,
      0.125 : f32]
}

// The launches of a core, without overlap.
// CHECK: mla.launches @latent_attention bindings [#mla.binding<"q_rope", tensor<?x4x?xbf16>>, #mla.binding<"lse", tensor<?x4xf32>>] {
// CHECK-NEXT: mla.launch @kernels::@half grid (1, max_queries, cached) threads 1 shared 0 args [
// CHECK-NEXT: #mla.tensor_map<"q_rope", offset = 0, dims = (tokens * 4), strides = (), box = (8), swizzle = 0>,
// CHECK-NEXT: #mla.pointer<"lse">,
// CHECK-NEXT: #mla.extent<q_stride * 64>,
// CHECK-NEXT: 0.000000e+00 : f32]
mla.launches @latent_attention bindings [#mla.binding<"q_rope", tensor<?x4x?xbf16>>, #mla.binding<"lse", tensor<?x4xf32>>] {
  mla.launch @kernels::@half grid (1, max_queries, cached) threads 1 shared 0 args [
      #mla.tensor_map<"q_rope", offset = 0, dims = (tokens * 4), strides = (), box = (8), swizzle = 0>,
      #mla.pointer<"lse">, #mla.extent<q_stride * 64>, 0.0 : f32]
}
