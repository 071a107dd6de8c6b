//===- MeasuredForms.cpp - Library kernels as measured ----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MeasuredForms.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"

using namespace mla;
namespace json = llvm::json;

static constexpr double microsecond = 1e-6;

static void readRow(const json::Object &row, std::vector<MeasuredForm> &measured) {
  std::string model = row.getString("model")->str();
  if (std::optional<int64_t> cached = row.getInteger("naive_upproject_seq")) {
    measured.push_back({model, *cached, MeasuredForm::UpProjection, Form::Naive, *row.getNumber("us") * microsecond});
    return;
  }
  auto add = [&](llvm::StringRef key, MeasuredForm::Side side, Form form) {
    measured.push_back({model, *row.getInteger("b"), side, form, *row.getNumber(key) * microsecond});
  };
  add("twostep_q", MeasuredForm::Query, Form::Absorb);
  add("fold_q", MeasuredForm::Query, Form::Fold);
  add("twostep_o", MeasuredForm::Output, Form::Absorb);
  add("fold_o", MeasuredForm::Output, Form::Fold);
}

json::Value mla::readResults(llvm::StringRef file) {
  std::string path = (MLA_RESULTS "/" + file).str();
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer) {
    ADD_FAILURE() << path << ": " << buffer.getError().message();
    return nullptr;
  }
  llvm::Expected<json::Value> results = json::parse((*buffer)->getBuffer());
  if (results)
    return std::move(*results);
  ADD_FAILURE() << llvm::toString(results.takeError());
  return nullptr;
}

std::vector<MeasuredForm> mla::readMeasuredForms() {
  std::vector<MeasuredForm> measured;
  json::Value results = readResults("layer_forms_h100.json");
  if (const json::Array *rows = results.getAsArray())
    for (const json::Value &row : *rows)
      readRow(*row.getAsObject(), measured);
  return measured;
}

LayerShape mla::getShape(llvm::StringRef model) {
  return llvm::StringSwitch<LayerShape>(model)
      .Case("v3", {7168, 1536, 128, 128, 64, 128, 512, 2})
      .Case("v3-tp8", {7168, 1536, 16, 128, 64, 128, 512, 2})
      .Case("v2-lite", {2048, 2048, 16, 128, 64, 128, 512, 2})
      .Case("minicpm3", {2560, 768, 40, 64, 32, 64, 256, 2});
}

double mla::predict(const MeasuredForm &measured, const Device &device) {
  LayerShape shape = getShape(measured.model);
  CostModel model(shape, device, KernelStyle::library());
  switch (measured.side) {
  case MeasuredForm::Query:
    return model.getQueryCost(measured.form, measured.tokens).seconds;
  case MeasuredForm::Output:
    return model.getOutputCost(measured.form, measured.tokens).seconds;
  case MeasuredForm::UpProjection: // one product for keys and values, of latents that lie ready
    return model.getProductCost(1, measured.tokens, shape.latent, shape.heads * (shape.nope + shape.value)).seconds;
  }
  llvm_unreachable("every side has its cost");
}
