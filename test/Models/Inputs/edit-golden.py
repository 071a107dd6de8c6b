"""edit-golden.py FROM TO flip NAME INDEX | duplicate-layer

flip               changes one element of an F32 tensor to 1 - x
duplicate-layer    gives the tensors of layer 0 to a layer 1 too, in a config of two layers
"""
import json
import struct
import sys

source, target, what, *words = sys.argv[1:]
with open(source, "rb") as file:
    data = file.read()
size = struct.unpack("<Q", data[:8])[0]
header, body = json.loads(data[8 : 8 + size]), bytearray(data[8 + size :])

if what == "flip":
    name, index = words
    at = header[name]["data_offsets"][0] + 4 * int(index)
    struct.pack_into("<f", body, at, 1 - struct.unpack_from("<f", body, at)[0])
elif what == "duplicate-layer":
    for name in [name for name in header if name.startswith("model.layers.0.")]:
        begin, end = header[name]["data_offsets"]
        header[name.replace("layers.0.", "layers.1.")] = dict(header[name], data_offsets=[len(body), len(body) + end - begin])
        body += body[begin:end]
    config = json.loads(header["__metadata__"]["config"])
    header["__metadata__"]["config"] = json.dumps({**config, "num_hidden_layers": 2})
else:
    sys.exit(f"unknown edit {what}")

text = json.dumps(header).encode()
with open(target, "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + body)
