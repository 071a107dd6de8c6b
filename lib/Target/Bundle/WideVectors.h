//===- WideVectors.h - Loops that every element passes ----------*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TARGET_BUNDLE_WIDEVECTORS_H
#define MLA_LIB_TARGET_BUNDLE_WIDEVECTORS_H

// Before a function: it is also compiled for wider vectors, and the processor chooses when the program starts.
#if defined(__x86_64__)
#define MLA_WIDE_VECTORS __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define MLA_WIDE_VECTORS
#endif

#endif // MLA_LIB_TARGET_BUNDLE_WIDEVECTORS_H
