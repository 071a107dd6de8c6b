//===- ReadModule.cpp - A module from a file ------------------------------===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ReadModule.h"
#include "CollectDiagnostics.h"
#include "mla/Dialect/MLA/IR/MLA.h"
#include "mla/Pipeline/CompileOptions.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/AsmParser/AsmParserState.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace mla;
using llvm::StringRef;
using llvm::Twine;

/// Maximum size of a module. Real ones with their constants are far smaller.
static constexpr uint64_t maxModuleBytes = 1 << 30;
/// Maximum depth of brackets, on which the parser recurses. Real modules have about ten.
static constexpr unsigned maxDepth = 256;

static llvm::Error unreadable(StringRef path, const Twine &why) {
  return makeError(path + ": " + why + "; give a .mlir printed by --emit");
}

static llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> open(StringRef path) {
  if (llvm::sys::fs::is_directory(path))
    return unreadable(path, "is a directory");
  // Opening a pipe would wait for a writer.
  if (path != "-" && llvm::sys::fs::exists(path) && !llvm::sys::fs::is_regular_file(path))
    return unreadable(path, "is not a regular file");
  if (uint64_t size = 0; path != "-" && !llvm::sys::fs::file_size(path, size) && size > maxModuleBytes)
    return unreadable(path, "has " + Twine(size) + " bytes, too many for a module");
  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(path, /*IsText=*/true);
  if (!buffer)
    return unreadable(path, "cannot be read: " + buffer.getError().message());
  return std::move(*buffer);
}

/// Return whether brackets of one kind are nested too deeply for the parser. Brackets in strings are counted too.
static bool isTooDeep(StringRef text) {
  unsigned depths[3] = {};
  for (size_t i = 0; i < text.size(); ++i) {
    if (size_t open = StringRef("([{").find(text[i]); open != StringRef::npos && ++depths[open] > maxDepth)
      return true;
    if (size_t close = StringRef(")]}").find(text[i]); close != StringRef::npos && depths[close] > 0)
      --depths[close];
  }
  return false;
}

namespace {
/// Names values as in the text.
class ValueNames {
public:
  explicit ValueNames(const AsmParserState &state);
  void apply(MLIRContext *context) const;

private:
  StringRef baseOf(StringRef name) const;

  const AsmParserState &state;
  llvm::StringSet<> all;
};
} // namespace

/// Return "q_a" for "%q_a" and "%q_a:2"; empty for a number.
static StringRef nameAt(llvm::SMRange range) {
  StringRef name(range.Start.getPointer(), range.End.getPointer() - range.Start.getPointer());
  return name.consume_front("%") && !name.empty() && !llvm::isDigit(name.front()) ? name : StringRef();
}

static StringRef nameOf(const AsmParserState::OperationDefinition &op) {
  return op.resultGroups.empty() ? StringRef() : nameAt(op.resultGroups.front().definition.loc);
}

ValueNames::ValueNames(const AsmParserState &state) : state(state) {
  for (const AsmParserState::OperationDefinition &op : state.getOpDefs())
    all.insert(nameOf(op));
  for (const AsmParserState::BlockDefinition &block : state.getBlockDefs())
    for (const AsmParserState::SMDefinition &argument : block.arguments)
      all.insert(nameAt(argument.loc));
}

/// Return "q_a" for "q_a_0", the printer's name for a second "q_a".
StringRef ValueNames::baseOf(StringRef name) const {
  auto [base, number] = name.rsplit('_');
  return !number.empty() && llvm::all_of(number, llvm::isDigit) && all.contains(base) ? base : name;
}

/// Return whether `name` is the printer's own name for the operation's results, such as "c0". mla operations are
/// excluded: their results have the names of the import.
static bool isOwnName(Operation *op, StringRef name) {
  bool found = false;
  if (auto names = dyn_cast<OpAsmOpInterface>(op); names && !isa<MLADialect>(op->getDialect()))
    names.getAsmResultNames([&](Value, StringRef own) { found |= own == name; });
  return found;
}

void ValueNames::apply(MLIRContext *context) const {
  auto locate = [&](StringRef name, Location location) -> Location {
    return NameLoc::get(StringAttr::get(context, name), location);
  };
  for (const AsmParserState::OperationDefinition &op : state.getOpDefs())
    if (StringRef name = baseOf(nameOf(op)); !name.empty() && !isOwnName(op.op, name))
      op.op->setLoc(locate(name, op.op->getLoc()));
  for (const AsmParserState::BlockDefinition &block : state.getBlockDefs())
    for (auto [argument, definition] : llvm::zip(block.block->getArguments(), block.arguments))
      if (StringRef name = baseOf(nameAt(definition.loc)); !name.empty() && !name.starts_with("arg"))
        argument.setLoc(locate(name, argument.getLoc()));
}

/// Return the only operation of the block if it is a module, as other tools do, or else a module around all operations.
static OwningOpRef<ModuleOp> wrap(Block &block, Location location) {
  if (llvm::hasSingleElement(block))
    if (auto module = dyn_cast<ModuleOp>(block.front())) {
      module->remove();
      return module;
    }
  OwningOpRef<ModuleOp> module = ModuleOp::create(location);
  module->getBody()->getOperations().splice(module->getBody()->end(), block.getOperations());
  return module;
}

static OwningOpRef<ModuleOp> parse(const llvm::SourceMgr &sources, StringRef path, MLIRContext &context) {
  Block block;
  AsmParserState state;
  // Set names first, so that verifier errors use them.
  if (failed(parseAsmSourceFile(sources, &block, ParserConfig(&context, /*verifyAfterParse=*/false), &state)))
    return nullptr;
  ValueNames(state).apply(&context);
  OwningOpRef<ModuleOp> module = wrap(block, FileLineColLoc::get(&context, path, 1, 1));
  return succeeded(verify(*module)) ? std::move(module) : nullptr;
}

llvm::Expected<OwningOpRef<ModuleOp>> mla::readModule(StringRef path, MLIRContext &context) {
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> buffer = open(path);
  if (!buffer)
    return buffer.takeError();
  if (isTooDeep((*buffer)->getBuffer()))
    return unreadable(path, "nests brackets deeper than " + Twine(maxDepth));
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
  std::string error;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error && error.empty())
      error = describeLocation(diagnostic.getLocation()) + diagnostic.str();
  });
  if (OwningOpRef<ModuleOp> module = parse(sources, path, context))
    return std::move(module);
  return makeError(error.empty() ? path + ": cannot be parsed" : Twine(error));
}
