// RUN: mla-opt %s --mla-bind-weights --split-input-file --verify-diagnostics | FileCheck %s

// Weights follow the existing arguments, in their order; one
// that is used twice is one argument.
// CHECK-LABEL: func.func @decode
// CHECK-SAME: (%[[X:[^:]*]]: tensor<?x48xf32>, %[[W:[^:]*]]: tensor<48x48xf32> {mla.weight = "w"}, %[[G:[^:]*]]: tensor<48xf32> {mla.weight = "gamma"})
// CHECK-SAME: attributes {mla.phase = #mla.phase<decode>}
// CHECK: %[[Y:.*]] = mla.project %[[X]], %[[W]]
// CHECK: %[[N:.*]] = mla.rms_norm %[[Y]], %[[G]]
// CHECK: mla.project %[[N]], %[[W]]
// CHECK-NOT: mla.weight "
func.func @decode(%x: tensor<?x48xf32>) -> tensor<?x48xf32> attributes {mla.phase = #mla.phase<decode>} {
  %w = mla.weight "w" : tensor<48x48xf32>
  %y = mla.project %x, %w : (tensor<?x48xf32>, tensor<48x48xf32>) -> tensor<?x48xf32>
  %gamma = mla.weight "gamma" : tensor<48xf32>
  %n = mla.rms_norm %y, %gamma {epsilon = 1.0e-6 : f64} : tensor<?x48xf32>, tensor<48xf32> -> tensor<?x48xf32>
  %again = mla.weight "w" : tensor<48x48xf32>
  %z = mla.project %n, %again : (tensor<?x48xf32>, tensor<48x48xf32>) -> tensor<?x48xf32>
  return %z : tensor<?x48xf32>
}

// Weights of the checkpoint are arguments of @prepare functions.
// CHECK-LABEL: func.func @prepare.w
// CHECK-SAME: (%[[W:[^:]*]]: tensor<48x48xf32> {mla.weight = "model.w"}) -> tensor<48x48xf32>
// CHECK: return %[[W]]
func.func @prepare.w() -> tensor<48x48xf32> {
  %w = mla.weight "model.w" : tensor<48x48xf32>
  return %w : tensor<48x48xf32>
}

// CHECK: func.func private @external(tensor<4xf32>)
func.func private @external(tensor<4xf32>)

// -----

// expected-error @+1 {{is called, so that its weights cannot become arguments; inline it first}}
func.func @callee() -> tensor<4xf32> {
  %w = mla.weight "w" : tensor<4xf32>
  return %w : tensor<4xf32>
}
func.func @caller() -> tensor<4xf32> {
  %w = func.call @callee() : () -> tensor<4xf32>
  return %w : tensor<4xf32>
}
