# ===- dlpack.py - Tensors of any library, without copies ----------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""Views and checks tensors through DLPack (dmlc.github.io/dlpack, both versions of the capsule). Every error names the
argument.

numpy has no bfloat16: uint16 arrays are reinterpreted as bfloat16. For bytes, all one-byte types
that engines use for an FP8 cache are accepted.
"""
import ctypes
import sys

from .errors import ArgumentError

CPU, CUDA, CUDA_HOST, CUDA_MANAGED = 1, 2, 3, 13
_DEVICES = {CPU: "cpu", CUDA: "cuda", CUDA_HOST: "cpu (pinned)", CUDA_MANAGED: "cuda (managed)"}
_FLOAT8 = {10: "float8_e4m3fn"}  # kinds that are of 8 bits only
_KINDS = {0: "int", 1: "uint", 2: "float", 4: "bfloat", 5: "complex", 6: "bool"}
_READ_ONLY = 1
# The types that are taken as another one, bit by bit.
_TAKEN_AS = {"bfloat16": ("uint16",), "uint8": ("int8", "float8_e4m3fn")}


class _Tensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device", ctypes.c_int32),
        ("device_index", ctypes.c_int32),
        ("rank", ctypes.c_int32),
        ("kind", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


class _Versioned(ctypes.Structure):
    _fields_ = [
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", _Tensor),
    ]


_is_valid = ctypes.pythonapi.PyCapsule_IsValid
_is_valid.argtypes, _is_valid.restype = [ctypes.py_object, ctypes.c_char_p], ctypes.c_int
_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.argtypes, _pointer.restype = [ctypes.py_object, ctypes.c_char_p], ctypes.c_void_p


class Array:
    """A view of a tensor: name, address, shape, strides in elements, dtype ("float32"), device (kind, index). It keeps the
    tensor's memory alive."""

    __slots__ = ("name", "address", "shape", "strides", "dtype", "device", "read_only", "owner")

    def __init__(self, name, address, shape, strides, dtype, device, read_only=False, owner=None):
        self.name, self.address, self.shape, self.strides = name, address, shape, strides
        self.dtype, self.device, self.read_only, self.owner = dtype, device, read_only, owner

    def fail(self, text):
        raise ArgumentError(self.name, text)

    def expect(self, dtype, shape, devices, writable=False):
        """Check the tensor. shape: sizes, None for any. devices: accepted (kind, index), index None for any."""
        if self.device not in devices and (self.device[0], None) not in devices:
            self.fail(f"is on {device_name(self.device)}, must be on {device_name(devices[0])}")
        if self.dtype != dtype and self.dtype not in _TAKEN_AS.get(dtype, ()):
            self.fail(f"has dtype {self.dtype}, must be {dtype}")
        if len(self.shape) != len(shape) or any(want not in (None, have) for have, want in zip(self.shape, shape)):
            self.fail(f"has shape {list(self.shape)}, must be [{', '.join('any' if s is None else str(s) for s in shape)}]")
        if writable and self.read_only:
            self.fail("is read-only, but is written to; pass a tensor that may be")
        return self

    def expect_contiguous(self, dtype, shape, devices, writable=False):
        """Like expect; the tensor must also be contiguous."""
        self.expect(dtype, shape, devices, writable)
        wanted = 1
        for size, stride in zip(reversed(self.shape), reversed(self.strides)):
            if size != 1 and stride != wanted and 0 not in self.shape:
                self.fail(f"has strides {list(self.strides)}, must be contiguous; pass a contiguous tensor")
            wanted *= size
        return self


def device_name(device):
    kind, index = device
    name = _DEVICES.get(kind, f"DLPack device {kind}")
    return name if index is None or kind in (CPU, CUDA_HOST) else f"{name}:{index}"


def expect_tensor(name, value):
    if not hasattr(value, "__dlpack__") or not hasattr(value, "__dlpack_device__"):
        raise ArgumentError(name, f"is a {type(value).__name__}, must be a tensor with __dlpack__")


def _capsule(name, value, stream):
    """Request the versioned capsule, which has a read-only flag; fall back to the unversioned one."""
    keywords = {} if stream is None else {"stream": stream}
    try:
        try:
            return value.__dlpack__(max_version=(1, 0), **keywords)
        except TypeError:
            return value.__dlpack__(**keywords)
    except (BufferError, RuntimeError, ValueError, TypeError) as error:
        raise ArgumentError(name, f"cannot be read through DLPack: {error}") from error


def _dtype(tensor):
    name = _FLOAT8.get(tensor.kind) or f"{_KINDS.get(tensor.kind, f'DLPack type {tensor.kind} of ')}{tensor.bits}"
    return name + (f"x{tensor.lanes}" if tensor.lanes != 1 else "")


def view(name, value, stream=None):
    """Return the Array of a tensor. stream: the stream on which a GPU will read it, numbered as in DLPack; the producer's
    pending work is ordered before."""
    if isinstance(value, Array):
        return value
    expect_tensor(name, value)
    try:
        kind, index = (int(part) for part in value.__dlpack_device__())
    except (BufferError, ValueError) as error:
        raise ArgumentError(name, f"is on a device that DLPack does not know: {error}") from error
    capsule = _capsule(name, value, stream if kind in (CUDA, CUDA_MANAGED) else None)
    read_only = False
    if _is_valid(capsule, b"dltensor_versioned"):
        managed = _Versioned.from_address(_pointer(capsule, b"dltensor_versioned"))
        if managed.major != 1:
            raise ArgumentError(name, f"is of DLPack {managed.major}.{managed.minor}, must be of 1 or before")
        tensor, read_only = managed.tensor, bool(managed.flags & _READ_ONLY)
    else:
        tensor = _Tensor.from_address(_pointer(capsule, b"dltensor"))
    shape = tuple(tensor.shape[i] for i in range(tensor.rank))
    strides = tuple(tensor.strides[i] for i in range(tensor.rank)) if tensor.strides else _row_major(shape)
    dtype = _dtype(tensor)
    # The capsule is not consumed: its destructor releases the memory.
    return Array(name, (tensor.data or 0) + tensor.byte_offset, shape, strides, dtype, (kind, index), read_only, capsule)


def result_like(name, tensor):
    """Return an empty tensor of the library and shape of `tensor`, the argument `name`."""
    expect_tensor(name, tensor)
    library = sys.modules.get(type(tensor).__module__.partition(".")[0])
    if getattr(library, "__name__", None) not in ("numpy", "torch"):
        raise ArgumentError("out", f"is not given and cannot be made like a {type(tensor).__name__}; pass a tensor")
    return library.empty_like(tensor)


def _row_major(shape):
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))
