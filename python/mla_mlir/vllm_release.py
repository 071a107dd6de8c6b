# ===- vllm_release.py - Releases of vLLM ---------------------------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""The releases of vLLM whose interface of attention backends is known."""
FIRST, LAST = (0, 26), (0, 33)


def check(release):
    """Reject other releases: they may call a backend in another way."""
    numbers = tuple(int(part) if part.isdigit() else -1 for part in release.split(".")[:2])
    if not FIRST <= numbers <= LAST:
        raise ImportError(f"mla_mlir: vllm is of release {release}, must be of {FIRST[0]}.{FIRST[1]} to {LAST[0]}.{LAST[1]}")
