// Executes projections: one row, a block of 8, a block and a row; packed weights give the same numbers.
//
// RUN: mla-opt %s --mla-to-cpu | %run_main | FileCheck %s
//
// x[t, k] = t + k and w[n, k] = n - k with 4 columns k, so
//   y[t, n] = sum_k (t + k) (n - k) = 4tn + 6n - 6t - 14.
// With heads: x[t, h, k] = t + h + k replaces t by t + h; to_heads has row 6h + n for n;
// from_heads sums over h. All are integers, exact in float32.

func.func private @printMemrefF32(tensor<*xf32> {bufferization.access = "read"})

func.func private @sum(%a: index, %b: index) -> f32 {
  %s = arith.addi %a, %b : index
  %i = arith.index_cast %s : index to i32
  %f = arith.sitofp %i : i32 to f32
  return %f : f32
}

func.func private @difference(%a: index, %b: index) -> f32 {
  %s = arith.subi %a, %b : index
  %i = arith.index_cast %s : index to i32
  %f = arith.sitofp %i : i32 to f32
  return %f : f32
}

func.func private @plain(%tokens: index) {
  %x = tensor.generate %tokens {
  ^bb0(%t: index, %k: index):
    %f = func.call @sum(%t, %k) : (index, index) -> f32
    tensor.yield %f : f32
  } : tensor<?x4xf32>
  %w = tensor.generate {
  ^bb0(%n: index, %k: index):
    %f = func.call @difference(%n, %k) : (index, index) -> f32
    tensor.yield %f : f32
  } : tensor<6x4xf32>
  %y = mla.project %x, %w : (tensor<?x4xf32>, tensor<6x4xf32>) -> tensor<?x6xf32>
  %print = tensor.cast %y : tensor<?x6xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}

func.func private @plain_panels(%tokens: index) {
  %x = tensor.generate %tokens {
  ^bb0(%t: index, %k: index):
    %f = func.call @sum(%t, %k) : (index, index) -> f32
    tensor.yield %f : f32
  } : tensor<?x4xf32>
  %w = tensor.generate {
  ^bb0(%p: index, %k: index, %r: index):
    %c3 = arith.constant 3 : index
    %first = arith.muli %p, %c3 : index
    %n = arith.addi %first, %r : index
    %f = func.call @difference(%n, %k) : (index, index) -> f32
    tensor.yield %f : f32
  } : tensor<2x4x3xf32>
  %y = mla.project %x, %w panels : (tensor<?x4xf32>, tensor<2x4x3xf32>) -> tensor<?x6xf32>
  %print = tensor.cast %y : tensor<?x6xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}

func.func private @to_heads(%tokens: index) {
  %x = tensor.generate %tokens {
  ^bb0(%t: index, %k: index):
    %f = func.call @sum(%t, %k) : (index, index) -> f32
    tensor.yield %f : f32
  } : tensor<?x4xf32>
  %w = tensor.generate {
  ^bb0(%h: index, %row: index, %k: index):
    %c6 = arith.constant 6 : index
    %first = arith.muli %h, %c6 : index
    %n = arith.addi %first, %row : index
    %f = func.call @difference(%n, %k) : (index, index) -> f32
    tensor.yield %f : f32
  } : tensor<2x6x4xf32>
  %y = mla.project to_heads %x, %w : (tensor<?x4xf32>, tensor<2x6x4xf32>) -> tensor<?x2x6xf32>
  %print = tensor.cast %y : tensor<?x2x6xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}

