// Executes a block for matrix tiles in plain loops, a block of 8 tokens and one token.
//
// RUN: mla-opt %s --mla-to-linalg=matrix-tiles --mla-to-cpu | %run_main | FileCheck %s
//
// x[t, k] = t + k and w[n, k] = n - k with 32 columns k, so
//   y[t, n] = sum_k (t + k) (n - k) = 32tn + 496n - 496t - 10416.
// All are integers, exact in bf16 and in float32.

func.func private @printMemrefF32(tensor<*xf32> {bufferization.access = "read"})

func.func @main() {
  %tokens = arith.constant 41 : index
  %x = tensor.generate %tokens {
  ^bb0(%t: index, %k: index):
    %s = arith.addi %t, %k : index
    %i = arith.index_cast %s : index to i32
    %f = arith.sitofp %i : i32 to f32
    tensor.yield %f : f32
  } : tensor<?x32xf32>
  %w = tensor.generate {
  ^bb0(%p: index, %k: index, %n: index):
    %s = arith.subi %n, %k : index
    %i = arith.index_cast %s : index to i32
    %f = arith.sitofp %i : i32 to bf16
    tensor.yield %f : bf16
  } : tensor<1x32x32xbf16>
  %y = mla.project %x, %w panels : (tensor<?x32xf32>, tensor<1x32x32xbf16>) -> tensor<?x32xf32>
  // CHECK: [-10416, {{.*}}, 4960],
  // CHECK-NEXT: [-10912,
  // CHECK: [-25792, {{.*}}, 20336],
  // CHECK-NEXT: [-26288, {{.*}}, 20832],
  // CHECK: [-29760, {{.*}}, 24304],
  // CHECK-NEXT: [-30256, {{.*}}, 24800]]
  %print = tensor.cast %y : tensor<?x32xf32> to tensor<*xf32>
  call @printMemrefF32(%print) : (tensor<*xf32>) -> ()
  return
}
