// Executes quantizations. Elements are printed times 1, then their scales, then what they stand for.
//
// RUN: mla-opt %s --mla-to-cpu | %run_main | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32> {bufferization.access = "read"})

func.func private @print(%q: tensor<?x6xf8E4M3FN>, %s: tensor<?x2xf32>) {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  %tokens = tensor.dim %q, %c0 : tensor<?x6xf8E4M3FN>
  %e = tensor.empty(%tokens) : tensor<?x2xf32>
  %ones = linalg.fill ins(%one : f32) outs(%e : tensor<?x2xf32>) -> tensor<?x2xf32>
  %x = mla.dequantize %q, %ones {block = array<i64: 1, 4>} : tensor<?x6xf8E4M3FN>, tensor<?x2xf32> -> tensor<?x6xf32>
  %y = mla.dequantize %q, %s {block = array<i64: 1, 4>} : tensor<?x6xf8E4M3FN>, tensor<?x2xf32> -> tensor<?x6xf32>
  %print0 = tensor.cast %x : tensor<?x6xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  %print1 = tensor.cast %s : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print1) : (tensor<*xf32>) -> ()
  %print2 = tensor.cast %y : tensor<?x6xf32> to tensor<*xf32>
  call @printMemrefF32(%print2) : (tensor<*xf32>) -> ()
  return
}

// The second group has two columns.
func.func private @one_term(%x: tensor<?x6xf32>) {
  %q, %s = mla.quantize %x {group = 4 : i64} : tensor<?x6xf32> -> tensor<?x6xf8E4M3FN>, tensor<?x2xf32>
  call @print(%q, %s) : (tensor<?x6xf8E4M3FN>, tensor<?x2xf32>) -> ()
  return
}

func.func private @of_bf16(%x: tensor<?x6xbf16>) {
  %q, %s = mla.quantize %x {group = 4 : i64} : tensor<?x6xbf16> -> tensor<?x6xf8E4M3FN>, tensor<?x2xf32>
  call @print(%q, %s) : (tensor<?x6xf8E4M3FN>, tensor<?x2xf32>) -> ()
  return
}

func.func private @of_f16(%x: tensor<?x6xf16>) {
  %q, %s = mla.quantize %x {group = 4 : i64} : tensor<?x6xf16> -> tensor<?x6xf8E4M3FN>, tensor<?x2xf32>
  call @print(%q, %s) : (tensor<?x6xf8E4M3FN>, tensor<?x2xf32>) -> ()
  return
}

// A group may be larger than a row; its columns beyond the last are not visited.
func.func private @largest_group(%x: tensor<1x3xf32>) {
  %q, %s = mla.quantize %x {group = 9223372036854775807 : i64} : tensor<1x3xf32> -> tensor<1x3xf8E4M3FN>, tensor<1x1xf32>
  %y = mla.dequantize %q, %s {block = array<i64: 1, 9223372036854775807>} : tensor<1x3xf8E4M3FN>, tensor<1x1xf32> -> tensor<1x3xf32>
  %print0 = tensor.cast %y : tensor<1x3xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  return
}

func.func private @two_terms(%x: tensor<?x4xf32>) {
  %q, %s = mla.quantize %x {group = 4 : i64, terms = 2 : i64} : tensor<?x4xf32> -> tensor<?x2x4xf8E4M3FN>, tensor<?x1xf32>
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  %tokens = tensor.dim %q, %c0 : tensor<?x2x4xf8E4M3FN>
  %e = tensor.empty(%tokens) : tensor<?x2x1xf32>
  %ones = linalg.fill ins(%one : f32) outs(%e : tensor<?x2x1xf32>) -> tensor<?x2x1xf32>
  %x1 = mla.dequantize %q, %ones {block = array<i64: 1, 1, 4>} : tensor<?x2x4xf8E4M3FN>, tensor<?x2x1xf32> -> tensor<?x2x4xf32>
  %y = mla.dequantize %q, %s {block = array<i64: 1, 4>} : tensor<?x2x4xf8E4M3FN>, tensor<?x1xf32> -> tensor<?x4xf32>
  %print0 = tensor.cast %x1 : tensor<?x2x4xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  %print1 = tensor.cast %s : tensor<?x1xf32> to tensor<*xf32>
  call @printMemrefF32(%print1) : (tensor<*xf32>) -> ()
  %print2 = tensor.cast %y : tensor<?x4xf32> to tensor<*xf32>
  call @printMemrefF32(%print2) : (tensor<*xf32>) -> ()
  return
}

