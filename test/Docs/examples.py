#!/usr/bin/env python3
"""Runs every ```mlir example of the given .td files through mla-opt.

An example must parse and verify, as must its printed form: readers copy
examples.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import textwrap

EXAMPLE = re.compile(r"^[ ]*```mlir\n(.*?)^[ ]*```", re.MULTILINE | re.DOTALL)


def find_examples(path):
    """Yield (line number, text) of the examples of a file."""
    text = path.read_text(encoding="utf-8")
    for match in EXAMPLE.finditer(text):
        yield text.count("\n", 0, match.start(1)) + 1, textwrap.dedent(match.group(1))


def check(opt, path, line, text):
    """Return what is wrong with an example, or None."""
    result = subprocess.run([opt, "--verify-roundtrip"], input=text, capture_output=True, text=True)
    if result.returncode == 0:
        return None
    return f"{path}:{line}: error: this example is not valid:\n{result.stderr}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--opt", default="mla-opt", help="the mla-opt to run")
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()

    examples = [(path, line, text) for path in arguments.files for line, text in find_examples(path)]
    errors = [error for error in (check(arguments.opt, *example) for example in examples) if error]
    print(*errors, sep="\n", file=sys.stderr, end="\n" if errors else "")
    print(f"{len(examples) - len(errors)} of {len(examples)} examples are valid")
    return 0 if examples and not errors else 1


if __name__ == "__main__":
    sys.exit(main())
