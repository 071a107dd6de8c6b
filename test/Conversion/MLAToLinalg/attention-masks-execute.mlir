// Executes both attentions with masks and sinks, on ragged batches, with equal results.
//
// Pages of 4 tokens; sequences of length 3, 9, 9, 13 and 0 with 1, 2, 3, 4 and 1 queries. Rows beyond a length are NaN,
// and table entries beyond the pages are invalid. With windows, the absorbed attention runs again on a cache whose rows
// before all windows are NaN, and whose entries of pages before these are invalid. Expected, computed in Python in
// float64: softmax(0.5 (q c + q_r k)) c over the keys that the mask shows, with exp(sink) added to the denominator, and
// the LSE without it.
//
// RUN: mla-opt %s --mla-to-cpu | %run_main | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32> {bufferization.access = "read"})
!cache = !mla.cache<page = 4, latent = 2, rope = 2, f32>

func.func private @latent_none(%q: tensor<?x2x2xf32>, %qr: tensor<?x2x2xf32>, %cu: tensor<?xi32>, %pages: tensor<?x4x4xf32>, %table: tensor<?x?xi32>, %lengths: tensor<?xi32>, %sinks: tensor<2xf32>) {
  %cache = builtin.unrealized_conversion_cast %pages, %table, %lengths : tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32> to !cache
  %o, %lse = mla.latent_attention queries(%q, %qr of %cu) cache(%cache) {mask = #mla.mask<none>, scale = 0.5 : f64} : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, !cache) -> tensor<?x2x2xf32>, tensor<?x2xf32>
  %print0 = tensor.cast %o : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  %print1 = tensor.cast %lse : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print1) : (tensor<*xf32>) -> ()
  return
}

func.func private @gathered_none(%q: tensor<?x2x2xf32>, %qr: tensor<?x2x2xf32>, %cu: tensor<?xi32>, %pages: tensor<?x4x4xf32>, %table: tensor<?x?xi32>, %lengths: tensor<?xi32>, %sinks: tensor<2xf32>) {
  %cache = builtin.unrealized_conversion_cast %pages, %table, %lengths : tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32> to !cache
  %c, %k, %cu_keys = mla.gather %cache : !cache
  %o, %lse = mla.attention queries(%q, %qr of %cu) keys(%c, %k of %cu_keys) values(%c) {mask = #mla.mask<none>, scale = 0.5 : f64} : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2x2xf32>, tensor<?x2xf32>
  %print0 = tensor.cast %o : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  %print1 = tensor.cast %lse : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print1) : (tensor<*xf32>) -> ()
  return
}

func.func private @latent_window1(%q: tensor<?x2x2xf32>, %qr: tensor<?x2x2xf32>, %cu: tensor<?xi32>, %pages: tensor<?x4x4xf32>, %table: tensor<?x?xi32>, %lengths: tensor<?xi32>, %sinks: tensor<2xf32>) {
  %cache = builtin.unrealized_conversion_cast %pages, %table, %lengths : tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32> to !cache
  %o, %lse = mla.latent_attention queries(%q, %qr of %cu) cache(%cache) {mask = #mla.mask<window = 1>, scale = 0.5 : f64} : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, !cache) -> tensor<?x2x2xf32>, tensor<?x2xf32>
  %print0 = tensor.cast %o : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  %print1 = tensor.cast %lse : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print1) : (tensor<*xf32>) -> ()
  return
}

func.func private @gathered_window1(%q: tensor<?x2x2xf32>, %qr: tensor<?x2x2xf32>, %cu: tensor<?xi32>, %pages: tensor<?x4x4xf32>, %table: tensor<?x?xi32>, %lengths: tensor<?xi32>, %sinks: tensor<2xf32>) {
  %cache = builtin.unrealized_conversion_cast %pages, %table, %lengths : tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32> to !cache
  %c, %k, %cu_keys = mla.gather %cache : !cache
  %o, %lse = mla.attention queries(%q, %qr of %cu) keys(%c, %k of %cu_keys) values(%c) {mask = #mla.mask<window = 1>, scale = 0.5 : f64} : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2x2xf32>, tensor<?x2xf32>
  %print0 = tensor.cast %o : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  %print1 = tensor.cast %lse : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print1) : (tensor<*xf32>) -> ()
  return
}

func.func private @latent_window3(%q: tensor<?x2x2xf32>, %qr: tensor<?x2x2xf32>, %cu: tensor<?xi32>, %pages: tensor<?x4x4xf32>, %table: tensor<?x?xi32>, %lengths: tensor<?xi32>, %sinks: tensor<2xf32>) {
  %cache = builtin.unrealized_conversion_cast %pages, %table, %lengths : tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32> to !cache
  %o, %lse = mla.latent_attention queries(%q, %qr of %cu) cache(%cache) {mask = #mla.mask<window = 3>, scale = 0.5 : f64} : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, !cache) -> tensor<?x2x2xf32>, tensor<?x2xf32>
  %print0 = tensor.cast %o : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  %print1 = tensor.cast %lse : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print1) : (tensor<*xf32>) -> ()
  return
}

func.func private @gathered_window3(%q: tensor<?x2x2xf32>, %qr: tensor<?x2x2xf32>, %cu: tensor<?xi32>, %pages: tensor<?x4x4xf32>, %table: tensor<?x?xi32>, %lengths: tensor<?xi32>, %sinks: tensor<2xf32>) {
  %cache = builtin.unrealized_conversion_cast %pages, %table, %lengths : tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32> to !cache
  %c, %k, %cu_keys = mla.gather %cache : !cache
  %o, %lse = mla.attention queries(%q, %qr of %cu) keys(%c, %k of %cu_keys) values(%c) {mask = #mla.mask<window = 3>, scale = 0.5 : f64} : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2x2xf32>, tensor<?x2xf32>
  %print0 = tensor.cast %o : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  %print1 = tensor.cast %lse : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print1) : (tensor<*xf32>) -> ()
  return
}

func.func private @latent_window6_sinks(%q: tensor<?x2x2xf32>, %qr: tensor<?x2x2xf32>, %cu: tensor<?xi32>, %pages: tensor<?x4x4xf32>, %table: tensor<?x?xi32>, %lengths: tensor<?xi32>, %sinks: tensor<2xf32>) {
  %cache = builtin.unrealized_conversion_cast %pages, %table, %lengths : tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32> to !cache
  %o, %lse = mla.latent_attention queries(%q, %qr of %cu) cache(%cache) sinks(%sinks) {mask = #mla.mask<window = 6>, scale = 0.5 : f64} : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, !cache, tensor<2xf32>) -> tensor<?x2x2xf32>, tensor<?x2xf32>
  %print0 = tensor.cast %o : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  %print1 = tensor.cast %lse : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print1) : (tensor<*xf32>) -> ()
  return
}

func.func private @gathered_window6_sinks(%q: tensor<?x2x2xf32>, %qr: tensor<?x2x2xf32>, %cu: tensor<?xi32>, %pages: tensor<?x4x4xf32>, %table: tensor<?x?xi32>, %lengths: tensor<?xi32>, %sinks: tensor<2xf32>) {
  %cache = builtin.unrealized_conversion_cast %pages, %table, %lengths : tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32> to !cache
  %c, %k, %cu_keys = mla.gather %cache : !cache
  %o, %lse = mla.attention queries(%q, %qr of %cu) keys(%c, %k of %cu_keys) values(%c) sinks(%sinks) {mask = #mla.mask<window = 6>, scale = 0.5 : f64} : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2x2xf32>, tensor<?x2xf32>
  %print0 = tensor.cast %o : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  %print1 = tensor.cast %lse : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print1) : (tensor<*xf32>) -> ()
  return
}

func.func private @latent_window100(%q: tensor<?x2x2xf32>, %qr: tensor<?x2x2xf32>, %cu: tensor<?xi32>, %pages: tensor<?x4x4xf32>, %table: tensor<?x?xi32>, %lengths: tensor<?xi32>, %sinks: tensor<2xf32>) {
  %cache = builtin.unrealized_conversion_cast %pages, %table, %lengths : tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32> to !cache
  %o, %lse = mla.latent_attention queries(%q, %qr of %cu) cache(%cache) {mask = #mla.mask<window = 100>, scale = 0.5 : f64} : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, !cache) -> tensor<?x2x2xf32>, tensor<?x2xf32>
  %print0 = tensor.cast %o : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  %print1 = tensor.cast %lse : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print1) : (tensor<*xf32>) -> ()
  return
}

