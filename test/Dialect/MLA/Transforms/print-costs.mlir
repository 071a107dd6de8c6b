// RUN: mla-opt %s --mla-plan=device=h100 --mla-print-costs="device=h100 batch=2 context=512" -o /dev/null 2>&1 | FileCheck %s
// RUN: mla-opt %s --mla-print-costs=device=cpu -o /dev/null 2>&1 | FileCheck %s --check-prefix=UNPLANNED
// RUN: mla-opt %s --mla-print-costs 2>/dev/null | FileCheck %s --check-prefix=UNCHANGED
// RUN: not mla-opt %s --mla-print-costs=device=none.json 2>&1 | FileCheck %s --check-prefix=DEVICE
// RUN: not mla-opt %s --mla-print-costs=context=0 2>&1 | FileCheck %s --check-prefix=CONTEXT

// The chosen forms have a star; the others were declined. FLOPs: 2 tokens and 1024 keys.
// CHECK: @decode, decode: 2 x 1 tokens, context 512, on h100
// CHECK-NEXT: q      o         MB read  MB written     GFLOP  kernels us: common      query up-project  attention     output      total
// CHECK-DAG: {{^}}* {{absorb|fold}} {{ *}}{{absorb|fold}}
// CHECK-DAG: {{^}}  naive  naive
// CHECK-DAG: {{^}}  fold   absorb

// UNPLANNED: @decode, decode: 1 x 1 tokens, context 4096, on cpu
// UNPLANNED-NOT: {{^}}*

// UNCHANGED-NOT: mla.plan
// UNCHANGED: mla.attention

// DEVICE: error: device: none.json: cannot be read: {{.*}}; give h100, h200, cpu or a JSON file that describes a device
// CONTEXT: error: expected batch and context of at least 1 and tokens of at least 0

!cache = !mla.cache<page = 64, latent = 256, rope = 32, bf16>
module {
  func.func @decode(%hidden: tensor<?x256xbf16>, %cu: tensor<?xi32>, %position: tensor<?xi32>, %cache: !cache) -> tensor<?x256xbf16> attributes {mla.phase = #mla.phase<decode>} {
    %w_q = mla.weight "w_q" : tensor<4x96x256xbf16>
    %q = mla.project to_heads %hidden, %w_q : (tensor<?x256xbf16>, tensor<4x96x256xbf16>) -> tensor<?x4x96xbf16>
    %c0 = arith.constant 0 : index
    %t = tensor.dim %hidden, %c0 : tensor<?x256xbf16>
    %q_nope = tensor.extract_slice %q[0, 0, 0] [%t, 4, 64] [1, 1, 1] : tensor<?x4x96xbf16> to tensor<?x4x64xbf16>
    %q_pe = tensor.extract_slice %q[0, 0, 64] [%t, 4, 32] [1, 1, 1] : tensor<?x4x96xbf16> to tensor<?x4x32xbf16>
    %latent, %k_rope, %cu_keys = mla.gather %cache : !cache
    %w_uk = mla.weight "w_uk" : tensor<4x64x256xbf16>
    %w_uv = mla.weight "w_uv" : tensor<4x64x256xbf16>
    %k = mla.project to_heads %latent, %w_uk : (tensor<?x256xbf16>, tensor<4x64x256xbf16>) -> tensor<?x4x64xbf16>
    %v = mla.project to_heads %latent, %w_uv : (tensor<?x256xbf16>, tensor<4x64x256xbf16>) -> tensor<?x4x64xbf16>
    %o = mla.attention queries(%q_nope, %q_pe of %cu) keys(%k, %k_rope of %cu_keys) values(%v) {scale = 1.0e-1 : f64}
        : (tensor<?x4x64xbf16>, tensor<?x4x32xbf16>, tensor<?x4x64xbf16>, tensor<?x32xbf16>, tensor<?x4x64xbf16>) -> tensor<?x4x64xbf16>
    %w_o = mla.weight "w_o" : tensor<256x4x64xbf16>
    %out = mla.project from_heads %o, %w_o : (tensor<?x4x64xbf16>, tensor<256x4x64xbf16>) -> tensor<?x256xbf16>
    return %out : tensor<?x256xbf16>
  }
}
