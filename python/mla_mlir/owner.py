# ===- owner.py - Objects that own something of the runtime ----------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
import contextlib
import sys

from .errors import Error


class Owner:
    """close() frees what the object owns, at the end of a `with` block and with the object, too."""

    handle = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        if self.handle and not sys.is_finalizing():
            with contextlib.suppress(Error):  # something still uses it
                self.close()


def end_all(generators):
    """End generators before what they use is closed."""
    for generator in list(generators):
        generator.end()
