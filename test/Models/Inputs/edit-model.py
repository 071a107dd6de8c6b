"""edit-model.py FROM TO [KEY=JSON | KEY= | -TENSOR | +TENSOR=OTHER]…: sets or removes fields of the config, removes
tensors, and adds copies of others.

TO may end in .json: then only the config is written.
"""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import safetensors_file  # noqa: E402

source, target, *edits = sys.argv[1:]
tensors, metadata = safetensors_file.read(source)
config = json.loads(metadata["config"])
for edit in edits:
    if edit.startswith("-"):
        del tensors[edit[1:]]
        continue
    key, _, value = edit.partition("=")
    if edit.startswith("+"):
        tensors[key[1:]] = tensors[value]
        continue
    if value:
        config[key] = json.loads(value)
    else:
        del config[key]
if target.endswith(".json"):
    with open(target, "w") as file:
        json.dump(config, file)
else:
    safetensors_file.write(target, tensors, {**metadata, "config": json.dumps(config)})
