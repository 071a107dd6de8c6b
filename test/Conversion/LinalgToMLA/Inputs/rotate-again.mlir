  %k_again_1 = tensor.extract_slice %k_rope[0, 0] [4, 2] [1, 1] : tensor<4x4xf32> to tensor<4x2xf32>
  %k_again_2 = tensor.extract_slice %k_rope[0, 2] [4, 2] [1, 1] : tensor<4x4xf32> to tensor<4x2xf32>
  %k_c, %k_d = linalg.generic {indexing_maps = [#ij, #ij, #ij, #ij, #ij, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%k_again_1, %k_again_2, %cos, %sin : tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>) outs(%wave_init, %wave_init : tensor<4x2xf32>, tensor<4x2xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %s: f32, %o1: f32, %o2: f32):
    %ac = arith.mulf %a, %c : f32
    %bs = arith.mulf %b, %s : f32
    %bc = arith.mulf %b, %c : f32
    %as = arith.mulf %a, %s : f32
    %one = arith.subf %ac, %bs : f32
    %two = arith.addf %bc, %as : f32
    linalg.yield %one, %two : f32, f32
  } -> (tensor<4x2xf32>, tensor<4x2xf32>)
  %k_again = tensor.insert_slice %k_c into %rope_init[0, 0] [4, 2] [1, 1] : tensor<4x2xf32> into tensor<4x4xf32>
  %k_twice = tensor.insert_slice %k_d into %k_again[0, 2] [4, 2] [1, 1] : tensor<4x2xf32> into tensor<4x4xf32>
