"""edit-golden.py FROM TO flip NAME INDEX | duplicate-layer | add-biases [no-kv-b] | take-outputs OTHER | take-rows OTHER… | drop-rope |
               long-prefill TOKENS | resize KEY=SIZE… | multiply NAME FACTOR | further | wrap KEY PREFIX

flip               changes one element of an F32 tensor to 1 - x
duplicate-layer    gives the tensors of layer 0 to a layer 1 too, in a config of two layers; those of self_attn.0, if
                   any, to self_attn.1
add-biases         adds all possible biases to layer 0 (no-kv-b: except kv_b_proj's) and sets attention_bias
take-outputs       replaces the expected outputs by those of another file
take-rows          replaces them row by row: row r by that of the file r % n, of which FROM is the first
drop-rope          removes the rotary part: no qk_rope_head_dim, no rows for it. The .out tensors are kept
long-prefill       replaces prefill by this many random hidden states; prefill.out is random, too
multiply           multiplies an F32 tensor by a number. The .out tensors are kept
further            makes layer 0 the first after the model's own, which predicts further tokens
wrap               names the model PREFIX instead of "model." and puts the config under KEY of another, beside tensors of a vision tower
resize             gives the layer other sizes, keys of the config: weights, hidden states and outputs are random, and there
                   is no indexer
"""
import json
import math
import random
import struct
import sys

source, target, what, *words = sys.argv[1:]


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    size = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8 : 8 + size]), bytearray(data[8 + size :])


header, body = read(source)


def replace(changed):
    """Replace shapes and elements of tensors: name -> (shape, bytes)."""
    global body
    old, body = body, bytearray()
    for name, tensor in header.items():
        if name != "__metadata__":
            begin, end = tensor["data_offsets"]
            tensor["shape"], data = changed.get(name, (tensor["shape"], old[begin:end]))
            tensor["data_offsets"] = [len(body), len(body) + len(data)]
            body += data


if what == "flip":
    name, index = words
    at = header[name]["data_offsets"][0] + 4 * int(index)
    struct.pack_into("<f", body, at, 1 - struct.unpack_from("<f", body, at)[0])
elif what == "multiply":
    name, factor = words
    begin, end = header[name]["data_offsets"]
    count = (end - begin) // 4
    numbers = struct.unpack_from(f"<{count}f", body, begin)
    struct.pack_into(f"<{count}f", body, begin, *(float(factor) * number for number in numbers))
elif what == "duplicate-layer":
    for name in [name for name in header if name.startswith("model.layers.0.")]:
        begin, end = header[name]["data_offsets"]
        first, second = (".self_attn.0.", ".self_attn.1.") if ".self_attn.0." in name else ("layers.0.", "layers.1.")
        header[name.replace(first, second)] = dict(header[name], data_offsets=[len(body), len(body) + end - begin])
        body += body[begin:end]
    config = json.loads(header["__metadata__"]["config"])
    header["__metadata__"]["config"] = json.dumps({**config, "num_hidden_layers": 2})
elif what == "add-biases":
    random.seed(0)
    kv_b = [] if words == ["no-kv-b"] else ["kv_b_proj"]
    for name in ["q_a_proj", "kv_a_proj_with_mqa", "o_proj", *kv_b]:
        name = f"model.layers.0.self_attn.{name}"
        if name + ".weight" in header and name + ".bias" not in header:
            rows, begin = header[name + ".weight"]["shape"][0], len(body)
            body += struct.pack(f"<{rows}f", *(random.gauss(0, 0.5) for _ in range(rows)))
            header[name + ".bias"] = {"dtype": "F32", "shape": [rows], "data_offsets": [begin, len(body)]}
    config = json.loads(header["__metadata__"]["config"])
    header["__metadata__"]["config"] = json.dumps({**config, "attention_bias": True})
elif what == "take-outputs":
    other, numbers = read(words[0])
    for name in (name for name in header if name.endswith(".out")):
        (begin, end), (first, last) = header[name]["data_offsets"], other[name]["data_offsets"]
        body[begin:end] = numbers[first:last]
