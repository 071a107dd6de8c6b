// Sorted choices, and a shared MLP as experts, give the same sums. One token's number of an expert is none.
//
// RUN: mla-opt %s --mla-to-cpu | %run_main | FileCheck %s
// RUN: mla-opt %s --mla-sort-choices --mla-to-cpu | %run_main | FileCheck %s
// RUN: mla-opt %s --mla-share-experts --mla-to-cpu | %run_main | FileCheck %s
// RUN: mla-opt %s --mla-share-experts --mla-sort-choices --mla-to-cpu | %run_main | FileCheck %s
// Experts that are numbered from 5 on.
// RUN: sed 's/\[\[2, 0\], \[-1, 2\], \[1, 3\]\]/[[7, 5], [4, 7], [6, 8]]/; /@chosen(%x/,/^}/ { s/ of %e : / of %e {from = 5 : i64} : /; s/ summed %f : / summed %f {from = 5 : i64} : /; }' %s > %t
// RUN: grep -c '^  .*mla.experts_project.* {from = 5' %t | FileCheck %s --check-prefix=COUNT
// COUNT: {{^}}2{{$}}
// RUN: mla-opt %t --mla-to-cpu | %run_main | FileCheck %s
// RUN: mla-opt %t --mla-sort-choices --mla-to-cpu | %run_main | FileCheck %s

// RUN: mla-opt %s --mla-share-experts --mla-sort-choices | FileCheck %s --check-prefix=SORTED

// SORTED: func.func private @routed
// SORTED: mla.sort_choices {{.*}} -> tensor<?x4x8xf32>, tensor<?x4xi32>, tensor<6xi32>
// SORTED: func.func private @chosen
// SORTED: mla.sort_choices {{.*}} -> tensor<?x2x8xf32>, tensor<?x2xi32>, tensor<4xi32>

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

func.func private @wide(%which: index) -> tensor<4x8xf32> {
  %w = tensor.generate {
  ^bb0(%n: index, %k: index):
    %f = func.call @number(%which, %n, %k) : (index, index, index) -> f32
    tensor.yield %f : f32
  } : tensor<4x8xf32>
  return %w : tensor<4x8xf32>
}

func.func private @narrow(%which: index) -> tensor<8x4xf32> {
  %w = tensor.generate {
  ^bb0(%n: index, %k: index):
    %f = func.call @number(%which, %n, %k) : (index, index, index) -> f32
    tensor.yield %f : f32
  } : tensor<8x4xf32>
  return %w : tensor<8x4xf32>
}

func.func private @up() -> tensor<24x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %c5 = arith.constant 5 : index
  %g0 = call @wide(%c0) : (index) -> tensor<4x8xf32>
  %u0 = call @wide(%c1) : (index) -> tensor<4x8xf32>
  %g1 = call @wide(%c2) : (index) -> tensor<4x8xf32>
  %u1 = call @wide(%c3) : (index) -> tensor<4x8xf32>
  %g2 = call @wide(%c4) : (index) -> tensor<4x8xf32>
  %u2 = call @wide(%c5) : (index) -> tensor<4x8xf32>
  %w = tensor.concat dim(0) %g0, %u0, %g1, %u1, %g2, %u2 : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<24x8xf32>
  return %w : tensor<24x8xf32>
}

