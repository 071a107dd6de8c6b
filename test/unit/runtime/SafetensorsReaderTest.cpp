//===- SafetensorsReaderTest.cpp - Opening safetensors files --------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestSupport.h"

#include "mla/safetensors.h"

#include <cstring>
#include <filesystem>

using namespace mla;

static std::string header(const std::string &entries) { return "{" + entries + "}"; }
static std::string entry(const std::string &name, const std::string &dtype, const std::string &shape,
                         const std::string &offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}

TEST(SafetensorsReader, OpensEveryGoldenFile) {
  int count = 0;
  for (const auto &file : std::filesystem::recursive_directory_iterator(MLA_TEST_MODELS_DIR "/golden")) {
    if (file.path().extension() != ".safetensors")
      continue;
    Result<SafetensorsFile> opened = SafetensorsFile::open(file.path().string());
    ASSERT_TRUE(opened) << opened.error().message();
    EXPECT_FALSE(opened->tensors().empty());
    ++count;
  }
  EXPECT_GE(count, 8);
}

TEST(SafetensorsReader, FindsTensorsAndMetadata) {
  Result<SafetensorsFile> file = SafetensorsFile::open(MLA_TEST_MODELS_DIR "/golden/v3_plain.safetensors");
  ASSERT_TRUE(file) << file.error().message();
  const SafetensorsTensor *hidden = file->find("prefill.hidden");
  ASSERT_NE(hidden, nullptr);
  EXPECT_EQ(hidden->dtype, DType::F32);
  EXPECT_EQ(hidden->shape, (std::vector<int64_t>{1, 33, 256}));
  EXPECT_EQ(hidden->bytes, 33u * 256 * 4);
  EXPECT_EQ(hidden->numElements(), 33 * 256);
  EXPECT_NE(file->metadata().at("config").find("deepseek_v3"), std::string::npos);
  EXPECT_EQ(file->find("prefill.hidde"), nullptr);
  EXPECT_EQ(file->find(""), nullptr);
}

TEST(SafetensorsReader, ReadsEveryDType) {
  for (const auto &[name, size] : {std::pair("BOOL", 1),
                                   {"U8", 1},
                                   {"I8", 1},
                                   {"F8_E4M3", 1},
                                   {"F8_E5M2", 1},
                                   {"F8_E8M0", 1},
                                   {"I16", 2},
                                   {"U16", 2},
                                   {"F16", 2},
                                   {"BF16", 2},
                                   {"I32", 4},
                                   {"U32", 4},
                                   {"F32", 4},
                                   {"I64", 8},
                                   {"U64", 8},
                                   {"F64", 8}}) {
    std::optional<DType> dtype = parseDType(name);
    ASSERT_TRUE(dtype) << name;
    EXPECT_STREQ(dtypeName(*dtype), name);
    EXPECT_EQ(dtypeSize(*dtype), static_cast<unsigned>(size)) << name;
  }
  EXPECT_FALSE(parseDType("F4"));
}

TEST(SafetensorsReader, ReadsUnalignedDataScalarsAndEmptyTensors) {
  TempDir directory;
  std::string path = directory / "a.safetensors";
  float value = 1.5;
  std::string data(1 + 4, 'x');
  std::memcpy(&data[1], &value, 4);
  // The byte tensor makes the scalar start at an odd address for any length of the header, or the header does.
  std::string text = header(entry("empty", "F32", "[2,0]", "[0,0]") + "," + entry("byte", "U8", "[1]", "[0,1]") + "," +
                            entry("scalar", "F32", "[]", "[1,5]"));
  while ((8 + text.size()) % 4)
    text += ' ';
  writeFile(path, safetensorsBytes(text, data));
  Result<SafetensorsFile> file = SafetensorsFile::open(path);
  ASSERT_TRUE(file) << file.error().message();
  const SafetensorsTensor *scalar = file->find("scalar");
  ASSERT_NE(scalar, nullptr);
  EXPECT_FALSE(scalar->isAligned());
  EXPECT_TRUE(file->find("byte")->isAligned());
  EXPECT_EQ(scalar->numElements(), 1);
  float got = 0;
  EXPECT_TRUE(scalar->read(0, &got, 4));
  EXPECT_EQ(got, 1.5f);
  EXPECT_FALSE(scalar->read(1, &got, 4));
  EXPECT_FALSE(scalar->read(UINT64_MAX, &got, 4));
  EXPECT_FALSE(scalar->read(0, &got, UINT64_MAX));
  EXPECT_EQ(file->find("empty")->bytes, 0u);
  EXPECT_TRUE(file->find("empty")->read(0, nullptr, 0));
}

