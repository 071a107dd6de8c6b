// Executes the naive attention: keys per head, and tiles of 16 queries and 64 keys with their edges.
//
// RUN: mla-opt %s --mla-to-cpu | %run_main | FileCheck %s

func.func private @printMemrefF32(tensor<*xf32> {bufferization.access = "read"})

func.func private @per_head(%q: tensor<?x2x2xf32>, %qr: tensor<?x2x2xf32>, %cu: tensor<?xi32>, %k: tensor<?x2x2xf32>, %kr: tensor<?x2xf32>, %cu_keys: tensor<?xi32>, %v: tensor<?x2x2xf32>) {
  %o, %lse = mla.attention queries(%q, %qr of %cu) keys(%k, %kr of %cu_keys) values(%v) {scale = 1.0 : f64} : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?x2xf32>, tensor<?x2x2xf32>) -> tensor<?x2x2xf32>, tensor<?x2xf32>
  %print0 = tensor.cast %o : tensor<?x2x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  %print1 = tensor.cast %lse : tensor<?x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print1) : (tensor<*xf32>) -> ()
  return
}

// Queries are zero, so a query at position p weights p + 1 keys equally. Values v[n, d] = n + d give a mean of p / 2 + d
// and an LSE of log(p + 1). One sequence of %keys keys, of which %queries are new.
func.func private @long(%queries: index, %keys: index, %cu: tensor<?xi32>, %cu_keys: tensor<?xi32>) {
  %zero = arith.constant 0.0 : f32
  %q = tensor.generate %queries {
  ^bb0(%t: index, %h: index, %k: index):
    tensor.yield %zero : f32
  } : tensor<?x1x2xf32>
  %c = tensor.generate %keys {
  ^bb0(%n: index, %d: index):
    %sum = arith.addi %n, %d : index
    %i = arith.index_cast %sum : index to i32
    %f = arith.sitofp %i : i32 to f32
    tensor.yield %f : f32
  } : tensor<?x2xf32>
  %o, %lse = mla.attention queries(%q, %q of %cu) keys(%c, %c of %cu_keys) values(%c) {scale = 1.0 : f64} : (tensor<?x1x2xf32>, tensor<?x1x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x1x2xf32>, tensor<?x1xf32>
  %print0 = tensor.cast %o : tensor<?x1x2xf32> to tensor<*xf32>
  call @printMemrefF32(%print0) : (tensor<*xf32>) -> ()
  %print1 = tensor.cast %lse : tensor<?x1xf32> to tensor<*xf32>
  call @printMemrefF32(%print1) : (tensor<*xf32>) -> ()
  return
}






func.func @main() {
  %per_head_q_s = arith.constant dense<[[[-1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, -1.0]], [[1.0, -1.0], [-1.0, 0.0]]]> : tensor<3x2x2xf32>
  %per_head_q = tensor.cast %per_head_q_s : tensor<3x2x2xf32> to tensor<?x2x2xf32>
  %per_head_qr_s = arith.constant dense<[[[0.0, 0.5], [1.0, 0.0]], [[0.5, 1.0], [0.0, 0.5]], [[1.0, 0.0], [0.5, 1.0]]]> : tensor<3x2x2xf32>
  %per_head_qr = tensor.cast %per_head_qr_s : tensor<3x2x2xf32> to tensor<?x2x2xf32>
  %per_head_cu_s = arith.constant dense<[0, 2, 3]> : tensor<3xi32>
  %per_head_cu = tensor.cast %per_head_cu_s : tensor<3xi32> to tensor<?xi32>
  %per_head_k_s = arith.constant dense<[[[-1.0, 0.0], [1.0, 2.0]], [[0.0, 1.0], [2.0, -1.0]], [[1.0, 2.0], [-1.0, 0.0]], [[2.0, -1.0], [0.0, 1.0]], [[-1.0, 0.0], [1.0, 2.0]]]> : tensor<5x2x2xf32>
  %per_head_k = tensor.cast %per_head_k_s : tensor<5x2x2xf32> to tensor<?x2x2xf32>
  %per_head_kr_s = arith.constant dense<[[0.0, -0.5], [0.5, -0.5], [1.0, -0.5], [1.5, -0.5], [2.0, -0.5]]> : tensor<5x2xf32>
  %per_head_kr = tensor.cast %per_head_kr_s : tensor<5x2xf32> to tensor<?x2xf32>
  %per_head_cu_keys_s = arith.constant dense<[0, 3, 5]> : tensor<3xi32>
  %per_head_cu_keys = tensor.cast %per_head_cu_keys_s : tensor<3xi32> to tensor<?xi32>
  %per_head_v_s = arith.constant dense<[[[0.0, 0.0], [10.0, 0.0]], [[1.0, 1.0], [11.0, 1.0]], [[2.0, 4.0], [12.0, 4.0]], [[3.0, 9.0], [13.0, 9.0]], [[4.0, 16.0], [14.0, 16.0]]]> : tensor<5x2x2xf32>
  %per_head_v = tensor.cast %per_head_v_s : tensor<5x2x2xf32> to tensor<?x2x2xf32>
  call @per_head(%per_head_q, %per_head_qr, %per_head_cu, %per_head_k, %per_head_kr, %per_head_cu_keys, %per_head_v) : (tensor<?x2x2xf32>, tensor<?x2x2xf32>, tensor<?xi32>, tensor<?x2x2xf32>, tensor<?x2xf32>, tensor<?xi32>, tensor<?x2x2xf32>) -> ()
  %long0_q = arith.constant 1 : index
  %long0_k = arith.constant 63 : index
  %long0_cu_s = arith.constant dense<[0, 1]> : tensor<2xi32>
  %long0_cu = tensor.cast %long0_cu_s : tensor<2xi32> to tensor<?xi32>
  %long0_ck_s = arith.constant dense<[0, 63]> : tensor<2xi32>
  %long0_ck = tensor.cast %long0_ck_s : tensor<2xi32> to tensor<?xi32>
  call @long(%long0_q, %long0_k, %long0_cu, %long0_ck) : (index, index, tensor<?xi32>, tensor<?xi32>) -> ()
  %long1_q = arith.constant 1 : index
  %long1_k = arith.constant 64 : index
  %long1_cu_s = arith.constant dense<[0, 1]> : tensor<2xi32>
  %long1_cu = tensor.cast %long1_cu_s : tensor<2xi32> to tensor<?xi32>
  %long1_ck_s = arith.constant dense<[0, 64]> : tensor<2xi32>
  %long1_ck = tensor.cast %long1_ck_s : tensor<2xi32> to tensor<?xi32>
  call @long(%long1_q, %long1_k, %long1_cu, %long1_ck) : (index, index, tensor<?xi32>, tensor<?xi32>) -> ()
  %long2_q = arith.constant 1 : index
  %long2_k = arith.constant 65 : index
  %long2_cu_s = arith.constant dense<[0, 1]> : tensor<2xi32>
  %long2_cu = tensor.cast %long2_cu_s : tensor<2xi32> to tensor<?xi32>
  %long2_ck_s = arith.constant dense<[0, 65]> : tensor<2xi32>
  %long2_ck = tensor.cast %long2_ck_s : tensor<2xi32> to tensor<?xi32>
  call @long(%long2_q, %long2_k, %long2_cu, %long2_ck) : (index, index, tensor<?xi32>, tensor<?xi32>) -> ()
  %long3_q = arith.constant 17 : index
  %long3_k = arith.constant 130 : index
  %long3_cu_s = arith.constant dense<[0, 17]> : tensor<2xi32>
  %long3_cu = tensor.cast %long3_cu_s : tensor<2xi32> to tensor<?xi32>
  %long3_ck_s = arith.constant dense<[0, 130]> : tensor<2xi32>
  %long3_ck = tensor.cast %long3_ck_s : tensor<2xi32> to tensor<?xi32>
  call @long(%long3_q, %long3_k, %long3_cu, %long3_ck) : (index, index, tensor<?xi32>, tensor<?xi32>) -> ()
  %long4_q = arith.constant 16 : index
  %long4_k = arith.constant 16 : index
  %long4_cu_s = arith.constant dense<[0, 16]> : tensor<2xi32>
  %long4_cu = tensor.cast %long4_cu_s : tensor<2xi32> to tensor<?xi32>
  %long4_ck_s = arith.constant dense<[0, 16]> : tensor<2xi32>
  %long4_ck = tensor.cast %long4_ck_s : tensor<2xi32> to tensor<?xi32>
  call @long(%long4_q, %long4_k, %long4_cu, %long4_ck) : (index, index, tensor<?xi32>, tensor<?xi32>) -> ()
  %long5_q = arith.constant 20 : index
  %long5_k = arith.constant 20 : index
  %long5_cu_s = arith.constant dense<[0, 20]> : tensor<2xi32>
  %long5_cu = tensor.cast %long5_cu_s : tensor<2xi32> to tensor<?xi32>
  %long5_ck_s = arith.constant dense<[0, 20]> : tensor<2xi32>
  %long5_ck = tensor.cast %long5_ck_s : tensor<2xi32> to tensor<?xi32>
  call @long(%long5_q, %long5_k, %long5_cu, %long5_ck) : (index, index, tensor<?xi32>, tensor<?xi32>) -> ()
  return
}

// Keys and values per head; sequences of 3 and 2 keys with 2 and 1 queries (Python, float64).
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}0.26894{{[0-9]*}}, 0.26894{{[0-9]*}}],
// CHECK-NEXT: [10.075{{[0-9]*}}, 0.075858{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}1.6707{{[0-9]*}}, 3.1320{{[0-9]*}}],
// CHECK-NEXT: [11, 1.0353{{[0-9]*}}{{\]\]}},
// CHECK-NEXT: {{\[\[}}3.0293{{[0-9]*}}, 9.205{{[0-9]*}}],
// CHECK-NEXT: [13.320{{[0-9]*}}, 11.245{{[0-9]*}}{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}1.0632{{[0-9]*}}, 2.078{{[0-9]*}}],
// CHECK-NEXT: [2.3137{{[0-9]*}}, 2.7859{{[0-9]*}}],
// CHECK-NEXT: [4.5297{{[0-9]*}}, 0.6368{{[0-9]*}}{{\]\]}}

