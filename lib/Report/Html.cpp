//===- Html.cpp - HTML elements of a page ---------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Html.h"
#include "Glossary.h"

#include "llvm/ADT/StringExtras.h"

using namespace mla::report;
using llvm::StringRef;

std::string mla::report::escaped(StringRef text) {
  std::string html;
  llvm::raw_string_ostream os(html);
  llvm::printHTMLEscaped(text, os);
  return html;
}

std::string mla::report::sentence(StringRef text) {
  return llvm::toUpper(text.front()) + escaped(text.drop_front()) + ".";
}

void mla::report::writeParagraph(llvm::raw_ostream &os, StringRef text) { os << "<p>" << sentence(text) << "</p>\n"; }

static void writeHead(llvm::raw_ostream &os, llvm::ArrayRef<std::string> cells) {
  os << "<thead><tr>";
  for (const std::string &cell : cells) {
    StringRef meaning = meaningOf(cell);
    os << "<th scope=\"col\"" << (meaning.empty() ? "" : " title=\"" + escaped(meaning) + "\"") << ">" << escaped(cell)
       << "</th>";
  }
  os << "</tr></thead>\n";
}

static void writeRow(llvm::raw_ostream &os, llvm::ArrayRef<std::string> cells) {
  os << "<tr><th scope=\"row\">" << escaped(cells.front()) << "</th>";
  for (const std::string &cell : cells.drop_front())
    os << "<td>" << escaped(cell) << "</td>";
  os << "</tr>\n";
}

void mla::report::writeTable(llvm::raw_ostream &os, llvm::ArrayRef<std::vector<std::string>> rows) {
  os << "<div class=\"wide\" tabindex=\"0\"><table>\n";
  writeHead(os, rows.front());
  os << "<tbody>\n";
  for (const std::vector<std::string> &row : rows.drop_front())
    writeRow(os, row);
  os << "</tbody></table></div>\n";
}
