//===- Info.cpp - mla-run --info ------------------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Modes.h"

#include <cinttypes>
#include <cstdio>

static const char *name(mla_dtype dtype) { return dtype == MLA_F32 ? "f32" : "bf16"; }

static void printModel(const mla_bundle_info &info) {
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
  std::printf("  %-7s  q=%-6s  o=%-6s", entry.phase == MLA_PHASE_DECODE ? "decode" : "prefill", entry.q, entry.o);
  if (entry.first_tokens != 0 || entry.last_tokens != -1)
    printRange("tokens", entry.first_tokens, entry.last_tokens);
  printRange("context", entry.first_context, entry.last_context);
  std::printf("  weights %.3f MB a layer  %s\n", static_cast<double>(entry.weight_bytes) * 1e-6, entry.symbol);
}

void mla::run::printInfo(const mla_bundle *bundle) {
  const mla_bundle_info &info = *mla_bundle_get_info(bundle);
  std::printf("bundle    %s\n", info.path);
  std::printf("producer  %s\n", info.producer);
  std::printf("target    %s, %s, %s\n", info.target, info.isa, name(info.dtype));
  if (*info.device)
    std::printf("device    %s\n", info.device);
  std::printf("cache     %s, %s, pages of %" PRId64 " tokens of %" PRId64 " elements\n", info.cache_format,
              name(info.cache_dtype), info.page, info.kv_lora_rank + info.qk_rope_head_dim);
  std::printf("rank      %" PRId64 " of %" PRId64 "\n", info.rank, info.tensor_parallel);
  printModel(info);
  printLayers(info);
  std::printf("entries\n");
  for (int64_t i = 0; i < info.num_entries; ++i)
    printEntry(*mla_bundle_get_entry(bundle, i));
  std::printf("plan\n%s\n", info.plan);
}
