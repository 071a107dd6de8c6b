// Kernels of a decoder around its attention: operands, strides of slices, and grids.
//
// RUN: mla-opt %s --mla-schedule-kernels --convert-mla-to-gpu | FileCheck %s

// CHECK: gpu.module @kernels
// CHECK-DAG: llvm.func @sum_1040_fba(
// CHECK-DAG: llvm.func @swiglu_1x1024(
// CHECK-DAG: llvm.func @route_3of40_sigmoid_groups2of4by2_corrected_normalized_f{{[0-9a-f]+}}(
// CHECK-DAG: llvm.func @embed_320x1040(

!hidden = tensor<?x1040xf32>

// CHECK-LABEL: mla.launches @prefill
func.func @prefill(%hidden: !hidden, %ids: tensor<?xi32>) -> tensor<?x1040xbf16>
    attributes {mla.regime = #mla.regime<{phase = prefill, q = naive, o = naive}>} {
  %table = mla.weight "table" : tensor<320x1040xbf16>
  %gamma = mla.weight "gamma" : tensor<1040xf32>
  %w = mla.weight "gate_up" : tensor<2048x1040xbf16>
  %router = mla.weight "router" : tensor<40x1040xbf16>
  %b = mla.weight "correction" : tensor<40xf32>

  // A CTA has 1024 columns of a row.
  // CHECK: mla.launch @kernels::@embed_320x1040 grid (batch + 1, 2, 1) threads 128 shared 0 overlap args [
  // CHECK-NEXT: #mla.pointer<"cu_seqlens">,
  // CHECK-NEXT: #mla.pointer<"weight:table">,
  // CHECK-NEXT: #mla.pointer<"temp:0">]
  %e = mla.kernel embed "e"(%i = %ids, %t = %table) : (tensor<?xi32>, tensor<320x1040xbf16>) -> tensor<?x1040xbf16> {
    %y = mla.embed %i, %t : tensor<320x1040xbf16> -> tensor<?x1040xbf16>
    mla.yield %y : tensor<?x1040xbf16>
  }
  // CHECK: mla.launch @kernels::@normalize_{{.*}} grid (tokens ceildiv 4
  %x = mla.kernel normalize "x"(%a = %hidden, %g = %gamma) : (!hidden, tensor<1040xf32>) -> tensor<?x1040xbf16> {
    %y = mla.rms_norm %a, %g {epsilon = 1.0e-06 : f64} : !hidden, tensor<1040xf32> -> tensor<?x1040xbf16>
    mla.yield %y : tensor<?x1040xbf16>
  }
  %wide = mla.kernel projection "wide"(%a = %x, %v = %w) : (tensor<?x1040xbf16>, tensor<2048x1040xbf16>) -> tensor<?x2048xbf16> {
    %y = mla.project %a, %v : (tensor<?x1040xbf16>, tensor<2048x1040xbf16>) -> tensor<?x2048xbf16>
    mla.yield %y : tensor<?x2048xbf16>
  }
  // Up begins 1024 elements into the row of gate.
  // CHECK: mla.launch @kernels::@swiglu_1x1024 grid (tokens, 1, 1) threads 128 shared 0 overlap args [
  // CHECK-NEXT: #mla.pointer<"temp:[[WIDE:.*]]">,
  // CHECK-NEXT: #mla.pointer<"temp:[[WIDE]]", offset = 2048>,
  // CHECK-NEXT: #mla.pointer<"temp:{{.*}}">,
  // CHECK-NEXT: #mla.extent<2048>,
  // CHECK-NEXT: #mla.extent<0>,
  // CHECK-NEXT: #mla.extent<2048>,
  // CHECK-NEXT: #mla.extent<0>]
  %h = mla.kernel swiglu "h"(%a = %wide) : (tensor<?x2048xbf16>) -> tensor<?x1024xbf16> {
    %c0 = arith.constant 0 : index
    %n = tensor.dim %a, %c0 : tensor<?x2048xbf16>
    %gate = tensor.extract_slice %a[0, 0] [%n, 1024] [1, 1] : tensor<?x2048xbf16> to tensor<?x1024xbf16>
    %up = tensor.extract_slice %a[0, 1024] [%n, 1024] [1, 1] : tensor<?x2048xbf16> to tensor<?x1024xbf16>
    %y = mla.swiglu %gate, %up : tensor<?x1024xbf16> -> tensor<?x1024xbf16>
    mla.yield %y : tensor<?x1024xbf16>
  }
  // CHECK: mla.workspace "temp:[[LOGITS:.*]]" bytes (tokens * 160)
  %logits = mla.kernel projection "logits"(%a = %x, %v = %router) : (tensor<?x1040xbf16>, tensor<40x1040xbf16>) -> tensor<?x40xf32> {
    %y = mla.project %a, %v : (tensor<?x1040xbf16>, tensor<40x1040xbf16>) -> tensor<?x40xf32>
    mla.yield %y : tensor<?x40xf32>
  }
  // CHECK: mla.workspace "temp:[[EXPERTS:.*]]" bytes (tokens * 12)
  // CHECK: mla.workspace "temp:[[WEIGHTS:.*]]" bytes (tokens * 12)
  // CHECK: mla.launch @kernels::@route_3of40_{{.*}} grid (tokens ceildiv 4, 1, 1) threads 128 shared 0 overlap args [
  // CHECK-NEXT: #mla.pointer<"temp:[[LOGITS]]">,
  // CHECK-NEXT: #mla.pointer<"weight:correction">,
  // CHECK-NEXT: #mla.pointer<"temp:[[EXPERTS]]">,
  // CHECK-NEXT: #mla.pointer<"temp:[[WEIGHTS]]">,
  // CHECK-NEXT: #mla.extent<tokens>,
  // CHECK-NEXT: #mla.extent<40>]
  %r:2 = mla.kernel route "r"(%a = %logits, %c = %b) : (tensor<?x40xf32>, tensor<40xf32>) -> (tensor<?x3xi32>, tensor<?x3xf32>) {
    %n, %f = mla.route sigmoid %a corrected %c : tensor<40xf32> {groups = 4, kept = 2, best = 2, normalized, factor = 2.5 : f64}
        : tensor<?x40xf32> -> tensor<?x3xi32>, tensor<?x3xf32>
    mla.yield %n, %f : tensor<?x3xi32>, tensor<?x3xf32>
  }
  // CHECK: mla.launch @kernels::@sum_1040_fba grid (tokens, 2, 1) threads 128 shared 0 overlap args [
  // CHECK-NEXT: #mla.pointer<"hidden">,
  // CHECK-NEXT: #mla.pointer<"temp:{{.*}}">,
  // CHECK-NEXT: #mla.pointer<"out">,
  // CHECK-NEXT: #mla.extent<1040>,
  // CHECK-NEXT: #mla.extent<1040>]
  %sum = mla.kernel sum "sum"(%a = %hidden, %c = %x) : (!hidden, tensor<?x1040xbf16>) -> tensor<?x1040xbf16> {
    %d = arith.extf %c : tensor<?x1040xbf16> to !hidden
    %y = arith.addf %a, %d : !hidden
    %z = arith.truncf %y : !hidden to tensor<?x1040xbf16>
    mla.yield %z : tensor<?x1040xbf16>
  }
  return %sum : tensor<?x1040xbf16>
}

