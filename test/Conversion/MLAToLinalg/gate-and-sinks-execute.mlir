// Executes gates of heads and of elements, and a merge with sinks.
//
// RUN: mla-opt %s --mla-to-cpu | %run_main | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32> {bufferization.access = "read"})

func.func private @gate(%x: tensor<?x2x2xf32>, %elements: tensor<?x2x2xf32>, %heads: tensor<?x2xf32>) {
  %0 = mla.gate %x by %elements : (tensor<?x2x2xf32>, tensor<?x2x2xf32>) -> tensor<?x2x2xf32>
  %1 = tensor.cast %0 : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%1) : (tensor<*xf32>) -> ()
  %2 = mla.gate %x by %heads : (tensor<?x2x2xf32>, tensor<?x2xf32>) -> tensor<?x2x2xf32>
  %3 = tensor.cast %2 : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%3) : (tensor<*xf32>) -> ()
  return
}

func.func private @merge(%o: tensor<2x?x2x1xf32>, %l: tensor<2x?x2xf32>, %sinks: tensor<2xf32>) {
  %0, %1 = mla.merge %o, %l sinks(%sinks) : (tensor<2x?x2x1xf32>, tensor<2x?x2xf32>, tensor<2xf32>) -> tensor<?x2x1xf32>, tensor<?x2xf32>
  %2 = tensor.cast %0 : tensor<?x2x1xf32> to tensor<*xf32>
  call @printMemrefF32(%2) : (tensor<*xf32>) -> ()
  %3 = tensor.cast %1 : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%3) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  %x_s = arith.constant dense<[[[4.0, 4.0], [4.0, -4.0]], [[4.0, 4.0], [8.0, 4.0]]]> : tensor<2x2x2xf32>
  %x = tensor.cast %x_s : tensor<2x2x2xf32> to tensor<?x2x2xf32>
  %elements_s = arith.constant dense<[[[0.0, 1.0986123], [-1.0986123, 0.0]], [[-200.0, 200.0], [0.0, 0.0]]]> : tensor<2x2x2xf32>
  %elements = tensor.cast %elements_s : tensor<2x2x2xf32> to tensor<?x2x2xf32>
  %heads_s = arith.constant dense<[[0.0, 1.0986123], [200.0, -1.0986123]]> : tensor<2x2xf32>
  %heads = tensor.cast %heads_s : tensor<2x2xf32> to tensor<?x2xf32>
  call @gate(%x, %elements, %heads) : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?x2xf32>) -> ()
  %o_s = arith.constant dense<[[[[8.0], [8.0]], [[8.0], [0x7FC00000]]], [[[16.0], [0x7FC00000]], [[0x7FC00000], [0x7FC00000]]]]> : tensor<2x2x2x1xf32>
  %o = tensor.cast %o_s : tensor<2x2x2x1xf32> to tensor<2x?x2x1xf32>
  %l_s = arith.constant dense<[[[0.0, 0.0], [1000.0, 0xFF800000]], [[0.0, 0xFF800000], [0xFF800000, 0xFF800000]]]> : tensor<2x2x2xf32>
  %l = tensor.cast %l_s : tensor<2x2x2xf32> to tensor<2x?x2xf32>
  // log 2 and log 3.
  %sinks = arith.constant dense<[0.6931472, 1.0986123]> : tensor<2xf32>
  call @merge(%o, %l, %sinks) : (tensor<2x?x2x1xf32>, tensor<2x?x2xf32>, tensor<2xf32>) -> ()
  return
}

// The sigmoids of log 3 and -log 3 are 3/4 and 1/4.
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}2, 3],
// CHECK-NEXT: [1, -2{{\]\]}},
// CHECK-NEXT: {{\[\[}}0, 4],
// CHECK-NEXT: [4, 2{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}2, 2],
// CHECK-NEXT: [3, -3{{\]\]}},
// CHECK-NEXT: {{\[\[}}4, 4],
// CHECK-NEXT: [2, 1{{\]\]\]}}

// Token 0: (8 + 16) / (1 + 1 + 2) and 8 / (1 + 3). Token 1: beside exp(1000) the sink is nothing; without keys there is
// only the sink. The LSE is that of the keys.
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}6],
// CHECK-NEXT: [2{{\]\]}},
// CHECK-NEXT: {{\[\[}}8],
// CHECK-NEXT: [0{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}0.693147, 0],
// CHECK-NEXT: [1000, -inf{{\]\]}}