func.func private @to_heads_panels(%tokens: index) {
  %x = tensor.generate %tokens {
  ^bb0(%t: index, %k: index):
    %f = func.call @sum(%t, %k) : (index, index) -> f32
    tensor.yield %f : f32
  } : tensor<?x4xf32>
  %w = tensor.generate {
  ^bb0(%p: index, %k: index, %r: index):
    %c3 = arith.constant 3 : index
    %first = arith.muli %p, %c3 : index
    %n = arith.addi %first, %r : index
    %f = func.call @difference(%n, %k) : (index, index) -> f32
    tensor.yield %f : f32
  } : tensor<4x4x3xf32>
  %y = mla.project to_heads %x, %w panels : (tensor<?x4xf32>, tensor<4x4x3xf32>) -> tensor<?x2x6xf32>
  %print = tensor.cast %y : tensor<?x2x6xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}

func.func private @per_head(%tokens: index) {
  %x = tensor.generate %tokens {
  ^bb0(%t: index, %h: index, %k: index):
    %u = arith.addi %t, %h : index
    %f = func.call @sum(%u, %k) : (index, index) -> f32
    tensor.yield %f : f32
  } : tensor<?x2x4xf32>
  %w = tensor.generate {
  ^bb0(%h: index, %n: index, %k: index):
    %f = func.call @difference(%n, %k) : (index, index) -> f32
    tensor.yield %f : f32
  } : tensor<2x6x4xf32>
  %y = mla.project per_head %x, %w : (tensor<?x2x4xf32>, tensor<2x6x4xf32>) -> tensor<?x2x6xf32>
  %print = tensor.cast %y : tensor<?x2x6xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}

func.func private @per_head_panels(%tokens: index) {
  %x = tensor.generate %tokens {
  ^bb0(%t: index, %h: index, %k: index):
    %u = arith.addi %t, %h : index
    %f = func.call @sum(%u, %k) : (index, index) -> f32
    tensor.yield %f : f32
  } : tensor<?x2x4xf32>
  %w = tensor.generate {
  ^bb0(%h: index, %p: index, %k: index, %r: index):
    %c3 = arith.constant 3 : index
    %first = arith.muli %p, %c3 : index
    %n = arith.addi %first, %r : index
    %f = func.call @difference(%n, %k) : (index, index) -> f32
    tensor.yield %f : f32
  } : tensor<2x2x4x3xf32>
  %y = mla.project per_head %x, %w panels : (tensor<?x2x4xf32>, tensor<2x2x4x3xf32>) -> tensor<?x2x6xf32>
  %print = tensor.cast %y : tensor<?x2x6xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}

func.func private @from_heads(%tokens: index) {
  %x = tensor.generate %tokens {
  ^bb0(%t: index, %h: index, %k: index):
    %u = arith.addi %t, %h : index
    %f = func.call @sum(%u, %k) : (index, index) -> f32
    tensor.yield %f : f32
  } : tensor<?x2x4xf32>
  %w = tensor.generate {
  ^bb0(%n: index, %h: index, %k: index):
    %f = func.call @difference(%n, %k) : (index, index) -> f32
    tensor.yield %f : f32
  } : tensor<6x2x4xf32>
  %y = mla.project from_heads %x, %w : (tensor<?x2x4xf32>, tensor<6x2x4xf32>) -> tensor<?x6xf32>
  %print = tensor.cast %y : tensor<?x6xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}