// The warps of a CTA share a row of more than 1024 elements.
// CHECK-LABEL: mla.launches @decode
// CHECK: mla.launch @kernels::@normalize_4096_{{.*}} grid (tokens, 1, 1) threads 128 shared 16 overlap args [
// CHECK-NEXT: #mla.pointer<"hidden">,
// CHECK-NEXT: #mla.pointer<"weight:gamma">,
// CHECK-NEXT: #mla.pointer<"out">,
// CHECK-NEXT: #mla.extent<tokens>,
// CHECK-NEXT: #mla.extent<4096>,
// CHECK-NEXT: #mla.extent<4096>]
func.func @decode(%hidden: tensor<?x4096xbf16>) -> tensor<?x4096xbf16>
    attributes {mla.regime = #mla.regime<{phase = decode, q = naive, o = naive}>} {
  %gamma = mla.weight "gamma" : tensor<4096xf32>
  %x = mla.kernel normalize "x"(%a = %hidden, %g = %gamma) : (tensor<?x4096xbf16>, tensor<4096xf32>) -> tensor<?x4096xbf16> {
    %y = mla.rms_norm %a, %g {epsilon = 1.0e-06 : f64} : tensor<?x4096xbf16>, tensor<4096xf32> -> tensor<?x4096xbf16>
    mla.yield %y : tensor<?x4096xbf16>
  }
  return %x : tensor<?x4096xbf16>
}

// The terms of a sum are read where they are; the sum is stored behind its norm.
// CHECK-LABEL: mla.launches @decode_sum
// CHECK: mla.launch @kernels::@normalize_1024_{{[0-9a-z]+}}_sum_bba_stored grid (tokens ceildiv 4, 1, 1) threads 128 shared 0 overlap args [
// CHECK-NEXT: #mla.pointer<"hidden", offset = 2048>,
// CHECK-NEXT: #mla.pointer<"hidden">,
// CHECK-NEXT: #mla.pointer<"weight:gamma">,
// CHECK-NEXT: #mla.pointer<"out">,
// CHECK-NEXT: #mla.pointer<"temp:0">,
// CHECK-NEXT: #mla.extent<tokens>,
// CHECK-NEXT: #mla.extent<2048>,
// CHECK-NEXT: #mla.extent<2048>,
// CHECK-NEXT: #mla.extent<1024>]
func.func @decode_sum(%hidden: tensor<?x2048xbf16>) -> tensor<?x1024xbf16>
    attributes {mla.regime = #mla.regime<{phase = decode, q = naive, o = absorb}>} {
  %gamma = mla.weight "gamma" : tensor<1024xf32>
  %x:2 = mla.kernel normalize "x"(%a = %hidden, %g = %gamma) : (tensor<?x2048xbf16>, tensor<1024xf32>) -> (tensor<?x1024xbf16>, tensor<?x1024xbf16>) {
    %c0 = arith.constant 0 : index
    %t = tensor.dim %a, %c0 : tensor<?x2048xbf16>
    %right = tensor.extract_slice %a[0, 1024] [%t, 1024] [1, 1] : tensor<?x2048xbf16> to tensor<?x1024xbf16>
    %left = tensor.extract_slice %a[0, 0] [%t, 1024] [1, 1] : tensor<?x2048xbf16> to tensor<?x1024xbf16>
    %r = arith.extf %right : tensor<?x1024xbf16> to tensor<?x1024xf32>
    %l = arith.extf %left : tensor<?x1024xbf16> to tensor<?x1024xf32>
    %s = arith.addf %r, %l : tensor<?x1024xf32>
    %y = mla.rms_norm %s, %g {epsilon = 1.0e-06 : f64} : tensor<?x1024xf32>, tensor<1024xf32> -> tensor<?x1024xbf16>
    %z = arith.truncf %s : tensor<?x1024xf32> to tensor<?x1024xbf16>
    mla.yield %y, %z : tensor<?x1024xbf16>, tensor<?x1024xbf16>
  }
  return %x#0 : tensor<?x1024xbf16>
}
