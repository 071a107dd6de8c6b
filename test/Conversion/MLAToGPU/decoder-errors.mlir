// What the kernels of a decoder do not support, with the value and its limit.
//
// RUN: mla-opt %s --mla-group-kernels --mla-schedule-kernels --convert-mla-to-gpu --split-input-file --verify-diagnostics

func.func @experts(%logits: tensor<?x2048xf32>) {
  // expected-error @+1 {{'mla.route' op has 2048 experts, the kernel at most 1024; compile with --target=cpu}}
  %e, %w = mla.route softmax %logits : tensor<?x2048xf32> -> tensor<?x6xi32>, tensor<?x6xf32>
  return
}

// -----

func.func @chosen(%logits: tensor<?x256xf32>) {
  // expected-error @+1 {{has 33 experts per token, the kernel at most 32}}
  %e, %w = mla.route softmax %logits : tensor<?x256xf32> -> tensor<?x33xi32>, tensor<?x33xf32>
  return
}

// -----

func.func @groups(%logits: tensor<?x256xf32>) {
  // expected-error @+1 {{has 64 groups, the kernel at most 32}}
  %e, %w = mla.route softmax %logits {groups = 64, kept = 4} : tensor<?x256xf32> -> tensor<?x6xi32>, tensor<?x6xf32>
  return
}

// -----

func.func @best(%logits: tensor<?x256xf32>) {
  // expected-error @+1 {{has 5 best experts of a group, the kernel at most 4}}
  %e, %w = mla.route softmax %logits {groups = 8, kept = 4, best = 5} : tensor<?x256xf32> -> tensor<?x6xi32>, tensor<?x6xf32>
  return
}

// -----

func.func @rounded_logits(%logits: tensor<?x256xbf16>) {
  // expected-error @+1 {{'mla.kernel' op expected logits of f32, got 'bf16'}}
  %e, %w = mla.route softmax %logits : tensor<?x256xbf16> -> tensor<?x6xi32>, tensor<?x6xf32>
  return
}

// -----

func.func @correction(%logits: tensor<?x256xf32>) {
  %b = mla.weight "b" : tensor<256xbf16>
  // expected-error @+1 {{'mla.kernel' op expected a correction of f32, got 'bf16'}}
  %e, %w = mla.route sigmoid %logits corrected %b : tensor<256xbf16> : tensor<?x256xf32> -> tensor<?x6xi32>, tensor<?x6xf32>
  return
}

// -----

func.func @table(%hidden: tensor<?x64xbf16>, %ids: tensor<?xi32>) {
  // expected-error @+1 {{expected rows of bf16 with static sizes, got 'tensor<320x64xf32>'}}
  %table = mla.weight "table" : tensor<320x64xf32>
  %y = mla.embed %ids, %table : tensor<320x64xf32> -> tensor<?x64xbf16>
  return
}

// -----

func.func @width(%hidden: tensor<?x60xbf16>) {
  // expected-error @+1 {{expected rows of a multiple of 8 elements, got 60}}
  %y = mla.swiglu %hidden, %hidden : tensor<?x60xbf16> -> tensor<?x60xbf16>
  return
}

// -----

func.func @unaligned(%hidden: tensor<?x64xbf16>) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %hidden, %c0 : tensor<?x64xbf16>
  %gate = tensor.extract_slice %hidden[0, 0] [%t, 16] [1, 1] : tensor<?x64xbf16> to tensor<?x16xbf16>
  %up = tensor.extract_slice %hidden[0, 20] [%t, 16] [1, 1] : tensor<?x64xbf16> to tensor<?x16xbf16>
  // expected-error @+1 {{'mla.kernel' op reads a slice 40 bytes from the start of a row; expected a multiple of 16}}
  %y = mla.swiglu %gate, %up : tensor<?x16xbf16> -> tensor<?x16xbf16>
  return
}

// -----

func.func @stride(%hidden: tensor<?x60xf32>) {
  %c0 = arith.constant 0 : index
  %t = tensor.dim %hidden, %c0 : tensor<?x60xf32>
  %x = tensor.extract_slice %hidden[0, 0] [%t, 16] [1, 1] : tensor<?x60xf32> to tensor<?x16xf32>
  // expected-error @+1 {{'mla.kernel' op reads rows 60 elements apart; expected a multiple of 8}}
  %y = arith.addf %x, %x : tensor<?x16xf32>
  return
}

// -----

// A sum's terms that are no rows: of a core, whose arguments may have three dimensions.
// expected-remark @+1 {{expected rank-2 tensors to add, got rank 3; compile with --target=cpu}}
func.func @naive_attention(%x: tensor<?x4x64xf32> {mla.buffer = "v"}) {
  %y = arith.addf %x, %x : tensor<?x4x64xf32>
  return
}

// -----

func.func @too_many(%x: tensor<?x64xf32>) {
  %0 = arith.addf %x, %x : tensor<?x64xf32>
  %1 = arith.addf %x, %x : tensor<?x64xf32>
  %2 = arith.addf %x, %x : tensor<?x64xf32>
  %3 = arith.addf %x, %x : tensor<?x64xf32>
  %4 = arith.addf %x, %x : tensor<?x64xf32>
  %5 = arith.addf %x, %x : tensor<?x64xf32>
  %6 = arith.addf %x, %x : tensor<?x64xf32>
  %7 = arith.addf %x, %x : tensor<?x64xf32>
  %8 = arith.addf %x, %x : tensor<?x64xf32>
  %01 = arith.addf %0, %1 : tensor<?x64xf32>
  %23 = arith.addf %2, %3 : tensor<?x64xf32>
  %45 = arith.addf %4, %5 : tensor<?x64xf32>
  %67 = arith.addf %6, %7 : tensor<?x64xf32>
  %03 = arith.addf %01, %23 : tensor<?x64xf32>
  %47 = arith.addf %45, %67 : tensor<?x64xf32>
  %07 = arith.addf %03, %47 : tensor<?x64xf32>
  // expected-error @+1 {{'mla.kernel' op adds 18 tensors, at most 16 are possible; compile with --target=cpu}}
  %08 = arith.addf %07, %8 : tensor<?x64xf32>
  return
}

// -----

// A cast is part of a sum, or has no kernel.
func.func @cast(%x: tensor<?x64xbf16>) -> tensor<?x64xbf16> {
  %gamma = mla.weight "gamma" : tensor<64xf32>
  // expected-error @+1 {{'arith.extf' op has no kernel on the target h100 yet; compile with --target=cpu}}
  %f = arith.extf %x : tensor<?x64xbf16> to tensor<?x64xf32>
  %y = mla.rms_norm %f, %gamma {epsilon = 1.0e-06 : f64} : tensor<?x64xf32>, tensor<64xf32> -> tensor<?x64xbf16>
  return %y : tensor<?x64xbf16>
}
