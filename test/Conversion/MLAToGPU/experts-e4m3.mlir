// An MLP of experts, and a dense one, in e4m3: rows are quantized once per token and sorted with their scales; products apply scales to
// sums, and the gated ones activate them.
//
// RUN: mla-opt %s --mla-sort-choices --mla-group-kernels | FileCheck %s --check-prefix=KERNELS
// RUN: mla-opt %s --mla-sort-choices --mla-group-kernels --mla-schedule-kernels=batch-invariant --convert-mla-to-gpu | FileCheck %s
// RUN: mla-opt %s --mla-sort-choices --mla-group-kernels --mla-schedule-kernels=batch-invariant --convert-mla-to-gpu --mla-to-nvvm | FileCheck %s --check-prefix=NVVM

!cache = !mla.cache<page = 16, latent = 64, rope = 16, bf16>

// KERNELS-LABEL: func.func @decode
// KERNELS-SAME: (%[[HIDDEN:.*]]: tensor<?x128xbf16>, %{{.*}}: tensor<?xi32>
// KERNELS: %[[E:.*]]:2 = mla.kernel router
// KERNELS: %[[Q:.*]]:2 = mla.kernel quantize "{{.*}}"(%{{.*}} = %[[HIDDEN]])
// KERNELS: %[[S:.*]]:4 = mla.kernel sort_choices "{{.*}}"(%[[X:.*]] = %[[Q]]#0, %[[N:.*]] = %[[E]]#0, %[[XS:.*]] = %[[Q]]#1) : {{.*}} -> (tensor<?x4x2x128xf8E4M3FN>, tensor<?x4xi32>, tensor<18xi32>, tensor<?x4x1xf32>) {
// KERNELS-NEXT: mla.sort_choices %[[X]] scaled %[[XS]] : tensor<?x1xf32> by %[[N]]
// KERNELS: %[[H:.*]] = mla.kernel gated_projection "{{.*}}"(%[[ROWS:.*]] = %[[S]]#0, %[[SC:.*]] = %[[S]]#3, %[[UP:.*]] = %{{.*}}, %[[UPS:.*]] = %{{.*}}, %[[FIRST:.*]] = %[[S]]#2) : {{.*}} -> tensor<?x4x32xbf16> {
// KERNELS-NEXT: %[[XD:.*]] = mla.dequantize %[[ROWS]], %[[SC]] {block = array<i64: 1, 1, 128>, term_dim = 2 : i64}
// KERNELS-NEXT: %[[WD:.*]] = mla.dequantize %[[UP]], %[[UPS]] {block = array<i64: 1, 16, 128>}
// KERNELS-NEXT: mla.grouped_project %[[XD]], %[[WD]] by %[[FIRST]]
// KERNELS: mla.swiglu
// KERNELS: %[[HQ:.*]]:2 = mla.kernel quantize "{{.*}}"(%{{.*}} = %[[H]]) : (tensor<?x4x32xbf16>) -> (tensor<?x4x2x32xf8E4M3FN>, tensor<?x4x1xf32>) {
// KERNELS: %[[G:.*]] = mla.kernel gated_projection "{{.*}}"(%{{.*}} = %[[Q]]#0, %{{.*}} = %[[Q]]#1,
// KERNELS: mla.kernel quantize "{{.*}}"(%{{.*}} = %[[G]])
// KERNELS: mla.kernel mix_choices "{{.*}}"(%[[ROWS:.*]] = %[[HQ]]#0, %[[SC:.*]] = %[[HQ]]#1, %[[W:.*]] = %{{.*}}, %[[WS:.*]] = %{{.*}}, %[[FIRST:.*]] = %[[S]]#2, %[[ORDER:.*]] = %[[S]]#1, %[[F:.*]] = %[[E]]#1, 
// KERNELS: mla.grouped_project
// KERNELS: mla.mix_choices

