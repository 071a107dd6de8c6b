// In unreachable blocks a value may depend on itself. Every walk along operands must end.
//
// Passes that rewrite erase such blocks; passes that decide or print ignore and keep them.
//
// RUN: mla-opt %s --mla-hoist-position-scales | FileCheck %s
// RUN: mla-opt %s --mla-absorb | FileCheck %s
// RUN: mla-opt %s --mla-fold=storage=bf16 | FileCheck %s
// RUN: mla-opt %s --mla-raise | FileCheck %s
// RUN: mla-opt %s --mla-plan=target=cpu | FileCheck %s --check-prefix=KEPT
// RUN: mla-opt %s --mla-print-costs 2> %t.costs | FileCheck %s --check-prefix=KEPT
// RUN: mla-opt %s --mla-print-legality 2> %t.legality | FileCheck %s --check-prefix=KEPT
// RUN: not grep . %t.costs %t.legality

!cache = !mla.cache<page = 16, latent = 16, rope = 16, f32>

// CHECK-LABEL: func.func @cycles
// CHECK: return
// CHECK-NOT: ^bb
// KEPT-LABEL: func.func @cycles
// KEPT: return
// KEPT-NEXT: ^bb1:
// KEPT: cf.br ^bb1
func.func @cycles(%x: tensor<?x4x16xf32>, %position: tensor<?xi32>, %cu: tensor<?xi32>, %cache: !cache) {
  return
^bb1:
  %w = mla.weight "w" : tensor<4x16x16xf32>
  %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
  %q = mla.project per_head %q, %w : (tensor<?x4x16xf32>, tensor<4x16x16xf32>) -> tensor<?x4x16xf32>
  %scaled = mla.position_scale %q at %position {beta = 0.1 : f64, original = 8192 : i64} : tensor<?x4x16xf32>
  %sum = arith.addf %sum, %sum : tensor<4x16x16xf32>
  %k = mla.project to_heads %latent, %sum : (tensor<?x16xf32>, tensor<4x16x16xf32>) -> tensor<?x4x16xf32>
  %v = mla.project to_heads %latent, %w : (tensor<?x16xf32>, tensor<4x16x16xf32>) -> tensor<?x4x16xf32>
  %o = mla.attention queries(%q, %scaled of %cu) keys(%k, %k_rope of %cu_keys) values(%v) {scale = 0.1 : f64}
      : (tensor<?x4x16xf32>, tensor<?x4x16xf32>, tensor<?x4x16xf32>, tensor<?x16xf32>, tensor<?x4x16xf32>) -> tensor<?x4x16xf32>
  cf.br ^bb1
}
