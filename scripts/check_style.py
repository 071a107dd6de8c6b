#!/usr/bin/env python3
"""Checks the style of the sources: clang-format, lengths of files, white space, and relative links of pages.

usage: check_style.py [--clang-format=PROGRAM] [ROOT]

Prints one line per violation, "FILE:LINE: WHAT", and exits with 1 if there is any.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys

MOST_LINES = 500
SOURCES = {".c", ".cpp", ".h"}
TEXTS = SOURCES | {".cmake", ".md", ".py", ".sh", ".td"}


def listed_by_git(root):
    """Return the files that git tracks; None without git, outside a checkout, and in one that git does not trust."""
    if not (root / ".git").exists() or not shutil.which("git"):
        return None
    listed = subprocess.run(["git", "-C", root, "ls-files", "-z"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return listed.stdout.decode().split("\0") if listed.returncode == 0 else None


def tracked(root):
    names = listed_by_git(root)
    if names is None:
        names = [str(path.relative_to(root)) for path in root.rglob("*")]
        names = [name for name in names if not name.startswith(("build", ".git/"))]
    return [name for name in names if (root / name).is_file() and "/Corpus/" not in name and "/Inputs/" not in name]


def check_text(root, name):
    lines = (root / name).read_text(encoding="utf-8").split("\n")
    if len(lines) > MOST_LINES + 1:
        yield f"{name}:{len(lines) - 1}: has more than {MOST_LINES} lines; divide it by what its parts do"
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            yield f"{name}:{number}: ends in white space"
    if lines[-1]:
        yield f"{name}:{len(lines)}: does not end in a line feed"


def check_links(root, name):
    """Check that relative links of a page lead to files."""
    page, in_code = root / name, False
    for number, line in enumerate(page.read_text(encoding="utf-8").split("\n"), 1):
        in_code ^= line.lstrip().startswith("```")
        if in_code:
            continue
        line = re.sub(r"`[^`]*`", "", line)
        for target in re.findall(r"\]\(([^)#\s]+)", line):
            if "://" not in target and not target.startswith("mailto:") and not (page.parent / target).exists():
                yield f"{name}:{number}: links to {target}, which does not exist"


def check_format(root, names, program):
    done = subprocess.run([program, "--dry-run", *names], cwd=root, stderr=subprocess.PIPE, text=True)
    found = re.findall(r"^(\S+:\d+):\d+: (?:warning|error): code should be clang-formatted", done.stderr, re.MULTILINE)
    yield from (f"{place}: is not as {program} writes it" for place in sorted(set(found)))
    if done.returncode and not found:
        yield f"{program}: ends with status {done.returncode}: {done.stderr.strip()}"


def offences(root, program):
    names = tracked(root)
    for name in names:
        suffix = pathlib.PurePath(name).suffix
        if suffix in TEXTS or name.endswith("CMakeLists.txt"):
            yield from check_text(root, name)
        if suffix == ".md":
            yield from check_links(root, name)
    if program:
        yield from check_format(root, [name for name in names if pathlib.PurePath(name).suffix in SOURCES], program)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clang-format", default="", help="the program; none: sources are not compared with its style")
    parser.add_argument("root", nargs="?", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    arguments = parser.parse_args()
    found = list(offences(arguments.root, arguments.clang_format))
    print("\n".join(found) or "the style is as it should be")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
