//===- CopyTest.cpp - Asynchronous copies ---------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatorTest.h"
#include "TensorMap.h"

using namespace mla::emulator;

static constexpr int ofBytes = 0, ofWords = 3, ofBF16s = 9; ///< CUtensorMapDataType

/// A map of the input (address 1) or of the output (0), whose addresses the runs replace.
static TensorMap mapOf(bool isInput, const std::vector<uint64_t> &dims, const std::vector<uint32_t> &box,
                       int type = ofWords, int swizzle = 0) {
  std::vector<uint64_t> strides;
  uint64_t bytes = type == ofBytes ? 1 : type == ofBF16s ? 2 : 4;
  for (uint64_t dim : dims)
    strides.push_back(bytes *= dim);
  std::vector<uint32_t> ones(dims.size(), 1);
  TensorMap map;
  EXPECT_EQ(encodeTiled(map, type, static_cast<uint32_t>(dims.size()), 0, dims.data(), strides.data(), box.data(),
                        ones.data(), 0, swizzle, 0),
            "");
  map.address = isInput;
  return map;
}

static std::string replaced(std::string body, const std::string &what, const std::string &by) {
  for (size_t at = body.find(what); at != body.npos; at = body.find(what, at + by.size()))
    body.replace(at, what.size(), by);
  return body;
}

/// Thread 0 loads a tile of BYTES bytes; then all threads wait for it.
static const char *const loadTile = R"(
  mov.u32 %r1, dynamic;
  setp.ne.b32 %p1, %t, 0;
  @%p1 bra READY;
  mbarrier.init.shared::cta.b64 [%r1+8192], 1;
  FENCE
  mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r1+8192], BYTES;
  mov.b64 %d1, map0;
  cp.async.bulk.tensor.RANKd.shared::cta.global.tile.mbarrier::complete_tx::bytes [%r1], [%d1, {AT}], [%r1+8192]; // COPY
READY:
  bar.sync 0;
WAIT:
  WAITFOR
)";
static const char *const waitTile = "mbarrier.try_wait.parity.shared::cta.b64 %p2, [%r1+8192], 0;\n  @!%p2 bra WAIT;";

static std::string tileBody(unsigned bytes, const std::vector<int> &at) {
  std::string list;
  for (int coordinate : at)
    list += (list.empty() ? "" : ", ") + std::to_string(coordinate);
  std::string body = replaced(loadTile, "BYTES", std::to_string(bytes));
  return replaced(replaced(body, "RANK", std::to_string(at.size())), "AT", list);
}
static std::string rightTile(unsigned bytes, const std::vector<int> &at) {
  return replaced(replaced(tileBody(bytes, at), "FENCE", "fence.mbarrier_init.release.cluster;"), "WAITFOR", waitTile);
}

/// Copies `words` words from shared to global memory, by 32 threads.
static const char *const copyOut = R"(
  mov.b32 %r2, %t;
COPY:
  shl.b32 %r3, %r2, 2;
  add.s32 %r4, %r1, %r3;
  ld.shared.b32 %r5, [%r4]; // READ
  cvt.u64.u32 %d2, %r3;
  add.s64 %d2, %out, %d2;
  st.global.b32 [%d2], %r5;
  add.s32 %r2, %r2, 32;
  setp.lt.u32 %p3, %r2, WORDS;
  @%p3 bra COPY;)";

static Words counting(size_t count) {
  Words words(count);
  for (size_t i = 0; i < count; ++i)
    words[i] = static_cast<uint32_t>(1000 + i);
  return words;
}

/// Returns the element at the coordinates, 0 outside of the tensor.
static uint32_t elementAt(const Words &in, const std::vector<uint64_t> &dims, const std::vector<int64_t> &at) {
  uint64_t index = 0, stride = 1;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (at[i] < 0 || at[i] >= static_cast<int64_t>(dims[i]))
      return 0;
    index += static_cast<uint64_t>(at[i]) * stride;
    stride *= dims[i];
  }
  return in[index];
}

