//===- MLAToGPU.cpp - From mla.kernel to code and launches ------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BufferNames.h"
#include "KernelParts.h"
#include "KernelWork.h"
#include "NextTokens.h"
#include "Probe.h"
#include "RowCheck.h"
#include "StepCheck.h"
#include "mla/Conversion/MLAToGPU/ScheduleRequest.h"
#include "mla/Conversion/Passes.h"
#include "mla/Dialect/MLA/IR/Bindings.h"
#include "mla/Dialect/MLA/IR/KernelKind.h"
#include "mla/Dialect/MLA/IR/LaunchWork.h"
#include "mla/Dialect/MLA/Transforms/Prepare.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

namespace mla {
#define GEN_PASS_DEF_CONVERTMLATOGPU
#include "mla/Conversion/Passes.h.inc"
} // namespace mla

using namespace mlir;
using namespace mla;
using mla::gpu::BufferNames;
using mla::gpu::Launches;
using mla::gpu::mapOf;

static constexpr llvm::StringLiteral kModuleName = "kernels";

//===----------------------------------------------------------------------===//
// A launch
//===----------------------------------------------------------------------===//

namespace {
/// Converts arguments to attributes.
struct MakeArgument {
  BufferNames &names;
  ImplicitLocOpBuilder &builder;

  /// Emits an error and returns null if the map is invalid.
  Attribute operator()(const mla::gpu::TensorMap &map) const {
    MLIRContext *context = builder.getContext();
    return TensorMapAttr::getChecked([&] { return emitError(builder.getLoc()); }, context, names.nameOf(map.buffer),
                                     map.buffer.offset, mapOf(map.dims, context), mapOf(map.strides, context),
                                     ArrayRef<int64_t>(map.box), map.swizzle);
  }
  Attribute operator()(const mla::gpu::Buffer &buffer) const {
    return PointerAttr::get(builder.getContext(), names.nameOf(buffer), buffer.offset);
  }
  Attribute operator()(AffineExpr expression) const {
    return ExtentAttr::get(builder.getContext(), mapOf(expression, builder.getContext()));
  }
  Attribute operator()(float number) const { return builder.getF32FloatAttr(number); }
};
} // namespace

/// Creates the operation, or emits an error and returns null.
static LaunchOp createLaunch(ImplicitLocOpBuilder &builder, const mla::gpu::Launch &launch, BufferNames &names) {
  MLIRContext *context = builder.getContext();
  auto kernel =
      SymbolRefAttr::get(builder.getStringAttr(kModuleName), {FlatSymbolRefAttr::get(context, launch.kernel)});
  SmallVector<Attribute> arguments;
  for (const mla::gpu::Argument &argument : launch.arguments)
    arguments.push_back(std::visit(MakeArgument{names, builder}, argument));
  if (llvm::is_contained(arguments, Attribute()))
    return {};
  return LaunchOp::create(builder, kernel, AffineMapAttr::get(mapOf(launch.grid, context)),
                          builder.getI64IntegerAttr(launch.threads), builder.getI64IntegerAttr(launch.sharedBytes),
                          launch.overlap ? builder.getUnitAttr() : UnitAttr(), builder.getArrayAttr(arguments));
}

static CollectiveOp createCollective(ImplicitLocOpBuilder &builder, const mla::gpu::Exchange &exchange,
                                     BufferNames &names) {
  MakeArgument make = {names, builder};
  return CollectiveOp::create(builder, CollectiveAttr::get(builder.getContext(), exchange.kind),
                              TypeAttr::get(exchange.element), builder.getI64IntegerAttr(exchange.ranks),
                              cast<PointerAttr>(make(exchange.in)), cast<PointerAttr>(make(exchange.out)),
                              AffineMapAttr::get(mapOf(exchange.count, builder.getContext())));
}

/// Says of which part of a step the launch is, and what it has to do.
static void describe(LaunchOp op, const mla::gpu::Launch &launch, const mla::gpu::KernelWork &work, schema::Part part) {
  MLIRContext *context = op.getContext();
  op->setAttr(kPartAttr, StringAttr::get(context, nameOf(part)));
  op->setAttr(kBytesAttr, ExtentAttr::get(context, mapOf(work.bytesOf(launch), context)));
  op->setAttr(kFlopsAttr, ExtentAttr::get(context, mapOf(work.flopsOf(launch), context)));
}

//===----------------------------------------------------------------------===//
// A function
//===----------------------------------------------------------------------===//

