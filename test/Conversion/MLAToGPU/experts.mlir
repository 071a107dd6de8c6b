// An MLP of experts: the router adds the parts of its product, one product activates gates and ups, the other stores rows where their
// tokens have them, and a sum adds the choices and what follows.
//
// RUN: mla-opt %s --mla-sort-choices --mla-group-kernels | FileCheck %s --check-prefix=KERNELS
// RUN: mla-opt %s --mla-sort-choices --mla-group-kernels --mla-schedule-kernels=batch-invariant --convert-mla-to-gpu | FileCheck %s
// RUN: mla-opt %s --mla-sort-choices --mla-group-kernels --mla-schedule-kernels --convert-mla-to-gpu | FileCheck %s --check-prefix=FEW

!cache = !mla.cache<page = 16, latent = 64, rope = 16, bf16>

// KERNELS-LABEL: func.func @decode
// KERNELS-SAME: (%[[HIDDEN:.*]]: tensor<?x128xbf16>, %{{.*}}: tensor<?xi32>
// KERNELS: %[[E:.*]]:2 = mla.kernel router "{{.*}}"(%[[X:.*]] = %[[HIDDEN]], %[[W:.*]] = %{{.*}}) : {{.*}} -> (tensor<?x4xi32>, tensor<?x4xf32>) {
// KERNELS-NEXT: %[[LOGITS:.*]] = mla.project %[[X]], %[[W]] : {{.*}} -> tensor<?x16xf32>
// KERNELS-NEXT: mla.route softmax %[[LOGITS]]
// KERNELS: %[[S:.*]]:3 = mla.kernel sort_choices "{{.*}}"(%[[X:.*]] = %[[HIDDEN]], %[[N:.*]] = %[[E]]#0) : {{.*}} -> (tensor<?x4x128xbf16>, tensor<?x4xi32>, tensor<18xi32>) {
// KERNELS-NEXT: mla.sort_choices %[[X]] by %[[N]]
// KERNELS: %[[H:.*]] = mla.kernel gated_projection "{{.*}}"(%[[ROWS:.*]] = %[[S]]#0, %[[UP:.*]] = %{{.*}}, %[[FIRST:.*]] = %[[S]]#2) : {{.*}} -> tensor<?x4x32xbf16> {
// KERNELS: %[[Y:.*]] = mla.grouped_project %[[ROWS]], %[[UP]] by %[[FIRST]]
// KERNELS-DAG: %[[GATES:.*]] = tensor.extract_slice %[[Y]][0, 0, 0]
// KERNELS-DAG: %[[UPS:.*]] = tensor.extract_slice %[[Y]][0, 0, 32]
// KERNELS: mla.swiglu %[[GATES]], %[[UPS]]
// KERNELS: mla.kernel mix_choices "{{.*}}"(%[[ROWS:.*]] = %[[H]], %[[DOWN:.*]] = %{{.*}}, %[[FIRST:.*]] = %[[S]]#2, %[[ORDER:.*]] = %[[S]]#1, %[[F:.*]] = %[[E]]#1, %[[STREAM:.*]] = %[[HIDDEN]]) : {{.*}} -> tensor<?x128xbf16> {
// KERNELS: %[[Y:.*]] = mla.grouped_project %[[ROWS]], %[[DOWN]] by %[[FIRST]]
// KERNELS: %[[MIXED:.*]] = mla.mix_choices %[[Y]] by %[[ORDER]] weighted %[[F]]
// KERNELS: %[[WIDE:.*]] = arith.extf %[[STREAM]]
// KERNELS: %[[SUM:.*]] = arith.addf %[[MIXED]], %[[WIDE]]
// KERNELS: arith.truncf %[[SUM]]

