// x of projections by block-scaled weights is quantized. For kernels, elements and scales of a weight are stored, moved alike.
//
// RUN: mla-opt %s --mla-choose-products='for-kernels terms=1' --mla-quantize=for-kernels --split-input-file | FileCheck %s --check-prefixes=CHECK,KERNELS,ONE
// RUN: mla-opt %s --mla-choose-products=for-kernels --mla-quantize=for-kernels --split-input-file | FileCheck %s --check-prefixes=CHECK,KERNELS,TWO
// RUN: mla-opt %s --mla-choose-products=for-kernels --mla-quantize=for-kernels --mla-quantize=for-kernels --split-input-file | FileCheck %s --check-prefixes=CHECK,KERNELS,TWO
// RUN: mla-opt %s --mla-choose-products=terms=1 --mla-quantize --split-input-file | FileCheck %s --check-prefixes=CHECK,CPU --implicit-check-not=_scale

// Two projections of one x share its elements, and both weights keep their blocks.
// KERNELS-LABEL: func.func @prepare.q_a_scale() -> tensor<2x3xf32>
// KERNELS: %[[S:.*]] = mla.weight "q_a.inv"
// KERNELS-NEXT: return %[[S]]
// CHECK-LABEL: func.func @prepare.q_a()
// CHECK: %[[W:.*]] = mla.weight "q_a.e4m3"
// KERNELS: return %[[W]] : tensor<192x320xf8E4M3FN>
// CPU: %[[D:.*]] = mla.dequantize %[[W]],
// CPU: return %[[D]] : tensor<192x320xf32>
func.func @prepare.q_a() -> tensor<192x320xf32> {
  %w = mla.weight "q_a.e4m3" : tensor<192x320xf8E4M3FN>
  %s = mla.weight "q_a.inv" : tensor<2x3xf32>
  %d = mla.dequantize %w, %s {block = array<i64: 128, 128>} : tensor<192x320xf8E4M3FN>, tensor<2x3xf32> -> tensor<192x320xf32>
  return %d : tensor<192x320xf32>
}
// Scales of bf16 are stored in f32.
// KERNELS-LABEL: func.func @prepare.kv_a_scale() -> tensor<5x3xf32>
// KERNELS: %[[S:.*]] = mla.weight "kv_a.inv" : tensor<5x3xbf16>
// KERNELS: %[[F:.*]] = arith.extf %[[S]]
// KERNELS: return %[[F]]
// CHECK-LABEL: func.func @prepare.kv_a()
func.func @prepare.kv_a() -> tensor<576x320xf32> {
  %w = mla.weight "kv_a.e4m3" : tensor<576x320xf8E4M3FN>
  %s = mla.weight "kv_a.inv" : tensor<5x3xbf16>
  %d = mla.dequantize %w, %s {block = array<i64: 128, 128>} : tensor<576x320xf8E4M3FN>, tensor<5x3xbf16> -> tensor<576x320xf32>
  return %d : tensor<576x320xf32>
}
// CHECK-LABEL: func.func @shared
// CHECK-SAME: (%[[X:.*]]: tensor<?x320xbf16>)
// ONE: %[[E:.*]], %[[ES:.*]] = mla.quantize %[[X]] {group = 128 : i64} : tensor<?x320xbf16> -> tensor<?x320xf8E4M3FN>, tensor<?x3xf32>
// TWO: %[[E:.*]], %[[ES:.*]] = mla.quantize %[[X]] {group = 128 : i64, terms = 2 : i64} : tensor<?x320xbf16> -> tensor<?x2x320xf8E4M3FN>, tensor<?x3xf32>
// CPU: %[[E:.*]], %[[ES:.*]] = mla.quantize %[[X]]
// CHECK-NOT: mla.quantize
// KERNELS: %[[A:.*]] = mla.weight "q_a" : tensor<192x320xf8E4M3FN>
// KERNELS: %[[AS:.*]] = mla.weight "q_a_scale" : tensor<2x3xf32>
// KERNELS: %[[B:.*]] = mla.weight "kv_a" : tensor<576x320xf8E4M3FN>
// KERNELS: %[[BS:.*]] = mla.weight "kv_a_scale" : tensor<5x3xf32>
// CPU: %[[A:.*]] = mla.weight "q_a" : tensor<192x320xf32>
// ONE: %[[XD:.*]] = mla.dequantize %[[E]], %[[ES]] {block = array<i64: 1, 128>}
// TWO: %[[XD:.*]] = mla.dequantize %[[E]], %[[ES]] {block = array<i64: 1, 128>} : tensor<?x2x320xf8E4M3FN>, tensor<?x3xf32> -> tensor<?x320xf32>
// KERNELS: %[[AD:.*]] = mla.dequantize %[[A]], %[[AS]] {block = array<i64: 128, 128>} : tensor<192x320xf8E4M3FN>, tensor<2x3xf32> -> tensor<192x320xf32>
// KERNELS: mla.project %[[XD]], %[[AD]] : (tensor<?x320xf32>, tensor<192x320xf32>) -> tensor<?x192xbf16>
// CPU: %[[XD:.*]] = mla.dequantize %[[E]], %[[ES]]
// CPU: mla.project %[[XD]], %[[A]] : (tensor<?x320xf32>, tensor<192x320xf32>) -> tensor<?x192xbf16>
// CHECK: %[[XD:.*]] = mla.dequantize %[[E]], %[[ES]]
// KERNELS: %[[BD:.*]] = mla.dequantize %[[B]], %[[BS]] {block = array<i64: 128, 128>}
// KERNELS: mla.project %[[XD]], %[[BD]]
func.func @shared(%x: tensor<?x320xbf16>) -> (tensor<?x192xbf16>, tensor<?x576xf32>) {
  %a = mla.weight "q_a" : tensor<192x320xf32>
  %b = mla.weight "kv_a" : tensor<576x320xf32>
  %y = mla.project %x, %a : (tensor<?x320xbf16>, tensor<192x320xf32>) -> tensor<?x192xbf16>
  %z = mla.project %x, %b : (tensor<?x320xbf16>, tensor<576x320xf32>) -> tensor<?x576xf32>
  return %y, %z : tensor<?x192xbf16>, tensor<?x576xf32>
}

