// The operation of MLAAdapterOps.td parses, prints and parses again, in the custom and the generic form.
//
// RUN: mla-opt %s --verify-roundtrip | FileCheck %s
// RUN: mla-opt %s --mlir-print-op-generic | mla-opt | FileCheck %s

// CHECK-LABEL: func.func @plain
// CHECK-SAME: (%[[Y:.*]]: tensor<?x48xf32>, %[[X:.*]]: tensor<?x160xbf16>, %[[A:.*]]: tensor<3x8x160xbf16>, %[[B:.*]]: tensor<3x48x8xf32>, %[[N:.*]]: tensor<?xi32>, %[[CU:.*]]: tensor<?xi32>)
func.func @plain(%y: tensor<?x48xf32>, %x: tensor<?x160xbf16>, %a: tensor<3x8x160xbf16>, %b: tensor<3x48x8xf32>,
                 %n: tensor<?xi32>, %cu: tensor<?xi32>) -> tensor<?x48xf32> {
  // CHECK: mla.adapt %[[Y]] by %[[X]], %[[A]], %[[B]] of %[[N]] for %[[CU]] : (tensor<?x48xf32>, tensor<?x160xbf16>, tensor<3x8x160xbf16>, tensor<3x48x8xf32>) -> tensor<?x48xf32>
  %r = mla.adapt %y by %x, %a, %b of %n for %cu
      : (tensor<?x48xf32>, tensor<?x160xbf16>, tensor<3x8x160xbf16>, tensor<3x48x8xf32>) -> tensor<?x48xf32>
  return %r : tensor<?x48xf32>
}

// CHECK-LABEL: func.func @to_heads
func.func @to_heads(%y: tensor<?x4x32xf32>, %x: tensor<?x64xf32>, %a: tensor<3x64x8xf32>, %b: tensor<3x4x32x8xf32>,
                    %n: tensor<?xi32>, %cu: tensor<?xi32>) -> tensor<?x4x32xf32> {
  // CHECK: mla.adapt %{{.*}} by %{{.*}}, %{{.*}} panels, %{{.*}} of
  %r = mla.adapt %y by %x, %a panels, %b of %n for %cu
      : (tensor<?x4x32xf32>, tensor<?x64xf32>, tensor<3x64x8xf32>, tensor<3x4x32x8xf32>) -> tensor<?x4x32xf32>
  return %r : tensor<?x4x32xf32>
}

// CHECK-LABEL: func.func @per_head_values
func.func @per_head_values(%y: tensor<?x4x32xf32>, %x: tensor<?x4x64xf32>, %a: tensor<3x8x64xf32>,
                           %b: tensor<3x4x8x32xf32>, %n: tensor<?xi32>, %cu: tensor<?xi32>) -> tensor<?x4x32xf32> {
  // CHECK: mla.adapt %{{.*}} by %{{.*}}, %{{.*}}, %{{.*}} panels of
  %r = mla.adapt %y by %x, %a, %b panels of %n for %cu
      : (tensor<?x4x32xf32>, tensor<?x4x64xf32>, tensor<3x8x64xf32>, tensor<3x4x8x32xf32>) -> tensor<?x4x32xf32>
  return %r : tensor<?x4x32xf32>
}

// CHECK-LABEL: func.func @per_head_queries
func.func @per_head_queries(%y: tensor<?x4x64xf32>, %x: tensor<?x4x32xf32>, %a: tensor<3x4x8x32xf32>,
                            %b: tensor<3x64x8xf32>, %n: tensor<?xi32>, %cu: tensor<?xi32>) -> tensor<?x4x64xf32> {
  // CHECK: mla.adapt
  %r = mla.adapt %y by %x, %a, %b of %n for %cu
      : (tensor<?x4x64xf32>, tensor<?x4x32xf32>, tensor<3x4x8x32xf32>, tensor<3x64x8xf32>) -> tensor<?x4x64xf32>
  return %r : tensor<?x4x64xf32>
}

// CHECK-LABEL: func.func @from_heads
func.func @from_heads(%y: tensor<?x160xf32>, %x: tensor<?x4x32xf32>, %a: tensor<3x8x4x32xf32>, %p: tensor<3x4x32x8xf32>,
                      %b: tensor<3x160x8xf32>, %n: tensor<?xi32>, %cu: tensor<?xi32>) -> tensor<?x160xf32> {
  // CHECK: mla.adapt
  %r = mla.adapt %y by %x, %a, %b of %n for %cu
      : (tensor<?x160xf32>, tensor<?x4x32xf32>, tensor<3x8x4x32xf32>, tensor<3x160x8xf32>) -> tensor<?x160xf32>
  // CHECK: mla.adapt
  %s = mla.adapt %r by %x, %p panels, %b of %n for %cu
      : (tensor<?x160xf32>, tensor<?x4x32xf32>, tensor<3x4x32x8xf32>, tensor<3x160x8xf32>) -> tensor<?x160xf32>
  return %s : tensor<?x160xf32>
}
