//===- Cubin.h - Bounds checks of assembled kernels -------------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUNTIME_CUBIN_H
#define MLA_RUNTIME_CUBIN_H

#include <string_view>

namespace mla {

/// Returns whether the image is an ELF file for CUDA whose segments, sections and tables of names lie inside it. The
/// driver takes an address without a length and would follow them beyond the image's end.
bool isWholeCubin(std::string_view image);

} // namespace mla

#endif // MLA_RUNTIME_CUBIN_H
