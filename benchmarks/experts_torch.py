#!/usr/bin/env python3
# ===- experts_torch.py - Products of routed experts in other libraries -----===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===------------------------------------------------------------------------===#
"""Times the routed experts of a model in PyTorch and, if installed, in vLLM's kernels of Triton and in DeepGEMM.

    experts_torch.py CONFIG … [--tokens N …] [--ways WAY …] [--tiles FOLDER] [--out FILE]

Sizes come from the configurations; choices are random, each expert as likely; weights are made. A time is of a CUDA graph with a cold L2 cache,
the median of 15. The ways:

    grouped_mm          the two products alone by torch._grouped_mm, of rows sorted by expert
    grouped_mm_layer    with sorting, activation, factors and sum, in torch.compile
    triton              vLLM's fused_experts: all of these, with the tiles that vLLM has for the device (or its defaults)
    triton_tuned        the same with the fastest of several tiles, which vLLM keeps for other sizes; named in `tile`
    scaled_grouped_mm   the two products alone in FP8 E4M3 with scales by row, by torch._scaled_grouped_mm
    triton_fp8          fused_experts with weights in FP8 E4M3, scales of 128 x 128 values and inputs quantized in blocks of 128
    deepgemm            the two products alone by DeepGEMM, masked up to 64 rows an expert and else of rows padded to its tiles
    deepgemm_fp8        the same in FP8 E4M3, with scales of 128 x 128 values of weights and 128 of inputs

--tiles writes the tuned tiles in vLLM's format, for VLLM_TUNED_CONFIG_FOLDER. Needs torch and a GPU.
"""
import argparse
import contextlib
import importlib.util
import json
import pathlib

import cold_times
import needs

torch = needs.module("torch")
silu = torch.nn.functional.silu
DEVICE, DTYPE, FP8 = "cuda", torch.bfloat16, torch.float8_e4m3fn
WAYS = ["grouped_mm", "grouped_mm_layer", "triton", "triton_tuned", "deepgemm", "scaled_grouped_mm", "triton_fp8", "deepgemm_fp8"]
FIRST_FP8 = WAYS.index("scaled_grouped_mm")  # this way and those after it have weights in FP8
LIBRARIES = {"triton": "vllm", "deepgemm": "deep_gemm"}
NAMES = ["BLOCK_SIZE_M", "BLOCK_SIZE_N", "BLOCK_SIZE_K", "GROUP_SIZE_M", "num_warps", "num_stages"]
# Of vLLM's files for H100 and H200, by the tokens up to which they are tried.
TILES = [(16, [(16, 32, 64, 1, 4, 4), (16, 64, 64, 1, 4, 4), (16, 64, 256, 1, 4, 3), (16, 128, 128, 1, 4, 4)]),
         (256, [(16, 64, 128, 1, 4, 5), (16, 128, 128, 1, 4, 4), (16, 128, 128, 1, 8, 3), (16, 256, 128, 1, 8, 2), (32, 128, 128, 1, 4, 3)]),
         (2048, [(32, 128, 128, 1, 4, 3), (64, 128, 64, 1, 4, 3), (128, 256, 64, 1, 8, 4), (128, 128, 64, 1, 8, 3)]),
         (1 << 30, [(64, 128, 64, 1, 4, 3), (128, 256, 64, 1, 8, 4), (128, 256, 64, 16, 8, 4), (128, 128, 64, 16, 8, 3)])]


class Experts:
    """Weights of the experts of a configuration, by output rows, as checkpoints have them."""

    def __init__(self, config):
        self.experts, self.choices = config["n_routed_experts"], config["num_experts_per_tok"]
        self.hidden, self.width = config["hidden_size"], config["moe_intermediate_size"]
        self.up = torch.empty(self.experts, 2 * self.width, self.hidden, device=DEVICE, dtype=DTYPE).normal_(0, 0.02)
        self.down = torch.empty(self.experts, self.hidden, self.width, device=DEVICE, dtype=DTYPE).normal_(0, 0.02)

    def quantize(self):
        """Keep FP8 weights only, without scales: those of a benchmark are made."""
        for name in ("up", "down"):
            weights = getattr(self, name)
            narrow = torch.empty(weights.shape, device=DEVICE, dtype=FP8)
            for i in range(self.experts):
                narrow[i] = (weights[i] * 50).to(FP8)
            setattr(self, name, narrow)


