//===- DriverModule.cpp - Modules and functions ---------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Chip.h"
#include "Driver.h"

#include <cstring>
#include <elf.h>

using namespace mla;
using namespace mla::cuda;
using namespace mla::emulator;

/// Writes the error to the caller's log, as the driver's compiler does.
static void writeLog(const std::string &error, unsigned count, int *options, void **values) {
  char *log = nullptr;
  size_t bytes = 0;
  for (unsigned i = 0; i < count; ++i) {
    if (options[i] == jitErrorLogBuffer)
      log = static_cast<char *>(values[i]);
    if (options[i] == jitErrorLogBufferBytes)
      bytes = reinterpret_cast<size_t>(values[i]);
  }
  if (!log || !bytes)
    return;
  std::strncpy(log, error.c_str(), bytes - 1);
  log[bytes - 1] = '\0';
}

/// Variables without an initial value are zero (PTX ISA 8.6, 5.4.4).
static bool placeGlobals(ModuleTag &module, Symbols &symbols) {
  GlobalMemory &memory = globalMemory();
  for (const ptx::Variable &variable : module.text.globals) {
    uint64_t bytes = std::max<uint64_t>(variable.bytes, 1);
    DeviceAddress address = memory.allocate(bytes);
    if (!address)
      return false;
    std::fill_n(memory.contents(address), bytes, 0);
    std::copy(variable.initial.begin(), variable.initial.end(), memory.contents(address));
    memory.set(address, bytes, Written);
    module.globals.push_back(address);
    symbols.globals[variable.name] = address;
  }
  return true;
}

/// Parses and decodes all kernels: what is not emulated is an error now, with its line.
static std::string load(ModuleTag &module, const char *image) {
  std::string error = ptx::parse(image, module.text);
  if (!error.empty())
    return error;
  if (module.text.target.rfind(chip::targetFamily, 0) != 0)
    return "the target is '" + module.text.target + "'; the emulated device is an " + chip::target;
  Symbols symbols;
  if (!placeGlobals(module, symbols))
    return "no memory for the module's variables";
  for (const auto &[name, kernel] : module.text.kernels) {
    error = decode(module.text, kernel, symbols, module.functions[name].program);
    if (!error.empty())
      return error;
  }
  return "";
}

MLA_DRIVER cuModuleUnload(Module module) {
  MLA_REQUIRE_CONTEXT();
  Status status = device().drain();
  for (DeviceAddress address : module->globals)
    globalMemory().free(address);
  delete module;
  return status;
}

MLA_DRIVER cuModuleLoadDataEx(Module *module, const void *image, unsigned count, int *options, void **values) {
  MLA_REQUIRE_CONTEXT();
  if (std::memcmp(image, ELFMAG, SELFMAG) == 0)
    return noBinaryForGpu;
  auto made = std::make_unique<ModuleTag>();
  std::string error = load(*made, static_cast<const char *>(image));
  if (error.empty()) {
    *module = made.release();
    return success;
  }
  writeLog(error, count, options, values);
  cuModuleUnload(made.release());
  return explain(invalidPtx, error);
}

MLA_DRIVER cuModuleGetFunction(Function *function, Module module, const char *name) {
  MLA_REQUIRE_CONTEXT();
  auto found = module->functions.find(name);
  if (found == module->functions.end())
    return explain(notFound, "no kernel '" + std::string(name) + "'");
  *function = &found->second;
  return success;
}

MLA_DRIVER cuFuncLoad(Function) {
  MLA_REQUIRE_CONTEXT();
  return success;
}

MLA_DRIVER cuFuncGetAttribute(int *value, int attribute, Function function) {
  MLA_REQUIRE_CONTEXT();
  if (attribute == maxThreadsPerBlock)
    *value = static_cast<int>(function->program.kernel->maxThreads);
  else if (attribute == maxDynamicSharedBytes)
    *value = function->maxDynamicShared;
  else if (attribute == staticSharedBytes)
    *value = static_cast<int>(function->program.staticShared);
  else
    return explain(invalidValue, "function attribute " + std::to_string(attribute) + " is not emulated");
  return success;
}

MLA_DRIVER cuFuncSetAttribute(Function function, int attribute, int value) {
  MLA_REQUIRE_CONTEXT();
  if (attribute == preferredSharedCarveout)
    return success;
  int most = static_cast<int>(SharedMemory::maxBytes - SharedMemory::base - function->program.staticShared);
  if (attribute != maxDynamicSharedBytes || value < 0 || value > most)
    return explain(invalidValue, "function attribute " + std::to_string(attribute) + " cannot be " +
                                     std::to_string(value) + "; a block has at most " + std::to_string(most) +
                                     " bytes of dynamic shared memory");
  function->maxDynamicShared = value;
  return success;
}

MLA_DRIVER cuFuncGetParamInfo(Function function, size_t index, size_t *offset, size_t *bytes) {
  MLA_REQUIRE_CONTEXT();
  const Program &program = function->program;
  if (index >= program.parameterOffsets.size())
    return invalidValue;
  *offset = program.parameterOffsets[index];
  *bytes = program.kernel->parameters[index].bytes;
  return success;
}
