// A packed row is made of bytes, all of them written: codes of the latent, scales, the key.
//
// RUN: mla-opt %s --mla-to-linalg --canonicalize --cse | FileCheck %s

!row = !mla.cache<page = 16, latent = 192, rope = 16, f32, fp8_row>
!tensor = !mla.cache<page = 16, latent = 192, rope = 16, f32, fp8_tensor>

// CHECK-LABEL: func.func @append_row(
// CHECK-SAME: %[[LATENT:.*]]: tensor<?x192xf32>, %[[K_ROPE:.*]]: tensor<?x16xf32>, %[[POSITION:.*]]: tensor<?xi32>, %[[SEQUENCE:.*]]: tensor<?xi32>, %[[PAGES:.*]]: tensor<?x16x240xi8>, %[[TABLE:.*]]: tensor<?x?xi32>, %[[LENGTHS:.*]]: tensor<?xi32>
// CHECK-DAG: %[[C1182793728:.*]] = arith.constant 1182793728 : i32
// CHECK-DAG: %[[C2:.*]] = arith.constant 2 : index
// CHECK-DAG: %[[C8:.*]] = arith.constant 8 : index
// CHECK-DAG: %[[C4:.*]] = arith.constant 4 : index
// CHECK-DAG: %[[C128:.*]] = arith.constant 128 : i32
// CHECK-DAG: %[[C24:.*]] = arith.constant 24 : i32
// CHECK-DAG: %[[C127:.*]] = arith.constant 127 : i32
// CHECK-DAG: %[[CST:.*]] = arith.constant 1.638400e+04 : f32
// CHECK-DAG: %[[C960:.*]] = arith.constant 960 : i32
// CHECK-DAG: %[[C524287:.*]] = arith.constant 524287 : i32
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : i32
// CHECK-DAG: %[[C20:.*]] = arith.constant 20 : i32
// CHECK-DAG: %[[CST_2:.*]] = arith.constant 1.562500e-02 : f32
// CHECK-DAG: %[[C128_2:.*]] = arith.constant 128 : index
// CHECK-DAG: %[[CST_3:.*]] = arith.constant 1.17549435E-38 : f32
// CHECK-DAG: %[[CST_4:.*]] = arith.constant 4.480000e+02 : f32
// CHECK-DAG: %[[CST_5:.*]] = arith.constant 0.000000e+00 : f32
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : i8
// CHECK-DAG: %[[C16:.*]] = arith.constant 16 : index
// CHECK-DAG: %[[C1_2:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[C0_2:.*]] = arith.constant 0 : index
// CHECK: %[[DIM:.*]] = tensor.dim %[[LATENT]], %[[C0_2]] : tensor<?x192xf32>
// CHECK: %[[FOR:.*]] = scf.for %[[I:.*]] = %[[C0_2]] to %[[DIM]] step %[[C1_2]] iter_args(%[[STATE:.*]] = %[[PAGES]]) -> (tensor<?x16x240xi8>)
// CHECK: %[[EXTRACT:.*]] = tensor.extract %[[POSITION]][%[[I]]] : tensor<?xi32>
// CHECK: %[[INDEX_CAST:.*]] = arith.index_cast %[[EXTRACT]] : i32 to index
// CHECK: %[[DIVUI:.*]] = arith.divui %[[INDEX_CAST]], %[[C16]] : index
// CHECK: %[[EXTRACT_2:.*]] = tensor.extract %[[SEQUENCE]][%[[I]]] : tensor<?xi32>
// CHECK: %[[INDEX_CAST_2:.*]] = arith.index_cast %[[EXTRACT_2]] : i32 to index
// CHECK: %[[EXTRACT_3:.*]] = tensor.extract %[[TABLE]][%[[INDEX_CAST_2]], %[[DIVUI]]] : tensor<?x?xi32>
// CHECK: %[[INDEX_CAST_3:.*]] = arith.index_cast %[[EXTRACT_3]] : i32 to index
// CHECK: %[[REMUI:.*]] = arith.remui %[[INDEX_CAST]], %[[C16]] : index
// CHECK: %[[SLICE:.*]] = tensor.extract_slice %[[K_ROPE]][%[[I]], 0] [1, 16] [1, 1] : tensor<?x16xf32> to tensor<16xf32>
// CHECK: %[[SLICE_2:.*]] = tensor.extract_slice %[[LATENT]][%[[I]], 0] [1, 192] [1, 1] : tensor<?x192xf32> to tensor<192xf32>
// CHECK: %[[EMPTY:.*]] = tensor.empty() : tensor<240xi8>
// CHECK: %[[FILL:.*]] = linalg.fill ins(%[[C0]] : i8) outs(%[[EMPTY]] : tensor<240xi8>) -> tensor<240xi8>
// CHECK: %[[EMPTY_2:.*]] = tensor.empty() : tensor<2xf32>
// CHECK: %[[SLICE_3:.*]] = tensor.extract_slice %[[SLICE_2]][0] [128] [1] : tensor<192xf32> to tensor<128xf32>
// CHECK: %[[EMPTY_3:.*]] = tensor.empty() : tensor<f32>
// CHECK: %[[FILL_2:.*]] = linalg.fill ins(%[[CST_5]] : f32) outs(%[[EMPTY_3]] : tensor<f32>) -> tensor<f32>
// CHECK: %[[GENERIC:.*]] = linalg.generic {{.*}} ins(%[[SLICE_3]] : tensor<128xf32>) outs(%[[FILL_2]] : tensor<f32>)
// CHECK: ^bb0(%[[IN:.*]]: f32, %[[OUT:.*]]: f32):
// CHECK: %[[ABSF:.*]] = math.absf %[[IN]] : f32
// CHECK: %[[MAXIMUMF:.*]] = arith.maximumf %[[ABSF]], %[[OUT]] : f32
// CHECK: linalg.yield %[[MAXIMUMF]] : f32
// CHECK: %[[EXTRACT_4:.*]] = tensor.extract %[[GENERIC]][] : tensor<f32>
// CHECK: %[[DIVF:.*]] = arith.divf %[[EXTRACT_4]], %[[CST_4]] : f32
// CHECK: %[[MAXIMUMF_2:.*]] = arith.maximumf %[[DIVF]], %[[CST_3]] : f32
// CHECK: %[[INSERT:.*]] = tensor.insert %[[MAXIMUMF_2]] into %[[EMPTY_2]][%[[C0_2]]] : tensor<2xf32>
// CHECK: %[[SLICE_4:.*]] = tensor.extract_slice %[[SLICE_2]][128] [64] [1] : tensor<192xf32> to tensor<64xf32>
// CHECK: %[[GENERIC_2:.*]] = linalg.generic {{.*}} ins(%[[SLICE_4]] : tensor<64xf32>) outs(%[[FILL_2]] : tensor<f32>)
// CHECK: ^bb0(%[[IN_2:.*]]: f32, %[[OUT_2:.*]]: f32):
// CHECK: %[[ABSF_2:.*]] = math.absf %[[IN_2]] : f32
// CHECK: %[[MAXIMUMF_3:.*]] = arith.maximumf %[[ABSF_2]], %[[OUT_2]] : f32
// CHECK: linalg.yield %[[MAXIMUMF_3]] : f32
// CHECK: %[[EXTRACT_5:.*]] = tensor.extract %[[GENERIC_2]][] : tensor<f32>
// CHECK: %[[DIVF_2:.*]] = arith.divf %[[EXTRACT_5]], %[[CST_4]] : f32
// CHECK: %[[MAXIMUMF_4:.*]] = arith.maximumf %[[DIVF_2]], %[[CST_3]] : f32
// CHECK: %[[INSERT_2:.*]] = tensor.insert %[[MAXIMUMF_4]] into %[[INSERT]][%[[C1_2]]] : tensor<2xf32>
// CHECK: %[[EMPTY_4:.*]] = tensor.empty() : tensor<192xi8>
// CHECK: %[[GENERIC_3:.*]] = linalg.generic {{.*}} ins(%[[SLICE_2]] : tensor<192xf32>) outs(%[[EMPTY_4]] : tensor<192xi8>)
// CHECK: ^bb0(%[[IN_3:.*]]: f32, %[[OUT_3:.*]]: i8):
// CHECK: %[[INDEX:.*]] = linalg.index 0 : index
// CHECK: %[[DIVUI_2:.*]] = arith.divui %[[INDEX]], %[[C128_2]] : index
// CHECK: %[[EXTRACT_6:.*]] = tensor.extract %[[INSERT_2]][%[[DIVUI_2]]] : tensor<2xf32>
// CHECK: %[[DIVF_3:.*]] = arith.divf %[[IN_3]], %[[EXTRACT_6]] : f32
// CHECK: %[[ABSF_3:.*]] = math.absf %[[DIVF_3]] : f32
// CHECK: %[[MINNUMF:.*]] = arith.minnumf %[[ABSF_3]], %[[CST_4]] : f32
// CHECK: %[[CMPF:.*]] = arith.cmpf oge, %[[MINNUMF]], %[[CST_2]] : f32
// CHECK: %[[BITCAST:.*]] = arith.bitcast %[[MINNUMF]] : f32 to i32
// CHECK: %[[SHRUI:.*]] = arith.shrui %[[BITCAST]], %[[C20]] : i32
// CHECK: %[[ANDI:.*]] = arith.andi %[[SHRUI]], %[[C1]] : i32
// CHECK: %[[ADDI:.*]] = arith.addi %[[BITCAST]], %[[C524287]] : i32
// CHECK: %[[ADDI_2:.*]] = arith.addi %[[ADDI]], %[[ANDI]] : i32
// CHECK: %[[SHRUI_2:.*]] = arith.shrui %[[ADDI_2]], %[[C20]] : i32
// CHECK: %[[SUBI:.*]] = arith.subi %[[SHRUI_2]], %[[C960]] : i32
// CHECK: %[[ADDF:.*]] = arith.addf %[[MINNUMF]], %[[CST]] : f32
// CHECK: %[[BITCAST_2:.*]] = arith.bitcast %[[ADDF]] : f32 to i32
// CHECK: %[[SUBI_2:.*]] = arith.subi %[[BITCAST_2]], %[[C1182793728]] : i32
// CHECK: %[[SELECT:.*]] = arith.select %[[CMPF]], %[[SUBI]], %[[SUBI_2]] : i32
// CHECK: %[[CMPF_2:.*]] = arith.cmpf ord, %[[DIVF_3]], %[[DIVF_3]] : f32
// CHECK: %[[SELECT_2:.*]] = arith.select %[[CMPF_2]], %[[SELECT]], %[[C127]] : i32
// CHECK: %[[BITCAST_3:.*]] = arith.bitcast %[[DIVF_3]] : f32 to i32
// CHECK: %[[SHRUI_3:.*]] = arith.shrui %[[BITCAST_3]], %[[C24]] : i32
// CHECK: %[[ANDI_2:.*]] = arith.andi %[[SHRUI_3]], %[[C128]] : i32
// CHECK: %[[ORI:.*]] = arith.ori %[[SELECT_2]], %[[ANDI_2]] : i32
// CHECK: %[[TRUNCI:.*]] = arith.trunci %[[ORI]] : i32 to i8
// CHECK: linalg.yield %[[TRUNCI]] : i8
// CHECK: %[[INSERTED:.*]] = tensor.insert_slice %[[GENERIC_3]] into %[[FILL]][0] [192] [1] : tensor<192xi8> into tensor<240xi8>
// CHECK: %[[EMPTY_5:.*]] = tensor.empty() : tensor<8xi8>
// CHECK: %[[GENERIC_4:.*]] = linalg.generic {{.*}} outs(%[[EMPTY_5]] : tensor<8xi8>)
// CHECK: ^bb0(%[[OUT_4:.*]]: i8):
// CHECK: %[[INDEX_2:.*]] = linalg.index 0 : index
// CHECK: %[[DIVUI_3:.*]] = arith.divui %[[INDEX_2]], %[[C4]] : index
// CHECK: %[[EXTRACT_7:.*]] = tensor.extract %[[INSERT_2]][%[[DIVUI_3]]] : tensor<2xf32>
// CHECK: %[[REMUI_2:.*]] = arith.remui %[[INDEX_2]], %[[C4]] : index
// CHECK: %[[BITCAST_4:.*]] = arith.bitcast %[[EXTRACT_7]] : f32 to i32
// CHECK: %[[MULI:.*]] = arith.muli %[[REMUI_2]], %[[C8]] : index
// CHECK: %[[INDEX_CAST_4:.*]] = arith.index_cast %[[MULI]] : index to i32
// CHECK: %[[SHRUI_4:.*]] = arith.shrui %[[BITCAST_4]], %[[INDEX_CAST_4]] : i32
// CHECK: %[[TRUNCI_2:.*]] = arith.trunci %[[SHRUI_4]] : i32 to i8
// CHECK: linalg.yield %[[TRUNCI_2]] : i8
// CHECK: %[[INSERTED_2:.*]] = tensor.insert_slice %[[GENERIC_4]] into %[[INSERTED]][192] [8] [1] : tensor<8xi8> into tensor<240xi8>
// CHECK: %[[EMPTY_6:.*]] = tensor.empty() : tensor<16xbf16>
// CHECK: %[[GENERIC_5:.*]] = linalg.generic {{.*}} ins(%[[SLICE]] : tensor<16xf32>) outs(%[[EMPTY_6]] : tensor<16xbf16>)
// CHECK: ^bb0(%[[IN_4:.*]]: f32, %[[OUT_5:.*]]: bf16):
// CHECK: %[[TRUNCF:.*]] = arith.truncf %[[IN_4]] : f32 to bf16
// CHECK: linalg.yield %[[TRUNCF]] : bf16
// CHECK: %[[EMPTY_7:.*]] = tensor.empty() : tensor<32xi8>
// CHECK: %[[GENERIC_6:.*]] = linalg.generic {{.*}} outs(%[[EMPTY_7]] : tensor<32xi8>)
// CHECK: ^bb0(%[[OUT_6:.*]]: i8):
// CHECK: %[[INDEX_3:.*]] = linalg.index 0 : index
// CHECK: %[[DIVUI_4:.*]] = arith.divui %[[INDEX_3]], %[[C2]] : index
// CHECK: %[[EXTRACT_8:.*]] = tensor.extract %[[GENERIC_5]][%[[DIVUI_4]]] : tensor<16xbf16>
// CHECK: %[[REMUI_3:.*]] = arith.remui %[[INDEX_3]], %[[C2]] : index
// CHECK: %[[BITCAST_5:.*]] = arith.bitcast %[[EXTRACT_8]] : bf16 to i16
// CHECK: %[[MULI_2:.*]] = arith.muli %[[REMUI_3]], %[[C8]] : index
// CHECK: %[[INDEX_CAST_5:.*]] = arith.index_cast %[[MULI_2]] : index to i16
// CHECK: %[[SHRUI_5:.*]] = arith.shrui %[[BITCAST_5]], %[[INDEX_CAST_5]] : i16
// CHECK: %[[TRUNCI_3:.*]] = arith.trunci %[[SHRUI_5]] : i16 to i8
// CHECK: linalg.yield %[[TRUNCI_3]] : i8
// CHECK: %[[INSERTED_3:.*]] = tensor.insert_slice %[[GENERIC_6]] into %[[INSERTED_2]][208] [32] [1] : tensor<32xi8> into tensor<240xi8>
// CHECK: %[[INSERTED_4:.*]] = tensor.insert_slice %[[INSERTED_3]] into %[[STATE]][%[[INDEX_CAST_3]], %[[REMUI]], 0] [1, 1, 240] [1, 1, 1] : tensor<240xi8> into tensor<?x16x240xi8>
// CHECK: scf.yield %[[INSERTED_4]] : tensor<?x16x240xi8>
// CHECK: return %[[FOR]], %[[TABLE]], %[[LENGTHS]] : tensor<?x16x240xi8>, tensor<?x?xi32>, tensor<?xi32>
func.func @append_row(%latent: tensor<?x192xf32>, %k_rope: tensor<?x16xf32>, %position: tensor<?xi32>, %sequence: tensor<?xi32>, %cache: !row) -> !row {
  %new = mla.append %latent, %k_rope at %position of %sequence into %cache : tensor<?x192xf32>, tensor<?x16xf32> into !row
  return %new : !row
}

