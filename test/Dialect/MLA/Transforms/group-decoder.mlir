// What a decoder computes around an attention: the stream between kernels is bf16, sums are of f32 and rounded once.
//
// RUN: mla-opt %s --mla-join-projections --mla-group-kernels | FileCheck %s

// CHECK-LABEL: func.func @dense
// CHECK-SAME: (%[[HIDDEN:.*]]: tensor<?x64xbf16>)
// CHECK: %[[OUT:.*]] = mla.kernel projection {{.*}}(%{{.*}} = %[[HIDDEN]],

// A sum that a norm reads first is computed by its kernel, with the cast of its operand; others read the second result.
// CHECK: %[[X:.*]]:2 = mla.kernel normalize {{.*}}(%[[A:.*]] = %[[OUT]], %[[B:.*]] = %[[HIDDEN]], %[[G:.*]] = %{{.*}}) : (tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<64xf32>) -> (tensor<?x64xbf16>, tensor<?x64xbf16>) {
// CHECK-DAG: %[[AF:.*]] = arith.extf %[[A]] : tensor<?x64xbf16> to tensor<?x64xf32>
// CHECK-DAG: %[[BF:.*]] = arith.extf %[[B]] : tensor<?x64xbf16> to tensor<?x64xf32>
// CHECK: %[[ADDED:.*]] = arith.addf %[[AF]], %[[BF]] : tensor<?x64xf32>
// CHECK-NEXT: %[[ROUNDED:.*]] = arith.truncf %[[ADDED]] : tensor<?x64xf32> to tensor<?x64xbf16>
// CHECK-NEXT: %[[NORM:.*]] = mla.rms_norm %[[ADDED]], %[[G]] {{.*}} : tensor<?x64xf32>, tensor<64xf32> -> tensor<?x64xbf16>
// CHECK-NEXT: mla.yield %[[NORM]], %[[ROUNDED]]

