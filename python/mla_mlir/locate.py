# ===- locate.py - Where the compiler and the runtime are ----------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""Finds bin/mla-compile and lib/libmla-runtime.so.0.

MLA_MLIR_PREFIX names the only tree to search, built or installed. Without it, this package is searched, in which wheels have
both, then the build tree of its source tree, Python's prefix, and the tree of the mla-compile in PATH. MLA_RUNTIME_LIBRARY
names only the library, for machines that only run bundles.
"""
import os
import pathlib
import shutil
import sys

from .errors import Error

LIBRARY = "libmla-runtime.so.0"
#: The directory of this package. In a wheel it has bin and lib.
PACKAGE = pathlib.Path(__file__).resolve().parent
_SOURCE = PACKAGE.parents[1]


def prefixes():
    """Return the trees, in search order."""
    named = os.environ.get("MLA_MLIR_PREFIX")
    if named:
        return [pathlib.Path(named)]
    found = [PACKAGE] if (PACKAGE / "lib").exists() else []
    if (_SOURCE / "runtime" / "include" / "mla" / "runtime.h").exists():
        found.append(_SOURCE / "build")
    found.append(pathlib.Path(sys.prefix))
    on_path = shutil.which("mla-compile")
    if on_path:
        found.append(pathlib.Path(on_path).resolve().parents[1])
    return found


def _find(name, directories):
    trees = prefixes()
    for tree in trees:
        for directory in directories:
            path = tree / directory / name
            if path.exists():
                return str(path)
    looked = ", ".join(str(tree) for tree in trees)
    raise Error("MLA_IO_ERROR", f"{name}: is not in {looked}; set MLA_MLIR_PREFIX to the tree in which mla-mlir is built "
                                "or installed, or install the wheel mla-mlir")


def runtime_library():
    """Return the path of libmla-runtime."""
    return os.environ.get("MLA_RUNTIME_LIBRARY") or _find(LIBRARY, ["lib", "lib64", f"lib/{os.uname().machine}-linux-gnu"])


def compiler():
    """Return the path of mla-compile."""
    return _find("mla-compile", ["bin"])
