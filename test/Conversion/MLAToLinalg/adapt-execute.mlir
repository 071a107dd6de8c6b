// Executes updates by adapters in every form, with weights as in a checkpoint and in panels, of sequences of 9, 1 and 2 tokens
// that have adapters 1, none and 0: a whole block of tokens, and one with all three. x is integer, y is 100, and the results
// are those of numpy.
//
// RUN: mla-opt %s --mla-to-cpu | %run_main | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32> {bufferization.access = "read"})

func.func private @plain(%y: tensor<?x2xf32>, %x: tensor<?x3xf32>, %n: tensor<?xi32>, %cu: tensor<?xi32>) {
  %a = arith.constant dense<[[[-1.0, 0.0, 1.0], [0.0, 1.0, -1.0]], [[0.0, 1.0, 2.0], [1.0, 2.0, 0.0]]]> : tensor<2x2x3xf32>
  %b = arith.constant dense<[[[-1.0, 1.0], [0.0, 2.0]], [[1.0, 3.0], [2.0, -1.0]]]> : tensor<2x2x2xf32>
  %r = mla.adapt %y by %x, %a, %b of %n for %cu
      : (tensor<?x2xf32>, tensor<?x3xf32>, tensor<2x2x3xf32>, tensor<2x2x2xf32>) -> tensor<?x2xf32>
  %print = tensor.cast %r : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}

func.func private @plain_panels(%y: tensor<?x2xf32>, %x: tensor<?x3xf32>, %n: tensor<?xi32>, %cu: tensor<?xi32>) {
  %a = arith.constant dense<[[[-1.0, 0.0], [0.0, 1.0], [1.0, -1.0]], [[0.0, 1.0], [1.0, 2.0], [2.0, 0.0]]]> : tensor<2x3x2xf32>
  %b = arith.constant dense<[[[-1.0, 0.0], [1.0, 2.0]], [[1.0, 2.0], [3.0, -1.0]]]> : tensor<2x2x2xf32>
  %r = mla.adapt %y by %x, %a panels, %b panels of %n for %cu
      : (tensor<?x2xf32>, tensor<?x3xf32>, tensor<2x3x2xf32>, tensor<2x2x2xf32>) -> tensor<?x2xf32>
  %print = tensor.cast %r : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}

func.func private @to_heads(%y: tensor<?x2x2xf32>, %x: tensor<?x3xf32>, %n: tensor<?xi32>, %cu: tensor<?xi32>) {
  %a = arith.constant dense<[[[-1.0, 0.0, 1.0], [0.0, 1.0, -1.0]], [[0.0, 1.0, 2.0], [1.0, 2.0, 0.0]]]> : tensor<2x2x3xf32>
  %b = arith.constant dense<[[[[-1.0, 1.0], [0.0, 2.0]], [[1.0, 3.0], [2.0, -1.0]]], [[[0.0, 2.0], [1.0, 3.0]], [[2.0, -1.0], [3.0, 0.0]]]]> : tensor<2x2x2x2xf32>
  %r = mla.adapt %y by %x, %a, %b of %n for %cu
      : (tensor<?x2x2xf32>, tensor<?x3xf32>, tensor<2x2x3xf32>, tensor<2x2x2x2xf32>) -> tensor<?x2x2xf32>
  %print = tensor.cast %r : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}

func.func private @to_heads_panels(%y: tensor<?x2x2xf32>, %x: tensor<?x3xf32>, %n: tensor<?xi32>, %cu: tensor<?xi32>) {
  %a = arith.constant dense<[[[-1.0, 0.0], [0.0, 1.0], [1.0, -1.0]], [[0.0, 1.0], [1.0, 2.0], [2.0, 0.0]]]> : tensor<2x3x2xf32>
  %b = arith.constant dense<[[[[-1.0, 0.0], [1.0, 2.0]], [[1.0, 2.0], [3.0, -1.0]]], [[[0.0, 1.0], [2.0, 3.0]], [[2.0, 3.0], [-1.0, 0.0]]]]> : tensor<2x2x2x2xf32>
  %r = mla.adapt %y by %x, %a panels, %b panels of %n for %cu
      : (tensor<?x2x2xf32>, tensor<?x3xf32>, tensor<2x3x2xf32>, tensor<2x2x2x2xf32>) -> tensor<?x2x2xf32>
  %print = tensor.cast %r : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}

