"""quantize-golden.py FROM TO PLAIN FORM [KEY=JSON…]

Writes to TO the golden file FROM, in F32, with the projections of its attentions, MLPs and experts in e4m3 as a published form
has them, and to PLAIN the same numbers in F32, w = element * scale, without quantization_config. What is golden is that of FROM.
Forms are the rows of
FORMS in fp8_forms.py; keys change fields of the row.
"""
import json
import sys

import numpy as np

from fp8_forms import form_of, quantize_module
from safetensors_file import read, write

source, target, plain, name, *words = sys.argv[1:]
form = form_of(name, words)
tensors, metadata = read(source)
dequantized = dict(tensors)
parts = (".self_attn.", ".mlp.")
for full in [n for n in tensors if any(part in n for part in parts) and "_proj" in n and n.endswith(".weight") and ".indexer." not in n]:
    module = full[: -len(".weight")]
    if module.rsplit(".", 1)[1] in form["plain"]:
        continue
    kind, shape, data = tensors[full]
    assert kind == "F32", f"{full} is {kind}"
    made, numbers = quantize_module(form, module, np.frombuffer(data, np.float32).reshape(shape).astype(np.float64))
    tensors.update(made)
    dequantized[full] = ["F32", shape, numbers.tobytes()]
config = json.loads(metadata["config"])
config.pop("quantization_config", None)
write(plain, dequantized, {**metadata, "config": json.dumps(config)})
if form["config"]:
    config["quantization_config"] = form["config"]
write(target, tensors, {**metadata, "config": json.dumps(config)})
