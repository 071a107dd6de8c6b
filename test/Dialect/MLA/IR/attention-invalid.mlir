// One case per constraint of attentions, merges and gates, named for its label in MLAOps.td.
//
// RUN: mla-opt %s --split-input-file --verify-diagnostics

func.func @attention_c1_query_rank(%q: tensor<?x32xf32>, %qr: tensor<?x4x16xf32>, %k: tensor<?x4x32xf32>, %kr: tensor<?x16xf32>, %v: tensor<?x4x32xf32>, %cu: tensor<?xi32>) {
  // expected-error @+1 {{(C1) queries must be [T, H, …], keys and values [N, …] or [N, H, …], k_rope [N, R]}}
  %o = mla.attention queries(%q, %qr of %cu) keys(%k, %kr of %cu) values(%v) {scale = 1.0 : f64} : (tensor<?x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return
}

// -----

func.func @attention_c1_k_rope_per_head(%q: tensor<?x4x32xf32>, %qr: tensor<?x4x16xf32>, %k: tensor<?x4x32xf32>, %kr: tensor<?x4x16xf32>, %v: tensor<?x4x32xf32>, %cu: tensor<?xi32>) {
  // expected-error @+1 {{(C1) queries must be}}
  %o = mla.attention queries(%q, %qr of %cu) keys(%k, %kr of %cu) values(%v) {scale = 1.0 : f64} : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return
}

// -----

func.func @attention_c2_key_width(%q: tensor<?x4x32xf32>, %qr: tensor<?x4x16xf32>, %k: tensor<?x4x31xf32>, %kr: tensor<?x16xf32>, %v: tensor<?x4x32xf32>, %cu: tensor<?xi32>) {
  // expected-error @+1 {{(C2) k_nope has shape}}
  %o = mla.attention queries(%q, %qr of %cu) keys(%k, %kr of %cu) values(%v) {scale = 1.0 : f64} : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x31xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return
}

// -----

func.func @attention_c2_shared_key_width(%q: tensor<?x4x32xf32>, %qr: tensor<?x4x16xf32>, %k: tensor<?x64xf32>, %kr: tensor<?x16xf32>, %v: tensor<?x4x32xf32>, %cu: tensor<?xi32>) {
  // expected-error @+1 {{(C2) k_nope has shape}}
  %o = mla.attention queries(%q, %qr of %cu) keys(%k, %kr of %cu) values(%v) {scale = 1.0 : f64} : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x64xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return
}

// -----

func.func @attention_c2_value_heads(%q: tensor<?x4x32xf32>, %qr: tensor<?x4x16xf32>, %k: tensor<?x4x32xf32>, %kr: tensor<?x16xf32>, %v: tensor<?x2x32xf32>, %cu: tensor<?xi32>) {
  // expected-error @+1 {{(C2) v has shape}}
  %o = mla.attention queries(%q, %qr of %cu) keys(%k, %kr of %cu) values(%v) {scale = 1.0 : f64} : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x2x32xf32>) -> tensor<?x4x32xf32>
  return
}

// -----

func.func @attention_c2_rope_width(%q: tensor<?x4x32xf32>, %qr: tensor<?x4x16xf32>, %k: tensor<?x4x32xf32>, %kr: tensor<?x8xf32>, %v: tensor<?x4x32xf32>, %cu: tensor<?xi32>) {
  // expected-error @+1 {{(C2) k_rope has shape}}
  %o = mla.attention queries(%q, %qr of %cu) keys(%k, %kr of %cu) values(%v) {scale = 1.0 : f64} : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x8xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return
}

// -----

func.func @attention_c2_result_width(%q: tensor<?x4x32xf32>, %qr: tensor<?x4x16xf32>, %k: tensor<?x4x32xf32>, %kr: tensor<?x16xf32>, %v: tensor<?x4x32xf32>, %cu: tensor<?xi32>) {
  // expected-error @+1 {{(C2) result has shape}}
  %o = mla.attention queries(%q, %qr of %cu) keys(%k, %kr of %cu) values(%v) {scale = 1.0 : f64} : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x16xf32>
  return
}

// -----

