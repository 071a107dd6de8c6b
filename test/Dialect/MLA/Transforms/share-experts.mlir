// An MLP of twice the experts' width is two more experts, which every token has.
//
// RUN: mla-opt %s --mla-share-experts --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @layer
// CHECK-SAME: (%[[X:.*]]: tensor<?x128xf32>, %[[LOGITS:.*]]: tensor<?x2xf32>)
// CHECK-DAG: %[[G0:.*]] = mla.weight "g0"
// CHECK-DAG: %[[U0:.*]] = mla.weight "u0"
// CHECK-DAG: %[[G1:.*]] = mla.weight "g1"
// CHECK-DAG: %[[U1:.*]] = mla.weight "u1"
// CHECK-DAG: %[[SG:.*]] = mla.weight "sg"
// CHECK-DAG: %[[SU:.*]] = mla.weight "su"
// CHECK-DAG: %[[SD:.*]] = mla.weight "sd"
// CHECK-DAG: %[[E:.*]], %[[F:.*]] = mla.route softmax %[[LOGITS]] {shared = 2 : i64} : tensor<?x2xf32> -> tensor<?x3xi32>, tensor<?x3xf32>
// CHECK-DAG: %[[SG0:.*]] = tensor.extract_slice %[[SG]][0, 0] [32, 128] [1, 1]
// CHECK-DAG: %[[SU0:.*]] = tensor.extract_slice %[[SU]][0, 0] [32, 128] [1, 1]
// CHECK-DAG: %[[SD0:.*]] = tensor.extract_slice %[[SD]][0, 0] [128, 32] [1, 1]
// CHECK-DAG: %[[SG1:.*]] = tensor.extract_slice %[[SG]][32, 0] [32, 128] [1, 1]
// CHECK-DAG: %[[SU1:.*]] = tensor.extract_slice %[[SU]][32, 0] [32, 128] [1, 1]
// CHECK-DAG: %[[SD1:.*]] = tensor.extract_slice %[[SD]][0, 32] [128, 32] [1, 1]
// CHECK-DAG: %[[UPS:.*]] = tensor.concat dim(0) %[[G0]], %[[U0]], %[[G1]], %[[U1]], %[[SG0]], %[[SU0]], %[[SG1]], %[[SU1]] {mla.name = "ups"}
// CHECK-DAG: %[[WU:.*]] = tensor.expand_shape %[[UPS]] {{.*}} output_shape [4, 64, 128]
// CHECK-DAG: %[[DOWNS:.*]] = tensor.concat dim(0) %{{.*}}, %{{.*}}, %[[SD0]], %[[SD1]] {mla.name = "downs"}
// CHECK-DAG: %[[WD:.*]] = tensor.expand_shape %[[DOWNS]] {{.*}} output_shape [4, 128, 32]
// CHECK: %[[WIDE:.*]] = mla.experts_project %[[X]], %[[WU]] of %[[E]] : (tensor<?x128xf32>, tensor<4x64x128xf32>, tensor<?x3xi32>) -> tensor<?x3x64xf32>
// CHECK: %[[GATE:.*]] = tensor.extract_slice %[[WIDE]][0, 0, 0] [%{{.*}}, 3, 32]
// CHECK: %[[UP:.*]] = tensor.extract_slice %[[WIDE]][0, 0, 32] [%{{.*}}, 3, 32]
// CHECK: %[[H:.*]] = mla.swiglu %[[GATE]], %[[UP]] : tensor<?x3x32xf32>
// CHECK: %[[Y:.*]] = mla.experts_project %[[H]], %[[WD]] of %[[E]] summed %[[F]]
// CHECK-NOT: mla.project
// CHECK: return %[[Y]]
func.func @layer(%x: tensor<?x128xf32>, %logits: tensor<?x2xf32>) -> tensor<?x128xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x128xf32>
  %g0 = mla.weight "g0" : tensor<32x128xf32>
  %u0 = mla.weight "u0" : tensor<32x128xf32>
  %g1 = mla.weight "g1" : tensor<32x128xf32>
  %u1 = mla.weight "u1" : tensor<32x128xf32>
  %d0 = mla.weight "d0" : tensor<128x32xf32>
  %d1 = mla.weight "d1" : tensor<128x32xf32>
  %ups = tensor.concat dim(0) %g0, %u0, %g1, %u1 {mla.name = "ups"} : (tensor<32x128xf32>, tensor<32x128xf32>, tensor<32x128xf32>, tensor<32x128xf32>) -> tensor<128x128xf32>
  %w_up = tensor.expand_shape %ups [[0, 1], [2]] output_shape [2, 64, 128] : tensor<128x128xf32> into tensor<2x64x128xf32>
  %downs = tensor.concat dim(0) %d0, %d1 {mla.name = "downs"} : (tensor<128x32xf32>, tensor<128x32xf32>) -> tensor<256x32xf32>
  %w_down = tensor.expand_shape %downs [[0, 1], [2]] output_shape [2, 128, 32] : tensor<256x32xf32> into tensor<2x128x32xf32>
  %e, %f = mla.route softmax %logits : tensor<?x2xf32> -> tensor<?x1xi32>, tensor<?x1xf32>
  %wide = mla.experts_project %x, %w_up of %e : (tensor<?x128xf32>, tensor<2x64x128xf32>, tensor<?x1xi32>) -> tensor<?x1x64xf32>
  %gate = tensor.extract_slice %wide[0, 0, 0] [%tokens, 1, 32] [1, 1, 1] : tensor<?x1x64xf32> to tensor<?x1x32xf32>
  %up = tensor.extract_slice %wide[0, 0, 32] [%tokens, 1, 32] [1, 1, 1] : tensor<?x1x64xf32> to tensor<?x1x32xf32>
  %h = mla.swiglu %gate, %up : tensor<?x1x32xf32> -> tensor<?x1x32xf32>
  %routed = mla.experts_project %h, %w_down of %e summed %f : (tensor<?x1x32xf32>, tensor<2x128x32xf32>, tensor<?x1xi32>, tensor<?x1xf32>) -> tensor<?x128xf32>
  %sg = mla.weight "sg" : tensor<64x128xf32>
  %su = mla.weight "su" : tensor<64x128xf32>
  %sd = mla.weight "sd" : tensor<128x64xf32>
  %sgu = tensor.concat dim(0) %sg, %su {mla.name = "shared"} : (tensor<64x128xf32>, tensor<64x128xf32>) -> tensor<128x128xf32>
  %swide = mla.project %x, %sgu : (tensor<?x128xf32>, tensor<128x128xf32>) -> tensor<?x128xf32>
  %sgate = tensor.extract_slice %swide[0, 0] [%tokens, 64] [1, 1] : tensor<?x128xf32> to tensor<?x64xf32>
  %sup = tensor.extract_slice %swide[0, 64] [%tokens, 64] [1, 1] : tensor<?x128xf32> to tensor<?x64xf32>
  %sh = mla.swiglu %sgate, %sup : tensor<?x64xf32> -> tensor<?x64xf32>
  %shared = mla.project %sh, %sd : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  %sum = arith.addf %routed, %shared : tensor<?x128xf32>
  return %sum : tensor<?x128xf32>
}

