#map = affine_map<(d0) -> (d0)>
#map1 = affine_map<(d0, d1, d2, d3) -> (d0, d1, 0, d3)>
#map2 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>
#map3 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#map4 = affine_map<(d0, d1, d2, d3) -> (d1, d2, d3)>
#map5 = affine_map<(d0, d1, d2, d3) -> ()>
#map6 = affine_map<(d0, d1) -> (d1)>
#map7 = affine_map<(d0, d1) -> (d0, d1)>
#map8 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#map9 = affine_map<(d0, d1, d2) -> (d0, d1, 0)>
#map10 = affine_map<(d0, d1, d2) -> (d2)>
#map11 = affine_map<(d0, d1, d2, d3) -> (d0, 0, d2, d3)>
#map12 = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>
#map13 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
module {
  func.func @attention(%arg0: tensor<2x6x32xf32>, %arg1: tensor<2x6x8xf32>, %arg2: tensor<2x6x8xf32>, %arg3: tensor<80x32xf32>, %arg4: tensor<24x32xf32>, %arg5: tensor<24xf32>, %arg6: tensor<16xf32>, %arg7: tensor<88x16xf32>, %arg8: tensor<32x40xf32>, %arg9: tensor<32xf32>) -> tensor<2x6x32xf32> {
    %c2_i64 = arith.constant 2 : i64
    %c0_i64 = arith.constant 0 : i64
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 0xFF800000 : f32
    %cst_1 = arith.constant dense<-3.40282347E+38> : tensor<f32>
    %cst_2 = arith.constant 0.26911035392028787 : f64
    %cst_3 = arith.constant 9.9999999999999995E-7 : f64
    %cst_4 = arith.constant dense<0.000000e+00> : tensor<f32>
    %cst_5 = arith.constant 1.600000e+01 : f32
    %0 = tensor.empty() : tensor<6xi64>
    %1 = linalg.generic {indexing_maps = [#map], iterator_types = ["parallel"]} outs(%0 : tensor<6xi64>) {
    ^bb0(%out: i64):
      %75 = linalg.index 0 : index
      %76 = arith.index_cast %75 : index to i64
      linalg.yield %76 : i64
    } -> tensor<6xi64>
    %expanded = tensor.expand_shape %1 [[0, 1, 2, 3]] output_shape [1, 1, 6, 1] : tensor<6xi64> into tensor<1x1x6x1xi64>
    %expanded_6 = tensor.expand_shape %1 [[0, 1, 2, 3]] output_shape [1, 1, 1, 6] : tensor<6xi64> into tensor<1x1x1x6xi64>
    %2 = tensor.empty() : tensor<1x1x6x6xi1>
    %3 = linalg.generic {indexing_maps = [#map1, #map2, #map3], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_6, %expanded : tensor<1x1x1x6xi64>, tensor<1x1x6x1xi64>) outs(%2 : tensor<1x1x6x6xi1>) {
    ^bb0(%in: i64, %in_44: i64, %out: i1):
      %75 = arith.cmpi sle, %in, %in_44 : i64
      linalg.yield %75 : i1
    } -> tensor<1x1x6x6xi1>
    %4 = tensor.empty() : tensor<2x1x6x6xi1>
    %collapsed = tensor.collapse_shape %3 [[0, 1], [2], [3]] : tensor<1x1x6x6xi1> into tensor<1x6x6xi1>
    %5 = linalg.generic {indexing_maps = [#map4, #map3], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed : tensor<1x6x6xi1>) outs(%4 : tensor<2x1x6x6xi1>) {
    ^bb0(%in: i1, %out: i1):
      linalg.yield %in : i1
    } -> tensor<2x1x6x6xi1>
    %6 = tensor.empty() : tensor<2x1x6x6xf32>
    %7 = linalg.generic {indexing_maps = [#map3, #map5, #map5, #map3], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%5, %cst_4, %cst_1 : tensor<2x1x6x6xi1>, tensor<f32>, tensor<f32>) outs(%6 : tensor<2x1x6x6xf32>) {
    ^bb0(%in: i1, %in_44: f32, %in_45: f32, %out: f32):
      %75 = arith.select %in, %in_44, %in_45 : f32
      linalg.yield %75 : f32
    } -> tensor<2x1x6x6xf32>
    %8 = tensor.empty() : tensor<32x80xf32>
    %transposed = linalg.transpose ins(%arg3 : tensor<80x32xf32>) outs(%8 : tensor<32x80xf32>) permutation = [1, 0] 
    %collapsed_7 = tensor.collapse_shape %arg0 [[0, 1], [2]] : tensor<2x6x32xf32> into tensor<12x32xf32>
    %9 = tensor.empty() : tensor<12x80xf32>
    %10 = linalg.fill ins(%cst : f32) outs(%9 : tensor<12x80xf32>) -> tensor<12x80xf32>
    %11 = linalg.matmul ins(%collapsed_7, %transposed : tensor<12x32xf32>, tensor<32x80xf32>) outs(%10 : tensor<12x80xf32>) -> tensor<12x80xf32>
    %expanded_8 = tensor.expand_shape %11 [[0, 1], [2, 3]] output_shape [2, 6, 4, 20] : tensor<12x80xf32> into tensor<2x6x4x20xf32>
    %12 = tensor.empty() : tensor<2x4x6x20xf32>
    %transposed_9 = linalg.transpose ins(%expanded_8 : tensor<2x6x4x20xf32>) outs(%12 : tensor<2x4x6x20xf32>) permutation = [0, 2, 1, 3] 
    %extracted_slice = tensor.extract_slice %transposed_9[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x20xf32> to tensor<2x4x6x12xf32>
    %extracted_slice_10 = tensor.extract_slice %transposed_9[0, 0, 0, 12] [2, 4, 6, 8] [1, 1, 1, 1] : tensor<2x4x6x20xf32> to tensor<2x4x6x8xf32>
    %13 = tensor.empty() : tensor<32x24xf32>
    %transposed_11 = linalg.transpose ins(%arg4 : tensor<24x32xf32>) outs(%13 : tensor<32x24xf32>) permutation = [1, 0] 
    %14 = tensor.empty() : tensor<12x24xf32>
    %15 = linalg.fill ins(%cst : f32) outs(%14 : tensor<12x24xf32>) -> tensor<12x24xf32>
    %16 = linalg.matmul ins(%collapsed_7, %transposed_11 : tensor<12x32xf32>, tensor<32x24xf32>) outs(%15 : tensor<12x24xf32>) -> tensor<12x24xf32>
    %17 = linalg.generic {indexing_maps = [#map6, #map7], iterator_types = ["parallel", "parallel"]} ins(%arg5 : tensor<24xf32>) outs(%14 : tensor<12x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<12x24xf32>
    %18 = linalg.generic {indexing_maps = [#map7, #map7, #map7], iterator_types = ["parallel", "parallel"]} ins(%16, %17 : tensor<12x24xf32>, tensor<12x24xf32>) outs(%14 : tensor<12x24xf32>) {
    ^bb0(%in: f32, %in_44: f32, %out: f32):
      %75 = arith.addf %in, %in_44 : f32
      linalg.yield %75 : f32
    } -> tensor<12x24xf32>
    %expanded_12 = tensor.expand_shape %18 [[0, 1], [2]] output_shape [2, 6, 24] : tensor<12x24xf32> into tensor<2x6x24xf32>
    %extracted_slice_13 = tensor.extract_slice %expanded_12[0, 0, 0] [2, 6, 16] [1, 1, 1] : tensor<2x6x24xf32> to tensor<2x6x16xf32>
    %extracted_slice_14 = tensor.extract_slice %expanded_12[0, 0, 16] [2, 6, 8] [1, 1, 1] : tensor<2x6x24xf32> to tensor<2x6x8xf32>
    %19 = tensor.empty() : tensor<2x6x16xf32>
    %20 = linalg.generic {indexing_maps = [#map8, #map8], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_13 : tensor<2x6x16xf32>) outs(%19 : tensor<2x6x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %75 = math.fpowi %in, %c2_i64 : f32, i64
      linalg.yield %75 : f32
    } -> tensor<2x6x16xf32>
    %21 = tensor.empty() : tensor<2x6x1xf32>
    %22 = linalg.fill ins(%cst : f32) outs(%21 : tensor<2x6x1xf32>) -> tensor<2x6x1xf32>
    %23 = linalg.generic {indexing_maps = [#map8, #map9], iterator_types = ["parallel", "parallel", "reduction"]} ins(%20 : tensor<2x6x16xf32>) outs(%22 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %75 = arith.addf %in, %out : f32
      linalg.yield %75 : f32
    } -> tensor<2x6x1xf32>
    %24 = linalg.generic {indexing_maps = [#map8, #map8], iterator_types = ["parallel", "parallel", "parallel"]} ins(%23 : tensor<2x6x1xf32>) outs(%21 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %75 = arith.divf %in, %cst_5 : f32
      linalg.yield %75 : f32
    } -> tensor<2x6x1xf32>
    %25 = linalg.generic {indexing_maps = [#map8, #map8], iterator_types = ["parallel", "parallel", "parallel"]} ins(%24 : tensor<2x6x1xf32>) outs(%21 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %75 = arith.truncf %cst_3 : f64 to f32
      %76 = arith.addf %in, %75 : f32
      linalg.yield %76 : f32
    } -> tensor<2x6x1xf32>
    %26 = linalg.generic {indexing_maps = [#map8, #map8], iterator_types = ["parallel", "parallel", "parallel"]} ins(%25 : tensor<2x6x1xf32>) outs(%21 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %75 = math.rsqrt %in : f32
      linalg.yield %75 : f32
    } -> tensor<2x6x1xf32>
    %27 = linalg.generic {indexing_maps = [#map8, #map9, #map8], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_13, %26 : tensor<2x6x16xf32>, tensor<2x6x1xf32>) outs(%19 : tensor<2x6x16xf32>) {
    ^bb0(%in: f32, %in_44: f32, %out: f32):
      %75 = arith.mulf %in, %in_44 : f32
      linalg.yield %75 : f32
    } -> tensor<2x6x16xf32>
    %28 = linalg.generic {indexing_maps = [#map10, #map8, #map8], iterator_types = ["parallel", "parallel", "parallel"]} ins(%arg6, %27 : tensor<16xf32>, tensor<2x6x16xf32>) outs(%19 : tensor<2x6x16xf32>) {
    ^bb0(%in: f32, %in_44: f32, %out: f32):
      %75 = arith.mulf %in, %in_44 : f32
      linalg.yield %75 : f32
    } -> tensor<2x6x16xf32>
    %expanded_15 = tensor.expand_shape %extracted_slice_14 [[0], [1, 2], [3]] output_shape [2, 1, 6, 8] : tensor<2x6x8xf32> into tensor<2x1x6x8xf32>
    %expanded_16 = tensor.expand_shape %arg1 [[0], [1, 2], [3]] output_shape [2, 1, 6, 8] : tensor<2x6x8xf32> into tensor<2x1x6x8xf32>
    %expanded_17 = tensor.expand_shape %arg2 [[0], [1, 2], [3]] output_shape [2, 1, 6, 8] : tensor<2x6x8xf32> into tensor<2x1x6x8xf32>
    %29 = tensor.empty() : tensor<2x4x6x8xf32>
    %30 = linalg.generic {indexing_maps = [#map3, #map11, #map3], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_10, %expanded_16 : tensor<2x4x6x8xf32>, tensor<2x1x6x8xf32>) outs(%29 : tensor<2x4x6x8xf32>) {
    ^bb0(%in: f32, %in_44: f32, %out: f32):
      %75 = arith.mulf %in, %in_44 : f32
      linalg.yield %75 : f32
    } -> tensor<2x4x6x8xf32>
    %extracted_slice_18 = tensor.extract_slice %extracted_slice_10[0, 0, 0, 0] [2, 4, 6, 4] [1, 1, 1, 1] : tensor<2x4x6x8xf32> to tensor<2x4x6x4xf32>
    %extracted_slice_19 = tensor.extract_slice %extracted_slice_10[0, 0, 0, 4] [2, 4, 6, 4] [1, 1, 1, 1] : tensor<2x4x6x8xf32> to tensor<2x4x6x4xf32>
    %31 = tensor.empty() : tensor<2x4x6x4xf32>
    %32 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_19 : tensor<2x4x6x4xf32>) outs(%31 : tensor<2x4x6x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %75 = arith.negf %in : f32
      linalg.yield %75 : f32
    } -> tensor<2x4x6x4xf32>
    %concat = tensor.concat dim(3) %32, %extracted_slice_18 : (tensor<2x4x6x4xf32>, tensor<2x4x6x4xf32>) -> tensor<2x4x6x8xf32>
    %33 = linalg.generic {indexing_maps = [#map3, #map11, #map3], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%concat, %expanded_17 : tensor<2x4x6x8xf32>, tensor<2x1x6x8xf32>) outs(%29 : tensor<2x4x6x8xf32>) {
    ^bb0(%in: f32, %in_44: f32, %out: f32):
      %75 = arith.mulf %in, %in_44 : f32
      linalg.yield %75 : f32
    } -> tensor<2x4x6x8xf32>
    %34 = linalg.generic {indexing_maps = [#map3, #map3, #map3], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%30, %33 : tensor<2x4x6x8xf32>, tensor<2x4x6x8xf32>) outs(%29 : tensor<2x4x6x8xf32>) {
    ^bb0(%in: f32, %in_44: f32, %out: f32):
      %75 = arith.addf %in, %in_44 : f32
      linalg.yield %75 : f32
    } -> tensor<2x4x6x8xf32>
    %35 = tensor.empty() : tensor<2x1x6x8xf32>
    %36 = linalg.generic {indexing_maps = [#map3, #map3, #map3], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_15, %expanded_16 : tensor<2x1x6x8xf32>, tensor<2x1x6x8xf32>) outs(%35 : tensor<2x1x6x8xf32>) {
    ^bb0(%in: f32, %in_44: f32, %out: f32):
      %75 = arith.mulf %in, %in_44 : f32
      linalg.yield %75 : f32
    } -> tensor<2x1x6x8xf32>
    %extracted_slice_20 = tensor.extract_slice %expanded_15[0, 0, 0, 0] [2, 1, 6, 4] [1, 1, 1, 1] : tensor<2x1x6x8xf32> to tensor<2x1x6x4xf32>
    %extracted_slice_21 = tensor.extract_slice %expanded_15[0, 0, 0, 4] [2, 1, 6, 4] [1, 1, 1, 1] : tensor<2x1x6x8xf32> to tensor<2x1x6x4xf32>
    %37 = tensor.empty() : tensor<2x1x6x4xf32>
    %38 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_21 : tensor<2x1x6x4xf32>) outs(%37 : tensor<2x1x6x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %75 = arith.negf %in : f32
      linalg.yield %75 : f32
    } -> tensor<2x1x6x4xf32>
    %concat_22 = tensor.concat dim(3) %38, %extracted_slice_20 : (tensor<2x1x6x4xf32>, tensor<2x1x6x4xf32>) -> tensor<2x1x6x8xf32>
    %39 = linalg.generic {indexing_maps = [#map3, #map3, #map3], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%concat_22, %expanded_17 : tensor<2x1x6x8xf32>, tensor<2x1x6x8xf32>) outs(%35 : tensor<2x1x6x8xf32>) {
    ^bb0(%in: f32, %in_44: f32, %out: f32):
      %75 = arith.mulf %in, %in_44 : f32
      linalg.yield %75 : f32
    } -> tensor<2x1x6x8xf32>
    %40 = linalg.generic {indexing_maps = [#map3, #map3, #map3], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%36, %39 : tensor<2x1x6x8xf32>, tensor<2x1x6x8xf32>) outs(%35 : tensor<2x1x6x8xf32>) {
    ^bb0(%in: f32, %in_44: f32, %out: f32):
      %75 = arith.addf %in, %in_44 : f32
      linalg.yield %75 : f32
    } -> tensor<2x1x6x8xf32>
    %concat_23 = tensor.concat dim(3) %extracted_slice, %34 : (tensor<2x4x6x12xf32>, tensor<2x4x6x8xf32>) -> tensor<2x4x6x20xf32>
    %41 = tensor.empty() : tensor<16x88xf32>
    %transposed_24 = linalg.transpose ins(%arg7 : tensor<88x16xf32>) outs(%41 : tensor<16x88xf32>) permutation = [1, 0] 
    %collapsed_25 = tensor.collapse_shape %28 [[0, 1], [2]] : tensor<2x6x16xf32> into tensor<12x16xf32>
    %42 = tensor.empty() : tensor<12x88xf32>
    %43 = linalg.fill ins(%cst : f32) outs(%42 : tensor<12x88xf32>) -> tensor<12x88xf32>
    %44 = linalg.matmul ins(%collapsed_25, %transposed_24 : tensor<12x16xf32>, tensor<16x88xf32>) outs(%43 : tensor<12x88xf32>) -> tensor<12x88xf32>
    %expanded_26 = tensor.expand_shape %44 [[0, 1], [2, 3]] output_shape [2, 6, 4, 22] : tensor<12x88xf32> into tensor<2x6x4x22xf32>
    %45 = tensor.empty() : tensor<2x4x6x22xf32>
    %transposed_27 = linalg.transpose ins(%expanded_26 : tensor<2x6x4x22xf32>) outs(%45 : tensor<2x4x6x22xf32>) permutation = [0, 2, 1, 3] 
    %extracted_slice_28 = tensor.extract_slice %transposed_27[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x22xf32> to tensor<2x4x6x12xf32>
    %extracted_slice_29 = tensor.extract_slice %transposed_27[0, 0, 0, 12] [2, 4, 6, 10] [1, 1, 1, 1] : tensor<2x4x6x22xf32> to tensor<2x4x6x10xf32>
    %collapsed_30 = tensor.collapse_shape %40 [[0, 1], [2], [3]] : tensor<2x1x6x8xf32> into tensor<2x6x8xf32>
    %46 = linalg.generic {indexing_maps = [#map12, #map3], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed_30 : tensor<2x6x8xf32>) outs(%29 : tensor<2x4x6x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x4x6x8xf32>
    %inserted_slice = tensor.insert_slice %extracted_slice_28 into %12[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x12xf32> into tensor<2x4x6x20xf32>
    %inserted_slice_31 = tensor.insert_slice %46 into %inserted_slice[0, 0, 0, 12] [2, 4, 6, 8] [1, 1, 1, 1] : tensor<2x4x6x8xf32> into tensor<2x4x6x20xf32>
    %collapsed_32 = tensor.collapse_shape %concat_23 [[0, 1], [2], [3]] : tensor<2x4x6x20xf32> into tensor<8x6x20xf32>
    %47 = tensor.empty() : tensor<2x4x20x6xf32>
    %transposed_33 = linalg.transpose ins(%inserted_slice_31 : tensor<2x4x6x20xf32>) outs(%47 : tensor<2x4x20x6xf32>) permutation = [0, 1, 3, 2] 
    %collapsed_34 = tensor.collapse_shape %transposed_33 [[0, 1], [2], [3]] : tensor<2x4x20x6xf32> into tensor<8x20x6xf32>
    %48 = tensor.empty() : tensor<8x6x6xf32>
    %49 = linalg.fill ins(%cst : f32) outs(%48 : tensor<8x6x6xf32>) -> tensor<8x6x6xf32>
    %50 = linalg.batch_matmul ins(%collapsed_32, %collapsed_34 : tensor<8x6x20xf32>, tensor<8x20x6xf32>) outs(%49 : tensor<8x6x6xf32>) -> tensor<8x6x6xf32>
    %expanded_35 = tensor.expand_shape %50 [[0, 1], [2], [3]] output_shape [2, 4, 6, 6] : tensor<8x6x6xf32> into tensor<2x4x6x6xf32>
    %51 = tensor.empty() : tensor<2x4x6x6xf32>
    %52 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_35 : tensor<2x4x6x6xf32>) outs(%51 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %out: f32):
      %75 = arith.truncf %cst_2 : f64 to f32
      %76 = arith.mulf %in, %75 : f32
      linalg.yield %76 : f32
    } -> tensor<2x4x6x6xf32>
    %53 = linalg.generic {indexing_maps = [#map3, #map11, #map3], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%52, %7 : tensor<2x4x6x6xf32>, tensor<2x1x6x6xf32>) outs(%51 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_44: f32, %out: f32):
      %75 = arith.addf %in, %in_44 : f32
      linalg.yield %75 : f32
    } -> tensor<2x4x6x6xf32>
    %54 = tensor.empty() : tensor<2x4x6xi64>
    %55 = linalg.fill ins(%c0_i64 : i64) outs(%54 : tensor<2x4x6xi64>) -> tensor<2x4x6xi64>
    %56 = tensor.empty() : tensor<2x4x6xf32>
    %57 = linalg.fill ins(%cst_0 : f32) outs(%56 : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
    %58:2 = linalg.generic {indexing_maps = [#map3, #map13, #map13], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%53 : tensor<2x4x6x6xf32>) outs(%57, %55 : tensor<2x4x6xf32>, tensor<2x4x6xi64>) {
    ^bb0(%in: f32, %out: f32, %out_44: i64):
      %75 = linalg.index 3 : index
      %76 = arith.index_cast %75 : index to i64
      %77 = arith.maximumf %in, %out : f32
      %78 = arith.cmpf ogt, %in, %out : f32
      %79 = arith.select %78, %76, %out_44 : i64
      linalg.yield %77, %79 : f32, i64
    } -> (tensor<2x4x6xf32>, tensor<2x4x6xi64>)
    %expanded_36 = tensor.expand_shape %58#0 [[0], [1], [2, 3]] output_shape [2, 4, 6, 1] : tensor<2x4x6xf32> into tensor<2x4x6x1xf32>
    %59 = linalg.generic {indexing_maps = [#map3, #map2, #map3], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%53, %expanded_36 : tensor<2x4x6x6xf32>, tensor<2x4x6x1xf32>) outs(%51 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_44: f32, %out: f32):
      %75 = arith.subf %in, %in_44 : f32
      linalg.yield %75 : f32
    } -> tensor<2x4x6x6xf32>
    %60 = linalg.generic {indexing_maps = [#map3, #map3], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%59 : tensor<2x4x6x6xf32>) outs(%51 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %out: f32):
      %75 = math.exp %in : f32
      linalg.yield %75 : f32
    } -> tensor<2x4x6x6xf32>
    %61 = tensor.empty() : tensor<2x4x6x1xf32>
    %62 = linalg.fill ins(%cst : f32) outs(%61 : tensor<2x4x6x1xf32>) -> tensor<2x4x6x1xf32>
    %63 = linalg.generic {indexing_maps = [#map3, #map2], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%60 : tensor<2x4x6x6xf32>) outs(%62 : tensor<2x4x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %75 = arith.addf %in, %out : f32
      linalg.yield %75 : f32
    } -> tensor<2x4x6x1xf32>
    %64 = linalg.generic {indexing_maps = [#map3, #map2, #map3], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%60, %63 : tensor<2x4x6x6xf32>, tensor<2x4x6x1xf32>) outs(%51 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_44: f32, %out: f32):
      %75 = arith.divf %in, %in_44 : f32
      linalg.yield %75 : f32
    } -> tensor<2x4x6x6xf32>
    %collapsed_37 = tensor.collapse_shape %64 [[0, 1], [2], [3]] : tensor<2x4x6x6xf32> into tensor<8x6x6xf32>
    %collapsed_38 = tensor.collapse_shape %extracted_slice_29 [[0, 1], [2], [3]] : tensor<2x4x6x10xf32> into tensor<8x6x10xf32>
    %65 = tensor.empty() : tensor<8x6x10xf32>
    %66 = linalg.fill ins(%cst : f32) outs(%65 : tensor<8x6x10xf32>) -> tensor<8x6x10xf32>
    %67 = linalg.batch_matmul ins(%collapsed_37, %collapsed_38 : tensor<8x6x6xf32>, tensor<8x6x10xf32>) outs(%66 : tensor<8x6x10xf32>) -> tensor<8x6x10xf32>
    %expanded_39 = tensor.expand_shape %67 [[0, 1], [2], [3]] output_shape [2, 4, 6, 10] : tensor<8x6x10xf32> into tensor<2x4x6x10xf32>
    %68 = tensor.empty() : tensor<2x6x4x10xf32>
    %transposed_40 = linalg.transpose ins(%expanded_39 : tensor<2x4x6x10xf32>) outs(%68 : tensor<2x6x4x10xf32>) permutation = [0, 2, 1, 3] 
    %collapsed_41 = tensor.collapse_shape %transposed_40 [[0, 1], [2, 3]] : tensor<2x6x4x10xf32> into tensor<12x40xf32>
    %69 = tensor.empty() : tensor<40x32xf32>
    %transposed_42 = linalg.transpose ins(%arg8 : tensor<32x40xf32>) outs(%69 : tensor<40x32xf32>) permutation = [1, 0] 
    %70 = tensor.empty() : tensor<12x32xf32>
    %71 = linalg.fill ins(%cst : f32) outs(%70 : tensor<12x32xf32>) -> tensor<12x32xf32>
    %72 = linalg.matmul ins(%collapsed_41, %transposed_42 : tensor<12x40xf32>, tensor<40x32xf32>) outs(%71 : tensor<12x32xf32>) -> tensor<12x32xf32>
    %73 = linalg.generic {indexing_maps = [#map6, #map7], iterator_types = ["parallel", "parallel"]} ins(%arg9 : tensor<32xf32>) outs(%70 : tensor<12x32xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<12x32xf32>
    %74 = linalg.generic {indexing_maps = [#map7, #map7, #map7], iterator_types = ["parallel", "parallel"]} ins(%72, %73 : tensor<12x32xf32>, tensor<12x32xf32>) outs(%70 : tensor<12x32xf32>) {
    ^bb0(%in: f32, %in_44: f32, %out: f32):
      %75 = arith.addf %in, %in_44 : f32
      linalg.yield %75 : f32
    } -> tensor<12x32xf32>
    %expanded_43 = tensor.expand_shape %74 [[0, 1], [2]] output_shape [2, 6, 32] : tensor<12x32xf32> into tensor<2x6x32xf32>
    return %expanded_43 : tensor<2x6x32xf32>
  }
}
