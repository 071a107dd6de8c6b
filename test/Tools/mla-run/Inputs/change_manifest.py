"""change_manifest.py BUNDLE STATEMENT: executes the statement, in which m is the manifest, and writes the manifest."""

import json
import pathlib
import sys

path = pathlib.Path(sys.argv[1]) / "manifest.json"
m = json.loads(path.read_text())
exec(sys.argv[2])
path.write_text(json.dumps(m, indent=2))
