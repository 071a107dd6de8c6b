//===- TestSupport.cpp - Reports of configs that tests have ---------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"

using namespace mla;
using namespace mla::report;
using llvm::StringRef;

importer::ModelConfig mla::report::test::readModel(StringRef name) {
  std::string path = (MLA_TEST_MODELS_DIR "/configs/" + name + ".json").str();
  auto buffer = llvm::MemoryBuffer::getFile(path);
  EXPECT_TRUE(bool(buffer)) << path;
  return llvm::cantFail(importer::parseModelConfig((*buffer)->getBuffer(), path));
}

ModelCosts mla::report::test::costsOf(StringRef name) { return ModelCosts(readModel(name), Device::h100(), {}); }

static PlanAttr usualPlan() {
  static mlir::MLIRContext context;
  context.loadDialect<MLADialect>();
  auto regime = [](Phase phase, Form form) { return RegimeAttr::get(&context, phase, {}, {}, form, form); };
  return PlanAttr::get(&context, {regime(Phase::Decode, Form::Absorb), regime(Phase::Prefill, Form::Naive)}, "usual");
}

Request mla::report::test::requestOf(StringRef name, int64_t batch, int64_t context) {
  Request request;
  request.name = name.str();
  request.config = readModel(name);
  request.device = Device::h100();
  request.batch = batch;
  request.context = context;
  if (request.config.latent)
    request.plan = usualPlan();
  return request;
}

Report mla::report::test::reportOf(StringRef name, int64_t batch, int64_t context, std::unique_ptr<Report> baseline) {
  return makeReport(requestOf(name, batch, context), std::move(baseline));
}