func.func private @gathered_window100(%q: tensor<?x2x2xf32>, %qr: tensor<?x2x2xf32>, %cu: tensor<?xi32>, %pages: tensor<?x4x4xf32>, %table: tensor<?x?xi32>, %lengths: tensor<?xi32>, %sinks: tensor<2xf32>) {
  %cache = builtin.unrealized_conversion_cast %pages, %table, %lengths : tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32> to !cache
  %c, %k, %cu_keys = mla.gather %cache : !cache
  %o, %lse = mla.attention queries(%q, %qr of %cu) keys(%c, %k of %cu_keys) values(%c) {mask = #mla.mask<window = 100>, scale = 0.5 : f64} : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2x2xf32>, tensor<?x2xf32>
  %print0 = tensor.cast %o : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  %print1 = tensor.cast %lse : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print1) : (tensor<*xf32>) -> ()
  return
}

func.func private @latent_sinks(%q: tensor<?x2x2xf32>, %qr: tensor<?x2x2xf32>, %cu: tensor<?xi32>, %pages: tensor<?x4x4xf32>, %table: tensor<?x?xi32>, %lengths: tensor<?xi32>, %sinks: tensor<2xf32>) {
  %cache = builtin.unrealized_conversion_cast %pages, %table, %lengths : tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32> to !cache
  %o, %lse = mla.latent_attention queries(%q, %qr of %cu) cache(%cache) sinks(%sinks) {scale = 0.5 : f64} : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, !cache, tensor<2xf32>) -> tensor<?x2x2xf32>, tensor<?x2xf32>
  %print0 = tensor.cast %o : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  %print1 = tensor.cast %lse : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print1) : (tensor<*xf32>) -> ()
  return
}

