"""numpy arrays in device memory, without torch, for mla_mlir.Bundle. An Arena has the arrays of one call."""
import contextlib
import ctypes
import os

import numpy as np

import replay
from mla_mlir import dlpack, runtime

DEVICE = (dlpack.CUDA, 0)
# numpy has no bfloat16: its bits are uint16, and floating point arrays are converted when they are copied in.
IS_EMULATED = "emulated" in os.environ.get("MLA_LIBCUDA", "")
STORAGE = {"bfloat16": np.uint16, "uint8": np.uint8, "float32": np.float32, "int32": np.int32}


def to_bits(values):
    """Return the bits of the nearest bfloat16; NaN is kept."""
    values = np.asarray(values, np.float32)
    with np.errstate(invalid="ignore"):
        bits = (replay.round_bf16(np.nan_to_num(values)).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    return np.where(np.isnan(values), np.uint16(0x7FC0), bits)


def from_bits(bits):
    return replay.bf16_to_f32(bits).astype(np.float64)


def library():
    """Return the runtime, with functions that the package does not use."""
    lib = runtime.loaded()
    for name in ("mla_device_copy_in", "mla_device_copy_out"):
        function = getattr(lib, name)
        function.argtypes, function.restype, function.errcheck = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint64], ctypes.c_int32, runtime._check
    return lib


class Arena(contextlib.AbstractContextManager):
    """band: bytes after each array that belong to its allocation and must not be changed. Without a band the device detects
    accesses beyond the end; with one, the arena does, wherever the device places its allocations.

    Arrays without contents hold 0xff, NaN; the emulated device, which fills memory itself, tracks that they are uninitialized."""

    def __init__(self, band=0):
        self.band, self.blocks = band, []

    def _allocate(self, name, size):
        memory = ctypes.c_void_p()
        whole = max(size, 1) + self.band
        library().mla_device_malloc(whole, ctypes.byref(memory))
        if not IS_EMULATED:
            library().mla_device_copy_in(memory.value, b"\xff" * whole, whole)
        self.blocks.append([name, memory.value, max(size, 1), None])
        return memory.value

    def given(self, name, contents, constant=True):
        """Allocate an array with these contents: uint16 for bfloat16. constant: no kernel may change it."""
        contents = np.ascontiguousarray(contents)
        dtype = next(key for key, kind in STORAGE.items() if kind == contents.dtype)
        array = self.empty(name, contents.shape, dtype)
        self.write(array, contents)
        if constant:
            self.blocks[-1][3] = contents.tobytes()
        return array

    def empty(self, name, shape, dtype):
        size = int(np.prod(shape)) * np.dtype(STORAGE[dtype]).itemsize
        strides = dlpack._row_major(tuple(shape))
        return dlpack.Array(name, self._allocate(name, size), tuple(shape), strides, dtype, DEVICE)

    def workspace(self, size):
        """Return the workspace as Call.enqueue takes it."""
        return self._allocate("workspace", size), size

    @staticmethod
    def write(array, contents):
        contents = np.ascontiguousarray(contents, STORAGE[array.dtype])
        assert contents.shape == tuple(array.shape)
        if contents.nbytes:
            library().mla_device_copy_in(array.address, contents.ctypes.data, contents.nbytes)

    @staticmethod
    def read(array):
        contents = np.empty(array.shape, STORAGE[array.dtype])
        if contents.nbytes:
            library().mla_device_copy_out(contents.ctypes.data, array.address, contents.nbytes)
        return contents

    def touched(self):
        """Return the names of bands and constant arrays that were changed."""
        names = []
        for name, address, size, before in self.blocks:
            whole = ctypes.create_string_buffer(size + self.band)
            library().mla_device_copy_out(whole, address, size + self.band)
            if whole.raw[size:].strip(b"\xff"):
                names.append("behind " + name)
            if before and whole.raw[:len(before)] != before:
                names.append(name)
        return names

    def __exit__(self, *_):
        for _, address, _, _ in self.blocks:
            library().mla_device_free(address)
        self.blocks = []


def part(array, name, first, last):
    """Return columns of an array [tokens, heads, width] as an argument of another name."""
    step = np.dtype(STORAGE[array.dtype]).itemsize
    return dlpack.Array(name, array.address + first * step, (*array.shape[:-1], last - first), array.strides, array.dtype, DEVICE, owner=array)


class Driver:
    """The driver library, for streams and graphs."""

    def __init__(self):
        self.cuda = ctypes.CDLL(os.environ["MLA_LIBCUDA"])
        self("cuInit", 0)
        context = ctypes.c_void_p()
        self("cuDevicePrimaryCtxRetain", ctypes.byref(context), 0)
        self("cuCtxSetCurrent", context)

    def __call__(self, name, *arguments):
        status = getattr(self.cuda, name)(*arguments)
        if status:
            text = ctypes.c_char_p()
            self.cuda.cuGetErrorString(status, ctypes.byref(text))
            raise RuntimeError(f"{name}: {(text.value or b'').decode()}")

    def made(self, name, *arguments):
        """Return the handle that the function stores through its first argument."""
        handle = ctypes.c_void_p()
        self(name, ctypes.byref(handle), *arguments)
        return handle

    def captured(self, enqueue):
        """Capture a graph of the launches of enqueue(stream). Return (launch and wait, close)."""
        stream, graph = self.made("cuStreamCreate", 0), ctypes.c_void_p()
        self("cuStreamBeginCapture_v2", stream, 0)
        enqueue(stream.value)
        self("cuStreamEndCapture", stream, ctypes.byref(graph))
        executable = self.made("cuGraphInstantiateWithFlags", graph, ctypes.c_ulonglong(0))

        def launch():
            self("cuGraphLaunch", executable, stream)
            self("cuStreamSynchronize", stream)

        def close():
            self("cuGraphExecDestroy", executable)
            self("cuGraphDestroy", graph)
            self("cuStreamDestroy_v2", stream)

        return launch, close


COUNTS = ("launches blocks thread_instructions integer floating moves control global shared warp barriers copies products other product_flops "
          "global_read global_written copied_in copied_out shared_read shared_written shared_accesses bank_conflicts largest_block").split()


class Counters(ctypes.Structure):
    """mla_emulator_counters."""
    _fields_ = [("kernel", ctypes.c_char_p)] + [(name, ctypes.c_uint64) for name in COUNTS]


def counters():
    """Return the emulated device's counters since the last reset, by kernel and counter."""
    get = ctypes.CDLL(os.environ["MLA_LIBCUDA"]).mla_emulator_get_counters
    get.argtypes, get.restype = [ctypes.POINTER(Counters), ctypes.c_int64], ctypes.c_int64
    found = (Counters * get(None, 0))()
    get(found, len(found))
    return {kernel.kernel.decode(): {name: getattr(kernel, name) for name in COUNTS} for kernel in found}


def reset_counters():
    ctypes.CDLL(os.environ["MLA_LIBCUDA"]).mla_emulator_reset_counters()
