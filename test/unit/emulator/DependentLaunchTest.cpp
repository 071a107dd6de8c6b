//===- DependentLaunchTest.cpp - Grids that overlap -----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Device.h"
#include "Driver.h"
#include "EmulatorTest.h"

using namespace mla;
using namespace mla::emulator;

/// A first kernel writes out[t]; the second, which may start early, adds what BODY reads.
static std::string twoKernels(const std::string &first, const std::string &second) {
  auto kernel = [](const std::string &name, const std::string &body) {
    return ".visible .entry " + name +
           "(.param .b64 out) {\n  .reg .b32 %t, %r<4>;\n  .reg .b64 %d<4>;\n  ld.param.b64 %d1, [out];\n"
           "  mov.u32 %t, %tid.x;\n  mul.wide.u32 %d2, %t, 4;\n  add.s64 %d1, %d1, %d2;\n" +
           body + "\n  ret;\n}\n";
  };
  return ".version 8.3\n.target sm_90a\n.address_size 64\n" + kernel("first", first) + kernel("second", second);
}

static std::string runPair(const std::string &text, const Settings &settings, Words &out) {
  LoadedModule module(text);
  EXPECT_EQ(module.error, "");
  Buffer memory(Words(64, 1));
  Device device(settings);
  for (const char *name : {"first", "second"}) {
    LaunchRequest request;
    request.program = &module.programs[name];
    request.grid[0] = 2;
    request.block[0] = 32;
    request.parameters.resize(8);
    std::memcpy(request.parameters.data(), &memory.address, 8);
    request.mayOverlap = true;
    EXPECT_EQ(device.enqueue({nullptr, request}), cuda::success);
  }
  cuda::Status status = device.drain();
  out = memory.words();
  EXPECT_EQ(status != cuda::success, !device.describeError().empty());
  return device.describeError();
}

static const char *const writer = "  griddepcontrol.launch_dependents;\n  add.s32 %r1, %t, 5;\n"
                                  "  st.global.b32 [%d1], %r1;";
static const char *const waits = "  griddepcontrol.wait;\n";
static const char *const reader = "  ld.global.b32 %r1, [%d1]; // READ\n  st.global.b32 [%d1+128], %r1;";

TEST(EmulatorDependentLaunch, DependentThatWaitsSeesThePredecessorsWrites) {
  for (const Settings &settings : allPolicies()) {
    SCOPED_TRACE(settings.policyName());
    Words out;
    EXPECT_EQ(runPair(twoKernels(writer, std::string(waits) + reader), settings, out), "");
    for (uint32_t t = 0; t < 32; ++t)
      EXPECT_EQ(out[32 + t], t + 5);
  }
}

TEST(EmulatorDependentLaunch, DependentReadsBeforeItsWait) {
  unsigned found = 0;
  for (const Settings &settings : allPolicies()) {
    SCOPED_TRACE(settings.policyName());
    Words out;
    std::string message = runPair(twoKernels(writer, std::string(reader) + "\n" + waits), settings, out);
    if (settings.policy == Policy::Eager)
      continue; // grids one after the other
    found += !message.empty();
    if (message.empty())
      continue;
    EXPECT_EQ(message.rfind("[dependent-launch] first: PTX line 13 (st.global.b32), block (", 0), 0u) << message;
    EXPECT_NE(message.find("which the next grid accesses before its griddepcontrol.wait"), message.npos) << message;
  }
  EXPECT_GE(found, 1u);
}
