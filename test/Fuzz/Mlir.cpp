//===- Mlir.cpp - Any text as MLIR with operations of mla -----------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A module that parses and verifies runs through the pipelines of both targets as
// far as they succeed, and through each pass alone; the result of grouping is
// mutated and processed further. Passes may fail, but not crash.
//
//===----------------------------------------------------------------------===//

#include "MutateTokens.h"
#include "Require.h"

#include "mla/Conversion/MLAToGPU/Targets.h"
#include "mla/Conversion/Passes.h"
#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Dialect/MLA/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

#include "llvm/Support/Regex.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace mla;

extern "C" const char *__asan_default_options() {
  // MLIR's libraries are built without container annotations, which would differ from those of our code.
  return "detect_container_overflow=0:allow_user_poisoning=0";
}

/// Creates a new context from time to time: types and attributes stay in a context.
static MLIRContext &freshContext() {
  constexpr unsigned runs = 512;
  static std::unique_ptr<MLIRContext> context;
  static unsigned count = 0;
  if (count++ % runs)
    return *context;
  DialectRegistry registry;
  registry.insert<MLADialect, arith::ArithDialect, func::FuncDialect, linalg::LinalgDialect, tensor::TensorDialect>();
  registerGPUTargets(registry);
  context = std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  context->getDiagEngine().registerHandler([](Diagnostic &) {});
  return *context;
}

/// MLIR's parser (22.1) aborts on an invalid list of linalg, as in `permutation = >0, 1]`, and on
/// arrays of elements without a width, `array<index: 1>`.
static bool crashesTheParser(StringRef text) {
  static const llvm::Regex list("^[a-z]+ *= *\\[ *(-?[0-9]{1,18}( *, *-?[0-9]{1,18})*)? *\\]");
  static const llvm::Regex array("^array<(i|f|bf)[0-9]+[:>]");
  auto isAlways = [text](StringRef key, const llvm::Regex &form) {
    for (size_t at = text.find(key); at != text.npos; at = text.find(key, at + 1))
      if (!form.match(text.drop_front(at)))
        return false;
    return true;
  };
  return !isAlways("permutation", list) || !isAlways("dimensions", list) || !isAlways("array<", array);
}

/// Runs passes on the module until one fails.
template <typename... Passes> static bool run(ModuleOp module, Passes... passes) {
  PassManager pm(module.getContext());
  (pm.addPass(std::move(passes)), ...);
  return succeeded(pm.run(module));
}

static bool lowerForH100(ModuleOp module) {
  return run(module, createMLAAttentionCores(), createMLAHoistPositionScales(), createMLAGroupKernels(),
             createMLAScheduleKernels(), createConvertMLAToGPU());
}

static bool lowerForCPU(ModuleOp module) {
  return run(module, createMLALayout(), createMLABindWeights(), createMLAToLinalg());
}

static bool plan(ModuleOp module) { return run(module, createMLAPlan(), createMLAAbsorb(), createMLAFold()); }

/// Mutates the text after grouping one token at a time, for modules that no pass would create.
static bool lowerChangedKernels(ModuleOp module) {
  constexpr unsigned tries = 4;
  if (!run(module, createMLAGroupKernels()))
    return false;
  std::string grouped, text;
  llvm::raw_string_ostream(grouped) << module;
  fuzz::Random random(llvm::xxh3_64bits(grouped) | 1);
  for (unsigned i = 0; i < tries; ++i) {
    text = random() % 3 ? fuzz::replaceToken(grouped, random) : fuzz::moveLine(grouped, random);
    if (crashesTheParser(text))
      continue;
    if (OwningOpRef<ModuleOp> changed = parseSourceString<ModuleOp>(text, module.getContext()))
      run(*changed, createMLAScheduleKernels(), createConvertMLAToGPU());
  }
  return true;
}

static bool planForH100(ModuleOp module) { return plan(module) && lowerForH100(module); }

static bool planForCPU(ModuleOp module) { return plan(module) && lowerForCPU(module); }

/// Runs one pass on a module that was not prepared for it.
template <std::unique_ptr<Pass> (*create)()> static bool runAlone(ModuleOp module) {
  PassManager pm(module.getContext());
  pm.addPass(create());
  return succeeded(pm.run(module));
}

static bool scheduleAndConvert(ModuleOp module) {
  return run(module, createMLAScheduleKernels(), createConvertMLAToGPU());
}

using Way = bool (*)(ModuleOp);
static constexpr Way whole[] = {lowerForH100, lowerForCPU, planForH100, planForCPU};
static constexpr Way parts[] = {
    lowerChangedKernels,
    scheduleAndConvert,
    runAlone<createMLAPlan>,
    runAlone<createMLAAbsorb>,
    runAlone<createMLAFold>,
    runAlone<createMLALayout>,
    runAlone<createMLABindWeights>,
    runAlone<createMLAAttentionCores>,
    runAlone<createMLAHoistPositionScales>,
    runAlone<createMLAGroupKernels>,
    runAlone<createMLAScheduleKernels>,
    runAlone<createConvertMLAToGPU>,
    runAlone<createMLAToLinalg>,
    runAlone<createMLATilePrepare>,
    [](ModuleOp module) { return run(module, createCanonicalizerPass()); },
};

/// Replays a corpus through all pipelines; a fuzzer runs one per input, always the same, for speed. An input is
/// accepted if it passes through all that apply.
static bool goesThrough(ModuleOp module, StringRef text) {
  constexpr size_t numWays = std::size(whole) + std::size(parts);
  auto take = [&](size_t way) { return way < std::size(whole) ? whole[way] : parts[way - std::size(whole)]; };
  if (LLVMFuzzerMutate)
    return take(xxh3_64bits(text) % numWays)(module);
  size_t taken = 0;
  for (size_t way = 0; way < numWays; ++way)
    taken += take(way)(*OwningOpRef<ModuleOp>(module.clone())) && way < std::size(whole);
  return taken == std::size(whole);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  MLIRContext &context = freshContext();
  std::string text(reinterpret_cast<const char *>(data), size); // MLIR's lexer looks at the NUL behind it
  if (crashesTheParser(text))
    return 0;
  if (OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context))
    inputAccepted |= goesThrough(*module, text);
  return 0;
}
