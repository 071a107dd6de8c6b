//===- GGUFCheckpoint.cpp - A GGUF file as a checkpoint -------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Tensors of attentions have the names of the original checkpoint. F32, F16 and
// BF16 are mapped, other types are computed. kv_b_proj may be split into k_b,
// transposed, and v_b; then it is put together again.
//
//===----------------------------------------------------------------------===//

#include "GGUFCheckpoint.h"
#include "../../Json.h"
#include "../ComputedMatrix.h"
#include "GGUFConfig.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <map>

using namespace mla;
using namespace mla::importer;
using llvm::StringLiteral;
using llvm::StringRef;
using llvm::Twine;

/// Names after "blk.N." and after "model.layers.N.".
static constexpr std::pair<StringLiteral, StringLiteral> modules[] = {
    {"attn_norm.", "input_layernorm."},
    {"ffn_norm.", "post_attention_layernorm."},
    {"attn_q.", "self_attn.q_proj."},
    {"attn_q_a.", "self_attn.q_a_proj."},
    {"attn_q_a_norm.", "self_attn.q_a_layernorm."},
    {"attn_q_b.", "self_attn.q_b_proj."},
    {"attn_kv_a_mqa.", "self_attn.kv_a_proj_with_mqa."},
    {"attn_kv_a_norm.", "self_attn.kv_a_layernorm."},
    {"attn_kv_b.", "self_attn.kv_b_proj."},
    {"attn_output.", "self_attn.o_proj."},
};

static constexpr StringLiteral keyUp = "attn_k_b.weight", valueUp = "attn_v_b.weight";

/// Return the name in the original checkpoint. An unknown tensor of an attention stays one.
static std::string originalName(StringRef name) {
  StringRef rest = name;
  uint64_t layer;
  if (!rest.consume_front("blk.") || rest.consumeInteger(10, layer) || !rest.consume_front("."))
    return name.str();
  std::string prefix = "model.layers." + std::to_string(layer) + ".";
  for (const auto &[own, original] : modules)
    if (StringRef part = rest; part.consume_front(own))
      return prefix + original.str() + part.str();
  return prefix + (rest.starts_with("attn_") ? "self_attn." : "") + rest.str();
}

/// Return the name with `other` in the place of `part` at its end, or "".
static std::string siblingOf(StringRef name, StringRef part, StringRef other) {
  return name.ends_with(part) ? (name.drop_back(part.size()) + other).str() : "";
}

namespace {
class GGUFCheckpoint : public Checkpoint {
public:
  GGUFCheckpoint(std::vector<GGUFFile> opened, std::string absent)
      : Checkpoint(opened.front().path()), files(std::move(opened)), absent(std::move(absent)) {}
  llvm::Error name();
  void setConfig(std::string text) {
    config = std::move(text);
    configPath = path + " (metadata)";
  }

  bool hasOnlyAttentions() const override { return true; }
  bool contains(StringRef name) const override { return plain.count(name.str()) || computed.count(name.str()); }
  void forEachName(llvm::function_ref<void(StringRef)> callback) const override {
    for (const auto &[name, tensor] : plain)
      callback(name);
    for (const auto &[name, matrix] : computed)
      callback(name);
  }
  llvm::Expected<const SafetensorsTensor *> find(StringRef name) override;
  llvm::Expected<TensorHandle> read(StringRef name) override;
  std::string formOf(StringRef name) override;

private:
  void add(const GGUFTensor &tensor);
  llvm::Error join(const GGUFTensor &keys, const GGUFTensor &values);

  std::vector<GGUFFile> files;
  std::string absent; ///< One of the files that are not there.
  std::map<std::string, SafetensorsTensor> plain;
  std::map<std::string, std::unique_ptr<ComputedMatrix>> computed;
};
} // namespace

