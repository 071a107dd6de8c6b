//===- CertificateTestSupport.h - Weights made and written ------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_UNIT_TARGET_CERTIFICATETESTSUPPORT_H
#define MLA_TEST_UNIT_TARGET_CERTIFICATETESTSUPPORT_H

#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"
#include "mla/Pipeline/Stages.h"
#include "mla/Target/Bundle.h"
#include "mla/abi.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

#include <gtest/gtest.h>

namespace mla {

/// The function that the corrupted entry calls first; entries have no context.
inline void (*honestEntry)(void **);
inline void (*corrupt)(void **descriptors, int64_t made);

class CertificateTest : public ::testing::Test {
protected:
  CertificateTest() : context(makeRegistry()) {}

  static mlir::DialectRegistry makeRegistry() {
    mlir::DialectRegistry registry;
    registerStageDialects(registry, Stage::LLVM);
    registry.insert<mlir::arith::ArithDialect, mlir::func::FuncDialect, mlir::linalg::LinalgDialect,
                    mlir::tensor::TensorDialect, MLADialect>();
    return registry;
  }

  WeightPreparation compile(llvm::StringRef text) {
    auto preparation = WeightPreparation::compile(mlir::parseSourceString<mlir::ModuleOp>(text, &context));
    EXPECT_TRUE(static_cast<bool>(preparation));
    return std::move(*preparation);
  }

  /// Creates inputs of any type: their bytes are neither NaN nor of a large exponent.
  llvm::Expected<const SafetensorsTensor *> find(llvm::StringRef name, const WeightPreparation &preparation) {
    const WeightPreparation::Weight &weight = preparation.weights()[0];
    size_t i = llvm::find(weight.inputs, name) - weight.inputs.begin();
    mlir::Type type = mlir::getElementTypeOrSelf(mlir::func::FuncOp(weight.definition).getArgumentTypes()[i]);
    SafetensorsTensor &tensor = tensors[name.str()];
    tensor.dtype = type.isF32() ? DType::F32 : type.isBF16() ? DType::BF16 : DType::F8_E4M3;
    tensor.shape = weight.inputShapes[i];
    std::string &bytes = storage[name.str()];
    if (bytes.empty())
      fill(bytes, tensor.dtype, mlir::ShapedType::getNumElements(tensor.shape));
    if (unaligned && tensor.bytes == 0)
      bytes.insert(0, 1, 0);
    tensor.data = bytes.data() + unaligned;
    tensor.bytes = bytes.size() - unaligned;
    return &tensor;
  }

  static void fill(std::string &bytes, DType dtype, int64_t count) {
    uint32_t random = 7;
    for (int64_t i = 0; i < count; ++i) {
      float value = static_cast<float>((random = random * 1664525u + 1013904223u) >> 8) / (1 << 23) - 1;
      uint32_t bits = llvm::bit_cast<uint32_t>(value);
      if (dtype == DType::F8_E4M3)
        bytes.push_back(static_cast<char>(bits >> 20 & 0xbf));
      else
        bytes.append(reinterpret_cast<char *>(&bits) + 4 - dtypeSize(dtype), dtypeSize(dtype));
    }
  }

  static std::string elementsOf(int64_t count, float value) {
    std::vector<float> elements(count, value);
    return std::string(reinterpret_cast<const char *>(elements.data()), count * sizeof(float));
  }

  /// Returns the error of writing the weight, or "".
  std::string write(const WeightPreparation &preparation, std::vector<int64_t> layers = {0}) {
    llvm::SmallString<128> scratch;
    EXPECT_FALSE(llvm::sys::fs::createUniqueDirectory("certificate", scratch));
    auto directory = BundleDirectory::create((scratch + "/out").str());
    EXPECT_TRUE(static_cast<bool>(directory));
    auto findByName = [&](llvm::StringRef name) { return find(name, preparation); };
    auto read = [&](llvm::StringRef name) -> llvm::Expected<std::shared_ptr<const SafetensorsTensor>> {
      llvm::Expected<const SafetensorsTensor *> tensor = find(name, preparation);
      if (!tensor)
        return tensor.takeError();
      return std::make_shared<const SafetensorsTensor>(**tensor);
    };
    auto result = writeWeights(preparation, layers, "layers.0.", /*users=*/{}, {findByName, read}, *directory,
                               [&](uint64_t done, uint64_t all) { progress(done, all); });
    std::string error;
    if (result)
      certificates = *result;
    else
      error = llvm::toString(result.takeError());
    if (result)
      EXPECT_TRUE(llvm::sys::fs::exists(directory->file(MLA_WEIGHTS_FILE)));
    else
      EXPECT_FALSE(llvm::sys::fs::exists(directory->file(MLA_WEIGHTS_FILE))); // nothing that loads
    (void)llvm::sys::fs::remove_directories(scratch);
    return error;
  }

  /// Writes with an entry that computes a tile and then corrupts it.
  std::string writeCorrupted(llvm::StringRef text, void (*how)(void **descriptors, int64_t made)) {
    WeightPreparation preparation = compile(text);
    auto &weight = const_cast<WeightPreparation::Weight &>(preparation.weights()[0]);
    EXPECT_EQ(write(preparation), "");
    honestEntry = weight.entry;
    corrupt = how;
    weight.entry = [](void **descriptors) {
      honestEntry(descriptors);
      corrupt(descriptors, 0);
    };
    return write(preparation);
  }

  virtual void progress(uint64_t done, uint64_t all) {}

  mlir::MLIRContext context;
  std::map<std::string, SafetensorsTensor> tensors;
  std::map<std::string, std::string> storage;
  std::vector<Certificate> certificates;
  bool unaligned = false; ///< tensors begin at an odd address
};

} // namespace mla

#endif // MLA_TEST_UNIT_TARGET_CERTIFICATETESTSUPPORT_H
