// Executes the polynomial that replaces a call of the C library: exact at 0 and -inf, five digits elsewhere.
//
// RUN: mla-opt %s --mla-cpu-math | FileCheck %s --check-prefix=CALLS
// RUN: mla-opt %s --mla-to-cpu | FileCheck %s --check-prefix=LLVM --implicit-check-not=@expf
// RUN: mla-opt %s --mla-to-cpu | %run_main | FileCheck %s

// Other functions remain calls.
// CALLS-LABEL: func.func private @scalar(
// CALLS-SAME: %[[X:.*]]: f32)
// CALLS-NOT: math.exp
// CALLS: %[[LOG:.*]] = math.log %{{.*}} : f32
// CALLS: return %[[LOG]]
// LLVM: llvm.func @exponentials
func.func private @scalar(%x: f32) -> f32 {
  %e = math.exp %x : f32
  %l = math.log %e : f32
  return %l : f32
}

func.func private @printMemrefF32(tensor<*xf32> {bufferization.access = "read"})

func.func private @exponentials(%x: tensor<?xf32>) {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %init = tensor.empty(%n) : tensor<?xf32>
  %y = linalg.exp ins(%x : tensor<?xf32>) outs(%init : tensor<?xf32>) -> tensor<?xf32>
  %print0 = tensor.cast %y : tensor<?xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  return
}

func.func @main() {
  %exponentials_x_s = arith.constant dense<[0.0, 1.0, -1.0, 0.5, -0.5, 10.0, -10.0, 80.0, -80.0, 0xFF800000, -1000.0]> : tensor<11xf32>
  %exponentials_x = tensor.cast %exponentials_x_s : tensor<11xf32> to tensor<?xf32>
  call @exponentials(%exponentials_x) : (tensor<?xf32>) -> ()
  return
}

// exp of 0, 1, -1, 0.5, -0.5, 10, -10, 80, -80, -inf, -1000:
// CHECK: data =
// CHECK-NEXT: [1, 2.7182{{[0-9]*}}, 0.3678{{[0-9]*}}, 1.6487{{[0-9]*}}, 0.6065{{[0-9]*}}, 22026.{{[0-9]*}}, 4.5399{{[0-9]*}}e-05, 5.5406{{[0-9]*}}e+34, 1.8048{{[0-9]*}}e-35, 0, 0]
