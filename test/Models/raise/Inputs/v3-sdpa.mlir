#map = affine_map<(d0, d1, d2) -> (d1, d2)>
#map1 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#map2 = affine_map<(d0) -> (d0)>
#map3 = affine_map<(d0, d1, d2, d3) -> (d0, d1, 0, d3)>
#map4 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>
#map5 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#map6 = affine_map<(d0, d1, d2, d3) -> (d1, d2, d3)>
#map7 = affine_map<(d0, d1, d2) -> (d0, d1, 0)>
#map8 = affine_map<(d0, d1, d2) -> (d2)>
#map9 = affine_map<(d0, d1, d2, d3) -> (d0, 0, d2, d3)>
#map10 = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>
#map11 = affine_map<(d0, d1, d2, d3) -> ()>
#map12 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
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
    %cst_4 = arith.constant 0.47287080450158792 : f64
    %cst_5 = arith.constant 0xFFF0000000000000 : f64
    %cst_6 = arith.constant 9.9999999999999995E-7 : f64
    %cst_7 = arith.constant dense_resource<torch_tensor_4_torch.float32> : tensor<4xf32>
    %cst_8 = arith.constant 2.400000e+01 : f32
    %cst_9 = arith.constant 1.600000e+01 : f32
    %0 = tensor.empty() : tensor<2x4x1xf32>
    %expanded = tensor.expand_shape %cst_7 [[0, 1]] output_shape [4, 1] : tensor<4xf32> into tensor<4x1xf32>
    %1 = linalg.generic {indexing_maps = [#map, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded : tensor<4x1xf32>) outs(%0 : tensor<2x4x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x4x1xf32>
    %expanded_10 = tensor.expand_shape %arg1 [[0], [1, 2]] output_shape [2, 1, 6] : tensor<2x6xi64> into tensor<2x1x6xi64>
    %2 = tensor.empty() : tensor<2x1x6xf32>
    %3 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_10 : tensor<2x1x6xi64>) outs(%2 : tensor<2x1x6xf32>) {
    ^bb0(%in: i64, %out: f32):
      %100 = arith.sitofp %in : i64 to f32
      linalg.yield %100 : f32
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
      %100 = math.cos %in : f32
      linalg.yield %100 : f32
    } -> tensor<2x6x8xf32>
    %10 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%concat : tensor<2x6x8xf32>) outs(%8 : tensor<2x6x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %100 = math.sin %in : f32
      linalg.yield %100 : f32
    } -> tensor<2x6x8xf32>
    %11 = tensor.empty() : tensor<6xi64>
    %12 = linalg.generic {indexing_maps = [#map2], iterator_types = ["parallel"]} outs(%11 : tensor<6xi64>) {
    ^bb0(%out: i64):
      %100 = linalg.index 0 : index
      %101 = arith.index_cast %100 : index to i64
      linalg.yield %101 : i64
    } -> tensor<6xi64>
    %expanded_11 = tensor.expand_shape %12 [[0, 1, 2, 3]] output_shape [1, 1, 6, 1] : tensor<6xi64> into tensor<1x1x6x1xi64>
    %expanded_12 = tensor.expand_shape %12 [[0, 1, 2, 3]] output_shape [1, 1, 1, 6] : tensor<6xi64> into tensor<1x1x1x6xi64>
    %13 = tensor.empty() : tensor<1x1x6x6xi1>
    %14 = linalg.generic {indexing_maps = [#map3, #map4, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_12, %expanded_11 : tensor<1x1x1x6xi64>, tensor<1x1x6x1xi64>) outs(%13 : tensor<1x1x6x6xi1>) {
    ^bb0(%in: i64, %in_57: i64, %out: i1):
      %100 = arith.cmpi sle, %in, %in_57 : i64
      linalg.yield %100 : i1
    } -> tensor<1x1x6x6xi1>
    %15 = tensor.empty() : tensor<2x1x6x6xi1>
    %collapsed = tensor.collapse_shape %14 [[0, 1], [2], [3]] : tensor<1x1x6x6xi1> into tensor<1x6x6xi1>
    %16 = linalg.generic {indexing_maps = [#map6, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed : tensor<1x6x6xi1>) outs(%15 : tensor<2x1x6x6xi1>) {
    ^bb0(%in: i1, %out: i1):
      linalg.yield %in : i1
    } -> tensor<2x1x6x6xi1>
    %17 = tensor.empty() : tensor<32x24xf32>
    %transposed_13 = linalg.transpose ins(%arg2 : tensor<24x32xf32>) outs(%17 : tensor<32x24xf32>) permutation = [1, 0] 
    %collapsed_14 = tensor.collapse_shape %arg0 [[0, 1], [2]] : tensor<2x6x32xf32> into tensor<12x32xf32>
    %18 = tensor.empty() : tensor<12x24xf32>
    %19 = linalg.fill ins(%cst : f32) outs(%18 : tensor<12x24xf32>) -> tensor<12x24xf32>
    %20 = linalg.matmul ins(%collapsed_14, %transposed_13 : tensor<12x32xf32>, tensor<32x24xf32>) outs(%19 : tensor<12x24xf32>) -> tensor<12x24xf32>
    %expanded_15 = tensor.expand_shape %20 [[0, 1], [2]] output_shape [2, 6, 24] : tensor<12x24xf32> into tensor<2x6x24xf32>
    %21 = tensor.empty() : tensor<2x6x24xf32>
    %22 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_15 : tensor<2x6x24xf32>) outs(%21 : tensor<2x6x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      %100 = math.fpowi %in, %c2_i64 : f32, i64
      linalg.yield %100 : f32
    } -> tensor<2x6x24xf32>
    %23 = tensor.empty() : tensor<2x6x1xf32>
    %24 = linalg.fill ins(%cst : f32) outs(%23 : tensor<2x6x1xf32>) -> tensor<2x6x1xf32>
    %25 = linalg.generic {indexing_maps = [#map1, #map7], iterator_types = ["parallel", "parallel", "reduction"]} ins(%22 : tensor<2x6x24xf32>) outs(%24 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %100 = arith.addf %in, %out : f32
      linalg.yield %100 : f32
    } -> tensor<2x6x1xf32>
    %26 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%25 : tensor<2x6x1xf32>) outs(%23 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %100 = arith.divf %in, %cst_8 : f32
      linalg.yield %100 : f32
    } -> tensor<2x6x1xf32>
    %27 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%26 : tensor<2x6x1xf32>) outs(%23 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %100 = arith.truncf %cst_6 : f64 to f32
      %101 = arith.addf %in, %100 : f32
      linalg.yield %101 : f32
    } -> tensor<2x6x1xf32>
    %28 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%27 : tensor<2x6x1xf32>) outs(%23 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %100 = math.rsqrt %in : f32
      linalg.yield %100 : f32
    } -> tensor<2x6x1xf32>
    %29 = linalg.generic {indexing_maps = [#map1, #map7, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_15, %28 : tensor<2x6x24xf32>, tensor<2x6x1xf32>) outs(%21 : tensor<2x6x24xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %100 = arith.mulf %in, %in_57 : f32
      linalg.yield %100 : f32
    } -> tensor<2x6x24xf32>
    %30 = linalg.generic {indexing_maps = [#map8, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%arg3, %29 : tensor<24xf32>, tensor<2x6x24xf32>) outs(%21 : tensor<2x6x24xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %100 = arith.mulf %in, %in_57 : f32
      linalg.yield %100 : f32
    } -> tensor<2x6x24xf32>
    %31 = tensor.empty() : tensor<24x80xf32>
    %transposed_16 = linalg.transpose ins(%arg4 : tensor<80x24xf32>) outs(%31 : tensor<24x80xf32>) permutation = [1, 0] 
    %collapsed_17 = tensor.collapse_shape %30 [[0, 1], [2]] : tensor<2x6x24xf32> into tensor<12x24xf32>
    %32 = tensor.empty() : tensor<12x80xf32>
    %33 = linalg.fill ins(%cst : f32) outs(%32 : tensor<12x80xf32>) -> tensor<12x80xf32>
    %34 = linalg.matmul ins(%collapsed_17, %transposed_16 : tensor<12x24xf32>, tensor<24x80xf32>) outs(%33 : tensor<12x80xf32>) -> tensor<12x80xf32>
    %expanded_18 = tensor.expand_shape %34 [[0, 1], [2, 3]] output_shape [2, 6, 4, 20] : tensor<12x80xf32> into tensor<2x6x4x20xf32>
    %35 = tensor.empty() : tensor<2x4x6x20xf32>
    %transposed_19 = linalg.transpose ins(%expanded_18 : tensor<2x6x4x20xf32>) outs(%35 : tensor<2x4x6x20xf32>) permutation = [0, 2, 1, 3] 
    %extracted_slice = tensor.extract_slice %transposed_19[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x20xf32> to tensor<2x4x6x12xf32>
    %extracted_slice_20 = tensor.extract_slice %transposed_19[0, 0, 0, 12] [2, 4, 6, 8] [1, 1, 1, 1] : tensor<2x4x6x20xf32> to tensor<2x4x6x8xf32>
    %transposed_21 = linalg.transpose ins(%arg5 : tensor<24x32xf32>) outs(%17 : tensor<32x24xf32>) permutation = [1, 0] 
    %36 = linalg.matmul ins(%collapsed_14, %transposed_21 : tensor<12x32xf32>, tensor<32x24xf32>) outs(%19 : tensor<12x24xf32>) -> tensor<12x24xf32>
    %expanded_22 = tensor.expand_shape %36 [[0, 1], [2]] output_shape [2, 6, 24] : tensor<12x24xf32> into tensor<2x6x24xf32>
    %extracted_slice_23 = tensor.extract_slice %expanded_22[0, 0, 0] [2, 6, 16] [1, 1, 1] : tensor<2x6x24xf32> to tensor<2x6x16xf32>
    %extracted_slice_24 = tensor.extract_slice %expanded_22[0, 0, 16] [2, 6, 8] [1, 1, 1] : tensor<2x6x24xf32> to tensor<2x6x8xf32>
    %37 = tensor.empty() : tensor<2x6x16xf32>
    %38 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_23 : tensor<2x6x16xf32>) outs(%37 : tensor<2x6x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %100 = math.fpowi %in, %c2_i64 : f32, i64
      linalg.yield %100 : f32
    } -> tensor<2x6x16xf32>
    %39 = linalg.generic {indexing_maps = [#map1, #map7], iterator_types = ["parallel", "parallel", "reduction"]} ins(%38 : tensor<2x6x16xf32>) outs(%24 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %100 = arith.addf %in, %out : f32
      linalg.yield %100 : f32
    } -> tensor<2x6x1xf32>
    %40 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%39 : tensor<2x6x1xf32>) outs(%23 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %100 = arith.divf %in, %cst_9 : f32
      linalg.yield %100 : f32
    } -> tensor<2x6x1xf32>
    %41 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%40 : tensor<2x6x1xf32>) outs(%23 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %100 = arith.truncf %cst_6 : f64 to f32
      %101 = arith.addf %in, %100 : f32
      linalg.yield %101 : f32
    } -> tensor<2x6x1xf32>
    %42 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%41 : tensor<2x6x1xf32>) outs(%23 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %100 = math.rsqrt %in : f32
      linalg.yield %100 : f32
    } -> tensor<2x6x1xf32>
    %43 = linalg.generic {indexing_maps = [#map1, #map7, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_23, %42 : tensor<2x6x16xf32>, tensor<2x6x1xf32>) outs(%37 : tensor<2x6x16xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %100 = arith.mulf %in, %in_57 : f32
      linalg.yield %100 : f32
    } -> tensor<2x6x16xf32>
    %44 = linalg.generic {indexing_maps = [#map8, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%arg6, %43 : tensor<16xf32>, tensor<2x6x16xf32>) outs(%37 : tensor<2x6x16xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %100 = arith.mulf %in, %in_57 : f32
      linalg.yield %100 : f32
    } -> tensor<2x6x16xf32>
    %expanded_25 = tensor.expand_shape %extracted_slice_24 [[0], [1, 2], [3]] output_shape [2, 1, 6, 8] : tensor<2x6x8xf32> into tensor<2x1x6x8xf32>
    %extracted_slice_26 = tensor.extract_slice %9[0, 0, 0] [2, 6, 4] [1, 1, 1] : tensor<2x6x8xf32> to tensor<2x6x4xf32>
    %expanded_27 = tensor.expand_shape %extracted_slice_26 [[0], [1, 2], [3]] output_shape [2, 1, 6, 4] : tensor<2x6x4xf32> into tensor<2x1x6x4xf32>
    %extracted_slice_28 = tensor.extract_slice %10[0, 0, 0] [2, 6, 4] [1, 1, 1] : tensor<2x6x8xf32> to tensor<2x6x4xf32>
    %expanded_29 = tensor.expand_shape %extracted_slice_28 [[0], [1, 2], [3]] output_shape [2, 1, 6, 4] : tensor<2x6x4xf32> into tensor<2x1x6x4xf32>
    %extracted_slice_30 = tensor.extract_slice %extracted_slice_20[0, 0, 0, 0] [2, 4, 6, 4] [1, 1, 1, 2] : tensor<2x4x6x8xf32> to tensor<2x4x6x4xf32>
    %extracted_slice_31 = tensor.extract_slice %extracted_slice_20[0, 0, 0, 1] [2, 4, 6, 4] [1, 1, 1, 2] : tensor<2x4x6x8xf32> to tensor<2x4x6x4xf32>
    %extracted_slice_32 = tensor.extract_slice %expanded_25[0, 0, 0, 0] [2, 1, 6, 4] [1, 1, 1, 2] : tensor<2x1x6x8xf32> to tensor<2x1x6x4xf32>
    %extracted_slice_33 = tensor.extract_slice %expanded_25[0, 0, 0, 1] [2, 1, 6, 4] [1, 1, 1, 2] : tensor<2x1x6x8xf32> to tensor<2x1x6x4xf32>
    %45 = tensor.empty() : tensor<2x4x6x4xf32>
    %46 = linalg.generic {indexing_maps = [#map5, #map9, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_30, %expanded_27 : tensor<2x4x6x4xf32>, tensor<2x1x6x4xf32>) outs(%45 : tensor<2x4x6x4xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %100 = arith.mulf %in, %in_57 : f32
      linalg.yield %100 : f32
    } -> tensor<2x4x6x4xf32>
    %47 = linalg.generic {indexing_maps = [#map5, #map9, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_31, %expanded_29 : tensor<2x4x6x4xf32>, tensor<2x1x6x4xf32>) outs(%45 : tensor<2x4x6x4xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %100 = arith.mulf %in, %in_57 : f32
      linalg.yield %100 : f32
    } -> tensor<2x4x6x4xf32>
    %48 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%46, %47 : tensor<2x4x6x4xf32>, tensor<2x4x6x4xf32>) outs(%45 : tensor<2x4x6x4xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %100 = arith.subf %in, %in_57 : f32
      linalg.yield %100 : f32
    } -> tensor<2x4x6x4xf32>
    %49 = linalg.generic {indexing_maps = [#map5, #map9, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_31, %expanded_27 : tensor<2x4x6x4xf32>, tensor<2x1x6x4xf32>) outs(%45 : tensor<2x4x6x4xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %100 = arith.mulf %in, %in_57 : f32
      linalg.yield %100 : f32
    } -> tensor<2x4x6x4xf32>
    %50 = linalg.generic {indexing_maps = [#map5, #map9, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_30, %expanded_29 : tensor<2x4x6x4xf32>, tensor<2x1x6x4xf32>) outs(%45 : tensor<2x4x6x4xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %100 = arith.mulf %in, %in_57 : f32
      linalg.yield %100 : f32
    } -> tensor<2x4x6x4xf32>
    %51 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%49, %50 : tensor<2x4x6x4xf32>, tensor<2x4x6x4xf32>) outs(%45 : tensor<2x4x6x4xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %100 = arith.addf %in, %in_57 : f32
      linalg.yield %100 : f32
    } -> tensor<2x4x6x4xf32>
    %concat_34 = tensor.concat dim(3) %48, %51 : (tensor<2x4x6x4xf32>, tensor<2x4x6x4xf32>) -> tensor<2x4x6x8xf32>
    %52 = tensor.empty() : tensor<2x1x6x4xf32>
    %53 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_32, %expanded_27 : tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) outs(%52 : tensor<2x1x6x4xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %100 = arith.mulf %in, %in_57 : f32
      linalg.yield %100 : f32
    } -> tensor<2x1x6x4xf32>
    %54 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_33, %expanded_29 : tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) outs(%52 : tensor<2x1x6x4xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %100 = arith.mulf %in, %in_57 : f32
      linalg.yield %100 : f32
    } -> tensor<2x1x6x4xf32>
    %55 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%53, %54 : tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) outs(%52 : tensor<2x1x6x4xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %100 = arith.subf %in, %in_57 : f32
      linalg.yield %100 : f32
    } -> tensor<2x1x6x4xf32>
    %56 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_33, %expanded_27 : tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) outs(%52 : tensor<2x1x6x4xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %100 = arith.mulf %in, %in_57 : f32
      linalg.yield %100 : f32
    } -> tensor<2x1x6x4xf32>
    %57 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_32, %expanded_29 : tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) outs(%52 : tensor<2x1x6x4xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %100 = arith.mulf %in, %in_57 : f32
      linalg.yield %100 : f32
    } -> tensor<2x1x6x4xf32>
    %58 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%56, %57 : tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) outs(%52 : tensor<2x1x6x4xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %100 = arith.addf %in, %in_57 : f32
      linalg.yield %100 : f32
    } -> tensor<2x1x6x4xf32>
    %concat_35 = tensor.concat dim(3) %55, %58 : (tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) -> tensor<2x1x6x8xf32>
    %concat_36 = tensor.concat dim(3) %extracted_slice, %concat_34 : (tensor<2x4x6x12xf32>, tensor<2x4x6x8xf32>) -> tensor<2x4x6x20xf32>
    %59 = tensor.empty() : tensor<16x88xf32>
    %transposed_37 = linalg.transpose ins(%arg7 : tensor<88x16xf32>) outs(%59 : tensor<16x88xf32>) permutation = [1, 0] 
    %collapsed_38 = tensor.collapse_shape %44 [[0, 1], [2]] : tensor<2x6x16xf32> into tensor<12x16xf32>
    %60 = tensor.empty() : tensor<12x88xf32>
    %61 = linalg.fill ins(%cst : f32) outs(%60 : tensor<12x88xf32>) -> tensor<12x88xf32>
    %62 = linalg.matmul ins(%collapsed_38, %transposed_37 : tensor<12x16xf32>, tensor<16x88xf32>) outs(%61 : tensor<12x88xf32>) -> tensor<12x88xf32>
    %expanded_39 = tensor.expand_shape %62 [[0, 1], [2, 3]] output_shape [2, 6, 4, 22] : tensor<12x88xf32> into tensor<2x6x4x22xf32>
    %63 = tensor.empty() : tensor<2x4x6x22xf32>
    %transposed_40 = linalg.transpose ins(%expanded_39 : tensor<2x6x4x22xf32>) outs(%63 : tensor<2x4x6x22xf32>) permutation = [0, 2, 1, 3] 
    %extracted_slice_41 = tensor.extract_slice %transposed_40[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x22xf32> to tensor<2x4x6x12xf32>
    %extracted_slice_42 = tensor.extract_slice %transposed_40[0, 0, 0, 12] [2, 4, 6, 10] [1, 1, 1, 1] : tensor<2x4x6x22xf32> to tensor<2x4x6x10xf32>
    %64 = tensor.empty() : tensor<2x4x6x8xf32>
    %collapsed_43 = tensor.collapse_shape %concat_35 [[0, 1], [2], [3]] : tensor<2x1x6x8xf32> into tensor<2x6x8xf32>
    %65 = linalg.generic {indexing_maps = [#map10, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed_43 : tensor<2x6x8xf32>) outs(%64 : tensor<2x4x6x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x4x6x8xf32>
    %inserted_slice = tensor.insert_slice %extracted_slice_41 into %35[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x12xf32> into tensor<2x4x6x20xf32>
    %inserted_slice_44 = tensor.insert_slice %65 into %inserted_slice[0, 0, 0, 12] [2, 4, 6, 8] [1, 1, 1, 1] : tensor<2x4x6x8xf32> into tensor<2x4x6x20xf32>
    %66 = tensor.empty() : tensor<2x1x6x6xf32>
    %67 = linalg.generic {indexing_maps = [#map5, #map11, #map11, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%16, %cst_2, %cst_3 : tensor<2x1x6x6xi1>, tensor<f32>, tensor<f32>) outs(%66 : tensor<2x1x6x6xf32>) {
    ^bb0(%in: i1, %in_57: f32, %in_58: f32, %out: f32):
      %100 = arith.select %in, %in_57, %in_58 : f32
      linalg.yield %100 : f32
    } -> tensor<2x1x6x6xf32>
    %68 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%concat_36 : tensor<2x4x6x20xf32>) outs(%35 : tensor<2x4x6x20xf32>) {
    ^bb0(%in: f32, %out: f32):
      %100 = arith.truncf %cst_4 : f64 to f32
      %101 = arith.mulf %in, %100 : f32
      linalg.yield %101 : f32
    } -> tensor<2x4x6x20xf32>
    %69 = tensor.empty() : tensor<2x4x20x6xf32>
    %transposed_45 = linalg.transpose ins(%inserted_slice_44 : tensor<2x4x6x20xf32>) outs(%69 : tensor<2x4x20x6xf32>) permutation = [0, 1, 3, 2] 
    %70 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%transposed_45 : tensor<2x4x20x6xf32>) outs(%69 : tensor<2x4x20x6xf32>) {
    ^bb0(%in: f32, %out: f32):
      %100 = arith.truncf %cst_4 : f64 to f32
      %101 = arith.mulf %in, %100 : f32
      linalg.yield %101 : f32
    } -> tensor<2x4x20x6xf32>
    %collapsed_46 = tensor.collapse_shape %68 [[0, 1], [2], [3]] : tensor<2x4x6x20xf32> into tensor<8x6x20xf32>
    %collapsed_47 = tensor.collapse_shape %70 [[0, 1], [2], [3]] : tensor<2x4x20x6xf32> into tensor<8x20x6xf32>
    %71 = tensor.empty() : tensor<8x6x6xf32>
    %72 = linalg.fill ins(%cst : f32) outs(%71 : tensor<8x6x6xf32>) -> tensor<8x6x6xf32>
    %73 = linalg.batch_matmul ins(%collapsed_46, %collapsed_47 : tensor<8x6x20xf32>, tensor<8x20x6xf32>) outs(%72 : tensor<8x6x6xf32>) -> tensor<8x6x6xf32>
    %expanded_48 = tensor.expand_shape %73 [[0, 1], [2], [3]] output_shape [2, 4, 6, 6] : tensor<8x6x6xf32> into tensor<2x4x6x6xf32>
    %74 = tensor.empty() : tensor<2x4x6x6xf32>
    %75 = linalg.generic {indexing_maps = [#map5, #map9, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_48, %67 : tensor<2x4x6x6xf32>, tensor<2x1x6x6xf32>) outs(%74 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %100 = arith.addf %in, %in_57 : f32
      linalg.yield %100 : f32
    } -> tensor<2x4x6x6xf32>
    %76 = tensor.empty() : tensor<2x4x6xi64>
    %77 = linalg.fill ins(%c0_i64 : i64) outs(%76 : tensor<2x4x6xi64>) -> tensor<2x4x6xi64>
    %78 = linalg.fill ins(%cst_0 : f32) outs(%4 : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
    %79:2 = linalg.generic {indexing_maps = [#map5, #map12, #map12], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%75 : tensor<2x4x6x6xf32>) outs(%78, %77 : tensor<2x4x6xf32>, tensor<2x4x6xi64>) {
    ^bb0(%in: f32, %out: f32, %out_57: i64):
      %100 = linalg.index 3 : index
      %101 = arith.index_cast %100 : index to i64
      %102 = arith.maximumf %in, %out : f32
      %103 = arith.cmpf ogt, %in, %out : f32
      %104 = arith.select %103, %101, %out_57 : i64
      linalg.yield %102, %104 : f32, i64
    } -> (tensor<2x4x6xf32>, tensor<2x4x6xi64>)
    %expanded_49 = tensor.expand_shape %79#0 [[0], [1], [2, 3]] output_shape [2, 4, 6, 1] : tensor<2x4x6xf32> into tensor<2x4x6x1xf32>
    %80 = linalg.generic {indexing_maps = [#map5, #map4, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%75, %expanded_49 : tensor<2x4x6x6xf32>, tensor<2x4x6x1xf32>) outs(%74 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %100 = arith.subf %in, %in_57 : f32
      linalg.yield %100 : f32
    } -> tensor<2x4x6x6xf32>
    %81 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%80 : tensor<2x4x6x6xf32>) outs(%74 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %out: f32):
      %100 = math.exp %in : f32
      linalg.yield %100 : f32
    } -> tensor<2x4x6x6xf32>
    %82 = tensor.empty() : tensor<2x4x6x1xf32>
    %83 = linalg.fill ins(%cst : f32) outs(%82 : tensor<2x4x6x1xf32>) -> tensor<2x4x6x1xf32>
    %84 = linalg.generic {indexing_maps = [#map5, #map4], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%81 : tensor<2x4x6x6xf32>) outs(%83 : tensor<2x4x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %100 = arith.addf %in, %out : f32
      linalg.yield %100 : f32
    } -> tensor<2x4x6x1xf32>
    %85 = linalg.generic {indexing_maps = [#map5, #map4, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%81, %84 : tensor<2x4x6x6xf32>, tensor<2x4x6x1xf32>) outs(%74 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_57: f32, %out: f32):
      %100 = arith.divf %in, %in_57 : f32
      linalg.yield %100 : f32
    } -> tensor<2x4x6x6xf32>
    %86 = tensor.empty() : tensor<2x4x6x6xi1>
    %87 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%75 : tensor<2x4x6x6xf32>) outs(%86 : tensor<2x4x6x6xi1>) {
    ^bb0(%in: f32, %out: i1):
      %100 = arith.extf %in : f32 to f64
      %101 = arith.cmpf oeq, %100, %cst_5 : f64
      linalg.yield %101 : i1
    } -> tensor<2x4x6x6xi1>
    %88 = tensor.empty() : tensor<2x4x6x1xi1>
    %89 = linalg.fill ins(%true : i1) outs(%88 : tensor<2x4x6x1xi1>) -> tensor<2x4x6x1xi1>
    %90 = linalg.generic {indexing_maps = [#map5, #map4], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%87 : tensor<2x4x6x6xi1>) outs(%89 : tensor<2x4x6x1xi1>) {
    ^bb0(%in: i1, %out: i1):
      %100 = arith.andi %in, %out : i1
      linalg.yield %100 : i1
    } -> tensor<2x4x6x1xi1>
    %91 = linalg.generic {indexing_maps = [#map4, #map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%90, %cst_1, %85 : tensor<2x4x6x1xi1>, tensor<2x4x6x6xf32>, tensor<2x4x6x6xf32>) outs(%74 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: i1, %in_57: f32, %in_58: f32, %out: f32):
      %100 = arith.select %in, %in_57, %in_58 : f32
      linalg.yield %100 : f32
    } -> tensor<2x4x6x6xf32>
    %collapsed_50 = tensor.collapse_shape %91 [[0, 1], [2], [3]] : tensor<2x4x6x6xf32> into tensor<8x6x6xf32>
    %collapsed_51 = tensor.collapse_shape %extracted_slice_42 [[0, 1], [2], [3]] : tensor<2x4x6x10xf32> into tensor<8x6x10xf32>
    %92 = tensor.empty() : tensor<8x6x10xf32>
    %93 = linalg.fill ins(%cst : f32) outs(%92 : tensor<8x6x10xf32>) -> tensor<8x6x10xf32>
    %94 = linalg.batch_matmul ins(%collapsed_50, %collapsed_51 : tensor<8x6x6xf32>, tensor<8x6x10xf32>) outs(%93 : tensor<8x6x10xf32>) -> tensor<8x6x10xf32>
    %expanded_52 = tensor.expand_shape %94 [[0, 1], [2], [3]] output_shape [2, 4, 6, 10] : tensor<8x6x10xf32> into tensor<2x4x6x10xf32>
    %95 = tensor.empty() : tensor<2x6x4x10xf32>
    %transposed_53 = linalg.transpose ins(%expanded_52 : tensor<2x4x6x10xf32>) outs(%95 : tensor<2x6x4x10xf32>) permutation = [0, 2, 1, 3] 
    %96 = tensor.empty() : tensor<40x32xf32>
    %transposed_54 = linalg.transpose ins(%arg8 : tensor<32x40xf32>) outs(%96 : tensor<40x32xf32>) permutation = [1, 0] 
    %collapsed_55 = tensor.collapse_shape %transposed_53 [[0, 1], [2, 3]] : tensor<2x6x4x10xf32> into tensor<12x40xf32>
    %97 = tensor.empty() : tensor<12x32xf32>
    %98 = linalg.fill ins(%cst : f32) outs(%97 : tensor<12x32xf32>) -> tensor<12x32xf32>
    %99 = linalg.matmul ins(%collapsed_55, %transposed_54 : tensor<12x40xf32>, tensor<40x32xf32>) outs(%98 : tensor<12x32xf32>) -> tensor<12x32xf32>
    %expanded_56 = tensor.expand_shape %99 [[0, 1], [2]] output_shape [2, 6, 32] : tensor<12x32xf32> into tensor<2x6x32xf32>
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