func.func private @gathered_sinks(%q: tensor<?x2x2xf32>, %qr: tensor<?x2x2xf32>, %cu: tensor<?xi32>, %pages: tensor<?x4x4xf32>, %table: tensor<?x?xi32>, %lengths: tensor<?xi32>, %sinks: tensor<2xf32>) {
  %cache = builtin.unrealized_conversion_cast %pages, %table, %lengths : tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32> to !cache
  %c, %k, %cu_keys = mla.gather %cache : !cache
  %o, %lse = mla.attention queries(%q, %qr of %cu) keys(%c, %k of %cu_keys) values(%c) sinks(%sinks) {scale = 0.5 : f64} : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<2xf32>) -> tensor<?x2x2xf32>, tensor<?x2xf32>
  %print0 = tensor.cast %o : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  %print1 = tensor.cast %lse : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print1) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  %q_s = arith.constant dense<[[[-1.5, 1.0], [1.5, -1.5]], [[0.0, -0.5], [2.0, -2.0]], [[0.0, 2.0], [-0.5, -1.5]], [[1.5, 2.0], [2.0, 2.0]], [[-0.5, 1.0], [2.0, 0.5]], [[2.0, 0.5], [-1.5, 0.0]], [[0.5, -1.0], [1.0, -0.5]], [[2.0, -1.5], [0.5, -2.0]], [[-1.5, 0.0], [0.0, 0.0]], [[0.0, 1.5], [0.0, -0.5]], [[2.0, 1.5], [-0.5, -1.5]]]> : tensor<11x2x2xf32>
  %q = tensor.cast %q_s : tensor<11x2x2xf32> to tensor<?x2x2xf32>
  %qr_s = arith.constant dense<[[[-1.0, -1.5], [0.0, 0.5]], [[0.5, 2.0], [2.0, 0.0]], [[0.5, -2.0], [-1.0, 2.0]], [[2.0, -2.0], [0.0, 0.0]], [[1.0, -1.5], [0.0, -0.5]], [[-1.5, 1.5], [1.0, -1.5]], [[1.0, 0.0], [-1.5, 0.5]], [[0.0, 0.0], [-0.5, 2.0]], [[-1.5, 2.0], [-1.5, 1.5]], [[2.0, -1.5], [1.5, -2.0]], [[-0.5, 0.0], [1.0, -1.5]]]> : tensor<11x2x2xf32>
  %qr = tensor.cast %qr_s : tensor<11x2x2xf32> to tensor<?x2x2xf32>
  %cu_s = arith.constant dense<[0, 1, 3, 6, 10, 11]> : tensor<6xi32>
  %cu = tensor.cast %cu_s : tensor<6xi32> to tensor<?xi32>
  %pages_s = arith.constant dense<[[[-0.5, -1.5, 2.0, -2.0], [-0.5, 0.5, 0.0, -2.0], [2.0, 1.5, 2.0, -1.5], [-0.5, -0.5, -1.0, -2.0]], [[-2.0, -1.0, 2.0, -1.0], [0.0, -2.0, 1.5, 2.0], [-1.0, 1.5, -0.5, -1.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[0.5, -0.5, -1.0, -0.5], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[-1.0, -0.5, -1.0, -1.0], [-0.5, 0.0, 2.0, 0.0], [1.5, -0.5, 1.5, 1.0], [0.5, 1.0, -2.0, 1.0]], [[-1.5, 0.0, 1.0, -1.5], [-1.0, 0.5, 1.0, -2.0], [0.0, 0.5, -0.5, -2.0], [1.0, 1.0, -1.5, 1.5]], [[-1.0, 1.0, 0.0, -2.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[-1.5, 1.5, 1.0, 1.0], [0.0, 0.0, 0.0, 0.5], [0.5, -2.0, 2.0, 0.5], [0.5, 1.0, -2.0, 0.5]], [[-0.5, 1.5, 0.0, -1.5], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[1.5, 1.0, -2.0, -1.5], [-0.5, 2.0, 1.5, -1.5], [2.0, -1.0, -1.0, 2.0], [-2.0, -2.0, 1.5, -1.0]], [[0.0, 1.5, -0.5, 0.0], [0.5, 1.0, 0.5, 0.5], [0.5, -2.0, -2.0, -1.0], [-1.0, 2.0, -2.0, 0.5]], [[0.0, -1.5, -2.0, 2.0], [1.0, -0.5, 0.0, 2.0], [1.0, 0.5, -2.0, -2.0], [0.5, 0.5, -0.5, 0.0]], [[0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]]]> : tensor<12x4x4xf32>
  %pages = tensor.cast %pages_s : tensor<12x4x4xf32> to tensor<?x4x4xf32>
  %table_s = arith.constant dense<[[1, -1, -1, -1, -1], [0, 8, 2, -1, -1], [10, 9, 7, -1, -1], [6, 4, 3, 5, -1], [-1, -1, -1, -1, -1]]> : tensor<5x5xi32>
  %table = tensor.cast %table_s : tensor<5x5xi32> to tensor<?x?xi32>
  %lengths_s = arith.constant dense<[3, 9, 9, 13, 0]> : tensor<5xi32>
  %lengths = tensor.cast %lengths_s : tensor<5xi32> to tensor<?xi32>
  %sinks = arith.constant dense<[0.5, -1.0]> : tensor<2xf32>
  %pages_window1_s = arith.constant dense<[[[0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [-1.0, 1.5, -0.5, -1.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[0.5, -0.5, -1.0, -0.5], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [-0.5, 0.0, 2.0, 0.0], [1.5, -0.5, 1.5, 1.0], [0.5, 1.0, -2.0, 1.0]], [[0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[-1.0, 1.0, 0.0, -2.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[-0.5, 1.5, 0.0, -1.5], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [-2.0, -2.0, 1.5, -1.0]], [[0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0.5, -2.0, -2.0, -1.0], [-1.0, 2.0, -2.0, 0.5]], [[0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]]]> : tensor<12x4x4xf32>
  %pages_window1 = tensor.cast %pages_window1_s : tensor<12x4x4xf32> to tensor<?x4x4xf32>
  %table_window1_s = arith.constant dense<[[1, -1, -1, -1, -1], [-7, 8, 2, -1, -1], [-7, 9, 7, -1, -1], [-7, -7, 3, 5, -1], [-1, -1, -1, -1, -1]]> : tensor<5x5xi32>
  %table_window1 = tensor.cast %table_window1_s : tensor<5x5xi32> to tensor<?x?xi32>
  %pages_window3_s = arith.constant dense<[[[0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[-2.0, -1.0, 2.0, -1.0], [0.0, -2.0, 1.5, 2.0], [-1.0, 1.5, -0.5, -1.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[0.5, -0.5, -1.0, -0.5], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[-1.0, -0.5, -1.0, -1.0], [-0.5, 0.0, 2.0, 0.0], [1.5, -0.5, 1.5, 1.0], [0.5, 1.0, -2.0, 1.0]], [[0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [1.0, 1.0, -1.5, 1.5]], [[-1.0, 1.0, 0.0, -2.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[-0.5, 1.5, 0.0, -1.5], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [-0.5, 2.0, 1.5, -1.5], [2.0, -1.0, -1.0, 2.0], [-2.0, -2.0, 1.5, -1.0]], [[0.0, 1.5, -0.5, 0.0], [0.5, 1.0, 0.5, 0.5], [0.5, -2.0, -2.0, -1.0], [-1.0, 2.0, -2.0, 0.5]], [[0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]]]> : tensor<12x4x4xf32>
  %pages_window3 = tensor.cast %pages_window3_s : tensor<12x4x4xf32> to tensor<?x4x4xf32>
  %table_window3_s = arith.constant dense<[[1, -1, -1, -1, -1], [-7, 8, 2, -1, -1], [-7, 9, 7, -1, -1], [-7, 4, 3, 5, -1], [-1, -1, -1, -1, -1]]> : tensor<5x5xi32>
  %table_window3 = tensor.cast %table_window3_s : tensor<5x5xi32> to tensor<?x?xi32>
  %pages_window6_sinks_s = arith.constant dense<[[[0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [2.0, 1.5, 2.0, -1.5], [-0.5, -0.5, -1.0, -2.0]], [[-2.0, -1.0, 2.0, -1.0], [0.0, -2.0, 1.5, 2.0], [-1.0, 1.5, -0.5, -1.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[0.5, -0.5, -1.0, -0.5], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[-1.0, -0.5, -1.0, -1.0], [-0.5, 0.0, 2.0, 0.0], [1.5, -0.5, 1.5, 1.0], [0.5, 1.0, -2.0, 1.0]], [[-1.5, 0.0, 1.0, -1.5], [-1.0, 0.5, 1.0, -2.0], [0.0, 0.5, -0.5, -2.0], [1.0, 1.0, -1.5, 1.5]], [[-1.0, 1.0, 0.0, -2.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[-0.5, 1.5, 0.0, -1.5], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[1.5, 1.0, -2.0, -1.5], [-0.5, 2.0, 1.5, -1.5], [2.0, -1.0, -1.0, 2.0], [-2.0, -2.0, 1.5, -1.0]], [[0.0, 1.5, -0.5, 0.0], [0.5, 1.0, 0.5, 0.5], [0.5, -2.0, -2.0, -1.0], [-1.0, 2.0, -2.0, 0.5]], [[0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [1.0, -0.5, 0.0, 2.0], [1.0, 0.5, -2.0, -2.0], [0.5, 0.5, -0.5, 0.0]], [[0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]]]> : tensor<12x4x4xf32>
  %pages_window6_sinks = tensor.cast %pages_window6_sinks_s : tensor<12x4x4xf32> to tensor<?x4x4xf32>
  %table_window6_sinks_s = arith.constant dense<[[1, -1, -1, -1, -1], [0, 8, 2, -1, -1], [10, 9, 7, -1, -1], [-7, 4, 3, 5, -1], [-1, -1, -1, -1, -1]]> : tensor<5x5xi32>
  %table_window6_sinks = tensor.cast %table_window6_sinks_s : tensor<5x5xi32> to tensor<?x?xi32>
  %pages_window100_s = arith.constant dense<[[[-0.5, -1.5, 2.0, -2.0], [-0.5, 0.5, 0.0, -2.0], [2.0, 1.5, 2.0, -1.5], [-0.5, -0.5, -1.0, -2.0]], [[-2.0, -1.0, 2.0, -1.0], [0.0, -2.0, 1.5, 2.0], [-1.0, 1.5, -0.5, -1.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[0.5, -0.5, -1.0, -0.5], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[-1.0, -0.5, -1.0, -1.0], [-0.5, 0.0, 2.0, 0.0], [1.5, -0.5, 1.5, 1.0], [0.5, 1.0, -2.0, 1.0]], [[-1.5, 0.0, 1.0, -1.5], [-1.0, 0.5, 1.0, -2.0], [0.0, 0.5, -0.5, -2.0], [1.0, 1.0, -1.5, 1.5]], [[-1.0, 1.0, 0.0, -2.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[-1.5, 1.5, 1.0, 1.0], [0.0, 0.0, 0.0, 0.5], [0.5, -2.0, 2.0, 0.5], [0.5, 1.0, -2.0, 0.5]], [[-0.5, 1.5, 0.0, -1.5], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]], [[1.5, 1.0, -2.0, -1.5], [-0.5, 2.0, 1.5, -1.5], [2.0, -1.0, -1.0, 2.0], [-2.0, -2.0, 1.5, -1.0]], [[0.0, 1.5, -0.5, 0.0], [0.5, 1.0, 0.5, 0.5], [0.5, -2.0, -2.0, -1.0], [-1.0, 2.0, -2.0, 0.5]], [[0.0, -1.5, -2.0, 2.0], [1.0, -0.5, 0.0, 2.0], [1.0, 0.5, -2.0, -2.0], [0.5, 0.5, -0.5, 0.0]], [[0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]]]> : tensor<12x4x4xf32>
  %pages_window100 = tensor.cast %pages_window100_s : tensor<12x4x4xf32> to tensor<?x4x4xf32>
  %table_window100_s = arith.constant dense<[[1, -1, -1, -1, -1], [0, 8, 2, -1, -1], [10, 9, 7, -1, -1], [6, 4, 3, 5, -1], [-1, -1, -1, -1, -1]]> : tensor<5x5xi32>
  %table_window100 = tensor.cast %table_window100_s : tensor<5x5xi32> to tensor<?x?xi32>
  call @latent_none(%q, %qr, %cu, %pages, %table, %lengths, %sinks) : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?xi32>, tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32>, tensor<2xf32>) -> ()
  call @gathered_none(%q, %qr, %cu, %pages, %table, %lengths, %sinks) : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?xi32>, tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32>, tensor<2xf32>) -> ()
  call @latent_window1(%q, %qr, %cu, %pages, %table, %lengths, %sinks) : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?xi32>, tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32>, tensor<2xf32>) -> ()
  call @latent_window1(%q, %qr, %cu, %pages_window1, %table_window1, %lengths, %sinks) : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?xi32>, tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32>, tensor<2xf32>) -> ()
  call @gathered_window1(%q, %qr, %cu, %pages, %table, %lengths, %sinks) : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?xi32>, tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32>, tensor<2xf32>) -> ()
  call @latent_window3(%q, %qr, %cu, %pages, %table, %lengths, %sinks) : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?xi32>, tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32>, tensor<2xf32>) -> ()
  call @latent_window3(%q, %qr, %cu, %pages_window3, %table_window3, %lengths, %sinks) : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?xi32>, tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32>, tensor<2xf32>) -> ()
  call @gathered_window3(%q, %qr, %cu, %pages, %table, %lengths, %sinks) : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?xi32>, tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32>, tensor<2xf32>) -> ()
  call @latent_window6_sinks(%q, %qr, %cu, %pages, %table, %lengths, %sinks) : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?xi32>, tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32>, tensor<2xf32>) -> ()
  call @latent_window6_sinks(%q, %qr, %cu, %pages_window6_sinks, %table_window6_sinks, %lengths, %sinks) : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?xi32>, tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32>, tensor<2xf32>) -> ()
  call @gathered_window6_sinks(%q, %qr, %cu, %pages, %table, %lengths, %sinks) : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?xi32>, tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32>, tensor<2xf32>) -> ()
  call @latent_window100(%q, %qr, %cu, %pages, %table, %lengths, %sinks) : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?xi32>, tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32>, tensor<2xf32>) -> ()
  call @latent_window100(%q, %qr, %cu, %pages_window100, %table_window100, %lengths, %sinks) : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?xi32>, tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32>, tensor<2xf32>) -> ()
  call @gathered_window100(%q, %qr, %cu, %pages, %table, %lengths, %sinks) : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?xi32>, tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32>, tensor<2xf32>) -> ()
  call @latent_sinks(%q, %qr, %cu, %pages, %table, %lengths, %sinks) : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?xi32>, tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32>, tensor<2xf32>) -> ()
  call @gathered_sinks(%q, %qr, %cu, %pages, %table, %lengths, %sinks) : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?xi32>, tensor<?x4x4xf32>, tensor<?x?xi32>, tensor<?xi32>, tensor<2xf32>) -> ()
  return
}

