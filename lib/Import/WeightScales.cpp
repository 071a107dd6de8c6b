//===- WeightScales.cpp - Scales of weights in e4m3 -----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The shape of the scales determines the form, so that modules may differ and
// the config needs to be right only about the size of blocks. Shapes that fit
// two forms mean the same in both.
//
//===----------------------------------------------------------------------===//

#include "WeightScales.h"
#include "Json.h"
#include "ModuleNames.h"
#include "Quantization.h"
#include "TensorErrors.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mla;
using namespace mla::importer;
using llvm::ArrayRef;
using llvm::StringLiteral;
using llvm::StringRef;
using llvm::Twine;

using Shape = llvm::SmallVector<int64_t, 2>;

/// What scales are called, in place of "weight"; the last in Mistral's own format. All are factors of the elements.
static constexpr StringLiteral scaleNames[] = {"weight_scale_inv", "weight_scale", "qscale_weight"};

/// Last parts of names of constant scales that the compiled attention does not use.
static constexpr StringLiteral unusedScaleNames[] = {
    "input_scale", "activation_scale", "input_scale_ub", "input_global_scale", "output_scale",
    "q_scale",     "k_scale",          "v_scale",        "kv_scale",           "qscale_act"};

/// Forms that are not read, by a tensor next to the weight, the most specific first.
static constexpr struct {
  StringLiteral suffix; ///< After the name of the module.
  StringLiteral form;
} otherForms[] = {
    {".weight_scale_2", "NVFP4"},
    {".weight_global_scale", "NVFP4"},
    {".weight_shape", "packed integers of compressed-tensors"},
    {".weight_packed", "MXFP4"},
    {".g_idx", "GPTQ"},
    {".qweight", "AWQ or GPTQ"},
    {".weight_blocks", "MXFP4"},
    {"_blocks", "MXFP4"},
    {".weight.absmax", "bitsandbytes"},
    {".SCB", "bitsandbytes"},
};

static StringRef moduleOf(const ExpectedWeight &weight) { return StringRef(weight.name).rsplit('.').first; }

Shape mla::importer::blockGrid(ArrayRef<int64_t> shape, ArrayRef<int64_t> block) {
  return {llvm::divideCeilSigned(shape[0], block[0]), llvm::divideCeilSigned(shape[1], block[1])};
}

/// Return a block of a weight, with the sizes that stand for all rows or columns.
static std::array<int64_t, 2> resolve(BlockQuantization block, ArrayRef<int64_t> shape) {
  return {block.blockRows ? block.blockRows : shape[0], block.blockColumns ? block.blockColumns : shape[1]};
}

static std::optional<BlockQuantization> announced(const AttentionConfig &config, const ExpectedWeight &weight) {
  return announcedBlock(config, moduleOf(weight));
}

std::optional<WeightScale> mla::importer::announcedScale(const AttentionConfig &config, const ExpectedWeight &weight) {
  // Norms and biases are never quantized.
  std::optional<BlockQuantization> announcedBlock = weight.shape.size() == 2 ? announced(config, weight) : std::nullopt;
  if (!announcedBlock)
    return std::nullopt;
  std::array<int64_t, 2> block = resolve(*announcedBlock, weight.shape);
  return WeightScale{(moduleOf(weight) + "." + scaleNames[0]).str(), DType::F32, blockGrid(weight.shape, block), block};
}

//===----------------------------------------------------------------------===//
// Forms
//===----------------------------------------------------------------------===//

namespace {
struct Form {
  BlockQuantization block;
  std::string name;
};
} // namespace

/// Return the forms that a weight's scales may have.
static std::vector<Form> formsOf(const AttentionConfig &config, const ExpectedWeight &weight) {
  std::vector<Form> forms = {{{0, 0}, "the tensor"}, {{1, 0}, "its rows"}};
  if (std::optional<BlockQuantization> block = announced(config, weight); block && block->blockColumns)
    forms.push_back({*block, ("blocks of " + Twine(block->blockRows) + " x " + Twine(block->blockColumns)).str()});
  return forms;
}

/// Return the shapes in which a grid of scales is stored: dimensions of one block may be missing, and Model Optimizer
/// keeps those of a block's elements.
static std::vector<Shape> storedShapes(ArrayRef<int64_t> grid) {
  std::vector<Shape> shapes = {Shape(grid)};
  if (grid[1] == 1)
    shapes.push_back({grid[0]});
  if (grid[0] == 1 && grid[1] == 1)
    shapes.push_back({});
  shapes.push_back({grid[0], 1, grid[1], 1});
  return shapes;
}

/// Return the error for scales that fit no form.
static llvm::Error unknownShape(const AttentionConfig &config, const LayerWeight &weight, StringRef where) {
  std::string text = "has shape " + shapeText(weight.scale->shape) + ", of scales neither of ";
  ArrayRef<int64_t> shape = weight.expected.shape;
  std::vector<Form> forms = formsOf(config, weight.expected);
  text += llvm::join(llvm::map_range(forms,
                                     [&](const Form &form) {
                                       Shape grid = blockGrid(shape, resolve(form.block, shape));
                                       return form.name + " (" + shapeText(grid) + ")";
                                     }),
                     " nor of ");
  StringRef advice = forms.size() > 2
                         ? "; give the config of this checkpoint"
                         : " nor of blocks, whose size the config does not give; give a config with a "
                           "quantization_config that has the size of blocks (weight_block_size or block_structure)";
  return tensorError(where, *weight.scale, text + advice);
}

