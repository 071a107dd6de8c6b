"""Shared by the groups of the emulated check: bundles, references, and the count of cases."""
import concurrent.futures
import os
import pathlib
import subprocess
import sys

import numpy as np

import mla_mlir
from device_arrays import library
from mla_mlir import locate

directory = pathlib.Path()  # of the bundles
cases = bad = 0
results = []  # compared with a reference, for MLA_KEEP_RESULTS


def on_gpu():
    """Return whether the device is real: its tensor cores add products of e4m3 with about 14 bits, the emulated ones exactly."""
    return "emulated" not in os.environ.get("MLA_LIBCUDA", "emulated")


def report(ok, text):
    global cases, bad
    cases += 1
    bad += not ok
    if not ok:
        print("BAD  " + text, flush=True)


def open_bundle(name):
    return mla_mlir.load(directory / name)


def save_results():
    """Write all results to the file that MLA_KEEP_RESULTS names, for test/GPU/agree.py."""
    if path := os.environ.get("MLA_KEEP_RESULTS"):
        np.savez(path, *results)


def synchronize():
    library().mla_device_synchronize()


#===-- compiling -----------------------------------------------------------------------------------------------------------===#


def compile_bundles(jobs):
    """Compile jobs, (path, arguments), two at a time, for h100 unless the arguments say otherwise. Existing bundles are kept."""

    def compile_one(job):
        path, arguments = job
        if not path.exists():
            target = [] if "--target=cpu" in arguments else ["--target=h100"]
            subprocess.run([locate.compiler(), *map(str, arguments), *target, "-o", str(path)], check=True, stderr=subprocess.DEVNULL)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(compile_one, jobs))


#===-- references ------------------------------------------------------------------------------------------------------------===#


def masked(scores, is_causal=True, window=0):
    """Mask scores [heads, n, l]: query i of n has position l - n + i, and attends to the keys up to its position, `window` of them at most,
    or to all."""
    _, n, length = scores.shape
    keys, positions = np.arange(length)[None], np.arange(n)[:, None] + (length - n)
    hidden = is_causal & (keys > positions)
    if window:
        hidden |= keys <= positions - window
    return np.where(hidden, -np.inf, scores)


def softmax(scores, sinks=None):
    """Return weights and log-sum-exp of scores [heads, n, l] over the last axis; 0 and -inf without keys. sinks [heads]: logits that count
    in the weights' denominators only."""
    largest = scores.max(-1, keepdims=True, initial=-np.inf)
    finite = np.where(np.isfinite(largest), largest, 0.0)
    weights = np.exp(scores - finite)
    sums = weights.sum(-1, keepdims=True)
    with np.errstate(divide="ignore"):
        lse = np.log(sums) + finite
    if sinks is not None:
        sums = sums + np.exp(sinks[:, None, None] - finite)
    return weights / np.where(sums == 0, 1.0, sums), lse[..., 0]


def relative(found, expected):
    """Return the relative L2 error; infinite if there is a NaN."""
    if "MLA_KEEP_RESULTS" in os.environ:
        results.append(np.asarray(found, np.float32))
    error = np.linalg.norm(found - expected) / max(np.linalg.norm(expected), 1e-20)
    return float(error) if np.isfinite(error) else float("inf")


def worst_row(found, expected):
    """Return the relative L2 error of the worst row along the last axis."""
    if not expected.size:
        return 0.0
    error = np.linalg.norm(found - expected, axis=-1) / np.maximum(np.linalg.norm(expected, axis=-1), 1e-20)
    return float(np.where(np.isfinite(error), error, np.inf).max())
