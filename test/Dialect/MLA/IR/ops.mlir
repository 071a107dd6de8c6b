// Every operation parses, prints and parses again, in the custom and the generic form.
//
// RUN: mla-opt %s --verify-roundtrip | FileCheck %s
// RUN: mla-opt %s --mlir-print-op-generic | mla-opt | FileCheck %s

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// CHECK-LABEL: func.func @weights
func.func @weights() {
  // The last distinctive part of the name becomes the SSA name.
  // CHECK: %q_a_proj = mla.weight "model.layers.0.self_attn.q_a_proj.weight" : tensor<48x160xbf16>
  %w = mla.weight "model.layers.0.self_attn.q_a_proj.weight" : tensor<48x160xbf16>
  // CHECK: %[[FP8:.*]] = mla.weight "q" : tensor<320x192xf8E4M3FN>
  // CHECK: %[[SCALE:.*]] = mla.weight "s" : tensor<3x2xf32>
  // CHECK: mla.dequantize %[[FP8]], %[[SCALE]] {block = array<i64: 128, 128>} : tensor<320x192xf8E4M3FN>, tensor<3x2xf32> -> tensor<320x192xf32>
  %fp8 = mla.weight "q" : tensor<320x192xf8E4M3FN>
  %scale = mla.weight "s" : tensor<3x2xf32>
  %dequantized = mla.dequantize %fp8, %scale {block = array<i64: 128, 128>} : tensor<320x192xf8E4M3FN>, tensor<3x2xf32> -> tensor<320x192xf32>
  return
}

// CHECK-LABEL: func.func @quantize
// CHECK-SAME: (%[[X:.*]]: tensor<?x320xf32>, %[[HEADS:.*]]: tensor<?x4x320xbf16>)
func.func @quantize(%x: tensor<?x320xf32>, %heads: tensor<?x4x320xbf16>) {
  // CHECK: %[[Q:.*]], %[[S:.*]] = mla.quantize %[[X]] {group = 128 : i64} : tensor<?x320xf32> -> tensor<?x320xf8E4M3FN>, tensor<?x3xf32>
  // CHECK: mla.dequantize %[[Q]], %[[S]] {block = array<i64: 1, 128>} : tensor<?x320xf8E4M3FN>, tensor<?x3xf32> -> tensor<?x320xf32>
  %q, %s = mla.quantize %x {group = 128 : i64} : tensor<?x320xf32> -> tensor<?x320xf8E4M3FN>, tensor<?x3xf32>
  %y = mla.dequantize %q, %s {block = array<i64: 1, 128>} : tensor<?x320xf8E4M3FN>, tensor<?x3xf32> -> tensor<?x320xf32>
  // Terms are dimension 1, before heads.
  // CHECK: %[[Q2:.*]], %[[S2:.*]] = mla.quantize %[[HEADS]] {group = 64 : i64, terms = 2 : i64} : tensor<?x4x320xbf16> -> tensor<?x2x4x320xf8E4M3FN>, tensor<?x4x5xf32>
  // CHECK: mla.dequantize %[[Q2]], %[[S2]] {block = array<i64: 1, 1, 64>} : tensor<?x2x4x320xf8E4M3FN>, tensor<?x4x5xf32> -> tensor<?x4x320xf32>
  %q2, %s2 = mla.quantize %heads {group = 64 : i64, terms = 2 : i64} : tensor<?x4x320xbf16> -> tensor<?x2x4x320xf8E4M3FN>, tensor<?x4x5xf32>
  %y2 = mla.dequantize %q2, %s2 {block = array<i64: 1, 1, 64>} : tensor<?x2x4x320xf8E4M3FN>, tensor<?x4x5xf32> -> tensor<?x4x320xf32>
  return
}

// CHECK-LABEL: func.func @compose
// CHECK-SAME: (%[[OUTER:.*]]: tensor<4x64x32xbf16>, %[[INNER:.*]]: tensor<4x32x48xf32>)
func.func @compose(%outer: tensor<4x64x32xbf16>, %inner: tensor<4x32x48xf32>) {
  // The product has the outer weight's element type.
  // CHECK: mla.compose %[[OUTER]], %[[INNER]] : (tensor<4x64x32xbf16>, tensor<4x32x48xf32>) -> tensor<4x64x48xbf16>
  %w = mla.compose %outer, %inner : (tensor<4x64x32xbf16>, tensor<4x32x48xf32>) -> tensor<4x64x48xbf16>
  return
}

