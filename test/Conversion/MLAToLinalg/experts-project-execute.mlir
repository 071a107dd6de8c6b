// Executes projections with experts' weights, plain and packed.
//
// RUN: mla-opt %s --mla-to-cpu | %run_main | FileCheck %s
//
// x[t, k] = t + k and w[e, n, k] = e + n - k with 4 columns k, so that with m = n + e
//   y[t, n] = 4tm + 6m - 6t - 14.
// With a row per choice, x[t, c, k] = t + c + k replaces t by t + c. The numbers of 3 experts are 0 to 2.

func.func private @printMemrefF32(tensor<*xf32> {bufferization.access = "read"})

func.func private @float(%i: index) -> f32 {
  %n = arith.index_cast %i : index to i32
  %f = arith.sitofp %n : i32 to f32
  return %f : f32
}

func.func private @weight() -> tensor<3x6x4xf32> {
  %w = tensor.generate {
  ^bb0(%e: index, %n: index, %k: index):
    %m = arith.addi %e, %n : index
    %d = arith.subi %m, %k : index
    %f = func.call @float(%d) : (index) -> f32
    tensor.yield %f : f32
  } : tensor<3x6x4xf32>
  return %w : tensor<3x6x4xf32>
}

func.func private @packed() -> tensor<3x2x4x3xf32> {
  %w = tensor.generate {
  ^bb0(%e: index, %p: index, %k: index, %r: index):
    %c3 = arith.constant 3 : index
    %first = arith.muli %p, %c3 : index
    %n = arith.addi %first, %r : index
    %m = arith.addi %e, %n : index
    %d = arith.subi %m, %k : index
    %f = func.call @float(%d) : (index) -> f32
    tensor.yield %f : f32
  } : tensor<3x2x4x3xf32>
  return %w : tensor<3x2x4x3xf32>
}

func.func private @choices(%tokens: index, %experts: tensor<?x2xi32>) {
  %x = tensor.generate %tokens {
  ^bb0(%t: index, %k: index):
    %s = arith.addi %t, %k : index
    %f = func.call @float(%s) : (index) -> f32
    tensor.yield %f : f32
  } : tensor<?x4xf32>
  %w = call @weight() : () -> tensor<3x6x4xf32>
  %y = mla.experts_project %x, %w of %experts
      : (tensor<?x4xf32>, tensor<3x6x4xf32>, tensor<?x2xi32>) -> tensor<?x2x6xf32>
  %print = tensor.cast %y : tensor<?x2x6xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  %p = call @packed() : () -> tensor<3x2x4x3xf32>
  %z = mla.experts_project %x, %p panels of %experts
      : (tensor<?x4xf32>, tensor<3x2x4x3xf32>, tensor<?x2xi32>) -> tensor<?x2x6xf32>
  %print_packed = tensor.cast %z : tensor<?x2x6xf32> to tensor<*xf32>
  call @printMemrefF32(%print_packed) : (tensor<*xf32>) -> ()
  return
}

func.func private @summed(%tokens: index, %experts: tensor<?x2xi32>, %sum: tensor<?x2xf32>) {
  %x = tensor.generate %tokens {
  ^bb0(%t: index, %c: index, %k: index):
    %u = arith.addi %t, %c : index
    %s = arith.addi %u, %k : index
    %f = func.call @float(%s) : (index) -> f32
    tensor.yield %f : f32
  } : tensor<?x2x4xf32>
  %p = call @packed() : () -> tensor<3x2x4x3xf32>
  %y = mla.experts_project %x, %p panels of %experts summed %sum
      : (tensor<?x2x4xf32>, tensor<3x2x4x3xf32>, tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x6xf32>
  %print = tensor.cast %y : tensor<?x6xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  // 3 is no expert.
  %numbers = arith.constant dense<[[2, 0], [3, 1]]> : tensor<2x2xi32>
  %experts = tensor.cast %numbers : tensor<2x2xi32> to tensor<?x2xi32>
  call @choices(%c2, %experts) : (index, tensor<?x2xi32>) -> ()
  %factors = arith.constant dense<[[1.0, 2.0], [3.0, 0.5]]> : tensor<2x2xf32>
  %sum = tensor.cast %factors : tensor<2x2xf32> to tensor<?x2xf32>
  call @summed(%c2, %experts, %sum) : (index, tensor<?x2xi32>, tensor<?x2xf32>) -> ()
  return
}

// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}-2, 4, 10, 16, 22, 28],
// CHECK-NEXT: [-14, -8, -2, 4, 10, 16{{\]\]}},
// CHECK-NEXT: {{\[\[}}0, 0, 0, 0, 0, 0],
// CHECK-NEXT: [-10, 0, 10, 20, 30, 40{{\]\]\]}}

// packed
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}-2, 4, 10, 16, 22, 28],
// CHECK-NEXT: [-14, -8, -2, 4, 10, 16{{\]\]}},
// CHECK-NEXT: {{\[\[}}0, 0, 0, 0, 0, 0],
// CHECK-NEXT: [-10, 0, 10, 20, 30, 40{{\]\]\]}}

// summed
// CHECK: data =
// CHECK-NEXT: {{\[\[}}-42, -16, 10, 36, 62, 88],
// CHECK-NEXT: [-6, 1, 8, 15, 22, 29{{\]\]}}
