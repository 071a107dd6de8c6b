//===- Glossary.h - Glossary of reports -------------------------*- C++ -*-===//
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
  llvm::StringLiteral word;  ///< as in the text, whose columns are narrow
  llvm::StringLiteral plain; ///< as on the page
  llvm::StringLiteral meaning;
};

/// Return the words that the report uses.
std::vector<Word> listWords(const Report &report);

/// Return the meaning of a word or of its plain form; empty if it is not in the glossary.
llvm::StringRef meaningOf(llvm::StringRef word);

/// Return a part's title on the page: "attention core".
llvm::StringRef plainTitleOf(Part part);

} // namespace mla::report

#endif // MLA_LIB_REPORT_GLOSSARY_H
