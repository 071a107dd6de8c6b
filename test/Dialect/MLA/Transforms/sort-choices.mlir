// Projections of experts become products of sorted choices where only columns of a choice are between them.
//
// RUN: mla-opt %s --mla-sort-choices --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @mlp
// CHECK-SAME: (%[[X:.*]]: tensor<?x128xf32>, %[[E:.*]]: tensor<?x3xi32>, %[[F:.*]]: tensor<?x3xf32>)
// CHECK: %[[UP:.*]] = mla.weight "up"
// CHECK: %[[DOWN:.*]] = mla.weight "down"
// CHECK: %[[ROWS:.*]], %[[ORDER:.*]], %[[FIRST:.*]] = mla.sort_choices %[[X]] by %[[E]]
// CHECK: %[[WIDE:.*]] = mla.grouped_project %[[ROWS]], %[[UP]] by %[[FIRST]]
// CHECK: %[[GATE:.*]] = tensor.extract_slice %[[WIDE]][0, 0, 0]
// CHECK: %[[UPPER:.*]] = tensor.extract_slice %[[WIDE]][0, 0, 32]
// CHECK: %[[H:.*]] = mla.swiglu %[[GATE]], %[[UPPER]]
// CHECK: %[[Y:.*]] = mla.grouped_project %[[H]], %[[DOWN]] by %[[FIRST]]
// CHECK: %[[MIXED:.*]] = mla.mix_choices %[[Y]] by %[[ORDER]] weighted %[[F]]
// CHECK: return %[[MIXED]]
func.func @mlp(%x: tensor<?x128xf32>, %experts: tensor<?x3xi32>, %factors: tensor<?x3xf32>) -> tensor<?x128xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x128xf32>
  %w_up = mla.weight "up" : tensor<8x64x128xf32>
  %w_down = mla.weight "down" : tensor<8x128x32xf32>
  %wide = mla.experts_project %x, %w_up of %experts : (tensor<?x128xf32>, tensor<8x64x128xf32>, tensor<?x3xi32>) -> tensor<?x3x64xf32>
  %gate = tensor.extract_slice %wide[0, 0, 0] [%tokens, 3, 32] [1, 1, 1] : tensor<?x3x64xf32> to tensor<?x3x32xf32>
  %up = tensor.extract_slice %wide[0, 0, 32] [%tokens, 3, 32] [1, 1, 1] : tensor<?x3x64xf32> to tensor<?x3x32xf32>
  %h = mla.swiglu %gate, %up : tensor<?x3x32xf32> -> tensor<?x3x32xf32>
  %y = mla.experts_project %h, %w_down of %experts summed %factors : (tensor<?x3x32xf32>, tensor<8x128x32xf32>, tensor<?x3xi32>, tensor<?x3xf32>) -> tensor<?x128xf32>
  return %y : tensor<?x128xf32>
}

// -----

// Rows in e4m3 are quantized once, before they are sorted, with their scales. Each has its terms side by side.
// CHECK-LABEL: func.func @quantized
// CHECK-SAME: (%[[X:.*]]: tensor<?x128xf32>, %[[E:.*]]: tensor<?x3xi32>, %[[F:.*]]: tensor<?x3xf32>)
// CHECK: %[[Q:.*]], %[[S:.*]] = mla.quantize %[[X]]
// CHECK: %[[ROWS:.*]], %[[ORDER:.*]], %[[FIRST:.*]], %[[SCALES:.*]] = mla.sort_choices %[[Q]] scaled %[[S]] : tensor<?x1xf32> by %[[E]] : {{.*}} -> tensor<?x3x2x128xf8E4M3FN>, tensor<?x3xi32>, tensor<9xi32>, tensor<?x3x1xf32>
// CHECK: %[[XD:.*]] = mla.dequantize %[[ROWS]], %[[SCALES]] {block = array<i64: 1, 1, 128>, term_dim = 2 : i64}
// CHECK: %[[WIDE:.*]] = mla.grouped_project %[[XD]], %{{.*}} by %[[FIRST]]
// CHECK: %[[H:.*]] = mla.swiglu
// CHECK: %[[HQ:.*]], %[[HS:.*]] = mla.quantize %[[H]]
// CHECK: %[[HD:.*]] = mla.dequantize %[[HQ]], %[[HS]]
// CHECK: %[[Y:.*]] = mla.grouped_project %[[HD]], %{{.*}} by %[[FIRST]]
// CHECK: mla.mix_choices %[[Y]] by %[[ORDER]] weighted %[[F]]
func.func @quantized(%x: tensor<?x128xf32>, %experts: tensor<?x3xi32>, %factors: tensor<?x3xf32>) -> tensor<?x128xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x128xf32>
  %w_up = mla.weight "up" : tensor<8x64x128xf32>
  %w_down = mla.weight "down" : tensor<8x128x32xf32>
  %q, %s = mla.quantize %x {group = 128 : i64, terms = 2 : i64} : tensor<?x128xf32> -> tensor<?x2x128xf8E4M3FN>, tensor<?x1xf32>
  %xd = mla.dequantize %q, %s {block = array<i64: 1, 128>} : tensor<?x2x128xf8E4M3FN>, tensor<?x1xf32> -> tensor<?x128xf32>
  %wide = mla.experts_project %xd, %w_up of %experts : (tensor<?x128xf32>, tensor<8x64x128xf32>, tensor<?x3xi32>) -> tensor<?x3x64xf32>
  %gate = tensor.extract_slice %wide[0, 0, 0] [%tokens, 3, 32] [1, 1, 1] : tensor<?x3x64xf32> to tensor<?x3x32xf32>
  %up = tensor.extract_slice %wide[0, 0, 32] [%tokens, 3, 32] [1, 1, 1] : tensor<?x3x64xf32> to tensor<?x3x32xf32>
  %h = mla.swiglu %gate, %up : tensor<?x3x32xf32> -> tensor<?x3x32xf32>
  %hq, %hs = mla.quantize %h {group = 32 : i64, terms = 2 : i64, term_dim = 2 : i64} : tensor<?x3x32xf32> -> tensor<?x3x2x32xf8E4M3FN>, tensor<?x3x1xf32>
  %hd = mla.dequantize %hq, %hs {block = array<i64: 1, 1, 32>, term_dim = 2 : i64} : tensor<?x3x2x32xf8E4M3FN>, tensor<?x3x1xf32> -> tensor<?x3x32xf32>
  %y = mla.experts_project %hd, %w_down of %experts summed %factors : (tensor<?x3x32xf32>, tensor<8x128x32xf32>, tensor<?x3xi32>, tensor<?x3xf32>) -> tensor<?x128xf32>
  return %y : tensor<?x128xf32>
}

