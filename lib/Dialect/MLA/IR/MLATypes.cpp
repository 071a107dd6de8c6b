//===- MLATypes.cpp - The paged latent cache --------------------*- C++ -*-===//
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

/// Parse ` part 1 of 4`, or nothing for a whole cache.
static ParseResult parseCachePart(AsmParser &parser, int64_t &part, int64_t &parts) {
  part = 0;
  parts = 1;
  if (failed(parser.parseOptionalKeyword("part")))
    return success();
  return failure(parser.parseInteger(part) || parser.parseKeyword("of") || parser.parseInteger(parts));
}

static void printCachePart(AsmPrinter &printer, int64_t part, int64_t parts) {
  if (parts > 1)
    printer << " part " << part << " of " << parts;
}

#define GET_TYPEDEF_CLASSES
#include "mla/Dialect/MLA/IR/MLATypes.cpp.inc"

void mla::MLADialect::registerTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "mla/Dialect/MLA/IR/MLATypes.cpp.inc"
      >();
}

LogicalResult CacheType::verify(function_ref<InFlightDiagnostic()> emitError, int64_t page, int64_t latent,
                                int64_t rope, Type elementType, CacheFormat format, int64_t part, int64_t parts) {
  if (page <= 0 || latent <= 0 || rope < 0)
    return emitError() << "page and latent must be positive, and rope not negative";
  constexpr int64_t most = 1 << 20; // so that products of these sizes fit 64 bits
  if (std::max({page, latent, rope}) > most)
    return emitError() << "page, latent and rope must be at most " << most;
  if (!isa<FloatType>(elementType))
    return emitError() << "element type must be a float type, got " << elementType;
  if (parts < 1 || parts > most || part < 0 || part >= parts)
    return emitError() << "expected a part of several, numbered from 0, got part " << part << " of " << parts;
  return success();
}

/// The two enums number the formats alike.
static schema::CacheFormat toSchema(CacheFormat format) { return static_cast<schema::CacheFormat>(format); }
static_assert(static_cast<int>(schema::CacheFormat::FP8Tensor) == static_cast<int>(CacheFormat::FP8Tensor) &&
              static_cast<int>(schema::CacheFormat::FP8Row) == static_cast<int>(CacheFormat::FP8Row));

schema::PackedRow CacheType::getPackedRow() const {
  return schema::packedRow(toSchema(getFormat()), getLatent(), getRope());
}

RankedTensorType CacheType::getPagesType() const {
  Type element = isPacked() ? IntegerType::get(getContext(), 8) : getElementType();
  int64_t row = schema::cacheRow(toSchema(getFormat()), getLatent(), getRope());
  return RankedTensorType::get({ShapedType::kDynamic, getPage(), row}, element);
}

RankedTensorType CacheType::getBlockTableType() const {
  return RankedTensorType::get({ShapedType::kDynamic, ShapedType::kDynamic}, IntegerType::get(getContext(), 32));
}

RankedTensorType CacheType::getLengthsType() const {
  return RankedTensorType::get({ShapedType::kDynamic}, IntegerType::get(getContext(), 32));
}
