#!/usr/bin/env python3
"""Runs a small version of test/GPU/device_check.py on the emulated device: emulated_check.py OUT GROUP NAME…

Compiles the bundles of the group to OUT, then runs it with each of the group's settings of MLA_EMULATOR, each in its own process.
References are float64; results are initialized to NaN and memory after each array is checked; every case runs twice and must repeat bit
by bit. Exit status 0 only if all cases passed. MLA_MLIR_PREFIX names the build tree, whose libmla-emulated-cuda.so is the driver."""
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(HERE), str(ROOT / "python"), str(ROOT / "benchmarks"), str(ROOT / "test" / "GPU"), str(ROOT / "test" / "Models" / "Inputs")]

import checks  # noqa: E402
import check_decode  # noqa: E402
import check_decoder  # noqa: E402
import check_e4m3  # noqa: E402
import check_e4m3_attention  # noqa: E402
import check_experts  # noqa: E402
import check_golden  # noqa: E402
import check_layers  # noqa: E402
import check_models  # noqa: E402
import check_naive  # noqa: E402
import check_products  # noqa: E402
import check_tables  # noqa: E402
import make_bundles  # noqa: E402
from mla_mlir import locate  # noqa: E402


def cores(module):
    return lambda names: [make_bundles.core_job(name, module.CORES[name], checks.directory) for name in names]


SMALL, SEVERAL = ("policy=lazy,threads=1", "policy=random:1,threads=1"), ("policy=lazy,threads=1,multiprocessors=4", "policy=random:1,threads=1,multiprocessors=40")
# group: (its bundles, its checks, settings of the device)
GROUPS = {
    "golden": (check_golden.jobs, check_golden.run, SMALL),
    "decode": (cores(check_decode), check_decode.run, ("policy=lazy,threads=1,multiprocessors=4", "policy=random:1,threads=1,multiprocessors=20")),
    "masked": (cores(check_decode), check_decode.run_masked, ("policy=lazy,threads=1,multiprocessors=4", "policy=random:1,threads=1,multiprocessors=20")),
    "splits": (cores(check_decode), check_decode.run_splits, SEVERAL),
    "merge": (cores(check_decode), check_decode.run_merge, ("policy=lazy,threads=1,multiprocessors=20", "policy=random:1,threads=1,multiprocessors=20")),
    "graph": (cores(check_decode), check_decode.run_graph, SMALL),
    "tester": (cores(check_decode), check_decode.run_tester, SMALL),
    "tables": (cores(check_decode), check_tables.run, SMALL),
    "models": (check_models.jobs, check_models.run, SEVERAL),
    "naive": (cores(check_naive), check_naive.run, SMALL),
    "e4m3attention": (check_e4m3_attention.jobs, check_e4m3_attention.run, ("policy=lazy,threads=1,multiprocessors=4", "policy=random:1,threads=1,multiprocessors=20")),
    "e4m3": (check_e4m3.jobs, check_e4m3.run, SMALL),
    "experts": (check_experts.jobs, check_experts.run, SEVERAL),
    "products": (check_products.jobs, check_products.run, SEVERAL),
    "decoder": (check_decoder.jobs, check_decoder.run, SMALL),
    "layers": (check_layers.jobs, check_layers.run, ("policy=lazy,threads=1,multiprocessors=4", "policy=random:1,threads=1,multiprocessors=24")),
}


def run_group(group, names):
    GROUPS[group][1](names)
    checks.save_results()
    print(f"{os.environ['MLA_EMULATOR']}: {checks.cases} cases, {checks.bad} bad", flush=True)
    sys.exit(checks.bad > 0 or checks.cases == 0)


def main():
    checks.directory, (group, *names) = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:]
    if "MLA_EMULATED_GROUP" in os.environ:
        run_group(group, names)
    checks.directory.mkdir(parents=True, exist_ok=True)
    make, _, settings = GROUPS[group]
    begin = time.time()
    checks.compile_bundles(make(names))
    print(f"compiled in {time.time() - begin:.0f} s", flush=True)
    driver = pathlib.Path(locate.compiler()).parents[1] / "lib" / "libmla-emulated-cuda.so"
    environment = os.environ | {"MLA_EMULATED_GROUP": group, "MLA_LIBCUDA": str(driver)}
    failed = False
    for setting in settings:
        begin = time.time()
        done = subprocess.run([sys.executable, __file__, *sys.argv[1:]], env=environment | {"MLA_EMULATOR": setting})
        failed |= done.returncode != 0
        print(f"{setting}: {'passed' if done.returncode == 0 else 'FAILED'} in {time.time() - begin:.0f} s", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
