"""Prints the cyclic dependencies among the files of a folder: circles.py FOLDER...

In C++ a header and its source are one unit; in Python every module is one."""
import pathlib
import re
import sys

INCLUDE = re.compile(r'^#include "(\w+)\.h"', re.MULTILINE)
IMPORT = re.compile(r"^\s*from \.(\w*) import (.+)$", re.MULTILINE)


def needs(path):
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return set(INCLUDE.findall(text))
    found = set()
    for module, names in IMPORT.findall(text):
        found |= {module} if module else {name.split()[0] for name in names.split(",")}
    return found


def circle(graph):
    """Return the names that remain after repeatedly removing those without dependencies or dependents."""
    while True:
        used = set().union(*graph.values()) if graph else set()
        rest = {name: needed & graph.keys() for name, needed in graph.items() if name in used and needed & graph.keys()}
        if rest == graph:
            return sorted(graph)
        graph = rest


status = 0
for folder in map(pathlib.Path, sys.argv[1:]):
    graph = {}
    for path in folder.iterdir():
        if path.suffix in (".h", ".cpp", ".py"):
            graph.setdefault(path.stem, set()).update(needs(path) - {path.stem})
    found = circle(graph)
    print(f"{folder.name}: {' '.join(found) or 'no circles'}")
    status |= bool(found)
sys.exit(status)