// Gate and up are activated by the kernel that multiplies them.
// CHECK: %[[H:.*]] = mla.kernel gated_projection {{.*}}(%[[XI:.*]] = %[[X]]#0, %[[W:.*]] = %{{.*}}) : (tensor<?x64xbf16>, tensor<256x64xbf16>) -> tensor<?x128xbf16> {
// CHECK: %[[Y:.*]] = mla.project %[[XI]], %[[W]] : (tensor<?x64xbf16>, tensor<256x64xbf16>) -> tensor<?x256xf32>
// CHECK: %[[GATE:.*]] = tensor.extract_slice %[[Y]][0, 0]
// CHECK: %[[UP:.*]] = tensor.extract_slice %[[Y]][0, 128]
// CHECK: mla.swiglu %[[GATE]], %[[UP]] : tensor<?x128xf32> -> tensor<?x128xbf16>
// CHECK: %[[MLP:.*]] = mla.kernel projection {{.*}}(%{{.*}} = %[[H]],
// CHECK: %[[LAYER:.*]] = mla.kernel sum {{.*}}(%{{.*}} = %[[MLP]], %{{.*}} = %[[X]]#1)
// CHECK: return %[[LAYER]]
func.func @dense(%hidden: tensor<?x64xbf16>) -> tensor<?x64xbf16> {
  %c0 = arith.constant 0 : index
  %w_o = mla.weight "w_o" : tensor<64x64xbf16>
  %gamma = mla.weight "gamma" : tensor<64xf32>
  %w_wide = mla.weight "gate_up" : tensor<256x64xbf16>
  %w_down = mla.weight "down" : tensor<64x128xbf16>
  %out = mla.project %hidden, %w_o : (tensor<?x64xbf16>, tensor<64x64xbf16>) -> tensor<?x64xf32>
  %stream = arith.extf %hidden : tensor<?x64xbf16> to tensor<?x64xf32>
  %sum = arith.addf %out, %stream : tensor<?x64xf32>
  %x = mla.rms_norm %sum, %gamma {epsilon = 1.0e-06 : f64} : tensor<?x64xf32>, tensor<64xf32> -> tensor<?x64xf32>
  %wide = mla.project %x, %w_wide : (tensor<?x64xf32>, tensor<256x64xbf16>) -> tensor<?x256xf32>
  %t = tensor.dim %wide, %c0 : tensor<?x256xf32>
  %gate = tensor.extract_slice %wide[0, 0] [%t, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %up = tensor.extract_slice %wide[0, 128] [%t, 128] [1, 1] : tensor<?x256xf32> to tensor<?x128xf32>
  %h = mla.swiglu %gate, %up : tensor<?x128xf32> -> tensor<?x128xf32>
  %mlp = mla.project %h, %w_down : (tensor<?x128xf32>, tensor<64x128xbf16>) -> tensor<?x64xf32>
  %layer = arith.addf %mlp, %sum : tensor<?x64xf32>
  %rounded = arith.truncf %layer : tensor<?x64xf32> to tensor<?x64xbf16>
  return %rounded : tensor<?x64xbf16>
}

// A sum that only a norm reads is not stored; one that something reads before the norm has a kernel of its own.
// CHECK-LABEL: func.func @only_norm
// CHECK: mla.kernel normalize {{.*}}(%[[A:.*]] = %{{.*}}, %[[G:.*]] = %{{.*}}) : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xbf16> {
// CHECK-NEXT: %[[SUM:.*]] = arith.addf %[[A]], %[[A]]
// CHECK-NEXT: mla.rms_norm %[[SUM]], %[[G]]
// CHECK-LABEL: func.func @read_before
// CHECK: %[[SUM:.*]] = mla.kernel sum
// CHECK: mla.kernel projection {{.*}}(%{{.*}} = %[[SUM]],
// CHECK: mla.kernel normalize {{.*}}(%{{.*}} = %[[SUM]],
func.func @only_norm(%x: tensor<?x64xf32>) -> tensor<?x64xbf16> {
  %gamma = mla.weight "gamma" : tensor<64xf32>
  %sum = arith.addf %x, %x : tensor<?x64xf32>
  %y = mla.rms_norm %sum, %gamma {epsilon = 1.0e-06 : f64} : tensor<?x64xf32>, tensor<64xf32> -> tensor<?x64xbf16>
  return %y : tensor<?x64xbf16>
}
func.func @read_before(%x: tensor<?x64xf32>) -> (tensor<?x64xbf16>, tensor<?x64xbf16>) {
  %gamma = mla.weight "gamma" : tensor<64xf32>
  %w = mla.weight "w" : tensor<64x64xbf16>
  %sum = arith.addf %x, %x : tensor<?x64xf32>
  %z = mla.project %sum, %w : (tensor<?x64xf32>, tensor<64x64xbf16>) -> tensor<?x64xbf16>
  %y = mla.rms_norm %sum, %gamma {epsilon = 1.0e-06 : f64} : tensor<?x64xf32>, tensor<64xf32> -> tensor<?x64xbf16>
  return %y, %z : tensor<?x64xbf16>, tensor<?x64xbf16>
}

// What something else reads too is stored, and its slices are read in place; so are halves in the other order.
// CHECK-LABEL: func.func @stored
// CHECK: %[[WIDE:.*]] = mla.kernel projection
// CHECK: mla.kernel swiglu {{.*}}(%[[Y:.*]] = %[[WIDE]]) : (tensor<?x256xbf16>) -> tensor<?x128xbf16> {
// CHECK: %[[GATE:.*]] = tensor.extract_slice %[[Y]][0, 0]
// CHECK: %[[UP:.*]] = tensor.extract_slice %[[Y]][0, 128]
// CHECK: mla.swiglu %[[GATE]], %[[UP]] : tensor<?x128xbf16> -> tensor<?x128xbf16>
// CHECK-LABEL: func.func @swapped
// CHECK: mla.kernel projection
// CHECK: mla.kernel swiglu
func.func @stored(%x: tensor<?x64xbf16>) -> (tensor<?x128xbf16>, tensor<?x256xbf16>) {
  %c0 = arith.constant 0 : index
  %w = mla.weight "gate_up" : tensor<256x64xbf16>
  %wide = mla.project %x, %w : (tensor<?x64xbf16>, tensor<256x64xbf16>) -> tensor<?x256xbf16>
  %t = tensor.dim %wide, %c0 : tensor<?x256xbf16>
  %gate = tensor.extract_slice %wide[0, 0] [%t, 128] [1, 1] : tensor<?x256xbf16> to tensor<?x128xbf16>
  %up = tensor.extract_slice %wide[0, 128] [%t, 128] [1, 1] : tensor<?x256xbf16> to tensor<?x128xbf16>
  %h = mla.swiglu %gate, %up : tensor<?x128xbf16> -> tensor<?x128xbf16>
  return %h, %wide : tensor<?x128xbf16>, tensor<?x256xbf16>
}
func.func @swapped(%x: tensor<?x64xbf16>) -> tensor<?x128xbf16> {
  %c0 = arith.constant 0 : index
  %w = mla.weight "up_gate" : tensor<256x64xbf16>
  %wide = mla.project %x, %w : (tensor<?x64xbf16>, tensor<256x64xbf16>) -> tensor<?x256xbf16>
  %t = tensor.dim %wide, %c0 : tensor<?x256xbf16>
  %gate = tensor.extract_slice %wide[0, 128] [%t, 128] [1, 1] : tensor<?x256xbf16> to tensor<?x128xbf16>
  %up = tensor.extract_slice %wide[0, 0] [%t, 128] [1, 1] : tensor<?x256xbf16> to tensor<?x128xbf16>
  %h = mla.swiglu %gate, %up : tensor<?x128xbf16> -> tensor<?x128xbf16>
  return %h : tensor<?x128xbf16>
}

// Sums of which the next is the only user are one kernel, in the order of the operations.
// CHECK-LABEL: func.func @chain
// CHECK-SAME: (%[[R:.*]]: tensor<?x64xf32>, %[[S:.*]]: tensor<?x64xbf16>, %[[STREAM:.*]]: tensor<?x64xbf16>)
// CHECK: %[[Y:.*]] = mla.kernel sum "{{.*}}"(%[[C:.*]] = %[[STREAM]], %[[A:.*]] = %[[R]], %[[B:.*]] = %[[S]])
// CHECK-NEXT: %[[CF:.*]] = arith.extf %[[C]]
// CHECK-NEXT: %[[BF:.*]] = arith.extf %[[B]]
// CHECK-NEXT: %[[AB:.*]] = arith.addf %[[A]], %[[BF]]
// CHECK-NEXT: %[[ABC:.*]] = arith.addf %[[CF]], %[[AB]]
// CHECK-NEXT: %[[ROUNDED:.*]] = arith.truncf %[[ABC]]
// CHECK-NEXT: mla.yield %[[ROUNDED]]
// CHECK-NOT: mla.kernel
// CHECK: return %[[Y]]
func.func @chain(%routed: tensor<?x64xf32>, %shared: tensor<?x64xbf16>, %stream: tensor<?x64xbf16>) -> tensor<?x64xbf16> {
  %s = arith.extf %shared : tensor<?x64xbf16> to tensor<?x64xf32>
  %mixed = arith.addf %routed, %s : tensor<?x64xf32>
  %f = arith.extf %stream : tensor<?x64xbf16> to tensor<?x64xf32>
  %layer = arith.addf %f, %mixed : tensor<?x64xf32>
  %rounded = arith.truncf %layer : tensor<?x64xf32> to tensor<?x64xbf16>
  return %rounded : tensor<?x64xbf16>
}

// A long chain is several kernels, of sixteen terms at most.
// CHECK-LABEL: func.func @long_chain
// CHECK: %[[FIRST:.*]] = mla.kernel sum
// CHECK-COUNT-2: arith.addf
// CHECK-NOT: arith.addf
// CHECK: %[[Y:.*]] = mla.kernel sum {{.*}}= %[[FIRST]]{{[,)]}}
// CHECK-COUNT-15: arith.addf
// CHECK-NOT: arith.addf
// CHECK: return %[[Y]]
func.func @long_chain(%x: tensor<?x64xf32>) -> tensor<?x64xbf16> {
  %0 = arith.addf %x, %x : tensor<?x64xf32>
  %1 = arith.addf %0, %x : tensor<?x64xf32>
  %2 = arith.addf %1, %x : tensor<?x64xf32>
  %3 = arith.addf %2, %x : tensor<?x64xf32>
  %4 = arith.addf %3, %x : tensor<?x64xf32>
  %5 = arith.addf %4, %x : tensor<?x64xf32>
  %6 = arith.addf %5, %x : tensor<?x64xf32>
  %7 = arith.addf %6, %x : tensor<?x64xf32>
  %8 = arith.addf %7, %x : tensor<?x64xf32>
  %9 = arith.addf %8, %x : tensor<?x64xf32>
  %10 = arith.addf %9, %x : tensor<?x64xf32>
  %11 = arith.addf %10, %x : tensor<?x64xf32>
  %12 = arith.addf %11, %x : tensor<?x64xf32>
  %13 = arith.addf %12, %x : tensor<?x64xf32>
  %14 = arith.addf %13, %x : tensor<?x64xf32>
  %15 = arith.addf %14, %x : tensor<?x64xf32>
  %16 = arith.addf %15, %x : tensor<?x64xf32>
  %rounded = arith.truncf %16 : tensor<?x64xf32> to tensor<?x64xbf16>
  return %rounded : tensor<?x64xbf16>
}

// A router's logits are not rounded, and not a part of another product.
// CHECK-LABEL: func.func @router
// CHECK-SAME: (%[[X:.*]]: tensor<?x64xbf16>)
// CHECK-DAG: %[[W:.*]] = mla.weight "router"
// CHECK-DAG: %[[BIAS:.*]] = mla.weight "correction"
// CHECK-DAG: %[[SHARED:.*]] = mla.weight "shared"
// CHECK: %{{.*}}:2 = mla.kernel router "{{.*}}"(%[[XI:.*]] = %[[X]], %[[WI:.*]] = %[[W]], %[[B:.*]] = %[[BIAS]]) : (tensor<?x64xbf16>, tensor<8x64xbf16>, tensor<8xf32>) -> (tensor<?x3xi32>, tensor<?x3xf32>) {
// CHECK-NEXT: %[[L:.*]] = mla.project %[[XI]], %[[WI]] : (tensor<?x64xbf16>, tensor<8x64xbf16>) -> tensor<?x8xf32>
// CHECK-NEXT: %[[E:.*]], %[[F:.*]] = mla.route sigmoid %[[L]] corrected %[[B]]
// CHECK-NEXT: mla.yield %[[E]], %[[F]]
// CHECK: mla.kernel projection "{{.*}}"(%{{.*}} = %[[X]], %{{.*}} = %[[SHARED]]) : {{.*}} -> tensor<?x128xbf16>
func.func @router(%x: tensor<?x64xbf16>) -> tensor<?x128xbf16> {
  %w = mla.weight "router" : tensor<8x64xbf16>
  %b = mla.weight "correction" : tensor<8xf32>
  %v = mla.weight "shared" : tensor<128x64xbf16>
  %logits = mla.project %x, %w : (tensor<?x64xbf16>, tensor<8x64xbf16>) -> tensor<?x8xf32>
  %experts, %weights = mla.route sigmoid %logits corrected %b : tensor<8xf32> {normalized} : tensor<?x8xf32> -> tensor<?x3xi32>, tensor<?x3xf32>
  %shared = mla.project %x, %v : (tensor<?x64xbf16>, tensor<128x64xbf16>) -> tensor<?x128xf32>
  %rounded = arith.truncf %shared : tensor<?x128xf32> to tensor<?x128xbf16>
  return %rounded : tensor<?x128xbf16>
}

// Logits that something else reads are stored, in f32.
// CHECK-LABEL: func.func @read_logits
// CHECK: %[[LOGITS:.*]] = mla.kernel projection {{.*}} -> tensor<?x8xf32>
// CHECK: mla.kernel route {{.*}}(%{{.*}} = %[[LOGITS]])
// CHECK: mla.kernel route {{.*}}(%{{.*}} = %[[LOGITS]])
func.func @read_logits(%x: tensor<?x64xbf16>) -> (tensor<?x3xi32>, tensor<?x2xi32>) {
  %w = mla.weight "router" : tensor<8x64xbf16>
  %logits = mla.project %x, %w : (tensor<?x64xbf16>, tensor<8x64xbf16>) -> tensor<?x8xf32>
  %e, %f = mla.route sigmoid %logits : tensor<?x8xf32> -> tensor<?x3xi32>, tensor<?x3xf32>
  %g, %h = mla.route softmax %logits : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return %e, %g : tensor<?x3xi32>, tensor<?x2xi32>
}

// The ends of a model. Its logits are f32.
// CHECK-LABEL: func.func @embed
// CHECK-SAME: (%[[IDS:.*]]: tensor<?xi32>)
// CHECK: mla.kernel embed "{{.*}}"(%[[I:.*]] = %[[IDS]], %[[T:.*]] = %{{.*}}) : (tensor<?xi32>, tensor<320x64xbf16>) -> tensor<?x64xbf16> {
// CHECK-NEXT: mla.embed %[[I]], %[[T]]
func.func @embed(%ids: tensor<?xi32>) -> tensor<?x64xbf16> attributes {mla.end = "embed"} {
  %table = mla.weight "table" : tensor<320x64xbf16>
  %y = mla.embed %ids, %table : tensor<320x64xbf16> -> tensor<?x64xbf16>
  return %y : tensor<?x64xbf16>
}

// CHECK-LABEL: func.func @logits
// CHECK: mla.kernel normalize {{.*}} -> tensor<?x64xbf16>
// CHECK: %[[LOGITS:.*]] = mla.kernel projection {{.*}} -> tensor<?x320xf32>
// CHECK: return %[[LOGITS]]
func.func @logits(%hidden: tensor<?x64xbf16>) -> tensor<?x320xf32> attributes {mla.end = "logits"} {
  %gamma = mla.weight "gamma" : tensor<64xf32>
  %head = mla.weight "head" : tensor<320x64xbf16>
  %x = mla.rms_norm %hidden, %gamma {epsilon = 1.0e-06 : f64} : tensor<?x64xbf16>, tensor<64xf32> -> tensor<?x64xf32>
  %y = mla.project %x, %head : (tensor<?x64xf32>, tensor<320x64xbf16>) -> tensor<?x320xf32>
  return %y : tensor<?x320xf32>
}

// What routes and sorts a norm that nothing else reads is one kernel, which also stores the norm, the choices and the sum.
// CHECK-LABEL: func.func @routed
// CHECK-SAME: (%[[HIDDEN:.*]]: tensor<?x64xbf16>)
// CHECK: %[[R:.*]]:6 = mla.kernel routed_choices "{{.*}}"(%[[H:.*]] = %[[HIDDEN]], %[[G:.*]] = %{{.*}}, %[[W:.*]] = %{{.*}}) : (tensor<?x64xbf16>, tensor<64xf32>, tensor<8x64xbf16>) -> (tensor<?x3x64xbf16>, tensor<?x3xi32>, tensor<9xi32>, tensor<?x64xbf16>, tensor<?x3xi32>, tensor<?x3xf32>) {
// CHECK-NEXT: %[[X:.*]] = mla.rms_norm %[[H]], %[[G]] {{.*}} -> tensor<?x64xbf16>
// CHECK-NEXT: %[[LOGITS:.*]] = mla.project %[[X]], %[[W]] : (tensor<?x64xbf16>, tensor<8x64xbf16>) -> tensor<?x8xf32>
// CHECK-NEXT: %[[E:.*]], %[[F:.*]] = mla.route softmax %[[LOGITS]]
// CHECK-NEXT: %[[ROWS:.*]], %[[ORDER:.*]], %[[FIRST:.*]] = mla.sort_choices %[[X]] by %[[E]]
// CHECK-NEXT: mla.yield %[[ROWS]], %[[ORDER]], %[[FIRST]], %[[X]], %[[E]], %[[F]]
// CHECK: mla.kernel mix_choices {{.*}}%[[R]]#5
func.func @routed(%hidden: tensor<?x64xbf16>) -> tensor<?x64xbf16> {
  %w = mla.weight "router" : tensor<8x64xbf16>
  %up = mla.weight "up" : tensor<8x64x64xbf16>
  %gamma = mla.weight "gamma" : tensor<64xf32>
  %x = mla.rms_norm %hidden, %gamma {epsilon = 1.0e-06 : f64} : tensor<?x64xbf16>, tensor<64xf32> -> tensor<?x64xf32>
  %logits = mla.project %x, %w : (tensor<?x64xf32>, tensor<8x64xbf16>) -> tensor<?x8xf32>
  %e, %f = mla.route softmax %logits : tensor<?x8xf32> -> tensor<?x3xi32>, tensor<?x3xf32>
  %rows, %order, %first = mla.sort_choices %x by %e : tensor<?x64xf32>, tensor<?x3xi32> -> tensor<?x3x64xf32>, tensor<?x3xi32>, tensor<9xi32>
  %y = mla.grouped_project %rows, %up by %first : (tensor<?x3x64xf32>, tensor<8x64x64xbf16>, tensor<9xi32>) -> tensor<?x3x64xf32>
  %z = mla.mix_choices %y by %order weighted %f : (tensor<?x3x64xf32>, tensor<?x3xi32>, tensor<?x3xf32>) -> tensor<?x64xf32>
  %out = arith.truncf %z : tensor<?x64xf32> to tensor<?x64xbf16>
  return %out : tensor<?x64xbf16>
}

// A norm that a shared MLP reads too, before the choices are sorted, has a kernel of its own, and so have the choices.
// CHECK-LABEL: func.func @shared_norm
// CHECK: %[[X:.*]] = mla.kernel normalize
// CHECK: mla.kernel projection {{.*}}(%{{.*}} = %[[X]],
// CHECK: %[[E:.*]]:2 = mla.kernel router {{.*}}(%{{.*}} = %[[X]],
// CHECK: mla.kernel sort_choices {{.*}}(%{{.*}} = %[[X]], %{{.*}} = %[[E]]#0)
func.func @shared_norm(%hidden: tensor<?x64xbf16>) -> (tensor<?x3x64xbf16>, tensor<?x64xbf16>) {
  %w = mla.weight "router" : tensor<8x64xbf16>
  %v = mla.weight "shared" : tensor<64x64xbf16>
  %gamma = mla.weight "gamma" : tensor<64xf32>
  %x = mla.rms_norm %hidden, %gamma {epsilon = 1.0e-06 : f64} : tensor<?x64xbf16>, tensor<64xf32> -> tensor<?x64xbf16>
  %s = mla.project %x, %v : (tensor<?x64xbf16>, tensor<64x64xbf16>) -> tensor<?x64xbf16>
  %logits = mla.project %x, %w : (tensor<?x64xbf16>, tensor<8x64xbf16>) -> tensor<?x8xf32>
  %e, %f = mla.route softmax %logits : tensor<?x8xf32> -> tensor<?x3xi32>, tensor<?x3xf32>
  %rows, %order, %first = mla.sort_choices %x by %e : tensor<?x64xbf16>, tensor<?x3xi32> -> tensor<?x3x64xbf16>, tensor<?x3xi32>, tensor<9xi32>
  return %rows, %s : tensor<?x3x64xbf16>, tensor<?x64xbf16>
}