TEST(SafetensorsReader, TypesThatAreNotKnownHarmNoOtherTensor) {
  TempDir directory;
  std::string path = directory / "a.safetensors", data;
  std::string text = entry("good", "F32", "[1]", "[0,4]");
  size_t at = 4;
  for (const auto &[name, bytes] : {std::pair("F4", 4), {"F6_E2M3", 3}, {"F6_E3M2", 3}, {"C64", 16}, {"OTHER", 5}}) {
    text += "," + entry(name, name, "[2,4]", "[" + std::to_string(at) + "," + std::to_string(at + bytes) + "]");
    at += bytes;
  }
  writeFile(path, safetensorsBytes(header(text), std::string(at, 'x')));
  Result<SafetensorsFile> file = SafetensorsFile::open(path);
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->find("good")->numElements(), 1);
  EXPECT_STREQ(file->find("good")->typeName(), "F32");
  for (const char *name : {"F4", "F6_E2M3", "F6_E3M2", "C64", "OTHER"}) {
    EXPECT_EQ(file->find(name)->dtype, DType::Other);
    EXPECT_STREQ(file->find(name)->typeName(), name);
  }
  EXPECT_EQ(file->find("C64")->bytes, 16u);
}

TEST(SafetensorsReader, OpensAHeaderOfManyTensors) {
  TempDir directory;
  constexpr int count = 300000;
  std::string text;
  for (int i = 0; i < count; ++i)
    text += (i ? "," : "") + entry("model.layers.0.mlp.experts." + std::to_string(i) + ".s", "U8", "[1]",
                                   "[" + std::to_string(i) + "," + std::to_string(i + 1) + "]");
  writeFile(directory / "a", safetensorsBytes(header(text), std::string(count, 'x')));
  Result<SafetensorsFile> file = SafetensorsFile::open(directory / "a");
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->tensors().size(), size_t(count));
}

TEST(SafetensorsReader, AcceptsAFileWithoutTensors) {
  TempDir directory;
  writeFile(directory / "a", safetensorsBytes("{}", ""));
  EXPECT_TRUE(SafetensorsFile::open(directory / "a"));
}

TEST(SafetensorsReader, OffsetsBeyond32Bits) {
  TempDir directory;
  std::string path = directory / "sparse.safetensors";
  std::string text = header(entry("a", "U8", "[5000000000]", "[0,5000000000]") + "," +
                            entry("b", "U8", "[1]", "[5000000000,5000000001]"));
  writeFile(path, safetensorsBytes(text, ""));
  std::filesystem::resize_file(path, 8 + text.size() + 5000000001); // a hole: it takes no space
  Result<SafetensorsFile> file = SafetensorsFile::open(path);
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->find("a")->bytes, 5000000000u);
  char last = 'x';
  EXPECT_TRUE(file->find("b")->read(0, &last, 1));
  EXPECT_EQ(last, 0);
}

