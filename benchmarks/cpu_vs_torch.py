#!/usr/bin/env python3
# ===- cpu_vs_torch.py - An attention layer on the CPU beside PyTorch -------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===------------------------------------------------------------------------===#
"""Times attention layers of DeepSeek-V2-Lite on the CPU: this project's bundles, and the same products in PyTorch.

    cpu_vs_torch.py [--build BUILD] [--bundles DIR] [--dtypes f32 bf16] [--decode 1 8 32] [--prefill 1024] [--out FILE]

With --bundles, DIR/f32 and DIR/bf16 are what mla-compile made elsewhere; --layers says how many layers they have.

PyTorch's side is plain code without norm, rope and append: decode absorbed, prefill with keys and values of every head
(scaled_dot_product_attention), eager and with torch.compile, the better of both. Both sides have the same number of threads
and run layers in turn, so that no cache of the processor holds a layer's weights between its runs. Rounds alternate between
the sides and the ceilings of the machine; a figure is the median of its rounds. Results are not compared here: mla-run
--check and --self-check do. Prints a row as it comes, and writes all to FILE. Needs torch.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

import needs
import provenance

torch = needs.module("torch")
ROOT = pathlib.Path(__file__).resolve().parent.parent
CONFIG = ROOT / "test/Models/configs/deepseek-v2-lite.json"


class Layer:
    """Weights of a layer and its cache, of random numbers."""

    def __init__(self, config, dtype, batch, context):
        self.heads, self.latent, self.rope = config["num_attention_heads"], config["kv_lora_rank"], config["qk_rope_head_dim"]
        self.nope, self.v, hidden = config["qk_nope_head_dim"], config["v_head_dim"], config["hidden_size"]

        def made(*shape):
            return torch.randn(*shape, dtype=dtype) * 0.02

        self.w_q, self.w_kv_a = made(self.heads * (self.nope + self.rope), hidden), made(self.latent + self.rope, hidden)
        self.w_uk, self.w_uv = made(self.heads, self.nope, self.latent), made(self.heads, self.latent, self.v)
        self.w_kv_b, self.w_o = made(self.heads * (self.nope + self.v), self.latent), made(hidden, self.heads * self.v)
        self.cache = made(batch, context, self.latent + self.rope)
        self.scale = (self.nope + self.rope) ** -0.5


def decode(layer, x):
    tokens = x.shape[0]
    q = torch.nn.functional.linear(x, layer.w_q).view(tokens, layer.heads, -1)
    torch.nn.functional.linear(x, layer.w_kv_a)
    q_latent = torch.bmm(q[..., :layer.nope].transpose(0, 1), layer.w_uk).transpose(0, 1)
    scores = torch.bmm(torch.cat([q_latent, q[..., layer.nope:]], -1), layer.cache.transpose(1, 2)) * layer.scale
    o = torch.bmm(torch.softmax(scores, -1), layer.cache[..., :layer.latent])
    v = torch.bmm(o.transpose(0, 1), layer.w_uv).transpose(0, 1)
    return torch.nn.functional.linear(v.reshape(tokens, -1), layer.w_o)


def prefill(layer, x):
    tokens = x.shape[0]
    q = torch.nn.functional.linear(x, layer.w_q).view(tokens, layer.heads, -1).transpose(0, 1)
    kv_a = torch.nn.functional.linear(x, layer.w_kv_a)
    kv = torch.nn.functional.linear(kv_a[:, :layer.latent], layer.w_kv_b).view(tokens, layer.heads, -1).transpose(0, 1)
    k = torch.cat([kv[..., :layer.nope], kv_a[None, :, layer.latent:].expand(layer.heads, -1, -1)], -1)
    o = torch.nn.functional.scaled_dot_product_attention(q[None], k[None], kv[None, ..., layer.nope:], is_causal=True)[0]
    return torch.nn.functional.linear(o.transpose(0, 1).reshape(tokens, -1), layer.w_o)


class Torch:
    """PyTorch's side of a case."""

    def __init__(self, config, dtype, case, context, layers):
        phase, size = case
        self.steps = {"decode": decode, "prefill": prefill}[phase]
        shape = (size, context) if phase == "decode" else (1, 1)
        self.layers = [Layer(config, dtype, *shape) for _ in range(layers)]
        self.x = torch.randn(size, config["hidden_size"], dtype=dtype)
        torch._dynamo.reset()
        self.ways = {"eager": self.steps, "compiled": torch.compile(self.steps, dynamic=False)}

    @torch.inference_mode()
    def seconds(self, way):
        """Return the time of a step of a layer, after one of each that is not timed."""
        for layer in self.layers[:1]:
            self.ways[way](layer, self.x)
        begin = time.perf_counter()
        for layer in self.layers:
            self.ways[way](layer, self.x)
        return (time.perf_counter() - begin) / len(self.layers)


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"error: {command[0]}: {done.stderr.strip()}")
    return json.loads(done.stdout) if done.stdout.startswith("{") else None