class Tokens:
    def __init__(self, model, tokens):
        self.count = tokens
        self.x = torch.randn(tokens, model.hidden, device=DEVICE, dtype=DTYPE)
        factors, self.chosen = torch.rand(tokens, model.experts, device=DEVICE).topk(model.choices, -1)
        self.factors = factors / factors.sum(-1, keepdim=True)
        flat = self.chosen.flatten()
        self.order = torch.argsort(flat, stable=True)
        self.counts = torch.bincount(flat, minlength=model.experts)
        self.ends = torch.cumsum(self.counts, 0).to(torch.int32)
        self.rows = self.x[self.order // model.choices]
        self.inner = torch.randn(tokens * model.choices, model.width, device=DEVICE, dtype=DTYPE)


def grouped_mm(model, tokens):
    def run():
        torch._grouped_mm(tokens.rows, model.up.transpose(1, 2), offs=tokens.ends)
        torch._grouped_mm(tokens.inner, model.down.transpose(1, 2), offs=tokens.ends)
    return run


def layer(x, chosen, factors, up, down):
    experts, choices, flat = up.shape[0], chosen.shape[1], chosen.flatten()
    order = torch.argsort(flat, stable=True)
    counts = torch.zeros(experts, device=DEVICE, dtype=torch.int32).scatter_add_(0, flat, torch.ones_like(flat, dtype=torch.int32))
    ends = torch.cumsum(counts, 0).to(torch.int32)
    gate, rows = torch._grouped_mm(x[order // choices], up.transpose(1, 2), offs=ends).chunk(2, -1)
    rows = torch._grouped_mm(silu(gate) * rows, down.transpose(1, 2), offs=ends)
    rows = torch.zeros_like(rows).index_copy(0, order, rows).view(x.shape[0], choices, -1)
    return (rows.float() * factors[..., None]).sum(1).to(DTYPE)


def grouped_mm_layer(model, tokens):
    torch._dynamo.reset()
    compiled = torch.compile(layer, dynamic=False)
    return lambda: compiled(tokens.x, tokens.chosen, tokens.factors, model.up, model.down)


def scaled_grouped_mm(model, tokens):
    rows, inner = tokens.rows.to(FP8), tokens.inner.to(FP8)
    ones = lambda *shape: torch.ones(*shape, device=DEVICE)
    by_row, by_up, by_down = ones(len(rows)), ones(model.up.shape[:2]), ones(model.down.shape[:2])

    def run():
        for x, w, scales in ((rows, model.up, by_up), (inner, model.down, by_down)):
            torch._scaled_grouped_mm(x, w.transpose(1, 2), by_row, scales, offs=tokens.ends, out_dtype=DTYPE, use_fast_accum=True)
    return run


def triton(model, tokens, tile=None):
    from vllm.model_executor.layers.fused_moe import override_config
    from vllm.model_executor.layers.fused_moe.fused_moe import fused_experts
    chosen, factors = tokens.chosen.to(torch.int32), tokens.factors.float()

    def run():
        with override_config(tile):  # None: what vLLM has
            fused_experts(tokens.x, model.up, model.down, factors, chosen)
    return run


def triton_fp8(model, tokens):
    from vllm.model_executor.layers.fused_moe.config import fp8_w8a8_moe_quant_config
    from vllm.model_executor.layers.fused_moe.fused_moe import fused_experts
    scales = [torch.ones(w.shape[0], w.shape[1] // 128, w.shape[2] // 128, device=DEVICE) for w in (model.up, model.down)]
    quantized = fp8_w8a8_moe_quant_config(*scales, block_shape=[128, 128])
    chosen, factors = tokens.chosen.to(torch.int32), tokens.factors.float()
    return lambda: fused_experts(tokens.x, model.up, model.down, factors, chosen, quant_config=quantized)


def deepgemm_layout(model, tokens):
    """Return (shape of rows, arguments of a product after its output, whether rows of an expert are masked)."""
    import deep_gemm
    if tokens.count * model.choices <= 64 * model.experts:
        longest = -(-int(tokens.counts.max()) // 64) * 64
        mean = max(1, tokens.count * model.choices // model.experts)
        return (model.experts, longest), (tokens.counts.to(torch.int32), mean), True
    tile = deep_gemm.get_m_alignment_for_contiguous_layout()
    padded = -(-tokens.counts // tile) * tile
    owners = torch.repeat_interleave(torch.arange(model.experts, device=DEVICE, dtype=torch.int32), padded)
    within = torch.arange(len(owners), device=DEVICE) - (torch.cumsum(padded, 0) - padded)[owners.long()]
    owners[within >= tokens.counts[owners.long()]] = -1
    return (len(owners),), (owners,), False


def deepgemm(model, tokens):
    import deep_gemm
    rows, arguments, masked = deepgemm_layout(model, tokens)
    narrow, calls = model.up.dtype == FP8, []
    multiply = getattr(deep_gemm, f"m_grouped_{'fp8' if narrow else 'bf16'}_gemm_nt_{'masked' if masked else 'contiguous'}")
    for w in (model.up, model.down):
        x, out = torch.randn(*rows, w.shape[2], device=DEVICE).to(w.dtype), torch.empty(*rows, w.shape[1], device=DEVICE, dtype=DTYPE)
        if narrow:
            scales = deep_gemm.get_mn_major_tma_aligned_tensor(torch.ones(*rows, w.shape[2] // 128, device=DEVICE))
            x, w = (x, scales), (w, torch.ones(w.shape[0], w.shape[1] // 128, w.shape[2] // 128, device=DEVICE))
        calls.append((x, w, out))

    def run():
        for x, w, out in calls:
            multiply(x, w, out, *arguments)
    return run


deepgemm_fp8 = deepgemm


def tuned(model, tokens):
    """Return (microseconds, None, tile) of the fastest tile, or (None, an error, None)."""
    best, error = (None, None), "no tile runs"
    for values in next(tiles for limit, tiles in TILES if tokens.count <= limit):
        tile = dict(zip(NAMES, values)) | {"SPLIT_K": 1}
        us, error = cold_times.attempt(triton, model, tokens, tile)
        if us and (not best[0] or us < best[0]):
            best = (us, tile)
    return best[0], None if best[0] else error, best[1]


def measure(way, model, tokens):
    if way == "triton_tuned":
        us, error, tile = tuned(model, tokens)
        return {"us": us, "error": error, "tile": tile}
    us, error = cold_times.attempt(globals()[way], model, tokens)
    return {"us": us, "error": error}


def keep_tiles(folder, model, rows):
    """Write tuned tiles where vLLM looks for them."""
    from vllm.model_executor.layers.fused_moe.fused_moe import get_config_file_name
    folder.mkdir(parents=True, exist_ok=True)
    tiles = {str(row["tokens"]): row["tile"] for row in rows if row.get("tile")}
    (folder / get_config_file_name(model.experts, model.width, None)).write_text(json.dumps(tiles, indent=1) + "\n")


def installed(way):
    library = LIBRARIES.get(way.split("_")[0])
    return not library or importlib.util.find_spec(library)


def vllm_context():
    """vLLM's operations ask for its configuration."""
    needs.module("vllm")
    from vllm.config import VllmConfig, set_current_vllm_config
    from vllm.platforms import current_platform
    current_platform.import_kernels()
    return set_current_vllm_config(VllmConfig())


def run_model(path, arguments, result):
    config = json.loads(path.read_text())
    torch.manual_seed(0)
    model, rows = Experts(config), []
    for way in sorted(arguments.ways, key=lambda name: WAYS.index(name)):
        if WAYS.index(way) >= FIRST_FP8 and model.up.dtype != FP8:
            model.quantize()
        for count in arguments.tokens:
            rows.append({"model": path.stem, "way": way, "tokens": count} | measure(way, model, Tokens(model, count)))
            row = rows[-1]
            print(f"{path.stem:18} {way:18} {count:5} tokens " + (f"{row['us']:9.1f} us" if row["us"] else row["error"]), flush=True)
            arguments.out.write_text(json.dumps(result | {"rows": result["rows"] + rows}, indent=1) + "\n")
        if way == "triton_tuned" and arguments.tiles:
            keep_tiles(arguments.tiles, model, rows)
    result["rows"] += rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configs", nargs="+", type=pathlib.Path)
    parser.add_argument("--tokens", nargs="+", type=int, default=[1, 16, 128, 1024, 8192])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=[way for way in WAYS if installed(way)])
    parser.add_argument("--tiles", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("experts_torch.json"))
    arguments = parser.parse_args()
    result = {"torch": torch.__version__, "device": torch.cuda.get_device_name(), "rows": []}
    with vllm_context() if any(way.startswith("triton") for way in arguments.ways) else contextlib.nullcontext():
        for path in arguments.configs:
            run_model(path, arguments, result)
            torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
