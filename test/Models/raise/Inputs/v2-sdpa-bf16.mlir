#map = affine_map<(d0, d1, d2) -> (d1, d2)>
#map1 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#map2 = affine_map<(d0) -> (d0)>
#map3 = affine_map<(d0, d1, d2, d3) -> (d0, d1, 0, d3)>
#map4 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, 0)>
#map5 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#map6 = affine_map<(d0, d1, d2, d3) -> (d1, d2, d3)>
#map7 = affine_map<(d0, d1) -> (d0, d1)>
#map8 = affine_map<(d0, d1, d2) -> (d0, d1, 0)>
#map9 = affine_map<(d0, d1, d2) -> (d2)>
#map10 = affine_map<(d0, d1, d2, d3) -> (d0, 0, d2, d3)>
#map11 = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3)>
#map12 = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3, d4)>
#map13 = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>
#map14 = affine_map<(d0, d1, d2, d3) -> ()>
#map15 = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
module {
  func.func @attention(%arg0: tensor<2x6x32xbf16>, %arg1: tensor<2x6xi64>, %arg2: tensor<80x32xbf16>, %arg3: tensor<24x32xbf16>, %arg4: tensor<16xbf16>, %arg5: tensor<88x16xbf16>, %arg6: tensor<32x40xbf16>) -> tensor<2x6x32xbf16> {
    %c2_i64 = arith.constant 2 : i64
    %c0_i64 = arith.constant 0 : i64
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant 0xFF800000 : f32
    %true = arith.constant true
    %cst_1 = arith.constant dense<0.000000e+00> : tensor<2x4x6x6xf32>
    %cst_2 = arith.constant dense<0.000000e+00> : tensor<bf16>
    %cst_3 = arith.constant dense<0xFF80> : tensor<bf16>
    %cst_4 = arith.constant dense<1.000000e+00> : tensor<2x6x4xf32>
    %cst_5 = arith.constant 0.47287080450158792 : f64
    %cst_6 = arith.constant 0xFFF0000000000000 : f64
    %cst_7 = arith.constant 9.9999999999999995E-7 : f64
    %cst_8 = arith.constant dense_resource<torch_tensor_4_torch.float32> : tensor<4xf32>
    %cst_9 = arith.constant 1.600000e+01 : f32
    %0 = tensor.empty() : tensor<2x4x1xf32>
    %expanded = tensor.expand_shape %cst_8 [[0, 1]] output_shape [4, 1] : tensor<4xf32> into tensor<4x1xf32>
    %1 = linalg.generic {indexing_maps = [#map, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded : tensor<4x1xf32>) outs(%0 : tensor<2x4x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      linalg.yield %in : f32
    } -> tensor<2x4x1xf32>
    %expanded_10 = tensor.expand_shape %arg1 [[0], [1, 2]] output_shape [2, 1, 6] : tensor<2x6xi64> into tensor<2x1x6xi64>
    %2 = tensor.empty() : tensor<2x1x6xf32>
    %3 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%expanded_10 : tensor<2x1x6xi64>) outs(%2 : tensor<2x1x6xf32>) {
    ^bb0(%in: i64, %out: f32):
      %111 = arith.sitofp %in : i64 to f32
      linalg.yield %111 : f32
    } -> tensor<2x1x6xf32>
    %4 = tensor.empty() : tensor<2x4x6xf32>
    %5 = linalg.fill ins(%cst : f32) outs(%4 : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
    %6 = linalg.batch_matmul ins(%1, %3 : tensor<2x4x1xf32>, tensor<2x1x6xf32>) outs(%5 : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
    %7 = tensor.empty() : tensor<2x6x4xf32>
    %transposed = linalg.transpose ins(%6 : tensor<2x4x6xf32>) outs(%7 : tensor<2x6x4xf32>) permutation = [0, 2, 1] 
    %8 = tensor.empty() : tensor<2x6x4xcomplex<f32>>
    %9 = linalg.generic {indexing_maps = [#map1, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%cst_4, %transposed : tensor<2x6x4xf32>, tensor<2x6x4xf32>) outs(%8 : tensor<2x6x4xcomplex<f32>>) {
    ^bb0(%in: f32, %in_48: f32, %out: complex<f32>):
      %111 = math.cos %in_48 : f32
      %112 = math.sin %in_48 : f32
      %113 = arith.mulf %in, %111 : f32
      %114 = arith.mulf %in, %112 : f32
      %115 = complex.create %113, %114 : complex<f32>
      linalg.yield %115 : complex<f32>
    } -> tensor<2x6x4xcomplex<f32>>
    %10 = tensor.empty() : tensor<6xi64>
    %11 = linalg.generic {indexing_maps = [#map2], iterator_types = ["parallel"]} outs(%10 : tensor<6xi64>) {
    ^bb0(%out: i64):
      %111 = linalg.index 0 : index
      %112 = arith.index_cast %111 : index to i64
      linalg.yield %112 : i64
    } -> tensor<6xi64>
    %expanded_11 = tensor.expand_shape %11 [[0, 1, 2, 3]] output_shape [1, 1, 6, 1] : tensor<6xi64> into tensor<1x1x6x1xi64>
    %expanded_12 = tensor.expand_shape %11 [[0, 1, 2, 3]] output_shape [1, 1, 1, 6] : tensor<6xi64> into tensor<1x1x1x6xi64>
    %12 = tensor.empty() : tensor<1x1x6x6xi1>
    %13 = linalg.generic {indexing_maps = [#map3, #map4, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_12, %expanded_11 : tensor<1x1x1x6xi64>, tensor<1x1x6x1xi64>) outs(%12 : tensor<1x1x6x6xi1>) {
    ^bb0(%in: i64, %in_48: i64, %out: i1):
      %111 = arith.cmpi sle, %in, %in_48 : i64
      linalg.yield %111 : i1
    } -> tensor<1x1x6x6xi1>
    %14 = tensor.empty() : tensor<2x1x6x6xi1>
    %collapsed = tensor.collapse_shape %13 [[0, 1], [2], [3]] : tensor<1x1x6x6xi1> into tensor<1x6x6xi1>
    %15 = linalg.generic {indexing_maps = [#map6, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed : tensor<1x6x6xi1>) outs(%14 : tensor<2x1x6x6xi1>) {
    ^bb0(%in: i1, %out: i1):
      linalg.yield %in : i1
    } -> tensor<2x1x6x6xi1>
    %16 = tensor.empty() : tensor<32x80xbf16>
    %transposed_13 = linalg.transpose ins(%arg2 : tensor<80x32xbf16>) outs(%16 : tensor<32x80xbf16>) permutation = [1, 0] 
    %collapsed_14 = tensor.collapse_shape %arg0 [[0, 1], [2]] : tensor<2x6x32xbf16> into tensor<12x32xbf16>
    %17 = tensor.empty() : tensor<12x80xf32>
    %18 = linalg.fill ins(%cst : f32) outs(%17 : tensor<12x80xf32>) -> tensor<12x80xf32>
    %19 = linalg.matmul ins(%collapsed_14, %transposed_13 : tensor<12x32xbf16>, tensor<32x80xbf16>) outs(%18 : tensor<12x80xf32>) -> tensor<12x80xf32>
    %20 = tensor.empty() : tensor<12x80xbf16>
    %21 = linalg.generic {indexing_maps = [#map7, #map7], iterator_types = ["parallel", "parallel"]} ins(%19 : tensor<12x80xf32>) outs(%20 : tensor<12x80xbf16>) {
    ^bb0(%in: f32, %out: bf16):
      %111 = arith.truncf %in : f32 to bf16
      linalg.yield %111 : bf16
    } -> tensor<12x80xbf16>
    %expanded_15 = tensor.expand_shape %21 [[0, 1], [2, 3]] output_shape [2, 6, 4, 20] : tensor<12x80xbf16> into tensor<2x6x4x20xbf16>
    %22 = tensor.empty() : tensor<2x4x6x20xbf16>
    %transposed_16 = linalg.transpose ins(%expanded_15 : tensor<2x6x4x20xbf16>) outs(%22 : tensor<2x4x6x20xbf16>) permutation = [0, 2, 1, 3] 
    %extracted_slice = tensor.extract_slice %transposed_16[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x20xbf16> to tensor<2x4x6x12xbf16>
    %extracted_slice_17 = tensor.extract_slice %transposed_16[0, 0, 0, 12] [2, 4, 6, 8] [1, 1, 1, 1] : tensor<2x4x6x20xbf16> to tensor<2x4x6x8xbf16>
    %23 = tensor.empty() : tensor<32x24xbf16>
    %transposed_18 = linalg.transpose ins(%arg3 : tensor<24x32xbf16>) outs(%23 : tensor<32x24xbf16>) permutation = [1, 0] 
    %24 = tensor.empty() : tensor<12x24xf32>
    %25 = linalg.fill ins(%cst : f32) outs(%24 : tensor<12x24xf32>) -> tensor<12x24xf32>
    %26 = linalg.matmul ins(%collapsed_14, %transposed_18 : tensor<12x32xbf16>, tensor<32x24xbf16>) outs(%25 : tensor<12x24xf32>) -> tensor<12x24xf32>
    %27 = tensor.empty() : tensor<12x24xbf16>
    %28 = linalg.generic {indexing_maps = [#map7, #map7], iterator_types = ["parallel", "parallel"]} ins(%26 : tensor<12x24xf32>) outs(%27 : tensor<12x24xbf16>) {
    ^bb0(%in: f32, %out: bf16):
      %111 = arith.truncf %in : f32 to bf16
      linalg.yield %111 : bf16
    } -> tensor<12x24xbf16>
    %expanded_19 = tensor.expand_shape %28 [[0, 1], [2]] output_shape [2, 6, 24] : tensor<12x24xbf16> into tensor<2x6x24xbf16>
    %extracted_slice_20 = tensor.extract_slice %expanded_19[0, 0, 0] [2, 6, 16] [1, 1, 1] : tensor<2x6x24xbf16> to tensor<2x6x16xbf16>
    %extracted_slice_21 = tensor.extract_slice %expanded_19[0, 0, 16] [2, 6, 8] [1, 1, 1] : tensor<2x6x24xbf16> to tensor<2x6x8xbf16>
    %29 = tensor.empty() : tensor<2x6x16xf32>
    %30 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%extracted_slice_20 : tensor<2x6x16xbf16>) outs(%29 : tensor<2x6x16xf32>) {
    ^bb0(%in: bf16, %out: f32):
      %111 = arith.extf %in : bf16 to f32
      linalg.yield %111 : f32
    } -> tensor<2x6x16xf32>
    %31 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%30 : tensor<2x6x16xf32>) outs(%29 : tensor<2x6x16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %111 = math.fpowi %in, %c2_i64 : f32, i64
      linalg.yield %111 : f32
    } -> tensor<2x6x16xf32>
    %32 = tensor.empty() : tensor<2x6x1xf32>
    %33 = linalg.fill ins(%cst : f32) outs(%32 : tensor<2x6x1xf32>) -> tensor<2x6x1xf32>
    %34 = linalg.generic {indexing_maps = [#map1, #map8], iterator_types = ["parallel", "parallel", "reduction"]} ins(%31 : tensor<2x6x16xf32>) outs(%33 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %111 = arith.addf %in, %out : f32
      linalg.yield %111 : f32
    } -> tensor<2x6x1xf32>
    %35 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%34 : tensor<2x6x1xf32>) outs(%32 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %111 = arith.divf %in, %cst_9 : f32
      linalg.yield %111 : f32
    } -> tensor<2x6x1xf32>
    %36 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%35 : tensor<2x6x1xf32>) outs(%32 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %111 = arith.truncf %cst_7 : f64 to f32
      %112 = arith.addf %in, %111 : f32
      linalg.yield %112 : f32
    } -> tensor<2x6x1xf32>
    %37 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%36 : tensor<2x6x1xf32>) outs(%32 : tensor<2x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %111 = math.rsqrt %in : f32
      linalg.yield %111 : f32
    } -> tensor<2x6x1xf32>
    %38 = linalg.generic {indexing_maps = [#map1, #map8, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%30, %37 : tensor<2x6x16xf32>, tensor<2x6x1xf32>) outs(%29 : tensor<2x6x16xf32>) {
    ^bb0(%in: f32, %in_48: f32, %out: f32):
      %111 = arith.mulf %in, %in_48 : f32
      linalg.yield %111 : f32
    } -> tensor<2x6x16xf32>
    %39 = tensor.empty() : tensor<2x6x16xbf16>
    %40 = linalg.generic {indexing_maps = [#map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%38 : tensor<2x6x16xf32>) outs(%39 : tensor<2x6x16xbf16>) {
    ^bb0(%in: f32, %out: bf16):
      %111 = arith.truncf %in : f32 to bf16
      linalg.yield %111 : bf16
    } -> tensor<2x6x16xbf16>
    %41 = linalg.generic {indexing_maps = [#map9, #map1, #map1], iterator_types = ["parallel", "parallel", "parallel"]} ins(%arg4, %40 : tensor<16xbf16>, tensor<2x6x16xbf16>) outs(%39 : tensor<2x6x16xbf16>) {
    ^bb0(%in: bf16, %in_48: bf16, %out: bf16):
      %111 = arith.mulf %in, %in_48 : bf16
      linalg.yield %111 : bf16
    } -> tensor<2x6x16xbf16>
    %expanded_22 = tensor.expand_shape %extracted_slice_21 [[0], [1, 2], [3]] output_shape [2, 1, 6, 8] : tensor<2x6x8xbf16> into tensor<2x1x6x8xbf16>
    %42 = tensor.empty() : tensor<2x4x6x8xf32>
    %43 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_17 : tensor<2x4x6x8xbf16>) outs(%42 : tensor<2x4x6x8xf32>) {
    ^bb0(%in: bf16, %out: f32):
      %111 = arith.extf %in : bf16 to f32
      linalg.yield %111 : f32
    } -> tensor<2x4x6x8xf32>
    %expanded_23 = tensor.expand_shape %43 [[0], [1], [2], [3, 4]] output_shape [2, 4, 6, 4, 2] : tensor<2x4x6x8xf32> into tensor<2x4x6x4x2xf32>
    %44 = tensor.empty() : tensor<2x4x6x4xcomplex<f32>>
    %45 = linalg.generic {indexing_maps = [#map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} outs(%44 : tensor<2x4x6x4xcomplex<f32>>) {
    ^bb0(%out: complex<f32>):
      %111 = linalg.index 0 : index
      %112 = linalg.index 1 : index
      %113 = linalg.index 2 : index
      %114 = linalg.index 3 : index
      %extracted = tensor.extract %expanded_23[%111, %112, %113, %114, %c0] : tensor<2x4x6x4x2xf32>
      %extracted_48 = tensor.extract %expanded_23[%111, %112, %113, %114, %c1] : tensor<2x4x6x4x2xf32>
      %115 = complex.create %extracted, %extracted_48 : complex<f32>
      linalg.yield %115 : complex<f32>
    } -> tensor<2x4x6x4xcomplex<f32>>
    %46 = tensor.empty() : tensor<2x1x6x8xf32>
    %47 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_22 : tensor<2x1x6x8xbf16>) outs(%46 : tensor<2x1x6x8xf32>) {
    ^bb0(%in: bf16, %out: f32):
      %111 = arith.extf %in : bf16 to f32
      linalg.yield %111 : f32
    } -> tensor<2x1x6x8xf32>
    %expanded_24 = tensor.expand_shape %47 [[0], [1], [2], [3, 4]] output_shape [2, 1, 6, 4, 2] : tensor<2x1x6x8xf32> into tensor<2x1x6x4x2xf32>
    %48 = tensor.empty() : tensor<2x1x6x4xcomplex<f32>>
    %49 = linalg.generic {indexing_maps = [#map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} outs(%48 : tensor<2x1x6x4xcomplex<f32>>) {
    ^bb0(%out: complex<f32>):
      %111 = linalg.index 0 : index
      %112 = linalg.index 2 : index
      %113 = linalg.index 3 : index
      %extracted = tensor.extract %expanded_24[%111, %c0, %112, %113, %c0] : tensor<2x1x6x4x2xf32>
      %extracted_48 = tensor.extract %expanded_24[%111, %c0, %112, %113, %c1] : tensor<2x1x6x4x2xf32>
      %114 = complex.create %extracted, %extracted_48 : complex<f32>
      linalg.yield %114 : complex<f32>
    } -> tensor<2x1x6x4xcomplex<f32>>
    %expanded_25 = tensor.expand_shape %9 [[0], [1, 2], [3]] output_shape [2, 1, 6, 4] : tensor<2x6x4xcomplex<f32>> into tensor<2x1x6x4xcomplex<f32>>
    %50 = linalg.generic {indexing_maps = [#map5, #map10, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%45, %expanded_25 : tensor<2x4x6x4xcomplex<f32>>, tensor<2x1x6x4xcomplex<f32>>) outs(%44 : tensor<2x4x6x4xcomplex<f32>>) {
    ^bb0(%in: complex<f32>, %in_48: complex<f32>, %out: complex<f32>):
      %111 = complex.mul %in, %in_48 : complex<f32>
      linalg.yield %111 : complex<f32>
    } -> tensor<2x4x6x4xcomplex<f32>>
    %51 = tensor.empty() : tensor<2x4x6x4x2xf32>
    %52 = linalg.generic {indexing_maps = [#map11, #map12], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]} ins(%50 : tensor<2x4x6x4xcomplex<f32>>) outs(%51 : tensor<2x4x6x4x2xf32>) {
    ^bb0(%in: complex<f32>, %out: f32):
      %111 = complex.re %in : complex<f32>
      %112 = complex.im %in : complex<f32>
      %113 = linalg.index 4 : index
      %114 = arith.cmpi eq, %113, %c0 : index
      %115 = arith.select %114, %111, %112 : f32
      linalg.yield %115 : f32
    } -> tensor<2x4x6x4x2xf32>
    %collapsed_26 = tensor.collapse_shape %52 [[0], [1], [2], [3, 4]] : tensor<2x4x6x4x2xf32> into tensor<2x4x6x8xf32>
    %53 = tensor.empty() : tensor<2x4x6x8xbf16>
    %54 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed_26 : tensor<2x4x6x8xf32>) outs(%53 : tensor<2x4x6x8xbf16>) {
    ^bb0(%in: f32, %out: bf16):
      %111 = arith.truncf %in : f32 to bf16
      linalg.yield %111 : bf16
    } -> tensor<2x4x6x8xbf16>
    %55 = linalg.generic {indexing_maps = [#map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%49, %expanded_25 : tensor<2x1x6x4xcomplex<f32>>, tensor<2x1x6x4xcomplex<f32>>) outs(%48 : tensor<2x1x6x4xcomplex<f32>>) {
    ^bb0(%in: complex<f32>, %in_48: complex<f32>, %out: complex<f32>):
      %111 = complex.mul %in, %in_48 : complex<f32>
      linalg.yield %111 : complex<f32>
    } -> tensor<2x1x6x4xcomplex<f32>>
    %56 = tensor.empty() : tensor<2x1x6x4x2xf32>
    %57 = linalg.generic {indexing_maps = [#map11, #map12], iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]} ins(%55 : tensor<2x1x6x4xcomplex<f32>>) outs(%56 : tensor<2x1x6x4x2xf32>) {
    ^bb0(%in: complex<f32>, %out: f32):
      %111 = complex.re %in : complex<f32>
      %112 = complex.im %in : complex<f32>
      %113 = linalg.index 4 : index
      %114 = arith.cmpi eq, %113, %c0 : index
      %115 = arith.select %114, %111, %112 : f32
      linalg.yield %115 : f32
    } -> tensor<2x1x6x4x2xf32>
    %collapsed_27 = tensor.collapse_shape %57 [[0], [1], [2], [3, 4]] : tensor<2x1x6x4x2xf32> into tensor<2x1x6x8xf32>
    %58 = tensor.empty() : tensor<2x1x6x8xbf16>
    %59 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed_27 : tensor<2x1x6x8xf32>) outs(%58 : tensor<2x1x6x8xbf16>) {
    ^bb0(%in: f32, %out: bf16):
      %111 = arith.truncf %in : f32 to bf16
      linalg.yield %111 : bf16
    } -> tensor<2x1x6x8xbf16>
    %concat = tensor.concat dim(3) %extracted_slice, %54 : (tensor<2x4x6x12xbf16>, tensor<2x4x6x8xbf16>) -> tensor<2x4x6x20xbf16>
    %60 = tensor.empty() : tensor<16x88xbf16>
    %transposed_28 = linalg.transpose ins(%arg5 : tensor<88x16xbf16>) outs(%60 : tensor<16x88xbf16>) permutation = [1, 0] 
    %collapsed_29 = tensor.collapse_shape %41 [[0, 1], [2]] : tensor<2x6x16xbf16> into tensor<12x16xbf16>
    %61 = tensor.empty() : tensor<12x88xf32>
    %62 = linalg.fill ins(%cst : f32) outs(%61 : tensor<12x88xf32>) -> tensor<12x88xf32>
    %63 = linalg.matmul ins(%collapsed_29, %transposed_28 : tensor<12x16xbf16>, tensor<16x88xbf16>) outs(%62 : tensor<12x88xf32>) -> tensor<12x88xf32>
    %64 = tensor.empty() : tensor<12x88xbf16>
    %65 = linalg.generic {indexing_maps = [#map7, #map7], iterator_types = ["parallel", "parallel"]} ins(%63 : tensor<12x88xf32>) outs(%64 : tensor<12x88xbf16>) {
    ^bb0(%in: f32, %out: bf16):
      %111 = arith.truncf %in : f32 to bf16
      linalg.yield %111 : bf16
    } -> tensor<12x88xbf16>
    %expanded_30 = tensor.expand_shape %65 [[0, 1], [2, 3]] output_shape [2, 6, 4, 22] : tensor<12x88xbf16> into tensor<2x6x4x22xbf16>
    %66 = tensor.empty() : tensor<2x4x6x22xbf16>
    %transposed_31 = linalg.transpose ins(%expanded_30 : tensor<2x6x4x22xbf16>) outs(%66 : tensor<2x4x6x22xbf16>) permutation = [0, 2, 1, 3] 
    %extracted_slice_32 = tensor.extract_slice %transposed_31[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x22xbf16> to tensor<2x4x6x12xbf16>
    %extracted_slice_33 = tensor.extract_slice %transposed_31[0, 0, 0, 12] [2, 4, 6, 10] [1, 1, 1, 1] : tensor<2x4x6x22xbf16> to tensor<2x4x6x10xbf16>
    %collapsed_34 = tensor.collapse_shape %59 [[0, 1], [2], [3]] : tensor<2x1x6x8xbf16> into tensor<2x6x8xbf16>
    %67 = linalg.generic {indexing_maps = [#map13, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%collapsed_34 : tensor<2x6x8xbf16>) outs(%53 : tensor<2x4x6x8xbf16>) {
    ^bb0(%in: bf16, %out: bf16):
      linalg.yield %in : bf16
    } -> tensor<2x4x6x8xbf16>
    %inserted_slice = tensor.insert_slice %extracted_slice_32 into %22[0, 0, 0, 0] [2, 4, 6, 12] [1, 1, 1, 1] : tensor<2x4x6x12xbf16> into tensor<2x4x6x20xbf16>
    %inserted_slice_35 = tensor.insert_slice %67 into %inserted_slice[0, 0, 0, 12] [2, 4, 6, 8] [1, 1, 1, 1] : tensor<2x4x6x8xbf16> into tensor<2x4x6x20xbf16>
    %68 = tensor.empty() : tensor<2x1x6x6xbf16>
    %69 = linalg.generic {indexing_maps = [#map5, #map14, #map14, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%15, %cst_2, %cst_3 : tensor<2x1x6x6xi1>, tensor<bf16>, tensor<bf16>) outs(%68 : tensor<2x1x6x6xbf16>) {
    ^bb0(%in: i1, %in_48: bf16, %in_49: bf16, %out: bf16):
      %111 = arith.select %in, %in_48, %in_49 : bf16
      linalg.yield %111 : bf16
    } -> tensor<2x1x6x6xbf16>
    %70 = tensor.empty() : tensor<2x4x6x20xf32>
    %71 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%concat : tensor<2x4x6x20xbf16>) outs(%70 : tensor<2x4x6x20xf32>) {
    ^bb0(%in: bf16, %out: f32):
      %111 = arith.extf %in : bf16 to f32
      linalg.yield %111 : f32
    } -> tensor<2x4x6x20xf32>
    %72 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%inserted_slice_35 : tensor<2x4x6x20xbf16>) outs(%70 : tensor<2x4x6x20xf32>) {
    ^bb0(%in: bf16, %out: f32):
      %111 = arith.extf %in : bf16 to f32
      linalg.yield %111 : f32
    } -> tensor<2x4x6x20xf32>
    %73 = tensor.empty() : tensor<2x4x6x10xf32>
    %74 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%extracted_slice_33 : tensor<2x4x6x10xbf16>) outs(%73 : tensor<2x4x6x10xf32>) {
    ^bb0(%in: bf16, %out: f32):
      %111 = arith.extf %in : bf16 to f32
      linalg.yield %111 : f32
    } -> tensor<2x4x6x10xf32>
    %75 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%71 : tensor<2x4x6x20xf32>) outs(%70 : tensor<2x4x6x20xf32>) {
    ^bb0(%in: f32, %out: f32):
      %111 = arith.truncf %cst_5 : f64 to f32
      %112 = arith.mulf %in, %111 : f32
      linalg.yield %112 : f32
    } -> tensor<2x4x6x20xf32>
    %76 = tensor.empty() : tensor<2x4x20x6xf32>
    %transposed_36 = linalg.transpose ins(%72 : tensor<2x4x6x20xf32>) outs(%76 : tensor<2x4x20x6xf32>) permutation = [0, 1, 3, 2] 
    %77 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%transposed_36 : tensor<2x4x20x6xf32>) outs(%76 : tensor<2x4x20x6xf32>) {
    ^bb0(%in: f32, %out: f32):
      %111 = arith.truncf %cst_5 : f64 to f32
      %112 = arith.mulf %in, %111 : f32
      linalg.yield %112 : f32
    } -> tensor<2x4x20x6xf32>
    %collapsed_37 = tensor.collapse_shape %75 [[0, 1], [2], [3]] : tensor<2x4x6x20xf32> into tensor<8x6x20xf32>
    %collapsed_38 = tensor.collapse_shape %77 [[0, 1], [2], [3]] : tensor<2x4x20x6xf32> into tensor<8x20x6xf32>
    %78 = tensor.empty() : tensor<8x6x6xf32>
    %79 = linalg.fill ins(%cst : f32) outs(%78 : tensor<8x6x6xf32>) -> tensor<8x6x6xf32>
    %80 = linalg.batch_matmul ins(%collapsed_37, %collapsed_38 : tensor<8x6x20xf32>, tensor<8x20x6xf32>) outs(%79 : tensor<8x6x6xf32>) -> tensor<8x6x6xf32>
    %expanded_39 = tensor.expand_shape %80 [[0, 1], [2], [3]] output_shape [2, 4, 6, 6] : tensor<8x6x6xf32> into tensor<2x4x6x6xf32>
    %81 = tensor.empty() : tensor<2x4x6x6xf32>
    %82 = linalg.generic {indexing_maps = [#map5, #map10, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_39, %69 : tensor<2x4x6x6xf32>, tensor<2x1x6x6xbf16>) outs(%81 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_48: bf16, %out: f32):
      %111 = arith.extf %in_48 : bf16 to f32
      %112 = arith.addf %in, %111 : f32
      linalg.yield %112 : f32
    } -> tensor<2x4x6x6xf32>
    %83 = tensor.empty() : tensor<2x4x6xi64>
    %84 = linalg.fill ins(%c0_i64 : i64) outs(%83 : tensor<2x4x6xi64>) -> tensor<2x4x6xi64>
    %85 = linalg.fill ins(%cst_0 : f32) outs(%4 : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
    %86:2 = linalg.generic {indexing_maps = [#map5, #map15, #map15], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%82 : tensor<2x4x6x6xf32>) outs(%85, %84 : tensor<2x4x6xf32>, tensor<2x4x6xi64>) {
    ^bb0(%in: f32, %out: f32, %out_48: i64):
      %111 = linalg.index 3 : index
      %112 = arith.index_cast %111 : index to i64
      %113 = arith.maximumf %in, %out : f32
      %114 = arith.cmpf ogt, %in, %out : f32
      %115 = arith.select %114, %112, %out_48 : i64
      linalg.yield %113, %115 : f32, i64
    } -> (tensor<2x4x6xf32>, tensor<2x4x6xi64>)
    %expanded_40 = tensor.expand_shape %86#0 [[0], [1], [2, 3]] output_shape [2, 4, 6, 1] : tensor<2x4x6xf32> into tensor<2x4x6x1xf32>
    %87 = linalg.generic {indexing_maps = [#map5, #map4, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%82, %expanded_40 : tensor<2x4x6x6xf32>, tensor<2x4x6x1xf32>) outs(%81 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_48: f32, %out: f32):
      %111 = arith.subf %in, %in_48 : f32
      linalg.yield %111 : f32
    } -> tensor<2x4x6x6xf32>
    %88 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%87 : tensor<2x4x6x6xf32>) outs(%81 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %out: f32):
      %111 = math.exp %in : f32
      linalg.yield %111 : f32
    } -> tensor<2x4x6x6xf32>
    %89 = tensor.empty() : tensor<2x4x6x1xf32>
    %90 = linalg.fill ins(%cst : f32) outs(%89 : tensor<2x4x6x1xf32>) -> tensor<2x4x6x1xf32>
    %91 = linalg.generic {indexing_maps = [#map5, #map4], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%88 : tensor<2x4x6x6xf32>) outs(%90 : tensor<2x4x6x1xf32>) {
    ^bb0(%in: f32, %out: f32):
      %111 = arith.addf %in, %out : f32
      linalg.yield %111 : f32
    } -> tensor<2x4x6x1xf32>
    %92 = linalg.generic {indexing_maps = [#map5, #map4, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%88, %91 : tensor<2x4x6x6xf32>, tensor<2x4x6x1xf32>) outs(%81 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: f32, %in_48: f32, %out: f32):
      %111 = arith.divf %in, %in_48 : f32
      linalg.yield %111 : f32
    } -> tensor<2x4x6x6xf32>
    %93 = tensor.empty() : tensor<2x4x6x6xi1>
    %94 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%82 : tensor<2x4x6x6xf32>) outs(%93 : tensor<2x4x6x6xi1>) {
    ^bb0(%in: f32, %out: i1):
      %111 = arith.extf %in : f32 to f64
      %112 = arith.cmpf oeq, %111, %cst_6 : f64
      linalg.yield %112 : i1
    } -> tensor<2x4x6x6xi1>
    %95 = tensor.empty() : tensor<2x4x6x1xi1>
    %96 = linalg.fill ins(%true : i1) outs(%95 : tensor<2x4x6x1xi1>) -> tensor<2x4x6x1xi1>
    %97 = linalg.generic {indexing_maps = [#map5, #map4], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%94 : tensor<2x4x6x6xi1>) outs(%96 : tensor<2x4x6x1xi1>) {
    ^bb0(%in: i1, %out: i1):
      %111 = arith.andi %in, %out : i1
      linalg.yield %111 : i1
    } -> tensor<2x4x6x1xi1>
    %98 = linalg.generic {indexing_maps = [#map4, #map5, #map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%97, %cst_1, %92 : tensor<2x4x6x1xi1>, tensor<2x4x6x6xf32>, tensor<2x4x6x6xf32>) outs(%81 : tensor<2x4x6x6xf32>) {
    ^bb0(%in: i1, %in_48: f32, %in_49: f32, %out: f32):
      %111 = arith.select %in, %in_48, %in_49 : f32
      linalg.yield %111 : f32
    } -> tensor<2x4x6x6xf32>
    %collapsed_41 = tensor.collapse_shape %98 [[0, 1], [2], [3]] : tensor<2x4x6x6xf32> into tensor<8x6x6xf32>
    %collapsed_42 = tensor.collapse_shape %74 [[0, 1], [2], [3]] : tensor<2x4x6x10xf32> into tensor<8x6x10xf32>
    %99 = tensor.empty() : tensor<8x6x10xf32>
    %100 = linalg.fill ins(%cst : f32) outs(%99 : tensor<8x6x10xf32>) -> tensor<8x6x10xf32>
    %101 = linalg.batch_matmul ins(%collapsed_41, %collapsed_42 : tensor<8x6x6xf32>, tensor<8x6x10xf32>) outs(%100 : tensor<8x6x10xf32>) -> tensor<8x6x10xf32>
    %expanded_43 = tensor.expand_shape %101 [[0, 1], [2], [3]] output_shape [2, 4, 6, 10] : tensor<8x6x10xf32> into tensor<2x4x6x10xf32>
    %102 = tensor.empty() : tensor<2x4x6x10xbf16>
    %103 = linalg.generic {indexing_maps = [#map5, #map5], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%expanded_43 : tensor<2x4x6x10xf32>) outs(%102 : tensor<2x4x6x10xbf16>) {
    ^bb0(%in: f32, %out: bf16):
      %111 = arith.truncf %in : f32 to bf16
      linalg.yield %111 : bf16
    } -> tensor<2x4x6x10xbf16>
    %104 = tensor.empty() : tensor<2x6x4x10xbf16>
    %transposed_44 = linalg.transpose ins(%103 : tensor<2x4x6x10xbf16>) outs(%104 : tensor<2x6x4x10xbf16>) permutation = [0, 2, 1, 3] 
    %105 = tensor.empty() : tensor<40x32xbf16>
    %transposed_45 = linalg.transpose ins(%arg6 : tensor<32x40xbf16>) outs(%105 : tensor<40x32xbf16>) permutation = [1, 0] 
    %collapsed_46 = tensor.collapse_shape %transposed_44 [[0, 1], [2, 3]] : tensor<2x6x4x10xbf16> into tensor<12x40xbf16>
    %106 = tensor.empty() : tensor<12x32xf32>
    %107 = linalg.fill ins(%cst : f32) outs(%106 : tensor<12x32xf32>) -> tensor<12x32xf32>
    %108 = linalg.matmul ins(%collapsed_46, %transposed_45 : tensor<12x40xbf16>, tensor<40x32xbf16>) outs(%107 : tensor<12x32xf32>) -> tensor<12x32xf32>
    %109 = tensor.empty() : tensor<12x32xbf16>
    %110 = linalg.generic {indexing_maps = [#map7, #map7], iterator_types = ["parallel", "parallel"]} ins(%108 : tensor<12x32xf32>) outs(%109 : tensor<12x32xbf16>) {
    ^bb0(%in: f32, %out: bf16):
      %111 = arith.truncf %in : f32 to bf16
      linalg.yield %111 : bf16
    } -> tensor<12x32xbf16>
    %expanded_47 = tensor.expand_shape %110 [[0, 1], [2]] output_shape [2, 6, 32] : tensor<12x32xbf16> into tensor<2x6x32xbf16>
    return %expanded_47 : tensor<2x6x32xbf16>
  }
}

{-#
  dialect_resources: {
    builtin: {
      torch_tensor_4_torch.float32: "0x040000000000803FCDCCCC3D0AD7233C6F12833A"
    }
  }
#-}
