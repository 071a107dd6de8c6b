#map = affine_map<(d0, d1, d2) -> (d1, d2)>
#map1 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#map2 = affine_map<(d0, d1, d2) -> (d0, d1, 0)>
#map3 = affine_map<(d0, d1, d2) -> (d2)>
#map4 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#map5 = affine_map<(d0, d1, d2, d3) -> (d0, 0, d2, d3)>
#map6 = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3)>
#map7 = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3, d4)>
#map8 = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>
#map9 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
#map10 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>
module {
  func.func @attention(%arg0: tensor<2x6x32xf32>, %arg1: tensor<2x6xi64>, %arg2: tensor<2x1x6x6xf32>, %arg3: tensor<80x32xf32>, %arg4: tensor<24x32xf32>, %arg5: tensor<16xf32>, %arg6: tensor<88x16xf32>, %arg7: tensor<32x40xf32>) -> tensor<2x6x32xf32> {
    %c2_i64 = arith.constant 2 : i64
    %c0_i64 = arith.constant 0 : i64
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 0xFF800000 : f32
    %true = arith.constant true
    %cst_1 = arith.constant dense<0.000000e+00> : tensor<2x4x6x6xf32>
    %cst_2 = arith.constant dense<1.000000e+00> : tensor<2x6x4xf32>
    %cst_3 = arith.constant 0xFFF0000000000000 : f64
    %cst_4 = arith.constant 0.47287080450158792 : f64
    %cst_5 = arith.constant 9.9999999999999995E-7 : f64
    %cst_6 = arith.constant dense_resource<torch_tensor_4_torch.float32> : tensor<4xf32>
    %cst_7 = arith.constant 1.600000e+01 : f32
    %0 = tensor.empty() : tensor<2x4x1xf32>
    %expanded = tensor.expand_shape %cst_6 [[0, 1]] output_shape [4, 1] : tensor<4xf32> into tensor<4x1xf32>
    %1 = linalg.generic {indexing_maps = [#map, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded : tensor<4x1xf32>) outs(%0 : tensor<2x4x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x4x1xf32>
    %expanded_8 = tensor.expand_shape %arg1 [[0], [1, 2]] output_shape [2, 1, 6] : tensor<2x6xi64> into tensor<2x1x6xi64>
    %2 = tensor.empty() : tensor<2x1x6xf32>
    %3 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_8 : tensor<2x1x6xi64>) outs(%2 : tensor<2x1x6xf32>) {
    ^bb0(%in: i64, %out: f32):
      %78 = arith.sitofp %in : i64 to f32
      linalg.yield %78 : f32
    } -> tensor<2x1x6xf32>
    %4 = tensor.empty() : tensor<2x4x6xf32>
    %5 = linalg.fill ins(%cst : f32) outs(%4 : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
    %6 = linalg.batch_matmul ins(%1, %3 : tensor<2x4x1xf32>, tensor<2x1x6xf32>) outs(%5 : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
    %7 = tensor.empty() : tensor<2x6x4xf32>
    %transposed = linalg.transpose ins(%6 : tensor<2x4x6xf32>) outs(%7 : tensor<2x6x4xf32>) permutation = [0, 2, 1] 
    %8 = tensor.empty() : tensor<2x6x4xcomplex<f32>>
    %9 = linalg.generic {indexing_maps = [#map1, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_2, %transposed : tensor<2x6x4xf32>, tensor<2x6x4xf32>) outs(%8 : tensor<2x6x4xcomplex<f32>>) {
    ^bb0(%in: f32, %in_41: f32, %out: complex<f32>):
      %78 = math.cos %in_41 : f32
      %79 = math.sin %in_41 : f32
      %80 = arith.mulf %in, %78 : f32
      %81 = arith.mulf %in, %79 : f32
      %82 = complex.create %80, %81 : complex<f32>
      linalg.yield %82 : complex<f32>
    } -> tensor<2x6x4xcomplex<f32>>
    %10 = tensor.empty() : tensor<32x80xf32>
    %transposed_9 = linalg.transpose ins(%arg3 : tensor<80x32xf32>) outs(%10 : tensor<32x80xf32>) permutation = [1, 0] 
    %collapsed = tensor.collapse_shape %arg0 [[0, 1], [2]] : tensor<2x6x32xf32> into tensor<12x32xf32>
    %11 = tensor.empty() : tensor<12x80xf32>
    %12 = linalg.fill ins(%cst : f32) outs(%11 : tensor<12x80xf32>) -> tensor<12x80xf32>
    %13 = linalg.matmul ins(%collapsed, %transposed_9 : tensor<12x32xf32>, tensor<32x80xf32>) outs(%12 : tensor<12x80xf32>) -> tensor<12x80xf32>
    %expanded_10 = tensor.expand_shape %13 [[0, 1], [2, 3]] output_shape [2, 6, 4, 20] : tensor<12x80xf32> into tensor<2x6x4x20xf32>
    %14 = tensor.empty() : tensor<2x4x6x20xf32>
    %transposed_11 = linalg.transpose ins(%expanded_10 : tensor<2x6x4x20xf32>) outs(%14 : tensor<2x4x6x20xf32>) permutation = [0, 2, 1, 3] 
    %extracted_slice = tensor.extract_slice %transposed_11[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x20xf32> to tensor<2x4x6x12xf32>
    %extracted_slice_12 = tensor.extract_slice %transposed_11[0, 0, 0, 12] [2, 4, 6, 8] [1, 1, 1, 1] : tensor<2x4x6x20xf32> to tensor<2x4x6x8xf32>
    %15 = tensor.empty() : tensor<32x24xf32>
    %transposed_13 = linalg.transpose ins(%arg4 : tensor<24x32xf32>) outs(%15 : tensor<32x24xf32>) permutation = [1, 0] 
    %16 = tensor.empty() : tensor<12x24xf32>
    %17 = linalg.fill ins(%cst : f32) outs(%16 : tensor<12x24xf32>) -> tensor<12x24xf32>
    %18 = linalg.matmul ins(%collapsed, %transposed_13 : tensor<12x32xf32>, tensor<32x24xf32>) outs(%17 : tensor<12x24xf32>) -> tensor<12x24xf32>
    %expanded_14 = tensor.expand_shape %18 [[0, 1], [2]] output_shape [2, 6, 24] : tensor<12x24xf32> into tensor<2x6x24xf32>
    %extracted_slice_15 = tensor.extract_slice %expanded_14[0, 0, 0] [2, 6, 16] [1, 1, 1] : tensor<2x6x24xf32> to tensor<2x6x16xf32>
    %extracted_slice_16 = tensor.extract_slice %expanded_14[0, 0, 16] [2, 6, 8] [1, 1, 1] : tensor<2x6x24xf32> to tensor<2x6x8xf32>
    %19 = tensor.empty() : tensor<2x6x16xf32>
    %20 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_15 : tensor<2x6x16xf32>) outs(%19 : tensor<2x6x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %78 = math.fpowi %in, %c2_i64 : f32, i64
      linalg.yield %78 : f32
    } -> tensor<2x6x16xf32>
    %21 = tensor.empty() : tensor<2x6x1xf32>
    %22 = linalg.fill ins(%cst : f32) outs(%21 : tensor<2x6x1xf32>) -> tensor<2x6x1xf32>
    %23 = linalg.generic {indexing_maps = [#map1, #map2], iterator_types = ["parallel", "parallel", "reduction"]} ins(%20 : tensor<2x6x16xf32>) outs(%22 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %78 = arith.addf %in, %out : f32
      linalg.yield %78 : f32
    } -> tensor<2x6x1xf32>
    %24 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%23 : tensor<2x6x1xf32>) outs(%21 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %78 = arith.divf %in, %cst_7 : f32
      linalg.yield %78 : f32
    } -> tensor<2x6x1xf32>
    %25 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%24 : tensor<2x6x1xf32>) outs(%21 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %78 = arith.truncf %cst_5 : f64 to f32
      %79 = arith.addf %in, %78 : f32
      linalg.yield %79 : f32
    } -> tensor<2x6x1xf32>
    %26 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%25 : tensor<2x6x1xf32>) outs(%21 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %78 = math.rsqrt %in : f32
      linalg.yield %78 : f32
    } -> tensor<2x6x1xf32>
    %27 = linalg.generic {indexing_maps = [#map1, #map2, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_15, %26 : tensor<2x6x16xf32>, tensor<2x6x1xf32>) outs(%19 : tensor<2x6x16xf32>) {
    ^bb0(%in: f32, %in_41: f32, %out: f32):
      %78 = arith.mulf %in, %in_41 : f32
      linalg.yield %78 : f32
    } -> tensor<2x6x16xf32>
    %28 = linalg.generic {indexing_maps = [#map3, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%arg5, %27 : tensor<16xf32>, tensor<2x6x16xf32>) outs(%19 : tensor<2x6x16xf32>) {
    ^bb0(%in: f32, %in_41: f32, %out: f32):
      %78 = arith.mulf %in, %in_41 : f32
      linalg.yield %78 : f32
    } -> tensor<2x6x16xf32>
    %expanded_17 = tensor.expand_shape %extracted_slice_12 [[0], [1], [2], [3, 4]] output_shape [2, 4, 6, 4, 2] : tensor<2x4x6x8xf32> into tensor<2x4x6x4x2xf32>
    %29 = tensor.empty() : tensor<2x4x6x4xcomplex<f32>>
    %30 = linalg.generic {indexing_maps = [#map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} outs(%29 : tensor<2x4x6x4xcomplex<f32>>) {
    ^bb0(%out: complex<f32>):
      %78 = linalg.index 0 : index
      %79 = linalg.index 1 : index
      %80 = linalg.index 2 : index
      %81 = linalg.index 3 : index
      %extracted = tensor.extract %expanded_17[%78, %79, %80, %81, %c0] : tensor<2x4x6x4x2xf32>
      %extracted_41 = tensor.extract %expanded_17[%78, %79, %80, %81, %c1] : tensor<2x4x6x4x2xf32>
      %82 = complex.create %extracted, %extracted_41 : complex<f32>
      linalg.yield %82 : complex<f32>
    } -> tensor<2x4x6x4xcomplex<f32>>
    %expanded_18 = tensor.expand_shape %extracted_slice_16 [[0], [1, 2], [3, 4]] output_shape [2, 1, 6, 4, 2] : tensor<2x6x8xf32> into tensor<2x1x6x4x2xf32>
    %31 = tensor.empty() : tensor<2x1x6x4xcomplex<f32>>
    %32 = linalg.generic {indexing_maps = [#map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} outs(%31 : tensor<2x1x6x4xcomplex<f32>>) {
    ^bb0(%out: complex<f32>):
      %78 = linalg.index 0 : index
      %79 = linalg.index 2 : index
      %80 = linalg.index 3 : index
      %extracted = tensor.extract %expanded_18[%78, %c0, %79, %80, %c0] : tensor<2x1x6x4x2xf32>
      %extracted_41 = tensor.extract %expanded_18[%78, %c0, %79, %80, %c1] : tensor<2x1x6x4x2xf32>
      %81 = complex.create %extracted, %extracted_41 : complex<f32>
      linalg.yield %81 : complex<f32>
    } -> tensor<2x1x6x4xcomplex<f32>>
    %expanded_19 = tensor.expand_shape %9 [[0], [1, 2], [3]] output_shape [2, 1, 6, 4] : tensor<2x6x4xcomplex<f32>> into tensor<2x1x6x4xcomplex<f32>>
    %33 = linalg.generic {indexing_maps = [#map4, #map5, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%30, %expanded_19 : tensor<2x4x6x4xcomplex<f32>>, tensor<2x1x6x4xcomplex<f32>>) outs(%29 : tensor<2x4x6x4xcomplex<f32>>) {
    ^bb0(%in: complex<f32>, %in_41: complex<f32>, %out: complex<f32>):
      %78 = complex.mul %in, %in_41 : complex<f32>
      linalg.yield %78 : complex<f32>
    } -> tensor<2x4x6x4xcomplex<f32>>
    %34 = tensor.empty() : tensor<2x4x6x4x2xf32>
    %35 = linalg.generic {indexing_maps = [#map6, #map7], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]} ins(%33 : tensor<2x4x6x4xcomplex<f32>>) outs(%34 : tensor<2x4x6x4x2xf32>) {
    ^bb0(%in: complex<f32>, %out: f32):
      %78 = complex.re %in : complex<f32>
      %79 = complex.im %in : complex<f32>
      %80 = linalg.index 4 : index
      %81 = arith.cmpi eq, %80, %c0 : index
      %82 = arith.select %81, %78, %79 : f32
      linalg.yield %82 : f32
    } -> tensor<2x4x6x4x2xf32>
    %collapsed_20 = tensor.collapse_shape %35 [[0], [1], [2], [3, 4]] : tensor<2x4x6x4x2xf32> into tensor<2x4x6x8xf32>
    %36 = linalg.generic {indexing_maps = [#map4, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%32, %expanded_19 : tensor<2x1x6x4xcomplex<f32>>, tensor<2x1x6x4xcomplex<f32>>) outs(%31 : tensor<2x1x6x4xcomplex<f32>>) {
    ^bb0(%in: complex<f32>, %in_41: complex<f32>, %out: complex<f32>):
      %78 = complex.mul %in, %in_41 : complex<f32>
      linalg.yield %78 : complex<f32>
    } -> tensor<2x1x6x4xcomplex<f32>>
    %37 = tensor.empty() : tensor<2x1x6x4x2xf32>
    %38 = linalg.generic {indexing_maps = [#map6, #map7], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]} ins(%36 : tensor<2x1x6x4xcomplex<f32>>) outs(%37 : tensor<2x1x6x4x2xf32>) {
    ^bb0(%in: complex<f32>, %out: f32):
      %78 = complex.re %in : complex<f32>
      %79 = complex.im %in : complex<f32>
      %80 = linalg.index 4 : index
      %81 = arith.cmpi eq, %80, %c0 : index
      %82 = arith.select %81, %78, %79 : f32
      linalg.yield %82 : f32
    } -> tensor<2x1x6x4x2xf32>
    %concat = tensor.concat dim(3) %extracted_slice, %collapsed_20 : (tensor<2x4x6x12xf32>, tensor<2x4x6x8xf32>) -> tensor<2x4x6x20xf32>
    %39 = tensor.empty() : tensor<16x88xf32>
    %transposed_21 = linalg.transpose ins(%arg6 : tensor<88x16xf32>) outs(%39 : tensor<16x88xf32>) permutation = [1, 0] 
    %collapsed_22 = tensor.collapse_shape %28 [[0, 1], [2]] : tensor<2x6x16xf32> into tensor<12x16xf32>
    %40 = tensor.empty() : tensor<12x88xf32>
    %41 = linalg.fill ins(%cst : f32) outs(%40 : tensor<12x88xf32>) -> tensor<12x88xf32>
    %42 = linalg.matmul ins(%collapsed_22, %transposed_21 : tensor<12x16xf32>, tensor<16x88xf32>) outs(%41 : tensor<12x88xf32>) -> tensor<12x88xf32>
    %expanded_23 = tensor.expand_shape %42 [[0, 1], [2, 3]] output_shape [2, 6, 4, 22] : tensor<12x88xf32> into tensor<2x6x4x22xf32>
    %43 = tensor.empty() : tensor<2x4x6x22xf32>
    %transposed_24 = linalg.transpose ins(%expanded_23 : tensor<2x6x4x22xf32>) outs(%43 : tensor<2x4x6x22xf32>) permutation = [0, 2, 1, 3] 
    %extracted_slice_25 = tensor.extract_slice %transposed_24[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x22xf32> to tensor<2x4x6x12xf32>
    %extracted_slice_26 = tensor.extract_slice %transposed_24[0, 0, 0, 12] [2, 4, 6, 10] [1, 1, 1, 1] : tensor<2x4x6x22xf32> to tensor<2x4x6x10xf32>
    %44 = tensor.empty() : tensor<2x4x6x8xf32>
    %collapsed_27 = tensor.collapse_shape %38 [[0, 1], [2], [3, 4]] : tensor<2x1x6x4x2xf32> into tensor<2x6x8xf32>
    %45 = linalg.generic {indexing_maps = [#map8, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed_27 : tensor<2x6x8xf32>) outs(%44 : tensor<2x4x6x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x4x6x8xf32>
    %inserted_slice = tensor.insert_slice %extracted_slice_25 into %14[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x12xf32> into tensor<2x4x6x20xf32>
    %inserted_slice_28 = tensor.insert_slice %45 into %inserted_slice[0, 0, 0, 12] [2, 4, 6, 8] [1, 1, 1, 1] : tensor<2x4x6x8xf32> into tensor<2x4x6x20xf32>
    %46 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%concat : tensor<2x4x6x20xf32>) outs(%14 : tensor<2x4x6x20xf32>) {
    ^bb0(%in: f32, %out: f32):
      %78 = arith.truncf %cst_4 : f64 to f32
      %79 = arith.mulf %in, %78 : f32
      linalg.yield %79 : f32
    } -> tensor<2x4x6x20xf32>
    %47 = tensor.empty() : tensor<2x4x20x6xf32>
    %transposed_29 = linalg.transpose ins(%inserted_slice_28 : tensor<2x4x6x20xf32>) outs(%47 : tensor<2x4x20x6xf32>) permutation = [0, 1, 3, 2] 
    %48 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%transposed_29 : tensor<2x4x20x6xf32>) outs(%47 : tensor<2x4x20x6xf32>) {
    ^bb0(%in: f32, %out: f32):
      %78 = arith.truncf %cst_4 : f64 to f32
      %79 = arith.mulf %in, %78 : f32
      linalg.yield %79 : f32
    } -> tensor<2x4x20x6xf32>
    %collapsed_30 = tensor.collapse_shape %46 [[0, 1], [2], [3]] : tensor<2x4x6x20xf32> into tensor<8x6x20xf32>
    %collapsed_31 = tensor.collapse_shape %48 [[0, 1], [2], [3]] : tensor<2x4x20x6xf32> into tensor<8x20x6xf32>
    %49 = tensor.empty() : tensor<8x6x6xf32>
    %50 = linalg.fill ins(%cst : f32) outs(%49 : tensor<8x6x6xf32>) -> tensor<8x6x6xf32>
    %51 = linalg.batch_matmul ins(%collapsed_30, %collapsed_31 : tensor<8x6x20xf32>, tensor<8x20x6xf32>) outs(%50 : tensor<8x6x6xf32>) -> tensor<8x6x6xf32>
    %expanded_32 = tensor.expand_shape %51 [[0, 1], [2], [3]] output_shape [2, 4, 6, 6] : tensor<8x6x6xf32> into tensor<2x4x6x6xf32>
    %52 = tensor.empty() : tensor<2x4x6x6xf32>
    %53 = linalg.generic {indexing_maps = [#map4, #map5, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_32, %arg2 : tensor<2x4x6x6xf32>, tensor<2x1x6x6xf32>) outs(%52 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_41: f32, %out: f32):
      %78 = arith.addf %in, %in_41 : f32
      linalg.yield %78 : f32
    } -> tensor<2x4x6x6xf32>
    %54 = tensor.empty() : tensor<2x4x6xi64>
    %55 = linalg.fill ins(%c0_i64 : i64) outs(%54 : tensor<2x4x6xi64>) -> tensor<2x4x6xi64>
    %56 = linalg.fill ins(%cst_0 : f32) outs(%4 : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
    %57:2 = linalg.generic {indexing_maps = [#map4, #map9, #map9], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%53 : tensor<2x4x6x6xf32>) outs(%56, %55 : tensor<2x4x6xf32>, tensor<2x4x6xi64>) {
    ^bb0(%in: f32, %out: f32, %out_41: i64):
      %78 = linalg.index 3 : index
      %79 = arith.index_cast %78 : index to i64
      %80 = arith.maximumf %in, %out : f32
      %81 = arith.cmpf ogt, %in, %out : f32
      %82 = arith.select %81, %79, %out_41 : i64
      linalg.yield %80, %82 : f32, i64
    } -> (tensor<2x4x6xf32>, tensor<2x4x6xi64>)
    %expanded_33 = tensor.expand_shape %57#0 [[0], [1], [2, 3]] output_shape [2, 4, 6, 1] : tensor<2x4x6xf32> into tensor<2x4x6x1xf32>
    %58 = linalg.generic {indexing_maps = [#map4, #map10, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%53, %expanded_33 : tensor<2x4x6x6xf32>, tensor<2x4x6x1xf32>) outs(%52 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_41: f32, %out: f32):
      %78 = arith.subf %in, %in_41 : f32
      linalg.yield %78 : f32
    } -> tensor<2x4x6x6xf32>
    %59 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%58 : tensor<2x4x6x6xf32>) outs(%52 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %out: f32):
      %78 = math.exp %in : f32
      linalg.yield %78 : f32
    } -> tensor<2x4x6x6xf32>
    %60 = tensor.empty() : tensor<2x4x6x1xf32>
    %61 = linalg.fill ins(%cst : f32) outs(%60 : tensor<2x4x6x1xf32>) -> tensor<2x4x6x1xf32>
    %62 = linalg.generic {indexing_maps = [#map4, #map10], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%59 : tensor<2x4x6x6xf32>) outs(%61 : tensor<2x4x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %78 = arith.addf %in, %out : f32
      linalg.yield %78 : f32
    } -> tensor<2x4x6x1xf32>
    %63 = linalg.generic {indexing_maps = [#map4, #map10, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%59, %62 : tensor<2x4x6x6xf32>, tensor<2x4x6x1xf32>) outs(%52 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_41: f32, %out: f32):
      %78 = arith.divf %in, %in_41 : f32
      linalg.yield %78 : f32
    } -> tensor<2x4x6x6xf32>
    %64 = tensor.empty() : tensor<2x4x6x6xi1>
    %65 = linalg.generic {indexing_maps = [#map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%53 : tensor<2x4x6x6xf32>) outs(%64 : tensor<2x4x6x6xi1>) {
    ^bb0(%in: f32, %out: i1):
      %78 = arith.extf %in : f32 to f64
      %79 = arith.cmpf oeq, %78, %cst_3 : f64
      linalg.yield %79 : i1
    } -> tensor<2x4x6x6xi1>
    %66 = tensor.empty() : tensor<2x4x6x1xi1>
    %67 = linalg.fill ins(%true : i1) outs(%66 : tensor<2x4x6x1xi1>) -> tensor<2x4x6x1xi1>
    %68 = linalg.generic {indexing_maps = [#map4, #map10], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%65 : tensor<2x4x6x6xi1>) outs(%67 : tensor<2x4x6x1xi1>) {
    ^bb0(%in: i1, %out: i1):
      %78 = arith.andi %in, %out : i1
      linalg.yield %78 : i1
    } -> tensor<2x4x6x1xi1>
    %69 = linalg.generic {indexing_maps = [#map10, #map4, #map4, #map4], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%68, %cst_1, %63 : tensor<2x4x6x1xi1>, tensor<2x4x6x6xf32>, tensor<2x4x6x6xf32>) outs(%52 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: i1, %in_41: f32, %in_42: f32, %out: f32):
      %78 = arith.select %in, %in_41, %in_42 : f32
      linalg.yield %78 : f32
    } -> tensor<2x4x6x6xf32>
    %collapsed_34 = tensor.collapse_shape %69 [[0, 1], [2], [3]] : tensor<2x4x6x6xf32> into tensor<8x6x6xf32>
    %collapsed_35 = tensor.collapse_shape %extracted_slice_26 [[0, 1], [2], [3]] : tensor<2x4x6x10xf32> into tensor<8x6x10xf32>
    %70 = tensor.empty() : tensor<8x6x10xf32>
    %71 = linalg.fill ins(%cst : f32) outs(%70 : tensor<8x6x10xf32>) -> tensor<8x6x10xf32>
    %72 = linalg.batch_matmul ins(%collapsed_34, %collapsed_35 : tensor<8x6x6xf32>, tensor<8x6x10xf32>) outs(%71 : tensor<8x6x10xf32>) -> tensor<8x6x10xf32>
    %expanded_36 = tensor.expand_shape %72 [[0, 1], [2], [3]] output_shape [2, 4, 6, 10] : tensor<8x6x10xf32> into tensor<2x4x6x10xf32>
    %73 = tensor.empty() : tensor<2x6x4x10xf32>
    %transposed_37 = linalg.transpose ins(%expanded_36 : tensor<2x4x6x10xf32>) outs(%73 : tensor<2x6x4x10xf32>) permutation = [0, 2, 1, 3] 
    %74 = tensor.empty() : tensor<40x32xf32>
    %transposed_38 = linalg.transpose ins(%arg7 : tensor<32x40xf32>) outs(%74 : tensor<40x32xf32>) permutation = [1, 0] 
    %collapsed_39 = tensor.collapse_shape %transposed_37 [[0, 1], [2, 3]] : tensor<2x6x4x10xf32> into tensor<12x40xf32>
    %75 = tensor.empty() : tensor<12x32xf32>
    %76 = linalg.fill ins(%cst : f32) outs(%75 : tensor<12x32xf32>) -> tensor<12x32xf32>
    %77 = linalg.matmul ins(%collapsed_39, %transposed_38 : tensor<12x40xf32>, tensor<40x32xf32>) outs(%76 : tensor<12x32xf32>) -> tensor<12x32xf32>
    %expanded_40 = tensor.expand_shape %77 [[0, 1], [2]] output_shape [2, 6, 32] : tensor<12x32xf32> into tensor<2x6x32xf32>
    return %expanded_40 : tensor<2x6x32xf32>
  }
}

{-#
  dialect_resources: {
    builtin: {
      torch_tensor_4_torch.float32: "0x040000000000803FCDCCCC3D0AD7233C6F12833A"
    }
  }
#-}
