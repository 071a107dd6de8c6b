#!/usr/bin/env python3
"""Writes every ```c block of a Markdown file to a directory, under the name that its first line says.

    extract_c.py DOCUMENT OUT

A block is a whole file and begins with `/* NAME.c: what it is. */`, so that
what readers copy is what is compiled.
"""

import pathlib
import re
import sys

BLOCK = re.compile(r"^```c\n(.*?)^```", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"/\* (\w+\.c): ")


def main():
    document, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    text = document.read_text(encoding="utf-8")
    out.mkdir(parents=True, exist_ok=True)
    blocks = list(BLOCK.finditer(text))
    for block in blocks:
        named = NAME.match(block.group(1))
        line = text.count("\n", 0, block.start(1)) + 1
        if not named:
            sys.exit(f"{document}:{line}: error: a C block must begin with /* NAME.c: what it is. */")
        # Compilers then say where in the document an error is.
        (out / named.group(1)).write_text(f'#line {line} "{document}"\n{block.group(1)}', encoding="utf-8")
        print(named.group(1))
    return 0 if blocks else f"{document}: error: has no C block"


if __name__ == "__main__":
    sys.exit(main())