// -----

// What is returned has the order of tokens.
// CHECK-LABEL: func.func @also_returned
// CHECK-NOT: mla.sort_choices
// CHECK: mla.experts_project
// CHECK: mla.experts_project
func.func @also_returned(%x: tensor<?x128xf32>, %experts: tensor<?x3xi32>, %factors: tensor<?x3xf32>) -> (tensor<?x128xf32>, tensor<?x3x64xf32>) {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x128xf32>
  %w_up = mla.weight "up" : tensor<8x64x128xf32>
  %w_down = mla.weight "down" : tensor<8x128x32xf32>
  %wide = mla.experts_project %x, %w_up of %experts : (tensor<?x128xf32>, tensor<8x64x128xf32>, tensor<?x3xi32>) -> tensor<?x3x64xf32>
  %gate = tensor.extract_slice %wide[0, 0, 0] [%tokens, 3, 32] [1, 1, 1] : tensor<?x3x64xf32> to tensor<?x3x32xf32>
  %up = tensor.extract_slice %wide[0, 0, 32] [%tokens, 3, 32] [1, 1, 1] : tensor<?x3x64xf32> to tensor<?x3x32xf32>
  %h = mla.swiglu %gate, %up : tensor<?x3x32xf32> -> tensor<?x3x32xf32>
  %y = mla.experts_project %h, %w_down of %experts summed %factors : (tensor<?x3x32xf32>, tensor<8x128x32xf32>, tensor<?x3xi32>, tensor<?x3xf32>) -> tensor<?x128xf32>
  return %y, %wide : tensor<?x128xf32>, tensor<?x3x64xf32>
}

// -----

// CHECK-LABEL: func.func @other_experts
// CHECK-NOT: mla.sort_choices
func.func @other_experts(%x: tensor<?x128xf32>, %experts: tensor<?x3xi32>, %others: tensor<?x3xi32>, %factors: tensor<?x3xf32>) -> tensor<?x128xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x128xf32>
  %w_up = mla.weight "up" : tensor<8x64x128xf32>
  %w_down = mla.weight "down" : tensor<8x128x32xf32>
  %wide = mla.experts_project %x, %w_up of %experts : (tensor<?x128xf32>, tensor<8x64x128xf32>, tensor<?x3xi32>) -> tensor<?x3x64xf32>
  %gate = tensor.extract_slice %wide[0, 0, 0] [%tokens, 3, 32] [1, 1, 1] : tensor<?x3x64xf32> to tensor<?x3x32xf32>
  %up = tensor.extract_slice %wide[0, 0, 32] [%tokens, 3, 32] [1, 1, 1] : tensor<?x3x64xf32> to tensor<?x3x32xf32>
  %h = mla.swiglu %gate, %up : tensor<?x3x32xf32> -> tensor<?x3x32xf32>
  %y = mla.experts_project %h, %w_down of %others summed %factors : (tensor<?x3x32xf32>, tensor<8x128x32xf32>, tensor<?x3xi32>, tensor<?x3xf32>) -> tensor<?x128xf32>
  return %y : tensor<?x128xf32>
}

// -----

// A slice of choices is no slice of columns.
// CHECK-LABEL: func.func @some_choices
// CHECK-NOT: mla.sort_choices
func.func @some_choices(%x: tensor<?x128xf32>, %experts: tensor<?x3xi32>, %two: tensor<?x2xi32>, %factors: tensor<?x2xf32>) -> tensor<?x128xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x128xf32>
  %w_up = mla.weight "up" : tensor<8x64x128xf32>
  %w_down = mla.weight "down" : tensor<8x128x32xf32>
  %wide = mla.experts_project %x, %w_up of %experts : (tensor<?x128xf32>, tensor<8x64x128xf32>, tensor<?x3xi32>) -> tensor<?x3x64xf32>
  %gate = tensor.extract_slice %wide[0, 0, 0] [%tokens, 2, 32] [1, 1, 1] : tensor<?x3x64xf32> to tensor<?x2x32xf32>
  %up = tensor.extract_slice %wide[0, 0, 32] [%tokens, 2, 32] [1, 1, 1] : tensor<?x3x64xf32> to tensor<?x2x32xf32>
  %h = mla.swiglu %gate, %up : tensor<?x2x32xf32> -> tensor<?x2x32xf32>
  %y = mla.experts_project %h, %w_down of %two summed %factors : (tensor<?x2x32xf32>, tensor<8x128x32xf32>, tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x128xf32>
  return %y : tensor<?x128xf32>
}
