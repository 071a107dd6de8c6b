//===- Measured.cpp - Measurements next to predictions --------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Report/Measured.h"
#include "Results.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Regex.h"

using namespace mla;
using namespace mla::report;
using llvm::StringRef;
namespace json = llvm::json;

static constexpr double microsecond = 1e-6;

/// Parse an embedded file. It is valid: the tests read all of them.
static json::Value parse(const Results &results) { return llvm::cantFail(json::parse(results.text)); }

//===----------------------------------------------------------------------===//
// Sides
//===----------------------------------------------------------------------===//

static void readRow(const json::Object &row, std::vector<MeasuredForm> &measured) {
  std::string model = row.getString("model")->str();
  if (std::optional<int64_t> cached = row.getInteger("naive_upproject_seq")) {
    measured.push_back({model, *cached, MeasuredForm::UpProjection, Form::Naive, *row.getNumber("us") * microsecond});
    return;
  }
  auto add = [&](StringRef key, MeasuredForm::Side side, Form form) {
    measured.push_back({model, *row.getInteger("b"), side, form, *row.getNumber(key) * microsecond});
  };
  add("twostep_q", MeasuredForm::Query, Form::Absorb);
  add("fold_q", MeasuredForm::Query, Form::Fold);
  add("twostep_o", MeasuredForm::Output, Form::Absorb);
  add("fold_o", MeasuredForm::Output, Form::Fold);
}

std::vector<MeasuredForm> mla::report::readMeasuredForms() {
  std::vector<MeasuredForm> measured;
  json::Value rows = parse(layerForms);
  for (const json::Value &row : *rows.getAsArray())
    readRow(*row.getAsObject(), measured);
  return measured;
}

LayerShape mla::report::getMeasuredShape(StringRef model) {
  return llvm::StringSwitch<LayerShape>(model)
      .Case("v3", {7168, 1536, 128, 128, 64, 128, 512, 2})
      .Case("v3-tp8", {7168, 1536, 16, 128, 64, 128, 512, 2})
      .Case("v2-lite", {2048, 2048, 16, 128, 64, 128, 512, 2})
      .Case("minicpm3", {2560, 768, 40, 64, 32, 64, 256, 2});
}

double mla::report::predict(const MeasuredForm &measured, const Device &device) {
  LayerShape shape = getMeasuredShape(measured.model);
  CostModel model(shape, device, KernelStyle::library());
  switch (measured.side) {
  case MeasuredForm::Query:
    return model.getQueryCost(measured.form, measured.tokens).seconds;
  case MeasuredForm::Output:
    return model.getOutputCost(measured.form, measured.tokens).seconds;
  case MeasuredForm::UpProjection: // one product for keys and values, of contiguous latents
    return model.getProductCost(1, measured.tokens, shape.latent, shape.heads * (shape.nope + shape.value)).seconds;
  }
  llvm_unreachable("every side has its cost");
}

//===----------------------------------------------------------------------===//
// Attentions
//===----------------------------------------------------------------------===//

static double timeOf(const json::Object &row) { return *row.getObject("mla-mlir")->getNumber("us") * microsecond; }

/// Read the times of this compiler's decode kernel and its merge: "b16_sq1_h128_s4096". Cases of unequal lengths are
/// skipped.
static void readDecode(std::vector<MeasuredAttention> &measured) {
  llvm::Regex equalLengths("^b([0-9]+)_sq([0-9]+)_h([0-9]+)_s([0-9]+)$");
  json::Value results = parse(decodeGrid);
  for (const json::Value &row : *results.getAsObject()->getArray("rows")) {
    llvm::SmallVector<StringRef> parts;
    if (!equalLengths.match(*row.getAsObject()->getString("case"), &parts))
      continue;
    auto size = [&](int i) { return std::stoll(parts[i].str()); };
    measured.push_back({{Form::Absorb, Form::Absorb},
                        size(3),
                        {size(1), size(2), size(4)},
                        timeOf(*row.getAsObject()),
                        decodeGrid.file});
  }
}

/// Read the times of this compiler's naive attention of one sequence.
static void readPrefill(std::vector<MeasuredAttention> &measured) {
  json::Value results = parse(prefillGrid);
  for (const json::Value &value : *results.getAsObject()->getArray("rows")) {
    const json::Object &row = *value.getAsObject();
    measured.push_back({{Form::Naive, Form::Naive},
                        *row.getInteger("h"),
                        {1, *row.getInteger("sq"), *row.getInteger("sk")},
                        timeOf(row),
                        prefillGrid.file});
  }
}

std::vector<MeasuredAttention> mla::report::readMeasuredAttentions() {
  std::vector<MeasuredAttention> measured;
  readDecode(measured);
  readPrefill(measured);
  return measured;
}

//===----------------------------------------------------------------------===//
// Of a step
//===----------------------------------------------------------------------===//

/// Return whether the sizes of a side's products are equal.
static bool isOf(const MeasuredForm &measured, const LayerShape &shape) {
  LayerShape other = getMeasuredShape(measured.model);
  if (shape.heads != other.heads || shape.latent != other.latent)
    return false;
  switch (measured.side) {
  case MeasuredForm::Query:
    return shape.queryRank == other.queryRank && shape.nope == other.nope && shape.rope == other.rope;
  case MeasuredForm::Output:
    return shape.hidden == other.hidden && shape.value == other.value;
  case MeasuredForm::UpProjection: // measured for one model; independent of the hidden size
    return shape.nope == other.nope && shape.value == other.value && shape.hidden == other.hidden;
  }
  llvm_unreachable("every side has its sizes");
}

static Piece pieceOf(MeasuredForm::Side side) {
  switch (side) {
  case MeasuredForm::Query:
    return Piece::QuerySide;
  case MeasuredForm::Output:
    return Piece::OutputSide;
  case MeasuredForm::UpProjection:
    return Piece::UpProjection;
  }
  llvm_unreachable("every side is a piece");
}

/// Return whether the sizes are equal. Latent attention has no heads of keys and values, so that their widths are
/// ignored.
static bool isOf(const MeasuredAttention &measured, const LayerShape &shape) {
  LayerShape other = getMeasuredShape("v3");
  bool heads = measured.forms.q == Form::Naive;
  return shape.heads == measured.heads && shape.rope == other.rope &&
         (heads ? shape.nope == other.nope && shape.value == other.value : shape.latent == other.latent);
}

std::vector<MeasuredPiece> mla::report::findMeasured(const CostModel &model, const Step &step) {
  const LayerShape &shape = model.getShape();
  std::vector<MeasuredPiece> found;
  if (model.getDevice().name != Device::h100().name || shape.elementBytes != 2 || shape.packedRowBytes ||
      llvm::any_of(shape.formats, [](const WeightFormat &format) { return format.bytes; }))
    return found;
  for (const MeasuredForm &form : readMeasuredForms()) {
    bool ofCache = form.side == MeasuredForm::UpProjection;
    if (isOf(form, shape) && form.tokens == step.batch * (ofCache ? step.context : step.tokens))
      found.push_back(
          {pieceOf(form.side), form.form, "library", form.seconds, predict(form, model.getDevice()), layerForms.file});
  }
  for (const MeasuredAttention &attention : readMeasuredAttentions())
    if (isOf(attention, shape) && attention.step == step)
      found.push_back({Piece::Attention, attention.forms.q, "mla-mlir", attention.seconds,
                       model.getAttentionCost(attention.forms, step).seconds, attention.file});
  return found;
}
