//===- Replay.cpp - A corpus as a test ------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Replaces libFuzzer's main in builds without it: runs a target once on every
// file of the given directories and files. A crash fails the test.
//
//===----------------------------------------------------------------------===//

#include "Require.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace fs = std::filesystem;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern "C" __attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

static void collect(const fs::path &path, std::vector<fs::path> &inputs) {
  if (!fs::is_directory(path))
    return inputs.push_back(path);
  for (const fs::directory_entry &entry : fs::directory_iterator(path))
    inputs.push_back(entry.path());
}

static int accepted = 0;

static bool run(const fs::path &path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file)
    return std::fprintf(stderr, "error: %s: cannot be read\n", path.c_str()), false;
  std::fprintf(stderr, "%s\n", path.c_str()); // the last line names what crashed
  inputAccepted = false;
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
  accepted += inputAccepted;
  return true;
}

int main(int argc, char **argv) {
  if (LLVMFuzzerInitialize)
    LLVMFuzzerInitialize(&argc, &argv);
  std::vector<fs::path> inputs;
  for (int i = 1; i < argc; ++i)
    collect(argv[i], inputs);
  std::sort(inputs.begin(), inputs.end());
  if (inputs.empty())
    return std::fprintf(stderr, "error: no inputs; give files or directories that hold them\n"), 2;
  if (!std::all_of(inputs.begin(), inputs.end(), run))
    return 1;
  std::fprintf(stderr, "%zu inputs, %d accepted\n", inputs.size(), accepted);
  return accepted ? 0 : 1;
}
