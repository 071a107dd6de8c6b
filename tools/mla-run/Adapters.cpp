//===- Adapters.cpp - The adapters of sequences ---------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Adapters.h"

#include <cerrno>
#include <cstdlib>

using namespace mla;
using namespace mla::run;

/// Return "none, 0 chat or 1 code".
static std::string describe(const mla_bundle_info &info) {
  std::string text = "none";
  for (int64_t i = 0; i < info.num_adapters; ++i)
    text += (i + 1 == info.num_adapters ? " or " : ", ") + std::to_string(i) + " " + info.adapters[i];
  return text;
}

/// Find an adapter by its name, or else by its number.
static Result<int32_t> find(const std::string &text, const mla_bundle_info &info) {
  for (int64_t i = 0; i < info.num_adapters; ++i)
    if (text == info.adapters[i])
      return static_cast<int32_t>(i);
  if (text == "none")
    return -1;
  char *end = nullptr;
  errno = 0;
  long long number = std::strtoll(text.c_str(), &end, 10);
  if (!errno && end != text.c_str() && !*end && number >= 0 && number < info.num_adapters)
    return static_cast<int32_t>(number);
  return Error(ErrorKind::InvalidArgument, std::string("mla-run: --adapter-of: ") + info.path + " has no adapter '" +
                                               text + "'; give " + describe(info));
}

Result<std::vector<int32_t>> mla::run::adaptersOf(const Options &options, const mla_bundle_info &info,
                                                  size_t sequences) {
  std::vector<int32_t> given, adapters(sequences, -1);
  if (!options.adapters.empty() && !info.num_adapters)
    return Error(ErrorKind::InvalidArgument, std::string("mla-run: --adapter-of: ") + info.path +
                                                 " has no adapters to choose from; compile it with --unmerged, or "
                                                 "leave --adapter-of out");
  for (const std::string &text : options.adapters) {
    Result<int32_t> number = find(text, info);
    if (!number)
      return number.error();
    given.push_back(*number);
  }
  for (size_t i = 0; i < sequences && !given.empty(); ++i)
    adapters[i] = given[i % given.size()];
  return adapters;
}

std::vector<int32_t> mla::run::allAdapters(const mla_bundle_info &info, size_t sequences) {
  std::vector<int32_t> adapters;
  for (size_t i = 0; i < sequences; ++i)
    adapters.push_back(static_cast<int32_t>(static_cast<int64_t>(i) % (info.num_adapters + 1)) - 1);
  return adapters;
}
