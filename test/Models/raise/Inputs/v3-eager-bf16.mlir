#map = affine_map<(d0, d1, d2) -> (d1, d2)>
#map1 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#map2 = affine_map<(d0) -> (d0)>
#map3 = affine_map<(d0, d1, d2, d3) -> (d0, d1, 0, d3)>
#map4 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>
#map5 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#map6 = affine_map<(d0, d1, d2, d3) -> (d1, d2, d3)>
#map7 = affine_map<(d0, d1, d2, d3) -> ()>
#map8 = affine_map<(d0, d1) -> (d0, d1)>
#map9 = affine_map<(d0, d1, d2) -> (d0, d1, 0)>
#map10 = affine_map<(d0, d1, d2) -> (d2)>
#map11 = affine_map<(d0, d1, d2, d3) -> (d0, 0, d2, d3)>
#map12 = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>
#map13 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
module {
  func.func @attention(%arg0: tensor<2x6x32xbf16>, %arg1: tensor<2x6xi64>, %arg2: tensor<24x32xbf16>, %arg3: tensor<24xbf16>, %arg4: tensor<80x24xbf16>, %arg5: tensor<24x32xbf16>, %arg6: tensor<16xbf16>, %arg7: tensor<88x16xbf16>, %arg8: tensor<32x40xbf16>) -> tensor<2x6x32xbf16> {
    %c2_i64 = arith.constant 2 : i64
    %c0_i64 = arith.constant 0 : i64
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 0xFF800000 : f32
    %cst_1 = arith.constant dense<-3.389530e+38> : tensor<bf16>
    %cst_2 = arith.constant 0.22360679774997896 : f64
    %cst_3 = arith.constant 9.9999999999999995E-7 : f64
    %cst_4 = arith.constant dense<0.000000e+00> : tensor<bf16>
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
      %118 = arith.sitofp %in : i64 to f32
      linalg.yield %118 : f32
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
      %118 = math.cos %in : f32
      linalg.yield %118 : f32
    } -> tensor<2x6x8xf32>
    %10 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%concat : tensor<2x6x8xf32>) outs(%8 : tensor<2x6x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      %118 = math.sin %in : f32
      linalg.yield %118 : f32
    } -> tensor<2x6x8xf32>
    %11 = tensor.empty() : tensor<2x6x8xbf16>
    %12 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%9 : tensor<2x6x8xf32>) outs(%11 : tensor<2x6x8xbf16>) {
    ^bb0(%in: f32, %out: bf16):
      %118 = arith.truncf %in : f32 to bf16
      linalg.yield %118 : bf16
    } -> tensor<2x6x8xbf16>
    %13 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%10 : tensor<2x6x8xf32>) outs(%11 : tensor<2x6x8xbf16>) {
    ^bb0(%in: f32, %out: bf16):
      %118 = arith.truncf %in : f32 to bf16
      linalg.yield %118 : bf16
    } -> tensor<2x6x8xbf16>
    %14 = tensor.empty() : tensor<6xi64>
    %15 = linalg.generic {indexing_maps = [#map2], iterator_types = ["parallel"]} outs(%14 : tensor<6xi64>) {
    ^bb0(%out: i64):
      %118 = linalg.index 0 : index
      %119 = arith.index_cast %118 : index to i64
      linalg.yield %119 : i64
    } -> tensor<6xi64>
    %expanded_9 = tensor.expand_shape %15 [[0, 1, 2, 3]] output_shape [1, 1, 6, 1] : tensor<6xi64> into tensor<1x1x6x1xi64>
    %expanded_10 = tensor.expand_shape %15 [[0, 1, 2, 3]] output_shape [1, 1, 1, 6] : tensor<6xi64> into tensor<1x1x1x6xi64>
    %16 = tensor.empty() : tensor<1x1x6x6xi1>
    %17 = linalg.generic {indexing_maps = [#map3, #map4, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_10, %expanded_9 : tensor<1x1x1x6xi64>, tensor<1x1x6x1xi64>) outs(%16 : tensor<1x1x6x6xi1>) {
    ^bb0(%in: i64, %in_55: i64, %out: i1):
      %118 = arith.cmpi sle, %in, %in_55 : i64
      linalg.yield %118 : i1
    } -> tensor<1x1x6x6xi1>
    %18 = tensor.empty() : tensor<2x1x6x6xi1>
    %collapsed = tensor.collapse_shape %17 [[0, 1], [2], [3]] : tensor<1x1x6x6xi1> into tensor<1x6x6xi1>
    %19 = linalg.generic {indexing_maps = [#map6, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed : tensor<1x6x6xi1>) outs(%18 : tensor<2x1x6x6xi1>) {
    ^bb0(%in: i1, %out: i1):
      linalg.yield %in : i1
    } -> tensor<2x1x6x6xi1>
    %20 = tensor.empty() : tensor<2x1x6x6xbf16>
    %21 = linalg.generic {indexing_maps = [#map5, #map7, #map7, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%19, %cst_4, %cst_1 : tensor<2x1x6x6xi1>, tensor<bf16>, tensor<bf16>) outs(%20 : tensor<2x1x6x6xbf16>) {
    ^bb0(%in: i1, %in_55: bf16, %in_56: bf16, %out: bf16):
      %118 = arith.select %in, %in_55, %in_56 : bf16
      linalg.yield %118 : bf16
    } -> tensor<2x1x6x6xbf16>
    %22 = tensor.empty() : tensor<32x24xbf16>
    %transposed_11 = linalg.transpose ins(%arg2 : tensor<24x32xbf16>) outs(%22 : tensor<32x24xbf16>) permutation = [1, 0] 
    %collapsed_12 = tensor.collapse_shape %arg0 [[0, 1], [2]] : tensor<2x6x32xbf16> into tensor<12x32xbf16>
    %23 = tensor.empty() : tensor<12x24xf32>
    %24 = linalg.fill ins(%cst : f32) outs(%23 : tensor<12x24xf32>) -> tensor<12x24xf32>
    %25 = linalg.matmul ins(%collapsed_12, %transposed_11 : tensor<12x32xbf16>, tensor<32x24xbf16>) outs(%24 : tensor<12x24xf32>) -> tensor<12x24xf32>
    %26 = tensor.empty() : tensor<12x24xbf16>
    %27 = linalg.generic {indexing_maps = [#map8, #map8], iterator_types = ["parallel", "parallel"]} ins(%25 : tensor<12x24xf32>) outs(%26 : tensor<12x24xbf16>) {
    ^bb0(%in: f32, %out: bf16):
      %118 = arith.truncf %in : f32 to bf16
      linalg.yield %118 : bf16
    } -> tensor<12x24xbf16>
    %expanded_13 = tensor.expand_shape %27 [[0, 1], [2]] output_shape [2, 6, 24] : tensor<12x24xbf16> into tensor<2x6x24xbf16>
    %28 = tensor.empty() : tensor<2x6x24xf32>
    %29 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_13 : tensor<2x6x24xbf16>) outs(%28 : tensor<2x6x24xf32>) {
    ^bb0(%in: bf16, %out: f32):
      %118 = arith.extf %in : bf16 to f32
      linalg.yield %118 : f32
    } -> tensor<2x6x24xf32>
    %30 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%29 : tensor<2x6x24xf32>) outs(%28 : tensor<2x6x24xf32>) {
    ^bb0(%in: f32, %out: f32):
      %118 = math.fpowi %in, %c2_i64 : f32, i64
      linalg.yield %118 : f32
    } -> tensor<2x6x24xf32>
    %31 = tensor.empty() : tensor<2x6x1xf32>
    %32 = linalg.fill ins(%cst : f32) outs(%31 : tensor<2x6x1xf32>) -> tensor<2x6x1xf32>
    %33 = linalg.generic {indexing_maps = [#map1, #map9], iterator_types = ["parallel", "parallel", "reduction"]} ins(%30 : tensor<2x6x24xf32>) outs(%32 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %118 = arith.addf %in, %out : f32
      linalg.yield %118 : f32
    } -> tensor<2x6x1xf32>
    %34 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%33 : tensor<2x6x1xf32>) outs(%31 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %118 = arith.divf %in, %cst_6 : f32
      linalg.yield %118 : f32
    } -> tensor<2x6x1xf32>
    %35 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%34 : tensor<2x6x1xf32>) outs(%31 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %118 = arith.truncf %cst_3 : f64 to f32
      %119 = arith.addf %in, %118 : f32
      linalg.yield %119 : f32
    } -> tensor<2x6x1xf32>
    %36 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%35 : tensor<2x6x1xf32>) outs(%31 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %118 = math.rsqrt %in : f32
      linalg.yield %118 : f32
    } -> tensor<2x6x1xf32>
    %37 = linalg.generic {indexing_maps = [#map1, #map9, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%29, %36 : tensor<2x6x24xf32>, tensor<2x6x1xf32>) outs(%28 : tensor<2x6x24xf32>) {
    ^bb0(%in: f32, %in_55: f32, %out: f32):
      %118 = arith.mulf %in, %in_55 : f32
      linalg.yield %118 : f32
    } -> tensor<2x6x24xf32>
    %38 = tensor.empty() : tensor<2x6x24xbf16>
    %39 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%37 : tensor<2x6x24xf32>) outs(%38 : tensor<2x6x24xbf16>) {
    ^bb0(%in: f32, %out: bf16):
      %118 = arith.truncf %in : f32 to bf16
      linalg.yield %118 : bf16
    } -> tensor<2x6x24xbf16>
    %40 = linalg.generic {indexing_maps = [#map10, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%arg3, %39 : tensor<24xbf16>, tensor<2x6x24xbf16>) outs(%38 : tensor<2x6x24xbf16>) {
    ^bb0(%in: bf16, %in_55: bf16, %out: bf16):
      %118 = arith.mulf %in, %in_55 : bf16
      linalg.yield %118 : bf16
    } -> tensor<2x6x24xbf16>
    %41 = tensor.empty() : tensor<24x80xbf16>
    %transposed_14 = linalg.transpose ins(%arg4 : tensor<80x24xbf16>) outs(%41 : tensor<24x80xbf16>) permutation = [1, 0] 
    %collapsed_15 = tensor.collapse_shape %40 [[0, 1], [2]] : tensor<2x6x24xbf16> into tensor<12x24xbf16>
    %42 = tensor.empty() : tensor<12x80xf32>
    %43 = linalg.fill ins(%cst : f32) outs(%42 : tensor<12x80xf32>) -> tensor<12x80xf32>
    %44 = linalg.matmul ins(%collapsed_15, %transposed_14 : tensor<12x24xbf16>, tensor<24x80xbf16>) outs(%43 : tensor<12x80xf32>) -> tensor<12x80xf32>
    %45 = tensor.empty() : tensor<12x80xbf16>
    %46 = linalg.generic {indexing_maps = [#map8, #map8], iterator_types = ["parallel", "parallel"]} ins(%44 : tensor<12x80xf32>) outs(%45 : tensor<12x80xbf16>) {
    ^bb0(%in: f32, %out: bf16):
      %118 = arith.truncf %in : f32 to bf16
      linalg.yield %118 : bf16
    } -> tensor<12x80xbf16>
    %expanded_16 = tensor.expand_shape %46 [[0, 1], [2, 3]] output_shape [2, 6, 4, 20] : tensor<12x80xbf16> into tensor<2x6x4x20xbf16>
    %47 = tensor.empty() : tensor<2x4x6x20xbf16>
    %transposed_17 = linalg.transpose ins(%expanded_16 : tensor<2x6x4x20xbf16>) outs(%47 : tensor<2x4x6x20xbf16>) permutation = [0, 2, 1, 3] 
    %extracted_slice = tensor.extract_slice %transposed_17[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x20xbf16> to tensor<2x4x6x12xbf16>
    %extracted_slice_18 = tensor.extract_slice %transposed_17[0, 0, 0, 12] [2, 4, 6, 8] [1, 1, 1, 1] : tensor<2x4x6x20xbf16> to tensor<2x4x6x8xbf16>
    %transposed_19 = linalg.transpose ins(%arg5 : tensor<24x32xbf16>) outs(%22 : tensor<32x24xbf16>) permutation = [1, 0] 
    %48 = linalg.matmul ins(%collapsed_12, %transposed_19 : tensor<12x32xbf16>, tensor<32x24xbf16>) outs(%24 : tensor<12x24xf32>) -> tensor<12x24xf32>
    %49 = linalg.generic {indexing_maps = [#map8, #map8], iterator_types = ["parallel", "parallel"]} ins(%48 : tensor<12x24xf32>) outs(%26 : tensor<12x24xbf16>) {
    ^bb0(%in: f32, %out: bf16):
      %118 = arith.truncf %in : f32 to bf16
      linalg.yield %118 : bf16
    } -> tensor<12x24xbf16>
    %expanded_20 = tensor.expand_shape %49 [[0, 1], [2]] output_shape [2, 6, 24] : tensor<12x24xbf16> into tensor<2x6x24xbf16>
    %extracted_slice_21 = tensor.extract_slice %expanded_20[0, 0, 0] [2, 6, 16] [1, 1, 1] : tensor<2x6x24xbf16> to tensor<2x6x16xbf16>
    %extracted_slice_22 = tensor.extract_slice %expanded_20[0, 0, 16] [2, 6, 8] [1, 1, 1] : tensor<2x6x24xbf16> to tensor<2x6x8xbf16>
    %50 = tensor.empty() : tensor<2x6x16xf32>
    %51 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_21 : tensor<2x6x16xbf16>) outs(%50 : tensor<2x6x16xf32>) {
    ^bb0(%in: bf16, %out: f32):
      %118 = arith.extf %in : bf16 to f32
      linalg.yield %118 : f32
    } -> tensor<2x6x16xf32>
    %52 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%51 : tensor<2x6x16xf32>) outs(%50 : tensor<2x6x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %118 = math.fpowi %in, %c2_i64 : f32, i64
      linalg.yield %118 : f32
    } -> tensor<2x6x16xf32>
    %53 = linalg.generic {indexing_maps = [#map1, #map9], iterator_types = ["parallel", "parallel", "reduction"]} ins(%52 : tensor<2x6x16xf32>) outs(%32 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %118 = arith.addf %in, %out : f32
      linalg.yield %118 : f32
    } -> tensor<2x6x1xf32>
    %54 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%53 : tensor<2x6x1xf32>) outs(%31 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %118 = arith.divf %in, %cst_7 : f32
      linalg.yield %118 : f32
    } -> tensor<2x6x1xf32>
    %55 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%54 : tensor<2x6x1xf32>) outs(%31 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %118 = arith.truncf %cst_3 : f64 to f32
      %119 = arith.addf %in, %118 : f32
      linalg.yield %119 : f32
    } -> tensor<2x6x1xf32>
    %56 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%55 : tensor<2x6x1xf32>) outs(%31 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %118 = math.rsqrt %in : f32
      linalg.yield %118 : f32
    } -> tensor<2x6x1xf32>
    %57 = linalg.generic {indexing_maps = [#map1, #map9, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%51, %56 : tensor<2x6x16xf32>, tensor<2x6x1xf32>) outs(%50 : tensor<2x6x16xf32>) {
    ^bb0(%in: f32, %in_55: f32, %out: f32):
      %118 = arith.mulf %in, %in_55 : f32
      linalg.yield %118 : f32
    } -> tensor<2x6x16xf32>
    %58 = tensor.empty() : tensor<2x6x16xbf16>
    %59 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%57 : tensor<2x6x16xf32>) outs(%58 : tensor<2x6x16xbf16>) {
    ^bb0(%in: f32, %out: bf16):
      %118 = arith.truncf %in : f32 to bf16
      linalg.yield %118 : bf16
    } -> tensor<2x6x16xbf16>
    %60 = linalg.generic {indexing_maps = [#map10, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%arg6, %59 : tensor<16xbf16>, tensor<2x6x16xbf16>) outs(%58 : tensor<2x6x16xbf16>) {
    ^bb0(%in: bf16, %in_55: bf16, %out: bf16):
      %118 = arith.mulf %in, %in_55 : bf16
      linalg.yield %118 : bf16
    } -> tensor<2x6x16xbf16>
    %expanded_23 = tensor.expand_shape %extracted_slice_22 [[0], [1, 2], [3]] output_shape [2, 1, 6, 8] : tensor<2x6x8xbf16> into tensor<2x1x6x8xbf16>
    %extracted_slice_24 = tensor.extract_slice %12[0, 0, 0] [2, 6, 4] [1, 1, 1] : tensor<2x6x8xbf16> to tensor<2x6x4xbf16>
    %expanded_25 = tensor.expand_shape %extracted_slice_24 [[0], [1, 2], [3]] output_shape [2, 1, 6, 4] : tensor<2x6x4xbf16> into tensor<2x1x6x4xbf16>
    %extracted_slice_26 = tensor.extract_slice %13[0, 0, 0] [2, 6, 4] [1, 1, 1] : tensor<2x6x8xbf16> to tensor<2x6x4xbf16>
    %expanded_27 = tensor.expand_shape %extracted_slice_26 [[0], [1, 2], [3]] output_shape [2, 1, 6, 4] : tensor<2x6x4xbf16> into tensor<2x1x6x4xbf16>
    %extracted_slice_28 = tensor.extract_slice %extracted_slice_18[0, 0, 0, 0] [2, 4, 6, 4] [1, 1, 1, 2] : tensor<2x4x6x8xbf16> to tensor<2x4x6x4xbf16>
    %extracted_slice_29 = tensor.extract_slice %extracted_slice_18[0, 0, 0, 1] [2, 4, 6, 4] [1, 1, 1, 2] : tensor<2x4x6x8xbf16> to tensor<2x4x6x4xbf16>
    %extracted_slice_30 = tensor.extract_slice %expanded_23[0, 0, 0, 0] [2, 1, 6, 4] [1, 1, 1, 2] : tensor<2x1x6x8xbf16> to tensor<2x1x6x4xbf16>
    %extracted_slice_31 = tensor.extract_slice %expanded_23[0, 0, 0, 1] [2, 1, 6, 4] [1, 1, 1, 2] : tensor<2x1x6x8xbf16> to tensor<2x1x6x4xbf16>
    %61 = tensor.empty() : tensor<2x4x6x4xbf16>
    %62 = linalg.generic {indexing_maps = [#map5, #map11, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_28, %expanded_25 : tensor<2x4x6x4xbf16>, tensor<2x1x6x4xbf16>) outs(%61 : tensor<2x4x6x4xbf16>) {
    ^bb0(%in: bf16, %in_55: bf16, %out: bf16):
      %118 = arith.mulf %in, %in_55 : bf16
      linalg.yield %118 : bf16
    } -> tensor<2x4x6x4xbf16>
    %63 = linalg.generic {indexing_maps = [#map5, #map11, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_29, %expanded_27 : tensor<2x4x6x4xbf16>, tensor<2x1x6x4xbf16>) outs(%61 : tensor<2x4x6x4xbf16>) {
    ^bb0(%in: bf16, %in_55: bf16, %out: bf16):
      %118 = arith.mulf %in, %in_55 : bf16
      linalg.yield %118 : bf16
    } -> tensor<2x4x6x4xbf16>
    %64 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%62, %63 : tensor<2x4x6x4xbf16>, tensor<2x4x6x4xbf16>) outs(%61 : tensor<2x4x6x4xbf16>) {
    ^bb0(%in: bf16, %in_55: bf16, %out: bf16):
      %118 = arith.subf %in, %in_55 : bf16
      linalg.yield %118 : bf16
    } -> tensor<2x4x6x4xbf16>
    %65 = linalg.generic {indexing_maps = [#map5, #map11, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_29, %expanded_25 : tensor<2x4x6x4xbf16>, tensor<2x1x6x4xbf16>) outs(%61 : tensor<2x4x6x4xbf16>) {
    ^bb0(%in: bf16, %in_55: bf16, %out: bf16):
      %118 = arith.mulf %in, %in_55 : bf16
      linalg.yield %118 : bf16
    } -> tensor<2x4x6x4xbf16>
    %66 = linalg.generic {indexing_maps = [#map5, #map11, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_28, %expanded_27 : tensor<2x4x6x4xbf16>, tensor<2x1x6x4xbf16>) outs(%61 : tensor<2x4x6x4xbf16>) {
    ^bb0(%in: bf16, %in_55: bf16, %out: bf16):
      %118 = arith.mulf %in, %in_55 : bf16
      linalg.yield %118 : bf16
    } -> tensor<2x4x6x4xbf16>
    %67 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%65, %66 : tensor<2x4x6x4xbf16>, tensor<2x4x6x4xbf16>) outs(%61 : tensor<2x4x6x4xbf16>) {
    ^bb0(%in: bf16, %in_55: bf16, %out: bf16):
      %118 = arith.addf %in, %in_55 : bf16
      linalg.yield %118 : bf16
    } -> tensor<2x4x6x4xbf16>
    %concat_32 = tensor.concat dim(3) %64, %67 : (tensor<2x4x6x4xbf16>, tensor<2x4x6x4xbf16>) -> tensor<2x4x6x8xbf16>
    %68 = tensor.empty() : tensor<2x1x6x4xbf16>
    %69 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_30, %expanded_25 : tensor<2x1x6x4xbf16>, tensor<2x1x6x4xbf16>) outs(%68 : tensor<2x1x6x4xbf16>) {
    ^bb0(%in: bf16, %in_55: bf16, %out: bf16):
      %118 = arith.mulf %in, %in_55 : bf16
      linalg.yield %118 : bf16
    } -> tensor<2x1x6x4xbf16>
    %70 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_31, %expanded_27 : tensor<2x1x6x4xbf16>, tensor<2x1x6x4xbf16>) outs(%68 : tensor<2x1x6x4xbf16>) {
    ^bb0(%in: bf16, %in_55: bf16, %out: bf16):
      %118 = arith.mulf %in, %in_55 : bf16
      linalg.yield %118 : bf16
    } -> tensor<2x1x6x4xbf16>
    %71 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%69, %70 : tensor<2x1x6x4xbf16>, tensor<2x1x6x4xbf16>) outs(%68 : tensor<2x1x6x4xbf16>) {
    ^bb0(%in: bf16, %in_55: bf16, %out: bf16):
      %118 = arith.subf %in, %in_55 : bf16
      linalg.yield %118 : bf16
    } -> tensor<2x1x6x4xbf16>
    %72 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_31, %expanded_25 : tensor<2x1x6x4xbf16>, tensor<2x1x6x4xbf16>) outs(%68 : tensor<2x1x6x4xbf16>) {
    ^bb0(%in: bf16, %in_55: bf16, %out: bf16):
      %118 = arith.mulf %in, %in_55 : bf16
      linalg.yield %118 : bf16
    } -> tensor<2x1x6x4xbf16>
    %73 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_30, %expanded_27 : tensor<2x1x6x4xbf16>, tensor<2x1x6x4xbf16>) outs(%68 : tensor<2x1x6x4xbf16>) {
    ^bb0(%in: bf16, %in_55: bf16, %out: bf16):
      %118 = arith.mulf %in, %in_55 : bf16
      linalg.yield %118 : bf16
    } -> tensor<2x1x6x4xbf16>
    %74 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%72, %73 : tensor<2x1x6x4xbf16>, tensor<2x1x6x4xbf16>) outs(%68 : tensor<2x1x6x4xbf16>) {
    ^bb0(%in: bf16, %in_55: bf16, %out: bf16):
      %118 = arith.addf %in, %in_55 : bf16
      linalg.yield %118 : bf16
    } -> tensor<2x1x6x4xbf16>
    %concat_33 = tensor.concat dim(3) %71, %74 : (tensor<2x1x6x4xbf16>, tensor<2x1x6x4xbf16>) -> tensor<2x1x6x8xbf16>
    %concat_34 = tensor.concat dim(3) %extracted_slice, %concat_32 : (tensor<2x4x6x12xbf16>, tensor<2x4x6x8xbf16>) -> tensor<2x4x6x20xbf16>
    %75 = tensor.empty() : tensor<16x88xbf16>
    %transposed_35 = linalg.transpose ins(%arg7 : tensor<88x16xbf16>) outs(%75 : tensor<16x88xbf16>) permutation = [1, 0] 
    %collapsed_36 = tensor.collapse_shape %60 [[0, 1], [2]] : tensor<2x6x16xbf16> into tensor<12x16xbf16>
    %76 = tensor.empty() : tensor<12x88xf32>
    %77 = linalg.fill ins(%cst : f32) outs(%76 : tensor<12x88xf32>) -> tensor<12x88xf32>
    %78 = linalg.matmul ins(%collapsed_36, %transposed_35 : tensor<12x16xbf16>, tensor<16x88xbf16>) outs(%77 : tensor<12x88xf32>) -> tensor<12x88xf32>
    %79 = tensor.empty() : tensor<12x88xbf16>
    %80 = linalg.generic {indexing_maps = [#map8, #map8], iterator_types = ["parallel", "parallel"]} ins(%78 : tensor<12x88xf32>) outs(%79 : tensor<12x88xbf16>) {
    ^bb0(%in: f32, %out: bf16):
      %118 = arith.truncf %in : f32 to bf16
      linalg.yield %118 : bf16
    } -> tensor<12x88xbf16>
    %expanded_37 = tensor.expand_shape %80 [[0, 1], [2, 3]] output_shape [2, 6, 4, 22] : tensor<12x88xbf16> into tensor<2x6x4x22xbf16>
    %81 = tensor.empty() : tensor<2x4x6x22xbf16>
    %transposed_38 = linalg.transpose ins(%expanded_37 : tensor<2x6x4x22xbf16>) outs(%81 : tensor<2x4x6x22xbf16>) permutation = [0, 2, 1, 3] 
    %extracted_slice_39 = tensor.extract_slice %transposed_38[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x22xbf16> to tensor<2x4x6x12xbf16>
    %extracted_slice_40 = tensor.extract_slice %transposed_38[0, 0, 0, 12] [2, 4, 6, 10] [1, 1, 1, 1] : tensor<2x4x6x22xbf16> to tensor<2x4x6x10xbf16>
    %82 = tensor.empty() : tensor<2x4x6x8xbf16>
    %collapsed_41 = tensor.collapse_shape %concat_33 [[0, 1], [2], [3]] : tensor<2x1x6x8xbf16> into tensor<2x6x8xbf16>
    %83 = linalg.generic {indexing_maps = [#map12, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed_41 : tensor<2x6x8xbf16>) outs(%82 : tensor<2x4x6x8xbf16>) {
    ^bb0(%in: bf16, %out: bf16):
      linalg.yield %in : bf16
    } -> tensor<2x4x6x8xbf16>
    %inserted_slice = tensor.insert_slice %extracted_slice_39 into %47[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x12xbf16> into tensor<2x4x6x20xbf16>
    %inserted_slice_42 = tensor.insert_slice %83 into %inserted_slice[0, 0, 0, 12] [2, 4, 6, 8] [1, 1, 1, 1] : tensor<2x4x6x8xbf16> into tensor<2x4x6x20xbf16>
    %collapsed_43 = tensor.collapse_shape %concat_34 [[0, 1], [2], [3]] : tensor<2x4x6x20xbf16> into tensor<8x6x20xbf16>
    %84 = tensor.empty() : tensor<2x4x20x6xbf16>
    %transposed_44 = linalg.transpose ins(%inserted_slice_42 : tensor<2x4x6x20xbf16>) outs(%84 : tensor<2x4x20x6xbf16>) permutation = [0, 1, 3, 2] 
    %collapsed_45 = tensor.collapse_shape %transposed_44 [[0, 1], [2], [3]] : tensor<2x4x20x6xbf16> into tensor<8x20x6xbf16>
    %85 = tensor.empty() : tensor<8x6x6xf32>
    %86 = linalg.fill ins(%cst : f32) outs(%85 : tensor<8x6x6xf32>) -> tensor<8x6x6xf32>
    %87 = linalg.batch_matmul ins(%collapsed_43, %collapsed_45 : tensor<8x6x20xbf16>, tensor<8x20x6xbf16>) outs(%86 : tensor<8x6x6xf32>) -> tensor<8x6x6xf32>
    %88 = tensor.empty() : tensor<8x6x6xbf16>
    %89 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%87 : tensor<8x6x6xf32>) outs(%88 : tensor<8x6x6xbf16>) {
    ^bb0(%in: f32, %out: bf16):
      %118 = arith.truncf %in : f32 to bf16
      linalg.yield %118 : bf16
    } -> tensor<8x6x6xbf16>
    %expanded_46 = tensor.expand_shape %89 [[0, 1], [2], [3]] output_shape [2, 4, 6, 6] : tensor<8x6x6xbf16> into tensor<2x4x6x6xbf16>
    %90 = tensor.empty() : tensor<2x4x6x6xbf16>
    %91 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_46 : tensor<2x4x6x6xbf16>) outs(%90 : tensor<2x4x6x6xbf16>) {
    ^bb0(%in: bf16, %out: bf16):
      %118 = arith.truncf %cst_2 : f64 to bf16
      %119 = arith.mulf %in, %118 : bf16
      linalg.yield %119 : bf16
    } -> tensor<2x4x6x6xbf16>
    %92 = linalg.generic {indexing_maps = [#map5, #map11, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%91, %21 : tensor<2x4x6x6xbf16>, tensor<2x1x6x6xbf16>) outs(%90 : tensor<2x4x6x6xbf16>) {
    ^bb0(%in: bf16, %in_55: bf16, %out: bf16):
      %118 = arith.addf %in, %in_55 : bf16
      linalg.yield %118 : bf16
    } -> tensor<2x4x6x6xbf16>
    %93 = tensor.empty() : tensor<2x4x6x6xf32>
    %94 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%92 : tensor<2x4x6x6xbf16>) outs(%93 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: bf16, %out: f32):
      %118 = arith.extf %in : bf16 to f32
      linalg.yield %118 : f32
    } -> tensor<2x4x6x6xf32>
    %95 = tensor.empty() : tensor<2x4x6xi64>
    %96 = linalg.fill ins(%c0_i64 : i64) outs(%95 : tensor<2x4x6xi64>) -> tensor<2x4x6xi64>
    %97 = linalg.fill ins(%cst_0 : f32) outs(%4 : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
    %98:2 = linalg.generic {indexing_maps = [#map5, #map13, #map13], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%94 : tensor<2x4x6x6xf32>) outs(%97, %96 : tensor<2x4x6xf32>, tensor<2x4x6xi64>) {
    ^bb0(%in: f32, %out: f32, %out_55: i64):
      %118 = linalg.index 3 : index
      %119 = arith.index_cast %118 : index to i64
      %120 = arith.maximumf %in, %out : f32
      %121 = arith.cmpf ogt, %in, %out : f32
      %122 = arith.select %121, %119, %out_55 : i64
      linalg.yield %120, %122 : f32, i64
    } -> (tensor<2x4x6xf32>, tensor<2x4x6xi64>)
    %expanded_47 = tensor.expand_shape %98#0 [[0], [1], [2, 3]] output_shape [2, 4, 6, 1] : tensor<2x4x6xf32> into tensor<2x4x6x1xf32>
    %99 = linalg.generic {indexing_maps = [#map5, #map4, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%94, %expanded_47 : tensor<2x4x6x6xf32>, tensor<2x4x6x1xf32>) outs(%93 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_55: f32, %out: f32):
      %118 = arith.subf %in, %in_55 : f32
      linalg.yield %118 : f32
    } -> tensor<2x4x6x6xf32>
    %100 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%99 : tensor<2x4x6x6xf32>) outs(%93 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %out: f32):
      %118 = math.exp %in : f32
      linalg.yield %118 : f32
    } -> tensor<2x4x6x6xf32>
    %101 = tensor.empty() : tensor<2x4x6x1xf32>
    %102 = linalg.fill ins(%cst : f32) outs(%101 : tensor<2x4x6x1xf32>) -> tensor<2x4x6x1xf32>
    %103 = linalg.generic {indexing_maps = [#map5, #map4], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%100 : tensor<2x4x6x6xf32>) outs(%102 : tensor<2x4x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %118 = arith.addf %in, %out : f32
      linalg.yield %118 : f32
    } -> tensor<2x4x6x1xf32>
    %104 = linalg.generic {indexing_maps = [#map5, #map4, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%100, %103 : tensor<2x4x6x6xf32>, tensor<2x4x6x1xf32>) outs(%93 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_55: f32, %out: f32):
      %118 = arith.divf %in, %in_55 : f32
      linalg.yield %118 : f32
    } -> tensor<2x4x6x6xf32>
    %105 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%104 : tensor<2x4x6x6xf32>) outs(%90 : tensor<2x4x6x6xbf16>) {
    ^bb0(%in: f32, %out: bf16):
      %118 = arith.truncf %in : f32 to bf16
      linalg.yield %118 : bf16
    } -> tensor<2x4x6x6xbf16>
    %collapsed_48 = tensor.collapse_shape %105 [[0, 1], [2], [3]] : tensor<2x4x6x6xbf16> into tensor<8x6x6xbf16>
    %collapsed_49 = tensor.collapse_shape %extracted_slice_40 [[0, 1], [2], [3]] : tensor<2x4x6x10xbf16> into tensor<8x6x10xbf16>
    %106 = tensor.empty() : tensor<8x6x10xf32>
    %107 = linalg.fill ins(%cst : f32) outs(%106 : tensor<8x6x10xf32>) -> tensor<8x6x10xf32>
    %108 = linalg.batch_matmul ins(%collapsed_48, %collapsed_49 : tensor<8x6x6xbf16>, tensor<8x6x10xbf16>) outs(%107 : tensor<8x6x10xf32>) -> tensor<8x6x10xf32>
    %109 = tensor.empty() : tensor<8x6x10xbf16>
    %110 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%108 : tensor<8x6x10xf32>) outs(%109 : tensor<8x6x10xbf16>) {
    ^bb0(%in: f32, %out: bf16):
      %118 = arith.truncf %in : f32 to bf16
      linalg.yield %118 : bf16
    } -> tensor<8x6x10xbf16>
    %expanded_50 = tensor.expand_shape %110 [[0, 1], [2], [3]] output_shape [2, 4, 6, 10] : tensor<8x6x10xbf16> into tensor<2x4x6x10xbf16>
    %111 = tensor.empty() : tensor<2x6x4x10xbf16>
    %transposed_51 = linalg.transpose ins(%expanded_50 : tensor<2x4x6x10xbf16>) outs(%111 : tensor<2x6x4x10xbf16>) permutation = [0, 2, 1, 3] 
    %112 = tensor.empty() : tensor<40x32xbf16>
    %transposed_52 = linalg.transpose ins(%arg8 : tensor<32x40xbf16>) outs(%112 : tensor<40x32xbf16>) permutation = [1, 0] 
    %collapsed_53 = tensor.collapse_shape %transposed_51 [[0, 1], [2, 3]] : tensor<2x6x4x10xbf16> into tensor<12x40xbf16>
    %113 = tensor.empty() : tensor<12x32xf32>
    %114 = linalg.fill ins(%cst : f32) outs(%113 : tensor<12x32xf32>) -> tensor<12x32xf32>
    %115 = linalg.matmul ins(%collapsed_53, %transposed_52 : tensor<12x40xbf16>, tensor<40x32xbf16>) outs(%114 : tensor<12x32xf32>) -> tensor<12x32xf32>
    %116 = tensor.empty() : tensor<12x32xbf16>
    %117 = linalg.generic {indexing_maps = [#map8, #map8], iterator_types = ["parallel", "parallel"]} ins(%115 : tensor<12x32xf32>) outs(%116 : tensor<12x32xbf16>) {
    ^bb0(%in: f32, %out: bf16):
      %118 = arith.truncf %in : f32 to bf16
      linalg.yield %118 : bf16
    } -> tensor<12x32xbf16>
    %expanded_54 = tensor.expand_shape %117 [[0, 1], [2]] output_shape [2, 6, 32] : tensor<12x32xbf16> into tensor<2x6x32xbf16>
    return %expanded_54 : tensor<2x6x32xbf16>
  }
}

{-#
  dialect_resources: {
    builtin: {
      torch_tensor_4_torch.float32: "0x040000000000803FCDCCCC3D0AD7233C6F12833A"
    }
  }
#-}
