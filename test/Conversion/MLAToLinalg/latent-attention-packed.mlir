// Packed pages are converted to f32 as they are read, whole ones and the one at the causal edge.
//
// RUN: mla-opt %s --mla-to-linalg --canonicalize --cse | FileCheck %s

!row = !mla.cache<page = 16, latent = 192, rope = 16, bf16, fp8_row>
!tensor = !mla.cache<page = 16, latent = 192, rope = 16, bf16, fp8_tensor>

// CHECK-LABEL: func.func @latent_attention_row(
// CHECK-SAME: %[[Q:.*]]: tensor<?x4x192xbf16>, %[[Q_ROPE:.*]]: tensor<?x4x16xbf16>, %[[CU:.*]]: tensor<?xi32>, %[[PAGES:.*]]: tensor<?x16x240xi8>, %[[TABLE:.*]]: tensor<?x?xi32>, %[[LENGTHS:.*]]: tensor<?xi32>
// CHECK: %[[TABLE_OF_E4M3:.*]] = arith.constant dense<{{.*}}> : tensor<256xf32>
// CHECK: scf.forall
// CHECK: %[[ROWS:.*]] = tensor.extract_slice %[[Q]]
// CHECK: %[[QUERY:.*]] = linalg.generic {{.*}} ins(%[[ROWS]] : tensor<4x192xbf16>)
// CHECK: %[[ROWS_2:.*]] = tensor.extract_slice %[[Q_ROPE]]
// CHECK: %[[QUERY_ROPE:.*]] = linalg.generic {{.*}} ins(%[[ROWS_2]] : tensor<4x16xbf16>)
// CHECK: scf.for
// CHECK: %[[BITS:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<16x2xf32>)
// CHECK: tensor.extract %[[PAGES]][%[[PAGE:.*]], %{{.*}}, %{{.*}}] : tensor<?x16x240xi8>
// CHECK: arith.bitcast %{{.*}} : i32 to f32
// CHECK: %[[SCALE:.*]] = tensor.extract_slice %[[BITS]][0, 0] [16, 1] [1, 1] : tensor<16x2xf32> to tensor<16xf32>
// CHECK: %[[CODES:.*]] = tensor.extract_slice %[[PAGES]][%[[PAGE]], 0, 0] [1, 16, 128] [1, 1, 1] : tensor<?x16x240xi8> to tensor<16x128xi8>
// CHECK: %[[FIRST:.*]] = linalg.generic {{.*}} ins(%[[CODES]], %[[SCALE]] : tensor<16x128xi8>, tensor<16xf32>)
// CHECK: ^bb0(%[[CODE:.*]]: i8, %[[OF_GROUP:.*]]: f32, %{{.*}}: f32):
// CHECK: %[[AT:.*]] = arith.index_castui %[[CODE]] : i8 to index
// CHECK: %[[VALUE:.*]] = tensor.extract %[[TABLE_OF_E4M3]][%[[AT]]] : tensor<256xf32>
// CHECK: arith.mulf %[[VALUE]], %[[OF_GROUP]] : f32
// CHECK: %[[PART:.*]] = tensor.insert_slice %[[FIRST]] into %{{.*}}[0, 0] [16, 128] [1, 1] : tensor<16x128xf32> into tensor<16x192xf32>
// CHECK: %[[SCALE_2:.*]] = tensor.extract_slice %[[BITS]][0, 1] [16, 1] [1, 1] : tensor<16x2xf32> to tensor<16xf32>
// CHECK: %[[CODES_2:.*]] = tensor.extract_slice %[[PAGES]][%[[PAGE]], 0, 128] [1, 16, 64] [1, 1, 1] : tensor<?x16x240xi8> to tensor<16x64xi8>
// CHECK: %[[SECOND:.*]] = linalg.generic {{.*}} ins(%[[CODES_2]], %[[SCALE_2]] : tensor<16x64xi8>, tensor<16xf32>)
// CHECK: %[[LATENTS:.*]] = tensor.insert_slice %[[SECOND]] into %[[PART]][0, 128] [16, 64] [1, 1] : tensor<16x64xf32> into tensor<16x192xf32>
// CHECK: %[[KEYS:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<16x16xf32>)
// CHECK: tensor.extract %[[PAGES]][%[[PAGE]], %{{.*}}, %{{.*}}] : tensor<?x16x240xi8>
// CHECK: arith.bitcast %{{.*}} : i16 to bf16
// CHECK: %[[SCORES:.*]] = linalg.matmul ins(%[[LATENTS]], %[[QUERY]] : tensor<16x192xf32>, tensor<192x4xf32>)
// CHECK: linalg.matmul ins(%[[KEYS]], %[[QUERY_ROPE]] : tensor<16x16xf32>, tensor<16x4xf32>) outs(%[[SCORES]] : tensor<16x4xf32>)
// CHECK: linalg.matmul {{.*}}ins(%{{.*}}, %[[LATENTS]] : tensor<16x4xf32>, tensor<16x192xf32>)
// CHECK: scf.for
// CHECK: %[[BITS:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<16x2xf32>)
// CHECK: tensor.extract %[[PAGES]][%[[PAGE:.*]], %{{.*}}, %{{.*}}] : tensor<?x16x240xi8>
// CHECK: arith.bitcast %{{.*}} : i32 to f32
// CHECK: %[[SCALE:.*]] = tensor.extract_slice %[[BITS]][0, 0] [16, 1] [1, 1] : tensor<16x2xf32> to tensor<16xf32>
// CHECK: %[[CODES:.*]] = tensor.extract_slice %[[PAGES]][%[[PAGE]], 0, 0] [1, 16, 128] [1, 1, 1] : tensor<?x16x240xi8> to tensor<16x128xi8>
// CHECK: %[[FIRST:.*]] = linalg.generic {{.*}} ins(%[[CODES]], %[[SCALE]] : tensor<16x128xi8>, tensor<16xf32>)
// CHECK: ^bb0(%[[CODE:.*]]: i8, %[[OF_GROUP:.*]]: f32, %{{.*}}: f32):
// CHECK: %[[AT:.*]] = arith.index_castui %[[CODE]] : i8 to index
// CHECK: %[[VALUE:.*]] = tensor.extract %[[TABLE_OF_E4M3]][%[[AT]]] : tensor<256xf32>
// CHECK: arith.mulf %[[VALUE]], %[[OF_GROUP]] : f32
// CHECK: %[[PART:.*]] = tensor.insert_slice %[[FIRST]] into %{{.*}}[0, 0] [16, 128] [1, 1] : tensor<16x128xf32> into tensor<16x192xf32>
// CHECK: %[[SCALE_2:.*]] = tensor.extract_slice %[[BITS]][0, 1] [16, 1] [1, 1] : tensor<16x2xf32> to tensor<16xf32>
// CHECK: %[[CODES_2:.*]] = tensor.extract_slice %[[PAGES]][%[[PAGE]], 0, 128] [1, 16, 64] [1, 1, 1] : tensor<?x16x240xi8> to tensor<16x64xi8>
// CHECK: %[[SECOND:.*]] = linalg.generic {{.*}} ins(%[[CODES_2]], %[[SCALE_2]] : tensor<16x64xi8>, tensor<16xf32>)
// CHECK: %[[LATENTS:.*]] = tensor.insert_slice %[[SECOND]] into %[[PART]][0, 128] [16, 64] [1, 1] : tensor<16x64xf32> into tensor<16x192xf32>
// CHECK: %[[KEYS:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<16x16xf32>)
// CHECK: tensor.extract %[[PAGES]][%[[PAGE]], %{{.*}}, %{{.*}}] : tensor<?x16x240xi8>
// CHECK: arith.bitcast %{{.*}} : i16 to bf16
// CHECK: %[[CUT:.*]] = linalg.generic {{.*}} ins(%[[LATENTS]] : tensor<16x192xf32>)
// CHECK: %[[CUT_KEYS:.*]] = linalg.generic {{.*}} ins(%[[KEYS]] : tensor<16x16xf32>)
// CHECK: %[[SCORES:.*]] = linalg.matmul ins(%[[CUT]], %[[QUERY]] : tensor<16x192xf32>, tensor<192x4xf32>)
// CHECK: linalg.matmul ins(%[[CUT_KEYS]], %[[QUERY_ROPE]] : tensor<16x16xf32>, tensor<16x4xf32>) outs(%[[SCORES]] : tensor<16x4xf32>)
// CHECK: linalg.matmul {{.*}}ins(%{{.*}}, %[[CUT]] : tensor<16x4xf32>, tensor<16x192xf32>)
func.func @latent_attention_row(%q: tensor<?x4x192xbf16>, %q_rope: tensor<?x4x16xbf16>, %cu: tensor<?xi32>, %cache: !row) -> tensor<?x4x192xbf16> {
  %out = mla.latent_attention queries(%q, %q_rope of %cu) cache(%cache) {scale = 0.5 : f64} : (tensor<?x4x192xbf16>, tensor<?x4x16xbf16>, !row) -> tensor<?x4x192xbf16>
  return %out : tensor<?x4x192xbf16>
}

