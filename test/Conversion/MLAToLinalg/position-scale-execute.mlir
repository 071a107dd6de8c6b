// Executes scaling by position: 1 + beta log(1 + floor(position / original)).
//
// RUN: mla-opt %s --mla-to-cpu | %run_main | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32> {bufferization.access = "read"})

func.func private @positions(%x: tensor<?x2xf32>, %p: tensor<?xi32>) {
  %y = mla.position_scale %x at %p {beta = 0.5 : f64, original = 4 : i64} : tensor<?x2xf32>
  %print0 = tensor.cast %y : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  return
}

func.func private @heads(%x: tensor<?x2x1xf32>, %p: tensor<?xi32>) {
  %y = mla.position_scale %x at %p {beta = 1.0 : f64, original = 1 : i64} : tensor<?x2x1xf32>
  %print0 = tensor.cast %y : tensor<?x2x1xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  %positions_x_s = arith.constant dense<[[1.0, -2.0], [1.0, -2.0], [1.0, -2.0], [1.0, -2.0], [1.0, -2.0]]> : tensor<5x2xf32>
  %positions_x = tensor.cast %positions_x_s : tensor<5x2xf32> to tensor<?x2xf32>
  %positions_p_s = arith.constant dense<[0, 3, 4, 11, 12]> : tensor<5xi32>
  %positions_p = tensor.cast %positions_p_s : tensor<5xi32> to tensor<?xi32>
  call @positions(%positions_x, %positions_p) : (tensor<?x2xf32>, tensor<?xi32>) -> ()
  %heads_x_s = arith.constant dense<[[[1.0], [2.0]], [[3.0], [4.0]]]> : tensor<2x2x1xf32>
  %heads_x = tensor.cast %heads_x_s : tensor<2x2x1xf32> to tensor<?x2x1xf32>
  %heads_p_s = arith.constant dense<[4, 0]> : tensor<2xi32>
  %heads_p = tensor.cast %heads_p_s : tensor<2xi32> to tensor<?xi32>
  call @heads(%heads_x, %heads_p) : (tensor<?x2x1xf32>, tensor<?xi32>) -> ()
  return
}

// Positions 0, 3 | 4, 11 | 12 with original 4: log 1, log 1, log 2, log 3, log 4, times 0.5, plus 1.
// CHECK: data =
// CHECK-NEXT: {{\[\[}}1, -2],
// CHECK-NEXT: [1, -2],
// CHECK-NEXT: [1.3465{{[0-9]*}}, -2.6931{{[0-9]*}}],
// CHECK-NEXT: [1.5493{{[0-9]*}}, -3.0986{{[0-9]*}}],
// CHECK-NEXT: [1.6931{{[0-9]*}}, -3.386{{[0-9]*}}{{\]\]}}

// 1 + log 5 for both heads of the first token, 1 for the second.
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}2.6094{{[0-9]*}}],
// CHECK-NEXT: [5.2188{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}3],
// CHECK-NEXT: [4{{\]\]\]}}
