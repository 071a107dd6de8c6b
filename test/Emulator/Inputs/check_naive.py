"""Compares naive attention cores of make_bundles.py with float64."""
import random

import numpy as np

import checks
import make_bundles
from checks import report
from device_arrays import Arena, from_bits, part, to_bits

TOLERANCE, ROW_TOLERANCE = 3.5e-3, 1.5e-2
MASKED = {
    "naive_all": (5, (64, 64, 128, 64), 64, ["--core-mask=none"]),
    "naive_window70_sinks": (5, (64, 32, 64, 64), 64, ["--core-mask=window=70", "--core-sinks"]),
    "naive_window1": (3, (64, 64, 128, 64), 64, ["--core-mask=window=1"]),
    "naive_window200": (4, (192, 64, 256, 64), 64, ["--core-mask=window=200"]),
    "naive_sinks": (5, (128, 64, 128, 64), 64, ["--core-sinks"]),
}
CORES = {name: core for name, core in make_bundles.CORES.items() if name.startswith("naive")} | MASKED


class Batch:
    def __init__(self, core, queries, keys, seed):
        self.heads, (self.nope, self.rope, self.v, _), _, flags = core
        self.is_causal, self.window = make_bundles.mask_of(flags)
        rng = np.random.default_rng(seed)
        self.queries, self.keys = queries, keys
        self.q = to_bits(rng.standard_normal((sum(queries), self.heads, self.nope + self.rope)))
        self.arrays = {"k_nope": (sum(keys), self.heads, self.nope), "k_rope": (sum(keys), self.rope), "v": (sum(keys), self.heads, self.v)}
        self.arrays = {name: to_bits(rng.standard_normal(shape)) for name, shape in self.arrays.items()}
        self.sinks = rng.standard_normal(self.heads).astype(np.float32) + 2 if "--core-sinks" in flags else None
        self.bounds, self.key_bounds = (np.cumsum([0, *counts]).astype(np.int32) for counts in (queries, keys))

    def run(self, bundle, band=0):
        with Arena(band) as arena:
            q = arena.given("q", self.q)
            rope = part(q, "q_rope", self.nope, self.nope + self.rope) if self.rope else None
            k_nope, k_rope, v = (arena.given(name, value) if value.size else None for name, value in self.arrays.items())
            cu_seqlens, cu_keys = arena.given("cu_seqlens", self.bounds), arena.given("cu_keys", self.key_bounds)
            out = arena.empty("out", (len(self.q), self.heads, self.v), "bfloat16")
            call = bundle.naive_attention_call(part(q, "q_nope", 0, self.nope), rope, k_nope, k_rope, v, cu_seqlens, cu_keys, out,
                                               max_queries=max(self.queries), max_length=max(self.keys),
                                               sinks=None if self.sinks is None else arena.given("sinks", self.sinks))
            size = call.workspace_bytes()
            call.enqueue(workspace=arena.workspace(size) if size else (0, 0))
            checks.synchronize()
            return arena.read(out), arena.touched()

    def reference(self):
        out, q, (k_nope, k_rope, v) = np.zeros((len(self.q), self.heads, self.v)), from_bits(self.q), map(from_bits, self.arrays.values())
        for i in range(len(self.keys)):
            begin, end, first, last = *self.bounds[i:i + 2], *self.key_bounds[i:i + 2]
            heads = q[begin:end].transpose(1, 0, 2)
            scores = heads[..., :self.nope] @ k_nope[first:last].transpose(1, 2, 0) + heads[..., self.nope:] @ k_rope[first:last].T
            scores = checks.masked(scores * (self.nope + self.rope) ** -0.5, self.is_causal, self.window)
            weights, _ = checks.softmax(scores, self.sinks)
            out[begin:end] = (weights @ v[first:last].transpose(1, 0, 2)).transpose(1, 0, 2)
        return out


def shapes(name, core):
    """Return (queries, keys): whole prefills, and chunks after cached keys. Many heads have fewer keys, to save time."""
    rng = random.Random(name)
    if core[0] > 64:
        yield [1, 63, 129], [1, 63, 129]
        yield [rng.randint(1, 65), 1, 65], [129, 1, 200]
        return
    edges = [1, 63, 64, 65, 127, 128, 129]
    yield edges, edges
    yield [300], [300]
    keys = [300, 65, 1, 128, 129, rng.randint(130, 300)]
    yield [rng.randint(1, n) for n in keys], keys
    yield [1] * len(keys), keys
    if window := make_bundles.mask_of(core[3])[1]:
        keys = [max(window + more, 1) for more in (-1, 0, 1, 127, 128, 129, 400)]
        yield keys, keys
        yield [rng.randint(1, n) for n in keys], keys


def run(names):
    for name in names:
        core = CORES[name]
        with checks.open_bundle(name) as bundle:
            for seed, (queries, keys) in enumerate(shapes(name, core)):
                batch = Batch(core, queries, keys, seed)
                (out, touched), (again, touched_again) = batch.run(bundle), batch.run(bundle, band=8192)
                expected, found = batch.reference(), from_bits(out)
                error, row, repeats = checks.relative(found, expected), checks.worst_row(found, expected), bool((out == again).all())
                report(error <= TOLERANCE and row <= ROW_TOLERANCE and repeats and not touched + touched_again,
                       f"{name} keys {keys} queries {queries}: error {error:.1e}, of a row {row:.1e}, repeats {repeats}, "
                       f"touched {touched + touched_again}")
            if name in MASKED:
                check_masks_seen(bundle, core, name)


def check_masks_seen(bundle, core, name):
    """The tester must see another mask and other sinks."""
    batch = Batch(core, [40], [make_bundles.mask_of(core[3])[1] + 50], 99)
    found = from_bits(batch.run(bundle)[0])
    report(checks.worst_row(found, batch.reference()) <= ROW_TOLERANCE, f"{name}: the result of 40 queries is another one")
    mask = batch.is_causal, batch.window
    batch.is_causal, batch.window = (True, batch.window + 1) if batch.window else (not batch.is_causal, 0)
    report(checks.worst_row(found, batch.reference()) > ROW_TOLERANCE, f"{name}: the tester does not see another mask")
    if batch.sinks is not None:
        batch.is_causal, batch.window = mask
        batch.sinks = batch.sinks + 2
        report(checks.worst_row(found, batch.reference()) > ROW_TOLERANCE, f"{name}: the tester does not see other sinks")