/// Determine the block from the shape of the scales, which are called `name`.
static llvm::Error findBlock(const AttentionConfig &config, LayerWeight &weight, StringRef name, StringRef where) {
  ExpectedWeight &expected = weight.expected;
  for (const Form &form : formsOf(config, expected)) {
    std::array<int64_t, 2> block = resolve(form.block, expected.shape);
    if (!llvm::is_contained(storedShapes(blockGrid(expected.shape, block)), Shape(ArrayRef(weight.scale->shape))))
      continue;
    expected.scale = {name.str(), weight.scale->dtype, Shape(ArrayRef(weight.scale->shape)), block};
    return llvm::Error::success();
  }
  return unknownShape(config, weight, where);
}

//===----------------------------------------------------------------------===//
// Scales in a checkpoint
//===----------------------------------------------------------------------===//

/// Return the hint "; …" for a weight of an unsupported form.
static std::string convertHint(const AttentionConfig &config, StringRef otherwise) {
  if (config.otherQuantization.empty())
    return otherwise.str();
  return "; the config's quantization_config (" + config.otherQuantization + ") is not supported for " +
         (config.decoder ? "a layer" : "the attention") + "; convert its weights to bfloat16";
}

/// Return the names of a weight's scales in the checkpoint.
static std::vector<std::string> findScaleNames(const Checkpoint &checkpoint, const ExpectedWeight &weight) {
  std::vector<std::string> names;
  StringRef module = weight.name;
  if (!module.consume_back("weight")) // a bias of a module with scales
    return names;
  for (StringRef own : scaleNames)
    if (std::string name = (module + own).str(); checkpoint.contains(name))
      names.push_back(std::move(name));
  return names;
}

/// Check that scales are allowed, and that there is one tensor of them.
static llvm::Error checkScaled(const Checkpoint &checkpoint, const AttentionConfig &config, const LayerWeight &weight,
                               ArrayRef<std::string> names) {
  StringRef where = checkpoint.where();
  const SafetensorsTensor &tensor = *weight.tensor;
  if (weight.expected.shape.size() == 1)
    return tensorError(where, tensor, "is F8_E4M3, but norms and biases are not quantized; store it in BF16");
  if (!config.quantization && !config.otherQuantization.empty())
    return tensorError(where, tensor, "is F8_E4M3" + convertHint(config, ""));
  if (names.empty())
    return tensorError(where, tensor,
                       "is F8_E4M3, but none of " + llvm::join(ArrayRef(scaleNames), ", ") +
                           " is beside it; give a checkpoint with its scales");
  if (names.size() > 1)
    return tensorError(where, tensor,
                       "has the scales " + nameInFile(checkpoint, names[0], config) + " and " +
                           nameInFile(checkpoint, names[1], config) + "; remove those that do not belong to it");
  return llvm::Error::success();
}

llvm::Error mla::importer::findScale(Checkpoint &checkpoint, const AttentionConfig &config, LayerWeight &weight) {
  StringRef where = checkpoint.where();
  const SafetensorsTensor &tensor = *weight.tensor;
  weight.expected.scale.reset();
  std::vector<std::string> names = findScaleNames(checkpoint, weight.expected);
  if (isPlainFloat(tensor.dtype)) {
    if (names.empty())
      return llvm::Error::success();
    return tensorError(where, tensor,
                       Twine("is ") + tensor.typeName() + " but has scales, " +
                           nameInFile(checkpoint, names.front(), config) + "; remove them or store it in F8_E4M3");
  }
  if (tensor.dtype != DType::F8_E4M3)
    return tensorError(where, tensor,
                       Twine("expected F32, BF16, F16 or F8_E4M3, got ") + tensor.typeName() +
                           convertHint(config, "; convert it to BF16"));
  if (llvm::Error error = checkScaled(checkpoint, config, weight, names))
    return error;
  llvm::Expected<const SafetensorsTensor *> scale = checkpoint.find(names.front());
  if (!scale)
    return scale.takeError();
  weight.scale = *scale;
  if (!isPlainFloat(weight.scale->dtype))
    return tensorError(where, *weight.scale,
                       Twine("expected F32, BF16 or F16, got ") + weight.scale->typeName() + "; convert the scales");
  return findBlock(config, weight, names.front(), where);
}

llvm::Error mla::importer::checkNotPacked(const Checkpoint &checkpoint, const AttentionConfig &config,
                                          const ExpectedWeight &weight) {
  StringRef module = moduleOf(weight);
  if (weight.shape.size() == 1)
    return llvm::Error::success();
  for (const auto &other : otherForms)
    if (std::string name = (module + other.suffix).str(); checkpoint.contains(name))
      return fail(checkpoint.where() + ": tensor " + name + ": belongs to " + (config.decoder ? "" : "attention ") +
                  "weights in " + other.form +
                  convertHint(config, config.decoder ? "; convert the layer's weights to bfloat16"
                                                     : "; convert the attention's weights to bfloat16"));
  if (!config.otherQuantization.empty() && !checkpoint.contains(weight.name))
    return fail(checkpoint.where() + ": tensor " + weight.name + ": missing" + convertHint(config, ""));
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Scales that are not used
//===----------------------------------------------------------------------===//

bool mla::importer::isUnusedScale(StringRef name) {
  return llvm::is_contained(unusedScaleNames, name.rsplit('.').second);
}

std::string mla::importer::unusedScales(const Checkpoint &checkpoint, const AttentionConfig &config,
                                        ArrayRef<int64_t> layers) {
  std::string first;
  checkpoint.forEachName([&](StringRef name) {
    auto isOf = [&](int64_t layer) {
      return name.starts_with(config.decoder ? decoderPrefix(layer) : layerPrefix(layer));
    };
    if (isUnusedScale(name) && llvm::any_of(layers, isOf) && (first.empty() || name < first))
      first = name.str();
  });
  return first.empty()
             ? ""
             : checkpoint.where().str() + ": constant scales such as " + nameInFile(checkpoint, first, config) +
                   " are not used: activations are not quantized, and a cache has its own scales";
}
