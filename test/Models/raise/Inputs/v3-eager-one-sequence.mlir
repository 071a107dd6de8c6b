#map = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#map1 = affine_map<(d0) -> (d0)>
#map2 = affine_map<(d0, d1, d2, d3) -> (d0, d1, 0, d3)>
#map3 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>
#map4 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#map5 = affine_map<(d0, d1, d2, d3) -> ()>
#map6 = affine_map<(d0, d1, d2) -> (d0, d1, 0)>
#map7 = affine_map<(d0, d1, d2) -> (d2)>
#map8 = affine_map<(d0, d1, d2, d3) -> (d0, 0, d2, d3)>
#map9 = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>
#map10 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
module {
  func.func @attention(%arg0: tensor<1x6x32xf32>, %arg1: tensor<1x6xi64>, %arg2: tensor<24x32xf32>, %arg3: tensor<24xf32>, %arg4: tensor<80x24xf32>, %arg5: tensor<24x32xf32>, %arg6: tensor<16xf32>, %arg7: tensor<88x16xf32>, %arg8: tensor<32x40xf32>) -> tensor<1x6x32xf32> {
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
    %expanded = tensor.expand_shape %cst_5 [[0, 1, 2]] output_shape [1, 4, 1] : tensor<4xf32> into tensor<1x4x1xf32>
    %expanded_8 = tensor.expand_shape %arg1 [[0], [1, 2]] output_shape [1, 1, 6] : tensor<1x6xi64> into tensor<1x1x6xi64>
    %0 = tensor.empty() : tensor<1x1x6xf32>
    %1 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_8 : tensor<1x1x6xi64>) outs(%0 : tensor<1x1x6xf32>) {
    ^bb0(%in: i64, %out: f32):
      %89 = arith.sitofp %in : i64 to f32
      linalg.yield %89 : f32
    } -> tensor<1x1x6xf32>
    %2 = tensor.empty() : tensor<1x4x6xf32>
    %3 = linalg.fill ins(%cst : f32) outs(%2 : tensor<1x4x6xf32>) -> tensor<1x4x6xf32>
    %4 = linalg.batch_matmul ins(%expanded, %1 : tensor<1x4x1xf32>, tensor<1x1x6xf32>) outs(%3 : tensor<1x4x6xf32>) -> tensor<1x4x6xf32>
    %5 = tensor.empty() : tensor<1x6x4xf32>
    %transposed = linalg.transpose ins(%4 : tensor<1x4x6xf32>) outs(%5 : tensor<1x6x4xf32>) permutation = [0, 2, 1] 
    %concat = tensor.concat dim(2) %transposed, %transposed : (tensor<1x6x4xf32>, tensor<1x6x4xf32>) -> tensor<1x6x8xf32>
    %6 = tensor.empty() : tensor<1x6x8xf32>
    %7 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%concat : tensor<1x6x8xf32>) outs(%6 : tensor<1x6x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %89 = math.cos %in : f32
      linalg.yield %89 : f32
    } -> tensor<1x6x8xf32>
    %8 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%concat : tensor<1x6x8xf32>) outs(%6 : tensor<1x6x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %89 = math.sin %in : f32
      linalg.yield %89 : f32
    } -> tensor<1x6x8xf32>
    %9 = tensor.empty() : tensor<6xi64>
    %10 = linalg.generic {indexing_maps = [#map1], iterator_types = ["parallel"]} outs(%9 : tensor<6xi64>) {
    ^bb0(%out: i64):
      %89 = linalg.index 0 : index
      %90 = arith.index_cast %89 : index to i64
      linalg.yield %90 : i64
    } -> tensor<6xi64>
    %expanded_9 = tensor.expand_shape %10 [[0, 1, 2, 3]] output_shape [1, 1, 6, 1] : tensor<6xi64> into tensor<1x1x6x1xi64>
    %expanded_10 = tensor.expand_shape %10 [[0, 1, 2, 3]] output_shape [1, 1, 1, 6] : tensor<6xi64> into tensor<1x1x1x6xi64>
    %11 = tensor.empty() : tensor<1x1x6x6xi1>
    %12 = linalg.generic {indexing_maps = [#map2, #map3, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_10, %expanded_9 : tensor<1x1x1x6xi64>, tensor<1x1x6x1xi64>) outs(%11 : tensor<1x1x6x6xi1>) {
    ^bb0(%in: i64, %in_54: i64, %out: i1):
      %89 = arith.cmpi sle, %in, %in_54 : i64
      linalg.yield %89 : i1
    } -> tensor<1x1x6x6xi1>
    %13 = tensor.empty() : tensor<1x1x6x6xf32>
    %14 = linalg.generic {indexing_maps = [#map4, #map5, #map5, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%12, %cst_4, %cst_1 : tensor<1x1x6x6xi1>, tensor<f32>, tensor<f32>) outs(%13 : tensor<1x1x6x6xf32>) {
    ^bb0(%in: i1, %in_54: f32, %in_55: f32, %out: f32):
      %89 = arith.select %in, %in_54, %in_55 : f32
      linalg.yield %89 : f32
    } -> tensor<1x1x6x6xf32>
    %15 = tensor.empty() : tensor<32x24xf32>
    %transposed_11 = linalg.transpose ins(%arg2 : tensor<24x32xf32>) outs(%15 : tensor<32x24xf32>) permutation = [1, 0] 
    %collapsed = tensor.collapse_shape %arg0 [[0, 1], [2]] : tensor<1x6x32xf32> into tensor<6x32xf32>
    %16 = tensor.empty() : tensor<6x24xf32>
    %17 = linalg.fill ins(%cst : f32) outs(%16 : tensor<6x24xf32>) -> tensor<6x24xf32>
    %18 = linalg.matmul ins(%collapsed, %transposed_11 : tensor<6x32xf32>, tensor<32x24xf32>) outs(%17 : tensor<6x24xf32>) -> tensor<6x24xf32>
    %expanded_12 = tensor.expand_shape %18 [[0, 1], [2]] output_shape [1, 6, 24] : tensor<6x24xf32> into tensor<1x6x24xf32>
    %19 = tensor.empty() : tensor<1x6x24xf32>
    %20 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_12 : tensor<1x6x24xf32>) outs(%19 : tensor<1x6x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      %89 = math.fpowi %in, %c2_i64 : f32, i64
      linalg.yield %89 : f32
    } -> tensor<1x6x24xf32>
    %21 = tensor.empty() : tensor<1x6x1xf32>
    %22 = linalg.fill ins(%cst : f32) outs(%21 : tensor<1x6x1xf32>) -> tensor<1x6x1xf32>
    %23 = linalg.generic {indexing_maps = [#map, #map6], iterator_types = ["parallel", "parallel", "reduction"]} ins(%20 : tensor<1x6x24xf32>) outs(%22 : tensor<1x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %89 = arith.addf %in, %out : f32
      linalg.yield %89 : f32
    } -> tensor<1x6x1xf32>
    %24 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%23 : tensor<1x6x1xf32>) outs(%21 : tensor<1x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %89 = arith.divf %in, %cst_6 : f32
      linalg.yield %89 : f32
    } -> tensor<1x6x1xf32>
    %25 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%24 : tensor<1x6x1xf32>) outs(%21 : tensor<1x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %89 = arith.truncf %cst_3 : f64 to f32
      %90 = arith.addf %in, %89 : f32
      linalg.yield %90 : f32
    } -> tensor<1x6x1xf32>
    %26 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%25 : tensor<1x6x1xf32>) outs(%21 : tensor<1x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %89 = math.rsqrt %in : f32
      linalg.yield %89 : f32
    } -> tensor<1x6x1xf32>
    %27 = linalg.generic {indexing_maps = [#map, #map6, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_12, %26 : tensor<1x6x24xf32>, tensor<1x6x1xf32>) outs(%19 : tensor<1x6x24xf32>) {
    ^bb0(%in: f32, %in_54: f32, %out: f32):
      %89 = arith.mulf %in, %in_54 : f32
      linalg.yield %89 : f32
    } -> tensor<1x6x24xf32>
    %28 = linalg.generic {indexing_maps = [#map7, #map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%arg3, %27 : tensor<24xf32>, tensor<1x6x24xf32>) outs(%19 : tensor<1x6x24xf32>) {
    ^bb0(%in: f32, %in_54: f32, %out: f32):
      %89 = arith.mulf %in, %in_54 : f32
      linalg.yield %89 : f32
    } -> tensor<1x6x24xf32>
    %29 = tensor.empty() : tensor<24x80xf32>
    %transposed_13 = linalg.transpose ins(%arg4 : tensor<80x24xf32>) outs(%29 : tensor<24x80xf32>) permutation = [1, 0] 
    %collapsed_14 = tensor.collapse_shape %28 [[0, 1], [2]] : tensor<1x6x24xf32> into tensor<6x24xf32>
    %30 = tensor.empty() : tensor<6x80xf32>
    %31 = linalg.fill ins(%cst : f32) outs(%30 : tensor<6x80xf32>) -> tensor<6x80xf32>
    %32 = linalg.matmul ins(%collapsed_14, %transposed_13 : tensor<6x24xf32>, tensor<24x80xf32>) outs(%31 : tensor<6x80xf32>) -> tensor<6x80xf32>
    %expanded_15 = tensor.expand_shape %32 [[0, 1], [2, 3]] output_shape [1, 6, 4, 20] : tensor<6x80xf32> into tensor<1x6x4x20xf32>
    %33 = tensor.empty() : tensor<1x4x6x20xf32>
    %transposed_16 = linalg.transpose ins(%expanded_15 : tensor<1x6x4x20xf32>) outs(%33 : tensor<1x4x6x20xf32>) permutation = [0, 2, 1, 3] 
    %extracted_slice = tensor.extract_slice %transposed_16[0, 0, 0, 0] [1, 4, 6, 12] [1, 1, 1, 1] : tensor<1x4x6x20xf32> to tensor<1x4x6x12xf32>
    %extracted_slice_17 = tensor.extract_slice %transposed_16[0, 0, 0, 12] [1, 4, 6, 8] [1, 1, 1, 1] : tensor<1x4x6x20xf32> to tensor<1x4x6x8xf32>
    %transposed_18 = linalg.transpose ins(%arg5 : tensor<24x32xf32>) outs(%15 : tensor<32x24xf32>) permutation = [1, 0] 
    %34 = linalg.matmul ins(%collapsed, %transposed_18 : tensor<6x32xf32>, tensor<32x24xf32>) outs(%17 : tensor<6x24xf32>) -> tensor<6x24xf32>
    %expanded_19 = tensor.expand_shape %34 [[0, 1], [2]] output_shape [1, 6, 24] : tensor<6x24xf32> into tensor<1x6x24xf32>
    %extracted_slice_20 = tensor.extract_slice %expanded_19[0, 0, 0] [1, 6, 16] [1, 1, 1] : tensor<1x6x24xf32> to tensor<1x6x16xf32>
    %extracted_slice_21 = tensor.extract_slice %expanded_19[0, 0, 16] [1, 6, 8] [1, 1, 1] : tensor<1x6x24xf32> to tensor<1x6x8xf32>
    %35 = tensor.empty() : tensor<1x6x16xf32>
    %36 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_20 : tensor<1x6x16xf32>) outs(%35 : tensor<1x6x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %89 = math.fpowi %in, %c2_i64 : f32, i64
      linalg.yield %89 : f32
    } -> tensor<1x6x16xf32>
    %37 = linalg.generic {indexing_maps = [#map, #map6], iterator_types = ["parallel", "parallel", "reduction"]} ins(%36 : tensor<1x6x16xf32>) outs(%22 : tensor<1x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %89 = arith.addf %in, %out : f32
      linalg.yield %89 : f32
    } -> tensor<1x6x1xf32>
    %38 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%37 : tensor<1x6x1xf32>) outs(%21 : tensor<1x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %89 = arith.divf %in, %cst_7 : f32
      linalg.yield %89 : f32
    } -> tensor<1x6x1xf32>
    %39 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%38 : tensor<1x6x1xf32>) outs(%21 : tensor<1x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %89 = arith.truncf %cst_3 : f64 to f32
      %90 = arith.addf %in, %89 : f32
      linalg.yield %90 : f32
    } -> tensor<1x6x1xf32>
    %40 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%39 : tensor<1x6x1xf32>) outs(%21 : tensor<1x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %89 = math.rsqrt %in : f32
      linalg.yield %89 : f32
    } -> tensor<1x6x1xf32>
    %41 = linalg.generic {indexing_maps = [#map, #map6, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_20, %40 : tensor<1x6x16xf32>, tensor<1x6x1xf32>) outs(%35 : tensor<1x6x16xf32>) {
    ^bb0(%in: f32, %in_54: f32, %out: f32):
      %89 = arith.mulf %in, %in_54 : f32
      linalg.yield %89 : f32
    } -> tensor<1x6x16xf32>
    %42 = linalg.generic {indexing_maps = [#map7, #map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%arg6, %41 : tensor<16xf32>, tensor<1x6x16xf32>) outs(%35 : tensor<1x6x16xf32>) {
    ^bb0(%in: f32, %in_54: f32, %out: f32):
      %89 = arith.mulf %in, %in_54 : f32
      linalg.yield %89 : f32
    } -> tensor<1x6x16xf32>
    %expanded_22 = tensor.expand_shape %extracted_slice_21 [[0], [1, 2], [3]] output_shape [1, 1, 6, 8] : tensor<1x6x8xf32> into tensor<1x1x6x8xf32>
    %extracted_slice_23 = tensor.extract_slice %7[0, 0, 0] [1, 6, 4] [1, 1, 1] : tensor<1x6x8xf32> to tensor<1x6x4xf32>
    %expanded_24 = tensor.expand_shape %extracted_slice_23 [[0], [1, 2], [3]] output_shape [1, 1, 6, 4] : tensor<1x6x4xf32> into tensor<1x1x6x4xf32>
    %extracted_slice_25 = tensor.extract_slice %8[0, 0, 0] [1, 6, 4] [1, 1, 1] : tensor<1x6x8xf32> to tensor<1x6x4xf32>
    %expanded_26 = tensor.expand_shape %extracted_slice_25 [[0], [1, 2], [3]] output_shape [1, 1, 6, 4] : tensor<1x6x4xf32> into tensor<1x1x6x4xf32>
    %extracted_slice_27 = tensor.extract_slice %extracted_slice_17[0, 0, 0, 0] [1, 4, 6, 4] [1, 1, 1, 2] : tensor<1x4x6x8xf32> to tensor<1x4x6x4xf32>
    %extracted_slice_28 = tensor.extract_slice %extracted_slice_17[0, 0, 0, 1] [1, 4, 6, 4] [1, 1, 1, 2] : tensor<1x4x6x8xf32> to tensor<1x4x6x4xf32>
    %extracted_slice_29 = tensor.extract_slice %expanded_22[0, 0, 0, 0] [1, 1, 6, 4] [1, 1, 1, 2] : tensor<1x1x6x8xf32> to tensor<1x1x6x4xf32>
    %extracted_slice_30 = tensor.extract_slice %expanded_22[0, 0, 0, 1] [1, 1, 6, 4] [1, 1, 1, 2] : tensor<1x1x6x8xf32> to tensor<1x1x6x4xf32>
    %43 = tensor.empty() : tensor<1x4x6x4xf32>
    %44 = linalg.generic {indexing_maps = [#map4, #map8, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_27, %expanded_24 : tensor<1x4x6x4xf32>, tensor<1x1x6x4xf32>) outs(%43 : tensor<1x4x6x4xf32>) {
    ^bb0(%in: f32, %in_54: f32, %out: f32):
      %89 = arith.mulf %in, %in_54 : f32
      linalg.yield %89 : f32
    } -> tensor<1x4x6x4xf32>
    %45 = linalg.generic {indexing_maps = [#map4, #map8, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_28, %expanded_26 : tensor<1x4x6x4xf32>, tensor<1x1x6x4xf32>) outs(%43 : tensor<1x4x6x4xf32>) {
    ^bb0(%in: f32, %in_54: f32, %out: f32):
      %89 = arith.mulf %in, %in_54 : f32
      linalg.yield %89 : f32
    } -> tensor<1x4x6x4xf32>
    %46 = linalg.generic {indexing_maps = [#map4, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%44, %45 : tensor<1x4x6x4xf32>, tensor<1x4x6x4xf32>) outs(%43 : tensor<1x4x6x4xf32>) {
    ^bb0(%in: f32, %in_54: f32, %out: f32):
      %89 = arith.subf %in, %in_54 : f32
      linalg.yield %89 : f32
    } -> tensor<1x4x6x4xf32>
    %47 = linalg.generic {indexing_maps = [#map4, #map8, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_28, %expanded_24 : tensor<1x4x6x4xf32>, tensor<1x1x6x4xf32>) outs(%43 : tensor<1x4x6x4xf32>) {
    ^bb0(%in: f32, %in_54: f32, %out: f32):
      %89 = arith.mulf %in, %in_54 : f32
      linalg.yield %89 : f32
    } -> tensor<1x4x6x4xf32>
    %48 = linalg.generic {indexing_maps = [#map4, #map8, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_27, %expanded_26 : tensor<1x4x6x4xf32>, tensor<1x1x6x4xf32>) outs(%43 : tensor<1x4x6x4xf32>) {
    ^bb0(%in: f32, %in_54: f32, %out: f32):
      %89 = arith.mulf %in, %in_54 : f32
      linalg.yield %89 : f32
    } -> tensor<1x4x6x4xf32>
    %49 = linalg.generic {indexing_maps = [#map4, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%47, %48 : tensor<1x4x6x4xf32>, tensor<1x4x6x4xf32>) outs(%43 : tensor<1x4x6x4xf32>) {
    ^bb0(%in: f32, %in_54: f32, %out: f32):
      %89 = arith.addf %in, %in_54 : f32
      linalg.yield %89 : f32
    } -> tensor<1x4x6x4xf32>
    %concat_31 = tensor.concat dim(3) %46, %49 : (tensor<1x4x6x4xf32>, tensor<1x4x6x4xf32>) -> tensor<1x4x6x8xf32>
    %50 = tensor.empty() : tensor<1x1x6x4xf32>
    %51 = linalg.generic {indexing_maps = [#map4, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_29, %expanded_24 : tensor<1x1x6x4xf32>, tensor<1x1x6x4xf32>) outs(%50 : tensor<1x1x6x4xf32>) {
    ^bb0(%in: f32, %in_54: f32, %out: f32):
      %89 = arith.mulf %in, %in_54 : f32
      linalg.yield %89 : f32
    } -> tensor<1x1x6x4xf32>
    %52 = linalg.generic {indexing_maps = [#map4, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_30, %expanded_26 : tensor<1x1x6x4xf32>, tensor<1x1x6x4xf32>) outs(%50 : tensor<1x1x6x4xf32>) {
    ^bb0(%in: f32, %in_54: f32, %out: f32):
      %89 = arith.mulf %in, %in_54 : f32
      linalg.yield %89 : f32
    } -> tensor<1x1x6x4xf32>
    %53 = linalg.generic {indexing_maps = [#map4, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%51, %52 : tensor<1x1x6x4xf32>, tensor<1x1x6x4xf32>) outs(%50 : tensor<1x1x6x4xf32>) {
    ^bb0(%in: f32, %in_54: f32, %out: f32):
      %89 = arith.subf %in, %in_54 : f32
      linalg.yield %89 : f32
    } -> tensor<1x1x6x4xf32>
    %54 = linalg.generic {indexing_maps = [#map4, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_30, %expanded_24 : tensor<1x1x6x4xf32>, tensor<1x1x6x4xf32>) outs(%50 : tensor<1x1x6x4xf32>) {
    ^bb0(%in: f32, %in_54: f32, %out: f32):
      %89 = arith.mulf %in, %in_54 : f32
      linalg.yield %89 : f32
    } -> tensor<1x1x6x4xf32>
    %55 = linalg.generic {indexing_maps = [#map4, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_29, %expanded_26 : tensor<1x1x6x4xf32>, tensor<1x1x6x4xf32>) outs(%50 : tensor<1x1x6x4xf32>) {
    ^bb0(%in: f32, %in_54: f32, %out: f32):
      %89 = arith.mulf %in, %in_54 : f32
      linalg.yield %89 : f32
    } -> tensor<1x1x6x4xf32>
    %56 = linalg.generic {indexing_maps = [#map4, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%54, %55 : tensor<1x1x6x4xf32>, tensor<1x1x6x4xf32>) outs(%50 : tensor<1x1x6x4xf32>) {
    ^bb0(%in: f32, %in_54: f32, %out: f32):
      %89 = arith.addf %in, %in_54 : f32
      linalg.yield %89 : f32
    } -> tensor<1x1x6x4xf32>
    %concat_32 = tensor.concat dim(3) %53, %56 : (tensor<1x1x6x4xf32>, tensor<1x1x6x4xf32>) -> tensor<1x1x6x8xf32>
    %concat_33 = tensor.concat dim(3) %extracted_slice, %concat_31 : (tensor<1x4x6x12xf32>, tensor<1x4x6x8xf32>) -> tensor<1x4x6x20xf32>
    %57 = tensor.empty() : tensor<16x88xf32>
    %transposed_34 = linalg.transpose ins(%arg7 : tensor<88x16xf32>) outs(%57 : tensor<16x88xf32>) permutation = [1, 0] 
    %collapsed_35 = tensor.collapse_shape %42 [[0, 1], [2]] : tensor<1x6x16xf32> into tensor<6x16xf32>
    %58 = tensor.empty() : tensor<6x88xf32>
    %59 = linalg.fill ins(%cst : f32) outs(%58 : tensor<6x88xf32>) -> tensor<6x88xf32>
    %60 = linalg.matmul ins(%collapsed_35, %transposed_34 : tensor<6x16xf32>, tensor<16x88xf32>) outs(%59 : tensor<6x88xf32>) -> tensor<6x88xf32>
    %expanded_36 = tensor.expand_shape %60 [[0, 1], [2, 3]] output_shape [1, 6, 4, 22] : tensor<6x88xf32> into tensor<1x6x4x22xf32>
    %61 = tensor.empty() : tensor<1x4x6x22xf32>
    %transposed_37 = linalg.transpose ins(%expanded_36 : tensor<1x6x4x22xf32>) outs(%61 : tensor<1x4x6x22xf32>) permutation = [0, 2, 1, 3] 
    %extracted_slice_38 = tensor.extract_slice %transposed_37[0, 0, 0, 0] [1, 4, 6, 12] [1, 1, 1, 1] : tensor<1x4x6x22xf32> to tensor<1x4x6x12xf32>
    %extracted_slice_39 = tensor.extract_slice %transposed_37[0, 0, 0, 12] [1, 4, 6, 10] [1, 1, 1, 1] : tensor<1x4x6x22xf32> to tensor<1x4x6x10xf32>
    %62 = tensor.empty() : tensor<1x4x6x8xf32>
    %collapsed_40 = tensor.collapse_shape %concat_32 [[0, 1], [2], [3]] : tensor<1x1x6x8xf32> into tensor<1x6x8xf32>
    %63 = linalg.generic {indexing_maps = [#map9, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed_40 : tensor<1x6x8xf32>) outs(%62 : tensor<1x4x6x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<1x4x6x8xf32>
    %inserted_slice = tensor.insert_slice %extracted_slice_38 into %33[0, 0, 0, 0] [1, 4, 6, 12] [1, 1, 1, 1] : tensor<1x4x6x12xf32> into tensor<1x4x6x20xf32>
    %inserted_slice_41 = tensor.insert_slice %63 into %inserted_slice[0, 0, 0, 12] [1, 4, 6, 8] [1, 1, 1, 1] : tensor<1x4x6x8xf32> into tensor<1x4x6x20xf32>
    %collapsed_42 = tensor.collapse_shape %concat_33 [[0, 1], [2], [3]] : tensor<1x4x6x20xf32> into tensor<4x6x20xf32>
    %64 = tensor.empty() : tensor<1x4x20x6xf32>
    %transposed_43 = linalg.transpose ins(%inserted_slice_41 : tensor<1x4x6x20xf32>) outs(%64 : tensor<1x4x20x6xf32>) permutation = [0, 1, 3, 2] 
    %collapsed_44 = tensor.collapse_shape %transposed_43 [[0, 1], [2], [3]] : tensor<1x4x20x6xf32> into tensor<4x20x6xf32>
    %65 = tensor.empty() : tensor<4x6x6xf32>
    %66 = linalg.fill ins(%cst : f32) outs(%65 : tensor<4x6x6xf32>) -> tensor<4x6x6xf32>
    %67 = linalg.batch_matmul ins(%collapsed_42, %collapsed_44 : tensor<4x6x20xf32>, tensor<4x20x6xf32>) outs(%66 : tensor<4x6x6xf32>) -> tensor<4x6x6xf32>
    %expanded_45 = tensor.expand_shape %67 [[0, 1], [2], [3]] output_shape [1, 4, 6, 6] : tensor<4x6x6xf32> into tensor<1x4x6x6xf32>
    %68 = tensor.empty() : tensor<1x4x6x6xf32>
    %69 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_45 : tensor<1x4x6x6xf32>) outs(%68 : tensor<1x4x6x6xf32>) {
    ^bb0(%in: f32, %out: f32):
      %89 = arith.truncf %cst_2 : f64 to f32
      %90 = arith.mulf %in, %89 : f32
      linalg.yield %90 : f32
    } -> tensor<1x4x6x6xf32>
    %70 = linalg.generic {indexing_maps = [#map4, #map8, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%69, %14 : tensor<1x4x6x6xf32>, tensor<1x1x6x6xf32>) outs(%68 : tensor<1x4x6x6xf32>) {
    ^bb0(%in: f32, %in_54: f32, %out: f32):
      %89 = arith.addf %in, %in_54 : f32
      linalg.yield %89 : f32
    } -> tensor<1x4x6x6xf32>
    %71 = tensor.empty() : tensor<1x4x6xi64>
    %72 = linalg.fill ins(%c0_i64 : i64) outs(%71 : tensor<1x4x6xi64>) -> tensor<1x4x6xi64>
    %73 = linalg.fill ins(%cst_0 : f32) outs(%2 : tensor<1x4x6xf32>) -> tensor<1x4x6xf32>
    %74:2 = linalg.generic {indexing_maps = [#map4, #map10, #map10], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%70 : tensor<1x4x6x6xf32>) outs(%73, %72 : tensor<1x4x6xf32>, tensor<1x4x6xi64>) {
    ^bb0(%in: f32, %out: f32, %out_54: i64):
      %89 = linalg.index 3 : index
      %90 = arith.index_cast %89 : index to i64
      %91 = arith.maximumf %in, %out : f32
      %92 = arith.cmpf ogt, %in, %out : f32
      %93 = arith.select %92, %90, %out_54 : i64
      linalg.yield %91, %93 : f32, i64
    } -> (tensor<1x4x6xf32>, tensor<1x4x6xi64>)
    %expanded_46 = tensor.expand_shape %74#0 [[0], [1], [2, 3]] output_shape [1, 4, 6, 1] : tensor<1x4x6xf32> into tensor<1x4x6x1xf32>
    %75 = linalg.generic {indexing_maps = [#map4, #map3, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%70, %expanded_46 : tensor<1x4x6x6xf32>, tensor<1x4x6x1xf32>) outs(%68 : tensor<1x4x6x6xf32>) {
    ^bb0(%in: f32, %in_54: f32, %out: f32):
      %89 = arith.subf %in, %in_54 : f32
      linalg.yield %89 : f32
    } -> tensor<1x4x6x6xf32>
    %76 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%75 : tensor<1x4x6x6xf32>) outs(%68 : tensor<1x4x6x6xf32>) {
    ^bb0(%in: f32, %out: f32):
      %89 = math.exp %in : f32
      linalg.yield %89 : f32
    } -> tensor<1x4x6x6xf32>
    %77 = tensor.empty() : tensor<1x4x6x1xf32>
    %78 = linalg.fill ins(%cst : f32) outs(%77 : tensor<1x4x6x1xf32>) -> tensor<1x4x6x1xf32>
    %79 = linalg.generic {indexing_maps = [#map4, #map3], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%76 : tensor<1x4x6x6xf32>) outs(%78 : tensor<1x4x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %89 = arith.addf %in, %out : f32
      linalg.yield %89 : f32
    } -> tensor<1x4x6x1xf32>
    %80 = linalg.generic {indexing_maps = [#map4, #map3, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%76, %79 : tensor<1x4x6x6xf32>, tensor<1x4x6x1xf32>) outs(%68 : tensor<1x4x6x6xf32>) {
    ^bb0(%in: f32, %in_54: f32, %out: f32):
      %89 = arith.divf %in, %in_54 : f32
      linalg.yield %89 : f32
    } -> tensor<1x4x6x6xf32>
    %collapsed_47 = tensor.collapse_shape %80 [[0, 1], [2], [3]] : tensor<1x4x6x6xf32> into tensor<4x6x6xf32>
    %collapsed_48 = tensor.collapse_shape %extracted_slice_39 [[0, 1], [2], [3]] : tensor<1x4x6x10xf32> into tensor<4x6x10xf32>
    %81 = tensor.empty() : tensor<4x6x10xf32>
    %82 = linalg.fill ins(%cst : f32) outs(%81 : tensor<4x6x10xf32>) -> tensor<4x6x10xf32>
    %83 = linalg.batch_matmul ins(%collapsed_47, %collapsed_48 : tensor<4x6x6xf32>, tensor<4x6x10xf32>) outs(%82 : tensor<4x6x10xf32>) -> tensor<4x6x10xf32>
    %expanded_49 = tensor.expand_shape %83 [[0, 1], [2], [3]] output_shape [1, 4, 6, 10] : tensor<4x6x10xf32> into tensor<1x4x6x10xf32>
    %84 = tensor.empty() : tensor<1x6x4x10xf32>
    %transposed_50 = linalg.transpose ins(%expanded_49 : tensor<1x4x6x10xf32>) outs(%84 : tensor<1x6x4x10xf32>) permutation = [0, 2, 1, 3] 
    %85 = tensor.empty() : tensor<40x32xf32>
    %transposed_51 = linalg.transpose ins(%arg8 : tensor<32x40xf32>) outs(%85 : tensor<40x32xf32>) permutation = [1, 0] 
    %collapsed_52 = tensor.collapse_shape %transposed_50 [[0, 1], [2, 3]] : tensor<1x6x4x10xf32> into tensor<6x40xf32>
    %86 = tensor.empty() : tensor<6x32xf32>
    %87 = linalg.fill ins(%cst : f32) outs(%86 : tensor<6x32xf32>) -> tensor<6x32xf32>
    %88 = linalg.matmul ins(%collapsed_52, %transposed_51 : tensor<6x40xf32>, tensor<40x32xf32>) outs(%87 : tensor<6x32xf32>) -> tensor<6x32xf32>
    %expanded_53 = tensor.expand_shape %88 [[0, 1], [2]] output_shape [1, 6, 32] : tensor<6x32xf32> into tensor<1x6x32xf32>
    return %expanded_53 : tensor<1x6x32xf32>
  }
}

{-#
  dialect_resources: {
    builtin: {
      torch_tensor_4_torch.float32: "0x040000000000803FCDCCCC3D0AD7233C6F12833A"
    }
  }
#-}
