// Exchanges of ranks call the runtime with addresses and sizes.
//
// RUN: mla-opt %s --mla-cpu-bufferize --split-input-file | FileCheck %s

// CHECK-NOT: shard
shard.grid @ranks(shape = 2x3)

// In place, of 6 ranks and 3 * 8 numbers of bf16.
// CHECK-LABEL: func.func @sum
// CHECK-SAME: (%[[M:.*]]: memref<3x8xbf16>)
// CHECK-DAG: %[[RANKS:.*]] = arith.constant 6 : i64
// CHECK-DAG: %[[BF16:.*]] = arith.constant 1 : i32
// CHECK-DAG: %[[POINTER:.*]] = memref.extract_aligned_pointer_as_index %[[M]] : memref<3x8xbf16> -> index
// CHECK-DAG: %[[ADDRESS:.*]] = arith.index_cast %[[POINTER]]
// CHECK: call @mla_all_reduce(%[[RANKS]], %[[ADDRESS]], %{{.*}}, %[[BF16]]) : (i64, i64, i64, i32) -> ()
// CHECK: return %[[M]]
func.func @sum(%x: tensor<3x8xbf16>) -> tensor<3x8xbf16> {
  %sum = shard.all_reduce %x on @ranks grid_axes = [0, 1] : tensor<3x8xbf16> -> tensor<3x8xbf16>
  return %sum : tensor<3x8xbf16>
}

// CHECK-LABEL: func.func @gather
// CHECK-SAME: (%[[IN:.*]]: memref<1x?x8xf32>)
// CHECK-DAG: %[[RANKS:.*]] = arith.constant 3 : i64
// CHECK-DAG: %[[T:.*]] = memref.dim %[[IN]]
// CHECK-DAG: %[[OUT:.*]] = memref.alloc(%[[T]]) {{.*}}: memref<3x?x8xf32>
// CHECK-DAG: %[[A:.*]] = memref.extract_aligned_pointer_as_index %[[IN]]
// CHECK-DAG: %[[B:.*]] = memref.extract_aligned_pointer_as_index %[[OUT]]
// CHECK-DAG: %[[FROM:.*]] = arith.index_cast %[[A]]
// CHECK-DAG: %[[TO:.*]] = arith.index_cast %[[B]]
// CHECK: call @mla_all_gather(%[[RANKS]], %[[FROM]], %[[TO]], %{{.*}}) : (i64, i64, i64, i64) -> ()
// CHECK: return %[[OUT]]
func.func @gather(%x: tensor<1x?x8xf32>) -> tensor<3x?x8xf32> {
  %all = shard.all_gather %x on @ranks grid_axes = [1] gather_axis = 0 : tensor<1x?x8xf32> -> tensor<3x?x8xf32>
  return %all : tensor<3x?x8xf32>
}

// CHECK-LABEL: func.func @exchange
// CHECK-SAME: (%[[IN:.*]]: memref<3x4xf32>)
// CHECK: %[[OUT:.*]] = memref.alloc() {{.*}}: memref<3x4xf32>
// CHECK: %[[BLOCK:.*]] = arith.divui %{{.*}}, %{{.*}} : i64
// CHECK-DAG: %[[RANKS:.*]] = arith.constant 3 : i64
// CHECK-DAG: %[[A:.*]] = memref.extract_aligned_pointer_as_index %[[IN]]
// CHECK-DAG: %[[B:.*]] = memref.extract_aligned_pointer_as_index %[[OUT]]
// CHECK-DAG: %[[FROM:.*]] = arith.index_cast %[[A]]
// CHECK-DAG: %[[TO:.*]] = arith.index_cast %[[B]]
// CHECK: call @mla_all_to_all(%[[RANKS]], %[[FROM]], %[[TO]], %[[BLOCK]])
// CHECK: return %[[OUT]]
func.func @exchange(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %y = shard.all_to_all %x on @ranks grid_axes = [1] split_axis = 0 concat_axis = 0 : tensor<3x4xf32> -> tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}
