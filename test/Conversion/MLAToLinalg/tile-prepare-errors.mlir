// Errors at the function or operation that is not a weight, or cannot be computed in boxes.
//
// RUN: mla-opt %s --mla-tile-prepare --split-input-file --verify-diagnostics

// expected-error @+1 {{expected one result, a tensor of floats of static shape, got '() -> ()'}}
func.func @prepare.nothing() {
  return
}

// -----

// expected-error @+1 {{expected one result, a tensor of floats of static shape, got '(index) -> index'}}
func.func @prepare.number(%a: index) -> index {
  return %a : index
}

// -----

// expected-error @+1 {{expected one result}}
func.func @prepare.two(%a: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  return %a, %a : tensor<4xf32>, tensor<4xf32>
}

// -----

// expected-error @+1 {{expected one result}}
func.func @prepare.of_any_size(%a: tensor<?xf32>) -> tensor<?xf32> {
  return %a : tensor<?xf32>
}

// -----

func.func @prepare.of_any_size_inside(%a: tensor<4x4xf32>, %n: index) -> tensor<4xf32> {
  // expected-error @+1 {{has a result of 'tensor<?x4xf32>'; expected a static shape}}
  %s = tensor.extract_slice %a[0, 0] [%n, 4] [1, 1] : tensor<4x4xf32> to tensor<?x4xf32>
  %r = tensor.extract_slice %s[0, 0] [1, 4] [1, 1] : tensor<?x4xf32> to tensor<4xf32>
  return %r : tensor<4xf32>
}

// -----

// expected-error @+1 {{has a tile of [3], which does not divide 'tensor<4xf32>'}}
func.func @prepare.uneven(%a: tensor<4xf32>) -> tensor<4xf32> attributes {mla.tile = array<i64: 3>} {
  return %a : tensor<4xf32>
}

// -----

// expected-error @+1 {{has a tile of [4, 4], which does not divide 'tensor<4xf32>'}}
func.func @prepare.of_another_rank(%a: tensor<4xf32>) -> tensor<4xf32> attributes {mla.tile = array<i64: 4, 4>} {
  return %a : tensor<4xf32>
}

// -----

func.func @prepare.from_somewhere(%a: tensor<4xf32>, %at: index) -> tensor<1xf32> {
  // expected-error @+1 {{cannot be prepared in tiles}}
  %s = tensor.extract_slice %a[%at] [1] [1] : tensor<4xf32> to tensor<1xf32>
  return %s : tensor<1xf32>
}

// -----

func.func @prepare.of_lower_rank(%a: tensor<4x1xf32>) -> tensor<1xf32> {
  // expected-error @+1 {{cannot be prepared in tiles}}
  %s = tensor.extract_slice %a[0, 0] [1, 1] [1, 1] : tensor<4x1xf32> to tensor<1xf32>
  return %s : tensor<1xf32>
}

// -----

// expected-error @+1 {{has control flow; expected a single block}}
func.func @prepare.elsewhere(%a: tensor<4xf32>) -> tensor<4xf32> {
  cf.br ^bb1
^bb1:
  return %a : tensor<4xf32>
}

// -----

// expected-error @+1 {{has control flow; expected a single block}}
func.func @prepare.without_end() -> tensor<4xf32> {
  ub.unreachable
}

// -----

// Every sum would be computed twice as often as the next.
func.func @prepare.sums_of_sums(%a: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{is used in too many ways to be prepared in tiles}}
  %0 = arith.addf %a, %a : tensor<4xf32>
  %1 = arith.addf %0, %0 : tensor<4xf32>
  %2 = arith.addf %1, %1 : tensor<4xf32>
  %3 = arith.addf %2, %2 : tensor<4xf32>
  %4 = arith.addf %3, %3 : tensor<4xf32>
  %5 = arith.addf %4, %4 : tensor<4xf32>
  %6 = arith.addf %5, %5 : tensor<4xf32>
  %7 = arith.addf %6, %6 : tensor<4xf32>
  %8 = arith.addf %7, %7 : tensor<4xf32>
  %9 = arith.addf %8, %8 : tensor<4xf32>
  %10 = arith.addf %9, %9 : tensor<4xf32>
  %11 = arith.addf %10, %10 : tensor<4xf32>
  return %11 : tensor<4xf32>
}

// -----

func.func @prepare.pieces_of_different_sizes(%a: tensor<3x4xf32> {mla.weight = "a"}, %b: tensor<2x4xf32> {mla.weight = "b"}) -> tensor<5x4xf32> {
  // expected-error @+1 {{has pieces of different sizes, which cannot be prepared in tiles}}
  %w = tensor.concat dim(0) %a, %b : (tensor<3x4xf32>, tensor<2x4xf32>) -> tensor<5x4xf32>
  return %w : tensor<5x4xf32>
}

// -----

func.func @prepare.slice_of_pieces(%a: tensor<3x4xf32> {mla.weight = "a"}, %b: tensor<3x4xf32> {mla.weight = "b"}) -> tensor<4x4xf32> {
  %w = tensor.concat dim(0) %a, %b : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<6x4xf32>
  // expected-error @+1 {{of a concatenation cannot be prepared in tiles}}
  %s = tensor.extract_slice %w[1, 0] [4, 4] [1, 1] : tensor<6x4xf32> to tensor<4x4xf32>
  return %s : tensor<4x4xf32>
}
