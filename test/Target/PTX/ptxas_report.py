#!/usr/bin/env python3
"""Reads what `ptxas -v` says and fails where a kernel does not stay in registers.

    ptxas -arch=sm_90a -v kernels.ptx -o kernels.cubin 2>&1 | ptxas_report.py

Spills, local memory and serialised wgmma (the remarks C75xx) leave the results
right and the kernel slow, so that nothing else finds them.
"""

import re
import sys

COMPILING = re.compile(r"Compiling entry function '([^']+)'")
PROPERTIES = re.compile(r"Function properties for (\S+)")
MEMORY = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
SERIALIZED = re.compile(r"\(?C75\d\d\)?")
NAMED = re.compile(r"in (?:the )?function '([^']+)'")


def find_faults(lines, kernels):
    """Yields what is wrong, and collects the names of all kernels."""
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