// 1 query, 63 keys.
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}31, 32{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}4.1431{{[0-9]*}}{{\]\]}}

// 1 query, 64 keys.
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}31.5, 32.5{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}4.158{{[0-9]*}}{{\]\]}}

// 1 query, 65 keys.
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}32, 33{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}4.174{{[0-9]*}}{{\]\]}}

// 17 queries, 130 keys.
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}56.5, 57.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}57, 58{{\]\]}},
// CHECK-NEXT: {{\[\[}}57.5, 58.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}58, 59{{\]\]}},
// CHECK-NEXT: {{\[\[}}58.5, 59.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}59, 60{{\]\]}},
// CHECK-NEXT: {{\[\[}}59.5, 60.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}60, 61{{\]\]}},
// CHECK-NEXT: {{\[\[}}60.5, 61.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}61, 62{{\]\]}},
// CHECK-NEXT: {{\[\[}}61.5, 62.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}62, 63{{\]\]}},
// CHECK-NEXT: {{\[\[}}62.5, 63.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}63, 64{{\]\]}},
// CHECK-NEXT: {{\[\[}}63.5, 64.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}64, 65{{\]\]}},
// CHECK-NEXT: {{\[\[}}64.5, 65.5{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}4.736{{[0-9]*}}],
// CHECK-NEXT: [4.7449{{[0-9]*}}],
// CHECK-NEXT: [4.753{{[0-9]*}}],
// CHECK-NEXT: [4.7621{{[0-9]*}}],
// CHECK-NEXT: [4.770{{[0-9]*}}],
// CHECK-NEXT: [4.7791{{[0-9]*}}],
// CHECK-NEXT: [4.787{{[0-9]*}}],
// CHECK-NEXT: [4.795{{[0-9]*}}],
// CHECK-NEXT: [4.8040{{[0-9]*}}],
// CHECK-NEXT: [4.812{{[0-9]*}}],
// CHECK-NEXT: [4.820{{[0-9]*}}],
// CHECK-NEXT: [4.8283{{[0-9]*}}],
// CHECK-NEXT: [4.836{{[0-9]*}}],
// CHECK-NEXT: [4.844{{[0-9]*}}],
// CHECK-NEXT: [4.8520{{[0-9]*}}],
// CHECK-NEXT: [4.8598{{[0-9]*}}],
// CHECK-NEXT: [4.8675{{[0-9]*}}{{\]\]}}

