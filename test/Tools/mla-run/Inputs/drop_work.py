"""Removes from a manifest what profiles need, as bundles of earlier releases lack it: drop_work.py MANIFEST"""
import json
import pathlib
import sys

path = pathlib.Path(sys.argv[1])
manifest = json.loads(path.read_text())
del manifest["source"]["device"]
for launches in (item["launches"] for item in manifest["entries"] + manifest["cores"]):
    for launch in launches:
        for key in ("part", "bytes", "flops"):
            launch.pop(key, None)
path.write_text(json.dumps(manifest))
