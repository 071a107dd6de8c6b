//===- MLADialect.cpp - Registration ----------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Assembly.h"
#include "mla/Dialect/MLA/IR/Adapt.h"
#include "mla/Dialect/MLA/IR/KernelKind.h"
#include "mla/Dialect/MLA/IR/LaunchWork.h"
#include "mla/launch_part.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mla;

#include "mla/Dialect/MLA/IR/MLADialect.cpp.inc"
#include "mla/Dialect/MLA/IR/MLAEnums.cpp.inc"

void mla::MLADialect::initialize() {
  // Defined next to the generated storage, where it is complete.
  registerAttrs();
  registerTypes();
  addOperations<
#define GET_OP_LIST
#include "mla/Dialect/MLA/IR/MLAOps.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "mla/Dialect/MLA/IR/MLAAdapterOps.cpp.inc"
      >();
}

Operation *mla::MLADialect::materializeConstant(OpBuilder &builder, Attribute value, Type type, Location loc) {
  return arith::ConstantOp::materialize(builder, value, type, loc);
}

/// A cache in fp8_tensor may have a scale, which rows are multiplied by.
static LogicalResult verifyCacheScale(Operation *op, DictionaryAttr model) {
  auto cache = model.getAs<DictionaryAttr>("cache");
  Attribute scale = cache ? cache.get("scale") : Attribute();
  if (!scale)
    return success();
  auto number = dyn_cast<FloatAttr>(scale);
  if (!number || !(number.getValueAsDouble() >= 0x1p-40 && number.getValueAsDouble() <= 0x1p40))
    return op->emitError() << "expected the cache's scale of " << kModelAttr
                           << " to be a number from 2^-40 to 2^40, got " << scale;
  auto format = cache.getAs<StringAttr>("format");
  if (!format || format.getValue() != stringifyCacheFormat(CacheFormat::FP8Tensor))
    return op->emitError() << "expected a cache of " << kModelAttr << " with a scale to have the format "
                           << stringifyCacheFormat(CacheFormat::FP8Tensor) << ", got " << cache.get("format");
  return success();
}

/// Adapters that are not merged have names, each once, and say whether the rows of a cache depend on them.
static LogicalResult verifyAdapters(Operation *op, DictionaryAttr model) {
  Attribute given = model.get("adapters");
  if (!given)
    return success();
  auto adapters = dyn_cast<DictionaryAttr>(given);
  auto names = adapters ? adapters.getAs<ArrayAttr>("names") : ArrayAttr();
  auto cache = adapters ? adapters.getAs<StringAttr>("cache") : StringAttr();
  llvm::SmallDenseSet<Attribute> known;
  auto isNew = [&](Attribute name) { return isa<StringAttr>(name) && known.insert(name).second; };
  if (!names || names.empty() || !llvm::all_of(names, isNew) || !cache ||
      (cache.getValue() != "own" && cache.getValue() != "shared"))
    return op->emitError() << "expected adapters of " << kModelAttr << " to have different names, and a cache that is "
                           << "\"own\" or \"shared\", got " << given;
  return success();
}

/// A rank is one of several, of which groups of neighbours divide the tokens of a cache.
static LogicalResult verifyRanks(Operation *op, DictionaryAttr model) {
  Attribute given = model.get("ranks");
  if (!given)
    return success();
  auto ranks = dyn_cast<DictionaryAttr>(given);
  auto numberOf = [&](StringRef key) {
    auto number = ranks ? ranks.getAs<IntegerAttr>(key) : IntegerAttr();
    return number && number.getType().isSignlessInteger(64) ? number.getInt() : -1;
  };
  int64_t count = numberOf("count"), rank = numberOf("rank"), tokens = numberOf("tokens");
  if (count < 1 || rank < 0 || rank >= count || tokens < 1 || count % tokens != 0)
    return op->emitError() << "expected ranks of " << kModelAttr
                           << " to have a count, a rank below it, and tokens that "
                           << "divide it, got " << given;
  return success();
}