func.func private @per_head_values(%y: tensor<?x2x2xf32>, %x: tensor<?x2x3xf32>, %n: tensor<?xi32>, %cu: tensor<?xi32>) {
  %a = arith.constant dense<[[[-1.0, 0.0, 1.0], [0.0, 1.0, -1.0]], [[0.0, 1.0, 2.0], [1.0, 2.0, 0.0]]]> : tensor<2x2x3xf32>
  %b = arith.constant dense<[[[[-1.0, 1.0], [0.0, 2.0]], [[1.0, 3.0], [2.0, -1.0]]], [[[0.0, 2.0], [1.0, 3.0]], [[2.0, -1.0], [3.0, 0.0]]]]> : tensor<2x2x2x2xf32>
  %r = mla.adapt %y by %x, %a, %b of %n for %cu
      : (tensor<?x2x2xf32>, tensor<?x2x3xf32>, tensor<2x2x3xf32>, tensor<2x2x2x2xf32>) -> tensor<?x2x2xf32>
  %print = tensor.cast %r : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}

func.func private @per_head_values_panels(%y: tensor<?x2x2xf32>, %x: tensor<?x2x3xf32>, %n: tensor<?xi32>, %cu: tensor<?xi32>) {
  %a = arith.constant dense<[[[-1.0, 0.0], [0.0, 1.0], [1.0, -1.0]], [[0.0, 1.0], [1.0, 2.0], [2.0, 0.0]]]> : tensor<2x3x2xf32>
  %b = arith.constant dense<[[[[-1.0, 0.0], [1.0, 2.0]], [[1.0, 2.0], [3.0, -1.0]]], [[[0.0, 1.0], [2.0, 3.0]], [[2.0, 3.0], [-1.0, 0.0]]]]> : tensor<2x2x2x2xf32>
  %r = mla.adapt %y by %x, %a panels, %b panels of %n for %cu
      : (tensor<?x2x2xf32>, tensor<?x2x3xf32>, tensor<2x3x2xf32>, tensor<2x2x2x2xf32>) -> tensor<?x2x2xf32>
  %print = tensor.cast %r : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}

func.func private @per_head_queries(%y: tensor<?x2x3xf32>, %x: tensor<?x2x2xf32>, %n: tensor<?xi32>, %cu: tensor<?xi32>) {
  %a = arith.constant dense<[[[[-1.0, 0.0], [0.0, 1.0]], [[1.0, 2.0], [2.0, -1.0]]], [[[2.0, -1.0], [-1.0, 0.0]], [[0.0, 1.0], [1.0, 2.0]]]]> : tensor<2x2x2x2xf32>
  %b = arith.constant dense<[[[-1.0, 1.0], [0.0, 2.0], [1.0, 3.0]], [[1.0, 3.0], [2.0, -1.0], [3.0, 0.0]]]> : tensor<2x3x2xf32>
  %r = mla.adapt %y by %x, %a, %b of %n for %cu
      : (tensor<?x2x3xf32>, tensor<?x2x2xf32>, tensor<2x2x2x2xf32>, tensor<2x3x2xf32>) -> tensor<?x2x3xf32>
  %print = tensor.cast %r : tensor<?x2x3xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}

func.func private @per_head_queries_panels(%y: tensor<?x2x3xf32>, %x: tensor<?x2x2xf32>, %n: tensor<?xi32>, %cu: tensor<?xi32>) {
  %a = arith.constant dense<[[[[-1.0, 0.0], [0.0, 1.0]], [[1.0, 2.0], [2.0, -1.0]]], [[[2.0, -1.0], [-1.0, 0.0]], [[0.0, 1.0], [1.0, 2.0]]]]> : tensor<2x2x2x2xf32>
  %b = arith.constant dense<[[[-1.0, 0.0, 1.0], [1.0, 2.0, 3.0]], [[1.0, 2.0, 3.0], [3.0, -1.0, 0.0]]]> : tensor<2x2x3xf32>
  %r = mla.adapt %y by %x, %a panels, %b panels of %n for %cu
      : (tensor<?x2x3xf32>, tensor<?x2x2xf32>, tensor<2x2x2x2xf32>, tensor<2x2x3xf32>) -> tensor<?x2x3xf32>
  %print = tensor.cast %r : tensor<?x2x3xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}

