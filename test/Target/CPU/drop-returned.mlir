// A returned argument is the caller's buffer and not a result; a returned weight must be copied.
//
// RUN: mla-opt %s --mla-cpu-drop-returned | FileCheck %s

// CHECK-LABEL: func.func @step(
// CHECK-SAME: %[[X:.*]]: memref<4xf32>, %[[CACHE:.*]]: memref<?x8xf32>) -> memref<4xf32> {
// CHECK: %[[Y:.*]] = memref.alloc() : memref<4xf32>
// CHECK: return %[[Y]] : memref<4xf32>
func.func @step(%x: memref<4xf32>, %cache: memref<?x8xf32>) -> (memref<?x8xf32>, memref<4xf32>) {
  %y = memref.alloc() : memref<4xf32>
  memref.copy %x, %y : memref<4xf32> to memref<4xf32>
  return %cache, %y : memref<?x8xf32>, memref<4xf32>
}

// CHECK-LABEL: func.func @weight(
// CHECK-SAME: %[[W:.*]]: memref<4xf32> {mla.weight = "w"}) -> memref<4xf32> {
// CHECK-NEXT: return %[[W]] : memref<4xf32>
func.func @weight(%w: memref<4xf32> {mla.weight = "w"}) -> memref<4xf32> {
  return %w : memref<4xf32>
}

// CHECK-LABEL: func.func @number(
// CHECK-SAME: %[[N:.*]]: index) -> index {
// CHECK-NEXT: return %[[N]] : index
func.func @number(%n: index) -> index {
  return %n : index
}

// CHECK: func.func private @external(memref<4xf32>) -> memref<4xf32>
func.func private @external(memref<4xf32>) -> memref<4xf32>
