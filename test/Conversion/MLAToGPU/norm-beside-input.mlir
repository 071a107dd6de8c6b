// The kernel of a norm also stores its input, if both are joined in that order: two pointers into rows of twice the width. Other
// columns are joined by a kernel of their own.
//
// RUN: mla-opt %s --mla-group-kernels | FileCheck %s --check-prefix=KERNELS
// RUN: mla-opt %s --mla-group-kernels --mla-schedule-kernels --convert-mla-to-gpu | FileCheck %s

!cache = !mla.cache<page = 16, latent = 64, rope = 16, bf16>

// KERNELS-LABEL: func.func @decode
// KERNELS: %[[X:.*]] = mla.kernel projection
// KERNELS: %[[BOTH:.*]] = mla.kernel normalize {{.*}}(%[[X1:.*]] = %[[X]], %[[G1:.*]] = %{{.*}}) : (tensor<?x64xbf16>, tensor<64xf32>) -> tensor<?x128xbf16> {
// KERNELS-NEXT: %[[N:.*]] = mla.rms_norm %[[X1]], %[[G1]]
// KERNELS-NEXT: %[[WIDE:.*]] = arith.extf %[[X1]]
// KERNELS-NEXT: %[[JOINED:.*]] = tensor.concat dim(1) %[[N]], %[[WIDE]]
// KERNELS-NEXT: %[[ROUNDED:.*]] = arith.truncf %[[JOINED]]
// KERNELS-NEXT: mla.yield %[[ROUNDED]]
// KERNELS: %[[Y:.*]] = mla.kernel projection {{.*}} = %[[BOTH]],
// KERNELS: %[[ALONE:.*]] = mla.kernel normalize {{.*}} -> tensor<?x64xbf16> {
// KERNELS: mla.kernel join {{.*}}(%{{.*}} = %[[Y]], %{{.*}} = %[[ALONE]]) : (tensor<?x64xbf16>, tensor<?x64xbf16>) -> tensor<?x128xbf16> {

// CHECK-LABEL: mla.launches @decode
// CHECK: mla.launch @kernels::@normalize_64_e{{[0-9a-f]*}}_stored {{.*}} args [
// CHECK-NEXT: #mla.pointer<"temp:0">,
// CHECK-NEXT: #mla.pointer<"weight:gamma">,
// CHECK-NEXT: #mla.pointer<"[[BOTH:temp:[0-9]+]]">,
// CHECK-NEXT: #mla.pointer<"[[BOTH]]", offset = 128>,
// CHECK-NEXT: #mla.extent<tokens>,
// CHECK-NEXT: #mla.extent<64>,
// CHECK-NEXT: #mla.extent<128>]
// CHECK: mla.launch @kernels::@join_64_64
func.func @decode(%hidden: tensor<?x64xbf16>, %cu: tensor<?xi32>, %cache: !cache) -> (tensor<?x64xbf16>, !cache)
    attributes {mla.phase = #mla.phase<decode>, mla.regime = #mla.regime<{phase = decode, q = absorb, o = absorb}>} {
  %gamma = mla.weight "gamma" : tensor<64xf32>
  %a = mla.weight "a" : tensor<64x128xbf16>
  %w = mla.weight "w" : tensor<64x64xbf16>
  %low = mla.project %hidden, %w : (tensor<?x64xbf16>, tensor<64x64xbf16>) -> tensor<?x64xf32>
  %normed = mla.rms_norm %low, %gamma {epsilon = 1.0e-6 : f64} : tensor<?x64xf32>, tensor<64xf32> -> tensor<?x64xf32>
  %both = tensor.concat dim(1) %normed, %low : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x128xf32>
  %y = mla.project %both, %a : (tensor<?x128xf32>, tensor<64x128xbf16>) -> tensor<?x64xf32>
  %z = mla.rms_norm %y, %gamma {epsilon = 1.0e-6 : f64} : tensor<?x64xf32>, tensor<64xf32> -> tensor<?x64xf32>
  %other = tensor.concat dim(1) %y, %z : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x128xf32>
  %out = mla.project %other, %a : (tensor<?x128xf32>, tensor<64x128xbf16>) -> tensor<?x64xf32>
  %rounded = arith.truncf %out : tensor<?x64xf32> to tensor<?x64xbf16>
  return %rounded, %cache : tensor<?x64xbf16>, !cache
}
