// The naive layer becomes attention on the cached latent; both functions are shown.
//
// RUN: mla-opt %s --mla-absorb --split-input-file | FileCheck %s

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// CHECK-LABEL: func.func @both_sides
// CHECK-SAME: (%[[Q:[^:]*]]: tensor<?x4x32xf32>, %[[Q_R:[^:]*]]: tensor<?x4x16xf32>, %[[CU:[^:]*]]: tensor<?xi32>, %[[CACHE:[^:]*]]: !mla.cache
// CHECK-DAG: %[[W_UK:.*]] = mla.weight "w_uk"
// CHECK-DAG: %[[W_UV:.*]] = mla.weight "w_uv"
// CHECK: %[[W_UK_T:.*]] = linalg.transpose ins(%[[W_UK]] : tensor<4x32x64xf32>) outs(%{{.*}} : tensor<4x64x32xf32>) permutation = [0, 2, 1]
// CHECK: %[[Q_L:.*]] = mla.project per_head %[[Q]], %[[W_UK_T]] : (tensor<?x4x32xf32>, tensor<4x64x32xf32>) -> tensor<?x4x64xf32>
// CHECK: %[[O_L:.*]] = mla.latent_attention queries(%[[Q_L]], %[[Q_R]] of %[[CU]]) cache(%[[CACHE]]) {scale = 2.500000e-01 : f64}
// CHECK-SAME: -> tensor<?x4x64xf32>
// CHECK: %[[O:.*]] = mla.project per_head %[[O_L]], %[[W_UV]] : (tensor<?x4x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
// CHECK: return %[[O]]
// CHECK-NOT: mla.gather
func.func @both_sides(%q_nope: tensor<?x4x32xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x4x32xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %k_nope = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%k_nope, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return %o : tensor<?x4x32xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// Only the query side is absorbed: values are still up-projected.
// CHECK-LABEL: func.func @regime_absorbs_queries_only
// CHECK-SAME: (%[[Q:[^:]*]]: tensor<?x4x32xf32>, %[[Q_R:[^:]*]]: tensor<?x4x16xf32>, %[[CU:[^:]*]]: tensor<?xi32>, %[[CACHE:[^:]*]]: !mla.cache
// CHECK: %[[LATENT:.*]], %[[K_R:.*]], %[[CU_KEYS:.*]] = mla.gather %[[CACHE]]
// CHECK-DAG: %[[W_UK:.*]] = mla.weight "w_uk"
// CHECK-DAG: %[[W_UV:.*]] = mla.weight "w_uv"
// CHECK: %[[V:.*]] = mla.project to_heads %[[LATENT]], %[[W_UV]]
// CHECK: %[[W_UK_T:.*]] = linalg.transpose ins(%[[W_UK]] : tensor<4x32x64xf32>) outs(%{{.*}} : tensor<4x64x32xf32>) permutation = [0, 2, 1]
// CHECK: %[[Q_L:.*]] = mla.project per_head %[[Q]], %[[W_UK_T]] : (tensor<?x4x32xf32>, tensor<4x64x32xf32>) -> tensor<?x4x64xf32>
// CHECK: %[[O:.*]] = mla.attention queries(%[[Q_L]], %[[Q_R]] of %[[CU]]) keys(%[[LATENT]], %[[K_R]] of %[[CU_KEYS]]) values(%[[V]])
// CHECK-SAME: (tensor<?x4x64xf32>, tensor<?x4x16xf32>, tensor<?x64xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
// CHECK: return %[[O]]
func.func @regime_absorbs_queries_only(%q_nope: tensor<?x4x32xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x4x32xf32> attributes {mla.regime = #mla.regime<{phase = decode, q = absorb, o = naive}>} {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %k_nope = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%k_nope, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return %o : tensor<?x4x32xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// A side to fold is absorbed first; here only the output side.
// CHECK-LABEL: func.func @regime_folds_output_only
// CHECK-SAME: (%[[Q:[^:]*]]: tensor<?x4x32xf32>, %[[Q_R:[^:]*]]: tensor<?x4x16xf32>, %[[CU:[^:]*]]: tensor<?xi32>, %[[CACHE:[^:]*]]: !mla.cache
// CHECK: %[[LATENT:.*]], %[[K_R:.*]], %[[CU_KEYS:.*]] = mla.gather %[[CACHE]]
// CHECK-DAG: %[[W_UK:.*]] = mla.weight "w_uk"
// CHECK-DAG: %[[W_UV:.*]] = mla.weight "w_uv"
// CHECK: %[[K:.*]] = mla.project to_heads %[[LATENT]], %[[W_UK]]
// CHECK: %[[O_L:.*]] = mla.attention queries(%[[Q]], %[[Q_R]] of %[[CU]]) keys(%[[K]], %[[K_R]] of %[[CU_KEYS]]) values(%[[LATENT]])
// CHECK-SAME: (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x64xf32>) -> tensor<?x4x64xf32>
// CHECK: %[[O:.*]] = mla.project per_head %[[O_L]], %[[W_UV]]
// CHECK: return %[[O]]
func.func @regime_folds_output_only(%q_nope: tensor<?x4x32xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x4x32xf32> attributes {mla.regime = #mla.regime<{phase = decode, q = naive, o = fold}>} {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %k_nope = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%k_nope, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return %o : tensor<?x4x32xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// CHECK-LABEL: func.func @regime_naive
// CHECK: %[[K:.*]] = mla.project to_heads
// CHECK: %[[V:.*]] = mla.project to_heads
// CHECK: mla.attention queries(%{{.*}}, %{{.*}} of %{{.*}}) keys(%[[K]], %{{.*}} of %{{.*}}) values(%[[V]])
func.func @regime_naive(%q_nope: tensor<?x4x32xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x4x32xf32> attributes {mla.regime = #mla.regime<{phase = prefill, q = naive, o = naive}>} {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %k_nope = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%k_nope, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return %o : tensor<?x4x32xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// One projection to keys and values: a row slice of its result becomes a row slice of its weight.
// CHECK-LABEL: func.func @keys_and_values_of_one_projection
// CHECK-SAME: (%[[Q:[^:]*]]: tensor<?x4x32xf32>, %[[Q_R:[^:]*]]: tensor<?x4x16xf32>, %[[CU:[^:]*]]: tensor<?xi32>, %[[CACHE:[^:]*]]: !mla.cache
// CHECK: %[[W:.*]] = mla.weight "kv_b" : tensor<4x64x64xf32>
// CHECK: %[[W_UK:.*]] = tensor.extract_slice %[[W]][0, 0, 0] [4, 32, 64] [1, 1, 1]
// CHECK: %[[W_UK_T:.*]] = linalg.transpose ins(%[[W_UK]] : tensor<4x32x64xf32>)
// CHECK: %[[Q_L:.*]] = mla.project per_head %[[Q]], %[[W_UK_T]]
// CHECK: %[[O_L:.*]] = mla.latent_attention queries(%[[Q_L]], %[[Q_R]] of %[[CU]]) cache(%[[CACHE]])
// CHECK: %[[W_UV:.*]] = tensor.extract_slice %[[W]][0, 32, 0] [4, 32, 64] [1, 1, 1]
// CHECK: mla.project per_head %[[O_L]], %[[W_UV]]
func.func @keys_and_values_of_one_projection(%q_nope: tensor<?x4x32xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x4x32xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w = mla.weight "kv_b" : tensor<4x64x64xf32>
  %kv = mla.project to_heads %latent, %w : (tensor<?x64xf32>, tensor<4x64x64xf32>) -> tensor<?x4x64xf32>
  %c0 = arith.constant 0 : index
  %keys = tensor.dim %latent, %c0 : tensor<?x64xf32>
  %k_nope = tensor.extract_slice %kv[0, 0, 0] [%keys, 4, 32] [1, 1, 1] : tensor<?x4x64xf32> to tensor<?x4x32xf32>
  %v = tensor.extract_slice %kv[0, 0, 32] [%keys, 4, 32] [1, 1, 1] : tensor<?x4x64xf32> to tensor<?x4x32xf32>
  %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%k_nope, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return %o : tensor<?x4x32xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, bf16>

// Queries keep their element type whatever the cache's is, and the LSE is kept.
// CHECK-LABEL: func.func @bf16_cache_and_lse
// CHECK-SAME: (%[[Q:[^:]*]]: tensor<?x4x32xf32>
// CHECK: %[[Q_L:.*]] = mla.project per_head %[[Q]], %{{.*}} : (tensor<?x4x32xf32>, tensor<4x64x32xbf16>) -> tensor<?x4x64xf32>
// CHECK: %[[O_L:.*]], %[[LSE:.*]] = mla.latent_attention queries(%[[Q_L]],
// CHECK-SAME: -> tensor<?x4x64xf32>, tensor<?x4xf32>
// CHECK: %[[O:.*]] = mla.project per_head %[[O_L]], %{{.*}} : (tensor<?x4x64xf32>, tensor<4x32x64xbf16>) -> tensor<?x4x32xf32>
// CHECK: return %[[O]], %[[LSE]]
func.func @bf16_cache_and_lse(%q_nope: tensor<?x4x32xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> (tensor<?x4x32xf32>, tensor<?x4xf32>) {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xbf16>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xbf16>
  %k_nope = mla.project to_heads %latent, %w_uk : (tensor<?x64xbf16>, tensor<4x32x64xbf16>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xbf16>, tensor<4x32x64xbf16>) -> tensor<?x4x32xf32>
  %o, %lse = mla.attention queries(%q_nope, %q_rope of %cu) keys(%k_nope, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xbf16>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>, tensor<?x4xf32>
  return %o, %lse : tensor<?x4x32xf32>, tensor<?x4xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// Keys of one cache and positions of another: absorbed, but the attention still operates on tensors.
// CHECK-LABEL: func.func @two_caches_stay_gathered
// CHECK: %[[LATENT:.*]], %{{.*}}, %[[CU_KEYS:.*]] = mla.gather
// CHECK: %{{.*}}, %[[OTHER:.*]], %{{.*}} = mla.gather
// CHECK: mla.attention queries({{.*}}) keys(%[[LATENT]], %[[OTHER]] of %[[CU_KEYS]]) values(%[[LATENT]])
func.func @two_caches_stay_gathered(%q_nope: tensor<?x4x32xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache, %other: !cache) -> tensor<?x4x32xf32> {
  %latent, %unused, %cu_keys = mla.gather %cache : !cache
  %unused_latent, %k_rope, %unused_cu = mla.gather %other : !cache
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %k_nope = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%k_nope, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return %o : tensor<?x4x32xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// The mask, the sinks and the gate behind the attention are none of the projections' business.
// CHECK-LABEL: func.func @mask_sinks_and_gate
// CHECK-SAME: %[[SINKS:[^:]*]]: tensor<4xf32>, %[[G:[^:]*]]: tensor<?x4x32xf32>)
// CHECK: %[[O_L:.*]] = mla.latent_attention queries({{.*}}) cache({{.*}}) sinks(%[[SINKS]]) {mask = #mla.mask<window = 20>, scale = 2.500000e-01 : f64}
// CHECK: %[[O:.*]] = mla.project per_head %[[O_L]],
// CHECK: %[[GATED:.*]] = mla.gate %[[O]] by %[[G]]
// CHECK: return %[[GATED]]
func.func @mask_sinks_and_gate(%q_nope: tensor<?x4x32xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache, %sinks: tensor<4xf32>, %g: tensor<?x4x32xf32>) -> tensor<?x4x32xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %k_nope = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %o = mla.attention queries(%q_nope, %q_rope of %cu) keys(%k_nope, %k_rope of %cu_keys) values(%v) sinks(%sinks) {mask = #mla.mask<window = 20>, scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>, tensor<4xf32>) -> tensor<?x4x32xf32>
  %y = mla.gate %o by %g : (tensor<?x4x32xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return %y : tensor<?x4x32xf32>
}
