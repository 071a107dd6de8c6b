#!/usr/bin/env python3
# ===- dense_torch.py - Gate, up and activation of an MLP in PyTorch --------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===------------------------------------------------------------------------===#
"""Times silu(x gate) * (x up) of a dense MLP in PyTorch, bf16, in torch.compile.

    dense_torch.py CONFIG [--tokens N …] [--modes MODE …] [--out FILE]

Both weights are one matrix of [2 * intermediate_size, hidden_size], as libraries for inference keep them. A time is of a CUDA graph with a cold
L2 cache, the median of 15. Of the modes of torch.compile, max-autotune also tries kernels of Triton, which takes 10 s or so a row; graphs are
made here. Rows are written as they come. Needs torch and a GPU.
"""
import argparse
import json
import pathlib

import cold_times
import needs

torch = needs.module("torch")


def gated(x, weight):
    gate, up = torch.nn.functional.linear(x, weight).chunk(2, -1)
    return torch.nn.functional.silu(gate) * up


def measure(mode, x, weight):
    torch._dynamo.reset()
    compiled = torch.compile(gated, dynamic=False, mode=None if mode == "default" else mode)
    return cold_times.attempt(lambda: lambda: compiled(x, weight))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=pathlib.Path)
    parser.add_argument("--tokens", nargs="+", type=int, default=[1, 8, 32, 128, 1024, 4096])
    parser.add_argument("--modes", nargs="+", default=["default", "max-autotune-no-cudagraphs"])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("dense_torch.json"))
    arguments = parser.parse_args()
    config, rows = json.loads(arguments.config.read_text()), []
    hidden, width = config["hidden_size"], config["intermediate_size"]
    torch.manual_seed(0)
    weight = torch.empty(2 * width, hidden, device="cuda", dtype=torch.bfloat16).normal_(0, 0.02)
    result = {"torch": torch.__version__, "device": torch.cuda.get_device_name(), "hidden": hidden, "intermediate": width, "rows": rows}
    for mode in arguments.modes:
        for tokens in arguments.tokens:
            x = torch.randn(tokens, hidden, device="cuda", dtype=torch.bfloat16)
            us, error = measure(mode, x, weight)
            flops, size = 4 * tokens * hidden * width, weight.nbytes + x.nbytes + 2 * tokens * width
            rows.append({"tokens": tokens, "mode": mode, "us": us, "error": error} |
                        ({"tflops": flops / us * 1e-6, "tb_per_second": size / us * 1e-6} if us else {}))
            print(f"{mode:28} {tokens:5} tokens " + (f"{us:9.1f} us" if us else error), flush=True)
            arguments.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
