"""make-golden-fp8.py OUT_DIR [NAME...]

Makes the golden files e4m3_*.safetensors, or those of the given names: a DeepseekV3Attention of Hugging Face transformers
with random weights in e4m3, in float32 over the numbers that these stand for, with eager attention and a DynamicCache. Two
sequences: a prefill of 11 tokens, two steps of one token and one of three. Needs torch and transformers 5; the files in
test/Models/golden were made with torch 2.15 and transformers 5.24. No test runs this.
"""
import json
import pathlib
import sys

import numpy as np
import torch
from transformers import DeepseekV3Config, DynamicCache
from transformers.models.deepseek_v3.modeling_deepseek_v3 import DeepseekV3Attention, DeepseekV3RotaryEmbedding

from fp8_forms import form_of, quantize_module
from safetensors_file import write

SMALL = {"hidden_size": 128, "num_attention_heads": 4, "q_lora_rank": 64, "kv_lora_rank": 128, "qk_nope_head_dim": 32,
         "qk_rope_head_dim": 16, "v_head_dim": 32}  # fmt: skip
DEFAULT = {"rope_type": "default", "rope_theta": 10000.0}
YARN = {"rope_type": "yarn", "factor": 40, "original_max_position_embeddings": 64, "beta_fast": 32, "beta_slow": 1,
        "mscale": 1.0, "mscale_all_dim": 1.0, "rope_theta": 10000.0}  # fmt: skip


def blocks(rows, columns):
    config = {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic", "weight_block_size": [rows, columns]}
    return form_of("deepseek", [f"block={json.dumps([rows, columns])}", f"config={json.dumps(config)}"])


# The form of the weights, the sizes, and RoPE.
LAYERS = {
    # Heads of 192 + 256 rows: blocks cross the borders of heads and of their parts.
    "e4m3_wide": (blocks(128, 128), {
        "hidden_size": 192, "num_attention_heads": 2, "q_lora_rank": 128, "kv_lora_rank": 128, "qk_nope_head_dim": 192,
        "qk_rope_head_dim": 64, "v_head_dim": 256}, YARN),
    # Blocks that divide no matrix.
    "e4m3_48x80": (blocks(48, 80), {
        "hidden_size": 256, "num_attention_heads": 4, "q_lora_rank": 128, "kv_lora_rank": 128, "qk_nope_head_dim": 64,
        "qk_rope_head_dim": 32, "v_head_dim": 64}, DEFAULT),
    "e4m3_channel": (form_of("compressed-channel", []), SMALL, DEFAULT),
    "e4m3_tensor": (form_of("autofp8", []), SMALL, DEFAULT),
}  # fmt: skip
PREFIX = "model.layers.0.self_attn."
STEPS = {"prefill": 11, "decode.0": 1, "decode.1": 1, "decode.2": 3}
SEQUENCES = 2


def random_weight(generator, shape, block):
    """Return a matrix whose blocks have different sizes, so that a wrong scale shows."""
    weight = generator.standard_normal(shape) / np.sqrt(shape[1])
    rows, columns = (size or whole for size, whole in zip(block, shape))
    grid = [-(-whole // size) for whole, size in zip(shape, (rows, columns))]
    sizes = np.exp2(generator.uniform(-1, 1, grid))
    return weight * sizes.repeat(rows, 0)[: shape[0]].repeat(columns, 1)[:, : shape[1]]


def make_weights(layer, form, generator):
    """Set the layer's weights. Return the tensors of its checkpoint."""
    tensors, state = {}, {}
    for name, parameter in layer.state_dict().items():
        full, shape = PREFIX + name, tuple(parameter.shape)
        if len(shape) == 1:
            numbers = (1 + 0.1 * generator.standard_normal(shape)).astype(np.float32)
            tensors[full] = ["F32", list(shape), numbers.tobytes()]
        else:
            made, numbers = quantize_module(form, full[: -len(".weight")], random_weight(generator, shape, form["block"]))
            tensors.update(made)
        state[name] = torch.from_numpy(numbers)
    layer.load_state_dict(state)
    return tensors


def run(layer, config, generator):
    """Return the hidden states and the outputs of all steps."""
    rotary, cache, length, tensors = DeepseekV3RotaryEmbedding(config), DynamicCache(), 0, {}
    for step, tokens in STEPS.items():
        hidden = torch.from_numpy(generator.standard_normal((SEQUENCES, tokens, config.hidden_size)).astype(np.float32))
        positions = torch.arange(length, length + tokens)[None].expand(SEQUENCES, -1)
        length += tokens
        mask = torch.full((tokens, length), float("-inf")).triu(length - tokens + 1)[None, None]
        with torch.no_grad():
            out, _ = layer(hidden, rotary(hidden, positions), mask, cache)
        for name, states in (("hidden", hidden), ("out", out)):
            tensors[f"{step}.{name}"] = ["F32", list(states.shape), states.numpy().tobytes()]
    return tensors


def make(name, directory):
    form, sizes, rope = LAYERS[name]
    config = DeepseekV3Config(
        num_hidden_layers=1, num_key_value_heads=sizes["num_attention_heads"], vocab_size=32, intermediate_size=64,
        moe_intermediate_size=16, n_routed_experts=4, n_group=1, topk_group=1, num_experts_per_tok=2,
        rope_parameters=dict(rope), max_position_embeddings=2560, attn_implementation="eager", **sizes)  # fmt: skip
    generator = np.random.default_rng(list(LAYERS).index(name))
    layer = DeepseekV3Attention(config, 0).eval()
    tensors = make_weights(layer, form, generator)
    tensors.update(run(layer, config, generator))
    text = json.dumps({**config.to_dict(), "quantization_config": form["config"]})
    write(directory / f"{name}.safetensors", tensors, {"config": text})


for each in sys.argv[2:] or LAYERS:
    make(each, pathlib.Path(sys.argv[1]))
