# ===- compiler.py - mla-compile -----------------------------------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""Runs mla-compile; see `mla-compile --help`."""
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

from . import locate
from .errors import Error

#: The target that supported GPUs run. `mla-compile --help` lists all targets.
GPU_TARGET = "h100"


class CompileError(RuntimeError):
    """The error of mla-compile. `status` is 2 for invalid arguments, else 1."""

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
    """Return the path of a config; write the config to a file if it is a dictionary."""
    if config is None or isinstance(config, (str, os.PathLike)):
        yield config
        return
    with tempfile.TemporaryDirectory(prefix="mla-config-") as directory:
        path = pathlib.Path(directory) / "config.json"
        try:
            path.write_text(json.dumps(config))
        except (TypeError, ValueError) as error:  # not JSON
            raise CompileError(2, f"config: must be a path or a dictionary of JSON values: {error}") from error
        yield path


def _run(arguments):
    path = locate.compiler()
    try:
        done = subprocess.run([path, *arguments], stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8",
                              errors="backslashreplace")
    except ValueError as error:  # a NUL, or a character that the file system's encoding lacks
        raise CompileError(2, f"an argument cannot be given to mla-compile: {error}") from error
    except OSError as error:
        raise Error("MLA_IO_ERROR", f"{path}: cannot be run: {error}; set MLA_MLIR_PREFIX to another tree") from error
    lines = done.stderr.splitlines()
    if done.returncode != 0:
        errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
        text = "\n".join(errors or lines) or f"mla-compile ended with status {done.returncode}"
        raise CompileError(done.returncode, text)
    for line in lines:
        if line.startswith("warning: "):
            warnings.warn(line.removeprefix("warning: "), stacklevel=3)
        else:
            print(line, file=sys.stderr)
    return done.stdout


def compile(output=None, *, weights=None, adapter=None, unmerged=False, config=None, layers=None, scope=None, target=None,
            cpu=None, dtype=None, plan=None, device=None, page=None, tp=None, rank=None, cache=None, cache_dtype=None, cache_scale=None,
            batch_invariant=False, no_weights=False, core_mask=None, core_sinks=False, emit=None, report=None, baseline=None,
            batch=None, context=None):
    """Compile layers to the bundle (a directory) `output`, and return its path.

    weights    a .safetensors file, or a directory with config.json and one or several; by default weights are generated
    adapter    the directory of a LoRA adapter in PEFT's format, which is merged into the weights; with unmerged=True one or
               a list of them, of which each sequence chooses one by its name, the last component of the path, or none
    config     path of a config.json, or the dictionary; may be omitted if the weights include one
    layers     0 (the default), "0-3", range(4) or "all"
    scope      "attention" (the default), "layer" or "model", which takes token numbers (docs/decoder.md)
    target     "cpu" (the default) or "h100"; dtype: "f32" or "bf16"
    cpu        for target="cpu": the level of processors that run the code, "native" (the default), "x86-64-v3", …
    cache_dtype  how the cache holds a token: as hidden states (the default), or in "fp8_row" or "fp8_tensor" (docs/fp8.md)
    cache_scale  for "fp8_tensor": rows hold latents and keys divided by it
    plan       "auto" (the default), a form, or forms by phase; if given, the plan is explained on sys.stderr
    emit       "bundle" (the default), or a stage ("import", "plan", …), whose text is returned if output is None
    report     "text", "json" or "html": the costs of the config's whole model; nothing is compiled. Returned if output is
               None. Options: baseline, another config; batch, the sequences; context, the cached tokens per sequence

    Other keywords are the options of mla-compile; None selects its default. Raise CompileError with its message. Its
    warnings become Python warnings; its other output goes to sys.stderr. Raise Error if there is no mla-compile.
    """
    if output is None and report is None and emit in (None, "bundle"):
        raise CompileError(2, "output: must be the directory to write the bundle to")
    if output is not None and not isinstance(output, (str, os.PathLike)):
        raise CompileError(2, f"output: is a {type(output).__name__}, must be a path")
    with _config_file(config) as config_path, _config_file(baseline) as baseline_path:
        named = {"weights": weights, "config": config_path, "target": target, "cpu": cpu, "dtype": dtype,
                 "layers": None if layers is None else _layers(layers), "scope": scope, "plan": plan, "device": device, "page": page, "tp": tp,
                 "rank": rank, "cache": cache, "cache-dtype": cache_dtype, "cache-scale": cache_scale, "emit": emit,
                 "core-mask": core_mask, "report": report, "baseline": baseline_path, "batch": batch, "context": context}
        arguments = [f"--{name}={os.fspath(value) if isinstance(value, os.PathLike) else value}"
                     for name, value in named.items() if value is not None]
        adapters = [] if adapter is None else [adapter] if isinstance(adapter, (str, os.PathLike)) else adapter
        arguments += [f"--adapter={os.fspath(directory)}" for directory in adapters]
        flags = {"batch-invariant": batch_invariant, "unmerged": unmerged, "no-weights": no_weights, "core-sinks": core_sinks}
        arguments += [f"--{name}" for name, given in flags.items() if given]
        if plan is not None:
            arguments.append("--verbose")
        text = _run([*arguments, "-o", "-" if output is None else os.fspath(output)])
    return text if output in (None, "-") else os.fspath(output)
