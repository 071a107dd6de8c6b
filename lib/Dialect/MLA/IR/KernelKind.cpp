//===- KernelKind.cpp - Kinds of kernels, by target -------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/IR/KernelKind.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mla;

KernelKind::~KernelKind() = default;

//===----------------------------------------------------------------------===//
// Regions
//===----------------------------------------------------------------------===//

static LogicalResult verifyNoneTwice(KernelOp kernel, llvm::function_ref<bool(Operation *)> isAlsoStored) {
  llvm::SmallDenseMap<OperationName, Operation *> first;
  for (Operation &op : kernel.getBody().front()) {
    if (!isa_and_present<MLADialect>(op.getDialect()))
      continue;
    auto [known, isFirst] = first.try_emplace(op.getName(), &op);
    // Positions from the same lengths are equal; a projection dequantizes both operands.
    bool isSame = isa<PositionsOp>(op) && op.getOperands().drop_front() == known->second->getOperands().drop_front();
    if (!isFirst && !isSame && !isa<DequantizeOp>(op) && !isAlsoStored(&op) && !isAlsoStored(known->second))
      return kernel.emitOpError() << "(C4) expected one operation " << op.getName() << ", got two";
  }
  return success();
}

LogicalResult KernelKind::verifyRegion(KernelOp kernel) const {
  Block &block = kernel.getBody().front();
  // A sum has several additions, of which the last is the result.
  auto backwards = llvm::reverse(block);
  auto computed = llvm::find_if(backwards, [&](Operation &op) { return op.getName().getStringRef() == operation; });
  if (computed == backwards.end())
    return kernel.emitOpError() << "(C4) expected " << operation << " in a kernel of kind " << name;
  auto isAlsoStored = [&](Operation *op) { return op && alsoStores(op, &*computed); };
  if (failed(verifyNoneTwice(kernel, isAlsoStored)))
    return failure();
  auto yielded =
      llvm::map_to_vector(kernel.getYield()->getOperands(), [&](Value value) { return findComputed(value); });
  ResultRange own = computed->getResults();
  auto others = ArrayRef(yielded).drop_front(std::min<size_t>(own.size(), yielded.size()));
  if (!llvm::equal(ArrayRef(yielded).drop_back(others.size()), own))
    return kernel.emitOpError() << "(C4) must yield the results of its " << operation;
  for (Value other : others)
    if (!isAlsoStored(other.getDefiningOp()))
      return kernel.emitOpError() << "(C4) yields a value that a " << name << " does not also store";
  return success();
}

//===----------------------------------------------------------------------===//
// Limits
//===----------------------------------------------------------------------===//

LogicalResult KernelKind::checkOperation(Operation *op) const {
  for (Type type : op->getOperandTypes())
    if (auto cache = dyn_cast<CacheType>(type); cache && !cache.getElementType().isBF16())
      return op->emitOpError("expected a cache of bf16, got ")
             << cache.getElementType() << "; compile with --dtype=bf16, or with --target=cpu";
  return success();
}

bool KernelKind::stores(Type element, unsigned result) const { return element.isBF16() || element.isInteger(32); }

//===----------------------------------------------------------------------===//
// Schedules
//===----------------------------------------------------------------------===//

static std::string listKeys(ArrayRef<ScheduleKey> keys) {
  return keys.empty() ? "none"
                      : llvm::join(llvm::map_range(keys, [](const ScheduleKey &key) { return key.name; }), ", ");
}

/// Checks that every number of tokens has one class.
LogicalResult KernelKind::verifyLimits(KernelOp kernel) const {
  ScheduleAttr schedule = *kernel.getSchedule();
  size_t last = schedule.getClasses().size() - 1;
  bool hasLimits = llvm::any_of(getScheduleKeys(), [](const ScheduleKey &key) { return key.name == kLimitKey; });
  if (!hasLimits)
    return last == 0 ? success()
                     : LogicalResult(kernel.emitOpError() << "(C3) expected one class of choices in the schedule of a "
                                                          << name << ", got " << last + 1);
  for (size_t i = 0, least = 1; i < last; ++i) {
    std::optional<int64_t> limit = schedule.find(kLimitKey, i);
    if (!limit)
      return kernel.emitOpError() << "(C3) expected class " << i << " of the schedule to have a 'limit': only the last "
                                  << "has none";
    if (*limit < static_cast<int64_t>(least))
      return kernel.emitOpError() << "(C3) expected the 'limit' of class " << i << " of the schedule to be at least "
                                  << least << ", got " << *limit;
    least = *limit + 1;
  }
  if (schedule.find(kLimitKey, last))
    return kernel.emitOpError() << "(C3) expected no 'limit' in the last class of the schedule, which is for all other "
                                << "numbers of tokens";
  return success();
}

