// Attentions without a latent, and computations that are not attentions: nothing changes, and only attentions get remarks.
//
// RUN: mla-opt --mla-raise --split-input-file --verify-diagnostics %s -o %t.after
// RUN: mla-opt --split-input-file %s -o %t.before
// RUN: diff %t.before %t.after

func.func @sizes_are_dynamic(%s: tensor<?x?xf32>, %v: tensor<?x8xf32>, %rows: tensor<?xf32>, %init: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = linalg.exp ins(%s : tensor<?x?xf32>) outs(%s : tensor<?x?xf32>) -> tensor<?x?xf32>
  %none = linalg.fill ins(%zero : f32) outs(%rows : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.reduce {arith.addf} ins(%e : tensor<?x?xf32>) outs(%none : tensor<?xf32>) dimensions = [1]
  %wide = linalg.broadcast ins(%sum : tensor<?xf32>) outs(%s : tensor<?x?xf32>) dimensions = [1]
  %p = linalg.div ins(%e, %wide : tensor<?x?xf32>, tensor<?x?xf32>) outs(%s : tensor<?x?xf32>) -> tensor<?x?xf32>
  %start = linalg.fill ins(%zero : f32) outs(%init : tensor<?x8xf32>) -> tensor<?x8xf32>
  // expected-remark @below {{attention is not raised: sizes are dynamic: the numbers of sequences and tokens must be static}}
  %o = linalg.matmul ins(%p, %v : tensor<?x?xf32>, tensor<?x8xf32>) outs(%start : tensor<?x8xf32>) -> tensor<?x8xf32>
  return %o : tensor<?x8xf32>
}

// -----

// Multi-head attention: its keys and values are arguments.
// expected-note @below {{this value}}
func.func @values_are_arguments(%s: tensor<4x4xf32>, %v: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %rows = tensor.empty() : tensor<4xf32>
  %init = tensor.empty() : tensor<4x8xf32>
  %e = linalg.exp ins(%s : tensor<4x4xf32>) outs(%s : tensor<4x4xf32>) -> tensor<4x4xf32>
  %none = linalg.fill ins(%zero : f32) outs(%rows : tensor<4xf32>) -> tensor<4xf32>
  %sum = linalg.reduce {arith.addf} ins(%e : tensor<4x4xf32>) outs(%none : tensor<4xf32>) dimensions = [1]
  %wide = linalg.broadcast ins(%sum : tensor<4xf32>) outs(%s : tensor<4x4xf32>) dimensions = [1]
  %p = linalg.div ins(%e, %wide : tensor<4x4xf32>, tensor<4x4xf32>) outs(%s : tensor<4x4xf32>) -> tensor<4x4xf32>
  %start = linalg.fill ins(%zero : f32) outs(%init : tensor<4x8xf32>) -> tensor<4x8xf32>
  // expected-remark @below {{attention is not raised: values are not a projection}}
  %o = linalg.matmul ins(%p, %v : tensor<4x4xf32>, tensor<4x8xf32>) outs(%start : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %o : tensor<4x8xf32>
}

// -----

// Scores are an argument.
// expected-note @below {{this value}}
func.func @scores_are_an_argument(%s: tensor<4x4xf64>, %x: tensor<4x8xf64>, %w: tensor<8x8xf64>) -> tensor<4x8xf64> {
  %zero = arith.constant 0.0 : f64
  %rows = tensor.empty() : tensor<4xf64>
  %init = tensor.empty() : tensor<4x8xf64>
  %e = linalg.exp ins(%s : tensor<4x4xf64>) outs(%s : tensor<4x4xf64>) -> tensor<4x4xf64>
  %none = linalg.fill ins(%zero : f64) outs(%rows : tensor<4xf64>) -> tensor<4xf64>
  %sum = linalg.reduce {arith.addf} ins(%e : tensor<4x4xf64>) outs(%none : tensor<4xf64>) dimensions = [1]
  %wide = linalg.broadcast ins(%sum : tensor<4xf64>) outs(%s : tensor<4x4xf64>) dimensions = [1]
  %p = linalg.div ins(%e, %wide : tensor<4x4xf64>, tensor<4x4xf64>) outs(%s : tensor<4x4xf64>) -> tensor<4x4xf64>
  %start = linalg.fill ins(%zero : f64) outs(%init : tensor<4x8xf64>) -> tensor<4x8xf64>
  %v = linalg.matmul ins(%x, %w : tensor<4x8xf64>, tensor<8x8xf64>) outs(%start : tensor<4x8xf64>) -> tensor<4x8xf64>
  // expected-remark @below {{attention is not raised: scores are not a product of queries and keys}}
  %o = linalg.matmul ins(%p, %v : tensor<4x4xf64>, tensor<4x8xf64>) outs(%start : tensor<4x8xf64>) -> tensor<4x8xf64>
  return %o : tensor<4x8xf64>
}

// -----

// No softmax: no remark.
func.func @products(%a: tensor<4x4xf32>, %b: tensor<4x8xf32>, %empty: tensor<0x4xf32>, %none: tensor<0x8xf32>) -> (tensor<4x8xf32>, tensor<0x8xf32>) {
  %o = linalg.matmul ins(%a, %b : tensor<4x4xf32>, tensor<4x8xf32>) outs(%b : tensor<4x8xf32>) -> tensor<4x8xf32>
  %n = linalg.matmul ins(%empty, %b : tensor<0x4xf32>, tensor<4x8xf32>) outs(%none : tensor<0x8xf32>) -> tensor<0x8xf32>
  return %o, %n : tensor<4x8xf32>, tensor<0x8xf32>
}
