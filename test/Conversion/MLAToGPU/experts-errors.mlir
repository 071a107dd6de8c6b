// What the kernels of experts do not support, and kernels that were edited.
//
// RUN: mla-opt %s --mla-group-kernels --mla-schedule-kernels --convert-mla-to-gpu --split-input-file --verify-diagnostics

// A tile has eight gates, then their eight ups.
func.func @gated_rows(%hidden: tensor<?x64xbf16>) {
  %c0 = arith.constant 0 : index
  %router = mla.weight "router" : tensor<8x64xbf16>
  %w = mla.weight "w" : tensor<8x24x64xbf16>
  %logits = mla.project %hidden, %router : (tensor<?x64xbf16>, tensor<8x64xbf16>) -> tensor<?x8xf32>
  %e, %f = mla.route softmax %logits : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %rows, %order, %first = mla.sort_choices %hidden by %e : tensor<?x64xbf16>, tensor<?x2xi32> -> tensor<?x2x64xbf16>, tensor<?x2xi32>, tensor<9xi32>
  %tokens = tensor.dim %hidden, %c0 : tensor<?x64xbf16>
  %y = mla.grouped_project %rows, %w by %first : (tensor<?x2x64xbf16>, tensor<8x24x64xbf16>, tensor<9xi32>) -> tensor<?x2x24xf32>
  %gate = tensor.extract_slice %y[0, 0, 0] [%tokens, 2, 12] [1, 1, 1] : tensor<?x2x24xf32> to tensor<?x2x12xf32>
  %up = tensor.extract_slice %y[0, 0, 12] [%tokens, 2, 12] [1, 1, 1] : tensor<?x2x24xf32> to tensor<?x2x12xf32>
  // expected-error @+1 {{multiplies by 24 x 64; the copy engine needs multiples of 16 and 8; compile with --target=cpu}}
  %h = mla.swiglu %gate, %up : tensor<?x2x12xf32> -> tensor<?x2x12xf32>
  return
}

// -----

func.func @weight_elements(%hidden: tensor<?x64xbf16>) {
  %router = mla.weight "router" : tensor<8x64xbf16>
  %w = mla.weight "w" : tensor<8x32x64xf32>
  %logits = mla.project %hidden, %router : (tensor<?x64xbf16>, tensor<8x64xbf16>) -> tensor<?x8xf32>
  %e, %f = mla.route softmax %logits : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %rows, %order, %first = mla.sort_choices %hidden by %e : tensor<?x64xbf16>, tensor<?x2xi32> -> tensor<?x2x64xbf16>, tensor<?x2xi32>, tensor<9xi32>
  // expected-error @+1 {{expected a weight of 'bf16' with static sizes, got 'tensor<8x32x64xf32>'}}
  %y = mla.grouped_project %rows, %w by %first : (tensor<?x2x64xbf16>, tensor<8x32x64xf32>, tensor<9xi32>) -> tensor<?x2x32xf32>
  return
}

// -----

func.func @number_of_experts(%hidden: tensor<?x60xbf16>) {
  %router = mla.weight "router" : tensor<6x60xbf16>
  %logits = mla.project %hidden, %router : (tensor<?x60xbf16>, tensor<6x60xbf16>) -> tensor<?x6xf32>
  // expected-error @+1 {{multiplies by 6 x 60; the copy engine needs multiples of 1 and 8; compile with --target=cpu}}
  %e, %f = mla.route softmax %logits : tensor<?x6xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

// Nothing sorts choices that are not activated and multiplied again.
func.func @alone(%x: tensor<?x64xbf16>, %e: tensor<?x2xi32>) -> tensor<?x2x32xbf16> {
  %w = mla.weight "w" : tensor<4x32x64xbf16>
  // expected-error @+1 {{'mla.experts_project' op has no kernel on the target h100 yet; compile with --target=cpu}}
  %y = mla.experts_project %x, %w of %e : (tensor<?x64xbf16>, tensor<4x32x64xbf16>, tensor<?x2xi32>) -> tensor<?x2x32xbf16>
  return %y : tensor<?x2x32xbf16>
}

// -----

// Choices of rows that another kernel has stored.
func.func @stored_rows(%hidden: tensor<?x64xbf16>) {
  %router = mla.weight "router" : tensor<8x64xbf16>
  %w = mla.weight "w" : tensor<8x32x64xbf16>
  %logits = mla.project %hidden, %router : (tensor<?x64xbf16>, tensor<8x64xbf16>) -> tensor<?x8xf32>
  %e, %f = mla.route softmax %logits : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %rows, %order, %first = mla.sort_choices %hidden by %e : tensor<?x64xbf16>, tensor<?x2xi32> -> tensor<?x2x64xbf16>, tensor<?x2xi32>, tensor<9xi32>
  // expected-error @+1 {{'mla.mix_choices' op adds choices that its kernel does not multiply; compile with --target=cpu}}
  %y = mla.mix_choices %rows by %order weighted %f : (tensor<?x2x64xbf16>, tensor<?x2xi32>, tensor<?x2xf32>) -> tensor<?x64xbf16>
  return
}

// -----

// Splits are of products whose sums another kernel adds.
func.func @splits(%rows: tensor<?x2x64xbf16>, %first: tensor<5xi32>) {
  %w = mla.weight "w" : tensor<4x32x64xbf16>
  // expected-error @+1 {{unknown key 'splits' in the schedule of a grouped_projection}}
  %y = mla.kernel grouped_projection "y"(%a = %rows, %b = %w, %c = %first)
      schedule <grouped_projection, {blocks = 1, rows = 64, splits = 2, stages = 4, streamed = 0, tokens = 16}>
      : (tensor<?x2x64xbf16>, tensor<4x32x64xbf16>, tensor<5xi32>) -> tensor<?x2x32xbf16> {
    %0 = mla.grouped_project %a, %b by %c : (tensor<?x2x64xbf16>, tensor<4x32x64xbf16>, tensor<5xi32>) -> tensor<?x2x32xbf16>
    mla.yield %0 : tensor<?x2x32xbf16>
  }
  return
}
