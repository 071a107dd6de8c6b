"""Kernels of a module without a bundle: compiles functions of operations, and evaluates and runs their launches.

For kernels whose arguments are addresses and integers; a launch with a tensor map is refused."""
import ctypes
import pathlib
import re
import subprocess

import numpy as np

from device_arrays import STORAGE, Driver
from mla_mlir import locate

MODEL = ", ".join(f"{key} = {value} : i64" for key, value in {
    "heads": 1, "kv_lora_rank": 64, "page": 16, "qk_nope_head_dim": 16, "qk_rope_head_dim": 16, "v_head_dim": 16, "tensor_parallel": 1,
    "rank": 0}.items())
REGIME = "mla.regime = #mla.regime<{phase = prefill, q = naive, o = naive}>"


class Number(int):
    """An integer of an expression: `@` is the rounded up quotient."""

    def __matmul__(self, other):
        return Number(-(-int(self) // int(other)))

    def __add__(self, other):
        return Number(int(self) + int(other))

    def __mul__(self, other):
        return Number(int(self) * int(other))


def evaluate(expression, sizes):
    """Return the value of an expression over the sizes of a step, as the compiler prints it."""
    text = re.sub(r"\b(\d+)\b", r"Number(\1)", expression.replace("ceildiv", "@").replace("floordiv", "//"))
    return int(eval(text, {"Number": Number}, {key: Number(value) for key, value in sizes.items()}))


def compile_module(path, functions, grouped=False):
    """Compile functions, of operations or `grouped` in kernels, to path.mlir, path.launches and path.ptx."""
    tools = pathlib.Path(locate.compiler()).parent
    source, launches, lowered = (path.with_suffix(suffix) for suffix in (".mlir", ".launches", ".nvvm.mlir"))
    source.write_text(f'module attributes {{mla.layers = array<i64: 0>, mla.model = {{dtype = "bf16", {MODEL}}}}} {{\n{functions}}}\n')
    group = [] if grouped else ["--mla-group-kernels"]
    subprocess.run([tools / "mla-opt", source, *group, "--mla-schedule-kernels", "--convert-mla-to-gpu", "-o", launches], check=True)
    subprocess.run([tools / "mla-opt", launches, "--mla-to-nvvm", "-o", lowered], check=True)
    subprocess.run([tools / "mla-compile", lowered, "--target=h100", "--emit=ptx", "-o", path.with_suffix(".ptx")], check=True,
                   stderr=subprocess.DEVNULL)


class LaunchConfig(ctypes.Structure):
    """CUlaunchConfig."""
    _fields_ = [("grid", ctypes.c_uint * 3), ("block", ctypes.c_uint * 3), ("shared", ctypes.c_uint), ("stream", ctypes.c_void_p),
                ("attributes", ctypes.c_void_p), ("count", ctypes.c_uint)]


class KernelModule:
    """The kernels of a compiled module, loaded."""

    def __init__(self, path):
        self.driver, self.text = Driver(), path.with_suffix(".launches").read_text()
        self.module = self.driver.made("cuModuleLoadDataEx", path.with_suffix(".ptx").read_bytes() + b"\0", 0, None, None)

    def launches_of(self, function):
        """Return ([(name, bytes)] of scratch memory, [(kernel, grid, threads, bytes of shared memory, arguments)])."""
        body = re.search(rf"mla\.launches @{function} .*?\{{\n(.*?)\n  \}}", self.text, re.S).group(1)
        memory = re.findall(r'mla\.workspace "([^"]+)" bytes \((.*)\)', body)
        found = re.findall(r"mla\.launch @kernels::@(\w+) grid \((.*?)\) threads (\d+) shared (\d+)(?: overlap)? args \[(.*?)\]\n?", body, re.S)
        assert len(found) == body.count("mla.launch "), body
        return memory, [(kernel, grid.split(", "), int(threads), int(shared), arguments) for kernel, grid, threads, shared, arguments in found]

    def run(self, function, sizes, buffers, arena, shapes):
        """Launch the kernels of a function. buffers: arrays by name; shapes: (shape, element type) of each scratch buffer, which are
        returned."""
        memory, launches = self.launches_of(function)
        buffers, made = dict(buffers), []
        for (name, size), (shape, dtype) in zip(memory, shapes, strict=True):
            assert evaluate(size, sizes) == int(np.prod(shape)) * np.dtype(STORAGE[dtype]).itemsize, (function, name, size)
            made.append(arena.empty(name, shape, dtype))
            buffers[name] = made[-1]
        for kernel, grid, threads, shared, arguments in launches:
            self.launch(kernel, [evaluate(part, sizes) for part in grid], threads, shared, arguments, sizes, buffers)
        return made

    def launch(self, kernel, grid, threads, shared, arguments, sizes, buffers):
        values = []
        for pointer, offset, extent in re.findall(r'#mla\.pointer<"([^"]+)"(?:, offset = (\d+))?>|#mla\.extent<(.+?)>(?=[,\s]|$)', arguments):
            if pointer:
                values.append(ctypes.c_uint64(buffers[pointer].address + int(offset or 0)))
            else:
                values.append(ctypes.c_int32(evaluate(extent, sizes)))
        assert len(values) == arguments.count("#mla."), arguments
        function = self.driver.made("cuModuleGetFunction", self.module, kernel.encode())
        config = LaunchConfig((ctypes.c_uint * 3)(*grid), (ctypes.c_uint * 3)(threads, 1, 1), shared, None, None, 0)
        pointers = (ctypes.c_void_p * len(values))(*[ctypes.addressof(value) for value in values])
        self.driver("cuLaunchKernelEx", ctypes.byref(config), function, pointers, None)

    def close(self):
        self.driver("cuModuleUnload", self.module)