// CHECK-LABEL: func.func @project
// CHECK-SAME: (%[[X:.*]]: tensor<?x48xf32>, %[[X_H:.*]]: tensor<?x4x48xf32>,
// CHECK-SAME: %[[PLAIN:.*]]: tensor<32x48xf32>, %[[HEADS:.*]]: tensor<4x32x48xf32>, %[[FROM:.*]]: tensor<32x4x48xf32>)
func.func @project(%x: tensor<?x48xf32>, %x_h: tensor<?x4x48xf32>, %plain: tensor<32x48xf32>,
                   %heads: tensor<4x32x48xf32>, %from: tensor<32x4x48xf32>) {
  // CHECK: mla.project %[[X]], %[[PLAIN]] : (tensor<?x48xf32>, tensor<32x48xf32>) -> tensor<?x32xf32>
  %0 = mla.project %x, %plain : (tensor<?x48xf32>, tensor<32x48xf32>) -> tensor<?x32xf32>
  // CHECK: mla.project to_heads %[[X]], %[[HEADS]] : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %1 = mla.project to_heads %x, %heads : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  // CHECK: mla.project per_head %[[X_H]], %[[HEADS]] : (tensor<?x4x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %2 = mla.project per_head %x_h, %heads : (tensor<?x4x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  // CHECK: mla.project from_heads %[[X_H]], %[[FROM]] : (tensor<?x4x48xf32>, tensor<32x4x48xf32>) -> tensor<?x32xf32>
  %3 = mla.project from_heads %x_h, %from : (tensor<?x4x48xf32>, tensor<32x4x48xf32>) -> tensor<?x32xf32>
  return
}

// CHECK-LABEL: func.func @project_panels
// CHECK-SAME: (%[[X:.*]]: tensor<?x48xf32>, %[[X_H:.*]]: tensor<?x4x48xf32>,
// CHECK-SAME: %[[PLAIN:.*]]: tensor<4x48x8xf32>, %[[TO:.*]]: tensor<8x48x16xf32>, %[[PER:.*]]: tensor<4x4x48x8xf32>, %[[FROM:.*]]: tensor<4x192x8xf32>)
func.func @project_panels(%x: tensor<?x48xf32>, %x_h: tensor<?x4x48xf32>, %plain: tensor<4x48x8xf32>,
                          %to: tensor<8x48x16xf32>, %per: tensor<4x4x48x8xf32>, %from: tensor<4x192x8xf32>) {
  // CHECK: mla.project %[[X]], %[[PLAIN]] panels : (tensor<?x48xf32>, tensor<4x48x8xf32>) -> tensor<?x32xf32>
  %0 = mla.project %x, %plain panels : (tensor<?x48xf32>, tensor<4x48x8xf32>) -> tensor<?x32xf32>
  // CHECK: mla.project to_heads %[[X]], %[[TO]] panels : (tensor<?x48xf32>, tensor<8x48x16xf32>) -> tensor<?x4x32xf32>
  %1 = mla.project to_heads %x, %to panels : (tensor<?x48xf32>, tensor<8x48x16xf32>) -> tensor<?x4x32xf32>
  // CHECK: mla.project per_head %[[X_H]], %[[PER]] panels : (tensor<?x4x48xf32>, tensor<4x4x48x8xf32>) -> tensor<?x4x32xf32>
  %2 = mla.project per_head %x_h, %per panels : (tensor<?x4x48xf32>, tensor<4x4x48x8xf32>) -> tensor<?x4x32xf32>
  // CHECK: mla.project from_heads %[[X_H]], %[[FROM]] panels : (tensor<?x4x48xf32>, tensor<4x192x8xf32>) -> tensor<?x32xf32>
  %3 = mla.project from_heads %x_h, %from panels : (tensor<?x4x48xf32>, tensor<4x192x8xf32>) -> tensor<?x32xf32>
  return
}