func.func private @from_heads(%y: tensor<?x2xf32>, %x: tensor<?x2x3xf32>, %n: tensor<?xi32>, %cu: tensor<?xi32>) {
  %a = arith.constant dense<[[[[-1.0, 0.0, 1.0], [1.0, 2.0, -1.0]], [[0.0, 1.0, 2.0], [2.0, -1.0, 0.0]]], [[[0.0, 1.0, 2.0], [2.0, -1.0, 0.0]], [[1.0, 2.0, -1.0], [-1.0, 0.0, 1.0]]]]> : tensor<2x2x2x3xf32>
  %b = arith.constant dense<[[[-1.0, 1.0], [0.0, 2.0]], [[1.0, 3.0], [2.0, -1.0]]]> : tensor<2x2x2xf32>
  %r = mla.adapt %y by %x, %a, %b of %n for %cu
      : (tensor<?x2xf32>, tensor<?x2x3xf32>, tensor<2x2x2x3xf32>, tensor<2x2x2xf32>) -> tensor<?x2xf32>
  %print = tensor.cast %r : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}

func.func private @from_heads_panels(%y: tensor<?x2xf32>, %x: tensor<?x2x3xf32>, %n: tensor<?xi32>, %cu: tensor<?xi32>) {
  %a = arith.constant dense<[[[[-1.0, 0.0], [0.0, 1.0], [1.0, 2.0]], [[1.0, 2.0], [2.0, -1.0], [-1.0, 0.0]]], [[[0.0, 1.0], [1.0, 2.0], [2.0, -1.0]], [[2.0, -1.0], [-1.0, 0.0], [0.0, 1.0]]]]> : tensor<2x2x3x2xf32>
  %b = arith.constant dense<[[[-1.0, 0.0], [1.0, 2.0]], [[1.0, 2.0], [3.0, -1.0]]]> : tensor<2x2x2xf32>
  %r = mla.adapt %y by %x, %a panels, %b panels of %n for %cu
      : (tensor<?x2xf32>, tensor<?x2x3xf32>, tensor<2x2x3x2xf32>, tensor<2x2x2xf32>) -> tensor<?x2xf32>
  %print = tensor.cast %r : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  %numbers = arith.constant dense<[1, -1, 0]> : tensor<3xi32>
  %n = tensor.cast %numbers : tensor<3xi32> to tensor<?xi32>
  %firsts = arith.constant dense<[0, 9, 10, 12]> : tensor<4xi32>
  %cu = tensor.cast %firsts : tensor<4xi32> to tensor<?xi32>
  %s_plain = arith.constant dense<[[-2.0, 0.0, 2.0], [-1.0, 1.0, -2.0], [0.0, 2.0, -1.0], [1.0, -2.0, 0.0], [2.0, -1.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 1.0, -2.0], [0.0, 2.0, -1.0], [1.0, -2.0, 0.0], [2.0, -1.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 1.0, -2.0]]> : tensor<12x3xf32>
  %x_plain = tensor.cast %s_plain : tensor<12x3xf32> to tensor<?x3xf32>
  %c_2_2 = arith.constant dense<100.0> : tensor<12x2xf32>
  %y_2_2 = tensor.cast %c_2_2 : tensor<12x2xf32> to tensor<?x2xf32>
  %s_to_heads = arith.constant dense<[[-2.0, 0.0, 2.0], [-1.0, 1.0, -2.0], [0.0, 2.0, -1.0], [1.0, -2.0, 0.0], [2.0, -1.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 1.0, -2.0], [0.0, 2.0, -1.0], [1.0, -2.0, 0.0], [2.0, -1.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 1.0, -2.0]]> : tensor<12x3xf32>
  %x_to_heads = tensor.cast %s_to_heads : tensor<12x3xf32> to tensor<?x3xf32>
  %c_3_2 = arith.constant dense<100.0> : tensor<12x2x2xf32>
  %y_3_2 = tensor.cast %c_3_2 : tensor<12x2x2xf32> to tensor<?x2x2xf32>
  %s_per_head_values = arith.constant dense<[[[-2.0, 0.0, 2.0], [-1.0, 1.0, -2.0]], [[-1.0, 1.0, -2.0], [0.0, 2.0, -1.0]], [[0.0, 2.0, -1.0], [1.0, -2.0, 0.0]], [[1.0, -2.0, 0.0], [2.0, -1.0, 1.0]], [[2.0, -1.0, 1.0], [-2.0, 0.0, 2.0]], [[-2.0, 0.0, 2.0], [-1.0, 1.0, -2.0]], [[-1.0, 1.0, -2.0], [0.0, 2.0, -1.0]], [[0.0, 2.0, -1.0], [1.0, -2.0, 0.0]], [[1.0, -2.0, 0.0], [2.0, -1.0, 1.0]], [[2.0, -1.0, 1.0], [-2.0, 0.0, 2.0]], [[-2.0, 0.0, 2.0], [-1.0, 1.0, -2.0]], [[-1.0, 1.0, -2.0], [0.0, 2.0, -1.0]]]> : tensor<12x2x3xf32>
  %x_per_head_values = tensor.cast %s_per_head_values : tensor<12x2x3xf32> to tensor<?x2x3xf32>
  %s_per_head_queries = arith.constant dense<[[[-2.0, 0.0], [-1.0, 1.0]], [[-1.0, 1.0], [0.0, 2.0]], [[0.0, 2.0], [1.0, -2.0]], [[1.0, -2.0], [2.0, -1.0]], [[2.0, -1.0], [-2.0, 0.0]], [[-2.0, 0.0], [-1.0, 1.0]], [[-1.0, 1.0], [0.0, 2.0]], [[0.0, 2.0], [1.0, -2.0]], [[1.0, -2.0], [2.0, -1.0]], [[2.0, -1.0], [-2.0, 0.0]], [[-2.0, 0.0], [-1.0, 1.0]], [[-1.0, 1.0], [0.0, 2.0]]]> : tensor<12x2x2xf32>
  %x_per_head_queries = tensor.cast %s_per_head_queries : tensor<12x2x2xf32> to tensor<?x2x2xf32>
  %c_3_3 = arith.constant dense<100.0> : tensor<12x2x3xf32>
  %y_3_3 = tensor.cast %c_3_3 : tensor<12x2x3xf32> to tensor<?x2x3xf32>
  %s_from_heads = arith.constant dense<[[[-2.0, 0.0, 2.0], [-1.0, 1.0, -2.0]], [[-1.0, 1.0, -2.0], [0.0, 2.0, -1.0]], [[0.0, 2.0, -1.0], [1.0, -2.0, 0.0]], [[1.0, -2.0, 0.0], [2.0, -1.0, 1.0]], [[2.0, -1.0, 1.0], [-2.0, 0.0, 2.0]], [[-2.0, 0.0, 2.0], [-1.0, 1.0, -2.0]], [[-1.0, 1.0, -2.0], [0.0, 2.0, -1.0]], [[0.0, 2.0, -1.0], [1.0, -2.0, 0.0]], [[1.0, -2.0, 0.0], [2.0, -1.0, 1.0]], [[2.0, -1.0, 1.0], [-2.0, 0.0, 2.0]], [[-2.0, 0.0, 2.0], [-1.0, 1.0, -2.0]], [[-1.0, 1.0, -2.0], [0.0, 2.0, -1.0]]]> : tensor<12x2x3xf32>
  %x_from_heads = tensor.cast %s_from_heads : tensor<12x2x3xf32> to tensor<?x2x3xf32>
  call @plain(%y_2_2, %x_plain, %n, %cu) : (tensor<?x2xf32>, tensor<?x3xf32>, tensor<?xi32>, tensor<?xi32>) -> ()
  call @plain_panels(%y_2_2, %x_plain, %n, %cu) : (tensor<?x2xf32>, tensor<?x3xf32>, tensor<?xi32>, tensor<?xi32>) -> ()
  call @to_heads(%y_3_2, %x_to_heads, %n, %cu) : (tensor<?x2x2xf32>, tensor<?x3xf32>, tensor<?xi32>, tensor<?xi32>) -> ()
  call @to_heads_panels(%y_3_2, %x_to_heads, %n, %cu) : (tensor<?x2x2xf32>, tensor<?x3xf32>, tensor<?xi32>, tensor<?xi32>) -> ()
  call @per_head_values(%y_3_2, %x_per_head_values, %n, %cu) : (tensor<?x2x2xf32>, tensor<?x2x3xf32>, tensor<?xi32>, tensor<?xi32>) -> ()
  call @per_head_values_panels(%y_3_2, %x_per_head_values, %n, %cu) : (tensor<?x2x2xf32>, tensor<?x2x3xf32>, tensor<?xi32>, tensor<?xi32>) -> ()
  call @per_head_queries(%y_3_3, %x_per_head_queries, %n, %cu) : (tensor<?x2x3xf32>, tensor<?x2x2xf32>, tensor<?xi32>, tensor<?xi32>) -> ()
  call @per_head_queries_panels(%y_3_3, %x_per_head_queries, %n, %cu) : (tensor<?x2x3xf32>, tensor<?x2x2xf32>, tensor<?xi32>, tensor<?xi32>) -> ()
  call @from_heads(%y_2_2, %x_from_heads, %n, %cu) : (tensor<?x2xf32>, tensor<?x2x3xf32>, tensor<?xi32>, tensor<?xi32>) -> ()
  call @from_heads_panels(%y_2_2, %x_from_heads, %n, %cu) : (tensor<?x2xf32>, tensor<?x2x3xf32>, tensor<?xi32>, tensor<?xi32>) -> ()
  return
}