def ours(bins, bundle, case, context, steps):
    phase, size = case
    sizes = [f"--batch={size}", f"--context={context}"] if phase == "decode" else ["--phase=prefill", f"--tokens={size}"]
    return run(bins / "mla-run", bundle, "--bench", *sizes, f"--steps={steps}", "--json")["median_seconds"]


def flops(config, case):
    """Return the operations of a prefill's products, with half of the scores: the others are masked."""
    _, tokens = case
    heads, latent, rope = config["num_attention_heads"], config["kv_lora_rank"], config["qk_rope_head_dim"]
    nope, v, hidden = config["qk_nope_head_dim"], config["v_head_dim"], config["hidden_size"]
    weights = hidden * (heads * (nope + rope + v) + latent + rope) + latent * heads * (nope + v)
    return 2 * tokens * weights + tokens * tokens * heads * (nope + rope + v)


def measure(arguments, config, dtype, case, bundle, bins):
    layers = arguments.layers if case[0] == "decode" else 1
    peer = Torch(config, {"f32": torch.float32, "bf16": torch.bfloat16}[dtype], case, arguments.context, layers)
    rounds = []
    for _ in range(arguments.rounds):
        rounds.append({**run(bins / "cpu-ceilings"), "ours": ours(bins, bundle, case, arguments.context, 3 * layers),
                       **{way: peer.seconds(way) for way in peer.ways}})
    row = {"dtype": dtype, "phase": case[0], "size": case[1],
           **{key: statistics.median(r[key] for r in rounds) for key in rounds[0]}}
    row["torch_over_ours"] = min(row["eager"], row["compiled"]) / row["ours"]
    if case[0] == "prefill":
        row["GFLOPs"] = flops(config, case) / row["ours"] * 1e-9
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--dtypes", nargs="+", default=["f32", "bf16"])
    parser.add_argument("--decode", nargs="*", type=int, default=[1, 8, 32])
    parser.add_argument("--prefill", nargs="*", type=int, default=[1024])
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cpu", default="native", help="--cpu of mla-compile")
    parser.add_argument("--bundles", type=pathlib.Path)
    parser.add_argument("--threads", type=int, help="of both sides (default: all processors)")
    parser.add_argument("--out", type=pathlib.Path)
    provenance.add_option(parser)
    arguments = parser.parse_args()
    bins, config, rows = arguments.build / "bin", json.loads(CONFIG.read_text()), []
    for name in ["mla-run", "cpu-ceilings"] + ([] if arguments.bundles else ["mla-compile"]):
        needs.program(bins / name)
    if arguments.threads:
        os.environ["MLA_NUM_THREADS"] = str(arguments.threads)
        torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    result = {**provenance.describe(arguments.commit), "torch": torch.__version__, "threads": torch.get_num_threads(),
              "context": arguments.context, "cpu_level": arguments.cpu, "rows": rows}
    cases = [("decode", batch) for batch in arguments.decode] + [("prefill", tokens) for tokens in arguments.prefill]
    with tempfile.TemporaryDirectory() as scratch:
        for dtype in arguments.dtypes:
            bundle = (arguments.bundles or pathlib.Path(scratch)) / dtype
            if not arguments.bundles:
                run(bins / "mla-compile", f"--config={CONFIG}", f"--layers=0-{arguments.layers - 1}", f"--dtype={dtype}",
                    f"--cpu={arguments.cpu}", "-o", bundle)
            for case in cases:
                rows.append(measure(arguments, config, dtype, case, bundle, bins))
                print(json.dumps(rows[-1]), flush=True)
                if arguments.out:
                    arguments.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
