#!/usr/bin/env python3
"""Writes the modules that test/Models/raise raises: attentions of Hugging Face transformers exported with torch-mlir.

Each case is a module CASE.mlir with weights as arguments, and each model a file MODEL.safetensors with the arguments and results
of its cases, computed by transformers. The order of a case's arguments is in the file's metadata, key
CASE. Numbers are exact in bfloat16, so that cases in both precisions share them.

Written with torch 2.15, transformers 5.17 and torch-mlir 20261001 (which also imports ml_dtypes):
    python export.py [DIRECTORY]
"""
import json
import pathlib
import sys

import torch
from safetensors.torch import save_file
from torch_mlir import fx
from torch_mlir.extras.fx_decomp_util import get_decomposition_table
from transformers import DeepseekV2Config, DeepseekV3Config
from transformers.masking_utils import create_causal_mask
from transformers.models.deepseek_v2 import modeling_deepseek_v2 as v2
from transformers.models.deepseek_v3 import modeling_deepseek_v3 as v3

BATCH, TOKENS = 2, 6
DIMS = dict(hidden_size=32, num_attention_heads=4, num_key_value_heads=4, kv_lora_rank=16, qk_rope_head_dim=8,
            qk_nope_head_dim=12, v_head_dim=10, head_dim=8, num_hidden_layers=1, max_position_embeddings=64)
YARN = dict(rope_type="yarn", rope_theta=10000.0, factor=4.0, mscale=1.0, mscale_all_dim=0.7, beta_fast=32, beta_slow=1,
            original_max_position_embeddings=16)
MODELS = {
    "v3": (v3, "V3", DeepseekV3Config(q_lora_rank=24, **DIMS)),
    "v3_yarn": (v3, "V3", DeepseekV3Config(q_lora_rank=None, rope_interleave=False, attention_bias=True,
                                           rope_parameters=YARN, **DIMS)),
    "v2": (v2, "V2", DeepseekV2Config(q_lora_rank=None, **DIMS)),
}
# Model, implementation, mask (created as in the model, an argument, or left to SDPA), and differences.
CASES = {
    "v3-eager": ("v3", "eager", "made", {}),
    "v3-eager-mask": ("v3", "eager", "argument", {}),
    "v3-eager-bf16": ("v3", "eager", "made", {"dtype": torch.bfloat16}),
    "v3-eager-one-sequence": ("v3", "eager", "made", {"batch": 1}),
    "v3-sdpa": ("v3", "sdpa", "made", {}),
    "v3-sdpa-causal": ("v3", "sdpa", "none", {}),
    "v3-yarn-embeddings": ("v3_yarn", "eager", "made", {"embeddings": True}),
    "v3-yarn-sdpa": ("v3_yarn", "sdpa", "none", {}),
    "v2-eager": ("v2", "eager", "made", {}),
    "v2-sdpa-mask": ("v2", "sdpa", "argument", {}),
    "v2-sdpa-bf16": ("v2", "sdpa", "made", {"dtype": torch.bfloat16}),
}


class Layer(torch.nn.Module):
    """The attention of a case, with weights as arguments."""

    def __init__(self, model, implementation, mask, embeddings=False):
        super().__init__()
        modeling, name, config = MODELS[model]
        config._attn_implementation = implementation
        self.config, self.mask, self.embeddings = config, mask, embeddings
        self.rotary = getattr(modeling, f"Deepseek{name}RotaryEmbedding")(config)
        self.rotary._non_persistent_buffers_set.clear()  # torch-mlir finds persistent buffers only
        object.__setattr__(self, "attention", getattr(modeling, f"Deepseek{name}Attention")(config, 0).eval())
        self.weights = [name for name, _ in self.attention.named_parameters()]
        self.names = ["hidden"] + (["cos", "sin"] if embeddings else ["positions"])
        self.names += (["mask"] if mask == "argument" else []) + self.weights

    def forward(self, *arguments):
        given = dict(zip(self.names, arguments))
        hidden, mask = given["hidden"], given.get("mask")
        positions = (given["cos"], given["sin"]) if self.embeddings else self.rotary(hidden, given["positions"])
        if self.mask == "made":
            mask = create_causal_mask(config=self.config, inputs_embeds=hidden, attention_mask=None, past_key_values=None,
                                      position_ids=None)
        weights = {name: given[name] for name in self.weights}
        call = dict(position_embeddings=positions, attention_mask=mask)
        return torch.func.functional_call(self.attention, weights, (hidden,), call)[0]


def make_numbers(model):
    """Return the arguments of a model's cases by name."""
    generator = torch.Generator().manual_seed(sum(map(ord, model)))

    def normal(shape, scale, shift=0.0):
        values = shift + scale * torch.randn(shape, generator=generator)
        return values.to(torch.bfloat16).to(torch.float32)

    layer = Layer(model, "eager", "argument")
    positions = torch.stack([torch.arange(TOKENS), torch.arange(TOKENS) + 5])
    numbers = {"hidden": normal((BATCH, TOKENS, DIMS["hidden_size"]), 1.0), "positions": positions}
    numbers["mask"] = torch.full((BATCH, 1, TOKENS, TOKENS), float("-inf")).triu(1)
    for name, value in layer.attention.named_parameters():
        isNorm = "norm" in name
        scale = 0.2 if isNorm or value.dim() == 1 else 1.5 / value.shape[1] ** 0.5
        numbers[name] = normal(value.shape, scale, 1.0 if isNorm else 0.0)
    if MODELS[model][1] == "V3":
        cos, sin = layer.rotary(numbers["hidden"], positions)
        numbers |= {"cos": cos.contiguous(), "sin": sin.contiguous()}
    return numbers


def lowerable(program):
    """Remove operations without effect that torch-mlir does not lower."""
    program = program.run_decompositions(get_decomposition_table())
    for node in list(program.graph.nodes):
        if "_assert_tensor_metadata" in str(node.target):
            program.graph.erase_node(node)
        elif node.target is torch.ops.aten.mul.Tensor and node.meta["val"].is_complex() and node.args[1] == 1.0:
            node.replace_all_uses_with(node.args[0])
            program.graph.erase_node(node)
    return program


def export(case, numbers, metadata, directory):
    model, implementation, mask, options = CASES[case]
    dtype, batch = options.get("dtype", torch.float32), options.get("batch", BATCH)
    layer = Layer(model, implementation, mask, options.get("embeddings", False))
    arguments = [numbers[name] for name in layer.names]
    arguments = [x.to(dtype) if x.is_floating_point() else x for x in arguments]
    if batch != BATCH:
        arguments = [x[:batch].contiguous() if name in ("hidden", "positions") else x
                     for name, x in zip(layer.names, arguments)]
    with torch.no_grad():
        result = layer(*arguments).float().contiguous()
    program = lowerable(torch.export.export(layer, tuple(arguments), strict=False))
    module = fx.export_and_import(program, output_type="linalg-on-tensors", func_name="attention")
    (directory / f"{case}.mlir").write_text(str(module))
    numbers[f"{case}.out"] = result
    metadata[case] = json.dumps({"arguments": layer.names, "dtype": str(dtype).removeprefix("torch."), "batch": batch})


def main():
    directory = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
    directory = directory if directory.is_dir() else directory.parent
    for model in MODELS:
        numbers, metadata = make_numbers(model), {}
        for case in CASES:
            if CASES[case][0] == model:
                export(case, numbers, metadata, directory)
        save_file(numbers, directory / f"{model}.safetensors", metadata)


if __name__ == "__main__":
    main()
