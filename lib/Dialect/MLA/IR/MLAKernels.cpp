//===- MLAKernels.cpp - Kernels and schedules -------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/IR/KernelKind.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mla;

//===----------------------------------------------------------------------===//
// #mla.schedule
//===----------------------------------------------------------------------===//

ScheduleAttr ScheduleAttr::get(MLIRContext *context, StringRef kind,
                               ArrayRef<SmallVector<std::pair<StringRef, int64_t>>> classes) {
  Builder builder(context);
  SmallVector<DictionaryAttr> dictionaries;
  for (ArrayRef<std::pair<StringRef, int64_t>> choices : classes) {
    SmallVector<NamedAttribute> attributes;
    for (auto [name, value] : choices)
      attributes.push_back(builder.getNamedAttr(name, builder.getI64IntegerAttr(value)));
    dictionaries.push_back(builder.getDictionaryAttr(attributes));
  }
  return get(context, builder.getStringAttr(kind), ArrayRef(dictionaries));
}

std::optional<int64_t> ScheduleAttr::find(StringRef name, size_t ofClass) const {
  if (auto value = getClasses()[ofClass].getAs<IntegerAttr>(name))
    return value.getInt();
  return std::nullopt;
}

LogicalResult ScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringAttr kind,
                                   ArrayRef<DictionaryAttr> classes) {
  if (classes.empty())
    return emitError() << "expected at least one class of choices";
  for (DictionaryAttr choices : classes)
    for (NamedAttribute choice : choices)
      if (auto value = dyn_cast<IntegerAttr>(choice.getValue()); !value || !value.getType().isSignlessInteger(64))
        return emitError() << "choice " << choice.getName() << " must be an integer, got " << choice.getValue();
  return success();
}

/// Parses `{name = integer, …}`.
static ParseResult parseChoices(AsmParser &parser, DictionaryAttr &choices) {
  NamedAttrList list;
  auto parseChoice = [&]() -> ParseResult {
    StringRef name;
    int64_t value = 0;
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseKeyword(&name) || parser.parseEqual() || parser.parseDecimalInteger(value))
      return failure();
    if (list.set(name, parser.getBuilder().getI64IntegerAttr(value)))
      return parser.emitError(loc) << "duplicate choice '" << name << "'";
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Braces, parseChoice))
    return failure();
  choices = list.getDictionary(parser.getContext());
  return success();
}

/// Parses the choices of one class, or a list of classes.
static ParseResult parseClasses(AsmParser &parser, SmallVectorImpl<DictionaryAttr> &classes) {
  if (failed(parser.parseOptionalLSquare()))
    return parseChoices(parser, classes.emplace_back());
  if (succeeded(parser.parseOptionalRSquare()))
    return success();
  auto parseClass = [&] { return parseChoices(parser, classes.emplace_back()); };
  return failure(parser.parseCommaSeparatedList(parseClass) || parser.parseRSquare());
}

Attribute ScheduleAttr::parse(AsmParser &parser, Type) {
  StringRef keyword;
  SmallVector<DictionaryAttr> classes;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseKeyword(&keyword))
    return {};
  if (failed(parser.parseOptionalComma()))
    classes.push_back(DictionaryAttr::get(parser.getContext()));
  else if (parseClasses(parser, classes))
    return {};
  if (parser.parseGreater())
    return {};
  return getChecked([&] { return parser.emitError(loc); }, parser.getContext(),
                    StringAttr::get(parser.getContext(), keyword), ArrayRef(classes));
}

static void printChoices(AsmPrinter &printer, DictionaryAttr choices) {
  printer << "{";
  llvm::interleaveComma(choices, printer, [&](NamedAttribute choice) {
    printer << choice.getName().getValue() << " = " << cast<IntegerAttr>(choice.getValue()).getInt();
  });
  printer << "}";
}

void ScheduleAttr::print(AsmPrinter &printer) const {
  printer << "<" << getKind().getValue();
  if (getClasses().size() > 1) {
    printer << ", [";
    llvm::interleaveComma(getClasses(), printer, [&](DictionaryAttr choices) { printChoices(printer, choices); });
    printer << "]";
  } else if (!getClasses().front().empty()) {
    printer << ", ";
    printChoices(printer, getClasses().front());
  }
  printer << ">";
}

//===----------------------------------------------------------------------===//
// mla.kernel
//===----------------------------------------------------------------------===//

void KernelOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  if (!getOutputs().empty())
    setName(getOutputs().front(), getName());
}

void KernelOp::print(OpAsmPrinter &printer) {
  Block &block = getBody().front();
  printer << " " << getKind() << " ";
  printer.printAttributeWithoutType(getNameAttr());
  printer << "(";
  llvm::interleaveComma(llvm::zip(block.getArguments(), getInputs()), printer,
                        [&](auto pair) { printer << std::get<0>(pair) << " = " << std::get<1>(pair); });
  printer << ")";
  if (ScheduleAttr schedule = getScheduleAttr()) {
    printer.increaseIndent();
    printer.increaseIndent();
    printer.printNewline();
    printer.decreaseIndent();
    printer.decreaseIndent();
    printer << "schedule ";
    printer.printStrippedAttrOrType(schedule);
  }
  printer << " : ";
  printer.printFunctionalType(getInputs().getTypes(), getOutputs().getTypes());
  printer.printOptionalAttrDictWithKeyword((*this)->getAttrs(),
                                           {getKindAttrName(), getNameAttrName(), getScheduleAttrName()});
  printer << " ";
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

namespace {
/// The operands and the names of the region's arguments, before their types are known.
struct Captures {
  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
};
} // namespace

/// Parses `(%argument = %operand, …)`.
static ParseResult parseCaptures(OpAsmParser &parser, Captures &captures) {
  return parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, [&]() -> ParseResult {
    return failure(parser.parseArgument(captures.arguments.emplace_back()) || parser.parseEqual() ||
                   parser.parseOperand(captures.operands.emplace_back()));
  });
}

static ParseResult parseKindAndName(OpAsmParser &parser, OperationState &state) {
  StringRef keyword;
  StringAttr name;
  if (parser.parseKeyword(&keyword))
    return failure();
  state.addAttribute(KernelOp::getKindAttrName(state.name), parser.getBuilder().getStringAttr(keyword));
  return parser.parseAttribute(name, KernelOp::getNameAttrName(state.name), state.attributes);
}

ParseResult KernelOp::parse(OpAsmParser &parser, OperationState &state) {
  Captures captures;
  FunctionType type;
  if (parseKindAndName(parser, state) || parseCaptures(parser, captures))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("schedule"))) {
    ScheduleAttr schedule;
    if (parser.parseCustomAttributeWithFallback(schedule, Type(), getScheduleAttrName(state.name), state.attributes))
      return failure();
  }
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseColonType(type) || parser.parseOptionalAttrDictWithKeyword(state.attributes) ||
      parser.resolveOperands(captures.operands, type.getInputs(), loc, state.operands))
    return failure();
  for (auto [argument, input] : llvm::zip_equal(captures.arguments, type.getInputs()))
    argument.type = input;
  state.addTypes(type.getResults());
  return parser.parseRegion(*state.addRegion(), captures.arguments);
}

const KernelKind *KernelOp::findKind() {
  const KernelTarget *target = KernelTarget::findFor(*this);
  if (!target)
    return nullptr;
  if (const KernelKind *kind = target->find(getKind()))
    return kind;
  auto names = llvm::map_range(target->getKinds(), [](const KernelKind &kind) { return kind.getName(); });
  emitOpError() << "(C5) unknown kind '" << getKind() << "'; expected " << llvm::join(names, ", ");
  return nullptr;
}

LogicalResult KernelOp::verify() {
  if (getBody().getArgumentTypes() != getInputs().getTypes())
    return emitOpError("(C1) the arguments of the region must have the types of the operands");
  ScheduleAttr schedule = getScheduleAttr();
  if (schedule && schedule.getKind() != getKindAttr())
    return emitOpError() << "(C3) expected a schedule of " << getKind() << ", got one of "
                         << schedule.getKind().getValue();
  return success();
}

LogicalResult KernelOp::verifyRegions() {
  auto yield = dyn_cast<YieldOp>(getYield());
  if (!yield || yield.getOperandTypes() != getOutputs().getTypes())
    return emitOpError("(C2) the yielded values must have the types of the results");
  const KernelKind *kind = findKind();
  if (!kind || failed(kind->verifyRegion(*this)))
    return failure();
  return getSchedule() ? kind->verifySchedule(*this, /*isPartial=*/true) : success();
}
