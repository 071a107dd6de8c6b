"""pack-golden.py FROM TO PLAIN FORM

Writes to TO the golden file FROM, in F32, with the projections of its attention in a packed form (packed_forms.py), and to
PLAIN the same numbers in F32, without quantization_config. What is golden is that of FROM.
"""
import json
import sys

import numpy as np

from packed_forms import FORMS
from safetensors_file import read, write

source, target, plain, name = sys.argv[1:]
make, quantization = FORMS[name]
tensors, metadata = read(source)
packed, dequantized = {}, dict(tensors)
for full, (kind, shape, data) in tensors.items():
    if not full.endswith("_proj.weight") and "kv_a_proj_with_mqa.weight" not in full or ".indexer." in full:
        packed[full] = [kind, shape, data]
        continue
    assert kind == "F32", f"{full} is {kind}"
    made, numbers = make(full[: -len(".weight")], np.frombuffer(data, np.float32).reshape(shape).astype(np.float64))
    packed.update(made)
    dequantized[full] = ["F32", shape, numbers.astype(np.float32).tobytes()]
config = json.loads(metadata["config"])
write(plain, dequantized, {**metadata, "config": json.dumps(config)})
write(target, packed, {**metadata, "config": json.dumps({**config, "quantization_config": quantization})})
