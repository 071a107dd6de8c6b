// Products of static shape become loops over tiles of at most 8 x 32 with 4 steps of the sum; other sizes use the largest
// divisor. A product of dynamic shape is unchanged.
//
// RUN: mla-opt %s --mla-cpu-vectorize --canonicalize --cse | FileCheck %s
// RUN: mla-opt %s --mla-cpu-vectorize="rows=4 columns=16 depth=1" --canonicalize --cse | FileCheck %s --check-prefix=SMALL

// CHECK-LABEL: func.func @product(
// CHECK-SAME: %[[A:.*]]: tensor<16x12xf32>, %[[B:.*]]: tensor<12x64xf32>, %[[C:.*]]: tensor<16x64xf32>
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C8:.*]] = arith.constant 8 : index
// CHECK-DAG: %[[C32:.*]] = arith.constant 32 : index
// CHECK-DAG: %[[C4:.*]] = arith.constant 4 : index
// CHECK: scf.for %[[I:.*]] = %[[C0]] to %{{.*}} step %[[C8]]
// CHECK: scf.for %[[J:.*]] = %[[C0]] to %{{.*}} step %[[C32]]
// CHECK: scf.for %[[K:.*]] = %[[C0]] to %{{.*}} step %[[C4]] iter_args(%[[SUMS:.*]] = %{{.*}})
// CHECK-DAG: %[[A_TILE:.*]] = tensor.extract_slice %[[A]][%[[I]], %[[K]]] [8, 4]
// CHECK-DAG: %[[B_TILE:.*]] = tensor.extract_slice %[[B]][%[[K]], %[[J]]] [4, 32]
// CHECK-DAG: %[[C_TILE:.*]] = tensor.extract_slice %[[SUMS]][%[[I]], %[[J]]] [8, 32]
// CHECK-DAG: %[[A_V:.*]] = vector.transfer_read %[[A_TILE]]{{.*}} vector<8x4xf32>
// CHECK-DAG: %[[B_V:.*]] = vector.transfer_read %[[B_TILE]]{{.*}} vector<4x32xf32>
// CHECK-DAG: %[[C_V:.*]] = vector.transfer_read %[[C_TILE]]{{.*}} vector<8x32xf32>
// CHECK: %[[SUM:.*]] = vector.contract {{.*}} %[[A_V]], %[[B_V]], %[[C_V]] : vector<8x4xf32>, vector<4x32xf32> into vector<8x32xf32>
// CHECK: vector.transfer_write %[[SUM]], %[[C_TILE]]
// SMALL-LABEL: func.func @product(
// SMALL: vector.contract {{.*}} %{{.*}}, %{{.*}}, %{{.*}} : vector<4x1xf32>, vector<1x16xf32> into vector<4x16xf32>
func.func @product(%a: tensor<16x12xf32>, %b: tensor<12x64xf32>, %c: tensor<16x64xf32>) -> tensor<16x64xf32> {
  %0 = linalg.matmul ins(%a, %b : tensor<16x12xf32>, tensor<12x64xf32>) outs(%c : tensor<16x64xf32>) -> tensor<16x64xf32>
  return %0 : tensor<16x64xf32>
}

// 33 columns are three tiles of 11; a sum of 7 has only the divisor 1.
// CHECK-LABEL: func.func @odd(
// CHECK: vector.contract {{.*}} %{{.*}}, %{{.*}}, %{{.*}} : vector<1x1xf32>, vector<1x11xf32> into vector<1x11xf32>
func.func @odd(%a: tensor<1x7xf32>, %b: tensor<7x33xf32>, %c: tensor<1x33xf32>) -> tensor<1x33xf32> {
  %0 = linalg.matmul ins(%a, %b : tensor<1x7xf32>, tensor<7x33xf32>) outs(%c : tensor<1x33xf32>) -> tensor<1x33xf32>
  return %0 : tensor<1x33xf32>
}

// CHECK-LABEL: func.func @dynamic(
// CHECK-SAME: %[[A:.*]]: tensor<?x7xf32>, %[[B:.*]]: tensor<7x33xf32>, %[[C:.*]]: tensor<?x33xf32>
// CHECK-NEXT: %[[R:.*]] = linalg.matmul ins(%[[A]], %[[B]] : {{.*}}) outs(%[[C]] :
// CHECK-NEXT: return %[[R]]
func.func @dynamic(%a: tensor<?x7xf32>, %b: tensor<7x33xf32>, %c: tensor<?x33xf32>) -> tensor<?x33xf32> {
  %0 = linalg.matmul ins(%a, %b : tensor<?x7xf32>, tensor<7x33xf32>) outs(%c : tensor<?x33xf32>) -> tensor<?x33xf32>
  return %0 : tensor<?x33xf32>
}
