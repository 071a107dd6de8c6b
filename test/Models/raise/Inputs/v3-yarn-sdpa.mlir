#map = affine_map<(d0, d1, d2) -> (d1, d2)>
#map1 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#map2 = affine_map<(d0, d1) -> (d1)>
#map3 = affine_map<(d0, d1) -> (d0, d1)>
#map4 = affine_map<(d0, d1, d2) -> (d0, d1, 0)>
#map5 = affine_map<(d0, d1, d2) -> (d2)>
#map6 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#map7 = affine_map<(d0, d1, d2, d3) -> (d0, 0, d2, d3)>
#map8 = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>
#map9 = affine_map<(d0) -> (d0)>
#map10 = affine_map<(d0, d1) -> (0, d1)>
#map11 = affine_map<(d0, d1) -> (d0, 0)>
#map12 = affine_map<(d0, d1) -> ()>
#map13 = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
#map14 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
#map15 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>
module {
  func.func @attention(%arg0: tensor<2x6x32xf32>, %arg1: tensor<2x6xi64>, %arg2: tensor<80x32xf32>, %arg3: tensor<24x32xf32>, %arg4: tensor<24xf32>, %arg5: tensor<16xf32>, %arg6: tensor<88x16xf32>, %arg7: tensor<32x40xf32>, %arg8: tensor<32xf32>) -> tensor<2x6x32xf32> {
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
    %cst_6 = arith.constant 0.51875847358890237 : f64
    %cst_7 = arith.constant 9.9999999999999995E-7 : f64
    %cst_8 = arith.constant 1.0379100195867799 : f64
    %cst_9 = arith.constant dense_resource<torch_tensor_4_torch.float32> : tensor<4xf32>
    %cst_10 = arith.constant 1.600000e+01 : f32
    %0 = tensor.empty() : tensor<2x4x1xf32>
    %expanded = tensor.expand_shape %cst_9 [[0, 1]] output_shape [4, 1] : tensor<4xf32> into tensor<4x1xf32>
    %1 = linalg.generic {indexing_maps = [#map, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded : tensor<4x1xf32>) outs(%0 : tensor<2x4x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x4x1xf32>
    %expanded_11 = tensor.expand_shape %arg1 [[0], [1, 2]] output_shape [2, 1, 6] : tensor<2x6xi64> into tensor<2x1x6xi64>
    %2 = tensor.empty() : tensor<2x1x6xf32>
    %3 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_11 : tensor<2x1x6xi64>) outs(%2 : tensor<2x1x6xf32>) {
    ^bb0(%in: i64, %out: f32):
      %95 = arith.sitofp %in : i64 to f32
      linalg.yield %95 : f32
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
      %95 = math.cos %in : f32
      linalg.yield %95 : f32
    } -> tensor<2x6x8xf32>
    %10 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%9 : tensor<2x6x8xf32>) outs(%8 : tensor<2x6x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %95 = arith.truncf %cst_8 : f64 to f32
      %96 = arith.mulf %in, %95 : f32
      linalg.yield %96 : f32
    } -> tensor<2x6x8xf32>
    %11 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%concat : tensor<2x6x8xf32>) outs(%8 : tensor<2x6x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %95 = math.sin %in : f32
      linalg.yield %95 : f32
    } -> tensor<2x6x8xf32>
    %12 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%11 : tensor<2x6x8xf32>) outs(%8 : tensor<2x6x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %95 = arith.truncf %cst_8 : f64 to f32
      %96 = arith.mulf %in, %95 : f32
      linalg.yield %96 : f32
    } -> tensor<2x6x8xf32>
    %13 = tensor.empty() : tensor<32x80xf32>
    %transposed_12 = linalg.transpose ins(%arg2 : tensor<80x32xf32>) outs(%13 : tensor<32x80xf32>) permutation = [1, 0] 
    %collapsed = tensor.collapse_shape %arg0 [[0, 1], [2]] : tensor<2x6x32xf32> into tensor<12x32xf32>
    %14 = tensor.empty() : tensor<12x80xf32>
    %15 = linalg.fill ins(%cst : f32) outs(%14 : tensor<12x80xf32>) -> tensor<12x80xf32>
    %16 = linalg.matmul ins(%collapsed, %transposed_12 : tensor<12x32xf32>, tensor<32x80xf32>) outs(%15 : tensor<12x80xf32>) -> tensor<12x80xf32>
    %expanded_13 = tensor.expand_shape %16 [[0, 1], [2, 3]] output_shape [2, 6, 4, 20] : tensor<12x80xf32> into tensor<2x6x4x20xf32>
    %17 = tensor.empty() : tensor<2x4x6x20xf32>
    %transposed_14 = linalg.transpose ins(%expanded_13 : tensor<2x6x4x20xf32>) outs(%17 : tensor<2x4x6x20xf32>) permutation = [0, 2, 1, 3] 
    %extracted_slice = tensor.extract_slice %transposed_14[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x20xf32> to tensor<2x4x6x12xf32>
    %extracted_slice_15 = tensor.extract_slice %transposed_14[0, 0, 0, 12] [2, 4, 6, 8] [1, 1, 1, 1] : tensor<2x4x6x20xf32> to tensor<2x4x6x8xf32>
    %18 = tensor.empty() : tensor<32x24xf32>
    %transposed_16 = linalg.transpose ins(%arg3 : tensor<24x32xf32>) outs(%18 : tensor<32x24xf32>) permutation = [1, 0] 
    %19 = tensor.empty() : tensor<12x24xf32>
    %20 = linalg.fill ins(%cst : f32) outs(%19 : tensor<12x24xf32>) -> tensor<12x24xf32>
    %21 = linalg.matmul ins(%collapsed, %transposed_16 : tensor<12x32xf32>, tensor<32x24xf32>) outs(%20 : tensor<12x24xf32>) -> tensor<12x24xf32>
    %22 = linalg.generic {indexing_maps = [#map2, #map3], iterator_types = ["parallel", "parallel"]} ins(%arg4 : tensor<24xf32>) outs(%19 : tensor<12x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<12x24xf32>
    %23 = linalg.generic {indexing_maps = [#map3, #map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%21, %22 : tensor<12x24xf32>, tensor<12x24xf32>) outs(%19 : tensor<12x24xf32>) {
    ^bb0(%in: f32, %in_52: f32, %out: f32):
      %95 = arith.addf %in, %in_52 : f32
      linalg.yield %95 : f32
    } -> tensor<12x24xf32>
    %expanded_17 = tensor.expand_shape %23 [[0, 1], [2]] output_shape [2, 6, 24] : tensor<12x24xf32> into tensor<2x6x24xf32>
    %extracted_slice_18 = tensor.extract_slice %expanded_17[0, 0, 0] [2, 6, 16] [1, 1, 1] : tensor<2x6x24xf32> to tensor<2x6x16xf32>
    %extracted_slice_19 = tensor.extract_slice %expanded_17[0, 0, 16] [2, 6, 8] [1, 1, 1] : tensor<2x6x24xf32> to tensor<2x6x8xf32>
    %24 = tensor.empty() : tensor<2x6x16xf32>
    %25 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_18 : tensor<2x6x16xf32>) outs(%24 : tensor<2x6x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %95 = math.fpowi %in, %c2_i64 : f32, i64
      linalg.yield %95 : f32
    } -> tensor<2x6x16xf32>
    %26 = tensor.empty() : tensor<2x6x1xf32>
    %27 = linalg.fill ins(%cst : f32) outs(%26 : tensor<2x6x1xf32>) -> tensor<2x6x1xf32>
    %28 = linalg.generic {indexing_maps = [#map1, #map4], iterator_types = ["parallel", "parallel", "reduction"]} ins(%25 : tensor<2x6x16xf32>) outs(%27 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %95 = arith.addf %in, %out : f32
      linalg.yield %95 : f32
    } -> tensor<2x6x1xf32>
    %29 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%28 : tensor<2x6x1xf32>) outs(%26 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %95 = arith.divf %in, %cst_10 : f32
      linalg.yield %95 : f32
    } -> tensor<2x6x1xf32>
    %30 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%29 : tensor<2x6x1xf32>) outs(%26 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %95 = arith.truncf %cst_7 : f64 to f32
      %96 = arith.addf %in, %95 : f32
      linalg.yield %96 : f32
    } -> tensor<2x6x1xf32>
    %31 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%30 : tensor<2x6x1xf32>) outs(%26 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %95 = math.rsqrt %in : f32
      linalg.yield %95 : f32
    } -> tensor<2x6x1xf32>
    %32 = linalg.generic {indexing_maps = [#map1, #map4, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_18, %31 : tensor<2x6x16xf32>, tensor<2x6x1xf32>) outs(%24 : tensor<2x6x16xf32>) {
    ^bb0(%in: f32, %in_52: f32, %out: f32):
      %95 = arith.mulf %in, %in_52 : f32
      linalg.yield %95 : f32
    } -> tensor<2x6x16xf32>
    %33 = linalg.generic {indexing_maps = [#map5, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%arg5, %32 : tensor<16xf32>, tensor<2x6x16xf32>) outs(%24 : tensor<2x6x16xf32>) {
    ^bb0(%in: f32, %in_52: f32, %out: f32):
      %95 = arith.mulf %in, %in_52 : f32
      linalg.yield %95 : f32
    } -> tensor<2x6x16xf32>
    %expanded_20 = tensor.expand_shape %extracted_slice_19 [[0], [1, 2], [3]] output_shape [2, 1, 6, 8] : tensor<2x6x8xf32> into tensor<2x1x6x8xf32>
    %expanded_21 = tensor.expand_shape %10 [[0], [1, 2], [3]] output_shape [2, 1, 6, 8] : tensor<2x6x8xf32> into tensor<2x1x6x8xf32>
    %expanded_22 = tensor.expand_shape %12 [[0], [1, 2], [3]] output_shape [2, 1, 6, 8] : tensor<2x6x8xf32> into tensor<2x1x6x8xf32>
    %34 = tensor.empty() : tensor<2x4x6x8xf32>
    %35 = linalg.generic {indexing_maps = [#map6, #map7, #map6], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_15, %expanded_21 : tensor<2x4x6x8xf32>, tensor<2x1x6x8xf32>) outs(%34 : tensor<2x4x6x8xf32>) {
    ^bb0(%in: f32, %in_52: f32, %out: f32):
      %95 = arith.mulf %in, %in_52 : f32
      linalg.yield %95 : f32
    } -> tensor<2x4x6x8xf32>
    %extracted_slice_23 = tensor.extract_slice %extracted_slice_15[0, 0, 0, 0] [2, 4, 6, 4] [1, 1, 1, 1] : tensor<2x4x6x8xf32> to tensor<2x4x6x4xf32>
    %extracted_slice_24 = tensor.extract_slice %extracted_slice_15[0, 0, 0, 4] [2, 4, 6, 4] [1, 1, 1, 1] : tensor<2x4x6x8xf32> to tensor<2x4x6x4xf32>
    %36 = tensor.empty() : tensor<2x4x6x4xf32>
    %37 = linalg.generic {indexing_maps = [#map6, #map6], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_24 : tensor<2x4x6x4xf32>) outs(%36 : tensor<2x4x6x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %95 = arith.negf %in : f32
      linalg.yield %95 : f32
    } -> tensor<2x4x6x4xf32>
    %concat_25 = tensor.concat dim(3) %37, %extracted_slice_23 : (tensor<2x4x6x4xf32>, tensor<2x4x6x4xf32>) -> tensor<2x4x6x8xf32>
    %38 = linalg.generic {indexing_maps = [#map6, #map7, #map6], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%concat_25, %expanded_22 : tensor<2x4x6x8xf32>, tensor<2x1x6x8xf32>) outs(%34 : tensor<2x4x6x8xf32>) {
    ^bb0(%in: f32, %in_52: f32, %out: f32):
      %95 = arith.mulf %in, %in_52 : f32
      linalg.yield %95 : f32
    } -> tensor<2x4x6x8xf32>
    %39 = linalg.generic {indexing_maps = [#map6, #map6, #map6], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%35, %38 : tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>) outs(%34 : tensor<2x4x6x8xf32>) {
    ^bb0(%in: f32, %in_52: f32, %out: f32):
      %95 = arith.addf %in, %in_52 : f32
      linalg.yield %95 : f32
    } -> tensor<2x4x6x8xf32>
    %40 = tensor.empty() : tensor<2x1x6x8xf32>
    %41 = linalg.generic {indexing_maps = [#map6, #map6, #map6], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_20, %expanded_21 : tensor<2x1x6x8xf32>, tensor<2x1x6x8xf32>) outs(%40 : tensor<2x1x6x8xf32>) {
    ^bb0(%in: f32, %in_52: f32, %out: f32):
      %95 = arith.mulf %in, %in_52 : f32
      linalg.yield %95 : f32
    } -> tensor<2x1x6x8xf32>
    %extracted_slice_26 = tensor.extract_slice %expanded_20[0, 0, 0, 0] [2, 1, 6, 4] [1, 1, 1, 1] : tensor<2x1x6x8xf32> to tensor<2x1x6x4xf32>
    %extracted_slice_27 = tensor.extract_slice %expanded_20[0, 0, 0, 4] [2, 1, 6, 4] [1, 1, 1, 1] : tensor<2x1x6x8xf32> to tensor<2x1x6x4xf32>
    %42 = tensor.empty() : tensor<2x1x6x4xf32>
    %43 = linalg.generic {indexing_maps = [#map6, #map6], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_27 : tensor<2x1x6x4xf32>) outs(%42 : tensor<2x1x6x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %95 = arith.negf %in : f32
      linalg.yield %95 : f32
    } -> tensor<2x1x6x4xf32>
    %concat_28 = tensor.concat dim(3) %43, %extracted_slice_26 : (tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) -> tensor<2x1x6x8xf32>
    %44 = linalg.generic {indexing_maps = [#map6, #map6, #map6], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%concat_28, %expanded_22 : tensor<2x1x6x8xf32>, tensor<2x1x6x8xf32>) outs(%40 : tensor<2x1x6x8xf32>) {
    ^bb0(%in: f32, %in_52: f32, %out: f32):
      %95 = arith.mulf %in, %in_52 : f32
      linalg.yield %95 : f32
    } -> tensor<2x1x6x8xf32>
    %45 = linalg.generic {indexing_maps = [#map6, #map6, #map6], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%41, %44 : tensor<2x1x6x8xf32>, tensor<2x1x6x8xf32>) outs(%40 : tensor<2x1x6x8xf32>) {
    ^bb0(%in: f32, %in_52: f32, %out: f32):
      %95 = arith.addf %in, %in_52 : f32
      linalg.yield %95 : f32
    } -> tensor<2x1x6x8xf32>
    %concat_29 = tensor.concat dim(3) %extracted_slice, %39 : (tensor<2x4x6x12xf32>, tensor<2x4x6x8xf32>) -> tensor<2x4x6x20xf32>
    %46 = tensor.empty() : tensor<16x88xf32>
    %transposed_30 = linalg.transpose ins(%arg6 : tensor<88x16xf32>) outs(%46 : tensor<16x88xf32>) permutation = [1, 0] 
    %collapsed_31 = tensor.collapse_shape %33 [[0, 1], [2]] : tensor<2x6x16xf32> into tensor<12x16xf32>
    %47 = tensor.empty() : tensor<12x88xf32>
    %48 = linalg.fill ins(%cst : f32) outs(%47 : tensor<12x88xf32>) -> tensor<12x88xf32>
    %49 = linalg.matmul ins(%collapsed_31, %transposed_30 : tensor<12x16xf32>, tensor<16x88xf32>) outs(%48 : tensor<12x88xf32>) -> tensor<12x88xf32>
    %expanded_32 = tensor.expand_shape %49 [[0, 1], [2, 3]] output_shape [2, 6, 4, 22] : tensor<12x88xf32> into tensor<2x6x4x22xf32>
    %50 = tensor.empty() : tensor<2x4x6x22xf32>
    %transposed_33 = linalg.transpose ins(%expanded_32 : tensor<2x6x4x22xf32>) outs(%50 : tensor<2x4x6x22xf32>) permutation = [0, 2, 1, 3] 
    %extracted_slice_34 = tensor.extract_slice %transposed_33[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x22xf32> to tensor<2x4x6x12xf32>
    %extracted_slice_35 = tensor.extract_slice %transposed_33[0, 0, 0, 12] [2, 4, 6, 10] [1, 1, 1, 1] : tensor<2x4x6x22xf32> to tensor<2x4x6x10xf32>
    %collapsed_36 = tensor.collapse_shape %45 [[0, 1], [2], [3]] : tensor<2x1x6x8xf32> into tensor<2x6x8xf32>
    %51 = linalg.generic {indexing_maps = [#map8, #map6], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed_36 : tensor<2x6x8xf32>) outs(%34 : tensor<2x4x6x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x4x6x8xf32>
    %inserted_slice = tensor.insert_slice %extracted_slice_34 into %17[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x12xf32> into tensor<2x4x6x20xf32>
    %inserted_slice_37 = tensor.insert_slice %51 into %inserted_slice[0, 0, 0, 12] [2, 4, 6, 8] [1, 1, 1, 1] : tensor<2x4x6x8xf32> into tensor<2x4x6x20xf32>
    %52 = linalg.generic {indexing_maps = [#map6, #map6], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%concat_29 : tensor<2x4x6x20xf32>) outs(%17 : tensor<2x4x6x20xf32>) {
    ^bb0(%in: f32, %out: f32):
      %95 = arith.truncf %cst_6 : f64 to f32
      %96 = arith.mulf %in, %95 : f32
      linalg.yield %96 : f32
    } -> tensor<2x4x6x20xf32>
    %53 = tensor.empty() : tensor<6xi64>
    %54 = linalg.generic {indexing_maps = [#map9], iterator_types = ["parallel"]} outs(%53 : tensor<6xi64>) {
    ^bb0(%out: i64):
      %95 = linalg.index 0 : index
      %96 = arith.index_cast %95 : index to i64
      linalg.yield %96 : i64
    } -> tensor<6xi64>
    %expanded_38 = tensor.expand_shape %54 [[0, 1]] output_shape [1, 6] : tensor<6xi64> into tensor<1x6xi64>
    %expanded_39 = tensor.expand_shape %54 [[0, 1]] output_shape [6, 1] : tensor<6xi64> into tensor<6x1xi64>
    %55 = tensor.empty() : tensor<6x6xi64>
    %56 = linalg.generic {indexing_maps = [#map10, #map11, #map3], iterator_types = ["parallel", "parallel"]} ins(%expanded_38, %expanded_39 : tensor<1x6xi64>, tensor<6x1xi64>) outs(%55 : tensor<6x6xi64>) {
    ^bb0(%in: i64, %in_52: i64, %out: i64):
      %95 = arith.subi %in, %in_52 : i64
      linalg.yield %95 : i64
    } -> tensor<6x6xi64>
    %57 = tensor.empty() : tensor<6x6xi1>
    %58 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%56 : tensor<6x6xi64>) outs(%57 : tensor<6x6xi1>) {
    ^bb0(%in: i64, %out: i1):
      %95 = arith.cmpi sle, %in, %c0_i64 : i64
      linalg.yield %95 : i1
    } -> tensor<6x6xi1>
    %59 = linalg.generic {indexing_maps = [#map3, #map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%58, %cst_4 : tensor<6x6xi1>, tensor<6x6xi1>) outs(%57 : tensor<6x6xi1>) {
    ^bb0(%in: i1, %in_52: i1, %out: i1):
      %95 = arith.andi %in, %in_52 : i1
      linalg.yield %95 : i1
    } -> tensor<6x6xi1>
    %60 = tensor.empty() : tensor<6x6xf32>
    %61 = linalg.generic {indexing_maps = [#map3, #map12, #map12, #map3], iterator_types = ["parallel", "parallel"]} ins(%59, %cst_2, %cst_3 : tensor<6x6xi1>, tensor<f32>, tensor<f32>) outs(%60 : tensor<6x6xf32>) {
    ^bb0(%in: i1, %in_52: f32, %in_53: f32, %out: f32):
      %95 = arith.select %in, %in_52, %in_53 : f32
      linalg.yield %95 : f32
    } -> tensor<6x6xf32>
    %62 = tensor.empty() : tensor<2x4x20x6xf32>
    %transposed_40 = linalg.transpose ins(%inserted_slice_37 : tensor<2x4x6x20xf32>) outs(%62 : tensor<2x4x20x6xf32>) permutation = [0, 1, 3, 2] 
    %63 = linalg.generic {indexing_maps = [#map6, #map6], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%transposed_40 : tensor<2x4x20x6xf32>) outs(%62 : tensor<2x4x20x6xf32>) {
    ^bb0(%in: f32, %out: f32):
      %95 = arith.truncf %cst_6 : f64 to f32
      %96 = arith.mulf %in, %95 : f32
      linalg.yield %96 : f32
    } -> tensor<2x4x20x6xf32>
    %collapsed_41 = tensor.collapse_shape %52 [[0, 1], [2], [3]] : tensor<2x4x6x20xf32> into tensor<8x6x20xf32>
    %collapsed_42 = tensor.collapse_shape %63 [[0, 1], [2], [3]] : tensor<2x4x20x6xf32> into tensor<8x20x6xf32>
    %64 = tensor.empty() : tensor<8x6x6xf32>
    %65 = linalg.fill ins(%cst : f32) outs(%64 : tensor<8x6x6xf32>) -> tensor<8x6x6xf32>
    %66 = linalg.batch_matmul ins(%collapsed_41, %collapsed_42 : tensor<8x6x20xf32>, tensor<8x20x6xf32>) outs(%65 : tensor<8x6x6xf32>) -> tensor<8x6x6xf32>
    %expanded_43 = tensor.expand_shape %66 [[0, 1], [2], [3]] output_shape [2, 4, 6, 6] : tensor<8x6x6xf32> into tensor<2x4x6x6xf32>
    %67 = tensor.empty() : tensor<2x4x6x6xf32>
    %68 = linalg.generic {indexing_maps = [#map6, #map13, #map6], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_43, %61 : tensor<2x4x6x6xf32>, tensor<6x6xf32>) outs(%67 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_52: f32, %out: f32):
      %95 = arith.addf %in, %in_52 : f32
      linalg.yield %95 : f32
    } -> tensor<2x4x6x6xf32>
    %69 = tensor.empty() : tensor<2x4x6xi64>
    %70 = linalg.fill ins(%c0_i64 : i64) outs(%69 : tensor<2x4x6xi64>) -> tensor<2x4x6xi64>
    %71 = linalg.fill ins(%cst_0 : f32) outs(%4 : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
    %72:2 = linalg.generic {indexing_maps = [#map6, #map14, #map14], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%68 : tensor<2x4x6x6xf32>) outs(%71, %70 : tensor<2x4x6xf32>, tensor<2x4x6xi64>) {
    ^bb0(%in: f32, %out: f32, %out_52: i64):
      %95 = linalg.index 3 : index
      %96 = arith.index_cast %95 : index to i64
      %97 = arith.maximumf %in, %out : f32
      %98 = arith.cmpf ogt, %in, %out : f32
      %99 = arith.select %98, %96, %out_52 : i64
      linalg.yield %97, %99 : f32, i64
    } -> (tensor<2x4x6xf32>, tensor<2x4x6xi64>)
    %expanded_44 = tensor.expand_shape %72#0 [[0], [1], [2, 3]] output_shape [2, 4, 6, 1] : tensor<2x4x6xf32> into tensor<2x4x6x1xf32>
    %73 = linalg.generic {indexing_maps = [#map6, #map15, #map6], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%68, %expanded_44 : tensor<2x4x6x6xf32>, tensor<2x4x6x1xf32>) outs(%67 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_52: f32, %out: f32):
      %95 = arith.subf %in, %in_52 : f32
      linalg.yield %95 : f32
    } -> tensor<2x4x6x6xf32>
    %74 = linalg.generic {indexing_maps = [#map6, #map6], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%73 : tensor<2x4x6x6xf32>) outs(%67 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %out: f32):
      %95 = math.exp %in : f32
      linalg.yield %95 : f32
    } -> tensor<2x4x6x6xf32>
    %75 = tensor.empty() : tensor<2x4x6x1xf32>
    %76 = linalg.fill ins(%cst : f32) outs(%75 : tensor<2x4x6x1xf32>) -> tensor<2x4x6x1xf32>
    %77 = linalg.generic {indexing_maps = [#map6, #map15], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%74 : tensor<2x4x6x6xf32>) outs(%76 : tensor<2x4x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %95 = arith.addf %in, %out : f32
      linalg.yield %95 : f32
    } -> tensor<2x4x6x1xf32>
    %78 = linalg.generic {indexing_maps = [#map6, #map15, #map6], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%74, %77 : tensor<2x4x6x6xf32>, tensor<2x4x6x1xf32>) outs(%67 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_52: f32, %out: f32):
      %95 = arith.divf %in, %in_52 : f32
      linalg.yield %95 : f32
    } -> tensor<2x4x6x6xf32>
    %79 = tensor.empty() : tensor<2x4x6x6xi1>
    %80 = linalg.generic {indexing_maps = [#map6, #map6], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%68 : tensor<2x4x6x6xf32>) outs(%79 : tensor<2x4x6x6xi1>) {
    ^bb0(%in: f32, %out: i1):
      %95 = arith.extf %in : f32 to f64
      %96 = arith.cmpf oeq, %95, %cst_5 : f64
      linalg.yield %96 : i1
    } -> tensor<2x4x6x6xi1>
    %81 = tensor.empty() : tensor<2x4x6x1xi1>
    %82 = linalg.fill ins(%true : i1) outs(%81 : tensor<2x4x6x1xi1>) -> tensor<2x4x6x1xi1>
    %83 = linalg.generic {indexing_maps = [#map6, #map15], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%80 : tensor<2x4x6x6xi1>) outs(%82 : tensor<2x4x6x1xi1>) {
    ^bb0(%in: i1, %out: i1):
      %95 = arith.andi %in, %out : i1
      linalg.yield %95 : i1
    } -> tensor<2x4x6x1xi1>
    %84 = linalg.generic {indexing_maps = [#map15, #map6, #map6, #map6], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%83, %cst_1, %78 : tensor<2x4x6x1xi1>, tensor<2x4x6x6xf32>, tensor<2x4x6x6xf32>) outs(%67 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: i1, %in_52: f32, %in_53: f32, %out: f32):
      %95 = arith.select %in, %in_52, %in_53 : f32
      linalg.yield %95 : f32
    } -> tensor<2x4x6x6xf32>
    %collapsed_45 = tensor.collapse_shape %84 [[0, 1], [2], [3]] : tensor<2x4x6x6xf32> into tensor<8x6x6xf32>
    %collapsed_46 = tensor.collapse_shape %extracted_slice_35 [[0, 1], [2], [3]] : tensor<2x4x6x10xf32> into tensor<8x6x10xf32>
    %85 = tensor.empty() : tensor<8x6x10xf32>
    %86 = linalg.fill ins(%cst : f32) outs(%85 : tensor<8x6x10xf32>) -> tensor<8x6x10xf32>
    %87 = linalg.batch_matmul ins(%collapsed_45, %collapsed_46 : tensor<8x6x6xf32>, tensor<8x6x10xf32>) outs(%86 : tensor<8x6x10xf32>) -> tensor<8x6x10xf32>
    %expanded_47 = tensor.expand_shape %87 [[0, 1], [2], [3]] output_shape [2, 4, 6, 10] : tensor<8x6x10xf32> into tensor<2x4x6x10xf32>
    %88 = tensor.empty() : tensor<2x6x4x10xf32>
    %transposed_48 = linalg.transpose ins(%expanded_47 : tensor<2x4x6x10xf32>) outs(%88 : tensor<2x6x4x10xf32>) permutation = [0, 2, 1, 3] 
    %collapsed_49 = tensor.collapse_shape %transposed_48 [[0, 1], [2, 3]] : tensor<2x6x4x10xf32> into tensor<12x40xf32>
    %89 = tensor.empty() : tensor<40x32xf32>
    %transposed_50 = linalg.transpose ins(%arg7 : tensor<32x40xf32>) outs(%89 : tensor<40x32xf32>) permutation = [1, 0] 
    %90 = tensor.empty() : tensor<12x32xf32>
    %91 = linalg.fill ins(%cst : f32) outs(%90 : tensor<12x32xf32>) -> tensor<12x32xf32>
    %92 = linalg.matmul ins(%collapsed_49, %transposed_50 : tensor<12x40xf32>, tensor<40x32xf32>) outs(%91 : tensor<12x32xf32>) -> tensor<12x32xf32>
    %93 = linalg.generic {indexing_maps = [#map2, #map3], iterator_types = ["parallel", "parallel"]} ins(%arg8 : tensor<32xf32>) outs(%90 : tensor<12x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<12x32xf32>
    %94 = linalg.generic {indexing_maps = [#map3, #map3, #map3], iterator_types = ["parallel", "parallel"]} ins(%92, %93 : tensor<12x32xf32>, tensor<12x32xf32>) outs(%90 : tensor<12x32xf32>) {
    ^bb0(%in: f32, %in_52: f32, %out: f32):
      %95 = arith.addf %in, %in_52 : f32
      linalg.yield %95 : f32
    } -> tensor<12x32xf32>
    %expanded_51 = tensor.expand_shape %94 [[0, 1], [2]] output_shape [2, 6, 32] : tensor<12x32xf32> into tensor<2x6x32xf32>
    return %expanded_51 : tensor<2x6x32xf32>
  }
}

{-#
  dialect_resources: {
    builtin: {
      torch_tensor_4_torch.float32: "0x040000000000803FCDCCCC3C0AD7233B6F128339"
    }
  }
#-}
