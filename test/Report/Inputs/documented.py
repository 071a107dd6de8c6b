#!/usr/bin/env python3
"""documented.py ROOT FILE...: runs every `$ mla-compile … --report …` of Markdown files from the root of the sources
and compares the output with the rest of the block; a line of an ellipsis stands for any lines."""
import os
import re
import shlex
import subprocess
import sys


def examples(text):
    for block in re.findall(r"(?:^    .*\n)+", text, re.MULTILINE):
        lines = [line[4:].rstrip() for line in block.splitlines()]
        if lines[0].startswith("$ mla-compile") and "--report" in lines[0]:
            yield lines[0][2:], lines[1:]


def missing_from(output, lines):
    """Return the first group of lines between ellipses that does not follow the previous one in the output."""
    at = 0
    for group in "\n".join(["", *lines, ""]).split("\n…"):
        found = output.find(group, at)
        if found < 0:
            return group
        at = found + len(group.rstrip("\n"))
    return None


def main():
    count = 0
    for path in sys.argv[2:]:
        with open(os.path.join(sys.argv[1], path)) as file:
            text = file.read()
        for command, expected in examples(text):
            output = subprocess.run(shlex.split(command), cwd=sys.argv[1], capture_output=True, text=True, check=True)
            missing = missing_from("\n" + output.stdout, expected)
            if missing:
                print(f"{path}: {command}\nprints no\n{missing}\nbut\n{output.stdout}")
                return 1
            count += 1
    print(f"{count} examples")
    return 0


if __name__ == "__main__":
    sys.exit(main())
