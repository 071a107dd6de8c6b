// Errors at operations that the H100 target does not support, with an alternative.
//
// RUN: mla-opt %s --mla-group-kernels --split-input-file --verify-diagnostics

func.func @bias(%x: tensor<?x48xbf16>) -> tensor<?x48xbf16> {
  %b = mla.weight "b" : tensor<48xf32>
  // expected-error @+1 {{'mla.bias' op adds the bias 'b', which no kernel does yet; compile with --target=cpu}}
  %y = mla.bias %x, %b : tensor<?x48xbf16>, tensor<48xf32>
  return %y : tensor<?x48xbf16>
}

// -----

func.func @merge(%o: tensor<2x?x4x64xbf16>, %l: tensor<2x?x4xf32>) -> tensor<?x4x64xbf16> {
  // expected-error @+1 {{'mla.merge' op has no kernel on the target h100 yet; compile with --target=cpu}}
  %out, %lse = mla.merge %o, %l : (tensor<2x?x4x64xbf16>, tensor<2x?x4xf32>) -> tensor<?x4x64xbf16>, tensor<?x4xf32>
  return %out : tensor<?x4x64xbf16>
}

// -----

func.func @f32_weight(%x: tensor<?x160xbf16>) -> tensor<?x48xf32> {
  %w = mla.weight "w" : tensor<48x160xf32>
  // expected-error @+1 {{'mla.project' op expected a weight of bf16, got 'f32'; compile with --dtype=bf16, or with --target=cpu}}
  %y = mla.project %x, %w : (tensor<?x160xbf16>, tensor<48x160xf32>) -> tensor<?x48xf32>
  return %y : tensor<?x48xf32>
}

// -----

func.func @f32_cache(%cache: !mla.cache<page = 16, latent = 64, rope = 16, f32>) -> tensor<?x64xf32> {
  // expected-error @+1 {{'mla.gather' op expected a cache of bf16, got 'f32'}}
  %latent, %k_rope, %cu_keys = mla.gather %cache : !mla.cache<page = 16, latent = 64, rope = 16, f32>
  return %latent : tensor<?x64xf32>
}

// -----

func.func @f32_result(%x: tensor<?x160xbf16>) -> tensor<?x48xf32> {
  %w = mla.weight "w" : tensor<48x160xbf16>
  %y = mla.project %x, %w : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xf32>
  // expected-error @+1 {{expected the result of a kernel, got 'tensor<?x48xf32>'; compile with --dtype=bf16}}
  return %y : tensor<?x48xf32>
}

// -----

// A slice is not stored.
func.func @returned_slice(%x: tensor<?x48xbf16>) -> tensor<?x16xbf16> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x48xbf16>
  %s = tensor.extract_slice %x[0, 0] [%n, 16] [1, 1] : tensor<?x48xbf16> to tensor<?x16xbf16>
  // expected-error @+1 {{expected the result of a kernel, got 'tensor<?x16xbf16>'}}
  return %s : tensor<?x16xbf16>
}

// -----

!cache = !mla.cache<page = 16, latent = 64, rope = 16, bf16>
func.func @scale_of_a_product(%x: tensor<?x48xbf16>, %cu: tensor<?xi32>, %cache: !cache) -> tensor<?x48xbf16> {
  %w = mla.weight "w" : tensor<48x48xbf16>
  %c0 = arith.constant 0 : index
  %tokens = tensor.dim %x, %c0 : tensor<?x48xbf16>
  %position, %sequence = mla.positions %tokens of %cu in %cache : !cache
  %y = mla.project %x, %w : (tensor<?x48xbf16>, tensor<48x48xbf16>) -> tensor<?x48xbf16>
  // expected-error @+1 {{'mla.position_scale' op has no kernel on the target h100 yet; compile with --target=cpu}}
  %z = mla.position_scale %y at %position {beta = 1.0e-01 : f64, original = 8192 : i64} : tensor<?x48xbf16>
  return %z : tensor<?x48xbf16>
}

// -----

// expected-error @+1 {{has control flow, which kernels do not support}}
func.func @branches(%x: tensor<?x48xbf16>) -> tensor<?x48xbf16> {
  cf.br ^bb1
^bb1:
  return %x : tensor<?x48xbf16>
}

// -----

// One more than the number of sequences, not the rows of the source.
func.func @slice_of_some_rows(%x: tensor<?x160xbf16>, %cu: tensor<?xi32>) -> tensor<?x160xbf16> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %cu, %c0 : tensor<?xi32>
  // expected-error @+1 {{slices the rows of a tensor, which no kernel supports; compile with --target=cpu}}
  %some = tensor.extract_slice %x[0, 0] [%n, 80] [1, 1] : tensor<?x160xbf16> to tensor<?x80xbf16>
  %w = mla.weight "w" : tensor<160x80xbf16>
  %y = mla.project %some, %w : (tensor<?x80xbf16>, tensor<160x80xbf16>) -> tensor<?x160xbf16>
  return %y : tensor<?x160xbf16>
}

// -----

func.func @slice_behind_the_first_rows(%x: tensor<?x160xbf16>) -> tensor<?x160xbf16> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x160xbf16>
  // expected-error @+1 {{slices the rows of a tensor}}
  %some = tensor.extract_slice %x[4, 0] [%n, 80] [1, 1] : tensor<?x160xbf16> to tensor<?x80xbf16>
  %w = mla.weight "w" : tensor<160x80xbf16>
  %y = mla.project %some, %w : (tensor<?x80xbf16>, tensor<160x80xbf16>) -> tensor<?x160xbf16>
  return %y : tensor<?x160xbf16>
}

// -----

func.func @slice_of_a_number(%x: tensor<?x160xbf16>, %t: tensor<i32>) -> tensor<?x160xbf16> {
  // expected-error @+1 {{slices the rows of a tensor}}
  %s = tensor.extract_slice %t[] [] [] : tensor<i32> to tensor<i32>
  return %x : tensor<?x160xbf16>
}

// -----

func.func @split_rows(%x: tensor<?x16xbf16>, %n: index) -> tensor<?x4x16xbf16> {
  // expected-error @+1 {{'tensor.expand_shape' op splits the rows of a tensor, which no kernel supports; compile with --target=cpu}}
  %y = tensor.expand_shape %x [[0, 1], [2]] output_shape [%n, 4, 16] : tensor<?x16xbf16> into tensor<?x4x16xbf16>
  return %y : tensor<?x4x16xbf16>
}
