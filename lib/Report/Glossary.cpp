//===- Glossary.cpp - Glossary of reports ---------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Glossary.h"

using namespace mla;
using namespace mla::report;
using llvm::StringRef;

/// Words of every report, with the parts in order, followed by the words of latent attention.
static constexpr Word words[] = {
    {"q side", "query side", "projections of the query ahead of the attention, to what is compared with the cache"},
    {"core", "attention core",
     "scores, softmax and values over the cached tokens; with recomputed keys and values also their up-projection"},
    {"o side", "output side", "projections behind the attention, back to the hidden state"},
    {"append", "append to cache",
     "from the hidden state to what a new token leaves in the cache: projection, norm, rotation, writing"},
    {"MLP", "MLP", "the feed-forward layers: dense ones, or router, routed and shared experts"},
    {"rest", "rest", "the query's compression and rotation, norms and residual sums, embedding and logits"},
    {"step", "step",
     "one pass through the whole model: in decode a token of every sequence, in prefill a whole prompt"},
    {"context", "context", "cached tokens of a sequence, the new ones included"},
    {"needs", "memory needed", "weights and the cache of all sequences on one device; activations are left out"},
    {"naive, full K/V cache", "naive, full K/V cache", "keys and values of every head are cached, as in transformers"},
    {"naive, recomputed", "naive, recomputed",
     "the latent is cached, keys and values are up-projected from it in every step"},
    {"absorb", "absorb", "W_UK is applied to the query and W_UV behind the attention, which reads the latent itself"},
    {"fold", "fold", "as absorb, with the weights multiplied beforehand: one product less, more bytes"},
    {"plan", "plan", "the form that the compiler takes for the phase and the context"},
};
static constexpr size_t wordsOfHeads = 9;

std::vector<Word> mla::report::listWords(const Report &report) {
  std::vector<Word> list;
  for (const Word &word : llvm::ArrayRef(words).take_front(report.getConfig().latent ? std::size(words) : wordsOfHeads))
    if (report.getConfig().hasMlp() || word.word != titleOf(Part::Mlp))
      list.push_back(word);
  return list;
}

StringRef mla::report::meaningOf(StringRef word) {
  for (const Word &known : words)
    if (word == known.word || word == known.plain)
      return known.meaning;
  return {};
}

StringRef mla::report::plainTitleOf(Part part) { return words[unsigned(part)].plain; }