// CHECK-LABEL: func.func @latent_attention_tensor(
// CHECK-SAME: %[[Q:.*]]: tensor<?x4x192xbf16>, %[[Q_ROPE:.*]]: tensor<?x4x16xbf16>, %[[CU:.*]]: tensor<?xi32>, %[[PAGES:.*]]: tensor<?x16x208xi8>, %[[TABLE:.*]]: tensor<?x?xi32>, %[[LENGTHS:.*]]: tensor<?xi32>
// CHECK: %[[TABLE_OF_E4M3:.*]] = arith.constant dense<{{.*}}> : tensor<256xf32>
// CHECK: scf.forall
// CHECK: %[[ROWS:.*]] = tensor.extract_slice %[[Q]]
// CHECK: %[[QUERY:.*]] = linalg.generic {{.*}} ins(%[[ROWS]] : tensor<4x192xbf16>)
// CHECK: %[[ROWS_2:.*]] = tensor.extract_slice %[[Q_ROPE]]
// CHECK: %[[QUERY_ROPE:.*]] = linalg.generic {{.*}} ins(%[[ROWS_2]] : tensor<4x16xbf16>)
// CHECK: scf.for
// CHECK: %[[CODES:.*]] = tensor.extract_slice %[[PAGES]][%[[PAGE:.*]], 0, 0] [1, 16, 192] [1, 1, 1] : tensor<?x16x208xi8> to tensor<16x192xi8>
// CHECK: %[[LATENTS:.*]] = linalg.generic {{.*}} ins(%[[CODES]] : tensor<16x192xi8>)
// CHECK: ^bb0(%[[CODE:.*]]: i8, %{{.*}}: f32):
// CHECK: %[[AT:.*]] = arith.index_castui %[[CODE]] : i8 to index
// CHECK: tensor.extract %[[TABLE_OF_E4M3]][%[[AT]]] : tensor<256xf32>
// CHECK: %[[KEY_CODES:.*]] = tensor.extract_slice %[[PAGES]][%[[PAGE]], 0, 192] [1, 16, 16] [1, 1, 1] : tensor<?x16x208xi8> to tensor<16x16xi8>
// CHECK: %[[KEYS:.*]] = linalg.generic {{.*}} ins(%[[KEY_CODES]] : tensor<16x16xi8>)
// CHECK: %[[SCORES:.*]] = linalg.matmul ins(%[[LATENTS]], %[[QUERY]] : tensor<16x192xf32>, tensor<192x4xf32>)
// CHECK: linalg.matmul ins(%[[KEYS]], %[[QUERY_ROPE]] : tensor<16x16xf32>, tensor<16x4xf32>) outs(%[[SCORES]] : tensor<16x4xf32>)
// CHECK: linalg.matmul {{.*}}ins(%{{.*}}, %[[LATENTS]] : tensor<16x4xf32>, tensor<16x192xf32>)
// CHECK: scf.for
// CHECK: %[[CODES:.*]] = tensor.extract_slice %[[PAGES]][%[[PAGE:.*]], 0, 0] [1, 16, 192] [1, 1, 1] : tensor<?x16x208xi8> to tensor<16x192xi8>
// CHECK: %[[LATENTS:.*]] = linalg.generic {{.*}} ins(%[[CODES]] : tensor<16x192xi8>)
// CHECK: ^bb0(%[[CODE:.*]]: i8, %{{.*}}: f32):
// CHECK: %[[AT:.*]] = arith.index_castui %[[CODE]] : i8 to index
// CHECK: tensor.extract %[[TABLE_OF_E4M3]][%[[AT]]] : tensor<256xf32>
// CHECK: %[[KEY_CODES:.*]] = tensor.extract_slice %[[PAGES]][%[[PAGE]], 0, 192] [1, 16, 16] [1, 1, 1] : tensor<?x16x208xi8> to tensor<16x16xi8>
// CHECK: %[[KEYS:.*]] = linalg.generic {{.*}} ins(%[[KEY_CODES]] : tensor<16x16xi8>)
// CHECK: %[[CUT:.*]] = linalg.generic {{.*}} ins(%[[LATENTS]] : tensor<16x192xf32>)
// CHECK: %[[CUT_KEYS:.*]] = linalg.generic {{.*}} ins(%[[KEYS]] : tensor<16x16xf32>)
// CHECK: %[[SCORES:.*]] = linalg.matmul ins(%[[CUT]], %[[QUERY]] : tensor<16x192xf32>, tensor<192x4xf32>)
// CHECK: linalg.matmul ins(%[[CUT_KEYS]], %[[QUERY_ROPE]] : tensor<16x16xf32>, tensor<16x4xf32>) outs(%[[SCORES]] : tensor<16x4xf32>)
// CHECK: linalg.matmul {{.*}}ins(%{{.*}}, %[[CUT]] : tensor<16x4xf32>, tensor<16x192xf32>)
func.func @latent_attention_tensor(%q: tensor<?x4x192xbf16>, %q_rope: tensor<?x4x16xbf16>, %cu: tensor<?xi32>, %cache: !tensor) -> tensor<?x4x192xbf16> {
  %out = mla.latent_attention queries(%q, %q_rope of %cu) cache(%cache) {scale = 0.5 : f64} : (tensor<?x4x192xbf16>, tensor<?x4x16xbf16>, !tensor) -> tensor<?x4x192xbf16>
  return %out : tensor<?x4x192xbf16>
}