// Experts that a router chooses, and an MLP of twice their width.
func.func private @routed(%x: tensor<?x8xf32>, %logits: tensor<?x3xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %c5 = arith.constant 5 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x8xf32>
  %g0 = call @wide(%c0) : (index) -> tensor<4x8xf32>
  %u0 = call @wide(%c1) : (index) -> tensor<4x8xf32>
  %g1 = call @wide(%c2) : (index) -> tensor<4x8xf32>
  %u1 = call @wide(%c3) : (index) -> tensor<4x8xf32>
  %g2 = call @wide(%c4) : (index) -> tensor<4x8xf32>
  %u2 = call @wide(%c5) : (index) -> tensor<4x8xf32>
  %ups = tensor.concat dim(0) %g0, %u0, %g1, %u1, %g2, %u2 : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<24x8xf32>
  %w_up = tensor.expand_shape %ups [[0, 1], [2]] output_shape [3, 8, 8] : tensor<24x8xf32> into tensor<3x8x8xf32>
  %d0 = call @narrow(%c0) : (index) -> tensor<8x4xf32>
  %d1 = call @narrow(%c1) : (index) -> tensor<8x4xf32>
  %d2 = call @narrow(%c2) : (index) -> tensor<8x4xf32>
  %downs = tensor.concat dim(0) %d0, %d1, %d2 : (tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<24x4xf32>
  %w_down = tensor.expand_shape %downs [[0, 1], [2]] output_shape [3, 8, 4] : tensor<24x4xf32> into tensor<3x8x4xf32>
  %e, %f = mla.route softmax %logits {factor = 2.0 : f64} : tensor<?x3xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %wide = mla.experts_project %x, %w_up of %e : (tensor<?x8xf32>, tensor<3x8x8xf32>, tensor<?x2xi32>) -> tensor<?x2x8xf32>
  %gate = tensor.extract_slice %wide[0, 0, 0] [%tokens, 2, 4] [1, 1, 1] : tensor<?x2x8xf32> to tensor<?x2x4xf32>
  %up = tensor.extract_slice %wide[0, 0, 4] [%tokens, 2, 4] [1, 1, 1] : tensor<?x2x8xf32> to tensor<?x2x4xf32>
  %h = mla.swiglu %gate, %up : tensor<?x2x4xf32> -> tensor<?x2x4xf32>
  %y = mla.experts_project %h, %w_down of %e summed %f : (tensor<?x2x4xf32>, tensor<3x8x4xf32>, tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x8xf32>
  %sg = tensor.concat dim(0) %u0, %g1 : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<8x8xf32>
  %su = tensor.concat dim(0) %g2, %u1 : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<8x8xf32>
  %sd = tensor.concat dim(1) %d2, %d0 : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x8xf32>
  %sgu = tensor.concat dim(0) %sg, %su : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<16x8xf32>
  %swide = mla.project %x, %sgu : (tensor<?x8xf32>, tensor<16x8xf32>) -> tensor<?x16xf32>
  %sgate = tensor.extract_slice %swide[0, 0] [%tokens, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
  %sup = tensor.extract_slice %swide[0, 8] [%tokens, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
  %sh = mla.swiglu %sgate, %sup : tensor<?x8xf32> -> tensor<?x8xf32>
  %shared = mla.project %sh, %sd : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %sum = arith.addf %y, %shared : tensor<?x8xf32>
  %print = tensor.cast %sum : tensor<?x8xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}

// Experts of given numbers.
func.func private @chosen(%x: tensor<?x8xf32>, %e: tensor<?x2xi32>, %f: tensor<?x2xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x8xf32>
  %ups = call @up() : () -> tensor<24x8xf32>
  %w_up = tensor.expand_shape %ups [[0, 1], [2]] output_shape [3, 8, 8] : tensor<24x8xf32> into tensor<3x8x8xf32>
  %d0 = call @narrow(%c0) : (index) -> tensor<8x4xf32>
  %d1 = call @narrow(%c1) : (index) -> tensor<8x4xf32>
  %d2 = call @narrow(%c2) : (index) -> tensor<8x4xf32>
  %downs = tensor.concat dim(0) %d0, %d1, %d2 : (tensor<8x4xf32>, tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<24x4xf32>
  %w_down = tensor.expand_shape %downs [[0, 1], [2]] output_shape [3, 8, 4] : tensor<24x4xf32> into tensor<3x8x4xf32>
  %wide = mla.experts_project %x, %w_up of %e : (tensor<?x8xf32>, tensor<3x8x8xf32>, tensor<?x2xi32>) -> tensor<?x2x8xf32>
  %gate = tensor.extract_slice %wide[0, 0, 0] [%tokens, 2, 4] [1, 1, 1] : tensor<?x2x8xf32> to tensor<?x2x4xf32>
  %up = tensor.extract_slice %wide[0, 0, 4] [%tokens, 2, 4] [1, 1, 1] : tensor<?x2x8xf32> to tensor<?x2x4xf32>
  %h = mla.swiglu %gate, %up : tensor<?x2x4xf32> -> tensor<?x2x4xf32>
  %y = mla.experts_project %h, %w_down of %e summed %f : (tensor<?x2x4xf32>, tensor<3x8x4xf32>, tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x8xf32>
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
  %logits = tensor.generate %c3 {
  ^bb0(%t: index, %k: index):
    %f = func.call @number(%k, %t, %c3) : (index, index, index) -> f32
    tensor.yield %f : f32
  } : tensor<?x3xf32>
  call @routed(%x, %logits) : (tensor<?x8xf32>, tensor<?x3xf32>) -> ()
  %numbers = arith.constant dense<[[2, 0], [-1, 2], [1, 3]]> : tensor<3x2xi32>
  %experts = tensor.cast %numbers : tensor<3x2xi32> to tensor<?x2xi32>
  %factors = arith.constant dense<[[1.0, 2.0], [3.0, 0.5], [-1.0, 4.0]]> : tensor<3x2xf32>
  %weights = tensor.cast %factors : tensor<3x2xf32> to tensor<?x2xf32>
  call @chosen(%x, %experts, %weights) : (tensor<?x8xf32>, tensor<?x2xi32>, tensor<?x2xf32>) -> ()
  return
}

// CHECK: data =
// CHECK-NEXT: {{\[\[}}-1.215{{.*}}, -1.682{{.*}}, -1.408{{.*}}, 5.136{{.*}}, -2.820{{.*}}, 3.722{{.*}}, 1.237{{.*}}, -3.682{{.*}}],
// CHECK-NEXT: [0.7623{{.*}}, -0.2135{{.*}}, 0.0208{{.*}}, -0.7050{{.*}}, 0.6450{{.*}}, -0.3874{{.*}}, -1.454{{.*}}, 2.358{{.*}}],
// CHECK-NEXT: [0.8470{{.*}}, 3.623{{.*}}, -2.720{{.*}}, -0.6607{{.*}}, 1.700{{.*}}, -1.869{{.*}}, -2.611{{.*}}, 1.328{{.*}}]]

// CHECK: data =
// CHECK-NEXT: {{\[\[}}-0.4081{{.*}}, -0.1290{{.*}}, -0.2332{{.*}}, 0.9104{{.*}}, 0.9363{{.*}}, 0.4963{{.*}}, 0.1811{{.*}}, -1.209{{.*}}],
// CHECK-NEXT: [-0.0336{{.*}}, 0.2211{{.*}}, 0.1603{{.*}}, -0.3964{{.*}}, 0.2166{{.*}}, -0.3402{{.*}}, -0.4830{{.*}}, 0.6097{{.*}}],
// CHECK-NEXT: [-0.2047{{.*}}, 1.195{{.*}}, -0.0496{{.*}}, 0.1644{{.*}}, 1.031{{.*}}, 0.3195{{.*}}, -0.7290{{.*}}, -1.441{{.*}}]]
