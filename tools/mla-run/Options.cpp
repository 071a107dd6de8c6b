//===- Options.cpp - The command line of mla-run --------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Options.h"
#include "HelpText.h"
#include "OptionValues.h"

#include "mla/launch_abi.h"
#include "mla/runtime.h"

#include <cstdio>
#include <getopt.h>
#include <vector>

using namespace mla::run;

static constexpr int usageStatus = 2;

static int usageError(const std::string &what) {
  std::fprintf(stderr, "error: mla-run: %s; see mla-run --help\n", what.c_str());
  return usageStatus;
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
  AdapterOf,
  Bench,
  Profile,
  Tune,
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
  MaxSequences,
  Temperature,
  TopK,
  TopP,
  Stop,
  IgnoreStop,
  Rank,
  IdFile,
  Timeout,
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
  OfTune = 1 << static_cast<unsigned>(Options::Mode::Tune),
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
    {"adapter-of", required_argument, nullptr, AdapterOf},
    {"bench", no_argument, nullptr, Bench},
    {"profile", optional_argument, nullptr, Profile},
    {"tune", optional_argument, nullptr, Tune},
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
    {"max-sequences", required_argument, nullptr, MaxSequences},
    {"temperature", required_argument, nullptr, Temperature},
    {"top-k", required_argument, nullptr, TopK},
    {"top-p", required_argument, nullptr, TopP},
    {"stop", required_argument, nullptr, Stop},
    {"ignore-eos", no_argument, nullptr, IgnoreStop},
    {"rank", required_argument, nullptr, Rank},
    {"id", required_argument, nullptr, IdFile},
    {"timeout", required_argument, nullptr, Timeout},
    {"help", no_argument, nullptr, Help},
    {"version", no_argument, nullptr, Version},
    {nullptr, 0, nullptr, 0},
};

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

/// Apply an option of --generate.
static std::string setGeneration(int id, const char *argument, Options &options) {
  switch (id) {
  case Prompt:
    return setPath("--prompt", argument, options.prompts.emplace_back());
  case NewTokens:
    return setInteger("--max-new-tokens", argument, 1, 1 << 20, options.newTokens);
  case MaxSequences:
    return setInteger("--max-sequences", argument, 1, 1 << 20, options.maxSequences);
  case Temperature:
    return setTemperature(argument, options);
  case TopK:
    return setInteger("--top-k", argument, 1, INT32_MAX, options.topK);
  case TopP:
    return setTopP(argument, options);
  case Stop:
    return setStop(argument, options);
  default:
    options.ignoreStop = true;
    return "";
  }
}

/// Apply an option of several ranks.
static std::string setRank(int id, const char *argument, Options &options) {
  switch (id) {
  case Rank:
    return setInteger("--rank", argument, 0, mla::schema::Limit::Ranks - 1, options.rank);
  case IdFile:
    return setPath("--id", argument, options.idFile);
  default:
    return setTimeout(argument, options);
  }
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
  case Tune:
    return Options::Mode::Tune;
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

/// Apply one option; return the error if it is invalid.
static std::string apply(int id, const char *argument, Options &options) {
  switch (id) {
  case Check:
    return setPath("--check", argument, options.goldenFile);
  case Profile:
    return argument ? setPath("--profile", argument, options.traceFile) : "";
  case Tune:
    return argument ? setSizes(argument, options) : "";
  case SelfCheck:
  case Bench:
  case Info:
  case Certificate:
  case Generate:
    return "";
  case Prompt:
  case NewTokens:
  case MaxSequences:
  case Temperature:
  case TopK:
  case TopP:
  case Stop:
  case IgnoreStop:
    return setGeneration(id, argument, options);
  case Rank:
  case IdFile:
  case Timeout:
    return setRank(id, argument, options);
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
  case AdapterOf:
    return setAdapters(argument, options);
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
    return {"--seed", OfSelfCheck | OfGenerate};
  case Tolerance:
    return {"--tolerance", OfCheck | OfSelfCheck};
  case Layer:
    return {"--layer", OfCheck | OfSelfCheck | OfBench | OfProfile | OfTune};
  case AdapterOf:
    return {"--adapter-of", OfCheck | OfBench | OfProfile};
  case Phase:
    return {"--phase", OfBench | OfProfile | OfTune};
  case Batch:
    return {"--batch", OfBench | OfProfile | OfSelfCheck};
  case Context:
    return {"--context", OfBench | OfProfile | OfTune};
  case Tokens:
    return {"--tokens", OfBench | OfProfile | OfSelfCheck};
  case Steps:
    return {"--steps", OfBench | OfProfile | OfTune | OfSelfCheck};
  case Json:
    return {"--json", OfBench | OfProfile | OfInfo | OfGenerate};
  case Prompt:
    return {"--prompt", OfGenerate};
  case NewTokens:
    return {"--max-new-tokens", OfGenerate};
  case MaxSequences:
    return {"--max-sequences", OfGenerate};
  case Temperature:
    return {"--temperature", OfGenerate};
  case TopK:
    return {"--top-k", OfGenerate};
  case TopP:
    return {"--top-p", OfGenerate};
  case Stop:
    return {"--stop", OfGenerate};
  case IgnoreStop:
    return {"--ignore-eos", OfGenerate};
  case Emulate:
    return {"--emulate", OfCheck | OfSelfCheck | OfGenerate | OfBench | OfProfile | OfTune | OfInfo};
  case Counters:
    return {"--counters", OfCheck | OfSelfCheck | OfGenerate | OfBench};
  case Rank:
    return {"--rank", OfCheck | OfSelfCheck | OfGenerate | OfBench};
  case IdFile:
    return {"--id", OfCheck | OfSelfCheck | OfGenerate | OfBench};
  case Timeout:
    return {"--timeout", OfCheck | OfSelfCheck | OfGenerate | OfBench};
  default:
    return {"", OfAll};
  }
}

/// Return "--check, --bench or --info".
static std::string namesOf(unsigned modes) {
  static constexpr std::pair<unsigned, const char *> names[] = {
      {OfCheck, "--check"}, {OfSelfCheck, "--self-check"}, {OfGenerate, "--generate"},
      {OfBench, "--bench"}, {OfProfile, "--profile"},      {OfTune, "--tune"},
      {OfInfo, "--info"}};
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
    return "give one of --check=FILE, --self-check, --generate, --bench, --profile, --tune, --info and --certificate";
  for (int id : given.options) {
    auto [name, modes] = belongingOf(id);
    if (!(modes >> static_cast<unsigned>(options.mode) & 1))
      return std::string(name) + " requires " + namesOf(modes);
  }
  if (options.mode == Options::Mode::Generate && options.prompts.empty())
    return "--generate requires --prompt";
  if (options.temperature == 0 && (options.topK || options.topP != 0))
    return std::string(options.topK ? "--top-k" : "--top-p") + " requires --temperature above 0";
  if (options.ignoreStop && !options.stop.empty())
    return "--ignore-eos excludes --stop";
  if ((options.rank < 0) != options.idFile.empty())
    return options.rank < 0 ? "--id requires --rank" : "--rank requires --id";
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
