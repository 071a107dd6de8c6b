//===- Html.h - HTML elements of a page -------------------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_REPORT_HTML_H
#define MLA_LIB_REPORT_HTML_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/raw_ostream.h"

#include <string>
#include <vector>

namespace mla::report {

/// Escape a text for HTML and SVG.
std::string escaped(llvm::StringRef text);

/// Return a nonempty text as a sentence of HTML: "It fits." for "it fits".
std::string sentence(llvm::StringRef text);

void writeParagraph(llvm::raw_ostream &os, llvm::StringRef text);

/// Write a table. The first row is its header; the first cell of a row is the row's header. A wide table scrolls in a
/// narrow window. Words of the glossary in the header show their meaning on hover.
void writeTable(llvm::raw_ostream &os, llvm::ArrayRef<std::vector<std::string>> rows);

} // namespace mla::report

#endif // MLA_LIB_REPORT_HTML_H
