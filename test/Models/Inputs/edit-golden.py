"""edit-golden.py FROM TO flip NAME INDEX | duplicate-layer | add-biases [no-kv-b] | take-outputs OTHER | drop-rope

flip               changes one element of an F32 tensor to 1 - x
duplicate-layer    gives the tensors of layer 0 to a layer 1 too, in a config of two layers; those of self_attn.0, where a
                   layer has such, to self_attn.1
add-biases         gives layer 0 all the biases it may have (no-kv-b: but that of kv_b_proj) and sets attention_bias
take-outputs       replaces what the layer is to give by what another file says
drop-rope          makes a model without rotary part: no qk_rope_head_dim, no rows for it. The .out tensors stay
"""
import json
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

if what == "flip":
    name, index = words
    at = header[name]["data_offsets"][0] + 4 * int(index)
    struct.pack_into("<f", body, at, 1 - struct.unpack_from("<f", body, at)[0])
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
elif what == "drop-rope":
    config = json.loads(header["__metadata__"]["config"])
    nope, latent, rope = (config[key] for key in ("qk_nope_head_dim", "kv_lora_rank", "qk_rope_head_dim"))
    header["__metadata__"]["config"] = json.dumps({**config, "qk_rope_head_dim": 0})
    old, body = body, bytearray()
    for name, tensor in header.items():
        if name == "__metadata__":
            continue
        begin, end = tensor["data_offsets"]
        data = old[begin:end]
        kept = latent if "kv_a_proj" in name else nope if name.endswith(("q_b_proj.weight", "q_proj.weight")) else None
        if kept:
            rows = tensor["shape"][0]
            row = len(data) // rows
            staying = [i for i in range(rows) if i % (kept + rope) < kept]
            data = b"".join(data[i * row : (i + 1) * row] for i in staying)
            tensor["shape"][0] = len(staying)
        tensor["data_offsets"] = [len(body), len(body) + len(data)]
        body += data
else:
    sys.exit(f"unknown edit {what}")

text = json.dumps(header).encode()
with open(target, "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + body)