// 16 queries, 16 keys.
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}0, 1{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.5, 1.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}1, 2{{\]\]}},
// CHECK-NEXT: {{\[\[}}1.5, 2.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}2, 3{{\]\]}},
// CHECK-NEXT: {{\[\[}}2.5, 3.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}3, 4{{\]\]}},
// CHECK-NEXT: {{\[\[}}3.5, 4.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}4, 5{{\]\]}},
// CHECK-NEXT: {{\[\[}}4.5, 5.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}5, 6{{\]\]}},
// CHECK-NEXT: {{\[\[}}5.5, 6.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}6, 7{{\]\]}},
// CHECK-NEXT: {{\[\[}}6.5, 7.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}7, 8{{\]\]}},
// CHECK-NEXT: {{\[\[}}7.5, 8.5{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}0],
// CHECK-NEXT: [0.69314{{[0-9]*}}],
// CHECK-NEXT: [1.0986{{[0-9]*}}],
// CHECK-NEXT: [1.386{{[0-9]*}}],
// CHECK-NEXT: [1.6094{{[0-9]*}}],
// CHECK-NEXT: [1.7917{{[0-9]*}}],
// CHECK-NEXT: [1.9459{{[0-9]*}}],
// CHECK-NEXT: [2.0794{{[0-9]*}}],
// CHECK-NEXT: [2.1972{{[0-9]*}}],
// CHECK-NEXT: [2.3025{{[0-9]*}}],
// CHECK-NEXT: [2.397{{[0-9]*}}],
// CHECK-NEXT: [2.4849{{[0-9]*}}],
// CHECK-NEXT: [2.5649{{[0-9]*}}],
// CHECK-NEXT: [2.6390{{[0-9]*}}],
// CHECK-NEXT: [2.7080{{[0-9]*}}],
// CHECK-NEXT: [2.772{{[0-9]*}}{{\]\]}}

