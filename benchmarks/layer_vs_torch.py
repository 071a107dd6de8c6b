#!/usr/bin/env python3
# ===- layer_vs_torch.py - Decode steps of attention layers beside PyTorch ---===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===------------------------------------------------------------------------===#
"""Times a decode step of a whole attention layer: a bundle beside PyTorch with the attention kernels of others.

    layer_vs_torch.py make MLA_COMPILE DIRECTORY [SHAPE …]             compiles the shapes; weights are made where they are timed
    layer_vs_torch.py time DIRECTORY PEER.py … [--only SHAPE …] [--json FILE]

A peer is a module as decode_grid.py describes. Its step is what a user of PyTorch can write: products by cuBLAS, norms and RoPE by
torch.compile, its attention on the latent cache, all in one CUDA graph, with the numbers of the bundle's weights. Metadata of a peer's
scheduler is made outside of what is timed. L2 is cold: it is filled with other data between replays. Figures are medians; `floor_us` is
the time of reading weights and cache at the bandwidth measured in the same run. `error` is the relative difference between our
result and a peer's, which must be within 2e-2. Needs torch, numpy, a GPU, and mla_mlir on PYTHONPATH.
"""
import argparse
import json
import math
import pathlib
import subprocess
import types

import layer_steps
import needs
import provenance
from better_peer import mean

PAGE, BOUND = 64, 2e-2
# hidden size, rank of queries, heads, widths of nope and v
SHAPES = {"v3": (7168, 1536, 128, 128, 128), "v3-tp8": (7168, 1536, 16, 128, 128), "v2-lite": (2048, None, 16, 128, 128),
          "kimi-k2": (7168, 1536, 64, 128, 128), "glm-5": (6144, 2048, 64, 192, 256)}
LATENT, ROPE, THETA, EPSILON = 512, 64, 10000.0, 1e-6
STEPS = [(1, 4096), (8, 4096), (32, 4096), (64, 4096), (128, 4096), (1, 32768), (32, 32768), (128, 1024)]


def config_of(shape):
    hidden, queries, heads, nope, value = SHAPES[shape]
    return {"model_type": "deepseek_v3", "hidden_size": hidden, "num_attention_heads": heads, "num_key_value_heads": heads,
            "q_lora_rank": queries, "kv_lora_rank": LATENT, "qk_nope_head_dim": nope, "qk_rope_head_dim": ROPE, "v_head_dim": value,
            "num_hidden_layers": 1, "rope_theta": THETA, "rope_scaling": None, "rms_norm_eps": EPSILON, "attention_bias": False}


def make(compiler, directory, shapes):
    directory.mkdir(parents=True, exist_ok=True)
    for shape in shapes:
        config, bundle = directory / f"{shape}.json", directory / f"{shape}.mla"
        config.write_text(json.dumps(config_of(shape)))
        subprocess.run([str(compiler), f"--config={config}", "--target=h100", "--plan=absorb", "-o", str(bundle)], check=True)
        layer_steps.strip(bundle)


def read_weights(torch, bundle):
    """Return the layer's tensors on the device, by their names without the layer's."""
    if not (bundle / layer_steps.WEIGHTS).exists():
        layer_steps.fill(bundle)
    data = (bundle / layer_steps.WEIGHTS).read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    types_of = {"BF16": torch.bfloat16, "F32": torch.float32}
    weights = {}
    for name, tensor in json.loads(data[8:begin]).items():
        if name != "__metadata__":
            part = torch.frombuffer(bytearray(data[begin + tensor["data_offsets"][0]:begin + tensor["data_offsets"][1]]),
                                    dtype=types_of[tensor["dtype"]])
            weights[name.removeprefix("layers.0.")] = part.view(tensor["shape"]).cuda()
    return weights


class Layer:
    """The layer in PyTorch, for any attention kernel."""

    def __init__(self, torch, shape, weights):
        self.torch, self.w = torch, weights
        self.hidden, self.queries, self.heads, self.nope, self.value = SHAPES[shape]
        self.q_b = None if self.queries is None else self.of_heads("q_b_proj")
        # One product, as ours.
        self.first = torch.cat([self.of_heads("q_proj") if self.q_b is None else weights["q_a_proj"], weights["kv_a_proj_with_mqa"]])
        self.out = weights["o_proj"].flatten(1)
        self.frequencies = 1 / THETA**(torch.arange(0, ROPE, 2, device="cuda").float() / ROPE)
        self.norm_and_rotate = torch.compile(self._norm_and_rotate, dynamic=False)
        self.rotate_queries = torch.compile(self._rotate, dynamic=False)

    def of_heads(self, name):
        return self.w[name].flatten(0, 1)

    def _norm(self, x, gamma):
        x = x.float()
        return (x * self.torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPSILON) * gamma).to(self.torch.bfloat16)

    def _rotate(self, x, positions):
        angles = positions.float()[:, None] * self.frequencies
        cos, sin = angles.cos(), angles.sin()
        if x.dim() == 3:
            cos, sin = cos[:, None], sin[:, None]
        even, odd = x.float()[..., 0::2], x.float()[..., 1::2]
        return self.torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2).to(self.torch.bfloat16)

    def _norm_and_rotate(self, latents, positions):
        split = latents.shape[1] - LATENT - ROPE
        row = self.torch.cat((self._norm(latents[:, split:split + LATENT], self.w["kv_a_layernorm"]),
                              self._rotate(latents[:, split + LATENT:], positions)), -1)
        return (latents[:, :split] if self.queries is None else self._norm(latents[:, :split], self.w["q_a_layernorm"])), row

    def step(self, x, pages, slots, positions, q, attend):
        queries, row = self.norm_and_rotate(x @ self.first.T, positions)
        pages.view(-1, LATENT + ROPE).index_copy_(0, slots, row)
        if self.queries is not None:
            queries = queries @ self.q_b.T
        queries = queries.reshape(len(x), self.heads, self.nope + ROPE)
        q[:, 0, :, :LATENT] = self.torch.bmm(queries[..., :self.nope].transpose(0, 1), self.w["w_uk.t"].transpose(1, 2)).transpose(0, 1)
        q[:, 0, :, LATENT:] = self.rotate_queries(queries[..., self.nope:], positions)
        attended = attend()[0].view(len(x), self.heads, LATENT)
        values = self.torch.bmm(attended.transpose(0, 1), self.w["w_uv"].transpose(1, 2)).transpose(0, 1)
        return values.reshape(len(x), self.heads * self.value) @ self.out.T


