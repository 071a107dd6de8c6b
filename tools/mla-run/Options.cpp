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
       mla-run BUNDLE --self-check [--weights=PATH] [--config=FILE] [--seed=N] [--batch=N] [--tokens=N] [--steps=N]
                                   [--tolerance=T] [--layer=K]
       mla-run BUNDLE --generate --prompt=IDS|@FILE [--prompt=...] [--max-new-tokens=N] [--json]
       mla-run BUNDLE --bench [--batch=N] [--context=N] [--steps=N] [--layer=K] [--json]
       mla-run BUNDLE --bench --phase=prefill [--tokens=N] [--batch=N] [--context=N] [--steps=N] [--layer=K] [--json]
       mla-run BUNDLE --profile[=TRACE.json], with the options of --bench
       mla-run BUNDLE --info [--json]
       mla-run BUNDLE --certificate
       mla-run BUNDLE --emulate [--counters] and one of --check, --self-check, --generate, --bench, --profile and --info,
                                                as above

Runs a bundle, the directory that mla-compile writes.

  --check=FILE      replay the steps of a golden file (safetensors) through the paged cache: prefill.hidden, then
                    decode.0.hidden, decode.1.hidden, ...; compare with prefill.out, decode.0.out, ...
                    Of a golden model: the logits golden.N.logits of its prompts, and the tokens golden.N.tokens
  --tolerance=T     largest relative L2 error allowed per tensor. Default: 1e-4 for f32, 2e-2 for bf16. With a packed cache
                    6e-2 for fp8_row and 8e-2 for fp8_tensor: a golden file does not have its rounding to e4m3, of up to
                    1/16 of a value. The reference of --self-check has it: 1e-3 for f32, 3e-2 for bf16. With products of
                    one term of e4m3 both allow 1e-1, and 1.2e-1 or 1.3e-1 where the cache is packed
  --layer=K         the layer to check (default: the bundle's first) or to measure (default: all in turn)
  --self-check      run a prefill of several prompts and decode steps on made-up hidden states, and compare with the layer
                    computed in float64 by plain loops: in naive form, with the checkpoint that the bundle was made of.
                    Where that is gone, with the bundle's own weights, which then are not checked themselves
  --weights=PATH    the checkpoint to compare with (a directory or file; default: the one that the bundle names)
  --config=FILE     its config.json (default: the one with --weights, or the one in the bundle)
  --seed=N          of hidden states and lengths (default 1)
  --generate        continue prompts by the likeliest token, again and again; of a bundle of --scope=model. Prints the
                    numbers of the new tokens, a line per prompt; with --json also the seconds of the prompts and of the
                    tokens after their first
  --prompt=IDS      token numbers between commas; @FILE: those in a file. Several prompts are one batch
  --max-new-tokens=N  tokens to generate per prompt (default 16)
  --bench           measure the time of steps on a cache of random values; of a bundle for a GPU, of each kernel too, and
                    of a model there the time of whole decode steps
  --profile[=TRACE.json]  time each kernel of a step, and print a table by parts of the step: shares, and the bytes and
                    operations a second beside what the device reaches. Of a bundle for a CPU the times of its layers
                    and ends. TRACE.json gets the step for Perfetto (ui.perfetto.dev), a track per part
  --phase=P         decode (default): one token a sequence; or prefill
  --batch=N         sequences (default 1; of --self-check 3)
  --context=N       tokens cached a sequence before the step (default: 4096 for decode, 0 for prefill)
  --tokens=N        tokens of a prefill a sequence (default 1024); of --self-check those of the longest prompt
                    (default: 3 more than a page has)
  --steps=N         steps that are timed (default 20; 1 with --emulate); decode steps of --self-check (default 3)
  --json            the result as one JSON object
  --info            say what the bundle holds; needs no processor or GPU it was compiled for. With a GPU, the kernels'
                    registers too
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
  mla-run layer0.mla --self-check --weights=DIR
  mla-run model.mla --profile=step.json --batch=8
  mla-run model.mla --generate --prompt=1,17,4 --prompt=@ids.txt --max-new-tokens=32
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
  SelfCheck,
  Weights,
  Config,
  Seed,
  Tolerance,
  Layer,
  Bench,
  Profile,
  Phase,
  Batch,
  Context,
  Tokens,
  Steps,
  Json,
  Info,
  Certificate,
  Emulate,
  Counters,
  Generate,
  Prompt,
  NewTokens,
  Help,
  Version
};

/// A set of modes.
enum ModeSet : unsigned {
  OfCheck = 1 << static_cast<unsigned>(Options::Mode::Check),
  OfSelfCheck = 1 << static_cast<unsigned>(Options::Mode::SelfCheck),
  OfBench = 1 << static_cast<unsigned>(Options::Mode::Bench),
  OfInfo = 1 << static_cast<unsigned>(Options::Mode::Info),
  OfProfile = 1 << static_cast<unsigned>(Options::Mode::Profile),
  OfGenerate = 1 << static_cast<unsigned>(Options::Mode::Generate),
  OfAll = ~0u,
};