// CHECK-LABEL: func.func @tokenwise
// CHECK-SAME: (%[[X:.*]]: tensor<?x4x4xbf16>, %[[BIAS:.*]]: tensor<4x4xf32>, %[[GAMMA:.*]]: tensor<4xbf16>, %[[POSITION:.*]]: tensor<?xi32>)
func.func @tokenwise(%x: tensor<?x4x4xbf16>, %bias: tensor<4x4xf32>, %gamma: tensor<4xbf16>, %position: tensor<?xi32>) {
  // CHECK: %[[A:.*]] = mla.bias %[[X]], %[[BIAS]] : tensor<?x4x4xbf16>, tensor<4x4xf32>
  %a = mla.bias %x, %bias : tensor<?x4x4xbf16>, tensor<4x4xf32>
  // CHECK: %[[B:.*]] = mla.rms_norm %[[A]], %[[GAMMA]] {epsilon = 1.000000e-03 : f64} : tensor<?x4x4xbf16>, tensor<4xbf16> -> tensor<?x4x4xf32>
  %b = mla.rms_norm %a, %gamma {epsilon = 1.0e-3 : f64} : tensor<?x4x4xbf16>, tensor<4xbf16> -> tensor<?x4x4xf32>
  // CHECK: %[[C:.*]] = mla.rope {{ ?}}interleaved %[[B]] at %[[POSITION]] {frequencies = array<f32: 1.000000e+00, 5.000000e-01>, scale = 1.500000e+00 : f32} : tensor<?x4x4xf32>
  %c = mla.rope interleaved %b at %position {frequencies = array<f32: 1.0, 0.5>, scale = 1.5 : f32} : tensor<?x4x4xf32>
  // CHECK: %[[D:.*]] = mla.rope {{ ?}}half_split %[[C]] at %[[POSITION]] {frequencies = array<f32: 1.000000e+00, 5.000000e-01>} : tensor<?x4x4xf32>
  %d = mla.rope half_split %c at %position {frequencies = array<f32: 1.0, 0.5>} : tensor<?x4x4xf32>
  // CHECK: mla.position_scale %[[D]] at %[[POSITION]] {beta = 1.000000e-01 : f64, original = 8192 : i64} : tensor<?x4x4xf32>
  %e = mla.position_scale %d at %position {beta = 1.0e-1 : f64, original = 8192 : i64} : tensor<?x4x4xf32>
  return
}

// CHECK-LABEL: func.func @cache
// CHECK-SAME: (%[[C:.*]]: tensor<?x64xf32>, %[[K:.*]]: tensor<?x16xf32>, %[[CU:.*]]: tensor<?xi32>, %[[CACHE:.*]]: !mla.cache<page = 16, latent = 64, rope = 16, f32>, %[[TOKENS:.*]]: index)
func.func @cache(%c: tensor<?x64xf32>, %k: tensor<?x16xf32>, %cu: tensor<?xi32>, %cache: !cache, %tokens: index) {
  // CHECK: %[[POSITION:.*]], %[[SEQUENCE:.*]] = mla.positions %[[TOKENS]] of %[[CU]] in %[[CACHE]] : <page = 16, latent = 64, rope = 16, f32>
  %position, %sequence = mla.positions %tokens of %cu in %cache : !cache
  // CHECK: %[[NEW:.*]] = mla.append %[[C]], %[[K]] at %[[POSITION]] of %[[SEQUENCE]] into %[[CACHE]] : tensor<?x64xf32>, tensor<?x16xf32> into <page = 16, latent = 64, rope = 16, f32>
  %new = mla.append %c, %k at %position of %sequence into %cache : tensor<?x64xf32>, tensor<?x16xf32> into !cache
  // CHECK: %{{.*}}, %{{.*}}, %{{.*}} = mla.gather %[[NEW]] : <page = 16, latent = 64, rope = 16, f32>
  %latent, %k_rope, %cu_keys = mla.gather %new : !cache
  return
}