TEST(EmulatorCopy, TilesOfAllRanksAreClippedAndFilledWithZeros) {
  const std::vector<uint64_t> allDims = {12, 5, 4, 3, 2};
  const std::vector<uint32_t> allBox = {8, 2, 2, 2, 2};
  for (size_t rank = 1; rank <= 5; ++rank)
    for (std::vector<int> corner : {std::vector<int>{0, 0, 0, 0, 0},
                                    {-4, -1, 1, -1, 1},
                                    {8, 4, 3, 2, 0},
                                    {5, 1, 1, 1, -1},
                                    {12, 0, 0, 0, 0},
                                    {-8, 0, 0, 0, 0},
                                    {-3, 9, 0, 0, 0}}) {
      std::vector<uint64_t> dims(allDims.begin(), allDims.begin() + rank);
      std::vector<uint32_t> box(allBox.begin(), allBox.begin() + rank);
      corner.resize(rank);
      size_t count = 1, boxCount = 1;
      for (size_t i = 0; i < rank; ++i)
        count *= dims[i], boxCount *= box[i];
      Words in = counting(count), expected;
      for (size_t i = 0; i < boxCount; ++i) {
        std::vector<int64_t> at;
        size_t rest = i;
        for (size_t d = 0; d < rank; ++d) {
          at.push_back(corner[d] + static_cast<int64_t>(rest % box[d]));
          rest /= box[d];
        }
        expected.push_back(elementAt(in, dims, at));
      }
      std::string text =
          rightTile(static_cast<unsigned>(4 * boxCount), corner) + replaced(copyOut, "WORDS", std::to_string(boxCount));
      if (boxCount < 32)
        text = replaced(text, "mov.b32 %r2, %t;",
                        "mov.b32 %r2, %t;\nsetp.ge.u32 %p4, %t, " + std::to_string(boxCount) + ";\n@%p4 ret;");
      EXPECT_EQ(run(text, in, boxCount, {.dynamicShared = 8256, .maps = {mapOf(true, dims, box)}}), expected)
          << rank << " at " << corner[0];
    }
}

TEST(EmulatorCopy, SwizzleOf128BytesExchangesChunksByRow) {
  Words in = counting(16 * 32);
  TensorMap map = mapOf(true, {64, 16}, {64, 16}, ofBF16s, 3);
  Words out =
      run(rightTile(2048, {0, 0}) + replaced(copyOut, "WORDS", "512"), in, 512, {.dynamicShared = 8256, .maps = {map}});
  for (uint32_t r = 0; r < 16; ++r)
    for (uint32_t c = 0; c < 8; ++c)
      for (uint32_t w = 0; w < 4; ++w)
        EXPECT_EQ(out[(r * 128 + ((c ^ (r & 7)) * 16)) / 4 + w], in[r * 32 + c * 4 + w]) << r << ", " << c;
}

static uint8_t byteOf(const Words &words, size_t i) { return static_cast<uint8_t>(words[i / 4] >> (8 * (i % 4))); }

/// A tile of 16 rows of bytes of a tensor of 112 by 20, from a corner on.
static void checkBytes(int swizzle, uint32_t width, int x, int y) {
  SCOPED_TRACE(std::to_string(swizzle) + " at " + std::to_string(x) + ", " + std::to_string(y));
  constexpr int columns = 112, rows = 20, boxRows = 16;
  Words in(columns * rows / 4);
  for (size_t i = 0; i < in.size(); ++i)
    in[i] = static_cast<uint32_t>(i * 0x9e3779b9u) | 0x01010101;
  uint32_t words = width * boxRows / 4;
  Words out = run(rightTile(4 * words, {x, y}) + replaced(copyOut, "WORDS", std::to_string(words)), in, words,
                  {.dynamicShared = 8256, .maps = {mapOf(true, {columns, rows}, {width, boxRows}, ofBytes, swizzle)}});
  uint32_t chunks = swizzle ? (1u << swizzle) - 1 : 0; // of 16 bytes that change places
  for (int r = 0; r < boxRows; ++r)
    for (uint32_t c = 0; c < width; ++c) {
      uint32_t at = static_cast<uint32_t>(r) * width + c;
      int column = x + static_cast<int>(c), row = y + r;
      bool isInside = column >= 0 && column < columns && row >= 0 && row < rows;
      ASSERT_EQ(byteOf(out, at ^ (at >> 7 & chunks) << 4),
                isInside ? byteOf(in, static_cast<size_t>(row * columns + column)) : 0)
          << r << ", " << c;
    }
}

