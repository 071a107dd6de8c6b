# ===- streams.py - CUDA streams and devices -----------------------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""Which stream a call runs on. A stream is None, a number (a CUstream or cudaStream_t) or an object with `cuda_stream`, as
torch's, or `ptr`, as cupy's. None is torch's current stream where torch is loaded, else the legacy default stream."""
import ctypes
import os
import sys

from .dlpack import ArgumentError

LEGACY = 1  # CU_STREAM_LEGACY, and DLPack's number for it


def handle(stream):
    """The number of a stream; that of the legacy default stream is 0."""
    if stream is None:
        torch = sys.modules.get("torch")
        return torch.cuda.current_stream().cuda_stream if torch and torch.cuda.is_initialized() else 0
    for attribute in ("cuda_stream", "ptr"):
        stream = getattr(stream, attribute, stream)
    if isinstance(stream, bool) or not isinstance(stream, int) or stream < 0:
        raise ArgumentError("stream", f"is a {type(stream).__name__}, must be None, a handle, or an object with cuda_stream")
    return 0 if stream == LEGACY else stream


def for_dlpack(number):
    """DLPack has no 0: it could be either default stream."""
    return number or LEGACY


def current_device():
    """Index of the device in whose context a bundle for a GPU is opened: the calling thread's, else 0."""
    driver = ctypes.CDLL(os.environ.get("MLA_LIBCUDA") or "libcuda.so.1")
    index = ctypes.c_int(0)
    return index.value if driver.cuCtxGetDevice(ctypes.byref(index)) == 0 else 0