LogicalResult KernelKind::verifyChoices(KernelOp kernel, size_t ofClass, bool isPartial) const {
  ArrayRef<ScheduleKey> keys = getScheduleKeys();
  ScheduleAttr schedule = *kernel.getSchedule();
  for (NamedAttribute choice : schedule.getClasses()[ofClass])
    if (llvm::none_of(keys, [&](const ScheduleKey &key) { return key.name == choice.getName(); }))
      return kernel.emitOpError() << "(C3) unknown key '" << choice.getName().getValue() << "' in the schedule of a "
                                  << name << "; expected " << listKeys(keys);
  for (const ScheduleKey &key : keys) {
    std::optional<int64_t> value = schedule.find(key.name, ofClass);
    if (!value && !isPartial && !key.absent)
      return kernel.emitOpError() << "has no '" << key.name << "' in its schedule; run mla-schedule-kernels first";
    if (value && (*value < key.least || *value > key.most))
      return kernel.emitOpError() << "(C3) expected '" << key.name << "' of the schedule to be " << key.least << " to "
                                  << key.most << ", got " << *value;
  }
  return success();
}

LogicalResult KernelKind::verifySchedule(KernelOp kernel, bool isPartial) const {
  for (size_t i = 0; i < kernel.getSchedule()->getClasses().size(); ++i)
    if (failed(verifyChoices(kernel, i, isPartial)))
      return failure();
  return verifyLimits(kernel);
}

//===----------------------------------------------------------------------===//
// Targets
//===----------------------------------------------------------------------===//

TargetInfo KernelTarget::getInfo(Operation *op) const {
  TargetInfo around = info;
  around.update(op);
  return around;
}

void KernelTarget::add(std::unique_ptr<KernelKind> kind) {
  auto same = llvm::find_if(kinds, [&](const auto &known) { return known->getName() == kind->getName(); });
  if (same != kinds.end())
    *same = std::move(kind);
  else
    kinds.push_back(std::move(kind));
}

const KernelKind *KernelTarget::find(StringRef name) const {
  auto kind = llvm::find_if(kinds, [&](const auto &known) { return known->getName() == name; });
  return kind == kinds.end() ? nullptr : kind->get();
}

const KernelKind *KernelTarget::findTaking(Operation *op) const {
  auto kind = llvm::find_if(kinds, [&](const auto &known) { return known->takes(op); });
  return kind == kinds.end() ? nullptr : kind->get();
}

bool KernelTarget::attends(const AttentionWidths &widths) const {
  return llvm::any_of(kinds, [&](const auto &kind) { return kind->attends(widths); });
}

bool KernelTarget::multiplies(const ScaledProduct &product) const {
  return llvm::any_of(kinds, [&](const auto &kind) { return kind->multiplies(product); });
}

bool KernelTarget::multiplies(CacheType cache) const {
  return llvm::any_of(kinds, [&](const auto &kind) { return kind->multiplies(cache); });
}

/// Reports that no target has this value of a fact.
static void reportUnknown(Operation *op, StringRef what, StringRef value, std::string TargetInfo::*fact) {
  auto known = llvm::map_range(op->getContext()->getOrLoadDialect<MLADialect>()->getTargets(),
                               [&](const auto &target) { return StringRef(target->getInfo().*fact); });
  op->emitError() << "unknown " << what << " '" << value << "'; expected "
                  << (known.empty() ? "none: no target is registered" : llvm::join(known, ", "));
}

const KernelTarget *KernelTarget::findFor(Operation *op) {
  if (failed(TargetInfo::verifySpec(op)))
    return nullptr;
  auto *dialect = op->getContext()->getOrLoadDialect<MLADialect>();
  TargetInfo info = dialect->getTargets().empty() ? TargetInfo() : dialect->getTargets().front()->getInfo(op);
  const KernelTarget *target = dialect->findTarget(info.chip);
  if (!target)
    reportUnknown(op, "chip of the target", info.chip, &TargetInfo::chip);
  return target;
}

const KernelTarget *KernelTarget::findNamed(StringRef name, Operation *op) {
  for (const std::unique_ptr<KernelTarget> &target : op->getContext()->getOrLoadDialect<MLADialect>()->getTargets())
    if (target->getInfo().name == name)
      return target.get();
  reportUnknown(op, "target", name, &TargetInfo::name);
  return nullptr;
}

//===----------------------------------------------------------------------===//
// The dialect's registry
//===----------------------------------------------------------------------===//

KernelTarget *MLADialect::findTarget(StringRef chip) {
  auto target = llvm::find_if(targets, [&](const auto &known) { return known->getInfo().chip == chip; });
  return target == targets.end() ? nullptr : target->get();
}

void MLADialect::add(std::unique_ptr<KernelTarget> target) { targets.push_back(std::move(target)); }