TEST(EmulatorCopy, TilesOfBytes) {
  for (auto [swizzle, width] : {std::pair(0, 48u), {0, 256u}, {1, 32u}, {2, 64u}, {3, 128u}, {3, 64u}})
    for (auto [x, y] : {std::pair(0, 0), {-5, -3}, {67, 9}, {101, 17}, {112, 0}})
      checkBytes(swizzle, width, x, y);
}

TEST(EmulatorCopy, MapsOfBytesAreChecked) {
  auto error = [](uint32_t width, uint64_t stride, int swizzle) {
    uint64_t dims[] = {100, 4}, strides[] = {stride};
    uint32_t box[] = {width, 4}, ones[] = {1, 1};
    TensorMap map;
    return encodeTiled(map, ofBytes, 2, 0, dims, strides, box, ones, 0, swizzle, 0);
  };
  EXPECT_EQ(error(128, 112, 3), "");
  EXPECT_NE(error(24, 112, 0).find("a row of the box has 24 bytes; expected a multiple of 16"), std::string::npos);
  EXPECT_NE(error(256, 112, 3).find("a row of the box has 256 bytes; expected at most the swizzle's 128"),
            std::string::npos);
  EXPECT_NE(error(128, 100, 3).find("globalStrides[0] is 100; expected a multiple of 16"), std::string::npos);
}

static std::string bulkLoad(const std::string &from, const std::string &bytes, const std::string &form = "") {
  std::string body = replaced(rightTile(128, {0}), "mov.b64 %d1, map0;", "mov.b64 %d1, 0x12f0000000000000;");
  size_t start = body.find("cp.async.bulk.tensor"), end = body.find("// COPY");
  std::string hint = form.ends_with("cache_hint") ? ", %d1" : "";
  return body.replace(start, end - start,
                      "cp.async.bulk." + (form.empty() ? "shared::cluster.global.mbarrier::complete_tx::bytes" : form) +
                          " [%r1], [" + from + "], " + bytes + ", [%r1+8192]" + hint + "; ") +
         replaced(copyOut, "WORDS", "32");
}

TEST(EmulatorCopy, BulkLoadsOfBytes) {
  Launch launch = {.dynamicShared = 8256};
  EXPECT_EQ(run(bulkLoad("%in", "128"), counting(32), 32, launch), counting(32));
  Words in = counting(40);
  EXPECT_EQ(
      run(replaced(bulkLoad("%in+32", "%r6"), "mbarrier.init", "mov.b32 %r6, 128;\n  mbarrier.init"), in, 32, launch),
      Words(in.begin() + 8, in.end()));
  for (const char *form : {"shared::cta.global.mbarrier::complete_tx::bytes",
                           "shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint"})
    EXPECT_EQ(run(bulkLoad("%in", "128", form), counting(32), 32, launch), counting(32)) << form;
}

TEST(EmulatorCopyFault, BulkLoadsOfBytes) {
  Launch launch = {.dynamicShared = 8256};
  auto here = [](const std::string &body) { return replaced(body, "// COPY", "// HERE"); };
  expectFault(FaultKind::Misaligned, here(bulkLoad("%in", "120")), {"120 bytes", "expected multiples of 16"}, launch,
              counting(32));
  expectFault(FaultKind::Misaligned, here(bulkLoad("%in+8", "112")), {"expected multiples of 16"}, launch,
              counting(32));
  expectFault(FaultKind::OutOfBounds, here(bulkLoad("%in+16", "128")), {"behind the end"}, launch, counting(32));
  expectFault(FaultKind::Uninitialized, here(bulkLoad("%in", "%r9")), {"an operand"}, launch, counting(32));
  expectFault(FaultKind::CopyPending, replaced(replaced(bulkLoad("%in", "128"), waitTile, ""), "// READ", "// HERE"),
              {"the copy at PTX line 28"}, launch, counting(32));
}

