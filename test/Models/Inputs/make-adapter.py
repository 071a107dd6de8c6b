"""make-adapter.py GOLDEN DIR MERGED [MODULE=RANK…] [--dtype=F32|BF16|F16] [--seed=N] [--config=JSON] [--rename=JSON]

Writes a LoRA adapter of the golden file's attentions to DIR, in PEFT's format, with random matrices, and to MERGED the golden
file with weights W + c B A computed in float64. For weights in e4m3 the sums are stored unquantized. Without modules: all
matrices of the attention. --config changes fields of adapter_config.json, --rename parts of the names of the adapter's modules,
by an object of old and new ones. Modules are named as in the golden file.
"""
import json
import os
import sys

import numpy as np

from elements import decode, encode
from safetensors_file import read, write

golden, directory, merged, *words = sys.argv[1:]
options = dict(word[2:].split("=", 1) for word in words if word.startswith("--"))
ranks = {name: int(rank) for name, rank in (word.split("=") for word in words if not word.startswith("--"))}
dtype = options.get("dtype", "F32")
random = np.random.default_rng(int(options.get("seed", 1)))

tensors, metadata = read(golden)
model = json.loads(metadata["config"])
config = {
    "peft_type": "LORA", "r": 8, "lora_alpha": 16, "bias": "none", "use_rslora": False, "use_dora": False,
    "fan_in_fan_out": False, "init_lora_weights": True, "modules_to_save": None, "layers_to_transform": None,
    "rank_pattern": {}, "alpha_pattern": {}, "target_modules": [], **json.loads(options.get("config", "{}")),
}  # fmt: skip
renames = json.loads(options.get("rename", "{}"))


def scaling(own, rank):
    alpha = next((a for key, a in config["alpha_pattern"].items() if module.endswith(key)), config["lora_alpha"])
    return alpha / (rank**0.5 if config["use_rslora"] else rank)


# For an MLP too, which is not part of the attention.
adapter = {
    f"base_model.model.model.layers.0.mlp.up_proj.lora_{half}.weight": encode(random.normal(size=shape), dtype)[0]
    for half, shape in (("A", (8, model.get("hidden_size") or model["dim"])), ("B", (64, 8)))
}
targets = set()


def is_projection(name):
    return name.endswith(".weight") and len(tensors[name][1]) == 2 and (".self_attn." in name or ".attention." in name)


for name in [name for name in tensors if is_projection(name)]:
    module = name[: -len(".weight")]
    rank = ranks.get(module.rsplit(".", 1)[1], 0 if ranks else config["r"])
    if not rank or ".indexer." in name:
        continue
    own = module
    for old, new in renames.items():
        own = own.replace(old, new)
    targets.add(own.rsplit(".", 1)[1])
    kind, (rows, columns), data = tensors[name]
    weight = decode(kind, (rows, columns), data)
    if kind == "F8_E4M3":
        scale = decode(*tensors.pop(name + "_scale_inv"))
        height, width = model["quantization_config"]["weight_block_size"]
        weight = weight * np.repeat(np.repeat(scale, height, 0)[:rows], width, 1)[:, :columns]
    # Large enough to be noticed.
    a = random.normal(size=(rank, columns)) / columns**0.5
    b = random.normal(size=(rows, rank)) / scaling(own, rank) / rank**0.5 * 0.5
    adapter[f"base_model.model.{own}.lora_A.weight"], a = encode(a, dtype)
    adapter[f"base_model.model.{own}.lora_B.weight"], b = encode(b, dtype)
    tensors[name] = encode(weight + scaling(own, rank) * (b @ a), "F32")[0]
config["target_modules"] = config["target_modules"] or sorted(targets)
os.makedirs(directory, exist_ok=True)
with open(os.path.join(directory, "adapter_config.json"), "w") as file:
    json.dump(config, file)
write(os.path.join(directory, "adapter_model.safetensors"), adapter, {"format": "pt"})
write(merged, tensors, metadata)
