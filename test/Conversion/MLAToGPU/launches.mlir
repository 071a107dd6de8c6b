// Functions become launches: buffers of the caller by name, weights by name, scratch memory between kernels.
//
// RUN: mla-opt %s --mla-schedule-kernels --convert-mla-to-gpu | FileCheck %s --implicit-check-not=func.func
// RUN: mla-opt %s --mla-schedule-kernels --convert-mla-to-gpu --mla-to-nvvm | FileCheck %s --check-prefix=NVVM --implicit-check-not=scf. --implicit-check-not=arith.

!cache = !mla.cache<page = 16, latent = 64, rope = 16, bf16>

// Equal kernels are generated once.
// CHECK: gpu.module @kernels
// CHECK-DAG: llvm.func @mla_probe(
// CHECK-DAG: llvm.func @[[PROJECT:projection_.*]](%{{.*}}: !llvm.ptr
// CHECK-DAG: llvm.func @[[NORM:normalize_.*]](
// CHECK-DAG: llvm.func @[[GATHER:gather_.*]](
// CHECK-NOT: llvm.func @{{projection|normalize|gather}}_
// NVVM: gpu.module @kernels
// NVVM: mla.launches @prefill

// CHECK-LABEL: mla.launches @prefill
// CHECK-SAME: regime <{phase = prefill, q = naive, o = naive}> weights ["w_down", "gamma", "w_up"]
// CHECK-SAME: bindings [#mla.binding<"hidden", tensor<?x160xbf16>>, #mla.binding<"cu_seqlens", tensor<?xi32>>, #mla.binding<"pages", tensor<?x16x80xbf16>>, #mla.binding<"block_table", tensor<?x?xi32>>, #mla.binding<"lengths", tensor<?xi32>>, #mla.binding<"out", tensor<?x160xbf16>>] {

// The intermediate result of a kernel has one row per token.
// CHECK-NEXT: mla.workspace "temp:0" bytes (tokens * 320)
// CHECK-NEXT: mla.launch @kernels::@[[PROJECT]] grid ({{.*}}) threads {{[0-9]+}} shared {{[0-9]+}} overlap args [
// CHECK-DAG: #mla.tensor_map<"weight:w_down", offset = 0, dims = (160, 160, 1)
// CHECK-DAG: #mla.tensor_map<"hidden", offset = 0, dims = (160, tokens, 1), strides = (320,
// CHECK-DAG: #mla.tensor_map<"temp:0", offset = 0, dims = (160, tokens, 1)
// CHECK: #mla.extent<tokens>]
// CHECK-NEXT: mla.workspace "temp:1" bytes (tokens * 320)
// CHECK-NEXT: mla.launch @kernels::@[[NORM]]
// CHECK-NEXT: #mla.pointer<"temp:0">,
// CHECK-NEXT: #mla.pointer<"weight:gamma">,
// CHECK-NEXT: #mla.pointer<"temp:1">,

// Rows of the cached tokens, and one more than the number of sequences.
// CHECK: mla.workspace "temp:2" bytes (cached * 128)
// CHECK-NEXT: mla.workspace "temp:3" bytes (cached * 32)
// CHECK-NEXT: mla.workspace "temp:4" bytes ((batch + 1) * 4)
// CHECK-NEXT: mla.launch @kernels::@[[GATHER]]
// CHECK-NEXT: #mla.pointer<"pages">,
// CHECK-NEXT: #mla.pointer<"block_table">,
// CHECK-NEXT: #mla.pointer<"lengths">,
// CHECK-NEXT: #mla.pointer<"temp:2">,

// A returned value is in the caller's memory.
// CHECK: mla.launch @kernels::@[[PROJECT]]
// CHECK-DAG: #mla.tensor_map<"weight:w_up",
// CHECK-DAG: #mla.tensor_map<"temp:1",
// CHECK-DAG: #mla.tensor_map<"out",
// CHECK: }
func.func @prefill(%hidden: tensor<?x160xbf16>, %cu: tensor<?xi32>, %cache: !cache) -> (tensor<?x160xbf16>, !cache)
    attributes {mla.phase = #mla.phase<prefill>, mla.regime = #mla.regime<{phase = prefill, q = naive, o = naive}>} {
  %w_down = mla.weight "w_down" : tensor<160x160xbf16>
  %gamma = mla.weight "gamma" : tensor<160xf32>
  %w_up = mla.weight "w_up" : tensor<160x160xbf16>
  %a = mla.kernel projection "a"(%x = %hidden, %w = %w_down) : (tensor<?x160xbf16>, tensor<160x160xbf16>) -> tensor<?x160xbf16> {
    %y = mla.project %x, %w : (tensor<?x160xbf16>, tensor<160x160xbf16>) -> tensor<?x160xbf16>
    mla.yield %y : tensor<?x160xbf16>
  }
  %b = mla.kernel normalize "b"(%x = %a, %g = %gamma) : (tensor<?x160xbf16>, tensor<160xf32>) -> tensor<?x160xbf16> {
    %y = mla.rms_norm %x, %g {epsilon = 1.0e-06 : f64} : tensor<?x160xbf16>, tensor<160xf32> -> tensor<?x160xbf16>
    mla.yield %y : tensor<?x160xbf16>
  }
  %c:3 = mla.kernel gather "c"(%k = %cache) : (!cache) -> (tensor<?x64xbf16>, tensor<?x16xbf16>, tensor<?xi32>) {
    %latent, %k_rope, %cu_keys = mla.gather %k : !cache
    mla.yield %latent, %k_rope, %cu_keys : tensor<?x64xbf16>, tensor<?x16xbf16>, tensor<?xi32>
  }
  %d = mla.kernel projection "d"(%x = %b, %w = %w_up) : (tensor<?x160xbf16>, tensor<160x160xbf16>) -> tensor<?x160xbf16> {
    %y = mla.project %x, %w : (tensor<?x160xbf16>, tensor<160x160xbf16>) -> tensor<?x160xbf16>
    mla.yield %y : tensor<?x160xbf16>
  }
  return %d, %cache : tensor<?x160xbf16>, !cache
}

