# ===- streams.py - CUDA streams and devices -----------------------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""Which stream a call runs on. A stream is None, a number (a CUstream or cudaStream_t) or an object with `cuda_stream`, as
torch's, or `ptr`, as cupy's. None is torch's current stream where torch is loaded, else the legacy default stream."""
import ctypes
import functools
import os
import sys

from .errors import UINT64, ArgumentError, Error

LEGACY = 1  # CU_STREAM_LEGACY, and DLPack's number for it


def handle(stream, device):
    """The number of a stream of the device with that index; that of the legacy default stream is 0."""
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
    """DLPack has no 0: it could be either default stream."""
    return number or LEGACY


@functools.cache
def _driver(path):
    return ctypes.CDLL(path)


class Context:
    """The CUDA context in which a bundle for a GPU is opened: the calling thread's current one, else the primary one of
    device 0. `with context:` makes it current, whichever the thread has. `index` is that of its device."""

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
            raise Error("MLA_DEVICE_ERROR", f"{function}: the CUDA driver gives status {status}")

    def __enter__(self):
        self._call("cuCtxPushCurrent_v2", self._handle)
        return self

    def __exit__(self, *_):
        self._call("cuCtxPopCurrent_v2", ctypes.byref(ctypes.c_void_p()))

    def is_capturing(self, stream):
        """Whether the stream is being captured in a graph; the context must be current."""
        status = ctypes.c_int(0)
        self._call("cuStreamIsCapturing", ctypes.c_void_p(stream), ctypes.byref(status))
        return status.value != 0

    def release(self):
        """The context may go: nothing of the bundle is left."""
        retained, self._retained = self._retained, False
        if retained:
            self._call("cuDevicePrimaryCtxRelease_v2", 0)
