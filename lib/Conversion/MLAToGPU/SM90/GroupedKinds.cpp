//===- GroupedKinds.cpp - The kinds of gated and grouped projections ------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kinds.h"
#include "Product.h"
#include "ReadKernel.h"
#include "Sorting.h"
#include "SumTerms.h"

#include "mla/Dialect/MLA/Analysis/Commuting.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mla;
using namespace mla::gpu;

//===----------------------------------------------------------------------===//
// Gated products
//===----------------------------------------------------------------------===//

/// Return the product whose gates and ups are activated, and that nothing else reads; an empty one if there is none.
static Product gatedBy(SwigluOp op) {
  Value halves = getSourceOfHalves(op.getGate(), op.getUp());
  Operation *source = halves ? halves.getDefiningOp() : nullptr;
  if (!source || !llvm::all_of(source->getUsers(), [&](Operation *user) {
        return user == op.getGate().getDefiningOp() || user == op.getUp().getDefiningOp() || isa<tensor::DimOp>(user);
      }))
    return {};
  Product product = productOf(source);
  product.gated = true;
  return product;
}

//===----------------------------------------------------------------------===//
// Kinds
//===----------------------------------------------------------------------===//

namespace {
class GatedKind : public ProductKind {
public:
  GatedKind() : ProductKind("gated_projection", SwigluOp::getOperationName()) {}
  bool takes(Operation *op) const override {
    auto activated = dyn_cast<SwigluOp>(op);
    return activated && gatedBy(activated).op;
  }
  bool fuses(Operation *producer, Operation *last) const override {
    return gatedBy(cast<SwigluOp>(last)).op == producer;
  }
  Product productIn(KernelOp kernel) const override { return gatedBy(findIn<SwigluOp>(kernel)); }
};

class GroupedKind : public ProductKind {
public:
  GroupedKind() : ProductKind("grouped_projection", GroupedProjectOp::getOperationName()) {}
  bool fuses(Operation *producer, Operation *) const override { return isa<DequantizeOp>(producer); }
  Product productIn(KernelOp kernel) const override { return productOf(findIn<GroupedProjectOp>(kernel)); }
};

/// The product of choices, stored in their own order; then the sum of each token's, and what is added to it.
class MixKind : public ProductKind {
public:
  MixKind() : ProductKind("mix_choices", MixChoicesOp::getOperationName()) {}
  bool takes(Operation *op) const override { return isa<MixChoicesOp>(op) || (isSum(op) && findMix(op)); }
  bool fuses(Operation *producer, Operation *last) const override {
    MixChoicesOp mix = isSum(last) ? findMix(last) : dyn_cast<MixChoicesOp>(last);
    return mix && (producer == mix || producer == mix.getRows().getDefiningOp<GroupedProjectOp>() ||
                   (isSum(last) && isPartOfSum(producer)));
  }
  Value findComputed(Value yielded) const override;
  LogicalResult checkOperation(Operation *op) const override;
  Product productIn(KernelOp kernel) const override {
    return productOf(findIn<MixChoicesOp>(kernel).getRows().getDefiningOp());
  }
  FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override;
};

class SortKind : public KernelKind {
public:
  SortKind() : KernelKind("sort_choices", SortChoicesOp::getOperationName()) {}
  bool stores(Type element, unsigned result) const override {
    return result == 0   ? element.isBF16() || isa<Float8E4M3FNType>(element)
           : result == 3 ? element.isF32()
                         : element.isInteger(32);
  }
  bool storesStaticRows(unsigned result) const override { return result == 2; }
  FailureOr<Launches> generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const override;
};
} // namespace

std::unique_ptr<KernelKind> mla::gpu::createGatedKind() { return std::make_unique<GatedKind>(); }
std::unique_ptr<KernelKind> mla::gpu::createGroupedKind() { return std::make_unique<GroupedKind>(); }
std::unique_ptr<KernelKind> mla::gpu::createMixKind() { return std::make_unique<MixKind>(); }
std::unique_ptr<KernelKind> mla::gpu::createSortKind() { return std::make_unique<SortKind>(); }

/// Return the weighted sum in a sum.
Value MixKind::findComputed(Value yielded) const {
  Operation *op = beforeRounding(yielded).getDefiningOp();
  MixChoicesOp mix = op && isSum(op) ? findMix(op) : dyn_cast_if_present<MixChoicesOp>(op);
  return mix ? mix.getResult() : yielded;
}

LogicalResult MixKind::checkOperation(Operation *op) const {
  auto mix = dyn_cast<MixChoicesOp>(op);
  if (mix && !mix.getRows().getDefiningOp<GroupedProjectOp>())
    return mix.emitOpError("adds choices that its kernel does not multiply; compile with --target=cpu");
  return KernelKind::checkOperation(op);
}

FailureOr<Launches> MixKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  auto mix = findIn<MixChoicesOp>(kernel);
  Product product = productIn(kernel);
  FailureOr<SumTerms> terms = readSum(kernel);
  FailureOr<Buffer> weights = operandOf(mix.getWeights());
  if (failed(terms) || failed(weights))
    return failure();
  Buffer rows{Buffer::Workspace, 0};
  FailureOr<Launches> launches = launchesOf(kernel, module, rows, mix.getOrder());
  if (failed(launches))
    return failure();
  constexpr int64_t bf16Bytes = 2;
  launches->workspace.push_back(rowsOf(product.x) * (product.choices() * terms->shape.width * bf16Bytes));
  launches->launches.push_back(launchOfSum(kernel, module, *terms, rows, *weights));
  return launches;
}

FailureOr<Launches> SortKind::generate(KernelOp kernel, mlir::gpu::GPUModuleOp module) const {
  FailureOr<Launch> launch = launchOfSort(kernel, module);
  if (failed(launch))
    return failure();
  return Launches{{*launch}, {}};
}
