// RUN: mla-opt %s | mla-opt | FileCheck %s

// CHECK: !mla.cache<page = 4, latent = 8, rope = 2, f32>
func.func private @whole(!mla.cache<page = 4, latent = 8, rope = 2, f32 part 0 of 1>)
// CHECK: !mla.cache<page = 4, latent = 8, rope = 2, bf16 part 0 of 3>
func.func private @first(!mla.cache<page = 4, latent = 8, rope = 2, bf16 part 0 of 3>)
// CHECK: !mla.cache<page = 4, latent = 16, rope = 16, bf16, fp8_row part 2 of 3>
func.func private @packed(!mla.cache<page = 4, latent = 16, rope = 16, bf16, fp8_row part 2 of 3>)

// CHECK-LABEL: func.func @cut
// CHECK: {mla.cuts = [#mla.cut<experts, first = [0, 0], count = [3, 3], why = "one part">, #mla.cut<width, first = [0, 1], count = [1, 3], why = "4 columns">]}
func.func @cut(%h: tensor<?x2x4xf32>, %w: tensor<3x8x4xf32>, %e: tensor<?x2xi32>, %f: tensor<?x2xf32>) -> tensor<?x8xf32> {
  %y = mla.experts_project %h, %w of %e summed %f {mla.cuts = [
      #mla.cut<experts, first = [0, 0], count = [3, 3], why = "one part">,
      #mla.cut<width, first = [0, 1], count = [1, 3], why = "4 columns">]}
      : (tensor<?x2x4xf32>, tensor<3x8x4xf32>, tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// CHECK: mla.collective all_gather of f32 among 4 from <"temp:0"> to <"temp:1"> count (tokens * 8)
mla.launches @latent_attention {
  mla.workspace "temp:0" bytes (tokens * 32)
  mla.workspace "temp:1" bytes (tokens * 128)
  mla.collective all_gather of f32 among 4 from #mla.pointer<"temp:0"> to #mla.pointer<"temp:1"> count (tokens * 8)
}
