#!/usr/bin/env python3
"""Plants faults in the kernels of bundles and checks that the emulated device reports the kind of each.

    mutations.py --run=mla-run --driver=libmla-emulated-cuda.so --bundles=DIR --golden=DIR [--only=NAME] [--verbose]

DIR/NAME.mla is the bundle of golden/NAME.safetensors. Each mutation edits the PTX of every kernel with its prefix, at
places that patterns match. A pattern without a match is an error: the kernels have changed, and the mutation must be
adapted.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import mutants

ENTRY = re.compile(r"^\.visible \.entry (\w+)\(.*?^\n\}", re.MULTILINE | re.DOTALL)
RUNS = {
    "decode": ["--bench", "--batch=2", "--context=300", "--steps=1"],
    "prefill": ["--bench", "--phase=prefill", "--tokens=150", "--steps=1"],
}


def mutate(ptx, mutant):
    """Return the PTX with the edit in each kernel with the mutant's prefix."""
    kernels = 0

    def edit(entry):
        nonlocal kernels
        if not entry.group(1).startswith(mutant.kernel):
            return entry.group(0)
        kernels += 1
        edited = mutant.edit(entry.group(0))
        if edited == entry.group(0):
            raise mutants.NotFound(f"the edit changes nothing in {entry.group(1)}")
        return edited

    ptx = ENTRY.sub(edit, ptx)
    if not kernels:
        raise mutants.NotFound(f"no kernel is named {mutant.kernel}*")
    return ptx


def copy_bundle(source, target, edit):
    """Copy the bundle with edited PTX and without a cubin."""
    shutil.copytree(source, target)
    path = os.path.join(target, "kernels.ptx")
    with open(path) as file:
        ptx = edit(file.read())
    with open(path, "w") as file:
        file.write(ptx)
    path = os.path.join(target, "manifest.json")
    with open(path) as file:
        manifest = json.load(file)
    manifest["files"]["kernels.ptx"] = len(ptx.encode())
    if manifest["files"].pop("kernels.cubin", None) is not None:
        os.remove(os.path.join(target, "kernels.cubin"))
    with open(path, "w") as file:
        json.dump(manifest, file)


class Device:
    """Runs bundles on the emulated device."""

    def __init__(self, options):
        self.options = options

    def run(self, bundle, model, workload, device):
        golden = os.path.join(self.options.golden, model + ".safetensors")
        arguments = RUNS.get(workload) or ["--check=" + golden]
        settings = {"MLA_LIBCUDA": self.options.driver, "MLA_EMULATOR": "threads=1," + device}
        command = [self.options.run, bundle, *arguments]
        result = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True, timeout=300)
        return result.returncode, result.stdout + result.stderr


def judge(mutant, status, output):
    """Return what is wrong with the outcome; None if it is the expected one."""
    if status != 1:
        return f"exit status {status}; expected 1: the fault was not noticed"
    if mutant.kind == mutants.NUMERIC:
        return None if re.search(r"relative L2 error .*FAILED", output) else "expected a tensor that is FAILED"
    if not re.search(rf"\[{mutant.kind}\] {mutant.reported_by}", output):
        return f"expected [{mutant.kind}] {mutant.reported_by}*"
    if mutant.text and not re.search(mutant.text, output):
        return f"expected a message with '{mutant.text}'"
    return None


def summary(output):
    match = re.search(r"\[[a-z-]+\] .*", output) or re.search(r".* relative L2 error .*FAILED", output)
    return match.group(0) if match else (output.strip().splitlines() or [""])[-1]


def check(mutants_of, device, bundles, scratch, verbose):
    """Return the number of mutants with an unexpected outcome."""
    failures = 0
    for number, mutant in enumerate(mutants_of):
        bundle = os.path.join(scratch, f"{number}.mla")
        try:
            copy_bundle(os.path.join(bundles, mutant.model + ".mla"), bundle, lambda ptx: mutate(ptx, mutant))
        except mutants.NotFound as error:
            print(f"error: {mutant.name}: {error}")
            failures += 1
            continue
        status, output = device.run(bundle, mutant.model, mutant.workload, mutant.device)
        problem = judge(mutant, status, output)
        shutil.rmtree(bundle)
        failures += problem is not None
        print(f"{'error: ' if problem else ''}{mutant.name}: {mutant.kind if not problem else problem}")
        if problem or verbose:
            print("    " + summary(output)[:400], flush=True)
    return failures


def check_controls(mutants_of, device, bundles, scratch):
    """Return the number of unmodified bundles that fail."""
    failures = 0
    for model, workload in sorted({(mutant.model, mutant.workload) for mutant in mutants_of}):
        bundle = os.path.join(scratch, "control.mla")
        copy_bundle(os.path.join(bundles, model + ".mla"), bundle, lambda ptx: ptx)
        status, output = device.run(bundle, model, workload, "policy=lazy")
        shutil.rmtree(bundle)
        failures += status != 0
        print(f"{'error: ' if status else ''}control: {model} {workload}: exit status {status}")
        if status:
            print("    " + summary(output)[:400])
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for option in ("run", "driver", "bundles", "golden"):
        parser.add_argument("--" + option, required=True)
    parser.add_argument("--only", help="the mutations whose name contains it, without controls")
    parser.add_argument("--verbose", action="store_true", help="what the device says")
    options = parser.parse_args()
    chosen = [mutant for mutant in mutants.ALL if (options.only or "") in mutant.name]
    device = Device(options)
    with tempfile.TemporaryDirectory() as scratch:
        failures = 0 if options.only else check_controls(chosen, device, options.bundles, scratch)
        failures += check(chosen, device, options.bundles, scratch, options.verbose)
    print(f"{len(chosen)} mutations, {failures} failures")
    return 1 if failures or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