// CHECK-LABEL: func.func @append_tensor(
// CHECK-SAME: %[[LATENT:.*]]: tensor<?x192xf32>, %[[K_ROPE:.*]]: tensor<?x16xf32>, %[[POSITION:.*]]: tensor<?xi32>, %[[SEQUENCE:.*]]: tensor<?xi32>, %[[PAGES:.*]]: tensor<?x16x208xi8>, %[[TABLE:.*]]: tensor<?x?xi32>, %[[LENGTHS:.*]]: tensor<?xi32>
// CHECK-DAG: %[[C1182793728:.*]] = arith.constant 1182793728 : i32
// CHECK-DAG: %[[C128:.*]] = arith.constant 128 : i32
// CHECK-DAG: %[[C24:.*]] = arith.constant 24 : i32
// CHECK-DAG: %[[C127:.*]] = arith.constant 127 : i32
// CHECK-DAG: %[[CST:.*]] = arith.constant 1.638400e+04 : f32
// CHECK-DAG: %[[C960:.*]] = arith.constant 960 : i32
// CHECK-DAG: %[[C524287:.*]] = arith.constant 524287 : i32
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : i32
// CHECK-DAG: %[[C20:.*]] = arith.constant 20 : i32
// CHECK-DAG: %[[CST_2:.*]] = arith.constant 1.562500e-02 : f32
// CHECK-DAG: %[[CST_3:.*]] = arith.constant 4.480000e+02 : f32
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : i8
// CHECK-DAG: %[[C16:.*]] = arith.constant 16 : index
// CHECK-DAG: %[[C1_2:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[C0_2:.*]] = arith.constant 0 : index
// CHECK: %[[DIM:.*]] = tensor.dim %[[LATENT]], %[[C0_2]] : tensor<?x192xf32>
// CHECK: %[[FOR:.*]] = scf.for %[[I:.*]] = %[[C0_2]] to %[[DIM]] step %[[C1_2]] iter_args(%[[STATE:.*]] = %[[PAGES]]) -> (tensor<?x16x208xi8>)
// CHECK: %[[EXTRACT:.*]] = tensor.extract %[[POSITION]][%[[I]]] : tensor<?xi32>
// CHECK: %[[INDEX_CAST:.*]] = arith.index_cast %[[EXTRACT]] : i32 to index
// CHECK: %[[DIVUI:.*]] = arith.divui %[[INDEX_CAST]], %[[C16]] : index
// CHECK: %[[EXTRACT_2:.*]] = tensor.extract %[[SEQUENCE]][%[[I]]] : tensor<?xi32>
// CHECK: %[[INDEX_CAST_2:.*]] = arith.index_cast %[[EXTRACT_2]] : i32 to index
// CHECK: %[[EXTRACT_3:.*]] = tensor.extract %[[TABLE]][%[[INDEX_CAST_2]], %[[DIVUI]]] : tensor<?x?xi32>
// CHECK: %[[INDEX_CAST_3:.*]] = arith.index_cast %[[EXTRACT_3]] : i32 to index
// CHECK: %[[REMUI:.*]] = arith.remui %[[INDEX_CAST]], %[[C16]] : index
// CHECK: %[[SLICE:.*]] = tensor.extract_slice %[[K_ROPE]][%[[I]], 0] [1, 16] [1, 1] : tensor<?x16xf32> to tensor<16xf32>
// CHECK: %[[SLICE_2:.*]] = tensor.extract_slice %[[LATENT]][%[[I]], 0] [1, 192] [1, 1] : tensor<?x192xf32> to tensor<192xf32>
// CHECK: %[[EMPTY:.*]] = tensor.empty() : tensor<208xi8>
// CHECK: %[[FILL:.*]] = linalg.fill ins(%[[C0]] : i8) outs(%[[EMPTY]] : tensor<208xi8>) -> tensor<208xi8>
// CHECK: %[[EMPTY_2:.*]] = tensor.empty() : tensor<192xi8>
// CHECK: %[[GENERIC:.*]] = linalg.generic {{.*}} ins(%[[SLICE_2]] : tensor<192xf32>) outs(%[[EMPTY_2]] : tensor<192xi8>)
// CHECK: ^bb0(%[[IN:.*]]: f32, %[[OUT:.*]]: i8):
// CHECK: %[[ABSF:.*]] = math.absf %[[IN]] : f32
// CHECK: %[[MINNUMF:.*]] = arith.minnumf %[[ABSF]], %[[CST_3]] : f32
// CHECK: %[[CMPF:.*]] = arith.cmpf oge, %[[MINNUMF]], %[[CST_2]] : f32
// CHECK: %[[BITCAST:.*]] = arith.bitcast %[[MINNUMF]] : f32 to i32
// CHECK: %[[SHRUI:.*]] = arith.shrui %[[BITCAST]], %[[C20]] : i32
// CHECK: %[[ANDI:.*]] = arith.andi %[[SHRUI]], %[[C1]] : i32
// CHECK: %[[ADDI:.*]] = arith.addi %[[BITCAST]], %[[C524287]] : i32
// CHECK: %[[ADDI_2:.*]] = arith.addi %[[ADDI]], %[[ANDI]] : i32
// CHECK: %[[SHRUI_2:.*]] = arith.shrui %[[ADDI_2]], %[[C20]] : i32
// CHECK: %[[SUBI:.*]] = arith.subi %[[SHRUI_2]], %[[C960]] : i32
// CHECK: %[[ADDF:.*]] = arith.addf %[[MINNUMF]], %[[CST]] : f32
// CHECK: %[[BITCAST_2:.*]] = arith.bitcast %[[ADDF]] : f32 to i32
// CHECK: %[[SUBI_2:.*]] = arith.subi %[[BITCAST_2]], %[[C1182793728]] : i32
// CHECK: %[[SELECT:.*]] = arith.select %[[CMPF]], %[[SUBI]], %[[SUBI_2]] : i32
// CHECK: %[[CMPF_2:.*]] = arith.cmpf ord, %[[IN]], %[[IN]] : f32
// CHECK: %[[SELECT_2:.*]] = arith.select %[[CMPF_2]], %[[SELECT]], %[[C127]] : i32
// CHECK: %[[BITCAST_3:.*]] = arith.bitcast %[[IN]] : f32 to i32
// CHECK: %[[SHRUI_3:.*]] = arith.shrui %[[BITCAST_3]], %[[C24]] : i32
// CHECK: %[[ANDI_2:.*]] = arith.andi %[[SHRUI_3]], %[[C128]] : i32
// CHECK: %[[ORI:.*]] = arith.ori %[[SELECT_2]], %[[ANDI_2]] : i32
// CHECK: %[[TRUNCI:.*]] = arith.trunci %[[ORI]] : i32 to i8
// CHECK: linalg.yield %[[TRUNCI]] : i8
// CHECK: %[[INSERTED:.*]] = tensor.insert_slice %[[GENERIC]] into %[[FILL]][0] [192] [1] : tensor<192xi8> into tensor<208xi8>
// CHECK: %[[EMPTY_3:.*]] = tensor.empty() : tensor<16xi8>
// CHECK: %[[GENERIC_2:.*]] = linalg.generic {{.*}} ins(%[[SLICE]] : tensor<16xf32>) outs(%[[EMPTY_3]] : tensor<16xi8>)
// CHECK: ^bb0(%[[IN_2:.*]]: f32, %[[OUT_2:.*]]: i8):
// CHECK: %[[ABSF_2:.*]] = math.absf %[[IN_2]] : f32
// CHECK: %[[MINNUMF_2:.*]] = arith.minnumf %[[ABSF_2]], %[[CST_3]] : f32
// CHECK: %[[CMPF_3:.*]] = arith.cmpf oge, %[[MINNUMF_2]], %[[CST_2]] : f32
// CHECK: %[[BITCAST_4:.*]] = arith.bitcast %[[MINNUMF_2]] : f32 to i32
// CHECK: %[[SHRUI_4:.*]] = arith.shrui %[[BITCAST_4]], %[[C20]] : i32
// CHECK: %[[ANDI_3:.*]] = arith.andi %[[SHRUI_4]], %[[C1]] : i32
// CHECK: %[[ADDI_3:.*]] = arith.addi %[[BITCAST_4]], %[[C524287]] : i32
// CHECK: %[[ADDI_4:.*]] = arith.addi %[[ADDI_3]], %[[ANDI_3]] : i32
// CHECK: %[[SHRUI_5:.*]] = arith.shrui %[[ADDI_4]], %[[C20]] : i32
// CHECK: %[[SUBI_3:.*]] = arith.subi %[[SHRUI_5]], %[[C960]] : i32
// CHECK: %[[ADDF_2:.*]] = arith.addf %[[MINNUMF_2]], %[[CST]] : f32
// CHECK: %[[BITCAST_5:.*]] = arith.bitcast %[[ADDF_2]] : f32 to i32
// CHECK: %[[SUBI_4:.*]] = arith.subi %[[BITCAST_5]], %[[C1182793728]] : i32
// CHECK: %[[SELECT_3:.*]] = arith.select %[[CMPF_3]], %[[SUBI_3]], %[[SUBI_4]] : i32
// CHECK: %[[CMPF_4:.*]] = arith.cmpf ord, %[[IN_2]], %[[IN_2]] : f32
// CHECK: %[[SELECT_4:.*]] = arith.select %[[CMPF_4]], %[[SELECT_3]], %[[C127]] : i32
// CHECK: %[[BITCAST_6:.*]] = arith.bitcast %[[IN_2]] : f32 to i32
// CHECK: %[[SHRUI_6:.*]] = arith.shrui %[[BITCAST_6]], %[[C24]] : i32
// CHECK: %[[ANDI_4:.*]] = arith.andi %[[SHRUI_6]], %[[C128]] : i32
// CHECK: %[[ORI_2:.*]] = arith.ori %[[SELECT_4]], %[[ANDI_4]] : i32
// CHECK: %[[TRUNCI_2:.*]] = arith.trunci %[[ORI_2]] : i32 to i8
// CHECK: linalg.yield %[[TRUNCI_2]] : i8
// CHECK: %[[INSERTED_2:.*]] = tensor.insert_slice %[[GENERIC_2]] into %[[INSERTED]][192] [16] [1] : tensor<16xi8> into tensor<208xi8>
// CHECK: %[[INSERTED_3:.*]] = tensor.insert_slice %[[INSERTED_2]] into %[[STATE]][%[[INDEX_CAST_3]], %[[REMUI]], 0] [1, 1, 208] [1, 1, 1] : tensor<208xi8> into tensor<?x16x208xi8>
// CHECK: scf.yield %[[INSERTED_3]] : tensor<?x16x208xi8>
// CHECK: return %[[FOR]], %[[TABLE]], %[[LENGTHS]] : tensor<?x16x208xi8>, tensor<?x?xi32>, tensor<?xi32>
func.func @append_tensor(%latent: tensor<?x192xf32>, %k_rope: tensor<?x16xf32>, %position: tensor<?xi32>, %sequence: tensor<?xi32>, %cache: !tensor) -> !tensor {
  %new = mla.append %latent, %k_rope at %position of %sequence into %cache : tensor<?x192xf32>, tensor<?x16xf32> into !tensor
  return %new : !tensor
}
