//===- MLALaunches.cpp - Launches and their arguments -----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Assembly.h"
#include "mla/Dialect/MLA/IR/LaunchWork.h"
#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Dialect/MLA/IR/Sizes.h"

#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace mla;
using mla::gpu::expressionOf;
using mla::gpu::mapOf;
using mla::gpu::numSizes;
using mla::gpu::numSymbols;
using mla::gpu::Size;
using Limit = mla::schema::Limit;

//===----------------------------------------------------------------------===//
// Expressions over sizes
//===----------------------------------------------------------------------===//

static ParseResult parseExpression(AsmParser &parser, AffineExpr &expression) {
  static const auto names =
      llvm::map_to_vector(llvm::seq(numSymbols), [](unsigned i) { return mla::gpu::nameOfSymbol(i); });
  SmallVector<std::pair<StringRef, AffineExpr>> symbols;
  for (auto [i, name] : llvm::enumerate(names))
    symbols.push_back({name, getAffineSymbolExpr(i, parser.getContext())});
  return parser.parseAffineExpr(symbols, expression);
}

/// Parses `(expression, …)`.
static ParseResult parseExpressionList(AsmParser &parser, AffineMap &map) {
  SmallVector<AffineExpr> expressions;
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren,
                                     [&] { return parseExpression(parser, expressions.emplace_back()); }))
    return failure();
  map = mapOf(expressions, parser.getContext());
  return success();
}

static void printExpressionList(AsmPrinter &printer, AffineMap map) {
  printer << "(";
  llvm::interleaveComma(map.getResults(), printer,
                        [&](AffineExpr expression) { mla::gpu::print(printer.getStream(), expression); });
  printer << ")";
}

ParseResult mla::parseExpressions(AsmParser &parser, AffineMapAttr &attribute) {
  AffineMap map;
  if (parseExpressionList(parser, map))
    return failure();
  attribute = AffineMapAttr::get(map);
  return success();
}
void mla::printExpressions(AsmPrinter &printer, Operation *, AffineMapAttr attribute) {
  printExpressionList(printer, attribute.getValue());
}

static bool isOverSizes(AffineMap map) {
  return map.getNumDims() == 0 && map.getNumSymbols() >= numSizes && map.getNumSymbols() <= numSymbols;
}

//===----------------------------------------------------------------------===//
// Arguments
//===----------------------------------------------------------------------===//

Attribute ExtentAttr::parse(AsmParser &parser, Type) {
  AffineExpr expression;
  if (parser.parseLess() || parseExpression(parser, expression) || parser.parseGreater())
    return {};
  return get(parser.getContext(), mapOf(expression, parser.getContext()));
}

void ExtentAttr::print(AsmPrinter &printer) const {
  printer << "<";
  mla::gpu::print(printer.getStream(), getExpression());
  printer << ">";
}

LogicalResult TensorMapAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringAttr buffer, int64_t offset,
                                    AffineMap dims, AffineMap strides, ArrayRef<int64_t> box, int64_t swizzle) {
  constexpr int64_t mostDims = Limit::MapRank, mostInBox = Limit::MapBox, alignment = Limit::MapAlignment;
  unsigned rank = dims.getNumResults();
  if (!isOverSizes(dims) || !isOverSizes(strides))
    return emitError() << "extents and strides must be expressions over the sizes of a step";
  if (rank == 0 || rank > mostDims || strides.getNumResults() != rank - 1 || box.size() != rank)
    return emitError() << "expected a map of 1 to " << mostDims
                       << " dimensions, one stride fewer and as many box sizes, got " << rank << ", "
                       << strides.getNumResults() << " and " << box.size();
  if (llvm::any_of(box, [](int64_t size) { return size < 1 || size > mostInBox; }))
    return emitError() << "sizes of a box must be 1 to " << mostInBox;
  if (swizzle != 0 && swizzle != Limit::MapSwizzle)
    return emitError() << "the swizzle must be 0 or " << int64_t(Limit::MapSwizzle) << ", got " << swizzle;
  if (offset % alignment != 0)
    return emitError() << "the offset must be a multiple of " << alignment << ", got " << offset;
  for (AffineExpr stride : strides.getResults())
    if (auto constant = dyn_cast<AffineConstantExpr>(stride); constant && constant.getValue() % alignment != 0)
      return emitError() << "strides must be multiples of " << alignment << ", got " << constant.getValue();
  return success();
}

