//===- SafetensorsWriterTest.cpp - Streaming to safetensors files ---------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "mla/safetensors.h"

#include <csignal>
#include <cstring>
#include <filesystem>
#include <sys/resource.h>
#include <thread>

using namespace mla;

static SafetensorsWriter create(const std::string &path, const std::vector<SafetensorsSpec> &specs,
                                const SafetensorsMetadata &metadata = {}) {
  Result<SafetensorsWriter> writer = SafetensorsWriter::create(path, specs, metadata);
  EXPECT_TRUE(writer) << writer.error().message();
  return std::move(*writer);
}

TEST(SafetensorsWriter, RoundTripsInPiecesAndInAnyOrder) {
  TempDir directory;
  std::string path = directory / "a.safetensors";
  SafetensorsMetadata metadata = {{"config", "{\"a\": \"b\\n\"}"}, {"odd \"key\"\x01", "tab\tend"}};
  std::string big(1000 * 4, 0), bytes = "abc";
  for (size_t i = 0; i < big.size(); ++i)
    big[i] = static_cast<char>(i * 7);
  {
    SafetensorsWriter writer = create(path,
                                      {{"bytes", DType::U8, {3}},
                                       {"big \"quoted\"", DType::F32, {10, 100}},
                                       {"lines", DType::BF16, {4, 32}},
                                       {"empty", DType::F64, {0, 5}},
                                       {"scalar", DType::I64, {}}},
                                      metadata);
    int64_t scalar = -5;
    std::string lines(256, 'l');
    EXPECT_FALSE(writer.write("big \"quoted\"", 2000, big.data() + 2000, 2000));
    EXPECT_FALSE(writer.write("bytes", 0, bytes.data(), 3));
    EXPECT_FALSE(writer.write("big \"quoted\"", 0, big.data(), 1000));
    EXPECT_FALSE(writer.write("scalar", 0, &scalar, 8));
    EXPECT_FALSE(writer.write("big \"quoted\"", 500, big.data() + 500, 1500));
    EXPECT_FALSE(writer.write("lines", 0, lines.data(), 256));
    EXPECT_FALSE(writer.finish());
    EXPECT_TRUE(writer.finish()) << "a second finish() must fail";
    EXPECT_TRUE(writer.write("bytes", 0, bytes.data(), 3)) << "no writing after finish()";
  }
  Result<SafetensorsFile> file = SafetensorsFile::open(path);
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->metadata(), metadata);
  ASSERT_EQ(file->tensors().size(), 5u);
  const SafetensorsTensor *read = file->find("big \"quoted\"");
  ASSERT_NE(read, nullptr);
  EXPECT_EQ(std::memcmp(read->data, big.data(), big.size()), 0);
  EXPECT_EQ(std::memcmp(file->find("bytes")->data, "abc", 3), 0);
  for (const SafetensorsTensor &tensor : file->tensors())
    EXPECT_TRUE(tensor.isAligned()) << tensor.name;
  EXPECT_EQ(reinterpret_cast<uintptr_t>(file->find("lines")->data) % 64, 0u);
}

TEST(SafetensorsWriter, ThreadsMayWrite) {
  TempDir directory;
  constexpr int64_t count = 64, piece = 4096;
  SafetensorsWriter writer = create(directory / "a", {{"t", DType::U8, {count, piece}}});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int64_t i = t; i < count; i += 4) {
        std::string bytes(piece, static_cast<char>(i));
        EXPECT_FALSE(writer.write("t", i * piece, bytes.data(), piece));
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_FALSE(writer.finish());
  Result<SafetensorsFile> file = SafetensorsFile::open(directory / "a");
  ASSERT_TRUE(file);
  for (int64_t i = 0; i < count * piece; ++i)
    ASSERT_EQ(static_cast<const char *>(file->find("t")->data)[i], static_cast<char>(i / piece));
}

