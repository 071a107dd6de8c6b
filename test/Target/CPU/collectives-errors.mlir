// RUN: mla-opt %s --mla-cpu-bufferize --verify-diagnostics --split-input-file

shard.grid @ranks(shape = 2x3)
func.func @not_neighbours(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  // expected-error@+2 {{failed to bufferize op}}
  // expected-error@+1 {{expected a group of consecutive ranks of the grid @ranks}}
  %y = shard.all_reduce %x on @ranks grid_axes = [0] : tensor<3x4xf32> -> tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}

// -----

shard.grid @ranks(shape = 2x3)
func.func @no_sum(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  // expected-error@+2 {{failed to bufferize op}}
  // expected-error@+1 {{expected a sum of f32 or bf16}}
  %y = shard.all_reduce %x on @ranks grid_axes = [1] reduction = max : tensor<3x4xf32> -> tensor<3x4xf32>
  return %y : tensor<3x4xf32>
}
