// A product with two weights, which stay where they are: two maps, and in e4m3 two arrays of scales. A reader of one part's columns
// begins within a row.
//
// RUN: mla-opt %s --mla-group-kernels | FileCheck %s --check-prefix=KERNELS
// RUN: mla-opt %s --mla-group-kernels --mla-schedule-kernels=batch-invariant --convert-mla-to-gpu | FileCheck %s
// RUN: mla-opt %s --mla-group-kernels --mla-schedule-kernels --convert-mla-to-gpu | FileCheck %s --check-prefix=DIRECT

!cache = !mla.cache<page = 16, latent = 64, rope = 16, bf16>

// KERNELS-LABEL: func.func @decode
// KERNELS: %[[Y:.*]] = mla.kernel projection {{.*}}(%[[X:.*]] = %{{.*}}, %[[A:.*]] = %{{.*}}, %[[B:.*]] = %{{.*}}) : (tensor<?x320xbf16>, tensor<128x320xbf16>, tensor<72x320xbf16>) -> tensor<?x200xbf16> {
// KERNELS-NEXT: %[[W:.*]] = tensor.concat dim(0) %[[A]], %[[B]]
// KERNELS-NEXT: mla.project %[[X]], %[[W]]
// KERNELS: mla.kernel quantize {{.*}}(%[[Y2:.*]] = %[[Y]])
// KERNELS: tensor.extract_slice %[[Y2]][0, 0]
// KERNELS: mla.kernel projection {{.*}}(%[[E:.*]] = %{{.*}}, %[[S:.*]] = %{{.*}}, %[[A:.*]] = %{{.*}}, %[[AS:.*]] = %{{.*}}, %[[B:.*]] = %{{.*}}, %[[BS:.*]] = %{{.*}})
// KERNELS-DAG: %[[AD:.*]] = mla.dequantize %[[A]], %[[AS]]
// KERNELS-DAG: %[[BD:.*]] = mla.dequantize %[[B]], %[[BS]]
// KERNELS: tensor.concat dim(0) %[[AD]], %[[BD]]

