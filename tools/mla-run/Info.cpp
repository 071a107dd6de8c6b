//===- Info.cpp - mla-run --info ------------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InfoFacts.h"
#include "Modes.h"
#include "Tune.h"

#include "mla/abi.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>

using namespace mla;
using namespace mla::run;

/// Print what only a whole model has.
static void printTexts(const mla_bundle_info &info) {
  if (!info.vocab_size)
    return;
  std::printf("  %-20s %" PRId64 "\n", "vocab_size", info.vocab_size);
  if (info.max_context)
    std::printf("  %-20s %" PRId64 "\n", "max_context", info.max_context);
  for (int64_t i = 0; i < info.num_stop_tokens; ++i)
    std::printf("%s%d%s", i ? ", " : "  stop_tokens          ", info.stop_tokens[i],
                i + 1 == info.num_stop_tokens ? "\n" : "");
}

static void printModel(const InfoFacts &facts) {
  const mla_bundle_info &info = facts.info;
  std::printf("model     %s\n", info.model_type);
  const struct {
    const char *name;
    int64_t value;
  } dims[] = {
      {"hidden_size", info.hidden_size},
      {"num_attention_heads", info.num_attention_heads},
      {"heads", info.heads},
      {"q_lora_rank", info.q_lora_rank},
      {"kv_lora_rank", info.kv_lora_rank},
      {"qk_nope_head_dim", info.qk_nope_head_dim},
      {"qk_rope_head_dim", info.qk_rope_head_dim},
      {"v_head_dim", info.v_head_dim},
  };
  for (const auto &dim : dims)
    std::printf("  %-20s %" PRId64 "\n", dim.name, dim.value);
  std::printf("  %-20s %g\n  %-20s %g\n", "rms_norm_eps", info.rms_norm_eps, "rope_theta", info.rope_theta);
  if (facts.indexTopK)
    std::printf("  %-20s %" PRId64 "\n", "index_topk", facts.indexTopK);
  printTexts(info);
  if (!facts.scope.empty())
    std::printf("scope     %s\n", facts.scope.c_str());
}

static void printLayers(const mla_bundle_info &info) {
  std::printf("layers   ");
  for (int64_t i = 0; i < info.num_layers; ++i)
    std::printf(" %" PRId64, info.layers[i]);
  std::printf("\n");
}

static void printRange(const char *what, int64_t first, int64_t last) {
  std::printf("  %s %" PRId64 " to ", what, first);
  if (last == -1)
    std::printf("any");
  else
    std::printf("%" PRId64, last);
}

static void printEntry(const mla_entry_info &entry) {
  std::printf("  %-7s  q=%-6s  o=%-6s", nameOf(entry.phase), entry.q, entry.o);
  if (entry.first_tokens != 0 || entry.last_tokens != -1)
    printRange("tokens", entry.first_tokens, entry.last_tokens);
  printRange("context", entry.first_context, entry.last_context);
  std::printf("  weights %.3f MB a layer  %s\n", static_cast<double>(entry.weight_bytes) * 1e-6, entry.symbol);
}

/// Print the inputs of the bundle.
static void printSource(const InfoFacts &facts) {
  const char *none = facts.sourceIsRecorded ? "made up, for there were none" : "not recorded";
  std::printf("weights   %s\n", facts.source.weights.empty() ? none : facts.source.weights.c_str());
  if (!facts.source.adapter.empty())
    std::printf("adapter   %s, merged\n", facts.source.adapter.c_str());
  for (int64_t i = 0; i < facts.info.num_adapters; ++i)
    std::printf("adapter   %" PRId64 " %s\n", i, facts.info.adapters[i]);
  if (facts.info.own_cache_rows)
    std::printf("          which change what is cached: sequences of different adapters share no tokens\n");
}

static void printFiles(const InfoFacts &facts) {
  std::printf("files    ");
  for (const auto &[name, bytes] : facts.files)
    std::printf(" %s %" PRId64, name.c_str(), bytes);
  std::printf(" bytes\n");
}

/// Return a number from the driver, or "-" if it is unknown.
static std::string known(int32_t number) { return number < 0 ? "-" : std::to_string(number); }

