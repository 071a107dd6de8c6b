// Products of e4m3: what is grouped into kernels, and the arguments of their launches.
//
// RUN: mla-opt %s --mla-group-kernels --mla-schedule-kernels | FileCheck %s --check-prefix=KERNELS
// RUN: mla-opt %s --mla-group-kernels --mla-schedule-kernels --convert-mla-to-gpu | FileCheck %s --implicit-check-not=mla.kernel
// RUN: mla-opt %s --mla-group-kernels --mla-schedule-kernels --convert-mla-to-gpu --mla-to-nvvm | FileCheck %s --check-prefix=NVVM

!cache = !mla.cache<page = 16, latent = 64, rope = 16, bf16>

// Tokens are quantized once, in a kernel of their own. A product dequantizes both operands.
// KERNELS: func.func @decode(%[[HIDDEN:.*]]: tensor<?x320xbf16>, %{{.*}}: tensor<?xi32>,
// KERNELS: %[[Q:.*]]:2 = mla.kernel quantize {{.*}}(%[[X:.*]] = %[[HIDDEN]])
// KERNELS-NEXT: schedule <quantize> : (tensor<?x320xbf16>) -> (tensor<?x2x320xf8E4M3FN>, tensor<?x3xf32>) {
// KERNELS-NEXT: %[[E:.*]], %[[S:.*]] = mla.quantize %[[X]] {group = 128 : i64, terms = 2 : i64}
// KERNELS-NEXT: mla.yield %[[E]], %[[S]]
// KERNELS: %[[A:.*]] = mla.kernel projection {{.*}}(%[[E:.*]] = %[[Q]]#0, %[[S:.*]] = %[[Q]]#1, %[[W:.*]] = %{{.*}}, %[[WS:.*]] = %{{.*}})
// KERNELS-NEXT: schedule <projection, {blocks = 1, direct = 0, early = 1, rows = 64, splits = 1, stages = 6, streamed = 0, tokens = 16, tokens_on_m = 0, turns = 3}> :
// KERNELS-NEXT: %[[XD:.*]] = mla.dequantize %[[E]], %[[S]]
// KERNELS-NEXT: %[[WD:.*]] = mla.dequantize %[[W]], %[[WS]]
// KERNELS-NEXT: %[[Y:.*]] = mla.project %[[XD]], %[[WD]]
// KERNELS-NEXT: mla.yield %[[Y]] : tensor<?x192xbf16>
// The norm is in the kernel that quantizes its result, in f32.
// KERNELS: %[[N:.*]]:2 = mla.kernel quantize {{.*}}(%[[X:.*]] = %[[A]], %[[G:.*]] = %{{.*}})
// KERNELS: %[[Y:.*]] = mla.rms_norm %[[X]], %[[G]] {{.*}} -> tensor<?x192xf32>
// KERNELS-NEXT: mla.quantize %[[Y]] {group = 128 : i64} : tensor<?x192xf32>
// KERNELS: mla.kernel projection {{.*}}(%{{.*}} = %[[N]]#0, %{{.*}} = %[[N]]#1,
// A slice of heads is read in place.
// KERNELS: mla.kernel quantize
// KERNELS: %[[SLICE:.*]] = tensor.extract_slice %{{.*}}[0, 0, 16]
// KERNELS-NEXT: mla.quantize %[[SLICE]] {group = 64 : i64, terms = 2 : i64} : tensor<?x4x64xbf16>

// CHECK-LABEL: mla.launches @decode
// CHECK: mla.workspace "temp:0" bytes (tokens * 640)
// CHECK-NEXT: mla.workspace "temp:1" bytes (tokens * 12)
// A row of 320 columns has three groups of 16 threads.
// CHECK-NEXT: mla.launch @kernels::@quantize_1x320_e4m3x2_group128 grid (tokens * 48 ceildiv 128, 1, 1) threads 128 shared 0 overlap args [
// CHECK-NEXT: #mla.pointer<"hidden">,
// CHECK-NEXT: #mla.pointer<"temp:0">,
// CHECK-NEXT: #mla.pointer<"temp:1">,
// CHECK-NEXT: #mla.extent<tokens>,
// CHECK-NEXT: #mla.extent<320>,
// CHECK-NEXT: #mla.extent<320>]