// Queries of an attention core have rows of a width known only to the step; its buffers have their own names.
// CHECK-LABEL: mla.launches @naive_attention
// CHECK-SAME: bindings [#mla.binding<"q_nope", tensor<?x4x?xbf16>>, #mla.binding<"q_rope", tensor<?x4x?xbf16>>, #mla.binding<"cu_seqlens", tensor<?xi32>>, #mla.binding<"k_nope", tensor<?x4x32xbf16>>, #mla.binding<"k_rope", tensor<?x16xbf16>>, #mla.binding<"cu_keys", tensor<?xi32>>, #mla.binding<"v", tensor<?x4x32xbf16>>, #mla.binding<"out", tensor<?x4x32xbf16>>] {
// CHECK: mla.launch @kernels::@naive_attention_p32
// CHECK-NEXT: #mla.tensor_map<"q_nope", offset = 0, dims = (32, 4, tokens), strides = (q_stride * 2, q_stride * 8)
// CHECK-NEXT: #mla.tensor_map<"q_rope", offset = 0, dims = (16, 4, tokens), strides = (q_rope_stride * 2, q_rope_stride * 8)
// CHECK-NEXT: #mla.tensor_map<"k_nope", offset = 0, dims = (32, 4, cached), strides = (64, 256)
// CHECK-NEXT: #mla.tensor_map<"k_rope", offset = 0, dims = (16, cached), strides = (32)
// CHECK-NEXT: #mla.tensor_map<"v", offset = 0, dims = (32, 4, cached)
// CHECK-NEXT: #mla.pointer<"cu_seqlens">,
// CHECK-NEXT: #mla.pointer<"cu_keys">,
// CHECK-NEXT: #mla.pointer<"out">,
func.func @naive_attention(%q: tensor<?x4x?xbf16> {mla.buffer = "q_nope"}, %qr: tensor<?x4x?xbf16> {mla.buffer = "q_rope"},
                           %cu: tensor<?xi32> {mla.buffer = "cu_seqlens"}, %k: tensor<?x4x32xbf16> {mla.buffer = "k_nope"},
                           %kr: tensor<?x16xbf16> {mla.buffer = "k_rope"}, %cuk: tensor<?xi32> {mla.buffer = "cu_keys"},
                           %v: tensor<?x4x32xbf16> {mla.buffer = "v"}) -> (tensor<?x4x32xbf16> {mla.buffer = "out"}) {
  %o = mla.kernel naive_attention "o"(%a = %q, %b = %qr, %c = %cu, %d = %k, %e = %kr, %f = %cuk, %g = %v)
      : (tensor<?x4x?xbf16>, tensor<?x4x?xbf16>, tensor<?xi32>, tensor<?x4x32xbf16>, tensor<?x16xbf16>, tensor<?xi32>, tensor<?x4x32xbf16>)
      -> tensor<?x4x32xbf16> {
    %c0 = arith.constant 0 : index
    %t = tensor.dim %a, %c0 : tensor<?x4x?xbf16>
    %qn = tensor.extract_slice %a[0, 0, 0] [%t, 4, 32] [1, 1, 1] : tensor<?x4x?xbf16> to tensor<?x4x32xbf16>
    %r = tensor.dim %b, %c0 : tensor<?x4x?xbf16>
    %qp = tensor.extract_slice %b[0, 0, 0] [%r, 4, 16] [1, 1, 1] : tensor<?x4x?xbf16> to tensor<?x4x16xbf16>
    %y = mla.attention queries(%qn, %qp of %c) keys(%d, %e of %f) values(%g) {scale = 0.125 : f64}
        : (tensor<?x4x32xbf16>, tensor<?x4x16xbf16>, tensor<?x4x32xbf16>, tensor<?x16xbf16>, tensor<?x4x32xbf16>) -> tensor<?x4x32xbf16>
    mla.yield %y : tensor<?x4x32xbf16>
  }
  return %o : tensor<?x4x32xbf16>
}