// @latent_none of %pages
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}-1.1449{{[0-9]*}}, 1.1214{{[0-9]*}}],
// CHECK-NEXT: [-0.10857{{[0-9]*}}, -1.900{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}1.366{{[0-9]*}}, -0.909{{[0-9]*}}],
// CHECK-NEXT: [0.4394{{[0-9]*}}, -0.5971{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.4004{{[0-9]*}}, 1.4036{{[0-9]*}}],
// CHECK-NEXT: [1.5368{{[0-9]*}}, -0.9933{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.03017{{[0-9]*}}, 1.2152{{[0-9]*}}],
// CHECK-NEXT: [0.2432{{[0-9]*}}, 0.9585{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.11179{{[0-9]*}}, 1.217{{[0-9]*}}],
// CHECK-NEXT: [0.51{{[0-9]*}}, 0.4329{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.3225{{[0-9]*}}, -0.3366{{[0-9]*}}],
// CHECK-NEXT: [-0.1248{{[0-9]*}}, 1.0639{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.2366{{[0-9]*}}, -0.7671{{[0-9]*}}],
// CHECK-NEXT: [0.4858{{[0-9]*}}, 0.7002{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.681{{[0-9]*}}, -0.7246{{[0-9]*}}],
// CHECK-NEXT: [0.6201{{[0-9]*}}, -0.564{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.17739{{[0-9]*}}, 0.8571{{[0-9]*}}],
// CHECK-NEXT: [0.500{{[0-9]*}}, 0.8370{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.8493{{[0-9]*}}, 0.4255{{[0-9]*}}],
// CHECK-NEXT: [-0.7292{{[0-9]*}}, 0.12003{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}{{-?}}0, {{-?}}0],
// CHECK-NEXT: [{{-?}}0, {{-?}}0{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}2.6629{{[0-9]*}}, 2.0638{{[0-9]*}}],
// CHECK-NEXT: [2.295{{[0-9]*}}, 3.838{{[0-9]*}}],
// CHECK-NEXT: [4.686{{[0-9]*}}, 2.9495{{[0-9]*}}],
// CHECK-NEXT: [3.2565{{[0-9]*}}, 3.1652{{[0-9]*}}],
// CHECK-NEXT: [2.650{{[0-9]*}}, 2.7242{{[0-9]*}}],
// CHECK-NEXT: [3.712{{[0-9]*}}, 2.132{{[0-9]*}}],
// CHECK-NEXT: [3.0423{{[0-9]*}}, 3.09{{[0-9]*}}],
// CHECK-NEXT: [3.0107{{[0-9]*}}, 3.106{{[0-9]*}}],
// CHECK-NEXT: [3.368{{[0-9]*}}, 3.4337{{[0-9]*}}],
// CHECK-NEXT: [4.010{{[0-9]*}}, 3.841{{[0-9]*}}],
// CHECK-NEXT: [-inf, -inf{{\]\]}}
// @gathered_none of %pages
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}-1.1449{{[0-9]*}}, 1.1214{{[0-9]*}}],
// CHECK-NEXT: [-0.10857{{[0-9]*}}, -1.900{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}1.366{{[0-9]*}}, -0.909{{[0-9]*}}],
// CHECK-NEXT: [0.4394{{[0-9]*}}, -0.5971{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.4004{{[0-9]*}}, 1.4036{{[0-9]*}}],
// CHECK-NEXT: [1.5368{{[0-9]*}}, -0.9933{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.03017{{[0-9]*}}, 1.2152{{[0-9]*}}],
// CHECK-NEXT: [0.2432{{[0-9]*}}, 0.9585{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.11179{{[0-9]*}}, 1.217{{[0-9]*}}],
// CHECK-NEXT: [0.51{{[0-9]*}}, 0.4329{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.3225{{[0-9]*}}, -0.3366{{[0-9]*}}],
// CHECK-NEXT: [-0.1248{{[0-9]*}}, 1.0639{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.2366{{[0-9]*}}, -0.7671{{[0-9]*}}],
// CHECK-NEXT: [0.4858{{[0-9]*}}, 0.7002{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.681{{[0-9]*}}, -0.7246{{[0-9]*}}],
// CHECK-NEXT: [0.6201{{[0-9]*}}, -0.564{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.17739{{[0-9]*}}, 0.8571{{[0-9]*}}],
// CHECK-NEXT: [0.500{{[0-9]*}}, 0.8370{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.8493{{[0-9]*}}, 0.4255{{[0-9]*}}],
// CHECK-NEXT: [-0.7292{{[0-9]*}}, 0.12003{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}{{-?}}0, {{-?}}0],
// CHECK-NEXT: [{{-?}}0, {{-?}}0{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}2.6629{{[0-9]*}}, 2.0638{{[0-9]*}}],
// CHECK-NEXT: [2.295{{[0-9]*}}, 3.838{{[0-9]*}}],
// CHECK-NEXT: [4.686{{[0-9]*}}, 2.9495{{[0-9]*}}],
// CHECK-NEXT: [3.2565{{[0-9]*}}, 3.1652{{[0-9]*}}],
// CHECK-NEXT: [2.650{{[0-9]*}}, 2.7242{{[0-9]*}}],
// CHECK-NEXT: [3.712{{[0-9]*}}, 2.132{{[0-9]*}}],
// CHECK-NEXT: [3.0423{{[0-9]*}}, 3.09{{[0-9]*}}],
// CHECK-NEXT: [3.0107{{[0-9]*}}, 3.106{{[0-9]*}}],
// CHECK-NEXT: [3.368{{[0-9]*}}, 3.4337{{[0-9]*}}],
// CHECK-NEXT: [4.010{{[0-9]*}}, 3.841{{[0-9]*}}],
// CHECK-NEXT: [-inf, -inf{{\]\]}}
// @latent_window1 of %pages
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}-1, 1.5],
// CHECK-NEXT: [-1, 1.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}-2, -2],
// CHECK-NEXT: [-2, -2{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.5, -0.5],
// CHECK-NEXT: [0.5, -0.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.5, -2],
// CHECK-NEXT: [0.5, -2{{\]\]}},
// CHECK-NEXT: {{\[\[}}-1, 2],
// CHECK-NEXT: [-1, 2{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.5, 1.5],
// CHECK-NEXT: [-0.5, 1.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.5, {{-?}}0],
// CHECK-NEXT: [-0.5, {{-?}}0{{\]\]}},
// CHECK-NEXT: {{\[\[}}1.5, -0.5],
// CHECK-NEXT: [1.5, -0.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.5, 1],
// CHECK-NEXT: [0.5, 1{{\]\]}},
// CHECK-NEXT: {{\[\[}}-1, 1],
// CHECK-NEXT: [-1, 1{{\]\]}},
// CHECK-NEXT: {{\[\[}}{{-?}}0, {{-?}}0],
// CHECK-NEXT: [{{-?}}0, {{-?}}0{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}2.5, -2.125],
// CHECK-NEXT: [-0.125, 1.5],
// CHECK-NEXT: [-0.25, 0.25],
// CHECK-NEXT: [-2.625, -1.5],
// CHECK-NEXT: [-0.125, -0.625],
// CHECK-NEXT: [-1.25, 1.5],
// CHECK-NEXT: [0.875, -1.75],
// CHECK-NEXT: [1.875, 1.5],
// CHECK-NEXT: [2.125, 2.25],
// CHECK-NEXT: [2.25, 1.75],
// CHECK-NEXT: [-inf, -inf{{\]\]}}
// @latent_window1 of %pages_window1
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}-1, 1.5],
// CHECK-NEXT: [-1, 1.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}-2, -2],
// CHECK-NEXT: [-2, -2{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.5, -0.5],
// CHECK-NEXT: [0.5, -0.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.5, -2],
// CHECK-NEXT: [0.5, -2{{\]\]}},
// CHECK-NEXT: {{\[\[}}-1, 2],
// CHECK-NEXT: [-1, 2{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.5, 1.5],
// CHECK-NEXT: [-0.5, 1.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.5, {{-?}}0],
// CHECK-NEXT: [-0.5, {{-?}}0{{\]\]}},
// CHECK-NEXT: {{\[\[}}1.5, -0.5],
// CHECK-NEXT: [1.5, -0.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.5, 1],
// CHECK-NEXT: [0.5, 1{{\]\]}},
// CHECK-NEXT: {{\[\[}}-1, 1],
// CHECK-NEXT: [-1, 1{{\]\]}},
// CHECK-NEXT: {{\[\[}}{{-?}}0, {{-?}}0],
// CHECK-NEXT: [{{-?}}0, {{-?}}0{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}2.5, -2.125],
// CHECK-NEXT: [-0.125, 1.5],
// CHECK-NEXT: [-0.25, 0.25],
// CHECK-NEXT: [-2.625, -1.5],
// CHECK-NEXT: [-0.125, -0.625],
// CHECK-NEXT: [-1.25, 1.5],
// CHECK-NEXT: [0.875, -1.75],
// CHECK-NEXT: [1.875, 1.5],
// CHECK-NEXT: [2.125, 2.25],
// CHECK-NEXT: [2.25, 1.75],
// CHECK-NEXT: [-inf, -inf{{\]\]}}
// @gathered_window1 of %pages
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}-1, 1.5],
// CHECK-NEXT: [-1, 1.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}-2, -2],
// CHECK-NEXT: [-2, -2{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.5, -0.5],
// CHECK-NEXT: [0.5, -0.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.5, -2],
// CHECK-NEXT: [0.5, -2{{\]\]}},
// CHECK-NEXT: {{\[\[}}-1, 2],
// CHECK-NEXT: [-1, 2{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.5, 1.5],
// CHECK-NEXT: [-0.5, 1.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.5, {{-?}}0],
// CHECK-NEXT: [-0.5, {{-?}}0{{\]\]}},
// CHECK-NEXT: {{\[\[}}1.5, -0.5],
// CHECK-NEXT: [1.5, -0.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.5, 1],
// CHECK-NEXT: [0.5, 1{{\]\]}},
// CHECK-NEXT: {{\[\[}}-1, 1],
// CHECK-NEXT: [-1, 1{{\]\]}},
// CHECK-NEXT: {{\[\[}}{{-?}}0, {{-?}}0],
// CHECK-NEXT: [{{-?}}0, {{-?}}0{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}2.5, -2.125],
// CHECK-NEXT: [-0.125, 1.5],
// CHECK-NEXT: [-0.25, 0.25],
// CHECK-NEXT: [-2.625, -1.5],
// CHECK-NEXT: [-0.125, -0.625],
// CHECK-NEXT: [-1.25, 1.5],
// CHECK-NEXT: [0.875, -1.75],
// CHECK-NEXT: [1.875, 1.5],
// CHECK-NEXT: [2.125, 2.25],
// CHECK-NEXT: [2.25, 1.75],
// CHECK-NEXT: [-inf, -inf{{\]\]}}
// @latent_window3 of %pages
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}-1.1449{{[0-9]*}}, 1.1214{{[0-9]*}}],
// CHECK-NEXT: [-0.10857{{[0-9]*}}, -1.900{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}1.5250{{[0-9]*}}, -1.0344{{[0-9]*}}],
// CHECK-NEXT: [0.4600{{[0-9]*}}, -1.2760{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.4461{{[0-9]*}}, -1.1078{{[0-9]*}}],
// CHECK-NEXT: [1.612{{[0-9]*}}, -1.0352{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.2985{{[0-9]*}}, 1.1692{{[0-9]*}}],
// CHECK-NEXT: [0.2560{{[0-9]*}}, 1.1710{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.04714{{[0-9]*}}, 1.0512{{[0-9]*}}],
// CHECK-NEXT: [0.2822{{[0-9]*}}, 0.10053{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.4780{{[0-9]*}}, 0.6457{{[0-9]*}}],
// CHECK-NEXT: [-0.451{{[0-9]*}}, 1.2107{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.4263{{[0-9]*}}, 0.019154{{[0-9]*}}],
// CHECK-NEXT: [0.6421{{[0-9]*}}, 0.7346{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}1.1670{{[0-9]*}}, -0.4604{{[0-9]*}}],
// CHECK-NEXT: [1.0{{[0-9]*}}, -0.4524{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.4957{{[0-9]*}}, 0.9160{{[0-9]*}}],
// CHECK-NEXT: [0.5446{{[0-9]*}}, 0.879{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.6533{{[0-9]*}}, 0.8029{{[0-9]*}}],
// CHECK-NEXT: [-0.5345{{[0-9]*}}, 0.7288{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}{{-?}}0, {{-?}}0],
// CHECK-NEXT: [{{-?}}0, {{-?}}0{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}2.6629{{[0-9]*}}, 2.0638{{[0-9]*}}],
// CHECK-NEXT: [2.1363{{[0-9]*}}, 2.504{{[0-9]*}}],
// CHECK-NEXT: [0.302{{[0-9]*}}, 2.90{{[0-9]*}}],
// CHECK-NEXT: [1.908{{[0-9]*}}, 2.2177{{[0-9]*}}],
// CHECK-NEXT: [0.883{{[0-9]*}}, 1.3049{{[0-9]*}}],
// CHECK-NEXT: [1.849{{[0-9]*}}, 1.714{{[0-9]*}}],
// CHECK-NEXT: [1.215{{[0-9]*}}, 1.9546{{[0-9]*}}],
// CHECK-NEXT: [2.0363{{[0-9]*}}, 1.7269{{[0-9]*}}],
// CHECK-NEXT: [2.1954{{[0-9]*}}, 2.3416{{[0-9]*}}],
// CHECK-NEXT: [2.4049{{[0-9]*}}, 1.9604{{[0-9]*}}],
// CHECK-NEXT: [-inf, -inf{{\]\]}}
// @latent_window3 of %pages_window3
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}-1.1449{{[0-9]*}}, 1.1214{{[0-9]*}}],
// CHECK-NEXT: [-0.10857{{[0-9]*}}, -1.900{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}1.5250{{[0-9]*}}, -1.0344{{[0-9]*}}],
// CHECK-NEXT: [0.4600{{[0-9]*}}, -1.2760{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.4461{{[0-9]*}}, -1.1078{{[0-9]*}}],
// CHECK-NEXT: [1.612{{[0-9]*}}, -1.0352{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.2985{{[0-9]*}}, 1.1692{{[0-9]*}}],
// CHECK-NEXT: [0.2560{{[0-9]*}}, 1.1710{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.04714{{[0-9]*}}, 1.0512{{[0-9]*}}],
// CHECK-NEXT: [0.2822{{[0-9]*}}, 0.10053{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.4780{{[0-9]*}}, 0.6457{{[0-9]*}}],
// CHECK-NEXT: [-0.451{{[0-9]*}}, 1.2107{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.4263{{[0-9]*}}, 0.019154{{[0-9]*}}],
// CHECK-NEXT: [0.6421{{[0-9]*}}, 0.7346{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}1.1670{{[0-9]*}}, -0.4604{{[0-9]*}}],
// CHECK-NEXT: [1.0{{[0-9]*}}, -0.4524{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.4957{{[0-9]*}}, 0.9160{{[0-9]*}}],
// CHECK-NEXT: [0.5446{{[0-9]*}}, 0.879{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.6533{{[0-9]*}}, 0.8029{{[0-9]*}}],
// CHECK-NEXT: [-0.5345{{[0-9]*}}, 0.7288{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}{{-?}}0, {{-?}}0],
// CHECK-NEXT: [{{-?}}0, {{-?}}0{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}2.6629{{[0-9]*}}, 2.0638{{[0-9]*}}],
// CHECK-NEXT: [2.1363{{[0-9]*}}, 2.504{{[0-9]*}}],
// CHECK-NEXT: [0.302{{[0-9]*}}, 2.90{{[0-9]*}}],
// CHECK-NEXT: [1.908{{[0-9]*}}, 2.2177{{[0-9]*}}],
// CHECK-NEXT: [0.883{{[0-9]*}}, 1.3049{{[0-9]*}}],
// CHECK-NEXT: [1.849{{[0-9]*}}, 1.714{{[0-9]*}}],
// CHECK-NEXT: [1.215{{[0-9]*}}, 1.9546{{[0-9]*}}],
// CHECK-NEXT: [2.0363{{[0-9]*}}, 1.7269{{[0-9]*}}],
// CHECK-NEXT: [2.1954{{[0-9]*}}, 2.3416{{[0-9]*}}],
// CHECK-NEXT: [2.4049{{[0-9]*}}, 1.9604{{[0-9]*}}],
// CHECK-NEXT: [-inf, -inf{{\]\]}}
// @gathered_window3 of %pages
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}-1.1449{{[0-9]*}}, 1.1214{{[0-9]*}}],
// CHECK-NEXT: [-0.10857{{[0-9]*}}, -1.900{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}1.5250{{[0-9]*}}, -1.0344{{[0-9]*}}],
// CHECK-NEXT: [0.4600{{[0-9]*}}, -1.2760{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.4461{{[0-9]*}}, -1.1078{{[0-9]*}}],
// CHECK-NEXT: [1.612{{[0-9]*}}, -1.0352{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.2985{{[0-9]*}}, 1.1692{{[0-9]*}}],
// CHECK-NEXT: [0.2560{{[0-9]*}}, 1.1710{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.04714{{[0-9]*}}, 1.0512{{[0-9]*}}],
// CHECK-NEXT: [0.2822{{[0-9]*}}, 0.10053{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.4780{{[0-9]*}}, 0.6457{{[0-9]*}}],
// CHECK-NEXT: [-0.451{{[0-9]*}}, 1.2107{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.4263{{[0-9]*}}, 0.019154{{[0-9]*}}],
// CHECK-NEXT: [0.6421{{[0-9]*}}, 0.7346{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}1.1670{{[0-9]*}}, -0.4604{{[0-9]*}}],
// CHECK-NEXT: [1.0{{[0-9]*}}, -0.4524{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.4957{{[0-9]*}}, 0.9160{{[0-9]*}}],
// CHECK-NEXT: [0.5446{{[0-9]*}}, 0.879{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.6533{{[0-9]*}}, 0.8029{{[0-9]*}}],
// CHECK-NEXT: [-0.5345{{[0-9]*}}, 0.7288{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}{{-?}}0, {{-?}}0],
// CHECK-NEXT: [{{-?}}0, {{-?}}0{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}2.6629{{[0-9]*}}, 2.0638{{[0-9]*}}],
// CHECK-NEXT: [2.1363{{[0-9]*}}, 2.504{{[0-9]*}}],
// CHECK-NEXT: [0.302{{[0-9]*}}, 2.90{{[0-9]*}}],
// CHECK-NEXT: [1.908{{[0-9]*}}, 2.2177{{[0-9]*}}],
// CHECK-NEXT: [0.883{{[0-9]*}}, 1.3049{{[0-9]*}}],
// CHECK-NEXT: [1.849{{[0-9]*}}, 1.714{{[0-9]*}}],
// CHECK-NEXT: [1.215{{[0-9]*}}, 1.9546{{[0-9]*}}],
// CHECK-NEXT: [2.0363{{[0-9]*}}, 1.7269{{[0-9]*}}],
// CHECK-NEXT: [2.1954{{[0-9]*}}, 2.3416{{[0-9]*}}],
// CHECK-NEXT: [2.4049{{[0-9]*}}, 1.9604{{[0-9]*}}],
// CHECK-NEXT: [-inf, -inf{{\]\]}}
// @latent_window6_sinks of %pages
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}-1.0268{{[0-9]*}}, 1.0057{{[0-9]*}}],
// CHECK-NEXT: [-0.10373{{[0-9]*}}, -1.8154{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}1.2759{{[0-9]*}}, -0.7867{{[0-9]*}}],
// CHECK-NEXT: [1.187{{[0-9]*}}, 0.10623{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.2474{{[0-9]*}}, 1.6194{{[0-9]*}}],
// CHECK-NEXT: [1.5366{{[0-9]*}}, -0.9{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.4739{{[0-9]*}}, 0.7602{{[0-9]*}}],
// CHECK-NEXT: [0.534{{[0-9]*}}, 0.735{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.2395{{[0-9]*}}, 0.7616{{[0-9]*}}],
// CHECK-NEXT: [0.5662{{[0-9]*}}, 0.4837{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.04159{{[0-9]*}}, 0.719{{[0-9]*}}],
// CHECK-NEXT: [-0.2471{{[0-9]*}}, 1.1178{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.5331{{[0-9]*}}, 0.11181{{[0-9]*}}],
// CHECK-NEXT: [0.4875{{[0-9]*}}, 0.6640{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.8646{{[0-9]*}}, -0.15378{{[0-9]*}}],
// CHECK-NEXT: [0.9635{{[0-9]*}}, 0.0659{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.4908{{[0-9]*}}, 0.7381{{[0-9]*}}],
// CHECK-NEXT: [0.655{{[0-9]*}}, 0.847{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.5438{{[0-9]*}}, 0.4220{{[0-9]*}}],
// CHECK-NEXT: [-0.5523{{[0-9]*}}, 0.3346{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}{{-?}}0, {{-?}}0],
// CHECK-NEXT: [{{-?}}0, {{-?}}0{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}2.6629{{[0-9]*}}, 2.0638{{[0-9]*}}],
// CHECK-NEXT: [2.191{{[0-9]*}}, 3.2193{{[0-9]*}}],
// CHECK-NEXT: [4.101{{[0-9]*}}, 2.93{{[0-9]*}}],
// CHECK-NEXT: [2.473{{[0-9]*}}, 2.892{{[0-9]*}}],
// CHECK-NEXT: [1.8869{{[0-9]*}}, 2.492{{[0-9]*}}],
// CHECK-NEXT: [2.588{{[0-9]*}}, 2.0112{{[0-9]*}}],
// CHECK-NEXT: [1.810{{[0-9]*}}, 2.0976{{[0-9]*}}],
// CHECK-NEXT: [2.291{{[0-9]*}}, 2.1{{[0-9]*}}],
// CHECK-NEXT: [2.853{{[0-9]*}}, 3.054{{[0-9]*}}],
// CHECK-NEXT: [2.952{{[0-9]*}}, 2.572{{[0-9]*}}],
// CHECK-NEXT: [-inf, -inf{{\]\]}}
// @latent_window6_sinks of %pages_window6_sinks
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}-1.0268{{[0-9]*}}, 1.0057{{[0-9]*}}],
// CHECK-NEXT: [-0.10373{{[0-9]*}}, -1.8154{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}1.2759{{[0-9]*}}, -0.7867{{[0-9]*}}],
// CHECK-NEXT: [1.187{{[0-9]*}}, 0.10623{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.2474{{[0-9]*}}, 1.6194{{[0-9]*}}],
// CHECK-NEXT: [1.5366{{[0-9]*}}, -0.9{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.4739{{[0-9]*}}, 0.7602{{[0-9]*}}],
// CHECK-NEXT: [0.534{{[0-9]*}}, 0.735{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.2395{{[0-9]*}}, 0.7616{{[0-9]*}}],
// CHECK-NEXT: [0.5662{{[0-9]*}}, 0.4837{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.04159{{[0-9]*}}, 0.719{{[0-9]*}}],
// CHECK-NEXT: [-0.2471{{[0-9]*}}, 1.1178{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.5331{{[0-9]*}}, 0.11181{{[0-9]*}}],
// CHECK-NEXT: [0.4875{{[0-9]*}}, 0.6640{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.8646{{[0-9]*}}, -0.15378{{[0-9]*}}],
// CHECK-NEXT: [0.9635{{[0-9]*}}, 0.0659{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.4908{{[0-9]*}}, 0.7381{{[0-9]*}}],
// CHECK-NEXT: [0.655{{[0-9]*}}, 0.847{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.5438{{[0-9]*}}, 0.4220{{[0-9]*}}],
// CHECK-NEXT: [-0.5523{{[0-9]*}}, 0.3346{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}{{-?}}0, {{-?}}0],
// CHECK-NEXT: [{{-?}}0, {{-?}}0{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}2.6629{{[0-9]*}}, 2.0638{{[0-9]*}}],
// CHECK-NEXT: [2.191{{[0-9]*}}, 3.2193{{[0-9]*}}],
// CHECK-NEXT: [4.101{{[0-9]*}}, 2.93{{[0-9]*}}],
// CHECK-NEXT: [2.473{{[0-9]*}}, 2.892{{[0-9]*}}],
// CHECK-NEXT: [1.8869{{[0-9]*}}, 2.492{{[0-9]*}}],
// CHECK-NEXT: [2.588{{[0-9]*}}, 2.0112{{[0-9]*}}],
// CHECK-NEXT: [1.810{{[0-9]*}}, 2.0976{{[0-9]*}}],
// CHECK-NEXT: [2.291{{[0-9]*}}, 2.1{{[0-9]*}}],
// CHECK-NEXT: [2.853{{[0-9]*}}, 3.054{{[0-9]*}}],
// CHECK-NEXT: [2.952{{[0-9]*}}, 2.572{{[0-9]*}}],
// CHECK-NEXT: [-inf, -inf{{\]\]}}
// @gathered_window6_sinks of %pages
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}-1.0268{{[0-9]*}}, 1.0057{{[0-9]*}}],
// CHECK-NEXT: [-0.10373{{[0-9]*}}, -1.8154{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}1.2759{{[0-9]*}}, -0.7867{{[0-9]*}}],
// CHECK-NEXT: [1.187{{[0-9]*}}, 0.10623{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.2474{{[0-9]*}}, 1.6194{{[0-9]*}}],
// CHECK-NEXT: [1.5366{{[0-9]*}}, -0.9{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.4739{{[0-9]*}}, 0.7602{{[0-9]*}}],
// CHECK-NEXT: [0.534{{[0-9]*}}, 0.735{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.2395{{[0-9]*}}, 0.7616{{[0-9]*}}],
// CHECK-NEXT: [0.5662{{[0-9]*}}, 0.4837{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.04159{{[0-9]*}}, 0.719{{[0-9]*}}],
// CHECK-NEXT: [-0.2471{{[0-9]*}}, 1.1178{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.5331{{[0-9]*}}, 0.11181{{[0-9]*}}],
// CHECK-NEXT: [0.4875{{[0-9]*}}, 0.6640{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.8646{{[0-9]*}}, -0.15378{{[0-9]*}}],
// CHECK-NEXT: [0.9635{{[0-9]*}}, 0.0659{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.4908{{[0-9]*}}, 0.7381{{[0-9]*}}],
// CHECK-NEXT: [0.655{{[0-9]*}}, 0.847{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.5438{{[0-9]*}}, 0.4220{{[0-9]*}}],
// CHECK-NEXT: [-0.5523{{[0-9]*}}, 0.3346{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}{{-?}}0, {{-?}}0],
// CHECK-NEXT: [{{-?}}0, {{-?}}0{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}2.6629{{[0-9]*}}, 2.0638{{[0-9]*}}],
// CHECK-NEXT: [2.191{{[0-9]*}}, 3.2193{{[0-9]*}}],
// CHECK-NEXT: [4.101{{[0-9]*}}, 2.93{{[0-9]*}}],
// CHECK-NEXT: [2.473{{[0-9]*}}, 2.892{{[0-9]*}}],
// CHECK-NEXT: [1.8869{{[0-9]*}}, 2.492{{[0-9]*}}],
// CHECK-NEXT: [2.588{{[0-9]*}}, 2.0112{{[0-9]*}}],
// CHECK-NEXT: [1.810{{[0-9]*}}, 2.0976{{[0-9]*}}],
// CHECK-NEXT: [2.291{{[0-9]*}}, 2.1{{[0-9]*}}],
// CHECK-NEXT: [2.853{{[0-9]*}}, 3.054{{[0-9]*}}],
// CHECK-NEXT: [2.952{{[0-9]*}}, 2.572{{[0-9]*}}],
// CHECK-NEXT: [-inf, -inf{{\]\]}}
// @latent_window100 of %pages
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}-1.1449{{[0-9]*}}, 1.1214{{[0-9]*}}],
// CHECK-NEXT: [-0.10857{{[0-9]*}}, -1.900{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}1.41{{[0-9]*}}, -0.9331{{[0-9]*}}],
// CHECK-NEXT: [0.4381{{[0-9]*}}, -0.5993{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.4004{{[0-9]*}}, 1.4036{{[0-9]*}}],
// CHECK-NEXT: [1.5368{{[0-9]*}}, -0.9933{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.5396{{[0-9]*}}, 0.8650{{[0-9]*}}],
// CHECK-NEXT: [0.5390{{[0-9]*}}, 0.722{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.31169{{[0-9]*}}, 0.9088{{[0-9]*}}],
// CHECK-NEXT: [0.6094{{[0-9]*}}, 0.3347{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.3225{{[0-9]*}}, -0.3366{{[0-9]*}}],
// CHECK-NEXT: [-0.1248{{[0-9]*}}, 1.0639{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.03857{{[0-9]*}}, -0.910{{[0-9]*}}],
// CHECK-NEXT: [0.441{{[0-9]*}}, 0.6598{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.7035{{[0-9]*}}, -0.8095{{[0-9]*}}],
// CHECK-NEXT: [0.6341{{[0-9]*}}, -0.710{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.1891{{[0-9]*}}, 0.855{{[0-9]*}}],
// CHECK-NEXT: [0.5114{{[0-9]*}}, 0.8358{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.8493{{[0-9]*}}, 0.4255{{[0-9]*}}],
// CHECK-NEXT: [-0.7292{{[0-9]*}}, 0.12003{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}{{-?}}0, {{-?}}0],
// CHECK-NEXT: [{{-?}}0, {{-?}}0{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}2.6629{{[0-9]*}}, 2.0638{{[0-9]*}}],
// CHECK-NEXT: [2.2396{{[0-9]*}}, 3.81{{[0-9]*}}],
// CHECK-NEXT: [4.686{{[0-9]*}}, 2.9495{{[0-9]*}}],
// CHECK-NEXT: [2.473{{[0-9]*}}, 2.904{{[0-9]*}}],
// CHECK-NEXT: [1.91{{[0-9]*}}, 2.636{{[0-9]*}}],
// CHECK-NEXT: [3.712{{[0-9]*}}, 2.132{{[0-9]*}}],
// CHECK-NEXT: [2.7895{{[0-9]*}}, 2.714{{[0-9]*}}],
// CHECK-NEXT: [2.962{{[0-9]*}}, 3.0177{{[0-9]*}}],
// CHECK-NEXT: [3.358{{[0-9]*}}, 3.426{{[0-9]*}}],
// CHECK-NEXT: [4.010{{[0-9]*}}, 3.841{{[0-9]*}}],
// CHECK-NEXT: [-inf, -inf{{\]\]}}
// @latent_window100 of %pages_window100
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}-1.1449{{[0-9]*}}, 1.1214{{[0-9]*}}],
// CHECK-NEXT: [-0.10857{{[0-9]*}}, -1.900{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}1.41{{[0-9]*}}, -0.9331{{[0-9]*}}],
// CHECK-NEXT: [0.4381{{[0-9]*}}, -0.5993{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.4004{{[0-9]*}}, 1.4036{{[0-9]*}}],
// CHECK-NEXT: [1.5368{{[0-9]*}}, -0.9933{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.5396{{[0-9]*}}, 0.8650{{[0-9]*}}],
// CHECK-NEXT: [0.5390{{[0-9]*}}, 0.722{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.31169{{[0-9]*}}, 0.9088{{[0-9]*}}],
// CHECK-NEXT: [0.6094{{[0-9]*}}, 0.3347{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.3225{{[0-9]*}}, -0.3366{{[0-9]*}}],
// CHECK-NEXT: [-0.1248{{[0-9]*}}, 1.0639{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.03857{{[0-9]*}}, -0.910{{[0-9]*}}],
// CHECK-NEXT: [0.441{{[0-9]*}}, 0.6598{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.7035{{[0-9]*}}, -0.8095{{[0-9]*}}],
// CHECK-NEXT: [0.6341{{[0-9]*}}, -0.710{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.1891{{[0-9]*}}, 0.855{{[0-9]*}}],
// CHECK-NEXT: [0.5114{{[0-9]*}}, 0.8358{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.8493{{[0-9]*}}, 0.4255{{[0-9]*}}],
// CHECK-NEXT: [-0.7292{{[0-9]*}}, 0.12003{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}{{-?}}0, {{-?}}0],
// CHECK-NEXT: [{{-?}}0, {{-?}}0{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}2.6629{{[0-9]*}}, 2.0638{{[0-9]*}}],
// CHECK-NEXT: [2.2396{{[0-9]*}}, 3.81{{[0-9]*}}],
// CHECK-NEXT: [4.686{{[0-9]*}}, 2.9495{{[0-9]*}}],
// CHECK-NEXT: [2.473{{[0-9]*}}, 2.904{{[0-9]*}}],
// CHECK-NEXT: [1.91{{[0-9]*}}, 2.636{{[0-9]*}}],
// CHECK-NEXT: [3.712{{[0-9]*}}, 2.132{{[0-9]*}}],
// CHECK-NEXT: [2.7895{{[0-9]*}}, 2.714{{[0-9]*}}],
// CHECK-NEXT: [2.962{{[0-9]*}}, 3.0177{{[0-9]*}}],
// CHECK-NEXT: [3.358{{[0-9]*}}, 3.426{{[0-9]*}}],
// CHECK-NEXT: [4.010{{[0-9]*}}, 3.841{{[0-9]*}}],
// CHECK-NEXT: [-inf, -inf{{\]\]}}
// @gathered_window100 of %pages
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}-1.1449{{[0-9]*}}, 1.1214{{[0-9]*}}],
// CHECK-NEXT: [-0.10857{{[0-9]*}}, -1.900{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}1.41{{[0-9]*}}, -0.9331{{[0-9]*}}],
// CHECK-NEXT: [0.4381{{[0-9]*}}, -0.5993{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.4004{{[0-9]*}}, 1.4036{{[0-9]*}}],
// CHECK-NEXT: [1.5368{{[0-9]*}}, -0.9933{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.5396{{[0-9]*}}, 0.8650{{[0-9]*}}],
// CHECK-NEXT: [0.5390{{[0-9]*}}, 0.722{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.31169{{[0-9]*}}, 0.9088{{[0-9]*}}],
// CHECK-NEXT: [0.6094{{[0-9]*}}, 0.3347{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.3225{{[0-9]*}}, -0.3366{{[0-9]*}}],
// CHECK-NEXT: [-0.1248{{[0-9]*}}, 1.0639{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.03857{{[0-9]*}}, -0.910{{[0-9]*}}],
// CHECK-NEXT: [0.441{{[0-9]*}}, 0.6598{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.7035{{[0-9]*}}, -0.8095{{[0-9]*}}],
// CHECK-NEXT: [0.6341{{[0-9]*}}, -0.710{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.1891{{[0-9]*}}, 0.855{{[0-9]*}}],
// CHECK-NEXT: [0.5114{{[0-9]*}}, 0.8358{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.8493{{[0-9]*}}, 0.4255{{[0-9]*}}],
// CHECK-NEXT: [-0.7292{{[0-9]*}}, 0.12003{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}{{-?}}0, {{-?}}0],
// CHECK-NEXT: [{{-?}}0, {{-?}}0{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}2.6629{{[0-9]*}}, 2.0638{{[0-9]*}}],
// CHECK-NEXT: [2.2396{{[0-9]*}}, 3.81{{[0-9]*}}],
// CHECK-NEXT: [4.686{{[0-9]*}}, 2.9495{{[0-9]*}}],
// CHECK-NEXT: [2.473{{[0-9]*}}, 2.904{{[0-9]*}}],
// CHECK-NEXT: [1.91{{[0-9]*}}, 2.636{{[0-9]*}}],
// CHECK-NEXT: [3.712{{[0-9]*}}, 2.132{{[0-9]*}}],
// CHECK-NEXT: [2.7895{{[0-9]*}}, 2.714{{[0-9]*}}],
// CHECK-NEXT: [2.962{{[0-9]*}}, 3.0177{{[0-9]*}}],
// CHECK-NEXT: [3.358{{[0-9]*}}, 3.426{{[0-9]*}}],
// CHECK-NEXT: [4.010{{[0-9]*}}, 3.841{{[0-9]*}}],
// CHECK-NEXT: [-inf, -inf{{\]\]}}
// @latent_sinks of %pages
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}-1.0268{{[0-9]*}}, 1.0057{{[0-9]*}}],
// CHECK-NEXT: [-0.10373{{[0-9]*}}, -1.8154{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}1.2045{{[0-9]*}}, -0.7937{{[0-9]*}}],
// CHECK-NEXT: [0.4346{{[0-9]*}}, -0.594{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.3944{{[0-9]*}}, 1.382{{[0-9]*}}],
// CHECK-NEXT: [1.507{{[0-9]*}}, -0.9745{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.4738{{[0-9]*}}, 0.7595{{[0-9]*}}],
// CHECK-NEXT: [0.5283{{[0-9]*}}, 0.7086{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.2506{{[0-9]*}}, 0.7309{{[0-9]*}}],
// CHECK-NEXT: [0.5937{{[0-9]*}}, 0.32617{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.31010{{[0-9]*}}, -0.3236{{[0-9]*}}],
// CHECK-NEXT: [-0.11960{{[0-9]*}}, 1.0194{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.0350{{[0-9]*}}, -0.82{{[0-9]*}}],
// CHECK-NEXT: [0.43{{[0-9]*}}, 0.6441{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.6483{{[0-9]*}}, -0.7459{{[0-9]*}}],
// CHECK-NEXT: [0.6229{{[0-9]*}}, -0.6975{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.1788{{[0-9]*}}, 0.8092{{[0-9]*}}],
// CHECK-NEXT: [0.5054{{[0-9]*}}, 0.8259{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.8246{{[0-9]*}}, 0.4132{{[0-9]*}}],
// CHECK-NEXT: [-0.7235{{[0-9]*}}, 0.11909{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}{{-?}}0, {{-?}}0],
// CHECK-NEXT: [{{-?}}0, {{-?}}0{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}2.6629{{[0-9]*}}, 2.0638{{[0-9]*}}],
// CHECK-NEXT: [2.2396{{[0-9]*}}, 3.81{{[0-9]*}}],
// CHECK-NEXT: [4.686{{[0-9]*}}, 2.9495{{[0-9]*}}],
// CHECK-NEXT: [2.473{{[0-9]*}}, 2.904{{[0-9]*}}],
// CHECK-NEXT: [1.91{{[0-9]*}}, 2.636{{[0-9]*}}],
// CHECK-NEXT: [3.712{{[0-9]*}}, 2.132{{[0-9]*}}],
// CHECK-NEXT: [2.7895{{[0-9]*}}, 2.714{{[0-9]*}}],
// CHECK-NEXT: [2.962{{[0-9]*}}, 3.0177{{[0-9]*}}],
// CHECK-NEXT: [3.358{{[0-9]*}}, 3.426{{[0-9]*}}],
// CHECK-NEXT: [4.010{{[0-9]*}}, 3.841{{[0-9]*}}],
// CHECK-NEXT: [-inf, -inf{{\]\]}}
// @gathered_sinks of %pages
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}-1.0268{{[0-9]*}}, 1.0057{{[0-9]*}}],
// CHECK-NEXT: [-0.10373{{[0-9]*}}, -1.8154{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}1.2045{{[0-9]*}}, -0.7937{{[0-9]*}}],
// CHECK-NEXT: [0.4346{{[0-9]*}}, -0.594{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.3944{{[0-9]*}}, 1.382{{[0-9]*}}],
// CHECK-NEXT: [1.507{{[0-9]*}}, -0.9745{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.4738{{[0-9]*}}, 0.7595{{[0-9]*}}],
// CHECK-NEXT: [0.5283{{[0-9]*}}, 0.7086{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.2506{{[0-9]*}}, 0.7309{{[0-9]*}}],
// CHECK-NEXT: [0.5937{{[0-9]*}}, 0.32617{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.31010{{[0-9]*}}, -0.3236{{[0-9]*}}],
// CHECK-NEXT: [-0.11960{{[0-9]*}}, 1.0194{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.0350{{[0-9]*}}, -0.82{{[0-9]*}}],
// CHECK-NEXT: [0.43{{[0-9]*}}, 0.6441{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.6483{{[0-9]*}}, -0.7459{{[0-9]*}}],
// CHECK-NEXT: [0.6229{{[0-9]*}}, -0.6975{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.1788{{[0-9]*}}, 0.8092{{[0-9]*}}],
// CHECK-NEXT: [0.5054{{[0-9]*}}, 0.8259{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.8246{{[0-9]*}}, 0.4132{{[0-9]*}}],
// CHECK-NEXT: [-0.7235{{[0-9]*}}, 0.11909{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}{{-?}}0, {{-?}}0],
// CHECK-NEXT: [{{-?}}0, {{-?}}0{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}2.6629{{[0-9]*}}, 2.0638{{[0-9]*}}],
// CHECK-NEXT: [2.2396{{[0-9]*}}, 3.81{{[0-9]*}}],
// CHECK-NEXT: [4.686{{[0-9]*}}, 2.9495{{[0-9]*}}],
// CHECK-NEXT: [2.473{{[0-9]*}}, 2.904{{[0-9]*}}],
// CHECK-NEXT: [1.91{{[0-9]*}}, 2.636{{[0-9]*}}],
// CHECK-NEXT: [3.712{{[0-9]*}}, 2.132{{[0-9]*}}],
// CHECK-NEXT: [2.7895{{[0-9]*}}, 2.714{{[0-9]*}}],
// CHECK-NEXT: [2.962{{[0-9]*}}, 3.0177{{[0-9]*}}],
// CHECK-NEXT: [3.358{{[0-9]*}}, 3.426{{[0-9]*}}],
// CHECK-NEXT: [4.010{{[0-9]*}}, 3.841{{[0-9]*}}],
// CHECK-NEXT: [-inf, -inf{{\]\]}}