// CHECK-LABEL: mla.launches @decode
// CHECK: mla.launch @kernels::@projection_1x16x128_{{.*}}_f32 {{.*}}args [
// CHECK-NEXT: #mla.tensor_map<"weight:router",
// CHECK-NEXT: #mla.tensor_map<"hidden",
// CHECK-NEXT: #mla.pointer<"temp:[[LOGITS:[0-9]+]]"
// CHECK: mla.launch @kernels::@route_3of16_softmax_shared1_{{.*}} {{.*}}args [
// CHECK-NEXT: #mla.pointer<"temp:[[LOGITS]]"
// CHECK-NEXT: #mla.pointer<"temp:[[E:[0-9]+]]"
// CHECK-NEXT: #mla.pointer<"temp:[[F:[0-9]+]]"
// CHECK: mla.launch @kernels::@sort_choices_4of17_128 {{.*}}args [
// CHECK-NEXT: #mla.pointer<"hidden"
// CHECK-NEXT: #mla.pointer<"temp:[[E]]"
// CHECK-NEXT: #mla.pointer<"temp:[[ROWS:[0-9]+]]"
// CHECK-NEXT: #mla.pointer<"temp:[[ORDER:[0-9]+]]"
// CHECK-NEXT: #mla.pointer<"temp:[[FIRST:[0-9]+]]"
//
// Eight rows of gate, the eight of up that belong to them, and so on.
// CHECK: mla.launch @kernels::@gated_experts_17x64x128_{{.*}} {{.*}}args [
// CHECK-NEXT: #mla.tensor_map<"weight:up", offset = 0, dims = (128, 8, 2, 4, 17), strides = (256, 8192, 2048, 16384), box = (64, 8, 2, {{[0-9]+}}, 1)
// CHECK-NEXT: #mla.tensor_map<"temp:[[ROWS]]", offset = 0, dims = (128, tokens * 4, 1),
// CHECK-NEXT: #mla.pointer<"temp:[[H:[0-9]+]]"
// CHECK-NEXT: #mla.pointer<"temp:[[FIRST]]"
// CHECK-NEXT: #mla.extent<tokens * 4>]
// CHECK: mla.launch @kernels::@experts_17x128x32_scattered_{{.*}} {{.*}}args [
// CHECK-NEXT: #mla.tensor_map<"weight:down", offset = 0, dims = (32, 128, 17), strides = (64, 8192),
// CHECK-NEXT: #mla.tensor_map<"temp:[[H]]", offset = 0, dims = (32, tokens * 4, 1),
// CHECK-NEXT: #mla.pointer<"temp:[[OWN:[0-9]+]]"
// CHECK-NEXT: #mla.pointer<"temp:[[FIRST]]"
// CHECK-NEXT: #mla.pointer<"temp:[[ORDER]]"
// CHECK: mla.launch @kernels::@sum_128_mba4 {{.*}}args [
// CHECK-NEXT: #mla.pointer<"temp:[[OWN]]"
// CHECK-NEXT: #mla.pointer<"temp:[[F]]"
// CHECK-NEXT: #mla.pointer<"hidden"
func.func @decode(%hidden: tensor<?x128xbf16>, %cu: tensor<?xi32>, %cache: !cache) -> (tensor<?x128xbf16>, !cache)
    attributes {mla.phase = #mla.phase<decode>, mla.regime = #mla.regime<{phase = decode, q = absorb, o = absorb}>} {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %hidden, %c0 : tensor<?x128xbf16>
  %w_router = mla.weight "router" : tensor<16x128xbf16>
  %w_up = mla.weight "up" : tensor<17x64x128xbf16>
  %w_down = mla.weight "down" : tensor<17x128x32xbf16>
  %logits = mla.project %hidden, %w_router : (tensor<?x128xbf16>, tensor<16x128xbf16>) -> tensor<?x16xf32>
  %e, %f = mla.route softmax %logits {shared = 1 : i64} : tensor<?x16xf32> -> tensor<?x4xi32>, tensor<?x4xf32>
  %y = mla.experts_project %hidden, %w_up of %e : (tensor<?x128xbf16>, tensor<17x64x128xbf16>, tensor<?x4xi32>) -> tensor<?x4x64xf32>
  %gate = tensor.extract_slice %y[0, 0, 0] [%tokens, 4, 32] [1, 1, 1] : tensor<?x4x64xf32> to tensor<?x4x32xf32>
  %up = tensor.extract_slice %y[0, 0, 32] [%tokens, 4, 32] [1, 1, 1] : tensor<?x4x64xf32> to tensor<?x4x32xf32>
  %h = mla.swiglu %gate, %up : tensor<?x4x32xf32> -> tensor<?x4x32xf32>
  %mixed = mla.experts_project %h, %w_down of %e summed %f : (tensor<?x4x32xf32>, tensor<17x128x32xbf16>, tensor<?x4xi32>, tensor<?x4xf32>) -> tensor<?x128xf32>
  %stream = arith.extf %hidden : tensor<?x128xbf16> to tensor<?x128xf32>
  %sum = arith.addf %mixed, %stream : tensor<?x128xf32>
  %out = arith.truncf %sum : tensor<?x128xf32> to tensor<?x128xbf16>
  return %out, %cache : tensor<?x128xbf16>, !cache
}

