#!/usr/bin/env python3
# ===- reschedule.py - Other schedules for kernels of a module --------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===------------------------------------------------------------------------===#
"""Replaces schedules in a module that `mla-compile --emit=kernels` printed, to time other choices.

    reschedule.py MLA_OPT IN.mlir OUT.mlir KERNEL=CLASSES…

KERNEL is a regular expression for the names of kernels, CLASSES their choices as in #mla.schedule: {…} or [{…}, …]. What they
leave open is chosen as always (mla-schedule-kernels), for each class by its own number of tokens:

    mla-compile --config=CONFIG --target=h100 --dtype=fp8 --emit=kernels -o layer.mlir
    reschedule.py build/bin/mla-opt layer.mlir other.mlir 'out=[{limit = 64}, {tokens = 128, rows = 64, turns = 2, stages = 4}]'
    mla-compile other.mlir --config=CONFIG --target=h100 -o other.mla
"""
import re
import subprocess
import sys

import needs

KERNEL = re.compile(r'(mla\.kernel (\w+) "([^"]*)"\(.*\)\s+schedule <\w+)[^>]*>')


def rescheduled(opt, text, schedules):
    """Return the module with these schedules, by names of kernels, completed."""
    used = set()

    def replace(match):
        for name, classes in schedules.items():
            if re.fullmatch(name, match.group(3)):
                used.add(name)
                return f"{match.group(1)}, {classes}>"
        return match.group(0)

    text = KERNEL.sub(replace, text)
    for name in schedules:
        if name not in used:
            sys.exit(f"error: no scheduled kernel is named '{name}'; give the output of mla-compile --emit=kernels")
    done = subprocess.run([opt, "--mla-schedule-kernels"], input=text, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr.rstrip())
    return done.stdout


def main():
    if len(sys.argv) < 5 or not all("=" in argument for argument in sys.argv[4:]):
        sys.exit(__doc__)
    _, opt, source, to, *given = sys.argv
    with open(source, encoding="utf-8") as file:
        text = file.read()
    text = rescheduled(needs.program(opt), text,
                       dict(argument.split("=", 1) for argument in given))
    with open(to, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()