namespace {
/// A file, and the expected error.
struct BadFile {
  const char *name;
  std::string bytes;
  const char *says;
};

/// For GoogleTest, which otherwise prints the bytes.
void PrintTo(const BadFile &file, std::ostream *stream) { *stream << file.name; }

class SafetensorsReaderRefuses : public ::testing::TestWithParam<BadFile> {};

BadFile bad(const char *name, const std::string &text, const std::string &data, const char *says) {
  return {name, safetensorsBytes(text, data), says};
}

std::vector<BadFile> badFiles() {
  std::string four(4, 0), eight(8, 0);
  std::string good = entry("a", "F32", "[1]", "[0,4]");
  std::string huge(8, '\xff');
  return {
      {"empty", "", "has 0 bytes"},
      {"short", "1234567", "has 7 bytes"},
      {"headerBeyondFile", std::string("\x10\0\0\0\0\0\0\0{}", 10), "would end at byte 24 of a file of 10"},
      {"headerOver100MB", huge + "{}", "more than the format's limit"},
      {"headerEmpty", std::string(8, 0), "not valid JSON"},
      bad("notJSON", "hello", "", "not valid JSON"),
      bad("cutJSON", "{\"a\":", "", "not valid JSON"),
      bad("twoValues", "{}{}", "", "not valid JSON"),
      bad("nulAfterHeader", std::string("{}\0x", 4), "", "NUL byte"),
      bad("badUTF8", "{\"\xff\":1}", "", "not valid JSON"),
      bad("deep", std::string(100000, '['), "", "nested deeper"),
      bad(
          "manyValues",
          "[" +
              [] {
                std::string values = "0";
                for (int i = 0; i < 2000001; ++i)
                  values += ",0";
                return values;
              }() +
              "]",
          "", "more than 262144 values"),
      bad("notObject", "[]", "", "must be a JSON object, is an array"),
      bad("entryNotObject", header("\"a\":3"), "", "tensor 'a': the entry must be an object, is an integer"),
      bad("noDType", header("\"a\":{\"shape\":[],\"data_offsets\":[0,4]}"), four, "tensor 'a': no field 'dtype'"),
      bad("noShape", header("\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}"), four, "tensor 'a': no field 'shape'"),
      bad("noOffsets", header("\"a\":{\"dtype\":\"F32\",\"shape\":[]}"), four, "tensor 'a': no field 'data_offsets'"),
      bad("dtypeNotString", header("\"a\":{\"dtype\":4,\"shape\":[],\"data_offsets\":[0,4]}"), four,
          "dtype must be a string"),
      bad("unknownDTypeBeyondFile", header(entry("a", "F4_E2M1", "[8]", "[0,5]")), four, "beyond the file's 4 bytes"),
      {"pointerOfLfs", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 4302350736\n",
       "is a pointer of Git LFS"},
      bad("shapeNotArray", header(entry("a", "F32", "3", "[0,4]")), four, "shape must be an array"),
      bad("shapeNegative", header(entry("a", "F32", "[-1]", "[0,4]")), four, "shape has the negative number -1"),
      bad("shapeFraction", header(entry("a", "F32", "[1.0]", "[0,4]")), four, "shape must hold integers"),
      bad("shapeString", header(entry("a", "F32", "[\"1\"]", "[0,4]")), four, "shape must hold integers"),
      bad("shapeBeyond64Bits", header(entry("a", "F32", "[18446744073709551616]", "[0,4]")), four,
          "shape must hold integers of 64 bits"),
      bad("shapeOverflows", header(entry("a", "F32", "[4611686018427387904,2]", "[0,4]")), four, "overflows 64 bits"),
      bad("shapeOverflowsWithZero", header(entry("a", "U8", "[0,4611686018427387904,4]", "[0,0]")), "",
          "overflows 64 bits"),
      bad("rank",
          header(entry(
              "a", "U8",
              "[" +
                  [] {
                    std::string ones = "1";
                    for (int i = 0; i < 64; ++i)
                      ones += ",1";
                    return ones;
                  }() +
                  "]",
              "[0,1]")),
          "x", "more than 64 dimensions"),
      bad("offsetsNegative", header(entry("a", "F32", "[1]", "[-4,0]")), four, "data_offsets has the negative number"),
      bad("offsetsFraction", header(entry("a", "F32", "[1]", "[0,4.5]")), four, "data_offsets must hold integers"),
      bad("offsetsOne", header(entry("a", "F32", "[1]", "[0]")), four, "data_offsets must be [begin, end]"),
      bad("offsetsThree", header(entry("a", "F32", "[1]", "[0,4,4]")), four, "data_offsets must be [begin, end]"),
      bad("offsetsBackwards", header(entry("a", "F32", "[1]", "[4,0]")), four, "data_offsets must be [begin, end]"),
      bad("offsetsBeyondFile", header(entry("a", "F32", "[2]", "[0,8]")), four, "beyond the file's 4 bytes"),
      bad("sizeMismatch", header(entry("a", "F32", "[2]", "[0,4]")), four,
          "span 4 bytes, but F32 of shape [2] takes 8"),
      bad("overlap", header(good + "," + entry("b", "F32", "[1]", "[2,6]")), std::string(6, 0), "tensor 'b': its data"),
      bad("same", header(good + "," + entry("b", "F32", "[1]", "[0,4]")), four, "overlap those of another tensor"),
      bad("hole", header(good + "," + entry("b", "U8", "[2]", "[6,8]")), eight,
          "tensor 'b': before its data is a hole"),
      bad("holeAtStart", header(entry("a", "F32", "[1]", "[4,8]")), eight, "tensor 'a': before its data is a hole"),
      bad("uncoveredEnd", header(good), eight, "the tensors cover 4 of the file's 8 bytes"),
      bad("duplicate", header(good + "," + good), four, "the name 'a' appears twice"),
      bad("duplicateMetadata", header("\"__metadata__\":{},\"__metadata__\":{}"), "",
          "the name '__metadata__' appears twice"),
      bad("metadataNotObject", header("\"__metadata__\":[]"), "", "__metadata__ must be an object"),
      bad("metadataNotString", header("\"__metadata__\":{\"k\":1}"), "", "__metadata__: the value of 'k' must be"),
  };
}
} // namespace

