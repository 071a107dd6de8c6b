// Stack memory of a constant size is allocated once per call, not in every round of a loop.
//
// RUN: mla-opt %s --mla-cpu-hoist-allocas | FileCheck %s

// CHECK-LABEL: llvm.func @loop
// CHECK-SAME: (%[[COUNT:.*]]: i64)
// CHECK: %[[SIZE:.*]] = llvm.mlir.constant(16 : i64)
// CHECK-NEXT: %[[MEMORY:.*]] = llvm.alloca %[[SIZE]] x f32
// CHECK: llvm.br
// CHECK-NOT: llvm.alloca {{.*}} f32
// CHECK: llvm.store %{{.*}}, %[[MEMORY]]
// One of a size that is not constant stays.
// CHECK: llvm.alloca %[[COUNT]] x i8
llvm.func @loop(%count: i64) {
  %zero = llvm.mlir.constant(0 : i64) : i64
  %one = llvm.mlir.constant(1 : i64) : i64
  %f = llvm.mlir.constant(1.0 : f32) : f32
  llvm.br ^body(%zero : i64)
^body(%i: i64):
  %size = llvm.mlir.constant(16 : i64) : i64
  %memory = llvm.alloca %size x f32 : (i64) -> !llvm.ptr
  llvm.store %f, %memory : f32, !llvm.ptr
  %other = llvm.alloca %count x i8 : (i64) -> !llvm.ptr
  llvm.store %i, %other : i64, !llvm.ptr
  %next = llvm.add %i, %one : i64
  %more = llvm.icmp "slt" %next, %count : i64
  llvm.cond_br %more, ^body(%next : i64), ^end
^end:
  llvm.return
}
