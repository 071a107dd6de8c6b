// RUN: mla-opt %s --mla-cpu-outline --split-input-file --verify-diagnostics

func.func @tensors_are_not_bufferised(%x: tensor<8xf32>) -> tensor<8xf32> {
  // expected-error @+1 {{'scf.forall' op is not bufferized or not normalized}}
  %0 = scf.forall (%i) in (8) shared_outs(%o = %x) -> (tensor<8xf32>) {
    %s = tensor.extract_slice %x[%i] [1] [1] : tensor<8xf32> to tensor<1xf32>
    scf.forall.in_parallel {
      tensor.parallel_insert_slice %s into %o[%i] [1] [1] : tensor<1xf32> into tensor<8xf32>
    }
  }
  return %0 : tensor<8xf32>
}

// -----

func.func @steps_are_not_normalised(%x: memref<8xf32>, %v: f32) {
  // expected-error @+1 {{'scf.forall' op is not bufferized or not normalized}}
  scf.forall (%i) = (0) to (8) step (2) {
    memref.store %v, %x[%i] : memref<8xf32>
  }
  return
}

// -----

func.func @sizes_are_not_known(%x: memref<8xf32>, %n: index) {
  scf.forall (%i) in (8) {
    // expected-error @+1 {{'memref.alloc' op in a parallel loop must have a static size}}
    %buffer = memref.alloc(%n) : memref<?xf32>
    %v = memref.load %buffer[%i] : memref<?xf32>
    memref.store %v, %x[%i] : memref<8xf32>
  }
  return
}

// -----

// The second iteration would read what the first one writes.
func.func @buffers_of_two_rounds(%x: memref<8xf32>, %c0: index, %c1: index, %n: index) {
  scf.forall (%i) in (8) {
    // expected-error @+1 {{'memref.alloc' op in a parallel loop escapes, and its memory may be reused}}
    %first = memref.alloc() : memref<8xf32>
    %last = scf.for %k = %c0 to %n step %c1 iter_args(%read = %first) -> memref<8xf32> {
      %written = memref.alloc() : memref<8xf32>
      %v = memref.load %read[%i] : memref<8xf32>
      memref.store %v, %written[%c0] : memref<8xf32>
      scf.yield %written : memref<8xf32>
    }
  }
  return
}

// -----

func.func @more_than_there_is(%x: memref<8xf32>) {
  // expected-error @+1 {{'scf.forall' op allocates too much memory per thread}}
  scf.forall (%i) in (8) {
    %buffer = memref.alloc() : memref<4611686018427387904x4xf32>
    memref.dealloc %buffer : memref<4611686018427387904x4xf32>
  }
  return
}

// -----

func.func @aligned_to_a_page(%x: memref<8xf32>) {
  scf.forall (%i) in (8) {
    // expected-error @+1 {{'memref.alloc' op in a parallel loop is aligned to more than 128 bytes}}
    %buffer = memref.alloc() {alignment = 4096 : i64} : memref<8xf32>
  }
  return
}

// -----

llvm.func @no_function_of_func() {
  // expected-error @+1 {{'scf.forall' op is not in a function of the module}}
  scf.forall (%i) in (8) {
  }
  llvm.return
}

// -----

module {
  module {
    func.func @function_of_another_module() {
      // expected-error @+1 {{'scf.forall' op is not in a function of the module}}
      scf.forall (%i) in (8) {
      }
      return
    }
  }
}
