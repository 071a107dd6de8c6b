// Buffers in the body of a parallel loop are allocated before it, one per thread.
//
// RUN: mla-opt %s --mla-cpu-outline --canonicalize | FileCheck %s

// CHECK-DAG: func.func private @mla_thread() -> i64
// CHECK-DAG: func.func private @mla_num_threads() -> i32

// Each part of a thread's memory is a multiple of 128 bytes: 16 floats, then 33.
// CHECK-LABEL: func.func private @copy_parallel(
// CHECK-SAME: %[[X:.*]]: memref<8xf32>, %[[SCRATCH:.*]]: memref<?xi8>, %{{.*}}: index, %[[I:.*]]: index) {
// CHECK-DAG: %[[C384:.*]] = arith.constant 384 : index
// CHECK-DAG: %[[C128:.*]] = arith.constant 128 : index
// CHECK: %[[NUMBER:.*]] = call @mla_thread() : () -> i64
// CHECK: %[[THREAD:.*]] = arith.index_cast %[[NUMBER]] : i64 to index
// CHECK: %[[PLACE:.*]] = arith.muli %[[THREAD]], %[[C384]]
// CHECK: %[[SMALL:.*]] = memref.view %[[SCRATCH]][%[[PLACE]]][] : memref<?xi8> to memref<16xf32>
// CHECK: %[[NEXT:.*]] = arith.addi %[[PLACE]], %[[C128]]
// CHECK: %[[LARGE:.*]] = memref.view %[[SCRATCH]][%[[NEXT]]][] : memref<?xi8> to memref<3x11xf32>
// CHECK-NOT: memref.dealloc
// CHECK: return

// CHECK-LABEL: func.func @copy(
// CHECK-SAME: %[[X:.*]]: memref<8xf32>)
// CHECK: %[[NUMBER:.*]] = call @mla_num_threads() : () -> i32
// CHECK: %[[THREADS:.*]] = arith.index_cast %[[NUMBER]] : i32 to index
// CHECK: %[[BYTES:.*]] = arith.muli %[[THREADS]], %c384
// CHECK: %[[SCRATCH:.*]] = memref.alloc(%[[BYTES]]) {alignment = 128 : i64} : memref<?xi8>
// CHECK: mla.spawn @copy_parallel(%[[X]], %[[SCRATCH]], %{{.*}}) times
// CHECK-NEXT: memref.dealloc %[[SCRATCH]]
func.func @copy(%x: memref<8xf32>) {
  %c1 = arith.constant 1 : index
  scf.forall (%i) in (8) {
    %small = memref.alloc() : memref<16xf32>
    %large = memref.alloc() : memref<3x11xf32>
    %v = memref.load %x[%i] : memref<8xf32>
    memref.store %v, %small[%i] : memref<16xf32>
    memref.store %v, %large[%c1, %i] : memref<3x11xf32>
    %w = memref.load %small[%i] : memref<16xf32>
    %u = memref.load %large[%c1, %i] : memref<3x11xf32>
    %sum = arith.addf %w, %u : f32
    memref.store %sum, %x[%i] : memref<8xf32>
    memref.dealloc %small : memref<16xf32>
    memref.dealloc %large : memref<3x11xf32>
  }
  return
}

// A buffer is freed under any of its aliases.
// CHECK-LABEL: func.func private @cast_parallel(
// CHECK: memref.view
// CHECK-NOT: memref.dealloc
// CHECK: return
func.func @cast(%x: memref<8xf32>) {
  scf.forall (%i) in (8) {
    %small = memref.alloc() : memref<16xf32>
    %any = memref.cast %small : memref<16xf32> to memref<?xf32>
    %v = memref.load %any[%i] : memref<?xf32>
    memref.store %v, %x[%i] : memref<8xf32>
    memref.dealloc %any : memref<?xf32>
  }
  return
}

// One iteration.
// CHECK-LABEL: func.func private @no_dimensions_parallel(
// CHECK-SAME: %[[X:.*]]: memref<f32>, %{{.*}}: index) {
// CHECK: memref.store %{{.*}}, %[[X]][] : memref<f32>
// CHECK-LABEL: func.func @no_dimensions(
// CHECK: mla.spawn @no_dimensions_parallel(%{{.*}}) times %c1
func.func @no_dimensions(%x: memref<f32>) {
  scf.forall () in () {
    %v = arith.constant 1.0 : f32
    memref.store %v, %x[] : memref<f32>
  }
  return
}