/// Parses `name =` and its value.
template <typename ParseValue> static ParseResult parseField(AsmParser &parser, StringRef name, ParseValue parseValue) {
  return failure(parser.parseComma() || parser.parseKeyword(name) || parser.parseEqual() || parseValue());
}

Attribute TensorMapAttr::parse(AsmParser &parser, Type) {
  StringAttr buffer;
  int64_t offset = 0, swizzle = 0;
  AffineMap dims, strides;
  SmallVector<int64_t> box;
  SMLoc loc = parser.getCurrentLocation();
  auto parseBox = [&] {
    return parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren,
                                          [&] { return parser.parseDecimalInteger(box.emplace_back()); });
  };
  if (parser.parseLess() || parser.parseAttribute(buffer) ||
      parseField(parser, "offset", [&] { return parser.parseDecimalInteger(offset); }) ||
      parseField(parser, "dims", [&] { return parseExpressionList(parser, dims); }) ||
      parseField(parser, "strides", [&] { return parseExpressionList(parser, strides); }) ||
      parseField(parser, "box", parseBox) ||
      parseField(parser, "swizzle", [&] { return parser.parseDecimalInteger(swizzle); }) || parser.parseGreater())
    return {};
  auto emitError = [&] { return parser.emitError(loc); };
  return getChecked(function_ref<InFlightDiagnostic()>(emitError), parser.getContext(), buffer, offset, dims, strides,
                    ArrayRef<int64_t>(box), swizzle);
}

void TensorMapAttr::print(AsmPrinter &printer) const {
  printer << "<" << getBuffer() << ", offset = " << getOffset() << ", dims = ";
  printExpressionList(printer, getDims());
  printer << ", strides = ";
  printExpressionList(printer, getStrides());
  printer << ", box = (";
  llvm::interleaveComma(getBox(), printer);
  printer << "), swizzle = " << getSwizzle() << ">";
}

//===----------------------------------------------------------------------===//
// Choices
//===----------------------------------------------------------------------===//

LogicalResult ChoiceAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringAttr kernel, AffineMap size,
                                 ArrayRef<int64_t> limits, ArrayRef<int64_t> most) {
  constexpr int64_t largest = Limit::ChosenSize;
  if (!isOverSizes(size) || size.getNumResults() != 1 || mla::gpu::countLimits(size))
    return emitError() << "the size must be one expression over the sizes of a step";
  if (limits.empty() || limits.size() != most.size())
    return emitError() << "expected a limit, and as many of 'most', got " << limits.size() << " and " << most.size();
  if (limits.front() < 0 || !llvm::is_sorted(limits) || !llvm::is_sorted(most) || most.back() > largest)
    return emitError() << "limits must be ascending, from 0 to " << largest;
  for (auto [limit, mostOfClass] : llvm::zip_equal(limits, most))
    if (limit > mostOfClass)
      return emitError() << "a class is for sizes up to " << mostOfClass << ", its limit is " << limit;
  return success();
}

/// Parses `(integer, …)`.
static ParseResult parseIntegers(AsmParser &parser, SmallVectorImpl<int64_t> &integers) {
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren,
                                        [&] { return parser.parseDecimalInteger(integers.emplace_back()); });
}