/// Return the names of the function's weights, once each, in order.
static ArrayAttr weightsOf(func::FuncOp function, Builder &builder) {
  llvm::SetVector<Attribute> names;
  function.walk([&](WeightOp weight) { names.insert(weight.getNameAttr()); });
  return builder.getArrayAttr(names.getArrayRef());
}

/// Return whether the type is a cache, or one row per token, of a known size that a GPU can hold. A static number of
/// rows in the type could differ from what a kernel writes, unless it `mayBeStatic`.
static bool isInMemory(Type type, bool mayBeStatic) {
  constexpr uint64_t most = uint64_t(1) << 40;
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return isa<CacheType>(type);
  if (tensor.getRank() == 0 || (!tensor.isDynamicDim(0) && !mayBeStatic) || !tensor.getElementType().isIntOrFloat())
    return false;
  uint64_t elements = 1; // an unknown size counts as the largest
  for (int64_t size : tensor.getShape().drop_front())
    elements = llvm::SaturatingMultiply(elements, static_cast<uint64_t>(size));
  return elements < most;
}

//===----------------------------------------------------------------------===//
// The caller's buffers
//===----------------------------------------------------------------------===//

/// Return the names of the rows, for messages.
static std::string listed(ArrayRef<const schema::Binding *> rows) {
  return llvm::join(llvm::map_range(rows, [](const schema::Binding *row) { return argumentNameOf(*row); }), ", ");
}

/// Return the values that an entry may have, for messages.
static std::string listedInOrder(ArrayRef<const schema::Binding *> rows) {
  return "at most " + listed(rows) + (rows.size() > 1 ? ", in that order" : "");
}

/// Check an entry, whose buffers have fixed names: its arguments and results are those of the table, in order. All but
/// the first argument may be left out.
static LogicalResult checkEntrySignature(func::FuncOp function) {
  auto rows = argumentsOf(schema::List::Entry), results = resultsOf(schema::List::Entry);
  auto arguments = matchInOrder(rows, function.getArgumentTypes());
  for (auto [i, row] : llvm::enumerate(arguments))
    if (!row || (i == 0 && row != rows.front()))
      return function.emitOpError() << "has an argument #" << i << " of " << function.getArgumentTypes()[i]
                                    << "; expected " << listedInOrder(rows);
  llvm::append_range(results, llvm::make_filter_range(arguments, [](const schema::Binding *row) {
                       return row->access == schema::Access::InOut;
                     }));
  for (auto [i, row] : llvm::enumerate(matchInOrder(results, function.getResultTypes())))
    if (!row)
      return function.emitOpError() << "has a result #" << i << " of " << function.getResultTypes()[i] << "; expected "
                                    << listedInOrder(results);
  return success();
}

/// Check the buffer name of a core's argument or result against the rows, and remove its row from them.
static LogicalResult checkBuffer(func::FuncOp function, const Twine &which, Type type, Attribute name,
                                 SmallVectorImpl<const schema::Binding *> &rows) {
  auto text = dyn_cast_if_present<StringAttr>(name);
  if (!text)
    return function.emitOpError() << "has " << which << " without a " << kBufferAttr << ", which names its buffer";
  auto *row = llvm::find_if(rows, [&](const schema::Binding *row) { return argumentNameOf(*row) == text.getValue(); });
  if (row == rows.end())
    return function.emitOpError() << "has " << which << " in the buffer " << name
                                  << ", which is already in use or unknown; expected one of " << listed(rows);
  if (!matches(**row, type))
    return function.emitOpError() << "has " << which << " of " << type << ", which the buffer " << name
                                  << " cannot hold";
  rows.erase(row);
  return success();
}

static LogicalResult checkCoreSignature(func::FuncOp function) {
  std::optional<schema::List> list = findCoreList(function.getName());
  if (!list)
    return function.emitOpError() << "is not a core; expected the name "
                                  << llvm::join(ArrayRef(schema::coreNames), ", ");
  auto rows = argumentsOf(*list), results = resultsOf(*list);
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes()))
    if (failed(checkBuffer(function, "an argument #" + Twine(i), type, function.getArgAttr(i, kBufferAttr), rows)))
      return failure();
  for (auto [i, type] : llvm::enumerate(function.getResultTypes()))
    if (!isa<CacheType>(type) &&
        failed(checkBuffer(function, "a result #" + Twine(i), type, function.getResultAttr(i, kBufferAttr), results)))
      return failure();
  return success();
}

