// Choices in e4m3, of two terms, give the same sums sorted as unsorted: rows are sorted with their terms and scales. One choice is of no
// expert.
//
// RUN: mla-opt %s --mla-to-cpu | %run_main | FileCheck %s
// RUN: mla-opt %s --mla-sort-choices --mla-to-cpu | %run_main | FileCheck %s
// RUN: mla-opt %s --mla-sort-choices | FileCheck %s --check-prefix=SORTED

// SORTED: mla.sort_choices {{.*}} scaled {{.*}} -> tensor<?x2x2x8xf8E4M3FN>, tensor<?x2xi32>, tensor<4xi32>, tensor<?x2x2xf32>

func.func private @printMemrefF32(tensor<*xf32> {bufferization.access = "read"})

// Numbers from -1 to 1 that depend on all of a, b and c.
func.func private @number(%a: index, %b: index, %c: index) -> f32 {
  %c3 = arith.constant 3 : index
  %c5 = arith.constant 5 : index
  %c11 = arith.constant 11 : index
  %five = arith.constant 5.0 : f32
  %a3 = arith.muli %a, %c3 : index
  %b5 = arith.muli %b, %c5 : index
  %bc = arith.muli %b, %c : index
  %s0 = arith.addi %a3, %b5 : index
  %s1 = arith.addi %s0, %bc : index
  %s2 = arith.addi %s1, %c : index
  %r = arith.remui %s2, %c11 : index
  %i = arith.index_cast %r : index to i32
  %f = arith.sitofp %i : i32 to f32
  %d = arith.subf %f, %five : f32
  %q = arith.divf %d, %five : f32
  return %q : f32
}

func.func private @chosen(%x: tensor<?x8xf32>, %e: tensor<?x2xi32>, %f: tensor<?x2xf32>) {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x8xf32>
  %w_up = tensor.generate {
  ^bb0(%i: index, %n: index, %k: index):
    %v = func.call @number(%i, %n, %k) : (index, index, index) -> f32
    tensor.yield %v : f32
  } : tensor<3x8x8xf32>
  %w_down = tensor.generate {
  ^bb0(%i: index, %n: index, %k: index):
    %v = func.call @number(%k, %i, %n) : (index, index, index) -> f32
    tensor.yield %v : f32
  } : tensor<3x8x4xf32>
  %q, %s = mla.quantize %x {group = 4 : i64, terms = 2 : i64} : tensor<?x8xf32> -> tensor<?x2x8xf8E4M3FN>, tensor<?x2xf32>
  %xd = mla.dequantize %q, %s {block = array<i64: 1, 4>} : tensor<?x2x8xf8E4M3FN>, tensor<?x2xf32> -> tensor<?x8xf32>
  %wide = mla.experts_project %xd, %w_up of %e : (tensor<?x8xf32>, tensor<3x8x8xf32>, tensor<?x2xi32>) -> tensor<?x2x8xf32>
  %gate = tensor.extract_slice %wide[0, 0, 0] [%tokens, 2, 4] [1, 1, 1] : tensor<?x2x8xf32> to tensor<?x2x4xf32>
  %up = tensor.extract_slice %wide[0, 0, 4] [%tokens, 2, 4] [1, 1, 1] : tensor<?x2x8xf32> to tensor<?x2x4xf32>
  %h = mla.swiglu %gate, %up : tensor<?x2x4xf32> -> tensor<?x2x4xf32>
  %hq, %hs = mla.quantize %h {group = 4 : i64, terms = 2 : i64, term_dim = 2 : i64} : tensor<?x2x4xf32> -> tensor<?x2x2x4xf8E4M3FN>, tensor<?x2x1xf32>
  %hd = mla.dequantize %hq, %hs {block = array<i64: 1, 1, 4>, term_dim = 2 : i64} : tensor<?x2x2x4xf8E4M3FN>, tensor<?x2x1xf32> -> tensor<?x2x4xf32>
  %y = mla.experts_project %hd, %w_down of %e summed %f : (tensor<?x2x4xf32>, tensor<3x8x4xf32>, tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x8xf32>
  %print = tensor.cast %y : tensor<?x8xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  %c3 = arith.constant 3 : index
  %x = tensor.generate %c3 {
  ^bb0(%t: index, %k: index):
    %f = func.call @number(%t, %k, %c3) : (index, index, index) -> f32
    tensor.yield %f : f32
  } : tensor<?x8xf32>
  %numbers = arith.constant dense<[[2, 0], [-1, 2], [1, 0]]> : tensor<3x2xi32>
  %experts = tensor.cast %numbers : tensor<3x2xi32> to tensor<?x2xi32>
  %factors = arith.constant dense<[[1.0, 2.0], [3.0, 0.5], [-1.0, 4.0]]> : tensor<3x2xf32>
  %weights = tensor.cast %factors : tensor<3x2xf32> to tensor<?x2xf32>
  call @chosen(%x, %experts, %weights) : (tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>) -> ()
  return
}

// CHECK: data =
// CHECK-NEXT: {{\[\[}}-0.4594{{.*}}, 0.9364{{.*}}, 1.224{{.*}}, -0.4190{{.*}}, -0.4250{{.*}}, 0.6206{{.*}}, 0.0214{{.*}}, -1.622{{.*}}],
// CHECK-NEXT: [-0.1360{{.*}}, 0.2056{{.*}}, -0.0269{{.*}}, -0.2782{{.*}}, -0.2060{{.*}}, 0.2767{{.*}}, 0.0441{{.*}}, -0.2071{{.*}}],
// CHECK-NEXT: [-2.822{{.*}}, -5.538{{.*}}, 6.734{{.*}}, 3.903{{.*}}, 1.890{{.*}}, -0.4307{{.*}}, -1.970{{.*}}, -4.696{{.*}}]]
