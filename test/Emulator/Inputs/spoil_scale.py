"""spoil_scale.py MANIFEST: multiplies every float argument of launches, the scales of scores, by 1.5."""
import json
import sys

with open(sys.argv[1]) as file:
    manifest = json.load(file)
changed = 0
for entry in manifest["entries"]:
    for launch in entry["launches"]:
        for argument in launch["args"]:
            if "f32" in argument:
                argument["f32"] *= 1.5
                changed += 1
with open(sys.argv[1], "w") as file:
    json.dump(manifest, file)
sys.exit(not changed)
