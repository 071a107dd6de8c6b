//===- Options.cpp - The command line of mla-run --------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Options.h"

#include "mla/runtime.h"

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <getopt.h>
#include <vector>

using namespace mla::run;

static constexpr int usageStatus = 2;

static const char *const helpText = R"(usage: mla-run BUNDLE --check=FILE [--tolerance=T] [--layer=K]
       mla-run BUNDLE --bench [--batch=N] [--context=N] [--steps=N] [--layer=K] [--json]
       mla-run BUNDLE --bench --phase=prefill [--tokens=N] [--batch=N] [--context=N] [--steps=N] [--layer=K] [--json]
       mla-run BUNDLE --info
       mla-run BUNDLE --certificate
       mla-run BUNDLE --emulate [--counters] and one of --check, --bench and --info, as above

Runs a bundle, the directory that mla-compile writes.

  --check=FILE      replay the steps of a golden file (safetensors) through the paged cache: prefill.hidden, then
                    decode.0.hidden, decode.1.hidden, ...; compare with prefill.out, decode.0.out, ...
  --tolerance=T     largest relative L2 error allowed a tensor (default: 1e-4 for f32, 2e-2 for bf16)
  --layer=K         the layer to check (default: the bundle's first) or to measure (default: all in turn)
  --bench           measure the time of steps on a cache of random values
  --phase=P         decode (default): one token a sequence; or prefill
  --batch=N         sequences (default 1)
  --context=N       tokens cached a sequence before the step (default: 4096 for decode, 0 for prefill)
  --tokens=N        tokens of a prefill a sequence (default 1024)
  --steps=N         steps that are timed (default 20; 1 with --emulate)
  --json            the result as one JSON object
  --info            say what the bundle holds; needs no processor or GPU it was compiled for
  --certificate     say how every weight was checked against the checkpoint when it was made, and how far it was off
  --emulate         run a bundle of --target=h100 on a device that this processor emulates, without a GPU: slow, and
                    stricter than the chip. Undefined behavior of a kernel is an error
  --counters        print what each kernel executed on the emulated device
  --help            this text
  --version         the release

A bundle of --target=h100 runs on the GPU; --bench then times at least 20 layers at a time, as the host enqueues them.
MLA_NUM_THREADS sets the number of threads (default: all processors the process may use).
MLA_LIBCUDA names the CUDA driver's library (default: libcuda.so.1). MLA_EMULATOR has settings of the emulated device,
such as policy=random:7,multiprocessors=8 (docs/emulator.md).
Exit status: 0 success; 1 failure, a tensor beyond the tolerance or a weight without certificate; 2 wrong usage.

Examples:
  mla-compile --weights=golden.safetensors -o layer0.mla && mla-run layer0.mla --check=golden.safetensors
  MLA_NUM_THREADS=8 mla-run layer0.mla --bench --batch=4 --context=8192 --json
  mla-run layer0.mla --bench --phase=prefill --tokens=2048
  mla-run h100.mla --emulate --counters --check=golden.safetensors
)";

static int usageError(const std::string &what) {
  std::fprintf(stderr, "error: mla-run: %s; see mla-run --help\n", what.c_str());
  return usageStatus;
}

static std::optional<int64_t> parseInteger(const char *text, int64_t least, int64_t most) {
  char *end = nullptr;
  errno = 0;
  long long value = std::strtoll(text, &end, 10);
  if (errno || end == text || *end || value < least || value > most)
    return std::nullopt;
  return value;
}

static std::optional<double> parseTolerance(const char *text) {
  char *end = nullptr;
  double value = std::strtod(text, &end);
  if (end == text || *end || !std::isfinite(value) || value < 0)
    return std::nullopt;
  return value;
}

namespace {
enum OptionId {
  Check = 1,
  Tolerance,
  Layer,
  Bench,
  Phase,
  Batch,
  Context,
  Tokens,
  Steps,
  Json,
  Info,
  Certificate,
  Emulate,
  CountersOption,
  Help,
  Version
};

/// What was given, and the modes the given options belong to.
struct Given {
  std::vector<Options::Mode> modes;
  const char *checkOnly = nullptr, *benchOnly = nullptr, *prefillOnly = nullptr;
};
} // namespace

static const option table[] = {
    {"check", required_argument, nullptr, Check},
    {"tolerance", required_argument, nullptr, Tolerance},
    {"layer", required_argument, nullptr, Layer},
    {"bench", no_argument, nullptr, Bench},
    {"phase", required_argument, nullptr, Phase},
    {"batch", required_argument, nullptr, Batch},
    {"context", required_argument, nullptr, Context},
    {"tokens", required_argument, nullptr, Tokens},
    {"steps", required_argument, nullptr, Steps},
    {"json", no_argument, nullptr, Json},
    {"info", no_argument, nullptr, Info},
    {"certificate", no_argument, nullptr, Certificate},
    {"emulate", no_argument, nullptr, Emulate},
    {"counters", no_argument, nullptr, CountersOption},
    {"help", no_argument, nullptr, Help},
    {"version", no_argument, nullptr, Version},
    {nullptr, 0, nullptr, 0},
};