func.func private @two_terms_of_heads(%x: tensor<?x2x3xf32>) {
  %q, %s = mla.quantize %x {group = 2 : i64, terms = 2 : i64} : tensor<?x2x3xf32> -> tensor<?x2x2x3xf8E4M3FN>, tensor<?x2x2xf32>
  %y = mla.dequantize %q, %s {block = array<i64: 1, 1, 2>} : tensor<?x2x2x3xf8E4M3FN>, tensor<?x2x2xf32> -> tensor<?x2x3xf32>
  %print0 = tensor.cast %s : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  %print1 = tensor.cast %y : tensor<?x2x3xf32> to tensor<*xf32>
  call @printMemrefF32(%print1) : (tensor<*xf32>) -> ()
  return
}

// Terms side by side in a row.
func.func private @two_terms_of_rows(%x: tensor<?x2x3xf32>) {
  %q, %s = mla.quantize %x {group = 2 : i64, terms = 2 : i64, term_dim = 2 : i64} : tensor<?x2x3xf32> -> tensor<?x2x2x3xf8E4M3FN>, tensor<?x2x2xf32>
  %y = mla.dequantize %q, %s {block = array<i64: 1, 1, 2>, term_dim = 2 : i64} : tensor<?x2x2x3xf8E4M3FN>, tensor<?x2x2xf32> -> tensor<?x2x3xf32>
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  %tokens = tensor.dim %q, %c0 : tensor<?x2x2x3xf8E4M3FN>
  %e = tensor.empty(%tokens) : tensor<?x2x2x1xf32>
  %ones = linalg.fill ins(%one : f32) outs(%e : tensor<?x2x2x1xf32>) -> tensor<?x2x2x1xf32>
  %elements = mla.dequantize %q, %ones {block = array<i64: 1, 1, 1, 3>} : tensor<?x2x2x3xf8E4M3FN>, tensor<?x2x2x1xf32> -> tensor<?x2x2x3xf32>
  %print0 = tensor.cast %elements : tensor<?x2x2x3xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  %print1 = tensor.cast %y : tensor<?x2x3xf32> to tensor<*xf32>
  call @printMemrefF32(%print1) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  %a = arith.constant dense<[
    [448.0, 1.0625, 1.1875, -3.4, 896.0, -3.0],
    [0.0, -0.0, 0.0, 0.0, -7.0, 0.1],
    [-448.0, 0.001953125, 0.0009765625, 0.0029296875, 0.0, 0.0],
    [1.0, 0x7FC00000, 2.0, 3.0, 1.0, 0x7F800000]]> : tensor<4x6xf32>
  %a_dynamic = tensor.cast %a : tensor<4x6xf32> to tensor<?x6xf32>
  call @one_term(%a_dynamic) : (tensor<?x6xf32>) -> ()

  %b = arith.constant dense<[[448.0, 1.0625, 1.1875, -3.25, 896.0, -3.0]]> : tensor<1x6xbf16>
  %b_dynamic = tensor.cast %b : tensor<1x6xbf16> to tensor<?x6xbf16>
  call @of_bf16(%b_dynamic) : (tensor<?x6xbf16>) -> ()

  %f = arith.constant dense<[[448.0, 1.0625, 1.1875, -3.25, 896.0, -3.0]]> : tensor<1x6xf16>
  %f_dynamic = tensor.cast %f : tensor<1x6xf16> to tensor<?x6xf16>
  call @of_f16(%f_dynamic) : (tensor<?x6xf16>) -> ()

  %l = arith.constant dense<[[448.0, 1.0625, -896.0]]> : tensor<1x3xf32>
  call @largest_group(%l) : (tensor<1x3xf32>) -> ()

  %t = arith.constant dense<[[448.0, 1.0625, 100.5, -3.3], [0.0, 0.0, 0.0, 0.0]]> : tensor<2x4xf32>
  %t_dynamic = tensor.cast %t : tensor<2x4xf32> to tensor<?x4xf32>
  call @two_terms(%t_dynamic) : (tensor<?x4xf32>) -> ()

  %h = arith.constant dense<[[[448.0, 100.5, 7.0], [896.0, 2.125, 0.0]]]> : tensor<1x2x3xf32>
  %h_dynamic = tensor.cast %h : tensor<1x2x3xf32> to tensor<?x2x3xf32>
  call @two_terms_of_heads(%h_dynamic) : (tensor<?x2x3xf32>) -> ()
  call @two_terms_of_rows(%h_dynamic) : (tensor<?x2x3xf32>) -> ()
  return
}

