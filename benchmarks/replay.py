#!/usr/bin/env python3
# ===- replay.py - The attention layer of a golden file, replayed in float64 -===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===------------------------------------------------------------------------===#
"""Replays prefill and decode of a golden file in float64 and compares with its .out tensors.

It is an independent reference and shares no code with the compiler: it reads safetensors and the config itself, and computes
RoPE, YaRN and the softmax in float64. Needs numpy.

    replay.py test/Models/golden/v3_yarn.safetensors
    replay.py test/Models/golden/v3_bf16_sharded --form=fold
    replay.py test/Models/golden/v3_fp8.safetensors --round=bf16 --write=/tmp/v3_fp8.bf16.safetensors
"""
import argparse
import json
import math
import os
import struct
import sys

import needs

np = needs.module("numpy")

MODELS = ("axk1", "axk2", "bailing_hybrid", "deepseek_v2", "deepseek_v3", "deepseek_v32", "dots3_note", "glm4_moe_lite", "glm5_next",
          "glm5_next_text", "glm_moe_dsa", "hy_v4", "kimi_k2", "kimi_linear", "longcat_flash", "minicpm3", "mistral4", "mistral_large_3",
          "pangu_ultra_moe", "plm", "sarvam_mla", "youtu")
# RoPE pairs neighbours in these whatever the config says, and halves in those.
NEIGHBOURS = ("axk2", "deepseek_v2", "deepseek_v32", "dots3_note", "glm_moe_dsa", "longcat_flash", "mistral_large_3", "pangu_ultra_moe",
              "sarvam_mla")
HALVES = ("hy_v4", "minicpm3")
# The norms of the latents have the config's epsilon in these; in others the default of their class.
EPS_OF_CONFIG = ("bailing_hybrid", "dots3_note", "glm5_next", "glm5_next_text", "mistral_large_3", "sarvam_mla")
INDEXED = ("axk2", "deepseek_v32", "dots3_note", "glm5_next", "glm5_next_text", "glm_moe_dsa", "hy_v4")


class ReplayError(Exception):
    """An error of the form "WHERE: WHAT; what to do"."""


