// RUN: mla-opt %s --mla-cpu-allocations --verify-diagnostics

llvm.func @malloc(i64) -> !llvm.ptr
llvm.func @mla_parallel_for(!llvm.ptr, !llvm.ptr, i64)

// expected-error @+1 {{'llvm.func' op runs in parallel and allocates memory}}
llvm.func @thunk(%captured: !llvm.ptr, %index: i64) {
  %memory = llvm.call @malloc(%index) : (i64) -> !llvm.ptr
  llvm.store %memory, %captured : !llvm.ptr, !llvm.ptr
  llvm.return
}

llvm.func @run(%captured: !llvm.ptr, %count: i64) {
  %thunk = llvm.mlir.addressof @thunk : !llvm.ptr
  llvm.call @mla_parallel_for(%thunk, %captured, %count) : (!llvm.ptr, !llvm.ptr, i64) -> ()
  llvm.return
}
