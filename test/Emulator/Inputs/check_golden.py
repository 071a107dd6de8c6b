"""Compares with golden files through mla-run, in all plans, prefill and decode."""
import os
import pathlib
import subprocess

import checks
import make_bundles
from checks import report
from mla_mlir import locate

GOLDEN = make_bundles.HERE.resolve().parent / "Models" / "golden"
LONG = "long_prefill"  # derived from a golden file, with causal borders far from the sequence's end


def weights_of(stem):
    return next(path for path in GOLDEN.iterdir() if path.stem == stem)


# One form per phase: mla-run --check runs one prefill, so that more entries would only be compiled.
BOTH_PHASES = {form: f"decode={form},prefill={form}" for form in ("absorb", "naive", "fold")}
IS_LONG = "MLA_LONG_TESTS" in os.environ


def plans_of(stem):
    """Return equal forms of both sides for every file; for some, as on the GPU, mixed forms too. Folded, only layers of DeepSeek are
    compiled unless tests may be long: kernels of folded weights are projections of other sizes."""
    forms = {form: plan for form, plan in BOTH_PHASES.items() if form != "fold" or IS_LONG or stem.startswith(("v2", "v3"))}
    return {**forms, **{name: make_bundles.PLANS[name] for name in make_bundles.plans_of(stem) if name.startswith(("q", "o"))}}


def golden_jobs(stem):
    return [(checks.directory / f"golden_{stem}_{name}", [f"--weights={weights_of(stem)}", f"--plan={plan}"])
            for name, plan in plans_of(stem).items()]


def jobs(stems):
    made = []
    for stem in stems:
        if stem == LONG:
            made += make_bundles.long_prefill_jobs(GOLDEN, checks.directory)
        else:
            made += golden_jobs(stem)
    return made


def expected_of(stem):
    if stem == LONG:
        return checks.directory / "long_prefill.safetensors"
    weights = weights_of(stem)
    return weights / "golden.safetensors" if weights.is_dir() else weights


def mla_run(bundle, expected, *options):
    tool = pathlib.Path(locate.compiler()).with_name("mla-run")
    return subprocess.run([tool, bundle, f"--check={expected}", *options], capture_output=True, text=True)


def run(stems):
    for stem in stems:
        expected, bundles = expected_of(stem), sorted(checks.directory.glob(f"golden_{stem}_*"))
        report(len(bundles) == (4 if stem == LONG else len(plans_of(stem))), f"{stem}: there are {len(bundles)} bundles")
        for bundle in bundles:
            done = mla_run(bundle, expected)
            report(done.returncode == 0 and "passed: " in done.stdout, f"{bundle.name}\n{done.stdout}{done.stderr}")
        # Checks that must fail.
        done = mla_run(bundles[0], expected, "--tolerance=1e-5")
        report(done.returncode == 1 and "relative L2 error" in done.stdout, f"{bundles[0].name}: bf16 within 1e-5: it compares nothing")
