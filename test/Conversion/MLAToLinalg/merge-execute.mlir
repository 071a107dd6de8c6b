// Executes the merge of partial attentions, including partials without keys that contain NaN.
//
// RUN: mla-opt %s --mla-to-cpu | %run_main | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32> {bufferization.access = "read"})

func.func private @merge(%o: tensor<2x?x2x2xf32>, %l: tensor<2x?x2xf32>) {
  %y, %z = mla.merge %o, %l : (tensor<2x?x2x2xf32>, tensor<2x?x2xf32>) -> tensor<?x2x2xf32>, tensor<?x2xf32>
  %print0 = tensor.cast %y : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  %print1 = tensor.cast %z : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print1) : (tensor<*xf32>) -> ()
  return
}

func.func private @large(%o: tensor<2x?x1x1xf32>, %l: tensor<2x?x1xf32>) {
  %y, %z = mla.merge %o, %l : (tensor<2x?x1x1xf32>, tensor<2x?x1xf32>) -> tensor<?x1x1xf32>, tensor<?x1xf32>
  %print0 = tensor.cast %y : tensor<?x1x1xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  %print1 = tensor.cast %z : tensor<?x1xf32> to tensor<*xf32>
  call @printMemrefF32(%print1) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  %merge_o_s = arith.constant dense<[[[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [0x7FC00000, 0x7FC00000]]], [[[9.0, 10.0], [0x7FC00000, 0x7FC00000]], [[0x7FC00000, 0x7FC00000], [0x7FC00000, 0x7FC00000]]]]> : tensor<2x2x2x2xf32>
  %merge_o = tensor.cast %merge_o_s : tensor<2x2x2x2xf32> to tensor<2x?x2x2xf32>
  %merge_l_s = arith.constant dense<[[[0.0, 1.0986123], [2.0, 0xFF800000]], [[1.0986123, 0xFF800000], [0xFF800000, 0xFF800000]]]> : tensor<2x2x2xf32>
  %merge_l = tensor.cast %merge_l_s : tensor<2x2x2xf32> to tensor<2x?x2xf32>
  call @merge(%merge_o, %merge_l) : (tensor<2x?x2x2xf32>, tensor<2x?x2xf32>) -> ()
  %large_o_s = arith.constant dense<[[[[1.0]]], [[[3.0]]]]> : tensor<2x1x1x1xf32>
  %large_o = tensor.cast %large_o_s : tensor<2x1x1x1xf32> to tensor<2x?x1x1xf32>
  %large_l_s = arith.constant dense<[[[1000.0]], [[1000.0]]]> : tensor<2x1x1xf32>
  %large_l = tensor.cast %large_l_s : tensor<2x1x1xf32> to tensor<2x?x1xf32>
  call @large(%large_o, %large_l) : (tensor<2x?x1x1xf32>, tensor<2x?x1xf32>) -> ()
  return
}

// Token 0, head 0: weights 1/4 and 3/4 of (1, 2) and (9, 10), LSE log 4; head 1: only the first partial.
// Token 1, head 0: only the first; head 1: no partial has keys, so 0 and -inf.
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}7, 8],
// CHECK-NEXT: [3, 4{{\]\]}},
// CHECK-NEXT: {{\[\[}}5, 6],
// CHECK-NEXT: [0, 0{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}1.38629, 1.09861],
// CHECK-NEXT: [2, -inf{{\]\]}}

// exp(1000) overflows float32; the LSE is 1000 + log 2.
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}2{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}1000.69{{\]\]}}
