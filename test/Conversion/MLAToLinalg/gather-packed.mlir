// Rows of packed pages are read as bytes: codes by a table, times the scale of their group, and keys from two bytes each.
//
// RUN: mla-opt %s --mla-to-linalg --canonicalize --cse | FileCheck %s

!row = !mla.cache<page = 16, latent = 192, rope = 16, f32, fp8_row>
!tensor = !mla.cache<page = 16, latent = 192, rope = 16, f32, fp8_tensor>

// CHECK-LABEL: func.func @gather_row(
// CHECK-SAME: %[[PAGES:.*]]: tensor<?x16x240xi8>, %[[TABLE:.*]]: tensor<?x?xi32>, %[[LENGTHS:.*]]: tensor<?xi32>
// CHECK-DAG: %[[C209:.*]] = arith.constant 209 : index
// CHECK-DAG: %[[C195:.*]] = arith.constant 195 : index
// CHECK-DAG: %[[C194:.*]] = arith.constant 194 : index
// CHECK-DAG: %[[C193:.*]] = arith.constant 193 : index
// CHECK-DAG: %[[C8:.*]] = arith.constant 8 : i16
// CHECK-DAG: %[[C208:.*]] = arith.constant 208 : index
// CHECK-DAG: %[[CST:.*]] = arith.constant dense<"0x000000000000003B0000803B0000C03B0000003C0000203C0000403C0000603C0000803C0000903C0000A03C0000B03C0000C03C0000D03C0000E03C0000F03C0000003D0000103D0000203D0000303D0000403D0000503D0000603D0000703D0000803D0000903D0000A03D0000B03D0000C03D0000D03D0000E03D0000F03D0000003E0000103E0000203E0000303E0000403E0000503E0000603E0000703E0000803E0000903E0000A03E0000B03E0000C03E0000D03E0000E03E0000F03E0000003F0000103F0000203F0000303F0000403F0000503F0000603F0000703F0000803F0000903F0000A03F0000B03F0000C03F0000D03F0000E03F0000F03F000000400000104000002040000030400000404000005040000060400000704000008040000090400000A0400000B0400000C0400000D0400000E0400000F040000000410000104100002041000030410000404100005041000060410000704100008041000090410000A0410000B0410000C0410000D0410000E0410000F041000000420000104200002042000030420000404200005042000060420000704200008042000090420000A0420000B0420000C0420000D0420000E0420000F042000000430000104300002043000030430000404300005043000060430000704300008043000090430000A0430000B0430000C0430000D0430000E0430000F07F00000080000000BB000080BB0000C0BB000000BC000020BC000040BC000060BC000080BC000090BC0000A0BC0000B0BC0000C0BC0000D0BC0000E0BC0000F0BC000000BD000010BD000020BD000030BD000040BD000050BD000060BD000070BD000080BD000090BD0000A0BD0000B0BD0000C0BD0000D0BD0000E0BD0000F0BD000000BE000010BE000020BE000030BE000040BE000050BE000060BE000070BE000080BE000090BE0000A0BE0000B0BE0000C0BE0000D0BE0000E0BE0000F0BE000000BF000010BF000020BF000030BF000040BF000050BF000060BF000070BF000080BF000090BF0000A0BF0000B0BF0000C0BF0000D0BF0000E0BF0000F0BF000000C0000010C0000020C0000030C0000040C0000050C0000060C0000070C0000080C0000090C00000A0C00000B0C00000C0C00000D0C00000E0C00000F0C0000000C1000010C1000020C1000030C1000040C1000050C1000060C1000070C1000080C1000090C10000A0C10000B0C10000C0C10000D0C10000E0C10000F0C1000000C2000010C2000020C2000030C2000040C2000050C2000060C2000070C2000080C2000090C20000A0C20000B0C20000C0C20000D0C20000E0C20000F0C2000000C3000010C3000020C3000030C3000040C3000050C3000060C3000070C3000080C3000090C30000A0C30000B0C30000C0C30000D0C30000E0C30000F0FF"> : tensor<256xf32>
// CHECK-DAG: %[[C24:.*]] = arith.constant 24 : i32
// CHECK-DAG: %[[C16:.*]] = arith.constant 16 : i32
// CHECK-DAG: %[[C2:.*]] = arith.constant 2 : index
// CHECK-DAG: %[[C8_2:.*]] = arith.constant 8 : i32
// CHECK-DAG: %[[C192:.*]] = arith.constant 192 : index
// CHECK-DAG: %[[C4:.*]] = arith.constant 4 : index
// CHECK-DAG: %[[C16_2:.*]] = arith.constant 16 : index
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : i32
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[C0_2:.*]] = arith.constant 0 : index
// CHECK: %[[DIM:.*]] = tensor.dim %[[LENGTHS]], %[[C0_2]] : tensor<?xi32>
// CHECK: %[[ADDI:.*]] = arith.addi %[[DIM]], %[[C1]] : index
// CHECK: %[[EMPTY:.*]] = tensor.empty(%[[ADDI]]) : tensor<?xi32>
// CHECK: %[[INSERT:.*]] = tensor.insert %[[C0]] into %[[EMPTY]][%[[C0_2]]] : tensor<?xi32>
// CHECK: %[[FOR:.*]]:2 = scf.for %[[I:.*]] = %[[C0_2]] to %[[DIM]] step %[[C1]] iter_args(%[[STATE:.*]] = %[[INSERT]], %[[STATE_2:.*]] = %[[C0]]) -> (tensor<?xi32>, i32)
// CHECK: %[[EXTRACT:.*]] = tensor.extract %[[LENGTHS]][%[[I]]] : tensor<?xi32>
// CHECK: %[[ADDI_2:.*]] = arith.addi %[[STATE_2]], %[[EXTRACT]] : i32
// CHECK: %[[ADDI_3:.*]] = arith.addi %[[I]], %[[C1]] : index
// CHECK: %[[INSERT_2:.*]] = tensor.insert %[[ADDI_2]] into %[[STATE]][%[[ADDI_3]]] : tensor<?xi32>
// CHECK: scf.yield %[[INSERT_2]], %[[ADDI_2]] : tensor<?xi32>, i32
// CHECK: %[[EXTRACT_2:.*]] = tensor.extract %[[FOR]]#0[%[[DIM]]] : tensor<?xi32>
// CHECK: %[[INDEX_CAST:.*]] = arith.index_cast %[[EXTRACT_2]] : i32 to index
// CHECK: %[[EMPTY_2:.*]] = tensor.empty(%[[INDEX_CAST]]) : tensor<?x192xf32>
// CHECK: %[[EMPTY_3:.*]] = tensor.empty(%[[INDEX_CAST]]) : tensor<?x16xf32>
// CHECK: %[[FOR_2:.*]]:2 = scf.for %[[I_2:.*]] = %[[C0_2]] to %[[DIM]] step %[[C1]] iter_args(%[[STATE_3:.*]] = %[[EMPTY_2]], %[[STATE_4:.*]] = %[[EMPTY_3]]) -> (tensor<?x192xf32>, tensor<?x16xf32>)
// CHECK: %[[EXTRACT_3:.*]] = tensor.extract %[[FOR]]#0[%[[I_2]]] : tensor<?xi32>
// CHECK: %[[INDEX_CAST_2:.*]] = arith.index_cast %[[EXTRACT_3]] : i32 to index
// CHECK: %[[EXTRACT_4:.*]] = tensor.extract %[[LENGTHS]][%[[I_2]]] : tensor<?xi32>
// CHECK: %[[INDEX_CAST_3:.*]] = arith.index_cast %[[EXTRACT_4]] : i32 to index
// CHECK: %[[CEILDIVUI:.*]] = arith.ceildivui %[[INDEX_CAST_3]], %[[C16_2]] : index
// CHECK: %[[FOR_3:.*]]:2 = scf.for %[[I_3:.*]] = %[[C0_2]] to %[[CEILDIVUI]] step %[[C1]] iter_args(%[[STATE_5:.*]] = %[[STATE_3]], %[[STATE_6:.*]] = %[[STATE_4]]) -> (tensor<?x192xf32>, tensor<?x16xf32>)
// CHECK: %[[MULI:.*]] = arith.muli %[[I_3]], %[[C16_2]] : index
// CHECK: %[[SUBI:.*]] = arith.subi %[[INDEX_CAST_3]], %[[MULI]] : index
// CHECK: %[[MINSI:.*]] = arith.minsi %[[SUBI]], %[[C16_2]] : index
// CHECK: %[[EXTRACT_5:.*]] = tensor.extract %[[TABLE]][%[[I_2]], %[[I_3]]] : tensor<?x?xi32>
// CHECK: %[[INDEX_CAST_4:.*]] = arith.index_cast %[[EXTRACT_5]] : i32 to index
// CHECK: %[[ADDI_4:.*]] = arith.addi %[[INDEX_CAST_2]], %[[MULI]] : index
// CHECK: %[[EMPTY_4:.*]] = tensor.empty(%[[MINSI]]) : tensor<?x2xf32>
// CHECK: %[[GENERIC:.*]] = linalg.generic {{.*}} outs(%[[EMPTY_4]] : tensor<?x2xf32>)
// CHECK: ^bb0(%[[OUT:.*]]: f32):
// CHECK: %[[INDEX:.*]] = linalg.index 0 : index
// CHECK: %[[INDEX_2:.*]] = linalg.index 1 : index
// CHECK: %[[MULI_2:.*]] = arith.muli %[[INDEX_2]], %[[C4]] : index
// CHECK: %[[ADDI_5:.*]] = arith.addi %[[MULI_2]], %[[C192]] : index
// CHECK: %[[EXTRACT_6:.*]] = tensor.extract %[[PAGES]][%[[INDEX_CAST_4]], %[[INDEX]], %[[ADDI_5]]] : tensor<?x16x240xi8>
// CHECK: %[[EXTUI:.*]] = arith.extui %[[EXTRACT_6]] : i8 to i32
// CHECK: %[[ADDI_6:.*]] = arith.addi %[[MULI_2]], %[[C193]] : index
// CHECK: %[[EXTRACT_7:.*]] = tensor.extract %[[PAGES]][%[[INDEX_CAST_4]], %[[INDEX]], %[[ADDI_6]]] : tensor<?x16x240xi8>
// CHECK: %[[EXTUI_2:.*]] = arith.extui %[[EXTRACT_7]] : i8 to i32
// CHECK: %[[SHLI:.*]] = arith.shli %[[EXTUI_2]], %[[C8_2]] : i32
// CHECK: %[[ORI:.*]] = arith.ori %[[EXTUI]], %[[SHLI]] : i32
// CHECK: %[[ADDI_7:.*]] = arith.addi %[[MULI_2]], %[[C194]] : index
// CHECK: %[[EXTRACT_8:.*]] = tensor.extract %[[PAGES]][%[[INDEX_CAST_4]], %[[INDEX]], %[[ADDI_7]]] : tensor<?x16x240xi8>
// CHECK: %[[EXTUI_3:.*]] = arith.extui %[[EXTRACT_8]] : i8 to i32
// CHECK: %[[SHLI_2:.*]] = arith.shli %[[EXTUI_3]], %[[C16]] : i32
// CHECK: %[[ORI_2:.*]] = arith.ori %[[ORI]], %[[SHLI_2]] : i32
// CHECK: %[[ADDI_8:.*]] = arith.addi %[[MULI_2]], %[[C195]] : index
// CHECK: %[[EXTRACT_9:.*]] = tensor.extract %[[PAGES]][%[[INDEX_CAST_4]], %[[INDEX]], %[[ADDI_8]]] : tensor<?x16x240xi8>
// CHECK: %[[EXTUI_4:.*]] = arith.extui %[[EXTRACT_9]] : i8 to i32
// CHECK: %[[SHLI_3:.*]] = arith.shli %[[EXTUI_4]], %[[C24]] : i32
// CHECK: %[[ORI_3:.*]] = arith.ori %[[ORI_2]], %[[SHLI_3]] : i32
// CHECK: %[[BITCAST:.*]] = arith.bitcast %[[ORI_3]] : i32 to f32
// CHECK: linalg.yield %[[BITCAST]] : f32
// CHECK: %[[EMPTY_5:.*]] = tensor.empty(%[[MINSI]]) : tensor<?x192xf32>
// CHECK: %[[SLICE:.*]] = tensor.extract_slice %[[GENERIC]][0, 0] [%[[MINSI]], 1] [1, 1] : tensor<?x2xf32> to tensor<?xf32>
// CHECK: %[[SLICE_2:.*]] = tensor.extract_slice %[[PAGES]][%[[INDEX_CAST_4]], 0, 0] [1, %[[MINSI]], 128] [1, 1, 1] : tensor<?x16x240xi8> to tensor<?x128xi8>
// CHECK: %[[EMPTY_6:.*]] = tensor.empty(%[[MINSI]]) : tensor<?x128xf32>
// CHECK: %[[GENERIC_2:.*]] = linalg.generic {{.*}} ins(%[[SLICE_2]], %[[SLICE]] : tensor<?x128xi8>, tensor<?xf32>) outs(%[[EMPTY_6]] : tensor<?x128xf32>)
// CHECK: ^bb0(%[[IN:.*]]: i8, %[[IN_2:.*]]: f32, %[[OUT_2:.*]]: f32):
// CHECK: %[[INDEX_CASTUI:.*]] = arith.index_castui %[[IN]] : i8 to index
// CHECK: %[[EXTRACT_10:.*]] = tensor.extract %[[CST]][%[[INDEX_CASTUI]]] : tensor<256xf32>
// CHECK: %[[MULF:.*]] = arith.mulf %[[EXTRACT_10]], %[[IN_2]] : f32
// CHECK: linalg.yield %[[MULF]] : f32
// CHECK: %[[INSERTED:.*]] = tensor.insert_slice %[[GENERIC_2]] into %[[EMPTY_5]][0, 0] [%[[MINSI]], 128] [1, 1] : tensor<?x128xf32> into tensor<?x192xf32>
// CHECK: %[[SLICE_3:.*]] = tensor.extract_slice %[[GENERIC]][0, 1] [%[[MINSI]], 1] [1, 1] : tensor<?x2xf32> to tensor<?xf32>
// CHECK: %[[SLICE_4:.*]] = tensor.extract_slice %[[PAGES]][%[[INDEX_CAST_4]], 0, 128] [1, %[[MINSI]], 64] [1, 1, 1] : tensor<?x16x240xi8> to tensor<?x64xi8>
// CHECK: %[[EMPTY_7:.*]] = tensor.empty(%[[MINSI]]) : tensor<?x64xf32>
// CHECK: %[[GENERIC_3:.*]] = linalg.generic {{.*}} ins(%[[SLICE_4]], %[[SLICE_3]] : tensor<?x64xi8>, tensor<?xf32>) outs(%[[EMPTY_7]] : tensor<?x64xf32>)
// CHECK: ^bb0(%[[IN_3:.*]]: i8, %[[IN_4:.*]]: f32, %[[OUT_3:.*]]: f32):
// CHECK: %[[INDEX_CASTUI_2:.*]] = arith.index_castui %[[IN_3]] : i8 to index
// CHECK: %[[EXTRACT_11:.*]] = tensor.extract %[[CST]][%[[INDEX_CASTUI_2]]] : tensor<256xf32>
// CHECK: %[[MULF_2:.*]] = arith.mulf %[[EXTRACT_11]], %[[IN_4]] : f32
// CHECK: linalg.yield %[[MULF_2]] : f32
// CHECK: %[[INSERTED_2:.*]] = tensor.insert_slice %[[GENERIC_3]] into %[[INSERTED]][0, 128] [%[[MINSI]], 64] [1, 1] : tensor<?x64xf32> into tensor<?x192xf32>
// CHECK: %[[EMPTY_8:.*]] = tensor.empty(%[[MINSI]]) : tensor<?x16xf32>
// CHECK: %[[GENERIC_4:.*]] = linalg.generic {{.*}} outs(%[[EMPTY_8]] : tensor<?x16xf32>)
// CHECK: ^bb0(%[[OUT_4:.*]]: f32):
// CHECK: %[[INDEX_3:.*]] = linalg.index 0 : index
// CHECK: %[[INDEX_4:.*]] = linalg.index 1 : index
// CHECK: %[[MULI_3:.*]] = arith.muli %[[INDEX_4]], %[[C2]] : index
// CHECK: %[[ADDI_9:.*]] = arith.addi %[[MULI_3]], %[[C208]] : index
// CHECK: %[[EXTRACT_12:.*]] = tensor.extract %[[PAGES]][%[[INDEX_CAST_4]], %[[INDEX_3]], %[[ADDI_9]]] : tensor<?x16x240xi8>
// CHECK: %[[EXTUI_5:.*]] = arith.extui %[[EXTRACT_12]] : i8 to i16
// CHECK: %[[ADDI_10:.*]] = arith.addi %[[MULI_3]], %[[C209]] : index
// CHECK: %[[EXTRACT_13:.*]] = tensor.extract %[[PAGES]][%[[INDEX_CAST_4]], %[[INDEX_3]], %[[ADDI_10]]] : tensor<?x16x240xi8>
// CHECK: %[[EXTUI_6:.*]] = arith.extui %[[EXTRACT_13]] : i8 to i16
// CHECK: %[[SHLI_4:.*]] = arith.shli %[[EXTUI_6]], %[[C8]] : i16
// CHECK: %[[ORI_4:.*]] = arith.ori %[[EXTUI_5]], %[[SHLI_4]] : i16
// CHECK: %[[BITCAST_2:.*]] = arith.bitcast %[[ORI_4]] : i16 to bf16
// CHECK: %[[EXTF:.*]] = arith.extf %[[BITCAST_2]] : bf16 to f32
// CHECK: linalg.yield %[[EXTF]] : f32
// CHECK: %[[INSERTED_3:.*]] = tensor.insert_slice %[[INSERTED_2]] into %[[STATE_5]][%[[ADDI_4]], 0] [%[[MINSI]], 192] [1, 1] : tensor<?x192xf32> into tensor<?x192xf32>
// CHECK: %[[INSERTED_4:.*]] = tensor.insert_slice %[[GENERIC_4]] into %[[STATE_6]][%[[ADDI_4]], 0] [%[[MINSI]], 16] [1, 1] : tensor<?x16xf32> into tensor<?x16xf32>
// CHECK: scf.yield %[[INSERTED_3]], %[[INSERTED_4]] : tensor<?x192xf32>, tensor<?x16xf32>
// CHECK: scf.yield %[[FOR_3]]#0, %[[FOR_3]]#1 : tensor<?x192xf32>, tensor<?x16xf32>
// CHECK: return %[[FOR_2]]#0, %[[FOR_2]]#1, %[[FOR]]#0 : tensor<?x192xf32>, tensor<?x16xf32>, tensor<?xi32>
func.func @gather_row(%cache: !row) -> (tensor<?x192xf32>, tensor<?x16xf32>, tensor<?xi32>) {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !row
  return %latent, %k_rope, %cu_keys : tensor<?x192xf32>, tensor<?x16xf32>, tensor<?xi32>
}

