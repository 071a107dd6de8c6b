// Kernels of rows: choices that return their input, and rows of two parts.
//
// RUN: mla-opt %s --mla-group-kernels --mla-schedule-kernels --convert-mla-to-gpu | FileCheck %s

// CHECK: gpu.module @kernels
// CHECK-DAG: llvm.func @pass_1040_3from8(
// CHECK-DAG: llvm.func @join_1040_64(

// CHECK-LABEL: mla.launches @prefill
func.func @prefill(%hidden: tensor<?x1184xbf16>, %ids: tensor<?xi32>) -> tensor<?x1104xbf16>
    attributes {mla.regime = #mla.regime<{phase = prefill, q = naive, o = naive}>} {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %hidden, %c0 : tensor<?x1184xbf16>
  %x = tensor.extract_slice %hidden[0, 64] [%t, 1040] [1, 1] : tensor<?x1184xbf16> to tensor<?x1040xbf16>
  %router = mla.weight "router" : tensor<12x1040xbf16>
  %logits = mla.project %x, %router : (tensor<?x1040xbf16>, tensor<12x1040xbf16>) -> tensor<?x12xf32>
  // CHECK: mla.launch @kernels::@route_3of12_softmax
  %e, %f = mla.route softmax %logits : tensor<?x12xf32> -> tensor<?x3xi32>, tensor<?x3xf32>

  // The slice is read in place: 64 elements into rows of 1184.
  // CHECK: mla.launch @kernels::@pass_1040_3from8 grid (tokens, 2, 1) threads 128 shared 0 overlap args [
  // CHECK-NEXT: #mla.pointer<"hidden", offset = 128>,
  // CHECK-NEXT: #mla.pointer<"[[E:temp:[0-9]+]]">,
  // CHECK-NEXT: #mla.pointer<"[[F:temp:[0-9]+]]">,
  // CHECK-NEXT: #mla.pointer<"[[Y:temp:[0-9]+]]">,
  // CHECK-NEXT: #mla.extent<1184>] {{.*}}mla.part = "experts"
  %y = mla.pass_choices %x of %e weighted %f from 8 : (tensor<?x1040xbf16>, tensor<?x3xi32>, tensor<?x3xf32>) -> tensor<?x1040xbf16>

  // CHECK: mla.launch @kernels::@join_1040_64 grid (tokens, 2, 1) threads 128 shared 0 overlap args [
  // CHECK-NEXT: #mla.pointer<"[[Y]]">,
  // CHECK-NEXT: #mla.pointer<"hidden", offset = 2208>,
  // CHECK-NEXT: #mla.pointer<"out">,
  // CHECK-NEXT: #mla.extent<1040>,
  // CHECK-NEXT: #mla.extent<1184>]
  %carried = tensor.extract_slice %hidden[0, 1104] [%t, 64] [1, 1] : tensor<?x1184xbf16> to tensor<?x64xbf16>
  %rows = tensor.concat dim(1) %y, %carried : (tensor<?x1040xbf16>, tensor<?x64xbf16>) -> tensor<?x1104xbf16>
  return %rows : tensor<?x1104xbf16>
}
