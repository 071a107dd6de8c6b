// The best of a group are found in a loop, whatever their number.
//
// RUN: timeout 60 mla-opt %s --mla-to-linalg --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func @many(
// CHECK-DAG: %[[MOST:.*]] = arith.constant 1000000 : index
// CHECK-DAG: %[[ONE:.*]] = arith.constant 1 : index
// CHECK: scf.for %{{.*}} = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%{{.*}} = %{{.*}}) -> (tensor<2xf32>) {
// CHECK: tensor.insert
// CHECK: scf.for %{{.*}} = %[[ONE]]{{.*}} to %[[MOST]]{{.*}} step %{{.*}} iter_args(%[[OPEN:.*]] = %{{.*}}, %[[SUM:.*]] = %{{.*}}) -> (tensor<4000000xf32>, f32) {
// CHECK: %[[LARGEST:.*]]:2 = scf.for
// CHECK-DAG: %[[LESS:.*]] = tensor.insert %{{.*}} into %[[OPEN]][%[[LARGEST]]#1]
// CHECK-DAG: %[[MORE:.*]] = arith.addf %[[SUM]], %[[LARGEST]]#0
// CHECK: scf.yield %[[LESS]], %[[MORE]]
func.func @many(%logits: tensor<?x4000000xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>) {
  %e, %w = mla.route sigmoid %logits {groups = 2 : i64, best = 1000000 : i64} : tensor<?x4000000xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return %e, %w : tensor<?x2xi32>, tensor<?x2xf32>
}
