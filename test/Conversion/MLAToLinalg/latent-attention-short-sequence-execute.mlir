// A step with more tokens than its sequence has: queries before the first key give 0 and an LSE of -inf, and read
// nothing; the last one attends to the only key.
//
// RUN: mla-opt %s --mla-to-cpu | %run_main | FileCheck %s


func.func private @printMemrefF32(tensor<*xf32> {bufferization.access = "read"})
!cache = !mla.cache<page = 4, latent = 2, rope = 2, f32>

func.func private @no_key(%q: tensor<?x2x2xf32>, %qr: tensor<?x2x2xf32>, %cu: tensor<?xi32>, %pages: tensor<?x4x4xf32>, %table: tensor<?x?xi32>, %lengths: tensor<?xi32>) {
  %cache = builtin.unrealized_conversion_cast %pages, %table, %lengths : tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32> to !cache
  %o, %lse = mla.latent_attention queries(%q, %qr of %cu) cache(%cache) {scale = 0.5 : f64} : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, !cache) -> tensor<?x2x2xf32>, tensor<?x2xf32>
  %print0 = tensor.cast %o : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  %print1 = tensor.cast %lse : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print1) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  %no_key_q_s = arith.constant dense<[[[-1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, -1.0]], [[1.0, -1.0], [-1.0, 0.0]]]> : tensor<3x2x2xf32>
  %no_key_q = tensor.cast %no_key_q_s : tensor<3x2x2xf32> to tensor<?x2x2xf32>
  %no_key_qr_s = arith.constant dense<[[[0.0, 0.5], [1.0, 0.0]], [[0.5, 1.0], [0.0, 0.5]], [[1.0, 0.0], [0.5, 1.0]]]> : tensor<3x2x2xf32>
  %no_key_qr = tensor.cast %no_key_qr_s : tensor<3x2x2xf32> to tensor<?x2x2xf32>
  %no_key_cu_s = arith.constant dense<[0, 3]> : tensor<2xi32>
  %no_key_cu = tensor.cast %no_key_cu_s : tensor<2xi32> to tensor<?xi32>
  %no_key_pages_s = arith.constant dense<[[[1.0, -1.0, 1.5, 0.5], [-1.0, 0.0, 0.0, -1.0], [2.0, 1.0, 0.5, 0.0], [0.0, -1.0, 1.0, 1.0]], [[-1.0, -1.0, 0.0, 0.0], [2.0, 0.0, 0.5, 1.0], [0.0, 1.0, 1.0, -0.5], [-2.0, -1.0, 1.5, 0.5]], [[-1.0, 1.0, 0.5, -0.5], [2.0, -1.0, 1.0, 0.5], [0.0, 0.0, 1.5, -1.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[-2.0, 0.0, 1.5, -0.5], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[1.0, 0.0, 0.0, -1.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[-2.0, -1.0, 0.0, -1.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[2.0, 1.0, 0.0, 1.0], [0.0, -1.0, 0.5, -0.5], [-2.0, 0.0, 1.0, 0.5], [1.0, 1.0, 1.5, -1.0]], [[0.0, 0.0, 1.0, 0.0], [-2.0, 1.0, 1.5, 1.0], [1.0, -1.0, 0.0, -0.5], [-1.0, 0.0, 0.5, 0.5]]]> : tensor<8x4x4xf32>
  %no_key_pages = tensor.cast %no_key_pages_s : tensor<8x4x4xf32> to tensor<?x4x4xf32>
  %no_key_table_s = arith.constant dense<[[5]]> : tensor<1x1xi32>
  %no_key_table = tensor.cast %no_key_table_s : tensor<1x1xi32> to tensor<?x?xi32>
  %no_key_lengths_s = arith.constant dense<[1]> : tensor<1xi32>
  %no_key_lengths = tensor.cast %no_key_lengths_s : tensor<1xi32> to tensor<?xi32>
  call @no_key(%no_key_q, %no_key_qr, %no_key_cu, %no_key_pages, %no_key_table, %no_key_lengths) : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?xi32>, tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32>) -> ()
 return
}

// CHECK: {{\[\[\[}}0, 0],
// CHECK-NEXT: [0, 0]],
// CHECK-NEXT: {{\[\[}}0, 0],
// CHECK-NEXT: [0, 0]],
// CHECK-NEXT: {{\[\[}}-2, -1],
// CHECK-NEXT: [-2, -1]]]
// CHECK: {{\[\[}}-inf, -inf],
// CHECK-NEXT: [-inf, -inf],
// CHECK-NEXT: [-0.5, 0.5]]
