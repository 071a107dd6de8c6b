// RUN: mla-opt %s --mla-cpu-matrix-tiles --verify-diagnostics --split-input-file

func.func @sizes_that_tiles_do_not_divide(%rows: memref<16x32x2xbf16>, %pairs: memref<32x32x2xbf16>, %sums: memref<16x32xf32>) {
  // expected-error @+1 {{'linalg.generic' op marked mla.matrix_tiles must have multiples of 32 rows and columns, and of 32 products in a sum}}
  linalg.generic {indexing_maps = [affine_map<(m, n, k, j) -> (m, k, j)>, affine_map<(m, n, k, j) -> (k, n, j)>,
                                   affine_map<(m, n, k, j) -> (m, n)>],
                  iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%rows, %pairs : memref<16x32x2xbf16>, memref<32x32x2xbf16>) outs(%sums : memref<16x32xf32>)
      attrs = {mla.matrix_tiles} {
  ^bb0(%a: bf16, %b: bf16, %c: f32):
    linalg.yield %c : f32
  }
  return
}

// -----

func.func @a_factor_of_float32(%rows: memref<32x16x2xf32>, %pairs: memref<16x32x2xbf16>, %sums: memref<32x32xf32>) {
  // expected-error @+1 {{'linalg.generic' op marked mla.matrix_tiles must have multiples of 32 rows}}
  linalg.generic {indexing_maps = [affine_map<(m, n, k, j) -> (m, k, j)>, affine_map<(m, n, k, j) -> (k, n, j)>,
                                   affine_map<(m, n, k, j) -> (m, n)>],
                  iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%rows, %pairs : memref<32x16x2xf32>, memref<16x32x2xbf16>) outs(%sums : memref<32x32xf32>)
      attrs = {mla.matrix_tiles} {
  ^bb0(%a: f32, %b: bf16, %c: f32):
    linalg.yield %c : f32
  }
  return
}
