// Heads and blocks of 8 rows are parallel; rows that are no multiple of 8 go one by one.
//
// RUN: mla-opt %s --mla-to-linalg --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func @blocks(
// CHECK-SAME: %[[OUTER:.*]]: tensor<4x32x48xf32>, %[[INNER:.*]]: tensor<4x48x64xf32>
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK-DAG: %[[C8:.*]] = arith.constant 8 : index
// CHECK: %[[EMPTY:.*]] = tensor.empty() : tensor<4x32x64xf32>
// CHECK: %[[FORALL:.*]] = scf.forall (%[[I:.*]], %[[I_2:.*]]) in (4, 4) shared_outs(%[[STATE:.*]] = %[[EMPTY]]) -> (tensor<4x32x64xf32>)
// CHECK: %[[MULI:.*]] = arith.muli %[[I_2]], %[[C8]] : index
// CHECK: %[[SLICE:.*]] = tensor.extract_slice %[[OUTER]][%[[I]], %[[MULI]], 0] [1, 8, 48] [1, 1, 1] : tensor<4x32x48xf32> to tensor<8x48xf32>
// CHECK: %[[SLICE_2:.*]] = tensor.extract_slice %[[INNER]][%[[I]], 0, 0] [1, 48, 64] [1, 1, 1] : tensor<4x48x64xf32> to tensor<48x64xf32>
// CHECK: %[[EMPTY_2:.*]] = tensor.empty() : tensor<8x64xf32>
// CHECK: %[[FILL:.*]] = linalg.fill ins(%[[ZERO]] : f32) outs(%[[EMPTY_2]] : tensor<8x64xf32>) -> tensor<8x64xf32>
// CHECK: %[[MATMUL:.*]] = linalg.matmul ins(%[[SLICE]], %[[SLICE_2]] : tensor<8x48xf32>, tensor<48x64xf32>) outs(%[[FILL]] : tensor<8x64xf32>) -> tensor<8x64xf32>
// CHECK: scf.forall.in_parallel
// CHECK: tensor.parallel_insert_slice %[[MATMUL]] into %[[STATE]][%[[I]], %[[MULI]], 0] [1, 8, 64] [1, 1, 1] : tensor<8x64xf32> into tensor<4x32x64xf32>
// CHECK: return %[[FORALL]] : tensor<4x32x64xf32>
func.func @blocks(%outer: tensor<4x32x48xf32>, %inner: tensor<4x48x64xf32>) -> tensor<4x32x64xf32> {
  %y = mla.compose %outer, %inner : (tensor<4x32x48xf32>, tensor<4x48x64xf32>) -> tensor<4x32x64xf32>
  return %y : tensor<4x32x64xf32>
}

// CHECK-LABEL: func.func @rows(
// CHECK-SAME: %[[OUTER:.*]]: tensor<2x3x48xbf16>, %[[INNER:.*]]: tensor<2x48x64xbf16>
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
// CHECK: %[[EMPTY:.*]] = tensor.empty() : tensor<2x3x64xbf16>
// CHECK: %[[FORALL:.*]] = scf.forall (%[[I:.*]], %[[I_2:.*]]) in (2, 3) shared_outs(%[[STATE:.*]] = %[[EMPTY]]) -> (tensor<2x3x64xbf16>)
// CHECK: %[[SLICE:.*]] = tensor.extract_slice %[[OUTER]][%[[I]], %[[I_2]], 0] [1, 1, 48] [1, 1, 1] : tensor<2x3x48xbf16> to tensor<1x48xbf16>
// CHECK: %[[SLICE_2:.*]] = tensor.extract_slice %[[INNER]][%[[I]], 0, 0] [1, 48, 64] [1, 1, 1] : tensor<2x48x64xbf16> to tensor<48x64xbf16>
// CHECK: %[[EMPTY_2:.*]] = tensor.empty() : tensor<1x64xf32>
// CHECK: %[[FILL:.*]] = linalg.fill ins(%[[ZERO]] : f32) outs(%[[EMPTY_2]] : tensor<1x64xf32>) -> tensor<1x64xf32>
// CHECK: %[[EMPTY_3:.*]] = tensor.empty() : tensor<1x48xf32>
// CHECK: %[[GENERIC:.*]] = linalg.generic {{.*}}iterator_types = ["parallel", "parallel"]} ins(%[[SLICE]] : tensor<1x48xbf16>) outs(%[[EMPTY_3]] : tensor<1x48xf32>)
// CHECK: %[[EXTF:.*]] = arith.extf %{{.*}} : bf16 to f32
// CHECK: %[[EMPTY_4:.*]] = tensor.empty() : tensor<48x64xf32>
// CHECK: %[[GENERIC_2:.*]] = linalg.generic {{.*}}iterator_types = ["parallel", "parallel"]} ins(%[[SLICE_2]] : tensor<48x64xbf16>) outs(%[[EMPTY_4]] : tensor<48x64xf32>)
// CHECK: %[[EXTF_2:.*]] = arith.extf %{{.*}} : bf16 to f32
// CHECK: %[[MATMUL:.*]] = linalg.matmul ins(%[[GENERIC]], %[[GENERIC_2]] : tensor<1x48xf32>, tensor<48x64xf32>) outs(%[[FILL]] : tensor<1x64xf32>) -> tensor<1x64xf32>
// CHECK: %[[EMPTY_5:.*]] = tensor.empty() : tensor<1x64xbf16>
// CHECK: %[[GENERIC_3:.*]] = linalg.generic {{.*}}iterator_types = ["parallel", "parallel"]} ins(%[[MATMUL]] : tensor<1x64xf32>) outs(%[[EMPTY_5]] : tensor<1x64xbf16>)
// CHECK: scf.forall.in_parallel
// CHECK: tensor.parallel_insert_slice %[[GENERIC_3]] into %[[STATE]][%[[I]], %[[I_2]], 0] [1, 1, 64] [1, 1, 1] : tensor<1x64xbf16> into tensor<2x3x64xbf16>
// CHECK: return %[[FORALL]] : tensor<2x3x64xbf16>
func.func @rows(%outer: tensor<2x3x48xbf16>, %inner: tensor<2x48x64xbf16>) -> tensor<2x3x64xbf16> {
  %y = mla.compose %outer, %inner : (tensor<2x3x48xbf16>, tensor<2x48x64xbf16>) -> tensor<2x3x64xbf16>
  return %y : tensor<2x3x64xbf16>
}
