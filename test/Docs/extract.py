#!/usr/bin/env python3
"""Writes the fenced blocks of a Markdown file to a directory, under the names in their first lines.

    extract.py DOCUMENT OUT [HEADING...]

With headings, or their beginnings, only the blocks of these `##` sections. A
block with a language is a whole file and begins with a comment `NAME: what it
is.`, so that tests use exactly what readers copy.
"""

import pathlib
import re
import sys

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"(?:/\*|//|#) ([\w.-]+\.\w+): ")
HEADING = re.compile(r"^## (.*)$", re.MULTILINE)
# Make compilers report lines of the document.
LINE = {"c": '#line {} "{}"\n', "cpp": '#line {} "{}"\n'}


def sections(text):
    """Yield (heading, start, end) of the `##` sections."""
    starts = list(HEADING.finditer(text))
    for start, end in zip(starts, [match.start() for match in starts[1:]] + [len(text)]):
        yield start.group(1), start.end(), end


def main():
    document, out, headings = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
    text = document.read_text(encoding="utf-8")
    ranges = [(start, end) for heading, start, end in sections(text) if heading.startswith(tuple(headings))]
    if len(ranges) != len(headings):
        sys.exit(f"{document}: error: not one section each begins with: {', '.join(headings)}")
    blocks = [block for start, end in ranges or [(0, len(text))] for block in BLOCK.finditer(text, start, end)]
    out.mkdir(parents=True, exist_ok=True)
    for block in blocks:
        language, content = block.groups()
        line = text.count("\n", 0, block.start(2)) + 1
        named = NAME.match(content)
        if not named:
            sys.exit(f"{document}:{line}: error: a block must begin with a comment NAME.{language}: what it is.")
        (out / named.group(1)).write_text(LINE.get(language, "").format(line, document) + content, encoding="utf-8")
        print(named.group(1))
    return 0 if blocks else f"{document}: error: has no block"


if __name__ == "__main__":
    sys.exit(main())
