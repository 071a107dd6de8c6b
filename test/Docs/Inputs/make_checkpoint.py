"""Writes a golden model as a checkpoint's directory: make_checkpoint.py GOLDEN DIR [KEY=JSON…] sets fields of the config."""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "Models" / "Inputs"))
import safetensors_file  # noqa: E402

tensors, metadata = safetensors_file.read(sys.argv[1])
directory = pathlib.Path(sys.argv[2])
config = json.loads(metadata["config"])
for edit in sys.argv[3:]:
    key, _, value = edit.partition("=")
    config[key] = json.loads(value)
directory.mkdir()
(directory / "config.json").write_text(json.dumps(config))
safetensors_file.write(str(directory / "model.safetensors"),
                       {name: tensor for name, tensor in tensors.items() if not name.startswith("golden.")}, {"format": "pt"})
