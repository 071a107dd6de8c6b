"""edit-safetensors.py FROM TO EDIT…: writes an invalid safetensors file.

drop NAME           removes a tensor
rename NAME NEW     renames a tensor
type NAME DTYPE     changes the type of a tensor to one of the same size
set NAME INDEX X    changes an element of an F32 tensor
shape NAME R,C      changes the shape of a tensor (and truncates its data)
add NAME LIKE       adds a tensor like another one
no-config           removes the config
config KEY=JSON     changes a field of the config
"""
import json
import math
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "Models" / "Inputs"))

from safetensors_file import read, write  # noqa: E402


def edit(tensors, metadata, words):
    what = words.pop(0)
    if what == "drop":
        del tensors[words.pop(0)]
    elif what == "rename":
        name = words.pop(0)
        tensors[words.pop(0)] = tensors.pop(name)
    elif what == "type":
        name = words.pop(0)
        tensors[name][0] = words.pop(0)
    elif what == "set":
        tensor, index = tensors[words.pop(0)], int(words.pop(0))
        tensor[2] = tensor[2][: 4 * index] + struct.pack("<f", float(words.pop(0))) + tensor[2][4 * index + 4 :]
    elif what == "shape":
        tensor, shape = tensors[words.pop(0)], [int(size) for size in words.pop(0).split(",")]
        bytes_each = len(tensor[2]) // math.prod(tensor[1])
        tensor[1:] = [shape, tensor[2][: bytes_each * math.prod(shape)]]
    elif what == "add":
        name = words.pop(0)
        tensors[name] = list(tensors[words.pop(0)])
    elif what == "no-config":
        del metadata["config"]
    elif what == "config":
        key, _, value = words.pop(0).partition("=")
        metadata["config"] = json.dumps({**json.loads(metadata["config"]), key: json.loads(value)})
    else:
        sys.exit(f"unknown edit {what}")


source, target, *words = sys.argv[1:]
tensors, metadata = read(source)
while words:
    edit(tensors, metadata, words)
write(target, tensors, metadata)
