//===- TestSupport.h - What the tests of Import share -----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_TEST_UNIT_IMPORT_TESTSUPPORT_H
#define MLA_TEST_UNIT_IMPORT_TESTSUPPORT_H

#include "mla/Import/Checkpoint.h"
#include "mla/Import/Config.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <string>
#include <vector>

namespace mla::importer::test {

/// Returns a path below test/Models.
std::string modelPath(llvm::StringRef name);

/// The golden files, including the sharded directory.
std::vector<std::string> goldenNames();

std::string readFile(llvm::StringRef path);
void writeFile(llvm::StringRef path, llvm::StringRef text);

/// Returns the error's text, or "" if there is none.
template <typename T> std::string messageOf(llvm::Expected<T> value) {
  return value ? "" : llvm::toString(value.takeError());
}
inline std::string messageOf(llvm::Error error) { return error ? llvm::toString(std::move(error)) : ""; }

/// A directory that is removed with its contents.
class TemporaryDirectory {
public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  std::string file(llvm::StringRef name) const { return path + "/" + name.str(); }
  std::string path;
};

/// A tensor with its bytes.
struct TestTensor {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;
  std::vector<uint8_t> bytes; ///< Empty: zeros.
};

void writeSafetensors(llvm::StringRef path, const std::vector<TestTensor> &tensors,
                      const SafetensorsMetadata &metadata = {});

/// Copies all tensors of a file.
std::vector<TestTensor> readSafetensors(llvm::StringRef path);

/// Returns the config of a model under configs/, or that of a golden file.
AttentionConfig configOf(llvm::StringRef name);

/// Returns the largest relative difference of two lists of numbers; infinite if their lengths differ or one has a NaN.
double relativeError(llvm::ArrayRef<float> actual, llvm::ArrayRef<double> expected);

} // namespace mla::importer::test

#endif // MLA_TEST_UNIT_IMPORT_TESTSUPPORT_H