// CHECK-LABEL: mla.launches @decode
// CHECK: mla.launch @kernels::@quantize_1x128_e4m3x2_group128 {{.*}}args [
// CHECK-NEXT: #mla.pointer<"hidden"
// CHECK-NEXT: #mla.pointer<"temp:[[Q:[0-9]+]]"
// CHECK-NEXT: #mla.pointer<"temp:[[QS:[0-9]+]]"
// Rows of 256 bytes, as 128 elements of two.
// CHECK: mla.launch @kernels::@sort_choices_4of17_128_scales1 {{.*}}args [
// CHECK-NEXT: #mla.pointer<"temp:[[Q]]"
// CHECK-NEXT: #mla.pointer<"temp:{{[0-9]+}}"
// CHECK-NEXT: #mla.pointer<"temp:[[ROWS:[0-9]+]]"
// CHECK-NEXT: #mla.pointer<"temp:[[ORDER:[0-9]+]]"
// CHECK-NEXT: #mla.pointer<"temp:[[FIRST:[0-9]+]]"
// CHECK-NEXT: #mla.pointer<"temp:[[QS]]"
// CHECK-NEXT: #mla.pointer<"temp:[[SCALES:[0-9]+]]"
// CHECK-NEXT: #mla.extent<tokens>,
// CHECK-NEXT: #mla.extent<128>]
// Eight rows of gate, the eight of up that belong to them, and so on; terms are rows apart.
// CHECK: mla.launch @kernels::@gated_experts_17x64x128_e4m3x2_128_16x128_{{.*}} {{.*}}args [
// CHECK-NEXT: #mla.tensor_map<"weight:up", offset = 0, dims = (64, 8, 2, 4, 17), strides = (128, 4096, 1024, 8192), box = (64, 8, 2, {{[0-9]+}}, 1)
// CHECK-NEXT: #mla.tensor_map<"temp:[[ROWS]]", offset = 0, dims = (64, tokens * 4, 2), strides = (256, 128),
// CHECK-NEXT: #mla.pointer<"weight:up_scale">,
// CHECK-NEXT: #mla.pointer<"temp:[[SCALES]]">,
// CHECK-NEXT: #mla.pointer<"temp:[[H:[0-9]+]]"
// CHECK-NEXT: #mla.pointer<"temp:[[FIRST]]"
// CHECK-NEXT: #mla.extent<tokens * 4>]
// Each choice is a row of its own.
// CHECK: mla.launch @kernels::@quantize_1x32_e4m3x2_group32 grid (tokens * 16 ceildiv 128, 1, 1) {{.*}}args [
// CHECK-NEXT: #mla.pointer<"temp:[[H]]"
// CHECK-NEXT: #mla.pointer<"temp:[[HQ:[0-9]+]]"
// CHECK-NEXT: #mla.pointer<"temp:[[HS:[0-9]+]]"
// CHECK-NEXT: #mla.extent<tokens * 4>,
// CHECK-NEXT: #mla.extent<32>,
// CHECK: mla.launch @kernels::@gated_projection_1x64x128_e4m3x2_128_32x128_{{.*}} {{.*}}args [
// CHECK-NEXT: #mla.tensor_map<"weight:gate_up", offset = 0, dims = (64, 8, 2, 4, 1), strides = (128, 4096, 1024, 8192),
// CHECK-NEXT: #mla.tensor_map<"temp:[[Q]]", offset = 0, dims = (64, tokens, 2), strides = (256, 128),
// CHECK-NEXT: #mla.pointer<"weight:gate_up_scale">,
// CHECK-NEXT: #mla.pointer<"temp:[[QS]]">,
// CHECK: mla.launch @kernels::@experts_17x128x32_e4m3x2_32_128x32_scattered_{{.*}} {{.*}}args [
// CHECK-NEXT: #mla.tensor_map<"weight:down", offset = 0, dims = (16, 128, 17), strides = (32, 4096),
// CHECK-NEXT: #mla.tensor_map<"temp:[[HQ]]", offset = 0, dims = (16, tokens * 4, 2), strides = (64, 32),
// CHECK-NEXT: #mla.pointer<"weight:down_scale">,
// CHECK-NEXT: #mla.pointer<"temp:[[HS]]">,
// CHECK-NEXT: #mla.pointer<"temp:{{[0-9]+}}"
// CHECK-NEXT: #mla.pointer<"temp:[[FIRST]]"
// CHECK-NEXT: #mla.pointer<"temp:[[ORDER]]"

