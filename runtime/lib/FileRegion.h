//===- FileRegion.h - Memory that processes share ---------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A region in a file, in which ranks of several processes meet. Rank 0 writes a
// new file and renames it into place, so that nobody sees half of one or what an
// earlier run left. Every rank locks the byte of its number: the system drops the
// lock when the process ends, however it ends, which tells the others.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_FILEREGION_H
#define MLA_RUNTIME_FILEREGION_H

#include "SharedRegion.h"

namespace mla {

/// Meets the other ranks in the file. Fails if one does not come within the time.
Result<std::shared_ptr<SharedRegion>> meetInFile(const std::string &path, int64_t ranks, int64_t rank,
                                                 double timeoutSeconds);

} // namespace mla

#endif // MLA_RUNTIME_FILEREGION_H