// -----

// Heads of 192 rows divide blocks of 128 into two of 64 with the same scale.
// KERNELS-LABEL: func.func @prepare.q_b_scale() -> tensor<2x3x1xf32>
// KERNELS: %[[S:.*]] = mla.weight "q_b.inv" : tensor<3x1xf32>
// KERNELS: %[[ONES:.*]] = arith.constant dense<1.000000e+00> : tensor<6x1xf32>
// KERNELS: %[[TWICE:.*]] = mla.dequantize %[[ONES]], %[[S]] {block = array<i64: 2, 1>} : tensor<6x1xf32>, tensor<3x1xf32> -> tensor<6x1xf32>
// KERNELS: %[[H:.*]] = tensor.expand_shape %[[TWICE]] {{\[\[}}0, 1], [2{{\]\]}} output_shape [2, 3, 1]
// KERNELS: return %[[H]]
// CHECK-LABEL: func.func @prepare.q_b()
// CHECK: %[[W:.*]] = mla.weight "q_b.e4m3"
// KERNELS: %[[H:.*]] = tensor.expand_shape %[[W]] {{\[\[}}0, 1], [2{{\]\]}} output_shape [2, 192, 64] : tensor<384x64xf8E4M3FN>
// KERNELS: return %[[H]] : tensor<2x192x64xf8E4M3FN>
func.func @prepare.q_b() -> tensor<2x192x64xbf16> {
  %w = mla.weight "q_b.e4m3" : tensor<384x64xf8E4M3FN>
  %s = mla.weight "q_b.inv" : tensor<3x1xf32>
  %d = mla.dequantize %w, %s {block = array<i64: 128, 128>} : tensor<384x64xf8E4M3FN>, tensor<3x1xf32> -> tensor<384x64xf32>
  %h = tensor.expand_shape %d [[0, 1], [2]] output_shape [2, 192, 64] : tensor<384x64xf32> into tensor<2x192x64xf32>
  %r = arith.truncf %h : tensor<2x192x64xf32> to tensor<2x192x64xbf16>
  return %r : tensor<2x192x64xbf16>
}
// Columns that one block covers are one group, though the block is partial.
// CHECK-LABEL: func.func @heads
// CHECK-SAME: (%[[X:.*]]: tensor<?x64xbf16>)
// CHECK: %[[E:.*]], %[[ES:.*]] = mla.quantize %[[X]] {group = 128 : i64
// KERNELS: %[[W:.*]] = mla.weight "q_b" : tensor<2x192x64xf8E4M3FN>
// KERNELS: %[[S:.*]] = mla.weight "q_b_scale" : tensor<2x3x1xf32>
// CHECK: %[[XD:.*]] = mla.dequantize %[[E]], %[[ES]]
// KERNELS: %[[WD:.*]] = mla.dequantize %[[W]], %[[S]] {block = array<i64: 1, 64, 128>} : tensor<2x192x64xf8E4M3FN>, tensor<2x3x1xf32> -> tensor<2x192x64xf32>
// KERNELS: mla.project to_heads %[[XD]], %[[WD]] : (tensor<?x64xf32>, tensor<2x192x64xf32>) -> tensor<?x2x192xbf16>
func.func @heads(%x: tensor<?x64xbf16>) -> tensor<?x2x192xbf16> {
  %b = mla.weight "q_b" : tensor<2x192x64xbf16>
  %q = mla.project to_heads %x, %b : (tensor<?x64xbf16>, tensor<2x192x64xbf16>) -> tensor<?x2x192xbf16>
  return %q : tensor<?x2x192xbf16>
}