elif what == "take-rows":
    others = [None, *map(read, words)]
    for name in (name for name in header if name.endswith(".out")):
        (begin, end), rows = header[name]["data_offsets"], header[name]["shape"][0]
        size = (end - begin) // rows
        for row in range(rows):
            if other := others[row % len(others)]:
                first = other[0][name]["data_offsets"][0] + row * size
                body[begin + row * size : begin + (row + 1) * size] = other[1][first : first + size]
elif what == "long-prefill":
    random.seed(0)
    changed = {}
    for name in ("prefill.hidden", "prefill.out"):
        shape = [1, int(words[0]), header[name]["shape"][2]]
        count = shape[1] * shape[2]
        changed[name] = shape, struct.pack(f"<{count}f", *(random.gauss(0, 1) for _ in range(count)))
    replace(changed)
elif what == "resize":
    random.seed(0)
    config = {**json.loads(header["__metadata__"]["config"]), **{k: int(v) for k, v in (w.split("=") for w in words)}}
    config["num_key_value_heads"] = config["num_attention_heads"]
    header["__metadata__"]["config"] = json.dumps(config)
    header = {name: tensor for name, tensor in header.items() if ".indexer." not in name}
    hidden, rank, latent, heads = (
        config[key] for key in ("hidden_size", "q_lora_rank", "kv_lora_rank", "num_attention_heads"))
    nope, rope, value = (config[key] for key in ("qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim"))
    shapes = {
        "q_a_proj": (rank, hidden), "q_a_layernorm": (rank,), "q_b_proj": (heads * (nope + rope), rank),
        "kv_a_proj_with_mqa": (latent + rope, hidden), "kv_a_layernorm": (latent,),
        "kv_b_proj": (heads * (nope + value), latent), "o_proj": (hidden, heads * value),
    }  # fmt: skip
    changed = {}
    for name, tensor in header.items():
        if name != "__metadata__":
            module = name.split(".")[-2]
            shape = [*shapes[module]] if module in shapes else [*tensor["shape"][:2], hidden]
            count, width = math.prod(shape), shape[-1]
            mean, deviation = (1, 0.1) if len(shape) == 1 else (0, width**-0.5 if module in shapes else 1)
            changed[name] = shape, struct.pack(f"<{count}f", *(random.gauss(mean, deviation) for _ in range(count)))
    replace(changed)
elif what == "further":
    config = json.loads(header["__metadata__"]["config"])
    header["__metadata__"]["config"] = json.dumps({**config, "num_nextn_predict_layers": 1})
    own = f"layers.{config['num_hidden_layers']}."
    header = {name.replace("layers.0.", own): tensor for name, tensor in header.items()}
elif what == "wrap":
    key, prefix = words
    config = json.loads(header["__metadata__"]["config"])
    header["__metadata__"]["config"] = json.dumps({"model_type": "wrapped", key: config, "vision_config": {"hidden_size": 8}})
    outer = prefix.removesuffix("model.") if prefix.endswith(".model.") else ""
    header = {prefix + name.removeprefix("model.") if name.startswith("model.") else outer + name if name.startswith("lm_head.") else name:
              tensor for name, tensor in header.items()}
    header["vision_tower.layers.0.self_attn.q_proj.weight"] = {"dtype": "F32", "shape": [1, 1], "data_offsets": [len(body), len(body) + 4]}
    body += bytes(4)
elif what == "drop-rope":
    config = json.loads(header["__metadata__"]["config"])
    nope, latent, rope = (config[key] for key in ("qk_nope_head_dim", "kv_lora_rank", "qk_rope_head_dim"))
    header["__metadata__"]["config"] = json.dumps({**config, "qk_rope_head_dim": 0})
    changed = {}
    for name, tensor in header.items():
        kept = latent if "kv_a_proj" in name else nope if name.endswith(("q_b_proj.weight", "q_proj.weight")) else None
        if kept:
            (begin, end), (rows, *columns) = tensor["data_offsets"], tensor["shape"]
            row = (end - begin) // rows
            staying = [i for i in range(rows) if i % (kept + rope) < kept]
            data = b"".join(body[begin + i * row : begin + (i + 1) * row] for i in staying)
            changed[name] = [len(staying), *columns], data
    replace(changed)
else:
    sys.exit(f"unknown edit {what}")

text = json.dumps(header).encode()
with open(target, "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + body)