/// Name the buffers of an end of a model, which are those of its list, in order: it is checked like a core then.
static void nameBuffers(func::FuncOp end) {
  std::optional<schema::List> list = findCoreList(end.getName());
  if (!list)
    return;
  Builder builder(end.getContext());
  for (auto [i, row] : llvm::enumerate(ArrayRef(argumentsOf(*list)).take_front(end.getNumArguments())))
    end.setArgAttr(i, kBufferAttr, builder.getStringAttr(row->name));
  for (auto [i, row] : llvm::enumerate(ArrayRef(resultsOf(*list)).take_front(end.getNumResults())))
    end.setResultAttr(i, kBufferAttr, builder.getStringAttr(row->name));
}

/// Checks that the kernel that computes the tensor writes the caller's memory once.
static LogicalResult checkReturned(func::FuncOp function) {
  llvm::SmallDenseSet<Value> returned;
  for (OpOperand &operand : function.front().getTerminator()->getOpOperands()) {
    Value value = operand.get();
    if (isa<CacheType>(value.getType()))
      continue;
    if (!value.getDefiningOp<KernelOp>() || !returned.insert(value).second)
      return function.emitOpError() << "has a result #" << operand.getOperandNumber()
                                    << " that no kernel writes: it is an argument, a weight or another result";
  }
  return success();
}

static LogicalResult checkFunction(func::FuncOp function) {
  if (!llvm::hasSingleElement(function.getBody()))
    return function.emitOpError("has control flow, which launch lists do not support");
  if (auto end = function->getAttrOfType<StringAttr>(kEndAttr); end && end != function.getSymNameAttr())
    return function.emitOpError() << "is the end " << end << " of a model; expected that name";
  for (Operation &op : function.front())
    if (!isa<KernelOp, WeightOp, func::ReturnOp>(op))
      return op.emitOpError("is not in a kernel; run mla-group-kernels first");
  for (auto kernel : function.getOps<KernelOp>()) {
    const KernelKind *kind = kernel.findKind();
    if (!kind)
      return failure();
    for (auto [i, type] : llvm::enumerate(kernel.getResultTypes()))
      if (!isInMemory(type, kind->storesStaticRows(i)))
        return kernel.emitOpError("has a result of ") << type << "; expected one row of static size per token";
  }
  if (failed(isCore(function) ? checkCoreSignature(function) : checkEntrySignature(function)))
    return failure();
  return checkReturned(function);
}

/// Checks the elements that the kernel stores and reads.
static LogicalResult checkElements(KernelOp kernel, const KernelKind &kind) {
  for (auto [i, type] : llvm::enumerate(kernel.getResultTypes()))
    if (isa<RankedTensorType>(type) && !kind.stores(getElementTypeOrSelf(type), i))
      return kernel.emitOpError() << "cannot store " << type << " as result #" << i << " of a " << kind.getName();
  for (Operation &op : kernel.getBody().front())
    if (op.getName().getStringRef() == kind.getOperation() && failed(kind.checkOperation(&op)))
      return failure();
  return success();
}

static FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) {
  const KernelKind *kind = kernel.findKind();
  if (!kind)
    return failure();
  if (!kernel.getSchedule())
    return kernel.emitOpError("has no schedule; run mla-schedule-kernels first");
  if (failed(kind->verifySchedule(kernel, /*isPartial=*/false)) || failed(checkElements(kernel, *kind)))
    return failure();
  FailureOr<Launches> launches = failure();
  if (failed(checkForced(kernel, [&] { return launches = kind->generate(kernel, module); })))
    return failure();
  return launches;
}

/// Shifts the limits in all expressions of a kernel's launches.
static void shiftLimits(Launches &launches, unsigned shift) {
  auto shiftAll = [&](MutableArrayRef<AffineExpr> expressions) {
    for (AffineExpr &expression : expressions)
      expression = mla::gpu::shiftLimits(expression, shift);
  };
  shiftAll(launches.workspace);
  for (mla::gpu::Launch &launch : launches.launches) {
    shiftAll(launch.grid);
    for (mla::gpu::Argument &argument : launch.arguments) {
      if (auto *map = std::get_if<mla::gpu::TensorMap>(&argument))
        shiftAll(map->dims), shiftAll(map->strides);
      else if (auto *value = std::get_if<AffineExpr>(&argument))
        *value = mla::gpu::shiftLimits(*value, shift);
    }
  }
}

