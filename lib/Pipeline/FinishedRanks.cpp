//===- FinishedRanks.cpp - Resume an interrupted --rank=all ---------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FinishedRanks.h"
#include "Output.h"
#include "Request.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SHA256.h"

using namespace mla;

/// Return the record of a bundle: the request and the bundle's files, so that a damaged or overwritten bundle is
/// compiled again.
static std::string lineOf(llvm::StringRef bundle, llvm::StringRef request) {
  std::string text = request.str() + identifyFiles(bundle);
  return llvm::toHex(llvm::SHA256::hash(llvm::arrayRefFromStringRef(text)), /*LowerCase=*/true) + "\n";
}

FinishedRanks::FinishedRanks(llvm::StringRef directory) : path((directory.rtrim('/') + "/ranks.partial").str()) {
  if (auto present = llvm::MemoryBuffer::getFile(path))
    lines = (*present)->getBuffer().str();
}

bool FinishedRanks::contains(llvm::StringRef bundle, llvm::StringRef request) const {
  return llvm::StringRef(lines).contains(lineOf(bundle, request));
}

llvm::Error FinishedRanks::add(llvm::StringRef bundle, llvm::StringRef request) {
  lines += lineOf(bundle, request);
  return writeText(path, lines);
}

void FinishedRanks::remove() { (void)llvm::sys::fs::remove(path); }