func.func @attention_c3_scale(%q: tensor<?x4x32xf32>, %qr: tensor<?x4x16xf32>, %k: tensor<?x4x32xf32>, %kr: tensor<?x16xf32>, %v: tensor<?x4x32xf32>, %cu: tensor<?xi32>) {
  // expected-error @+1 {{(C3) the scale must be finite}}
  %o = mla.attention queries(%q, %qr of %cu) keys(%k, %kr of %cu) values(%v) {scale = 0x7FF0000000000000 : f64} : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  return
}

// -----

func.func @latent_attention_c1_rank(%q: tensor<?x64xf32>, %qr: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !mla.cache<page = 16, latent = 64, rope = 16, f32>) {
  // expected-error @+1 {{(C1) q_latent must be [T, H, L]}}
  %o = mla.latent_attention queries(%q, %qr of %cu) cache(%cache) {scale = 1.0 : f64} : (tensor<?x64xf32>, tensor<?x4x16xf32>, !mla.cache<page = 16, latent = 64, rope = 16, f32>) -> tensor<?x4x64xf32>
  return
}

// -----

func.func @latent_attention_c1_result(%q: tensor<?x4x64xf32>, %qr: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !mla.cache<page = 16, latent = 64, rope = 16, f32>) {
  // expected-error @+1 {{(C1) result has shape}}
  %o = mla.latent_attention queries(%q, %qr of %cu) cache(%cache) {scale = 1.0 : f64} : (tensor<?x4x64xf32>, tensor<?x4x16xf32>, !mla.cache<page = 16, latent = 64, rope = 16, f32>) -> tensor<?x4x32xf32>
  return
}

// -----

func.func @latent_attention_c1_lse(%q: tensor<?x4x64xf32>, %qr: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !mla.cache<page = 16, latent = 64, rope = 16, f32>) {
  // expected-error @+1 {{(C1) lse has shape}}
  %o, %lse = mla.latent_attention queries(%q, %qr of %cu) cache(%cache) {scale = 1.0 : f64} : (tensor<?x4x64xf32>, tensor<?x4x16xf32>, !mla.cache<page = 16, latent = 64, rope = 16, f32>) -> tensor<?x4x64xf32>, tensor<?x2xf32>
  return
}

// -----

func.func @latent_attention_c2_latent(%q: tensor<?x4x32xf32>, %qr: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !mla.cache<page = 16, latent = 64, rope = 16, f32>) {
  // expected-error @+1 {{(C2) q_latent has shape}}
  %o = mla.latent_attention queries(%q, %qr of %cu) cache(%cache) {scale = 1.0 : f64} : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, !mla.cache<page = 16, latent = 64, rope = 16, f32>) -> tensor<?x4x64xf32>
  return
}

// -----

func.func @latent_attention_c2_rope(%q: tensor<?x4x64xf32>, %qr: tensor<?x4x8xf32>, %cu: tensor<?xi32>, %cache: !mla.cache<page = 16, latent = 64, rope = 16, f32>) {
  // expected-error @+1 {{(C2) q_rope has shape}}
  %o = mla.latent_attention queries(%q, %qr of %cu) cache(%cache) {scale = 1.0 : f64} : (tensor<?x4x64xf32>, tensor<?x4x8xf32>, !mla.cache<page = 16, latent = 64, rope = 16, f32>) -> tensor<?x4x64xf32>
  return
}

// -----

func.func @latent_attention_c3_scale(%q: tensor<?x4x64xf32>, %qr: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !mla.cache<page = 16, latent = 64, rope = 16, f32>) {
  // expected-error @+1 {{(C3) the scale must be finite}}
  %o = mla.latent_attention queries(%q, %qr of %cu) cache(%cache) {scale = 0x7FF8000000000000 : f64} : (tensor<?x4x64xf32>, tensor<?x4x16xf32>, !mla.cache<page = 16, latent = 64, rope = 16, f32>) -> tensor<?x4x64xf32>
  return
}

// -----

func.func @merge_c1_rank(%p: tensor<?x4x64xf32>, %l: tensor<?x4xf32>) {
  // expected-error @+1 {{(C1) partials must be [S, T, H, V]}}
  %o, %lse = mla.merge %p, %l : (tensor<?x4x64xf32>, tensor<?x4xf32>) -> tensor<4x64xf32>, tensor<4xf32>
  return
}