// plain
// CHECK: data =
// CHECK-NEXT: {{\[+}}98, 110]
// CHECK-NEXT: {{\[+}}100, 93]
// CHECK-NEXT: {{\[+}}112, 96]
// CHECK-NEXT: {{\[+}}89, 99]
// CHECK-NEXT: {{\[+}}101, 102]
// CHECK-NEXT: {{\[+}}98, 110]
// CHECK-NEXT: {{\[+}}100, 93]
// CHECK-NEXT: {{\[+}}112, 96]
// CHECK-NEXT: {{\[+}}89, 99]
// CHECK-NEXT: {{\[+}}100, 100]
// CHECK-NEXT: {{\[+}}94, 96]
// CHECK-NEXT: {{\[+}}104, 106]

// plain_panels
// CHECK: data =
// CHECK-NEXT: {{\[+}}98, 110]
// CHECK-NEXT: {{\[+}}100, 93]
// CHECK-NEXT: {{\[+}}112, 96]
// CHECK-NEXT: {{\[+}}89, 99]
// CHECK-NEXT: {{\[+}}101, 102]
// CHECK-NEXT: {{\[+}}98, 110]
// CHECK-NEXT: {{\[+}}100, 93]
// CHECK-NEXT: {{\[+}}112, 96]
// CHECK-NEXT: {{\[+}}89, 99]
// CHECK-NEXT: {{\[+}}100, 100]
// CHECK-NEXT: {{\[+}}94, 96]
// CHECK-NEXT: {{\[+}}104, 106]

