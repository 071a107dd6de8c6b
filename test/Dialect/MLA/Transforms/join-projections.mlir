// Two projections of the same tokens become one, of weights that stay where they are.
//
// RUN: mla-opt %s --mla-join-projections --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @two
// CHECK-SAME: (%[[X:.*]]: tensor<?x320xbf16>)
// CHECK: %[[A:.*]] = mla.weight "a"
// CHECK: %[[B:.*]] = mla.weight "b"
// CHECK: %[[W:.*]] = tensor.concat dim(0) %[[A]], %[[B]] : (tensor<256x320xbf16>, tensor<72x320xbf16>) -> tensor<328x320xbf16>
// CHECK: %[[Y:.*]] = mla.project %[[X]], %[[W]] : (tensor<?x320xbf16>, tensor<328x320xbf16>) -> tensor<?x328xbf16>
// CHECK-DAG: %[[YA:.*]] = tensor.extract_slice %[[Y]][0, 0] [%{{.*}}, 256] [1, 1]
// CHECK-DAG: %[[YB:.*]] = tensor.extract_slice %[[Y]][0, 256] [%{{.*}}, 72] [1, 1]
// CHECK-NOT: mla.project
// CHECK: return %[[YA]], %[[YB]]
func.func @two(%x: tensor<?x320xbf16>) -> (tensor<?x256xbf16>, tensor<?x72xbf16>) {
  %a = mla.weight "a" : tensor<256x320xbf16>
  %y = mla.project %x, %a : (tensor<?x320xbf16>, tensor<256x320xbf16>) -> tensor<?x256xbf16>
  %b = mla.weight "b" : tensor<72x320xbf16>
  %z = mla.project %x, %b : (tensor<?x320xbf16>, tensor<72x320xbf16>) -> tensor<?x72xbf16>
  return %y, %z : tensor<?x256xbf16>, tensor<?x72xbf16>
}

// -----

// The one with a multiple of 128 rows is the first.
// CHECK-LABEL: func.func @other_order
// CHECK: %[[A:.*]] = mla.weight "a"
// CHECK: %[[B:.*]] = mla.weight "b"
// CHECK: tensor.concat dim(0) %[[B]], %[[A]] :
// CHECK: %[[Y:.*]] = mla.project
// CHECK-DAG: %[[YA:.*]] = tensor.extract_slice %[[Y]][0, 128] [%{{.*}}, 72] [1, 1]
// CHECK-DAG: %[[YB:.*]] = tensor.extract_slice %[[Y]][0, 0] [%{{.*}}, 128] [1, 1]
// CHECK: return %[[YA]], %[[YB]]
func.func @other_order(%x: tensor<?x320xbf16>) -> (tensor<?x72xbf16>, tensor<?x128xbf16>) {
  %a = mla.weight "a" : tensor<72x320xbf16>
  %y = mla.project %x, %a : (tensor<?x320xbf16>, tensor<72x320xbf16>) -> tensor<?x72xbf16>
  %b = mla.weight "b" : tensor<128x320xbf16>
  %z = mla.project %x, %b : (tensor<?x320xbf16>, tensor<128x320xbf16>) -> tensor<?x128xbf16>
  return %y, %z : tensor<?x72xbf16>, tensor<?x128xbf16>
}

// -----

// Heads are rows one after the other, and parts of the joined columns. Those that something reads whole stay apart.
// CHECK-LABEL: func.func @heads
// CHECK: %[[A:.*]] = mla.weight "a"
// CHECK: %[[B:.*]] = mla.weight "b"
// CHECK: %[[FLAT:.*]] = tensor.collapse_shape %[[A]] {{\[\[}}0, 1], [2]] : tensor<2x192x320xbf16> into tensor<384x320xbf16>
// CHECK: %[[W:.*]] = tensor.concat dim(0) %[[FLAT]], %[[B]] : (tensor<384x320xbf16>, tensor<72x320xbf16>) -> tensor<456x320xbf16>
// CHECK: %[[Y:.*]] = mla.project %{{.*}}, %[[W]] : (tensor<?x320xbf16>, tensor<456x320xbf16>) -> tensor<?x456xbf16>
// CHECK-DAG: %[[YA:.*]] = tensor.extract_slice %[[Y]][0, 0] [%{{.*}}, 384] [1, 1]
// CHECK-DAG: %[[HEADS:.*]] = tensor.expand_shape %[[YA]] {{\[\[}}0], [1, 2]] output_shape [%{{.*}}, 2, 192]
// CHECK-DAG: %[[YB:.*]] = tensor.extract_slice %[[Y]][0, 384] [%{{.*}}, 72] [1, 1]
// CHECK-NOT: mla.project
// CHECK: %[[NOPE:.*]] = tensor.extract_slice %[[HEADS]][0, 0, 0]
// CHECK: return %[[NOPE]], %[[YB]]
// CHECK-LABEL: func.func @whole_heads
// CHECK-NOT: tensor.concat
func.func @heads(%x: tensor<?x320xbf16>) -> (tensor<?x2x128xbf16>, tensor<?x72xbf16>) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x320xbf16>
  %a = mla.weight "a" : tensor<2x192x320xbf16>
  %y = mla.project to_heads %x, %a : (tensor<?x320xbf16>, tensor<2x192x320xbf16>) -> tensor<?x2x192xbf16>
  %b = mla.weight "b" : tensor<72x320xbf16>
  %z = mla.project %x, %b : (tensor<?x320xbf16>, tensor<72x320xbf16>) -> tensor<?x72xbf16>
  %nope = tensor.extract_slice %y[0, 0, 0] [%t, 2, 128] [1, 1, 1] : tensor<?x2x192xbf16> to tensor<?x2x128xbf16>
  return %nope, %z : tensor<?x2x128xbf16>, tensor<?x72xbf16>
}
func.func @whole_heads(%x: tensor<?x320xbf16>) -> (tensor<?x2x192xbf16>, tensor<?x72xbf16>) {
  %a = mla.weight "a" : tensor<2x192x320xbf16>
  %y = mla.project to_heads %x, %a : (tensor<?x320xbf16>, tensor<2x192x320xbf16>) -> tensor<?x2x192xbf16>
  %b = mla.weight "b" : tensor<72x320xbf16>
  %z = mla.project %x, %b : (tensor<?x320xbf16>, tensor<72x320xbf16>) -> tensor<?x72xbf16>
  return %y, %z : tensor<?x2x192xbf16>, tensor<?x72xbf16>
}