// -----

// 48 columns are not experts of 32.
// CHECK-LABEL: func.func @other_width
// CHECK: mla.route softmax %{{.*}} : tensor<?x2xf32>
// CHECK: mla.project
// CHECK: mla.project
// CHECK: arith.addf
func.func @other_width(%x: tensor<?x128xf32>, %logits: tensor<?x2xf32>) -> tensor<?x128xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x128xf32>
  %g0 = mla.weight "g0" : tensor<32x128xf32>
  %u0 = mla.weight "u0" : tensor<32x128xf32>
  %g1 = mla.weight "g1" : tensor<32x128xf32>
  %u1 = mla.weight "u1" : tensor<32x128xf32>
  %d0 = mla.weight "d0" : tensor<128x32xf32>
  %d1 = mla.weight "d1" : tensor<128x32xf32>
  %ups = tensor.concat dim(0) %g0, %u0, %g1, %u1 : (tensor<32x128xf32>, tensor<32x128xf32>, tensor<32x128xf32>, tensor<32x128xf32>) -> tensor<128x128xf32>
  %w_up = tensor.expand_shape %ups [[0, 1], [2]] output_shape [2, 64, 128] : tensor<128x128xf32> into tensor<2x64x128xf32>
  %downs = tensor.concat dim(0) %d0, %d1 : (tensor<128x32xf32>, tensor<128x32xf32>) -> tensor<256x32xf32>
  %w_down = tensor.expand_shape %downs [[0, 1], [2]] output_shape [2, 128, 32] : tensor<256x32xf32> into tensor<2x128x32xf32>
  %e, %f = mla.route softmax %logits : tensor<?x2xf32> -> tensor<?x1xi32>, tensor<?x1xf32>
  %wide = mla.experts_project %x, %w_up of %e : (tensor<?x128xf32>, tensor<2x64x128xf32>, tensor<?x1xi32>) -> tensor<?x1x64xf32>
  %gate = tensor.extract_slice %wide[0, 0, 0] [%tokens, 1, 32] [1, 1, 1] : tensor<?x1x64xf32> to tensor<?x1x32xf32>
  %up = tensor.extract_slice %wide[0, 0, 32] [%tokens, 1, 32] [1, 1, 1] : tensor<?x1x64xf32> to tensor<?x1x32xf32>
  %h = mla.swiglu %gate, %up : tensor<?x1x32xf32> -> tensor<?x1x32xf32>
  %routed = mla.experts_project %h, %w_down of %e summed %f : (tensor<?x1x32xf32>, tensor<2x128x32xf32>, tensor<?x1xi32>, tensor<?x1xf32>) -> tensor<?x128xf32>
  %sg = mla.weight "sg" : tensor<48x128xf32>
  %su = mla.weight "su" : tensor<48x128xf32>
  %sd = mla.weight "sd" : tensor<128x48xf32>
  %sgu = tensor.concat dim(0) %sg, %su : (tensor<48x128xf32>, tensor<48x128xf32>) -> tensor<96x128xf32>
  %swide = mla.project %x, %sgu : (tensor<?x128xf32>, tensor<96x128xf32>) -> tensor<?x96xf32>
  %sgate = tensor.extract_slice %swide[0, 0] [%tokens, 48] [1, 1] : tensor<?x96xf32> to tensor<?x48xf32>
  %sup = tensor.extract_slice %swide[0, 48] [%tokens, 48] [1, 1] : tensor<?x96xf32> to tensor<?x48xf32>
  %sh = mla.swiglu %sgate, %sup : tensor<?x48xf32> -> tensor<?x48xf32>
  %shared = mla.project %sh, %sd : (tensor<?x48xf32>, tensor<128x48xf32>) -> tensor<?x128xf32>
  %sum = arith.addf %routed, %shared : tensor<?x128xf32>
  return %sum : tensor<?x128xf32>
}

