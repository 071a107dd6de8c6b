// Executes the product of two weights.
//
// RUN: mla-opt %s --mla-to-cpu | %run_main | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32> {bufferization.access = "read"})

func.func private @f32(%a: tensor<2x3x2xf32>, %b: tensor<2x2x3xf32>) {
  %y = mla.compose %a, %b : (tensor<2x3x2xf32>, tensor<2x2x3xf32>) -> tensor<2x3x3xf32>
  %print0 = tensor.cast %y : tensor<2x3x3xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  return
}

func.func private @bf16(%a: tensor<2x3x2xbf16>, %b: tensor<2x2x3xbf16>) {
  %y = mla.compose %a, %b : (tensor<2x3x2xbf16>, tensor<2x2x3xbf16>) -> tensor<2x3x3xbf16>
  %wide0 = arith.extf %y : tensor<2x3x3xbf16> to tensor<2x3x3xf32>
  %print0 = tensor.cast %wide0 : tensor<2x3x3xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  return
}

func.func private @block(%a: tensor<1x8x2xf32>, %b: tensor<1x2x2xf32>) {
  %y = mla.compose %a, %b : (tensor<1x8x2xf32>, tensor<1x2x2xf32>) -> tensor<1x8x2xf32>
  %print0 = tensor.cast %y : tensor<1x8x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  return
}

func.func private @rounded_once(%a: tensor<1x1x3xbf16>, %b: tensor<1x3x1xbf16>) {
  %y = mla.compose %a, %b : (tensor<1x1x3xbf16>, tensor<1x3x1xbf16>) -> tensor<1x1x1xbf16>
  %wide0 = arith.extf %y : tensor<1x1x1xbf16> to tensor<1x1x1xf32>
  %print0 = tensor.cast %wide0 : tensor<1x1x1xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  %f32_a = arith.constant dense<[[[1.0, 2.0], [3.0, 4.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]]]> : tensor<2x3x2xf32>
  %f32_b = arith.constant dense<[[[1.0, 0.0, 2.0], [0.0, 1.0, 3.0]], [[5.0, 6.0, 7.0], [8.0, 9.0, 10.0]]]> : tensor<2x2x3xf32>
  call @f32(%f32_a, %f32_b) : (tensor<2x3x2xf32>, tensor<2x2x3xf32>) -> ()
  %bf16_a = arith.constant dense<[[[1.0, 2.0], [3.0, 4.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]]]> : tensor<2x3x2xbf16>
  %bf16_b = arith.constant dense<[[[1.0, 0.0, 2.0], [0.0, 1.0, 3.0]], [[5.0, 6.0, 7.0], [8.0, 9.0, 10.0]]]> : tensor<2x2x3xbf16>
  call @bf16(%bf16_a, %bf16_b) : (tensor<2x3x2xbf16>, tensor<2x2x3xbf16>) -> ()
  %block_a = arith.constant dense<[[[0.0, 1.0], [1.0, 1.0], [2.0, 1.0], [3.0, 1.0], [4.0, 1.0], [5.0, 1.0], [6.0, 1.0], [7.0, 1.0]]]> : tensor<1x8x2xf32>
  %block_b = arith.constant dense<[[[1.0, 2.0], [10.0, 0.0]]]> : tensor<1x2x2xf32>
  call @block(%block_a, %block_b) : (tensor<1x8x2xf32>, tensor<1x2x2xf32>) -> ()
  %rounded_once_a = arith.constant dense<[[[1.0, 1.0, 1.0]]]> : tensor<1x1x3xbf16>
  %rounded_once_b = arith.constant dense<[[[256.0], [1.0], [1.0]]]> : tensor<1x3x1xbf16>
  call @rounded_once(%rounded_once_a, %rounded_once_b) : (tensor<1x1x3xbf16>, tensor<1x3x1xbf16>) -> ()
  return
}

// Head 0: [1 2; 3 4; 0 1] [1 0 2; 0 1 3]; head 1: [1 0; 0 1; 2 2] [5 6 7; 8 9 10].
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}1, 2, 8],
// CHECK-NEXT: [3, 4, 18],
// CHECK-NEXT: [0, 1, 3{{\]\]}},
// CHECK-NEXT: {{\[\[}}5, 6, 7],
// CHECK-NEXT: [8, 9, 10],
// CHECK-NEXT: [26, 30, 34{{\]\]\]}}

// The same in bf16, in which these numbers are exact.
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}1, 2, 8],
// CHECK-NEXT: [3, 4, 18],
// CHECK-NEXT: [0, 1, 3{{\]\]}},
// CHECK-NEXT: {{\[\[}}5, 6, 7],
// CHECK-NEXT: [8, 9, 10],
// CHECK-NEXT: [26, 30, 34{{\]\]\]}}

// Eight rows are one panel: row n is (n + 10, 2n).
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}10, 0],
// CHECK-NEXT: [11, 2],
// CHECK-NEXT: [12, 4],
// CHECK-NEXT: [13, 6],
// CHECK-NEXT: [14, 8],
// CHECK-NEXT: [15, 10],
// CHECK-NEXT: [16, 12],
// CHECK-NEXT: [17, 14{{\]\]\]}}

// 256 + 1 + 1 in float32, rounded once: 258, not 256.
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}258{{\]\]\]}}
