// Executes a bias.
//
// RUN: mla-opt %s --mla-to-cpu | %run_main | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32> {bufferization.access = "read"})

func.func private @f32(%x: tensor<?x3xf32>, %b: tensor<3xbf16>) {
  %y = mla.bias %x, %b : tensor<?x3xf32>, tensor<3xbf16>
  %print0 = tensor.cast %y : tensor<?x3xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  return
}

func.func private @heads_bf16(%x: tensor<?x2x1xbf16>, %b: tensor<2x1xf32>) {
  %y = mla.bias %x, %b : tensor<?x2x1xbf16>, tensor<2x1xf32>
  %wide0 = arith.extf %y : tensor<?x2x1xbf16> to tensor<?x2x1xf32>
  %print0 = tensor.cast %wide0 : tensor<?x2x1xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  %f32_x_s = arith.constant dense<[[1.0, 2.0, 3.0], [-1.0, 0.0, 0.5]]> : tensor<2x3xf32>
  %f32_x = tensor.cast %f32_x_s : tensor<2x3xf32> to tensor<?x3xf32>
  %f32_b = arith.constant dense<[10.0, 20.0, -0.5]> : tensor<3xbf16>
  call @f32(%f32_x, %f32_b) : (tensor<?x3xf32>, tensor<3xbf16>) -> ()
  %heads_bf16_x_s = arith.constant dense<[[[256.0], [1.0]]]> : tensor<1x2x1xbf16>
  %heads_bf16_x = tensor.cast %heads_bf16_x_s : tensor<1x2x1xbf16> to tensor<?x2x1xbf16>
  %heads_bf16_b = arith.constant dense<[[1.0], [0.25]]> : tensor<2x1xf32>
  call @heads_bf16(%heads_bf16_x, %heads_bf16_b) : (tensor<?x2x1xbf16>, tensor<2x1xf32>) -> ()
  return
}

// CHECK: data =
// CHECK-NEXT: {{\[\[}}11, 22, 2.5],
// CHECK-NEXT: [9, 20, 0{{\]\]}}

// 256 + 1 is between bf16's 256 and 258 and rounds to even.
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}256],
// CHECK-NEXT: [1.25{{\]\]\]}}