/// The given options.
struct Given {
  std::vector<Options::Mode> modes;
  std::vector<int> options;
};

struct Belonging {
  const char *name;
  unsigned modes;
};
} // namespace

static const option table[] = {
    {"check", required_argument, nullptr, Check},
    {"self-check", no_argument, nullptr, SelfCheck},
    {"weights", required_argument, nullptr, Weights},
    {"config", required_argument, nullptr, Config},
    {"seed", required_argument, nullptr, Seed},
    {"tolerance", required_argument, nullptr, Tolerance},
    {"layer", required_argument, nullptr, Layer},
    {"bench", no_argument, nullptr, Bench},
    {"profile", optional_argument, nullptr, Profile},
    {"phase", required_argument, nullptr, Phase},
    {"batch", required_argument, nullptr, Batch},
    {"context", required_argument, nullptr, Context},
    {"tokens", required_argument, nullptr, Tokens},
    {"steps", required_argument, nullptr, Steps},
    {"json", no_argument, nullptr, Json},
    {"info", no_argument, nullptr, Info},
    {"certificate", no_argument, nullptr, Certificate},
    {"emulate", no_argument, nullptr, Emulate},
    {"counters", no_argument, nullptr, Counters},
    {"generate", no_argument, nullptr, Generate},
    {"prompt", required_argument, nullptr, Prompt},
    {"max-new-tokens", required_argument, nullptr, NewTokens},
    {"help", no_argument, nullptr, Help},
    {"version", no_argument, nullptr, Version},
    {nullptr, 0, nullptr, 0},
};

/// Parse an integer option; return the error if it is out of range.
static std::string setInteger(const char *name, const char *text, int64_t least, int64_t most, int64_t &value) {
  if (std::optional<int64_t> parsed = parseInteger(text, least, most))
    return value = *parsed, "";
  return std::string(name) + " must be an integer from " + std::to_string(least) + " to " + std::to_string(most) +
         ", got '" + text + "'";
}

/// Parse a size. The bounds prevent overflow of the product of any two sizes.
static std::string setSize(int id, const char *text, Options &options) {
  switch (id) {
  case Batch:
    return setInteger("--batch", text, 1, 65536, options.batch);
  case Context:
    return setInteger("--context", text, 0, 1 << 28, options.context);
  case Tokens:
    return setInteger("--tokens", text, 1, 1 << 24, options.tokens);
  default:
    return setInteger("--steps", text, 1, 1000000, options.steps);
  }
}

static std::string setPhase(const char *text, Options &options) {
  options.prefill = std::strcmp(text, "prefill") == 0;
  return options.prefill || std::strcmp(text, "decode") == 0
             ? ""
             : std::string("--phase must be decode or prefill, got '") + text + "'";
}

static std::string setTolerance(const char *text, Options &options) {
  options.tolerance = parseTolerance(text);
  return options.tolerance ? "" : std::string("--tolerance must be a number of at least 0, got '") + text + "'";
}

static std::string setLayer(const char *text, Options &options) {
  return setInteger("--layer", text, 0, 1 << 20, options.layer.emplace());
}

static std::string setSeed(const char *text, Options &options) {
  int64_t seed = 0;
  std::string error = setInteger("--seed", text, 0, INT64_MAX, seed);
  options.seed = static_cast<uint64_t>(seed);
  return error;
}

/// Return the mode that an option selects.
static std::optional<Options::Mode> modeOf(int id) {
  switch (id) {
  case Check:
    return Options::Mode::Check;
  case SelfCheck:
    return Options::Mode::SelfCheck;
  case Bench:
    return Options::Mode::Bench;
  case Profile:
    return Options::Mode::Profile;
  case Info:
    return Options::Mode::Info;
  case Certificate:
    return Options::Mode::Certificate;
  case Generate:
    return Options::Mode::Generate;
  default:
    return std::nullopt;
  }
}

/// Reject an empty path, which is probably an unset shell variable.
static std::string setPath(const char *name, const char *text, std::string &path) {
  path = text;
  return path.empty() ? std::string(name) + " is empty" : "";
}

