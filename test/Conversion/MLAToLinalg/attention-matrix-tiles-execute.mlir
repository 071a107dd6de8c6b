// Executes naive attention for matrix tiles, in plain loops, and in float32: two sequences of 75 and 3 queries over 139 and
// 3 keys, so that tiles of queries and keys are whole and cut, with a causal mask and with a window.
//
// RUN: mla-opt %s --mla-to-cpu | %run_main > %t.exact
// RUN: mla-opt %s --mla-to-linalg=matrix-tiles --mla-to-cpu | %run_main > %t.tiles
// RUN: %python %S/Inputs/compare_printed.py %t.exact %t.tiles 1e-2
// RUN: not %python %S/Inputs/compare_printed.py %t.exact %t.tiles 1e-5
// RUN: mla-opt %s --mla-to-linalg=matrix-tiles | FileCheck %s
// CHECK-COUNT-12: mla.matrix_tiles

func.func private @printMemrefF32(tensor<*xf32> {bufferization.access = "read"})

// Numbers in [-1, 1) that look random.
func.func private @number(%i: index, %seed: index) -> f32 {
  %a = arith.constant 1103515245 : i32
  %c = arith.constant 12345 : i32
  %x = arith.index_cast %i : index to i32
  %s = arith.index_cast %seed : index to i32
  %0 = arith.muli %x, %a : i32
  %1 = arith.addi %0, %s : i32
  %2 = arith.muli %1, %a : i32
  %3 = arith.addi %2, %c : i32
  %c16 = arith.constant 16 : i32
  %4 = arith.shrsi %3, %c16 : i32
  %5 = arith.sitofp %4 : i32 to f32
  %scale = arith.constant 3.0517578125e-5 : f32
  %6 = arith.mulf %5, %scale : f32
  return %6 : f32
}

func.func private @made(%tokens: index, %seed: index) -> tensor<?x2x32xf32> {
  %x = tensor.generate %tokens {
  ^bb0(%t: index, %h: index, %k: index):
    %c64 = arith.constant 64 : index
    %c32 = arith.constant 32 : index
    %0 = arith.muli %t, %c64 : index
    %1 = arith.muli %h, %c32 : index
    %2 = arith.addi %0, %1 : index
    %i = arith.addi %2, %k : index
    %f = func.call @number(%i, %seed) : (index, index) -> f32
    tensor.yield %f : f32
  } : tensor<?x2x32xf32>
  return %x : tensor<?x2x32xf32>
}

func.func private @print(%o: tensor<?x2x32xf32>) {
  %print = tensor.cast %o : tensor<?x2x32xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %c5 = arith.constant 5 : index
  %queries = arith.constant 78 : index
  %keys = arith.constant 142 : index
  %q = call @made(%queries, %c1) : (index, index) -> tensor<?x2x32xf32>
  %q_rope = call @made(%queries, %c2) : (index, index) -> tensor<?x2x32xf32>
  %k = call @made(%keys, %c3) : (index, index) -> tensor<?x2x32xf32>
  %v = call @made(%keys, %c4) : (index, index) -> tensor<?x2x32xf32>
  %k_rope = tensor.generate %keys {
  ^bb0(%t: index, %i: index):
    %c32 = arith.constant 32 : index
    %0 = arith.muli %t, %c32 : index
    %1 = arith.addi %0, %i : index
    %f = func.call @number(%1, %c5) : (index, index) -> f32
    %b = arith.truncf %f : f32 to bf16
    tensor.yield %b : bf16
  } : tensor<?x32xbf16>
  %cu3 = arith.constant dense<[0, 75, 78]> : tensor<3xi32>
  %cu = tensor.cast %cu3 : tensor<3xi32> to tensor<?xi32>
  %cu_keys3 = arith.constant dense<[0, 139, 142]> : tensor<3xi32>
  %cu_keys = tensor.cast %cu_keys3 : tensor<3xi32> to tensor<?xi32>
  %o = mla.attention queries(%q, %q_rope of %cu) keys(%k, %k_rope of %cu_keys) values(%v) {scale = 0.25 : f64}
    : (tensor<?x2x32xf32>, tensor<?x2x32xf32>, tensor<?x2x32xf32>, tensor<?x32xbf16>, tensor<?x2x32xf32>) -> tensor<?x2x32xf32>
  call @print(%o) : (tensor<?x2x32xf32>) -> ()
  %w = mla.attention queries(%q, %q_rope of %cu) keys(%k, %k_rope of %cu_keys) values(%v) {scale = 0.25 : f64, mask = #mla.mask<window = 50>}
    : (tensor<?x2x32xf32>, tensor<?x2x32xf32>, tensor<?x2x32xf32>, tensor<?x32xbf16>, tensor<?x2x32xf32>) -> tensor<?x2x32xf32>
  call @print(%w) : (tensor<?x2x32xf32>) -> ()
  return
}
