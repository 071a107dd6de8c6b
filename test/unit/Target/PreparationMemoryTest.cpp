//===- PreparationMemoryTest.cpp - What weights take while they are made --===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CertificateTestSupport.h"

#include <fstream>

using namespace mla;

static int64_t anonymousKiB() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("RssAnon:", 0) == 0)
      return std::stoll(line.substr(8));
  return 0;
}

namespace {
class PreparationMemoryTest : public CertificateTest {
protected:
  void progress(uint64_t, uint64_t) override { most = std::max(most, anonymousKiB()); }
  int64_t most = 0;
};
} // namespace

/// 128 MiB are computed from 64 MiB, both in files; the additional memory is a few tiles of 1 MiB per thread.
TEST_F(PreparationMemoryTest, IsNearATileAThread) {
  if (LLVM_ADDRESS_SANITIZER_BUILD)
    GTEST_SKIP() << "AddressSanitizer keeps what was freed";
  unaligned = true;
  WeightPreparation preparation = compile(R"mlir(
func.func @prepare.w(%a: tensor<32768x1024xbf16> {mla.weight = "a"}) -> tensor<32768x1024xf32> {
  %w = arith.extf %a : tensor<32768x1024xbf16> to tensor<32768x1024xf32>
  return %w : tensor<32768x1024xf32>
})mlir");
  llvm::cantFail(find("a", preparation)); // the inputs, before memory is looked at
  setenv("MLA_NUM_THREADS", "2", 1);      // before the team is created, if this test runs alone, as in ctest
  int64_t before = anonymousKiB();
  EXPECT_EQ(write(preparation), "");
  EXPECT_GT(most, 0);
  EXPECT_LT(most - before, 32 << 10);
}
