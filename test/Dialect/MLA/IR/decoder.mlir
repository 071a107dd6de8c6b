// The operations of MLADecoderOps.td parse, print and parse again, in the custom and the generic form.
//
// RUN: mla-opt %s --verify-roundtrip | FileCheck %s
// RUN: mla-opt %s --mlir-print-op-generic | mla-opt | FileCheck %s
// RUN: mla-opt %s --canonicalize | FileCheck %s --check-prefix=FOLDED

// CHECK-LABEL: func.func @embed
// CHECK-SAME: (%[[IDS:.*]]: tensor<?xi32>, %[[TABLE:.*]]: tensor<320x128xbf16>)
func.func @embed(%ids: tensor<?xi32>, %table: tensor<320x128xbf16>) -> tensor<?x128xf32> {
  // CHECK: mla.embed %[[IDS]], %[[TABLE]] : tensor<320x128xbf16> -> tensor<?x128xf32>
  %x = mla.embed %ids, %table : tensor<320x128xbf16> -> tensor<?x128xf32>
  return %x : tensor<?x128xf32>
}

// CHECK-LABEL: func.func @swiglu
// CHECK-SAME: (%[[GATE:.*]]: tensor<?x3x64xf32>, %[[UP:.*]]: tensor<?x3x64xf32>)
func.func @swiglu(%gate: tensor<?x3x64xf32>, %up: tensor<?x3x64xf32>) -> tensor<?x3x64xbf16> {
  // CHECK: mla.swiglu %[[GATE]], %[[UP]] : tensor<?x3x64xf32> -> tensor<?x3x64xbf16>
  %h = mla.swiglu %gate, %up : tensor<?x3x64xf32> -> tensor<?x3x64xbf16>
  return %h : tensor<?x3x64xbf16>
}

// CHECK-LABEL: func.func @route
// CHECK-SAME: (%[[LOGITS:.*]]: tensor<?x8xf32>, %[[B:.*]]: tensor<8xf32>)
func.func @route(%logits: tensor<?x8xf32>, %b: tensor<8xf32>) -> (tensor<?x3xi32>, tensor<?x3xf32>, tensor<?x2xi32>) {
  // CHECK: mla.route sigmoid %[[LOGITS]] corrected %[[B]] : tensor<8xf32> {best = 2 : i64, factor = 2.500000e+00 : f64, groups = 4 : i64, kept = 2 : i64, normalized} : tensor<?x8xf32> -> tensor<?x3xi32>, tensor<?x3xf32>
  %e, %w = mla.route sigmoid %logits corrected %b : tensor<8xf32>
      {groups = 4 : i64, kept = 2 : i64, best = 2 : i64, normalized, factor = 2.5 : f64}
      : tensor<?x8xf32> -> tensor<?x3xi32>, tensor<?x3xf32>
  // CHECK: mla.route softmax %[[LOGITS]] : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %e2, %w2 = mla.route softmax %logits : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return %e, %w, %e2 : tensor<?x3xi32>, tensor<?x3xf32>, tensor<?x2xi32>
}

// Groups that are all kept exclude no expert.
// FOLDED-LABEL: func.func @all_kept
// FOLDED: mla.route softmax %{{.*}} {factor = 2.000000e+00 : f64} :
func.func @all_kept(%logits: tensor<?x8xf32>) -> (tensor<?x3xi32>, tensor<?x3xf32>) {
  %e, %w = mla.route softmax %logits {groups = 4 : i64, kept = 4 : i64, best = 2 : i64, factor = 2.0 : f64}
      : tensor<?x8xf32> -> tensor<?x3xi32>, tensor<?x3xf32>
  return %e, %w : tensor<?x3xi32>, tensor<?x3xf32>
}

// CHECK-LABEL: func.func @experts
// CHECK-SAME: (%[[X:.*]]: tensor<?x128xf32>, %[[E:.*]]: tensor<?x3xi32>, %[[W:.*]]: tensor<?x3xf32>, %[[UP:.*]]: tensor<8x64x128xbf16>, %[[DOWN:.*]]: tensor<8x4x64x32xf32>)
func.func @experts(%x: tensor<?x128xf32>, %e: tensor<?x3xi32>, %w: tensor<?x3xf32>, %up: tensor<8x64x128xbf16>, %down: tensor<8x4x64x32xf32>) -> tensor<?x128xf32> {
  // CHECK: %[[H:.*]] = mla.experts_project %[[X]], %[[UP]] of %[[E]] : (tensor<?x128xf32>, tensor<8x64x128xbf16>, tensor<?x3xi32>) -> tensor<?x3x64xf32>
  %h = mla.experts_project %x, %up of %e : (tensor<?x128xf32>, tensor<8x64x128xbf16>, tensor<?x3xi32>) -> tensor<?x3x64xf32>
  // CHECK: mla.experts_project %[[H]], %[[DOWN]] panels of %[[E]] summed %[[W]] : (tensor<?x3x64xf32>, tensor<8x4x64x32xf32>, tensor<?x3xi32>, tensor<?x3xf32>) -> tensor<?x128xf32>
  %y = mla.experts_project %h, %down panels of %e summed %w : (tensor<?x3x64xf32>, tensor<8x4x64x32xf32>, tensor<?x3xi32>, tensor<?x3xf32>) -> tensor<?x128xf32>
  return %y : tensor<?x128xf32>
}

