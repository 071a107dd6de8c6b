#!/usr/bin/env python3
"""Compares a GPU with the emulated device: python3 agree.py make|run DIRECTORY [BUILD]

`make` compiles, on a machine with the compiler, the bundles of some groups of test/Emulator to DIRECTORY. `run` runs each group there on
both devices, with the libraries in DIRECTORY/lib (libmla-runtime.so.0, libmla-emulated-cuda.so), and compares all results: they may differ
by the rounding of bfloat16 and by the order of sums. Needs numpy and, to run, a GPU. Exit status 0 only if all agree."""
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import time

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
CHECK = HERE.parent / "Emulator" / "Inputs" / "emulated_check.py"
TOLERANCE = 3e-3  # relative L2: two roundings to bfloat16
GROUPS = (
    ("decode", "core_h1", "core_h12", "core_h16"), ("decode", "core_h40", "core_h128"), ("decode", "core_page16", "core_page32", "core_page128"),
    ("decode", "core_l256_r32", "core_p256_r0"), ("decode", "core_l64_r64", "core_l192_r64", "core_l320_r32", "core_l448_r64"), ("decode", "core_invariant"),
    ("decode", "core_l1024_r64", "core_l80_r64", "core_l208_r32"), ("decode", "core_l512_r128", "core_fp8_row_h16"),
    ("splits", "core_h16", "core_h5"), ("naive", "naive_h16", "naive_p192"), ("naive", "naive_p64_r32", "naive_p256_r0"),
    ("masked", "core_window513_sinks", "core_window70_page16"), ("masked", "core_window200_h128", "core_all"),
    ("masked", "core_window300_invariant_sinks", "core_window1"), ("masked", "core_fp8_row_window100_sinks", "core_fp8_tensor_window70_sinks"),
    ("naive", "naive_window70_sinks", "naive_all"), ("naive", "naive_window200"),
    ("layers", "v3_yarn", "v3_yarn:naive"), ("layers", "extras:absorb", "extras:naive"), ("layers", "minicpm3"), ("tables", "core_h16"), ("graph", "core_h16"),
)


def run_group(directory, number, device):
    """Run a group on a device. Return the results, or None if it failed."""
    kept = directory / f"{device}-{number}.npz"
    library = {"gpu": "libcuda.so.1", "emulated": str(directory / "lib" / "libmla-emulated-cuda.so")}[device]
    environment = os.environ | {"MLA_EMULATED_GROUP": GROUPS[number][0], "MLA_KEEP_RESULTS": str(kept), "MLA_LIBCUDA": library,
                                "MLA_EMULATOR": "policy=lazy,threads=1,multiprocessors=16",
                                "MLA_RUNTIME_LIBRARY": str(directory / "lib" / "libmla-runtime.so.0")}
    begin = time.time()
    done = subprocess.run([sys.executable, str(CHECK), str(directory), *GROUPS[number]], env=environment, capture_output=True, text=True)
    print(f"{device} {' '.join(GROUPS[number])}: exit {done.returncode} in {time.time() - begin:.0f} s; {done.stdout.strip()[-600:]} "
          f"{done.stderr.strip()[-600:]}", flush=True)
    if done.returncode or not kept.exists():
        return None
    with np.load(kept) as arrays:
        return [arrays[key] for key in arrays]


def difference(a, b):
    """Return the relative L2; infinite if only one has a number, or none has."""
    numbers = np.isfinite(a)
    if a.shape != b.shape or not numbers.any() or not np.array_equal(np.where(numbers, 0, a), np.where(np.isfinite(b), 0, b), equal_nan=True):
        return float("inf")
    a, b = (np.where(np.isfinite(x), x, 0).astype(np.float64) for x in (a, b))
    return float(np.linalg.norm(a - b) / max(np.linalg.norm(a), 1e-20))


def run(directory):
    jobs = [(number, device) for number in range(len(GROUPS)) for device in ("gpu", "emulated")]
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        found = dict(zip(jobs, pool.map(lambda job: run_group(directory, *job), jobs)))
    bad = 0
    for number, group in enumerate(GROUPS):
        gpu, emulated = found[number, "gpu"], found[number, "emulated"]
        if not gpu or not emulated or len(gpu) != len(emulated):
            print(f"BAD  {' '.join(group)}: no results to compare")
            bad += 1
            continue
        worst = max((difference(a, b) for a, b in zip(gpu, emulated)), default=0.0)
        equal = sum(int(np.array_equal(a, b, equal_nan=True)) for a, b in zip(gpu, emulated))
        bad += worst > TOLERANCE
        print(f"{'BAD ' if worst > TOLERANCE else 'ok  '} {' '.join(group)}: {len(gpu)} arrays, worst difference {worst:.1e}, {equal} equal bit by bit")
    print(f"agreement: {len(GROUPS)} groups, {bad} bad")
    return bad


def make(directory, build):
    """Compile the bundles. MLA_EMULATED_GROUP would run them."""
    sys.path.insert(0, str(CHECK.parent))
    os.environ["MLA_MLIR_PREFIX"] = str(build)
    import emulated_check  # finds the other modules
    import checks

    checks.directory = directory
    directory.mkdir(parents=True, exist_ok=True)
    for group, *names in GROUPS:
        checks.compile_bundles(emulated_check.GROUPS[group][0](names))


if __name__ == "__main__":
    path = pathlib.Path(sys.argv[2]).resolve()
    if sys.argv[1] == "make":
        make(path, pathlib.Path(sys.argv[3]).resolve())
    else:
        sys.exit(run(path) > 0)