def bf16_to_f32(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


def e4m3_table():
    """Return the 256 values of float8_e4m3fn (Micikevicius et al. 2022, table 1): bias 7, no infinities, 0x7f is NaN."""
    code = np.arange(256)
    exponent, mantissa = (code >> 3) & 15, code & 7
    value = np.where(exponent == 0, mantissa / 8 * 2.0**-6, (1 + mantissa / 8) * 2.0 ** (exponent - 7.0))
    value[(code & 0x7F) == 0x7F] = np.nan
    return np.where(code & 0x80, -value, value).astype(np.float32)


DECODERS = {
    "F64": lambda raw: raw.view(np.float64),
    "F32": lambda raw: raw.view(np.float32),
    "F16": lambda raw: raw.view(np.float16).astype(np.float32),
    "BF16": lambda raw: bf16_to_f32(raw.view(np.uint16)),
    "F8_E4M3": lambda raw: e4m3_table()[raw],
}


def read_safetensors(path):
    """Read a file. Return its tensors, decoded to float32 or float64, and its metadata."""
    data = np.fromfile(path, dtype=np.uint8)
    if len(data) < 8:
        raise ReplayError(f"{path}: too short for safetensors; is the file complete?")
    size = struct.unpack("<Q", data[:8].tobytes())[0]
    if size > len(data) - 8:
        raise ReplayError(f"{path}: header of {size} bytes passes the end; is the file complete?")
    header = json.loads(data[8 : 8 + size].tobytes())
    metadata = header.pop("__metadata__", {})
    body, tensors = data[8 + size :], {}
    for name, entry in header.items():
        if entry["dtype"] not in DECODERS:
            raise ReplayError(f"{path}: tensor {name} has dtype {entry['dtype']}; use one of {', '.join(DECODERS)}")
        begin, end = entry["data_offsets"]
        tensors[name] = DECODERS[entry["dtype"]](body[begin:end].copy()).reshape(entry["shape"])
    return tensors, metadata


def write_safetensors(path, tensors, metadata):
    header, offset = {"__metadata__": metadata}, 0
    for name, value in tensors.items():
        dtype = {"f": "F32", "i": "I32"}[value.dtype.kind]
        header[name] = {"dtype": dtype, "shape": list(value.shape), "data_offsets": [offset, offset + value.nbytes]}
        offset += value.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # the body starts at a multiple of 8
    with open(path + ".part", "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        out.writelines(value.tobytes() for value in tensors.values())
    os.replace(path + ".part", path)


def read_golden(path):
    """Read a golden file, or a directory with shards. Return (hidden/out tensors, weights, metadata, config)."""
    if os.path.isdir(path):
        golden, metadata = read_safetensors(os.path.join(path, "golden.safetensors"))
        with open(os.path.join(path, "model.safetensors.index.json")) as file:
            shards = sorted(set(json.load(file)["weight_map"].values()))
        with open(os.path.join(path, "config.json")) as file:
            config = json.load(file)
        weights = {}
        for shard in shards:
            weights.update(read_safetensors(os.path.join(path, shard))[0])
        return golden, weights, metadata, config
    tensors, metadata = read_safetensors(path)
    if "config" not in metadata:
        raise ReplayError(f"{path}: no metadata key 'config'; use a golden file")
    golden = {name: value for name, value in tensors.items() if name.endswith((".hidden", ".out"))}
    weights = {name: value for name, value in tensors.items() if name not in golden}
    return golden, weights, metadata, json.loads(metadata["config"])


def round_bf16(value):
    """Round float32 to bfloat16, nearest even. Return float64."""
    bits = np.ascontiguousarray(value, dtype=np.float32).view(np.uint32).astype(np.uint64)
    rounded = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    return bf16_to_f32(rounded).astype(np.float64)


# --- configs with names of their own ---
def usual_config(config, layer):
    """Return a config with the usual keys for the attention of a layer."""
    config = dict(config)
    if "model_type" not in config and "dim" in config:  # params.json of Mistral Large 3
        names = {"dim": "hidden_size", "n_layers": "num_hidden_layers", "n_heads": "num_attention_heads", "norm_eps": "rms_norm_eps"}
        config |= {usual: config[own] for own, usual in names.items()} | {"model_type": "mistral_large_3"}
        yarn = config["yarn"]
        config["rope_scaling"] = {"rope_type": "yarn", "factor": yarn["factor"], "beta_fast": yarn["beta"], "beta_slow": yarn["alpha"],
                                  "original_max_position_embeddings": yarn["original_max_position_embeddings"], "attention_factor": 1.0}
    if config["model_type"] == "pangu_ultra_moe":
        names = {"kv_lora_rank": "kv_lora", "q_lora_rank": "q_lora", "qk_nope_head_dim": "qk", "qk_rope_head_dim": "qk_rope", "v_head_dim": "v"}
        config = {usual: config.get(f"attention_{own}_dim") for usual, own in names.items()} | config
    if config["model_type"] == "dots3_note" and config["layer_types"][layer] == "sliding_attention":
        config |= {key[4:]: value for key, value in config.items() if key.startswith("swa_")}
        config |= {"rope_parameters": None, "rope_scaling": None, "window": config["sliding_window_size"]}
    return config


# --- semantics of the families (Hugging Face transformers 5.17, modeling_<family>.py) ---
class Semantics:
    """The semantics of a layer, from its config. Comments refer to the reference code."""

    def __init__(self, config):
        self.model = config["model_type"]
        if self.model not in MODELS:
            raise ReplayError(f"config: model_type {self.model} is not replayed; known: {', '.join(MODELS)}")
        self.heads = config["num_attention_heads"]
        self.latent = config["kv_lora_rank"]
        self.nope, self.rope, self.v = config["qk_nope_head_dim"], config["qk_rope_head_dim"], config["v_head_dim"]
        self.low_rank_q = config.get("q_lora_rank") is not None
        # {q,kv}_a_layernorm are constructed without eps in most families: the class's default, not config.rms_norm_eps.
        self.eps = config["rms_norm_eps"] if self.model in EPS_OF_CONFIG else 1e-6
        # The families without a fixed pairing read rope_interleave (default True).
        self.interleaved = self.model not in HALVES and (self.model in NEIGHBOURS or config.get("rope_interleave", True))
        # LongCat's mla_scale_q_lora on the whole query, mla_scale_kv_lora on the latent before it is cached; its layers
        # have two attentions each. dots3: apply_mla_qkv_lora_rescale.
        self.two_attentions = self.model == "longcat_flash"
        rescales = self.two_attentions or bool(config.get("apply_mla_qkv_lora_rescale"))
        self.q_scale = math.sqrt(config["hidden_size"] / config["q_lora_rank"]) if rescales else 1.0
        self.latent_scale = math.sqrt(config["hidden_size"] / self.latent) if rescales else 1.0
        # An indexer selects index_topk keys: all, if there are no more.
        self.window = config.get("window")
        self.most_tokens = config.get("index_topk", 2048) if self.model in INDEXED and not self.window else math.inf
        self.block = (config.get("quantization_config") or {}).get("weight_block_size")
        rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
        rope = {"rope_theta": config.get("rope_theta", 10000.0), **rope}
        kind = rope.get("rope_type", rope.get("type", "default")).removeprefix("deepseek_")
        if kind not in ("default", "yarn"):
            raise ReplayError(f"config: rope type {kind} is not replayed; known: default, yarn")
        self.scale = (self.nope + self.rope) ** -0.5
        self.cos_sin_scale = 1.0
        self.frequencies = rope["rope_theta"] ** -(np.arange(0, self.rope, 2) / max(self.rope, 1))
        if self.model == "kimi_linear":  # mla_use_nope: the columns exist, but nothing rotates them
            self.frequencies = 0 * self.frequencies
        if kind == "yarn":
            self.apply_yarn(rope)
        # Mistral-4's get_llama_4_attn_scale: one factor per position for the whole query (its nope and its rope part).
        scaling = config.get("llama_4_scaling") or {}  # Mistral Large 3
        self.beta = rope.get("llama_4_scaling_beta", config.get("llama_4_scaling_beta", scaling.get("beta"))) or 0.0
        self.original = scaling.get("original_max_position_embeddings") or rope.get("original_max_position_embeddings") or 1

    def apply_yarn(self, rope):
        """_compute_yarn_parameters of modeling_rope_utils.py, and yarn_apply_mscale of every family's attention."""
        factor, original = rope["factor"], rope["original_max_position_embeddings"]

        def mscale(m):
            return 0.1 * m * math.log(factor) + 1.0 if factor > 1 else 1.0

        def correction(rotations):
            return self.rope * math.log(original / (rotations * 2 * math.pi)) / (2 * math.log(rope["rope_theta"]))

        low, high = correction(rope.get("beta_fast") or 32), correction(rope.get("beta_slow") or 1)
        if rope.get("truncate", True):
            low, high = math.floor(low), math.ceil(high)
        low, high = max(low, 0), min(high, self.rope - 1)
        ramp = np.clip((np.arange(self.rope // 2) - low) / (high - low or 0.001), 0, 1)
        self.frequencies = self.frequencies * (ramp / factor + 1 - ramp)
        m, all_dim = rope.get("mscale"), rope.get("mscale_all_dim")
        ratio = mscale(m) / mscale(all_dim) if m and all_dim else mscale(1)
        self.cos_sin_scale = rope.get("attention_factor") or ratio
        self.scale *= mscale(all_dim) ** 2 if all_dim else 1.0

    def rotate(self, x, positions):
        """Apply RoPE to x [batch, tokens, heads, rope], in the checkpoint's order of columns."""
        angle = positions[:, None, None] * self.frequencies
        cos, sin = np.cos(angle) * self.cos_sin_scale, np.sin(angle) * self.cos_sin_scale
        first, second = (np.s_[..., 0::2], np.s_[..., 1::2]) if self.interleaved else (
            np.s_[..., : self.rope // 2], np.s_[..., self.rope // 2 :])
        out = np.empty_like(x)
        out[first] = x[first] * cos - x[second] * sin
        out[second] = x[second] * cos + x[first] * sin
        return out

    def norm(self, x, gamma):
        return gamma * x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + self.eps)


class Layer:
    def __init__(self, semantics, weights, layer, form, rounding):
        self.sem, self.tensors, self.form, self.rounding, self.cache = semantics, weights, form, rounding, None
        s = semantics
        self.prefix = f"model.layers.{layer}.self_attn."
        if s.two_attentions:
            self.prefix = f"model.layers.{layer // 2}.self_attn.{layer % 2}."
        self.tensors = {self.usual_name(name): value for name, value in weights.items()}
        kv_b = self.weight("kv_b_proj.weight").reshape(s.heads, s.nope + s.v, s.latent)
        self.w_uk, self.w_uv = kv_b[:, : s.nope], kv_b[:, s.nope :]
        kv_b_bias = self.bias("kv_b_proj", s.heads * (s.nope + s.v)).reshape(s.heads, s.nope + s.v)
        self.b_uk, self.b_uv = kv_b_bias[:, : s.nope], kv_b_bias[:, s.nope :]
        q_up = self.weight("q_gate_proj.weight" if s.model == "axk2" else "q_b_proj.weight" if s.low_rank_q else "q_proj.weight")
        q_up = q_up.reshape(s.heads, s.nope + s.rope + (s.v if s.model == "axk2" else 0), -1)
        self.w_q_nope, self.w_q_rope, self.w_gate = np.split(q_up, (s.nope, s.nope + s.rope), axis=1)
        self.w_o = self.weight("o_proj.weight").reshape(-1, s.heads, s.v)
        if form == "fold":
            self.w_q_latent = np.einsum("hpi,hpl->hli", self.w_q_nope, self.w_uk)
            self.w_o_latent = np.einsum("dhv,hvl->dhl", self.w_o, self.w_uv)

    def usual_name(self, name):
        """Return the usual name of a tensor: Ling's, Hunyuan's and Mistral's own have others."""
        if self.sem.model == "bailing_hybrid":
            name = name.replace(".attention.dense.", ".self_attn.o_proj.").replace(".attention.", ".self_attn.")
        if self.sem.model == "hy_v4":
            name = name.replace(".self_attn.gate_proj.", ".self_attn.g_proj.")
        if self.sem.model == "mistral_large_3":
            own = {"wq_a": "q_a_proj", "q_a_norm": "q_a_layernorm", "wq_b": "q_b_proj", "wkv_a_with_mqa": "kv_a_proj_with_mqa",
                   "kv_a_norm": "kv_a_layernorm", "wkv_b": "kv_b_proj", "wo": "o_proj"}
            layer, _, rest = name.partition(".attention.")
            module, _, last = rest.partition(".")
            name = f"model.{layer}.self_attn.{own.get(module, module)}.{last}"
        return name

    def has(self, name):
        return self.prefix + name in self.tensors

    def gates_of(self, x, hidden):
        """Return the factors of the attention's result [batch, tokens, heads, v or 1], or 1."""
        if self.sem.model == "axk2":
            logits = np.einsum("bti,hvi->bthv", x, self.w_gate)
        elif self.has("g_proj.weight"):
            logits = self.project(hidden, "g_proj")
            logits = logits.reshape(*logits.shape[:2], self.sem.heads, -1)
        else:
            return 1.0
        return 1 / (1 + np.exp(-logits))

    def weight(self, name):
        """Return a weight in float64: dequantized (w * its scale, in float32), then rounded if requested."""
        full = self.prefix + name
        if full not in self.tensors:
            raise ReplayError(f"weights: no tensor {full}; use --layer=K for another layer")
        value = self.tensors[full]
        scale = self.tensors.get(full + "_scale_inv", self.tensors.get(full + "_scale"))
        if scale is not None:
            value = value.astype(np.float32) * self.spread(scale.astype(np.float32), value.shape)
        return round_bf16(value) if self.rounding == "bf16" else value.astype(np.float64)

    def spread(self, scale, shape):
        """Return a factor for each element of a weight from those of its blocks, its rows or the tensor."""
        if scale.size == 1:
            return scale.reshape(1, 1)
        if scale.size == shape[0]:
            return scale.reshape(-1, 1)
        rows, columns = self.sem.block
        return scale.repeat(rows, axis=0).repeat(columns, axis=1)[: shape[0], : shape[1]]

    def bias(self, name, size):
        """Return a projection's bias if the checkpoint has one (attention_bias), else zeros."""
        return self.weight(name + ".bias") if self.prefix + name + ".bias" in self.tensors else np.zeros(size)

    def project(self, x, name):
        weight = self.weight(name + ".weight")
        return x @ weight.T + self.bias(name, len(weight))

    def step(self, hidden):
        """Run the layer on hidden [batch, tokens, hidden size], and append to the cache."""
        s, past = self.sem, 0 if self.cache is None else self.cache[0].shape[1]
        positions = past + np.arange(hidden.shape[1], dtype=np.float64)
        x = hidden
        if s.low_rank_q:
            low = self.project(hidden, "q_a_proj")
            x = s.norm(low, self.weight("q_a_layernorm.weight"))
            if s.model == "axk2":
                x = np.concatenate((x, low), axis=-1)
        if positions[-1] >= s.most_tokens:
            raise ReplayError(f"config: index_topk {s.most_tokens} leaves keys out, which is not replayed")
        per_position = s.q_scale * (1 + s.beta * np.log(1 + np.floor(positions / s.original)))
        q_rope = s.rotate(np.einsum("bti,hri->bthr", x, self.w_q_rope), positions) * per_position[:, None, None]

        down = self.project(hidden, "kv_a_proj_with_mqa")
        latent = s.norm(down[..., : s.latent], self.weight("kv_a_layernorm.weight")) * s.latent_scale
        k_rope = down[..., s.latent :]
        if self.has("k_rope_only_layernorm.weight"):
            k_rope = s.norm(k_rope, self.weight("k_rope_only_layernorm.weight"))
        k_rope = s.rotate(k_rope[..., None, :], positions)[..., 0, :]
        if self.cache is not None:
            latent, k_rope = (np.concatenate(pair, axis=1) for pair in zip(self.cache, (latent, k_rope)))
        self.cache = latent, k_rope

        scores = np.einsum("bthr,bnr->bhtn", q_rope, k_rope) + self.nope_scores(x, latent, per_position)
        keys = np.arange(latent.shape[1])[None, :]
        visible = (keys <= positions[:, None]) & (keys > positions[:, None] - (s.window or np.inf))
        self.gates = self.gates_of(x, hidden)
        out = self.output(self.softmax(np.where(visible, scores * s.scale, -np.inf)), latent)
        return out + self.bias("o_proj", out.shape[-1])

    def softmax(self, scores):
        sinks = self.weight("sinks")[:, None, None] if self.has("sinks") else -np.inf
        most = np.maximum(scores.max(axis=-1, keepdims=True), sinks)
        weights = np.exp(scores - most)
        return weights / (weights.sum(axis=-1, keepdims=True) + np.exp(sinks - most))

    def nope_scores(self, x, latent, per_position):
        if self.form == "fold":
            q_latent = np.einsum("bti,hli->bthl", x, self.w_q_latent)
        else:
            q_nope = np.einsum("bti,hpi->bthp", x, self.w_q_nope) * per_position[:, None, None]
            if self.form == "naive":
                keys = np.einsum("bnl,hpl->bnhp", latent, self.w_uk) + self.b_uk
                return np.einsum("bthp,bnhp->bhtn", q_nope, keys)
            # q_nope · b_uk is the same for all keys and cancels in the softmax.
            return np.einsum("bthl,bnl->bhtn", np.einsum("bthp,hpl->bthl", q_nope, self.w_uk), latent)
        return np.einsum("bthl,bnl->bhtn", q_latent * per_position[:, None, None], latent)

    def output(self, probabilities, latent):
        gated = np.ndim(self.gates) > 0
        if self.form == "naive":
            values = np.einsum("bnl,hvl->bnhv", latent, self.w_uv) + self.b_uv
            return np.einsum("bthv,dhv->btd", np.einsum("bhtn,bnhv->bthv", probabilities, values) * self.gates, self.w_o)
        o_latent = np.einsum("bhtn,bnl->bthl", probabilities, latent)
        if self.form == "fold" and not gated:  # a gate stands between the two factors of the product
            bias = np.einsum("hv,dhv->d", self.b_uv, self.w_o)  # probabilities sum to 1
            return np.einsum("bthl,dhl->btd", o_latent, self.w_o_latent) + bias
        attended = np.einsum("bthl,hvl->bthv", o_latent, self.w_uv) + self.b_uv
        return np.einsum("bthv,dhv->btd", attended * self.gates, self.w_o)


def steps_of(golden):
    """Yield prefill, decode.0, decode.1, … in the file."""
    return [name for name in ["prefill"] + [f"decode.{n}" for n in range(len(golden))] if name + ".hidden" in golden]


def replay(arguments):
    golden, weights, metadata, config = read_golden(arguments.file)
    config = usual_config(config, arguments.layer)
    layer = Layer(Semantics(config), weights, arguments.layer, arguments.form, arguments.round)
    tolerance = {"none": 1e-6, "bf16": 3e-2}[arguments.round] if arguments.tolerance is None else arguments.tolerance
    written, passed = {}, True
    for step in steps_of(golden):
        hidden, expected = golden[step + ".hidden"], golden[step + ".out"].astype(np.float64)
        out = layer.step(round_bf16(hidden) if arguments.round == "bf16" else hidden.astype(np.float64))
        error = float(np.linalg.norm(out - expected) / np.linalg.norm(expected))
        print(f"{step + '.out':<16} {error:.3e}", flush=True)
        passed = passed and error <= tolerance
        written.update({step + ".hidden": hidden.astype(np.float32), step + ".out": out.astype(np.float32)})
    if arguments.write:
        write_safetensors(arguments.write, written, {"config": json.dumps(config), **metadata})
    if not written or not passed:
        what = f"an error is above {tolerance:g}; does the config belong to the weights?"
        raise ReplayError(f"{arguments.file}: {what if written else 'no prefill.hidden; use a golden file'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", help="golden file, or a directory with golden.safetensors, config and shards")
    parser.add_argument("--form", choices=("naive", "absorb", "fold"), default="naive")
    parser.add_argument("--round", choices=("none", "bf16"), default="none",
                        help="bf16: weights (after dequantization) and hidden states are rounded; the rest stays float64")
    parser.add_argument("--layer", type=int, default=0)
    parser.add_argument("--tolerance", type=float, help="exit 1 above it (default 1e-6; 3e-2 with --round=bf16)")
    parser.add_argument("--write", metavar="OUT.safetensors", help="write the hidden states and the computed .out tensors")
    try:
        replay(parser.parse_args())
    except (ReplayError, OSError, ValueError, KeyError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