// CHECK-LABEL: func.func @attention
// CHECK-SAME: (%[[Q:[^:]*]]: tensor<?x4x32xf32>, %[[Q_R:[^:]*]]: tensor<?x4x16xf32>, %[[CU:[^:]*]]: tensor<?xi32>, %[[KEYS:[^:]*]]: tensor<?x4x32xf32>,
// CHECK-SAME: %[[C:[^:]*]]: tensor<?x64xf32>, %[[K_R:[^:]*]]: tensor<?x16xf32>, %[[CU_KEYS:[^:]*]]: tensor<?xi32>)
func.func @attention(%q: tensor<?x4x32xf32>, %q_r: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %keys: tensor<?x4x32xf32>,
                     %c: tensor<?x64xf32>, %k_r: tensor<?x16xf32>, %cu_keys: tensor<?xi32>) {
  // Keys per head, values shared: the output side absorbed.
  // CHECK: mla.attention queries(%[[Q]], %[[Q_R]] of %[[CU]]) keys(%[[KEYS]], %[[K_R]] of %[[CU_KEYS]]) values(%[[C]]) {scale = 2.500000e-01 : f64}
  // CHECK-SAME: : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x64xf32>) -> tensor<?x4x64xf32>, tensor<?x4xf32>
  %o, %lse = mla.attention queries(%q, %q_r of %cu) keys(%keys, %k_r of %cu_keys) values(%c) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x64xf32>)
      -> tensor<?x4x64xf32>, tensor<?x4xf32>
  return
}

// CHECK-LABEL: func.func @latent_attention
// CHECK-SAME: (%[[Q:.*]]: tensor<?x4x64xf32>, %[[Q_R:.*]]: tensor<?x4x16xf32>, %[[CU:.*]]: tensor<?xi32>, %[[CACHE:.*]]: !mla.cache<page = 16, latent = 64, rope = 16, f32>)
func.func @latent_attention(%q: tensor<?x4x64xf32>, %q_r: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) {
  // CHECK: %[[O:.*]], %[[LSE:.*]] = mla.latent_attention queries(%[[Q]], %[[Q_R]] of %[[CU]]) cache(%[[CACHE]]) {scale = 2.500000e-01 : f64}
  // CHECK-SAME: -> tensor<?x4x64xf32>, tensor<?x4xf32>
  %o, %lse = mla.latent_attention queries(%q, %q_r of %cu) cache(%cache) {scale = 2.5e-1 : f64}
      : (tensor<?x4x64xf32>, tensor<?x4x16xf32>, !cache) -> tensor<?x4x64xf32>, tensor<?x4xf32>
  return
}

