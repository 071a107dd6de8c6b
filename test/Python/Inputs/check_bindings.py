"""Compares the pointers of the structs of mla_mlir.runtime with the buffers of launch_abi.def: check_bindings.py FILE"""
import ctypes
import pathlib
import re
import sys

from mla_mlir import runtime

CALLS = {"Entry": runtime.Step, "LatentAttention": runtime.LatentAttention, "NaiveAttention": runtime.NaiveAttention}
OTHERS = {"workspace", "stream"}

rows = re.findall(r"^MLA_BINDING\((\w+), \w+, (\w+),", pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"), re.MULTILINE)
for kind, struct in CALLS.items():
    bound = {name for list_, name in rows if list_ == kind}
    given = {name for name, type_ in struct._fields_ if type_ is ctypes.c_void_p} - OTHERS
    assert bound and bound == given, (kind, bound ^ given)
    print(f"{struct.__name__} gives {len(bound)} buffers")
