// Executes RMS norms: gamma[k] * x[k] / sqrt(mean(x^2) + epsilon).
//
// RUN: mla-opt %s --mla-to-cpu | %run_main | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32> {bufferization.access = "read"})

func.func private @rows(%x: tensor<?x4xf32>, %g: tensor<4xf32>) {
  %y = mla.rms_norm %x, %g {epsilon = 1.0 : f64} : tensor<?x4xf32>, tensor<4xf32> -> tensor<?x4xf32>
  %print0 = tensor.cast %y : tensor<?x4xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  return
}

func.func private @heads(%x: tensor<?x2x2xf32>, %g: tensor<2xbf16>) {
  %y = mla.rms_norm %x, %g {epsilon = 0.0 : f64} : tensor<?x2x2xf32>, tensor<2xbf16> -> tensor<?x2x2xf32>
  %print0 = tensor.cast %y : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  return
}

func.func private @tiny(%x: tensor<?x2xf32>, %g: tensor<2xf32>) {
  %y = mla.rms_norm %x, %g {epsilon = 1.0e-6 : f64} : tensor<?x2xf32>, tensor<2xf32> -> tensor<?x2xf32>
  %print0 = tensor.cast %y : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  %rows_x_s = arith.constant dense<[[3.0, 4.0, 0.0, 0.0], [1.0, -1.0, 1.0, -1.0], [0.0, 0.0, 0.0, 0.0]]> : tensor<3x4xf32>
  %rows_x = tensor.cast %rows_x_s : tensor<3x4xf32> to tensor<?x4xf32>
  %rows_g = arith.constant dense<[1.0, 2.0, 4.0, 0.5]> : tensor<4xf32>
  call @rows(%rows_x, %rows_g) : (tensor<?x4xf32>, tensor<4xf32>) -> ()
  %heads_x_s = arith.constant dense<[[[3.0, 4.0], [6.0, 8.0]], [[0.5, -0.5], [10000.0, 10000.0]]]> : tensor<2x2x2xf32>
  %heads_x = tensor.cast %heads_x_s : tensor<2x2x2xf32> to tensor<?x2x2xf32>
  %heads_g = arith.constant dense<[1.0, 2.0]> : tensor<2xbf16>
  call @heads(%heads_x, %heads_g) : (tensor<?x2x2xf32>, tensor<2xbf16>) -> ()
  %tiny_x_s = arith.constant dense<[[0.001, 0.0]]> : tensor<1x2xf32>
  %tiny_x = tensor.cast %tiny_x_s : tensor<1x2xf32> to tensor<?x2xf32>
  %tiny_g = arith.constant dense<[1.0, 1.0]> : tensor<2xf32>
  call @tiny(%tiny_x, %tiny_g) : (tensor<?x2xf32>, tensor<2xf32>) -> ()
  return
}

// mean (9 + 16) / 4 and epsilon 1: 3 / sqrt(7.25), 2 * 4 / sqrt(7.25); then gamma * x / sqrt(2);
// a row of zeros stays zero.
// CHECK: data =
// CHECK-NEXT: {{\[\[}}1.1141{{[0-9]*}}, 2.9711{{[0-9]*}}, 0, 0],
// CHECK-NEXT: [0.70710{{[0-9]*}}, -1.4142{{[0-9]*}}, 2.8284{{[0-9]*}}, -0.35355{{[0-9]*}}],
// CHECK-NEXT: [0, 0, 0, 0{{\]\]}}

// A norm per head, gamma in bf16: (3, 2 * 4) / sqrt(12.5) twice, ±1 and 2, no overflow for 1e8.
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}0.8485{{[0-9]*}}, 2.2627{{[0-9]*}}],
// CHECK-NEXT: [0.8485{{[0-9]*}}, 2.2627{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}1, -2],
// CHECK-NEXT: [1, 2{{\]\]\]}}

// Epsilon matters for small x: 1e-3 / sqrt(0.5e-6 + 1e-6).
// CHECK: data =
// CHECK-NEXT: {{\[\[}}0.81649{{[0-9]*}}, 0{{\]\]}}
