//===- EmulatorTest.cpp - Small kernels on the emulated device ------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatorTest.h"

using namespace mla::emulator;

LoadedModule::LoadedModule(const std::string &text) {
  EXPECT_TRUE(globalMemory().reserve());
  error = ptx::parse(text, module);
  for (const auto &[name, kernel] : module.kernels)
    if (error.empty())
      error = decode(module, kernel, Symbols(), programs[name]);
}

std::string mla::emulator::loadError(const std::string &text) {
  LoadedModule module(text);
  EXPECT_NE(module.error, "") << "loads:\n" << text;
  return module.error;
}

Buffer::Buffer(uint64_t bytes) : bytes(bytes) {
  EXPECT_TRUE(globalMemory().reserve());
  address = globalMemory().allocate(bytes);
}

Buffer::Buffer(const Words &words) : Buffer(std::max<uint64_t>(4 * words.size(), 1)) {
  std::copy_n(reinterpret_cast<const uint8_t *>(words.data()), 4 * words.size(), globalMemory().contents(address));
  globalMemory().set(address, 4 * words.size(), Written);
}

Buffer::~Buffer() { globalMemory().free(address); }

Words Buffer::words() const {
  Words result(bytes / 4);
  std::memcpy(result.data(), globalMemory().contents(address), 4 * result.size());
  return result;
}

std::string mla::emulator::moduleOf(const std::string &body, size_t maps) {
  std::string parameters = ".param .b64 out, .param .b64 in";
  for (size_t i = 0; i < maps; ++i)
    parameters += ", .param .align 64 .b8 map" + std::to_string(i) + "[128]";
  return ".version 8.3\n.target sm_90a\n.address_size 64\n.extern .shared .align 1024 .b8 dynamic[];\n"
         ".visible .entry kernel(" +
         parameters + R"() {
  .reg .pred %p<8>;
  .reg .b16 %h<8>;
  .reg .b32 %t, %b, %n, %g, %r<16>;
  .reg .f32 %f<8>;
  .reg .b64 %out, %in, %to, %from, %x, %d<16>;
  ld.param.b64 %out, [out];
  ld.param.b64 %in, [in];
  mov.u32 %t, %tid.x;
  mov.u32 %b, %ctaid.x;
  mov.u32 %n, %ntid.x;
  mad.lo.u32 %g, %b, %n, %t;
  mul.wide.u32 %x, %g, 4;
  add.s64 %to, %out, %x;
  add.s64 %from, %in, %x;
)" + body +
         "\n  ret;\n}\n";
}

std::vector<Settings> mla::emulator::allPolicies() {
  std::vector<Settings> all;
  for (const char *text : {"policy=eager", "policy=lazy", "policy=random:1", "policy=random:2"}) {
    EXPECT_EQ(all.emplace_back().parse(std::string(text) + ",threads=2"), "");
  }
  return all;
}

static void append(std::vector<uint8_t> &to, const void *from, size_t bytes) {
  const uint8_t *data = static_cast<const uint8_t *>(from);
  to.insert(to.end(), data, data + bytes);
}

static Outcome runProgram(const Program &program, const Words &in, size_t out, const Launch &launch,
                          Settings settings) {
  settings.instructions = launch.instructions;
  Buffer input(in), output(4 * out);
  LaunchRequest request;
  request.program = &program;
  request.grid[0] = launch.blocks;
  request.block[0] = launch.threads;
  request.dynamicShared = launch.dynamicShared;
  append(request.parameters, &output.address, 8);
  append(request.parameters, &input.address, 8);
  for (size_t i = 0; i < launch.maps.size(); ++i) {
    request.parameters.resize(program.parameterOffsets[2 + i]);
    TensorMap map = launch.maps[i];
    if (map.address < 2) { // of the output or of the input
      map.address = map.address ? input.address : output.address;
      map.checksum = map.computeChecksum();
    }
    append(request.parameters, &map, sizeof(map));
  }
  request.parameters.resize(program.parameterBytes);
  Grid grid(request, settings, settings.seed);
  grid.run();
  return {output.words(), grid.fault()};
}

Outcome mla::emulator::runOnce(const std::string &body, const Words &in, size_t out, const Launch &launch,
                               const Settings &settings) {
  LoadedModule module(moduleOf(body, launch.maps.size()));
  EXPECT_EQ(module.error, "");
  return module.error.empty() ? runProgram(module.programs["kernel"], in, out, launch, settings)
                              : Outcome{Words(out), std::nullopt};
}

Words mla::emulator::run(const std::string &body, const Words &in, size_t out, const Launch &launch) {
  LoadedModule module(moduleOf(body, launch.maps.size()));
  EXPECT_EQ(module.error, "");
  if (!module.error.empty())
    return Words(out);
  Words first;
  for (const Settings &settings : allPolicies()) {
    Outcome outcome = runProgram(module.programs["kernel"], in, out, launch, settings);
    EXPECT_FALSE(outcome.fault) << settings.policyName() << ": " << outcome.fault->message();
    if (!first.empty())
      EXPECT_EQ(outcome.out, first) << settings.policyName();
    first = outcome.out;
  }
  return first;
}

/// Returns the number of the line with the mark.
static size_t markedLine(const std::string &text) {
  size_t mark = text.find("// HERE");
  return mark == text.npos ? 0 : 1 + static_cast<size_t>(std::count(text.begin(), text.begin() + mark, '\n'));
}

std::string mla::emulator::expectFault(FaultKind kind, const std::string &body, const std::vector<std::string> &parts,
                                       const Launch &launch, const Words &in, size_t out) {
  std::string text = moduleOf(body, launch.maps.size()), message;
  LoadedModule module(text);
  EXPECT_EQ(module.error, "");
  if (!module.error.empty())
    return "";
  for (const Settings &settings : allPolicies()) {
    Outcome outcome = runProgram(module.programs["kernel"], in, out, launch, settings);
    EXPECT_TRUE(outcome.fault) << settings.policyName() << ": no fault";
    if (!outcome.fault)
      continue;
    message = outcome.fault->message();
    SCOPED_TRACE(settings.policyName() + ": " + message);
    EXPECT_EQ(nameOf(outcome.fault->kind), nameOf(kind));
    std::string start = "[" + std::string(nameOf(kind)) + "] kernel: PTX line ";
    EXPECT_EQ(message.rfind(start, 0), 0u);
    if (size_t line = markedLine(text))
      EXPECT_NE(message.find("PTX line " + std::to_string(line) + " ("), message.npos) << "expected line " << line;
    for (const std::string &part : parts)
      EXPECT_NE(message.find(part), message.npos) << "expected '" << part << "'";
  }
  return message;
}