// to_heads
// CHECK: data =
// CHECK-NEXT: {{\[+}}96, 98]
// CHECK-NEXT: {{\[+}}110, 112]
// CHECK-NEXT: {{\[+}}102, 100]
// CHECK-NEXT: {{\[+}}93, 91]
// CHECK-NEXT: {{\[+}}108, 112]
// CHECK-NEXT: {{\[+}}96, 100]
// CHECK-NEXT: {{\[+}}94, 89]
// CHECK-NEXT: {{\[+}}99, 94]
// CHECK-NEXT: {{\[+}}100, 101]
// CHECK-NEXT: {{\[+}}102, 103]
// CHECK-NEXT: {{\[+}}96, 98]
// CHECK-NEXT: {{\[+}}110, 112]
// CHECK-NEXT: {{\[+}}102, 100]
// CHECK-NEXT: {{\[+}}93, 91]
// CHECK-NEXT: {{\[+}}108, 112]
// CHECK-NEXT: {{\[+}}96, 100]
// CHECK-NEXT: {{\[+}}94, 89]
// CHECK-NEXT: {{\[+}}99, 94]
// CHECK-NEXT: {{\[+}}100, 100]
// CHECK-NEXT: {{\[+}}100, 100]
// CHECK-NEXT: {{\[+}}94, 96]
// CHECK-NEXT: {{\[+}}98, 110]
// CHECK-NEXT: {{\[+}}104, 106]
// CHECK-NEXT: {{\[+}}108, 95]

