// Entries of equal code are one function with several names. Entries of other code, functions that are no entries, and
// those that are called stay.
//
// RUN: mla-opt %s --mla-cpu-share-entries | FileCheck %s --implicit-check-not="func.func @decode("
// RUN: mla-opt %s --mla-to-cpu | FileCheck %s --check-prefix=ENTRIES

// CHECK: func.func @prefill(%{{.*}}: tensor<?xf32>) -> tensor<?xf32> attributes {mla.entry_names = ["decode", "decode_long"], mla.regime
// ENTRIES-DAG: llvm.func @mla_entry_prefill(%{{.*}}: !llvm.ptr)
// ENTRIES-DAG: llvm.func @mla_entry_decode(%{{.*}}: !llvm.ptr)
// ENTRIES-DAG: llvm.func @mla_entry_decode_long(%{{.*}}: !llvm.ptr)
// ENTRIES-NOT: llvm.func @decode(
func.func @prefill(%x: tensor<?xf32>) -> tensor<?xf32> attributes {mla.regime = #mla.regime<{phase = prefill, tokens = 0, q = absorb, o = absorb}>} {
  %0 = math.exp %x : tensor<?xf32>
  return %0 : tensor<?xf32>
}
func.func @decode(%x: tensor<?xf32>) -> tensor<?xf32> attributes {mla.regime = #mla.regime<{phase = decode, tokens = 0, q = absorb, o = absorb}>} {
  %0 = math.exp %x : tensor<?xf32>
  return %0 : tensor<?xf32>
}
func.func @decode_long(%x: tensor<?xf32>) -> tensor<?xf32> attributes {mla.regime = #mla.regime<{phase = decode, tokens = 0, q = absorb, o = absorb}>} {
  %0 = math.exp %x : tensor<?xf32>
  return %0 : tensor<?xf32>
}

// CHECK: func.func @other_code(
func.func @other_code(%x: tensor<?xf32>) -> tensor<?xf32> attributes {mla.regime = #mla.regime<{phase = decode, tokens = 0, q = absorb, o = absorb}>} {
  %0 = math.sqrt %x : tensor<?xf32>
  return %0 : tensor<?xf32>
}

// CHECK: func.func @other_weight(
func.func @other_weight(%x: tensor<?xf32> {mla.weight = "a"}) -> tensor<?xf32> attributes {mla.regime = #mla.regime<{phase = decode, tokens = 0, q = absorb, o = absorb}>} {
  %0 = math.exp %x : tensor<?xf32>
  return %0 : tensor<?xf32>
}

// CHECK: func.func @no_entry(
func.func @no_entry(%x: tensor<?xf32>) -> tensor<?xf32> {
  %0 = math.exp %x : tensor<?xf32>
  return %0 : tensor<?xf32>
}

// CHECK: func.func @called(
func.func @called(%x: tensor<4xf32>) -> tensor<4xf32> attributes {mla.regime = #mla.regime<{phase = decode, tokens = 0, q = absorb, o = absorb}>} {
  %0 = math.exp %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func @caller(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = call @called(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