// CHECK-LABEL: mla.launches @decode
// CHECK: mla.launch @kernels::@projection_1x200x320_border128_tile{{.*}} args [
// CHECK-NEXT: #mla.tensor_map<"weight:a", offset = 0, dims = (320, 128, 1), strides = (640, 81920),
// CHECK-NEXT: #mla.tensor_map<"weight:b", offset = 0, dims = (320, 72, 1), strides = (640, 46080),
// CHECK-NEXT: #mla.tensor_map<"hidden", offset = 0, dims = (320, tokens, 1), strides = (640, 640),
// CHECK-NEXT: #mla.tensor_map<"temp:0", offset = 0, dims = (200, tokens, 1), strides = (400, 400),
// CHECK-NEXT: #mla.extent<tokens>]
// CHECK: mla.launch @kernels::@projection_1x392x128_border256_e4m3_128_128x128_tile{{.*}} args [
// CHECK-NEXT: #mla.tensor_map<"weight:e", offset = 0, dims = (64, 256, 1), strides = (128, 32768),
// CHECK-NEXT: #mla.tensor_map<"weight:f", offset = 0, dims = (64, 136, 1), strides = (128, 17408),
// CHECK-NEXT: #mla.tensor_map<"temp:1",
// CHECK-NEXT: #mla.pointer<"weight:es">,
// CHECK-NEXT: #mla.pointer<"weight:fs">,
// CHECK-NEXT: #mla.pointer<"temp:2">,
func.func @decode(%hidden: tensor<?x320xbf16>, %cu: tensor<?xi32>, %cache: !cache) -> (tensor<?x392xbf16>, !cache)
    attributes {mla.phase = #mla.phase<decode>, mla.regime = #mla.regime<{phase = decode, q = absorb, o = absorb}>} {
  %a = mla.weight "a" : tensor<128x320xbf16>
  %b = mla.weight "b" : tensor<72x320xbf16>
  %e = mla.weight "e" : tensor<256x128xf8E4M3FN>
  %es = mla.weight "es" : tensor<2x1xf32>
  %f = mla.weight "f" : tensor<136x128xf8E4M3FN>
  %fs = mla.weight "fs" : tensor<2x1xf32>
  %w = tensor.concat dim(0) %a, %b : (tensor<128x320xbf16>, tensor<72x320xbf16>) -> tensor<200x320xbf16>
  %y = mla.project %hidden, %w : (tensor<?x320xbf16>, tensor<200x320xbf16>) -> tensor<?x200xbf16>
  %c0 = arith.constant 0 : index
  %t = tensor.dim %y, %c0 : tensor<?x200xbf16>
  %s = tensor.extract_slice %y[0, 0] [%t, 128] [1, 1] : tensor<?x200xbf16> to tensor<?x128xbf16>
  %q, %qs = mla.quantize %s {group = 128 : i64} : tensor<?x128xbf16> -> tensor<?x128xf8E4M3FN>, tensor<?x1xf32>
  %x = mla.dequantize %q, %qs {block = array<i64: 1, 128>} : tensor<?x128xf8E4M3FN>, tensor<?x1xf32> -> tensor<?x128xf32>
  %ed = mla.dequantize %e, %es {block = array<i64: 128, 128>} : tensor<256x128xf8E4M3FN>, tensor<2x1xf32> -> tensor<256x128xf32>
  %fd = mla.dequantize %f, %fs {block = array<i64: 128, 128>} : tensor<136x128xf8E4M3FN>, tensor<2x1xf32> -> tensor<136x128xf32>
  %v = tensor.concat dim(0) %ed, %fd : (tensor<256x128xf32>, tensor<136x128xf32>) -> tensor<392x128xf32>
  %z = mla.project %x, %v : (tensor<?x128xf32>, tensor<392x128xf32>) -> tensor<?x392xbf16>
  return %z, %cache : tensor<?x392xbf16>, !cache
}