// Choices of a norm: two launches for up to eight tokens, and four for more, or for all if results must not depend on the batch.
// CHECK-LABEL: mla.launches @normed
// CHECK-NOT: logits
// CHECK: mla.launch @kernels::@normalize_128_{{[0-9a-z]+}} grid
// CHECK: mla.launch @kernels::@projection_1x16x128_
// CHECK: mla.launch @kernels::@route_3of16_
// CHECK: mla.launch @kernels::@sort_choices_3of16_128
// FEW-LABEL: mla.launches @normed
// FEW: mla.launch @kernels::@normalize_128_{{[0-9a-z]+}}_logits16 grid ({{.*}} * 2, tokens, 1) threads 256 shared 320 overlap args [
// FEW-NEXT: #mla.pointer<"hidden">,
// FEW-NEXT: #mla.pointer<"weight:gamma">,
// FEW-NEXT: #mla.pointer<"temp:[[X:[0-9]+]]">,
// FEW-NEXT: #mla.extent<tokens>,
// FEW-NEXT: #mla.extent<128>,
// FEW-NEXT: #mla.extent<128>,
// FEW-NEXT: #mla.pointer<"weight:router">,
// FEW-NEXT: #mla.pointer<"temp:[[LOGITS:[0-9]+]]">]
// FEW: mla.launch @kernels::@route_3of16_{{.*}}_sort_choices_3of16_128 grid ({{.*}}, 1, 1) threads 256 shared 2048 overlap args [
// FEW-NEXT: #mla.pointer<"temp:[[LOGITS]]">,
// FEW-NEXT: #mla.pointer<"temp:[[E:[0-9]+]]">,
// FEW-NEXT: #mla.pointer<"temp:[[F:[0-9]+]]">,
// FEW-NEXT: #mla.pointer<"temp:[[X]]">,
// FEW-NEXT: #mla.pointer<"temp:[[ROWS:[0-9]+]]">,
// FEW-NEXT: #mla.pointer<"temp:[[ORDER:[0-9]+]]">,
// FEW-NEXT: #mla.pointer<"temp:[[FIRST:[0-9]+]]">,
// FEW-NEXT: #mla.extent<tokens>,
// FEW-NEXT: #mla.extent<16>,
// FEW-NEXT: #mla.extent<128>]
// FEW: mla.launch @kernels::@normalize_128_{{[0-9a-z]+}} grid ({{.*}}) threads 128 {{.*}}args [
// FEW: mla.launch @kernels::@projection_1x16x128_{{.*}} args [
// FEW-NEXT: #mla.tensor_map<"weight:router",
// FEW-NEXT: #mla.tensor_map<"temp:[[X]]",
// FEW: mla.launch @kernels::@route_3of16_{{.*}} args [
// FEW: #mla.pointer<"temp:[[E]]">,
// FEW: mla.launch @kernels::@sort_choices_3of16_128 {{.*}}args [
// FEW-NEXT: #mla.pointer<"temp:[[X]]">,
// FEW-NEXT: #mla.pointer<"temp:[[E]]">,
// FEW-NEXT: #mla.pointer<"temp:[[ROWS]]">,
// FEW-NEXT: #mla.pointer<"temp:[[ORDER]]">,
// FEW-NEXT: #mla.pointer<"temp:[[FIRST]]">,
// FEW: mla.launch @kernels::@sum_128_m3 {{.*}}args [
// FEW: #mla.pointer<"temp:[[F]]">,
func.func @normed(%hidden: tensor<?x128xbf16>) -> tensor<?x128xbf16>
    attributes {mla.phase = #mla.phase<decode>, mla.regime = #mla.regime<{phase = decode, q = naive, o = absorb}>} {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %hidden, %c0 : tensor<?x128xbf16>
  %gamma = mla.weight "gamma" : tensor<128xf32>
  %w_router = mla.weight "router" : tensor<16x128xbf16>
  %w_up = mla.weight "up" : tensor<16x64x128xbf16>
  %w_down = mla.weight "down" : tensor<16x128x32xbf16>
  %x = mla.rms_norm %hidden, %gamma {epsilon = 1.0e-06 : f64} : tensor<?x128xbf16>, tensor<128xf32> -> tensor<?x128xbf16>
  %logits = mla.project %x, %w_router : (tensor<?x128xbf16>, tensor<16x128xbf16>) -> tensor<?x16xf32>
  %e, %f = mla.route softmax %logits : tensor<?x16xf32> -> tensor<?x3xi32>, tensor<?x3xf32>
  %y = mla.experts_project %x, %w_up of %e : (tensor<?x128xbf16>, tensor<16x64x128xbf16>, tensor<?x3xi32>) -> tensor<?x3x64xf32>
  %gate = tensor.extract_slice %y[0, 0, 0] [%tokens, 3, 32] [1, 1, 1] : tensor<?x3x64xf32> to tensor<?x3x32xf32>
  %up = tensor.extract_slice %y[0, 0, 32] [%tokens, 3, 32] [1, 1, 1] : tensor<?x3x64xf32> to tensor<?x3x32xf32>
  %h = mla.swiglu %gate, %up : tensor<?x3x32xf32> -> tensor<?x3x32xf32>
  %mixed = mla.experts_project %h, %w_down of %e summed %f : (tensor<?x3x32xf32>, tensor<16x128x32xbf16>, tensor<?x3xi32>, tensor<?x3xf32>) -> tensor<?x128xf32>
  %out = arith.truncf %mixed : tensor<?x128xf32> to tensor<?x128xbf16>
  return %out : tensor<?x128xbf16>
}