// -----

func.func @merge_c1_lses(%p: tensor<2x?x4x64xf32>, %l: tensor<3x?x4xf32>) {
  // expected-error @+1 {{(C1) their LSE has shape}}
  %o, %lse = mla.merge %p, %l : (tensor<2x?x4x64xf32>, tensor<3x?x4xf32>) -> tensor<?x4x64xf32>, tensor<?x4xf32>
  return
}

// -----

func.func @merge_c2_result(%p: tensor<2x?x4x64xf32>, %l: tensor<2x?x4xf32>) {
  // expected-error @+1 {{(C2) result has shape}}
  %o, %lse = mla.merge %p, %l : (tensor<2x?x4x64xf32>, tensor<2x?x4xf32>) -> tensor<?x4x32xf32>, tensor<?x4xf32>
  return
}

// -----

func.func @merge_c2_lse(%p: tensor<2x?x4x64xf32>, %l: tensor<2x?x4xf32>) {
  // expected-error @+1 {{(C2) lse has shape}}
  %o, %lse = mla.merge %p, %l : (tensor<2x?x4x64xf32>, tensor<2x?x4xf32>) -> tensor<?x4x64xf32>, tensor<?x2xf32>
  return
}

// -----

func.func @attention_c4_sinks(%q: tensor<?x4x32xf32>, %qr: tensor<?x4x16xf32>, %k: tensor<?x4x32xf32>, %kr: tensor<?x16xf32>, %v: tensor<?x4x32xf32>, %cu: tensor<?xi32>, %s: tensor<3xf32>) {
  // expected-error @+1 {{(C4) sinks has shape [3], expected [4]}}
  %o = mla.attention queries(%q, %qr of %cu) keys(%k, %kr of %cu) values(%v) sinks(%s) {scale = 1.0 : f64} : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>, tensor<3xf32>) -> tensor<?x4x32xf32>
  return
}

// -----

func.func @latent_attention_c4_sinks(%q: tensor<?x4x64xf32>, %qr: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !mla.cache<page = 16, latent = 64, rope = 16, f32>, %s: tensor<1x4xf32>) {
  // expected-error @+1 {{(C4) sinks has shape [1, 4], expected [4]}}
  %o = mla.latent_attention queries(%q, %qr of %cu) cache(%cache) sinks(%s) {scale = 1.0 : f64} : (tensor<?x4x64xf32>, tensor<?x4x16xf32>, !mla.cache<page = 16, latent = 64, rope = 16, f32>, tensor<1x4xf32>) -> tensor<?x4x64xf32>
  return
}

// -----

func.func @merge_c3_sinks(%o: tensor<2x?x4x64xf32>, %l: tensor<2x?x4xf32>, %s: tensor<2xf32>) {
  // expected-error @+1 {{(C3) sinks has shape [2], expected [4]}}
  %out, %lse = mla.merge %o, %l sinks(%s) : (tensor<2x?x4x64xf32>, tensor<2x?x4xf32>, tensor<2xf32>) -> tensor<?x4x64xf32>, tensor<?x4xf32>
  return
}

// -----

func.func @gate_c1_rank(%x: tensor<?x4xf32>, %g: tensor<?x4xf32>) {
  // expected-error @+1 {{(C1) x must be [T, H, V]}}
  %y = mla.gate %x by %g : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @gate_c1_heads(%x: tensor<?x4x32xf32>, %g: tensor<?x5xf32>) {
  // expected-error @+1 {{(C1) the gate has shape [}}
  %y = mla.gate %x by %g : (tensor<?x4x32xf32>, tensor<?x5xf32>) -> tensor<?x4x32xf32>
  return
}

// -----

func.func @gate_c1_result(%x: tensor<?x4x32xf32>, %g: tensor<?x4x32xf32>) {
  // expected-error @+1 {{(C1) result has shape [}}
  %y = mla.gate %x by %g : (tensor<?x4x32xf32>, tensor<?x4x32xf32>) -> tensor<?x4x16xf32>
  return
}
