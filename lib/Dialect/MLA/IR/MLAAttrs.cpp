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

LogicalResult RegimeAttr::verify(function_ref<InFlightDiagnostic()> emitError, Phase phase, int64_t first, int64_t last,
                                 Form q, Form o) {
  if (first < 0 || (last != kUnbounded && last < first))
    return emitError() << "context must be a range of lengths, got " << first << " to " << last;
  return success();
}

void RegimeAttr::printBody(raw_ostream &os) const {
  os << "{phase = " << stringifyPhase(getPhase());
  if (getFirstContext() != 0 || getLastContext() != kUnbounded)
    os << ", context = " << getFirstContext();
  if (getLastContext() != kUnbounded)
    os << " to " << getLastContext();
  os << ", q = " << stringifyForm(getQ()) << ", o = " << stringifyForm(getO()) << "}";
}

/// `name = keyword`, the keyword one of an enum's.
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

/// `context = first (to last)? ,`, or nothing.
static ParseResult parseContext(AsmParser &parser, int64_t &first, int64_t &last) {
  if (failed(parser.parseOptionalKeyword("context")))
    return success();
  if (parser.parseEqual() || parser.parseInteger(first))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("to")) && parser.parseInteger(last))
    return failure();
  return parser.parseComma();
}

FailureOr<RegimeAttr> RegimeAttr::parseBody(AsmParser &parser) {
  Phase phase = Phase::Prefill;
  Form q = Form::Naive, o = Form::Naive;
  int64_t first = 0, last = kUnbounded;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLBrace() || parseField(parser, "phase", phase) || parser.parseComma() ||
      parseContext(parser, first, last) || parseField(parser, "q", q) || parser.parseComma() ||
      parseField(parser, "o", o) || parser.parseRBrace())
    return failure();
  auto regime =
      RegimeAttr::getChecked([&] { return parser.emitError(loc); }, parser.getContext(), phase, first, last, q, o);
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
// #mla.plan
//===----------------------------------------------------------------------===//

static SmallVector<RegimeAttr> regimesOf(Phase phase, ArrayRef<RegimeAttr> regimes) {
  SmallVector<RegimeAttr> ofPhase(
      llvm::make_filter_range(regimes, [&](RegimeAttr regime) { return regime.getPhase() == phase; }));
  llvm::sort(ofPhase, [](RegimeAttr a, RegimeAttr b) { return a.getFirstContext() < b.getFirstContext(); });
  return ofPhase;
}

SmallVector<RegimeAttr> PlanAttr::getRegimes(Phase phase) const { return regimesOf(phase, getRegimes()); }

/// The regimes of a phase, sorted, must follow each other from 0 to no end.
static LogicalResult verifyCover(function_ref<InFlightDiagnostic()> emitError, Phase phase,
                                 ArrayRef<RegimeAttr> regimes) {
  int64_t next = 0;
  for (RegimeAttr regime : regimes) {
    if (next == RegimeAttr::kUnbounded || regime.getFirstContext() != next)
      return emitError() << "regimes of " << stringifyPhase(phase) << " must follow each other without gap or overlap";
    next = regime.getLastContext() == RegimeAttr::kUnbounded ? RegimeAttr::kUnbounded : regime.getLastContext() + 1;
  }
  if (!regimes.empty() && next != RegimeAttr::kUnbounded)
    return emitError() << "the last regime of " << stringifyPhase(phase) << " must have no end";
  return success();
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
