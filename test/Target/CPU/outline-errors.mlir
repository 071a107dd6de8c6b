// RUN: mla-opt %s --mla-cpu-outline --split-input-file --verify-diagnostics

func.func @tensors_are_not_bufferised(%x: tensor<8xf32>) -> tensor<8xf32> {
  // expected-error @+1 {{'scf.forall' op is not bufferised or not normalised}}
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
  // expected-error @+1 {{'scf.forall' op is not bufferised or not normalised}}
  scf.forall (%i) = (0) to (8) step (2) {
    memref.store %v, %x[%i] : memref<8xf32>
  }
  return
}

// -----

func.func @sizes_are_not_known(%x: memref<8xf32>, %n: index) {
  scf.forall (%i) in (8) {
    // expected-error @+1 {{'memref.alloc' op in a parallel loop has a size that is not known when it is compiled}}
    %buffer = memref.alloc(%n) : memref<?xf32>
    %v = memref.load %buffer[%i] : memref<?xf32>
    memref.store %v, %x[%i] : memref<8xf32>
  }
  return
}
