#!/usr/bin/env python3
# ===- model_steps.py - Decode steps of models and layers on a device --------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===------------------------------------------------------------------------===#
"""Times decode steps with `mla-run --bench`: of whole models, from token numbers to the next ones, each step one graph, or of layers.

    mla-compile --config=config.json --scope=model --target=h100 --no-weights -o MODEL
    mla-compile --config=config.json --scope=layer --layers=3 --target=h100 --dtype=fp8 --no-weights -o LAYER
    model_steps.py MLA_RUN BUNDLE… [--batch N …] [--context N …] [--out FILE]

Weights are made on the device, so that a bundle is small to transfer. Steps of all bundles run in turn, so that changes of the device over
time affect all. The file has the median time of a step, tokens per second of models, and the time of each kernel of the layers.
"""
import argparse
import json
import os
import pathlib
import subprocess

import needs
import provenance


def run(arguments, bundle, batch, context):
    command = [arguments.mla_run, bundle, "--bench", "--json", f"--batch={batch}", f"--context={context}", f"--steps={arguments.steps}"]
    if arguments.emulate:
        command.append("--emulate")
    library = pathlib.Path(arguments.mla_run).resolve().parents[1] / "lib"
    environment = dict(os.environ, LD_LIBRARY_PATH=f"{library}:{os.environ.get('LD_LIBRARY_PATH', '')}")
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=environment)
    if done.returncode:  # the cache may exceed the memory
        print(f"{bundle.name}, batch {batch}, context {context}: {done.stderr.strip()}", flush=True)
        return None
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mla_run", type=pathlib.Path)
    parser.add_argument("bundles", nargs="+", type=pathlib.Path)
    parser.add_argument("--batch", nargs="+", type=int, default=[1, 8, 32, 128])
    parser.add_argument("--context", nargs="+", type=int, default=[4096])
    parser.add_argument("--steps", type=int, default=5, help="medians of so many times")
    parser.add_argument("--emulate", action="store_true", help="run on the emulated device, whose times mean nothing")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("model_steps.json"))
    provenance.add_option(parser)
    arguments = parser.parse_args()
    needs.program(arguments.mla_run)
    rows = []
    for context in arguments.context:
        for batch in arguments.batch:
            for bundle in arguments.bundles:
                result = run(arguments, bundle, batch, context)
                if not result:
                    continue
                is_model = "model_median_seconds" in result
                seconds = result["model_median_seconds" if is_model else "median_seconds"]
                rows.append({"bundle": bundle.name, "batch": batch, "context": context, "us": seconds * 1e6,
                             **({"tokens_per_second": batch / seconds} if is_model else {}), "layers": result["layers"],
                             "device": result["device"], "kernels": result.get("kernels")})
                print("{bundle:24} batch {batch:4} context {context:6} {us:10.1f} us".format(**rows[-1]) +
                      (f" {batch / seconds:10.1f} tokens/s" if is_model else ""), flush=True)
    arguments.out.write_text(json.dumps({**provenance.describe(arguments.commit), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