// -----

// A third choice of the router is no expert.
// CHECK-LABEL: func.func @more_choices
// CHECK-SAME: (%[[X:.*]]: tensor<?x128xf32>, %[[LOGITS:.*]]: tensor<?x3xf32>)
// CHECK: %[[E:.*]], %[[F:.*]] = mla.route softmax %[[LOGITS]] : tensor<?x3xf32> -> tensor<?x1xi32>, tensor<?x1xf32>
// CHECK: %[[ROUTED:.*]] = mla.experts_project %{{.*}} of %[[E]] summed %[[F]]
// CHECK: %[[SHARED:.*]] = mla.project
// CHECK: %[[MLP:.*]] = mla.project
// CHECK: arith.addf %[[ROUTED]], %[[MLP]]
func.func @more_choices(%x: tensor<?x128xf32>, %logits: tensor<?x3xf32>) -> tensor<?x128xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x128xf32>
  %g0 = mla.weight "g0" : tensor<32x128xf32>
  %u0 = mla.weight "u0" : tensor<32x128xf32>
  %g1 = mla.weight "g1" : tensor<32x128xf32>
  %u1 = mla.weight "u1" : tensor<32x128xf32>
  %d0 = mla.weight "d0" : tensor<128x32xf32>
  %d1 = mla.weight "d1" : tensor<128x32xf32>
  %ups = tensor.concat dim(0) %g0, %u0, %g1, %u1 {mla.name = "ups"} : (tensor<32x128xf32>, tensor<32x128xf32>, tensor<32x128xf32>, tensor<32x128xf32>) -> tensor<128x128xf32>
  %w_up = tensor.expand_shape %ups [[0, 1], [2]] output_shape [2, 64, 128] : tensor<128x128xf32> into tensor<2x64x128xf32>
  %downs = tensor.concat dim(0) %d0, %d1 {mla.name = "downs"} : (tensor<128x32xf32>, tensor<128x32xf32>) -> tensor<256x32xf32>
  %w_down = tensor.expand_shape %downs [[0, 1], [2]] output_shape [2, 128, 32] : tensor<256x32xf32> into tensor<2x128x32xf32>
  %e, %f = mla.route softmax %logits : tensor<?x3xf32> -> tensor<?x1xi32>, tensor<?x1xf32>
  %wide = mla.experts_project %x, %w_up of %e : (tensor<?x128xf32>, tensor<2x64x128xf32>, tensor<?x1xi32>) -> tensor<?x1x64xf32>
  %gate = tensor.extract_slice %wide[0, 0, 0] [%tokens, 1, 32] [1, 1, 1] : tensor<?x1x64xf32> to tensor<?x1x32xf32>
  %up = tensor.extract_slice %wide[0, 0, 32] [%tokens, 1, 32] [1, 1, 1] : tensor<?x1x64xf32> to tensor<?x1x32xf32>
  %h = mla.swiglu %gate, %up : tensor<?x1x32xf32> -> tensor<?x1x32xf32>
  %routed = mla.experts_project %h, %w_down of %e summed %f : (tensor<?x1x32xf32>, tensor<2x128x32xf32>, tensor<?x1xi32>, tensor<?x1xf32>) -> tensor<?x128xf32>
  %sg = mla.weight "sg" : tensor<64x128xf32>
  %su = mla.weight "su" : tensor<64x128xf32>
  %sd = mla.weight "sd" : tensor<128x64xf32>
  %sgu = tensor.concat dim(0) %sg, %su {mla.name = "shared"} : (tensor<64x128xf32>, tensor<64x128xf32>) -> tensor<128x128xf32>
  %swide = mla.project %x, %sgu : (tensor<?x128xf32>, tensor<128x128xf32>) -> tensor<?x128xf32>
  %sgate = tensor.extract_slice %swide[0, 0] [%tokens, 64] [1, 1] : tensor<?x128xf32> to tensor<?x64xf32>
  %sup = tensor.extract_slice %swide[0, 64] [%tokens, 64] [1, 1] : tensor<?x128xf32> to tensor<?x64xf32>
  %sh = mla.swiglu %sgate, %sup : tensor<?x64xf32> -> tensor<?x64xf32>
  %shared = mla.project %sh, %sd : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  %sum = arith.addf %routed, %shared : tensor<?x128xf32>
  return %sum : tensor<?x128xf32>
}

