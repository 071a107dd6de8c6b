# ===- errors.py - What the package raises --------------------------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""The exceptions, and the check of integers that go to C."""
import operator

INT32, INT64, UINT64 = (-(2**31), 2**31 - 1), (-(2**63), 2**63 - 1), (0, 2**64 - 1)


class Error(RuntimeError):
    """A failed call of the runtime, or a missing compiler or library. `status` is the name of the status, such as
    "MLA_OUT_OF_PAGES". A failed call has no effect."""

    def __init__(self, status, text):
        super().__init__(f"{status}: {text}")
        self.status = status


class ArgumentError(ValueError):
    """An invalid argument. `argument` is its name, with which the message begins."""

    def __init__(self, argument, text):
        super().__init__(f"{argument}: {text}")
        self.argument = argument


def listing(name, values):
    """Convert `values`, such as an array, to a list."""
    if not isinstance(values, (str, bytes, bytearray, dict, set, frozenset)):
        try:
            return list(values)
        except TypeError:  # None, a number, a tensor without dimensions
            pass
    raise ArgumentError(name, f"is a {type(values).__name__}, must be a list")


def is_integer(value):
    try:
        operator.index(value)
    except TypeError:
        return False
    return True


def number(name, value):
    """Convert `value` to a float."""
    if isinstance(value, (str, bytes)):
        raise ArgumentError(name, f"is a {type(value).__name__}, must be a number")
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise ArgumentError(name, f"is a {type(value).__name__}, must be a number") from None


def integer(name, value, bounds=INT64):
    """Convert `value` to an int within the bounds of a C type, which ctypes would truncate silently."""
    try:
        number = operator.index(value)
    except TypeError:
        raise ArgumentError(name, f"is a {type(value).__name__}, must be an integer") from None
    if not bounds[0] <= number <= bounds[1]:
        raise ArgumentError(name, f"is {number}, must be from {bounds[0]} to {bounds[1]}")
    return number
