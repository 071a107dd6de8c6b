// A task per panel; in it experts, tokens and their choices. The weight of an expert is read only where it was chosen.
//
// RUN: mla-opt %s --mla-to-linalg --canonicalize --cse | FileCheck %s

// CHECK-LABEL: func.func @summed(
// CHECK-SAME: %[[X:.*]]: tensor<?x3x64xf32>, %[[W:.*]]: tensor<8x4x64x32xf32>, %[[E:.*]]: tensor<?x3xi32>, %[[S:.*]]: tensor<?x3xf32>)
// CHECK: scf.forall (%[[PANEL:.*]]) in (4) shared_outs(%[[OUT:.*]] = %{{.*}}) -> (tensor<?x128xf32>)
// CHECK: %[[ZEROS:.*]] = linalg.fill {{.*}} -> tensor<?x32xf32>
// CHECK: %[[ALL:.*]] = scf.for %[[EXPERT:[a-z0-9]+]] = %{{.*}} iter_args(%{{.*}} = %[[ZEROS]])
// CHECK: %[[ROWS:.*]] = tensor.extract_slice %[[W]][%[[EXPERT]], %[[PANEL]], 0, 0] [1, 1, 64, 32]
// CHECK: scf.for %[[T:[a-z0-9]+]] = %{{.*}}
// CHECK: scf.for %[[C:[a-z0-9]+]] = %{{.*}}
// CHECK: %[[NUMBER:.*]] = tensor.extract %[[E]][%[[T]], %[[C]]]
// CHECK: %[[INDEX:.*]] = arith.index_cast %[[NUMBER]]
// CHECK: %[[IS:.*]] = arith.cmpi eq, %[[INDEX]], %[[EXPERT]]
// CHECK: scf.if %[[IS]]
// CHECK: %[[ROW:.*]] = tensor.extract_slice %[[X]][%[[T]], %[[C]], 0] [1, 1, 64]
// CHECK: %[[MADE:.*]] = linalg.matmul ins(%[[ROW]], %[[ROWS]] : tensor<1x64xf32>, tensor<64x32xf32>)
// CHECK: %[[FACTOR:.*]] = tensor.extract %[[S]][%[[T]], %[[C]]]
// CHECK: linalg.generic {{.*}} ins(%[[MADE]]
// CHECK: tensor.parallel_insert_slice %[[ALL]] into %[[OUT]][0, %{{.*}}] [%{{.*}}, 32]
func.func @summed(%x: tensor<?x3x64xf32>, %w: tensor<8x4x64x32xf32>, %e: tensor<?x3xi32>, %s: tensor<?x3xf32>) -> tensor<?x128xf32> {
  %y = mla.experts_project %x, %w panels of %e summed %s
      : (tensor<?x3x64xf32>, tensor<8x4x64x32xf32>, tensor<?x3xi32>, tensor<?x3xf32>) -> tensor<?x128xf32>
  return %y : tensor<?x128xf32>
}

// Rounded once, after the sum.
// CHECK-LABEL: func.func @rounded(
// CHECK: %[[SUM:.*]] = scf.forall {{.*}} -> (tensor<?x64xf32>)
// CHECK: linalg.generic {{.*}} ins(%[[SUM]] : tensor<?x64xf32>) outs(%{{.*}} : tensor<?x64xbf16>)
// CHECK: arith.truncf
func.func @rounded(%x: tensor<?x2x4xbf16>, %w: tensor<2x64x4xbf16>, %e: tensor<?x2xi32>, %s: tensor<?x2xf32>) -> tensor<?x64xbf16> {
  %y = mla.experts_project %x, %w of %e summed %s
      : (tensor<?x2x4xbf16>, tensor<2x64x4xbf16>, tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x64xbf16>
  return %y : tensor<?x64xbf16>
}
