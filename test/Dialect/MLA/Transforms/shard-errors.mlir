// RUN: mla-opt %s --mla-shard="heads=3" --verify-diagnostics --split-input-file
// RUN: not mla-opt %s --mla-shard="heads=4 tokens=3" 2>&1 | FileCheck %s --check-prefix=TOKENS
// RUN: not mla-opt %s --mla-shard="heads=4 experts=8" 2>&1 | FileCheck %s --check-prefix=EXPERTS
// RUN: not mla-opt %s --mla-shard="heads=0" 2>&1 | FileCheck %s --check-prefix=NONE

// TOKENS: error: mla-shard: expected tokens to divide the ranks, which are heads, got tokens=3 and heads=4
// EXPERTS: error: mla-shard: expected experts to divide the ranks, which are heads, got experts=8 and heads=4
// NONE: error: mla-shard: expected tokens to divide the ranks, which are heads, got tokens=1 and heads=0
func.func @fewer_heads_than_ranks(%o: tensor<?x2x4xf32>, %w: tensor<8x2x4xf32>) -> tensor<?x8xf32> {
  // expected-error@+1 {{has 2 heads, which 3 ranks cannot divide}}
  %y = mla.project from_heads %o, %w : (tensor<?x2x4xf32>, tensor<8x2x4xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
