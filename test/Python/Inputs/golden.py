"""Golden files as numpy arrays: tensors by name, and the recorded steps."""
import json
import pathlib
import struct

import numpy as np

_TYPES = {"F32": np.float32, "BF16": np.uint16, "I64": np.int64}


def read(path):
    data = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        if entry["dtype"] in _TYPES:
            tensors[name] = np.frombuffer(data[begin:end], _TYPES[entry["dtype"]]).reshape(entry["shape"]).copy()
    return tensors


def steps(tensors):
    """Yield (hidden, out) of the prefill and of each decode step, [batch, tokens, hidden_size]."""
    names = ["prefill"] + [f"decode.{i}" for i in range(1000) if f"decode.{i}.hidden" in tensors]
    return [(tensors[f"{name}.hidden"], tensors[f"{name}.out"]) for name in names]
