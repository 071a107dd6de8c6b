// Memory is allocated by the runtime. If it is exhausted, a function returns at once, as does its caller.
//
// RUN: mla-opt %s --mla-cpu-allocations | FileCheck %s --implicit-check-not=@malloc --implicit-check-not=@free

// CHECK-DAG: llvm.func @mla_allocate(i64) -> !llvm.ptr
// CHECK-DAG: llvm.func @mla_release(!llvm.ptr)
// CHECK-DAG: llvm.func @mla_out_of_memory() -> i32
llvm.func @malloc(i64) -> !llvm.ptr
llvm.func @free(!llvm.ptr)

// CHECK-LABEL: llvm.func @allocates(
// CHECK-SAME: %[[BYTES:.*]]: i64) -> f32 {
// CHECK: %[[MEMORY:.*]] = llvm.call @mla_allocate(%[[BYTES]]) : (i64) -> !llvm.ptr
// CHECK-NEXT: %[[NULL:.*]] = llvm.mlir.zero : !llvm.ptr
// CHECK-NEXT: %[[NONE:.*]] = llvm.icmp "eq" %[[MEMORY]], %[[NULL]] : !llvm.ptr
// CHECK-NEXT: llvm.cond_br %[[NONE]] weights([1, 1048576]), ^[[OUT:.*]], ^[[REST:.*]]
// CHECK-NEXT: ^[[REST]]:
// CHECK-NEXT: %[[X:.*]] = llvm.load %[[MEMORY]] : !llvm.ptr -> f32
// CHECK-NEXT: llvm.call @mla_release(%[[MEMORY]]) : (!llvm.ptr) -> ()
// CHECK-NEXT: llvm.return %[[X]] : f32
// CHECK-NEXT: ^[[OUT]]:
// CHECK-NEXT: %[[ZERO:.*]] = llvm.mlir.zero : f32
// CHECK-NEXT: llvm.return %[[ZERO]] : f32
llvm.func @allocates(%bytes: i64) -> f32 {
  %memory = llvm.call @malloc(%bytes) : (i64) -> !llvm.ptr
  %x = llvm.load %memory : !llvm.ptr -> f32
  llvm.call @free(%memory) : (!llvm.ptr) -> ()
  llvm.return %x : f32
}

// CHECK-LABEL: llvm.func @calls(
// CHECK: %[[X:.*]] = llvm.call @allocates(
// CHECK-NEXT: %[[STATUS:.*]] = llvm.call @mla_out_of_memory() : () -> i32
// CHECK-NEXT: %[[ZERO:.*]] = llvm.mlir.constant(0 : i{{[0-9]+}}) : i32
// CHECK-NEXT: %[[FAILED:.*]] = llvm.icmp "ne" %[[STATUS]], %[[ZERO]] : i32
// CHECK-NEXT: llvm.cond_br %[[FAILED]] weights([1, 1048576]), ^[[OUT:.*]], ^[[REST:.*]]
// CHECK-NEXT: ^[[REST]]:
// CHECK-NEXT: llvm.store %[[X]],
// CHECK-NEXT: llvm.return
// CHECK-NEXT: ^[[OUT]]:
// CHECK-NEXT: llvm.return
llvm.func @calls(%bytes: i64, %to: !llvm.ptr) {
  %x = llvm.call @allocates(%bytes) : (i64) -> f32
  llvm.store %x, %to : f32, !llvm.ptr
  llvm.return
}

// Also in callers of the caller.
// CHECK-LABEL: llvm.func @outermost(
// CHECK: llvm.call @calls(
// CHECK-NEXT: llvm.call @mla_out_of_memory()
llvm.func @outermost(%bytes: i64, %to: !llvm.ptr) {
  llvm.call @calls(%bytes, %to) : (i64, !llvm.ptr) -> ()
  llvm.return
}

// CHECK-LABEL: llvm.func @neither(
// CHECK-NEXT: llvm.return
llvm.func @neither() {
  llvm.return
}
