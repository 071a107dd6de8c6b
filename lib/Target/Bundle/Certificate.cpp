//===- Certificate.cpp - Checks of prepared weights -----------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "mla/Target/Certificate.h"
#include "Elements.h"
#include "ExpectedProbes.h"
#include "Float.h"
#include "Parallel.h"
#include "Reference.h"
#include "Rounding.h"
#include "mla/Dialect/MLA/Analysis/PrepareTile.h"
#include "mla/Dialect/MLA/IR/MLA.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/xxhash.h"

#include <cmath>
#include <limits>
#include <mutex>

using namespace mla;

/// u of f32, the unit roundoff.
static constexpr double kUnitRoundoff = 0x1p-24;
static constexpr double kLargestF32 = std::numeric_limits<float>::max();

static DType dtypeOf(mlir::Type type) {
  return type.isBF16() ? DType::BF16 : type.isF16() ? DType::F16 : type.isF32() ? DType::F32 : DType::F8_E4M3;
}

static DType dtypeOf(mlir::Value value) { return dtypeOf(mlir::getElementTypeOrSelf(value)); }

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

llvm::json::Value mla::toJSON(const Certificate &c) {
  llvm::json::Object object{{"layer", c.layer},
                            {"weight", c.weight},
                            {"check", c.isProduct ? "probes" : "elements"},
                            {"max_rounding", c.maxRounding},
                            {"rms_rounding", c.rmsRounding}};
  if (c.isProduct) {
    object["depth"] = c.depth;
    object["probes"] = c.probes;
    object["ratio"] = c.ratio;
  }
  return object;
}

bool mla::fromJSON(const llvm::json::Value &value, Certificate &c, llvm::json::Path path) {
  llvm::json::ObjectMapper map(value, path);
  std::string check;
  bool read = map && map.map("layer", c.layer) && map.map("weight", c.weight) && map.map("check", check) &&
              map.map("max_rounding", c.maxRounding) && map.map("rms_rounding", c.rmsRounding) &&
              map.mapOptional("depth", c.depth) && map.mapOptional("probes", c.probes) &&
              map.mapOptional("ratio", c.ratio);
  c.isProduct = check == "probes";
  return read;
}

//===----------------------------------------------------------------------===//
// Certifier
//===----------------------------------------------------------------------===//

struct Certifier::Impl {
  Impl(mlir::func::FuncOp prepare, llvm::ArrayRef<const SafetensorsTensor *> inputs, int64_t layer,
       llvm::StringRef weight);

  llvm::Error probeInner();
  llvm::Error checkProbes(mlir::Value value, const Selection &selection, const float *made);
  llvm::Error checkProduct(const Selection &selection, const float *made);
  llvm::Error checkSum(const Selection &selection, const float *made);
  llvm::Error compare(const float *made, llvm::ArrayRef<Place> rows, llvm::ArrayRef<Place> columns,
                      const ProbeVectors &of, llvm::ArrayRef<ProbeSums> expected, const llvm::Twine &where);
  llvm::Error checkElements(const Selection &selection, const void *made, int64_t count);
  llvm::Error checkStored(const void *made, const void *stored, int64_t count);
  llvm::Error refuse(const llvm::Twine &what, const llvm::Twine &advice) const;
  llvm::Error wrong(const llvm::Twine &what) const;
  llvm::Error tooLarge(double element, DType dtype) const;
  llvm::Error noCheck(const llvm::Twine &what) const;

  mlir::arith::TruncFOp rounding;
  Reference reference;
  Certificate certificate;
  mlir::Value root;  ///< the value that computes the weight's elements; users only move and round them
  ComposeOp product; ///< the root if it is a product, else null
  DType madeType, storedType;
  /// Random vectors over the columns of the root; for a product, their products with the inner factor, by head and
  /// step.
  ProbeVectors vectors;
  std::vector<std::vector<ProbeSums>> inner;

  std::mutex mutex; // guards the following members and the certificate
  RoundingError roundingError;
};

Certifier::Impl::Impl(mlir::func::FuncOp prepare, llvm::ArrayRef<const SafetensorsTensor *> inputs, int64_t layer,
                      llvm::StringRef weight)
    : rounding(findRounding(prepare)), reference(prepare, inputs, rounding) {
  root = reference.result();
  for (mlir::Operation *op = root.getDefiningOp(); op && (movesElements(op) || op == rounding);
       op = root.getDefiningOp())
    root = op->getOperand(0);
  product = root.getDefiningOp<ComposeOp>();
  madeType = dtypeOf(rounding ? mlir::Value(rounding.getIn()) : reference.result());
  storedType = dtypeOf(reference.result());
  certificate.layer = layer;
  certificate.weight = weight.str();
  certificate.depth = findDepth(root);
  certificate.isProduct = certificate.depth > 0;
}