/// Add a tensor under its original name.
void GGUFCheckpoint::add(const GGUFTensor &tensor) {
  std::string name = originalName(tensor.name);
  bool isMapped = !tensor.type || tensor.type->plain != DType::Other;
  if (!isMapped && tensor.shape.size() == 2) {
    auto row = [&tensor](int64_t row, float *to) { tensor.decodeRow(row, to); };
    computed[name] = std::make_unique<ComputedMatrix>(name, tensor.shape, tensor.type->name.str(), std::move(row));
    return;
  }
  SafetensorsTensor mapped;
  mapped.name = name;
  mapped.dtype = tensor.type ? tensor.type->plain : DType::Other;
  mapped.otherType = tensor.type ? tensor.type->name.str() : "type " + std::to_string(tensor.typeNumber) + " of GGUF";
  mapped.shape = tensor.shape;
  mapped.data = tensor.data;
  mapped.bytes =
      tensor.type ? tensor.rows() * tensor.columns() * tensor.type->blockBytes / tensor.type->blockElements : 0;
  plain.emplace(name, std::move(mapped));
}

/// Types that are not quantized are called as elsewhere.
static std::string nameOf(const GGUFType &type) {
  return type.plain == DType::Other ? type.name.str() : type.name.lower();
}

/// Add kv_b_proj of its two halves: keys [heads, latent, nope], values [heads, v, latent].
llvm::Error GGUFCheckpoint::join(const GGUFTensor &keys, const GGUFTensor &values) {
  auto fail = [&](const Twine &what) {
    return importer::fail(path + ": tensor " + keys.name + ": " + what + "; convert the model again");
  };
  if (!keys.type || !values.type)
    return fail("it or " + values.name + " has a type that is not read (" + Twine(keys.typeNumber) + ", " +
                Twine(values.typeNumber) + ")");
  int64_t latent = values.columns(), nope = keys.columns(), heads = keys.rows() / latent;
  if (heads == 0 || keys.rows() % latent || values.rows() % heads)
    return fail("its " + Twine(keys.rows()) + " rows and the " + Twine(values.rows()) + " of " + values.name +
                " are not those of heads with a latent of " + Twine(latent));
  int64_t width = values.rows() / heads, perHead = nope + width;
  struct HeadOfKeys {
    int64_t head = -1;
    std::vector<float> elements; ///< [latent, nope]
  };
  auto row = [=, &keys, &values, last = std::make_shared<HeadOfKeys>()](int64_t row, float *to) {
    int64_t head = row / perHead, part = row % perHead;
    if (part >= nope)
      return values.decodeRow(head * width + part - nope, to);
    if (last->head != head) {
      last->head = head;
      last->elements.resize(latent * nope);
      for (int64_t i = 0; i < latent; ++i)
        keys.decodeRow(head * latent + i, last->elements.data() + i * nope);
    }
    for (int64_t i = 0; i < latent; ++i)
      to[i] = last->elements[i * nope + part];
  };
  std::string name = originalName(siblingOf(keys.name, keyUp, "attn_kv_b.weight"));
  std::string form = nameOf(*keys.type) + (keys.type == values.type ? "" : "/" + nameOf(*values.type));
  computed[name] =
      std::make_unique<ComputedMatrix>(name, std::vector<int64_t>{heads * perHead, latent}, form, std::move(row));
  return llvm::Error::success();
}

llvm::Error GGUFCheckpoint::name() {
  std::map<std::string, const GGUFTensor *> all;
  for (const GGUFFile &file : files)
    for (const GGUFTensor &tensor : file.tensors())
      if (!all.emplace(tensor.name, &tensor).second)
        return fail(file.path() + ": tensor " + tensor.name + ": is in another file too; fetch the files again");
  for (const auto &[name, tensor] : all) {
    std::string values = siblingOf(name, keyUp, valueUp), keys = siblingOf(name, valueUp, keyUp);
    std::string whole = siblingOf(name, keys.empty() ? keyUp : valueUp, "attn_kv_b.weight");
    if (!whole.empty() && all.count(whole)) // kept beside the halves
      continue;
    if (auto other = all.find(values); other != all.end()) {
      if (llvm::Error error = join(*tensor, *other->second))
        return error;
    } else if (!all.count(keys)) {
      add(*tensor);
    }
  }
  return llvm::Error::success();
}

