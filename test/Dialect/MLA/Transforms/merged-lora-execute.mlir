// W + 2 B A is a weight like any other: a @prepare function computes it in f32, and it is an argument of the layer.
//
// RUN: mla-opt %s --mla-fold=storage=f32 --mla-bind-weights -o %t.mlir
// RUN: FileCheck %s --check-prefix=PREPARE --input-file=%t.mlir
// RUN: sed '/^}$/d' %t.mlir > %t.main.mlir
// RUN: cat %S/Inputs/merged-lora-main.mlir >> %t.main.mlir
// RUN: mla-opt %t.main.mlir --mla-to-cpu | %run_main | FileCheck %s

// PREPARE: func.func @layer(%{{.*}}: tensor<1x2xf32>, %{{.*}}: tensor<3x2xf32> {mla.weight = "w_plus_lora_b_x_lora_a"})
// PREPARE-LABEL: func.func @prepare.w_plus_lora_b_x_lora_a(
// PREPARE-SAME: tensor<3x2xbf16> {mla.weight = "w"}, %{{.*}}: tensor<1x3x2xbf16> {mla.weight = "lora_b"}, %{{.*}}: tensor<1x2x2xbf16> {mla.weight = "lora_a"}) -> tensor<3x2xf32>
// PREPARE: mla.compose %{{.*}} -> tensor<1x3x2xf32>
// PREPARE: arith.mulf %{{.*}} : tensor<1x3x2xf32>
// PREPARE: %[[MERGED:.*]] = arith.addf %{{.*}} : tensor<3x2xf32>
// PREPARE: return %[[MERGED]]
func.func @layer(%x: tensor<1x2xf32>) -> tensor<1x3xf32> {
  %w = mla.weight "w" : tensor<3x2xbf16>
  %b = mla.weight "lora_b" : tensor<1x3x2xbf16>
  %a = mla.weight "lora_a" : tensor<1x2x2xbf16>
  %ba = mla.compose %b, %a : (tensor<1x3x2xbf16>, tensor<1x2x2xbf16>) -> tensor<1x3x2xbf16>
  %two = arith.constant dense<2.0> : tensor<1x3x2xbf16>
  %scaled = arith.mulf %ba, %two : tensor<1x3x2xbf16>
  %delta = tensor.collapse_shape %scaled [[0, 1], [2]] : tensor<1x3x2xbf16> into tensor<3x2xbf16>
  %merged = arith.addf %w, %delta : tensor<3x2xbf16>
  %y = mla.project %x, %merged : (tensor<1x2xf32>, tensor<3x2xbf16>) -> tensor<1x3xf32>
  return %y : tensor<1x3xf32>
}

// W = [256 0; 1 2; 0 0], B = [1 0; 0 1; 1 1], A = [0.5 1; 2 0]; 257 is not exact in bf16.
// CHECK: data =
// CHECK-NEXT: {{\[\[}}257, 2],
// CHECK-NEXT: [5, 2],
// CHECK-NEXT: [5, 2{{\]\]}}

// For the token [1, 10].
// CHECK: data =
// CHECK-NEXT: {{\[\[}}277, 25, 25{{\]\]}}