func.func private @from_heads_panels(%tokens: index) {
  %x = tensor.generate %tokens {
  ^bb0(%t: index, %h: index, %k: index):
    %u = arith.addi %t, %h : index
    %f = func.call @sum(%u, %k) : (index, index) -> f32
    tensor.yield %f : f32
  } : tensor<?x2x4xf32>
  %w = tensor.generate {
  ^bb0(%p: index, %j: index, %r: index):
    %c4 = arith.constant 4 : index
    %k = arith.remui %j, %c4 : index
    %c3 = arith.constant 3 : index
    %first = arith.muli %p, %c3 : index
    %n = arith.addi %first, %r : index
    %f = func.call @difference(%n, %k) : (index, index) -> f32
    tensor.yield %f : f32
  } : tensor<2x8x3xf32>
  %y = mla.project from_heads %x, %w panels : (tensor<?x2x4xf32>, tensor<2x8x3xf32>) -> tensor<?x6xf32>
  %print = tensor.cast %y : tensor<?x6xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %c9 = arith.constant 9 : index
  call @plain(%c1) : (index) -> ()
  call @plain(%c8) : (index) -> ()
  call @plain(%c9) : (index) -> ()
  call @plain_panels(%c1) : (index) -> ()
  call @plain_panels(%c8) : (index) -> ()
  call @plain_panels(%c9) : (index) -> ()
  call @to_heads(%c1) : (index) -> ()
  call @to_heads(%c9) : (index) -> ()
  call @to_heads_panels(%c1) : (index) -> ()
  call @to_heads_panels(%c9) : (index) -> ()
  call @per_head(%c1) : (index) -> ()
  call @per_head(%c9) : (index) -> ()
  call @per_head_panels(%c1) : (index) -> ()
  call @per_head_panels(%c9) : (index) -> ()
  call @from_heads(%c1) : (index) -> ()
  call @from_heads(%c8) : (index) -> ()
  call @from_heads(%c9) : (index) -> ()
  call @from_heads_panels(%c1) : (index) -> ()
  call @from_heads_panels(%c8) : (index) -> ()
  call @from_heads_panels(%c9) : (index) -> ()
  call @plain(%c0) : (index) -> ()
  return
}

// plain, 1 token
// CHECK: data =
// CHECK-NEXT: {{\[\[}}-14, -8, -2, 4, 10, 16{{\]\]}}

// plain, 8 tokens
// CHECK: data =
// CHECK-NEXT: {{\[\[}}-14, -8, -2, 4, 10, 16],
// CHECK-NEXT: [-20, -10, 0, 10, 20, 30],
// CHECK-NEXT: [-26, -12, 2, 16, 30, 44],
// CHECK-NEXT: [-32, -14, 4, 22, 40, 58],
// CHECK-NEXT: [-38, -16, 6, 28, 50, 72],
// CHECK-NEXT: [-44, -18, 8, 34, 60, 86],
// CHECK-NEXT: [-50, -20, 10, 40, 70, 100],
// CHECK-NEXT: [-56, -22, 12, 46, 80, 114{{\]\]}}

// plain, 9 tokens
// CHECK: data =
// CHECK-NEXT: {{\[\[}}-14, -8, -2, 4, 10, 16],
// CHECK-NEXT: [-20, -10, 0, 10, 20, 30],
// CHECK-NEXT: [-26, -12, 2, 16, 30, 44],
// CHECK-NEXT: [-32, -14, 4, 22, 40, 58],
// CHECK-NEXT: [-38, -16, 6, 28, 50, 72],
// CHECK-NEXT: [-44, -18, 8, 34, 60, 86],
// CHECK-NEXT: [-50, -20, 10, 40, 70, 100],
// CHECK-NEXT: [-56, -22, 12, 46, 80, 114],
// CHECK-NEXT: [-62, -24, 14, 52, 90, 128{{\]\]}}

// plain_panels, 1 token
// CHECK: data =
// CHECK-NEXT: {{\[\[}}-14, -8, -2, 4, 10, 16{{\]\]}}

// plain_panels, 8 tokens
// CHECK: data =
// CHECK-NEXT: {{\[\[}}-14, -8, -2, 4, 10, 16],
// CHECK-NEXT: [-20, -10, 0, 10, 20, 30],
// CHECK-NEXT: [-26, -12, 2, 16, 30, 44],
// CHECK-NEXT: [-32, -14, 4, 22, 40, 58],
// CHECK-NEXT: [-38, -16, 6, 28, 50, 72],
// CHECK-NEXT: [-44, -18, 8, 34, 60, 86],
// CHECK-NEXT: [-50, -20, 10, 40, 70, 100],
// CHECK-NEXT: [-56, -22, 12, 46, 80, 114{{\]\]}}