// Heads are columns of the joined result, one after the other. Of few tokens, products read both weights by address.
// KERNELS-LABEL: func.func @heads
// KERNELS: %[[Y:.*]] = mla.kernel projection {{.*}}(%[[X:.*]] = %{{.*}}, %[[A:.*]] = %{{.*}}, %[[B:.*]] = %{{.*}}) : (tensor<?x320xbf16>, tensor<2x64x320xbf16>, tensor<72x320xbf16>) -> tensor<?x200xbf16> {
// KERNELS-NEXT: %[[FLAT:.*]] = tensor.collapse_shape %[[A]]
// KERNELS-NEXT: %[[W:.*]] = tensor.concat dim(0) %[[FLAT]], %[[B]]
// KERNELS-NEXT: mla.project %[[X]], %[[W]]
// KERNELS: mla.kernel projection {{.*}}(%[[Y2:.*]] = %[[Y]], %[[C:.*]] = %{{.*}})
// KERNELS: %[[QA:.*]] = tensor.extract_slice %[[Y2]][0, 0] [%{{.*}}, 128] [1, 1]
// KERNELS: %[[Q:.*]] = tensor.expand_shape %[[QA]] {{\[\[}}0], [1, 2]] output_shape [%{{.*}}, 2, 64]
// KERNELS: %[[S:.*]] = tensor.extract_slice %[[Q]][0, 0, 16] [%{{.*}}, 2, 48] [1, 1, 1]
// KERNELS: mla.project per_head %[[S]], %[[C]]
// CHECK-LABEL: mla.launches @heads
// CHECK: mla.launch @kernels::@projection_1x200x320_border128_tile{{.*}} args [
// CHECK-NEXT: #mla.tensor_map<"weight:q", offset = 0, dims = (320, 128, 1), strides = (640, 81920),
// CHECK-NEXT: #mla.tensor_map<"weight:b", offset = 0, dims = (320, 72, 1), strides = (640, 46080),
// CHECK: mla.launch @kernels::@projection_2x32x48_tile{{.*}} args [
// CHECK-NEXT: #mla.tensor_map<"weight:c", offset = 0, dims = (48, 32, 2), strides = (96, 3072),
// CHECK-NEXT: #mla.tensor_map<"temp:{{.*}}", offset = 32, dims = (48, tokens, 2), strides = (400, 128),
// DIRECT-LABEL: mla.launches @heads
// DIRECT: mla.launch @kernels::@direct_product_1x200x320_border128 grid ({{.*}}) threads 256 shared 64 overlap args [
// DIRECT-NEXT: #mla.pointer<"weight:q">,
// DIRECT-NEXT: #mla.pointer<"weight:b">,
// DIRECT-NEXT: #mla.pointer<"hidden">,
// DIRECT-NEXT: #mla.pointer<"temp:[[Y:.*]]">,
// DIRECT-NEXT: #mla.extent<tokens>,
// DIRECT-NEXT: #mla.extent<320>,
// DIRECT-NEXT: #mla.extent<0>]
// DIRECT: mla.launch @kernels::@direct_product_2x32x48 grid ({{.*}}) threads 256 shared 256 overlap args [
// DIRECT-NEXT: #mla.pointer<"weight:c">,
// DIRECT-NEXT: #mla.pointer<"temp:[[Y]]", offset = 32>,
// DIRECT-NEXT: #mla.pointer<"temp:[[Z:.*]]">,
// DIRECT-NEXT: #mla.extent<tokens>,
// DIRECT-NEXT: #mla.extent<200>,
// DIRECT-NEXT: #mla.extent<64>]
// DIRECT: mla.launch @kernels::@direct_product_1x64x64 grid ({{.*}}) threads 256 shared 256 overlap args [
// DIRECT-NEXT: #mla.pointer<"weight:o">,
// DIRECT-NEXT: #mla.pointer<"temp:[[Z]]">,
// DIRECT-NEXT: #mla.pointer<"out">,
func.func @heads(%hidden: tensor<?x320xbf16>) -> tensor<?x64xbf16>
    attributes {mla.phase = #mla.phase<decode>, mla.regime = #mla.regime<{phase = decode, q = naive, o = absorb}>} {
  %a = mla.weight "q" : tensor<2x64x320xbf16>
  %b = mla.weight "b" : tensor<72x320xbf16>
  %c = mla.weight "c" : tensor<2x32x48xbf16>
  %flat = tensor.collapse_shape %a [[0, 1], [2]] : tensor<2x64x320xbf16> into tensor<128x320xbf16>
  %w = tensor.concat dim(0) %flat, %b : (tensor<128x320xbf16>, tensor<72x320xbf16>) -> tensor<200x320xbf16>
  %y = mla.project %hidden, %w : (tensor<?x320xbf16>, tensor<200x320xbf16>) -> tensor<?x200xbf16>
  %c0 = arith.constant 0 : index
  %t = tensor.dim %y, %c0 : tensor<?x200xbf16>
  %columns = tensor.extract_slice %y[0, 0] [%t, 128] [1, 1] : tensor<?x200xbf16> to tensor<?x128xbf16>
  %q = tensor.expand_shape %columns [[0], [1, 2]] output_shape [%t, 2, 64] : tensor<?x128xbf16> into tensor<?x2x64xbf16>
  %s = tensor.extract_slice %q[0, 0, 16] [%t, 2, 48] [1, 1, 1] : tensor<?x2x64xbf16> to tensor<?x2x48xbf16>
  %z = mla.project per_head %s, %c : (tensor<?x2x48xbf16>, tensor<2x32x48xbf16>) -> tensor<?x2x32xbf16>
  %w_o = mla.weight "o" : tensor<64x2x32xbf16>
  %out = mla.project from_heads %z, %w_o : (tensor<?x2x32xbf16>, tensor<64x2x32xbf16>) -> tensor<?x64xbf16>
  return %out : tensor<?x64xbf16>
}
