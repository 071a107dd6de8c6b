"""Adapters that sequences choose, on the emulated GPU: test_gpu_adapters.py GOLDEN_DIR SCRATCH_DIR"""
import ctypes
import os
import pathlib
import subprocess
import sys
import unittest

import mla_mlir
import numpy as np

GOLDEN, SCRATCH = (pathlib.Path(argument) for argument in sys.argv[1:3])
MAKE = GOLDEN.parent / "Inputs" / "make-adapter.py"
WEIGHTS = GOLDEN / "v3_yarn.safetensors"
TOKENS = 3
cuda = ctypes.CDLL(os.environ["MLA_LIBCUDA"])
context = ctypes.c_void_p()
cuda.cuInit(0)
cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0)
cuda.cuCtxSetCurrent(context)


class Tensor:
    """A tensor on the emulated device; bf16 if its elements are uint16. The array says where it is, and cannot be read."""

    def __init__(self, values):
        address = ctypes.c_uint64()
        assert cuda.cuMemAlloc_v2(ctypes.byref(address), ctypes.c_size_t(values.nbytes)) == 0
        assert cuda.cuMemcpyHtoD_v2(address, ctypes.c_void_p(values.ctypes.data), ctypes.c_size_t(values.nbytes)) == 0
        memory = (ctypes.c_uint8 * values.nbytes).from_address(address.value)
        self.array = np.frombuffer(memory, values.dtype).reshape(values.shape)

    def read(self):
        assert cuda.cuCtxSynchronize() == 0
        values = np.empty_like(self.array)
        from_, size = ctypes.c_uint64(self.array.ctypes.data), ctypes.c_size_t(values.nbytes)
        assert cuda.cuMemcpyDtoH_v2(ctypes.c_void_p(values.ctypes.data), from_, size) == 0
        return values

    def __dlpack_device__(self):
        return 2, 0

    def __dlpack__(self, stream=None):
        return self.array.__dlpack__()


def to_bf16(values):
    return (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)


def from_bf16(values):
    return (values.astype(np.uint32) << 16).view(np.float32)


class GpuAdapters(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for seed, name in enumerate(("one", "two"), 1):
            subprocess.run([sys.executable, MAKE, WEIGHTS, SCRATCH / name, SCRATCH / "merged", f"--seed={seed}"], check=True)
        adapters = [SCRATCH / "one", SCRATCH / "two"]
        cls.bundle = mla_mlir.load(mla_mlir.compile(SCRATCH / "both.mla", weights=WEIGHTS, target="h100", adapter=adapters,
                                                    unmerged=True, plan="absorb"))
        cls.hidden = to_bf16(np.random.default_rng(0).normal(size=(TOKENS, cls.bundle.info.hidden_size)))

    def step(self, adapters):
        """The results of sequences with the same tokens, whose adapters these are."""
        info, count = self.bundle.info, len(adapters)
        out = Tensor(np.zeros((count * TOKENS, info.hidden_size), np.uint16))
        numbers = None if adapters[0] is None else Tensor(np.array(adapters, np.int32))
        self.bundle.step(Tensor(np.concatenate([self.hidden] * count)),
                         Tensor(np.zeros((count, info.page, info.cache_row), np.uint16)),
                         Tensor(np.arange(count, dtype=np.int32).reshape(count, 1)),
                         Tensor(np.full(count, TOKENS, np.int32)),
                         Tensor(np.arange(count + 1, dtype=np.int32) * TOKENS), out, max_queries=TOKENS, max_length=TOKENS,
                         adapters=numbers)
        return np.split(from_bf16(out.read()), count)

    def test_each_sequence_has_its_own(self):
        alone = [self.step([number])[0] for number in (-1, 0, 1)]
        for i, first in enumerate(alone):
            for second in alone[:i]:
                self.assertGreater(np.abs(first - second).max(), 0.1)
        for numbers in ([1, -1, 0], [0, 0, 1], [-1, -1, 1]):
            for number, out in zip(numbers, self.step(numbers)):
                np.testing.assert_allclose(out, alone[number + 1], rtol=0, atol=0.02)

    def test_numbers_of_no_adapter_are_as_none(self):
        """Numbers on a device are not read before a step."""
        for out in self.step([2, -2]):
            np.testing.assert_array_equal(out, self.step([-1])[0])

    def test_numbers_are_required(self):
        with self.assertRaisesRegex(mla_mlir.Error, "adapters is NULL"):
            self.step([None])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