// to_heads_panels
// CHECK: data =
// CHECK-NEXT: {{\[+}}96, 98]
// CHECK-NEXT: {{\[+}}110, 112]
// CHECK-NEXT: {{\[+}}102, 100]
// CHECK-NEXT: {{\[+}}93, 91]
// CHECK-NEXT: {{\[+}}108, 112]
// CHECK-NEXT: {{\[+}}96, 100]
// CHECK-NEXT: {{\[+}}94, 89]
// CHECK-NEXT: {{\[+}}99, 94]
// CHECK-NEXT: {{\[+}}100, 101]
// CHECK-NEXT: {{\[+}}102, 103]
// CHECK-NEXT: {{\[+}}96, 98]
// CHECK-NEXT: {{\[+}}110, 112]
// CHECK-NEXT: {{\[+}}102, 100]
// CHECK-NEXT: {{\[+}}93, 91]
// CHECK-NEXT: {{\[+}}108, 112]
// CHECK-NEXT: {{\[+}}96, 100]
// CHECK-NEXT: {{\[+}}94, 89]
// CHECK-NEXT: {{\[+}}99, 94]
// CHECK-NEXT: {{\[+}}100, 100]
// CHECK-NEXT: {{\[+}}100, 100]
// CHECK-NEXT: {{\[+}}94, 96]
// CHECK-NEXT: {{\[+}}98, 110]
// CHECK-NEXT: {{\[+}}104, 106]
// CHECK-NEXT: {{\[+}}108, 95]

// per_head_values
// CHECK: data =
// CHECK-NEXT: {{\[+}}96, 98]
// CHECK-NEXT: {{\[+}}93, 91]
// CHECK-NEXT: {{\[+}}102, 100]
// CHECK-NEXT: {{\[+}}96, 100]
// CHECK-NEXT: {{\[+}}108, 112]
// CHECK-NEXT: {{\[+}}99, 94]
// CHECK-NEXT: {{\[+}}94, 89]
// CHECK-NEXT: {{\[+}}102, 103]
// CHECK-NEXT: {{\[+}}100, 101]
// CHECK-NEXT: {{\[+}}110, 112]
// CHECK-NEXT: {{\[+}}96, 98]
// CHECK-NEXT: {{\[+}}93, 91]
// CHECK-NEXT: {{\[+}}102, 100]
// CHECK-NEXT: {{\[+}}96, 100]
// CHECK-NEXT: {{\[+}}108, 112]
// CHECK-NEXT: {{\[+}}99, 94]
// CHECK-NEXT: {{\[+}}94, 89]
// CHECK-NEXT: {{\[+}}102, 103]
// CHECK-NEXT: {{\[+}}100, 100]
// CHECK-NEXT: {{\[+}}100, 100]
// CHECK-NEXT: {{\[+}}94, 96]
// CHECK-NEXT: {{\[+}}108, 95]
// CHECK-NEXT: {{\[+}}104, 106]
// CHECK-NEXT: {{\[+}}108, 95]

// per_head_values_panels
// CHECK: data =
// CHECK-NEXT: {{\[+}}96, 98]
// CHECK-NEXT: {{\[+}}93, 91]
// CHECK-NEXT: {{\[+}}102, 100]
// CHECK-NEXT: {{\[+}}96, 100]
// CHECK-NEXT: {{\[+}}108, 112]
// CHECK-NEXT: {{\[+}}99, 94]
// CHECK-NEXT: {{\[+}}94, 89]
// CHECK-NEXT: {{\[+}}102, 103]
// CHECK-NEXT: {{\[+}}100, 101]
// CHECK-NEXT: {{\[+}}110, 112]
// CHECK-NEXT: {{\[+}}96, 98]
// CHECK-NEXT: {{\[+}}93, 91]
// CHECK-NEXT: {{\[+}}102, 100]
// CHECK-NEXT: {{\[+}}96, 100]
// CHECK-NEXT: {{\[+}}108, 112]
// CHECK-NEXT: {{\[+}}99, 94]
// CHECK-NEXT: {{\[+}}94, 89]
// CHECK-NEXT: {{\[+}}102, 103]
// CHECK-NEXT: {{\[+}}100, 100]
// CHECK-NEXT: {{\[+}}100, 100]
// CHECK-NEXT: {{\[+}}94, 96]
// CHECK-NEXT: {{\[+}}108, 95]
// CHECK-NEXT: {{\[+}}104, 106]
// CHECK-NEXT: {{\[+}}108, 95]

