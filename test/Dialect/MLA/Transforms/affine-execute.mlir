// A layer with every operation that is affine or commutes: biases of W_UQ, W_UK and W_UV, a merged LoRA on W_UK, constant
// scales of the query and of the values, a position scale. The naive, absorbed and folded forms compute the same; the
// numbers were computed in float64.
//
// RUN: mla-opt %s --mla-to-cpu | %run_main | FileCheck %s
// RUN: mla-opt %s --mla-absorb --mla-to-cpu | %run_main | FileCheck %s
// RUN: mla-opt %s --mla-absorb --mla-fold --mla-to-cpu | %run_main | FileCheck %s
//
// The forms differ.
// RUN: mla-opt %s --mla-absorb | FileCheck %s --check-prefix=ABSORB
// ABSORB: mla.latent_attention
// ABSORB: mla.project per_head
// ABSORB: mla.bias
// RUN: mla-opt %s --mla-absorb --mla-fold | FileCheck %s --check-prefix=FOLD
// FOLD-NOT: mla.project per_head
// FOLD: mla.latent_attention
// FOLD: mla.project from_heads
// FOLD: mla.bias

!cache = !mla.cache<page = 4, latent = 4, rope = 2, f32>

func.func private @printMemrefF32(tensor<*xf32> {bufferization.access = "read"})

