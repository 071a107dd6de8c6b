// Executes routers. Logits are logarithms, so that scores are simple: of p for a softmax, of p / (1 - p) for a sigmoid.
//
// RUN: mla-opt %s --mla-to-cpu | %run_main | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32> {bufferization.access = "read"})
func.func private @printMemrefI32(tensor<*xi32> {bufferization.access = "read"})

func.func private @print(%experts: tensor<?x2xi32>, %weights: tensor<?x2xf32>) {
  %e = tensor.cast %experts : tensor<?x2xi32> to tensor<*xi32>
  %w = tensor.cast %weights : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefI32(%e) : (tensor<*xi32>) -> ()
  call @printMemrefF32(%w) : (tensor<*xf32>) -> ()
  return
}

func.func private @softmax(%logits: tensor<?x4xf32>) {
  %e, %w = mla.route softmax %logits {factor = 2.0 : f64} : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  call @print(%e, %w) : (tensor<?x2xi32>, tensor<?x2xf32>) -> ()
  return
}

func.func private @normalized(%logits: tensor<?x4xf32>) {
  %e, %w = mla.route softmax %logits {normalized} : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  call @print(%e, %w) : (tensor<?x2xi32>, tensor<?x2xf32>) -> ()
  return
}

func.func private @one_group(%logits: tensor<?x4xf32>) {
  %e, %w = mla.route softmax %logits {groups = 2 : i64} : tensor<?x4xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  call @print(%e, %w) : (tensor<?x2xi32>, tensor<?x2xf32>) -> ()
  return
}

func.func private @corrected(%logits: tensor<?x8xf32>) {
  %b = arith.constant dense<[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.3]> : tensor<8xf32>
  %e, %w = mla.route sigmoid %logits corrected %b : tensor<8xf32>
      {groups = 4 : i64, kept = 2 : i64, best = 2 : i64, normalized, factor = 2.5 : f64}
      : tensor<?x8xf32> -> tensor<?x3xi32>, tensor<?x3xf32>
  %experts = tensor.cast %e : tensor<?x3xi32> to tensor<*xi32>
  %weights = tensor.cast %w : tensor<?x3xf32> to tensor<*xf32>
  call @printMemrefI32(%experts) : (tensor<*xi32>) -> ()
  call @printMemrefF32(%weights) : (tensor<*xf32>) -> ()
  return
}

func.func private @three_best(%logits: tensor<?x8xf32>) {
  %e, %w = mla.route sigmoid %logits {groups = 2 : i64, best = 3 : i64} : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  call @print(%e, %w) : (tensor<?x2xi32>, tensor<?x2xf32>) -> ()
  return
}

func.func @main() {
  // p = 0.1, 0.4, 0.3, 0.2 and the reverse; then equal; then no number.
  %few = arith.constant dense<[[0.0, 1.38629436, 1.09861229, 0.69314718], [0.69314718, 1.09861229, 1.38629436, 0.0],
                               [7.0, 7.0, 7.0, 7.0], [0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000]]> : tensor<4x4xf32>
  %any = tensor.cast %few : tensor<4x4xf32> to tensor<?x4xf32>
  call @softmax(%any) : (tensor<?x4xf32>) -> ()
  call @normalized(%any) : (tensor<?x4xf32>) -> ()
  call @one_group(%any) : (tensor<?x4xf32>) -> ()
  // p = 0.5, 0.5 | 0.75, 0.1 | 0.9, 0.25 | 0.5, 0.5
  %many = arith.constant dense<[[0.0, 0.0, 1.09861229, -2.19722458, 2.19722458, -1.09861229, 0.0, 0.0]]> : tensor<1x8xf32>
  %one = tensor.cast %many : tensor<1x8xf32> to tensor<?x8xf32>
  call @corrected(%one) : (tensor<?x8xf32>) -> ()
  // p = 0.9, 0.1, 0.1, 0.1 | 0.5, 0.5, 0.25, 0.1
  %wide = arith.constant dense<[[2.19722458, -2.19722458, -2.19722458, -2.19722458, 0.0, 0.0, -1.09861229, -2.19722458]]> : tensor<1x8xf32>
  %other = tensor.cast %wide : tensor<1x8xf32> to tensor<?x8xf32>
  call @three_best(%other) : (tensor<?x8xf32>) -> ()
  return
}

// The factor is 2. Of equal scores the first are chosen; of NaNs some experts.
// CHECK: data =
// CHECK-NEXT: {{\[\[}}1, 2],
// CHECK-NEXT: [2, 1],
// CHECK-NEXT: [0, 1],
// CHECK-NEXT: [0, 0{{\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}0.8, 0.6],
// CHECK-NEXT: [0.8, 0.6],
// CHECK-NEXT: [0.5, 0.5],
// CHECK-NEXT: [{{-?}}nan, {{-?}}nan{{\]\]}}

// 4/7 and 3/7
// CHECK: data =
// CHECK: data =
// CHECK-NEXT: {{\[\[}}0.571429, 0.428571],
// CHECK-NEXT: [0.571429, 0.428571],
// CHECK-NEXT: [0.5, 0.5],

// The group of the largest score.
// CHECK: data =
// CHECK-NEXT: {{\[\[}}1, 0],
// CHECK-NEXT: [2, 3],
// CHECK-NEXT: [0, 1],
// CHECK-NEXT: [0, 0{{\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}0.4, 0.1],
// CHECK-NEXT: [0.4, 0.1],

// Groups have the sums 1.0, 0.85, 1.15 and, corrected, 1.3: expert 2 is in none that is kept. Weights are not
// corrected: 2.5 / 1.9 times 0.9, 0.5, 0.5.
// CHECK: data =
// CHECK-NEXT: {{\[\[}}4, 7, 6{{\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}1.18421, 0.657895, 0.657895{{\]\]}}

// The three best of the groups have the sums 1.1 and 1.25.
// CHECK: data =
// CHECK-NEXT: {{\[\[}}4, 5{{\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}0.5, 0.5{{\]\]}}
