//===- Device.cpp - Devices of the cost model -------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/Analysis/Device.h"
#include "mla/Dialect/MLA/IR/TargetInfo.h"

#include "llvm/ADT/APSInt.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;
using namespace mla;
using llvm::Twine;
namespace json = llvm::json;

const Device &Device::h100() {
  static const Device device = {"h100", 3.07e12, 2.4e12, 744e12,         1.1e15, 2.75e-6,
                                5e-6,   128,     64,     80'000'000'000, "h100"};
  return device;
}

const Device &Device::h200() {
  static const Device device = {"h200", 4.39e12, 2.61e12, 729e12,          1.1e15, 2.75e-6,
                                5e-6,   128,     64,      141'000'000'000, "h100"};
  return device;
}

const Device &Device::cpu() {
  static const Device device = {"cpu", 20e9, 16e9, 130e9, 0, 5e-6, 0, 1, 1, 64'000'000'000, "cpu"};
  return device;
}

llvm::ArrayRef<const Device *> Device::getKnown() {
  static const Device *const devices[] = {&h100(), &h200(), &cpu()};
  return devices;
}

//===----------------------------------------------------------------------===//
// Fields
//===----------------------------------------------------------------------===//

namespace {
struct Rate {
  StringRef key;
  double Device::*member;
  bool positive = true;
  bool optional = false;
};
struct Count {
  StringRef key;
  int64_t Device::*member;
};
} // namespace

static constexpr Rate rates[] = {
    {"read_bytes_per_second", &Device::readRate},
    {"copy_bytes_per_second", &Device::copyRate},
    {"flops_per_second", &Device::flopRate},
    {"e4m3_flops_per_second", &Device::e4m3FlopRate, true, /*optional=*/true},
    {"launch_seconds", &Device::launchSeconds, false},
    {"attention_seconds", &Device::attentionSeconds, false},
};
static constexpr Count counts[] = {
    {"token_tile", &Device::tokenTile}, {"row_tile", &Device::rowTile}, {"memory_bytes", &Device::memoryBytes}};

static bool isField(StringRef key) {
  return key == "name" || llvm::is_contained(llvm::map_range(rates, [](Rate rate) { return rate.key; }), key) ||
         llvm::is_contained(llvm::map_range(counts, [](Count count) { return count.key; }), key);
}

static llvm::Error error(const Twine &text) { return llvm::createStringError(text); }

static llvm::Error readRate(const json::Object &object, const Rate &rate, Device &device) {
  constexpr double most = 1e21, least = 1 / most; // quotients of such are numbers
  if (rate.optional && !object.get(rate.key))
    return llvm::Error::success();
  std::optional<double> number = object.getNumber(rate.key);
  if (!number || !(*number >= 0) || *number > most || (rate.positive && *number < least))
    return error(rate.key + (object.get(rate.key) ? " must be a positive number" : " is missing") +
                 "; see docs/the-trap.md for the fields of a device");
  device.*rate.member = *number;
  return llvm::Error::success();
}

static llvm::Error readCount(const json::Object &object, const Count &count, Device &device) {
  std::optional<double> number = object.getNumber(count.key); // 8e10 is a whole number too
  constexpr double most = 1e15;
  if (!number || !(*number >= 1) || *number > most || *number != static_cast<double>(static_cast<int64_t>(*number)))
    return error(count.key + (object.get(count.key) ? " must be a positive integer" : " is missing") +
                 "; see docs/the-trap.md for the fields of a device");
  device.*count.member = static_cast<int64_t>(*number);
  return llvm::Error::success();
}

static llvm::Expected<Device> readDevice(const json::Object &object) {
  Device device;
  device.name = object.getString("name").value_or("").str();
  if (device.name.empty())
    return error("name is missing; name the device");
  for (const auto &[key, value] : object)
    if (!isField(key))
      return error("unknown field '" + StringRef(key) + "'; see docs/the-trap.md for the fields of a device");
  for (const Rate &rate : rates)
    if (llvm::Error wrong = readRate(object, rate, device))
      return wrong;
  for (const Count &count : counts)
    if (llvm::Error wrong = readCount(object, count, device))
      return wrong;
  if (device.copyRate >= 2 * device.readRate)
    return error("copy_bytes_per_second must be under twice read_bytes_per_second: half of a copy is reading");
  return device;
}

//===----------------------------------------------------------------------===//
// Files and names
//===----------------------------------------------------------------------===//

static llvm::Error at(const Twine &where, llvm::Error wrong) {
  return error(where + ": " + llvm::toString(std::move(wrong)));
}

llvm::Expected<Device> mla::parseDevice(StringRef text, StringRef where) {
  // Limits nesting, which would exhaust the stack: LLVM's parser recurses.
  constexpr size_t longest = 4096;
  if (text.size() > longest)
    return error(where + ": " + "expected the description of a device, got " + Twine(text.size()) +
                 " bytes; give one object");
  llvm::Expected<json::Value> value = json::parse(text);
  if (!value)
    return error(where + ": not valid JSON: " + llvm::toString(value.takeError()) + "; correct the file");
  const json::Object *object = value->getAsObject();
  if (!object)
    return error(where + ": expected a JSON object; give one with the fields of a device");
  llvm::Expected<Device> device = readDevice(*object);
  return device ? std::move(device) : at(where, device.takeError());
}

static std::string listKnown() {
  return llvm::join(llvm::map_range(Device::getKnown(), [](const Device *known) { return known->name; }), ", ");
}

llvm::Expected<Device> mla::findDevice(StringRef nameOrFile) {
  for (const Device *known : Device::getKnown())
    if (nameOrFile == known->name)
      return *known;
  const std::string choices = listKnown() + " or a JSON file that describes a device";
  // Opening a pipe would wait for a writer.
  if (llvm::sys::fs::exists(nameOrFile) && !llvm::sys::fs::is_regular_file(nameOrFile))
    return error(nameOrFile + ": is not a regular file; give " + choices);
  auto buffer = llvm::MemoryBuffer::getFile(nameOrFile, /*IsText=*/true);
  if (!buffer)
    return error(nameOrFile + ": cannot be read: " + buffer.getError().message() + "; give " + choices);
  return parseDevice((*buffer)->getBuffer(), nameOrFile);
}

//===----------------------------------------------------------------------===//
// DLTI
//===----------------------------------------------------------------------===//

/// Return the value of a field; null, which no field accepts, for other types and integers that do not fit in 64 bits.
static json::Value valueOf(Attribute attribute) {
  if (auto text = dyn_cast<StringAttr>(attribute))
    return text.getValue();
  if (auto number = dyn_cast<FloatAttr>(attribute))
    return number.getValueAsDouble();
  if (auto whole = dyn_cast<IntegerAttr>(attribute))
    if (auto number = llvm::APSInt(whole.getValue(), whole.getType().isUnsignedInteger()).tryExtValue())
      return *number;
  return nullptr;
}

/// Collect the entries of one device that are fields of the cost model.
static json::Object collectFields(TargetDeviceSpecInterface spec) {
  json::Object fields;
  for (DataLayoutEntryInterface entry : spec.getEntries())
    if (auto key = dyn_cast<StringAttr>(entry.getKey()); key && isField(key))
      fields[key.getValue()] = valueOf(entry.getValue());
  return fields;
}

llvm::Expected<std::optional<Device>> mla::findDevice(ModuleOp module) {
  TargetDeviceSpecInterface spec = findDeviceSpec(module, [](StringRef key) { return key != "name" && isField(key); });
  if (!spec)
    return std::nullopt;
  llvm::Expected<Device> device = readDevice(collectFields(spec));
  if (!device)
    return at("dlti.target_system_spec", device.takeError());
  return std::move(*device);
}

llvm::Expected<Device> mla::findDevice(ModuleOp module, StringRef nameOrFile) {
  if (!nameOrFile.empty())
    return findDevice(nameOrFile);
  llvm::Expected<std::optional<Device>> own = findDevice(module);
  if (!own)
    return own.takeError();
  return own->value_or(Device::h100());
}
