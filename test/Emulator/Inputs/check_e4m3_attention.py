"""Compares latent attention by products of e4m3 with float64 on the same numbers: cached ones, and queries quantized in the same way.
What remains is the rounding of probabilities to e4m3.

NAME is core_ + format, number of heads, widths of the latent and of k_rope, tokens per page and terms of queries, such as
core_fp8_row_h40_l512_r64_p64_t1; then _w and the keys of a window, and _s for sinks. The kernel is chosen by the schedule of the bundle's module."""
import json
import random
import re
import subprocess

import numpy as np

import check_decode
import checks
import make_bundles
from checks import report
from device_arrays import from_bits
from mla_mlir import locate
from packed_rows import E4M3, to_e4m3

# Of e4m3, a number differs by up to 1/16; half of that is the mean of few tokens. A small scale counts as 2^-20 of the token's largest in
# scores, which moves lse.
OUT_TOLERANCE, ROW_TOLERANCE, LSE_TOLERANCE = 3e-2, 5e-2, 3e-2 if checks.on_gpu() else 3e-4


def parse(name):
    pattern = r"core_(\w+)_h(\d+)_l(\d+)_r(\d+)_p(\d+)_t(\d)(?:_w(\d+))?(_s)?"
    fmt, heads, latent, rope, page, terms, window, sinks = re.fullmatch(pattern, name).groups()
    flags = [f"--cache-dtype={fmt}", *([f"--core-mask=window={window}"] if window else []), *(["--core-sinks"] if sinks else [])]
    return (int(heads), (16, int(rope), 16, int(latent)), int(page), flags), int(terms)


def make_module(name, path, flags):
    """Write the module of kernels with the wanted schedule."""
    command = [locate.compiler(), *flags, "--target=h100", "--emit=kernels", "-o", path]
    subprocess.run(list(map(str, command)), check=True, stderr=subprocess.DEVNULL)
    text, count = re.subn(r"(schedule <latent_attention, \{)[^}]*", rf"\1few_rows = 0, fixed_blocks = 0, min_blocks = 2, overhead = 5, query_terms = {parse(name)[1]}", path.read_text())
    assert count, f"{path} has no schedule of latent attention"
    path.write_text(text)


def jobs(names):
    made = []
    for name in names:
        path, flags = make_bundles.core_job(name, parse(name)[0], checks.directory)
        module = checks.directory / f"{name}.mlir"
        make_module(name, module, flags)
        made.append((path, [module, flags[0]]))
    return made


def quantized(queries, terms):
    """Queries as the kernel multiplies them: over a power of two per row, in so many terms of e4m3."""
    largest = np.abs(queries).max(-1, keepdims=True, initial=0.0)
    unit = 2.0 ** (np.floor(np.log2(np.maximum(largest, 2.0**-40))) - 7)
    rest, total = queries / unit, 0
    for _ in range(terms):
        term = E4M3[to_e4m3(rest.astype(np.float32))]
        rest, total = rest - term, total + term
    return total * unit


class Batch(check_decode.Batch):
    terms = 1

    def reference(self, rounds=False):
        exact, q = self.q, from_bits(self.q)
        latents, keys = quantized(q[..., :self.latent], self.terms), q[..., self.latent:]
        if self.format == "fp8_tensor" and self.rope:
            keys = quantized(keys, self.terms)
        try:
            self.q = np.concatenate([latents, keys], -1)
            return super().reference(rounds)
        finally:
            self.q = exact

    def given_queries(self, begin, end):
        return self.q[begin:end]


def check(bundle, name, queries, lengths, seed, edit=None):
    core, terms = parse(name)
    batch = Batch(core, queries, lengths, seed)
    batch.terms = terms
    if edit:
        edit(batch)
    return check_decode.compare(bundle, batch, f"{name} seed {seed}", (OUT_TOLERANCE, ROW_TOLERANCE, LSE_TOLERANCE))


def unequal(batch):
    """Make scales of tokens and of their groups differ by many orders of magnitude, with tokens of zeros. None is larger than those of
    other cases: the error of a GPU's sums grows with the scores."""
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((*batch.pages.shape[:2], batch.latent + batch.rope))
    rows[..., :batch.latent] *= np.exp2(rng.integers(-17, 1, (*rows.shape[:2], batch.latent // 128))).repeat(128, -1)
    rows[:, ::5, :batch.latent] = 0
    batch.pages = batch.pack(rows)


def run(names):
    for name in names:
        core, terms = parse(name)
        with checks.open_bundle(name) as bundle:
            windows = check_decode.shapes_of_window(name, core) if make_bundles.mask_of(core[3])[1] else ()
            for seed, (queries, lengths) in enumerate([*check_decode.shapes(name, core), *windows]):
                batch, out, lse = check(bundle, name, queries, lengths, seed)
            check(bundle, name, [1] * 40, [random.Random(seed).randint(0, 200) for seed in range(40)], 7)
            if core[1][3] >= 128 and "fp8_row" in name:
                check(bundle, name, [1, 2, 1], [64, 200, 700], 8, unequal)
            batch.terms = 3 - terms  # queries of another number of terms must be seen
            error, row, difference, _ = batch.errors(out, lse)
            report(difference > LSE_TOLERANCE, f"{name}: the tester does not see other queries: lse {difference:.1e}")