// -----

// A slice of heads of 192 + 64 rows, transposed: rows become columns, and a group of x has 64 of them.
// KERNELS-LABEL: func.func @prepare.w_uk.t_scale() -> tensor<2x2x3xf32>
// KERNELS: %[[S:.*]] = mla.weight "kv_b.inv" : tensor<4x2xf32>
// KERNELS: %[[TWICE:.*]] = mla.dequantize %{{.*}}, %[[S]] {block = array<i64: 2, 1>} : tensor<8x2xf32>, tensor<4x2xf32> -> tensor<8x2xf32>
// KERNELS: %[[H:.*]] = tensor.expand_shape %[[TWICE]] {{\[\[}}0, 1], [2{{\]\]}} output_shape [2, 4, 2]
// KERNELS: %[[K:.*]] = tensor.extract_slice %[[H]][0, 0, 0] [2, 3, 2] [1, 1, 1]
// KERNELS: %[[T:.*]] = linalg.transpose ins(%[[K]] : tensor<2x3x2xf32>) {{.*}} permutation = [0, 2, 1]
// KERNELS: return %[[T]]
// CHECK-LABEL: func.func @prepare.w_uk.t()
// CHECK: %[[W:.*]] = mla.weight "kv_b.e4m3"
// KERNELS: %[[H:.*]] = tensor.expand_shape %[[W]] {{.*}} output_shape [2, 256, 256]
// KERNELS: %[[K:.*]] = tensor.extract_slice %[[H]][0, 0, 0] [2, 192, 256] [1, 1, 1]
// KERNELS: %[[T:.*]] = linalg.transpose ins(%[[K]] : tensor<2x192x256xf8E4M3FN>)
// KERNELS: return %[[T]] : tensor<2x256x192xf8E4M3FN>
func.func @prepare.w_uk.t() -> tensor<2x256x192xbf16> {
  %w = mla.weight "kv_b.e4m3" : tensor<512x256xf8E4M3FN>
  %s = mla.weight "kv_b.inv" : tensor<4x2xf32>
  %d = mla.dequantize %w, %s {block = array<i64: 128, 128>} : tensor<512x256xf8E4M3FN>, tensor<4x2xf32> -> tensor<512x256xf32>
  %h = tensor.expand_shape %d [[0, 1], [2]] output_shape [2, 256, 256] : tensor<512x256xf32> into tensor<2x256x256xf32>
  %k = tensor.extract_slice %h[0, 0, 0] [2, 192, 256] [1, 1, 1] : tensor<2x256x256xf32> to tensor<2x192x256xf32>
  %e = tensor.empty() : tensor<2x256x192xf32>
  %t = linalg.transpose ins(%k : tensor<2x192x256xf32>) outs(%e : tensor<2x256x192xf32>) permutation = [0, 2, 1]
  %r = arith.truncf %t : tensor<2x256x192xf32> to tensor<2x256x192xbf16>
  return %r : tensor<2x256x192xbf16>
}
// The second part of the heads starts after three blocks of 64.
// KERNELS-LABEL: func.func @prepare.w_uv_scale() -> tensor<2x1x2xf32>
// KERNELS: tensor.extract_slice %{{.*}}[0, 3, 0] [2, 1, 2] [1, 1, 1]
// CHECK-LABEL: func.func @prepare.w_uv()
func.func @prepare.w_uv() -> tensor<2x64x256xbf16> {
  %w = mla.weight "kv_b.e4m3" : tensor<512x256xf8E4M3FN>
  %s = mla.weight "kv_b.inv" : tensor<4x2xf32>
  %d = mla.dequantize %w, %s {block = array<i64: 128, 128>} : tensor<512x256xf8E4M3FN>, tensor<4x2xf32> -> tensor<512x256xf32>
  %h = tensor.expand_shape %d [[0, 1], [2]] output_shape [2, 256, 256] : tensor<512x256xf32> into tensor<2x256x256xf32>
  %v = tensor.extract_slice %h[0, 192, 0] [2, 64, 256] [1, 1, 1] : tensor<2x256x256xf32> to tensor<2x64x256xf32>
  %r = arith.truncf %v : tensor<2x64x256xf32> to tensor<2x64x256xbf16>
  return %r : tensor<2x64x256xbf16>
}
// CHECK-LABEL: func.func @absorbed
// CHECK-SAME: (%[[Q:.*]]: tensor<?x2x192xbf16>, %[[O:.*]]: tensor<?x2x256xbf16>)
// ONE-DAG: %[[QE:.*]], %[[QS:.*]] = mla.quantize %[[Q]] {group = 64 : i64} : tensor<?x2x192xbf16> -> tensor<?x2x192xf8E4M3FN>, tensor<?x2x3xf32>
// TWO-DAG: %[[QE:.*]], %[[QS:.*]] = mla.quantize %[[Q]] {group = 64 : i64, terms = 2 : i64} : tensor<?x2x192xbf16> -> tensor<?x2x2x192xf8E4M3FN>, tensor<?x2x3xf32>
// CPU-DAG: %[[QE:.*]], %[[QS:.*]] = mla.quantize %[[Q]] {group = 64 : i64}
// CHECK-DAG: %[[OE:.*]], %[[OS:.*]] = mla.quantize %[[O]] {group = 128 : i64
// ONE: %[[QD:.*]] = mla.dequantize %[[QE]], %[[QS]] {block = array<i64: 1, 1, 64>}
// TWO: %[[QD:.*]] = mla.dequantize %[[QE]], %[[QS]] {block = array<i64: 1, 1, 64>} : tensor<?x2x2x192xf8E4M3FN>, tensor<?x2x3xf32> -> tensor<?x2x192xf32>
// KERNELS: %[[WD:.*]] = mla.dequantize %{{.*}}, %{{.*}} {block = array<i64: 1, 128, 64>} : tensor<2x256x192xf8E4M3FN>, tensor<2x2x3xf32> -> tensor<2x256x192xf32>
// KERNELS: mla.project per_head %[[QD]], %[[WD]]
// KERNELS: %[[OD:.*]] = mla.dequantize %[[OE]], %[[OS]]
// KERNELS: %[[WD:.*]] = mla.dequantize %{{.*}}, %{{.*}} {block = array<i64: 1, 64, 128>} : tensor<2x64x256xf8E4M3FN>, tensor<2x1x2xf32> -> tensor<2x64x256xf32>
// KERNELS: mla.project per_head %[[OD]], %[[WD]]
func.func @absorbed(%q: tensor<?x2x192xbf16>, %o: tensor<?x2x256xbf16>) -> (tensor<?x2x256xbf16>, tensor<?x2x64xbf16>) {
  %k = mla.weight "w_uk.t" : tensor<2x256x192xbf16>
  %v = mla.weight "w_uv" : tensor<2x64x256xbf16>
  %l = mla.project per_head %q, %k : (tensor<?x2x192xbf16>, tensor<2x256x192xbf16>) -> tensor<?x2x256xbf16>
  %y = mla.project per_head %o, %v : (tensor<?x2x256xbf16>, tensor<2x64x256xbf16>) -> tensor<?x2x64xbf16>
  return %l, %y : tensor<?x2x256xbf16>, tensor<?x2x64xbf16>
}

