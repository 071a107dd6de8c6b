// Kernels of adapters that sequences choose: one launch for each update.
//
// RUN: mla-opt %s --split-input-file --mla-group-kernels --mla-schedule-kernels --convert-mla-to-gpu | FileCheck %s

// The update reads a slice of the projection in place; the numbers of adapters are a buffer of the caller. 48 columns of
// 4 heads are one part of 1024 columns.
// CHECK: gpu.module @kernels
// CHECK: llvm.func @adapt_3r8_1x64_4x48_bf16_bf16(
// CHECK-LABEL: mla.launches @decode
// CHECK-SAME: #mla.binding<"adapters", tensor<?xi32>>
// CHECK: mla.launch @kernels::@adapt_3r8_1x64_4x48_bf16_bf16 grid (tokens, 1, 1) threads 128 shared 32 overlap args [
// CHECK-NEXT: #mla.pointer<"temp:[[Y:[0-9]+]]">,
// CHECK-NEXT: #mla.pointer<"hidden">,
// CHECK-NEXT: #mla.pointer<"weight:a">,
// CHECK-NEXT: #mla.pointer<"weight:b">,
// CHECK-NEXT: #mla.pointer<"adapters">,
// CHECK-NEXT: #mla.pointer<"cu_seqlens">,
// CHECK-NEXT: #mla.pointer<"temp:{{[0-9]+}}">,
// CHECK-NEXT: #mla.extent<batch>,
// CHECK-NEXT: #mla.extent<192>,
// CHECK-NEXT: #mla.extent<48>,
// CHECK-NEXT: #mla.extent<64>,
// CHECK-NEXT: #mla.extent<0>]
func.func @decode(%hidden: tensor<?x64xbf16>, %cu: tensor<?xi32>, %cache: !mla.cache<page = 16, latent = 64, rope = 16, bf16>, %n: tensor<?xi32>) -> tensor<?x64xbf16>
    attributes {mla.regime = #mla.regime<{phase = decode, q = naive, o = naive}>} {
  %w = mla.weight "w" : tensor<4x48x64xbf16>
  %a = mla.weight "a" : tensor<3x8x64xbf16>
  %b = mla.weight "b" : tensor<3x4x48x8xbf16>
  %w_o = mla.weight "w_o" : tensor<64x4x48xbf16>
  %q = mla.project to_heads %hidden, %w : (tensor<?x64xbf16>, tensor<4x48x64xbf16>) -> tensor<?x4x48xf32>
  %r = mla.adapt %q by %hidden, %a, %b of %n for %cu
      : (tensor<?x4x48xf32>, tensor<?x64xbf16>, tensor<3x8x64xbf16>, tensor<3x4x48x8xbf16>) -> tensor<?x4x48xf32>
  %out = mla.project from_heads %r, %w_o : (tensor<?x4x48xf32>, tensor<64x4x48xbf16>) -> tensor<?x64xbf16>
  return %out : tensor<?x64xbf16>
}
