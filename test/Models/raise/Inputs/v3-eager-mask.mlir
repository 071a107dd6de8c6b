#map = affine_map<(d0, d1, d2) -> (d1, d2)>
#map1 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#map2 = affine_map<(d0, d1, d2) -> (d0, d1, 0)>
#map3 = affine_map<(d0, d1, d2) -> (d2)>
#map4 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#map5 = affine_map<(d0, d1, d2, d3) -> (d0, 0, d2, d3)>
#map6 = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>
#map7 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
#map8 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>
module {
  func.func @attention(%arg0: tensor<2x6x32xf32>, %arg1: tensor<2x6xi64>, %arg2: tensor<2x1x6x6xf32>, %arg3: tensor<24x32xf32>, %arg4: tensor<24xf32>, %arg5: tensor<80x24xf32>, %arg6: tensor<24x32xf32>, %arg7: tensor<16xf32>, %arg8: tensor<88x16xf32>, %arg9: tensor<32x40xf32>) -> tensor<2x6x32xf32> {
    %c2_i64 = arith.constant 2 : i64
    %c0_i64 = arith.constant 0 : i64
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 0xFF800000 : f32
    %cst_1 = arith.constant 0.22360679774997896 : f64
    %cst_2 = arith.constant 9.9999999999999995E-7 : f64
    %cst_3 = arith.constant dense_resource<torch_tensor_4_torch.float32> : tensor<4xf32>
    %cst_4 = arith.constant 2.400000e+01 : f32
    %cst_5 = arith.constant 1.600000e+01 : f32
    %0 = tensor.empty() : tensor<2x4x1xf32>
    %expanded = tensor.expand_shape %cst_3 [[0, 1]] output_shape [4, 1] : tensor<4xf32> into tensor<4x1xf32>
    %1 = linalg.generic {indexing_maps = [#map, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded : tensor<4x1xf32>) outs(%0 : tensor<2x4x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x4x1xf32>
    %expanded_6 = tensor.expand_shape %arg1 [[0], [1, 2]] output_shape [2, 1, 6] : tensor<2x6xi64> into tensor<2x1x6xi64>
    %2 = tensor.empty() : tensor<2x1x6xf32>
    %3 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_6 : tensor<2x1x6xi64>) outs(%2 : tensor<2x1x6xf32>) {
    ^bb0(%in: i64, %out: f32):
      %85 = arith.sitofp %in : i64 to f32
      linalg.yield %85 : f32
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
      %85 = math.cos %in : f32
      linalg.yield %85 : f32
    } -> tensor<2x6x8xf32>
    %10 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%concat : tensor<2x6x8xf32>) outs(%8 : tensor<2x6x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %85 = math.sin %in : f32
      linalg.yield %85 : f32
    } -> tensor<2x6x8xf32>
    %11 = tensor.empty() : tensor<32x24xf32>
    %transposed_7 = linalg.transpose ins(%arg3 : tensor<24x32xf32>) outs(%11 : tensor<32x24xf32>) permutation = [1, 0] 
    %collapsed = tensor.collapse_shape %arg0 [[0, 1], [2]] : tensor<2x6x32xf32> into tensor<12x32xf32>
    %12 = tensor.empty() : tensor<12x24xf32>
    %13 = linalg.fill ins(%cst : f32) outs(%12 : tensor<12x24xf32>) -> tensor<12x24xf32>
    %14 = linalg.matmul ins(%collapsed, %transposed_7 : tensor<12x32xf32>, tensor<32x24xf32>) outs(%13 : tensor<12x24xf32>) -> tensor<12x24xf32>
    %expanded_8 = tensor.expand_shape %14 [[0, 1], [2]] output_shape [2, 6, 24] : tensor<12x24xf32> into tensor<2x6x24xf32>
    %15 = tensor.empty() : tensor<2x6x24xf32>
    %16 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_8 : tensor<2x6x24xf32>) outs(%15 : tensor<2x6x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      %85 = math.fpowi %in, %c2_i64 : f32, i64
      linalg.yield %85 : f32
    } -> tensor<2x6x24xf32>
    %17 = tensor.empty() : tensor<2x6x1xf32>
    %18 = linalg.fill ins(%cst : f32) outs(%17 : tensor<2x6x1xf32>) -> tensor<2x6x1xf32>
    %19 = linalg.generic {indexing_maps = [#map1, #map2], iterator_types = ["parallel", "parallel", "reduction"]} ins(%16 : tensor<2x6x24xf32>) outs(%18 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %85 = arith.addf %in, %out : f32
      linalg.yield %85 : f32
    } -> tensor<2x6x1xf32>
    %20 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%19 : tensor<2x6x1xf32>) outs(%17 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %85 = arith.divf %in, %cst_4 : f32
      linalg.yield %85 : f32
    } -> tensor<2x6x1xf32>
    %21 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%20 : tensor<2x6x1xf32>) outs(%17 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %85 = arith.truncf %cst_2 : f64 to f32
      %86 = arith.addf %in, %85 : f32
      linalg.yield %86 : f32
    } -> tensor<2x6x1xf32>
    %22 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%21 : tensor<2x6x1xf32>) outs(%17 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %85 = math.rsqrt %in : f32
      linalg.yield %85 : f32
    } -> tensor<2x6x1xf32>
    %23 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_8, %22 : tensor<2x6x24xf32>, tensor<2x6x1xf32>) outs(%15 : tensor<2x6x24xf32>) {
    ^bb0(%in: f32, %in_50: f32, %out: f32):
      %85 = arith.mulf %in, %in_50 : f32
      linalg.yield %85 : f32
    } -> tensor<2x6x24xf32>
    %24 = linalg.generic {indexing_maps = [#map3, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%arg4, %23 : tensor<24xf32>, tensor<2x6x24xf32>) outs(%15 : tensor<2x6x24xf32>) {
    ^bb0(%in: f32, %in_50: f32, %out: f32):
      %85 = arith.mulf %in, %in_50 : f32
      linalg.yield %85 : f32
    } -> tensor<2x6x24xf32>
    %25 = tensor.empty() : tensor<24x80xf32>
    %transposed_9 = linalg.transpose ins(%arg5 : tensor<80x24xf32>) outs(%25 : tensor<24x80xf32>) permutation = [1, 0] 
    %collapsed_10 = tensor.collapse_shape %24 [[0, 1], [2]] : tensor<2x6x24xf32> into tensor<12x24xf32>
    %26 = tensor.empty() : tensor<12x80xf32>
    %27 = linalg.fill ins(%cst : f32) outs(%26 : tensor<12x80xf32>) -> tensor<12x80xf32>
    %28 = linalg.matmul ins(%collapsed_10, %transposed_9 : tensor<12x24xf32>, tensor<24x80xf32>) outs(%27 : tensor<12x80xf32>) -> tensor<12x80xf32>
    %expanded_11 = tensor.expand_shape %28 [[0, 1], [2, 3]] output_shape [2, 6, 4, 20] : tensor<12x80xf32> into tensor<2x6x4x20xf32>
    %29 = tensor.empty() : tensor<2x4x6x20xf32>
    %transposed_12 = linalg.transpose ins(%expanded_11 : tensor<2x6x4x20xf32>) outs(%29 : tensor<2x4x6x20xf32>) permutation = [0, 2, 1, 3] 
    %extracted_slice = tensor.extract_slice %transposed_12[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x20xf32> to tensor<2x4x6x12xf32>
    %extracted_slice_13 = tensor.extract_slice %transposed_12[0, 0, 0, 12] [2, 4, 6, 8] [1, 1, 1, 1] : tensor<2x4x6x20xf32> to tensor<2x4x6x8xf32>
    %transposed_14 = linalg.transpose ins(%arg6 : tensor<24x32xf32>) outs(%11 : tensor<32x24xf32>) permutation = [1, 0] 
    %30 = linalg.matmul ins(%collapsed, %transposed_14 : tensor<12x32xf32>, tensor<32x24xf32>) outs(%13 : tensor<12x24xf32>) -> tensor<12x24xf32>
    %expanded_15 = tensor.expand_shape %30 [[0, 1], [2]] output_shape [2, 6, 24] : tensor<12x24xf32> into tensor<2x6x24xf32>
    %extracted_slice_16 = tensor.extract_slice %expanded_15[0, 0, 0] [2, 6, 16] [1, 1, 1] : tensor<2x6x24xf32> to tensor<2x6x16xf32>
    %extracted_slice_17 = tensor.extract_slice %expanded_15[0, 0, 16] [2, 6, 8] [1, 1, 1] : tensor<2x6x24xf32> to tensor<2x6x8xf32>
    %31 = tensor.empty() : tensor<2x6x16xf32>
    %32 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_16 : tensor<2x6x16xf32>) outs(%31 : tensor<2x6x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %85 = math.fpowi %in, %c2_i64 : f32, i64
      linalg.yield %85 : f32
    } -> tensor<2x6x16xf32>
    %33 = linalg.generic {indexing_maps = [#map1, #map2], iterator_types = ["parallel", "parallel", "reduction"]} ins(%32 : tensor<2x6x16xf32>) outs(%18 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %85 = arith.addf %in, %out : f32
      linalg.yield %85 : f32
    } -> tensor<2x6x1xf32>
    %34 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%33 : tensor<2x6x1xf32>) outs(%17 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %85 = arith.divf %in, %cst_5 : f32
      linalg.yield %85 : f32
    } -> tensor<2x6x1xf32>
    %35 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%34 : tensor<2x6x1xf32>) outs(%17 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %85 = arith.truncf %cst_2 : f64 to f32
      %86 = arith.addf %in, %85 : f32
      linalg.yield %86 : f32
    } -> tensor<2x6x1xf32>
    %36 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%35 : tensor<2x6x1xf32>) outs(%17 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %85 = math.rsqrt %in : f32
      linalg.yield %85 : f32
    } -> tensor<2x6x1xf32>
    %37 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_16, %36 : tensor<2x6x16xf32>, tensor<2x6x1xf32>) outs(%31 : tensor<2x6x16xf32>) {
    ^bb0(%in: f32, %in_50: f32, %out: f32):
      %85 = arith.mulf %in, %in_50 : f32
      linalg.yield %85 : f32
    } -> tensor<2x6x16xf32>
    %38 = linalg.generic {indexing_maps = [#map3, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%arg7, %37 : tensor<16xf32>, tensor<2x6x16xf32>) outs(%31 : tensor<2x6x16xf32>) {
    ^bb0(%in: f32, %in_50: f32, %out: f32):
      %85 = arith.mulf %in, %in_50 : f32
      linalg.yield %85 : f32
    } -> tensor<2x6x16xf32>
    %expanded_18 = tensor.expand_shape %extracted_slice_17 [[0], [1, 2], [3]] output_shape [2, 1, 6, 8] : tensor<2x6x8xf32> into tensor<2x1x6x8xf32>
    %extracted_slice_19 = tensor.extract_slice %9[0, 0, 0] [2, 6, 4] [1, 1, 1] : tensor<2x6x8xf32> to tensor<2x6x4xf32>
    %expanded_20 = tensor.expand_shape %extracted_slice_19 [[0], [1, 2], [3]] output_shape [2, 1, 6, 4] : tensor<2x6x4xf32> into tensor<2x1x6x4xf32>
    %extracted_slice_21 = tensor.extract_slice %10[0, 0, 0] [2, 6, 4] [1, 1, 1] : tensor<2x6x8xf32> to tensor<2x6x4xf32>
    %expanded_22 = tensor.expand_shape %extracted_slice_21 [[0], [1, 2], [3]] output_shape [2, 1, 6, 4] : tensor<2x6x4xf32> into tensor<2x1x6x4xf32>
    %extracted_slice_23 = tensor.extract_slice %extracted_slice_13[0, 0, 0, 0] [2, 4, 6, 4] [1, 1, 1, 2] : tensor<2x4x6x8xf32> to tensor<2x4x6x4xf32>
    %extracted_slice_24 = tensor.extract_slice %extracted_slice_13[0, 0, 0, 1] [2, 4, 6, 4] [1, 1, 1, 2] : tensor<2x4x6x8xf32> to tensor<2x4x6x4xf32>
    %extracted_slice_25 = tensor.extract_slice %expanded_18[0, 0, 0, 0] [2, 1, 6, 4] [1, 1, 1, 2] : tensor<2x1x6x8xf32> to tensor<2x1x6x4xf32>
    %extracted_slice_26 = tensor.extract_slice %expanded_18[0, 0, 0, 1] [2, 1, 6, 4] [1, 1, 1, 2] : tensor<2x1x6x8xf32> to tensor<2x1x6x4xf32>
    %39 = tensor.empty() : tensor<2x4x6x4xf32>
    %40 = linalg.generic {indexing_maps = [#map4, #map5, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_23, %expanded_20 : tensor<2x4x6x4xf32>, tensor<2x1x6x4xf32>) outs(%39 : tensor<2x4x6x4xf32>) {
    ^bb0(%in: f32, %in_50: f32, %out: f32):
      %85 = arith.mulf %in, %in_50 : f32
      linalg.yield %85 : f32
    } -> tensor<2x4x6x4xf32>
    %41 = linalg.generic {indexing_maps = [#map4, #map5, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_24, %expanded_22 : tensor<2x4x6x4xf32>, tensor<2x1x6x4xf32>) outs(%39 : tensor<2x4x6x4xf32>) {
    ^bb0(%in: f32, %in_50: f32, %out: f32):
      %85 = arith.mulf %in, %in_50 : f32
      linalg.yield %85 : f32
    } -> tensor<2x4x6x4xf32>
    %42 = linalg.generic {indexing_maps = [#map4, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%40, %41 : tensor<2x4x6x4xf32>, tensor<2x4x6x4xf32>) outs(%39 : tensor<2x4x6x4xf32>) {
    ^bb0(%in: f32, %in_50: f32, %out: f32):
      %85 = arith.subf %in, %in_50 : f32
      linalg.yield %85 : f32
    } -> tensor<2x4x6x4xf32>
    %43 = linalg.generic {indexing_maps = [#map4, #map5, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_24, %expanded_20 : tensor<2x4x6x4xf32>, tensor<2x1x6x4xf32>) outs(%39 : tensor<2x4x6x4xf32>) {
    ^bb0(%in: f32, %in_50: f32, %out: f32):
      %85 = arith.mulf %in, %in_50 : f32
      linalg.yield %85 : f32
    } -> tensor<2x4x6x4xf32>
    %44 = linalg.generic {indexing_maps = [#map4, #map5, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_23, %expanded_22 : tensor<2x4x6x4xf32>, tensor<2x1x6x4xf32>) outs(%39 : tensor<2x4x6x4xf32>) {
    ^bb0(%in: f32, %in_50: f32, %out: f32):
      %85 = arith.mulf %in, %in_50 : f32
      linalg.yield %85 : f32
    } -> tensor<2x4x6x4xf32>
    %45 = linalg.generic {indexing_maps = [#map4, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%43, %44 : tensor<2x4x6x4xf32>, tensor<2x4x6x4xf32>) outs(%39 : tensor<2x4x6x4xf32>) {
    ^bb0(%in: f32, %in_50: f32, %out: f32):
      %85 = arith.addf %in, %in_50 : f32
      linalg.yield %85 : f32
    } -> tensor<2x4x6x4xf32>
    %concat_27 = tensor.concat dim(3) %42, %45 : (tensor<2x4x6x4xf32>, tensor<2x4x6x4xf32>) -> tensor<2x4x6x8xf32>
    %46 = tensor.empty() : tensor<2x1x6x4xf32>
    %47 = linalg.generic {indexing_maps = [#map4, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_25, %expanded_20 : tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) outs(%46 : tensor<2x1x6x4xf32>) {
    ^bb0(%in: f32, %in_50: f32, %out: f32):
      %85 = arith.mulf %in, %in_50 : f32
      linalg.yield %85 : f32
    } -> tensor<2x1x6x4xf32>
    %48 = linalg.generic {indexing_maps = [#map4, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_26, %expanded_22 : tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) outs(%46 : tensor<2x1x6x4xf32>) {
    ^bb0(%in: f32, %in_50: f32, %out: f32):
      %85 = arith.mulf %in, %in_50 : f32
      linalg.yield %85 : f32
    } -> tensor<2x1x6x4xf32>
    %49 = linalg.generic {indexing_maps = [#map4, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%47, %48 : tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) outs(%46 : tensor<2x1x6x4xf32>) {
    ^bb0(%in: f32, %in_50: f32, %out: f32):
      %85 = arith.subf %in, %in_50 : f32
      linalg.yield %85 : f32
    } -> tensor<2x1x6x4xf32>
    %50 = linalg.generic {indexing_maps = [#map4, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_26, %expanded_20 : tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) outs(%46 : tensor<2x1x6x4xf32>) {
    ^bb0(%in: f32, %in_50: f32, %out: f32):
      %85 = arith.mulf %in, %in_50 : f32
      linalg.yield %85 : f32
    } -> tensor<2x1x6x4xf32>
    %51 = linalg.generic {indexing_maps = [#map4, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_25, %expanded_22 : tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) outs(%46 : tensor<2x1x6x4xf32>) {
    ^bb0(%in: f32, %in_50: f32, %out: f32):
      %85 = arith.mulf %in, %in_50 : f32
      linalg.yield %85 : f32
    } -> tensor<2x1x6x4xf32>
    %52 = linalg.generic {indexing_maps = [#map4, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%50, %51 : tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) outs(%46 : tensor<2x1x6x4xf32>) {
    ^bb0(%in: f32, %in_50: f32, %out: f32):
      %85 = arith.addf %in, %in_50 : f32
      linalg.yield %85 : f32
    } -> tensor<2x1x6x4xf32>
    %concat_28 = tensor.concat dim(3) %49, %52 : (tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) -> tensor<2x1x6x8xf32>
    %concat_29 = tensor.concat dim(3) %extracted_slice, %concat_27 : (tensor<2x4x6x12xf32>, tensor<2x4x6x8xf32>) -> tensor<2x4x6x20xf32>
    %53 = tensor.empty() : tensor<16x88xf32>
    %transposed_30 = linalg.transpose ins(%arg8 : tensor<88x16xf32>) outs(%53 : tensor<16x88xf32>) permutation = [1, 0] 
    %collapsed_31 = tensor.collapse_shape %38 [[0, 1], [2]] : tensor<2x6x16xf32> into tensor<12x16xf32>
    %54 = tensor.empty() : tensor<12x88xf32>
    %55 = linalg.fill ins(%cst : f32) outs(%54 : tensor<12x88xf32>) -> tensor<12x88xf32>
    %56 = linalg.matmul ins(%collapsed_31, %transposed_30 : tensor<12x16xf32>, tensor<16x88xf32>) outs(%55 : tensor<12x88xf32>) -> tensor<12x88xf32>
    %expanded_32 = tensor.expand_shape %56 [[0, 1], [2, 3]] output_shape [2, 6, 4, 22] : tensor<12x88xf32> into tensor<2x6x4x22xf32>
    %57 = tensor.empty() : tensor<2x4x6x22xf32>
    %transposed_33 = linalg.transpose ins(%expanded_32 : tensor<2x6x4x22xf32>) outs(%57 : tensor<2x4x6x22xf32>) permutation = [0, 2, 1, 3] 
    %extracted_slice_34 = tensor.extract_slice %transposed_33[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x22xf32> to tensor<2x4x6x12xf32>
    %extracted_slice_35 = tensor.extract_slice %transposed_33[0, 0, 0, 12] [2, 4, 6, 10] [1, 1, 1, 1] : tensor<2x4x6x22xf32> to tensor<2x4x6x10xf32>
    %58 = tensor.empty() : tensor<2x4x6x8xf32>
    %collapsed_36 = tensor.collapse_shape %concat_28 [[0, 1], [2], [3]] : tensor<2x1x6x8xf32> into tensor<2x6x8xf32>
    %59 = linalg.generic {indexing_maps = [#map6, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed_36 : tensor<2x6x8xf32>) outs(%58 : tensor<2x4x6x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x4x6x8xf32>
    %inserted_slice = tensor.insert_slice %extracted_slice_34 into %29[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x12xf32> into tensor<2x4x6x20xf32>
    %inserted_slice_37 = tensor.insert_slice %59 into %inserted_slice[0, 0, 0, 12] [2, 4, 6, 8] [1, 1, 1, 1] : tensor<2x4x6x8xf32> into tensor<2x4x6x20xf32>
    %collapsed_38 = tensor.collapse_shape %concat_29 [[0, 1], [2], [3]] : tensor<2x4x6x20xf32> into tensor<8x6x20xf32>
    %60 = tensor.empty() : tensor<2x4x20x6xf32>
    %transposed_39 = linalg.transpose ins(%inserted_slice_37 : tensor<2x4x6x20xf32>) outs(%60 : tensor<2x4x20x6xf32>) permutation = [0, 1, 3, 2] 
    %collapsed_40 = tensor.collapse_shape %transposed_39 [[0, 1], [2], [3]] : tensor<2x4x20x6xf32> into tensor<8x20x6xf32>
    %61 = tensor.empty() : tensor<8x6x6xf32>
    %62 = linalg.fill ins(%cst : f32) outs(%61 : tensor<8x6x6xf32>) -> tensor<8x6x6xf32>
    %63 = linalg.batch_matmul ins(%collapsed_38, %collapsed_40 : tensor<8x6x20xf32>, tensor<8x20x6xf32>) outs(%62 : tensor<8x6x6xf32>) -> tensor<8x6x6xf32>
    %expanded_41 = tensor.expand_shape %63 [[0, 1], [2], [3]] output_shape [2, 4, 6, 6] : tensor<8x6x6xf32> into tensor<2x4x6x6xf32>
    %64 = tensor.empty() : tensor<2x4x6x6xf32>
    %65 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_41 : tensor<2x4x6x6xf32>) outs(%64 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %out: f32):
      %85 = arith.truncf %cst_1 : f64 to f32
      %86 = arith.mulf %in, %85 : f32
      linalg.yield %86 : f32
    } -> tensor<2x4x6x6xf32>
    %66 = linalg.generic {indexing_maps = [#map4, #map5, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%65, %arg2 : tensor<2x4x6x6xf32>, tensor<2x1x6x6xf32>) outs(%64 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_50: f32, %out: f32):
      %85 = arith.addf %in, %in_50 : f32
      linalg.yield %85 : f32
    } -> tensor<2x4x6x6xf32>
    %67 = tensor.empty() : tensor<2x4x6xi64>
    %68 = linalg.fill ins(%c0_i64 : i64) outs(%67 : tensor<2x4x6xi64>) -> tensor<2x4x6xi64>
    %69 = linalg.fill ins(%cst_0 : f32) outs(%4 : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
    %70:2 = linalg.generic {indexing_maps = [#map4, #map7, #map7], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%66 : tensor<2x4x6x6xf32>) outs(%69, %68 : tensor<2x4x6xf32>, tensor<2x4x6xi64>) {
    ^bb0(%in: f32, %out: f32, %out_50: i64):
      %85 = linalg.index 3 : index
      %86 = arith.index_cast %85 : index to i64
      %87 = arith.maximumf %in, %out : f32
      %88 = arith.cmpf ogt, %in, %out : f32
      %89 = arith.select %88, %86, %out_50 : i64
      linalg.yield %87, %89 : f32, i64
    } -> (tensor<2x4x6xf32>, tensor<2x4x6xi64>)
    %expanded_42 = tensor.expand_shape %70#0 [[0], [1], [2, 3]] output_shape [2, 4, 6, 1] : tensor<2x4x6xf32> into tensor<2x4x6x1xf32>
    %71 = linalg.generic {indexing_maps = [#map4, #map8, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%66, %expanded_42 : tensor<2x4x6x6xf32>, tensor<2x4x6x1xf32>) outs(%64 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_50: f32, %out: f32):
      %85 = arith.subf %in, %in_50 : f32
      linalg.yield %85 : f32
    } -> tensor<2x4x6x6xf32>
    %72 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%71 : tensor<2x4x6x6xf32>) outs(%64 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %out: f32):
      %85 = math.exp %in : f32
      linalg.yield %85 : f32
    } -> tensor<2x4x6x6xf32>
    %73 = tensor.empty() : tensor<2x4x6x1xf32>
    %74 = linalg.fill ins(%cst : f32) outs(%73 : tensor<2x4x6x1xf32>) -> tensor<2x4x6x1xf32>
    %75 = linalg.generic {indexing_maps = [#map4, #map8], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%72 : tensor<2x4x6x6xf32>) outs(%74 : tensor<2x4x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %85 = arith.addf %in, %out : f32
      linalg.yield %85 : f32
    } -> tensor<2x4x6x1xf32>
    %76 = linalg.generic {indexing_maps = [#map4, #map8, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%72, %75 : tensor<2x4x6x6xf32>, tensor<2x4x6x1xf32>) outs(%64 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_50: f32, %out: f32):
      %85 = arith.divf %in, %in_50 : f32
      linalg.yield %85 : f32
    } -> tensor<2x4x6x6xf32>
    %collapsed_43 = tensor.collapse_shape %76 [[0, 1], [2], [3]] : tensor<2x4x6x6xf32> into tensor<8x6x6xf32>
    %collapsed_44 = tensor.collapse_shape %extracted_slice_35 [[0, 1], [2], [3]] : tensor<2x4x6x10xf32> into tensor<8x6x10xf32>
    %77 = tensor.empty() : tensor<8x6x10xf32>
    %78 = linalg.fill ins(%cst : f32) outs(%77 : tensor<8x6x10xf32>) -> tensor<8x6x10xf32>
    %79 = linalg.batch_matmul ins(%collapsed_43, %collapsed_44 : tensor<8x6x6xf32>, tensor<8x6x10xf32>) outs(%78 : tensor<8x6x10xf32>) -> tensor<8x6x10xf32>
    %expanded_45 = tensor.expand_shape %79 [[0, 1], [2], [3]] output_shape [2, 4, 6, 10] : tensor<8x6x10xf32> into tensor<2x4x6x10xf32>
    %80 = tensor.empty() : tensor<2x6x4x10xf32>
    %transposed_46 = linalg.transpose ins(%expanded_45 : tensor<2x4x6x10xf32>) outs(%80 : tensor<2x6x4x10xf32>) permutation = [0, 2, 1, 3] 
    %81 = tensor.empty() : tensor<40x32xf32>
    %transposed_47 = linalg.transpose ins(%arg9 : tensor<32x40xf32>) outs(%81 : tensor<40x32xf32>) permutation = [1, 0] 
    %collapsed_48 = tensor.collapse_shape %transposed_46 [[0, 1], [2, 3]] : tensor<2x6x4x10xf32> into tensor<12x40xf32>
    %82 = tensor.empty() : tensor<12x32xf32>
    %83 = linalg.fill ins(%cst : f32) outs(%82 : tensor<12x32xf32>) -> tensor<12x32xf32>
    %84 = linalg.matmul ins(%collapsed_48, %transposed_47 : tensor<12x40xf32>, tensor<40x32xf32>) outs(%83 : tensor<12x32xf32>) -> tensor<12x32xf32>
    %expanded_49 = tensor.expand_shape %84 [[0, 1], [2]] output_shape [2, 6, 32] : tensor<12x32xf32> into tensor<2x6x32xf32>
    return %expanded_49 : tensor<2x6x32xf32>
  }
}

{-#
  dialect_resources: {
    builtin: {
      torch_tensor_4_torch.float32: "0x040000000000803FCDCCCC3D0AD7233C6F12833A"
    }
  }
#-}
