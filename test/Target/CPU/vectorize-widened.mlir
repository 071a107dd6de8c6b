// A factor that is widened from bf16 is widened tile by tile if there is one row, else before the loops.
//
// RUN: mla-opt %s --mla-cpu-vectorize --canonicalize --cse | FileCheck %s

#identity = affine_map<(d0, d1) -> (d0, d1)>

// CHECK-LABEL: func.func @row(
// CHECK-SAME: %[[A:.*]]: tensor<1x8xf32>, %[[B:.*]]: tensor<8x64xbf16>, %[[C:.*]]: tensor<1x64xf32>
// CHECK-NOT: linalg.generic
// CHECK: scf.for %[[J:.*]] = %{{.*}} to %{{.*}} step %{{.*}}
// CHECK: scf.for %[[K:.*]] = %{{.*}} to %{{.*}} step %{{.*}}
// CHECK-DAG: %[[TILE:.*]] = tensor.extract_slice %[[B]][%[[K]], %[[J]]] [4, 32]
// CHECK-DAG: %[[READ:.*]] = vector.transfer_read %[[TILE]]{{.*}} vector<4x32xbf16>
// CHECK-DAG: %[[WIDE:.*]] = arith.extf %[[READ]] : vector<4x32xbf16> to vector<4x32xf32>
// CHECK: vector.contract {{.*}} %{{.*}}, %[[WIDE]], %{{.*}} : vector<1x4xf32>, vector<4x32xf32> into vector<1x32xf32>
func.func @row(%a: tensor<1x8xf32>, %b: tensor<8x64xbf16>, %c: tensor<1x64xf32>) -> tensor<1x64xf32> {
  %empty = tensor.empty() : tensor<8x64xf32>
  %wide = linalg.generic {indexing_maps = [#identity, #identity], iterator_types = ["parallel", "parallel"]}
      ins(%b : tensor<8x64xbf16>) outs(%empty : tensor<8x64xf32>) {
  ^bb0(%in: bf16, %out: f32):
    %f = arith.extf %in : bf16 to f32
    linalg.yield %f : f32
  } -> tensor<8x64xf32>
  %0 = linalg.matmul ins(%a, %wide : tensor<1x8xf32>, tensor<8x64xf32>) outs(%c : tensor<1x64xf32>) -> tensor<1x64xf32>
  return %0 : tensor<1x64xf32>
}

// CHECK-LABEL: func.func @rows(
// CHECK-SAME: %[[A:.*]]: tensor<8x8xf32>, %[[B:.*]]: tensor<8x64xbf16>
// CHECK: %[[WIDE:.*]] = linalg.generic {{.*}} ins(%[[B]] : tensor<8x64xbf16>)
// CHECK: tensor.extract_slice %[[WIDE]]
// CHECK-NOT: arith.extf {{.*}} vector
func.func @rows(%a: tensor<8x8xf32>, %b: tensor<8x64xbf16>, %c: tensor<8x64xf32>) -> tensor<8x64xf32> {
  %empty = tensor.empty() : tensor<8x64xf32>
  %wide = linalg.generic {indexing_maps = [#identity, #identity], iterator_types = ["parallel", "parallel"]}
      ins(%b : tensor<8x64xbf16>) outs(%empty : tensor<8x64xf32>) {
  ^bb0(%in: bf16, %out: f32):
    %f = arith.extf %in : bf16 to f32
    linalg.yield %f : f32
  } -> tensor<8x64xf32>
  %0 = linalg.matmul ins(%a, %wide : tensor<8x8xf32>, tensor<8x64xf32>) outs(%c : tensor<8x64xf32>) -> tensor<8x64xf32>
  return %0 : tensor<8x64xf32>
}
