//===- Route.cpp - The experts of every token -----------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A warp finds the largest score of a token, excludes it, and finds the next.
// Equal scores, NaN and -inf have the choices of the lowering for the CPU
// (MLAToLinalg/Route.cpp).
//
//===----------------------------------------------------------------------===//

#include "Route.h"

#include "Hopper.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mla::gpu;

std::string RouteShape::name() const {
  std::string name = "route_" + std::to_string(chosen) + "of" + std::to_string(experts);
  name += isSigmoid ? "_sigmoid" : "_softmax";
  if (groups > 1)
    name += "_groups" + std::to_string(kept) + "of" + std::to_string(groups) + "by" + std::to_string(best);
  name += isCorrected ? "_corrected" : "";
  name += isNormalized ? "_normalized" : "";
  name += shared ? "_shared" + std::to_string(shared) : "";
  name += parts > 1 ? "_parts" + std::to_string(parts) : "";
  return name + "_f" + llvm::utohexstr(llvm::bit_cast<uint64_t>(factor), true);
}

namespace {
class Router {
public:
  Router(KernelBuilder &k, const RouteShape &shape, Val lane)
      : k(k), shape(shape), lane(lane), excluded(k.f32(-std::numeric_limits<double>::infinity())) {
    for (int64_t first = 0; first < shape.experts; first += 32)
      experts.push_back(lane + first);
  }
  /// Loads this lane's elements of a row of f32, `rest` beyond its end.
  Vals load(Val row, Val rest, llvm::function_ref<Val(Val pointer)> loadOne);
  Vals softmax(llvm::ArrayRef<Val> logits);
  Vals sigmoid(llvm::ArrayRef<Val> logits);
  /// Excludes numbers beyond the last expert.
  void excludeBeyond(Vals &open);
  /// Excludes the experts of groups that are not kept.
  void keepGroups(Vals &open);
  /// Chooses by `open` scores; returns this lane's choice.
  ExpertChoice choose(Vals open, llvm::ArrayRef<Val> scores);

private:
  struct Largest {
    Val score, index;
  };
  Largest findLargest(llvm::ArrayRef<Val> scores, llvm::ArrayRef<Val> indices, Val none);
  void exclude(llvm::MutableArrayRef<Val> scores, llvm::ArrayRef<Val> indices, Val index);
  Val sumOfBest(llvm::ArrayRef<Val> open, int64_t group);
  Val keptGroups(llvm::ArrayRef<Val> open);
  Val scoreOf(llvm::ArrayRef<Val> scores, Val expert);

  KernelBuilder &k;
  const RouteShape &shape;
  Val lane, excluded;
  Vals experts; ///< of this lane; the last may be beyond the end
};
} // namespace

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

Vals Router::load(Val row, Val rest, llvm::function_ref<Val(Val pointer)> loadOne) {
  Vals values;
  for (auto [i, expert] : llvm::enumerate(experts)) {
    auto own = [&, expert = expert]() -> Vals { return {loadOne(elementAt(k, row, expert, Element::F32))}; };
    bool isWhole = static_cast<int64_t>(i + 1) * 32 <= shape.experts;
    values.append(isWhole ? own() : k.choose(expert < shape.experts, own, [&]() -> Vals { return {rest}; }));
  }
  return values;
}

static Val exponential(KernelBuilder &k, Val x) { return exp2(x * k.f32(llvm::numbers::log2e)); }

Vals Router::softmax(llvm::ArrayRef<Val> logits) {
  Val most = excluded, sum = k.f32(0);
  for (Val logit : logits)
    most = max(most, logit);
  most = k.warpMax(most);
  Vals scores;
  for (Val logit : logits) {
    scores.push_back(exponential(k, logit - most));
    sum = sum + scores.back();
  }
  sum = k.warpSum(sum);
  for (Val &score : scores)
    score = score / sum;
  return scores;
}

Vals Router::sigmoid(llvm::ArrayRef<Val> logits) {
  Vals scores;
  for (Val logit : logits)
    scores.push_back(k.f32(1) / (k.f32(1) + exponential(k, -logit)));
  return scores;
}

//===----------------------------------------------------------------------===//
// Choices
//===----------------------------------------------------------------------===//

/// Finds the largest score of the warp, of equal ones that of the least index; `none` if no score is more than -inf.
Router::Largest Router::findLargest(llvm::ArrayRef<Val> scores, llvm::ArrayRef<Val> indices, Val none) {
  Largest best{excluded, none};
  auto take = [&](Val isBetter, Val score, Val index) {
    best = {select(isBetter, score, best.score), select(isBetter, index, best.index)};
  };
  for (auto [score, index] : llvm::zip_equal(scores, indices))
    take(score > best.score, score, index);
  for (int64_t mask : {16, 8, 4, 2, 1}) {
    Val score = k.shuffleXor(best.score, mask), index = k.shuffleXor(best.index, mask);
    take((score > best.score) | ((score == best.score) & (index < best.index)), score, index);
  }
  return best;
}

void Router::exclude(llvm::MutableArrayRef<Val> scores, llvm::ArrayRef<Val> indices, Val index) {
  for (auto [score, own] : llvm::zip_equal(scores, indices))
    score = select(own == index, excluded, score);
}

void Router::excludeBeyond(Vals &open) {
  if (shape.experts % 32 != 0)
    open.back() = select(experts.back() < shape.experts, open.back(), excluded);
}

