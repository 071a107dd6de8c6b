//===- ScheduleRequest.cpp - Schedules forced by the user -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Conversion/MLAToGPU/ScheduleRequest.h"
#include "mla/Dialect/MLA/IR/KernelKind.h"

#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mla;

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// Not a key of any kind: makes one class.
static constexpr llvm::StringLiteral kClassesKey = "classes";

static llvm::Error error(const Twine &text) { return llvm::createStringError(text); }

/// Parses `KEY=VALUE`.
static llvm::Error parseChoice(StringRef text, ScheduleRequest::Choices &choices) {
  StringRef key = text.split('=').first.trim(), value = text.split('=').second.trim();
  int64_t number = 0;
  if (key.empty() || value.getAsInteger(10, number))
    return error("expected KEY=VALUE with an integer, got '" + text.trim() + "'");
  if (llvm::any_of(choices, [&](const auto &choice) { return choice.first == key; }))
    return error("'" + key + "' is given twice; give it once for a class");
  choices.emplace_back(key.str(), number);
  return llvm::Error::success();
}

/// Removes `classes=1` from the choices.
static llvm::Error takeClasses(ScheduleRequest &request) {
  for (ScheduleRequest::Choices &choices : request.classes) {
    auto *count = llvm::find_if(choices, [](const auto &choice) { return choice.first == kClassesKey; });
    if (count == choices.end())
      continue;
    if (count->second != 1 || request.classes.size() > 1)
      return error("'classes' must be 1, for one class; give the choices of several classes, separated by '/'");
    request.isOneClass = true;
    choices.erase(count);
  }
  return llvm::Error::success();
}

llvm::Expected<ScheduleRequest> mla::parseScheduleRequest(StringRef text) {
  ScheduleRequest request;
  request.text = text.trim();
  auto [kernel, classes] = StringRef(request.text).split(':');
  request.kernel = kernel.trim();
  if (kernel.trim().empty() || classes.empty())
    return error("expected KERNEL:KEY=VALUE,..., got '" + request.text + "'");
  for (StringRef ofClass : llvm::split(classes, '/')) {
    ScheduleRequest::Choices &choices = request.classes.emplace_back();
    for (StringRef choice : llvm::split(ofClass, ','))
      if (llvm::Error wrong = parseChoice(choice, choices))
        return wrong;
  }
  if (llvm::Error wrong = takeClasses(request))
    return wrong;
  auto isLimit = [](const auto &choice) { return choice.first == kLimitKey; };
  if (request.classes.size() == 1 && llvm::any_of(request.classes.front(), isLimit))
    return error("'limit' is of one of several classes; give the choices of all, separated by '/', the last without "
                 "limit");
  return request;
}

llvm::Expected<SmallVector<ScheduleRequest>> mla::parseScheduleRequests(StringRef text) {
  SmallVector<ScheduleRequest> requests;
  for (StringRef one : llvm::split(text, ';')) {
    if (one.trim().empty())
      continue;
    llvm::Expected<ScheduleRequest> request = parseScheduleRequest(one);
    if (!request)
      return request.takeError();
    requests.push_back(std::move(*request));
  }
  return requests;
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

bool ScheduleRequest::names(KernelOp op) const {
  auto function = op->getParentOfType<FunctionOpInterface>();
  return kernel == op.getName() || (function && kernel == (function.getName() + "." + op.getName()).str());
}

/// Return the classes of choices before they are forced.
static SmallVector<NamedAttrList> classesBefore(KernelOp kernel, const ScheduleRequest &request,
                                                ArrayRef<int64_t> limits) {
  if (request.isOneClass || request.classes.size() > 1)
    return SmallVector<NamedAttrList>(request.classes.size());
  if (std::optional<ScheduleAttr> made = kernel.getSchedule())
    return SmallVector<NamedAttrList>(made->getClasses());
  SmallVector<NamedAttrList> classes(limits.size() + 1);
  for (auto [limit, choices] : llvm::zip(limits, classes))
    choices.set(kLimitKey, Builder(kernel.getContext()).getI64IntegerAttr(limit));
  return classes;
}

ScheduleAttr ScheduleRequest::makeSchedule(KernelOp op, ArrayRef<int64_t> limits) const {
  Builder builder(op.getContext());
  SmallVector<DictionaryAttr> made;
  for (auto [i, choices] : llvm::enumerate(classesBefore(op, *this, limits))) {
    for (const auto &[key, value] : classes[std::min(i, classes.size() - 1)])
      choices.set(key, builder.getI64IntegerAttr(value));
    made.push_back(choices.getDictionary(op.getContext()));
  }
  return ScheduleAttr::get(op.getContext(), op.getKindAttr(), ArrayRef(made));
}

LogicalResult mla::checkForced(KernelOp kernel, llvm::function_ref<LogicalResult()> check) {
  auto forced = kernel->getAttrOfType<StringAttr>(kForcedAttr);
  if (!forced)
    return check();
  std::string why;
  {
    ScopedDiagnosticHandler handler(kernel.getContext(), [&](Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() == DiagnosticSeverity::Error && why.empty())
        why = diagnostic.str();
      return success(diagnostic.getSeverity() == DiagnosticSeverity::Error);
    });
    if (succeeded(check()))
      return success();
  }
  StringRef shortened = why;
  shortened.consume_front("'mla.kernel' op ");
  return emitError(kernel.getLoc()) << "the schedule '" << forced.getValue() << "' cannot be forced: " << shortened;
}
