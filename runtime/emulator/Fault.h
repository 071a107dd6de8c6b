//===- Fault.h - What a kernel did wrong ------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_EMULATOR_FAULT_H
#define MLA_EMULATOR_FAULT_H

#include <cstdint>
#include <string>
#include <string_view>

namespace mla::emulator {

/// The kinds of undefined behavior that the emulated device detects. docs/emulator.md describes each.
enum class FaultKind {
  OutOfBounds,     ///< An access outside an allocation, shared memory, a parameter or a tensor map's tensor.
  Misaligned,      ///< An address that is not a multiple of the size of the access.
  Uninitialized,   ///< A decision or an address that depends on a value that nobody wrote.
  Race,            ///< Two accesses of a shared word by different warps, one a write, that nothing orders.
  CopyPending,     ///< An access of the destination of a copy whose completion the warp has not waited for.
  ProxyFence,      ///< A generic write that the asynchronous proxy reads without fence.proxy.async in between.
  ProductPending,  ///< A register of a wgmma that is touched before wgmma.wait_group.
  ProductFence,    ///< A register written before wgmma reads it, without wgmma.fence in between.
  Barrier,         ///< A misused barrier or mbarrier: counts, phases, initialization.
  Deadlock,        ///< No warp can go on.
  Divergence,      ///< An aligned instruction that not all threads of the warp execute.
  TensorMap,       ///< An address that is no tensor map, or one that does not fit the instruction.
  DependentLaunch, ///< A conflict with the preceding grid before griddepcontrol.wait.
  Invalid,         ///< An operand outside its documented range.
  Unsupported,     ///< An instruction or a form of it that the emulator does not implement.
  Limit,           ///< More instructions than the limit allows: an endless loop.
};

/// The name in messages, such as "out-of-bounds".
std::string_view nameOf(FaultKind kind);

/// "0x…", for messages.
std::string hex(uint64_t value);

struct Fault {
  FaultKind kind;
  std::string text; ///< "KERNEL: PTX line N (INSTRUCTION), block …, warp …, lane …: WHAT"
  /// As it is shown: "[race] TEXT".
  std::string message() const { return "[" + std::string(nameOf(kind)) + "] " + text; }
};

} // namespace mla::emulator

#endif // MLA_EMULATOR_FAULT_H
