// Executes choices that return their input, and rows of two parts.
//
// RUN: mla-opt %s --mla-to-cpu | %run_main | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32> {bufferization.access = "read"})

func.func private @pass(%x: tensor<?x2xf32>, %experts: tensor<?x3xi32>, %weights: tensor<?x3xf32>) {
  %y = mla.pass_choices %x of %experts weighted %weights from 4 : (tensor<?x2xf32>, tensor<?x3xi32>, tensor<?x3xf32>) -> tensor<?x2xf32>
  %both = tensor.concat dim(1) %x, %y : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x4xf32>
  %print = tensor.cast %both : tensor<?x4xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  // No choice, one, two, and all; a negative number is none.
  %e = arith.constant dense<[[0, 3, -1], [4, 0, 1], [2, 7, 4], [5, 4, 6]]> : tensor<4x3xi32>
  %w = arith.constant dense<[[1.0, 2.0, 4.0], [1.0, 2.0, 4.0], [1.0, 2.0, 4.0], [1.0, 2.0, 4.0]]> : tensor<4x3xf32>
  %x = arith.constant dense<[[1.0, -1.0], [10.0, 0.5], [100.0, 0.25], [1000.0, 3.0]]> : tensor<4x2xf32>
  %experts = tensor.cast %e : tensor<4x3xi32> to tensor<?x3xi32>
  %weights = tensor.cast %w : tensor<4x3xf32> to tensor<?x3xf32>
  %rows = tensor.cast %x : tensor<4x2xf32> to tensor<?x2xf32>
  call @pass(%rows, %experts, %weights) : (tensor<?x2xf32>, tensor<?x3xi32>, tensor<?x3xf32>) -> ()
  return
}

// CHECK: data =
// CHECK-NEXT: {{\[\[}}1, -1, 0, -0],
// CHECK-NEXT: [10, 0.5, 10, 0.5],
// CHECK-NEXT: [100, 0.25, 600, 1.5],
// CHECK-NEXT: [1000, 3, 7000, 21{{\]\]}}
