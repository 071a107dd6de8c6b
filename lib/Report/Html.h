//===- Html.h - What a page is written with ---------------------*- C++ -*-===//
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

/// A text as HTML and SVG take it.
std::string escaped(llvm::StringRef text);

/// A text, not empty, as a sentence of HTML: "it fits" as "It fits.".
std::string sentence(llvm::StringRef text);

void writeParagraph(llvm::raw_ostream &os, llvm::StringRef text);

/// Rows, the first of which is the table's head; the first cell of a row is its head. What is wide scrolls by itself
/// where the window is narrow. A word of the glossary in the head of the table says what it means under the mouse.
void writeTable(llvm::raw_ostream &os, llvm::ArrayRef<std::vector<std::string>> rows);

} // namespace mla::report

#endif // MLA_LIB_REPORT_HTML_H