/// All threads write the tile, thread 0 stores it.
static const char *const storeTile = R"(
  mov.u32 %r1, dynamic;
  shl.b32 %r2, %t, 2;
  add.s32 %r2, %r1, %r2;
  st.shared.b32 [%r2], %t;
  FENCE
  bar.sync 0;
  setp.ne.b32 %p1, %t, 0;
  @%p1 bra END;
  mov.b64 %d1, map0;
  STORE // HERE
  cp.async.bulk.commit_group;
  WAIT
END:)";

TEST(EmulatorCopy, StoresClipWhatLiesOutside) {
  std::string body =
      replaced(replaced(storeTile, "FENCE", "fence.proxy.async.shared::cta;"), "WAIT", "cp.async.bulk.wait_group 0;");
  body = replaced(body, "STORE", "cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%d1, {-2, 3}], [%r1];");
  Words out = run(body, {}, 48, {.dynamicShared = 128, .maps = {mapOf(false, {12, 4}, {8, 4})}});
  for (uint32_t i = 0; i < 48; ++i)
    EXPECT_EQ(out[i], i / 12 == 3 && i % 12 < 6 ? i % 12 + 2 : 0xffffffff) << i;
}

TEST(EmulatorCopy, StoresOfBytesClip) {
  std::string body =
      replaced(replaced(storeTile, "FENCE", "fence.proxy.async.shared::cta;"), "WAIT", "cp.async.bulk.wait_group 0;");
  body = replaced(body, "STORE", "cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%d1, {-5, 3}], [%r1];");
  Words out = run(body, {}, 48, {.dynamicShared = 128, .maps = {mapOf(false, {48, 4}, {32, 4}, ofBytes)}});
  for (uint32_t i = 0; i < 192; ++i) {
    uint32_t from = i % 48 + 5;
    EXPECT_EQ(byteOf(out, i), i / 48 != 3 || from >= 32 ? 0xff : from % 4 ? 0 : from / 4) << i;
  }
}

static const char *const storeBytes = "cp.async.bulk.global.shared::cta.bulk_group [%out], [%r1], 128;";

TEST(EmulatorCopy, BulkStoresWriteBytes) {
  std::string body = replaced(replaced(storeTile, "FENCE", "fence.proxy.async.shared::cta;"), "STORE", storeBytes);
  body = replaced(body, "mov.b64 %d1, map0;", "");
  for (std::string wait : {"cp.async.bulk.wait_group 0;", "cp.async.bulk.wait_group.read 0;"}) {
    Words out = run(replaced(body, "WAIT", wait), {}, 32, {.dynamicShared = 128});
    for (uint32_t t = 0; t < 32; ++t)
      EXPECT_EQ(out[t], t) << wait;
  }
}

TEST(EmulatorCopyFault, StoreReadWithoutProxyFence) {
  std::string body = replaced(replaced(storeTile, "STORE", storeBytes), "WAIT", "cp.async.bulk.wait_group 0;");
  body = replaced(replaced(body, "mov.b64 %d1, map0;", ""), "FENCE", "");
  expectFault(FaultKind::ProxyFence, body, {"lane 0", "0x400", "fence.proxy.async"}, {.dynamicShared = 128});
}

TEST(EmulatorCopyFault, StoreNotAwaitedBeforeTheExit) {
  std::string body = replaced(replaced(storeTile, "STORE", storeBytes), "WAIT", "");
  body = replaced(replaced(body, "mov.b64 %d1, map0;", ""), "FENCE", "fence.proxy.async.shared::cta;");
  expectFault(FaultKind::CopyPending, body, {"lane 0", "before this copy has read shared memory"},
              {.dynamicShared = 128});
}

