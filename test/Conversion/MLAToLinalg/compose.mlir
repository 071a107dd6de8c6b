// Heads are parallel; panels of columns are copied together, and each block of 8 rows, whose elements are broadcast from
// memory, meets all panels of a group. Rows that are no multiple of 8 are taken by a smaller divisor.
//
// RUN: mla-opt %s --mla-to-linalg --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func @blocks(
// CHECK-SAME: %[[OUTER:.*]]: tensor<4x32x48xf32>, %[[INNER:.*]]: tensor<4x48x64xf32>
// CHECK: %[[FORALL:.*]] = scf.forall (%[[HEAD:.*]]) in (4) shared_outs(%[[STATE:.*]] = %{{.*}})
// CHECK-DAG: %[[A:.*]] = tensor.extract_slice %[[OUTER]][%[[HEAD]], 0, 0] [1, 32, 48] [1, 1, 1] : tensor<4x32x48xf32> to tensor<32x48xf32>
// CHECK-DAG: %[[B:.*]] = tensor.extract_slice %[[INNER]][%[[HEAD]], 0, 0] [1, 48, 64] [1, 1, 1] : tensor<4x48x64xf32> to tensor<48x64xf32>
// CHECK: %[[OWN:.*]] = bufferization.alloc_tensor() : tensor<2x48x32xf32>
// CHECK: %[[PANELS:.*]] = scf.for %[[NUMBER:.*]] = %{{.*}} to %c2 step %{{.*}} iter_args(%[[FILLED:.*]] = %[[OWN]])
// CHECK: %[[COLUMN:.*]] = arith.muli %[[NUMBER]], %c32
// CHECK: %[[COLUMNS:.*]] = tensor.extract_slice %[[B]][0, %[[COLUMN]]] [48, 32] [1, 1]
// CHECK: tensor.insert_slice %[[COLUMNS]] into %[[FILLED]][%[[NUMBER]], 0, 0] [1, 48, 32]
// CHECK: %[[MADE:.*]] = scf.for %[[ROW:.*]] = %{{.*}} to %{{.*}} step %c8
// CHECK: scf.for %[[NUMBER:.*]] = %{{.*}} to %c2 step
// CHECK: %[[PANEL:.*]] = tensor.extract_slice %[[PANELS]][%[[NUMBER]], 0, 0] [1, 48, 32]
// CHECK: %[[SUMS:.*]]:8 = scf.for %[[STEP:.*]] = %{{.*}} to %{{.*}} step
// CHECK: %[[VECTOR:.*]] = vector.transfer_read %[[PANEL]][%[[STEP]], %{{.*}}], %{{.*}} {in_bounds = [true]} : tensor<48x32xf32>, vector<32xf32>
// CHECK: %[[ELEMENT:.*]] = tensor.extract %[[A]][%[[ROW]], %[[STEP]]]
// CHECK: %[[ALL:.*]] = vector.broadcast %[[ELEMENT]]
// CHECK: vector.fma %[[ALL]], %[[VECTOR]], %{{.*}} : vector<32xf32>
// CHECK: vector.transfer_write %[[SUMS]]#0
// CHECK: tensor.parallel_insert_slice %[[MADE]] into %[[STATE]][%[[HEAD]], 0, 0] [1, 32, 64]
// CHECK: return %[[FORALL]] : tensor<4x32x64xf32>
func.func @blocks(%outer: tensor<4x32x48xf32>, %inner: tensor<4x48x64xf32>) -> tensor<4x32x64xf32> {
  %y = mla.compose %outer, %inner : (tensor<4x32x48xf32>, tensor<4x48x64xf32>) -> tensor<4x32x64xf32>
  return %y : tensor<4x32x64xf32>
}

// Sums are in f32 whatever the factors are, and rounded once.
// CHECK-LABEL: func.func @rows(
// CHECK-SAME: %[[OUTER:.*]]: tensor<2x3x48xbf16>, %[[INNER:.*]]: tensor<2x48x64xbf16>
// CHECK: arith.extf %{{.*}} : bf16 to f32
// CHECK: arith.extf %{{.*}} : bf16 to f32
// CHECK: %[[SUMS:.*]]:3 = scf.for
// CHECK: vector.fma {{.*}} : vector<32xf32>
// CHECK: arith.truncf %{{.*}} : f32 to bf16
func.func @rows(%outer: tensor<2x3x48xbf16>, %inner: tensor<2x48x64xbf16>) -> tensor<2x3x64xbf16> {
  %y = mla.compose %outer, %inner : (tensor<2x3x48xbf16>, tensor<2x48x64xbf16>) -> tensor<2x3x64xbf16>
  return %y : tensor<2x3x64xbf16>
}