/// Returns the sum of the `best` largest scores of a group.
Val Router::sumOfBest(llvm::ArrayRef<Val> open, int64_t group) {
  int64_t size = shape.experts / shape.groups, begin = group * size, end = begin + size;
  Vals scores, indices;
  for (int64_t i = begin / 32; i * 32 < end; ++i) { // in others no lane has an expert of the group
    scores.push_back(select((experts[i] >= begin) & (experts[i] < end), open[i], excluded));
    indices.push_back(experts[i]);
  }
  Largest largest = findLargest(scores, indices, k.i32(begin));
  Val sum = largest.score;
  for (int64_t i = 1; i < shape.best; ++i) {
    exclude(scores, indices, largest.index);
    largest = findLargest(scores, indices, k.i32(begin));
    sum = sum + largest.score;
  }
  return sum;
}

/// Returns a bit per group.
Val Router::keptGroups(llvm::ArrayRef<Val> open) {
  Val own = excluded, kept = k.i32(0);
  for (int64_t group = 0; group < shape.groups; ++group)
    own = select(lane == group, sumOfBest(open, group), own);
  for (int64_t i = 0; i < shape.kept; ++i) {
    Val group = findLargest(own, lane, k.i32(0)).index;
    kept = kept | (k.i32(1) << group);
    exclude(own, lane, group);
  }
  return kept;
}

void Router::keepGroups(Vals &open) {
  Val kept = keptGroups(open);
  for (auto [score, expert] : llvm::zip_equal(open, experts)) {
    Val group = expert / (shape.experts / shape.groups) & 31; // experts beyond the end have none
    score = select((kept >> group & 1) != 0, score, excluded);
  }
}

/// Returns the expert's score, which one lane has.
Val Router::scoreOf(llvm::ArrayRef<Val> scores, Val expert) {
  Val found = scores[0];
  for (size_t i = 1; i < scores.size(); ++i)
    found = select((expert >> 5) == static_cast<int64_t>(i), scores[i], found);
  return k.shuffle(found, expert & 31);
}

ExpertChoice Router::choose(Vals open, llvm::ArrayRef<Val> scores) {
  Val number = k.i32(0), weight = k.f32(0), sum = k.f32(0);
  for (int64_t i = 0; i < shape.chosen; ++i) {
    Val expert = findLargest(open, experts, k.i32(0)).index, score = scoreOf(scores, expert);
    exclude(open, experts, expert);
    number = select(lane == i, expert, number);
    weight = select(lane == i, score, weight);
    sum = sum + score;
  }
  if (shape.isNormalized)
    weight = weight / (sum + k.f32(1e-20));
  weight = weight * k.f32(shape.factor);
  if (shape.shared) {
    number = select(lane < shape.chosen, number, lane + (shape.experts - shape.chosen));
    weight = select(lane < shape.chosen, weight, k.f32(1));
  }
  return {number, weight};
}

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

/// Returns the sum of an element of all parts. All loads are in flight at the same time.
static Val sumParts(KernelBuilder &k, Val from, Val partBytes, int64_t parts) {
  Vals loaded;
  for (int64_t i = 0; i < parts; ++i)
    loaded.push_back(k.load(i ? k.at(from, partBytes * i) : from, k.f32Type(), 4));
  Val sum = loaded.front();
  for (Val part : llvm::drop_begin(loaded))
    sum = sum + part;
  return sum;
}

static Val laneOf(KernelBuilder &k) { return k.thread() & 31; }

Vals mla::gpu::loadCorrections(KernelBuilder &k, const RouteShape &shape, Val correction) {
  if (!shape.isCorrected)
    return {};
  return Router(k, shape, laneOf(k)).load(correction, k.f32(0), [&](Val from) {
    return k.loadConstant(from, k.f32Type());
  });
}

ExpertChoice mla::gpu::routeToken(KernelBuilder &k, const RouteShape &shape, llvm::ArrayRef<Val> corrections, Val row,
                                  Val partBytes) {
  Router router(k, shape, laneOf(k));
  Val none = k.f32(-std::numeric_limits<double>::infinity());
  Vals loaded = router.load(row, none, [&](Val from) { return sumParts(k, from, partBytes, shape.parts); });
  Vals scores = shape.isSigmoid ? router.sigmoid(loaded) : router.softmax(loaded), open = scores;
  for (auto [score, more] : llvm::zip(open, corrections))
    score = score + more;
  router.excludeBeyond(open);
  if (shape.groups > 1)
    router.keepGroups(open);
  return router.choose(open, scores);
}

void mla::gpu::emitRoute(mlir::gpu::GPUModuleOp module, const RouteShape &shape) {
  if (module.lookupSymbol(shape.name()))
    return;
  KernelBuilder k(module, shape.name(), routeThreads, /*oneBlock=*/false);
  unsigned logits = k.addPointer(), correction = shape.isCorrected ? k.addPointer() : 0, numbers = k.addPointer(),
           weights = k.addPointer();
  unsigned tokens = k.addInt(), stride = k.addInt();
  k.begin();
  // Uniform in a warp.
  Val warp = k.shuffle(k.thread() >> 5, k.i32(0)), lane = laneOf(k);
  Val token = k.blockX() * routeTokens + warp;
  Vals corrections = loadCorrections(k, shape, k.argument(correction)); // while predecessors run
  launchDependents(k);
  waitForPredecessors(k);
  k.when(token < k.argument(tokens), [&] {
    Val row = rowAt(k, k.argument(logits), token, k.argument(stride), Element::F32);
    Val partBytes = k.extend(k.argument(tokens)) * k.extend(k.argument(stride)) * 4;
    ExpertChoice choice = routeToken(k, shape, corrections, row, partBytes);
    k.when(lane < shape.columns(), [&] {
      Val index = token * shape.columns() + lane;
      k.store(choice.number, elementAt(k, k.argument(numbers), index, Element::F32), 4);
      k.store(choice.weight, elementAt(k, k.argument(weights), index, Element::F32), 4);
    });
  });
  k.finish();
}
