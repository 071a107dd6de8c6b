// RUN: mla-opt %s --mla-partition=rank=2 --verify-diagnostics --split-input-file

// expected-error@+1 {{mla-partition: expected a shard.grid @ranks with rank 2; run mla-shard, or choose a rank that exists}}
module {
  func.func @no_grid() {
    return
  }
}

// -----

// expected-error@+1 {{mla-partition: expected a shard.grid @ranks with rank 2}}
module {
  shard.grid @ranks(shape = 2x1)
}

// -----

module {
  shard.grid @ranks(shape = 3x1)
  func.func @experts_of_no_mlp(%h: tensor<?x2x4xf32>, %w: tensor<3x8x4xf32>, %e: tensor<?x2xi32>, %f: tensor<?x2xf32>)
      -> tensor<?x8xf32> {
    // expected-error@+1 {{cannot be cut by experts: it is not the second projection of an MLP of experts}}
    %y = mla.experts_project %h, %w of %e summed %f {mla.cuts = [
        #mla.cut<experts, first = [0, 1, 2], count = [1, 1, 1], why = "">]}
        : (tensor<?x2x4xf32>, tensor<3x8x4xf32>, tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x8xf32>
    return %y : tensor<?x8xf32>
  }
}