TEST(SafetensorsWriter, RemovesAnUnfinishedFile) {
  TempDir directory;
  std::string path = directory / "a.safetensors";
  {
    SafetensorsWriter writer = create(path, {{"a", DType::F32, {4}}});
    float value = 0;
    EXPECT_FALSE(writer.write("a", 4, &value, 4));
    Error error = writer.finish();
    ASSERT_TRUE(error);
    EXPECT_NE(error.message().find("tensor 'a': byte 0 of 16 was never written"), std::string::npos) << error.message();
    EXPECT_FALSE(writer.write("a", 0, &value, 4));
    EXPECT_NE(writer.finish().message().find("byte 8 of 16"), std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(SafetensorsWriter, RefusesWrongCalls) {
  TempDir directory;
  std::string path = directory / "a";
  EXPECT_FALSE(SafetensorsWriter::create(path, {{"a", DType::F32, {1}}, {"a", DType::F32, {1}}}));
  EXPECT_FALSE(SafetensorsWriter::create(path, {{"", DType::F32, {1}}}));
  EXPECT_FALSE(SafetensorsWriter::create(path, {{"__metadata__", DType::F32, {1}}}));
  EXPECT_FALSE(SafetensorsWriter::create(path, {{"a", DType::F32, {-1}}}));
  EXPECT_FALSE(SafetensorsWriter::create(path, {{"a", DType::F32, {INT64_MAX / 2, 2}}}));
  EXPECT_FALSE(SafetensorsWriter::create(directory / "none/a", {{"a", DType::F32, {1}}}));
  EXPECT_FALSE(SafetensorsWriter::create("/dev/null", {{"a", DType::F32, {1}}}));
  EXPECT_TRUE(std::filesystem::exists("/dev/null"));
  EXPECT_FALSE(std::filesystem::exists(path));

  SafetensorsWriter writer = create(path, {{"a", DType::F32, {1}}});
  float value = 0;
  EXPECT_TRUE(writer.write("b", 0, &value, 4));
  EXPECT_TRUE(writer.write("a", 1, &value, 4));
  EXPECT_TRUE(writer.write("a", UINT64_MAX, &value, 4));
  EXPECT_TRUE(writer.write("a", 0, &value, UINT64_MAX));
}

TEST(SafetensorsWriter, ReportsThatSpaceIsOut) {
  TempDir directory;
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before = {}, small = {};
  getrlimit(RLIMIT_FSIZE, &before);
  small = before;
  small.rlim_cur = 1 << 16;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  Result<SafetensorsWriter> writer = SafetensorsWriter::create(directory / "a", {{"a", DType::U8, {1 << 20}}});
  Error error = writer ? writer->write("a", 0, std::string(1 << 20, 'x').data(), 1 << 20) : writer.error();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_TRUE(error);
  EXPECT_EQ(error.kind(), ErrorKind::IO);
  EXPECT_NE(error.message().find("raise the limit on file sizes"), std::string::npos) << error.message();
}

//===----------------------------------------------------------------------===//
// Unfinished files
//===----------------------------------------------------------------------===//

static const std::vector<SafetensorsSpec> twoTensors = {{"a", DType::U8, {100}}, {"b", DType::U8, {100}}};

/// Writes a file in which `a` is complete and `b` is not.
static void leaveUnfinished(const std::string &path) {
  SafetensorsWriter writer = create(path, twoTensors);
  EXPECT_FALSE(writer.write("a", 0, std::string(100, 'a').data(), 100));
  EXPECT_FALSE(writer.write("b", 0, std::string(50, 'x').data(), 50));
  EXPECT_FALSE(writer.flush());
  writer.keep();
}

TEST(SafetensorsWriter, GoesOnWithAnUnfinishedFile) {
  TempDir directory;
  std::string path = directory / "a.safetensors";
  leaveUnfinished(path);
  Result<SafetensorsWriter> writer = SafetensorsWriter::resume(path, twoTensors, {"a"});
  ASSERT_TRUE(writer) << writer.error().message();
  Error unfinished = writer->finish();
  EXPECT_NE(unfinished.message().find("tensor 'b': byte 0 of 100 was never written"), std::string::npos)
      << unfinished.message();
  EXPECT_FALSE(writer->write("b", 0, std::string(100, 'b').data(), 100));
  EXPECT_FALSE(writer->finish());
  Result<SafetensorsFile> file = SafetensorsFile::open(path);
  ASSERT_TRUE(file) << file.error().message();
  for (const char *name : {"a", "b"})
    EXPECT_EQ(std::string(static_cast<const char *>(file->find(name)->data), 100), std::string(100, name[0]));
}

TEST(SafetensorsWriter, LeavesForeignFilesAlone) {
  TempDir directory;
  std::string path = directory / "a.safetensors";
  leaveUnfinished(path);
  EXPECT_FALSE(SafetensorsWriter::resume(path, {{"a", DType::U8, {100}}, {"c", DType::U8, {100}}}, {"a"}));
  EXPECT_FALSE(SafetensorsWriter::resume(path, twoTensors, {"c"}));
  EXPECT_FALSE(SafetensorsWriter::resume(directory / "none", twoTensors, {}));
  std::filesystem::resize_file(path, 150);
  EXPECT_FALSE(SafetensorsWriter::resume(path, twoTensors, {"a", "b"}));
  EXPECT_TRUE(std::filesystem::exists(path));
}