// NVVM-LABEL: llvm.func @gated_experts_17x64x128_e4m3x2
// NVVM: wgmma.mma_async.sync.aligned.m64n{{[0-9]+}}k32.f32.e4m3.e4m3
func.func @decode(%hidden: tensor<?x128xbf16>, %cu: tensor<?xi32>, %cache: !cache) -> (tensor<?x128xbf16>, !cache)
    attributes {mla.phase = #mla.phase<decode>, mla.regime = #mla.regime<{phase = decode, q = absorb, o = absorb}>} {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %hidden, %c0 : tensor<?x128xbf16>
  %w_router = mla.weight "router" : tensor<16x128xbf16>
  %w_up = mla.weight "up" : tensor<17x64x128xf8E4M3FN>
  %s_up = mla.weight "up_scale" : tensor<17x4x1xf32>
  %w_down = mla.weight "down" : tensor<17x128x32xf8E4M3FN>
  %s_down = mla.weight "down_scale" : tensor<17x1x1xf32>
  %w_gu = mla.weight "gate_up" : tensor<64x128xf8E4M3FN>
  %s_gu = mla.weight "gate_up_scale" : tensor<2x1xf32>
  %w_d = mla.weight "dense_down" : tensor<128x32xf8E4M3FN>
  %s_d = mla.weight "dense_down_scale" : tensor<1x1xf32>
  %logits = mla.project %hidden, %w_router : (tensor<?x128xbf16>, tensor<16x128xbf16>) -> tensor<?x16xf32>
  %e, %f = mla.route softmax %logits {shared = 1 : i64} : tensor<?x16xf32> -> tensor<?x4xi32>, tensor<?x4xf32>
  %q, %qs = mla.quantize %hidden {group = 128 : i64, terms = 2 : i64} : tensor<?x128xbf16> -> tensor<?x2x128xf8E4M3FN>, tensor<?x1xf32>
  %xd = mla.dequantize %q, %qs {block = array<i64: 1, 128>} : tensor<?x2x128xf8E4M3FN>, tensor<?x1xf32> -> tensor<?x128xf32>
  %wd = mla.dequantize %w_up, %s_up {block = array<i64: 1, 16, 128>} : tensor<17x64x128xf8E4M3FN>, tensor<17x4x1xf32> -> tensor<17x64x128xf32>
  %y = mla.experts_project %xd, %wd of %e : (tensor<?x128xf32>, tensor<17x64x128xf32>, tensor<?x4xi32>) -> tensor<?x4x64xf32>
  %gate = tensor.extract_slice %y[0, 0, 0] [%tokens, 4, 32] [1, 1, 1] : tensor<?x4x64xf32> to tensor<?x4x32xf32>
  %up = tensor.extract_slice %y[0, 0, 32] [%tokens, 4, 32] [1, 1, 1] : tensor<?x4x64xf32> to tensor<?x4x32xf32>
  %h = mla.swiglu %gate, %up : tensor<?x4x32xf32> -> tensor<?x4x32xf32>
  %hq, %hs = mla.quantize %h {group = 32 : i64, terms = 2 : i64, term_dim = 2 : i64} : tensor<?x4x32xf32> -> tensor<?x4x2x32xf8E4M3FN>, tensor<?x4x1xf32>
  %hd = mla.dequantize %hq, %hs {block = array<i64: 1, 1, 32>, term_dim = 2 : i64} : tensor<?x4x2x32xf8E4M3FN>, tensor<?x4x1xf32> -> tensor<?x4x32xf32>
  %vd = mla.dequantize %w_down, %s_down {block = array<i64: 1, 128, 32>} : tensor<17x128x32xf8E4M3FN>, tensor<17x1x1xf32> -> tensor<17x128x32xf32>
  %mixed = mla.experts_project %hd, %vd of %e summed %f : (tensor<?x4x32xf32>, tensor<17x128x32xf32>, tensor<?x4xi32>, tensor<?x4xf32>) -> tensor<?x128xf32>
  %xd2 = mla.dequantize %q, %qs {block = array<i64: 1, 128>} : tensor<?x2x128xf8E4M3FN>, tensor<?x1xf32> -> tensor<?x128xf32>
  %gd = mla.dequantize %w_gu, %s_gu {block = array<i64: 32, 128>} : tensor<64x128xf8E4M3FN>, tensor<2x1xf32> -> tensor<64x128xf32>
  %z = mla.project %xd2, %gd : (tensor<?x128xf32>, tensor<64x128xf32>) -> tensor<?x64xf32>
  %zg = tensor.extract_slice %z[0, 0] [%tokens, 32] [1, 1] : tensor<?x64xf32> to tensor<?x32xf32>
  %zu = tensor.extract_slice %z[0, 32] [%tokens, 32] [1, 1] : tensor<?x64xf32> to tensor<?x32xf32>
  %g = mla.swiglu %zg, %zu : tensor<?x32xf32> -> tensor<?x32xf32>
  %gq, %gs = mla.quantize %g {group = 32 : i64, terms = 2 : i64} : tensor<?x32xf32> -> tensor<?x2x32xf8E4M3FN>, tensor<?x1xf32>
  %gqd = mla.dequantize %gq, %gs {block = array<i64: 1, 32>} : tensor<?x2x32xf8E4M3FN>, tensor<?x1xf32> -> tensor<?x32xf32>
  %dd = mla.dequantize %w_d, %s_d {block = array<i64: 128, 128>} : tensor<128x32xf8E4M3FN>, tensor<1x1xf32> -> tensor<128x32xf32>
  %d = mla.project %gqd, %dd : (tensor<?x32xf32>, tensor<128x32xf32>) -> tensor<?x128xf32>
  %sum = arith.addf %mixed, %d : tensor<?x128xf32>
  %out = arith.truncf %sum : tensor<?x128xf32> to tensor<?x128xbf16>
  return %out, %cache : tensor<?x128xbf16>, !cache
}