Attribute ChoiceAttr::parse(AsmParser &parser, Type) {
  StringAttr kernel;
  AffineExpr size;
  SmallVector<int64_t> limits, most;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseAttribute(kernel) ||
      parseField(parser, "size", [&] { return parseExpression(parser, size); }) ||
      parseField(parser, "limits", [&] { return parseIntegers(parser, limits); }) ||
      parseField(parser, "most", [&] { return parseIntegers(parser, most); }) || parser.parseGreater())
    return {};
  auto emitError = [&] { return parser.emitError(loc); };
  return getChecked(function_ref<InFlightDiagnostic()>(emitError), parser.getContext(), kernel,
                    mapOf(size, parser.getContext()), ArrayRef<int64_t>(limits), ArrayRef<int64_t>(most));
}

void ChoiceAttr::print(AsmPrinter &printer) const {
  printer << "<" << getKernel() << ", size = ";
  mla::gpu::print(printer.getStream(), getSize().getResult(0));
  printer << ", limits = (";
  llvm::interleaveComma(getLimits(), printer);
  printer << "), most = (";
  llvm::interleaveComma(getMost(), printer);
  printer << ")>";
}

//===----------------------------------------------------------------------===//
// mla.workspace and mla.launch
//===----------------------------------------------------------------------===//

LogicalResult WorkspaceOp::verify() {
  if (!isOverSizes(getBytes()) || getBytes().getNumResults() != 1)
    return emitOpError("(C1) the bytes must be one expression over the sizes of a step");
  return success();
}

ParseResult mla::parseArguments(OpAsmParser &parser, ArrayAttr &arguments) { return parser.parseAttribute(arguments); }

void mla::printArguments(OpAsmPrinter &printer, Operation *, ArrayAttr arguments) {
  printer << "[";
  printer.increaseIndent();
  printer.increaseIndent();
  llvm::interleave(
      arguments,
      [&](Attribute argument) {
        printer.printNewline();
        printer.printAttribute(argument);
      },
      [&] { printer << ","; });
  printer.decreaseIndent();
  printer.decreaseIndent();
  printer << "]";
}

static bool isArgument(Attribute attribute) {
  if (auto number = dyn_cast<FloatAttr>(attribute))
    return number.getType().isF32();
  return isa<TensorMapAttr, PointerAttr, ExtentAttr>(attribute);
}

LogicalResult LaunchOp::verify() {
  constexpr int64_t mostThreads = Limit::Threads, mostShared = Limit::Shared;
  if (!isOverSizes(getGrid()) || getGrid().getNumResults() != 3)
    return emitOpError("(C1) the grid must be three expressions over the sizes of a step");
  if (int64_t threads = getThreads(); threads < 1 || threads > mostThreads)
    return emitOpError() << "(C1) a block has 1 to " << mostThreads << " threads, got " << threads;
  if (int64_t shared = getShared(); shared < 0 || shared > mostShared)
    return emitOpError() << "(C1) a block has at most " << mostShared << " bytes of shared memory, got " << shared;
  for (Attribute argument : getArgs())
    if (!isArgument(argument))
      return emitOpError() << "(C2) an argument must be a tensor map, a pointer, an extent or an f32, got " << argument;
  return success();
}

LogicalResult CollectiveOp::verify() {
  if (static_cast<int64_t>(getRanks()) < 2 || (!getElement().isF32() && !getElement().isBF16()))
    return emitOpError() << "(C1) expected 2 ranks at least, and elements of f32 or bf16, got "
                         << static_cast<int64_t>(getRanks()) << " and " << getElement();
  if (!isOverSizes(getCount()) || getCount().getNumResults() != 1)
    return emitOpError("(C2) the count must be one expression over the sizes of a step");
  return success();
}

/// Return whether the argument can be passed in a parameter of this type.
static bool fits(Attribute argument, Type parameter) {
  if (isa<ExtentAttr>(argument))
    return parameter.isInteger(32);
  if (isa<FloatAttr>(argument))
    return parameter.isF32();
  return !isa<IntegerType, FloatType>(parameter);
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto function = symbols.lookupNearestSymbolFrom<FunctionOpInterface>(*this, getKernel());
  if (!function)
    return emitOpError() << "(C3) unknown kernel " << getKernel();
  if (function.getNumArguments() != getArgs().size())
    return emitOpError() << "(C4) expected " << function.getNumArguments() << " arguments of " << getKernel()
                         << ", got " << getArgs().size();
  for (auto [argument, type] : llvm::zip_equal(getArgs(), function.getArgumentTypes()))
    if (!fits(argument, type))
      return emitOpError() << "(C4) expected an argument of type " << type << " of " << getKernel() << ", got "
                           << argument;
  return success();
}