/// Reads an integer option; the error, if it is out of range.
static std::string setInteger(const char *name, const char *text, int64_t least, int64_t most, int64_t &value) {
  if (std::optional<int64_t> parsed = parseInteger(text, least, most))
    return value = *parsed, "";
  return std::string(name) + " must be an integer from " + std::to_string(least) + " to " + std::to_string(most) +
         ", is '" + text + "'";
}

static std::string setBenchInteger(int id, const char *text, Options &options, Given &given) {
  // The bounds keep every product of two of them far from overflow.
  switch (id) {
  case Batch:
    given.benchOnly = "--batch";
    return setInteger("--batch", text, 1, 65536, options.batch);
  case Context:
    given.benchOnly = "--context";
    return setInteger("--context", text, 0, 1 << 28, options.context);
  case Tokens:
    given.benchOnly = given.prefillOnly = "--tokens";
    return setInteger("--tokens", text, 1, 1 << 24, options.tokens);
  default:
    given.benchOnly = "--steps";
    return setInteger("--steps", text, 1, 1000000, options.steps);
  }
}

static std::string setPhase(const char *text, Options &options, Given &given) {
  given.benchOnly = "--phase";
  options.prefill = std::strcmp(text, "prefill") == 0;
  return options.prefill || std::strcmp(text, "decode") == 0
             ? ""
             : std::string("--phase must be decode or prefill, is '") + text + "'";
}

static std::string setTolerance(const char *text, Options &options, Given &given) {
  given.checkOnly = "--tolerance";
  options.tolerance = parseTolerance(text);
  return options.tolerance ? "" : std::string("--tolerance must be a number of at least 0, is '") + text + "'";
}

static std::string setLayer(const char *text, Options &options) {
  return setInteger("--layer", text, 0, 1 << 20, options.layer.emplace());
}

/// Applies one option; the error, if it is wrong.
static std::string apply(int id, const char *argument, Options &options, Given &given) {
  switch (id) {
  case Check:
    given.modes.push_back(Options::Mode::Check);
    options.goldenFile = argument;
    return "";
  case Bench:
    given.modes.push_back(Options::Mode::Bench);
    return "";
  case Info:
    given.modes.push_back(Options::Mode::Info);
    return "";
  case Certificate:
    given.modes.push_back(Options::Mode::Certificate);
    return "";
  case Emulate:
    options.emulate = true;
    return "";
  case CountersOption:
    options.counters = true;
    return "";
  case Tolerance:
    return setTolerance(argument, options, given);
  case Layer:
    return setLayer(argument, options);
  case Phase:
    return setPhase(argument, options, given);
  case Json:
    given.benchOnly = "--json";
    options.json = true;
    return "";
  default:
    return setBenchInteger(id, argument, options, given);
  }
}

/// The error, if the options do not belong together.
static std::string checkTogether(const Given &given, const Options &options) {
  if (given.modes.size() != 1)
    return "give one of --check=FILE, --bench, --info and --certificate";
  if (given.checkOnly && options.mode != Options::Mode::Check)
    return std::string(given.checkOnly) + " belongs to --check";
  if (given.benchOnly && options.mode != Options::Mode::Bench)
    return std::string(given.benchOnly) + " belongs to --bench";
  if (options.emulate && options.mode == Options::Mode::Certificate)
    return "--emulate belongs to --check, --bench and --info";
  if (options.counters && (!options.emulate || options.mode == Options::Mode::Info))
    return "--counters belongs to --emulate with --check or --bench";
  if (given.prefillOnly && !options.prefill)
    return std::string(given.prefillOnly) + " belongs to --phase=prefill";
  if (options.layer && (options.mode == Options::Mode::Info || options.mode == Options::Mode::Certificate))
    return "--layer belongs to --check and --bench";
  return "";
}

std::optional<int> mla::run::parseOptions(int argc, char **argv, Options &options) {
  Given given;
  opterr = 0; // messages are ours
  for (int id; (id = getopt_long(argc, argv, ":", table, nullptr)) != -1;) {
    if (id == ':' || id == '?')
      return usageError(std::string(id == ':' ? "no value for option "
                                              : "unknown or ambiguous option, or a value where "
                                                "none belongs: ") +
                        argv[optind - 1]);
    if (id == Help)
      return std::fputs(helpText, stdout), 0;
    if (id == Version)
      return std::printf("mla-run %s\n", mla_version()), 0;
    std::string error = apply(id, optarg, options, given);
    if (!error.empty())
      return usageError(error);
  }
  if (argc - optind != 1)
    return usageError(argc == optind ? "no BUNDLE given" : std::string("more than one BUNDLE: ") + argv[optind + 1]);
  options.bundle = argv[optind];
  if (!given.modes.empty())
    options.mode = given.modes.front();
  if (options.steps < 0)
    options.steps = options.emulate ? 1 : 20;
  std::string error = checkTogether(given, options);
  if (!error.empty())
    return usageError(error);
  return std::nullopt;
}
