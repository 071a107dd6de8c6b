// A rounding between two factors stays unless the plan permits removing it; the requested plan is then legal, costed and
// applied.
//
// RUN: mla-opt %s --mla-plan=plan=fold --mla-absorb --mla-fold 2> %t.refused | FileCheck %s --check-prefix=KEPT
// RUN: FileCheck %s --check-prefix=REFUSED --input-file=%t.refused
// RUN: mla-opt %s --mla-plan=plan=fold,across-rounding --mla-absorb --mla-fold 2> %t.permitted | FileCheck %s --check-prefix=FOLDED
// RUN: count 0 < %t.permitted
//
// With an existing plan, only the permission is added.
// RUN: mla-opt %s --mla-plan=plan=fold --mla-plan=plan=across-rounding 2> /dev/null | FileCheck %s --check-prefix=LATER
//
// Other words are errors.
// RUN: not mla-opt %s --mla-plan=plan=fold,across-roundings 2>&1 | FileCheck %s --check-prefix=TYPO

// REFUSED: 'arith.truncf' is between two projections: it rounds between two factors; the o side cannot fold, which is planned for decode

// KEPT-NOT: mla.fold_across_rounding
// KEPT-LABEL: func.func @layer(
// KEPT-DAG: %[[W_UV:.*]] = mla.weight "w_uv"
// KEPT-DAG: %[[W_O:.*]] = mla.weight "w_o"
// KEPT: %[[O:.*]] = mla.latent_attention
// KEPT: %[[V:.*]] = mla.project per_head %[[O]], %[[W_UV]] :
// KEPT: %[[ROUNDED:.*]] = arith.truncf %[[V]]
// KEPT: %[[WIDE:.*]] = arith.extf %[[ROUNDED]]
// KEPT: mla.project from_heads %[[WIDE]], %[[W_O]] : (tensor<?x4x32xf32>, tensor<160x4x32xf32>)

// FOLDED: mla.fold_across_rounding
// FOLDED-SAME: {phase = decode, q = fold, o = fold}
// FOLDED-SAME: across roundings as requested
// FOLDED-LABEL: func.func @layer(
// FOLDED-NOT: arith.truncf
// FOLDED-NOT: per_head
// FOLDED-DAG: %[[W:.*]] = mla.weight "w_o_x_w_uv"
// FOLDED-DAG: %[[O:.*]] = mla.latent_attention
// FOLDED: mla.project from_heads %[[O]], %[[W]] : (tensor<?x4x64xf32>, tensor<160x4x64xf32>)

// LATER: mla.fold_across_rounding
// LATER-SAME: {phase = decode, q = fold, o = fold}

// TYPO: error: plan: expected phase=form or phase.side=form, got 'fold'

!cache = !mla.cache<page = 16, latent = 64, rope = 16, f32>
func.func @layer(%x: tensor<?x48xf32>, %q_rope: tensor<?x4x16xf32>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x160xf32> attributes {mla.phase = #mla.phase<decode>} {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %w_uq = mla.weight "w_uq" : tensor<4x32x48xf32>
  %w_uk = mla.weight "w_uk" : tensor<4x32x64xf32>
  %w_uv = mla.weight "w_uv" : tensor<4x32x64xf32>
  %w_o = mla.weight "w_o" : tensor<160x4x32xf32>
  %q = mla.project to_heads %x, %w_uq : (tensor<?x48xf32>, tensor<4x32x48xf32>) -> tensor<?x4x32xf32>
  %k = mla.project to_heads %latent, %w_uk : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %v = mla.project to_heads %latent, %w_uv : (tensor<?x64xf32>, tensor<4x32x64xf32>) -> tensor<?x4x32xf32>
  %o = mla.attention queries(%q, %q_rope of %cu) keys(%k, %k_rope of %cu_keys) values(%v) {scale = 2.5e-1 : f64}
      : (tensor<?x4x32xf32>, tensor<?x4x16xf32>, tensor<?x4x32xf32>, tensor<?x16xf32>, tensor<?x4x32xf32>) -> tensor<?x4x32xf32>
  %rounded = arith.truncf %o : tensor<?x4x32xf32> to tensor<?x4x32xbf16>
  %wide = arith.extf %rounded : tensor<?x4x32xbf16> to tensor<?x4x32xf32>
  %out = mla.project from_heads %wide, %w_o : (tensor<?x4x32xf32>, tensor<160x4x32xf32>) -> tensor<?x160xf32>
  return %out : tensor<?x160xf32>
}
