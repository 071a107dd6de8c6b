#!/usr/bin/env python3
# ===- layer_steps.py - Steps of whole layers on a device --------------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===------------------------------------------------------------------------===#
"""Times steps of several bundles of one layer with `mla-run --bench`.

    layer_steps.py strip BUNDLE…                       strips weights to their header, for transfer to the device
    layer_steps.py time MLA_RUN BUNDLE… --out=FILE     fills stripped weights with random values, times, writes JSON

A bundle runs prefill steps if its name ends in `_prefill`, else decode steps. Each step runs on all bundles in turn, so that
changes of the device over time affect all. The file has the median time of each (bundle, step) per layer. Needs numpy.
"""
import argparse
import json
import os
import pathlib
import struct
import zlib
import subprocess

import needs

WEIGHTS, HEADER = "weights.safetensors", "weights.header"
DECODE = [(batch, 1, context) for context in (1024, 4096, 32768) for batch in (1, 8, 32, 128) if batch * context <= 1 << 20]
PREFILL = [(1, tokens, context) for context in (0, 1024, 4096, 32768)
           for tokens in (16, 32, 64, 128, 192, 256, 384, 512, 1024, 2048)]


def strip(bundle):
    path = bundle / WEIGHTS
    with open(path, "rb") as file:
        size = file.read(8)
        (bundle / HEADER).write_bytes(size + file.read(struct.unpack("<Q", size)[0]))
    path.unlink()


def random_bytes(np, name, dtype, count):
    """Return bytes of random elements of the magnitude of an up-projection's. Times depend on them only if they are NaN."""
    period = 1048573  # a prime number: rows differ
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    numbers = rng.standard_normal(period, dtype=np.float32) * np.float32(0.02)
    if dtype == "F8_E4M3":  # codes of 2^-3 to 2^4, which scales of f32 make small
        elements = (rng.integers(0, 64, period) + 32 + 128 * rng.integers(0, 2, period)).astype(np.uint8)
    elif "norm" in name:  # a gamma
        elements = np.ones(1, dtype=np.float32)
    elif dtype == "F32":  # scales
        elements = np.abs(numbers)
    else:
        elements = (numbers.view(np.uint32) >> 16).astype(np.uint16)
    return np.resize(elements, count).tobytes()


def fill(bundle):
    np = needs.module("numpy")

    header = (bundle / HEADER).read_bytes()
    size = json.loads((bundle / "manifest.json").read_text())["files"][WEIGHTS]
    weights = bytearray(size)
    weights[:len(header)] = header
    for name, tensor in json.loads(header[8:]).items():
        if name == "__metadata__":
            continue
        begin, end = (len(header) + offset for offset in tensor["data_offsets"])
        count = 1
        for dimension in tensor["shape"]:
            count *= dimension
        weights[begin:end] = random_bytes(np, name, tensor["dtype"], count)
    (bundle / WEIGHTS).write_bytes(weights)


def run(mla_run, bundle, phase, step):
    batch, tokens, context = step
    command = [mla_run, str(bundle), "--bench", "--json", f"--phase={phase}", f"--batch={batch}", f"--context={context}",
               "--steps=5"]
    if phase == "prefill":
        command.append(f"--tokens={tokens}")
    env = dict(os.environ, LD_LIBRARY_PATH=str(pathlib.Path(mla_run).resolve().parent))
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    if done.returncode:
        print(f"{bundle.name} {step}: {done.stderr.strip()}", flush=True)  # a form may exceed the memory
        return None
    return json.loads(done.stdout)


def time_all(mla_run, bundles, out):
    for bundle in bundles:
        if (bundle / HEADER).exists() and not (bundle / WEIGHTS).exists():
            fill(bundle)
    rows = []
    for phase, steps in (("decode", DECODE), ("prefill", PREFILL)):
        serving = [b for b in bundles if b.name.endswith("_prefill") == (phase == "prefill")]
        for step in steps:
            for bundle in serving:
                result = run(mla_run, bundle, phase, step)
                if not result:
                    continue
                row = {"bundle": bundle.name, "phase": phase, "q": result["q"], "o": result["o"], "batch": step[0],
                       "tokens": step[1], "context": step[2] + step[1], "us": result["median_seconds"] * 1e6,
                       "weight_bytes": result["weight_bytes"], "device": result["device"]}
                rows.append(row)
                print("{bundle:24} {phase:8} q={q:6} o={o:6} batch {batch:4} tokens {tokens:5} context {context:6} {us:10.1f} us"
                      .format(**row), flush=True)
            out.write_text(json.dumps(rows, indent=1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("strip", "time"))
    parser.add_argument("paths", nargs="+", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("layer_steps.json"))
    arguments = parser.parse_args()
    if arguments.what == "strip":
        for bundle in arguments.paths:
            strip(bundle)
    else:
        time_all(str(needs.program(arguments.paths[0])), arguments.paths[1:], arguments.out)


if __name__ == "__main__":
    main()
