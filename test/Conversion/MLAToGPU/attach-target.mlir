// The facts of a target determine the chip of the code and the number of SMs in schedules.
//
// RUN: mla-opt %s --mla-attach-target | FileCheck %s --check-prefix=ATTACHED
// RUN: mla-opt %s --mla-attach-target --mla-schedule-kernels --convert-mla-to-gpu | FileCheck %s --check-prefix=CODE
// RUN: not mla-opt %s --mla-attach-target=target=b200 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: mla-opt %s --mla-attach-target | mla-opt --mla-attach-target | FileCheck %s --check-prefix=ATTACHED
// RUN: mla-opt %s --mla-attach-target --mla-schedule-kernels | FileCheck %s --check-prefix=MANY
// RUN: mla-opt %s --mla-attach-target | sed 's/"multiprocessors" = 132/"multiprocessors" = 8/' \
// RUN:   | mla-opt --mla-schedule-kernels | FileCheck %s --check-prefix=FEW

// ATTACHED: module attributes {dlti.target_system_spec = #dlti.target_system_spec<"GPU" = #dlti.target_device_spec<"name" = "h100", "chip" = "sm_90a", "features" = "+ptx86", "multiprocessors" = 132 : i64>>}
// CODE: gpu.module @kernels [#nvvm.target<O = 3, chip = "sm_90a", features = "+ptx86">]
// UNKNOWN: error: unknown target 'b200'; expected h100

// With few SMs, tiles are fewer and larger.
// MANY: rows = 64, splits = 4,
// FEW: rows = 128, splits = 2,
func.func @entry(%x: tensor<?x7168xbf16>) -> tensor<?x1536xbf16> attributes {
    mla.phase = #mla.phase<decode>, mla.regime = #mla.regime<{phase = decode, q = absorb, o = absorb}>} {
  %w = mla.weight "w" : tensor<1536x7168xbf16>
  %a = mla.kernel projection "a"(%xa = %x, %wa = %w) : (tensor<?x7168xbf16>, tensor<1536x7168xbf16>) -> tensor<?x1536xbf16> {
    %y = mla.project %xa, %wa : (tensor<?x7168xbf16>, tensor<1536x7168xbf16>) -> tensor<?x1536xbf16>
    mla.yield %y : tensor<?x1536xbf16>
  }
  return %a : tensor<?x1536xbf16>
}