// Causal is the default, which is not printed.
// CHECK-LABEL: func.func @masks_and_sinks
// CHECK-SAME: (%[[Q:.*]]: tensor<?x4x64xf32>, %[[Q_R:.*]]: tensor<?x4x16xf32>, %[[CU:.*]]: tensor<?xi32>, %[[CACHE:.*]]: !mla.cache<page = 16, latent = 64, rope = 16, f32>,
// CHECK-SAME: %[[C:.*]]: tensor<?x64xf32>, %[[K_R:.*]]: tensor<?x16xf32>, %[[CU_KEYS:.*]]: tensor<?xi32>, %[[SINKS:.*]]: tensor<4xf32>)
func.func @masks_and_sinks(%q: tensor<?x4x64xf32>, %q_r: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache,
                           %c: tensor<?x64xf32>, %k_r: tensor<?x16xf32>, %cu_keys: tensor<?xi32>, %sinks: tensor<4xf32>) {
  // CHECK: mla.latent_attention queries(%[[Q]], %[[Q_R]] of %[[CU]]) cache(%[[CACHE]]) sinks(%[[SINKS]]) {mask = #mla.mask<window = 513>, scale = 2.500000e-01 : f64}
  // CHECK-SAME: -> tensor<?x4x64xf32>
  %0 = mla.latent_attention queries(%q, %q_r of %cu) cache(%cache) sinks(%sinks) {mask = #mla.mask<window = 513>, scale = 2.5e-1 : f64}
      : (tensor<?x4x64xf32>, tensor<?x4x16xf32>, !cache, tensor<4xf32>) -> tensor<?x4x64xf32>
  // CHECK: mla.latent_attention queries(%[[Q]], %[[Q_R]] of %[[CU]]) cache(%[[CACHE]]) {scale = 2.500000e-01 : f64}
  %1 = mla.latent_attention queries(%q, %q_r of %cu) cache(%cache) {mask = #mla.mask<causal>, scale = 2.5e-1 : f64}
      : (tensor<?x4x64xf32>, tensor<?x4x16xf32>, !cache) -> tensor<?x4x64xf32>
  // CHECK: mla.attention queries(%[[Q]], %[[Q_R]] of %[[CU]]) keys(%[[C]], %[[K_R]] of %[[CU_KEYS]]) values(%[[C]]) sinks(%[[SINKS]]) {mask = #mla.mask<none>, scale = 2.500000e-01 : f64}
  // CHECK-SAME: : (tensor<?x4x64xf32>, tensor<?x4x16xf32>, tensor<?x64xf32>, tensor<?x16xf32>, tensor<?x64xf32>, tensor<4xf32>) -> tensor<?x4x64xf32>
  %2 = mla.attention queries(%q, %q_r of %cu) keys(%c, %k_r of %cu_keys) values(%c) sinks(%sinks) {mask = #mla.mask<none>, scale = 2.5e-1 : f64}
      : (tensor<?x4x64xf32>, tensor<?x4x16xf32>, tensor<?x64xf32>, tensor<?x16xf32>, tensor<?x64xf32>, tensor<4xf32>) -> tensor<?x4x64xf32>
  return
}

// CHECK-LABEL: func.func @merge_with_sinks
// CHECK-SAME: (%[[O:.*]]: tensor<2x?x4x64xf32>, %[[L:.*]]: tensor<2x?x4xf32>, %[[SINKS:.*]]: tensor<4xf32>)
func.func @merge_with_sinks(%o: tensor<2x?x4x64xf32>, %l: tensor<2x?x4xf32>, %sinks: tensor<4xf32>) {
  // CHECK: mla.merge %[[O]], %[[L]] sinks(%[[SINKS]]) : (tensor<2x?x4x64xf32>, tensor<2x?x4xf32>, tensor<4xf32>) -> tensor<?x4x64xf32>, tensor<?x4xf32>
  %out, %lse = mla.merge %o, %l sinks(%sinks) : (tensor<2x?x4x64xf32>, tensor<2x?x4xf32>, tensor<4xf32>) -> tensor<?x4x64xf32>, tensor<?x4xf32>
  return
}

// CHECK-LABEL: func.func @gate
// CHECK-SAME: (%[[X:.*]]: tensor<?x4x32xf32>, %[[G:.*]]: tensor<?x4x32xf32>, %[[H:.*]]: tensor<?x4xf32>)
func.func @gate(%x: tensor<?x4x32xf32>, %g: tensor<?x4x32xf32>, %h: tensor<?x4xf32>) {
  // CHECK: mla.gate %[[X]] by %[[G]] : (tensor<?x4x32xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xbf16>
  %0 = mla.gate %x by %g : (tensor<?x4x32xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xbf16>
  // CHECK: mla.gate %[[X]] by %[[H]] : (tensor<?x4x32xf32>, tensor<?x4xf32>) -> tensor<?x4x32xf32>
  %1 = mla.gate %x by %h : (tensor<?x4x32xf32>, tensor<?x4xf32>) -> tensor<?x4x32xf32>
  return
}

// CHECK-LABEL: func.func @merge
// CHECK-SAME: (%[[O:.*]]: tensor<2x?x4x64xf32>, %[[L:.*]]: tensor<2x?x4xf32>)
func.func @merge(%o: tensor<2x?x4x64xf32>, %l: tensor<2x?x4xf32>) {
  // CHECK: mla.merge %[[O]], %[[L]] : (tensor<2x?x4x64xf32>, tensor<2x?x4xf32>) -> tensor<?x4x64xf32>, tensor<?x4xf32>
  %out, %lse = mla.merge %o, %l : (tensor<2x?x4x64xf32>, tensor<2x?x4xf32>) -> tensor<?x4x64xf32>, tensor<?x4xf32>
  return
}
