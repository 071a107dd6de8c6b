// A rank computes its part, from its part of the weights, and the sums of all ranks are added.
//
// RUN: mla-opt %s --mla-partition=rank=1 --cse | FileCheck %s
// RUN: mla-opt %s --mla-partition="rank=1 caller-reduces" --cse | FileCheck %s --check-prefix=CALLER
// RUN: mla-opt %s --mla-partition="rank=0 caller-reduces" --cse | FileCheck %s --check-prefix=FIRST

// CHECK: mla.model = {{.*}}first_head = 2 : i64, heads = 1 : i64,{{.*}}ranks = {count = 2 : i64, rank = 1 : i64, tokens = 2 : i64}
// CHECK-SAME: mla.most_heads = 2 : i64
// CALLER: mla.model = {{.*}}heads = 1 : i64,{{.*}}rank = 1 : i64,{{.*}}tensor_parallel = 2 : i64
// CALLER-NOT: mla.most_heads
// CALLER-NOT: shard
module attributes {mla.checkpoint_prefix = "l.", mla.model = {
    heads = 3 : i64, kv_lora_rank = 8 : i64, page = 4 : i64, qk_nope_head_dim = 4 : i64, qk_rope_head_dim = 2 : i64,
    v_head_dim = 4 : i64}} {
  shard.grid @ranks(shape = 1x2)

  // CHECK-LABEL: func.func @heads
  // CHECK-SAME: (%[[X:.*]]: tensor<?x8xf32>)
  // CHECK-DAG: %[[W:.*]] = mla.weight "l.v" : tensor<12x8xf32>
  // CHECK-DAG: %[[R:.*]] = tensor.extract_slice %[[W]][8, 0] [4, 8] [1, 1] {mla.name = "v"}
  // CHECK-DAG: %[[H:.*]] = tensor.expand_shape %[[R]] {{.*}} output_shape [1, 4, 8]
  // CHECK-DAG: %[[O:.*]] = mla.weight "l.o" : tensor<8x3x4xf32>
  // CHECK-DAG: %[[C:.*]] = tensor.extract_slice %[[O]][0, 2, 0] [8, 1, 4] [1, 1, 1] {mla.name = "o"}
  // CHECK-DAG: %[[B:.*]] = mla.weight "l.b"
  // CHECK-DAG: %[[V:.*]] = mla.project to_heads %[[X]], %[[H]] : {{.*}} -> tensor<?x1x4xf32>
  // CHECK: %[[P:.*]] = mla.project from_heads %[[V]], %[[C]] : (tensor<?x1x4xf32>, tensor<8x1x4xf32>) -> tensor<?x8xf32>
  // CHECK: %[[S:.*]] = shard.all_reduce %[[P]] on @ranks grid_axes = [0, 1] : tensor<?x8xf32> -> tensor<?x8xf32>
  // CHECK: %[[Y:.*]] = mla.bias %[[S]], %[[B]]
  // CHECK: return %[[Y]]

  // CALLER-LABEL: func.func @heads
  // CALLER: %[[P:.*]] = mla.project from_heads
  // CALLER-NOT: mla.bias
  // CALLER: return %[[P]]
  // FIRST-LABEL: func.func @heads
  // FIRST: %[[P:.*]] = mla.project from_heads
  // FIRST: %[[Y:.*]] = mla.bias %[[P]]
  // FIRST: return %[[Y]]
  func.func @heads(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
    %w = mla.weight "l.v" : tensor<12x8xf32>
    %heads = tensor.expand_shape %w [[0, 1], [2]] output_shape [3, 4, 8] : tensor<12x8xf32> into tensor<3x4x8xf32>
    %w_o = mla.weight "l.o" : tensor<8x3x4xf32>
    %b = mla.weight "l.b" : tensor<8xf32>
    %v = mla.project to_heads %x, %heads : (tensor<?x8xf32>, tensor<3x4x8xf32>) -> tensor<?x3x4xf32>
    %y = mla.project from_heads %v, %w_o {mla.cuts = [
        #mla.cut<heads, first = [0, 2], count = [2, 1], why = "3 heads over 2 ranks">]}
        : (tensor<?x3x4xf32>, tensor<8x3x4xf32>) -> tensor<?x8xf32>
    %biased = mla.bias %y, %b : tensor<?x8xf32>, tensor<8xf32>
    return %biased : tensor<?x8xf32>
  }

  // Sums are f32 until they are added.
  // CHECK-LABEL: func.func @rounded
  // CHECK: %[[P:.*]] = mla.project from_heads %{{.*}} -> tensor<?x8xf32>
  // CHECK: %[[S:.*]] = shard.all_reduce %[[P]]
  // CHECK: %[[Y:.*]] = arith.truncf %[[S]] : tensor<?x8xf32> to tensor<?x8xbf16>
  // CHECK: return %[[Y]]
  func.func @rounded(%o: tensor<?x3x4xf32>) -> tensor<?x8xbf16> {
    %w_o = mla.weight "l.o" : tensor<8x3x4xf32>
    %y = mla.project from_heads %o, %w_o {mla.cuts = [
        #mla.cut<heads, first = [0, 2], count = [2, 1], why = "3 heads over 2 ranks">]}
        : (tensor<?x3x4xf32>, tensor<8x3x4xf32>) -> tensor<?x8xbf16>
    return %y : tensor<?x8xbf16>
  }

  // Gate and up stay one product.
  // CHECK-LABEL: func.func @mlp
  // CHECK-SAME: (%[[X:.*]]: tensor<?x8xf32>)
  // CHECK-DAG: %[[G:.*]] = mla.weight "l.gate"
  // CHECK-DAG: %[[U:.*]] = mla.weight "l.up"
  // CHECK-DAG: %[[GR:.*]] = tensor.extract_slice %[[G]][4, 0] [4, 8] [1, 1]
  // CHECK-DAG: %[[UR:.*]] = tensor.extract_slice %[[U]][4, 0] [4, 8] [1, 1]
  // CHECK-DAG: %[[D:.*]] = mla.weight "l.down"
  // CHECK-DAG: %[[GU:.*]] = tensor.concat dim(0) %[[GR]], %[[UR]] {mla.name = "gate_up"}
  // CHECK: %[[WIDE:.*]] = mla.project %[[X]], %[[GU]] : {{.*}} -> tensor<?x8xf32>
  // CHECK: %[[A:.*]] = tensor.extract_slice %[[WIDE]][0, 0] [%{{.*}}, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  // CHECK: %[[B:.*]] = tensor.extract_slice %[[WIDE]][0, 4] [%{{.*}}, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  // CHECK: %[[H:.*]] = mla.swiglu %[[A]], %[[B]] : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK: %[[DR:.*]] = tensor.extract_slice %[[D]][0, 4] [8, 4] [1, 1] {mla.name = "down"}
  // CHECK: %[[P:.*]] = mla.project %[[H]], %[[DR]] : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  // CHECK: shard.all_reduce %[[P]]
  func.func @mlp(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
    %c0 = arith.constant 0 : index
    %t = tensor.dim %x, %c0 : tensor<?x8xf32>
    %g = mla.weight "l.gate" : tensor<8x8xf32>
    %u = mla.weight "l.up" : tensor<8x8xf32>
    %gu = tensor.concat dim(0) %g, %u {mla.name = "gate_up"} : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<16x8xf32>
    %d = mla.weight "l.down" : tensor<8x8xf32>
    %wide = mla.project %x, %gu : (tensor<?x8xf32>, tensor<16x8xf32>) -> tensor<?x16xf32>
    %gate = tensor.extract_slice %wide[0, 0] [%t, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
    %up = tensor.extract_slice %wide[0, 8] [%t, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
    %h = mla.swiglu %gate, %up : tensor<?x8xf32> -> tensor<?x8xf32>
    %y = mla.project %h, %d {mla.cuts = [
        #mla.cut<width, first = [0, 4], count = [4, 4], why = "8 columns over 2 ranks">]}
        : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    return %y : tensor<?x8xf32>
  }

  // A rank has some experts, and those only in part.
  // CHECK-LABEL: func.func @experts
  // CHECK-SAME: (%[[X:.*]]: tensor<?x8xf32>, %[[E:.*]]: tensor<?x2xi32>, %[[F:.*]]: tensor<?x2xf32>)
  // CHECK-DAG: %[[W:.*]] = mla.weight "l.up"
  // CHECK-DAG: %[[OWN:.*]] = tensor.extract_slice %[[W]][1, 0, 0] [2, 8, 8]
  // CHECK-DAG: %[[GATE:.*]] = tensor.extract_slice %[[OWN]][0, 2, 0] [2, 2, 8]
  // CHECK-DAG: %[[UP:.*]] = tensor.extract_slice %[[OWN]][0, 6, 0] [2, 2, 8]
  // CHECK-DAG: %[[BOTH:.*]] = tensor.concat dim(1) %[[GATE]], %[[UP]] {mla.name = "up"}
  // CHECK-DAG: %[[D:.*]] = mla.weight "l.down"
  // CHECK-DAG: %[[OWND:.*]] = tensor.extract_slice %[[D]][1, 0, 0] [2, 8, 4]
  // CHECK: %[[WIDE:.*]] = mla.experts_project %[[X]], %[[BOTH]] of %[[E]] {from = 1 : i64} : {{.*}} -> tensor<?x2x4xf32>
  // CHECK: %[[A:.*]] = tensor.extract_slice %[[WIDE]][0, 0, 0]
  // CHECK: %[[B:.*]] = tensor.extract_slice %[[WIDE]][0, 0, 2]
  // CHECK: %[[H:.*]] = mla.swiglu %[[A]], %[[B]] : tensor<?x2x2xf32>
  // CHECK: %[[DOWN:.*]] = tensor.extract_slice %[[OWND]][0, 0, 2] [2, 8, 2]
  // CHECK: %[[P:.*]] = mla.experts_project %[[H]], %[[DOWN]] of %[[E]] summed %[[F]] {from = 1 : i64} : (tensor<?x2x2xf32>, tensor<2x8x2xf32>,
  // CHECK: shard.all_reduce %[[P]]
  func.func @experts(%x: tensor<?x8xf32>, %e: tensor<?x2xi32>, %f: tensor<?x2xf32>) -> tensor<?x8xf32> {
    %c0 = arith.constant 0 : index
    %t = tensor.dim %x, %c0 : tensor<?x8xf32>
    %w_up = mla.weight "l.up" : tensor<3x8x8xf32>
    %w_down = mla.weight "l.down" : tensor<3x8x4xf32>
    %wide = mla.experts_project %x, %w_up of %e : (tensor<?x8xf32>, tensor<3x8x8xf32>, tensor<?x2xi32>) -> tensor<?x2x8xf32>
    %gate = tensor.extract_slice %wide[0, 0, 0] [%t, 2, 4] [1, 1, 1] : tensor<?x2x8xf32> to tensor<?x2x4xf32>
    %up = tensor.extract_slice %wide[0, 0, 4] [%t, 2, 4] [1, 1, 1] : tensor<?x2x8xf32> to tensor<?x2x4xf32>
    %h = mla.swiglu %gate, %up : tensor<?x2x4xf32> -> tensor<?x2x4xf32>
    %y = mla.experts_project %h, %w_down of %e summed %f {mla.cuts = [
        #mla.cut<experts, first = [0, 1], count = [1, 2], why = "3 experts over 2 ranks">,
        #mla.cut<width, first = [0, 2], count = [2, 2], why = "4 columns over 2 ranks">]}
        : (tensor<?x2x4xf32>, tensor<3x8x4xf32>, tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x8xf32>
    return %y : tensor<?x8xf32>
  }

  // CHECK-LABEL: func.func @cache
  // CHECK-SAME: -> !mla.cache<page = 4, latent = 8, rope = 2, f32 part 1 of 2>
  // CHECK: mla.append {{.*}} into <page = 4, latent = 8, rope = 2, f32 part 1 of 2>
  func.func @cache(%c: tensor<?x8xf32>, %k: tensor<?x2xf32>, %p: tensor<?xi32>, %s: tensor<?xi32>,
                   %cache: !mla.cache<page = 4, latent = 8, rope = 2, f32>) -> !mla.cache<page = 4, latent = 8, rope = 2, f32> {
    %new = mla.append %c, %k at %p of %s into %cache
        : tensor<?x8xf32>, tensor<?x2xf32> into !mla.cache<page = 4, latent = 8, rope = 2, f32>
    return %new : !mla.cache<page = 4, latent = 8, rope = 2, f32>
  }
}
