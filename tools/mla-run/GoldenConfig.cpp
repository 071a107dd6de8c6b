//===- GoldenConfig.cpp - The configuration of a golden file --------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Golden.h"
#include "Text.h"
#include "UsualConfig.h"

#include <algorithm>
#include <cstdio>

using namespace mla;
using json::Value;

static Error invalid(const std::string &where, const std::string &what) {
  return Error(ErrorKind::InvalidFile, where + ": " + what);
}

static Error differs(const std::string &where, const char *field, const std::string &other, const std::string &bundle) {
  return invalid(where, std::string("field '") + field + "' is " + other + ", the bundle has " + bundle +
                            "; check against a file of the same model, or compile that model");
}

/// Layers of a window may have sizes of their own, "swa_" and the usual field (dots3).
static Error checkInteger(const std::string &where, const Value &config, const char *field, int64_t bundle) {
  const Value *value = config.find(field), *ofWindow = config.find(std::string("swa_") + field);
  if (!value || (ofWindow && ofWindow->is(Value::Kind::Integer) && ofWindow->integer == bundle))
    return {};
  // q_lora_rank is null without a query latent.
  if (!value->is(Value::Kind::Integer) && !value->is(Value::Kind::Null))
    return invalid(where, std::string("field '") + field + "' must be an integer, is " + json::kindName(value->kind) +
                              "; correct the file");
  return value->integer == bundle ? Error()
                                  : differs(where, field, std::to_string(value->integer), std::to_string(bundle));
}

static Error checkModelType(const std::string &where, const Value &config, const char *bundle) {
  const Value *value = config.find("model_type");
  return !value || value->text == bundle ? Error() : differs(where, "model_type", quoted(value->text), quoted(bundle));
}

Error mla::run::checkModel(const std::string &where, const Value &config, const mla_bundle_info &info) {
  if (Error error = checkModelType(where, config, info.model_type))
    return error;
  const struct {
    const char *field;
    int64_t value;
  } integers[] = {
      {"hidden_size", info.hidden_size},
      {"num_attention_heads", info.num_attention_heads},
      {"q_lora_rank", info.q_lora_rank},
      {"kv_lora_rank", info.kv_lora_rank},
      {"qk_nope_head_dim", info.qk_nope_head_dim},
      {"qk_rope_head_dim", info.qk_rope_head_dim},
      {"v_head_dim", info.v_head_dim},
  };
  for (const auto &[field, value] : integers)
    if (Error error = checkInteger(where, config, field, value))
      return error;
  // rms_norm_eps is not compared: it belongs to the block's norm. The epsilon of the norms of the latents is not in the
  // configuration.
  return {};
}

Error mla::run::checkConfig(const SafetensorsFile &file, const mla_bundle_info &info) {
  auto found = file.metadata().find("config");
  if (found == file.metadata().end())
    return {};
  std::string where = file.path() + ": metadata 'config'";
  Result<Value> config = json::parse(found->second);
  if (!config || !config->is(Value::Kind::Object))
    return invalid(where,
                   "is not a JSON object" + (config ? "" : ": " + config.error().message()) + "; correct the file");
  return checkModel(where, usualConfig(*config), info);
}
