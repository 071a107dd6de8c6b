// MLA as people write it by hand: one sequence of 4 tokens, 2 heads, heads of 4 + 4 and 3, a latent of 5. Products of the
// two parts of a head are added, W_UK and W_UV are separate weights, and elementwise operations are fused. Each part that a
// test changes is on its own line.

#ij = affine_map<(i, j) -> (i, j)>
#sh = affine_map<(h, s, i) -> (h, s, i)>
#token = affine_map<(h, s, i) -> (s, i)>
#row = affine_map<(h, s, i) -> (h, s)>

func.func @layer(%x: tensor<4x8xf32>, %w_q: tensor<2x8x8xf32>, %w_dkv: tensor<9x8xf32>, %gamma: tensor<5xf32>,
                 %w_uk: tensor<2x4x5xf32>, %w_uv: tensor<2x3x5xf32>, %w_o: tensor<8x6xf32>, %extra: tensor<4x5xf32>)
    -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %scale = arith.constant 0.35 : f32
  %five = arith.constant 5.0 : f32
  %epsilon = arith.constant 1.0e-6 : f32
  %frequencies = arith.constant dense<[1.0, 0.1]> : tensor<2xf32>

  // Queries.
  %q_init = tensor.empty() : tensor<2x4x8xf32>
  %q_zero = linalg.fill ins(%zero : f32) outs(%q_init : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %q = linalg.contract indexing_maps = [affine_map<(h, s, n, k) -> (s, k)>, affine_map<(h, s, n, k) -> (h, n, k)>, affine_map<(h, s, n, k) -> (h, s, n)>]
      ins(%x, %w_q : tensor<4x8xf32>, tensor<2x8x8xf32>) outs(%q_zero : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  %q_nope = tensor.extract_slice %q[0, 0, 0] [2, 4, 4] [1, 1, 1] : tensor<2x4x8xf32> to tensor<2x4x4xf32>
  %q_pe = tensor.extract_slice %q[0, 0, 4] [2, 4, 4] [1, 1, 1] : tensor<2x4x8xf32> to tensor<2x4x4xf32>

  // The latent and the key's rotary part.
  %kv_init = tensor.empty() : tensor<4x9xf32>
  %kv_zero = linalg.fill ins(%zero : f32) outs(%kv_init : tensor<4x9xf32>) -> tensor<4x9xf32>
  %kv = linalg.contract indexing_maps = [affine_map<(s, n, k) -> (s, k)>, affine_map<(s, n, k) -> (n, k)>, affine_map<(s, n, k) -> (s, n)>]
      ins(%x, %w_dkv : tensor<4x8xf32>, tensor<9x8xf32>) outs(%kv_zero : tensor<4x9xf32>) -> tensor<4x9xf32>
  %c_raw = tensor.extract_slice %kv[0, 0] [4, 5] [1, 1] : tensor<4x9xf32> to tensor<4x5xf32>
  %k_pe = tensor.extract_slice %kv[0, 5] [4, 4] [1, 1] : tensor<4x9xf32> to tensor<4x4xf32>
  %square_init = tensor.empty() : tensor<4xf32>
  %square_zero = linalg.fill ins(%zero : f32) outs(%square_init : tensor<4xf32>) -> tensor<4xf32>
  %squares = linalg.generic {indexing_maps = [#ij, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
      ins(%c_raw : tensor<4x5xf32>) outs(%square_zero : tensor<4xf32>) {
  ^bb0(%a: f32, %sum: f32):
    %b = arith.mulf %a, %a : f32
    %c = arith.addf %sum, %b : f32
    linalg.yield %c : f32
  } -> tensor<4xf32>
  %c_init = tensor.empty() : tensor<4x5xf32>
  %c_normed = linalg.generic {indexing_maps = [#ij, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (j)>, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%c_raw, %squares, %gamma : tensor<4x5xf32>, tensor<4xf32>, tensor<5xf32>) outs(%c_init : tensor<4x5xf32>) {
  ^bb0(%a: f32, %sum: f32, %g: f32, %out: f32):
    %mean = arith.divf %sum, %five : f32
    %shifted = arith.addf %mean, %epsilon : f32
    %root = math.sqrt %shifted : f32
    %b = arith.divf %a, %root : f32
    %c = arith.mulf %g, %b : f32
    linalg.yield %c : f32
  } -> tensor<4x5xf32>

  // Up-projections.
  %k_init = tensor.empty() : tensor<2x4x4xf32>
  %k_zero = linalg.fill ins(%zero : f32) outs(%k_init : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %k_nope = linalg.contract indexing_maps = [affine_map<(h, s, n, k) -> (s, k)>, affine_map<(h, s, n, k) -> (h, n, k)>, affine_map<(h, s, n, k) -> (h, s, n)>]
      ins(%c_normed, %w_uk : tensor<4x5xf32>, tensor<2x4x5xf32>) outs(%k_zero : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %v_init = tensor.empty() : tensor<2x4x3xf32>
  %v_zero = linalg.fill ins(%zero : f32) outs(%v_init : tensor<2x4x3xf32>) -> tensor<2x4x3xf32>
  %v = linalg.contract indexing_maps = [affine_map<(h, s, n, k) -> (s, k)>, affine_map<(h, s, n, k) -> (h, n, k)>, affine_map<(h, s, n, k) -> (h, s, n)>]
      ins(%c_normed, %w_uv : tensor<4x5xf32>, tensor<2x3x5xf32>) outs(%v_zero : tensor<2x4x3xf32>) -> tensor<2x4x3xf32>

  // Rotations, in halves.
  %wave_init = tensor.empty() : tensor<4x2xf32>
  %cos, %sin = linalg.generic {indexing_maps = [affine_map<(i, j) -> (j)>, #ij, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%frequencies : tensor<2xf32>) outs(%wave_init, %wave_init : tensor<4x2xf32>, tensor<4x2xf32>) {
  ^bb0(%f: f32, %o1: f32, %o2: f32):
    %i = linalg.index 0 : index
    %n = arith.index_cast %i : index to i32
    %p = arith.sitofp %n : i32 to f32
    %angle = arith.mulf %p, %f : f32
    %c = math.cos %angle : f32
    %s = math.sin %angle : f32
    linalg.yield %c, %s : f32, f32
  } -> (tensor<4x2xf32>, tensor<4x2xf32>)
  %q_1 = tensor.extract_slice %q_pe[0, 0, 0] [2, 4, 2] [1, 1, 1] : tensor<2x4x4xf32> to tensor<2x4x2xf32>
  %q_2 = tensor.extract_slice %q_pe[0, 0, 2] [2, 4, 2] [1, 1, 1] : tensor<2x4x4xf32> to tensor<2x4x2xf32>
  %half_q = tensor.empty() : tensor<2x4x2xf32>
  %q_a, %q_b = linalg.generic {indexing_maps = [#sh, #sh, #token, #token, #sh, #sh], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%q_1, %q_2, %cos, %sin : tensor<2x4x2xf32>, tensor<2x4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>) outs(%half_q, %half_q : tensor<2x4x2xf32>, tensor<2x4x2xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %s: f32, %o1: f32, %o2: f32):
    %ac = arith.mulf %a, %c : f32
    %bs = arith.mulf %b, %s : f32
    %bc = arith.mulf %b, %c : f32
    %as = arith.mulf %a, %s : f32
    %one = arith.subf %ac, %bs : f32
    %two = arith.addf %bc, %as : f32
    linalg.yield %one, %two : f32, f32
  } -> (tensor<2x4x2xf32>, tensor<2x4x2xf32>)
  %q_part = tensor.insert_slice %q_a into %k_init[0, 0, 0] [2, 4, 2] [1, 1, 1] : tensor<2x4x2xf32> into tensor<2x4x4xf32>
  %q_rope = tensor.insert_slice %q_b into %q_part[0, 0, 2] [2, 4, 2] [1, 1, 1] : tensor<2x4x2xf32> into tensor<2x4x4xf32>
  %k_1 = tensor.extract_slice %k_pe[0, 0] [4, 2] [1, 1] : tensor<4x4xf32> to tensor<4x2xf32>
  %k_2 = tensor.extract_slice %k_pe[0, 2] [4, 2] [1, 1] : tensor<4x4xf32> to tensor<4x2xf32>
  %k_a, %k_b = linalg.generic {indexing_maps = [#ij, #ij, #ij, #ij, #ij, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%k_1, %k_2, %cos, %sin : tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>) outs(%wave_init, %wave_init : tensor<4x2xf32>, tensor<4x2xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %s: f32, %o1: f32, %o2: f32):
    %ac = arith.mulf %a, %c : f32
    %bs = arith.mulf %b, %s : f32
    %bc = arith.mulf %b, %c : f32
    %as = arith.mulf %a, %s : f32
    %one = arith.subf %ac, %bs : f32
    %two = arith.addf %bc, %as : f32
    linalg.yield %one, %two : f32, f32
  } -> (tensor<4x2xf32>, tensor<4x2xf32>)
  %rope_init = tensor.empty() : tensor<4x4xf32>
  %k_part = tensor.insert_slice %k_a into %rope_init[0, 0] [4, 2] [1, 1] : tensor<4x2xf32> into tensor<4x4xf32>
  %k_rope = tensor.insert_slice %k_b into %k_part[0, 2] [4, 2] [1, 1] : tensor<4x2xf32> into tensor<4x4xf32>

  // Scores.
  %s_nope = linalg.contract indexing_maps = [affine_map<(h, s, j, d) -> (h, s, d)>, affine_map<(h, s, j, d) -> (h, j, d)>, affine_map<(h, s, j, d) -> (h, s, j)>]
      ins(%q_nope, %k_nope : tensor<2x4x4xf32>, tensor<2x4x4xf32>) outs(%k_zero : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %dots = linalg.contract indexing_maps = [affine_map<(h, s, j, d) -> (h, s, d)>, affine_map<(h, s, j, d) -> (j, d)>, affine_map<(h, s, j, d) -> (h, s, j)>]
      ins(%q_rope, %k_rope : tensor<2x4x4xf32>, tensor<4x4xf32>) outs(%s_nope : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %scores = linalg.generic {indexing_maps = [#sh, #sh], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%dots : tensor<2x4x4xf32>) outs(%k_init : tensor<2x4x4xf32>) {
  ^bb0(%a: f32, %out: f32):
    %s = linalg.index 1 : index
    %j = linalg.index 2 : index
    %scaled = arith.mulf %a, %scale : f32
    %seen = arith.cmpi sge, %s, %j : index
    %b = arith.select %seen, %scaled, %lowest : f32
    linalg.yield %b : f32
  } -> tensor<2x4x4xf32>

  // Softmax.
  %row_init = tensor.empty() : tensor<2x4xf32>
  %row_lowest = linalg.fill ins(%lowest : f32) outs(%row_init : tensor<2x4xf32>) -> tensor<2x4xf32>
  %row_zero = linalg.fill ins(%zero : f32) outs(%row_init : tensor<2x4xf32>) -> tensor<2x4xf32>
  %max = linalg.reduce {arith.maximumf} ins(%scores : tensor<2x4x4xf32>) outs(%row_lowest : tensor<2x4xf32>) dimensions = [2]
  %e = linalg.generic {indexing_maps = [#sh, #row, #sh], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%scores, %max : tensor<2x4x4xf32>, tensor<2x4xf32>) outs(%k_init : tensor<2x4x4xf32>) {
  ^bb0(%a: f32, %m: f32, %out: f32):
    %shifted = arith.subf %a, %m : f32
    %b = math.exp %shifted : f32
    linalg.yield %b : f32
  } -> tensor<2x4x4xf32>
  %sum = linalg.reduce {arith.addf} ins(%e : tensor<2x4x4xf32>) outs(%row_zero : tensor<2x4xf32>) dimensions = [2]
  %p = linalg.generic {indexing_maps = [#sh, #row, #sh], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%e, %sum : tensor<2x4x4xf32>, tensor<2x4xf32>) outs(%k_init : tensor<2x4x4xf32>) {
  ^bb0(%a: f32, %n: f32, %out: f32):
    %b = arith.divf %a, %n : f32
    linalg.yield %b : f32
  } -> tensor<2x4x4xf32>

  // Values, heads side by side, and the output projection.
  %o_init = tensor.empty() : tensor<4x2x3xf32>
  %o_zero = linalg.fill ins(%zero : f32) outs(%o_init : tensor<4x2x3xf32>) -> tensor<4x2x3xf32>
  %o = linalg.contract indexing_maps = [affine_map<(h, s, j, d) -> (h, s, j)>, affine_map<(h, s, j, d) -> (h, j, d)>, affine_map<(h, s, j, d) -> (s, h, d)>]
      ins(%p, %v : tensor<2x4x4xf32>, tensor<2x4x3xf32>) outs(%o_zero : tensor<4x2x3xf32>) -> tensor<4x2x3xf32>
  %heads = tensor.collapse_shape %o [[0], [1, 2]] : tensor<4x2x3xf32> into tensor<4x6xf32>
  %out_init = tensor.empty() : tensor<4x8xf32>
  %out_zero = linalg.fill ins(%zero : f32) outs(%out_init : tensor<4x8xf32>) -> tensor<4x8xf32>
  %out = linalg.contract indexing_maps = [affine_map<(s, n, k) -> (s, k)>, affine_map<(s, n, k) -> (n, k)>, affine_map<(s, n, k) -> (s, n)>]
      ins(%heads, %w_o : tensor<4x6xf32>, tensor<8x6xf32>) outs(%out_zero : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %out : tensor<4x8xf32>
}
