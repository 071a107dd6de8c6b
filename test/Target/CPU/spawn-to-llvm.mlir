// Captured values are passed in a struct on the function's stack, outside its loops; a thunk passes them to the body.
//
// RUN: mla-opt %s --convert-to-llvm --reconcile-unrealized-casts | FileCheck %s

// CHECK: llvm.func @mla_parallel_for(!llvm.ptr, !llvm.ptr, i64)
// CHECK-LABEL: llvm.func @run(
// CHECK: %[[MEMORY:.*]] = llvm.alloca %{{.*}} x !llvm.struct<(f32, i64)> : (i64) -> !llvm.ptr
// CHECK: llvm.br
// CHECK: llvm.store %{{.*}}, %[[MEMORY]] : !llvm.struct<(f32, i64)>, !llvm.ptr
// CHECK: %[[THUNK:.*]] = llvm.mlir.addressof @body_thunk : !llvm.ptr
// CHECK: llvm.call @mla_parallel_for(%[[THUNK]], %[[MEMORY]], %{{.*}}) : (!llvm.ptr, !llvm.ptr, i64) -> ()
// CHECK-LABEL: llvm.func internal @body_thunk(
// CHECK-SAME: %[[CAPTURED:.*]]: !llvm.ptr, %[[INDEX:.*]]: i64)
// CHECK: %[[ALL:.*]] = llvm.load %[[CAPTURED]] : !llvm.ptr -> !llvm.struct<(f32, i64)>
// CHECK: %[[FIRST:.*]] = llvm.extractvalue %[[ALL]][0]
// CHECK: %[[SECOND:.*]] = llvm.extractvalue %[[ALL]][1]
// CHECK: llvm.call @body(%[[FIRST]], %[[SECOND]], %[[INDEX]]) : (f32, i64, i64) -> ()
func.func private @body(f32, index, index)
func.func @run(%x: f32, %n: index) {
  cf.br ^loop
^loop:
  mla.spawn @body(%x, %n) times %n : f32, index
  return
}
