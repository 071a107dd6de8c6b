//===- TargetInfo.cpp - Facts of a GPU target -------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/IR/TargetInfo.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"

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

void TargetInfo::update(Operation *op) {
  TargetSystemSpecInterface system = findSystem(op);
  if (!system)
    return;
  for (DataLayoutEntryInterface entry : system.getEntries()) {
    auto device = dyn_cast<TargetDeviceSpecInterface>(entry.getValue());
    if (!device || !isa_and_present<StringAttr>(findEntry(device, kChip)))
      continue;
    for (auto [key, text] : {std::pair(kName, &name), std::pair(kChip, &chip), std::pair(kFeatures, &features)})
      if (auto stated = dyn_cast_if_present<StringAttr>(findEntry(device, key)))
        *text = stated.str();
    if (auto number = dyn_cast_if_present<IntegerAttr>(findEntry(device, kMultiprocessors));
        number && number.getInt() > 0)
      multiprocessors = number.getInt();
    return;
  }
}