// -----

// The experts activate the other half.
// CHECK-LABEL: func.func @swapped
// CHECK-NOT: shared =
// CHECK: mla.project
// CHECK: arith.addf
func.func @swapped(%x: tensor<?x128xf32>, %logits: tensor<?x2xf32>) -> tensor<?x128xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x128xf32>
  %g0 = mla.weight "g0" : tensor<32x128xf32>
  %u0 = mla.weight "u0" : tensor<32x128xf32>
  %g1 = mla.weight "g1" : tensor<32x128xf32>
  %u1 = mla.weight "u1" : tensor<32x128xf32>
  %d0 = mla.weight "d0" : tensor<128x32xf32>
  %d1 = mla.weight "d1" : tensor<128x32xf32>
  %ups = tensor.concat dim(0) %g0, %u0, %g1, %u1 : (tensor<32x128xf32>, tensor<32x128xf32>, tensor<32x128xf32>, tensor<32x128xf32>) -> tensor<128x128xf32>
  %w_up = tensor.expand_shape %ups [[0, 1], [2]] output_shape [2, 64, 128] : tensor<128x128xf32> into tensor<2x64x128xf32>
  %downs = tensor.concat dim(0) %d0, %d1 : (tensor<128x32xf32>, tensor<128x32xf32>) -> tensor<256x32xf32>
  %w_down = tensor.expand_shape %downs [[0, 1], [2]] output_shape [2, 128, 32] : tensor<256x32xf32> into tensor<2x128x32xf32>
  %e, %f = mla.route softmax %logits : tensor<?x2xf32> -> tensor<?x1xi32>, tensor<?x1xf32>
  %wide = mla.experts_project %x, %w_up of %e : (tensor<?x128xf32>, tensor<2x64x128xf32>, tensor<?x1xi32>) -> tensor<?x1x64xf32>
  %gate = tensor.extract_slice %wide[0, 0, 0] [%tokens, 1, 32] [1, 1, 1] : tensor<?x1x64xf32> to tensor<?x1x32xf32>
  %up = tensor.extract_slice %wide[0, 0, 32] [%tokens, 1, 32] [1, 1, 1] : tensor<?x1x64xf32> to tensor<?x1x32xf32>
  %h = mla.swiglu %up, %gate : tensor<?x1x32xf32> -> tensor<?x1x32xf32>
  %routed = mla.experts_project %h, %w_down of %e summed %f : (tensor<?x1x32xf32>, tensor<2x128x32xf32>, tensor<?x1xi32>, tensor<?x1xf32>) -> tensor<?x128xf32>
  %sg = mla.weight "sg" : tensor<64x128xf32>
  %su = mla.weight "su" : tensor<64x128xf32>
  %sd = mla.weight "sd" : tensor<128x64xf32>
  %sgu = tensor.concat dim(0) %sg, %su : (tensor<64x128xf32>, tensor<64x128xf32>) -> tensor<128x128xf32>
  %swide = mla.project %x, %sgu : (tensor<?x128xf32>, tensor<128x128xf32>) -> tensor<?x128xf32>
  %sgate = tensor.extract_slice %swide[0, 0] [%tokens, 64] [1, 1] : tensor<?x128xf32> to tensor<?x64xf32>
  %sup = tensor.extract_slice %swide[0, 64] [%tokens, 64] [1, 1] : tensor<?x128xf32> to tensor<?x64xf32>
  %sh = mla.swiglu %sgate, %sup : tensor<?x64xf32> -> tensor<?x64xf32>
  %shared = mla.project %sh, %sd : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  %sum = arith.addf %routed, %shared : tensor<?x128xf32>
  return %sum : tensor<?x128xf32>
}

