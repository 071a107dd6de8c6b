"""make-golden-layer.py OUT_DIR [NAME...]

Makes golden attention layers, or those of the given names: random weights in bf16, which are exact, and what the layer gives for a
prefill of two sequences and three steps through a cache, in float32. The layer is that of Hugging Face transformers; of families
that transformers 5.17 lacks it is benchmarks/replay.py in float64, written from the sources that docs/families.md names. Needs
torch, transformers 5 and numpy; the files in test/Models/golden were made with torch 2.11 and transformers 5.17. No test runs this.
"""
import importlib
import json
import math
import pathlib
import sys

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import DynamicCache

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "benchmarks"))
import replay  # noqa: E402

BATCH, PREFILL, STEPS = 2, 17, 3
SIZES = {"vocab_size": 64, "hidden_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 4,
         "q_lora_rank": 48, "kv_lora_rank": 64, "qk_nope_head_dim": 32, "qk_rope_head_dim": 16, "v_head_dim": 32,
         "intermediate_size": 64, "rms_norm_eps": 1e-5, "max_position_embeddings": 4096}  # fmt: skip
ROPE = {"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}}
INDEX = {"index_topk": 32, "index_n_heads": 2, "index_head_dim": 32}

# transformers' module, classes of config and attention, config, layer.
TRANSFORMERS = {
    "axk1": ("axk1", "AXK1Config", "AXK1Attention", SIZES | ROPE, 0),
    "axk2": ("axk2", "AXK2Config", "AXK2Attention", SIZES | ROPE | INDEX, 0),
    "deepseek_v32": ("deepseek_v32", "DeepseekV32Config", "DeepseekV32Attention", SIZES | INDEX | {"rope_parameters": {
        "rope_type": "yarn", "rope_theta": 10000.0, "factor": 40.0, "original_max_position_embeddings": 64, "beta_fast": 32.0,
        "beta_slow": 1.0, "mscale": 1.0, "mscale_all_dim": 1.0}}, 0),
    # Latent attention in layer 1 only, whose indexer is that of its own.
    "glm5_next": ("glm5_next", "Glm5NextTextConfig", "Glm5NextTextAttention", SIZES | INDEX | {
        "qk_rope_head_dim": 0, "v_head_dim": 48, "index_kpool": 4, "layer_types": ["linear_attention", "deepseek_sparse_attention"],
        "mlp_layer_types": ["dense", "dense"], "indexer_types": ["full", "full"]}, 1),
    "hy_v4": ("hy_v4", "HYV4Config", "HYV4Attention", SIZES | ROPE | INDEX, 0),
    "kimi_linear": ("kimi_linear", "KimiLinearConfig", "KimiLinearAttention", SIZES | {
        "q_lora_rank": None, "layer_types": ["linear_attention", "full_attention"]}, 1),
    "youtu": ("youtu", "YoutuConfig", "YoutuAttention", SIZES | {"rope_parameters": {"rope_type": "default", "rope_theta": 1600000.0}}, 0),
    # Ranks that no release has, as TransMLA and MHA2MLA give.
    "v3_ranks": ("deepseek_v3", "DeepseekV3Config", "DeepseekV3Attention", SIZES | ROPE | {
        "num_attention_heads": 3, "num_key_value_heads": 3, "q_lora_rank": None, "kv_lora_rank": 112, "qk_nope_head_dim": 48,
        "qk_rope_head_dim": 32}, 0),
}  # fmt: skip

DOTS3 = SIZES | {"model_type": "dots3_note", "rope_theta": 80000.0, "layer_types": ["full_attention", "sliding_attention"],
                 "sliding_window_size": 7, "index_topk": 32, "attention_gate_type": "elementwise", "swa_attention_gate_type": "headwise",
                 "apply_mla_qkv_lora_rescale": True, "k_rope_only_layernorm": None, "swa_num_attention_heads": 8,
                 "swa_num_key_value_heads": 8, "swa_q_lora_rank": 32, "swa_kv_lora_rank": 80, "swa_qk_nope_head_dim": 48,
                 "swa_qk_rope_head_dim": 16, "swa_v_head_dim": 16, "swa_rope_theta": 50000.0}  # fmt: skip
# A gate per head is a projection to as many numbers as heads, of which the device needs 8.
BAILING = SIZES | {"num_attention_heads": 8, "num_key_value_heads": 8, "kv_lora_rank": 48, "model_type": "bailing_hybrid", "rope_theta": 600000.0, "layer_group_size": 2, "rope_interleave": True,
                   "partial_rotary_factor": 0.5, "use_qk_norm": True}  # fmt: skip
# Config, layer, prefix of names, and what projections and norms are called there.
REPLAYED = {
    "bailing_hybrid": (BAILING | {"gated_attention_proj_granularity_type": "head_wise"}, 1, "model.layers.1.attention.", {"o_proj": "dense"}),
    "bailing_element": (BAILING | {"num_attention_heads": 4, "num_key_value_heads": 4, "gated_attention_proj_granularity_type": "element_wise", "q_lora_rank": None}, 1,
                        "model.layers.1.attention.", {"o_proj": "dense"}),
    "dots3_full": (DOTS3, 0, "model.layers.0.self_attn.", {}),
    "dots3_window": (DOTS3 | {"num_hidden_layers": 1, "layer_types": ["sliding_attention"]}, 0, "model.layers.0.self_attn.", {}),
    "kimi_k3": (SIZES | {"model_type": "kimi_linear", "mla_use_nope": True, "mla_use_output_gate": True, "linear_attn_config": {
        "full_attn_layers": [2], "kda_layers": [1]}}, 1, "model.layers.1.self_attn.", {}),
    "mistral_large_3": ({"dim": 96, "n_layers": 1, "n_heads": 4, "n_kv_heads": 4, "norm_eps": 1e-6, "vocab_size": 64, "hidden_dim": 64,
                         "rope_theta": 10000.0, "q_lora_rank": 48, "kv_lora_rank": 64, "qk_nope_head_dim": 32, "qk_rope_head_dim": 16,
                         "v_head_dim": 32, "head_dim": 48, "max_position_embeddings": 4096, "tied_embeddings": False,
                         "llama_4_scaling": {"beta": 0.1, "original_max_position_embeddings": 8},
                         "yarn": {"factor": 36, "beta": 32, "alpha": 1, "original_max_position_embeddings": 64, "apply_scale": False}},
                        0, "layers.0.attention.",
                        {"q_a_proj": "wq_a", "q_a_layernorm": "q_a_norm", "q_b_proj": "wq_b", "kv_a_proj_with_mqa": "wkv_a_with_mqa",
                         "kv_a_layernorm": "kv_a_norm", "kv_b_proj": "wkv_b", "o_proj": "wo"}),
    "pangu_ultra_moe": ({key: value for key, value in SIZES.items() if "_dim" not in key and "_rank" not in key} | {
        "model_type": "pangu_ultra_moe", "rope_theta": 25600000.0, "attention_q_lora_dim": 48, "attention_kv_lora_dim": 64,
        "attention_qk_dim": 32, "attention_qk_rope_dim": 16, "attention_v_dim": 32, "sandwich_norm": True}, 0, "model.layers.0.self_attn.", {}),
    "plm": (SIZES | {"model_type": "plm", "q_lora_rank": None, "rope_theta": 100000.0, "rms_norm_eps": 1e-6}, 0, "model.layers.0.self_attn.", {}),
    "sarvam_mla": (SIZES | {"model_type": "sarvam_mla", "q_lora_rank": None, "rope_theta": 10000.0, "rope_scaling": {
        "type": "deepseek_yarn", "factor": 40, "original_max_position_embeddings": 64, "beta_fast": 32, "beta_slow": 1, "mscale": 1.0,
        "mscale_all_dim": 1.0}}, 0, "model.layers.0.self_attn.", {}),
}  # fmt: skip


def random_weight(shape, generator):
    """Return a weight that bf16 holds exactly: projections of about unit gain, norms near one."""
    value = torch.randn(shape, generator=generator)
    value = 1 + 0.1 * value if len(shape) == 1 else value * 1.5 / math.sqrt(shape[1])
    return value.bfloat16().float()


def hidden_states(size, generator):
    return [torch.randn((BATCH, tokens, size), generator=generator) for tokens in [PREFILL] + [1] * STEPS]


def step_name(number):
    return "prefill" if number == 0 else f"decode.{number - 1}"


def of_transformers(name):
    module, config_class, attention_class, sizes, layer = TRANSFORMERS[name]
    module = importlib.import_module(f"transformers.models.{module}.modeling_{module}")
    config = getattr(module, config_class)(**sizes)
    config._attn_implementation = "eager"
    attention = getattr(module, attention_class)(config, layer).eval()
    generator = torch.Generator().manual_seed(sum(map(ord, name)))
    with torch.no_grad():
        for parameter in attention.parameters():
            parameter.copy_(random_weight(parameter.shape, generator))
    rotary = next((value for key, value in vars(module).items() if key.endswith("RotaryEmbedding") and "Vision" not in key), None)
    rotary = rotary and config.qk_rope_head_dim and hasattr(config, "rope_parameters") and rotary(config)
    tensors = {f"model.layers.{layer}.self_attn.{key}": value.detach().bfloat16() for key, value in attention.named_parameters()}
    cache, past = DynamicCache(config=config), 0
    for number, hidden in enumerate(hidden_states(config.hidden_size, generator)):
        positions = torch.arange(past, past + hidden.shape[1])[None].expand(BATCH, -1)
        past += hidden.shape[1]
        seen = torch.arange(past)[None] <= positions[0][:, None]
        mask = torch.where(seen, 0.0, torch.finfo(torch.float32).min)[None, None].expand(BATCH, 1, -1, -1)
        if name == "glm5_next":  # masks itself; this is of padding
            mask = torch.ones(BATCH, hidden.shape[1], dtype=torch.bool)
        arguments = {"attention_mask": mask, "past_key_values": cache, "position_ids": positions}
        if rotary:
            arguments["position_embeddings"] = rotary(hidden, positions)
        with torch.no_grad():
            out = attention(hidden_states=hidden, **arguments)[0]
        tensors |= {step_name(number) + ".hidden": hidden, step_name(number) + ".out": out.contiguous()}
    keys = {key: value for key, value in config.to_dict().items() if key in sizes or key in ("model_type", "rope_interleave", "attention_bias")}
    return tensors, keys | {"dtype": "bfloat16"}, layer


def shapes(config):
    heads, hidden, rank, latent = (config[key] for key in ("num_attention_heads", "hidden_size", "q_lora_rank", "kv_lora_rank"))
    nope, rope, v = config["qk_nope_head_dim"], config["qk_rope_head_dim"], config["v_head_dim"]
    query = {"q_a_proj": (rank, hidden), "q_a_layernorm": (rank,), "q_b_proj": (heads * (nope + rope), rank)}
    result = query if rank else {"q_proj": (heads * (nope + rope), hidden)}
    result |= {"kv_a_proj_with_mqa": (latent + rope, hidden), "kv_a_layernorm": (latent,), "kv_b_proj": (heads * (nope + v), latent),
               "o_proj": (hidden, heads * v)}  # fmt: skip
    kind = config.get("gated_attention_proj_granularity_type") or config.get("attention_gate_type")
    kind = "element_wise" if config.get("mla_use_output_gate") else kind
    if kind:
        result["g_proj"] = (heads if kind in ("head_wise", "headwise") else heads * v, hidden)
    if config["model_type"] == "dots3_note":
        result["k_rope_only_layernorm"] = (rope,)
    return result


def of_replay(name):
    given, layer, prefix, names = REPLAYED[name]
    config = replay.usual_config(given, layer)
    generator = torch.Generator().manual_seed(sum(map(ord, name)))
    tensors = {f"{prefix}{names.get(key, key)}.weight": random_weight(shape, generator) for key, shape in shapes(config).items()}
    reference = replay.Layer(replay.Semantics(config), {key: value.numpy() for key, value in tensors.items()}, layer, "naive", "none")
    tensors = {key: value.bfloat16() for key, value in tensors.items()}
    for number, hidden in enumerate(hidden_states(config["hidden_size"], generator)):
        out = reference.step(hidden.numpy().astype(np.float64))
        tensors |= {step_name(number) + ".hidden": hidden, step_name(number) + ".out": torch.from_numpy(out).float()}
    return tensors, given | {"dtype": "bfloat16"}, layer


def main():
    folder, names = pathlib.Path(sys.argv[1]), sys.argv[2:] or [*TRANSFORMERS, *REPLAYED]
    for name in names:
        tensors, config, layer = of_transformers(name) if name in TRANSFORMERS else of_replay(name)
        made_by = "transformers 5.17" if name in TRANSFORMERS else "benchmarks/replay.py"
        save_file(tensors, folder / f"{name}.safetensors", {"config": json.dumps(config), "layer": str(layer), "made_by": made_by})


if __name__ == "__main__":
    main()
