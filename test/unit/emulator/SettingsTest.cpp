//===- SettingsTest.cpp - Settings of the emulated device -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Settings.h"
#include "EmulatorTest.h"

using namespace mla::emulator;

TEST(EmulatorSettings, ParsesAllKeys) {
  Settings settings;
  EXPECT_EQ(settings.parse(""), "");
  EXPECT_EQ(settings.policyName(), "lazy");
  EXPECT_EQ(settings.parse("policy=random:18446744073709551615,multiprocessors=8,threads=3,instructions=77"), "");
  EXPECT_EQ(settings.policyName(), "random:18446744073709551615");
  EXPECT_EQ(settings.multiprocessors, 8);
  EXPECT_EQ(settings.threads, 3);
  EXPECT_EQ(settings.instructions, 77u);
  EXPECT_EQ(settings.parse("policy=eager"), "");
  EXPECT_EQ(settings.policyName(), "eager");
}

TEST(EmulatorSettings, NamesWhatIsWrong) {
  auto error = [](const char *text) { return Settings().parse(text); };
  EXPECT_EQ(error("policy=bogus"), "unknown policy 'bogus'; expected eager, lazy or random:SEED");
  EXPECT_EQ(error("policy=random:"), "unknown policy 'random:'; expected eager, lazy or random:SEED");
  EXPECT_EQ(error("policy=random:-1"), "unknown policy 'random:-1'; expected eager, lazy or random:SEED");
  EXPECT_EQ(error("speed=3"),
            "unknown key 'speed'; expected policy, devices, multiprocessors, threads or instructions");
  EXPECT_EQ(error("policy"), "expected KEY=VALUE, got 'policy'");
  EXPECT_EQ(error("policy=lazy,,threads=1"), "expected KEY=VALUE, got ''");
  EXPECT_EQ(error("multiprocessors=0"), "multiprocessors is '0'; expected an integer from 1 to 1024");
  EXPECT_EQ(error("multiprocessors=1025"), "multiprocessors is '1025'; expected an integer from 1 to 1024");
  EXPECT_EQ(error("threads=4x"), "threads is '4x'; expected an integer from 1 to 256");
  EXPECT_EQ(error("instructions=0"), "instructions is '0'; expected an integer from 1 to 2^64 - 1");
}