// -----

// In e4m3, of the same elements of tokens.
// CHECK-LABEL: func.func @scaled
// CHECK: %[[XD:.*]] = mla.dequantize %{{.*}}, %{{.*}} {block = array<i64: 1, 128>}
// CHECK-NOT: array<i64: 1, 128>
// CHECK: %[[AD:.*]] = mla.dequantize %{{.*}}, %{{.*}} {block = array<i64: 128, 128>} : tensor<256x320xf8E4M3FN>
// CHECK: %[[BD:.*]] = mla.dequantize %{{.*}}, %{{.*}} {block = array<i64: 128, 128>} : tensor<192x320xf8E4M3FN>
// CHECK: %[[W:.*]] = tensor.concat dim(0) %[[AD]], %[[BD]]
// CHECK: mla.project %[[XD]], %[[W]] : (tensor<?x320xf32>, tensor<448x320xf32>) -> tensor<?x448xbf16>
// CHECK-NOT: mla.project
func.func @scaled(%x: tensor<?x320xbf16>) -> (tensor<?x256xbf16>, tensor<?x192xbf16>) {
  %a = mla.weight "a" : tensor<256x320xf8E4M3FN>
  %as = mla.weight "as" : tensor<2x3xf32>
  %b = mla.weight "b" : tensor<192x320xf8E4M3FN>
  %bs = mla.weight "bs" : tensor<2x3xf32>
  %q, %s = mla.quantize %x {group = 128 : i64} : tensor<?x320xbf16> -> tensor<?x320xf8E4M3FN>, tensor<?x3xf32>
  %xa = mla.dequantize %q, %s {block = array<i64: 1, 128>} : tensor<?x320xf8E4M3FN>, tensor<?x3xf32> -> tensor<?x320xf32>
  %ad = mla.dequantize %a, %as {block = array<i64: 128, 128>} : tensor<256x320xf8E4M3FN>, tensor<2x3xf32> -> tensor<256x320xf32>
  %y = mla.project %xa, %ad : (tensor<?x320xf32>, tensor<256x320xf32>) -> tensor<?x256xbf16>
  %xb = mla.dequantize %q, %s {block = array<i64: 1, 128>} : tensor<?x320xf8E4M3FN>, tensor<?x3xf32> -> tensor<?x320xf32>
  %bd = mla.dequantize %b, %bs {block = array<i64: 128, 128>} : tensor<192x320xf8E4M3FN>, tensor<2x3xf32> -> tensor<192x320xf32>
  %z = mla.project %xb, %bd : (tensor<?x320xf32>, tensor<192x320xf32>) -> tensor<?x192xbf16>
  return %y, %z : tensor<?x256xbf16>, tensor<?x192xbf16>
}

// -----

// Neither weight has whole tiles of rows.
// CHECK-LABEL: func.func @no_whole_tiles
// CHECK-NOT: tensor.concat
func.func @no_whole_tiles(%x: tensor<?x320xbf16>) -> (tensor<?x192xbf16>, tensor<?x72xbf16>) {
  %a = mla.weight "a" : tensor<192x320xbf16>
  %b = mla.weight "b" : tensor<72x320xbf16>
  %y = mla.project %x, %a : (tensor<?x320xbf16>, tensor<192x320xbf16>) -> tensor<?x192xbf16>
  %z = mla.project %x, %b : (tensor<?x320xbf16>, tensor<72x320xbf16>) -> tensor<?x72xbf16>
  return %y, %z : tensor<?x192xbf16>, tensor<?x72xbf16>
}

