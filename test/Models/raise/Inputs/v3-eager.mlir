#map = affine_map<(d0, d1, d2) -> (d1, d2)>
#map1 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#map2 = affine_map<(d0) -> (d0)>
#map3 = affine_map<(d0, d1, d2, d3) -> (d0, d1, 0, d3)>
#map4 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>
#map5 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#map6 = affine_map<(d0, d1, d2, d3) -> (d1, d2, d3)>
#map7 = affine_map<(d0, d1, d2, d3) -> ()>
#map8 = affine_map<(d0, d1, d2) -> (d0, d1, 0)>
#map9 = affine_map<(d0, d1, d2) -> (d2)>
#map10 = affine_map<(d0, d1, d2, d3) -> (d0, 0, d2, d3)>
#map11 = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>
#map12 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
module {
  func.func @attention(%arg0: tensor<2x6x32xf32>, %arg1: tensor<2x6xi64>, %arg2: tensor<24x32xf32>, %arg3: tensor<24xf32>, %arg4: tensor<80x24xf32>, %arg5: tensor<24x32xf32>, %arg6: tensor<16xf32>, %arg7: tensor<88x16xf32>, %arg8: tensor<32x40xf32>) -> tensor<2x6x32xf32> {
    %c2_i64 = arith.constant 2 : i64
    %c0_i64 = arith.constant 0 : i64
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 0xFF800000 : f32
    %cst_1 = arith.constant dense<-3.40282347E+38> : tensor<f32>
    %cst_2 = arith.constant 0.22360679774997896 : f64
    %cst_3 = arith.constant 9.9999999999999995E-7 : f64
    %cst_4 = arith.constant dense<0.000000e+00> : tensor<f32>
    %cst_5 = arith.constant dense_resource<torch_tensor_4_torch.float32> : tensor<4xf32>
    %cst_6 = arith.constant 2.400000e+01 : f32
    %cst_7 = arith.constant 1.600000e+01 : f32
    %0 = tensor.empty() : tensor<2x4x1xf32>
    %expanded = tensor.expand_shape %cst_5 [[0, 1]] output_shape [4, 1] : tensor<4xf32> into tensor<4x1xf32>
    %1 = linalg.generic {indexing_maps = [#map, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded : tensor<4x1xf32>) outs(%0 : tensor<2x4x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x4x1xf32>
    %expanded_8 = tensor.expand_shape %arg1 [[0], [1, 2]] output_shape [2, 1, 6] : tensor<2x6xi64> into tensor<2x1x6xi64>
    %2 = tensor.empty() : tensor<2x1x6xf32>
    %3 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_8 : tensor<2x1x6xi64>) outs(%2 : tensor<2x1x6xf32>) {
    ^bb0(%in: i64, %out: f32):
      %93 = arith.sitofp %in : i64 to f32
      linalg.yield %93 : f32
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
      %93 = math.cos %in : f32
      linalg.yield %93 : f32
    } -> tensor<2x6x8xf32>
    %10 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%concat : tensor<2x6x8xf32>) outs(%8 : tensor<2x6x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %93 = math.sin %in : f32
      linalg.yield %93 : f32
    } -> tensor<2x6x8xf32>
    %11 = tensor.empty() : tensor<6xi64>
    %12 = linalg.generic {indexing_maps = [#map2], iterator_types = ["parallel"]} outs(%11 : tensor<6xi64>) {
    ^bb0(%out: i64):
      %93 = linalg.index 0 : index
      %94 = arith.index_cast %93 : index to i64
      linalg.yield %94 : i64
    } -> tensor<6xi64>
    %expanded_9 = tensor.expand_shape %12 [[0, 1, 2, 3]] output_shape [1, 1, 6, 1] : tensor<6xi64> into tensor<1x1x6x1xi64>
    %expanded_10 = tensor.expand_shape %12 [[0, 1, 2, 3]] output_shape [1, 1, 1, 6] : tensor<6xi64> into tensor<1x1x1x6xi64>
    %13 = tensor.empty() : tensor<1x1x6x6xi1>
    %14 = linalg.generic {indexing_maps = [#map3, #map4, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_10, %expanded_9 : tensor<1x1x1x6xi64>, tensor<1x1x6x1xi64>) outs(%13 : tensor<1x1x6x6xi1>) {
    ^bb0(%in: i64, %in_55: i64, %out: i1):
      %93 = arith.cmpi sle, %in, %in_55 : i64
      linalg.yield %93 : i1
    } -> tensor<1x1x6x6xi1>
    %15 = tensor.empty() : tensor<2x1x6x6xi1>
    %collapsed = tensor.collapse_shape %14 [[0, 1], [2], [3]] : tensor<1x1x6x6xi1> into tensor<1x6x6xi1>
    %16 = linalg.generic {indexing_maps = [#map6, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed : tensor<1x6x6xi1>) outs(%15 : tensor<2x1x6x6xi1>) {
    ^bb0(%in: i1, %out: i1):
      linalg.yield %in : i1
    } -> tensor<2x1x6x6xi1>
    %17 = tensor.empty() : tensor<2x1x6x6xf32>
    %18 = linalg.generic {indexing_maps = [#map5, #map7, #map7, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%16, %cst_4, %cst_1 : tensor<2x1x6x6xi1>, tensor<f32>, tensor<f32>) outs(%17 : tensor<2x1x6x6xf32>) {
    ^bb0(%in: i1, %in_55: f32, %in_56: f32, %out: f32):
      %93 = arith.select %in, %in_55, %in_56 : f32
      linalg.yield %93 : f32
    } -> tensor<2x1x6x6xf32>
    %19 = tensor.empty() : tensor<32x24xf32>
    %transposed_11 = linalg.transpose ins(%arg2 : tensor<24x32xf32>) outs(%19 : tensor<32x24xf32>) permutation = [1, 0] 
    %collapsed_12 = tensor.collapse_shape %arg0 [[0, 1], [2]] : tensor<2x6x32xf32> into tensor<12x32xf32>
    %20 = tensor.empty() : tensor<12x24xf32>
    %21 = linalg.fill ins(%cst : f32) outs(%20 : tensor<12x24xf32>) -> tensor<12x24xf32>
    %22 = linalg.matmul ins(%collapsed_12, %transposed_11 : tensor<12x32xf32>, tensor<32x24xf32>) outs(%21 : tensor<12x24xf32>) -> tensor<12x24xf32>
    %expanded_13 = tensor.expand_shape %22 [[0, 1], [2]] output_shape [2, 6, 24] : tensor<12x24xf32> into tensor<2x6x24xf32>
    %23 = tensor.empty() : tensor<2x6x24xf32>
    %24 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_13 : tensor<2x6x24xf32>) outs(%23 : tensor<2x6x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      %93 = math.fpowi %in, %c2_i64 : f32, i64
      linalg.yield %93 : f32
    } -> tensor<2x6x24xf32>
    %25 = tensor.empty() : tensor<2x6x1xf32>
    %26 = linalg.fill ins(%cst : f32) outs(%25 : tensor<2x6x1xf32>) -> tensor<2x6x1xf32>
    %27 = linalg.generic {indexing_maps = [#map1, #map8], iterator_types = ["parallel", "parallel", "reduction"]} ins(%24 : tensor<2x6x24xf32>) outs(%26 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %93 = arith.addf %in, %out : f32
      linalg.yield %93 : f32
    } -> tensor<2x6x1xf32>
    %28 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%27 : tensor<2x6x1xf32>) outs(%25 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %93 = arith.divf %in, %cst_6 : f32
      linalg.yield %93 : f32
    } -> tensor<2x6x1xf32>
    %29 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%28 : tensor<2x6x1xf32>) outs(%25 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %93 = arith.truncf %cst_3 : f64 to f32
      %94 = arith.addf %in, %93 : f32
      linalg.yield %94 : f32
    } -> tensor<2x6x1xf32>
    %30 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%29 : tensor<2x6x1xf32>) outs(%25 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %93 = math.rsqrt %in : f32
      linalg.yield %93 : f32
    } -> tensor<2x6x1xf32>
    %31 = linalg.generic {indexing_maps = [#map1, #map8, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_13, %30 : tensor<2x6x24xf32>, tensor<2x6x1xf32>) outs(%23 : tensor<2x6x24xf32>) {
    ^bb0(%in: f32, %in_55: f32, %out: f32):
      %93 = arith.mulf %in, %in_55 : f32
      linalg.yield %93 : f32
    } -> tensor<2x6x24xf32>
    %32 = linalg.generic {indexing_maps = [#map9, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%arg3, %31 : tensor<24xf32>, tensor<2x6x24xf32>) outs(%23 : tensor<2x6x24xf32>) {
    ^bb0(%in: f32, %in_55: f32, %out: f32):
      %93 = arith.mulf %in, %in_55 : f32
      linalg.yield %93 : f32
    } -> tensor<2x6x24xf32>
    %33 = tensor.empty() : tensor<24x80xf32>
    %transposed_14 = linalg.transpose ins(%arg4 : tensor<80x24xf32>) outs(%33 : tensor<24x80xf32>) permutation = [1, 0] 
    %collapsed_15 = tensor.collapse_shape %32 [[0, 1], [2]] : tensor<2x6x24xf32> into tensor<12x24xf32>
    %34 = tensor.empty() : tensor<12x80xf32>
    %35 = linalg.fill ins(%cst : f32) outs(%34 : tensor<12x80xf32>) -> tensor<12x80xf32>
    %36 = linalg.matmul ins(%collapsed_15, %transposed_14 : tensor<12x24xf32>, tensor<24x80xf32>) outs(%35 : tensor<12x80xf32>) -> tensor<12x80xf32>
    %expanded_16 = tensor.expand_shape %36 [[0, 1], [2, 3]] output_shape [2, 6, 4, 20] : tensor<12x80xf32> into tensor<2x6x4x20xf32>
    %37 = tensor.empty() : tensor<2x4x6x20xf32>
    %transposed_17 = linalg.transpose ins(%expanded_16 : tensor<2x6x4x20xf32>) outs(%37 : tensor<2x4x6x20xf32>) permutation = [0, 2, 1, 3] 
    %extracted_slice = tensor.extract_slice %transposed_17[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x20xf32> to tensor<2x4x6x12xf32>
    %extracted_slice_18 = tensor.extract_slice %transposed_17[0, 0, 0, 12] [2, 4, 6, 8] [1, 1, 1, 1] : tensor<2x4x6x20xf32> to tensor<2x4x6x8xf32>
    %transposed_19 = linalg.transpose ins(%arg5 : tensor<24x32xf32>) outs(%19 : tensor<32x24xf32>) permutation = [1, 0] 
    %38 = linalg.matmul ins(%collapsed_12, %transposed_19 : tensor<12x32xf32>, tensor<32x24xf32>) outs(%21 : tensor<12x24xf32>) -> tensor<12x24xf32>
    %expanded_20 = tensor.expand_shape %38 [[0, 1], [2]] output_shape [2, 6, 24] : tensor<12x24xf32> into tensor<2x6x24xf32>
    %extracted_slice_21 = tensor.extract_slice %expanded_20[0, 0, 0] [2, 6, 16] [1, 1, 1] : tensor<2x6x24xf32> to tensor<2x6x16xf32>
    %extracted_slice_22 = tensor.extract_slice %expanded_20[0, 0, 16] [2, 6, 8] [1, 1, 1] : tensor<2x6x24xf32> to tensor<2x6x8xf32>
    %39 = tensor.empty() : tensor<2x6x16xf32>
    %40 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_21 : tensor<2x6x16xf32>) outs(%39 : tensor<2x6x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %93 = math.fpowi %in, %c2_i64 : f32, i64
      linalg.yield %93 : f32
    } -> tensor<2x6x16xf32>
    %41 = linalg.generic {indexing_maps = [#map1, #map8], iterator_types = ["parallel", "parallel", "reduction"]} ins(%40 : tensor<2x6x16xf32>) outs(%26 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %93 = arith.addf %in, %out : f32
      linalg.yield %93 : f32
    } -> tensor<2x6x1xf32>
    %42 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%41 : tensor<2x6x1xf32>) outs(%25 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %93 = arith.divf %in, %cst_7 : f32
      linalg.yield %93 : f32
    } -> tensor<2x6x1xf32>
    %43 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%42 : tensor<2x6x1xf32>) outs(%25 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %93 = arith.truncf %cst_3 : f64 to f32
      %94 = arith.addf %in, %93 : f32
      linalg.yield %94 : f32
    } -> tensor<2x6x1xf32>
    %44 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%43 : tensor<2x6x1xf32>) outs(%25 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %93 = math.rsqrt %in : f32
      linalg.yield %93 : f32
    } -> tensor<2x6x1xf32>
    %45 = linalg.generic {indexing_maps = [#map1, #map8, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_21, %44 : tensor<2x6x16xf32>, tensor<2x6x1xf32>) outs(%39 : tensor<2x6x16xf32>) {
    ^bb0(%in: f32, %in_55: f32, %out: f32):
      %93 = arith.mulf %in, %in_55 : f32
      linalg.yield %93 : f32
    } -> tensor<2x6x16xf32>
    %46 = linalg.generic {indexing_maps = [#map9, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%arg6, %45 : tensor<16xf32>, tensor<2x6x16xf32>) outs(%39 : tensor<2x6x16xf32>) {
    ^bb0(%in: f32, %in_55: f32, %out: f32):
      %93 = arith.mulf %in, %in_55 : f32
      linalg.yield %93 : f32
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
    %47 = tensor.empty() : tensor<2x4x6x4xf32>
    %48 = linalg.generic {indexing_maps = [#map5, #map10, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_28, %expanded_25 : tensor<2x4x6x4xf32>, tensor<2x1x6x4xf32>) outs(%47 : tensor<2x4x6x4xf32>) {
    ^bb0(%in: f32, %in_55: f32, %out: f32):
      %93 = arith.mulf %in, %in_55 : f32
      linalg.yield %93 : f32
    } -> tensor<2x4x6x4xf32>
    %49 = linalg.generic {indexing_maps = [#map5, #map10, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_29, %expanded_27 : tensor<2x4x6x4xf32>, tensor<2x1x6x4xf32>) outs(%47 : tensor<2x4x6x4xf32>) {
    ^bb0(%in: f32, %in_55: f32, %out: f32):
      %93 = arith.mulf %in, %in_55 : f32
      linalg.yield %93 : f32
    } -> tensor<2x4x6x4xf32>
    %50 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%48, %49 : tensor<2x4x6x4xf32>, tensor<2x4x6x4xf32>) outs(%47 : tensor<2x4x6x4xf32>) {
    ^bb0(%in: f32, %in_55: f32, %out: f32):
      %93 = arith.subf %in, %in_55 : f32
      linalg.yield %93 : f32
    } -> tensor<2x4x6x4xf32>
    %51 = linalg.generic {indexing_maps = [#map5, #map10, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_29, %expanded_25 : tensor<2x4x6x4xf32>, tensor<2x1x6x4xf32>) outs(%47 : tensor<2x4x6x4xf32>) {
    ^bb0(%in: f32, %in_55: f32, %out: f32):
      %93 = arith.mulf %in, %in_55 : f32
      linalg.yield %93 : f32
    } -> tensor<2x4x6x4xf32>
    %52 = linalg.generic {indexing_maps = [#map5, #map10, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_28, %expanded_27 : tensor<2x4x6x4xf32>, tensor<2x1x6x4xf32>) outs(%47 : tensor<2x4x6x4xf32>) {
    ^bb0(%in: f32, %in_55: f32, %out: f32):
      %93 = arith.mulf %in, %in_55 : f32
      linalg.yield %93 : f32
    } -> tensor<2x4x6x4xf32>
    %53 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%51, %52 : tensor<2x4x6x4xf32>, tensor<2x4x6x4xf32>) outs(%47 : tensor<2x4x6x4xf32>) {
    ^bb0(%in: f32, %in_55: f32, %out: f32):
      %93 = arith.addf %in, %in_55 : f32
      linalg.yield %93 : f32
    } -> tensor<2x4x6x4xf32>
    %concat_32 = tensor.concat dim(3) %50, %53 : (tensor<2x4x6x4xf32>, tensor<2x4x6x4xf32>) -> tensor<2x4x6x8xf32>
    %54 = tensor.empty() : tensor<2x1x6x4xf32>
    %55 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_30, %expanded_25 : tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) outs(%54 : tensor<2x1x6x4xf32>) {
    ^bb0(%in: f32, %in_55: f32, %out: f32):
      %93 = arith.mulf %in, %in_55 : f32
      linalg.yield %93 : f32
    } -> tensor<2x1x6x4xf32>
    %56 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_31, %expanded_27 : tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) outs(%54 : tensor<2x1x6x4xf32>) {
    ^bb0(%in: f32, %in_55: f32, %out: f32):
      %93 = arith.mulf %in, %in_55 : f32
      linalg.yield %93 : f32
    } -> tensor<2x1x6x4xf32>
    %57 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%55, %56 : tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) outs(%54 : tensor<2x1x6x4xf32>) {
    ^bb0(%in: f32, %in_55: f32, %out: f32):
      %93 = arith.subf %in, %in_55 : f32
      linalg.yield %93 : f32
    } -> tensor<2x1x6x4xf32>
    %58 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_31, %expanded_25 : tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) outs(%54 : tensor<2x1x6x4xf32>) {
    ^bb0(%in: f32, %in_55: f32, %out: f32):
      %93 = arith.mulf %in, %in_55 : f32
      linalg.yield %93 : f32
    } -> tensor<2x1x6x4xf32>
    %59 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_30, %expanded_27 : tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) outs(%54 : tensor<2x1x6x4xf32>) {
    ^bb0(%in: f32, %in_55: f32, %out: f32):
      %93 = arith.mulf %in, %in_55 : f32
      linalg.yield %93 : f32
    } -> tensor<2x1x6x4xf32>
    %60 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%58, %59 : tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) outs(%54 : tensor<2x1x6x4xf32>) {
    ^bb0(%in: f32, %in_55: f32, %out: f32):
      %93 = arith.addf %in, %in_55 : f32
      linalg.yield %93 : f32
    } -> tensor<2x1x6x4xf32>
    %concat_33 = tensor.concat dim(3) %57, %60 : (tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) -> tensor<2x1x6x8xf32>
    %concat_34 = tensor.concat dim(3) %extracted_slice, %concat_32 : (tensor<2x4x6x12xf32>, tensor<2x4x6x8xf32>) -> tensor<2x4x6x20xf32>
    %61 = tensor.empty() : tensor<16x88xf32>
    %transposed_35 = linalg.transpose ins(%arg7 : tensor<88x16xf32>) outs(%61 : tensor<16x88xf32>) permutation = [1, 0] 
    %collapsed_36 = tensor.collapse_shape %46 [[0, 1], [2]] : tensor<2x6x16xf32> into tensor<12x16xf32>
    %62 = tensor.empty() : tensor<12x88xf32>
    %63 = linalg.fill ins(%cst : f32) outs(%62 : tensor<12x88xf32>) -> tensor<12x88xf32>
    %64 = linalg.matmul ins(%collapsed_36, %transposed_35 : tensor<12x16xf32>, tensor<16x88xf32>) outs(%63 : tensor<12x88xf32>) -> tensor<12x88xf32>
    %expanded_37 = tensor.expand_shape %64 [[0, 1], [2, 3]] output_shape [2, 6, 4, 22] : tensor<12x88xf32> into tensor<2x6x4x22xf32>
    %65 = tensor.empty() : tensor<2x4x6x22xf32>
    %transposed_38 = linalg.transpose ins(%expanded_37 : tensor<2x6x4x22xf32>) outs(%65 : tensor<2x4x6x22xf32>) permutation = [0, 2, 1, 3] 
    %extracted_slice_39 = tensor.extract_slice %transposed_38[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x22xf32> to tensor<2x4x6x12xf32>
    %extracted_slice_40 = tensor.extract_slice %transposed_38[0, 0, 0, 12] [2, 4, 6, 10] [1, 1, 1, 1] : tensor<2x4x6x22xf32> to tensor<2x4x6x10xf32>
    %66 = tensor.empty() : tensor<2x4x6x8xf32>
    %collapsed_41 = tensor.collapse_shape %concat_33 [[0, 1], [2], [3]] : tensor<2x1x6x8xf32> into tensor<2x6x8xf32>
    %67 = linalg.generic {indexing_maps = [#map11, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed_41 : tensor<2x6x8xf32>) outs(%66 : tensor<2x4x6x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x4x6x8xf32>
    %inserted_slice = tensor.insert_slice %extracted_slice_39 into %37[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x12xf32> into tensor<2x4x6x20xf32>
    %inserted_slice_42 = tensor.insert_slice %67 into %inserted_slice[0, 0, 0, 12] [2, 4, 6, 8] [1, 1, 1, 1] : tensor<2x4x6x8xf32> into tensor<2x4x6x20xf32>
    %collapsed_43 = tensor.collapse_shape %concat_34 [[0, 1], [2], [3]] : tensor<2x4x6x20xf32> into tensor<8x6x20xf32>
    %68 = tensor.empty() : tensor<2x4x20x6xf32>
    %transposed_44 = linalg.transpose ins(%inserted_slice_42 : tensor<2x4x6x20xf32>) outs(%68 : tensor<2x4x20x6xf32>) permutation = [0, 1, 3, 2] 
    %collapsed_45 = tensor.collapse_shape %transposed_44 [[0, 1], [2], [3]] : tensor<2x4x20x6xf32> into tensor<8x20x6xf32>
    %69 = tensor.empty() : tensor<8x6x6xf32>
    %70 = linalg.fill ins(%cst : f32) outs(%69 : tensor<8x6x6xf32>) -> tensor<8x6x6xf32>
    %71 = linalg.batch_matmul ins(%collapsed_43, %collapsed_45 : tensor<8x6x20xf32>, tensor<8x20x6xf32>) outs(%70 : tensor<8x6x6xf32>) -> tensor<8x6x6xf32>
    %expanded_46 = tensor.expand_shape %71 [[0, 1], [2], [3]] output_shape [2, 4, 6, 6] : tensor<8x6x6xf32> into tensor<2x4x6x6xf32>
    %72 = tensor.empty() : tensor<2x4x6x6xf32>
    %73 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_46 : tensor<2x4x6x6xf32>) outs(%72 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %out: f32):
      %93 = arith.truncf %cst_2 : f64 to f32
      %94 = arith.mulf %in, %93 : f32
      linalg.yield %94 : f32
    } -> tensor<2x4x6x6xf32>
    %74 = linalg.generic {indexing_maps = [#map5, #map10, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%73, %18 : tensor<2x4x6x6xf32>, tensor<2x1x6x6xf32>) outs(%72 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_55: f32, %out: f32):
      %93 = arith.addf %in, %in_55 : f32
      linalg.yield %93 : f32
    } -> tensor<2x4x6x6xf32>
    %75 = tensor.empty() : tensor<2x4x6xi64>
    %76 = linalg.fill ins(%c0_i64 : i64) outs(%75 : tensor<2x4x6xi64>) -> tensor<2x4x6xi64>
    %77 = linalg.fill ins(%cst_0 : f32) outs(%4 : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
    %78:2 = linalg.generic {indexing_maps = [#map5, #map12, #map12], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%74 : tensor<2x4x6x6xf32>) outs(%77, %76 : tensor<2x4x6xf32>, tensor<2x4x6xi64>) {
    ^bb0(%in: f32, %out: f32, %out_55: i64):
      %93 = linalg.index 3 : index
      %94 = arith.index_cast %93 : index to i64
      %95 = arith.maximumf %in, %out : f32
      %96 = arith.cmpf ogt, %in, %out : f32
      %97 = arith.select %96, %94, %out_55 : i64
      linalg.yield %95, %97 : f32, i64
    } -> (tensor<2x4x6xf32>, tensor<2x4x6xi64>)
    %expanded_47 = tensor.expand_shape %78#0 [[0], [1], [2, 3]] output_shape [2, 4, 6, 1] : tensor<2x4x6xf32> into tensor<2x4x6x1xf32>
    %79 = linalg.generic {indexing_maps = [#map5, #map4, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%74, %expanded_47 : tensor<2x4x6x6xf32>, tensor<2x4x6x1xf32>) outs(%72 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_55: f32, %out: f32):
      %93 = arith.subf %in, %in_55 : f32
      linalg.yield %93 : f32
    } -> tensor<2x4x6x6xf32>
    %80 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%79 : tensor<2x4x6x6xf32>) outs(%72 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %out: f32):
      %93 = math.exp %in : f32
      linalg.yield %93 : f32
    } -> tensor<2x4x6x6xf32>
    %81 = tensor.empty() : tensor<2x4x6x1xf32>
    %82 = linalg.fill ins(%cst : f32) outs(%81 : tensor<2x4x6x1xf32>) -> tensor<2x4x6x1xf32>
    %83 = linalg.generic {indexing_maps = [#map5, #map4], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%80 : tensor<2x4x6x6xf32>) outs(%82 : tensor<2x4x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %93 = arith.addf %in, %out : f32
      linalg.yield %93 : f32
    } -> tensor<2x4x6x1xf32>
    %84 = linalg.generic {indexing_maps = [#map5, #map4, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%80, %83 : tensor<2x4x6x6xf32>, tensor<2x4x6x1xf32>) outs(%72 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_55: f32, %out: f32):
      %93 = arith.divf %in, %in_55 : f32
      linalg.yield %93 : f32
    } -> tensor<2x4x6x6xf32>
    %collapsed_48 = tensor.collapse_shape %84 [[0, 1], [2], [3]] : tensor<2x4x6x6xf32> into tensor<8x6x6xf32>
    %collapsed_49 = tensor.collapse_shape %extracted_slice_40 [[0, 1], [2], [3]] : tensor<2x4x6x10xf32> into tensor<8x6x10xf32>
    %85 = tensor.empty() : tensor<8x6x10xf32>
    %86 = linalg.fill ins(%cst : f32) outs(%85 : tensor<8x6x10xf32>) -> tensor<8x6x10xf32>
    %87 = linalg.batch_matmul ins(%collapsed_48, %collapsed_49 : tensor<8x6x6xf32>, tensor<8x6x10xf32>) outs(%86 : tensor<8x6x10xf32>) -> tensor<8x6x10xf32>
    %expanded_50 = tensor.expand_shape %87 [[0, 1], [2], [3]] output_shape [2, 4, 6, 10] : tensor<8x6x10xf32> into tensor<2x4x6x10xf32>
    %88 = tensor.empty() : tensor<2x6x4x10xf32>
    %transposed_51 = linalg.transpose ins(%expanded_50 : tensor<2x4x6x10xf32>) outs(%88 : tensor<2x6x4x10xf32>) permutation = [0, 2, 1, 3] 
    %89 = tensor.empty() : tensor<40x32xf32>
    %transposed_52 = linalg.transpose ins(%arg8 : tensor<32x40xf32>) outs(%89 : tensor<40x32xf32>) permutation = [1, 0] 
    %collapsed_53 = tensor.collapse_shape %transposed_51 [[0, 1], [2, 3]] : tensor<2x6x4x10xf32> into tensor<12x40xf32>
    %90 = tensor.empty() : tensor<12x32xf32>
    %91 = linalg.fill ins(%cst : f32) outs(%90 : tensor<12x32xf32>) -> tensor<12x32xf32>
    %92 = linalg.matmul ins(%collapsed_53, %transposed_52 : tensor<12x40xf32>, tensor<40x32xf32>) outs(%91 : tensor<12x32xf32>) -> tensor<12x32xf32>
    %expanded_54 = tensor.expand_shape %92 [[0, 1], [2]] output_shape [2, 6, 32] : tensor<12x32xf32> into tensor<2x6x32xf32>
    return %expanded_54 : tensor<2x6x32xf32>
  }
}

{-#
  dialect_resources: {
    builtin: {
      torch_tensor_4_torch.float32: "0x040000000000803FCDCCCC3D0AD7233C6F12833A"
    }
  }
#-}
