//===- ScheduleKernels.cpp - Choose schedules of kernels --------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Conversion/MLAToGPU/ScheduleRequest.h"
#include "mla/Conversion/Passes.h"
#include "mla/Dialect/MLA/IR/KernelKind.h"
#include "mla/Dialect/MLA/Transforms/Prepare.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringExtras.h"

namespace mla {
#define GEN_PASS_DEF_MLASCHEDULEKERNELS
#include "mla/Conversion/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;

/// Return whether a kernel processes cached tokens, such as an up-projection of keys or values, not those of the step.
static bool readsCache(KernelOp kernel) {
  return llvm::any_of(kernel.getInputs(), [](Value input) {
    auto made = input.getDefiningOp<KernelOp>();
    return made && !made.getBody().getOps<GatherOp>().empty();
  });
}

/// Return a kernel's typical number of tokens. Functions without a phase serve prefill, whose tiles are correct for
/// any number of tokens; a regime of prefill with few tokens is treated like decode of a batch. A model's ends compute
/// the logits of one token per sequence.
static int64_t getTypicalTokens(KernelOp kernel, func::FuncOp function) {
  constexpr int64_t few = 64, many = 4096;
  auto phase = function->getAttrOfType<PhaseAttr>(kPhaseAttr);
  auto regime = function->getAttrOfType<RegimeAttr>(kRegimeAttr);
  if (readsCache(kernel))
    return regime && regime.getContexts().isBounded() ? few : many;
  bool decodes = (phase && phase.getValue() == Phase::Decode) || function->hasAttr(kEndAttr);
  return decodes || (regime && regime.getTokens().isBounded()) ? few : many;
}

/// Return the limits of the classes of a kernel: those of its schedule, if it has one.
static SmallVector<int64_t> getLimits(KernelOp kernel, const KernelKind &kind, const Purpose &purpose,
                                      const TargetInfo &target) {
  std::optional<ScheduleAttr> made = kernel.getSchedule();
  if (!made)
    return kind.chooseLimits(kernel, purpose, target);
  SmallVector<int64_t> limits;
  for (size_t i = 0; i + 1 < made->getClasses().size(); ++i)
    limits.push_back(*made->find(kLimitKey, i)); // as verified
  return limits;
}

/// Return the typical tokens of each class: its limit, and twice the last one beyond.
static SmallVector<int64_t> getTokensOfClasses(ArrayRef<int64_t> limits, int64_t typical) {
  SmallVector<int64_t> tokens(limits);
  tokens.push_back(limits.empty() ? typical : std::max(typical, 2 * limits.back()));
  return tokens;
}

/// Puts the choices of the request into the kernel's schedule, and the request beside it.
static LogicalResult force(KernelOp kernel, const KernelKind &kind, const ScheduleRequest &request,
                           ArrayRef<int64_t> limits) {
  auto before = kernel->getAttrOfType<StringAttr>(kForcedAttr);
  std::string text = before ? (before.getValue() + "; " + request.text).str() : request.text;
  kernel->setAttr(kForcedAttr, StringAttr::get(kernel.getContext(), text));
  kernel.setScheduleAttr(request.makeSchedule(kernel, limits));
  return checkForced(kernel, [&] { return kind.verifySchedule(kernel, /*isPartial=*/true); });
}

/// Replaces the choices of a class by those made, and adds the made ones of other keys.
static void takeMade(KernelKind::Choices &choices, DictionaryAttr made) {
  for (NamedAttribute choice : made) {
    StringRef key = choice.getName().getValue();
    int64_t value = cast<IntegerAttr>(choice.getValue()).getInt();
    auto *known = llvm::find_if(choices, [&](const auto &chosen) { return chosen.first == key; });
    if (known != choices.end())
      known->second = value;
    else if (key != kLimitKey)
      choices.push_back({key, value});
  }
}

/// Adds the missing choices of the kernel.
static LogicalResult completeSchedule(KernelOp kernel, const Purpose &purpose, ArrayRef<ScheduleRequest> requests) {
  const KernelKind *kind = kernel.findKind();
  if (!kind)
    return failure();
  TargetInfo target = KernelTarget::findFor(kernel)->getInfo(kernel);
  for (const ScheduleRequest &request : requests)
    if (request.names(kernel) && failed(force(kernel, *kind, request, getLimits(kernel, *kind, purpose, target))))
      return failure();
  SmallVector<int64_t> limits = getLimits(kernel, *kind, purpose, target);
  SmallVector<KernelKind::Choices> classes;
  for (auto [i, tokens] : llvm::enumerate(getTokensOfClasses(limits, purpose.tokens))) {
    KernelKind::Choices choices = kind->chooseSchedule(kernel, {tokens, purpose.batchInvariant}, target);
    if (std::optional<ScheduleAttr> made = kernel.getSchedule())
      takeMade(choices, made->getClasses()[i]);
    if (i < limits.size())
      choices.push_back({kLimitKey, limits[i]});
    classes.push_back(choices);
  }
  kernel.setScheduleAttr(ScheduleAttr::get(kernel.getContext(), kernel.getKind(), classes));
  return success();
}

/// Return the names of the kernels of the request's function, or of all if it names none.
static std::string listKernels(ModuleOp module, const ScheduleRequest &request) {
  llvm::SetVector<StringRef> all, own;
  for (auto function : module.getOps<func::FuncOp>())
    function.walk([&](KernelOp kernel) {
      all.insert(kernel.getName());
      if (StringRef(request.kernel).starts_with((function.getName() + ".").str()))
        own.insert(kernel.getName());
    });
  return all.empty() ? "none" : llvm::join(own.empty() ? all : own, ", ");
}

/// Checks that each request names a kernel.
static LogicalResult checkNames(ModuleOp module, ArrayRef<ScheduleRequest> requests) {
  for (const ScheduleRequest &request : requests) {
    auto isNamed = [&](KernelOp kernel) {
      return request.names(kernel) ? WalkResult::interrupt() : WalkResult::advance();
    };
    if (!module.walk(isNamed).wasInterrupted())
      return module.emitError() << "the schedule '" << request.text << "' is of a kernel '" << request.kernel
                                << "' that does not exist; expected " << listKernels(module, request)
                                << ", alone or after a function as in decode.NAME";
  }
  return success();
}

namespace {
struct MLAScheduleKernels : mla::impl::MLAScheduleKernelsBase<MLAScheduleKernels> {
  using MLAScheduleKernelsBase::MLAScheduleKernelsBase;

  void runOnOperation() override {
    llvm::Expected<SmallVector<ScheduleRequest>> requests = parseScheduleRequests(forced);
    if (!requests) {
      getOperation().emitError() << "forced: " << llvm::toString(requests.takeError());
      return signalPassFailure();
    }
    if (failed(checkNames(getOperation(), *requests)))
      return signalPassFailure();
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      auto schedule = [&](KernelOp kernel) -> WalkResult {
        return completeSchedule(kernel, {getTypicalTokens(kernel, function), batchInvariant}, *requests);
      };
      if (function.walk(schedule).wasInterrupted())
        return signalPassFailure();
    }
  }
};
} // namespace