// -----

// One scale per tensor: a block per head, since heads are contracted side by side. A group has no columns of two heads.
// KERNELS-LABEL: func.func @prepare.o_proj_scale() -> tensor<1x2x1xf32>
// KERNELS: %[[S:.*]] = mla.weight "o.inv" : tensor<1x1xf32>
// KERNELS: %[[TWICE:.*]] = mla.dequantize %{{.*}}, %[[S]] {block = array<i64: 1, 2>} : tensor<1x2xf32>, tensor<1x1xf32> -> tensor<1x2xf32>
// KERNELS: tensor.expand_shape %[[TWICE]] {{\[\[}}0], [1, 2{{\]\]}} output_shape [1, 2, 1]
// CHECK-LABEL: func.func @prepare.o_proj()
func.func @prepare.o_proj() -> tensor<320x2x192xbf16> {
  %w = mla.weight "o.e4m3" : tensor<320x384xf8E4M3FN>
  %s = mla.weight "o.inv" : tensor<1x1xf32>
  %d = mla.dequantize %w, %s {block = array<i64: 320, 384>} : tensor<320x384xf8E4M3FN>, tensor<1x1xf32> -> tensor<320x384xf32>
  %h = tensor.expand_shape %d [[0], [1, 2]] output_shape [320, 2, 192] : tensor<320x384xf32> into tensor<320x2x192xf32>
  %r = arith.truncf %h : tensor<320x2x192xf32> to tensor<320x2x192xbf16>
  return %r : tensor<320x2x192xbf16>
}
// One scale per row.
// KERNELS-LABEL: func.func @prepare.rows_scale() -> tensor<2x32x1xf32>
// KERNELS-NOT: mla.dequantize
// KERNELS: tensor.expand_shape %{{.*}} output_shape [2, 32, 1] : tensor<64x1xf32>
// CHECK-LABEL: func.func @prepare.rows()
func.func @prepare.rows() -> tensor<2x32x320xbf16> {
  %w = mla.weight "rows.e4m3" : tensor<64x320xf8E4M3FN>
  %s = mla.weight "rows.inv" : tensor<64x1xf32>
  %d = mla.dequantize %w, %s {block = array<i64: 1, 320>} : tensor<64x320xf8E4M3FN>, tensor<64x1xf32> -> tensor<64x320xf32>
  %h = tensor.expand_shape %d [[0, 1], [2]] output_shape [2, 32, 320] : tensor<64x320xf32> into tensor<2x32x320xf32>
  %r = arith.truncf %h : tensor<2x32x320xf32> to tensor<2x32x320xbf16>
  return %r : tensor<2x32x320xbf16>
}
// CHECK-LABEL: func.func @per_tensor_and_row
// CHECK-SAME: (%[[O:.*]]: tensor<?x2x192xbf16>, %[[X:.*]]: tensor<?x320xbf16>)
// CHECK-DAG: %[[E:.*]], %[[ES:.*]] = mla.quantize %[[O]] {group = 64 : i64
// CHECK-DAG: %[[XE:.*]], %[[XS:.*]] = mla.quantize %[[X]] {group = 128 : i64
// CHECK: %[[OD:.*]] = mla.dequantize %[[E]], %[[ES]]
// KERNELS: %[[WD:.*]] = mla.dequantize %{{.*}}, %{{.*}} {block = array<i64: 320, 1, 192>} : tensor<320x2x192xf8E4M3FN>, tensor<1x2x1xf32> -> tensor<320x2x192xf32>
// KERNELS: mla.project from_heads %[[OD]], %[[WD]]
// CHECK: %[[XD:.*]] = mla.dequantize %[[XE]], %[[XS]]
// KERNELS: %[[WD:.*]] = mla.dequantize %{{.*}}, %{{.*}} {block = array<i64: 1, 1, 320>} : tensor<2x32x320xf8E4M3FN>, tensor<2x32x1xf32> -> tensor<2x32x320xf32>
// KERNELS: mla.project to_heads %[[XD]], %[[WD]]
func.func @per_tensor_and_row(%o: tensor<?x2x192xbf16>, %x: tensor<?x320xbf16>) -> (tensor<?x320xbf16>, tensor<?x2x32xbf16>) {
  %w = mla.weight "o_proj" : tensor<320x2x192xbf16>
  %r = mla.weight "rows" : tensor<2x32x320xbf16>
  %y = mla.project from_heads %o, %w : (tensor<?x2x192xbf16>, tensor<320x2x192xbf16>) -> tensor<?x320xbf16>
  %z = mla.project to_heads %x, %r : (tensor<?x320xbf16>, tensor<2x32x320xbf16>) -> tensor<?x2x32xbf16>
  return %y, %z : tensor<?x320xbf16>, tensor<?x2x32xbf16>
}

