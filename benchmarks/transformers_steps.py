#!/usr/bin/env python3
# ===- transformers_steps.py - Decode steps of a whole model in transformers -===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===------------------------------------------------------------------------===#
"""Times decode steps of a `deepseek_v2` model in Hugging Face's transformers, a peer of model_steps.py.

    transformers_steps.py CONFIG [--batch N …] [--context N] [--experts NAME …] [--out FILE]

The model is transformers' own DeepseekV2ForCausalLM with made weights, in bf16: latents in a StaticCache, from which a step makes keys and
values of the whole context, scaled_dot_product_attention, experts by torch's grouped products (`grouped_mm`) or by copies of the chosen experts'
weights (`batched_mm`, which generate() prefers; only for as many sequences as choose no more weights than there are). torch.compile compiles
each kind of layer; a step, from token numbers to the next ones, is one CUDA graph. Should compilation fail, layers run as written; `layers` in
the file says which. Needs torch, transformers and a GPU.
"""
import argparse
import copy
import json
import pathlib

import needs

torch = needs.module("torch")
needs.module("transformers")
from transformers import DeepseekV2Config, DeepseekV2ForCausalLM, StaticCache
from transformers.models.deepseek_v2.modeling_deepseek_v2 import DeepseekV2DecoderLayer

DEVICE, DTYPE = "cuda", torch.bfloat16


class Layer(torch.nn.Module):
    """A decoder layer with a cache of its own: the index of a layer in a common cache would be a constant, and each layer compiled."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.cache, self.call = layer, None, DeepseekV2DecoderLayer.forward
        layer.self_attn.layer_idx = 0

    def forward(self, hidden, past_key_values=None, **given):
        return self.call(self.layer, hidden, past_key_values=self.cache, **given)


def build(given):
    config = DeepseekV2Config(**{key: value for key, value in given.items() if not key.startswith("_") and key != "torch_dtype"})
    with torch.device(DEVICE):
        model = DeepseekV2ForCausalLM._from_config(config, dtype=DTYPE, attn_implementation="sdpa").eval()
    model.model.layers = torch.nn.ModuleList(Layer(layer) for layer in model.model.layers)
    return model


def filled(config, batch, context):
    """Return a StaticCache of random latents, and one of each layer alone."""
    cache = StaticCache(config=config, max_cache_len=context)
    for layer in cache.layers:
        layer.lazy_initialization(*(torch.empty(batch, 1, 1, size, device=DEVICE, dtype=DTYPE) for size in (config.kv_lora_rank, config.qk_rope_head_dim)))
        # Not the tensors that the layer marked as static: each would be compiled for.
        layer.keys, layer.values = torch.randn_like(layer.keys), torch.randn_like(layer.values)
        layer.cumulative_length = torch.tensor(context - 1, device=DEVICE)
    alone = []
    for layer in cache.layers:
        alone.append(copy.copy(cache))
        alone[-1].layers = [layer]
    return cache, alone


def stepper(model, batch, context):
    """Return a function of a step, and one that has to be called before it."""
    cache, alone = filled(model.config, batch, context)
    for layer, own in zip(model.model.layers, alone):
        layer.cache = own
    ids, position = torch.randint(2, model.config.vocab_size, (batch, 1), device=DEVICE), torch.tensor([[context - 1]], device=DEVICE)

    def step():
        return model(input_ids=ids, past_key_values=cache, position_ids=position, use_cache=True).logits[:, -1].argmax(-1)

    def rewind():
        for layer in cache.layers:
            layer.cumulative_length.fill_(context - 1)
    return step, rewind


def replayed(step, rewind, times=10):
    """Return the median seconds of a step's graph."""
    for _ in range(2):
        rewind()
        step()
    torch.cuda.synchronize()
    graph, seconds = torch.cuda.CUDAGraph(), []
    rewind()
    with torch.cuda.graph(graph):
        step()
    for _ in range(times):
        rewind()
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        graph.replay()
        end.record()
        torch.cuda.synchronize()
        seconds.append(begin.elapsed_time(end) * 1e-3)
    return sorted(seconds)[times // 2]


@torch.no_grad()
def measure(model, experts, batch, context):
    """Return (seconds, how layers ran, errors)."""
    model.set_experts_implementation(experts)
    step, rewind = stepper(model, batch, context)
    torch._dynamo.reset()
    errors = []
    for name, call in (("compiled", torch.compile(DeepseekV2DecoderLayer.forward, dynamic=False)), ("eager", DeepseekV2DecoderLayer.forward)):
        for layer in model.model.layers:
            layer.call = call
        try:
            return replayed(step, rewind), name, errors
        except Exception as error:
            torch.cuda.synchronize()
            errors.append(f"{name}: {type(error).__name__}: {error}"[:400])
    return None, None, errors


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=pathlib.Path)
    parser.add_argument("--batch", nargs="+", type=int, default=[1, 8, 32, 128])
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--experts", nargs="+", default=["grouped_mm", "batched_mm"])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("transformers_steps.json"))
    arguments = parser.parse_args()
    torch.manual_seed(0)
    model, rows = build(json.loads(arguments.config.read_text())), []
    config = model.config
    result = {"torch": torch.__version__, "transformers": needs.module("transformers").__version__, "device": torch.cuda.get_device_name(), "rows": rows}
    for experts in arguments.experts:
        for batch in arguments.batch:
            if experts == "batched_mm" and batch * config.num_experts_per_tok > config.n_routed_experts:
                continue
            seconds, layers, errors = measure(model, experts, batch, arguments.context)
            rows.append({"batch": batch, "context": arguments.context, "experts": experts, "layers": layers, "errors": errors} |
                        ({"us": seconds * 1e6, "tokens_per_second": batch / seconds} if seconds else {}))
            print(f"batch {batch:4} context {arguments.context:6} {experts} {layers} " + (f"{seconds * 1e6:10.1f} us" if seconds else errors[-1]), flush=True)
            arguments.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
