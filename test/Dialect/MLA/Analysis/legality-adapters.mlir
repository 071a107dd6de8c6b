// Adapters that sequences choose: absorption moves their updates, and no product of weights has them.
// Absorption and folding follow the analysis.
//
// RUN: mla-opt %s --split-input-file --mla-print-legality --verify-diagnostics
// RUN: mla-opt %s --split-input-file --mla-absorb 2>/dev/null | FileCheck %s --check-prefix=ACT
// RUN: mla-opt %s --split-input-file --mla-absorb --mla-fold 2>/dev/null | FileCheck %s --check-prefix=FOLD

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// q_nope · (B A c) = (A^T B^T q_nope) · c, and sum p B A c = B A (sum p c), with the adapter of the queries' sequence. A
// product of factors would skip what the updates read.
// ACT-LABEL: func.func @kv_b
// ACT-SAME: %[[CU:[^:]*]]: tensor<?xi32>, %[[N:[^:]*]]: tensor<?xi32>, %[[CACHE:[^:]*]]: !mla.cache
// ACT-DAG: %[[A:.*]] = mla.weight "a"
// ACT-DAG: %[[B_K:.*]] = mla.weight "b_k"
// ACT-DAG: %[[B_V:.*]] = mla.weight "b_v"
// ACT: %[[Q:.*]] = mla.project to_heads
// ACT: %[[Y:.*]] = mla.project per_head %[[Q]], %{{.*}} : (tensor<?x4x32xf32>, tensor<4x64x32xf32>) -> tensor<?x4x64xf32>
// ACT: %[[DOWN:.*]] = linalg.transpose ins(%[[B_K]] : tensor<3x4x32x8xf32>) outs(%{{.*}} : tensor<3x4x8x32xf32>) permutation = [0, 1, 3, 2]
// ACT: %[[UP:.*]] = linalg.transpose ins(%[[A]] : tensor<3x8x64xf32>) outs(%{{.*}} : tensor<3x64x8xf32>) permutation = [0, 2, 1]
// ACT: %[[Q_L:.*]] = mla.adapt %[[Y]] by %[[Q]], %[[DOWN]], %[[UP]] of %[[N]] for %[[CU]]
// ACT: %[[O_L:.*]] = mla.latent_attention queries(%[[Q_L]], %{{.*}} of %[[CU]]) cache(%[[CACHE]])
// ACT: %[[V:.*]] = mla.project per_head %[[O_L]]
// ACT: %[[O:.*]] = mla.adapt %[[V]] by %[[O_L]], %[[A]], %[[B_V]] of %[[N]] for %[[CU]]
// ACT: mla.project from_heads %[[O]]
// FOLD-LABEL: func.func @kv_b
// FOLD-NOT: w_uk{{.*}}_x_w_uq
// FOLD-NOT: w_o_x_w_uv
// FOLD: mla.project to_heads
// FOLD: mla.project per_head
// FOLD: mla.latent_attention
// FOLD: mla.project per_head
// FOLD: mla.project from_heads
func.func @kv_b(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %n: tensor<?xi32>, %cache: !cache) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %a = mla.weight "a" : tensor<3x8x64xf32>
  %b_k = mla.weight "b_k" : tensor<3x4x32x8xf32>
  %b_v = mla.weight "b_v" : tensor<3x4x32x8xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+1 {{'mla.adapt' updates a factor by the sequence's adapter: it reads what is between the factors, which a product leaves out; merge the adapter to fold; the q side cannot fold}}
  %k_a = mla.adapt %k by %latent, %a, %b_k of %n for %cu_keys : (tensor<?x4x32xf32>, tensor<?x64xf32>, tensor<3x8x64xf32>, tensor<3x4x32x8xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+1 {{'mla.adapt' is between two projections: the sequence chooses what it adds, and a product of weights has one value; merge the adapter to fold; the o side cannot fold}}
  %v_a = mla.adapt %v by %latent, %a, %b_v of %n for %cu_keys : (tensor<?x4x32xf32>, tensor<?x64xf32>, tensor<3x8x64xf32>, tensor<3x4x32x8xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+2 {{the q side can absorb}}
  // expected-remark @+1 {{the o side can absorb}}
  %o = mla.attention queries(%q, %q_rope of %cu) keys(%k_a, %k_rope of %cu_keys) values(%v_a) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  %out = mla.project from_heads %o, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// An update of the queries is between W_UQ and W_UK. The output side has none.
// ACT-LABEL: func.func @q_b
// ACT: %[[Q:.*]] = mla.adapt
// ACT: mla.project per_head %[[Q]]
// ACT: mla.latent_attention
// FOLD-LABEL: func.func @q_b
// FOLD-DAG: mla.weight "w_o_x_w_uv"
// FOLD: %[[Q:.*]] = mla.adapt
// FOLD: mla.project per_head %[[Q]]
func.func @q_b(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %n: tensor<?xi32>, %cache: !cache) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %a = mla.weight "a" : tensor<3x8x48xf32>
  %b = mla.weight "b" : tensor<3x4x32x8xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+1 {{'mla.adapt' is between two projections: the sequence chooses what it adds, and a product of weights has one value; merge the adapter to fold; the q side cannot fold}}
  %q_a = mla.adapt %q by %x, %a, %b of %n for %cu : (tensor<?x4x32xf32>, tensor<?x48xf32>, tensor<3x8x48xf32>, tensor<3x4x32x8xf32>) -> tensor<?x4x32xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+3 {{the q side can absorb}}
  // expected-remark @+2 {{the o side can absorb}}
  // expected-remark @+1 {{the o side can fold}}
  %o = mla.attention queries(%q_a, %q_rope of %cu) keys(%k, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  %out = mla.project from_heads %o, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// An update of o_proj reads the values of heads, which the product with W_UV leaves out.
// FOLD-LABEL: func.func @o_proj
// FOLD: %[[O:.*]] = mla.project per_head
// FOLD: %[[OUT:.*]] = mla.project from_heads %[[O]]
// FOLD: mla.adapt %[[OUT]] by %[[O]]
func.func @o_proj(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %n: tensor<?xi32>, %cache: !cache) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %a = mla.weight "a" : tensor<3x8x4x32xf32>
  %b = mla.weight "b" : tensor<3x160x8xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+3 {{the q side can absorb}}
  // expected-remark @+2 {{the q side can fold}}
  // expected-remark @+1 {{the o side can absorb}}
  %o = mla.attention queries(%q, %q_rope of %cu) keys(%k, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  %out = mla.project from_heads %o, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  // expected-remark @+1 {{'mla.adapt' updates a factor by the sequence's adapter: it reads what is between the factors, which a product leaves out; merge the adapter to fold; the o side cannot fold}}
  %out_a = mla.adapt %out by %o, %a, %b of %n for %cu : (tensor<?x160xf32>, tensor<?x4x32xf32>, tensor<3x8x4x32xf32>, tensor<3x160x8xf32>) -> tensor<?x160xf32>
  return %out_a : tensor<?x160xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// Keys whose adapters are those of other sequences than the attention's stay where they are.
// ACT-LABEL: func.func @other_sequences
// ACT: %[[K:.*]] = mla.adapt
// ACT: mla.attention queries({{.*}} keys(%[[K]],
func.func @other_sequences(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %n: tensor<?xi32>, %cache: !cache, %cu_other: tensor<?xi32>) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %a = mla.weight "a" : tensor<3x8x64xf32>
  %b_k = mla.weight "b_k" : tensor<3x4x32x8xf32>
  %b_v = mla.weight "b_v" : tensor<3x4x32x8xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+2 {{'mla.adapt' is between the up-projection and the attention's k_nope: its sequences are not those of the attention's keys; the q side cannot absorb}}
  // expected-remark @+1 {{'mla.adapt' is between the up-projection and the attention's k_nope: its sequences are not those of the attention's keys; the q side cannot fold}}
  %k_a = mla.adapt %k by %latent, %a, %b_k of %n for %cu_other : (tensor<?x4x32xf32>, tensor<?x64xf32>, tensor<3x8x64xf32>, tensor<3x4x32x8xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+2 {{the o side can absorb}}
  // expected-remark @+1 {{the o side can fold}}
  %o = mla.attention queries(%q, %q_rope of %cu) keys(%k_a, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  %out = mla.project from_heads %o, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>

// So do values whose updates come from something else than the latent.
// ACT-LABEL: func.func @other_input
// ACT: %[[V:.*]] = mla.adapt
// ACT: mla.attention {{.*}} values(%[[V]])
func.func @other_input(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %n: tensor<?xi32>, %cache: !cache, %other: tensor<?x64xf32>) -> tensor<?x160xf32> {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %a = mla.weight "a" : tensor<3x8x64xf32>
  %b_k = mla.weight "b_k" : tensor<3x4x32x8xf32>
  %b_v = mla.weight "b_v" : tensor<3x4x32x8xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+2 {{'mla.adapt' updates the attention's v from something else than the latent; the o side cannot absorb}}
  // expected-remark @+1 {{'mla.adapt' updates the attention's v from something else than the latent; the o side cannot fold}}
  %v_a = mla.adapt %v by %other, %a, %b_v of %n for %cu_keys : (tensor<?x4x32xf32>, tensor<?x64xf32>, tensor<3x8x64xf32>, tensor<3x4x32x8xf32>) -> tensor<?x4x32xf32>
  // expected-remark @+2 {{the q side can absorb}}
  // expected-remark @+1 {{the q side can fold}}
  %o = mla.attention queries(%q, %q_rope of %cu) keys(%k, %k_rope of %cu_keys) values(%v_a) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  %out = mla.project from_heads %o, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}
