#!/usr/bin/env python3
"""Checks the output of `ptxas -v`; fails if a kernel does not stay in registers.

    ptxas -arch=sm_90a -v kernels.ptx -o kernels.cubin 2>&1 | ptxas_report.py

Spills, local memory and serialized wgmma (the remarks C75xx) make a kernel slow
but leave its results correct, so that no other test detects them.
"""

import re
import sys

COMPILING = re.compile(r"Compiling entry function '([^']+)'")
PROPERTIES = re.compile(r"Function properties for (\S+)")
MEMORY = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
SERIALIZED = re.compile(r"\(?C75\d\d\)?")
NAMED = re.compile(r"in (?:the )?function '([^']+)'")


def find_faults(lines, kernels):
    """Yield the faults, and collect the names of all kernels."""
    function, measured = "?", set()
    for line in lines:
        if match := COMPILING.search(line):
            function = match.group(1)
            kernels.add(function)
        elif match := PROPERTIES.search(line):
            function = match.group(1)
        elif match := MEMORY.search(line):
            measured.add(function)
            stack, stores, loads = map(int, match.groups())
            if stores or loads:
                yield f"{function}: spills {stores} bytes and loads {loads}"
            elif stack:
                yield f"{function}: keeps {stack} bytes in local memory"
        elif SERIALIZED.search(line) or re.search(r"\b(warning|error|fatal)\b", line):
            named = NAMED.search(line)
            yield f"{named.group(1) if named else function}: {line.strip()}"
    for kernel in sorted(kernels - measured):
        yield f"{kernel}: the report does not say what it spills"
    if not kernels:
        yield "the report names no kernel"


def main():
    kernels = set()
    faults = list(find_faults(sys.stdin, kernels))
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    print(f"{len(kernels)} kernels, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
