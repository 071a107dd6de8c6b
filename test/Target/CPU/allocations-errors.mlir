// RUN: mla-opt %s --mla-cpu-allocations --split-input-file --verify-diagnostics

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

// -----

llvm.func @malloc(i64) -> !llvm.ptr

llvm.func @allocating(%n: i64) -> !llvm.ptr {
  %memory = llvm.call @malloc(%n) : (i64) -> !llvm.ptr
  llvm.return %memory : !llvm.ptr
}

func.func @no_function_of_llvm(%n: i64) {
  // expected-error @+1 {{'llvm.call' op allocates memory, but is not directly in a function of the module}}
  %memory = llvm.call @allocating(%n) : (i64) -> !llvm.ptr
  return
}

// -----

llvm.func @malloc(i64) -> !llvm.ptr

llvm.func @in_a_region(%n: i64, %some: i1) {
  scf.if %some {
    // expected-error @+1 {{'llvm.call' op allocates memory, but is not directly in a function of the module}}
    %memory = llvm.call @malloc(%n) : (i64) -> !llvm.ptr
  }
  llvm.return
}

// -----

llvm.func @malloc(i64)

llvm.func @without_a_pointer(%n: i64) {
  // expected-error @+1 {{'llvm.call' op expected malloc to take an i64 and return a pointer}}
  llvm.call @malloc(%n) : (i64) -> ()
  llvm.return
}

// -----

llvm.func @malloc(i64) -> !llvm.ptr
// expected-error @+1 {{redefinition of function 'mla_out_of_memory' of different type}}
llvm.func @mla_out_of_memory(i64) -> !llvm.ptr

llvm.func @runtime_of_other_types(%n: i64) -> !llvm.ptr {
  %memory = llvm.call @malloc(%n) : (i64) -> !llvm.ptr
  llvm.return %memory : !llvm.ptr
}
