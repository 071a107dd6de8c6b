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
#map11 = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3)>
#map12 = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3, d4)>
#map13 = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>
#map14 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
module {
  func.func @attention(%arg0: tensor<2x6x32xf32>, %arg1: tensor<2x6xi64>, %arg2: tensor<80x32xf32>, %arg3: tensor<24x32xf32>, %arg4: tensor<16xf32>, %arg5: tensor<88x16xf32>, %arg6: tensor<32x40xf32>) -> tensor<2x6x32xf32> {
    %c2_i64 = arith.constant 2 : i64
    %c0_i64 = arith.constant 0 : i64
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 0xFF800000 : f32
    %cst_1 = arith.constant dense<-3.40282347E+38> : tensor<f32>
    %cst_2 = arith.constant dense<1.000000e+00> : tensor<2x6x4xf32>
    %cst_3 = arith.constant 0.22360679774997896 : f64
    %cst_4 = arith.constant 9.9999999999999995E-7 : f64
    %cst_5 = arith.constant dense<0.000000e+00> : tensor<f32>
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
      %79 = arith.sitofp %in : i64 to f32
      linalg.yield %79 : f32
    } -> tensor<2x1x6xf32>
    %4 = tensor.empty() : tensor<2x4x6xf32>
    %5 = linalg.fill ins(%cst : f32) outs(%4 : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
    %6 = linalg.batch_matmul ins(%1, %3 : tensor<2x4x1xf32>, tensor<2x1x6xf32>) outs(%5 : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
    %7 = tensor.empty() : tensor<2x6x4xf32>
    %transposed = linalg.transpose ins(%6 : tensor<2x4x6xf32>) outs(%7 : tensor<2x6x4xf32>) permutation = [0, 2, 1] 
    %8 = tensor.empty() : tensor<2x6x4xcomplex<f32>>
    %9 = linalg.generic {indexing_maps = [#map1, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_2, %transposed : tensor<2x6x4xf32>, tensor<2x6x4xf32>) outs(%8 : tensor<2x6x4xcomplex<f32>>) {
    ^bb0(%in: f32, %in_44: f32, %out: complex<f32>):
      %79 = math.cos %in_44 : f32
      %80 = math.sin %in_44 : f32
      %81 = arith.mulf %in, %79 : f32
      %82 = arith.mulf %in, %80 : f32
      %83 = complex.create %81, %82 : complex<f32>
      linalg.yield %83 : complex<f32>
    } -> tensor<2x6x4xcomplex<f32>>
    %10 = tensor.empty() : tensor<6xi64>
    %11 = linalg.generic {indexing_maps = [#map2], iterator_types = ["parallel"]} outs(%10 : tensor<6xi64>) {
    ^bb0(%out: i64):
      %79 = linalg.index 0 : index
      %80 = arith.index_cast %79 : index to i64
      linalg.yield %80 : i64
    } -> tensor<6xi64>
    %expanded_9 = tensor.expand_shape %11 [[0, 1, 2, 3]] output_shape [1, 1, 6, 1] : tensor<6xi64> into tensor<1x1x6x1xi64>
    %expanded_10 = tensor.expand_shape %11 [[0, 1, 2, 3]] output_shape [1, 1, 1, 6] : tensor<6xi64> into tensor<1x1x1x6xi64>
    %12 = tensor.empty() : tensor<1x1x6x6xi1>
    %13 = linalg.generic {indexing_maps = [#map3, #map4, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_10, %expanded_9 : tensor<1x1x1x6xi64>, tensor<1x1x6x1xi64>) outs(%12 : tensor<1x1x6x6xi1>) {
    ^bb0(%in: i64, %in_44: i64, %out: i1):
      %79 = arith.cmpi sle, %in, %in_44 : i64
      linalg.yield %79 : i1
    } -> tensor<1x1x6x6xi1>
    %14 = tensor.empty() : tensor<2x1x6x6xi1>
    %collapsed = tensor.collapse_shape %13 [[0, 1], [2], [3]] : tensor<1x1x6x6xi1> into tensor<1x6x6xi1>
    %15 = linalg.generic {indexing_maps = [#map6, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed : tensor<1x6x6xi1>) outs(%14 : tensor<2x1x6x6xi1>) {
    ^bb0(%in: i1, %out: i1):
      linalg.yield %in : i1
    } -> tensor<2x1x6x6xi1>
    %16 = tensor.empty() : tensor<2x1x6x6xf32>
    %17 = linalg.generic {indexing_maps = [#map5, #map7, #map7, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%15, %cst_5, %cst_1 : tensor<2x1x6x6xi1>, tensor<f32>, tensor<f32>) outs(%16 : tensor<2x1x6x6xf32>) {
    ^bb0(%in: i1, %in_44: f32, %in_45: f32, %out: f32):
      %79 = arith.select %in, %in_44, %in_45 : f32
      linalg.yield %79 : f32
    } -> tensor<2x1x6x6xf32>
    %18 = tensor.empty() : tensor<32x80xf32>
    %transposed_11 = linalg.transpose ins(%arg2 : tensor<80x32xf32>) outs(%18 : tensor<32x80xf32>) permutation = [1, 0] 
    %collapsed_12 = tensor.collapse_shape %arg0 [[0, 1], [2]] : tensor<2x6x32xf32> into tensor<12x32xf32>
    %19 = tensor.empty() : tensor<12x80xf32>
    %20 = linalg.fill ins(%cst : f32) outs(%19 : tensor<12x80xf32>) -> tensor<12x80xf32>
    %21 = linalg.matmul ins(%collapsed_12, %transposed_11 : tensor<12x32xf32>, tensor<32x80xf32>) outs(%20 : tensor<12x80xf32>) -> tensor<12x80xf32>
    %expanded_13 = tensor.expand_shape %21 [[0, 1], [2, 3]] output_shape [2, 6, 4, 20] : tensor<12x80xf32> into tensor<2x6x4x20xf32>
    %22 = tensor.empty() : tensor<2x4x6x20xf32>
    %transposed_14 = linalg.transpose ins(%expanded_13 : tensor<2x6x4x20xf32>) outs(%22 : tensor<2x4x6x20xf32>) permutation = [0, 2, 1, 3] 
    %extracted_slice = tensor.extract_slice %transposed_14[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x20xf32> to tensor<2x4x6x12xf32>
    %extracted_slice_15 = tensor.extract_slice %transposed_14[0, 0, 0, 12] [2, 4, 6, 8] [1, 1, 1, 1] : tensor<2x4x6x20xf32> to tensor<2x4x6x8xf32>
    %23 = tensor.empty() : tensor<32x24xf32>
    %transposed_16 = linalg.transpose ins(%arg3 : tensor<24x32xf32>) outs(%23 : tensor<32x24xf32>) permutation = [1, 0] 
    %24 = tensor.empty() : tensor<12x24xf32>
    %25 = linalg.fill ins(%cst : f32) outs(%24 : tensor<12x24xf32>) -> tensor<12x24xf32>
    %26 = linalg.matmul ins(%collapsed_12, %transposed_16 : tensor<12x32xf32>, tensor<32x24xf32>) outs(%25 : tensor<12x24xf32>) -> tensor<12x24xf32>
    %expanded_17 = tensor.expand_shape %26 [[0, 1], [2]] output_shape [2, 6, 24] : tensor<12x24xf32> into tensor<2x6x24xf32>
    %extracted_slice_18 = tensor.extract_slice %expanded_17[0, 0, 0] [2, 6, 16] [1, 1, 1] : tensor<2x6x24xf32> to tensor<2x6x16xf32>
    %extracted_slice_19 = tensor.extract_slice %expanded_17[0, 0, 16] [2, 6, 8] [1, 1, 1] : tensor<2x6x24xf32> to tensor<2x6x8xf32>
    %27 = tensor.empty() : tensor<2x6x16xf32>
    %28 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_18 : tensor<2x6x16xf32>) outs(%27 : tensor<2x6x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %79 = math.fpowi %in, %c2_i64 : f32, i64
      linalg.yield %79 : f32
    } -> tensor<2x6x16xf32>
    %29 = tensor.empty() : tensor<2x6x1xf32>
    %30 = linalg.fill ins(%cst : f32) outs(%29 : tensor<2x6x1xf32>) -> tensor<2x6x1xf32>
    %31 = linalg.generic {indexing_maps = [#map1, #map8], iterator_types = ["parallel", "parallel", "reduction"]} ins(%28 : tensor<2x6x16xf32>) outs(%30 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %79 = arith.addf %in, %out : f32
      linalg.yield %79 : f32
    } -> tensor<2x6x1xf32>
    %32 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%31 : tensor<2x6x1xf32>) outs(%29 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %79 = arith.divf %in, %cst_7 : f32
      linalg.yield %79 : f32
    } -> tensor<2x6x1xf32>
    %33 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%32 : tensor<2x6x1xf32>) outs(%29 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %79 = arith.truncf %cst_4 : f64 to f32
      %80 = arith.addf %in, %79 : f32
      linalg.yield %80 : f32
    } -> tensor<2x6x1xf32>
    %34 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%33 : tensor<2x6x1xf32>) outs(%29 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %79 = math.rsqrt %in : f32
      linalg.yield %79 : f32
    } -> tensor<2x6x1xf32>
    %35 = linalg.generic {indexing_maps = [#map1, #map8, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_18, %34 : tensor<2x6x16xf32>, tensor<2x6x1xf32>) outs(%27 : tensor<2x6x16xf32>) {
    ^bb0(%in: f32, %in_44: f32, %out: f32):
      %79 = arith.mulf %in, %in_44 : f32
      linalg.yield %79 : f32
    } -> tensor<2x6x16xf32>
    %36 = linalg.generic {indexing_maps = [#map9, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%arg4, %35 : tensor<16xf32>, tensor<2x6x16xf32>) outs(%27 : tensor<2x6x16xf32>) {
    ^bb0(%in: f32, %in_44: f32, %out: f32):
      %79 = arith.mulf %in, %in_44 : f32
      linalg.yield %79 : f32
    } -> tensor<2x6x16xf32>
    %expanded_20 = tensor.expand_shape %extracted_slice_15 [[0], [1], [2], [3, 4]] output_shape [2, 4, 6, 4, 2] : tensor<2x4x6x8xf32> into tensor<2x4x6x4x2xf32>
    %37 = tensor.empty() : tensor<2x4x6x4xcomplex<f32>>
    %38 = linalg.generic {indexing_maps = [#map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} outs(%37 : tensor<2x4x6x4xcomplex<f32>>) {
    ^bb0(%out: complex<f32>):
      %79 = linalg.index 0 : index
      %80 = linalg.index 1 : index
      %81 = linalg.index 2 : index
      %82 = linalg.index 3 : index
      %extracted = tensor.extract %expanded_20[%79, %80, %81, %82, %c0] : tensor<2x4x6x4x2xf32>
      %extracted_44 = tensor.extract %expanded_20[%79, %80, %81, %82, %c1] : tensor<2x4x6x4x2xf32>
      %83 = complex.create %extracted, %extracted_44 : complex<f32>
      linalg.yield %83 : complex<f32>
    } -> tensor<2x4x6x4xcomplex<f32>>
    %expanded_21 = tensor.expand_shape %extracted_slice_19 [[0], [1, 2], [3, 4]] output_shape [2, 1, 6, 4, 2] : tensor<2x6x8xf32> into tensor<2x1x6x4x2xf32>
    %39 = tensor.empty() : tensor<2x1x6x4xcomplex<f32>>
    %40 = linalg.generic {indexing_maps = [#map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} outs(%39 : tensor<2x1x6x4xcomplex<f32>>) {
    ^bb0(%out: complex<f32>):
      %79 = linalg.index 0 : index
      %80 = linalg.index 2 : index
      %81 = linalg.index 3 : index
      %extracted = tensor.extract %expanded_21[%79, %c0, %80, %81, %c0] : tensor<2x1x6x4x2xf32>
      %extracted_44 = tensor.extract %expanded_21[%79, %c0, %80, %81, %c1] : tensor<2x1x6x4x2xf32>
      %82 = complex.create %extracted, %extracted_44 : complex<f32>
      linalg.yield %82 : complex<f32>
    } -> tensor<2x1x6x4xcomplex<f32>>
    %expanded_22 = tensor.expand_shape %9 [[0], [1, 2], [3]] output_shape [2, 1, 6, 4] : tensor<2x6x4xcomplex<f32>> into tensor<2x1x6x4xcomplex<f32>>
    %41 = linalg.generic {indexing_maps = [#map5, #map10, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%38, %expanded_22 : tensor<2x4x6x4xcomplex<f32>>, tensor<2x1x6x4xcomplex<f32>>) outs(%37 : tensor<2x4x6x4xcomplex<f32>>) {
    ^bb0(%in: complex<f32>, %in_44: complex<f32>, %out: complex<f32>):
      %79 = complex.mul %in, %in_44 : complex<f32>
      linalg.yield %79 : complex<f32>
    } -> tensor<2x4x6x4xcomplex<f32>>
    %42 = tensor.empty() : tensor<2x4x6x4x2xf32>
    %43 = linalg.generic {indexing_maps = [#map11, #map12], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]} ins(%41 : tensor<2x4x6x4xcomplex<f32>>) outs(%42 : tensor<2x4x6x4x2xf32>) {
    ^bb0(%in: complex<f32>, %out: f32):
      %79 = complex.re %in : complex<f32>
      %80 = complex.im %in : complex<f32>
      %81 = linalg.index 4 : index
      %82 = arith.cmpi eq, %81, %c0 : index
      %83 = arith.select %82, %79, %80 : f32
      linalg.yield %83 : f32
    } -> tensor<2x4x6x4x2xf32>
    %collapsed_23 = tensor.collapse_shape %43 [[0], [1], [2], [3, 4]] : tensor<2x4x6x4x2xf32> into tensor<2x4x6x8xf32>
    %44 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%40, %expanded_22 : tensor<2x1x6x4xcomplex<f32>>, tensor<2x1x6x4xcomplex<f32>>) outs(%39 : tensor<2x1x6x4xcomplex<f32>>) {
    ^bb0(%in: complex<f32>, %in_44: complex<f32>, %out: complex<f32>):
      %79 = complex.mul %in, %in_44 : complex<f32>
      linalg.yield %79 : complex<f32>
    } -> tensor<2x1x6x4xcomplex<f32>>
    %45 = tensor.empty() : tensor<2x1x6x4x2xf32>
    %46 = linalg.generic {indexing_maps = [#map11, #map12], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]} ins(%44 : tensor<2x1x6x4xcomplex<f32>>) outs(%45 : tensor<2x1x6x4x2xf32>) {
    ^bb0(%in: complex<f32>, %out: f32):
      %79 = complex.re %in : complex<f32>
      %80 = complex.im %in : complex<f32>
      %81 = linalg.index 4 : index
      %82 = arith.cmpi eq, %81, %c0 : index
      %83 = arith.select %82, %79, %80 : f32
      linalg.yield %83 : f32
    } -> tensor<2x1x6x4x2xf32>
    %concat = tensor.concat dim(3) %extracted_slice, %collapsed_23 : (tensor<2x4x6x12xf32>, tensor<2x4x6x8xf32>) -> tensor<2x4x6x20xf32>
    %47 = tensor.empty() : tensor<16x88xf32>
    %transposed_24 = linalg.transpose ins(%arg5 : tensor<88x16xf32>) outs(%47 : tensor<16x88xf32>) permutation = [1, 0] 
    %collapsed_25 = tensor.collapse_shape %36 [[0, 1], [2]] : tensor<2x6x16xf32> into tensor<12x16xf32>
    %48 = tensor.empty() : tensor<12x88xf32>
    %49 = linalg.fill ins(%cst : f32) outs(%48 : tensor<12x88xf32>) -> tensor<12x88xf32>
    %50 = linalg.matmul ins(%collapsed_25, %transposed_24 : tensor<12x16xf32>, tensor<16x88xf32>) outs(%49 : tensor<12x88xf32>) -> tensor<12x88xf32>
    %expanded_26 = tensor.expand_shape %50 [[0, 1], [2, 3]] output_shape [2, 6, 4, 22] : tensor<12x88xf32> into tensor<2x6x4x22xf32>
    %51 = tensor.empty() : tensor<2x4x6x22xf32>
    %transposed_27 = linalg.transpose ins(%expanded_26 : tensor<2x6x4x22xf32>) outs(%51 : tensor<2x4x6x22xf32>) permutation = [0, 2, 1, 3] 
    %extracted_slice_28 = tensor.extract_slice %transposed_27[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x22xf32> to tensor<2x4x6x12xf32>
    %extracted_slice_29 = tensor.extract_slice %transposed_27[0, 0, 0, 12] [2, 4, 6, 10] [1, 1, 1, 1] : tensor<2x4x6x22xf32> to tensor<2x4x6x10xf32>
    %52 = tensor.empty() : tensor<2x4x6x8xf32>
    %collapsed_30 = tensor.collapse_shape %46 [[0, 1], [2], [3, 4]] : tensor<2x1x6x4x2xf32> into tensor<2x6x8xf32>
    %53 = linalg.generic {indexing_maps = [#map13, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed_30 : tensor<2x6x8xf32>) outs(%52 : tensor<2x4x6x8xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x4x6x8xf32>
    %inserted_slice = tensor.insert_slice %extracted_slice_28 into %22[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x12xf32> into tensor<2x4x6x20xf32>
    %inserted_slice_31 = tensor.insert_slice %53 into %inserted_slice[0, 0, 0, 12] [2, 4, 6, 8] [1, 1, 1, 1] : tensor<2x4x6x8xf32> into tensor<2x4x6x20xf32>
    %collapsed_32 = tensor.collapse_shape %concat [[0, 1], [2], [3]] : tensor<2x4x6x20xf32> into tensor<8x6x20xf32>
    %54 = tensor.empty() : tensor<2x4x20x6xf32>
    %transposed_33 = linalg.transpose ins(%inserted_slice_31 : tensor<2x4x6x20xf32>) outs(%54 : tensor<2x4x20x6xf32>) permutation = [0, 1, 3, 2] 
    %collapsed_34 = tensor.collapse_shape %transposed_33 [[0, 1], [2], [3]] : tensor<2x4x20x6xf32> into tensor<8x20x6xf32>
    %55 = tensor.empty() : tensor<8x6x6xf32>
    %56 = linalg.fill ins(%cst : f32) outs(%55 : tensor<8x6x6xf32>) -> tensor<8x6x6xf32>
    %57 = linalg.batch_matmul ins(%collapsed_32, %collapsed_34 : tensor<8x6x20xf32>, tensor<8x20x6xf32>) outs(%56 : tensor<8x6x6xf32>) -> tensor<8x6x6xf32>
    %expanded_35 = tensor.expand_shape %57 [[0, 1], [2], [3]] output_shape [2, 4, 6, 6] : tensor<8x6x6xf32> into tensor<2x4x6x6xf32>
    %58 = tensor.empty() : tensor<2x4x6x6xf32>
    %59 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_35 : tensor<2x4x6x6xf32>) outs(%58 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %out: f32):
      %79 = arith.truncf %cst_3 : f64 to f32
      %80 = arith.mulf %in, %79 : f32
      linalg.yield %80 : f32
    } -> tensor<2x4x6x6xf32>
    %60 = linalg.generic {indexing_maps = [#map5, #map10, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%59, %17 : tensor<2x4x6x6xf32>, tensor<2x1x6x6xf32>) outs(%58 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_44: f32, %out: f32):
      %79 = arith.addf %in, %in_44 : f32
      linalg.yield %79 : f32
    } -> tensor<2x4x6x6xf32>
    %61 = tensor.empty() : tensor<2x4x6xi64>
    %62 = linalg.fill ins(%c0_i64 : i64) outs(%61 : tensor<2x4x6xi64>) -> tensor<2x4x6xi64>
    %63 = linalg.fill ins(%cst_0 : f32) outs(%4 : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
    %64:2 = linalg.generic {indexing_maps = [#map5, #map14, #map14], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%60 : tensor<2x4x6x6xf32>) outs(%63, %62 : tensor<2x4x6xf32>, tensor<2x4x6xi64>) {
    ^bb0(%in: f32, %out: f32, %out_44: i64):
      %79 = linalg.index 3 : index
      %80 = arith.index_cast %79 : index to i64
      %81 = arith.maximumf %in, %out : f32
      %82 = arith.cmpf ogt, %in, %out : f32
      %83 = arith.select %82, %80, %out_44 : i64
      linalg.yield %81, %83 : f32, i64
    } -> (tensor<2x4x6xf32>, tensor<2x4x6xi64>)
    %expanded_36 = tensor.expand_shape %64#0 [[0], [1], [2, 3]] output_shape [2, 4, 6, 1] : tensor<2x4x6xf32> into tensor<2x4x6x1xf32>
    %65 = linalg.generic {indexing_maps = [#map5, #map4, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%60, %expanded_36 : tensor<2x4x6x6xf32>, tensor<2x4x6x1xf32>) outs(%58 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_44: f32, %out: f32):
      %79 = arith.subf %in, %in_44 : f32
      linalg.yield %79 : f32
    } -> tensor<2x4x6x6xf32>
    %66 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%65 : tensor<2x4x6x6xf32>) outs(%58 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %out: f32):
      %79 = math.exp %in : f32
      linalg.yield %79 : f32
    } -> tensor<2x4x6x6xf32>
    %67 = tensor.empty() : tensor<2x4x6x1xf32>
    %68 = linalg.fill ins(%cst : f32) outs(%67 : tensor<2x4x6x1xf32>) -> tensor<2x4x6x1xf32>
    %69 = linalg.generic {indexing_maps = [#map5, #map4], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%66 : tensor<2x4x6x6xf32>) outs(%68 : tensor<2x4x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %79 = arith.addf %in, %out : f32
      linalg.yield %79 : f32
    } -> tensor<2x4x6x1xf32>
    %70 = linalg.generic {indexing_maps = [#map5, #map4, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%66, %69 : tensor<2x4x6x6xf32>, tensor<2x4x6x1xf32>) outs(%58 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_44: f32, %out: f32):
      %79 = arith.divf %in, %in_44 : f32
      linalg.yield %79 : f32
    } -> tensor<2x4x6x6xf32>
    %collapsed_37 = tensor.collapse_shape %70 [[0, 1], [2], [3]] : tensor<2x4x6x6xf32> into tensor<8x6x6xf32>
    %collapsed_38 = tensor.collapse_shape %extracted_slice_29 [[0, 1], [2], [3]] : tensor<2x4x6x10xf32> into tensor<8x6x10xf32>
    %71 = tensor.empty() : tensor<8x6x10xf32>
    %72 = linalg.fill ins(%cst : f32) outs(%71 : tensor<8x6x10xf32>) -> tensor<8x6x10xf32>
    %73 = linalg.batch_matmul ins(%collapsed_37, %collapsed_38 : tensor<8x6x6xf32>, tensor<8x6x10xf32>) outs(%72 : tensor<8x6x10xf32>) -> tensor<8x6x10xf32>
    %expanded_39 = tensor.expand_shape %73 [[0, 1], [2], [3]] output_shape [2, 4, 6, 10] : tensor<8x6x10xf32> into tensor<2x4x6x10xf32>
    %74 = tensor.empty() : tensor<2x6x4x10xf32>
    %transposed_40 = linalg.transpose ins(%expanded_39 : tensor<2x4x6x10xf32>) outs(%74 : tensor<2x6x4x10xf32>) permutation = [0, 2, 1, 3] 
    %75 = tensor.empty() : tensor<40x32xf32>
    %transposed_41 = linalg.transpose ins(%arg6 : tensor<32x40xf32>) outs(%75 : tensor<40x32xf32>) permutation = [1, 0] 
    %collapsed_42 = tensor.collapse_shape %transposed_40 [[0, 1], [2, 3]] : tensor<2x6x4x10xf32> into tensor<12x40xf32>
    %76 = tensor.empty() : tensor<12x32xf32>
    %77 = linalg.fill ins(%cst : f32) outs(%76 : tensor<12x32xf32>) -> tensor<12x32xf32>
    %78 = linalg.matmul ins(%collapsed_42, %transposed_41 : tensor<12x40xf32>, tensor<40x32xf32>) outs(%77 : tensor<12x32xf32>) -> tensor<12x32xf32>
    %expanded_43 = tensor.expand_shape %78 [[0, 1], [2]] output_shape [2, 6, 32] : tensor<12x32xf32> into tensor<2x6x32xf32>
    return %expanded_43 : tensor<2x6x32xf32>
  }
}

{-#
  dialect_resources: {
    builtin: {
      torch_tensor_4_torch.float32: "0x040000000000803FCDCCCC3D0AD7233C6F12833A"
    }
  }
#-}
