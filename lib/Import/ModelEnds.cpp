//===- ModelEnds.cpp - Embedding and logits -------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerBuilder.h"
#include "mla/Dialect/MLA/Transforms/Prepare.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mla;
using namespace mla::importer;

/// Start the function of an end. Return its argument.
Value LayerBuilder::startEnd(StringRef name, StringRef argument, Type in, Type out) {
  auto function = func::FuncOp::create(builder, named(name), name, builder.getFunctionType(in, out));
  function->setAttr(kEndAttr, builder.getStringAttr(name));
  Block *block = function.addEntryBlock();
  block->getArgument(0).setLoc(named(argument));
  builder.setInsertionPointToStart(block);
  return block->getArgument(0);
}

/// Constant factors are multiplied into the embedding and into the last norm's gamma when they are prepared.
void LayerBuilder::buildEnds() {
  const DecoderConfig &decoder = *config.decoder;
  Type stream = tokensOf(config.hiddenSize, outside()), logits = tokensOf(decoder.vocabSize, f32());
  OpBuilder::InsertionGuard guard(builder);
  Value ids = startEnd("embed", "ids", tokensOf({}, builder.getI32Type()), rowsType());
  Value table = scaled(weight(WeightRole::Embedding), decoder.embeddingScale, "embed_tokens");
  Value rows = EmbedOp::create(builder, named("embedded"), stream, ids, table);
  if (decoder.hasShortcut) // the first layer does not read what is carried
    rows = tensor::ConcatOp::create(builder, named("rows"), /*dim=*/1, ValueRange{rows, rows});
  auto end = func::ReturnOp::create(builder, builder.getUnknownLoc(), rows);

  builder.setInsertionPointAfter(end->getParentOp());
  Value hidden = startEnd("logits", "hidden", rowsType(), logits);
  tokens = tensor::DimOp::create(builder, named("tokens"), hidden, 0);
  Value x = streamOf(hidden);
  Value gamma = scaled(weight(WeightRole::FinalNorm), decoder.logitScale, "norm");
  Value normed = RmsNormOp::create(builder, named("normed"), tokensOf(config.hiddenSize, f32()), x, gamma,
                                   builder.getF64FloatAttr(decoder.normEps));
  Value head = weight(find(WeightRole::Head) ? WeightRole::Head : WeightRole::Embedding);
  Value result = project(normed, head, decoder.vocabSize, Heads::None, "logits");
  func::ReturnOp::create(builder, builder.getUnknownLoc(), result);
}

void mla::importer::buildEnds(OpBuilder &builder, const AttentionConfig &config, ArrayRef<WeightSpec> weights,
                              const ImportOptions &options) {
  LayerBuilder(builder, config, weights, options).buildEnds();
}
