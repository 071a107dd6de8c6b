#!/usr/bin/env python3
"""Measures time per token and cache of a Hugging Face DeepSeek model, with and without mla_mlir:
generate.py [--family=deepseek_v3] [--context=N …] [--json=FILE]

The models have random weights and the widths of a small member of the family. The device is torch's GPU (bf16), else the CPU
(f32). A prompt of --context tokens per sequence is prefilled, then --tokens are generated greedily; the time per token is the median
of the steps. Processor time is meaningful on a shared machine with one thread (OMP_NUM_THREADS, MLA_NUM_THREADS)."""
import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

import needs

ROOT = pathlib.Path(__file__).resolve().parents[1]
if (ROOT / "python").is_dir():
    sys.path.insert(0, str(ROOT / "python"))

# The attention has DeepSeek-V2-Lite's widths. The rest is small, so that attention dominates the time.
WIDTHS = dict(vocab_size=4096, hidden_size=1024, intermediate_size=2048, num_hidden_layers=2, num_attention_heads=16,
              num_key_value_heads=16, kv_lora_rank=512, qk_nope_head_dim=128, qk_rope_head_dim=64, v_head_dim=128,
              first_k_dense_replace=2, n_routed_experts=4, num_experts_per_tok=2, n_group=1, topk_group=1,
              max_position_embeddings=65536, pad_token_id=0, bos_token_id=1, eos_token_id=None)


def cache_bytes(cache):
    """Return the bytes of the pages of a LatentCache, or of the tensors of a cache of transformers."""
    if hasattr(cache, "nbytes"):
        return cache.nbytes()
    return sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)


class Clock:
    """Records wall and processor time at the start of each step of generate()."""

    def __init__(self):
        self.times = []

    def __call__(self, *_):
        import torch

        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.times.append((time.perf_counter(), time.process_time()))

    def medians(self):
        """Return the median wall and processor time per step after the first, in milliseconds."""
        pairs = list(zip(self.times[1:], self.times[2:]))
        return [1e3 * statistics.median(after[i] - before[i] for before, after in pairs) for i in (0, 1)]


def measure(model, batch, tokens):
    """Generate greedily. Return the tokens, the median times per token after the first, and the bytes of the cache."""
    import torch

    clock = Clock()
    with torch.no_grad():
        model.generate(**batch, max_new_tokens=4, do_sample=False)  # warm up
        hook = model.register_forward_pre_hook(clock)
        out = model.generate(**batch, max_new_tokens=tokens, do_sample=False, return_dict_in_generate=True)
        hook.remove()
    clock()
    wall, processor = clock.medians()
    return {"ms_per_token": wall, "processor_ms_per_token": processor, "cache_bytes": cache_bytes(out.past_key_values),
            "prefill_ms": 1e3 * (clock.times[1][0] - clock.times[0][0]),
            "tokens": out.sequences[:, batch["input_ids"].shape[1]:]}


def device_name():
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {torch.get_num_threads()} threads"


def run(family, contexts, batch, tokens):
    import torch
    import transformers
    import mla_mlir.transformers as mla

    kinds = {"deepseek_v2": (transformers.DeepseekV2Config, transformers.DeepseekV2ForCausalLM),
             "deepseek_v3": (transformers.DeepseekV3Config, transformers.DeepseekV3ForCausalLM)}
    config, kind = kinds[family]
    device, dtype = ("cuda", torch.bfloat16) if torch.cuda.is_available() else ("cpu", torch.float32)
    torch.manual_seed(0)
    model = kind(config(**WIDTHS, q_lora_rank=None)).eval()
    for parameter in model.parameters():  # not buffers, such as the frequencies of RoPE
        parameter.data = parameter.data.to(dtype)
    model = model.to(device)
    results = {}
    for label in ("eager", "compiled"):
        if label == "compiled":
            mla.patch(model)
        for context in contexts:
            torch.manual_seed(context)
            ids = torch.randint(3, WIDTHS["vocab_size"], (batch, context), device=device)
            found = measure(model, {"input_ids": ids, "attention_mask": torch.ones_like(ids)}, tokens)
            results[label, context] = found
            print(f"{family} {label}, {batch} x {context}: {found['ms_per_token']:.2f} ms per token (processor "
                  f"{found['processor_ms_per_token']:.2f}), prefill {found['prefill_ms']:.0f} ms, cache "
                  f"{found['cache_bytes'] / 2**20:.1f} MiB", flush=True)
    rows = []
    for context in contexts:
        eager, compiled = results["eager", context], results["compiled", context]
        same = (eager.pop("tokens") == compiled.pop("tokens")).all(0).long().cumprod(0).sum().item()
        rows.append({"family": family, "batch": batch, "context": context, "eager": eager, "compiled": compiled,
                     "same_first_tokens": same})
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", nargs="+", default=["deepseek_v2", "deepseek_v3"])
    parser.add_argument("--context", nargs="+", type=int, default=[128, 1024])
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--json", type=pathlib.Path)
    given = parser.parse_args()
    torch, transformers = needs.module("torch"), needs.module("transformers")
    rows = [row for family in given.family for row in run(family, given.context, given.batch, given.tokens)]
    git = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    result = {"date": datetime.date.today().isoformat(), "commit": git, "device": device_name(), "load": os.getloadavg()[0],
              "torch": torch.__version__, "transformers": transformers.__version__, "widths": WIDTHS, "tokens": given.tokens,
              "rows": rows}
    if given.json:
        given.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