def time_step(torch, cold, layer, name, peers, step, rate):
    batch, context = step
    per_sequence = context // PAGE
    pages = torch.randn(batch * per_sequence + 8, PAGE, LATENT + ROPE, device="cuda", dtype=torch.bfloat16) * 3  # so that scores differ
    table = torch.randperm(batch * per_sequence, device="cuda", dtype=torch.int32).view(batch, per_sequence)
    lengths = torch.full((batch,), context, device="cuda", dtype=torch.int32)
    positions = (lengths - 1).long()
    slots = table.gather(1, (positions // PAGE)[:, None]).squeeze(1).long() * PAGE + positions % PAGE
    x = torch.randn(batch, layer.hidden, device="cuda", dtype=torch.bfloat16)
    cu = torch.arange(batch + 1, device="cuda", dtype=torch.int32)
    case = types.SimpleNamespace(b=batch, s_q=1, h=layer.heads, seq=context, page=PAGE, d_ckv=LATENT, d_rope=ROPE)
    read = sum(w.nbytes for key, w in layer.w.items() if key != "w_uk") + batch * context * 2 * (LATENT + ROPE)
    row = {"batch": batch, "context": context, "floor_us": read / rate}

    def ours():
        return torch.ops.mla.layer(x, pages, table, lengths, cu, name, layer=0, max_queries=1)

    own, errors = ours().float(), [0.0]
    row["ours"] = cold.microseconds(ours, 40)
    q = torch.empty(batch, 1, layer.heads, LATENT + ROPE, device="cuda", dtype=torch.bfloat16)
    for peer in peers:
        attend = peer.prepare(case, q, pages, table, lengths, (layer.nope + ROPE)**-0.5)
        difference = layer.step(x, pages, slots, positions, q, attend).float() - own
        errors.append((difference.norm() / own.norm()).item())
        row[peer.NAME] = cold.microseconds(lambda: layer.step(x, pages, slots, positions, q, attend), 40)
    row["error"] = math.nan if any(map(math.isnan, errors)) else max(errors)  # max would pass over NaN
    row["ratio"] = min(row[peer.NAME] for peer in peers) / row["ours"] if peers else math.nan
    return row


def read_rate(torch, cold):
    """Return the bytes per microsecond of reading memory."""
    data = torch.zeros(1 << 30, device="cuda", dtype=torch.float32)
    return data.nbytes / cold.microseconds(lambda: data.sum(), 5)


def time_all(directory, peers, shapes, commit, out):
    torch = needs.module("torch")
    import cold_times as cold
    import decode_grid
    import mla_mlir
    import mla_mlir.torch
    torch._dynamo.config.recompile_limit = 64
    torch.manual_seed(0)
    peers = [decode_grid.load(str(path)) for path in peers]
    rate, rows = read_rate(torch, cold), []
    facts = {**provenance.describe(commit), "device": torch.cuda.get_device_name(), "read_gb_s": rate / 1e3}
    for shape in shapes:
        bundle = directory / f"{shape}.mla"
        layer = Layer(torch, shape, read_weights(torch, bundle))
        name = mla_mlir.torch.register(mla_mlir.load(str(bundle)))
        for step in STEPS:
            row = {"shape": shape, **time_step(torch, cold, layer, name, peers, step, rate)}
            rows.append(row)
            print({key: round(value, 4) if isinstance(value, float) else value for key, value in row.items()}, flush=True)
            out.write_text(json.dumps({**facts, "rows": rows}, indent=1))
        ratios = [row["ratio"] for row in rows if row["shape"] == shape]
        if peers:
            print(f"{shape}: {mean(ratios):.3f} in the geometric mean, {min(ratios):.3f} at least", flush=True)
        mla_mlir.torch.unregister(name)
    wrong = [row for row in rows if not row["error"] <= BOUND]
    if wrong:
        raise SystemExit(f"error: {len(wrong)} results differ from a peer's by more than {BOUND}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="what", required=True)
    making = commands.add_parser("make")
    making.add_argument("compiler", type=pathlib.Path)
    making.add_argument("directory", type=pathlib.Path)
    making.add_argument("shapes", nargs="*", default=list(SHAPES))
    timing = commands.add_parser("time")
    timing.add_argument("directory", type=pathlib.Path)
    timing.add_argument("peers", nargs="*", type=pathlib.Path)
    timing.add_argument("--only", nargs="+", default=list(SHAPES), choices=list(SHAPES), metavar="SHAPE")
    timing.add_argument("--json", type=pathlib.Path, default=pathlib.Path("layer_vs_torch.json"))
    provenance.add_option(timing)
    arguments = parser.parse_args()
    if arguments.what == "make":
        make(needs.program(arguments.compiler), arguments.directory, arguments.shapes)
    else:
        time_all(arguments.directory, arguments.peers, arguments.only, arguments.commit, arguments.json)


if __name__ == "__main__":
    main()