//===----------------------------------------------------------------------===//
// mla.launches
//===----------------------------------------------------------------------===//

static StringRef bufferOf(Attribute argument) {
  if (auto map = dyn_cast<TensorMapAttr>(argument))
    return map.getBuffer();
  if (auto pointer = dyn_cast<PointerAttr>(argument))
    return pointer.getBuffer();
  return {};
}

/// Return the arguments of a launch, or the buffers of a collective.
static SmallVector<Attribute> argumentsOf(Operation *op) {
  if (auto launch = dyn_cast<LaunchOp>(op))
    return llvm::to_vector(launch.getArgs());
  auto collective = cast<CollectiveOp>(op);
  return {collective.getInAttr(), collective.getOutAttr()};
}

/// Return the number of limits that the operation's expressions need.
static unsigned countLimitsOf(Operation *op) {
  unsigned count = 0;
  auto countIn = [&](AffineMap map) { count = std::max(count, mla::gpu::countLimits(map)); };
  op->getAttrDictionary().walk([&](Attribute attribute) {
    if (auto map = dyn_cast<AffineMapAttr>(attribute))
      countIn(map.getValue());
    else if (auto extent = dyn_cast<ExtentAttr>(attribute))
      countIn(extent.getMap());
    else if (auto map = dyn_cast<TensorMapAttr>(attribute))
      countIn(map.getDims()), countIn(map.getStrides());
  });
  return count;
}

static LogicalResult verifyChoices(LaunchesOp list) {
  llvm::StringSet<> kernels;
  size_t limits = 0, choices = list.getChoices().size();
  for (auto choice : list.getChoices().getAsRange<ChoiceAttr>()) {
    if (!kernels.insert(choice.getKernel().getValue()).second)
      return list.emitOpError() << "(C6) has a second choice of kernel " << choice.getKernel();
    limits += choice.getLimits().size();
  }
  for (Operation &op : list.getBody().front()) {
    if (unsigned needed = countLimitsOf(&op); needed > limits)
      return op.emitOpError() << "(C6) names limit" << needed - 1 << ", but the choices of the list have " << limits
                              << " limits";
    auto choice = op.getAttrOfType<IntegerAttr>(kChoiceAttr);
    if (choice && (choice.getInt() < 0 || choice.getInt() >= static_cast<int64_t>(choices)))
      return op.emitOpError() << "(C6) is of choice " << choice.getInt() << ", but the list has " << choices;
  }
  return success();
}

LogicalResult LaunchesOp::verifyRegions() {
  if (failed(verifyChoices(*this)))
    return failure();
  llvm::StringSet<> known;
  for (auto binding : getBindings().getAsRange<BindingAttr>())
    known.insert(binding.getBuffer().getValue());
  for (auto weight : getWeights().getAsRange<StringAttr>())
    known.insert(("weight:" + weight.getValue()).str());
  for (Operation &op : getBody().front()) {
    if (auto workspace = dyn_cast<WorkspaceOp>(op)) {
      if (!known.insert(workspace.getName()).second)
        return workspace.emitOpError() << "(C3) " << workspace.getNameAttr() << " is already declared";
      continue;
    }
    if (!isa<LaunchOp, CollectiveOp>(op))
      return emitOpError() << "(C1) cannot contain '" << op.getName() << "'";
    for (Attribute argument : argumentsOf(&op))
      if (StringRef buffer = bufferOf(argument); !buffer.empty() && !known.contains(buffer))
        return op.emitOpError() << "(C2) unknown buffer \"" << buffer << "\"";
  }
  return success();
}