// 20 queries, 20 keys.
// CHECK: data =
// CHECK-NEXT: {{\[\[\[}}0, 1{{\]\]}},
// CHECK-NEXT: {{\[\[}}0.5, 1.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}1, 2{{\]\]}},
// CHECK-NEXT: {{\[\[}}1.5, 2.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}2, 3{{\]\]}},
// CHECK-NEXT: {{\[\[}}2.5, 3.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}3, 4{{\]\]}},
// CHECK-NEXT: {{\[\[}}3.5, 4.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}4, 5{{\]\]}},
// CHECK-NEXT: {{\[\[}}4.5, 5.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}5, 6{{\]\]}},
// CHECK-NEXT: {{\[\[}}5.5, 6.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}6, 7{{\]\]}},
// CHECK-NEXT: {{\[\[}}6.5, 7.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}7, 8{{\]\]}},
// CHECK-NEXT: {{\[\[}}7.5, 8.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}8, 9{{\]\]}},
// CHECK-NEXT: {{\[\[}}8.5, 9.5{{\]\]}},
// CHECK-NEXT: {{\[\[}}9, 10{{\]\]}},
// CHECK-NEXT: {{\[\[}}9.5, 10.5{{\]\]\]}}
// CHECK: data =
// CHECK-NEXT: {{\[\[}}0],
// CHECK-NEXT: [0.69314{{[0-9]*}}],
// CHECK-NEXT: [1.0986{{[0-9]*}}],
// CHECK-NEXT: [1.386{{[0-9]*}}],
// CHECK-NEXT: [1.6094{{[0-9]*}}],
// CHECK-NEXT: [1.7917{{[0-9]*}}],
// CHECK-NEXT: [1.9459{{[0-9]*}}],
// CHECK-NEXT: [2.0794{{[0-9]*}}],
// CHECK-NEXT: [2.1972{{[0-9]*}}],
// CHECK-NEXT: [2.3025{{[0-9]*}}],
// CHECK-NEXT: [2.397{{[0-9]*}}],
// CHECK-NEXT: [2.4849{{[0-9]*}}],
// CHECK-NEXT: [2.5649{{[0-9]*}}],
// CHECK-NEXT: [2.6390{{[0-9]*}}],
// CHECK-NEXT: [2.7080{{[0-9]*}}],
// CHECK-NEXT: [2.772{{[0-9]*}}],
// CHECK-NEXT: [2.8332{{[0-9]*}}],
// CHECK-NEXT: [2.8903{{[0-9]*}}],
// CHECK-NEXT: [2.9444{{[0-9]*}}],
// CHECK-NEXT: [2.9957{{[0-9]*}}{{\]\]}}