// Maps have elements of two bytes: 160 are 320 of e4m3, in boxes of 128 bytes. Terms are in the third dimension.
// CHECK-NEXT: mla.workspace "temp:2" bytes (tokens * 384)
// CHECK-NEXT: mla.launch @kernels::@projection_1x192x320_e4m3x2_128_128x128_tile64x16_stages6_turns3_early grid (processors * (tokens ceildiv 1073741824), 1, 1) threads 416 shared {{[0-9]+}} overlap args [
// CHECK-NEXT: #mla.tensor_map<"weight:w", offset = 0, dims = (160, 192, 1), strides = (320, 61440), box = (64, 64, 1), swizzle = 128>,
// CHECK-NEXT: #mla.tensor_map<"temp:0", offset = 0, dims = (160, tokens, 2), strides = (640, 320), box = (64, 16, 1), swizzle = 128>,
// CHECK-NEXT: #mla.pointer<"weight:w_scale">,
// CHECK-NEXT: #mla.pointer<"temp:1">,
// CHECK-NEXT: #mla.tensor_map<"temp:2", offset = 0, dims = (192, tokens, 1), strides = (384, 384),
// CHECK-NEXT: #mla.extent<tokens>]

// Norm and quantization.
// CHECK-NEXT: mla.workspace "temp:3" bytes (tokens * 192)
// CHECK-NEXT: mla.workspace "temp:4" bytes (tokens * 8)
// CHECK-NEXT: mla.launch @kernels::@normalize_192_e{{[0-9a-f]+}}_e4m3_group128 grid (tokens ceildiv 4, 1, 1)
// CHECK-NEXT: #mla.pointer<"temp:2">,
// CHECK-NEXT: #mla.pointer<"weight:gamma">,
// CHECK-NEXT: #mla.pointer<"temp:3">,
// CHECK-NEXT: #mla.pointer<"temp:4">,
// CHECK-NEXT: #mla.extent<tokens>,

// Heads side by side are the rows of one matrix, each with whole blocks.
// CHECK: mla.launch @kernels::@projection_1x320x192_e4m3_128_16x128_tile64x16_stages4_turns2_early grid {{.*}} args [
// CHECK-NEXT: #mla.tensor_map<"weight:u", offset = 0, dims = (96, 320, 1), strides = (192, 61440),
// CHECK-NEXT: #mla.tensor_map<"temp:3", offset = 0, dims = (96, tokens, 1), strides = (192, 192),
// CHECK-NEXT: #mla.pointer<"weight:u_scale">,
// CHECK-NEXT: #mla.pointer<"temp:4">,

// A slice begins 16 columns of bf16 into its rows.
// CHECK: mla.launch @kernels::@quantize_4x64_e4m3x2_group64 grid (tokens * 32 ceildiv 128, 1, 1) {{.*}} args [
// CHECK-NEXT: #mla.pointer<"temp:5", offset = 32>,
// CHECK-NEXT: #mla.pointer<"temp:6">,
// CHECK-NEXT: #mla.pointer<"temp:7">,
// CHECK-NEXT: #mla.extent<tokens>,
// CHECK-NEXT: #mla.extent<320>,
// CHECK-NEXT: #mla.extent<80>]

// The third dimension of x has the heads of the first term, then those of the second. A block that is larger than the weight
// is as large.
// CHECK: mla.launch @kernels::@projection_4x64x64_e4m3x2_64_64x64_tile64x16_stages2_early grid {{.*}} args [
// CHECK-NEXT: #mla.tensor_map<"weight:p", offset = 0, dims = (32, 64, 4), strides = (64, 4096),
// CHECK-NEXT: #mla.tensor_map<"temp:6", offset = 0, dims = (32, tokens, 8), strides = (512, 64),
// CHECK-NEXT: #mla.pointer<"weight:p_scale">,
// CHECK-NEXT: #mla.pointer<"temp:7">,
// CHECK-NEXT: #mla.tensor_map<"temp:8", offset = 0, dims = (64, tokens, 4), strides = (512, 128),

// Heads are contracted as the columns of one row; one scale per row of the weight and head. Splits sum parts of f32.
// CHECK: mla.launch @kernels::@quantize_4x64_e4m3x2_group64
// CHECK: mla.launch @kernels::@projection_1x320x256_e4m3x2_64_1x64_tile64x16_stages4_turns2_early grid {{.*}} args [
// CHECK-NEXT: #mla.tensor_map<"weight:o", offset = 0, dims = (128, 320, 1), strides = (256, 81920),
// CHECK-NEXT: #mla.tensor_map<"temp:9", offset = 0, dims = (128, tokens, 2), strides = (512, 256),
// CHECK-NEXT: #mla.pointer<"weight:o_scale">,
// CHECK-NEXT: #mla.pointer<"temp:10">,
// CHECK-NEXT: #mla.tensor_map<"out", offset = 0, dims = (320, tokens, 1),