// per_head_queries
// CHECK: data =
// CHECK-NEXT: {{\[+}}102, 90, 88]
// CHECK-NEXT: {{\[+}}104, 101, 103]
// CHECK-NEXT: {{\[+}}100, 93, 91]
// CHECK-NEXT: {{\[+}}114, 100, 106]
// CHECK-NEXT: {{\[+}}98, 96, 94]
// CHECK-NEXT: {{\[+}}89, 99, 94]
// CHECK-NEXT: {{\[+}}101, 109, 112]
// CHECK-NEXT: {{\[+}}99, 98, 97]
// CHECK-NEXT: {{\[+}}99, 112, 115]
// CHECK-NEXT: {{\[+}}94, 102, 100]
// CHECK-NEXT: {{\[+}}102, 90, 88]
// CHECK-NEXT: {{\[+}}104, 101, 103]
// CHECK-NEXT: {{\[+}}100, 93, 91]
// CHECK-NEXT: {{\[+}}114, 100, 106]
// CHECK-NEXT: {{\[+}}98, 96, 94]
// CHECK-NEXT: {{\[+}}89, 99, 94]
// CHECK-NEXT: {{\[+}}101, 109, 112]
// CHECK-NEXT: {{\[+}}99, 98, 97]
// CHECK-NEXT: {{\[+}}100, 100, 100]
// CHECK-NEXT: {{\[+}}100, 100, 100]
// CHECK-NEXT: {{\[+}}98, 100, 102]
// CHECK-NEXT: {{\[+}}96, 94, 92]
// CHECK-NEXT: {{\[+}}100, 102, 104]
// CHECK-NEXT: {{\[+}}94, 96, 98]

// per_head_queries_panels
// CHECK: data =
// CHECK-NEXT: {{\[+}}102, 90, 88]
// CHECK-NEXT: {{\[+}}104, 101, 103]
// CHECK-NEXT: {{\[+}}100, 93, 91]
// CHECK-NEXT: {{\[+}}114, 100, 106]
// CHECK-NEXT: {{\[+}}98, 96, 94]
// CHECK-NEXT: {{\[+}}89, 99, 94]
// CHECK-NEXT: {{\[+}}101, 109, 112]
// CHECK-NEXT: {{\[+}}99, 98, 97]
// CHECK-NEXT: {{\[+}}99, 112, 115]
// CHECK-NEXT: {{\[+}}94, 102, 100]
// CHECK-NEXT: {{\[+}}102, 90, 88]
// CHECK-NEXT: {{\[+}}104, 101, 103]
// CHECK-NEXT: {{\[+}}100, 93, 91]
// CHECK-NEXT: {{\[+}}114, 100, 106]
// CHECK-NEXT: {{\[+}}98, 96, 94]
// CHECK-NEXT: {{\[+}}89, 99, 94]
// CHECK-NEXT: {{\[+}}101, 109, 112]
// CHECK-NEXT: {{\[+}}99, 98, 97]
// CHECK-NEXT: {{\[+}}100, 100, 100]
// CHECK-NEXT: {{\[+}}100, 100, 100]
// CHECK-NEXT: {{\[+}}98, 100, 102]
// CHECK-NEXT: {{\[+}}96, 94, 92]
// CHECK-NEXT: {{\[+}}100, 102, 104]
// CHECK-NEXT: {{\[+}}94, 96, 98]

// from_heads
// CHECK: data =
// CHECK-NEXT: {{\[+}}86, 107]
// CHECK-NEXT: {{\[+}}101, 88]
// CHECK-NEXT: {{\[+}}116, 104]
// CHECK-NEXT: {{\[+}}91, 110]
// CHECK-NEXT: {{\[+}}106, 91]
// CHECK-NEXT: {{\[+}}86, 107]
// CHECK-NEXT: {{\[+}}101, 88]
// CHECK-NEXT: {{\[+}}116, 104]
// CHECK-NEXT: {{\[+}}91, 110]
// CHECK-NEXT: {{\[+}}100, 100]
// CHECK-NEXT: {{\[+}}94, 102]
// CHECK-NEXT: {{\[+}}91, 90]

// from_heads_panels
// CHECK: data =
// CHECK-NEXT: {{\[+}}86, 107]
// CHECK-NEXT: {{\[+}}101, 88]
// CHECK-NEXT: {{\[+}}116, 104]
// CHECK-NEXT: {{\[+}}91, 110]
// CHECK-NEXT: {{\[+}}106, 91]
// CHECK-NEXT: {{\[+}}86, 107]
// CHECK-NEXT: {{\[+}}101, 88]
// CHECK-NEXT: {{\[+}}116, 104]
// CHECK-NEXT: {{\[+}}91, 110]
// CHECK-NEXT: {{\[+}}100, 100]
// CHECK-NEXT: {{\[+}}94, 102]
// CHECK-NEXT: {{\[+}}91, 90]