// Two experts that every token has follow the chosen one.
// CHECK-LABEL: func.func @shared
func.func @shared(%logits: tensor<?x8xf32>) -> (tensor<?x3xi32>, tensor<?x3xf32>) {
  // CHECK: mla.route softmax %{{.*}} {shared = 2 : i64} : tensor<?x8xf32> -> tensor<?x3xi32>, tensor<?x3xf32>
  %e, %w = mla.route softmax %logits {shared = 2 : i64} : tensor<?x8xf32> -> tensor<?x3xi32>, tensor<?x3xf32>
  return %e, %w : tensor<?x3xi32>, tensor<?x3xf32>
}

// CHECK-LABEL: func.func @sorted_e4m3
// CHECK-SAME: (%[[X:.*]]: tensor<?x2x128xf8E4M3FN>, %[[S:.*]]: tensor<?x1xf32>, %[[E:.*]]: tensor<?x3xi32>)
func.func @sorted_e4m3(%x: tensor<?x2x128xf8E4M3FN>, %s: tensor<?x1xf32>, %e: tensor<?x3xi32>) -> tensor<?x3x128xf32> {
  // CHECK: %[[ROWS:.*]], %{{.*}}, %{{.*}}, %[[SCALES:.*]] = mla.sort_choices %[[X]] scaled %[[S]] : tensor<?x1xf32> by %[[E]] : tensor<?x2x128xf8E4M3FN>, tensor<?x3xi32> -> tensor<?x3x2x128xf8E4M3FN>, tensor<?x3xi32>, tensor<9xi32>, tensor<?x3x1xf32>
  %rows, %order, %first, %scales = mla.sort_choices %x scaled %s : tensor<?x1xf32> by %e : tensor<?x2x128xf8E4M3FN>, tensor<?x3xi32> -> tensor<?x3x2x128xf8E4M3FN>, tensor<?x3xi32>, tensor<9xi32>, tensor<?x3x1xf32>
  // Terms are before the last dimension.
  // CHECK: mla.dequantize %[[ROWS]], %[[SCALES]] {block = array<i64: 1, 1, 128>, term_dim = 2 : i64}
  %y = mla.dequantize %rows, %scales {block = array<i64: 1, 1, 128>, term_dim = 2 : i64} : tensor<?x3x2x128xf8E4M3FN>, tensor<?x3x1xf32> -> tensor<?x3x128xf32>
  return %y : tensor<?x3x128xf32>
}

// CHECK-LABEL: func.func @sorted(
// CHECK-SAME: %[[X:.*]]: tensor<?x128xbf16>, %[[E:.*]]: tensor<?x3xi32>, %[[F:.*]]: tensor<?x3xf32>, %[[W:.*]]: tensor<8x64x128xbf16>)
func.func @sorted(%x: tensor<?x128xbf16>, %e: tensor<?x3xi32>, %f: tensor<?x3xf32>, %w: tensor<8x64x128xbf16>) -> tensor<?x64xf32> {
  // CHECK: %[[ROWS:.*]], %[[ORDER:.*]], %[[FIRST:.*]] = mla.sort_choices %[[X]] by %[[E]] : tensor<?x128xbf16>, tensor<?x3xi32> -> tensor<?x3x128xbf16>, tensor<?x3xi32>, tensor<9xi32>
  %rows, %order, %first = mla.sort_choices %x by %e : tensor<?x128xbf16>, tensor<?x3xi32> -> tensor<?x3x128xbf16>, tensor<?x3xi32>, tensor<9xi32>
  // CHECK: %[[Y:.*]] = mla.grouped_project %[[ROWS]], %[[W]] by %[[FIRST]] : (tensor<?x3x128xbf16>, tensor<8x64x128xbf16>, tensor<9xi32>) -> tensor<?x3x64xf32>
  %y = mla.grouped_project %rows, %w by %first : (tensor<?x3x128xbf16>, tensor<8x64x128xbf16>, tensor<9xi32>) -> tensor<?x3x64xf32>
  // CHECK: mla.mix_choices %[[Y]] by %[[ORDER]] weighted %[[F]] : (tensor<?x3x64xf32>, tensor<?x3xi32>, tensor<?x3xf32>) -> tensor<?x64xf32>
  %z = mla.mix_choices %y by %order weighted %f : (tensor<?x3x64xf32>, tensor<?x3xi32>, tensor<?x3xf32>) -> tensor<?x64xf32>
  return %z : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @pass(
// CHECK-SAME: %[[X:.*]]: tensor<?x128xf32>, %[[E:.*]]: tensor<?x3xi32>, %[[F:.*]]: tensor<?x3xf32>)
func.func @pass(%x: tensor<?x128xf32>, %e: tensor<?x3xi32>, %f: tensor<?x3xf32>) -> tensor<?x128xbf16> {
  // CHECK: mla.pass_choices %[[X]] of %[[E]] weighted %[[F]] from 8 : (tensor<?x128xf32>, tensor<?x3xi32>, tensor<?x3xf32>) -> tensor<?x128xbf16>
  %y = mla.pass_choices %x of %e weighted %f from 8 : (tensor<?x128xf32>, tensor<?x3xi32>, tensor<?x3xf32>) -> tensor<?x128xbf16>
  return %y : tensor<?x128xbf16>
}
