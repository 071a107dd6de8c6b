// Functions with the name of a @prepare function that do not compute the weight stay, as do the weight's users.
//
// RUN: mla-opt %s --mla-layout --split-input-file | FileCheck %s --implicit-check-not=linalg.pack --implicit-check-not=panels

// CHECK-LABEL: func.func @prepare.w() -> tensor<8x16xf32>
func.func @prepare.w() -> tensor<8x16xf32> {
  cf.br ^bb1
^bb1:
  %r = mla.weight "r" : tensor<8x16xf32>
  return %r : tensor<8x16xf32>
}
func.func @use(%x: tensor<?x16xf32>) -> tensor<?x8xf32> {
  %w = mla.weight "w" : tensor<8x16xf32>
  %y = mla.project %x, %w : (tensor<?x16xf32>, tensor<8x16xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// CHECK-LABEL: func.func @prepare.w() -> tensor<8x16xf32>
func.func @prepare.w() -> tensor<8x16xf32> {
  ub.unreachable
}
func.func @use(%x: tensor<?x16xf32>) -> tensor<?x8xf32> {
  %w = mla.weight "w" : tensor<8x16xf32>
  %y = mla.project %x, %w : (tensor<?x16xf32>, tensor<8x16xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// CHECK-LABEL: func.func @prepare.w()
func.func @prepare.w() {
  return
}
func.func @use(%x: tensor<?x16xf32>) -> tensor<?x8xf32> {
  %w = mla.weight "w" : tensor<8x16xf32>
  %y = mla.project %x, %w : (tensor<?x16xf32>, tensor<8x16xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// CHECK-LABEL: func.func @prepare.w() -> f32
func.func @prepare.w() -> f32 {
  %c = arith.constant 1.0 : f32
  return %c : f32
}
func.func @use(%x: tensor<?x16xf32>) -> tensor<?x8xf32> {
  %w = mla.weight "w" : tensor<8x16xf32>
  %y = mla.project %x, %w : (tensor<?x16xf32>, tensor<8x16xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// CHECK-LABEL: func.func @prepare.w() -> tensor<16x8xf32>
func.func @prepare.w() -> tensor<16x8xf32> {
  %r = mla.weight "r" : tensor<16x8xf32>
  return %r : tensor<16x8xf32>
}
func.func @use(%x: tensor<?x16xf32>) -> tensor<?x8xf32> {
  %w = mla.weight "w" : tensor<8x16xf32>
  %y = mla.project %x, %w : (tensor<?x16xf32>, tensor<8x16xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
