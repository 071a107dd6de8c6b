"""Compares every struct of mla_mlir.runtime with the header: check_structs.py INCLUDE_DIR [swapped]

`swapped` first exchanges two fields of one struct, which must be detected."""
import ctypes
import os
import pathlib
import subprocess
import sys
import tempfile

from mla_mlir import runtime


def swapped(struct):
    fields = list(struct._fields_)
    fields[0], fields[1] = fields[1], fields[0]
    return type(struct.__name__, (ctypes.Structure,), {"_fields_": fields})


def layout(struct):
    yield struct.__name__, f"sizeof({struct.__name__})", ctypes.sizeof(struct)
    for field, kind in struct._fields_:
        said = f"offsetof({struct.__name__}, {field}) * 1000 + sizeof((({struct.__name__} *)0)->{field})"
        yield f"{struct.__name__}.{field}", said, getattr(struct, field).offset * 1000 + ctypes.sizeof(kind)


structs = list(runtime.STRUCTS)
if "swapped" in sys.argv:
    # Both have 8 bytes: only the order differs.
    at = structs.index(runtime.Step)
    structs[at] = swapped(structs[at])
expected = [line for struct in structs for line in layout(struct)]
with tempfile.TemporaryDirectory() as directory:
    source, program = pathlib.Path(directory) / "layout.c", pathlib.Path(directory) / "layout"
    prints = "".join(f'  printf("%zu\\n", {said});\n' for _, said, _ in expected)
    source.write_text("#include <mla/runtime.h>\n#include <stddef.h>\n#include <stdio.h>\n"
                      f"int main(void) {{\n{prints}  return 0;\n}}\n")
    subprocess.run([os.environ.get("CC", "cc"), "-I", sys.argv[1], source, "-o", program], check=True)
    found = subprocess.run([program], check=True, capture_output=True, text=True).stdout.split()
wrong = [f"{name}: {here} here, {there} in C" for (name, _, here), there in zip(expected, found) if here != int(there)]
print("\n".join(wrong) or f"{len(structs)} structs as in runtime.h")
sys.exit(bool(wrong))
