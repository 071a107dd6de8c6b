//===- InfoJson.cpp - mla-run --info --json ------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InfoFacts.h"
#include "JsonWriter.h"
#include "Tune.h"

#include "mla/abi.h"

using namespace mla;
using namespace mla::run;

/// Write what only a whole model has.
static void writeTexts(JsonWriter &json, const mla_bundle_info &info) {
  json.field("vocab_size", info.vocab_size);
  if (info.max_context)
    json.field("max_context", info.max_context);
  json.key("stop_tokens").beginArray();
  for (int64_t i = 0; i < info.num_stop_tokens; ++i)
    json.value(static_cast<int64_t>(info.stop_tokens[i]));
  json.endArray();
}

static void writeModel(JsonWriter &json, const InfoFacts &facts) {
  const mla_bundle_info &info = facts.info;
  json.key("model").beginObject();
  json.field("model_type", info.model_type);
  json.field("hidden_size", info.hidden_size);
  json.field("num_attention_heads", info.num_attention_heads);
  json.field("heads", info.heads);
  json.field("q_lora_rank", info.q_lora_rank);
  json.field("kv_lora_rank", info.kv_lora_rank);
  json.field("qk_nope_head_dim", info.qk_nope_head_dim);
  json.field("qk_rope_head_dim", info.qk_rope_head_dim);
  json.field("v_head_dim", info.v_head_dim);
  json.field("rms_norm_eps", info.rms_norm_eps);
  json.field("rope_theta", info.rope_theta);
  if (facts.indexTopK)
    json.field("index_topk", facts.indexTopK);
  if (info.vocab_size)
    writeTexts(json, info);
  json.endObject();
  if (!facts.scope.empty())
    json.field("scope", facts.scope);
}

static void writeRange(JsonWriter &json, const char *name, int64_t first, int64_t last) {
  json.key(name).beginArray().value(first);
  last == -1 ? json.null() : json.value(last);
  json.endArray();
}

static void writeEntries(JsonWriter &json, const InfoFacts &facts) {
  json.key("entries").beginArray();
  for (int64_t i = 0; i < facts.info.num_entries; ++i) {
    const mla_entry_info &entry = *mla_bundle_get_entry(facts.bundle, i);
    json.beginObject().field("symbol", entry.symbol).field("phase", nameOf(entry.phase));
    json.field("q", entry.q).field("o", entry.o);
    writeRange(json, "tokens", entry.first_tokens, entry.last_tokens);
    writeRange(json, "context", entry.first_context, entry.last_context);
    json.field("weight_bytes", entry.weight_bytes).endObject();
  }
  json.endArray();
}

static void writeKernels(JsonWriter &json, const InfoFacts &facts) {
  json.key("kernels").beginArray();
  for (int64_t i = 0; i < facts.info.num_kernels; ++i) {
    const mla_kernel_info &kernel = *mla_bundle_get_kernel(facts.bundle, i);
    json.beginObject().field("name", kernel.name).field("threads", int64_t(kernel.threads));
    json.field("dynamic_shared", int64_t(kernel.dynamic_shared)).knownField("static_shared", kernel.static_shared);
    json.knownField("registers", kernel.registers).knownField("local_bytes", kernel.local_bytes);
    json.knownField("max_threads", kernel.max_threads).endObject();
  }
  json.endArray();
}

static void writeWorkspaces(JsonWriter &json, const InfoFacts &facts) {
  json.key("workspaces").beginArray();
  for (const WorkspaceFact &fact : facts.workspaces)
    json.beginObject()
        .field("phase", nameOf(fact.phase))
        .field("batch", fact.sequences)
        .field("tokens", fact.tokens)
        .field("context", fact.context)
        .field("bytes", static_cast<int64_t>(fact.bytes))
        .endObject();
  json.endArray();
}

static void writeIntegers(JsonWriter &json, const char *name, const int64_t *numbers, int64_t count) {
  json.key(name).beginArray();
  for (int64_t i = 0; i < count; ++i)
    json.value(numbers[i]);
  json.endArray();
}

static void writeChoices(JsonWriter &json, const InfoFacts &facts) {
  json.key("choices").beginArray();
  for (int64_t i = 0; i < mla_bundle_num_choices(facts.bundle); ++i) {
    const mla_choice_info &choice = *mla_bundle_get_choice(facts.bundle, i);
    json.beginObject().field("list", choice.list).field("kernel", choice.kernel);
    writeIntegers(json, "limits", choice.limits, choice.num_limits);
    writeIntegers(json, "defaults", choice.defaults, choice.num_limits);
    writeIntegers(json, "most", choice.most, choice.num_limits);
    json.endObject();
  }
  json.endArray().key("tuned");
  if (facts.tuning)
    write(json, *facts.tuning);
  else
    json.null();
}

/// Write a path; null if it is unknown or there is none.
static void writePath(JsonWriter &json, const char *name, const std::string &path) {
  json.key(name);
  path.empty() ? json.null() : json.value(path);
}

static void writeAdapters(JsonWriter &json, const mla_bundle_info &info) {
  json.key("adapters").beginArray();
  for (int64_t i = 0; i < info.num_adapters; ++i)
    json.value(info.adapters[i]);
  json.endArray().field("own_cache_rows", int64_t(info.own_cache_rows));
}

void mla::run::printInfoAsJson(const InfoFacts &facts) {
  const mla_bundle_info &info = facts.info;
  JsonWriter json;
  json.beginObject().field("bundle", info.path).field("producer", info.producer);
  json.field("format", int64_t(formatOf(info))).field("runtime", mla_version());
  writePath(json, "ptx", facts.ptxVersion);
  json.key("source").beginObject();
  writePath(json, "weights", facts.source.weights);
  writePath(json, "adapter", facts.source.adapter);
  json.endObject();
  writeAdapters(json, info);
  json.field("target", info.target).field("isa", info.isa).field("dtype", nameOf(info.dtype));
  writePath(json, "products", info.products);
  writePath(json, "device", info.device);
  json.key("cache").beginObject().field("format", info.cache_format).field("dtype", nameOf(info.cache_dtype));
  json.field("page", info.page).field("row", info.cache_row);
  json.field("row_bytes", static_cast<int64_t>(info.cache_row * bytesOf(info.cache_dtype)));
  json.field("scale", info.cache_scale).endObject();
  json.field("rank", info.rank).field("tensor_parallel", info.tensor_parallel);
  json.field("ranks", info.ranks).field("group_rank", info.group_rank).field("first_head", info.first_head);
  json.field("token_ranks", info.token_ranks);
  json.key("files").beginObject();
  for (const auto &[name, bytes] : facts.files)
    json.field(name, bytes);
  json.endObject();
  writeModel(json, facts);
  json.key("layers").beginArray();
  for (int64_t i = 0; i < info.num_layers; ++i)
    json.value(info.layers[i]);
  json.endArray();
  writeEntries(json, facts);
  writeKernels(json, facts);
  writeWorkspaces(json, facts);
  writeChoices(json, facts);
  json.field("plan", info.plan).endObject();
  std::printf("%s\n", json.str().c_str());
}
