// mla-quantize follows mla.products, which it checks.
//
// RUN: mla-opt %s --mla-quantize=for-kernels --split-input-file --verify-diagnostics | FileCheck %s

// A weight that could be multiplied in e4m3, but is not to be.
// CHECK-LABEL: func.func @plain
func.func @prepare.w() -> tensor<64x128xf32> attributes {mla.products = #mla.products<plain, why = "by hand">} {
  %w = mla.weight "a" : tensor<64x128xf8E4M3FN>
  %s = mla.weight "s" : tensor<1x1xf32>
  %d = mla.dequantize %w, %s {block = array<i64: 128, 128>} : tensor<64x128xf8E4M3FN>, tensor<1x1xf32> -> tensor<64x128xf32>
  return %d : tensor<64x128xf32>
}
func.func @plain(%x: tensor<?x128xbf16>) -> tensor<?x64xbf16> {
  %w = mla.weight "w" : tensor<64x128xf32>
  // CHECK: mla.project %arg0,
  %y = mla.project %x, %w : (tensor<?x128xbf16>, tensor<64x128xf32>) -> tensor<?x64xbf16>
  return %y : tensor<?x64xbf16>
}

// -----

// Without a decision.
// CHECK-LABEL: func.func @undecided
func.func @prepare.w() -> tensor<64x128xf32> {
  %w = mla.weight "a" : tensor<64x128xf8E4M3FN>
  %s = mla.weight "s" : tensor<1x1xf32>
  %d = mla.dequantize %w, %s {block = array<i64: 128, 128>} : tensor<64x128xf8E4M3FN>, tensor<1x1xf32> -> tensor<64x128xf32>
  return %d : tensor<64x128xf32>
}
func.func @undecided(%x: tensor<?x128xbf16>) -> tensor<?x64xbf16> {
  %w = mla.weight "w" : tensor<64x128xf32>
  // CHECK: mla.project %arg0,
  %y = mla.project %x, %w : (tensor<?x128xbf16>, tensor<64x128xf32>) -> tensor<?x64xbf16>
  return %y : tensor<?x64xbf16>
}

// -----

// expected-error @+1 {{has products of e4m3, but its weight has no scales in the checkpoint; remove mla.products and run mla-choose-products}}
func.func @prepare.w() -> tensor<64x128xbf16> attributes {mla.products = #mla.products<e4m3, why = "by hand">} {
  %w = mla.weight "a" : tensor<64x128xbf16>
  return %w : tensor<64x128xbf16>
}
func.func @no_scales(%x: tensor<?x128xbf16>) -> tensor<?x64xbf16> {
  %w = mla.weight "w" : tensor<64x128xbf16>
  %y = mla.project %x, %w : (tensor<?x128xbf16>, tensor<64x128xbf16>) -> tensor<?x64xbf16>
  return %y : tensor<?x64xbf16>
}

// -----

// expected-error @+1 {{expected mla.products to be a #mla.products, got "e4m3"}}
func.func private @prepare.w() -> tensor<64x128xbf16> attributes {mla.products = "e4m3"}

// -----

// expected-error @+1 {{has products of e4m3, but its weight is used by no projection; remove mla.products}}
func.func @prepare.unused() -> tensor<64x128xf32> attributes {mla.products = #mla.products<e4m3, why = "by hand">} {
  %w = mla.weight "a" : tensor<64x128xf32>
  return %w : tensor<64x128xf32>
}

// -----

// Only where something follows it.
// expected-error @+1 {{expected mla.products on a @prepare function or on an mla.latent_attention with a packed cache: nothing obeys it elsewhere}}
func.func private @decode() attributes {mla.products = #mla.products<e4m3, why = "by hand">}

// -----

func.func @project(%x: tensor<?x128xf32>, %w: tensor<64x128xf32>) -> tensor<?x64xf32> {
  // expected-error @+1 {{expected mla.products on a @prepare function or on an mla.latent_attention with a packed cache}}
  %y = mla.project %x, %w {mla.products = #mla.products<plain, why = "by hand">} : (tensor<?x128xf32>, tensor<64x128xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// -----

!cache = !mla.cache<page = 64, latent = 512, rope = 64, bf16>
func.func @attend(%q: tensor<?x32x512xbf16>, %r: tensor<?x32x64xbf16>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x32x512xbf16> {
  // expected-error @+1 {{expected mla.products on a @prepare function or on an mla.latent_attention with a packed cache}}
  %a = mla.latent_attention queries(%q, %r of %cu) cache(%cache) {mla.products = #mla.products<e4m3, why = "by hand">, scale = 0.1 : f64}
      : (tensor<?x32x512xbf16>, tensor<?x32x64xbf16>, !cache) -> tensor<?x32x512xbf16>
  return %a : tensor<?x32x512xbf16>
}