// plain_panels, 9 tokens
// CHECK: data =
// CHECK-NEXT: {{\[\[}}-14, -8, -2, 4, 10, 16],
// CHECK-NEXT: [-20, -10, 0, 10, 20, 30],
// CHECK-NEXT: [-26, -12, 2, 16, 30, 44],
// CHECK-NEXT: [-32, -14, 4, 22, 40, 58],
// CHECK-NEXT: [-38, -16, 6, 28, 50, 72],
// CHECK-NEXT: [-44, -18, 8, 34, 60, 86],
// CHECK-NEXT: [-50, -20, 10, 40, 70, 100],
// CHECK-NEXT: [-56, -22, 12, 46, 80, 114],
// CHECK-NEXT: [-62, -24, 14, 52, 90, 128{{\]\]}}

// to_heads, 1 token
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}-14, -8, -2, 4, 10, 16],
// CHECK-NEXT: [22, 28, 34, 40, 46, 52{{\]\]\]}}

// to_heads, 9 tokens
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}-14, -8, -2, 4, 10, 16],
// CHECK-NEXT: [22, 28, 34, 40, 46, 52{{\]\]}},
// CHECK-NEXT: {{\[\[}}-20, -10, 0, 10, 20, 30],
// CHECK-NEXT: [40, 50, 60, 70, 80, 90{{\]\]}},
// CHECK-NEXT: {{\[\[}}-26, -12, 2, 16, 30, 44],
// CHECK-NEXT: [58, 72, 86, 100, 114, 128{{\]\]}},
// CHECK-NEXT: {{\[\[}}-32, -14, 4, 22, 40, 58],
// CHECK-NEXT: [76, 94, 112, 130, 148, 166{{\]\]}},
// CHECK-NEXT: {{\[\[}}-38, -16, 6, 28, 50, 72],
// CHECK-NEXT: [94, 116, 138, 160, 182, 204{{\]\]}},
// CHECK-NEXT: {{\[\[}}-44, -18, 8, 34, 60, 86],
// CHECK-NEXT: [112, 138, 164, 190, 216, 242{{\]\]}},
// CHECK-NEXT: {{\[\[}}-50, -20, 10, 40, 70, 100],
// CHECK-NEXT: [130, 160, 190, 220, 250, 280{{\]\]}},
// CHECK-NEXT: {{\[\[}}-56, -22, 12, 46, 80, 114],
// CHECK-NEXT: [148, 182, 216, 250, 284, 318{{\]\]}},
// CHECK-NEXT: {{\[\[}}-62, -24, 14, 52, 90, 128],
// CHECK-NEXT: [166, 204, 242, 280, 318, 356{{\]\]\]}}

// to_heads_panels, 1 token
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}-14, -8, -2, 4, 10, 16],
// CHECK-NEXT: [22, 28, 34, 40, 46, 52{{\]\]\]}}

// to_heads_panels, 9 tokens
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}-14, -8, -2, 4, 10, 16],
// CHECK-NEXT: [22, 28, 34, 40, 46, 52{{\]\]}},
// CHECK-NEXT: {{\[\[}}-20, -10, 0, 10, 20, 30],
// CHECK-NEXT: [40, 50, 60, 70, 80, 90{{\]\]}},
// CHECK-NEXT: {{\[\[}}-26, -12, 2, 16, 30, 44],
// CHECK-NEXT: [58, 72, 86, 100, 114, 128{{\]\]}},
// CHECK-NEXT: {{\[\[}}-32, -14, 4, 22, 40, 58],
// CHECK-NEXT: [76, 94, 112, 130, 148, 166{{\]\]}},
// CHECK-NEXT: {{\[\[}}-38, -16, 6, 28, 50, 72],
// CHECK-NEXT: [94, 116, 138, 160, 182, 204{{\]\]}},
// CHECK-NEXT: {{\[\[}}-44, -18, 8, 34, 60, 86],
// CHECK-NEXT: [112, 138, 164, 190, 216, 242{{\]\]}},
// CHECK-NEXT: {{\[\[}}-50, -20, 10, 40, 70, 100],
// CHECK-NEXT: [130, 160, 190, 220, 250, 280{{\]\]}},
// CHECK-NEXT: {{\[\[}}-56, -22, 12, 46, 80, 114],
// CHECK-NEXT: [148, 182, 216, 250, 284, 318{{\]\]}},
// CHECK-NEXT: {{\[\[}}-62, -24, 14, 52, 90, 128],
// CHECK-NEXT: [166, 204, 242, 280, 318, 356{{\]\]\]}}