TEST_P(SafetensorsReaderRefuses, WithItsReason) {
  TempDir directory;
  std::string path = directory / "bad.safetensors";
  writeFile(path, GetParam().bytes);
  Result<SafetensorsFile> file = SafetensorsFile::open(path);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().kind(), ErrorKind::InvalidFile);
  EXPECT_EQ(file.error().message().find(path), 0u) << file.error().message();
  EXPECT_NE(file.error().message().find(GetParam().says), std::string::npos) << file.error().message();
}

INSTANTIATE_TEST_SUITE_P(Files, SafetensorsReaderRefuses, ::testing::ValuesIn(badFiles()), byName);

TEST(SafetensorsReader, RefusesWhatIsNoFile) {
  TempDir directory;
  EXPECT_EQ(SafetensorsFile::open(directory / "none").error().kind(), ErrorKind::IO);
  Result<SafetensorsFile> opened = SafetensorsFile::open(directory.path);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message().find("not a regular file"), std::string::npos);
}

TEST(SafetensorsReader, SurvivesEveryCutAndFlippedByte) {
  TempDir directory;
  std::string path = directory / "a.safetensors";
  std::string good = safetensorsBytes(header("\"__metadata__\":{\"k\":\"v\"}," + entry("a", "F32", "[1,2]", "[0,8]")),
                                      std::string(8, 1));
  for (size_t i = 0; i < good.size(); ++i) {
    writeFile(path, good.substr(0, i));
    EXPECT_FALSE(SafetensorsFile::open(path)) << "cut at " << i;
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = good;
      flipped[i] ^= 1 << bit;
      writeFile(path, flipped);
      Result<SafetensorsFile> file = SafetensorsFile::open(path);
      for (size_t t = 0; file && t < file->tensors().size(); ++t) {
        const SafetensorsTensor &tensor = file->tensors()[t];
        std::string copy(tensor.bytes, 0);
        EXPECT_TRUE(tensor.read(0, copy.data(), copy.size()));
      }
    }
  }
}
