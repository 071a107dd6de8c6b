//===- UsualConfig.h - Configs with usual keys ------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_USUALCONFIG_H
#define MLA_RUN_USUALCONFIG_H

#include "Json.h"

namespace mla::run {

/// The config of the language model, in one for images and text too, with usual keys: those of Mistral's params.json
/// and of openPangu's own code are renamed.
json::Value usualConfig(const json::Value &whole);

} // namespace mla::run

#endif // MLA_RUN_USUALCONFIG_H
