// A product of rows and pairs is four tiles of sums at a time, which stay in registers across the loop over columns.
//
// RUN: mla-opt %s --mla-cpu-matrix-tiles --cse | FileCheck %s

// CHECK-LABEL: func.func @product(
// CHECK-SAME: %[[ROWS:.*]]: memref<32x32x2xbf16>, %[[PAIRS:.*]]: memref<32x32x2xbf16>, %[[SUMS:.*]]: memref<32x32xf32>
// CHECK-DAG: %[[R:.*]] = memref.collapse_shape %[[ROWS]] {{\[\[}}0], [1, 2]] : memref<32x32x2xbf16> into memref<32x64xbf16>
// CHECK-DAG: %[[P:.*]] = memref.collapse_shape %[[PAIRS]] {{\[\[}}0], [1, 2]] : memref<32x32x2xbf16> into memref<32x64xbf16>
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG: %[[C16:.*]] = arith.constant 16 : index
// CHECK-DAG: %[[I0:.*]] = amx.tile_load %[[SUMS]][%[[C0]], %[[C0]]] : {{.*}} into !amx.tile<16x16xf32>
// CHECK-DAG: %[[I1:.*]] = amx.tile_load %[[SUMS]][%[[C0]], %[[C16]]] : {{.*}} into !amx.tile<16x16xf32>
// CHECK-DAG: %[[I2:.*]] = amx.tile_load %[[SUMS]][%[[C16]], %[[C0]]] : {{.*}} into !amx.tile<16x16xf32>
// CHECK-DAG: %[[I3:.*]] = amx.tile_load %[[SUMS]][%[[C16]], %[[C16]]] : {{.*}} into !amx.tile<16x16xf32>
// CHECK-DAG: %[[C32:.*]] = arith.constant 32 : index
// CHECK: %[[FOR:.*]]:4 = scf.for %[[K:.*]] = %[[C0]] to %{{.*}} step %[[C32]] iter_args(%[[S0:.*]] = %[[I0]], %[[S1:.*]] = %[[I1]], %[[S2:.*]] = %[[I2]], %[[S3:.*]] = %[[I3]])
// CHECK: %[[PAIR:.*]] = arith.divui %[[K]], %{{.*}} : index
// CHECK: %[[A0:.*]] = amx.tile_load %[[R]][%[[C0]], %[[K]]] : {{.*}} into !amx.tile<16x32xbf16>
// CHECK: %[[A1:.*]] = amx.tile_load %[[R]][%[[C16]], %[[K]]] : {{.*}} into !amx.tile<16x32xbf16>
// CHECK: %[[B0:.*]] = amx.tile_load %[[P]][%[[PAIR]], %[[C0]]] : {{.*}} into !amx.tile<16x32xbf16>
// CHECK: %[[B1:.*]] = amx.tile_load %[[P]][%[[PAIR]], %[[C32]]] : {{.*}} into !amx.tile<16x32xbf16>
// CHECK: %[[N0:.*]] = amx.tile_mulf %[[A0]], %[[B0]], %[[S0]]
// CHECK: %[[N1:.*]] = amx.tile_mulf %[[A0]], %[[B1]], %[[S1]]
// CHECK: %[[N2:.*]] = amx.tile_mulf %[[A1]], %[[B0]], %[[S2]]
// CHECK: %[[N3:.*]] = amx.tile_mulf %[[A1]], %[[B1]], %[[S3]]
// CHECK: scf.yield %[[N0]], %[[N1]], %[[N2]], %[[N3]]
// CHECK: amx.tile_store %[[SUMS]][%[[C0]], %[[C0]]], %[[FOR]]#0
// CHECK: amx.tile_store %[[SUMS]][%[[C0]], %[[C16]]], %[[FOR]]#1
// CHECK: amx.tile_store %[[SUMS]][%[[C16]], %[[C0]]], %[[FOR]]#2
// CHECK: amx.tile_store %[[SUMS]][%[[C16]], %[[C16]]], %[[FOR]]#3
// CHECK-NOT: linalg.generic
func.func @product(%rows: memref<32x32x2xbf16>, %pairs: memref<32x32x2xbf16>, %sums: memref<32x32xf32>) {
  linalg.generic {indexing_maps = [affine_map<(m, n, k, j) -> (m, k, j)>, affine_map<(m, n, k, j) -> (k, n, j)>,
                                   affine_map<(m, n, k, j) -> (m, n)>],
                  iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%rows, %pairs : memref<32x32x2xbf16>, memref<32x32x2xbf16>) outs(%sums : memref<32x32xf32>)
      attrs = {mla.matrix_tiles} {
  ^bb0(%a: bf16, %b: bf16, %c: f32):
    %x = arith.extf %a : bf16 to f32
    %y = arith.extf %b : bf16 to f32
    %p = arith.mulf %x, %y : f32
    %s = arith.addf %c, %p : f32
    linalg.yield %s : f32
  }
  return
}

// A product without the mark stays.
// CHECK-LABEL: func.func @unmarked(
// CHECK: linalg.matmul
func.func @unmarked(%a: memref<32x64xbf16>, %b: memref<64x32xbf16>, %c: memref<32x32xf32>) {
  linalg.matmul ins(%a, %b : memref<32x64xbf16>, memref<64x32xbf16>) outs(%c : memref<32x32xf32>)
  return
}
