"""make-gguf.py FROM TO PLAIN TYPES [whole] [split]

Writes to TO, as llama.cpp's converter does, the golden file FROM of DeepSeek V2 or V3 as GGUF, its matrices in the TYPES
(Q4_K,Q6_K,…) in turn, or Q8_0 or F16 where blocks do not divide the rows, and to PLAIN the same numbers in F32. kv_b_proj is split
into keys and values unless `whole`. With `split` there are two files, TO-00001-of-00002.gguf and TO-00002-of-00002.gguf.
"""
import itertools
import json
import sys

import numpy as np

from gguf_file import TYPES, quantize, write
from safetensors_file import read
from safetensors_file import write as write_plain

source, target, plain, types, *words = sys.argv[1:]
tensors, metadata = read(source)
config = json.loads(metadata["config"])
names = {
    "q_proj.weight": "attn_q.weight", "q_a_proj.weight": "attn_q_a.weight", "q_a_layernorm.weight": "attn_q_a_norm.weight",
    "q_b_proj.weight": "attn_q_b.weight", "kv_a_proj_with_mqa.weight": "attn_kv_a_mqa.weight",
    "kv_a_layernorm.weight": "attn_kv_a_norm.weight", "kv_b_proj.weight": "attn_kv_b.weight",
    "o_proj.weight": "attn_output.weight",
}  # fmt: skip
heads, nope, v = config["num_attention_heads"], config["qk_nope_head_dim"], config["v_head_dim"]
turn = itertools.cycle(types.split(","))
made, dequantized = {}, dict(tensors)


def add(name, w):
    kind = next(turn) if w.ndim > 1 else "F32"
    kind = next(k for k in (kind, "Q8_0", "F16") if w.shape[-1] % TYPES[k][1] == 0)
    stored, numbers = quantize(kind, w)
    made["blk.0." + name] = (w.shape, *stored)
    return numbers


for full, (_, shape, data) in tensors.items():
    if ".self_attn." not in full:
        continue
    w = np.frombuffer(data, np.float32).reshape(shape).astype(np.float64)
    own = names[full.split(".self_attn.")[1]]
    if own == "attn_kv_b.weight" and "whole" not in words:
        parts = w.reshape(heads, nope + v, -1)
        keys = add("attn_k_b.weight", parts[:, :nope].transpose(0, 2, 1)).transpose(0, 2, 1)
        w = np.concatenate([keys, add("attn_v_b.weight", parts[:, nope:])], 1).reshape(shape)
    else:
        w = add(own, w)
    dequantized[full] = ["F32", shape, w.astype(np.float32).tobytes()]
rope = config["qk_rope_head_dim"]
keys = {
    "general.architecture": "deepseek2", "general.name": "golden", "deepseek2.block_count": config["num_hidden_layers"],
    "deepseek2.context_length": config["max_position_embeddings"], "deepseek2.embedding_length": config["hidden_size"],
    "deepseek2.attention.head_count": heads, "deepseek2.attention.head_count_kv": 1,
    "deepseek2.attention.layer_norm_rms_epsilon": config["rms_norm_eps"],
    "deepseek2.attention.kv_lora_rank": config["kv_lora_rank"], "deepseek2.rope.dimension_count": rope,
    "tokenizer.ggml.tokens": ["a", "b", "c"],
}  # fmt: skip
if config["model_type"] == "deepseek_v3":
    keys["deepseek2.expert_gating_func"] = 2
if "whole" in words:
    keys.update({"deepseek2.attention.key_length": nope + rope, "deepseek2.attention.value_length": v})
else:
    keys.update({
        "deepseek2.attention.key_length": config["kv_lora_rank"] + rope, "deepseek2.attention.value_length": config["kv_lora_rank"],
        "deepseek2.attention.key_length_mla": nope + rope, "deepseek2.attention.value_length_mla": v,
    })  # fmt: skip
if config.get("q_lora_rank"):
    keys["deepseek2.attention.q_lora_rank"] = config["q_lora_rank"]
scaling = config.get("rope_scaling") or config.get("rope_parameters") or {}
keys["deepseek2.rope.freq_base"] = float(scaling.get("rope_theta", config.get("rope_theta", 10000.0)))
if scaling.get("type", scaling.get("rope_type", "default")) == "yarn":
    keys.update({
        "deepseek2.rope.scaling.type": "yarn", "deepseek2.rope.scaling.factor": float(scaling["factor"]),
        "deepseek2.rope.scaling.original_context_length": scaling["original_max_position_embeddings"],
        "deepseek2.rope.scaling.yarn_log_multiplier": 0.1 * scaling["mscale_all_dim"],
    })  # fmt: skip
write_plain(plain, dequantized, metadata)
if "split" not in words:
    write(target, keys, made)
else:
    count = {"split.count": 2}
    first = dict(list(made.items())[:3])
    write(target + "-00001-of-00002.gguf", {**keys, **count, "split.no": 0}, first)
    write(target + "-00002-of-00002.gguf", {**count, "split.no": 1}, {n: t for n, t in made.items() if n not in first})
