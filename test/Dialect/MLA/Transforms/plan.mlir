// RUN: mla-opt %s --mla-plan | FileCheck %s --check-prefix=DEFAULT
// RUN: mla-opt %s --mla-plan=plan=auto | FileCheck %s --check-prefix=DEFAULT
// RUN: mla-opt %s --mla-plan=plan=fold | FileCheck %s --check-prefix=FOLD
// RUN: mla-opt %s --mla-plan=plan=naive | FileCheck %s --check-prefix=NAIVE
// RUN: mla-opt %s --mla-plan="plan=decode.q=fold,decode.o=absorb,prefill=absorb" | FileCheck %s --check-prefix=SIDES
// RUN: mla-opt %s --mla-plan=plan=decode.q=fold | FileCheck %s --check-prefix=ONE
// RUN: mla-opt %s --mla-plan=plan=prefill=absorb --mla-plan | FileCheck %s --check-prefix=KEPT
// RUN: mla-opt %s --mla-plan=plan=prefill=absorb --mla-plan=plan=fold | FileCheck %s --check-prefix=AGAIN

// DEFAULT: mla.plan = #mla.plan<[{phase = decode, q = absorb, o = absorb}, {phase = prefill, q = naive, o = naive}],
// DEFAULT-SAME: why = "decode absorb by default, every step reads the whole cache and must not up-project it; prefill naive by default, one up-projection serves many queries">

// FOLD: mla.plan = #mla.plan<[{phase = decode, q = fold, o = fold}, {phase = prefill, q = naive, o = naive}],
// FOLD-SAME: why = "decode fold as requested; prefill naive by default, one up-projection serves many queries">

// NAIVE: mla.plan = #mla.plan<[{phase = decode, q = naive, o = naive}, {phase = prefill, q = naive, o = naive}],
// NAIVE-SAME: why = "decode naive as requested; prefill naive by default, one up-projection serves many queries">

// SIDES: mla.plan = #mla.plan<[{phase = decode, q = fold, o = absorb}, {phase = prefill, q = absorb, o = absorb}],
// SIDES-SAME: why = "decode q fold as requested, o absorb as requested; prefill absorb as requested">

// ONE: mla.plan = #mla.plan<[{phase = decode, q = fold, o = absorb}, {phase = prefill, q = naive, o = naive}],
// ONE-SAME: why = "decode q fold as requested, o absorb by default, every step reads the whole cache and must not up-project it; prefill

// Without a request, an existing plan is kept; with one, the parts that are not requested.
// KEPT: mla.plan = #mla.plan<[{phase = decode, q = absorb, o = absorb}, {phase = prefill, q = absorb, o = absorb}],
// KEPT-SAME: why = "decode absorb by default, {{[^;]*}}; prefill absorb as requested">

// AGAIN: mla.plan = #mla.plan<[{phase = decode, q = fold, o = fold}, {phase = prefill, q = absorb, o = absorb}],
// AGAIN-SAME: why = "decode fold as requested; prefill absorb as planned before: decode absorb by default, {{[^;]*}}; prefill absorb as requested">

module {
  // The pass changes nothing else.
  // DEFAULT: func.func private @decode() attributes {mla.phase = #mla.phase<decode>}
  func.func private @decode() attributes {mla.phase = #mla.phase<decode>}
}
