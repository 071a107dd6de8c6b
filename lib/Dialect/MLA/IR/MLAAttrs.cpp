//===- MLAAttrs.cpp - Regimes and plans -------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Dialect/MLA/IR/MLA.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mla;

#define GET_ATTRDEF_CLASSES
#include "mla/Dialect/MLA/IR/MLAAttrs.cpp.inc"

void mla::MLADialect::registerAttrs() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "mla/Dialect/MLA/IR/MLAAttrs.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// #mla.regime
//===----------------------------------------------------------------------===//

LogicalResult RegimeAttr::verify(function_ref<InFlightDiagnostic()> emitError, Phase phase, mla::Range tokens,
                                 mla::Range contexts, Form q, Form o) {
  for (auto [name, range] : {std::pair("tokens", tokens), std::pair("context", contexts)})
    if (range.first < 0 || range.isEmpty())
      return emitError() << name << " must be a range of numbers, got " << range.first << " to " << range.last;
  return success();
}

static void printRange(raw_ostream &os, StringRef name, mla::Range range) {
  if (range.isAll())
    return;
  os << ", " << name << " = " << range.first;
  if (range.isBounded())
    os << " to " << range.last;
}

void RegimeAttr::printBody(raw_ostream &os) const {
  os << "{phase = " << stringifyPhase(getPhase());
  printRange(os, "tokens", getTokens());
  printRange(os, "context", getContexts());
  os << ", q = " << stringifyForm(getQ()) << ", o = " << stringifyForm(getO()) << "}";
}

/// Parses `name = keyword`, with a keyword of an enum.
template <typename Enum> static ParseResult parseField(AsmParser &parser, StringRef name, Enum &value) {
  StringRef keyword;
  SMLoc loc;
  if (parser.parseKeyword(name) || parser.parseEqual() || (loc = parser.getCurrentLocation(), false) ||
      parser.parseKeyword(&keyword))
    return failure();
  std::optional<Enum> parsed = symbolizeEnum<Enum>(keyword);
  if (!parsed)
    return parser.emitError(loc) << "unknown " << name << " '" << keyword << "'";
  value = *parsed;
  return success();
}

/// Parses `name = first (to last)? ,`, or nothing.
static ParseResult parseRange(AsmParser &parser, StringRef name, mla::Range &range) {
  if (failed(parser.parseOptionalKeyword(name)))
    return success();
  if (parser.parseEqual() || parser.parseDecimalInteger(range.first))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("to")) && parser.parseDecimalInteger(range.last))
    return failure();
  return parser.parseComma();
}

FailureOr<RegimeAttr> RegimeAttr::parseBody(AsmParser &parser) {
  Phase phase = Phase::Prefill;
  Form q = Form::Naive, o = Form::Naive;
  mla::Range tokens, contexts;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLBrace() || parseField(parser, "phase", phase) || parser.parseComma() ||
      parseRange(parser, "tokens", tokens) || parseRange(parser, "context", contexts) || parseField(parser, "q", q) ||
      parser.parseComma() || parseField(parser, "o", o) || parser.parseRBrace())
    return failure();
  auto regime =
      RegimeAttr::getChecked([&] { return parser.emitError(loc); }, parser.getContext(), phase, tokens, contexts, q, o);
  if (!regime)
    return failure();
  return regime;
}

Attribute RegimeAttr::parse(AsmParser &parser, Type) {
  if (parser.parseLess())
    return {};
  FailureOr<RegimeAttr> regime = parseBody(parser);
  if (failed(regime) || parser.parseGreater())
    return {};
  return *regime;
}

void RegimeAttr::print(AsmPrinter &printer) const {
  printer << "<";
  printBody(printer.getStream());
  printer << ">";
}

//===----------------------------------------------------------------------===//
// #mla.mask
//===----------------------------------------------------------------------===//

LogicalResult MaskAttr::verify(function_ref<InFlightDiagnostic()> emitError, MaskKind kind, int64_t window) {
  if (kind != MaskKind::Window && window != 0)
    return emitError() << "a mask '" << stringifyMaskKind(kind) << "' has no number, got " << window;
  if (kind == MaskKind::Window && (window < 1 || window > std::numeric_limits<int32_t>::max()))
    return emitError() << "a window counts 1 to " << std::numeric_limits<int32_t>::max() << " keys, got " << window;
  return success();
}

