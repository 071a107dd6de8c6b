// RUN: not mla-opt %s --mla-plan=plan=fast 2>&1 | FileCheck %s --check-prefix=PLAN
// PLAN: error: plan: unknown plan 'fast'; expected auto, naive, absorb, fold, or phase=form and phase.side=form

// RUN: not mla-opt %s --mla-plan=plan=decode=fast 2>&1 | FileCheck %s --check-prefix=FORM
// FORM: error: plan: unknown form 'fast'; expected naive, absorb or fold

// RUN: not mla-opt %s --mla-plan=plan=encode=fold 2>&1 | FileCheck %s --check-prefix=PHASE
// PHASE: error: plan: unknown phase 'encode'; expected prefill or decode

// RUN: not mla-opt %s --mla-plan=plan=decode.k=fold 2>&1 | FileCheck %s --check-prefix=SIDE
// SIDE: error: plan: unknown side 'k'; expected q or o

// RUN: not mla-opt %s --mla-plan="plan=decode=fold,decode.q=naive" 2>&1 | FileCheck %s --check-prefix=TWICE
// TWICE: error: plan: decode.q is requested twice; name it once

// RUN: not mla-opt %s --mla-plan="plan=fold,prefill=naive" 2>&1 | FileCheck %s --check-prefix=LIST
// LIST: error: plan: expected phase=form or phase.side=form, got 'fold'

// RUN: not mla-opt %s --mla-plan=device=none.json 2>&1 | FileCheck %s --check-prefix=DEVICE
// DEVICE: error: device: none.json: cannot be read: No such file or directory; give h100, h200, cpu or a JSON file that describes a device

// RUN: not mla-opt %s --mla-plan=prefill-tokens=0 2>&1 | FileCheck %s --check-prefix=TOKENS
// TOKENS: error: prefill-tokens: expected at least 1 token per step, got 0

// RUN: echo 'module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"name" = "a", "row_tile" = 64 : i64>>} {}' > %t.mlir
// RUN: not mla-opt %t.mlir --mla-plan 2>&1 | FileCheck %s --check-prefix=SPEC
// SPEC: error: device: dlti.target_system_spec: read_bytes_per_second is missing

module {}
