// Executes the absorbed attention on ragged batches, and the naive one on the gathered latents, with equal results.
//
// Pages of 4 tokens; sequences of length 1, page - 1, page, page + 1 and 2 page + 1 with 1, 1, 2, 1 and 3 queries.
// Rows beyond a length are NaN, and table entries beyond the pages are invalid. Expected: softmax(0.5 (q c + q_r k)) c and
// its LSE over keys 0 to n - s + i, computed in Python in float64.
//
// RUN: mla-opt %s --mla-to-cpu | %run_main | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32> {bufferization.access = "read"})
!cache = !mla.cache<page = 4, latent = 2, rope = 2, f32>

func.func private @latent(%q: tensor<?x2x2xf32>, %qr: tensor<?x2x2xf32>, %cu: tensor<?xi32>, %pages: tensor<?x4x4xf32>, %table: tensor<?x?xi32>, %lengths: tensor<?xi32>) {
  %cache = builtin.unrealized_conversion_cast %pages, %table, %lengths : tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32> to !cache
  %o, %lse = mla.latent_attention queries(%q, %qr of %cu) cache(%cache) {scale = 0.5 : f64} : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, !cache) -> tensor<?x2x2xf32>, tensor<?x2xf32>
  %print0 = tensor.cast %o : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  %print1 = tensor.cast %lse : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print1) : (tensor<*xf32>) -> ()
  return
}

func.func private @gathered(%q: tensor<?x2x2xf32>, %qr: tensor<?x2x2xf32>, %cu: tensor<?xi32>, %pages: tensor<?x4x4xf32>, %table: tensor<?x?xi32>, %lengths: tensor<?xi32>) {
  %cache = builtin.unrealized_conversion_cast %pages, %table, %lengths : tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32> to !cache
  %c, %k, %cu_keys = mla.gather %cache : !cache
  %o, %lse = mla.attention queries(%q, %qr of %cu) keys(%c, %k of %cu_keys) values(%c) {scale = 0.5 : f64} : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2x2xf32>, tensor<?x2xf32>
  %print0 = tensor.cast %o : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  %print1 = tensor.cast %lse : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print1) : (tensor<*xf32>) -> ()
  return
}

func.func private @no_key(%q: tensor<?x2x2xf32>, %qr: tensor<?x2x2xf32>, %cu: tensor<?xi32>, %pages: tensor<?x4x4xf32>, %table: tensor<?x?xi32>, %lengths: tensor<?xi32>) {
  %cache = builtin.unrealized_conversion_cast %pages, %table, %lengths : tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32> to !cache
  %o, %lse = mla.latent_attention queries(%q, %qr of %cu) cache(%cache) {scale = 0.5 : f64} : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, !cache) -> tensor<?x2x2xf32>, tensor<?x2xf32>
  %print0 = tensor.cast %o : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  %print1 = tensor.cast %lse : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print1) : (tensor<*xf32>) -> ()
  return
}

func.func private @no_key_gathered(%q: tensor<?x2x2xf32>, %qr: tensor<?x2x2xf32>, %cu: tensor<?xi32>, %pages: tensor<?x4x4xf32>, %table: tensor<?x?xi32>, %lengths: tensor<?xi32>) {
  %cache = builtin.unrealized_conversion_cast %pages, %table, %lengths : tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32> to !cache
  %c, %k, %cu_keys = mla.gather %cache : !cache
  %o, %lse = mla.attention queries(%q, %qr of %cu) keys(%c, %k of %cu_keys) values(%c) {scale = 0.5 : f64} : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2x2xf32>, tensor<?x2xf32>
  %print0 = tensor.cast %o : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  %print1 = tensor.cast %lse : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print1) : (tensor<*xf32>) -> ()
  return
}

func.func private @no_sequence(%q: tensor<?x2x2xf32>, %qr: tensor<?x2x2xf32>, %cu: tensor<?xi32>, %pages: tensor<?x4x4xf32>, %table: tensor<?x?xi32>, %lengths: tensor<?xi32>) {
  %cache = builtin.unrealized_conversion_cast %pages, %table, %lengths : tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32> to !cache
  %o, %lse = mla.latent_attention queries(%q, %qr of %cu) cache(%cache) {scale = 0.5 : f64} : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, !cache) -> tensor<?x2x2xf32>, tensor<?x2xf32>
  %print0 = tensor.cast %o : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  %print1 = tensor.cast %lse : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print1) : (tensor<*xf32>) -> ()
  return
}