// -----

// Other tokens, other results, and heads that read their own tokens.
// CHECK-LABEL: func.func @others
// CHECK-NOT: tensor.concat
func.func @others(%x: tensor<?x320xbf16>, %u: tensor<?x320xbf16>, %v: tensor<?x2x320xbf16>) -> (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x256xf32>, tensor<?x2x128xbf16>) {
  %a = mla.weight "a" : tensor<256x320xbf16>
  %b = mla.weight "b" : tensor<2x128x320xbf16>
  %0 = mla.project %x, %a : (tensor<?x320xbf16>, tensor<256x320xbf16>) -> tensor<?x256xbf16>
  %1 = mla.project %u, %a : (tensor<?x320xbf16>, tensor<256x320xbf16>) -> tensor<?x256xbf16>
  %2 = mla.project %x, %a : (tensor<?x320xbf16>, tensor<256x320xbf16>) -> tensor<?x256xf32>
  %3 = mla.project per_head %v, %b : (tensor<?x2x320xbf16>, tensor<2x128x320xbf16>) -> tensor<?x2x128xbf16>
  return %0, %1, %2, %3 : tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x256xf32>, tensor<?x2x128xbf16>
}

// -----

// Heads in e4m3, whose blocks a flat weight would not have.
// CHECK-LABEL: func.func @scaled_heads
// CHECK-NOT: tensor.concat
func.func @scaled_heads(%x: tensor<?x320xf32>) -> (tensor<?x2x64xbf16>, tensor<?x128xbf16>) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %x, %c0 : tensor<?x320xf32>
  %a = mla.weight "a" : tensor<2x128x320xf8E4M3FN>
  %as = mla.weight "as" : tensor<2x1x3xf32>
  %b = mla.weight "b" : tensor<128x320xf8E4M3FN>
  %bs = mla.weight "bs" : tensor<1x3xf32>
  %ad = mla.dequantize %a, %as {block = array<i64: 1, 128, 128>} : tensor<2x128x320xf8E4M3FN>, tensor<2x1x3xf32> -> tensor<2x128x320xf32>
  %bd = mla.dequantize %b, %bs {block = array<i64: 128, 128>} : tensor<128x320xf8E4M3FN>, tensor<1x3xf32> -> tensor<128x320xf32>
  %0 = mla.project to_heads %x, %ad : (tensor<?x320xf32>, tensor<2x128x320xf32>) -> tensor<?x2x128xbf16>
  %1 = mla.project %x, %bd : (tensor<?x320xf32>, tensor<128x320xf32>) -> tensor<?x128xbf16>
  %2 = tensor.extract_slice %0[0, 0, 0] [%t, 2, 64] [1, 1, 1] : tensor<?x2x128xbf16> to tensor<?x2x64xbf16>
  return %2, %1 : tensor<?x2x64xbf16>, tensor<?x128xbf16>
}

// -----

// Only one weight is in e4m3, so that its tokens are others, too; then blocks differ.
// CHECK-LABEL: func.func @blocks
// CHECK-NOT: tensor.concat
func.func @blocks(%x: tensor<?x320xf32>) -> (tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x64xbf16>) {
  %a = mla.weight "a" : tensor<256x320xf8E4M3FN>
  %as = mla.weight "as" : tensor<2x3xf32>
  %bs = mla.weight "bs" : tensor<4x3xf32>
  %c = mla.weight "c" : tensor<64x320xf8E4M3FN>
  %cs = mla.weight "cs" : tensor<1x3xf32>
  %ad = mla.dequantize %a, %as {block = array<i64: 128, 128>} : tensor<256x320xf8E4M3FN>, tensor<2x3xf32> -> tensor<256x320xf32>
  %bd = mla.dequantize %a, %bs {block = array<i64: 64, 128>} : tensor<256x320xf8E4M3FN>, tensor<4x3xf32> -> tensor<256x320xf32>
  // A block of 128 rows, of which there are 64.
  %cd = mla.dequantize %c, %cs {block = array<i64: 128, 128>} : tensor<64x320xf8E4M3FN>, tensor<1x3xf32> -> tensor<64x320xf32>
  %0 = mla.project %x, %ad : (tensor<?x320xf32>, tensor<256x320xf32>) -> tensor<?x256xbf16>
  %1 = mla.project %x, %bd : (tensor<?x320xf32>, tensor<256x320xf32>) -> tensor<?x256xbf16>
  %2 = mla.project %x, %cd : (tensor<?x320xf32>, tensor<64x320xf32>) -> tensor<?x64xbf16>
  return %0, %1, %2 : tensor<?x256xbf16>, tensor<?x256xbf16>, tensor<?x64xbf16>
}