// per_head, 1 token
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}-14, -8, -2, 4, 10, 16],
// CHECK-NEXT: [-20, -10, 0, 10, 20, 30{{\]\]\]}}

// per_head, 9 tokens
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}-14, -8, -2, 4, 10, 16],
// CHECK-NEXT: [-20, -10, 0, 10, 20, 30{{\]\]}},
// CHECK-NEXT: {{\[\[}}-20, -10, 0, 10, 20, 30],
// CHECK-NEXT: [-26, -12, 2, 16, 30, 44{{\]\]}},
// CHECK-NEXT: {{\[\[}}-26, -12, 2, 16, 30, 44],
// CHECK-NEXT: [-32, -14, 4, 22, 40, 58{{\]\]}},
// CHECK-NEXT: {{\[\[}}-32, -14, 4, 22, 40, 58],
// CHECK-NEXT: [-38, -16, 6, 28, 50, 72{{\]\]}},
// CHECK-NEXT: {{\[\[}}-38, -16, 6, 28, 50, 72],
// CHECK-NEXT: [-44, -18, 8, 34, 60, 86{{\]\]}},
// CHECK-NEXT: {{\[\[}}-44, -18, 8, 34, 60, 86],
// CHECK-NEXT: [-50, -20, 10, 40, 70, 100{{\]\]}},
// CHECK-NEXT: {{\[\[}}-50, -20, 10, 40, 70, 100],
// CHECK-NEXT: [-56, -22, 12, 46, 80, 114{{\]\]}},
// CHECK-NEXT: {{\[\[}}-56, -22, 12, 46, 80, 114],
// CHECK-NEXT: [-62, -24, 14, 52, 90, 128{{\]\]}},
// CHECK-NEXT: {{\[\[}}-62, -24, 14, 52, 90, 128],
// CHECK-NEXT: [-68, -26, 16, 58, 100, 142{{\]\]\]}}

// per_head_panels, 1 token
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}-14, -8, -2, 4, 10, 16],
// CHECK-NEXT: [-20, -10, 0, 10, 20, 30{{\]\]\]}}

// per_head_panels, 9 tokens
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}-14, -8, -2, 4, 10, 16],
// CHECK-NEXT: [-20, -10, 0, 10, 20, 30{{\]\]}},
// CHECK-NEXT: {{\[\[}}-20, -10, 0, 10, 20, 30],
// CHECK-NEXT: [-26, -12, 2, 16, 30, 44{{\]\]}},
// CHECK-NEXT: {{\[\[}}-26, -12, 2, 16, 30, 44],
// CHECK-NEXT: [-32, -14, 4, 22, 40, 58{{\]\]}},
// CHECK-NEXT: {{\[\[}}-32, -14, 4, 22, 40, 58],
// CHECK-NEXT: [-38, -16, 6, 28, 50, 72{{\]\]}},
// CHECK-NEXT: {{\[\[}}-38, -16, 6, 28, 50, 72],
// CHECK-NEXT: [-44, -18, 8, 34, 60, 86{{\]\]}},
// CHECK-NEXT: {{\[\[}}-44, -18, 8, 34, 60, 86],
// CHECK-NEXT: [-50, -20, 10, 40, 70, 100{{\]\]}},
// CHECK-NEXT: {{\[\[}}-50, -20, 10, 40, 70, 100],
// CHECK-NEXT: [-56, -22, 12, 46, 80, 114{{\]\]}},
// CHECK-NEXT: {{\[\[}}-56, -22, 12, 46, 80, 114],
// CHECK-NEXT: [-62, -24, 14, 52, 90, 128{{\]\]}},
// CHECK-NEXT: {{\[\[}}-62, -24, 14, 52, 90, 128],
// CHECK-NEXT: [-68, -26, 16, 58, 100, 142{{\]\]\]}}

