// A class of a projection's schedule has kernels of its own. Their grids are empty unless the step's tokens are in the class, and so
// is the memory for parts of sums.
//
// RUN: mla-opt %s --convert-mla-to-gpu | FileCheck %s --implicit-check-not=mla.launch

// CHECK-LABEL: mla.launches @decode
// CHECK-SAME: choices [#mla.choice<"y", size = tokens, limits = (16, 64), most = (1048576, 1048576)>]
// CHECK: mla.workspace "temp:0" bytes (tokens * ((limit0 + 1) floordiv (tokens + 1) ceildiv (limit0 + 2)) * 1280)
// CHECK-NEXT: mla.workspace "temp:1" bytes (tokens * ((limit1 + 1) floordiv (tokens + 1) ceildiv (limit1 + 2) * -1 + 1) * 1920)
// CHECK-NEXT: mla.launch @kernels::@projection_1x160x160_tile64x16_stages4_splits2_streamed grid (processors * (tokens ceildiv 1073741824) * ((limit0 + 1) floordiv (tokens + 1) ceildiv (limit0 + 2)), 1, 1)
// CHECK: #mla.pointer<"temp:0">,
// CHECK: mla.launch @kernels::@projection_sum_1x160_splits2 grid (tokens * 160 ceildiv 512 * ((limit0 + 1) floordiv (tokens + 1) ceildiv (limit0 + 2)), 1, 1)
// CHECK-SAME: args [
// CHECK-NEXT: #mla.pointer<"temp:0">,
// CHECK-NEXT: #mla.pointer<"out">,
// CHECK: mla.launch @kernels::@projection_1x160x160_tile64x64_stages4_streamed grid (processors * (tokens ceildiv 1073741824) * ((limit1 + 1) floordiv (tokens + 1) ceildiv (limit1 + 2) + (limit0 + 1) floordiv (tokens + 1) ceildiv (limit0 + 2) * -1), 1, 1)
// CHECK: #mla.tensor_map<"out",
// CHECK: mla.launch @kernels::@projection_1x160x160_tile128x128_stages4_splits3 grid (processors * (tokens ceildiv 1073741824) * ((limit1 + 1) floordiv (tokens + 1) ceildiv (limit1 + 2) * -1 + 1), 1, 1)
// CHECK: #mla.pointer<"temp:1">,
// CHECK: mla.launch @kernels::@projection_sum_1x160_splits3 grid (tokens * 160 ceildiv 512 * ((limit1 + 1) floordiv (tokens + 1) ceildiv (limit1 + 2) * -1 + 1), 1, 1)
func.func @decode(%hidden: tensor<?x160xbf16>, %cu: tensor<?xi32>, %cache: !mla.cache<page = 16, latent = 64, rope = 16, bf16>)
    -> (tensor<?x160xbf16>, !mla.cache<page = 16, latent = 64, rope = 16, bf16>)
    attributes {mla.phase = #mla.phase<decode>, mla.regime = #mla.regime<{phase = decode, q = absorb, o = absorb}>} {
  %w = mla.weight "w" : tensor<160x160xbf16>
  %y = mla.kernel projection "y"(%a = %hidden, %b = %w)
      schedule <projection, [{blocks = 1, limit = 16, rows = 64, splits = 2, stages = 4, streamed = 1, tokens = 16},
                             {blocks = 1, limit = 64, rows = 64, splits = 1, stages = 4, streamed = 1, tokens = 64},
                             {blocks = 1, rows = 128, splits = 3, stages = 4, streamed = 0, tokens = 128}]>
      : (tensor<?x160xbf16>, tensor<160x160xbf16>) -> tensor<?x160xbf16> {
    %z = mla.project %a, %b : (tensor<?x160xbf16>, tensor<160x160xbf16>) -> tensor<?x160xbf16>
    mla.yield %z : tensor<?x160xbf16>
  }
  return %y, %cache : tensor<?x160xbf16>, !mla.cache<page = 16, latent = 64, rope = 16, bf16>
}