llvm::Error Certifier::Impl::refuse(const llvm::Twine &what, const llvm::Twine &advice) const {
  return llvm::createStringError("layer " + llvm::Twine(certificate.layer) + ": weight " + certificate.weight + ": " +
                                 what + "; the bundle was not written: " + advice);
}

llvm::Error Certifier::Impl::wrong(const llvm::Twine &what) const {
  return refuse(what, "compile again, and report it if that happens again");
}

llvm::Error Certifier::Impl::tooLarge(double element, DType dtype) const {
  return refuse(llvm::formatv("an element is {0:e}, which {1} cannot represent", element, dtypeName(dtype)).str(),
                certificate.isProduct ? "choose a --plan without this product, or scale the checkpoint"
                                      : "scale the checkpoint");
}

/// Return the error for an operation without a check, which checkpoints do not produce.
llvm::Error Certifier::Impl::noCheck(const llvm::Twine &what) const {
  return refuse(what, "this is a bug in mla-compile: please report it with the output of --emit=fold");
}

llvm::Error Certifier::Impl::probeInner() {
  llvm::ArrayRef<int64_t> shape = mlir::cast<mlir::RankedTensorType>(root.getType()).getShape();
  certificate.probes = kNumProbes;
  uint64_t seed = llvm::xxh3_64bits(certificate.weight) + certificate.layer;
  for (int probe = 0; probe < kNumProbes; ++probe)
    for (int64_t m = 0; m < shape.back(); ++m)
      vectors[probe].push_back(probeElement(seed, probe, m));
  if (!product)
    return llvm::Error::success();
  inner.assign(shape[0], std::vector<ProbeSums>(certificate.depth));
  return forEachInParallel(shape[0], [&](int64_t head) {
    Selection all = selectBox({head, 0, 0}, {1, certificate.depth, shape[2]});
    return ExpectedProbes(reference, vectors).probe(product.getInner(), all, inner[head]);
  });
}

llvm::Error Certifier::Impl::compare(const float *made, llvm::ArrayRef<Place> rows, llvm::ArrayRef<Place> columns,
                                     const ProbeVectors &of, llvm::ArrayRef<ProbeSums> expected,
                                     const llvm::Twine &where) {
  std::vector<std::array<double, kNumProbes>> sums(rows.size());
  sumRows(made, rows, columns, of, sums);
  double largest = 0;
  for (size_t n = 0; n < rows.size(); ++n)
    for (int probe = 0; probe < kNumProbes; ++probe) {
      if (double largest = expected[n].magnitudes[probe]; largest > kLargestF32 && !std::isfinite(sums[n][probe]))
        return tooLarge(largest, DType::F32);
      double residual = std::fabs(sums[n][probe] - expected[n].sums[probe]);
      double bound = kUnitRoundoff * expected[n].errors[probe];
      if (!(residual <= bound))
        return wrong("row " + llvm::Twine(rows[n].index) + where +
                     llvm::formatv(": a probe's residual is {0:e}, its bound {1:e}", residual, bound).str());
      if (bound > 0)
        largest = std::max(largest, residual / bound);
    }
  std::lock_guard<std::mutex> lock(mutex);
  certificate.ratio = std::max(certificate.ratio, largest);
  return llvm::Error::success();
}

/// Check a product head by head.
llvm::Error Certifier::Impl::checkProduct(const Selection &selection, const float *made) {
  if (selection[2].size() != vectors[0].size())
    return noCheck("a tile does not have all columns of the product");
  for (Place head : selection[0]) {
    std::vector<ProbeSums> expected(selection[1].size());
    ExpectedProbes probes(reference, vectors);
    if (llvm::Error error = probes.probeOuter(product, head.index, selection[1], inner[head.index], expected))
      return noCheck(llvm::toString(std::move(error)));
    if (llvm::Error error = compare(made + head.offset, selection[1], selection[2], vectors, expected,
                                    " of head " + llvm::Twine(head.index) + " differs from the product of its factors"))
      return error;
  }
  return llvm::Error::success();
}

/// Check a sum. Tiles may contain part of the columns.
llvm::Error Certifier::Impl::checkSum(const Selection &selection, const float *made) {
  ProbeVectors ofColumns;
  for (int probe = 0; probe < kNumProbes; ++probe)
    for (Place column : selection.back())
      ofColumns[probe].push_back(vectors[probe][column.index]);
  llvm::SmallVector<Place> rows = joinRows(selection);
  std::vector<ProbeSums> expected(rows.size());
  if (llvm::Error error = ExpectedProbes(reference, ofColumns).probe(root, dense(selection), expected))
    return noCheck(llvm::toString(std::move(error)));
  return compare(made, rows, selection.back(), ofColumns, expected, " of a tile differs from the sum of its terms");
}