static void printKernels(const InfoFacts &facts) {
  if (!facts.info.num_kernels)
    return;
  std::printf("kernels   of PTX %s\n", facts.ptxVersion.empty() ? "of no version" : facts.ptxVersion.c_str());
  size_t width = 0;
  for (int64_t i = 0; i < facts.info.num_kernels; ++i)
    width = std::max(width, std::strlen(mla_bundle_get_kernel(facts.bundle, i)->name));
  int column = static_cast<int>(width);
  std::printf("  %-*s  %7s  %8s  %6s  %9s  %5s\n", column, "", "threads", "shared", "static", "registers", "local");
  for (int64_t i = 0; i < facts.info.num_kernels; ++i) {
    const mla_kernel_info &kernel = *mla_bundle_get_kernel(facts.bundle, i);
    std::printf("  %-*s  %7d  %8d  %6s  %9s  %5s\n", column, kernel.name, kernel.threads, kernel.dynamic_shared,
                known(kernel.static_shared).c_str(), known(kernel.registers).c_str(),
                known(kernel.local_bytes).c_str());
  }
}

static void printWorkspaces(const InfoFacts &facts) {
  if (facts.info.device_memory)
    std::printf("workspace%s\n", *facts.info.device ? "" : " on a device of 132 multiprocessors");
  for (const WorkspaceFact &fact : facts.workspaces)
    std::printf("  %-7s  %" PRId64 " sequences of %" PRId64 " new tokens, %" PRId64 " in all: %.3f MB\n",
                nameOf(fact.phase), fact.sequences, fact.tokens, fact.context, static_cast<double>(fact.bytes) * 1e-6);
}

static std::string joined(const int64_t *numbers, int64_t count) {
  std::string text;
  for (int64_t i = 0; i < count; ++i)
    text += (i ? ", " : "") + std::to_string(numbers[i]);
  return text;
}

/// Print the limits of kernels' classes, and where they come from.
static void printChoices(const InfoFacts &facts) {
  int64_t count = mla_bundle_num_choices(facts.bundle);
  if (count)
    std::printf("classes   of kernels, for sizes up to\n");
  for (int64_t i = 0; i < count; ++i) {
    const mla_choice_info &choice = *mla_bundle_get_choice(facts.bundle, i);
    std::printf("  %s.%s  %s, others\n", choice.list, choice.kernel, joined(choice.limits, choice.num_limits).c_str());
  }
  if (!facts.tuning)
    return;
  std::printf("tuned     on %s, driver %s, %s, by %s\n", facts.tuning->device.c_str(), facts.tuning->driver.c_str(),
              facts.tuning->date.c_str(), facts.tuning->unit.c_str());
  for (const TunedChoice &choice : facts.tuning->choices)
    std::printf("  %s.%s  %s, others, from %zu sizes\n", choice.list.c_str(), choice.kernel.c_str(),
                joined(choice.limits.data(), static_cast<int64_t>(choice.limits.size())).c_str(), choice.sizes.size());
}

static void printInfoAsText(const InfoFacts &facts) {
  const mla_bundle_info &info = facts.info;
  std::printf("bundle    %s\n", info.path);
  std::printf("producer  %s, format %d; runtime %s\n", info.producer, formatOf(info), mla_version());
  printSource(facts);
  std::printf("target    %s, %s, %s\n", info.target, info.isa, nameOf(info.dtype));
  if (*info.device)
    std::printf("device    %s\n", info.device);
  if (*info.products)
    std::printf("products  %s of scaled weights\n", info.products);
  std::printf("cache     %s, %s, pages of %" PRId64 " tokens of %" PRId64 " elements, %" PRIu64 " bytes\n",
              info.cache_format, nameOf(info.cache_dtype), info.page, info.cache_row,
              info.cache_row * bytesOf(info.cache_dtype));
  if (info.cache_scale != 1)
    std::printf("          scale %g\n", info.cache_scale);
  if (info.ranks > 1)
    std::printf("rank      %" PRId64 " of %" PRId64 " that run together, heads from %" PRId64 " on\n", info.group_rank,
                info.ranks, info.first_head);
  else
    std::printf("rank      %" PRId64 " of %" PRId64 "\n", info.rank, info.tensor_parallel);
  if (info.token_ranks > 1)
    std::printf("          %" PRId64 " ranks share the tokens of a sequence, page by page\n", info.token_ranks);
  printFiles(facts);
  printModel(facts);
  printLayers(info);
  std::printf("entries\n");
  for (int64_t i = 0; i < info.num_entries; ++i)
    printEntry(*mla_bundle_get_entry(facts.bundle, i));
  printKernels(facts);
  printWorkspaces(facts);
  printChoices(facts);
  std::printf("plan\n%s\n", info.plan);
}

Error mla::run::printInfo(const Options &options, const mla_bundle *bundle) {
  Result<InfoFacts> facts = gatherFacts(bundle);
  if (!facts)
    return facts.error();
  options.json ? printInfoAsJson(*facts) : printInfoAsText(*facts);
  return {};
}
