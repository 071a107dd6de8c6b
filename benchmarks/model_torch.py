#!/usr/bin/env python3
# ===- model_torch.py - Decode steps of a whole model in PyTorch -------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===------------------------------------------------------------------------===#
"""Times decode steps of a `deepseek_v2` model without a query latent in PyTorch, a peer of model_steps.py.

    model_torch.py CONFIG [--batch N …] [--context N] [--out FILE]

What a user of PyTorch can write: absorbed attention on a contiguous cache of latents by batched products, experts by torch._grouped_mm of
rows sorted by expert, both by torch.compile, and all layers in one CUDA graph. Weights are made, in bf16. Needs torch and a GPU.
"""
import argparse
import json
import pathlib

import needs

torch = needs.module("torch")
silu = torch.nn.functional.silu
DEVICE, DTYPE = "cuda", torch.bfloat16


def made(*shape):
    return torch.randn(*shape, device=DEVICE, dtype=DTYPE) * 0.02


def norm(x, gamma):
    return (x.float() * torch.rsqrt(x.float().pow(2).mean(-1, keepdim=True) + 1e-6)).to(DTYPE) * gamma


def rotate(x, cos, sin):
    a, b = x[..., ::2].float(), x[..., 1::2].float()
    return torch.stack([a * cos - b * sin, b * cos + a * sin], -1).flatten(-2).to(DTYPE)


class Model:
    def __init__(self, config):
        self.config = config
        self.hidden, self.heads, self.latent = config["hidden_size"], config["num_attention_heads"], config["kv_lora_rank"]
        self.nope, self.rope, self.value = config["qk_nope_head_dim"], config["qk_rope_head_dim"], config["v_head_dim"]
        self.experts, self.choices, self.width = config["n_routed_experts"], config["num_experts_per_tok"], config["moe_intermediate_size"]
        self.layers = [self.layer(i < config["first_k_dense_replace"]) for i in range(config["num_hidden_layers"])]
        self.embedding, self.head = made(config["vocab_size"], self.hidden), made(self.hidden, config["vocab_size"])
        self.cos, self.sin = torch.rand(self.rope // 2, device=DEVICE), torch.rand(self.rope // 2, device=DEVICE)
        self.compiled = {kind: torch.compile(function, dynamic=False) for kind, function in (("dense", self.dense), ("moe", self.moe))}

    def layer(self, is_dense):
        h, width = self.hidden, self.config["intermediate_size"] if is_dense else self.config["n_shared_experts"] * self.width
        ones = {name: torch.ones(size, device=DEVICE, dtype=DTYPE) for name, size in (("n1", h), ("n2", h), ("nk", self.latent))}
        weights = {"q": made(h, self.heads * (self.nope + self.rope)), "kv_a": made(h, self.latent + self.rope),
                   "w_uk": made(self.heads, self.nope, self.latent), "w_uv": made(self.heads, self.latent, self.value),
                   "o": made(self.heads * self.value, h), "gate_up": made(h, 2 * width), "down": made(width, h)}
        if not is_dense:
            weights |= {"router": made(h, self.experts), "up": made(self.experts, h, 2 * self.width), "out": made(self.experts, self.width, h)}
        return {"kind": "dense" if is_dense else "moe", **ones, **weights}

    def attend(self, x, w, cache, position):
        batch = x.shape[0]
        normed = norm(x, w["n1"])
        q = (normed @ w["q"]).view(batch, self.heads, self.nope + self.rope)
        kv = normed @ w["kv_a"]
        key = rotate(kv[:, None, self.latent:], self.cos, self.sin)[:, 0]
        cache.index_copy_(1, position, torch.cat([norm(kv[:, :self.latent], w["nk"]), key], -1)[:, None])
        latent = torch.einsum("bhp,hpl->bhl", q[..., :self.nope], w["w_uk"])
        query = torch.cat([latent, rotate(q[..., self.nope:], self.cos, self.sin)], -1)
        scores = torch.softmax(torch.bmm(query, cache.transpose(1, 2)).float() * (self.nope + self.rope)**-0.5, -1)
        out = torch.einsum("bhl,hlv->bhv", torch.bmm(scores.to(DTYPE), cache[..., :self.latent]), w["w_uv"])
        return x + out.reshape(batch, -1) @ w["o"]

    def mlp(self, x, w):
        gate, up = (x @ w["gate_up"]).chunk(2, -1)
        return (silu(gate) * up) @ w["down"]

    def dense(self, x, w, cache, position):
        x = self.attend(x, w, cache, position)
        return x + self.mlp(norm(x, w["n2"]), w)

    def moe(self, x, w, cache, position):
        x = self.attend(x, w, cache, position)
        normed, batch = norm(x, w["n2"]), x.shape[0]
        factors, chosen = torch.softmax((normed @ w["router"]).float(), -1).topk(self.choices, -1)
        flat = chosen.view(-1)
        order = torch.argsort(flat, stable=True)
        counts = torch.zeros(self.experts, device=DEVICE, dtype=torch.int32).scatter_add_(0, flat, torch.ones_like(flat, dtype=torch.int32))
        ends = torch.cumsum(counts, 0).to(torch.int32)
        gate, up = torch._grouped_mm(normed[order // self.choices], w["up"], offs=ends).chunk(2, -1)
        rows = torch._grouped_mm(silu(gate) * up, w["out"], offs=ends)
        rows = torch.zeros_like(rows).index_copy(0, order, rows).view(batch, self.choices, -1)
        return x + (rows.float() * factors[..., None]).sum(1).to(DTYPE) + self.mlp(normed, w)

    def step(self, ids, caches, position):
        x = self.embedding[ids]
        for w, cache in zip(self.layers, caches):
            x = self.compiled[w["kind"]](x, {key: value for key, value in w.items() if key != "kind"}, cache, position)
        return (norm(x, torch.ones_like(x[0])) @ self.head).argmax(-1)


def measure(model, batch, context, times=12):
    """Return the median seconds of a step."""
    width = model.latent + model.rope
    caches = [torch.randn(batch, context, width, device=DEVICE, dtype=DTYPE) for _ in model.layers]
    ids, position = torch.randint(0, model.config["vocab_size"], (batch,), device=DEVICE), torch.tensor([context - 1], device=DEVICE)
    for _ in range(2):
        model.step(ids, caches, position)
    torch.cuda.synchronize()
    graph, seconds = torch.cuda.CUDAGraph(), []
    with torch.cuda.graph(graph):
        model.step(ids, caches, position)
    for _ in range(times):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        graph.replay()
        end.record()
        torch.cuda.synchronize()
        seconds.append(begin.elapsed_time(end) * 1e-3)
    return sorted(seconds)[times // 2]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=pathlib.Path)
    parser.add_argument("--batch", nargs="+", type=int, default=[1, 8, 32, 128])
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("model_torch.json"))
    arguments = parser.parse_args()
    torch.manual_seed(0)
    model, rows = Model(json.loads(arguments.config.read_text())), []
    for batch in arguments.batch:
        seconds = measure(model, batch, arguments.context)
        rows.append({"batch": batch, "context": arguments.context, "us": seconds * 1e6, "tokens_per_second": batch / seconds})
        print("batch {batch:4} context {context:6} {us:10.1f} us {tokens_per_second:10.1f} tokens/s".format(**rows[-1]), flush=True)
    arguments.out.write_text(json.dumps({"torch": torch.__version__, "device": torch.cuda.get_device_name(), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
