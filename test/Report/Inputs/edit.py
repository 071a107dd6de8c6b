#!/usr/bin/env python3
"""edit.py IN OUT drop|set PATH [VALUE]: removes or sets one field of a JSON file, to make it invalid."""
import json
import sys

source, target, action, path, *value = sys.argv[1:]
with open(source) as file:
    whole = json.load(file)
*parents, last = path.split("/")
at = whole
for key in parents:
    at = at[key]
if action == "drop":
    del at[last]
else:
    at[last] = json.loads(value[0])
with open(target, "w") as file:
    json.dump(whole, file)