func.func private @layer(%x: tensor<?x3xf32>, %c: tensor<?x4xf32>, %k_r: tensor<?x2xf32>, %q_rope: tensor<?x2x2xf32>, %cu: tensor<?xi32>,
                         %pages: tensor<?x4x6xf32>, %table: tensor<?x?xi32>, %lengths: tensor<?xi32>) {
  %c0 = arith.constant 0 : index
  %cache = builtin.unrealized_conversion_cast %pages, %table, %lengths : tensor<?x4x6xf32>, tensor<?x?xi32>, tensor<?xi32> to !cache
  %tokens = tensor.dim %x, %c0 : tensor<?x3xf32>
  %position, %sequence = mla.positions %tokens of %cu in %cache : !cache
  %cache1 = mla.append %c, %k_r at %position of %sequence into %cache : tensor<?x4xf32>, tensor<?x2xf32> into !cache
  %w_uq = arith.constant dense<[[[1.0, -1.25, 0.25], [-0.25, -0.25, -0.125], [-1.0, -0.125, -0.375], [1.625, 0.125, -0.125]], [[-0.125, -0.375, -0.5], [-0.25, 0.25, -0.125], [0.5, -0.125, 0.0], [0.75, 0.25, -0.25]]]> : tensor<2x4x3xf32>
  %b_q = arith.constant dense<[[-0.125, 0.25, 1.0, -0.125], [-0.125, 0.5, -0.5, -0.125]]> : tensor<2x4xf32>
  %w_uk = arith.constant dense<[[[0.5, 0.25, 0.0, 0.375], [-1.375, 0.5, -0.5, -0.875], [0.125, 0.375, -0.25, -0.5], [0.0, -0.0, 0.75, 0.375]], [[0.125, 0.5, -0.125, -0.5], [0.25, 0.25, -0.125, -0.375], [0.125, -1.25, 0.375, 0.25], [-0.875, 0.0, -0.5, 0.375]]]> : tensor<2x4x4xf32>
  %w_uv = arith.constant dense<[[[-1.0, -0.5, 0.375, 0.625], [-1.125, -0.25, 0.125, -0.25], [0.75, -0.625, 0.125, -0.5], [0.75, -0.0, -0.125, -0.875]], [[0.875, 0.375, 0.375, 0.625], [0.125, -0.375, -0.375, -0.375], [0.625, -0.75, -0.25, -0.125], [0.125, 0.25, -0.625, -0.875]]]> : tensor<2x4x4xf32>
  %b_uk = arith.constant dense<[[-0.0, 0.625, 0.375, 0.125], [-0.125, 0.125, -0.125, 0.375]]> : tensor<2x4xf32>
  %b_uv = arith.constant dense<[[-0.375, 0.125, -0.0, 0.25], [0.125, 1.25, 0.75, 0.75]]> : tensor<2x4xf32>
  %w_o = arith.constant dense<[[[-1.0, -0.125, -0.25, 0.25], [-1.125, 0.625, 0.5, -0.625]], [[-0.5, -0.375, 0.0, 0.375], [1.0, -0.125, 0.375, 0.125]], [[0.875, 0.375, 0.625, -0.5], [-0.125, -0.375, 0.75, 0.375]], [[-0.125, -0.25, 0.25, -0.375], [-0.5, 0.25, 1.25, -0.125]], [[-0.25, -0.625, -0.625, 0.25], [0.375, 0.0, 0.125, 0.0]], [[0.125, -0.75, -0.25, 0.0], [-0.375, -0.25, -0.375, -0.125]], [[0.375, -0.25, -0.125, 0.375], [0.375, 0.875, -1.0, 0.375]], [[-0.25, 0.125, 0.375, 0.5], [0.5, 0.125, 0.75, -0.125]]]> : tensor<8x2x4xf32>
  %lora_b = arith.constant dense<[[[-0.125, 0.375], [-0.25, 1.125], [0.5, 1.125], [-0.0, -0.25], [0.125, 0.375], [-0.25, 0.25], [-0.0, 0.75], [-0.375, 0.5]]]> : tensor<1x8x2xf32>
  %lora_a = arith.constant dense<[[[-0.375, -0.5, -0.375, -0.625], [0.125, 0.5, 0.125, 0.25]]]> : tensor<1x2x4xf32>
  %w_uq_x = mla.project to_heads %x, %w_uq : (tensor<?x3xf32>, tensor<2x4x3xf32>) -> tensor<?x2x4xf32>
  %q_b = mla.bias %w_uq_x, %b_q : tensor<?x2x4xf32>, tensor<2x4xf32>
  %two = arith.constant 2.0 : f32
  %twos = tensor.splat %two[%tokens] : tensor<?x2x4xf32>
  %q_2 = arith.mulf %q_b, %twos : tensor<?x2x4xf32>
  %q = mla.position_scale %q_2 at %position {beta = 0.5 : f64, original = 1 : i64} : tensor<?x2x4xf32>

  %lora = mla.compose %lora_b, %lora_a : (tensor<1x8x2xf32>, tensor<1x2x4xf32>) -> tensor<1x8x4xf32>
  %half = arith.constant dense<0.5> : tensor<1x8x4xf32>
  %scaled = arith.mulf %half, %lora : tensor<1x8x4xf32>
  %rows = tensor.collapse_shape %scaled [[0, 1], [2]] : tensor<1x8x4xf32> into tensor<8x4xf32>
  %delta = tensor.expand_shape %rows [[0, 1], [2]] output_shape [2, 4, 4] : tensor<8x4xf32> into tensor<2x4x4xf32>
  %merged = arith.addf %w_uk, %delta : tensor<2x4x4xf32>

  %latent, %k_rope, %cu_keys = mla.gather %cache1 : !cache
  %w_uk_c = mla.project to_heads %latent, %merged : (tensor<?x4xf32>, tensor<2x4x4xf32>) -> tensor<?x2x4xf32>
  %k = mla.bias %w_uk_c, %b_uk : tensor<?x2x4xf32>, tensor<2x4xf32>
  %w_uv_c = mla.project to_heads %latent, %w_uv : (tensor<?x4xf32>, tensor<2x4x4xf32>) -> tensor<?x2x4xf32>
  %v_b = mla.bias %w_uv_c, %b_uv : tensor<?x2x4xf32>, tensor<2x4xf32>
  %factor = arith.constant -1.5 : f32
  %keys = tensor.dim %latent, %c0 : tensor<?x4xf32>
  %factors = tensor.splat %factor[%keys] : tensor<?x2x4xf32>
  %v = arith.mulf %v_b, %factors : tensor<?x2x4xf32>
  %o = mla.attention queries(%q, %q_rope of %cu) keys(%k, %k_rope of %cu_keys) values(%v) {scale = 0.5 : f64}
      : (tensor<?x2x4xf32>, tensor<?x2x2xf32>, tensor<?x2x4xf32>, tensor<?x2xf32>, tensor<?x2x4xf32>) -> tensor<?x2x4xf32>
  %out = mla.project from_heads %o, %w_o : (tensor<?x2x4xf32>, tensor<8x2x4xf32>) -> tensor<?x8xf32>
  %print = tensor.cast %out : tensor<?x8xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  %x_s = arith.constant dense<[[0.875, 0.125, 0.125], [-0.125, -0.75, 0.375]]> : tensor<2x3xf32>
  %x = tensor.cast %x_s : tensor<2x3xf32> to tensor<?x3xf32>
  %c_s = arith.constant dense<[[-0.875, 0.375, -0.0, 0.625], [-0.0, -0.375, 0.125, -0.25]]> : tensor<2x4xf32>
  %c = tensor.cast %c_s : tensor<2x4xf32> to tensor<?x4xf32>
  %k_r_s = arith.constant dense<[[-0.125, 0.0], [-0.125, -0.125]]> : tensor<2x2xf32>
  %k_r = tensor.cast %k_r_s : tensor<2x2xf32> to tensor<?x2xf32>
  %q_rope_s = arith.constant dense<[[[-0.375, -0.125], [-1.125, -0.125]], [[-0.625, 0.5], [0.625, -1.0]]]> : tensor<2x2x2xf32>
  %q_rope = tensor.cast %q_rope_s : tensor<2x2x2xf32> to tensor<?x2x2xf32>
  %cu_s = arith.constant dense<[0, 2]> : tensor<2xi32>
  %cu = tensor.cast %cu_s : tensor<2xi32> to tensor<?xi32>
  %pages_s = arith.constant dense<[[[0.125, -0.125, -0.5, 0.25, -0.25, -0.875], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]]]> : tensor<1x4x6xf32>
  %pages = tensor.cast %pages_s : tensor<1x4x6xf32> to tensor<?x4x6xf32>
  %table_s = arith.constant dense<[[0]]> : tensor<1x1xi32>
  %table = tensor.cast %table_s : tensor<1x1xi32> to tensor<?x?xi32>
  %lengths_s = arith.constant dense<[3]> : tensor<1xi32>
  %lengths = tensor.cast %lengths_s : tensor<1xi32> to tensor<?xi32>
  call @layer(%x, %c, %k_r, %q_rope, %cu, %pages, %table, %lengths) : (tensor<?x3xf32>, tensor<?x4xf32>, tensor<?x2xf32>, tensor<?x2x2xf32>, tensor<?xi32>, tensor<?x4x6xf32>, tensor<?x?xi32>, tensor<?xi32>) -> ()
  return
}

// CHECK: data =
// CHECK-NEXT: {{\[\[}}-0.3390{{[0-9]*}}, 0.765{{[0-9]*}}, -0.3407{{[0-9]*}}, -0.6146{{[0-9]*}}, 0.0123{{[0-9]*}}, 0.8483{{[0-9]*}}, -0.9353{{[0-9]*}}, 0.4294{{[0-9]*}}],
// CHECK-NEXT: [-1.054{{[0-9]*}}, 0.062{{[0-9]*}}, -0.6572{{[0-9]*}}, -1.688{{[0-9]*}}, -0.08865{{[0-9]*}}, 1.339{{[0-9]*}}, -0.7275{{[0-9]*}}, -0.6365{{[0-9]*}}{{\]\]}}
