# ===- streams.py - CUDA streams and devices -----------------------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""CUDA streams and contexts. A stream is None, a number (a CUstream or cudaStream_t), or an object with `cuda_stream`, like
torch's, or `ptr`, like cupy's. None is torch's current stream if torch is loaded, else the legacy default stream."""
import ctypes
import functools
import os
import sys

from .errors import UINT64, ArgumentError, Error

LEGACY = 1  # CU_STREAM_LEGACY, also in DLPack


def handle(stream, device):
    """Return the handle of a stream of the device with that index; 0 for the legacy default stream."""
    if stream is None:
        torch = sys.modules.get("torch")
        return torch.cuda.current_stream(device).cuda_stream if torch and torch.cuda.is_initialized() else 0
    for attribute in ("cuda_stream", "ptr"):
        stream = getattr(stream, attribute, stream)
    if isinstance(stream, bool) or not isinstance(stream, int):
        raise ArgumentError("stream", f"is a {type(stream).__name__}, must be None, a handle, or an object with cuda_stream")
    if not UINT64[0] <= stream <= UINT64[1]:
        raise ArgumentError("stream", f"is {stream}, which is no handle of a stream")
    return 0 if stream == LEGACY else stream


def for_dlpack(number):
    """Return DLPack's number of a stream. DLPack disallows 0, which is ambiguous."""
    return number or LEGACY


@functools.cache
def _driver(path):
    return ctypes.CDLL(path)


class Context:
    """The CUDA context in which a bundle for a GPU is opened: the calling thread's current context, else the primary context
    of device 0. `with context:` makes it current. `index` is the device's."""

    def __init__(self):
        self._library = _driver(os.environ.get("MLA_LIBCUDA") or "libcuda.so.1")
        self._handle, self._retained, self.index = ctypes.c_void_p(), False, 0
        self._call("cuCtxGetCurrent", ctypes.byref(self._handle))
        if self._handle:
            index = ctypes.c_int(0)
            self._call("cuCtxGetDevice", ctypes.byref(index))
            self.index = index.value
        else:
            self._call("cuDevicePrimaryCtxRetain", ctypes.byref(self._handle), 0)
            self._retained = True

    def _call(self, function, *arguments):
        status = getattr(self._library, function)(*arguments)
        if status:
            raise Error("MLA_DEVICE_ERROR", f"{function}: the CUDA driver returns status {status}")

    def __enter__(self):
        self._call("cuCtxPushCurrent_v2", self._handle)
        return self

    def __exit__(self, *_):
        self._call("cuCtxPopCurrent_v2", ctypes.byref(ctypes.c_void_p()))

    def is_capturing(self, stream):
        """Return whether the stream is being captured in a graph. The context must be current."""
        status = ctypes.c_int(0)
        self._call("cuStreamIsCapturing", ctypes.c_void_p(stream), ctypes.byref(status))
        return status.value != 0

    def release(self):
        """Release the context, after the bundle has been closed."""
        retained, self._retained = self._retained, False
        if retained:
            self._call("cuDevicePrimaryCtxRelease_v2", 0)
