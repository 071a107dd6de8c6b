// Passes that create operations or attributes of mla load the dialect: this module does not contain it.
//
// RUN: mla-opt %s --mla-plan | FileCheck %s --check-prefix=PLAN
// RUN: mla-opt %s --mla-attention-cores --mla-hoist-position-scales --mla-group-kernels --mla-schedule-kernels --convert-mla-to-gpu | FileCheck %s --check-prefix=GPU
// RUN: mla-opt %s --mla-absorb --mla-fold --mla-layout --mla-bind-weights --mla-to-linalg | FileCheck %s

// PLAN: module attributes {mla.plan = #mla.plan<
// GPU: mla.launches @nothing
// CHECK-LABEL: func.func @nothing
// CHECK-NEXT: return
func.func @nothing() {
  return
}