// NVVM-LABEL: llvm.func @projection_1x192x320_e4m3x2
// NVVM: wgmma.mma_async.sync.aligned.m64n{{[0-9]+}}k32.f32.e4m3.e4m3
func.func @decode(%hidden: tensor<?x320xbf16>, %cu: tensor<?xi32>, %cache: !cache) -> (tensor<?x320xbf16>, !cache)
    attributes {mla.phase = #mla.phase<decode>, mla.regime = #mla.regime<{phase = decode, q = absorb, o = absorb}>} {
  %w = mla.weight "w" : tensor<192x320xf8E4M3FN>
  %ws = mla.weight "w_scale" : tensor<2x3xf32>
  %gamma = mla.weight "gamma" : tensor<192xf32>
  %u = mla.weight "u" : tensor<4x80x192xf8E4M3FN>
  %us = mla.weight "u_scale" : tensor<4x5x2xf32>
  %p = mla.weight "p" : tensor<4x64x64xf8E4M3FN>
  %ps = mla.weight "p_scale" : tensor<4x1x1xf32>
  %o = mla.weight "o" : tensor<320x4x64xf8E4M3FN>
  %os = mla.weight "o_scale" : tensor<320x4x1xf32>
  %q, %s = mla.quantize %hidden {group = 128 : i64, terms = 2 : i64} : tensor<?x320xbf16> -> tensor<?x2x320xf8E4M3FN>, tensor<?x3xf32>
  %x = mla.dequantize %q, %s {block = array<i64: 1, 128>} : tensor<?x2x320xf8E4M3FN>, tensor<?x3xf32> -> tensor<?x320xf32>
  %wd = mla.dequantize %w, %ws {block = array<i64: 128, 128>} : tensor<192x320xf8E4M3FN>, tensor<2x3xf32> -> tensor<192x320xf32>
  %a = mla.project %x, %wd : (tensor<?x320xf32>, tensor<192x320xf32>) -> tensor<?x192xbf16>
  %n = mla.rms_norm %a, %gamma {epsilon = 1.0e-06 : f64} : tensor<?x192xbf16>, tensor<192xf32> -> tensor<?x192xf32>
  %nq, %nsc = mla.quantize %n {group = 128 : i64} : tensor<?x192xf32> -> tensor<?x192xf8E4M3FN>, tensor<?x2xf32>
  %nd = mla.dequantize %nq, %nsc {block = array<i64: 1, 128>} : tensor<?x192xf8E4M3FN>, tensor<?x2xf32> -> tensor<?x192xf32>
  %ud = mla.dequantize %u, %us {block = array<i64: 1, 16, 128>} : tensor<4x80x192xf8E4M3FN>, tensor<4x5x2xf32> -> tensor<4x80x192xf32>
  %h = mla.project to_heads %nd, %ud : (tensor<?x192xf32>, tensor<4x80x192xf32>) -> tensor<?x4x80xbf16>
  %c0 = arith.constant 0 : index
  %t = tensor.dim %h, %c0 : tensor<?x4x80xbf16>
  %hs = tensor.extract_slice %h[0, 0, 16] [%t, 4, 64] [1, 1, 1] : tensor<?x4x80xbf16> to tensor<?x4x64xbf16>
  %hq, %hsc = mla.quantize %hs {group = 64 : i64, terms = 2 : i64} : tensor<?x4x64xbf16> -> tensor<?x2x4x64xf8E4M3FN>, tensor<?x4x1xf32>
  %hd = mla.dequantize %hq, %hsc {block = array<i64: 1, 1, 64>} : tensor<?x2x4x64xf8E4M3FN>, tensor<?x4x1xf32> -> tensor<?x4x64xf32>
  %pd = mla.dequantize %p, %ps {block = array<i64: 1, 4294967296, 4294967296>} : tensor<4x64x64xf8E4M3FN>, tensor<4x1x1xf32> -> tensor<4x64x64xf32>
  %l = mla.project per_head %hd, %pd : (tensor<?x4x64xf32>, tensor<4x64x64xf32>) -> tensor<?x4x64xbf16>
  %lq, %lsc = mla.quantize %l {group = 64 : i64, terms = 2 : i64} : tensor<?x4x64xbf16> -> tensor<?x2x4x64xf8E4M3FN>, tensor<?x4x1xf32>
  %ld = mla.dequantize %lq, %lsc {block = array<i64: 1, 1, 64>} : tensor<?x2x4x64xf8E4M3FN>, tensor<?x4x1xf32> -> tensor<?x4x64xf32>
  %od = mla.dequantize %o, %os {block = array<i64: 1, 1, 64>} : tensor<320x4x64xf8E4M3FN>, tensor<320x4x1xf32> -> tensor<320x4x64xf32>
  %out = mla.project from_heads %ld, %od : (tensor<?x4x64xf32>, tensor<320x4x64xf32>) -> tensor<?x320xbf16>
  return %out, %cache : tensor<?x320xbf16>, !cache
}
