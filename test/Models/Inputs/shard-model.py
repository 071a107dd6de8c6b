"""shard-model.py MODEL DIR PREFIX [mistral]: writes DIR/config.json, an index, and all tensors but those whose names begin
with PREFIX, which the index places in a second shard that is not there. Files may have the names of Mistral's own format."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import safetensors_file  # noqa: E402

model, directory, prefix, *words = sys.argv[1:]
stem, config = ("consolidated", "params.json") if words else ("model", "config.json")
tensors, metadata = safetensors_file.read(model)
first, second = (f"{stem}-0000{i}-of-00002.safetensors" for i in (1, 2))
os.makedirs(directory)
safetensors_file.write(os.path.join(directory, first),
                       {name: tensor for name, tensor in tensors.items() if not name.startswith(prefix)}, {})
index = {"weight_map": {name: second if name.startswith(prefix) else first for name in tensors}}
for name, text in ((config, metadata["config"]), (f"{stem}.safetensors.index.json", json.dumps(index))):
    with open(os.path.join(directory, name), "w") as file:
        file.write(text)
