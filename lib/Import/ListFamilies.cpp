//===- ListFamilies.cpp - The families as a table -------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "llvm/Support/raw_ostream.h"

using namespace mla::importer;
using llvm::StringRef;

static StringRef orNothing(StringRef text) { return text.empty() ? StringRef("-") : text; }

void mla::importer::printFamilies(llvm::raw_ostream &os) {
  os << "| model_type | models | what differs from DeepSeek-V3 | limits | compared with | golden files |\n"
        "|---|---|---|---|---|---|\n";
  for (const Family &family : families()) {
    const FamilyNotes &notes = family.notes;
    os << "| `" << family.modelType << "`";
    for (StringRef note : {StringRef(notes.models), StringRef(notes.differs), StringRef(notes.limits),
                           StringRef(notes.reference), StringRef(notes.golden)})
      os << " | " << orNothing(note);
    os << " |\n";
  }
  os << "\n| refused model_type | needs |\n|---|---|\n";
  for (const Refusal &model : refusedFamilies())
    os << "| `" << model.name << "` | " << model.needs << " |\n";
}