// CHECK-LABEL: func.func @gather_tensor(
// CHECK-SAME: %[[PAGES:.*]]: tensor<?x16x208xi8>, %[[TABLE:.*]]: tensor<?x?xi32>, %[[LENGTHS:.*]]: tensor<?xi32>
// CHECK-DAG: %[[CST:.*]] = arith.constant dense<"0x000000000000003B0000803B0000C03B0000003C0000203C0000403C0000603C0000803C0000903C0000A03C0000B03C0000C03C0000D03C0000E03C0000F03C0000003D0000103D0000203D0000303D0000403D0000503D0000603D0000703D0000803D0000903D0000A03D0000B03D0000C03D0000D03D0000E03D0000F03D0000003E0000103E0000203E0000303E0000403E0000503E0000603E0000703E0000803E0000903E0000A03E0000B03E0000C03E0000D03E0000E03E0000F03E0000003F0000103F0000203F0000303F0000403F0000503F0000603F0000703F0000803F0000903F0000A03F0000B03F0000C03F0000D03F0000E03F0000F03F000000400000104000002040000030400000404000005040000060400000704000008040000090400000A0400000B0400000C0400000D0400000E0400000F040000000410000104100002041000030410000404100005041000060410000704100008041000090410000A0410000B0410000C0410000D0410000E0410000F041000000420000104200002042000030420000404200005042000060420000704200008042000090420000A0420000B0420000C0420000D0420000E0420000F042000000430000104300002043000030430000404300005043000060430000704300008043000090430000A0430000B0430000C0430000D0430000E0430000F07F00000080000000BB000080BB0000C0BB000000BC000020BC000040BC000060BC000080BC000090BC0000A0BC0000B0BC0000C0BC0000D0BC0000E0BC0000F0BC000000BD000010BD000020BD000030BD000040BD000050BD000060BD000070BD000080BD000090BD0000A0BD0000B0BD0000C0BD0000D0BD0000E0BD0000F0BD000000BE000010BE000020BE000030BE000040BE000050BE000060BE000070BE000080BE000090BE0000A0BE0000B0BE0000C0BE0000D0BE0000E0BE0000F0BE000000BF000010BF000020BF000030BF000040BF000050BF000060BF000070BF000080BF000090BF0000A0BF0000B0BF0000C0BF0000D0BF0000E0BF0000F0BF000000C0000010C0000020C0000030C0000040C0000050C0000060C0000070C0000080C0000090C00000A0C00000B0C00000C0C00000D0C00000E0C00000F0C0000000C1000010C1000020C1000030C1000040C1000050C1000060C1000070C1000080C1000090C10000A0C10000B0C10000C0C10000D0C10000E0C10000F0C1000000C2000010C2000020C2000030C2000040C2000050C2000060C2000070C2000080C2000090C20000A0C20000B0C20000C0C20000D0C20000E0C20000F0C2000000C3000010C3000020C3000030C3000040C3000050C3000060C3000070C3000080C3000090C30000A0C30000B0C30000C0C30000D0C30000E0C30000F0FF"> : tensor<256xf32>
// CHECK-DAG: %[[C16:.*]] = arith.constant 16 : index
// CHECK-DAG: %[[C0:.*]] = arith.constant 0 : i32
// CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
// CHECK-DAG: %[[C0_2:.*]] = arith.constant 0 : index
// CHECK: %[[DIM:.*]] = tensor.dim %[[LENGTHS]], %[[C0_2]] : tensor<?xi32>
// CHECK: %[[ADDI:.*]] = arith.addi %[[DIM]], %[[C1]] : index
// CHECK: %[[EMPTY:.*]] = tensor.empty(%[[ADDI]]) : tensor<?xi32>
// CHECK: %[[INSERT:.*]] = tensor.insert %[[C0]] into %[[EMPTY]][%[[C0_2]]] : tensor<?xi32>
// CHECK: %[[FOR:.*]]:2 = scf.for %[[I:.*]] = %[[C0_2]] to %[[DIM]] step %[[C1]] iter_args(%[[STATE:.*]] = %[[INSERT]], %[[STATE_2:.*]] = %[[C0]]) -> (tensor<?xi32>, i32)
// CHECK: %[[EXTRACT:.*]] = tensor.extract %[[LENGTHS]][%[[I]]] : tensor<?xi32>
// CHECK: %[[ADDI_2:.*]] = arith.addi %[[STATE_2]], %[[EXTRACT]] : i32
// CHECK: %[[ADDI_3:.*]] = arith.addi %[[I]], %[[C1]] : index
// CHECK: %[[INSERT_2:.*]] = tensor.insert %[[ADDI_2]] into %[[STATE]][%[[ADDI_3]]] : tensor<?xi32>
// CHECK: scf.yield %[[INSERT_2]], %[[ADDI_2]] : tensor<?xi32>, i32
// CHECK: %[[EXTRACT_2:.*]] = tensor.extract %[[FOR]]#0[%[[DIM]]] : tensor<?xi32>
// CHECK: %[[INDEX_CAST:.*]] = arith.index_cast %[[EXTRACT_2]] : i32 to index
// CHECK: %[[EMPTY_2:.*]] = tensor.empty(%[[INDEX_CAST]]) : tensor<?x192xf32>
// CHECK: %[[EMPTY_3:.*]] = tensor.empty(%[[INDEX_CAST]]) : tensor<?x16xf32>
// CHECK: %[[FOR_2:.*]]:2 = scf.for %[[I_2:.*]] = %[[C0_2]] to %[[DIM]] step %[[C1]] iter_args(%[[STATE_3:.*]] = %[[EMPTY_2]], %[[STATE_4:.*]] = %[[EMPTY_3]]) -> (tensor<?x192xf32>, tensor<?x16xf32>)
// CHECK: %[[EXTRACT_3:.*]] = tensor.extract %[[FOR]]#0[%[[I_2]]] : tensor<?xi32>
// CHECK: %[[INDEX_CAST_2:.*]] = arith.index_cast %[[EXTRACT_3]] : i32 to index
// CHECK: %[[EXTRACT_4:.*]] = tensor.extract %[[LENGTHS]][%[[I_2]]] : tensor<?xi32>
// CHECK: %[[INDEX_CAST_3:.*]] = arith.index_cast %[[EXTRACT_4]] : i32 to index
// CHECK: %[[CEILDIVUI:.*]] = arith.ceildivui %[[INDEX_CAST_3]], %[[C16]] : index
// CHECK: %[[FOR_3:.*]]:2 = scf.for %[[I_3:.*]] = %[[C0_2]] to %[[CEILDIVUI]] step %[[C1]] iter_args(%[[STATE_5:.*]] = %[[STATE_3]], %[[STATE_6:.*]] = %[[STATE_4]]) -> (tensor<?x192xf32>, tensor<?x16xf32>)
// CHECK: %[[MULI:.*]] = arith.muli %[[I_3]], %[[C16]] : index
// CHECK: %[[SUBI:.*]] = arith.subi %[[INDEX_CAST_3]], %[[MULI]] : index
// CHECK: %[[MINSI:.*]] = arith.minsi %[[SUBI]], %[[C16]] : index
// CHECK: %[[EXTRACT_5:.*]] = tensor.extract %[[TABLE]][%[[I_2]], %[[I_3]]] : tensor<?x?xi32>
// CHECK: %[[INDEX_CAST_4:.*]] = arith.index_cast %[[EXTRACT_5]] : i32 to index
// CHECK: %[[ADDI_4:.*]] = arith.addi %[[INDEX_CAST_2]], %[[MULI]] : index
// CHECK: %[[SLICE:.*]] = tensor.extract_slice %[[PAGES]][%[[INDEX_CAST_4]], 0, 0] [1, %[[MINSI]], 192] [1, 1, 1] : tensor<?x16x208xi8> to tensor<?x192xi8>
// CHECK: %[[EMPTY_4:.*]] = tensor.empty(%[[MINSI]]) : tensor<?x192xf32>
// CHECK: %[[GENERIC:.*]] = linalg.generic {{.*}} ins(%[[SLICE]] : tensor<?x192xi8>) outs(%[[EMPTY_4]] : tensor<?x192xf32>)
// CHECK: ^bb0(%[[IN:.*]]: i8, %[[OUT:.*]]: f32):
// CHECK: %[[INDEX_CASTUI:.*]] = arith.index_castui %[[IN]] : i8 to index
// CHECK: %[[EXTRACT_6:.*]] = tensor.extract %[[CST]][%[[INDEX_CASTUI]]] : tensor<256xf32>
// CHECK: linalg.yield %[[EXTRACT_6]] : f32
// CHECK: %[[SLICE_2:.*]] = tensor.extract_slice %[[PAGES]][%[[INDEX_CAST_4]], 0, 192] [1, %[[MINSI]], 16] [1, 1, 1] : tensor<?x16x208xi8> to tensor<?x16xi8>
// CHECK: %[[EMPTY_5:.*]] = tensor.empty(%[[MINSI]]) : tensor<?x16xf32>
// CHECK: %[[GENERIC_2:.*]] = linalg.generic {{.*}} ins(%[[SLICE_2]] : tensor<?x16xi8>) outs(%[[EMPTY_5]] : tensor<?x16xf32>)
// CHECK: ^bb0(%[[IN_2:.*]]: i8, %[[OUT_2:.*]]: f32):
// CHECK: %[[INDEX_CASTUI_2:.*]] = arith.index_castui %[[IN_2]] : i8 to index
// CHECK: %[[EXTRACT_7:.*]] = tensor.extract %[[CST]][%[[INDEX_CASTUI_2]]] : tensor<256xf32>
// CHECK: linalg.yield %[[EXTRACT_7]] : f32
// CHECK: %[[INSERTED:.*]] = tensor.insert_slice %[[GENERIC]] into %[[STATE_5]][%[[ADDI_4]], 0] [%[[MINSI]], 192] [1, 1] : tensor<?x192xf32> into tensor<?x192xf32>
// CHECK: %[[INSERTED_2:.*]] = tensor.insert_slice %[[GENERIC_2]] into %[[STATE_6]][%[[ADDI_4]], 0] [%[[MINSI]], 16] [1, 1] : tensor<?x16xf32> into tensor<?x16xf32>
// CHECK: scf.yield %[[INSERTED]], %[[INSERTED_2]] : tensor<?x192xf32>, tensor<?x16xf32>
// CHECK: scf.yield %[[FOR_3]]#0, %[[FOR_3]]#1 : tensor<?x192xf32>, tensor<?x16xf32>
// CHECK: return %[[FOR_2]]#0, %[[FOR_2]]#1, %[[FOR]]#0 : tensor<?x192xf32>, tensor<?x16xf32>, tensor<?xi32>
func.func @gather_tensor(%cache: !tensor) -> (tensor<?x192xf32>, tensor<?x16xf32>, tensor<?xi32>) {
  %latent, %k_rope, %cu_keys = mla.gather %cache : !tensor
  return %latent, %k_rope, %cu_keys : tensor<?x192xf32>, tensor<?x16xf32>, tensor<?xi32>
}
