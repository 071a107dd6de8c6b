#!/usr/bin/env python3
# ===- model_vllm.py - Decode steps of a whole model in vLLM ----------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===------------------------------------------------------------------------===#
"""Times decode steps of a `deepseek_v2` model in vLLM, a peer of model_steps.py.

    model_vllm.py CONFIG [--batch N …] [--context N] [--backend NAME] [--compile] [--out FILE]

Weights are made (`load_format="dummy"`), in bf16; decode steps are whole CUDA graphs, with --compile of what torch.compile made. Prompts are
random tokens, the context at the middle of the timed steps is N. The file has, in microseconds: `us`, a step from call to call; `graph_us`,
the device in the graph of a step (all layers, without logits and the choice of the token); `busy_us`, the device busy in a step, with both;
`kernels`, microseconds a step by name, where kernels that overlap count twice; and `tokens`, different tokens in the last step, because
sequences that repeat each other use fewer experts. Experts use vLLM's tuned tiles for the device if it has some; other tiles come from the
folder in VLLM_TUNED_CONFIG_FOLDER (see experts_torch.py). Needs vllm and a GPU.
"""
import argparse
import json
import os
import pathlib
import random
import tempfile
import time

os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"  # steps are made here

import needs

torch = needs.module("torch")
# What checkpoints of this kind say and reduced configurations leave out.
DEFAULTS = {"architectures": ["DeepseekV2ForCausalLM"], "model_type": "deepseek_v2", "hidden_act": "silu", "n_group": 1, "topk_group": 1,
            "topk_method": "greedy", "scoring_func": "softmax", "norm_topk_prob": False, "routed_scaling_factor": 1.0, "moe_layer_freq": 1,
            "bos_token_id": 0, "eos_token_id": 1, "tie_word_embeddings": False, "q_lora_rank": None, "rope_scaling": None}
STEPS, WARM, TRACED = 60, 8, 10