/// Checks that the fields that passes read exist.
static LogicalResult verifyModel(Operation *op, Attribute attribute) {
  auto model = dyn_cast<DictionaryAttr>(attribute);
  if (!model)
    return op->emitError() << "expected " << kModelAttr << " to be a dictionary";
  for (auto [key, least] :
       {std::pair("heads", 1), std::pair("kv_lora_rank", 1), std::pair("page", 1), std::pair("qk_nope_head_dim", 1),
        std::pair("qk_rope_head_dim", 0), std::pair("v_head_dim", 1)}) {
    auto size = model.getAs<IntegerAttr>(key);
    if (!size || !size.getType().isSignlessInteger(64) || size.getInt() < least)
      return op->emitError() << "expected " << key << " of " << kModelAttr << " to be an i64 of at least " << least;
  }
  if (Attribute products = model.get("products")) {
    auto name = dyn_cast<StringAttr>(products);
    if (!name || countTerms(symbolizeProductElements(name.getValue()).value_or(ProductElements::Plain)) == 0)
      return op->emitError() << "expected products of " << kModelAttr << " to be \"e4m3\" or \"e4m3x2\", got "
                             << products;
  }
  if (failed(verifyAdapters(op, model)) || failed(verifyRanks(op, model)))
    return failure();
  return verifyCacheScale(op, model);
}

/// Checks that something obeys the attribute: mla-quantize on a function that prepares a weight, and a schedule on an
/// attention to a packed cache.
static LogicalResult verifyProducts(Operation *op, Attribute attribute) {
  if (!isa<ProductsAttr>(attribute))
    return op->emitError() << "expected " << kProductsAttr << " to be a #mla.products, got " << attribute;
  if (auto attention = dyn_cast<LatentAttentionOp>(op); attention && attention.getCache().getType().isPacked())
    return success();
  if (auto function = dyn_cast<FunctionOpInterface>(op); function && function.getName().starts_with("prepare."))
    return success();
  if (op->getName().getDialectNamespace() == "llvm") // lowered code has the attributes of its functions
    return success();
  return op->emitError() << "expected " << kProductsAttr
                         << " on a @prepare function or on an mla.latent_attention with "
                         << "a packed cache: nothing obeys it elsewhere";
}

/// Checks that the operation sums over something that all ranks of the cuts divide.
static LogicalResult verifyCuts(Operation *op, Attribute attribute) {
  auto cuts = dyn_cast<ArrayAttr>(attribute);
  if (!cuts || cuts.empty() || !llvm::all_of(cuts, llvm::IsaPred<CutAttr>))
    return op->emitError() << "expected " << kCutsAttr << " to be an array of #mla.cut, got " << attribute;
  auto divisible = dyn_cast<DivisibleOpInterface>(op);
  if (!divisible || divisible.getSummedDims().empty())
    return op->emitError() << "expected " << kCutsAttr << " on an operation that sums over what ranks may divide";
  size_t ranks = cast<CutAttr>(cuts[0]).getFirst().size();
  if (!llvm::all_of(cuts.getAsRange<CutAttr>(), [&](CutAttr cut) { return cut.getFirst().size() == ranks; }))
    return op->emitError() << "expected all of " << kCutsAttr << " to be of as many ranks";
  return success();
}

/// Checks what a launch says of its work.
static LogicalResult verifyWork(Operation *op, NamedAttribute attribute) {
  if (!isa<LaunchOp, CollectiveOp>(op))
    return op->emitError() << "expected " << attribute.getName() << " on an mla.launch or an mla.collective";
  if (attribute.getName() == kChoiceAttr) {
    auto number = dyn_cast<IntegerAttr>(attribute.getValue());
    return number && number.getType().isSignlessInteger(64)
               ? success()
               : LogicalResult(op->emitError()
                               << "expected " << kChoiceAttr << " to be an i64, got " << attribute.getValue());
  }
  auto name = dyn_cast<StringAttr>(attribute.getValue());
  if (attribute.getName() == kPartAttr && (!name || !llvm::is_contained(schema::partNames, name.getValue())))
    return op->emitError() << "expected " << kPartAttr << " to be one of "
                           << llvm::join(ArrayRef(schema::partNames), ", ") << ", got " << attribute.getValue();
  if (attribute.getName() != kPartAttr && !isa<ExtentAttr>(attribute.getValue()))
    return op->emitError() << "expected " << attribute.getName() << " to be a #mla.extent, got "
                           << attribute.getValue();
  return success();
}

LogicalResult mla::MLADialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  if (attribute.getName() == kProductsAttr)
    return verifyProducts(op, attribute.getValue());
  if (attribute.getName() == kCutsAttr)
    return verifyCuts(op, attribute.getValue());
  if (llvm::is_contained({kPartAttr, kBytesAttr, kFlopsAttr, kChoiceAttr}, attribute.getName().getValue()))
    return verifyWork(op, attribute);
  return attribute.getName() == kModelAttr ? verifyModel(op, attribute.getValue()) : success();
}

#define GET_OP_CLASSES
#include "mla/Dialect/MLA/IR/MLAOps.cpp.inc"
