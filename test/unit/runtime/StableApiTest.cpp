//===- StableApiTest.cpp - Programs of earlier releases ------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GpuTestSupport.h"

#include <cstddef>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

extern "C" {
const char *frozen_0_1(const char *path);
extern const size_t layoutOf01[], layoutOf01Count, layoutOfToday[], layoutOfTodayCount;
}

TEST(StableApi, RunsAProgramOfRelease01) {
  TempDir directory;
  writeBundle(directory.path);
  const char *wrong = frozen_0_1(directory.path.c_str());
  EXPECT_EQ(wrong, nullptr) << wrong << ": " << mla_last_error();
}

TEST(StableApi, LeavesFieldsAndConstantsOfRelease01AsTheyWere) {
  ASSERT_EQ(layoutOf01Count, layoutOfTodayCount);
  for (size_t i = 0; i < layoutOf01Count; ++i)
    EXPECT_EQ(layoutOf01[i], layoutOfToday[i]) << "number " << i << " of api_layout.c";
}

namespace {
/// A struct of which that many bytes are readable, followed by unmapped memory.
template <typename Struct> class Shorter {
public:
  Shorter(Struct made, size_t size) {
    long page = sysconf(_SC_PAGESIZE);
    memory = mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT_EQ(mprotect(static_cast<char *>(memory) + page, page, PROT_NONE), 0);
    made.size = size;
    place = static_cast<char *>(memory) + page - size;
    std::memcpy(place, &made, size);
  }
  ~Shorter() { munmap(memory, 2 * sysconf(_SC_PAGESIZE)); }
  const Struct *get() const { return static_cast<const Struct *>(place); }

private:
  void *memory, *place;
};

class StableStructs : public GpuTest {
protected:
  void SetUp() override {
    GpuTest::SetUp();
    openGpu();
  }
  /// Calls with every size from the first release's to the current one.
  template <typename Struct, typename Call> void callWithEverySize(Struct valid, Call call) {
    for (size_t size = offsetof(Struct, stream) + sizeof(void *); size <= sizeof(Struct); size += sizeof(void *)) {
      Shorter<Struct> given(valid, size);
      uint64_t bytes = 0;
      EXPECT_EQ(call(bundle, given.get(), &bytes), MLA_OK) << size << ": " << mla_last_error();
    }
  }
};
} // namespace

TEST_F(StableStructs, MayEndWhereThoseOfTheFirstReleaseDid) {
  auto step = ofSizes<mla_step>(7, 2, 5, 8);
  step.layer = 3;
  step.num_pages = 4;
  step.table_width = 2;
  callWithEverySize(step, mla_step_workspace);
  auto latent = ofSizes<mla_latent_attention>(7, 2, 5, 8);
  latent.num_pages = 4;
  latent.table_width = 2;
  latent.q_stride = 24;
  callWithEverySize(latent, mla_latent_attention_workspace);
  auto naive = ofSizes<mla_naive_attention>(7, 2, 5, 8);
  naive.cached = 10;
  naive.q_stride = 24;
  callWithEverySize(naive, mla_naive_attention_workspace);
}

// Fields that a shorter struct lacks have no effect: EnqueueTest.cpp,
// TakesStructsOfEarlierReleases.

/// A bundle whose manifest has fields of later releases is the same bundle.
TEST(StableApi, SkipsFieldsOfLaterManifests) {
  TempDir directory;
  writeBundle(directory.path,
              replaced(smallManifest(), "\"plan\":", "\"of_later\": {\"anything\": [1, null]}, \"plan\":"));
  EXPECT_EQ(openStatus(directory.path), MLA_OK) << mla_last_error();
}
