// The body of a parallel loop becomes a function of the values it uses, the bounds and a linear index. Constants are cloned.
//
// RUN: mla-opt %s --mla-cpu-outline --canonicalize | FileCheck %s

// CHECK-DAG: #[[ROW:.*]] = affine_map<()[s0, s1] -> (s0 floordiv s1)>
// CHECK-DAG: #[[COLUMN:.*]] = affine_map<()[s0, s1] -> (s0 mod s1)>
// CHECK: func.func private @scale_parallel(
// CHECK-SAME: %[[X:.*]]: memref<?x8xf32>, %[[FACTOR:.*]]: f32, %[[BOUND0:.*]]: index, %[[BOUND1:.*]]: index, %[[LINEAR:.*]]: index) {
// CHECK: %[[TWO:.*]] = arith.constant 2.000000e+00 : f32
// CHECK: %[[I:.*]] = affine.apply #[[ROW]]()[%[[LINEAR]], %[[BOUND1]]]
// CHECK: %[[J:.*]] = affine.apply #[[COLUMN]]()[%[[LINEAR]], %[[BOUND1]]]
// CHECK: %[[V:.*]] = memref.load %[[X]][%[[I]], %[[J]]]
// CHECK: %[[W:.*]] = arith.mulf %[[V]], %[[FACTOR]] : f32
// CHECK: %[[U:.*]] = arith.mulf %[[W]], %[[TWO]] : f32
// CHECK: memref.store %[[U]], %[[X]][%[[I]], %[[J]]]
// CHECK: return

// CHECK-LABEL: func.func @scale(
// CHECK-SAME: %[[X:.*]]: memref<?x8xf32>, %[[FACTOR:.*]]: f32, %[[ROWS:.*]]: index
// CHECK: %[[C8:.*]] = arith.constant 8 : index
// CHECK: %[[COUNT:.*]] = arith.muli %[[ROWS]], %[[C8]] : index
// CHECK: mla.spawn @scale_parallel(%[[X]], %[[FACTOR]], %[[ROWS]], %[[C8]]) times %[[COUNT]] : memref<?x8xf32>, f32, index, index
// CHECK-NOT: scf.forall
func.func @scale(%x: memref<?x8xf32>, %factor: f32, %rows: index) attributes {mla.phase = #mla.phase<decode>} {
  %two = arith.constant 2.0 : f32
  scf.forall (%i, %j) in (%rows, 8) {
    %v = memref.load %x[%i, %j] : memref<?x8xf32>
    %w = arith.mulf %v, %factor : f32
    %u = arith.mulf %w, %two : f32
    memref.store %u, %x[%i, %j] : memref<?x8xf32>
  }
  return
}