func.func private @no_sequence_gathered(%q: tensor<?x2x2xf32>, %qr: tensor<?x2x2xf32>, %cu: tensor<?xi32>, %pages: tensor<?x4x4xf32>, %table: tensor<?x?xi32>, %lengths: tensor<?xi32>) {
  %cache = builtin.unrealized_conversion_cast %pages, %table, %lengths : tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32> to !cache
  %c, %k, %cu_keys = mla.gather %cache : !cache
  %o, %lse = mla.attention queries(%q, %qr of %cu) keys(%c, %k of %cu_keys) values(%c) {scale = 0.5 : f64} : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2x2xf32>, tensor<?x2xf32>
  %print0 = tensor.cast %o : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  %print1 = tensor.cast %lse : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print1) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  %latent_q_s = arith.constant dense<[[[-1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, -1.0]], [[1.0, -1.0], [-1.0, 0.0]], [[-1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, -1.0]], [[1.0, -1.0], [-1.0, 0.0]], [[-1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, -1.0]]]> : tensor<8x2x2xf32>
  %latent_q = tensor.cast %latent_q_s : tensor<8x2x2xf32> to tensor<?x2x2xf32>
  %latent_qr_s = arith.constant dense<[[[0.0, 0.5], [1.0, 0.0]], [[0.5, 1.0], [0.0, 0.5]], [[1.0, 0.0], [0.5, 1.0]], [[0.0, 0.5], [1.0, 0.0]], [[0.5, 1.0], [0.0, 0.5]], [[1.0, 0.0], [0.5, 1.0]], [[0.0, 0.5], [1.0, 0.0]], [[0.5, 1.0], [0.0, 0.5]]]> : tensor<8x2x2xf32>
  %latent_qr = tensor.cast %latent_qr_s : tensor<8x2x2xf32> to tensor<?x2x2xf32>
  %latent_cu_s = arith.constant dense<[0, 1, 2, 4, 5, 8]> : tensor<6xi32>
  %latent_cu = tensor.cast %latent_cu_s : tensor<6xi32> to tensor<?xi32>
  %latent_pages_s = arith.constant dense<[[[1.0, -1.0, 1.5, 0.5], [-1.0, 0.0, 0.0, -1.0], [2.0, 1.0, 0.5, 0.0], [0.0, -1.0, 1.0, 1.0]], [[-1.0, -1.0, 0.0, 0.0], [2.0, 0.0, 0.5, 1.0], [0.0, 1.0, 1.0, -0.5], [-2.0, -1.0, 1.5, 0.5]], [[-1.0, 1.0, 0.5, -0.5], [2.0, -1.0, 1.0, 0.5], [0.0, 0.0, 1.5, -1.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[-2.0, 0.0, 1.5, -0.5], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[1.0, 0.0, 0.0, -1.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[-2.0, -1.0, 0.0, -1.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[2.0, 1.0, 0.0, 1.0], [0.0, -1.0, 0.5, -0.5], [-2.0, 0.0, 1.0, 0.5], [1.0, 1.0, 1.5, -1.0]], [[0.0, 0.0, 1.0, 0.0], [-2.0, 1.0, 1.5, 1.0], [1.0, -1.0, 0.0, -0.5], [-1.0, 0.0, 0.5, 0.5]]]> : tensor<8x4x4xf32>
  %latent_pages = tensor.cast %latent_pages_s : tensor<8x4x4xf32> to tensor<?x4x4xf32>
  %latent_table_s = arith.constant dense<[[5, -1, 99], [2, -1, 99], [7, -1, 99], [0, 3, -1], [6, 1, 4]]> : tensor<5x3xi32>
  %latent_table = tensor.cast %latent_table_s : tensor<5x3xi32> to tensor<?x?xi32>
  %latent_lengths_s = arith.constant dense<[1, 3, 4, 5, 9]> : tensor<5xi32>
  %latent_lengths = tensor.cast %latent_lengths_s : tensor<5xi32> to tensor<?xi32>
  call @latent(%latent_q, %latent_qr, %latent_cu, %latent_pages, %latent_table, %latent_lengths) : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?xi32>, tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32>) -> ()
  %gathered_q_s = arith.constant dense<[[[-1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, -1.0]], [[1.0, -1.0], [-1.0, 0.0]], [[-1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, -1.0]], [[1.0, -1.0], [-1.0, 0.0]], [[-1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, -1.0]]]> : tensor<8x2x2xf32>
  %gathered_q = tensor.cast %gathered_q_s : tensor<8x2x2xf32> to tensor<?x2x2xf32>
  %gathered_qr_s = arith.constant dense<[[[0.0, 0.5], [1.0, 0.0]], [[0.5, 1.0], [0.0, 0.5]], [[1.0, 0.0], [0.5, 1.0]], [[0.0, 0.5], [1.0, 0.0]], [[0.5, 1.0], [0.0, 0.5]], [[1.0, 0.0], [0.5, 1.0]], [[0.0, 0.5], [1.0, 0.0]], [[0.5, 1.0], [0.0, 0.5]]]> : tensor<8x2x2xf32>
  %gathered_qr = tensor.cast %gathered_qr_s : tensor<8x2x2xf32> to tensor<?x2x2xf32>
  %gathered_cu_s = arith.constant dense<[0, 1, 2, 4, 5, 8]> : tensor<6xi32>
  %gathered_cu = tensor.cast %gathered_cu_s : tensor<6xi32> to tensor<?xi32>
  %gathered_pages_s = arith.constant dense<[[[1.0, -1.0, 1.5, 0.5], [-1.0, 0.0, 0.0, -1.0], [2.0, 1.0, 0.5, 0.0], [0.0, -1.0, 1.0, 1.0]], [[-1.0, -1.0, 0.0, 0.0], [2.0, 0.0, 0.5, 1.0], [0.0, 1.0, 1.0, -0.5], [-2.0, -1.0, 1.5, 0.5]], [[-1.0, 1.0, 0.5, -0.5], [2.0, -1.0, 1.0, 0.5], [0.0, 0.0, 1.5, -1.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[-2.0, 0.0, 1.5, -0.5], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[1.0, 0.0, 0.0, -1.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[-2.0, -1.0, 0.0, -1.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[2.0, 1.0, 0.0, 1.0], [0.0, -1.0, 0.5, -0.5], [-2.0, 0.0, 1.0, 0.5], [1.0, 1.0, 1.5, -1.0]], [[0.0, 0.0, 1.0, 0.0], [-2.0, 1.0, 1.5, 1.0], [1.0, -1.0, 0.0, -0.5], [-1.0, 0.0, 0.5, 0.5]]]> : tensor<8x4x4xf32>
  %gathered_pages = tensor.cast %gathered_pages_s : tensor<8x4x4xf32> to tensor<?x4x4xf32>
  %gathered_table_s = arith.constant dense<[[5, -1, 99], [2, -1, 99], [7, -1, 99], [0, 3, -1], [6, 1, 4]]> : tensor<5x3xi32>
  %gathered_table = tensor.cast %gathered_table_s : tensor<5x3xi32> to tensor<?x?xi32>
  %gathered_lengths_s = arith.constant dense<[1, 3, 4, 5, 9]> : tensor<5xi32>
  %gathered_lengths = tensor.cast %gathered_lengths_s : tensor<5xi32> to tensor<?xi32>
  call @gathered(%gathered_q, %gathered_qr, %gathered_cu, %gathered_pages, %gathered_table, %gathered_lengths) : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?xi32>, tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32>) -> ()
  %no_key_q_s = arith.constant dense<[[[-1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, -1.0]], [[1.0, -1.0], [-1.0, 0.0]]]> : tensor<3x2x2xf32>
  %no_key_q = tensor.cast %no_key_q_s : tensor<3x2x2xf32> to tensor<?x2x2xf32>
  %no_key_qr_s = arith.constant dense<[[[0.0, 0.5], [1.0, 0.0]], [[0.5, 1.0], [0.0, 0.5]], [[1.0, 0.0], [0.5, 1.0]]]> : tensor<3x2x2xf32>
  %no_key_qr = tensor.cast %no_key_qr_s : tensor<3x2x2xf32> to tensor<?x2x2xf32>
  %no_key_cu_s = arith.constant dense<[0, 1, 3]> : tensor<3xi32>
  %no_key_cu = tensor.cast %no_key_cu_s : tensor<3xi32> to tensor<?xi32>
  %no_key_pages_s = arith.constant dense<[[[1.0, -1.0, 1.5, 0.5], [-1.0, 0.0, 0.0, -1.0], [2.0, 1.0, 0.5, 0.0], [0.0, -1.0, 1.0, 1.0]], [[-1.0, -1.0, 0.0, 0.0], [2.0, 0.0, 0.5, 1.0], [0.0, 1.0, 1.0, -0.5], [-2.0, -1.0, 1.5, 0.5]], [[-1.0, 1.0, 0.5, -0.5], [2.0, -1.0, 1.0, 0.5], [0.0, 0.0, 1.5, -1.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[-2.0, 0.0, 1.5, -0.5], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[1.0, 0.0, 0.0, -1.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[-2.0, -1.0, 0.0, -1.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[2.0, 1.0, 0.0, 1.0], [0.0, -1.0, 0.5, -0.5], [-2.0, 0.0, 1.0, 0.5], [1.0, 1.0, 1.5, -1.0]], [[0.0, 0.0, 1.0, 0.0], [-2.0, 1.0, 1.5, 1.0], [1.0, -1.0, 0.0, -0.5], [-1.0, 0.0, 0.5, 0.5]]]> : tensor<8x4x4xf32>
  %no_key_pages = tensor.cast %no_key_pages_s : tensor<8x4x4xf32> to tensor<?x4x4xf32>
  %no_key_table_s = arith.constant dense<[[-1], [5]]> : tensor<2x1xi32>
  %no_key_table = tensor.cast %no_key_table_s : tensor<2x1xi32> to tensor<?x?xi32>
  %no_key_lengths_s = arith.constant dense<[0, 1]> : tensor<2xi32>
  %no_key_lengths = tensor.cast %no_key_lengths_s : tensor<2xi32> to tensor<?xi32>
  call @no_key(%no_key_q, %no_key_qr, %no_key_cu, %no_key_pages, %no_key_table, %no_key_lengths) : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?xi32>, tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32>) -> ()
  %no_key_gathered_q_s = arith.constant dense<[[[-1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, -1.0]], [[1.0, -1.0], [-1.0, 0.0]]]> : tensor<3x2x2xf32>
  %no_key_gathered_q = tensor.cast %no_key_gathered_q_s : tensor<3x2x2xf32> to tensor<?x2x2xf32>
  %no_key_gathered_qr_s = arith.constant dense<[[[0.0, 0.5], [1.0, 0.0]], [[0.5, 1.0], [0.0, 0.5]], [[1.0, 0.0], [0.5, 1.0]]]> : tensor<3x2x2xf32>
  %no_key_gathered_qr = tensor.cast %no_key_gathered_qr_s : tensor<3x2x2xf32> to tensor<?x2x2xf32>
  %no_key_gathered_cu_s = arith.constant dense<[0, 1, 3]> : tensor<3xi32>
  %no_key_gathered_cu = tensor.cast %no_key_gathered_cu_s : tensor<3xi32> to tensor<?xi32>
  %no_key_gathered_pages_s = arith.constant dense<[[[1.0, -1.0, 1.5, 0.5], [-1.0, 0.0, 0.0, -1.0], [2.0, 1.0, 0.5, 0.0], [0.0, -1.0, 1.0, 1.0]], [[-1.0, -1.0, 0.0, 0.0], [2.0, 0.0, 0.5, 1.0], [0.0, 1.0, 1.0, -0.5], [-2.0, -1.0, 1.5, 0.5]], [[-1.0, 1.0, 0.5, -0.5], [2.0, -1.0, 1.0, 0.5], [0.0, 0.0, 1.5, -1.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[-2.0, 0.0, 1.5, -0.5], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[1.0, 0.0, 0.0, -1.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[-2.0, -1.0, 0.0, -1.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[2.0, 1.0, 0.0, 1.0], [0.0, -1.0, 0.5, -0.5], [-2.0, 0.0, 1.0, 0.5], [1.0, 1.0, 1.5, -1.0]], [[0.0, 0.0, 1.0, 0.0], [-2.0, 1.0, 1.5, 1.0], [1.0, -1.0, 0.0, -0.5], [-1.0, 0.0, 0.5, 0.5]]]> : tensor<8x4x4xf32>
  %no_key_gathered_pages = tensor.cast %no_key_gathered_pages_s : tensor<8x4x4xf32> to tensor<?x4x4xf32>
  %no_key_gathered_table_s = arith.constant dense<[[-1], [5]]> : tensor<2x1xi32>
  %no_key_gathered_table = tensor.cast %no_key_gathered_table_s : tensor<2x1xi32> to tensor<?x?xi32>
  %no_key_gathered_lengths_s = arith.constant dense<[0, 1]> : tensor<2xi32>
  %no_key_gathered_lengths = tensor.cast %no_key_gathered_lengths_s : tensor<2xi32> to tensor<?xi32>
  call @no_key_gathered(%no_key_gathered_q, %no_key_gathered_qr, %no_key_gathered_cu, %no_key_gathered_pages, %no_key_gathered_table, %no_key_gathered_lengths) : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?xi32>, tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32>) -> ()
  %no_sequence_q_s = arith.constant dense<0.0> : tensor<0x2x2xf32>
  %no_sequence_q = tensor.cast %no_sequence_q_s : tensor<0x2x2xf32> to tensor<?x2x2xf32>
  %no_sequence_qr_s = arith.constant dense<0.0> : tensor<0x2x2xf32>
  %no_sequence_qr = tensor.cast %no_sequence_qr_s : tensor<0x2x2xf32> to tensor<?x2x2xf32>
  %no_sequence_cu_s = arith.constant dense<[0]> : tensor<1xi32>
  %no_sequence_cu = tensor.cast %no_sequence_cu_s : tensor<1xi32> to tensor<?xi32>
  %no_sequence_pages_s = arith.constant dense<[[[1.0, -1.0, 1.5, 0.5], [-1.0, 0.0, 0.0, -1.0], [2.0, 1.0, 0.5, 0.0], [0.0, -1.0, 1.0, 1.0]], [[-1.0, -1.0, 0.0, 0.0], [2.0, 0.0, 0.5, 1.0], [0.0, 1.0, 1.0, -0.5], [-2.0, -1.0, 1.5, 0.5]], [[-1.0, 1.0, 0.5, -0.5], [2.0, -1.0, 1.0, 0.5], [0.0, 0.0, 1.5, -1.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[-2.0, 0.0, 1.5, -0.5], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[1.0, 0.0, 0.0, -1.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[-2.0, -1.0, 0.0, -1.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[2.0, 1.0, 0.0, 1.0], [0.0, -1.0, 0.5, -0.5], [-2.0, 0.0, 1.0, 0.5], [1.0, 1.0, 1.5, -1.0]], [[0.0, 0.0, 1.0, 0.0], [-2.0, 1.0, 1.5, 1.0], [1.0, -1.0, 0.0, -0.5], [-1.0, 0.0, 0.5, 0.5]]]> : tensor<8x4x4xf32>
  %no_sequence_pages = tensor.cast %no_sequence_pages_s : tensor<8x4x4xf32> to tensor<?x4x4xf32>
  %no_sequence_table_s = arith.constant dense<0> : tensor<0x1xi32>
  %no_sequence_table = tensor.cast %no_sequence_table_s : tensor<0x1xi32> to tensor<?x?xi32>
  %no_sequence_lengths_s = arith.constant dense<0> : tensor<0xi32>
  %no_sequence_lengths = tensor.cast %no_sequence_lengths_s : tensor<0xi32> to tensor<?xi32>
  call @no_sequence(%no_sequence_q, %no_sequence_qr, %no_sequence_cu, %no_sequence_pages, %no_sequence_table, %no_sequence_lengths) : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?xi32>, tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32>) -> ()
  %no_sequence_gathered_q_s = arith.constant dense<0.0> : tensor<0x2x2xf32>
  %no_sequence_gathered_q = tensor.cast %no_sequence_gathered_q_s : tensor<0x2x2xf32> to tensor<?x2x2xf32>
  %no_sequence_gathered_qr_s = arith.constant dense<0.0> : tensor<0x2x2xf32>
  %no_sequence_gathered_qr = tensor.cast %no_sequence_gathered_qr_s : tensor<0x2x2xf32> to tensor<?x2x2xf32>
  %no_sequence_gathered_cu_s = arith.constant dense<[0]> : tensor<1xi32>
  %no_sequence_gathered_cu = tensor.cast %no_sequence_gathered_cu_s : tensor<1xi32> to tensor<?xi32>
  %no_sequence_gathered_pages_s = arith.constant dense<[[[1.0, -1.0, 1.5, 0.5], [-1.0, 0.0, 0.0, -1.0], [2.0, 1.0, 0.5, 0.0], [0.0, -1.0, 1.0, 1.0]], [[-1.0, -1.0, 0.0, 0.0], [2.0, 0.0, 0.5, 1.0], [0.0, 1.0, 1.0, -0.5], [-2.0, -1.0, 1.5, 0.5]], [[-1.0, 1.0, 0.5, -0.5], [2.0, -1.0, 1.0, 0.5], [0.0, 0.0, 1.5, -1.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[-2.0, 0.0, 1.5, -0.5], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[1.0, 0.0, 0.0, -1.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[-2.0, -1.0, 0.0, -1.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[2.0, 1.0, 0.0, 1.0], [0.0, -1.0, 0.5, -0.5], [-2.0, 0.0, 1.0, 0.5], [1.0, 1.0, 1.5, -1.0]], [[0.0, 0.0, 1.0, 0.0], [-2.0, 1.0, 1.5, 1.0], [1.0, -1.0, 0.0, -0.5], [-1.0, 0.0, 0.5, 0.5]]]> : tensor<8x4x4xf32>
  %no_sequence_gathered_pages = tensor.cast %no_sequence_gathered_pages_s : tensor<8x4x4xf32> to tensor<?x4x4xf32>
  %no_sequence_gathered_table_s = arith.constant dense<0> : tensor<0x1xi32>
  %no_sequence_gathered_table = tensor.cast %no_sequence_gathered_table_s : tensor<0x1xi32> to tensor<?x?xi32>
  %no_sequence_gathered_lengths_s = arith.constant dense<0> : tensor<0xi32>
  %no_sequence_gathered_lengths = tensor.cast %no_sequence_gathered_lengths_s : tensor<0xi32> to tensor<?xi32>
  call @no_sequence_gathered(%no_sequence_gathered_q, %no_sequence_gathered_qr, %no_sequence_gathered_cu, %no_sequence_gathered_pages, %no_sequence_gathered_table, %no_sequence_gathered_lengths) : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?xi32>, tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32>) -> ()
  return
}

// Absorbed.
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}-2, -1],
// CHECK-NEXT: [-2, -1{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.163{{[0-9]*}}, 0.13632{{[0-9]*}}],
// CHECK-NEXT: [1.5904{{[0-9]*}}, -0.76898{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.36648{{[0-9]*}}, -0.46409{{[0-9]*}}],
// CHECK-NEXT: [-1.5185{{[0-9]*}}, 0.73073{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-1.2059{{[0-9]*}}, 0.42865{{[0-9]*}}],
// CHECK-NEXT: [-1.0894{{[0-9]*}}, 0.41023{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.33141{{[0-9]*}}, -0.09110{{[0-9]*}}],
// CHECK-NEXT: [0.6876{{[0-9]*}}, -0.46428{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.8499{{[0-9]*}}, 0.13762{{[0-9]*}}],
// CHECK-NEXT: [-0.76094{{[0-9]*}}, -0.039567{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-1.0560{{[0-9]*}}, -0.34429{{[0-9]*}}],
// CHECK-NEXT: [0.2142{{[0-9]*}}, 0.38545{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.41441{{[0-9]*}}, 0.29025{{[0-9]*}}],
// CHECK-NEXT: [0.85589{{[0-9]*}}, 0.024546{{[0-9]*}}{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}0.75, -0.5],
// CHECK-NEXT: [1.2052{{[0-9]*}}, 1.8216{{[0-9]*}}],
// CHECK-NEXT: [1.5767{{[0-9]*}}, 2.1135{{[0-9]*}}],
// CHECK-NEXT: [1.9306{{[0-9]*}}, 1.9501{{[0-9]*}}],
// CHECK-NEXT: [1.7959{{[0-9]*}}, 2.0337{{[0-9]*}}],
// CHECK-NEXT: [2.4832{{[0-9]*}}, 2.2866{{[0-9]*}}],
// CHECK-NEXT: [2.397{{[0-9]*}}, 2.5996{{[0-9]*}}],
// CHECK-NEXT: [2.5031{{[0-9]*}}, 2.465{{[0-9]*}}{{\]\]}}

// Naive over the gathered cache.
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}-2, -1],
// CHECK-NEXT: [-2, -1{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.163{{[0-9]*}}, 0.13632{{[0-9]*}}],
// CHECK-NEXT: [1.5904{{[0-9]*}}, -0.76898{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.36648{{[0-9]*}}, -0.46409{{[0-9]*}}],
// CHECK-NEXT: [-1.5185{{[0-9]*}}, 0.73073{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-1.2059{{[0-9]*}}, 0.42865{{[0-9]*}}],
// CHECK-NEXT: [-1.0894{{[0-9]*}}, 0.41023{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.33141{{[0-9]*}}, -0.09110{{[0-9]*}}],
// CHECK-NEXT: [0.6876{{[0-9]*}}, -0.46428{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.8499{{[0-9]*}}, 0.13762{{[0-9]*}}],
// CHECK-NEXT: [-0.76094{{[0-9]*}}, -0.039567{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-1.0560{{[0-9]*}}, -0.34429{{[0-9]*}}],
// CHECK-NEXT: [0.2142{{[0-9]*}}, 0.38545{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.41441{{[0-9]*}}, 0.29025{{[0-9]*}}],
// CHECK-NEXT: [0.85589{{[0-9]*}}, 0.024546{{[0-9]*}}{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}0.75, -0.5],
// CHECK-NEXT: [1.2052{{[0-9]*}}, 1.8216{{[0-9]*}}],
// CHECK-NEXT: [1.5767{{[0-9]*}}, 2.1135{{[0-9]*}}],
// CHECK-NEXT: [1.9306{{[0-9]*}}, 1.9501{{[0-9]*}}],
// CHECK-NEXT: [1.7959{{[0-9]*}}, 2.0337{{[0-9]*}}],
// CHECK-NEXT: [2.4832{{[0-9]*}}, 2.2866{{[0-9]*}}],
// CHECK-NEXT: [2.397{{[0-9]*}}, 2.5996{{[0-9]*}}],
// CHECK-NEXT: [2.5031{{[0-9]*}}, 2.465{{[0-9]*}}{{\]\]}}

// A sequence without tokens has a query, and one of length 1 has two: the first two queries have no keys,
// the third one has one key.
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}0, 0],
// CHECK-NEXT: [0, 0{{\]\]}},
// CHECK-NEXT: {{\[\[}}0, 0],
// CHECK-NEXT: [0, 0{{\]\]}},
// CHECK-NEXT: {{\[\[}}-2, -1],
// CHECK-NEXT: [-2, -1{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}-inf, -inf],
// CHECK-NEXT: [-inf, -inf],
// CHECK-NEXT: [-0.5, 0.5{{\]\]}}

// The same, gathered.
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}0, 0],
// CHECK-NEXT: [0, 0{{\]\]}},
// CHECK-NEXT: {{\[\[}}0, 0],
// CHECK-NEXT: [0, 0{{\]\]}},
// CHECK-NEXT: {{\[\[}}-2, -1],
// CHECK-NEXT: [-2, -1{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}-inf, -inf],
// CHECK-NEXT: [-inf, -inf],
// CHECK-NEXT: [-0.5, 0.5{{\]\]}}

// No sequence, no query.
// CHECK: sizes = [0, 2, 2]
// CHECK: sizes = [0, 2]
// CHECK: sizes = [0, 2, 2]
// CHECK: sizes = [0, 2]
