# ===- compiler.py - mla-compile -----------------------------------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""Runs mla-compile, which `mla-compile --help` describes."""
import contextlib
import json
import os
import pathlib
import subprocess
import tempfile
import warnings

from . import locate


class CompileError(RuntimeError):
    """What mla-compile says, "WHERE: WHAT; what to do". `status` is 2 for arguments that it does not take, else 1."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


def _layers(value):
    if isinstance(value, range):
        if value.step != 1 or not value:
            raise CompileError(2, f"layers: is {value}, must be of step 1 and not empty")
        return f"{value.start}-{value.stop - 1}"
    return str(value)


@contextlib.contextmanager
def _config_file(config):
    """Path of a config, which may be a dictionary."""
    if config is None or isinstance(config, (str, os.PathLike)):
        yield config
        return
    with tempfile.TemporaryDirectory(prefix="mla-config-") as directory:
        path = pathlib.Path(directory) / "config.json"
        path.write_text(json.dumps(config))
        yield path


def _run(arguments):
    done = subprocess.run([locate.compiler(), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    lines = done.stderr.splitlines()
    if done.returncode != 0:
        errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
        text = "\n".join(errors or lines) or f"mla-compile ended with status {done.returncode}"
        raise CompileError(done.returncode, text)
    for line in lines:
        if line.startswith("warning: "):
            warnings.warn(line.removeprefix("warning: "), stacklevel=4)
    return done.stdout


def compile(output=None, *, weights=None, config=None, layers=0, target="cpu", dtype=None, plan="auto", device=None,
            page=64, tp=1, rank=None, cache="standard", batch_invariant=False, emit="bundle"):
    """Compiles layers to the bundle (a directory) `output`, and returns its path.

    weights    a .safetensors file, or a directory with config.json and one or several; without it weights are made
    config     path of a config.json, or the dictionary; may be left out where one came with the weights
    layers     0, "0-3", range(4) or "all"
    target     "cpu" or "h100"; dtype: "f32" or "bf16"
    emit       "bundle", or a stage ("import", "plan", …), whose text is returned if output is None

    Other keywords are the options of mla-compile. Raises CompileError with its message; its warnings are Python's.
    """
    if output is None and emit == "bundle":
        raise CompileError(2, "output: must be the directory to write the bundle to")
    with _config_file(config) as config_path:
        named = {"weights": weights, "config": config_path, "layers": _layers(layers), "target": target, "dtype": dtype,
                 "device": device, "page": page, "tp": tp, "rank": rank, "cache": cache, "emit": emit,
                 "plan": None if plan == "auto" else plan}
        arguments = [f"--{name}={os.fspath(value) if isinstance(value, os.PathLike) else value}"
                     for name, value in named.items() if value is not None]
        if batch_invariant:
            arguments.append("--batch-invariant")
        text = _run([*arguments, "-o", "-" if output is None else os.fspath(output)])
    return text if output is None else os.fspath(output)
