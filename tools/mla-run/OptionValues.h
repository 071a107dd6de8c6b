//===- OptionValues.h - Values of options of mla-run -------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_OPTIONVALUES_H
#define MLA_RUN_OPTIONVALUES_H

#include "Options.h"

namespace mla::run {

// Each parses the text of an option and sets it; returns the error if the value is wrong, else "".

/// Parse an integer option.
std::string setInteger(const char *name, const char *text, int64_t least, int64_t most, int64_t &value);
std::string setPhase(const char *text, Options &options);
std::string setTolerance(const char *text, Options &options);
std::string setLayer(const char *text, Options &options);
std::string setSeed(const char *text, Options &options);
/// Reject an empty path, which is probably an unset shell variable.
std::string setPath(const char *name, const char *text, std::string &path);
std::string setTemperature(const char *text, Options &options);
std::string setTopP(const char *text, Options &options);
/// Parse the tokens between commas. The vocabulary is not known yet.
std::string setStop(const char *text, Options &options);
/// Parse the adapters between commas. The bundle's names are not known yet.
std::string setAdapters(const char *text, Options &options);
/// Parse ascending sizes of steps between commas.
std::string setSizes(const char *text, Options &options);
std::string setTimeout(const char *text, Options &options);

} // namespace mla::run

#endif // MLA_RUN_OPTIONVALUES_H
