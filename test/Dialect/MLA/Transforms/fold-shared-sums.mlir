// Sums whose terms are the same value, sixty levels deep: names and searches do not grow with the number of paths.
//
// RUN: %python -c 'print("\n".join(f"  %{i} = arith.addf %{i-1}, %{i-1} : tensor<8x8xf32>" for i in range(1, 61)))' > %t.sums
// RUN: sed -e '/^  .. SUMS/{r %t.sums' -e 'd}' %s > %t.mlir
// RUN: mla-opt %t.mlir --mla-fold | FileCheck %s
//
// CHECK-LABEL: func.func @f
// CHECK-SAME: (%[[X:.*]]: tensor<?x8xf32>)
// CHECK: %[[SUM:.*]] = mla.weight "nested_plus_nested{{.*}}" : tensor<8x8xf32>
// CHECK: mla.project %[[X]], %[[SUM]]
// CHECK: func.func @prepare.nested
// CHECK-COUNT-60: arith.addf
// CHECK-NOT: arith.addf
func.func @f(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = mla.weight "a" : tensor<8x8xf32>
  // SUMS
  %y = mla.project %x, %60 : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