// from_heads, 1 token
// CHECK: data =
// CHECK-NEXT: {{\[\[}}-34, -18, -2, 14, 30, 46{{\]\]}}

// from_heads, 8 tokens
// CHECK: data =
// CHECK-NEXT: {{\[\[}}-34, -18, -2, 14, 30, 46],
// CHECK-NEXT: [-46, -22, 2, 26, 50, 74],
// CHECK-NEXT: [-58, -26, 6, 38, 70, 102],
// CHECK-NEXT: [-70, -30, 10, 50, 90, 130],
// CHECK-NEXT: [-82, -34, 14, 62, 110, 158],
// CHECK-NEXT: [-94, -38, 18, 74, 130, 186],
// CHECK-NEXT: [-106, -42, 22, 86, 150, 214],
// CHECK-NEXT: [-118, -46, 26, 98, 170, 242{{\]\]}}

// from_heads, 9 tokens
// CHECK: data =
// CHECK-NEXT: {{\[\[}}-34, -18, -2, 14, 30, 46],
// CHECK-NEXT: [-46, -22, 2, 26, 50, 74],
// CHECK-NEXT: [-58, -26, 6, 38, 70, 102],
// CHECK-NEXT: [-70, -30, 10, 50, 90, 130],
// CHECK-NEXT: [-82, -34, 14, 62, 110, 158],
// CHECK-NEXT: [-94, -38, 18, 74, 130, 186],
// CHECK-NEXT: [-106, -42, 22, 86, 150, 214],
// CHECK-NEXT: [-118, -46, 26, 98, 170, 242],
// CHECK-NEXT: [-130, -50, 30, 110, 190, 270{{\]\]}}

// from_heads_panels, 1 token
// CHECK: data =
// CHECK-NEXT: {{\[\[}}-34, -18, -2, 14, 30, 46{{\]\]}}

// from_heads_panels, 8 tokens
// CHECK: data =
// CHECK-NEXT: {{\[\[}}-34, -18, -2, 14, 30, 46],
// CHECK-NEXT: [-46, -22, 2, 26, 50, 74],
// CHECK-NEXT: [-58, -26, 6, 38, 70, 102],
// CHECK-NEXT: [-70, -30, 10, 50, 90, 130],
// CHECK-NEXT: [-82, -34, 14, 62, 110, 158],
// CHECK-NEXT: [-94, -38, 18, 74, 130, 186],
// CHECK-NEXT: [-106, -42, 22, 86, 150, 214],
// CHECK-NEXT: [-118, -46, 26, 98, 170, 242{{\]\]}}

// from_heads_panels, 9 tokens
// CHECK: data =
// CHECK-NEXT: {{\[\[}}-34, -18, -2, 14, 30, 46],
// CHECK-NEXT: [-46, -22, 2, 26, 50, 74],
// CHECK-NEXT: [-58, -26, 6, 38, 70, 102],
// CHECK-NEXT: [-70, -30, 10, 50, 90, 130],
// CHECK-NEXT: [-82, -34, 14, 62, 110, 158],
// CHECK-NEXT: [-94, -38, 18, 74, 130, 186],
// CHECK-NEXT: [-106, -42, 22, 86, 150, 214],
// CHECK-NEXT: [-118, -46, 26, 98, 170, 242],
// CHECK-NEXT: [-130, -50, 30, 110, 190, 270{{\]\]}}

// Zero tokens give zero rows.
// CHECK: sizes = [0, 6]
