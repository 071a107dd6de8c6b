// Ranks divide heads, the width of an MLP, and experts.
//
// RUN: mla-opt %s --mla-shard="heads=2" | FileCheck %s --check-prefixes=CHECK,HEADS
// RUN: mla-opt %s --mla-shard="heads=4 tokens=2 experts=2" 2>&1 | FileCheck %s --check-prefixes=CHECK,BOTH
// RUN: mla-opt %s --mla-shard="heads=4 experts=4" 2>&1 | FileCheck %s --check-prefix=WIDTH

// HEADS: shard.grid @ranks(shape = 2x1)
// BOTH: shard.grid @ranks(shape = 2x2)
// WIDTH-DAG: remark: its 3 experts cannot be divided into 4 parts; their width is divided instead
// WIDTH-DAG: remark: its width, 2, cannot be divided into 4 parts, and is computed whole on every rank
// WIDTH: shard.grid @ranks(shape = 4x1)

// CHECK-LABEL: func.func @attention
// CHECK: mla.project to_heads %{{.*}}, %{{.*}} :
// HEADS: mla.project from_heads %{{.*}} {mla.cuts = [#mla.cut<heads, first = [0, 2], count = [2, 3], why = "5 heads over 2 ranks">]}
// BOTH: mla.project from_heads %{{.*}} {mla.cuts = [#mla.cut<heads, first = [0, 1, 2, 3], count = [1, 1, 1, 2], why = "5 heads over 4 ranks">]}
func.func @attention(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %w = mla.weight "v" : tensor<5x4x8xf32>
  %w_o = mla.weight "o" : tensor<8x5x4xf32>
  %v = mla.project to_heads %x, %w : (tensor<?x8xf32>, tensor<5x4x8xf32>) -> tensor<?x5x4xf32>
  %y = mla.project from_heads %v, %w_o : (tensor<?x5x4xf32>, tensor<8x5x4xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// Widths are cut at multiples of 128 columns, or of what is enough.
// CHECK-LABEL: func.func @mlp
// HEADS: mla.project %{{.*}} {mla.cuts = [#mla.cut<width, first = [0, 128], count = [128, 256], why = "384 columns over 2 ranks, in multiples of 128">]}
// BOTH: mla.project %{{.*}} {mla.cuts = [#mla.cut<width, first = [0, 64, 192, 256], count = [64, 128, 64, 128], why = "384 columns over 4 ranks, in multiples of 64">]}
func.func @mlp(%gate: tensor<?x384xf32>) -> tensor<?x8xf32> {
  %w = mla.weight "down" : tensor<8x384xf32>
  %h = mla.swiglu %gate, %gate : tensor<?x384xf32> -> tensor<?x384xf32>
  %y = mla.project %h, %w : (tensor<?x384xf32>, tensor<8x384xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// Logits of a router are no sum over what ranks divide.
// CHECK-LABEL: func.func @narrow
// CHECK-NOT: mla.cuts
// HEADS: mla.project %{{.*}} {mla.cuts = [#mla.cut<width, first = [0, 1], count = [1, 1], why = "2 columns over 2 ranks">]}
// CHECK: return
func.func @narrow(%x: tensor<?x8xf32>, %gate: tensor<?x2xf32>) -> (tensor<?x3xf32>, tensor<?x8xf32>) {
  %r = mla.weight "router" : tensor<3x8xf32>
  %w = mla.weight "down" : tensor<8x2xf32>
  %logits = mla.project %x, %r : (tensor<?x8xf32>, tensor<3x8xf32>) -> tensor<?x3xf32>
  %h = mla.swiglu %gate, %gate : tensor<?x2xf32> -> tensor<?x2xf32>
  %y = mla.project %h, %w : (tensor<?x2xf32>, tensor<8x2xf32>) -> tensor<?x8xf32>
  return %logits, %y : tensor<?x3xf32>, tensor<?x8xf32>
}

// CHECK-LABEL: func.func @experts
// HEADS: mla.experts_project %{{.*}} summed %{{.*}} {mla.cuts = [#mla.cut<width, first = [0, 4], count = [4, 4], why = "8 columns over 2 ranks, in multiples of 4">]}
// BOTH: mla.experts_project %{{.*}} summed %{{.*}} {mla.cuts = [#mla.cut<experts, first = [0, 0, 1, 1], count = [1, 1, 2, 2], why = "3 experts over 2 ranks">, #mla.cut<width, first = [0, 4, 0, 4], count = [4, 4, 4, 4], why = "8 columns over 2 ranks, in multiples of 4">]}
func.func @experts(%x: tensor<?x8xf32>, %e: tensor<?x2xi32>, %f: tensor<?x2xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x8xf32>
  %w_up = mla.weight "up" : tensor<3x16x8xf32>
  %w_down = mla.weight "down" : tensor<3x8x8xf32>
  %wide = mla.experts_project %x, %w_up of %e : (tensor<?x8xf32>, tensor<3x16x8xf32>, tensor<?x2xi32>) -> tensor<?x2x16xf32>
  %gate = tensor.extract_slice %wide[0, 0, 0] [%t, 2, 8] [1, 1, 1] : tensor<?x2x16xf32> to tensor<?x2x8xf32>
  %up = tensor.extract_slice %wide[0, 0, 8] [%t, 2, 8] [1, 1, 1] : tensor<?x2x16xf32> to tensor<?x2x8xf32>
  %h = mla.swiglu %gate, %up : tensor<?x2x8xf32> -> tensor<?x2x8xf32>
  %y = mla.experts_project %h, %w_down of %e summed %f
      : (tensor<?x2x8xf32>, tensor<3x8x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
