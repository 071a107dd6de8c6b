//===- BundleChoices.cpp - Choices of an open bundle ----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BundleChoices.h"
#include "Text.h"

#include <algorithm>

using namespace mla;

BundleChoice::BundleChoice(const char *name, LaunchList &launches, size_t index)
    : info{}, list(&launches), number(index), defaults(launches.choices[index].limits) {
  const Choice &choice = launches.choices[index];
  info = {name,
          choice.kernel.c_str(),
          static_cast<int64_t>(choice.limits.size()),
          choice.limits.data(),
          defaults.data(),
          choice.most.data()};
}

void BundleChoice::set(std::vector<int64_t> limits) {
  list->setLimits(number, std::move(limits));
  info.limits = list->choices[number].limits.data();
}

static void addChoices(const char *name, LaunchList &list, std::vector<BundleChoice> &choices) {
  for (size_t i = 0; i < list.choices.size(); ++i)
    choices.emplace_back(name, list, i);
}

std::vector<BundleChoice> mla::choicesOf(Manifest &manifest) {
  std::vector<BundleChoice> choices;
  for (ManifestEntry &entry : manifest.entries)
    addChoices(entry.symbol.c_str(), entry.launches, choices);
  for (unsigned core = 0; core < schema::numCores; ++core)
    if (manifest.cores[core])
      addChoices(schema::coreNames[core], *manifest.cores[core], choices);
  return choices;
}

Error mla::apply(const std::string &path, const Tuning &tuning, const std::string &device,
                 std::vector<BundleChoice> &choices) {
  for (const TunedChoice &tuned : tuning.choices) {
    auto choice = std::find_if(choices.begin(), choices.end(), [&](const BundleChoice &of) { return of.is(tuned); });
    std::string why = choice == choices.end() ? "are not of this bundle" : choice->whyNot(tuned.limits);
    if (!why.empty())
      return Error(ErrorKind::InvalidFile,
                   path + ": limits of " + quoted(tuned.list + "." + tuned.kernel) + " " + why + "; " + retune);
    if (tuning.device == device)
      choice->set(tuned.limits);
  }
  return {};
}
