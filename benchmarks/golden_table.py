#!/usr/bin/env python3
"""Prints the errors of every golden layer, plan and dtype on the CPU as a Markdown table.

f32 is compared with the file's tensors (Hugging Face, float32). bf16 is compared with them and with a float64 replay of
the rounded weights and inputs (replay.py). Exits with 1 if an error exceeds its tolerance: f32 1e-5, bf16 2e-2 and 1e-2.

usage: golden_table.py [--build=BUILD] [--golden=DIR]
"""
import argparse, pathlib, re, subprocess, sys, tempfile

import needs

PLANS = ("naive", "absorb", "fold", "auto")
# The plan is that of decode; prefill is naive in every plan.
BARS = {"f32": 1e-5, "bf16": 2e-2, "replay": 1e-2}


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if "relative L2 error" not in done.stdout and done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def worst(bins, bundle, golden):
    # Compare with the tolerance here, so that the table shows larger errors.
    out = run(bins / "mla-run", bundle, f"--check={golden}", "--tolerance=1e9")
    return max(float(e) for e in re.findall(r"relative L2 error\s+(\S+)", out))


def layers(golden):
    """Return (name, input of mla-compile, reference of mla-run)."""
    for file in sorted(golden.glob("*.safetensors")):
        yield file.stem, file, file
    for directory in sorted(d for d in golden.iterdir() if d.is_dir()):
        yield directory.name, directory, directory / "golden.safetensors"


def measure(bins, name, weights, golden, scratch):
    replayed = scratch / f"{name}.replay.safetensors"
    run(sys.executable, pathlib.Path(__file__).with_name("replay.py"), weights, "--round=bf16", f"--write={replayed}")
    row = {}
    for plan in PLANS:
        for dtype in ("f32", "bf16"):
            bundle = scratch / "bundle.mla"
            run(bins / "mla-compile", f"--weights={weights}", f"--plan={plan}", f"--dtype={dtype}", "-o", bundle)
            row[plan, dtype] = worst(bins, bundle, golden)
            if dtype == "bf16":
                row[plan, "replay"] = worst(bins, bundle, replayed)
    return row


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=root / "build")
    parser.add_argument("--golden", type=pathlib.Path, default=root / "test/Models/golden")
    args = parser.parse_args()
    columns = [(plan, kind) for plan in PLANS for kind in BARS]
    for name in ("mla-compile", "mla-run"):
        needs.program(args.build / "bin" / name)
    needs.module("numpy")  # of replay.py
    print("| layer | " + " | ".join(f"{plan} {kind}" for plan, kind in columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    missed = 0
    with tempfile.TemporaryDirectory() as scratch:
        for name, weights, golden in layers(args.golden):
            row = measure(args.build / "bin", name, weights, golden, pathlib.Path(scratch))
            missed += sum(not row[plan, kind] <= BARS[kind] for plan, kind in columns)
            print(f"| {name} | " + " | ".join(f"{row[c]:.1e}" for c in columns) + " |", flush=True)
    sys.exit(f"{missed} entries exceed their tolerance" if missed else 0)


if __name__ == "__main__":
    main()
