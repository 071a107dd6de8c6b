//===- MLAKernels.cpp - Kernels and schedules -------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/IR/MLA.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mla;

//===----------------------------------------------------------------------===//
// #mla.schedule
//===----------------------------------------------------------------------===//

ScheduleAttr ScheduleAttr::get(MLIRContext *context, KernelKind kind, ArrayRef<std::pair<StringRef, int64_t>> choices) {
  Builder builder(context);
  SmallVector<NamedAttribute> attributes;
  for (auto [name, value] : choices)
    attributes.push_back(builder.getNamedAttr(name, builder.getI64IntegerAttr(value)));
  return get(context, kind, builder.getDictionaryAttr(attributes));
}

std::optional<int64_t> ScheduleAttr::find(StringRef name) const {
  if (auto value = getChoices().getAs<IntegerAttr>(name))
    return value.getInt();
  return std::nullopt;
}

LogicalResult ScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError, KernelKind kind,
                                   DictionaryAttr choices) {
  for (NamedAttribute choice : choices)
    if (auto value = dyn_cast<IntegerAttr>(choice.getValue()); !value || !value.getType().isSignlessInteger(64))
      return emitError() << "choice " << choice.getName() << " must be an integer, got " << choice.getValue();
  return success();
}

/// `{name = integer, …}`
static ParseResult parseChoices(AsmParser &parser, DictionaryAttr &choices) {
  NamedAttrList list;
  auto parseChoice = [&]() -> ParseResult {
    StringRef name;
    int64_t value = 0;
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseKeyword(&name) || parser.parseEqual() || parser.parseInteger(value))
      return failure();
    if (list.set(name, parser.getBuilder().getI64IntegerAttr(value)))
      return parser.emitError(loc) << "choice '" << name << "' is made twice";
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Braces, parseChoice))
    return failure();
  choices = list.getDictionary(parser.getContext());
  return success();
}

Attribute ScheduleAttr::parse(AsmParser &parser, Type) {
  StringRef keyword;
  SMLoc loc;
  auto choices = DictionaryAttr::get(parser.getContext());
  if (parser.parseLess() || (loc = parser.getCurrentLocation(), false) || parser.parseKeyword(&keyword))
    return {};
  std::optional<KernelKind> kind = symbolizeKernelKind(keyword);
  if (!kind)
    return parser.emitError(loc) << "unknown kind of kernel '" << keyword << "'", Attribute();
  if (succeeded(parser.parseOptionalComma()) && parseChoices(parser, choices))
    return {};
  if (parser.parseGreater())
    return {};
  return get(parser.getContext(), *kind, choices);
}

void ScheduleAttr::print(AsmPrinter &printer) const {
  printer << "<" << stringifyKernelKind(getKind());
  if (!getChoices().empty()) {
    printer << ", {";
    llvm::interleaveComma(getChoices(), printer, [&](NamedAttribute choice) {
      printer << choice.getName().getValue() << " = " << cast<IntegerAttr>(choice.getValue()).getInt();
    });
    printer << "}";
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
  printer << " " << stringifyKernelKind(getKind()) << " ";
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

/// `(%argument = %operand, …)`
static ParseResult parseCaptures(OpAsmParser &parser, Captures &captures) {
  return parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, [&]() -> ParseResult {
    return failure(parser.parseArgument(captures.arguments.emplace_back()) || parser.parseEqual() ||
                   parser.parseOperand(captures.operands.emplace_back()));
  });
}

static ParseResult parseKindAndName(OpAsmParser &parser, OperationState &state) {
  StringRef keyword;
  StringAttr name;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseKeyword(&keyword))
    return failure();
  std::optional<KernelKind> kind = symbolizeKernelKind(keyword);
  if (!kind)
    return parser.emitError(loc) << "unknown kind of kernel '" << keyword << "'";
  state.addAttribute(KernelOp::getKindAttrName(state.name), KernelKindAttr::get(parser.getContext(), *kind));
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

LogicalResult KernelOp::verify() {
  if (getBody().getArgumentTypes() != getInputs().getTypes())
    return emitOpError("(C1) the arguments of the region must have the types of the operands");
  if (ScheduleAttr schedule = getScheduleAttr(); schedule && schedule.getKind() != getKind())
    return emitOpError() << "(C3) has a schedule of " << stringifyKernelKind(schedule.getKind());
  return success();
}

/// What a kernel of the kind computes, beside what it reads and what is left to do on the result.
static StringRef operationOf(KernelKind kind) {
  switch (kind) {
  case KernelKind::Projection:
    return ProjectOp::getOperationName();
  case KernelKind::Normalize:
    return RmsNormOp::getOperationName();
  case KernelKind::Rope:
    return RopeOp::getOperationName();
  case KernelKind::Append:
    return AppendOp::getOperationName();
  case KernelKind::Gather:
    return GatherOp::getOperationName();
  case KernelKind::LatentAttention:
    return LatentAttentionOp::getOperationName();
  case KernelKind::NaiveAttention:
    return AttentionOp::getOperationName();
  }
  llvm_unreachable("every kind has its operation");
}

/// The yielded value before it was rounded and scaled by the position of its token, which rows alone are.
static Value beforeScaling(Value value, KernelKind kind) {
  if (kind != KernelKind::Normalize && kind != KernelKind::Rope)
    return value;
  if (auto rounded = value.getDefiningOp<arith::TruncFOp>())
    value = rounded.getIn();
  if (auto scaled = value.getDefiningOp<PositionScaleOp>())
    value = scaled.getX();
  return value;
}

/// Operations of mla on which a kernel may depend; it asks for each by its name.
static LogicalResult verifyNoneTwice(KernelOp kernel) {
  llvm::SmallDenseMap<OperationName, Operation *> first;
  for (Operation &op : kernel.getBody().front()) {
    if (!isa_and_present<MLADialect>(op.getDialect()))
      continue;
    auto [known, isFirst] = first.try_emplace(op.getName(), &op);
    // Positions are the same wherever they are asked for, by the same lengths.
    bool isSame = isa<PositionsOp>(op) && op.getOperands().drop_front() == known->second->getOperands().drop_front();
    if (!isFirst && !isSame)
      return kernel.emitOpError() << "(C4) holds two operations " << op.getName() << ", a kernel has one";
  }
  return success();
}

LogicalResult KernelOp::verifyRegions() {
  auto yield = dyn_cast<YieldOp>(getYield());
  if (!yield || yield.getOperandTypes() != getOutputs().getTypes())
    return emitOpError("(C2) what is yielded must have the types of the results");
  if (failed(verifyNoneTwice(*this)))
    return failure();
  StringRef name = operationOf(getKind());
  auto main = llvm::find_if(getBody().front(), [&](Operation &op) { return op.getName().getStringRef() == name; });
  if (main == getBody().front().end())
    return emitOpError() << "(C4) is a " << stringifyKernelKind(getKind()) << " and holds no " << name;
  auto yielded = llvm::map_to_vector(yield.getValues(), [&](Value value) { return beforeScaling(value, getKind()); });
  if (!llvm::equal(yielded, main->getResults()))
    return emitOpError() << "(C4) must yield the results of its " << name;
  return success();
}