/// Apply one option; return the error if it is invalid.
static std::string apply(int id, const char *argument, Options &options) {
  switch (id) {
  case Check:
    return setPath("--check", argument, options.goldenFile);
  case Profile:
    return argument ? setPath("--profile", argument, options.traceFile) : "";
  case SelfCheck:
  case Bench:
  case Info:
  case Certificate:
  case Generate:
    return "";
  case Prompt:
    return setPath("--prompt", argument, options.prompts.emplace_back());
  case NewTokens:
    return setInteger("--max-new-tokens", argument, 1, 1 << 20, options.newTokens);
  case Weights:
    return setPath("--weights", argument, options.weights);
  case Config:
    return setPath("--config", argument, options.configFile);
  case Emulate:
    options.emulate = true;
    return "";
  case Counters:
    options.counters = true;
    return "";
  case Json:
    options.json = true;
    return "";
  case Tolerance:
    return setTolerance(argument, options);
  case Layer:
    return setLayer(argument, options);
  case Phase:
    return setPhase(argument, options);
  case Seed:
    return setSeed(argument, options);
  default:
    return setSize(id, argument, options);
  }
}

/// Return the modes that accept an option.
static Belonging belongingOf(int id) {
  switch (id) {
  case Weights:
    return {"--weights", OfSelfCheck};
  case Config:
    return {"--config", OfSelfCheck};
  case Seed:
    return {"--seed", OfSelfCheck};
  case Tolerance:
    return {"--tolerance", OfCheck | OfSelfCheck};
  case Layer:
    return {"--layer", OfCheck | OfSelfCheck | OfBench | OfProfile};
  case Phase:
    return {"--phase", OfBench | OfProfile};
  case Batch:
    return {"--batch", OfBench | OfProfile | OfSelfCheck};
  case Context:
    return {"--context", OfBench | OfProfile};
  case Tokens:
    return {"--tokens", OfBench | OfProfile | OfSelfCheck};
  case Steps:
    return {"--steps", OfBench | OfProfile | OfSelfCheck};
  case Json:
    return {"--json", OfBench | OfProfile | OfInfo | OfGenerate};
  case Prompt:
    return {"--prompt", OfGenerate};
  case NewTokens:
    return {"--max-new-tokens", OfGenerate};
  case Emulate:
    return {"--emulate", OfCheck | OfSelfCheck | OfGenerate | OfBench | OfProfile | OfInfo};
  case Counters:
    return {"--counters", OfCheck | OfSelfCheck | OfGenerate | OfBench};
  default:
    return {"", OfAll};
  }
}

/// Return "--check, --bench or --info".
static std::string namesOf(unsigned modes) {
  static constexpr std::pair<unsigned, const char *> names[] = {
      {OfCheck, "--check"}, {OfSelfCheck, "--self-check"}, {OfGenerate, "--generate"},
      {OfBench, "--bench"}, {OfProfile, "--profile"},      {OfInfo, "--info"}};
  std::vector<std::string> found;
  for (auto [mode, name] : names)
    if (modes & mode)
      found.push_back(name);
  std::string text = found.front();
  for (size_t i = 1; i < found.size(); ++i)
    text += (i + 1 == found.size() ? " or " : ", ") + found[i];
  return text;
}

/// Return the error if the options are incompatible.
static std::string checkTogether(const Given &given, const Options &options) {
  if (given.modes.size() != 1)
    return "give one of --check=FILE, --self-check, --generate, --bench, --profile, --info and --certificate";
  for (int id : given.options) {
    auto [name, modes] = belongingOf(id);
    if (!(modes >> static_cast<unsigned>(options.mode) & 1))
      return std::string(name) + " requires " + namesOf(modes);
  }
  if (options.mode == Options::Mode::Generate && options.prompts.empty())
    return "--generate requires --prompt";
  if (options.counters && !options.emulate)
    return "--counters requires --emulate";
  if (options.tokens >= 0 && options.mode != Options::Mode::SelfCheck && !options.prefill)
    return "--tokens requires --phase=prefill";
  return "";
}

std::optional<int> mla::run::parseOptions(int argc, char **argv, Options &options) {
  Given given;
  opterr = 0; // do not print getopt's messages
  for (int id; (id = getopt_long(argc, argv, ":", table, nullptr)) != -1;) {
    if (id == ':' || id == '?')
      return usageError(
          std::string(id == ':' ? "no value for option " : "unknown or ambiguous option, or unexpected value: ") +
          argv[optind - 1]);
    if (id == Help)
      return std::fputs(helpText, stdout), 0;
    if (id == Version)
      return std::printf("mla-run %s\n", mla_version()), 0;
    std::string error = apply(id, optarg, options);
    if (!error.empty())
      return usageError(error);
    given.options.push_back(id);
    if (std::optional<Options::Mode> mode = modeOf(id))
      given.modes.push_back(*mode);
  }
  if (argc - optind != 1)
    return usageError(argc == optind ? "no BUNDLE given" : std::string("more than one BUNDLE: ") + argv[optind + 1]);
  options.bundle = argv[optind];
  if (!given.modes.empty())
    options.mode = given.modes.front();
  std::string error = checkTogether(given, options);
  if (!error.empty())
    return usageError(error);
  return std::nullopt;
}