// -----

// Gate and up of the experts overlap.
// CHECK-LABEL: func.func @overlapping
// CHECK-NOT: shared =
// CHECK: mla.project
// CHECK: arith.addf
func.func @overlapping(%x: tensor<?x128xf32>, %logits: tensor<?x2xf32>) -> tensor<?x128xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x128xf32>
  %g0 = mla.weight "g0" : tensor<32x128xf32>
  %u0 = mla.weight "u0" : tensor<32x128xf32>
  %g1 = mla.weight "g1" : tensor<32x128xf32>
  %u1 = mla.weight "u1" : tensor<32x128xf32>
  %d0 = mla.weight "d0" : tensor<128x32xf32>
  %d1 = mla.weight "d1" : tensor<128x32xf32>
  %ups = tensor.concat dim(0) %g0, %u0, %g1, %u1 : (tensor<32x128xf32>, tensor<32x128xf32>, tensor<32x128xf32>, tensor<32x128xf32>) -> tensor<128x128xf32>
  %w_up = tensor.expand_shape %ups [[0, 1], [2]] output_shape [2, 64, 128] : tensor<128x128xf32> into tensor<2x64x128xf32>
  %downs = tensor.concat dim(0) %d0, %d1 : (tensor<128x32xf32>, tensor<128x32xf32>) -> tensor<256x32xf32>
  %w_down = tensor.expand_shape %downs [[0, 1], [2]] output_shape [2, 128, 32] : tensor<256x32xf32> into tensor<2x128x32xf32>
  %e, %f = mla.route softmax %logits : tensor<?x2xf32> -> tensor<?x1xi32>, tensor<?x1xf32>
  %wide = mla.experts_project %x, %w_up of %e : (tensor<?x128xf32>, tensor<2x64x128xf32>, tensor<?x1xi32>) -> tensor<?x1x64xf32>
  %gate = tensor.extract_slice %wide[0, 0, 0] [%tokens, 1, 32] [1, 1, 1] : tensor<?x1x64xf32> to tensor<?x1x32xf32>
  %up = tensor.extract_slice %wide[0, 0, 16] [%tokens, 1, 32] [1, 1, 1] : tensor<?x1x64xf32> to tensor<?x1x32xf32>
  %h = mla.swiglu %gate, %up : tensor<?x1x32xf32> -> tensor<?x1x32xf32>
  %routed = mla.experts_project %h, %w_down of %e summed %f : (tensor<?x1x32xf32>, tensor<2x128x32xf32>, tensor<?x1xi32>, tensor<?x1xf32>) -> tensor<?x128xf32>
  %sg = mla.weight "sg" : tensor<64x128xf32>
  %su = mla.weight "su" : tensor<64x128xf32>
  %sd = mla.weight "sd" : tensor<128x64xf32>
  %sgu = tensor.concat dim(0) %sg, %su : (tensor<64x128xf32>, tensor<64x128xf32>) -> tensor<128x128xf32>
  %swide = mla.project %x, %sgu : (tensor<?x128xf32>, tensor<128x128xf32>) -> tensor<?x128xf32>
  %sgate = tensor.extract_slice %swide[0, 0] [%tokens, 64] [1, 1] : tensor<?x128xf32> to tensor<?x64xf32>
  %sup = tensor.extract_slice %swide[0, 64] [%tokens, 64] [1, 1] : tensor<?x128xf32> to tensor<?x64xf32>
  %sh = mla.swiglu %sgate, %sup : tensor<?x64xf32> -> tensor<?x64xf32>
  %shared = mla.project %sh, %sd : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  %sum = arith.addf %routed, %shared : tensor<?x128xf32>
  return %sum : tensor<?x128xf32>
}

// -----

