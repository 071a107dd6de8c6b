// What kernels of adapters do not support.
//
// RUN: mla-opt %s --split-input-file --mla-group-kernels --verify-diagnostics

func.func @rank(%hidden: tensor<?x64xbf16>, %cu: tensor<?xi32>, %n: tensor<?xi32>) -> tensor<?x64xbf16> {
  %w = mla.weight "w" : tensor<64x64xbf16>
  %a = mla.weight "a" : tensor<3x5x64xbf16>
  %b = mla.weight "b" : tensor<3x64x5xbf16>
  %y = mla.project %hidden, %w : (tensor<?x64xbf16>, tensor<64x64xbf16>) -> tensor<?x64xbf16>
  // expected-error @+1 {{expected ranks to be a multiple of 8, got 5; compile with --target=cpu}}
  %r = mla.adapt %y by %hidden, %a, %b of %n for %cu
      : (tensor<?x64xbf16>, tensor<?x64xbf16>, tensor<3x5x64xbf16>, tensor<3x64x5xbf16>) -> tensor<?x64xbf16>
  return %r : tensor<?x64xbf16>
}

// -----

func.func @width(%hidden: tensor<?x64xbf16>, %cu: tensor<?xi32>, %n: tensor<?xi32>) -> tensor<?x60xbf16> {
  %w = mla.weight "w" : tensor<60x64xbf16>
  %a = mla.weight "a" : tensor<3x8x64xbf16>
  %b = mla.weight "b" : tensor<3x60x8xbf16>
  %y = mla.project %hidden, %w : (tensor<?x64xbf16>, tensor<60x64xbf16>) -> tensor<?x60xbf16>
  // expected-error @+1 {{expected columns of the result to be a multiple of 8, got 60; compile with --target=cpu}}
  %r = mla.adapt %y by %hidden, %a, %b of %n for %cu
      : (tensor<?x60xbf16>, tensor<?x64xbf16>, tensor<3x8x64xbf16>, tensor<3x60x8xbf16>) -> tensor<?x60xbf16>
  return %r : tensor<?x60xbf16>
}
