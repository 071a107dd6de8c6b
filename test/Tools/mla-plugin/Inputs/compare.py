"""Runs each line of a list of pipelines with mla-opt, and with mlir-opt and the plugin; both must print the same.

    compare.py MLA_OPT MLIR_OPT PLUGIN TESTS LIST

The list must have every pass and pipeline of the project.
"""

import pathlib
import re
import subprocess
import sys


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True)
    return result.returncode, result.stdout, result.stderr


def registered(*tool):
    """Return the names of a tool's passes and pipelines."""
    status, out, err = run(*tool, "--help")
    assert status == 0, err
    return set(re.findall(r"^      --([\w-]+)", out, re.MULTILINE))


def compare(mla_opt, with_plugin, path, pipeline):
    """Return what is wrong with a line, or None."""
    arguments = [path, "--split-input-file", f"--pass-pipeline={pipeline}"]
    expected = run(mla_opt, *arguments)
    if expected[0] != 0:
        return f"mla-opt fails: {expected[2]}"
    if expected[1:] == run(mla_opt, path, "--split-input-file")[1:]:
        return "the input shows nothing of the pipeline; take another"
    actual = run(*with_plugin, *arguments)
    return None if actual == expected else f"the plugin gives another result: {actual[2] or actual[1]}"


def main():
    mla_opt, mlir_opt, plugin, tests, lines = sys.argv[1:]
    with_plugin = [mlir_opt, f"--load-dialect-plugin={plugin}"]
    stock = registered(mlir_opt)
    ours = registered(mla_opt) - stock
    errors = []
    for flag in ["--load-dialect-plugin", "--load-pass-plugin"]:
        lacking = ours - registered(mlir_opt, f"{flag}={plugin}")
        errors += [f"{flag} does not bring {name}" for name in sorted(lacking)]

    run_names = set()
    for line in pathlib.Path(lines).read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        path, pipeline = line.split()
        run_names.update(re.findall(r"[\w-]+", pipeline))
        error = compare(mla_opt, with_plugin, str(pathlib.Path(tests) / path), pipeline)
        errors += [f"{line}: {error}"] if error else []
    errors += [f"no line of {lines} runs {name}" for name in sorted(ours - run_names)]
    print(*errors, sep="\n", end="\n" if errors else "")
    print(f"{len(ours)} passes and pipelines, {len(errors)} errors")
    return 1 if errors or not ours else 0


if __name__ == "__main__":
    sys.exit(main())