// The shared gate has every second column.
// CHECK-LABEL: func.func @strided
// CHECK-NOT: shared =
// CHECK: mla.project
// CHECK: arith.addf
func.func @strided(%x: tensor<?x128xf32>, %logits: tensor<?x2xf32>) -> tensor<?x128xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x128xf32>
  %g0 = mla.weight "g0" : tensor<32x128xf32>
  %u0 = mla.weight "u0" : tensor<32x128xf32>
  %g1 = mla.weight "g1" : tensor<32x128xf32>
  %u1 = mla.weight "u1" : tensor<32x128xf32>
  %d0 = mla.weight "d0" : tensor<128x32xf32>
  %d1 = mla.weight "d1" : tensor<128x32xf32>
  %ups = tensor.concat dim(0) %g0, %u0, %g1, %u1 : (tensor<32x128xf32>, tensor<32x128xf32>, tensor<32x128xf32>, tensor<32x128xf32>) -> tensor<128x128xf32>
  %w_up = tensor.expand_shape %ups [[0, 1], [2]] output_shape [2, 64, 128] : tensor<128x128xf32> into tensor<2x64x128xf32>
  %downs = tensor.concat dim(0) %d0, %d1 : (tensor<128x32xf32>, tensor<128x32xf32>) -> tensor<256x32xf32>
  %w_down = tensor.expand_shape %downs [[0, 1], [2]] output_shape [2, 128, 32] : tensor<256x32xf32> into tensor<2x128x32xf32>
  %e, %f = mla.route softmax %logits : tensor<?x2xf32> -> tensor<?x1xi32>, tensor<?x1xf32>
  %wide = mla.experts_project %x, %w_up of %e : (tensor<?x128xf32>, tensor<2x64x128xf32>, tensor<?x1xi32>) -> tensor<?x1x64xf32>
  %gate = tensor.extract_slice %wide[0, 0, 0] [%tokens, 1, 32] [1, 1, 1] : tensor<?x1x64xf32> to tensor<?x1x32xf32>
  %up = tensor.extract_slice %wide[0, 0, 32] [%tokens, 1, 32] [1, 1, 1] : tensor<?x1x64xf32> to tensor<?x1x32xf32>
  %h = mla.swiglu %gate, %up : tensor<?x1x32xf32> -> tensor<?x1x32xf32>
  %routed = mla.experts_project %h, %w_down of %e summed %f : (tensor<?x1x32xf32>, tensor<2x128x32xf32>, tensor<?x1xi32>, tensor<?x1xf32>) -> tensor<?x128xf32>
  %sg = mla.weight "sg" : tensor<64x128xf32>
  %su = mla.weight "su" : tensor<64x128xf32>
  %sd = mla.weight "sd" : tensor<128x64xf32>
  %sgu = tensor.concat dim(0) %sg, %su : (tensor<64x128xf32>, tensor<64x128xf32>) -> tensor<128x128xf32>
  %swide = mla.project %x, %sgu : (tensor<?x128xf32>, tensor<128x128xf32>) -> tensor<?x128xf32>
  %sgate = tensor.extract_slice %swide[0, 0] [%tokens, 64] [1, 2] : tensor<?x128xf32> to tensor<?x64xf32>
  %sup = tensor.extract_slice %swide[0, 64] [%tokens, 64] [1, 1] : tensor<?x128xf32> to tensor<?x64xf32>
  %sh = mla.swiglu %sgate, %sup : tensor<?x64xf32> -> tensor<?x64xf32>
  %shared = mla.project %sh, %sd : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  %sum = arith.addf %routed, %shared : tensor<?x128xf32>
  return %sum : tensor<?x128xf32>
}

// -----

