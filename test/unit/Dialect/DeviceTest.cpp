//===- DeviceTest.cpp - What the cost model knows of a device ---*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/Analysis/Device.h"

#include "mlir/Dialect/DLTI/DLTI.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace mla;

static const std::string text = R"({"name": "small", "read_bytes_per_second": 1e12, "copy_bytes_per_second": 8e11,
  "flops_per_second": 1e14, "launch_seconds": 0, "attention_seconds": 5e-6, "token_tile": 128, "row_tile": 64,
  "memory_bytes": 8e9})";

static std::string parseError(StringRef text) {
  llvm::Expected<Device> device = parseDevice(text, "device.json");
  return device ? "no error" : llvm::toString(device.takeError());
}

static std::string replaced(StringRef what, StringRef by) {
  std::string changed = text;
  return changed.replace(changed.find(what.str()), what.size(), by.str());
}

TEST(Device, IsRead) {
  llvm::Expected<Device> device = parseDevice(text, "device.json");
  ASSERT_TRUE(bool(device)) << llvm::toString(device.takeError());
  EXPECT_EQ(device->name, "small");
  EXPECT_EQ(device->readRate, 1e12);
  EXPECT_EQ(device->launchSeconds, 0);
  EXPECT_EQ(device->memoryBytes, 8'000'000'000);
}

TEST(Device, MayMultiplyE4m3FasterThanOtherTypes) {
  EXPECT_EQ(parseDevice(text, "device.json")->getE4m3FlopRate(), 1e14);
  std::string field = R"("flops_per_second": 1e14, "e4m3_flops_per_second": )";
  auto withRate = [&](StringRef rate) { return replaced(R"("flops_per_second": 1e14, )", field + rate.str() + ", "); };
  llvm::Expected<Device> device = parseDevice(withRate("2e14"), "device.json");
  ASSERT_TRUE(bool(device)) << llvm::toString(device.takeError());
  EXPECT_EQ(device->getE4m3FlopRate(), 2e14);
  for (StringRef rate : {"0", "-1", "null", "\"fast\""})
    EXPECT_EQ(parseError(withRate(rate)), "device.json: e4m3_flops_per_second must be a positive number; see "
                                          "docs/the-trap.md for the fields of a device");
  EXPECT_GT(Device::h100().getE4m3FlopRate(), Device::h100().flopRate);
  EXPECT_EQ(Device::cpu().getE4m3FlopRate(), Device::cpu().flopRate);
}

/// Reading 3.07 TB/s and copying 2.4 TB/s imply writing 1.97 TB/s.
TEST(Device, WritesAsFastAsItsCopyLeavesRoomFor) {
  const Device &h100 = Device::h100();
  EXPECT_NEAR(h100.getWriteRate(), 1.97e12, 0.01e12);
  double bytes = 1e9;
  EXPECT_NEAR(bytes / h100.readRate + bytes / h100.getWriteRate(), 2 * bytes / h100.copyRate, 1e-12);
}

TEST(Device, ErrorsSayWhereWhatAndWhatToDo) {
  StringRef see = "; see docs/the-trap.md for the fields of a device";
  EXPECT_EQ(parseError("[]"), "device.json: expected a JSON object; give one with the fields of a device");
  EXPECT_EQ(parseError("{}"), "device.json: name is missing; name the device");
  EXPECT_EQ(parseError(replaced("\"flops_per_second\": 1e14, ", "")),
            ("device.json: flops_per_second is missing" + see).str());
  EXPECT_EQ(parseError(replaced("1e14", "0")), ("device.json: flops_per_second must be a positive number" + see).str());
  EXPECT_EQ(parseError(replaced("1e14", "\"fast\"")),
            ("device.json: flops_per_second must be a positive number" + see).str());
  EXPECT_EQ(parseError(replaced("128", "1.5")), ("device.json: token_tile must be a positive integer" + see).str());
  EXPECT_EQ(parseError(replaced("name", "nam\": \"a\", \"name")), ("device.json: unknown field 'nam'" + see).str());
  EXPECT_EQ(parseError(replaced("8e11", "2e12")), "device.json: copy_bytes_per_second must be under twice "
                                                  "read_bytes_per_second: half of a copy is reading");
  EXPECT_TRUE(StringRef(parseError("{")).starts_with("device.json: not valid JSON: "));
  EXPECT_EQ(parseError(std::string(100'000, '[')),
            "device.json: expected the description of a device, got 100000 bytes; give one object");
}

TEST(Device, KnownDevicesNameTheTargetWhoseCodeTheyRun) {
  for (const Device *known : Device::getKnown())
    EXPECT_EQ(findDevice(known->target)->target, known->target) << known->name;
  EXPECT_EQ(Device::h200().target, "h100");
}

TEST(Device, IsFoundByName) {
  EXPECT_EQ(findDevice("h100")->readRate, Device::h100().readRate);
  EXPECT_EQ(findDevice("h200")->readRate, Device::h200().readRate);
  EXPECT_EQ(findDevice("cpu")->readRate, Device::cpu().readRate);
  llvm::Expected<Device> none = findDevice("none.json");
  ASSERT_FALSE(bool(none));
  EXPECT_EQ(llvm::toString(none.takeError()), "none.json: cannot be read: No such file or directory; give h100, h200, "
                                              "cpu or a JSON file that describes a device");
}

namespace {
class DeviceOfModule : public testing::Test {
protected:
  DeviceOfModule() { context.loadDialect<DLTIDialect>(); }
  llvm::Expected<std::optional<Device>> find(StringRef spec) {
    module = parseSourceString<ModuleOp>(("module attributes {" + spec + "} {}").str(), &context);
    return findDevice(*module);
  }
  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};
} // namespace

TEST_F(DeviceOfModule, IsTheOneWithTheseEntries) {
  llvm::Expected<std::optional<Device>> device = find(R"(dlti.target_system_spec = #dlti.target_system_spec<
    "CPU" = #dlti.target_device_spec<"L1_cache_size_in_bytes" = 65536 : i32>,
    "GPU" = #dlti.target_device_spec<"name" = "small", "read_bytes_per_second" = 1.0e12 : f64,
      "copy_bytes_per_second" = 8.0e11 : f64, "flops_per_second" = 1.0e14 : f64, "launch_seconds" = 2.0e-6 : f64,
      "attention_seconds" = 0.0 : f64, "token_tile" = 128 : i64, "row_tile" = 64 : i64,
      "memory_bytes" = 8000000000 : i64>>)");
  ASSERT_TRUE(bool(device)) << llvm::toString(device.takeError());
  ASSERT_TRUE(*device);
  EXPECT_EQ((*device)->name, "small");
  EXPECT_EQ((*device)->memoryBytes, 8'000'000'000);
}

TEST_F(DeviceOfModule, IsNoneWithoutThem) {
  EXPECT_FALSE(*find("test.none"));
  EXPECT_FALSE(*find(R"(dlti.target_system_spec = #dlti.target_system_spec<
    "CPU" = #dlti.target_device_spec<"L1_cache_size_in_bytes" = 65536 : i32>>)"));
}

TEST_F(DeviceOfModule, MustBeWhole) {
  llvm::Expected<std::optional<Device>> device = find(R"(dlti.target_system_spec = #dlti.target_system_spec<
      "GPU" = #dlti.target_device_spec<"name" = "small", "row_tile" = 64 : i64>>)");
  ASSERT_FALSE(bool(device));
  EXPECT_EQ(llvm::toString(device.takeError()), "dlti.target_system_spec: read_bytes_per_second is missing; see "
                                                "docs/the-trap.md for the fields of a device");
}

TEST_F(DeviceOfModule, RejectsFieldsOfOtherTypes) {
  for (StringRef value : {"[1.0e12 : f64]", "\"1e12\"", "36893488147419103232 : i128"}) {
    llvm::Expected<std::optional<Device>> device = find(("dlti.target_system_spec = #dlti.target_system_spec<\"GPU\" = "
                                                         "#dlti.target_device_spec<\"name\" = \"a\", "
                                                         "\"read_bytes_per_second\" = " +
                                                         value + ">>")
                                                            .str());
    ASSERT_FALSE(bool(device)) << value.str();
    EXPECT_EQ(llvm::toString(device.takeError()), "dlti.target_system_spec: read_bytes_per_second must be a positive "
                                                  "number; see docs/the-trap.md for the fields of a device");
  }
}
