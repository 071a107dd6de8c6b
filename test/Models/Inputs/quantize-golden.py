"""quantize-golden.py FROM TO PLAIN FORM [KEY=JSON…]

Writes to TO the golden file FROM, in F32 or BF16, with the projections of its attentions, MLPs and experts in e4m3 as a published form
has them, and to PLAIN the same numbers in F32, w = element * scale, without the config's quantization. What is golden is that of FROM.
Forms are the rows of
FORMS in fp8_forms.py; keys change fields of the row.
"""
import json
import sys

from elements import decode
from fp8_forms import form_of, quantize_module
from safetensors_file import read, write

source, target, plain, name, *words = sys.argv[1:]
form = form_of(name, words)
tensors, metadata = read(source)
dequantized = dict(tensors)
parts = (".self_attn.", ".mlp.")


def is_projection(name):
    if ".attention." in name:  # of families with names of their own
        return len(tensors[name][1]) == 2
    return any(part in name for part in parts) and "_proj" in name and ".indexer." not in name


for full in [name for name in tensors if name.endswith(".weight") and is_projection(name)]:
    module = full[: -len(".weight")]
    if module.rsplit(".", 1)[1] in form["plain"]:
        continue
    kind, shape, data = tensors[full]
    assert kind in ("F32", "BF16"), f"{full} is {kind}"
    made, numbers = quantize_module(form, module, decode(kind, shape, data))
    tensors.update(made)
    dequantized[full] = ["F32", shape, numbers.tobytes()]
config = json.loads(metadata["config"])
config.pop(form["key"], None)
write(plain, dequantized, {**metadata, "config": json.dumps(config)})
if form["config"]:
    config[form["key"]] = form["config"]
write(target, tensors, {**metadata, "config": json.dumps(config)})