llvm::Expected<const SafetensorsTensor *> GGUFCheckpoint::find(StringRef name) {
  if (auto it = computed.find(name.str()); it != computed.end())
    return &it->second->header();
  if (auto it = plain.find(name.str()); it != plain.end())
    return &it->second;
  if (!absent.empty())
    return fail(path + ": tensor " + name + ": missing; it may be in " + absent + ", which is not there; fetch it");
  return missing(name);
}

llvm::Expected<TensorHandle> GGUFCheckpoint::read(StringRef name) {
  auto it = computed.find(name.str());
  return it == computed.end() ? Checkpoint::read(name) : it->second->read(path);
}

std::string GGUFCheckpoint::formOf(StringRef name) {
  auto it = computed.find(name.str());
  return it == computed.end() ? "" : it->second->form();
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

/// Return the paths of all files of which `first` is one.
static llvm::Expected<std::vector<std::string>> pathsOf(const GGUFFile &first) {
  int64_t count = first.size("split.count").value_or(0);
  if (count <= 1)
    return std::vector<std::string>{first.path()};
  constexpr size_t suffixSize = StringRef("-00001-of-00003.gguf").size();
  StringRef path = first.path();
  if (count > 99999 || path.size() <= suffixSize || !path.ends_with(".gguf") ||
      path.drop_back(suffixSize - 1).back() != '-')
    return fail(path + ": is one of " + Twine(count) + " files, whose names end with -00001-of-" + Twine(count) +
                ".gguf and so on; give them their names again");
  std::vector<std::string> paths;
  for (int64_t i = 1; i <= count; ++i) {
    std::string name;
    llvm::raw_string_ostream(name) << path.drop_back(suffixSize)
                                   << llvm::format("-%05d-of-%05d.gguf", int(i), int(count));
    paths.push_back(std::move(name));
  }
  return paths;
}

/// Return the checkpoint of a model's files, of which `absent` is not there. The first has the metadata.
static llvm::Expected<std::unique_ptr<Checkpoint>> makeCheckpoint(std::vector<GGUFFile> files, std::string absent) {
  auto first = llvm::find_if(files, [](const GGUFFile &file) { return file.find("general.architecture"); });
  if (first == files.end() && !absent.empty())
    return fail(absent + ": no such file, which has the model's metadata; fetch it");
  llvm::Expected<std::string> config = configOfGGUF(first == files.end() ? files.front() : *first);
  if (!config)
    return config.takeError();
  auto checkpoint = std::make_unique<GGUFCheckpoint>(std::move(files), std::move(absent));
  if (llvm::Error error = checkpoint->name())
    return error;
  checkpoint->setConfig(std::move(*config));
  return checkpoint;
}

llvm::Expected<std::unique_ptr<Checkpoint>> mla::importer::openGGUF(StringRef path) {
  llvm::Expected<GGUFFile> given = GGUFFile::open(path);
  if (!given)
    return given.takeError();
  llvm::Expected<std::vector<std::string>> paths = pathsOf(*given);
  if (!paths)
    return paths.takeError();
  std::vector<GGUFFile> files;
  std::string absent;
  for (const std::string &name : *paths) {
    if (!llvm::sys::fs::exists(name)) {
      absent = name;
      continue;
    }
    llvm::Expected<GGUFFile> file = GGUFFile::open(name);
    if (!file)
      return file.takeError();
    files.push_back(std::move(*file));
  }
  if (files.empty())
    return fail(path + ": is named otherwise than the files that it is one of, such as " + paths->front() +
                "; give them their names again");
  return makeCheckpoint(std::move(files), absent);
}
