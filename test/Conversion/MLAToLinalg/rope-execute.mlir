// Executes RoPE: the pair (a, b) becomes (a cos - b sin, b cos + a sin).
//
// RUN: mla-opt %s --mla-to-cpu | %run_main | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32> {bufferization.access = "read"})

func.func private @interleaved(%x: tensor<?x4xf32>, %p: tensor<?xi32>) {
  %y = mla.rope interleaved %x at %p {frequencies = array<f32: 1.0, 0.1>, scale = 1.0 : f32} : tensor<?x4xf32>
  %print0 = tensor.cast %y : tensor<?x4xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  return
}

func.func private @half_split(%x: tensor<?x4xf32>, %p: tensor<?xi32>) {
  %y = mla.rope half_split %x at %p {frequencies = array<f32: 1.0, 0.1>, scale = 1.0 : f32} : tensor<?x4xf32>
  %print0 = tensor.cast %y : tensor<?x4xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  return
}

func.func private @heads(%x: tensor<?x2x2xbf16>, %p: tensor<?xi32>) {
  %y = mla.rope interleaved %x at %p {frequencies = array<f32: 1.0>, scale = 2.0 : f32} : tensor<?x2x2xbf16>
  %wide0 = arith.extf %y : tensor<?x2x2xbf16> to tensor<?x2x2xf32>
  %print0 = tensor.cast %wide0 : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  return
}

func.func private @far(%x: tensor<?x2xf32>, %p: tensor<?xi32>) {
  %y = mla.rope interleaved %x at %p {frequencies = array<f32: 1.0>} : tensor<?x2xf32>
  %print0 = tensor.cast %y : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  %interleaved_x_s = arith.constant dense<[[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]]> : tensor<3x4xf32>
  %interleaved_x = tensor.cast %interleaved_x_s : tensor<3x4xf32> to tensor<?x4xf32>
  %interleaved_p_s = arith.constant dense<[0, 1, 5]> : tensor<3xi32>
  %interleaved_p = tensor.cast %interleaved_p_s : tensor<3xi32> to tensor<?xi32>
  call @interleaved(%interleaved_x, %interleaved_p) : (tensor<?x4xf32>, tensor<?xi32>) -> ()
  %half_split_x_s = arith.constant dense<[[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]]> : tensor<3x4xf32>
  %half_split_x = tensor.cast %half_split_x_s : tensor<3x4xf32> to tensor<?x4xf32>
  %half_split_p_s = arith.constant dense<[0, 1, 5]> : tensor<3xi32>
  %half_split_p = tensor.cast %half_split_p_s : tensor<3xi32> to tensor<?xi32>
  call @half_split(%half_split_x, %half_split_p) : (tensor<?x4xf32>, tensor<?xi32>) -> ()
  %heads_x_s = arith.constant dense<[[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [2.0, 3.0]]]> : tensor<2x2x2xbf16>
  %heads_x = tensor.cast %heads_x_s : tensor<2x2x2xbf16> to tensor<?x2x2xbf16>
  %heads_p_s = arith.constant dense<[0, 2]> : tensor<2xi32>
  %heads_p = tensor.cast %heads_p_s : tensor<2xi32> to tensor<?xi32>
  call @heads(%heads_x, %heads_p) : (tensor<?x2x2xbf16>, tensor<?xi32>) -> ()
  %far_x_s = arith.constant dense<[[1.0, 0.0]]> : tensor<1x2xf32>
  %far_x = tensor.cast %far_x_s : tensor<1x2xf32> to tensor<?x2xf32>
  %far_p_s = arith.constant dense<[131072]> : tensor<1xi32>
  %far_p = tensor.cast %far_p_s : tensor<1xi32> to tensor<?xi32>
  call @far(%far_x, %far_p) : (tensor<?x2xf32>, tensor<?xi32>) -> ()
  return
}

// interleaved: pairs (1, 2) and (3, 4) are rotated by p and 0.1 p; p = 0 keeps them.
// CHECK: data =
// CHECK-NEXT: {{\[\[}}1, 2, 3, 4],
// CHECK-NEXT: [-1.1426{{[0-9]*}}, 1.9220{{[0-9]*}}, 2.5856{{[0-9]*}}, 4.2795{{[0-9]*}}],
// CHECK-NEXT: [2.2015{{[0-9]*}}, -0.391{{[0-9]*}}, 0.71504{{[0-9]*}}, 4.948{{[0-9]*}}{{\]\]}}

// half_split: pairs (1, 3) and (2, 4) are rotated by p and 0.1 p; p = 0 keeps them.
// CHECK: data =
// CHECK-NEXT: {{\[\[}}1, 2, 3, 4],
// CHECK-NEXT: [-1.9841{{[0-9]*}}, 1.5906{{[0-9]*}}, 2.4623{{[0-9]*}}, 4.179{{[0-9]*}}],
// CHECK-NEXT: [3.1604{{[0-9]*}}, -0.16253{{[0-9]*}}, -0.10793{{[0-9]*}}, 4.4691{{[0-9]*}}{{\]\]}}

// All heads of a token are rotated equally; sine and cosine are doubled; bf16 keeps 8 bits: 2 cos 2 = -0.8323 is -0.832031.
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}2, 0],
// CHECK-NEXT: [0, 2{{\]\]}},
// CHECK-NEXT: {{\[\[}}-0.832031, 1.82031],
// CHECK-NEXT: [-7.125, 1.14062{{\]\]\]}}

// cos and sin of 131072: large angles are reduced exactly.
// CHECK: data =
// CHECK-NEXT: {{\[\[}}0.042090{{[0-9]*}}, -0.99911{{[0-9]*}}{{\]\]}}