TEST(EmulatorCopyFault, TileOverwrittenWhileItsStoreReads) {
  // Only the older of two groups is awaited; the write hits the newer one's tile.
  std::string body = replaced(storeTile, "FENCE", "fence.proxy.async.shared::cta;");
  body = replaced(replaced(body, "mov.b64 %d1, map0;", ""), " // HERE", "");
  body = replaced(body, "STORE",
                  "cp.async.bulk.global.shared::cta.bulk_group [%out], [%r1], 64;\n  cp.async.bulk.commit_group;\n"
                  "  cp.async.bulk.global.shared::cta.bulk_group [%out+64], [%r1+64], 64;");
  std::string wait = "cp.async.bulk.wait_group.read PENDING;\n  st.shared.b32 [%r1+64], 0; // HERE\n"
                     "  cp.async.bulk.wait_group.read 0;";
  body = replaced(body, "WAIT", wait);
  expectFault(FaultKind::Race, replaced(body, "PENDING", "1"), {"a bulk store of warp 0", "0x440"},
              {.dynamicShared = 128});
  Words out = run(replaced(body, "PENDING", "0"), {}, 32, {.dynamicShared = 128});
  EXPECT_EQ(out[16], 16u);
}

TEST(EmulatorCopyFault, TileReadBeforeItsPhase) {
  std::string body = tileBody(128, {0}) + replaced(replaced(copyOut, "WORDS", "32"), "// READ", "// HERE");
  body = replaced(replaced(body, "FENCE", "fence.mbarrier_init.release.cluster;"), "WAITFOR", "");
  expectFault(FaultKind::CopyPending, body, {"warp 0, lane 0", "0x400", "the copy at PTX line 28"},
              {.dynamicShared = 8256, .maps = {mapOf(true, {32}, {32})}}, counting(32));
}

TEST(EmulatorCopyFault, MbarrierNotVisibleToTheCopy) {
  std::string body = replaced(replaced(tileBody(128, {0}), "WAITFOR", waitTile), "// COPY", "// HERE");
  Launch launch = {.dynamicShared = 8256, .maps = {mapOf(true, {32}, {32})}};
  expectFault(FaultKind::ProxyFence, replaced(body, "FENCE", ""), {"fence.mbarrier_init"}, launch, counting(32));
  run(replaced(body, "FENCE", "fence.proxy.async.shared::cta;"), counting(32), 1, launch);
}

TEST(EmulatorCopyFault, TensorMapThatIsNone) {
  std::string body = replaced(rightTile(128, {0}), "// COPY", "// HERE");
  TensorMap map = mapOf(true, {32}, {32});
  expectFault(FaultKind::TensorMap, replaced(body, "map0;", "map0;\nmov.b64 %d1, %in;"),
              {"there is no tensor map at 0x"}, {.dynamicShared = 8256, .maps = {map}}, counting(32));
  expectFault(FaultKind::TensorMap, body, {"the tensor map has rank 2, the instruction 1 coordinates"},
              {.dynamicShared = 8256, .maps = {mapOf(true, {32, 2}, {32, 1})}}, counting(64));
}

TEST(EmulatorCopyFault, TensorLargerThanItsAllocation) {
  std::string body = replaced(rightTile(128, {32}), "// COPY", "// HERE");
  expectFault(FaultKind::OutOfBounds, body, {"bytes behind the end of an allocation of 128 bytes"},
              {.dynamicShared = 8256, .maps = {mapOf(true, {64}, {32})}}, counting(32));
}

TEST(EmulatorCopyFault, FewerBytesThanExpectedIsADeadlock) {
  expectFault(FaultKind::Deadlock,
              replaced(rightTile(132, {0}), "mbarrier.try_wait", "/* // HERE */ mbarrier.try_wait"),
              {"and 4 bytes pending"}, {.dynamicShared = 8256, .maps = {mapOf(true, {32}, {32})}}, counting(32));
}

