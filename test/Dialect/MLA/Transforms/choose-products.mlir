// The decision is on the function that prepares a weight, with its reason; nothing else changes.
//
// RUN: mla-opt %s --mla-choose-products=for-kernels | FileCheck %s --check-prefixes=CHECK,TWO --implicit-check-not=mla.quantize
// RUN: mla-opt %s --mla-choose-products='for-kernels terms=1' | FileCheck %s --check-prefixes=CHECK,ONE --implicit-check-not=mla.quantize
// RUN: mla-opt %s --mla-choose-products='for-kernels explain' --verify-diagnostics -o /dev/null
//
// A target limits the choice, not the CPU.
// RUN: mla-opt %s --mla-choose-products | FileCheck %s --check-prefix=CPU

// TWO: func.func @prepare.q_a() -> tensor<192x320xf32> attributes {mla.products = #mla.products<e4m3x2, why = "it has a scale per block of 128 x 128, and a token one per 128 columns">}
// ONE: func.func @prepare.q_a() -> tensor<192x320xf32> attributes {mla.products = #mla.products<e4m3, why = "it has a scale per block of 128 x 128, and a token one per 128 columns">}
// CHECK: return %{{.*}} : tensor<192x320xf32>
// expected-remark @+1 {{weight 'q_a' is multiplied in e4m3x2: it has a scale per block of 128 x 128, and a token one per 128 columns}}
func.func @prepare.q_a() -> tensor<192x320xf32> {
  %w = mla.weight "q_a.e4m3" : tensor<192x320xf8E4M3FN>
  %s = mla.weight "q_a.inv" : tensor<2x3xf32>
  %d = mla.dequantize %w, %s {block = array<i64: 128, 128>} : tensor<192x320xf8E4M3FN>, tensor<2x3xf32> -> tensor<192x320xf32>
  return %d : tensor<192x320xf32>
}

// CHECK: func.func @prepare.b() -> tensor<192x320xbf16> attributes {mla.products = #mla.products<plain, why = "it has no scales in the checkpoint">}
// expected-remark @+1 {{weight 'b' is not multiplied in e4m3: it has no scales in the checkpoint}}
func.func @prepare.b() -> tensor<192x320xbf16> {
  %w = mla.weight "b" : tensor<192x320xbf16>
  return %w : tensor<192x320xbf16>
}

// CHECK: func.func @prepare.odd() -> tensor<60x320xf32> attributes {mla.products = #mla.products<plain, why = "it is 60 x 320 with a scale per 128 columns, which no kernel multiplies in e4m3">}
// CPU: func.func @prepare.odd() -> tensor<60x320xf32> attributes {mla.products = #mla.products<e4m3x2,
// expected-remark @+1 {{weight 'odd' is not multiplied in e4m3: it is 60 x 320}}
func.func @prepare.odd() -> tensor<60x320xf32> {
  %w = mla.weight "odd.e4m3" : tensor<60x320xf8E4M3FN>
  %s = mla.weight "odd.inv" : tensor<1x3xf32>
  %d = mla.dequantize %w, %s {block = array<i64: 128, 128>} : tensor<60x320xf8E4M3FN>, tensor<1x3xf32> -> tensor<60x320xf32>
  return %d : tensor<60x320xf32>
}

// No projection, no decision.
// CHECK: func.func @prepare.gamma() -> tensor<192xf32> {
func.func @prepare.gamma() -> tensor<192xf32> {
  %w = mla.weight "gamma" : tensor<192xf32>
  return %w : tensor<192xf32>
}

// CHECK-LABEL: func.func @decode
// CHECK-SAME: (%[[X:.*]]: tensor<?x320xbf16>)
// CHECK-COUNT-3: mla.project %[[X]], %{{.*}}
func.func @decode(%x: tensor<?x320xbf16>) -> (tensor<?x192xbf16>, tensor<?x192xbf16>, tensor<?x60xbf16>, tensor<192xf32>) {
  %a = mla.weight "q_a" : tensor<192x320xf32>
  %b = mla.weight "b" : tensor<192x320xbf16>
  %c = mla.weight "odd" : tensor<60x320xf32>
  %g = mla.weight "gamma" : tensor<192xf32>
  %y = mla.project %x, %a : (tensor<?x320xbf16>, tensor<192x320xf32>) -> tensor<?x192xbf16>
  %z = mla.project %x, %b : (tensor<?x320xbf16>, tensor<192x320xbf16>) -> tensor<?x192xbf16>
  %o = mla.project %x, %c : (tensor<?x320xbf16>, tensor<60x320xf32>) -> tensor<?x60xbf16>
  return %y, %z, %o, %g : tensor<?x192xbf16>, tensor<?x192xbf16>, tensor<?x60xbf16>, tensor<192xf32>
}

!packed = !mla.cache<page = 64, latent = 512, rope = 64, bf16, fp8_row>
!wide = !mla.cache<page = 64, latent = 384, rope = 64, bf16, fp8_row>
!plain = !mla.cache<page = 64, latent = 512, rope = 64, bf16>

// Attention multiplies a packed cache in e4m3 if tokens have one term and a kernel takes the cache.
// CHECK-LABEL: func.func @attend
// CPU-LABEL: func.func @attend
func.func @attend(%q: tensor<?x32x512xbf16>, %w: tensor<?x32x384xbf16>, %r: tensor<?x32x64xbf16>, %cu: tensor<?xi32>, %packed: !packed, %wide: !wide, %plain: !plain)
    -> (tensor<?x32x512xbf16>, tensor<?x32x384xbf16>, tensor<?x32x512xbf16>) {
  // ONE: mla.latent_attention {{.*}} {mla.products = #mla.products<e4m3, why = "tokens have one term">, scale =
  // TWO: mla.latent_attention {{.*}} {mla.products = #mla.products<plain, why = "tokens have two terms, for the precision of bf16">, scale =
  // CPU: mla.latent_attention {{.*}} {scale =
  // expected-remark @+1 {{multiplies the cache in plain: tokens have two terms, for the precision of bf16}}
  %a = mla.latent_attention queries(%q, %r of %cu) cache(%packed) {scale = 0.1 : f64}
      : (tensor<?x32x512xbf16>, tensor<?x32x64xbf16>, !packed) -> tensor<?x32x512xbf16>
  // CHECK: mla.latent_attention {{.*}} {mla.products = #mla.products<plain, why = "no kernel multiplies rows of 384 and 64 columns in e4m3">, scale =
  // expected-remark @+1 {{multiplies the cache in plain: no kernel multiplies rows of 384 and 64 columns in e4m3}}
  %b = mla.latent_attention queries(%w, %r of %cu) cache(%wide) {scale = 0.1 : f64}
      : (tensor<?x32x384xbf16>, tensor<?x32x64xbf16>, !wide) -> tensor<?x32x384xbf16>
  // CHECK: mla.latent_attention {{.*}} {scale =
  %c = mla.latent_attention queries(%q, %r of %cu) cache(%plain) {scale = 0.1 : f64}
      : (tensor<?x32x512xbf16>, tensor<?x32x64xbf16>, !plain) -> tensor<?x32x512xbf16>
  return %a, %b, %c : tensor<?x32x512xbf16>, tensor<?x32x384xbf16>, tensor<?x32x512xbf16>
}
