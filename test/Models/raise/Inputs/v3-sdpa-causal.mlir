#map = affine_map<(d0, d1, d2) -> (d1, d2)>
#map1 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#map2 = affine_map<(d0, d1, d2) -> (d0, d1, 0)>
#map3 = affine_map<(d0, d1, d2) -> (d2)>
#map4 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#map5 = affine_map<(d0, d1, d2, d3) -> (d0, 0, d2, d3)>
#map6 = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>
#map7 = affine_map<(d0) -> (d0)>
#map8 = affine_map<(d0, d1) -> (0, d1)>
#map9 = affine_map<(d0, d1) -> (d0, 0)>
#map10 = affine_map<(d0, d1) -> (d0, d1)>
#map11 = affine_map<(d0, d1) -> ()>
#map12 = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
#map13 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
#map14 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>
module {
  func.func @attention(%arg0: tensor<2x6x32xf32>, %arg1: tensor<2x6xi64>, %arg2: tensor<24x32xf32>, %arg3: tensor<24xf32>, %arg4: tensor<80x24xf32>, %arg5: tensor<24x32xf32>, %arg6: tensor<16xf32>, %arg7: tensor<88x16xf32>, %arg8: tensor<32x40xf32>) -> tensor<2x6x32xf32> {
    %c2_i64 = arith.constant 2 : i64
    %c0_i64 = arith.constant 0 : i64
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 0xFF800000 : f32
    %true = arith.constant true
    %cst_1 = arith.constant dense<0.000000e+00> : tensor<2x4x6x6xf32>
    %cst_2 = arith.constant dense<0.000000e+00> : tensor<f32>
    %cst_3 = arith.constant dense<0xFF800000> : tensor<f32>
    %cst_4 = arith.constant dense<true> : tensor<6x6xi1>
    %cst_5 = arith.constant 0xFFF0000000000000 : f64
    %cst_6 = arith.constant 0.47287080450158792 : f64
    %cst_7 = arith.constant 9.9999999999999995E-7 : f64
    %cst_8 = arith.constant dense_resource<torch_tensor_4_torch.float32> : tensor<4xf32>
    %cst_9 = arith.constant 2.400000e+01 : f32
    %cst_10 = arith.constant 1.600000e+01 : f32
    %0 = tensor.empty() : tensor<2x4x1xf32>
    %expanded = tensor.expand_shape %cst_8 [[0, 1]] output_shape [4, 1] : tensor<4xf32> into tensor<4x1xf32>
    %1 = linalg.generic {indexing_maps = [#map, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded : tensor<4x1xf32>) outs(%0 : tensor<2x4x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x4x1xf32>
    %expanded_11 = tensor.expand_shape %arg1 [[0], [1, 2]] output_shape [2, 1, 6] : tensor<2x6xi64> into tensor<2x1x6xi64>
    %2 = tensor.empty() : tensor<2x1x6xf32>
    %3 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_11 : tensor<2x1x6xi64>) outs(%2 : tensor<2x1x6xf32>) {
    ^bb0(%in: i64, %out: f32):
      %101 = arith.sitofp %in : i64 to f32
      linalg.yield %101 : f32
    } -> tensor<2x1x6xf32>
    %4 = tensor.empty() : tensor<2x4x6xf32>
    %5 = linalg.fill ins(%cst : f32) outs(%4 : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
    %6 = linalg.batch_matmul ins(%1, %3 : tensor<2x4x1xf32>, tensor<2x1x6xf32>) outs(%5 : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
    %7 = tensor.empty() : tensor<2x6x4xf32>
    %transposed = linalg.transpose ins(%6 : tensor<2x4x6xf32>) outs(%7 : tensor<2x6x4xf32>) permutation = [0, 2, 1] 
    %concat = tensor.concat dim(2) %transposed, %transposed : (tensor<2x6x4xf32>, tensor<2x6x4xf32>) -> tensor<2x6x8xf32>
    %8 = tensor.empty() : tensor<2x6x8xf32>
    %9 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%concat : tensor<2x6x8xf32>) outs(%8 : tensor<2x6x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %101 = math.cos %in : f32
      linalg.yield %101 : f32
    } -> tensor<2x6x8xf32>
    %10 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%concat : tensor<2x6x8xf32>) outs(%8 : tensor<2x6x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %101 = math.sin %in : f32
      linalg.yield %101 : f32
    } -> tensor<2x6x8xf32>
    %11 = tensor.empty() : tensor<32x24xf32>
    %transposed_12 = linalg.transpose ins(%arg2 : tensor<24x32xf32>) outs(%11 : tensor<32x24xf32>) permutation = [1, 0] 
    %collapsed = tensor.collapse_shape %arg0 [[0, 1], [2]] : tensor<2x6x32xf32> into tensor<12x32xf32>
    %12 = tensor.empty() : tensor<12x24xf32>
    %13 = linalg.fill ins(%cst : f32) outs(%12 : tensor<12x24xf32>) -> tensor<12x24xf32>
    %14 = linalg.matmul ins(%collapsed, %transposed_12 : tensor<12x32xf32>, tensor<32x24xf32>) outs(%13 : tensor<12x24xf32>) -> tensor<12x24xf32>
    %expanded_13 = tensor.expand_shape %14 [[0, 1], [2]] output_shape [2, 6, 24] : tensor<12x24xf32> into tensor<2x6x24xf32>
    %15 = tensor.empty() : tensor<2x6x24xf32>
    %16 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_13 : tensor<2x6x24xf32>) outs(%15 : tensor<2x6x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      %101 = math.fpowi %in, %c2_i64 : f32, i64
      linalg.yield %101 : f32
    } -> tensor<2x6x24xf32>
    %17 = tensor.empty() : tensor<2x6x1xf32>
    %18 = linalg.fill ins(%cst : f32) outs(%17 : tensor<2x6x1xf32>) -> tensor<2x6x1xf32>
    %19 = linalg.generic {indexing_maps = [#map1, #map2], iterator_types = ["parallel", "parallel", "reduction"]} ins(%16 : tensor<2x6x24xf32>) outs(%18 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %101 = arith.addf %in, %out : f32
      linalg.yield %101 : f32
    } -> tensor<2x6x1xf32>
    %20 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%19 : tensor<2x6x1xf32>) outs(%17 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %101 = arith.divf %in, %cst_9 : f32
      linalg.yield %101 : f32
    } -> tensor<2x6x1xf32>
    %21 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%20 : tensor<2x6x1xf32>) outs(%17 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %101 = arith.truncf %cst_7 : f64 to f32
      %102 = arith.addf %in, %101 : f32
      linalg.yield %102 : f32
    } -> tensor<2x6x1xf32>
    %22 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%21 : tensor<2x6x1xf32>) outs(%17 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %101 = math.rsqrt %in : f32
      linalg.yield %101 : f32
    } -> tensor<2x6x1xf32>
    %23 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_13, %22 : tensor<2x6x24xf32>, tensor<2x6x1xf32>) outs(%15 : tensor<2x6x24xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %101 = arith.mulf %in, %in_57 : f32
      linalg.yield %101 : f32
    } -> tensor<2x6x24xf32>
    %24 = linalg.generic {indexing_maps = [#map3, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%arg3, %23 : tensor<24xf32>, tensor<2x6x24xf32>) outs(%15 : tensor<2x6x24xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %101 = arith.mulf %in, %in_57 : f32
      linalg.yield %101 : f32
    } -> tensor<2x6x24xf32>
    %25 = tensor.empty() : tensor<24x80xf32>
    %transposed_14 = linalg.transpose ins(%arg4 : tensor<80x24xf32>) outs(%25 : tensor<24x80xf32>) permutation = [1, 0] 
    %collapsed_15 = tensor.collapse_shape %24 [[0, 1], [2]] : tensor<2x6x24xf32> into tensor<12x24xf32>
    %26 = tensor.empty() : tensor<12x80xf32>
    %27 = linalg.fill ins(%cst : f32) outs(%26 : tensor<12x80xf32>) -> tensor<12x80xf32>
    %28 = linalg.matmul ins(%collapsed_15, %transposed_14 : tensor<12x24xf32>, tensor<24x80xf32>) outs(%27 : tensor<12x80xf32>) -> tensor<12x80xf32>
    %expanded_16 = tensor.expand_shape %28 [[0, 1], [2, 3]] output_shape [2, 6, 4, 20] : tensor<12x80xf32> into tensor<2x6x4x20xf32>
    %29 = tensor.empty() : tensor<2x4x6x20xf32>
    %transposed_17 = linalg.transpose ins(%expanded_16 : tensor<2x6x4x20xf32>) outs(%29 : tensor<2x4x6x20xf32>) permutation = [0, 2, 1, 3] 
    %extracted_slice = tensor.extract_slice %transposed_17[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x20xf32> to tensor<2x4x6x12xf32>
    %extracted_slice_18 = tensor.extract_slice %transposed_17[0, 0, 0, 12] [2, 4, 6, 8] [1, 1, 1, 1] : tensor<2x4x6x20xf32> to tensor<2x4x6x8xf32>
    %transposed_19 = linalg.transpose ins(%arg5 : tensor<24x32xf32>) outs(%11 : tensor<32x24xf32>) permutation = [1, 0] 
    %30 = linalg.matmul ins(%collapsed, %transposed_19 : tensor<12x32xf32>, tensor<32x24xf32>) outs(%13 : tensor<12x24xf32>) -> tensor<12x24xf32>
    %expanded_20 = tensor.expand_shape %30 [[0, 1], [2]] output_shape [2, 6, 24] : tensor<12x24xf32> into tensor<2x6x24xf32>
    %extracted_slice_21 = tensor.extract_slice %expanded_20[0, 0, 0] [2, 6, 16] [1, 1, 1] : tensor<2x6x24xf32> to tensor<2x6x16xf32>
    %extracted_slice_22 = tensor.extract_slice %expanded_20[0, 0, 16] [2, 6, 8] [1, 1, 1] : tensor<2x6x24xf32> to tensor<2x6x8xf32>
    %31 = tensor.empty() : tensor<2x6x16xf32>
    %32 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_21 : tensor<2x6x16xf32>) outs(%31 : tensor<2x6x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %101 = math.fpowi %in, %c2_i64 : f32, i64
      linalg.yield %101 : f32
    } -> tensor<2x6x16xf32>
    %33 = linalg.generic {indexing_maps = [#map1, #map2], iterator_types = ["parallel", "parallel", "reduction"]} ins(%32 : tensor<2x6x16xf32>) outs(%18 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %101 = arith.addf %in, %out : f32
      linalg.yield %101 : f32
    } -> tensor<2x6x1xf32>
    %34 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%33 : tensor<2x6x1xf32>) outs(%17 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %101 = arith.divf %in, %cst_10 : f32
      linalg.yield %101 : f32
    } -> tensor<2x6x1xf32>
    %35 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%34 : tensor<2x6x1xf32>) outs(%17 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %101 = arith.truncf %cst_7 : f64 to f32
      %102 = arith.addf %in, %101 : f32
      linalg.yield %102 : f32
    } -> tensor<2x6x1xf32>
    %36 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%35 : tensor<2x6x1xf32>) outs(%17 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %101 = math.rsqrt %in : f32
      linalg.yield %101 : f32
    } -> tensor<2x6x1xf32>
    %37 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_21, %36 : tensor<2x6x16xf32>, tensor<2x6x1xf32>) outs(%31 : tensor<2x6x16xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %101 = arith.mulf %in, %in_57 : f32
      linalg.yield %101 : f32
    } -> tensor<2x6x16xf32>
    %38 = linalg.generic {indexing_maps = [#map3, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%arg6, %37 : tensor<16xf32>, tensor<2x6x16xf32>) outs(%31 : tensor<2x6x16xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %101 = arith.mulf %in, %in_57 : f32
      linalg.yield %101 : f32
    } -> tensor<2x6x16xf32>
    %expanded_23 = tensor.expand_shape %extracted_slice_22 [[0], [1, 2], [3]] output_shape [2, 1, 6, 8] : tensor<2x6x8xf32> into tensor<2x1x6x8xf32>
    %extracted_slice_24 = tensor.extract_slice %9[0, 0, 0] [2, 6, 4] [1, 1, 1] : tensor<2x6x8xf32> to tensor<2x6x4xf32>
    %expanded_25 = tensor.expand_shape %extracted_slice_24 [[0], [1, 2], [3]] output_shape [2, 1, 6, 4] : tensor<2x6x4xf32> into tensor<2x1x6x4xf32>
    %extracted_slice_26 = tensor.extract_slice %10[0, 0, 0] [2, 6, 4] [1, 1, 1] : tensor<2x6x8xf32> to tensor<2x6x4xf32>
    %expanded_27 = tensor.expand_shape %extracted_slice_26 [[0], [1, 2], [3]] output_shape [2, 1, 6, 4] : tensor<2x6x4xf32> into tensor<2x1x6x4xf32>
    %extracted_slice_28 = tensor.extract_slice %extracted_slice_18[0, 0, 0, 0] [2, 4, 6, 4] [1, 1, 1, 2] : tensor<2x4x6x8xf32> to tensor<2x4x6x4xf32>
    %extracted_slice_29 = tensor.extract_slice %extracted_slice_18[0, 0, 0, 1] [2, 4, 6, 4] [1, 1, 1, 2] : tensor<2x4x6x8xf32> to tensor<2x4x6x4xf32>
    %extracted_slice_30 = tensor.extract_slice %expanded_23[0, 0, 0, 0] [2, 1, 6, 4] [1, 1, 1, 2] : tensor<2x1x6x8xf32> to tensor<2x1x6x4xf32>
    %extracted_slice_31 = tensor.extract_slice %expanded_23[0, 0, 0, 1] [2, 1, 6, 4] [1, 1, 1, 2] : tensor<2x1x6x8xf32> to tensor<2x1x6x4xf32>
    %39 = tensor.empty() : tensor<2x4x6x4xf32>
    %40 = linalg.generic {indexing_maps = [#map4, #map5, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_28, %expanded_25 : tensor<2x4x6x4xf32>, tensor<2x1x6x4xf32>) outs(%39 : tensor<2x4x6x4xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %101 = arith.mulf %in, %in_57 : f32
      linalg.yield %101 : f32
    } -> tensor<2x4x6x4xf32>
    %41 = linalg.generic {indexing_maps = [#map4, #map5, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_29, %expanded_27 : tensor<2x4x6x4xf32>, tensor<2x1x6x4xf32>) outs(%39 : tensor<2x4x6x4xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %101 = arith.mulf %in, %in_57 : f32
      linalg.yield %101 : f32
    } -> tensor<2x4x6x4xf32>
    %42 = linalg.generic {indexing_maps = [#map4, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%40, %41 : tensor<2x4x6x4xf32>, tensor<2x4x6x4xf32>) outs(%39 : tensor<2x4x6x4xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %101 = arith.subf %in, %in_57 : f32
      linalg.yield %101 : f32
    } -> tensor<2x4x6x4xf32>
    %43 = linalg.generic {indexing_maps = [#map4, #map5, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_29, %expanded_25 : tensor<2x4x6x4xf32>, tensor<2x1x6x4xf32>) outs(%39 : tensor<2x4x6x4xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %101 = arith.mulf %in, %in_57 : f32
      linalg.yield %101 : f32
    } -> tensor<2x4x6x4xf32>
    %44 = linalg.generic {indexing_maps = [#map4, #map5, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_28, %expanded_27 : tensor<2x4x6x4xf32>, tensor<2x1x6x4xf32>) outs(%39 : tensor<2x4x6x4xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %101 = arith.mulf %in, %in_57 : f32
      linalg.yield %101 : f32
    } -> tensor<2x4x6x4xf32>
    %45 = linalg.generic {indexing_maps = [#map4, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%43, %44 : tensor<2x4x6x4xf32>, tensor<2x4x6x4xf32>) outs(%39 : tensor<2x4x6x4xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %101 = arith.addf %in, %in_57 : f32
      linalg.yield %101 : f32
    } -> tensor<2x4x6x4xf32>
    %concat_32 = tensor.concat dim(3) %42, %45 : (tensor<2x4x6x4xf32>, tensor<2x4x6x4xf32>) -> tensor<2x4x6x8xf32>
    %46 = tensor.empty() : tensor<2x1x6x4xf32>
    %47 = linalg.generic {indexing_maps = [#map4, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_30, %expanded_25 : tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) outs(%46 : tensor<2x1x6x4xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %101 = arith.mulf %in, %in_57 : f32
      linalg.yield %101 : f32
    } -> tensor<2x1x6x4xf32>
    %48 = linalg.generic {indexing_maps = [#map4, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_31, %expanded_27 : tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) outs(%46 : tensor<2x1x6x4xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %101 = arith.mulf %in, %in_57 : f32
      linalg.yield %101 : f32
    } -> tensor<2x1x6x4xf32>
    %49 = linalg.generic {indexing_maps = [#map4, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%47, %48 : tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) outs(%46 : tensor<2x1x6x4xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %101 = arith.subf %in, %in_57 : f32
      linalg.yield %101 : f32
    } -> tensor<2x1x6x4xf32>
    %50 = linalg.generic {indexing_maps = [#map4, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_31, %expanded_25 : tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) outs(%46 : tensor<2x1x6x4xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %101 = arith.mulf %in, %in_57 : f32
      linalg.yield %101 : f32
    } -> tensor<2x1x6x4xf32>
    %51 = linalg.generic {indexing_maps = [#map4, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_30, %expanded_27 : tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) outs(%46 : tensor<2x1x6x4xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %101 = arith.mulf %in, %in_57 : f32
      linalg.yield %101 : f32
    } -> tensor<2x1x6x4xf32>
    %52 = linalg.generic {indexing_maps = [#map4, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%50, %51 : tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) outs(%46 : tensor<2x1x6x4xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %101 = arith.addf %in, %in_57 : f32
      linalg.yield %101 : f32
    } -> tensor<2x1x6x4xf32>
    %concat_33 = tensor.concat dim(3) %49, %52 : (tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) -> tensor<2x1x6x8xf32>
    %concat_34 = tensor.concat dim(3) %extracted_slice, %concat_32 : (tensor<2x4x6x12xf32>, tensor<2x4x6x8xf32>) -> tensor<2x4x6x20xf32>
    %53 = tensor.empty() : tensor<16x88xf32>
    %transposed_35 = linalg.transpose ins(%arg7 : tensor<88x16xf32>) outs(%53 : tensor<16x88xf32>) permutation = [1, 0] 
    %collapsed_36 = tensor.collapse_shape %38 [[0, 1], [2]] : tensor<2x6x16xf32> into tensor<12x16xf32>
    %54 = tensor.empty() : tensor<12x88xf32>
    %55 = linalg.fill ins(%cst : f32) outs(%54 : tensor<12x88xf32>) -> tensor<12x88xf32>
    %56 = linalg.matmul ins(%collapsed_36, %transposed_35 : tensor<12x16xf32>, tensor<16x88xf32>) outs(%55 : tensor<12x88xf32>) -> tensor<12x88xf32>
    %expanded_37 = tensor.expand_shape %56 [[0, 1], [2, 3]] output_shape [2, 6, 4, 22] : tensor<12x88xf32> into tensor<2x6x4x22xf32>
    %57 = tensor.empty() : tensor<2x4x6x22xf32>
    %transposed_38 = linalg.transpose ins(%expanded_37 : tensor<2x6x4x22xf32>) outs(%57 : tensor<2x4x6x22xf32>) permutation = [0, 2, 1, 3] 
    %extracted_slice_39 = tensor.extract_slice %transposed_38[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x22xf32> to tensor<2x4x6x12xf32>
    %extracted_slice_40 = tensor.extract_slice %transposed_38[0, 0, 0, 12] [2, 4, 6, 10] [1, 1, 1, 1] : tensor<2x4x6x22xf32> to tensor<2x4x6x10xf32>
    %58 = tensor.empty() : tensor<2x4x6x8xf32>
    %collapsed_41 = tensor.collapse_shape %concat_33 [[0, 1], [2], [3]] : tensor<2x1x6x8xf32> into tensor<2x6x8xf32>
    %59 = linalg.generic {indexing_maps = [#map6, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed_41 : tensor<2x6x8xf32>) outs(%58 : tensor<2x4x6x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x4x6x8xf32>
    %inserted_slice = tensor.insert_slice %extracted_slice_39 into %29[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x12xf32> into tensor<2x4x6x20xf32>
    %inserted_slice_42 = tensor.insert_slice %59 into %inserted_slice[0, 0, 0, 12] [2, 4, 6, 8] [1, 1, 1, 1] : tensor<2x4x6x8xf32> into tensor<2x4x6x20xf32>
    %60 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%concat_34 : tensor<2x4x6x20xf32>) outs(%29 : tensor<2x4x6x20xf32>) {
    ^bb0(%in: f32, %out: f32):
      %101 = arith.truncf %cst_6 : f64 to f32
      %102 = arith.mulf %in, %101 : f32
      linalg.yield %102 : f32
    } -> tensor<2x4x6x20xf32>
    %61 = tensor.empty() : tensor<6xi64>
    %62 = linalg.generic {indexing_maps = [#map7], iterator_types = ["parallel"]} outs(%61 : tensor<6xi64>) {
    ^bb0(%out: i64):
      %101 = linalg.index 0 : index
      %102 = arith.index_cast %101 : index to i64
      linalg.yield %102 : i64
    } -> tensor<6xi64>
    %expanded_43 = tensor.expand_shape %62 [[0, 1]] output_shape [1, 6] : tensor<6xi64> into tensor<1x6xi64>
    %expanded_44 = tensor.expand_shape %62 [[0, 1]] output_shape [6, 1] : tensor<6xi64> into tensor<6x1xi64>
    %63 = tensor.empty() : tensor<6x6xi64>
    %64 = linalg.generic {indexing_maps = [#map8, #map9, #map10], iterator_types = ["parallel", "parallel"]} ins(%expanded_43, %expanded_44 : tensor<1x6xi64>, tensor<6x1xi64>) outs(%63 : tensor<6x6xi64>) {
    ^bb0(%in: i64, %in_57: i64, %out: i64):
      %101 = arith.subi %in, %in_57 : i64
      linalg.yield %101 : i64
    } -> tensor<6x6xi64>
    %65 = tensor.empty() : tensor<6x6xi1>
    %66 = linalg.generic {indexing_maps = [#map10, #map10], iterator_types = ["parallel", "parallel"]} ins(%64 : tensor<6x6xi64>) outs(%65 : tensor<6x6xi1>) {
    ^bb0(%in: i64, %out: i1):
      %101 = arith.cmpi sle, %in, %c0_i64 : i64
      linalg.yield %101 : i1
    } -> tensor<6x6xi1>
    %67 = linalg.generic {indexing_maps = [#map10, #map10, #map10], iterator_types = ["parallel", "parallel"]} ins(%66, %cst_4 : tensor<6x6xi1>, tensor<6x6xi1>) outs(%65 : tensor<6x6xi1>) {
    ^bb0(%in: i1, %in_57: i1, %out: i1):
      %101 = arith.andi %in, %in_57 : i1
      linalg.yield %101 : i1
    } -> tensor<6x6xi1>
    %68 = tensor.empty() : tensor<6x6xf32>
    %69 = linalg.generic {indexing_maps = [#map10, #map11, #map11, #map10], iterator_types = ["parallel", "parallel"]} ins(%67, %cst_2, %cst_3 : tensor<6x6xi1>, tensor<f32>, tensor<f32>) outs(%68 : tensor<6x6xf32>) {
    ^bb0(%in: i1, %in_57: f32, %in_58: f32, %out: f32):
      %101 = arith.select %in, %in_57, %in_58 : f32
      linalg.yield %101 : f32
    } -> tensor<6x6xf32>
    %70 = tensor.empty() : tensor<2x4x20x6xf32>
    %transposed_45 = linalg.transpose ins(%inserted_slice_42 : tensor<2x4x6x20xf32>) outs(%70 : tensor<2x4x20x6xf32>) permutation = [0, 1, 3, 2] 
    %71 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%transposed_45 : tensor<2x4x20x6xf32>) outs(%70 : tensor<2x4x20x6xf32>) {
    ^bb0(%in: f32, %out: f32):
      %101 = arith.truncf %cst_6 : f64 to f32
      %102 = arith.mulf %in, %101 : f32
      linalg.yield %102 : f32
    } -> tensor<2x4x20x6xf32>
    %collapsed_46 = tensor.collapse_shape %60 [[0, 1], [2], [3]] : tensor<2x4x6x20xf32> into tensor<8x6x20xf32>
    %collapsed_47 = tensor.collapse_shape %71 [[0, 1], [2], [3]] : tensor<2x4x20x6xf32> into tensor<8x20x6xf32>
    %72 = tensor.empty() : tensor<8x6x6xf32>
    %73 = linalg.fill ins(%cst : f32) outs(%72 : tensor<8x6x6xf32>) -> tensor<8x6x6xf32>
    %74 = linalg.batch_matmul ins(%collapsed_46, %collapsed_47 : tensor<8x6x20xf32>, tensor<8x20x6xf32>) outs(%73 : tensor<8x6x6xf32>) -> tensor<8x6x6xf32>
    %expanded_48 = tensor.expand_shape %74 [[0, 1], [2], [3]] output_shape [2, 4, 6, 6] : tensor<8x6x6xf32> into tensor<2x4x6x6xf32>
    %75 = tensor.empty() : tensor<2x4x6x6xf32>
    %76 = linalg.generic {indexing_maps = [#map4, #map12, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_48, %69 : tensor<2x4x6x6xf32>, tensor<6x6xf32>) outs(%75 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %101 = arith.addf %in, %in_57 : f32
      linalg.yield %101 : f32
    } -> tensor<2x4x6x6xf32>
    %77 = tensor.empty() : tensor<2x4x6xi64>
    %78 = linalg.fill ins(%c0_i64 : i64) outs(%77 : tensor<2x4x6xi64>) -> tensor<2x4x6xi64>
    %79 = linalg.fill ins(%cst_0 : f32) outs(%4 : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
    %80:2 = linalg.generic {indexing_maps = [#map4, #map13, #map13], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%76 : tensor<2x4x6x6xf32>) outs(%79, %78 : tensor<2x4x6xf32>, tensor<2x4x6xi64>) {
    ^bb0(%in: f32, %out: f32, %out_57: i64):
      %101 = linalg.index 3 : index
      %102 = arith.index_cast %101 : index to i64
      %103 = arith.maximumf %in, %out : f32
      %104 = arith.cmpf ogt, %in, %out : f32
      %105 = arith.select %104, %102, %out_57 : i64
      linalg.yield %103, %105 : f32, i64
    } -> (tensor<2x4x6xf32>, tensor<2x4x6xi64>)
    %expanded_49 = tensor.expand_shape %80#0 [[0], [1], [2, 3]] output_shape [2, 4, 6, 1] : tensor<2x4x6xf32> into tensor<2x4x6x1xf32>
    %81 = linalg.generic {indexing_maps = [#map4, #map14, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%76, %expanded_49 : tensor<2x4x6x6xf32>, tensor<2x4x6x1xf32>) outs(%75 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %101 = arith.subf %in, %in_57 : f32
      linalg.yield %101 : f32
    } -> tensor<2x4x6x6xf32>
    %82 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%81 : tensor<2x4x6x6xf32>) outs(%75 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %out: f32):
      %101 = math.exp %in : f32
      linalg.yield %101 : f32
    } -> tensor<2x4x6x6xf32>
    %83 = tensor.empty() : tensor<2x4x6x1xf32>
    %84 = linalg.fill ins(%cst : f32) outs(%83 : tensor<2x4x6x1xf32>) -> tensor<2x4x6x1xf32>
    %85 = linalg.generic {indexing_maps = [#map4, #map14], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%82 : tensor<2x4x6x6xf32>) outs(%84 : tensor<2x4x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %101 = arith.addf %in, %out : f32
      linalg.yield %101 : f32
    } -> tensor<2x4x6x1xf32>
    %86 = linalg.generic {indexing_maps = [#map4, #map14, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%82, %85 : tensor<2x4x6x6xf32>, tensor<2x4x6x1xf32>) outs(%75 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %101 = arith.divf %in, %in_57 : f32
      linalg.yield %101 : f32
    } -> tensor<2x4x6x6xf32>
    %87 = tensor.empty() : tensor<2x4x6x6xi1>
    %88 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%76 : tensor<2x4x6x6xf32>) outs(%87 : tensor<2x4x6x6xi1>) {
    ^bb0(%in: f32, %out: i1):
      %101 = arith.extf %in : f32 to f64
      %102 = arith.cmpf oeq, %101, %cst_5 : f64
      linalg.yield %102 : i1
    } -> tensor<2x4x6x6xi1>
    %89 = tensor.empty() : tensor<2x4x6x1xi1>
    %90 = linalg.fill ins(%true : i1) outs(%89 : tensor<2x4x6x1xi1>) -> tensor<2x4x6x1xi1>
    %91 = linalg.generic {indexing_maps = [#map4, #map14], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%88 : tensor<2x4x6x6xi1>) outs(%90 : tensor<2x4x6x1xi1>) {
    ^bb0(%in: i1, %out: i1):
      %101 = arith.andi %in, %out : i1
      linalg.yield %101 : i1
    } -> tensor<2x4x6x1xi1>
    %92 = linalg.generic {indexing_maps = [#map14, #map4, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%91, %cst_1, %86 : tensor<2x4x6x1xi1>, tensor<2x4x6x6xf32>, tensor<2x4x6x6xf32>) outs(%75 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: i1, %in_57: f32, %in_58: f32, %out: f32):
      %101 = arith.select %in, %in_57, %in_58 : f32
      linalg.yield %101 : f32
    } -> tensor<2x4x6x6xf32>
    %collapsed_50 = tensor.collapse_shape %92 [[0, 1], [2], [3]] : tensor<2x4x6x6xf32> into tensor<8x6x6xf32>
    %collapsed_51 = tensor.collapse_shape %extracted_slice_40 [[0, 1], [2], [3]] : tensor<2x4x6x10xf32> into tensor<8x6x10xf32>
    %93 = tensor.empty() : tensor<8x6x10xf32>
    %94 = linalg.fill ins(%cst : f32) outs(%93 : tensor<8x6x10xf32>) -> tensor<8x6x10xf32>
    %95 = linalg.batch_matmul ins(%collapsed_50, %collapsed_51 : tensor<8x6x6xf32>, tensor<8x6x10xf32>) outs(%94 : tensor<8x6x10xf32>) -> tensor<8x6x10xf32>
    %expanded_52 = tensor.expand_shape %95 [[0, 1], [2], [3]] output_shape [2, 4, 6, 10] : tensor<8x6x10xf32> into tensor<2x4x6x10xf32>
    %96 = tensor.empty() : tensor<2x6x4x10xf32>
    %transposed_53 = linalg.transpose ins(%expanded_52 : tensor<2x4x6x10xf32>) outs(%96 : tensor<2x6x4x10xf32>) permutation = [0, 2, 1, 3] 
    %97 = tensor.empty() : tensor<40x32xf32>
    %transposed_54 = linalg.transpose ins(%arg8 : tensor<32x40xf32>) outs(%97 : tensor<40x32xf32>) permutation = [1, 0] 
    %collapsed_55 = tensor.collapse_shape %transposed_53 [[0, 1], [2, 3]] : tensor<2x6x4x10xf32> into tensor<12x40xf32>
    %98 = tensor.empty() : tensor<12x32xf32>
    %99 = linalg.fill ins(%cst : f32) outs(%98 : tensor<12x32xf32>) -> tensor<12x32xf32>
    %100 = linalg.matmul ins(%collapsed_55, %transposed_54 : tensor<12x40xf32>, tensor<40x32xf32>) outs(%99 : tensor<12x32xf32>) -> tensor<12x32xf32>
    %expanded_56 = tensor.expand_shape %100 [[0, 1], [2]] output_shape [2, 6, 32] : tensor<12x32xf32> into tensor<2x6x32xf32>
    return %expanded_56 : tensor<2x6x32xf32>
  }
}

{-#
  dialect_resources: {
    builtin: {
      torch_tensor_4_torch.float32: "0x040000000000803FCDCCCC3D0AD7233C6F12833A"
    }
  }
#-}
