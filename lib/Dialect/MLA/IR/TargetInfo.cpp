//===- TargetInfo.cpp - Facts of a GPU target -------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/IR/TargetInfo.h"

#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;
using namespace mla;

static TargetSystemSpecInterface findSystem(Operation *op) {
  for (; op; op = op->getParentOp())
    if (auto system = op->getAttrOfType<TargetSystemSpecInterface>("dlti.target_system_spec"))
      return system;
  return nullptr;
}

static Attribute findEntry(TargetDeviceSpecInterface device, StringRef key) {
  for (DataLayoutEntryInterface entry : device.getEntries())
    if (auto name = dyn_cast<StringAttr>(entry.getKey()); name && name.getValue() == key)
      return entry.getValue();
  return nullptr;
}

static bool hasKey(TargetDeviceSpecInterface device, llvm::function_ref<bool(StringRef)> isKey) {
  return llvm::any_of(device.getEntries(), [&](DataLayoutEntryInterface entry) {
    auto name = dyn_cast<StringAttr>(entry.getKey());
    return name && isKey(name.getValue());
  });
}

TargetDeviceSpecInterface mla::findDeviceSpec(Operation *op, llvm::function_ref<bool(StringRef)> isKey) {
  if (TargetSystemSpecInterface system = findSystem(op))
    for (DataLayoutEntryInterface entry : system.getEntries())
      if (auto device = dyn_cast<TargetDeviceSpecInterface>(entry.getValue()); device && hasKey(device, isKey))
        return device;
  return nullptr;
}

static TargetDeviceSpecInterface findChip(Operation *op) {
  return findDeviceSpec(op, [](StringRef key) { return key == TargetInfo::kChip; });
}

LogicalResult TargetInfo::verifySpec(Operation *op) {
  constexpr int64_t most = 65536;
  TargetDeviceSpecInterface device = findChip(op);
  if (!device)
    return success();
  for (StringRef key : {kName, kChip, kFeatures})
    if (Attribute fact = findEntry(device, key); fact && !isa<StringAttr>(fact))
      return op->emitError() << "expected '" << key << "' of the target spec to be a string, got " << fact;
  Attribute fact = findEntry(device, kMultiprocessors);
  auto number = dyn_cast_if_present<IntegerAttr>(fact);
  bool isValid = number && number.getType().isSignlessInteger(64) && number.getInt() >= 1 && number.getInt() <= most;
  if (fact && !isValid)
    return op->emitError() << "expected 'multiprocessors' of the target spec to be an i64 from 1 to " << most
                           << ", got " << fact;
  return success();
}

void TargetInfo::update(Operation *op) {
  TargetDeviceSpecInterface device = findChip(op);
  if (!device)
    return;
  for (auto [key, text] : {std::pair(kName, &name), std::pair(kChip, &chip), std::pair(kFeatures, &features)})
    if (auto stated = dyn_cast_if_present<StringAttr>(findEntry(device, key)))
      *text = stated.str();
  if (auto number = dyn_cast_if_present<IntegerAttr>(findEntry(device, kMultiprocessors)))
    multiprocessors = number.getInt();
}
