"""spoil_embedding.py BUNDLE TOKEN: writes a NaN to the embedding of a token."""
import json
import pathlib
import struct
import sys

bundle, token = pathlib.Path(sys.argv[1]), int(sys.argv[2])
with open(bundle / "weights.safetensors", "r+b") as file:
    size = struct.unpack("<Q", file.read(8))[0]
    table = json.loads(file.read(size))["model.embed_tokens"]
    width = table["shape"][1] * {"BF16": 2, "F32": 4}[table["dtype"]]
    file.seek(8 + size + table["data_offsets"][0] + token * width)
    file.write(b"\xff" * 4)
