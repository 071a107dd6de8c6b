"""Published forms of weights in e4m3, and weights in them."""
import json

import numpy as np

from elements import decode_e4m3, encode, encode_e4m3


def groups(strategy, **fields):
    weights = {"num_bits": 8, "type": "float", "symmetric": True, "strategy": strategy, **fields}
    return {
        "quant_method": "compressed-tensors", "format": "float-quantized",
        "config_groups": {"group_0": {"targets": ["Linear"], "weights": weights, "input_activations": None}},
    }  # fmt: skip


INT4 = {"targets": ["re:.*experts.*"], "weights": {"num_bits": 4, "type": "int", "strategy": "group", "group_size": 32}}

# config: quantization_config. block: rows and columns of a scale, 0 for all. suffix and dtype: of the scales. shape: "grid",
# or how it is stored instead. plain: modules that stay as they are. static: name of a scale of activations. key: of the config.
# scale: the name of the scales, if it is not that of the weight with the suffix.
FORMS = {
    "deepseek": {
        "config": {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic", "weight_block_size": [96, 80]},
        "block": [96, 80], "suffix": "_scale_inv",
    },
    "transformers-tensor": {
        "config": {"quant_method": "fp8", "activation_scheme": "static", "weight_block_size": None}, "block": [0, 0],
        "suffix": "_scale_inv", "dtype": "BF16", "shape": "scalar", "static": "activation_scale",
    },
    "autofp8": {
        "config": {"quant_method": "fp8", "activation_scheme": "static", "ignored_layers": ["lm_head"]}, "block": [0, 0],
        "shape": "vector", "static": "input_scale",
    },
    "compressed-tensor": {"config": groups("tensor"), "block": [0, 0], "dtype": "F16", "shape": "vector"},
    "compressed-channel": {"config": groups("channel"), "block": [1, 0], "dtype": "BF16"},
    "compressed-block": {"config": groups("block", block_structure=[96, 80]), "block": [96, 80], "dtype": "BF16"},
    "compressed-ignored": {
        "config": {**groups("channel"), "ignore": ["lm_head", "re:.*self_attn\\.(q_a_proj|kv_a_proj_with_mqa)$"]},
        "block": [1, 0], "plain": ["q_a_proj", "kv_a_proj_with_mqa"],
    },
    "compressed-mixed": {
        "config": {"quant_method": "compressed-tensors", "format": "mixed-precision", "config_groups": {
            "group_0": INT4, "group_1": {"targets": ["re:.*self_attn.*"], "weights": {
                "num_bits": 8, "type": "float", "strategy": "block", "block_structure": [64, 128]}}}},
        "block": [64, 128],
    },
    "modelopt": {
        "config": {"quant_method": "modelopt", "quant_algo": "FP8", "exclude_modules": ["lm_head", "*o_proj*"]},
        "block": [0, 0], "shape": "scalar", "static": "input_scale", "plain": ["o_proj"],
    },
    "modelopt-channel": {
        "config": {"quant_method": "modelopt", "quant_algo": "FP8_PER_CHANNEL_PER_TOKEN"}, "block": [1, 0],
        "shape": "vector",
    },
    "modelopt-block": {
        "config": {"quant_method": "modelopt", "quant_algo": "FP8_PB_WO"}, "block": [128, 128], "shape": "blocks",
    },
    "fbgemm": {
        "config": {"quant_method": "fbgemm_fp8", "activation_scale_ub": 1200.0, "modules_to_not_convert": ["lm_head"]},
        "block": [1, 0],
    },
    "no-config": {"config": None, "block": [1, 0]},
    # Mistral's own format: another key of the config, and names of its own.
    "mistral": {
        "key": "quantization", "config": {"qformat_weight": "fp8_e4m3", "qscheme_act": "TENSOR"}, "block": [0, 0],
        "shape": "scalar", "scale": "qscale_weight", "static": "qscale_act",
    },
    "mistral-block": {
        "key": "quantization", "config": {**groups("block", block_structure=[64, 32]), "quant_method": "compressed_tensors"},
        "block": [64, 32], "dtype": "BF16",
    },
}  # fmt: skip

SHAPES = {"grid": list, "vector": lambda grid: [grid[0]], "scalar": lambda grid: [],
          "blocks": lambda grid: [grid[0], 1, grid[1], 1]}  # fmt: skip
VALUES = decode_e4m3(np.arange(256, dtype=np.uint8).tobytes())


def quantize(weight, block, dtype):
    """Return codes, the tensor of the grid of scales, and the numbers that they stand for."""
    rows, columns = (size or whole for size, whole in zip(block, weight.shape))
    grid = [-(-whole // size) for whole, size in zip(weight.shape, (rows, columns))]
    padded = np.zeros((grid[0] * rows, grid[1] * columns))
    padded[: weight.shape[0], : weight.shape[1]] = np.abs(weight)
    largest = padded.reshape(grid[0], rows, grid[1], columns).max(axis=(1, 3))
    stored, scales = encode(largest / 448 * 1.01, dtype)  # rounding a scale down must not make a code exceed 448
    spread = scales.repeat(rows, 0)[: weight.shape[0]].repeat(columns, 1)[:, : weight.shape[1]]
    codes = encode_e4m3(weight / spread)
    return codes, stored, (VALUES[codes] * spread).astype(np.float32)


def form_of(name, words):
    """Return the row of FORMS with its defaults, and fields changed as words, KEY=JSON, say."""
    form = {"dtype": "F32", "suffix": "_scale", "shape": "grid", "plain": [], "static": None, "key": "quantization_config",
            "scale": None, **FORMS[name]}  # fmt: skip
    form.update((key, json.loads(value)) for key, value in (word.split("=", 1) for word in words))
    return form


def quantize_module(form, module, weight):
    """Return the tensors of a module, by name, and the numbers that they stand for in float32."""
    codes, (dtype, grid, scales), numbers = quantize(weight, form["block"], form["dtype"])
    tensors = {f"{module}.weight": ["F8_E4M3", list(weight.shape), codes.tobytes()],
               f"{module}.{form['scale'] or 'weight' + form['suffix']}": [dtype, SHAPES[form["shape"]](grid), scales]}  # fmt: skip
    if form["static"]:
        tensors[f"{module}.{form['static']}"] = ["F32", [], np.float32(0.02).tobytes()]
    return tensors, numbers
