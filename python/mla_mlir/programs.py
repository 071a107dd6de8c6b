# ===- programs.py - The programs of a wheel ------------------------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""Console scripts of a wheel: the process becomes the program in this package, with the same arguments."""
import os
import sys

from .locate import PACKAGE


def _become(name):
    path = str(PACKAGE / "bin" / name)
    try:
        os.execv(path, [path, *sys.argv[1:]])
    except OSError as error:
        sys.exit(f"error: {path}: cannot be run: {error.strerror}; install mla-mlir again")


def mla_compile():
    _become("mla-compile")


def mla_opt():
    _become("mla-opt")


def mla_run():
    _become("mla-run")