// The shared gate and up have other rows than their halves.
// CHECK-LABEL: func.func @uneven
// CHECK-NOT: shared =
// CHECK: mla.project
// CHECK: arith.addf
func.func @uneven(%x: tensor<?x128xf32>, %logits: tensor<?x2xf32>) -> tensor<?x128xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x128xf32>
  %g0 = mla.weight "g0" : tensor<32x128xf32>
  %u0 = mla.weight "u0" : tensor<32x128xf32>
  %g1 = mla.weight "g1" : tensor<32x128xf32>
  %u1 = mla.weight "u1" : tensor<32x128xf32>
  %d0 = mla.weight "d0" : tensor<128x32xf32>
  %d1 = mla.weight "d1" : tensor<128x32xf32>
  %ups = tensor.concat dim(0) %g0, %u0, %g1, %u1 : (tensor<32x128xf32>, tensor<32x128xf32>, tensor<32x128xf32>, tensor<32x128xf32>) -> tensor<128x128xf32>
  %w_up = tensor.expand_shape %ups [[0, 1], [2]] output_shape [2, 64, 128] : tensor<128x128xf32> into tensor<2x64x128xf32>
  %downs = tensor.concat dim(0) %d0, %d1 : (tensor<128x32xf32>, tensor<128x32xf32>) -> tensor<256x32xf32>
  %w_down = tensor.expand_shape %downs [[0, 1], [2]] output_shape [2, 128, 32] : tensor<256x32xf32> into tensor<2x128x32xf32>
  %e, %f = mla.route softmax %logits : tensor<?x2xf32> -> tensor<?x1xi32>, tensor<?x1xf32>
  %wide = mla.experts_project %x, %w_up of %e : (tensor<?x128xf32>, tensor<2x64x128xf32>, tensor<?x1xi32>) -> tensor<?x1x64xf32>
  %gate = tensor.extract_slice %wide[0, 0, 0] [%tokens, 1, 32] [1, 1, 1] : tensor<?x1x64xf32> to tensor<?x1x32xf32>
  %up = tensor.extract_slice %wide[0, 0, 32] [%tokens, 1, 32] [1, 1, 1] : tensor<?x1x64xf32> to tensor<?x1x32xf32>
  %h = mla.swiglu %gate, %up : tensor<?x1x32xf32> -> tensor<?x1x32xf32>
  %routed = mla.experts_project %h, %w_down of %e summed %f : (tensor<?x1x32xf32>, tensor<2x128x32xf32>, tensor<?x1xi32>, tensor<?x1xf32>) -> tensor<?x128xf32>
  %sg = mla.weight "sg" : tensor<96x128xf32>
  %su = mla.weight "su" : tensor<32x128xf32>
  %sd = mla.weight "sd" : tensor<128x64xf32>
  %sgu = tensor.concat dim(0) %sg, %su : (tensor<96x128xf32>, tensor<32x128xf32>) -> tensor<128x128xf32>
  %swide = mla.project %x, %sgu : (tensor<?x128xf32>, tensor<128x128xf32>) -> tensor<?x128xf32>
  %sgate = tensor.extract_slice %swide[0, 0] [%tokens, 64] [1, 1] : tensor<?x128xf32> to tensor<?x64xf32>
  %sup = tensor.extract_slice %swide[0, 64] [%tokens, 64] [1, 1] : tensor<?x128xf32> to tensor<?x64xf32>
  %sh = mla.swiglu %sgate, %sup : tensor<?x64xf32> -> tensor<?x64xf32>
  %shared = mla.project %sh, %sd : (tensor<?x64xf32>, tensor<128x64xf32>) -> tensor<?x128xf32>
  %sum = arith.addf %routed, %shared : tensor<?x128xf32>
  return %sum : tensor<?x128xf32>
}

// -----

// Shared weights have other elements.
// CHECK-LABEL: func.func @other_elements
// CHECK-NOT: shared =
// CHECK: mla.project
// CHECK: arith.addf
func.func @other_elements(%x: tensor<?x128xf32>, %logits: tensor<?x2xf32>) -> tensor<?x128xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x128xf32>
  %g0 = mla.weight "g0" : tensor<32x128xf32>
  %u0 = mla.weight "u0" : tensor<32x128xf32>
  %g1 = mla.weight "g1" : tensor<32x128xf32>
  %u1 = mla.weight "u1" : tensor<32x128xf32>
  %d0 = mla.weight "d0" : tensor<128x32xf32>
  %d1 = mla.weight "d1" : tensor<128x32xf32>
  %ups = tensor.concat dim(0) %g0, %u0, %g1, %u1 : (tensor<32x128xf32>, tensor<32x128xf32>, tensor<32x128xf32>, tensor<32x128xf32>) -> tensor<128x128xf32>
  %w_up = tensor.expand_shape %ups [[0, 1], [2]] output_shape [2, 64, 128] : tensor<128x128xf32> into tensor<2x64x128xf32>
  %downs = tensor.concat dim(0) %d0, %d1 : (tensor<128x32xf32>, tensor<128x32xf32>) -> tensor<256x32xf32>
  %w_down = tensor.expand_shape %downs [[0, 1], [2]] output_shape [2, 128, 32] : tensor<256x32xf32> into tensor<2x128x32xf32>
  %e, %f = mla.route softmax %logits : tensor<?x2xf32> -> tensor<?x1xi32>, tensor<?x1xf32>
  %wide = mla.experts_project %x, %w_up of %e : (tensor<?x128xf32>, tensor<2x64x128xf32>, tensor<?x1xi32>) -> tensor<?x1x64xf32>
  %gate = tensor.extract_slice %wide[0, 0, 0] [%tokens, 1, 32] [1, 1, 1] : tensor<?x1x64xf32> to tensor<?x1x32xf32>
  %up = tensor.extract_slice %wide[0, 0, 32] [%tokens, 1, 32] [1, 1, 1] : tensor<?x1x64xf32> to tensor<?x1x32xf32>
  %h = mla.swiglu %gate, %up : tensor<?x1x32xf32> -> tensor<?x1x32xf32>
  %routed = mla.experts_project %h, %w_down of %e summed %f : (tensor<?x1x32xf32>, tensor<2x128x32xf32>, tensor<?x1xi32>, tensor<?x1xf32>) -> tensor<?x128xf32>
  %sg = mla.weight "sg" : tensor<64x128xf32>
  %su = mla.weight "su" : tensor<64x128xf32>
  %sd = mla.weight "sd" : tensor<128x64xbf16>
  %sgu = tensor.concat dim(0) %sg, %su : (tensor<64x128xf32>, tensor<64x128xf32>) -> tensor<128x128xf32>
  %swide = mla.project %x, %sgu : (tensor<?x128xf32>, tensor<128x128xf32>) -> tensor<?x128xf32>
  %sgate = tensor.extract_slice %swide[0, 0] [%tokens, 64] [1, 1] : tensor<?x128xf32> to tensor<?x64xf32>
  %sup = tensor.extract_slice %swide[0, 64] [%tokens, 64] [1, 1] : tensor<?x128xf32> to tensor<?x64xf32>
  %sh = mla.swiglu %sgate, %sup : tensor<?x64xf32> -> tensor<?x64xf32>
  %shared = mla.project %sh, %sd : (tensor<?x64xf32>, tensor<128x64xbf16>) -> tensor<?x128xf32>
  %sum = arith.addf %routed, %shared : tensor<?x128xf32>
  return %sum : tensor<?x128xf32>
}

