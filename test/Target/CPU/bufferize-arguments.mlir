// A weight is memory of the caller that may be read-only: results computed from it have their own memory. So are arrays
// that an entry only reads.
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

// What the runtime's caller gives to be read is as a weight; pages are written.
// CHECK-LABEL: func.func @entry(
// CHECK-SAME: %[[X:[^:]*]]: memref<4xf32>, %{{[^:]*}}: memref<2xi32>, %[[PAGES:[^:]*]]: memref<4xf32>)
// CHECK: %[[OWN:.*]] = memref.alloc()
// CHECK: linalg.generic {{.*}} outs(%[[OWN]] : memref<4xf32>)
// CHECK: linalg.generic {{.*}} outs(%[[PAGES]] : memref<4xf32>)
// CHECK: return %[[OWN]], %[[PAGES]]
func.func @entry(%x: tensor<4xf32>, %cu: tensor<2xi32>, %pages: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) attributes {mla.regime = #mla.regime<{phase = decode, q = naive, o = naive}>} {
  %scale = arith.constant dense<1.5> : tensor<4xf32>
  %scaled = arith.mulf %x, %scale : tensor<4xf32>
  %appended = arith.mulf %pages, %scale : tensor<4xf32>
  return %scaled, %appended : tensor<4xf32>, tensor<4xf32>
}
// CHECK-LABEL: func.func @end(
// CHECK: %[[OWN:.*]] = memref.alloc()
// CHECK: return %[[OWN]]
func.func @end(%x: tensor<4xf32>) -> tensor<4xf32> attributes {mla.end = "logits"} {
  %scale = arith.constant dense<1.5> : tensor<4xf32>
  %scaled = arith.mulf %x, %scale : tensor<4xf32>
  return %scaled : tensor<4xf32>
}