/// Follow the elements from `value` to the root, in parts if necessary.
llvm::Error Certifier::Impl::checkProbes(mlir::Value value, const Selection &selection, const float *made) {
  mlir::Operation *op = value.getDefiningOp();
  if (value == root)
    return product ? checkProduct(selection, made) : checkSum(selection, made);
  if (op == rounding)
    return checkProbes(op->getOperand(0), selection, made);
  llvm::Expected<Selection> source = selectSource(op, selection);
  if (source)
    return checkProbes(op->getOperand(0), *source, made);
  llvm::consumeError(source.takeError());
  for (const Selection &part : splitSelection(selection))
    if (llvm::Error error = checkProbes(value, part, made))
      return error;
  return llvm::Error::success();
}

llvm::Error Certifier::Impl::checkElements(const Selection &selection, const void *made, int64_t count) {
  std::vector<double> expected(count), values(count);
  if (llvm::Error error = reference.evaluate(reference.result(), selection, expected.data()))
    return noCheck(llvm::toString(std::move(error)));
  widenRow(madeType, made, 0, values);
  for (auto [value, element] : llvm::zip_equal(values, expected))
    if (!std::isfinite(element))
      return tooLarge(element, madeType);
    else if (value != element)
      return wrong(llvm::formatv("an element is {0:e}, and {1:e} by the checkpoint", value, element).str());
  return llvm::Error::success();
}

static std::string describeWrongRounding(const float *exact, const uint16_t *rounded, int64_t count) {
  int64_t i = 0;
  while (i + 1 < count && rounded[i] == roundToBF16(exact[i]))
    ++i;
  return llvm::formatv("{0:e} is stored as {1:e}, not as the nearest element", exact[i], widenBF16(rounded[i]));
}

/// Check that elements are rounded once, to the nearest, and record the rounding errors in the certificate.
llvm::Error Certifier::Impl::checkStored(const void *made, const void *stored, int64_t count) {
  if (storedType != DType::BF16 || madeType != DType::F32)
    return noCheck("it is stored as " + llvm::Twine(dtypeName(storedType)) + ", for which there is no check");
  auto *exact = static_cast<const float *>(made);
  auto *rounded = static_cast<const uint16_t *>(stored);
  RoundingError error;
  if (!checkRounding(exact, rounded, count, error))
    return wrong(describeWrongRounding(exact, rounded, count));
  if (!std::isfinite(error.squaredErrors))
    return tooLarge(INFINITY, storedType);
  std::lock_guard<std::mutex> lock(mutex);
  roundingError.add(error);
  return llvm::Error::success();
}

Certifier::Certifier(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
Certifier::Certifier(Certifier &&) noexcept = default;
Certifier::~Certifier() = default;

llvm::Expected<Certifier> Certifier::create(mlir::func::FuncOp prepare,
                                            llvm::ArrayRef<const SafetensorsTensor *> inputs, int64_t layer,
                                            llvm::StringRef weight) {
  auto impl = std::make_unique<Impl>(prepare, inputs, layer, weight);
  if (impl->certificate.isProduct && impl->madeType != DType::F32)
    return impl->noCheck("a product is computed in " + llvm::Twine(dtypeName(impl->madeType)) + ", not in f32");
  if (impl->certificate.isProduct)
    if (llvm::Error error = impl->probeInner())
      return impl->noCheck(llvm::toString(std::move(error)));
  return Certifier(std::move(impl));
}

llvm::Error Certifier::check(llvm::ArrayRef<int64_t> offsets, llvm::ArrayRef<int64_t> sizes, const void *made,
                             const void *stored) {
  Selection selection = selectBox(offsets, sizes);
  int64_t count = 1;
  for (int64_t size : sizes)
    count *= size;
  llvm::Error error = impl->certificate.isProduct
                          ? impl->checkProbes(impl->reference.result(), selection, static_cast<const float *>(made))
                          : impl->checkElements(selection, made, count);
  if (error || made == stored)
    return error;
  return impl->checkStored(made, stored, count);
}

Certificate Certifier::finish() const {
  Certificate certificate = impl->certificate;
  const RoundingError &error = impl->roundingError;
  certificate.maxRounding = error.largest;
  // Round to f32: threads add their tiles in any order, and bundles must be reproducible.
  certificate.rmsRounding = error.squares > 0 ? float(std::sqrt(error.squaredErrors / error.squares)) : 0;
  return certificate;
}