// -----

// A router's kernel has up to 32 choices per token.
// CHECK-LABEL: func.func @many_choices
// CHECK-NOT: shared =
// CHECK: mla.project
// CHECK: arith.addf
func.func @many_choices(%x: tensor<?x16xf32>, %logits: tensor<?x32xf32>) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x16xf32>
  %g = mla.weight "g" : tensor<8x16xf32>
  %u = mla.weight "u" : tensor<8x16xf32>
  %d = mla.weight "d" : tensor<16x8xf32>
  %ups = tensor.concat dim(0) %g, %u, %g, %u, %g, %u, %g, %u, %g, %u, %g, %u, %g, %u, %g, %u, %g, %u, %g, %u, %g, %u, %g, %u, %g, %u, %g, %u, %g, %u, %g, %u, %g, %u, %g, %u, %g, %u, %g, %u, %g, %u, %g, %u, %g, %u, %g, %u, %g, %u, %g, %u, %g, %u, %g, %u, %g, %u, %g, %u, %g, %u, %g, %u : (tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<512x16xf32>
  %w_up = tensor.expand_shape %ups [[0, 1], [2]] output_shape [32, 16, 16] : tensor<512x16xf32> into tensor<32x16x16xf32>
  %downs = tensor.concat dim(0) %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d, %d : (tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>) -> tensor<512x8xf32>
  %w_down = tensor.expand_shape %downs [[0, 1], [2]] output_shape [32, 16, 8] : tensor<512x8xf32> into tensor<32x16x8xf32>
  %e, %f = mla.route softmax %logits : tensor<?x32xf32> -> tensor<?x32xi32>, tensor<?x32xf32>
  %wide = mla.experts_project %x, %w_up of %e : (tensor<?x16xf32>, tensor<32x16x16xf32>, tensor<?x32xi32>) -> tensor<?x32x16xf32>
  %gate = tensor.extract_slice %wide[0, 0, 0] [%tokens, 32, 8] [1, 1, 1] : tensor<?x32x16xf32> to tensor<?x32x8xf32>
  %up = tensor.extract_slice %wide[0, 0, 8] [%tokens, 32, 8] [1, 1, 1] : tensor<?x32x16xf32> to tensor<?x32x8xf32>
  %h = mla.swiglu %gate, %up : tensor<?x32x8xf32> -> tensor<?x32x8xf32>
  %routed = mla.experts_project %h, %w_down of %e summed %f : (tensor<?x32x8xf32>, tensor<32x16x8xf32>, tensor<?x32xi32>, tensor<?x32xf32>) -> tensor<?x16xf32>
  %sgu = tensor.concat dim(0) %g, %u : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<16x16xf32>
  %swide = mla.project %x, %sgu : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
  %sgate = tensor.extract_slice %swide[0, 0] [%tokens, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
  %sup = tensor.extract_slice %swide[0, 8] [%tokens, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
  %sh = mla.swiglu %sgate, %sup : tensor<?x8xf32> -> tensor<?x8xf32>
  %shared = mla.project %sh, %d : (tensor<?x8xf32>, tensor<16x8xf32>) -> tensor<?x16xf32>
  %sum = arith.addf %routed, %shared : tensor<?x16xf32>
  return %sum : tensor<?x16xf32>
}
