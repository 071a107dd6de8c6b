//===- DirectProduct.cpp - Products of few tokens, from registers ---------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DirectProduct.h"

#include "Hopper.h"

using namespace mla::gpu;

//===----------------------------------------------------------------------===//
// Rows in lanes
//===----------------------------------------------------------------------===//

RowWords mla::gpu::loadRowWords(KernelBuilder &k, Val lane, int64_t lanes, int64_t width,
                                llvm::function_ref<Val(Val bytes)> load) {
  RowWords pieces;
  for (int64_t from = 0; from < width; from += lanes * laneElements) {
    Val first = lane * laneElements + from;
    auto words = [&]() -> Vals {
      Val vector = load(first * 2);
      return {k.element(vector, 0), k.element(vector, 1), k.element(vector, 2), k.element(vector, 3)};
    };
    bool isWhole = from + lanes * laneElements <= width;
    pieces.push_back(isWhole ? words() : k.choose(first < width, words, [&] { return Vals(4, k.i32(0)); }));
  }
  return pieces;
}

/// Four sums do not depend on each other.
Val mla::gpu::multiplyRowWords(KernelBuilder &k, const RowWords &a, const RowWords &b, int64_t lanes) {
  Vals sums(4, k.f32(0));
  for (auto [left, right] : llvm::zip_equal(a, b))
    for (auto [sum, x, y] : llvm::zip_equal(sums, left, right))
      sum = fma(highBF16(x), highBF16(y), fma(lowBF16(x), lowBF16(y), sum));
  Val total = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  for (int64_t mask = lanes / 2; mask > 0; mask /= 2)
    total = total + k.shuffleXor(total, mask);
  return total;
}

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

std::string DirectProductShape::name() const {
  return "direct_product_" + std::to_string(heads) + "x" + std::to_string(rows) + "x" + std::to_string(contracted) +
         (border ? "_border" + std::to_string(border) : "") + (floatResult ? "_f32" : "") +
         (append ? "_" + append->name() : "");
}

namespace {
class DirectProduct {
public:
  DirectProduct(mlir::gpu::GPUModuleOp module, const DirectProductShape &shape)
      : module(module), s(shape), k(module, shape.name(), directThreads, /*oneBlock=*/false) {}
  void emit();

private:
  void multiply();
  Val weightAt(Val row);
  void storePair(Val token);

  mlir::gpu::GPUModuleOp module;
  const DirectProductShape &s;
  KernelBuilder k;
  Val w, second, x, y, tokens, tokenStride, headStride;
};
} // namespace

/// Returns the address of a row of the weight, of all heads.
Val DirectProduct::weightAt(Val row) {
  Val first = rowAt(k, w, row, k.i32(s.contracted), Element::BF16);
  if (!s.border)
    return first;
  return select(row < s.border, first, rowAt(k, second, row - s.border, k.i32(s.contracted), Element::BF16));
}

/// Stores two neighbouring sums of the token from shared memory.
void DirectProduct::storePair(Val token) {
  Val own = k.thread() * 2, row = k.blockX() * s.rowsOfBlock() + own;
  k.when((own < s.rowsOfBlock()) & (row < s.heads * s.rows), [&] {
    Val from = k.shared(0, ((token & 1) * s.rowsOfBlock() + own) * 4);
    Val pair = k.load(from, k.vectorType(2, k.f32Type()), 8); // together, without bank conflicts
    Element element = s.floatResult ? Element::F32 : Element::BF16;
    Val to = elementAt(k, rowAt(k, y, token, k.i32(s.heads * s.rows), element), row, element);
    k.store(s.floatResult ? pair : packBF16(k.element(pair, 0), k.element(pair, 1)), to, 2 * bytesOf(element));
  });
}

void DirectProduct::multiply() {
  int64_t lanes = directLanes(s.contracted);
  Val unit = k.thread() / lanes, lane = k.thread() % lanes; // rows of a CTA, and who shares one
  Val row = min(k.blockX() * s.rowsOfBlock() + unit, k.i32(s.heads * s.rows - 1)), head = row / s.rows;
  mlir::Type words = k.vectorType(4, k.i32Type());
  Val from = weightAt(row);
  RowWords weights =
      loadRowWords(k, lane, lanes, s.contracted, [&](Val bytes) { return k.loadConstant(k.at(from, bytes), words); });
  launchDependents(k);
  waitForPredecessors(k);
  k.loop(k.i32(0), tokens, k.i32(1), {}, [&](Val token, llvm::ArrayRef<Val>) -> Vals {
    Val ofToken = rowAt(k, rowAt(k, x, token, tokenStride, Element::BF16), head, headStride, Element::BF16);
    RowWords own =
        loadRowWords(k, lane, lanes, s.contracted, [&](Val bytes) { return k.load(k.at(ofToken, bytes), words, 16); });
    Val sum = multiplyRowWords(k, weights, own, lanes);
    k.when(lane == 0, [&] { k.store(sum, k.shared(0, ((token & 1) * s.rowsOfBlock() + unit) * 4), 4); });
    k.syncBlock(); // once per token: the next one's sums are elsewhere
    storePair(token);
    return {};
  });
}

void DirectProduct::emit() {
  unsigned wArg = k.addPointer(), secondArg = s.border ? k.addPointer() : wArg, xArg = k.addPointer(),
           yArg = k.addPointer();
  unsigned tokensArg = k.addInt(), tokenStrideArg = k.addInt(), headStrideArg = k.addInt();
  std::optional<AppendArguments> append;
  if (s.append)
    append.emplace(k, *s.append);
  k.begin();
  w = k.argument(wArg), second = k.argument(secondArg), x = k.argument(xArg), y = k.argument(yArg);
  tokens = k.argument(tokensArg), tokenStride = k.argument(tokenStrideArg), headStride = k.argument(headStrideArg);
  if (append)
    k.when(
        k.blockX() < s.blocks(), [&] { multiply(); },
        [&] { appendOrRotate(k, module, *s.append, *append, k.blockX() - s.blocks()); });
  else
    multiply();
  k.finish();
}

void mla::gpu::emitDirectProduct(mlir::gpu::GPUModuleOp module, const DirectProductShape &shape) {
  if (!module.lookupSymbol(shape.name()))
    DirectProduct(module, shape).emit();
}
