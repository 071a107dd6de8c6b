//===- Glossary.h - The words of a report, explained ------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_REPORT_GLOSSARY_H
#define MLA_LIB_REPORT_GLOSSARY_H

#include "mla/Report/Report.h"

namespace mla::report {

struct Word {
  llvm::StringLiteral word;  ///< as the text has it, whose columns are narrow
  llvm::StringLiteral plain; ///< as the page has it
  llvm::StringLiteral meaning;
};

/// The words that a report of such a model has.
std::vector<Word> listWords(const Report &report);

/// What a word or its plain form means; empty: it is none.
llvm::StringRef meaningOf(llvm::StringRef word);

/// A part as the page calls it: "attention core".
llvm::StringRef plainTitleOf(Part part);

} // namespace mla::report

#endif // MLA_LIB_REPORT_GLOSSARY_H
