//===- InfoFacts.cpp - Contents of --info ---------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InfoFacts.h"
#include "ReadFile.h"

#include "mla/abi.h"

#include <algorithm>

using namespace mla;
using namespace mla::run;
using json::Value;

/// Return the PTX ISA version, the operand of ".version" at the start of the kernels.
static std::string ptxVersionOf(const std::string &bundle) {
  constexpr int64_t mostBytes = 1 << 30;
  Result<std::string> text = readFile(bundle + "/" MLA_PTX_FILE, mostBytes);
  size_t at = text ? text->find(".version ") : std::string::npos;
  if (at == std::string::npos)
    return "";
  at += std::string_view(".version ").size();
  return text->substr(at, text->find_first_not_of("0123456789.", at) - at);
}

/// Return the workspaces of common steps that an entry serves.
static std::vector<WorkspaceFact> workspacesOf(const mla_bundle *bundle, const mla_bundle_info &info) {
  const WorkspaceFact usual[] = {{MLA_PHASE_DECODE, 1, 1, 4096, 0},
                                 {MLA_PHASE_DECODE, 64, 1, 4096, 0},
                                 {MLA_PHASE_PREFILL, 1, 1024, 1024, 0},
                                 {MLA_PHASE_PREFILL, 1, 8192, 8192, 0}};
  std::vector<WorkspaceFact> result;
  for (WorkspaceFact fact : usual) {
    mla_step step = {};
    step.size = sizeof(step);
    step.layer = info.layers[0];
    step.phase = fact.phase;
    step.tokens = fact.sequences * fact.tokens;
    step.batch = fact.sequences;
    step.max_queries = fact.tokens;
    step.max_length = fact.context;
    step.table_width = (fact.context + info.page - 1) / info.page;
    step.num_pages = step.table_width * fact.sequences;
    if (mla_step_workspace(bundle, &step, &fact.bytes) == MLA_OK)
      result.push_back(fact);
  }
  return result;
}

Result<InfoFacts> mla::run::gatherFacts(const mla_bundle *bundle) {
  const mla_bundle_info &info = *mla_bundle_get_info(bundle);
  Value manifest;
  Result<Source> source = readSource(info.path, &manifest);
  if (!source)
    return source.error();
  InfoFacts facts(bundle);
  facts.source = std::move(*source);
  facts.sourceIsRecorded = manifest.find("source");
  const Value *model = manifest.find("model"), *topK = model ? model->find("index_topk") : nullptr;
  facts.indexTopK = topK ? topK->integer : 0;
  const Value *scope = manifest.find("scope");
  facts.scope = scope ? scope->text : "";
  if (const Value *files = manifest.find("files"))
    for (size_t i = 0; i < files->items.size(); ++i)
      facts.files.emplace_back(files->keys[i], files->items[i].integer);
  if (info.device_memory) {
    facts.ptxVersion = ptxVersionOf(info.path);
    facts.workspaces = workspacesOf(bundle, info);
    Result<std::optional<Tuning>> tuning = readTuning(info.path);
    if (!tuning)
      return tuning.error();
    facts.tuning = std::move(*tuning);
  }
  return facts;
}