static Settings lazy() {
  Settings settings;
  settings.policy = Policy::Lazy;
  settings.threads = 1;
  return settings;
}

/// A fault that occurs only with a late completion.
static void expectLazyFault(FaultKind kind, const std::string &body, const std::string &part, const Launch &launch) {
  Outcome outcome = runOnce(body, counting(32), 64, launch, lazy());
  ASSERT_TRUE(outcome.fault);
  EXPECT_EQ(outcome.fault->kind, kind) << outcome.fault->message();
  EXPECT_NE(outcome.fault->text.find(part), std::string::npos) << outcome.fault->text;
}

TEST(EmulatorCopyFault, BlockExitsBeforeItsTileIsThere) {
  std::string body = replaced(tileBody(128, {0}), "FENCE", "fence.mbarrier_init.release.cluster;");
  Launch launch = {.dynamicShared = 8256, .maps = {mapOf(true, {32}, {32})}};
  expectLazyFault(FaultKind::CopyPending, replaced(body, "WAITFOR", ""), "the block exits before this copy", launch);
  EXPECT_FALSE(runOnce(replaced(body, "WAITFOR", waitTile), counting(32), 64, launch, lazy()).fault);
}

TEST(EmulatorCopyFault, OneTryOfAWaitIsNotEnough) {
  std::string body = replaced(tileBody(128, {0}), "FENCE", "fence.mbarrier_init.release.cluster;");
  body += replaced(copyOut, "WORDS", "32");
  std::string once = "mbarrier.try_wait.parity.shared::cta.b64 %p2, [%r1+8192], 0;";
  Launch launch = {.dynamicShared = 8256, .maps = {mapOf(true, {32}, {32})}};
  expectLazyFault(FaultKind::CopyPending, replaced(body, "WAITFOR", once), "the copy at PTX line 28", launch);
  EXPECT_FALSE(runOnce(replaced(body, "WAITFOR", waitTile), counting(32), 64, launch, lazy()).fault);
}

/// Thread t copies its word, and thread 0 stores all of them.
static const char *const wordsThenStore = R"(
  mov.u32 %r1, dynamic;
  shl.b32 %r2, %t, 2;
  add.s32 %r3, %r1, %r2;
  cp.async.ca.shared.global [%r3], [%from], 4;
  cp.async.commit_group;
  cp.async.wait_group 0;
  FENCE
  bar.sync 0;
  setp.ne.b32 %p1, %t, 0;
  @%p1 bra DONE;
  cp.async.bulk.global.shared::cta.bulk_group [%out], [%r1], 128; // HERE
  cp.async.bulk.commit_group;
  cp.async.bulk.wait_group 0;
DONE:)";

TEST(EmulatorCopyFault, WordsAreWrittenThroughTheGenericProxy) {
  Launch launch = {.dynamicShared = 128};
  expectFault(FaultKind::ProxyFence, replaced(wordsThenStore, "FENCE", ""), {"fence.proxy.async"}, launch);
  EXPECT_EQ(run(replaced(wordsThenStore, "FENCE", "fence.proxy.async.shared::cta;"), counting(32), 32, launch),
            counting(32));
}

TEST(EmulatorCopy, FenceOfOneLaneCoversItsWarpBehindABarrierOfTheWarp) {
  std::string body = replaced(storeTile, "STORE", std::string("fence.proxy.async.shared::cta;\n  ") + storeBytes);
  body = replaced(replaced(body, "mov.b64 %d1, map0;", ""), "WAIT", "cp.async.bulk.wait_group 0;");
  body = replaced(replaced(body, "bar.sync 0;", "bar.warp.sync -1;"), "FENCE", "");
  Words out = run(body, {}, 32, {.dynamicShared = 128});
  for (uint32_t t = 0; t < 32; ++t)
    EXPECT_EQ(out[t], t);
}
