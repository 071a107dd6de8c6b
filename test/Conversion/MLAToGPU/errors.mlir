// RUN: mla-opt %s --convert-mla-to-gpu --split-input-file --verify-diagnostics

func.func @ungrouped(%x: tensor<?x160xbf16>) -> tensor<?x48xbf16> {
  %w = mla.weight "w" : tensor<48x160xbf16>
  // expected-error @+1 {{'mla.project' op is not in a kernel; run mla-group-kernels before}}
  %y = mla.project %x, %w : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16>
  return %y : tensor<?x48xbf16>
}

// -----

func.func @unscheduled(%x: tensor<?x160xbf16>) -> tensor<?x48xbf16> {
  %w_dq = mla.weight "w" : tensor<48x160xbf16>
  // expected-error @+1 {{'mla.kernel' op has no schedule; run mla-schedule-kernels before}}
  %y = mla.kernel projection "y"(%a = %x, %w = %w_dq) : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16> {
    %z = mla.project %a, %w : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16>
    mla.yield %z : tensor<?x48xbf16>
  }
  return %y : tensor<?x48xbf16>
}

// -----

func.func @impossible_schedule(%x: tensor<?x160xbf16>) -> tensor<?x48xbf16> {
  %w_dq = mla.weight "w" : tensor<48x160xbf16>
  // expected-error @+1 {{has a schedule that no kernel can follow}}
  %y = mla.kernel projection "y"(%a = %x, %w = %w_dq) schedule <projection, {rows = 96}> : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16> {
    %z = mla.project %a, %w : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16>
    mla.yield %z : tensor<?x48xbf16>
  }
  return %y : tensor<?x48xbf16>
}

// -----

func.func @rows_of_no_known_size(%x: tensor<?x?xi64>) -> tensor<?x?xi64> {
  // expected-error @+1 {{gives 'tensor<?x?xi64>'; results are rows, one a token, of a size that is known}}
  %y = mla.kernel projection "y"(%a = %x) schedule <projection, {tokens = 64}> : (tensor<?x?xi64>) -> tensor<?x?xi64> {
    mla.yield %a : tensor<?x?xi64>
  }
  return %y : tensor<?x?xi64>
}

// -----

func.func @rotated_by_no_positions(%x: tensor<?x4x16xf32>, %position: tensor<?xi32>) -> tensor<?x4x16xbf16> {
  // expected-error @+1 {{needs positions of tokens, and no mla.positions is in it}}
  %y = mla.kernel rope "y"(%a = %x, %at = %position) schedule <rope> : (tensor<?x4x16xf32>, tensor<?xi32>) -> tensor<?x4x16xbf16> {
    %z = mla.rope interleaved %a at %at {frequencies = array<f32: 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3>} : tensor<?x4x16xf32>
    %r = arith.truncf %z : tensor<?x4x16xf32> to tensor<?x4x16xbf16>
    mla.yield %r : tensor<?x4x16xbf16>
  }
  return %y : tensor<?x4x16xbf16>
}

// -----

// What is computed in a kernel is nowhere in memory.
func.func @no_operand(%x: tensor<?x160xbf16>) -> tensor<?x48xbf16> {
  %w_dq = mla.weight "w" : tensor<48x160xbf16>
  %gamma = mla.weight "gamma" : tensor<160xf32>
  %y = mla.kernel projection "y"(%a = %x, %w = %w_dq, %g = %gamma) schedule <projection, {tokens = 64}>
      : (tensor<?x160xbf16>, tensor<48x160xbf16>, tensor<160xf32>) -> tensor<?x48xbf16> {
    // expected-error @+1 {{is computed in the kernel, and no operand of it}}
    %n = mla.rms_norm %a, %g {epsilon = 1.0e-06 : f64} : tensor<?x160xbf16>, tensor<160xf32> -> tensor<?x160xbf16>
    %z = mla.project %n, %w : (tensor<?x160xbf16>, tensor<48x160xbf16>) -> tensor<?x48xbf16>
    mla.yield %z : tensor<?x48xbf16>
  }
  return %y : tensor<?x48xbf16>
}

// -----

!cache = !mla.cache<page = 16, latent = 60, rope = 16, bf16>
// An attention alone is left out where there is no kernel for its widths.
// expected-remark @+1 {{@gathered is left out: 'mla.kernel' op has rows of 60 elements; kernels of the H100 target read eight at a time}}
func.func @gathered(%cache: !cache {mla.buffer = "cache"}) -> (tensor<?x60xbf16> {mla.buffer = "out"}) {
  %g:3 = mla.kernel gather "g"(%k = %cache) schedule <gather> : (!cache) -> (tensor<?x60xbf16>, tensor<?x16xbf16>, tensor<?xi32>) {
    %latent, %k_rope, %cu_keys = mla.gather %k : !cache
    mla.yield %latent, %k_rope, %cu_keys : tensor<?x60xbf16>, tensor<?x16xbf16>, tensor<?xi32>
  }
  return %g#0 : tensor<?x60xbf16>
}