//===----------------------------------------------------------------------===//
// #mla.cut
//===----------------------------------------------------------------------===//

LogicalResult CutAttr::verify(function_ref<InFlightDiagnostic()> emitError, CutKind kind, ArrayRef<int64_t> first,
                              ArrayRef<int64_t> count, StringRef why) {
  if (first.empty() || first.size() != count.size())
    return emitError() << "expected a first element and a count of each rank, got " << first.size() << " and "
                       << count.size() << " numbers";
  for (auto [from, elements] : llvm::zip(first, count))
    if (from < 0 || elements < 1)
      return emitError() << "the part of a rank has an element at least, got " << elements << " from " << from;
  return success();
}

//===----------------------------------------------------------------------===//
// #mla.plan
//===----------------------------------------------------------------------===//

static SmallVector<RegimeAttr> regimesOf(Phase phase, ArrayRef<RegimeAttr> regimes) {
  SmallVector<RegimeAttr> ofPhase(
      llvm::make_filter_range(regimes, [&](RegimeAttr regime) { return regime.getPhase() == phase; }));
  llvm::sort(ofPhase, [](RegimeAttr a, RegimeAttr b) {
    return std::pair(a.getTokens().first, a.getContexts().first) <
           std::pair(b.getTokens().first, b.getContexts().first);
  });
  return ofPhase;
}

SmallVector<RegimeAttr> PlanAttr::getRegimes(Phase phase) const { return regimesOf(phase, getRegimes()); }

/// Checks that sorted ranges are consecutive, from 0 to unbounded.
static LogicalResult verifyCover(function_ref<InFlightDiagnostic()> emitError, Phase phase, StringRef name,
                                 ArrayRef<mla::Range> ranges) {
  std::optional<uint64_t> next = 0;
  for (mla::Range range : ranges) {
    if (!next || *next != static_cast<uint64_t>(range.first))
      return emitError() << "regimes of " << stringifyPhase(phase) << " must be contiguous and not overlap in " << name;
    next = range.isBounded() ? std::optional(static_cast<uint64_t>(range.last) + 1) : std::nullopt;
  }
  if (next)
    return emitError() << "the last regime of " << stringifyPhase(phase) << " must be unbounded in " << name;
  return success();
}

/// Checks sorted regimes: bands of tokens, and in each band contexts.
static LogicalResult verifyCover(function_ref<InFlightDiagnostic()> emitError, Phase phase,
                                 ArrayRef<RegimeAttr> regimes) {
  SmallVector<mla::Range> bands;
  while (!regimes.empty()) {
    bands.push_back(regimes.front().getTokens());
    SmallVector<mla::Range> contexts;
    for (; !regimes.empty() && regimes.front().getTokens() == bands.back(); regimes = regimes.drop_front())
      contexts.push_back(regimes.front().getContexts());
    if (failed(verifyCover(emitError, phase, "context", contexts)))
      return failure();
  }
  return bands.empty() ? success() : verifyCover(emitError, phase, "tokens", bands);
}

LogicalResult PlanAttr::verify(function_ref<InFlightDiagnostic()> emitError, ArrayRef<RegimeAttr> regimes,
                               StringRef why) {
  for (Phase phase : {Phase::Prefill, Phase::Decode})
    if (failed(verifyCover(emitError, phase, regimesOf(phase, regimes))))
      return failure();
  return success();
}

Attribute PlanAttr::parse(AsmParser &parser, Type) {
  SmallVector<RegimeAttr> regimes;
  std::string why;
  SMLoc loc = parser.getCurrentLocation();
  auto parseRegime = [&]() -> ParseResult {
    FailureOr<RegimeAttr> regime = RegimeAttr::parseBody(parser);
    if (failed(regime))
      return failure();
    regimes.push_back(*regime);
    return success();
  };
  if (parser.parseLess() || parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseRegime) ||
      parser.parseComma() || parser.parseKeyword("why") || parser.parseEqual() || parser.parseString(&why) ||
      parser.parseGreater())
    return {};
  return PlanAttr::getChecked([&] { return parser.emitError(loc); }, parser.getContext(), regimes, why);
}

void PlanAttr::print(AsmPrinter &printer) const {
  printer << "<[";
  llvm::interleaveComma(getRegimes(), printer, [&](RegimeAttr regime) { regime.printBody(printer.getStream()); });
  printer << "], why = ";
  printer.printString(getWhy());
  printer << ">";
}