def engine(config, arguments, directory):
    vllm = needs.module("vllm")
    (directory / "config.json").write_text(json.dumps(config))
    # A prompt waits for those before it, which decode meanwhile.
    length = arguments.context + STEPS + max(arguments.batch)
    pages = max(arguments.batch) * (length // 64 + 2) + 8
    token_bytes = config["num_hidden_layers"] * (config["kv_lora_rank"] + config["qk_rope_head_dim"]) * 2
    graphs = {"mode": 3 if arguments.compile else 0, "cudagraph_mode": "FULL_DECODE_ONLY", "cudagraph_capture_sizes": sorted(arguments.batch)}
    given = {"attention_backend": arguments.backend, "block_size": 64} if arguments.backend else {}
    if arguments.eager:
        given["enforce_eager"] = True
    else:
        given["compilation_config"] = graphs
    return vllm.LLM(model=str(directory), load_format="dummy", skip_tokenizer_init=True, dtype="bfloat16", seed=0, disable_log_stats=True,
                    max_model_len=length, max_num_seqs=max(arguments.batch), max_num_batched_tokens=min(16384, length * max(arguments.batch)),
                    enable_prefix_caching=False, kv_cache_memory_bytes=pages * 64 * token_bytes, gpu_memory_utilization=0.05,
                    kernel_config={"enable_jit_warmup": False, "enable_cutedsl_warmup": False}, **given)  # steps before the timed ones warm up


class Graphs:
    """Times of the replays of CUDA graphs."""

    def __init__(self):
        self.events, inner = [], torch.cuda.CUDAGraph.replay

        def replay(graph):
            begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            begin.record()
            inner(graph)
            end.record()
            self.events.append((begin, end))

        torch.cuda.CUDAGraph.replay = replay

    def median(self):
        times = sorted(begin.elapsed_time(end) * 1e3 for begin, end in self.events)
        return times[len(times) // 2] if times else None


def busy(spans):
    """Return the length of the union of (begin, end)."""
    total, last = 0.0, float("-inf")
    for begin, end in sorted(spans):
        total += max(0.0, end - max(begin, last))
        last = max(last, end)
    return total


def trace(step, synchronize):
    """Return (microseconds busy, microseconds by kernel) of a step."""
    synchronize()
    from torch.profiler import ProfilerActivity, profile
    device = "CUDA" if torch.cuda.is_available() else "CPU"
    with profile(activities=[getattr(ProfilerActivity, device)]) as profiler:
        for _ in range(TRACED):
            step()
        synchronize()
    spans, kernels = [], {}
    for event in profiler.events():
        if event.device_type == getattr(torch.autograd.DeviceType, device):
            spans.append((event.time_range.start, event.time_range.end))
            kernels[event.name[:120]] = kernels.get(event.name[:120], 0.0) + (event.time_range.end - event.time_range.start) / TRACED
    top = sorted(kernels.items(), key=lambda item: -item[1])[:30]
    return busy(spans) / TRACED, {name: round(us, 2) for name, us in top}


def measure(llm, config, batch, context, graphs):
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind
    engine, chance, seen, last = llm.llm_engine, random.Random(batch), {}, {}
    synchronize = torch.cuda.synchronize if torch.cuda.is_available() else lambda: None
    limit = STEPS + WARM + TRACED + batch + 16
    chosen = SamplingParams(temperature=0.0, max_tokens=limit, min_tokens=limit, ignore_eos=True, detokenize=False, output_kind=RequestOutputKind.DELTA)
    requests = [f"{batch}-{i}" for i in range(batch)]
    for request in requests:
        prompt = [chance.randrange(2, config["vocab_size"]) for _ in range(context - STEPS // 2 - WARM)]
        engine.add_request(request, {"prompt_token_ids": prompt}, chosen)

    def step():
        for output in engine.step():
            tokens = output.outputs[0].token_ids
            seen[output.request_id] = seen.get(output.request_id, 0) + len(tokens)
            last[output.request_id] = tokens[-1] if tokens else last.get(output.request_id)

    while len(seen) < batch or min(seen.values()) < 2:  # prefill
        step()
    for _ in range(WARM):
        step()
    synchronize()
    graphs.events.clear()
    first, begin = sum(seen.values()), time.perf_counter()
    for _ in range(STEPS):
        step()
    synchronize()
    us, made = (time.perf_counter() - begin) / STEPS * 1e6, sum(seen.values()) - first
    row = {"batch": batch, "context": context, "us": us, "tokens_per_second": made / STEPS / us * 1e6, "graph_us": graphs.median(),
           "tokens_per_step": made / STEPS, "tokens": len(set(last.values()))}
    graphs.events.clear()
    row["busy_us"], row["kernels"] = trace(step, synchronize)
    engine.abort_request(requests)
    while engine.has_unfinished_requests():
        engine.step()
    return row


def describe(llm):
    import vllm
    setup = llm.llm_engine.vllm_config
    layer = next(iter(setup.compilation_config.static_forward_context.values()))
    return {"vllm": vllm.__version__, "torch": torch.__version__, "attention": type(getattr(layer, "impl", None)).__name__,
            "page": setup.cache_config.block_size, "cudagraph_mode": str(setup.compilation_config.cudagraph_mode),
            "compilation_mode": str(setup.compilation_config.mode), "tuned_experts": os.environ.get("VLLM_TUNED_CONFIG_FOLDER"),
            "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=pathlib.Path)
    parser.add_argument("--batch", nargs="+", type=int, default=[1, 8, 32, 128])
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--backend", default="FLASH_ATTN_MLA", help="of vLLM's for attention, with pages of 64 tokens; \"\": vLLM chooses")
    parser.add_argument("--compile", action="store_true", help="torch.compile too, as vLLM does if not told")
    parser.add_argument("--eager", action="store_true", help="without graphs")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("model_vllm.json"))
    arguments = parser.parse_args()
    given = json.loads(arguments.config.read_text())
    config = {**DEFAULTS, **{key: value for key, value in given.items() if not key.startswith("_")}}
    graphs = Graphs()
    with tempfile.TemporaryDirectory() as directory:
        llm = engine(config, arguments, pathlib.Path(directory))
        result = {**describe(llm), "rows": []}
        for batch in arguments.batch:
            row = measure(llm, config, batch, arguments.context, graphs)
            result["rows"].append(row)
            print("batch {batch:4} context {context:6} {us:10.1f} us, device {busy_us:10.1f} us {tokens_per_second:10.1f} tokens/s".format(**row),
                  flush=True)
            arguments.out.write_text(json.dumps(result, indent=1) + "\n")  # of what ran, should a larger batch fail


if __name__ == "__main__":
    main()