// -----

// Gates above ups of two experts: blocks of 128 rows are divided where a piece of 64 ends, and scales are put one above the other like
// elements.
// KERNELS-LABEL: func.func @prepare.gate_up_scale() -> tensor<2x2x1xf32>
// KERNELS-DAG: %[[S0:.*]] = mla.weight "g0.inv"
// KERNELS-DAG: %[[S3:.*]] = mla.weight "u1.inv"
// KERNELS: %[[ALL:.*]] = tensor.concat dim(0) %[[P0:.*]], %{{.*}}, %{{.*}}, %[[P3:.*]] : (tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<4x1xf32>
// KERNELS: %[[H:.*]] = tensor.expand_shape %[[ALL]] {{\[\[}}0, 1], [2{{\]\]}} output_shape [2, 2, 1]
// KERNELS: return %[[H]]
// CHECK-LABEL: func.func @prepare.gate_up()
// KERNELS: %[[ALL:.*]] = tensor.concat dim(0) %{{.*}} -> tensor<256x128xf8E4M3FN>
// KERNELS: %[[H:.*]] = tensor.expand_shape %[[ALL]]
// KERNELS: return %[[H]] : tensor<2x128x128xf8E4M3FN>
func.func @prepare.gate_up() -> tensor<2x128x128xbf16> {
  %g0 = mla.weight "g0" : tensor<64x128xf8E4M3FN>
  %g0s = mla.weight "g0.inv" : tensor<1x1xf32>
  %u0 = mla.weight "u0" : tensor<64x128xf8E4M3FN>
  %u0s = mla.weight "u0.inv" : tensor<1x1xf32>
  %g1 = mla.weight "g1" : tensor<64x128xf8E4M3FN>
  %g1s = mla.weight "g1.inv" : tensor<1x1xf32>
  %u1 = mla.weight "u1" : tensor<64x128xf8E4M3FN>
  %u1s = mla.weight "u1.inv" : tensor<1x1xf32>
  %d0 = mla.dequantize %g0, %g0s {block = array<i64: 128, 128>} : tensor<64x128xf8E4M3FN>, tensor<1x1xf32> -> tensor<64x128xf32>
  %d1 = mla.dequantize %u0, %u0s {block = array<i64: 128, 128>} : tensor<64x128xf8E4M3FN>, tensor<1x1xf32> -> tensor<64x128xf32>
  %d2 = mla.dequantize %g1, %g1s {block = array<i64: 128, 128>} : tensor<64x128xf8E4M3FN>, tensor<1x1xf32> -> tensor<64x128xf32>
  %d3 = mla.dequantize %u1, %u1s {block = array<i64: 128, 128>} : tensor<64x128xf8E4M3FN>, tensor<1x1xf32> -> tensor<64x128xf32>
  %all = tensor.concat dim(0) %d0, %d1, %d2, %d3 : (tensor<64x128xf32>, tensor<64x128xf32>, tensor<64x128xf32>, tensor<64x128xf32>) -> tensor<256x128xf32>
  %h = tensor.expand_shape %all [[0, 1], [2]] output_shape [2, 128, 128] : tensor<256x128xf32> into tensor<2x128x128xf32>
  %r = arith.truncf %h : tensor<2x128x128xf32> to tensor<2x128x128xbf16>
  return %r : tensor<2x128x128xbf16>
}
// CHECK-LABEL: func.func @prepare.down()
func.func @prepare.down() -> tensor<2x128x64xbf16> {
  %a = mla.weight "a" : tensor<256x64xf8E4M3FN>
  %as = mla.weight "a.inv" : tensor<2x1xf32>
  %d = mla.dequantize %a, %as {block = array<i64: 128, 128>} : tensor<256x64xf8E4M3FN>, tensor<2x1xf32> -> tensor<256x64xf32>
  %h = tensor.expand_shape %d [[0, 1], [2]] output_shape [2, 128, 64] : tensor<256x64xf32> into tensor<2x128x64xf32>
  %r = arith.truncf %h : tensor<2x128x64xf32> to tensor<2x128x64xbf16>
  return %r : tensor<2x128x64xbf16>
}
// Rows of choices are multiplied one by one: each has its own terms.
// CHECK-LABEL: func.func @experts
// CHECK-SAME: (%[[X:.*]]: tensor<?x128xbf16>, %[[N:.*]]: tensor<?x3xi32>, %[[H:.*]]: tensor<?x3x64xbf16>, %[[F:.*]]: tensor<?x3xf32>)
// TWO: %[[HQ:.*]], %[[HS:.*]] = mla.quantize %[[H]] {group = 128 : i64, term_dim = 2 : i64, terms = 2 : i64} : tensor<?x3x64xbf16> -> tensor<?x3x2x64xf8E4M3FN>, tensor<?x3x1xf32>
// TWO: %[[Q:.*]], %[[S:.*]] = mla.quantize %[[X]] {group = 128 : i64, terms = 2 : i64} : tensor<?x128xbf16> -> tensor<?x2x128xf8E4M3FN>, tensor<?x1xf32>
// TWO: %[[XD:.*]] = mla.dequantize %[[Q]], %[[S]]
// TWO: %[[WD:.*]] = mla.dequantize %{{.*}}, %{{.*}} {block = array<i64: 1, 64, 128>} : tensor<2x128x128xf8E4M3FN>, tensor<2x2x1xf32> -> tensor<2x128x128xf32>
// TWO: mla.experts_project %[[XD]], %[[WD]] of %[[N]]
// TWO: %[[HD:.*]] = mla.dequantize %[[HQ]], %[[HS]] {block = array<i64: 1, 1, 128>, term_dim = 2 : i64}
// TWO: mla.experts_project %[[HD]], %{{.*}} of %[[N]] summed %[[F]]
// CPU: %[[W:.*]] = mla.weight "gate_up" : tensor<2x128x128xbf16>
// CPU: mla.experts_project %{{.*}}, %[[W]] of %[[N]]
func.func @experts(%x: tensor<?x128xbf16>, %n: tensor<?x3xi32>, %h: tensor<?x3x64xbf16>, %f: tensor<?x3xf32>) -> (tensor<?x3x128xf32>, tensor<?x128xf32>) {
  %w = mla.weight "gate_up" : tensor<2x128x128xbf16>
  %v = mla.weight "down" : tensor<2x128x64xbf16>
  %y = mla.experts_project %x, %w of %n : (tensor<?x128xbf16>, tensor<2x128x128xbf16>, tensor<?x3xi32>) -> tensor<?x3x128xf32>
  %z = mla.experts_project %h, %v of %n summed %f : (tensor<?x3x64xbf16>, tensor<2x128x64xbf16>, tensor<?x3xi32>, tensor<?x3xf32>) -> tensor<?x128xf32>
  return %y, %z : tensor<?x3x128xf32>, tensor<?x128xf32>
}