namespace {
/// The choices of a launch list.
class ListChoices {
public:
  /// Adds the kernel's choice, if it has one, and numbers its limits in the list.
  LogicalResult enter(KernelOp kernel, Launches &launches);
  ArrayAttr get(Builder &builder) const { return builder.getArrayAttr(choices); }
  /// Return the number of the choice entered last.
  int64_t last() const { return static_cast<int64_t>(choices.size()) - 1; }

private:
  SmallVector<Attribute> choices;
  llvm::StringSet<> names;
  size_t numLimits = 0;

  /// Return the kernel's name, with a number if another kernel has it.
  StringAttr nameOf(KernelOp kernel);
};
} // namespace

StringAttr ListChoices::nameOf(KernelOp kernel) {
  std::string name = kernel.getName().str();
  for (unsigned i = 1; !names.insert(name).second; ++i)
    name = (kernel.getName() + "_" + Twine(i)).str();
  return StringAttr::get(kernel.getContext(), name);
}

LogicalResult ListChoices::enter(KernelOp kernel, Launches &launches) {
  constexpr size_t most = schema::Limit::ClassLimits;
  if (!launches.choice)
    return success();
  const mla::gpu::Choice &choice = *launches.choice;
  if (numLimits + choice.limits.size() > most)
    return kernel.emitOpError() << "has classes whose limits are more than the " << most << " of a function";
  auto error = [&] { return kernel.emitOpError() << "has classes that no launch list can have: "; };
  auto attribute =
      ChoiceAttr::getChecked(error, kernel.getContext(), nameOf(kernel), mapOf(choice.size, kernel.getContext()),
                             ArrayRef<int64_t>(choice.limits), ArrayRef<int64_t>(choice.most));
  if (!attribute)
    return failure();
  shiftLimits(launches, numLimits);
  choices.push_back(attribute);
  numLimits += choice.limits.size();
  return success();
}

/// Fills `list` with the workspaces and launches of the function's kernels, and `kernels` with their code.
static LogicalResult fill(LaunchesOp list, func::FuncOp function, mlir::gpu::GPUModuleOp kernels) {
  auto builder = ImplicitLocOpBuilder::atBlockBegin(list.getLoc(), &list.getBody().emplaceBlock());
  BufferNames names(function, builder);
  mla::gpu::KernelParts parts(function);
  ListChoices choices;
  for (auto kernel : function.getOps<KernelOp>()) {
    FailureOr<Launches> generated = generate(kernel, kernels);
    if (failed(generated) || failed(choices.enter(kernel, *generated)))
      return failure();
    builder.setLoc(kernel.getLoc());
    names.enter(kernel, generated->workspace);
    mla::gpu::KernelWork work(kernel);
    if (generated->exchange)
      createCollective(builder, *generated->exchange, names)
          ->setAttr(kPartAttr, builder.getStringAttr(nameOf(parts.of(kernel))));
    for (const mla::gpu::Launch &launch : generated->launches) {
      LaunchOp op = createLaunch(builder, launch, names);
      if (!op)
        return failure();
      describe(op, launch, work, parts.of(kernel));
      if (generated->choice)
        op->setAttr(kChoiceAttr, builder.getI64IntegerAttr(choices.last()));
    }
  }
  list.setChoicesAttr(choices.get(builder));
  ArrayAttr bindings = names.bindings();
  if (bindings)
    list.setBindingsAttr(bindings);
  return success(bindings != nullptr);
}

/// Replaces the function by launches.
static LogicalResult convert(func::FuncOp function, mlir::gpu::GPUModuleOp kernels) {
  if (failed(checkFunction(function)))
    return failure();
  OpBuilder builder(function);
  auto list = LaunchesOp::create(builder, function.getLoc(), function.getName(),
                                 function->getAttrOfType<RegimeAttr>(kRegimeAttr), weightsOf(function, builder));
  for (StringRef name : {kLayersAttr, kEndAttr})
    if (Attribute value = function->getAttr(name))
      list->setAttr(name, value);
  if (failed(fill(list, function, kernels))) {
    list.erase();
    return failure();
  }
  function.erase();
  return success();
}

/// Return whether the user forced a schedule of the function's kernels.
static bool isForced(func::FuncOp function) {
  return llvm::any_of(function.getOps<KernelOp>(), [](KernelOp kernel) { return kernel->hasAttr(kForcedAttr); });
}

