// Executes an embedding and SwiGLU.
//
// RUN: mla-opt %s --mla-to-cpu | %run_main | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32> {bufferization.access = "read"})

func.func private @embed(%ids: tensor<?xi32>) {
  %table = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  %x = mla.embed %ids, %table : tensor<3x2xf32> -> tensor<?x2xf32>
  %print = tensor.cast %x : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}

func.func private @swiglu(%gate: tensor<?x4xf32>) {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %gate, %c0 : tensor<?x4xf32>
  %up = tensor.generate %tokens {
  ^bb0(%t: index, %k: index):
    %two = arith.constant 2.0 : f32
    tensor.yield %two : f32
  } : tensor<?x4xf32>
  %h = mla.swiglu %gate, %up : tensor<?x4xf32> -> tensor<?x4xf32>
  %print = tensor.cast %h : tensor<?x4xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  // The last two are no rows.
  %ids = arith.constant dense<[2, 0, -1, 3]> : tensor<4xi32>
  %any = tensor.cast %ids : tensor<4xi32> to tensor<?xi32>
  call @embed(%any) : (tensor<?xi32>) -> ()
  %gate = arith.constant dense<[[0.0, 1.0, -1.0, 100.0]]> : tensor<1x4xf32>
  %rows = tensor.cast %gate : tensor<1x4xf32> to tensor<?x4xf32>
  call @swiglu(%rows) : (tensor<?x4xf32>) -> ()
  return
}

// CHECK: data =
// CHECK-NEXT: {{\[\[}}5, 6],
// CHECK-NEXT: [1, 2],
// CHECK-NEXT: [0, 0],
// CHECK-NEXT: [0, 0{{\]\]}}

// 2 x / (1 + exp(-x))
// CHECK: data =
// CHECK-NEXT: {{\[\[}}0, 1.46212, -0.537883, 200{{\]\]}}