// Ties are rounded to even: 1.0625 down, 1.1875 up, half of the least number to 0 and one and a half times it up. The last
// group has its own largest element, 0 the least scale. A NaN or an infinity takes its group along.
// CHECK: data =
// CHECK-NEXT: {{\[\[}}448, 1, 1.25, -3.5, 448, -1.5],
// CHECK-NEXT: [0, -0, 0, 0, -448, 6.5],
// CHECK-NEXT: [-448, 0.00195312, 0, 0.00390625, 0, 0],
// CHECK-NEXT: [{{-?}}nan, {{-?}}nan, {{-?}}nan, {{-?}}nan, 0, {{-?}}nan{{\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}1, 2],
// CHECK-NEXT: [1.17549e-38, 0.015625],
// CHECK-NEXT: [1, 1.17549e-38],
// CHECK-NEXT: [{{-?}}nan, inf{{\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}448, 1, 1.25, -3.5, 896, -3],
// CHECK-NEXT: [0, -0, 0, 0, -7, 0.101562],
// CHECK-NEXT: [-448, 0.00195312, 0, 0.00390625, 0, 0],
// CHECK-NEXT: [{{-?}}nan, {{-?}}nan, {{-?}}nan, {{-?}}nan, {{-?}}nan, {{-?}}nan{{\]\]}}

// bf16, then f16.
// CHECK: data =
// CHECK-NEXT: {{\[\[}}448, 1, 1.25, -3.25, 448, -1.5{{\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}1, 2{{\]\]}}
// CHECK: data =
// CHECK: data =
// CHECK-NEXT: {{\[\[}}448, 1, 1.25, -3.25, 448, -1.5{{\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}1, 2{{\]\]}}
// CHECK: data =

// The scale is 2, and 0.53125 a tie of 0.5 and 0.5625.
// CHECK: data =
// CHECK-NEXT: {{\[\[}}448, 1, -896{{\]\]}}

// The rests are 0, 0.0625, -3.5 and -0.05, with the same scale.
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}448, 1, 104, -3.25],
// CHECK-NEXT: [0, 0.0625, -3.5, -0.0507812{{\]\]}},
// CHECK-NEXT: {{\[\[}}0, 0, 0, 0],
// CHECK-NEXT: [0, 0, 0, 0{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}1],
// CHECK-NEXT: [1.17549e-38{{\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}448, 1.0625, 100.5, -3.30078],
// CHECK-NEXT: [0, 0, 0, 0{{\]\]}}

// Scales of both heads: 100.5 leaves -3.5, 2.125 as a multiple of 2 leaves 0.125, and the others nothing.
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}1, 0.015625],
// CHECK-NEXT: [2, 1.17549e-38{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}448, 100.5, 7],
// CHECK-NEXT: [896, 2.125, 0{{\]\]\]}}

// The rests of a row follow it.
// CHECK: data =
// CHECK-NEXT: {{\[\[\[\[}}448, 104, 448],
// CHECK-NEXT: [0, -3.5, 0{{\]\]}},
// CHECK-NEXT: {{\[\[}}448, 1, 0],
// CHECK-NEXT: [0, 0.0625, 0{{\]\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}448, 100.5, 7],
// CHECK-NEXT: [896, 2.125, 0{{\]\]\]}}
