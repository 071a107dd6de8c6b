// One case per constraint, named for its label in MLAAdapterOps.td.
//
// RUN: mla-opt %s --split-input-file --verify-diagnostics

func.func @adapt_c1_ranks(%y: tensor<?x48xf32>, %x: tensor<?x160xf32>, %a: tensor<3x8x160xf32>, %b: tensor<3x4x12x8xf32>,
                          %n: tensor<?xi32>) {
  // expected-error @+1 {{(C1) y, x, down and up have ranks 2, 2, 3 and 4, which are those of no projection}}
  %r = mla.adapt %y by %x, %a, %b of %n for %n
      : (tensor<?x48xf32>, tensor<?x160xf32>, tensor<3x8x160xf32>, tensor<3x4x12x8xf32>) -> tensor<?x48xf32>
  return
}

// -----

func.func @adapt_c2_dynamic(%y: tensor<?x48xf32>, %x: tensor<?x?xf32>, %a: tensor<3x8x160xf32>, %b: tensor<3x48x8xf32>,
                            %n: tensor<?xi32>) {
  // expected-error @+1 {{(C2) all sizes but the number of tokens must be static, positive and at most 2^31 - 1}}
  %r = mla.adapt %y by %x, %a, %b of %n for %n
      : (tensor<?x48xf32>, tensor<?x?xf32>, tensor<3x8x160xf32>, tensor<3x48x8xf32>) -> tensor<?x48xf32>
  return
}

// -----

func.func @adapt_c2_adapters(%y: tensor<?x48xf32>, %x: tensor<?x160xf32>, %a: tensor<0x8x160xf32>,
                             %b: tensor<0x48x8xf32>, %n: tensor<?xi32>) {
  // expected-error @+1 {{(C2) all sizes but the number of tokens must be static, positive}}
  %r = mla.adapt %y by %x, %a, %b of %n for %n
      : (tensor<?x48xf32>, tensor<?x160xf32>, tensor<0x8x160xf32>, tensor<0x48x8xf32>) -> tensor<?x48xf32>
  return
}

// -----

func.func @adapt_c2_tokens(%y: tensor<7x48xf32>, %x: tensor<8x160xf32>, %a: tensor<3x8x160xf32>, %b: tensor<3x48x8xf32>,
                           %n: tensor<?xi32>) {
  // expected-error @+1 {{(C2) x has shape [8, 160], expected [7, 160]}}
  %r = mla.adapt %y by %x, %a, %b of %n for %n
      : (tensor<7x48xf32>, tensor<8x160xf32>, tensor<3x8x160xf32>, tensor<3x48x8xf32>) -> tensor<7x48xf32>
  return
}

// -----

func.func @adapt_c2_heads(%y: tensor<?x4x32xf32>, %x: tensor<?x3x64xf32>, %a: tensor<3x8x64xf32>,
                          %b: tensor<3x4x32x8xf32>, %n: tensor<?xi32>) {
  // expected-error @+1 {{(C2) x has shape}}
  %r = mla.adapt %y by %x, %a, %b of %n for %n
      : (tensor<?x4x32xf32>, tensor<?x3x64xf32>, tensor<3x8x64xf32>, tensor<3x4x32x8xf32>) -> tensor<?x4x32xf32>
  return
}

// -----

func.func @adapt_c2_down(%y: tensor<?x48xf32>, %x: tensor<?x160xf32>, %a: tensor<3x8x128xf32>, %b: tensor<3x48x8xf32>,
                         %n: tensor<?xi32>) {
  // expected-error @+1 {{(C2) down has shape [3, 8, 128], expected [3, 8, 160]}}
  %r = mla.adapt %y by %x, %a, %b of %n for %n
      : (tensor<?x48xf32>, tensor<?x160xf32>, tensor<3x8x128xf32>, tensor<3x48x8xf32>) -> tensor<?x48xf32>
  return
}

// -----

func.func @adapt_c2_panels(%y: tensor<?x48xf32>, %x: tensor<?x160xf32>, %a: tensor<3x8x160xf32>, %b: tensor<3x48x8xf32>,
                           %n: tensor<?xi32>) {
  // expected-error @+1 {{(C2) down has shape [3, 8, 160], expected [3, 160, 160]}}
  %r = mla.adapt %y by %x, %a panels, %b of %n for %n
      : (tensor<?x48xf32>, tensor<?x160xf32>, tensor<3x8x160xf32>, tensor<3x48x8xf32>) -> tensor<?x48xf32>
  return
}

// -----

func.func @adapt_c2_up(%y: tensor<?x48xf32>, %x: tensor<?x160xf32>, %a: tensor<3x8x160xf32>, %b: tensor<2x48x8xf32>,
                       %n: tensor<?xi32>) {
  // expected-error @+1 {{(C2) up has shape [2, 48, 8], expected [3, 48, 8]}}
  %r = mla.adapt %y by %x, %a, %b of %n for %n
      : (tensor<?x48xf32>, tensor<?x160xf32>, tensor<3x8x160xf32>, tensor<2x48x8xf32>) -> tensor<?x48xf32>
  return
}
