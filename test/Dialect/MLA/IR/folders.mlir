// RUN: mla-opt %s --canonicalize | FileCheck %s

// The product is not symmetric: outer rows by inner columns.
// CHECK-LABEL: func.func @compose_multiplies_per_head
func.func @compose_multiplies_per_head() -> tensor<2x2x1xf32> {
  %outer = arith.constant dense<[[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]> : tensor<2x2x2xf32>
  %inner = arith.constant dense<[[[1.0], [10.0]], [[100.0], [1000.0]]]> : tensor<2x2x1xf32>
  // CHECK{LITERAL}: dense<[[[2.100000e+01], [4.300000e+01]], [[6.500000e+03], [8.700000e+03]]]> : tensor<2x2x1xf32>
  // CHECK-NOT: mla.compose
  %w = mla.compose %outer, %inner : (tensor<2x2x2xf32>, tensor<2x2x1xf32>) -> tensor<2x2x1xf32>
  return %w : tensor<2x2x1xf32>
}

// A sum of ones in bf16 stays at 256.
// CHECK-LABEL: func.func @compose_rounds_once
func.func @compose_rounds_once() -> tensor<1x1x1xbf16> {
  %outer = arith.constant dense<1.0> : tensor<1x1x512xbf16>
  %inner = arith.constant dense<1.0> : tensor<1x512x1xf32>
  // CHECK: dense<5.120000e+02> : tensor<1x1x1xbf16>
  %w = mla.compose %outer, %inner : (tensor<1x1x512xbf16>, tensor<1x512x1xf32>) -> tensor<1x1x1xbf16>
  return %w : tensor<1x1x1xbf16>
}

// CHECK-LABEL: func.func @compose_of_weights_stays
func.func @compose_of_weights_stays() -> tensor<2x2x1xf32> {
  // CHECK: %[[OUTER:.*]] = mla.weight "outer"
  // CHECK: %[[INNER:.*]] = mla.weight "inner"
  // CHECK: mla.compose %[[OUTER]], %[[INNER]]
  %outer = mla.weight "outer" : tensor<2x2x2xf32>
  %inner = mla.weight "inner" : tensor<2x2x1xf32>
  %w = mla.compose %outer, %inner : (tensor<2x2x2xf32>, tensor<2x2x1xf32>) -> tensor<2x2x1xf32>
  return %w : tensor<2x2x1xf32>
}

// A splat of any size is one number; products with too many operations are left to the preparation.
// CHECK-LABEL: func.func @compose_of_huge_constants_stays
func.func @compose_of_huge_constants_stays() -> tensor<1x1048576x1xf32> {
  // CHECK: mla.compose
  %outer = arith.constant dense<1.0> : tensor<1x1048576x1048576xf32>
  %inner = arith.constant dense<1.0> : tensor<1x1048576x1xf32>
  %w = mla.compose %outer, %inner : (tensor<1x1048576x1048576xf32>, tensor<1x1048576x1xf32>) -> tensor<1x1048576x1xf32>
  return %w : tensor<1x1048576x1xf32>
}

// Empty sums have no multiplications, but still elements.
// CHECK-LABEL: func.func @compose_of_depth_0_stays
func.func @compose_of_depth_0_stays() -> tensor<1x1048576x1048576xf32> {
  // CHECK: mla.compose
  %outer = arith.constant dense<1.0> : tensor<1x1048576x0xf32>
  %inner = arith.constant dense<1.0> : tensor<1x0x1048576xf32>
  %w = mla.compose %outer, %inner : (tensor<1x1048576x0xf32>, tensor<1x0x1048576xf32>) -> tensor<1x1048576x1048576xf32>
  return %w : tensor<1x1048576x1048576xf32>
}

// CHECK-LABEL: func.func @compose_of_no_rows_stays
func.func @compose_of_no_rows_stays() -> tensor<1x0x1xf32> {
  // CHECK: mla.compose
  %outer = arith.constant dense<1.0> : tensor<1x0x1099511627776xf32>
  %inner = arith.constant dense<1.0> : tensor<1x1099511627776x1xf32>
  %w = mla.compose %outer, %inner : (tensor<1x0x1099511627776xf32>, tensor<1x1099511627776x1xf32>) -> tensor<1x0x1xf32>
  return %w : tensor<1x0x1xf32>
}