/// Converts an attention-only function, which is optional: remarks if there is no kernel for its widths.
static LogicalResult convertCore(func::FuncOp function, mlir::gpu::GPUModuleOp kernels) {
  if (isForced(function))
    return convert(function, kernels);
  std::string why;
  {
    ScopedDiagnosticHandler handler(function.getContext(), [&](Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() == DiagnosticSeverity::Error && why.empty())
        why = diagnostic.str();
    });
    if (succeeded(convert(function, kernels)))
      return success();
  }
  function.emitRemark() << "@" << function.getName() << " is left out: " << why;
  function.erase();
  return success();
}

/// Binds the arguments of a core that no function declares. `cached` is the element type of the cache.
static void bindCore(ModuleOp module, schema::Core core, DictionaryAttr model, Type cached) {
  MLIRContext *context = module.getContext();
  SmallVector<Attribute> bindings;
  for (const schema::Binding &binding : bindingsOf(*findCoreList(nameOf(core))))
    bindings.push_back(
        BindingAttr::get(context, StringAttr::get(context, binding.name), typeOf(binding, model, cached)));
  for (auto list : module.getOps<LaunchesOp>())
    if (list.getSymName() == nameOf(core))
      list.setBindingsAttr(ArrayAttr::get(context, bindings));
}

/// Returns the packed cache of the functions, if there is exactly one.
static CacheType findPackedCache(ModuleOp module) {
  CacheType found;
  for (auto function : module.getOps<func::FuncOp>())
    for (Type type : function.getArgumentTypes())
      if (auto cache = dyn_cast<CacheType>(type); cache && cache.isPacked() && cache != found) {
        if (found)
          return {};
        found = cache;
      }
  return found;
}

/// Adds the checks of a step of an imported layer, of its tables, and of its rows in a packed cache, if there is one;
/// and of a model the choice of the next token.
static void addCores(ModuleOp module, mlir::gpu::GPUModuleOp kernels, DictionaryAttr model, CacheType packed) {
  if (auto vocabulary = model.getAs<IntegerAttr>("vocab_size")) {
    mla::gpu::addNextTokens(module, kernels, vocabulary.getInt());
    bindCore(module, schema::Core::Next, model, Float32Type::get(module.getContext()));
  }
  mla::gpu::addStepCheck(module, kernels, model.getAs<IntegerAttr>("page").getInt());
  bindCore(module, schema::Core::StepCheck, model, BFloat16Type::get(module.getContext()));
  if (!packed)
    return;
  mla::gpu::addRowCheck(module, kernels, packed);
  Builder builder(module.getContext());
  RankedTensorType pages = packed.getPagesType();
  NamedAttrList sizes(model);
  sizes.set("page", builder.getI64IntegerAttr(pages.getDimSize(1)));
  sizes.set("cache_row", builder.getI64IntegerAttr(pages.getDimSize(2)));
  bindCore(module, schema::Core::RowCheck, sizes.getDictionary(module.getContext()), pages.getElementType());
}

static mlir::gpu::GPUModuleOp createModule(ModuleOp module, const TargetInfo &info) {
  OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
  constexpr int optimization = 3;
  Attribute target =
      NVVM::NVVMTargetAttr::get(module.getContext(), optimization, "nvptx64-nvidia-cuda", info.chip, info.features);
  return mlir::gpu::GPUModuleOp::create(builder, module.getLoc(), kModuleName, builder.getArrayAttr(target));
}

namespace {
struct ConvertMLAToGPU : mla::impl::ConvertMLAToGPUBase<ConvertMLAToGPU> {
  void runOnOperation() override {
    const KernelTarget *target = KernelTarget::findFor(getOperation());
    if (!target)
      return signalPassFailure();
    mlir::gpu::GPUModuleOp kernels = createModule(getOperation(), target->getInfo(getOperation()));
    mla::gpu::emitProbe(kernels);
    CacheType packed = findPackedCache(getOperation());
    for (auto function : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      if (isPrepare(function) || function.isExternal())
        continue;
      bool isEnd = function->hasAttr(kEndAttr);
      if (isEnd)
        nameBuffers(function);
      auto convertOne = isCore(function) && !isEnd ? convertCore : convert;
      if (failed(convertOne(function, kernels)))
        return signalPassFailure();
    }
    if (auto model = getOperation()->getAttrOfType<DictionaryAttr>(kModelAttr))
      addCores(getOperation(), kernels, model, packed);
  }
};
} // namespace
