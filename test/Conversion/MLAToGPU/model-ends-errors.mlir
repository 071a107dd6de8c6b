// Ends of a model that no launch list can have.
//
// RUN: mla-opt %s --mla-group-kernels --mla-schedule-kernels --convert-mla-to-gpu --split-input-file --verify-diagnostics

// expected-error @+1 {{'func.func' op is the end "embed" of a model; expected that name}}
func.func @embedding(%ids: tensor<?xi32>) -> tensor<?x64xbf16> attributes {mla.end = "embed"} {
  %table = mla.weight "table" : tensor<320x64xbf16>
  %rows = mla.embed %ids, %table : tensor<320x64xbf16> -> tensor<?x64xbf16>
  return %rows : tensor<?x64xbf16>
}

// -----

// expected-error @+1 {{'func.func' op has a result #0 of 'tensor<?x320xbf16>', which the buffer "logits" cannot hold}}
func.func @logits(%hidden: tensor<?x64xbf16>) -> tensor<?x320xbf16> attributes {mla.end = "logits"} {
  %head = mla.weight "head" : tensor<320x64xbf16>
  %y = mla.project %hidden, %head : (tensor<?x64xbf16>, tensor<320x64xbf16>) -> tensor<?x320xbf16>
  return %y : tensor<?x320xbf16>
}

// -----

// expected-error @+1 {{'func.func' op has an argument #1 without a mla.buffer, which names its buffer}}
func.func @logits(%hidden: tensor<?x64xbf16>, %more: tensor<?x64xbf16>) -> tensor<?x320xf32> attributes {mla.end = "logits"} {
  %head = mla.weight "head" : tensor<320x64xbf16>
  %y = mla.project %hidden, %head : (tensor<?x64xbf16>, tensor<320x64xbf16>) -> tensor<?x320xf32>
  return %y : tensor<?x320xf32>
}

// -----

// A vocabulary that is no multiple of 8.
func.func @logits(%hidden: tensor<?x64xbf16>) -> tensor<?x321xf32> attributes {mla.end = "logits"} {
  %head = mla.weight "head" : tensor<321x64xbf16>
  // expected-error @+1 {{multiplies by 321 x 64; the copy engine needs multiples of 8; compile with --target=cpu}}
  %y = mla.project %hidden, %head : (tensor<?x64xbf16>, tensor<321x64xbf16>) -> tensor<?x321xf32>
  return %y : tensor<?x321xf32>
}
