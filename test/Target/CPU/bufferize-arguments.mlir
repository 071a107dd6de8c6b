// A weight is memory of the caller that may be read-only: results computed from it have their own memory.
//
// RUN: mla-opt %s --convert-elementwise-to-linalg --mla-cpu-bufferize | FileCheck %s

// CHECK-LABEL: func.func @weight(
// CHECK-SAME: %[[W:.*]]: memref<4xf32> {mla.weight = "g"})
// CHECK: %[[OWN:.*]] = memref.alloc()
// CHECK: linalg.generic {{.*}} outs(%[[OWN]] : memref<4xf32>)
// CHECK: return %[[OWN]]
func.func @weight(%w: tensor<4xf32> {mla.weight = "g"}) -> tensor<4xf32> {
  %scale = arith.constant dense<1.5> : tensor<4xf32>
  %scaled = arith.mulf %w, %scale : tensor<4xf32>
  return %scaled : tensor<4xf32>
}

// Another argument is written in place.
// CHECK-LABEL: func.func @step(
// CHECK-SAME: %[[X:.*]]: memref<4xf32>)
// CHECK: linalg.generic {{.*}} outs(%[[X]] : memref<4xf32>)
func.func @step(%x: tensor<4xf32>) -> tensor<4xf32> {
  %scale = arith.constant dense<1.5> : tensor<4xf32>
  %scaled = arith.mulf %x, %scale : tensor<4xf32>
  return %scaled : tensor<4xf32>
}
