//===- WideVectors.h - Function multiversioning for hot loops ---*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_LIB_TARGET_BUNDLE_WIDEVECTORS_H
#define MLA_LIB_TARGET_BUNDLE_WIDEVECTORS_H

// Attribute of a function that is also compiled for wider vectors; the version is selected at program start.
#if defined(__x86_64__)
#define MLA_WIDE_VECTORS __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define MLA_WIDE_VECTORS
#endif

#endif // MLA_LIB_TARGET_BUNDLE_WIDEVECTORS_H
