"""Compares latent attention cores of make_bundles.py, and of other widths, with float64."""
import random

import numpy as np

import checks
import device_arrays
import make_bundles
import mla_mlir
import packed_rows
from checks import report
from device_arrays import Arena, Driver, from_bits, part, to_bits

OUT_TOLERANCE, ROW_TOLERANCE, LSE_TOLERANCE = 3e-3, 1.5e-2, 2e-5
MOST_IF_WHOLE = 256 * 2 * 250  # of 256 threads, for each 256 sequences
NOWHERE = 2**30  # an invalid page number
# With an odd number of tiles of the latent, both warpgroups compute the middle one.
WIDTHS = {f"core_l{latent}_r{rope}": (heads, (16, rope, 16, latent), page, [])
          for latent, rope, heads, page in ((64, 64, 16, 64), (64, 0, 5, 32), (192, 64, 16, 64), (192, 0, 40, 128), (320, 32, 20, 16),
                                            (320, 0, 16, 64), (448, 64, 40, 64), (448, 0, 12, 64), (128, 16, 16, 64),
                                            # Not of whole tiles, or wider than the kernel of 64 rows takes.
                                            (1024, 64, 40, 64), (80, 64, 12, 64), (208, 32, 40, 32), (16, 16, 5, 64),
                                            (512, 128, 20, 64), (256, 96, 16, 16), (720, 0, 8, 128))}
# A packed cache: pages of fewer and more tokens than a block, a group of fewer than 128 columns, an odd number of tiles.
PACKED = {f"core_{fmt}_l{latent}_r{rope}_page{page}": (heads, (16, rope, 16, latent), page, [f"--cache-dtype={fmt}"])
          for fmt in ("fp8_row", "fp8_tensor")
          for latent, rope, heads, page in ((512, 64, 16, 64), (512, 64, 128, 16), (512, 0, 20, 128), (192, 32, 40, 32), (64, 16, 5, 64),
                                            # Converted for the kernel of swapped operands.
                                            (1024, 64, 16, 64), (80, 16, 12, 64), (208, 32, 40, 32), (512, 128, 20, 16), (720, 0, 8, 128))}
# Masks and sinks: windows of one key, smaller and larger than blocks and contexts, and of keys that fill no blocks.
MASKED = {
    "core_all": (16, (16, 64, 16, 512), 64, ["--core-mask=none"]),
    "core_sinks": (5, (16, 64, 16, 512), 32, ["--core-sinks"]),
    "core_window1": (20, (16, 64, 16, 512), 64, ["--core-mask=window=1"]),
    "core_window513_sinks": (16, (16, 64, 16, 512), 64, ["--core-mask=window=513", "--core-sinks"]),
    "core_window70_page16": (40, (16, 64, 16, 512), 16, ["--core-mask=window=70"]),
    "core_window200_h128": (128, (16, 64, 16, 512), 128, ["--core-mask=window=200"]),
    "core_window100_odd_tiles_sinks": (12, (16, 0, 16, 192), 32, ["--core-mask=window=100", "--core-sinks"]),
    "core_window300_invariant_sinks": (16, (16, 64, 16, 512), 64, ["--core-mask=window=300", "--core-sinks", "--batch-invariant"]),
    "core_fp8_row_window100_sinks": (16, (16, 64, 16, 512), 64, ["--core-mask=window=100", "--core-sinks", "--cache-dtype=fp8_row"]),
    "core_fp8_tensor_window70_sinks": (20, (16, 32, 16, 192), 32, ["--core-mask=window=70", "--core-sinks", "--cache-dtype=fp8_tensor"]),
    "core_fp8_row_window513_l1024": (16, (16, 64, 16, 1024), 64, ["--core-mask=window=513", "--cache-dtype=fp8_row"]),
    "core_fp8_tensor_window100_odd_sinks": (12, (16, 16, 16, 80), 16, ["--core-mask=window=100", "--core-sinks", "--cache-dtype=fp8_tensor"]),
    "core_fp8_tensor_all": (16, (16, 64, 16, 512), 16, ["--core-mask=none", "--cache-dtype=fp8_tensor"]),
}
CORES = {name: core for name, core in make_bundles.CORES.items() if name.startswith("core")} | WIDTHS | PACKED | MASKED


class Batch:
    """Return random queries and pages; NaN in rows without a token that some query sees, invalid page numbers beside the last and the first
    one with such a token."""

    def __init__(self, core, queries, lengths, seed=0):
        self.heads, (nope, self.rope, _, self.latent), self.page, flags = core
        self.format, (self.is_causal, self.window) = make_bundles.cache_of(flags), make_bundles.mask_of(flags)
        self.queries, self.lengths, self.scale = list(queries), list(lengths), (nope + self.rope) ** -0.5
        rng, width = np.random.default_rng(seed), self.latent + self.rope
        need = [-(-n // self.page) for n in lengths]
        order = rng.permutation(sum(need) + 3).astype(np.int32)
        self.pages = self.pack(rng.standard_normal((sum(need) + 3, self.page, width)))
        none = np.array(-1).astype(self.pages.dtype)  # no number
        self.table = np.full((len(lengths), max(need) + 2), NOWHERE, np.int32)
        used = 0
        for i, (count, n) in enumerate(zip(need, lengths)):
            self.table[i, :count] = order[used:used + count]
            used += count
            if n % self.page:
                self.pages[self.table[i, count - 1], n % self.page:] = none
        self.pages[order[used:]] = none
        self.bounds = np.cumsum([0, *queries]).astype(np.int32)
        self.q = to_bits(rng.standard_normal((sum(queries), self.heads, width)))
        self.sinks = rng.standard_normal(self.heads).astype(np.float32) + 3 if "--core-sinks" in flags else None
        for i in range(len(lengths) if self.window else 0):
            whole, rows = divmod(self.unseen(i), self.page)
            self.pages[self.table[i, :whole]] = none
            self.table[i, :whole] = NOWHERE
            if rows:
                self.pages[self.table[i, whole], :rows] = none

    def unseen(self, i):
        """Return how many tokens lie before the windows of all queries of a sequence."""
        return max(self.lengths[i] - max(self.queries[i], 1) + 1 - self.window, 0) if self.window else 0

    def pack(self, rows):
        return to_bits(rows) if self.format == "bf16" else packed_rows.pack(rows, self.format, self.latent)

    def unpack(self, pages, rounds):
        if self.format == "bf16":
            return from_bits(pages)
        rows = packed_rows.unpack(pages, self.format, self.latent, self.rope)
        return from_bits(to_bits(rows)) if rounds else rows

    def parts(self, arena, apart):
        """Return both parts of the queries: of one row, or apart, of rows of their own and of wider ones."""
        if not apart:
            q = self.device["q"] = arena.given("q", self.q)
            return part(q, "q_latent", 0, self.latent), part(q, "q_rope", self.latent, self.latent + self.rope)
        wide = np.concatenate([np.full((*self.q.shape[:2], 24), 0xFFFF, np.uint16), self.q[..., self.latent:]], -1)
        return arena.given("q_latent", self.q[..., :self.latent]), part(arena.given("wide", wide), "q_rope", 24, 24 + self.rope)

    def call(self, bundle, arena, settled=False, apart=False):
        self.device = {}
        latent, rope = self.parts(arena, apart)
        self.arrays = {"pages": self.pages, "block_table": self.table, "lengths": np.array(self.lengths, np.int32), "cu_seqlens": self.bounds}
        given = [arena.given(name, value) for name, value in self.arrays.items()]
        tokens = len(self.q)
        out, lse = arena.empty("out", (tokens, self.heads, self.latent), "bfloat16"), arena.empty("lse", (tokens, self.heads), "float32")
        sinks = None if self.sinks is None else arena.given("sinks", self.sinks)
        call = bundle.latent_attention_call(latent, rope if self.rope else None, *given, out, lse, max_queries=max(self.queries),
                                            indices_settled=settled, sinks=sinks)
        self.device |= {"out": out, "lse": lse, **dict(zip(self.arrays, given))}
        if sinks is not None:
            self.device["sinks"] = sinks
        return call, out, lse

    def run(self, bundle, band=0, settled=False, apart=False):
        """Return (bits of out, bits of lse, names of memory changed by mistake)."""
        with Arena(band) as arena:
            call, out, lse = self.call(bundle, arena, settled, apart)
            call.enqueue(workspace=arena.workspace(call.workspace_bytes()))
            checks.synchronize()
            return arena.read(out), arena.read(lse), arena.touched()

    def given_queries(self, begin, end):
        return from_bits(self.q[begin:end])

    def reference(self, rounds=False):
        """rounds: of the numbers of a packed cache rounded to bfloat16, in which a kernel may multiply them."""
        out = np.zeros((len(self.q), self.heads, self.latent))
        lse = np.full((len(self.q), self.heads), -np.inf)
        for i, n in enumerate(self.lengths):
            begin, end = self.bounds[i], self.bounds[i + 1]
            if n == 0:
                continue
            table = self.table[i, :-(-n // self.page)]
            pages = self.pages[np.where(table == NOWHERE, 0, table)]
            rows = self.unpack(pages, rounds).reshape(-1, self.latent + self.rope)[:n]
            rows[:self.unseen(i)] = 0
            scores = self.given_queries(begin, end).transpose(1, 0, 2) @ rows.T * self.scale
            weights, sums = checks.softmax(checks.masked(scores, self.is_causal, self.window), self.sinks)
            out[begin:end], lse[begin:end] = (weights @ rows[:, :self.latent]).transpose(1, 0, 2), sums.T
        return out, lse

    def errors(self, out, lse):
        """Return (relative L2 of all and of the worst row, absolute error of lse, whether rows without keys are correct); of a
        packed cache, by the nearer reference."""
        found = [self.errors_of(out, lse, self.reference(rounds)) for rounds in ((False,) if self.format == "bf16" else (False, True))]
        return min(found, key=lambda errors: errors[2])

    def errors_of(self, out, lse, reference):
        expected, expected_lse = reference
        seen, found = np.isfinite(expected_lse), from_bits(out)
        nothing = bool((lse[~seen] == -np.inf).all() and (found[~seen] == 0).all())
        difference = np.abs(lse[seen] - expected_lse[seen]).max(initial=0.0)
        return checks.relative(found, expected), checks.worst_row(found[seen], expected[seen]), difference, nothing


def compare(bundle, batch, name, tolerances):
    """Run a batch twice, with the parts of queries side by side and apart, and compare it with its reference."""
    out, lse, touched = batch.run(bundle)
    again, lse_again, touched_again = batch.run(bundle, band=8192, settled=True, apart=True)  # tables have been copied before
    repeats = bool((out == again).all() and (lse.view(np.uint32) == lse_again.view(np.uint32)).all())
    error, row, difference, nothing = batch.errors(out, lse)
    good = all(found <= most for found, most in zip((error, row, difference), tolerances))
    report(good and nothing and repeats and not touched + touched_again,
           f"{name} queries {batch.queries} lengths {batch.lengths}: error {error:.1e}, of a row {row:.1e}, lse {difference:.1e}, "
           f"empty rows {nothing}, repeats {repeats}, touched {touched + touched_again}")
    return batch, out, lse


def check(bundle, core, name, queries, lengths, seed=0):
    batch = Batch(core, queries, lengths, seed)
    lse = LSE_TOLERANCE * max(1, batch.q.shape[-1] / 576)  # scores are sums of as many products
    return compare(bundle, batch, f"{name} seed {seed}", (OUT_TOLERANCE, ROW_TOLERANCE, lse))


def shapes(name, core):
    """Return (queries, lengths) of the batches of one core."""
    page, rng = core[2], random.Random(name)
    edges = sorted({0, 1, page - 1, page, page + 1, 63, 64, 65, 127, 128, 129})
    yield [1] * len(edges), edges
    yield [1], [600]
    for s_q, batch in ((2, 2), (3, 7), (5, 2), (8, 3)):
        # The last sequence is shorter than its queries: some have no keys.
        yield [s_q, *(rng.randint(1, s_q) for _ in range(batch - 2)), s_q], [*(rng.randint(0, 300) for _ in range(batch - 1)), s_q // 2]


def shapes_of_window(name, core):
    """Return (queries, lengths) beside those of all cores: lengths around the window's, ragged queries, and sequences in several splits."""
    page, (_, window), rng = core[2], make_bundles.mask_of(core[3]), random.Random(name)
    edges = sorted({max(length + more, 0) for length in (window, window + 63, window + 64, window + page, 3 * window) for more in (-1, 0, 1)})
    yield [1] * len(edges), edges
    for s_q in (1, 2, 3, 4):
        lengths = [rng.randint(0, window + 200) for _ in range(6)]
        yield [rng.randint(1, s_q) for _ in lengths], lengths
    yield [4], [window + 1500]
    yield [3, 1], [1300, 2 * window + 40]


def run_masked(names):
    """Check masks and sinks; that blocks which no query sees are not copied; and that another mask or other sinks would be seen."""
    for name in names:
        core = CORES[name]
        with checks.open_bundle(name) as bundle:
            batches = [*shapes(name, core), *(shapes_of_window(name, core) if make_bundles.mask_of(core[3])[1] else ())]
            for seed, (queries, lengths) in enumerate(batches):
                batch, out, lse = check(bundle, core, name, queries, lengths, seed)
            if "invariant" in name:
                invariant(bundle, core, name)
            if batch.window:
                check_copies(bundle, core, name)
            check_masks_seen(bundle, core, name)
            check_sinks_refused(bundle, core, name)


def check_sinks_refused(bundle, core, name):
    """Sinks must be given to a bundle that has them, and only to such."""
    batch = Batch(core, [1], [70])
    text = "sinks is NULL" if batch.sinks is not None else "sinks is given, and the bundle's kernels have none"
    batch.sinks = None if batch.sinks is not None else np.zeros(batch.heads, np.float32)
    try:
        batch.run(bundle)
        report(False, f"{name}: sinks that the bundle does not expect, or lacks, are not rejected")
    except mla_mlir.Error as error:
        report(text in str(error), f"{name}: {error}")


def check_copies(bundle, core, name):
    """Check the bytes that reach shared memory: those of two windows, and queries of all splits, but not of two contexts of 63 blocks."""
    if device_arrays.IS_EMULATED:
        device_arrays.reset_counters()
    batch, _, _ = check(bundle, core, name, [1, 1], [4000, 4000])
    if not device_arrays.IS_EMULATED:  # which alone counts
        return
    blocks, passes, splits = (batch.window + 63) // 64 + 1, 2, 24  # compare runs twice
    row = 2 * 64 * -(-(batch.latent + batch.rope) // 64)
    most = passes * -(-batch.heads // 64) * (2 * blocks + splits) * 64 * row
    copied = sum(count["copied_in"] for kernel, count in device_arrays.counters().items() if "attention" in kernel)
    report(copied <= most, f"{name}: {copied} bytes are copied for windows of {batch.window} tokens, expected at most {most}")


def check_masks_seen(bundle, core, name):
    """The tester must see a window of another key, and other sinks."""
    length = max(make_bundles.mask_of(core[3])[1] + 50, 70)
    batch, out, lse = check(bundle, core, name, [3], [length], seed=99)
    if batch.window:
        batch.pages = np.where(batch.pages == np.array(-1).astype(batch.pages.dtype), batch.pages.dtype.type(0), batch.pages)
        batch.window += 1
    elif not batch.is_causal:
        batch.is_causal = True
    if batch.window or batch.is_causal != make_bundles.mask_of(core[3])[0]:
        difference = batch.errors(out, lse)[2]
        report(difference > LSE_TOLERANCE, f"{name}: the tester does not see another mask")
    if batch.sinks is not None:
        batch, out, lse = check(bundle, core, name, [3], [length], seed=99)
        batch.sinks = batch.sinks + 2
        row = batch.errors(out, lse)[1]
        report(row > ROW_TOLERANCE, f"{name}: the tester does not see other sinks")


def run(names):
    for name in names:
        core = CORES[name]
        with checks.open_bundle(name) as bundle:
            for seed, (queries, lengths) in enumerate(shapes(name, core)):
                check(bundle, core, name, queries, lengths, seed)
            if "invariant" in name:
                invariant(bundle, core, name)


def invariant(bundle, core, name):
    """Check that a sequence's result does not depend on the rest of the batch."""
    rng = random.Random(3)
    lengths = [600] + [rng.randint(1, 400) for _ in range(5)]
    batch, out, lse = check(bundle, core, name, [1] * len(lengths), lengths)
    for i in (0, 3):
        alone = Batch(core, [1], lengths[i:i + 1])
        alone.pages, alone.table, alone.q, alone.sinks = batch.pages, batch.table[i:i + 1], batch.q[i:i + 1], batch.sinks
        own, own_lse, _ = alone.run(bundle)
        report((own[0] == out[i]).all() and (own_lse[0] == lse[i]).all(), f"{name}: sequence {i} alone differs from the same in a batch")


def run_splits(names):
    """Check batches small and large relative to the number of SMs: parts with several sequences, and sequences in several parts,
    which one warp merges, or several from 9 splits on."""
    for name in names:
        core, rng = CORES[name], random.Random(1)
        with checks.open_bundle(name) as bundle:
            for batch in (1, 2, 7, 40):
                check(bundle, core, name, [1] * batch, [rng.randint(0, 600 if batch < 40 else 200) for _ in range(batch)], seed=batch)
            check(bundle, core, name, [1], [2304])
            check(bundle, core, name, [2, 1], [1200, 2300])


def spread(kernel):
    """Return (maximum, mean) of the instructions that a CTA of a kernel's launches executed."""
    count = next(count for name, count in device_arrays.counters().items() if name.startswith(kernel))
    return count["largest_block"], count["thread_instructions"] / count["blocks"]


def run_merge(names):
    """Check that the partial results of one long sequence among many short ones are merged by all SMs, and that the merge is
    short if nothing is split."""
    for name in names:
        core, rng = CORES[name], random.Random(2)
        with checks.open_bundle(name) as bundle:
            lengths = [rng.randint(40, 500) for _ in range(23)] + [12000]
            device_arrays.reset_counters()
            check(bundle, core, name, [3] * len(lengths), lengths)
            most, mean = spread("latent_merge")
            report(most <= 3 * mean, f"{name} lengths {lengths}: a block of the merge executes {most} instructions, {mean:.0f} in the mean")
            device_arrays.reset_counters()
            check(bundle, core, name, [1] * 300, [1] * 300)
            most, _ = spread("latent_merge")
            report(most <= MOST_IF_WHOLE, f"{name}: nothing to merge, and a block executes {most} instructions")


def run_graph(names):
    """Check that a captured step can be replayed with other lengths, tables and queries."""
    driver = Driver()
    for name in names:
        core = CORES[name]
        with checks.open_bundle(name) as bundle, Arena() as arena:
            held = Batch(core, [1] * 4, [300] * 4)
            call, out, lse = held.call(bundle, arena)
            workspace = arena.workspace(call.workspace_bytes())
            launch, close = driver.captured(lambda stream: call.enqueue(stream, workspace))
            report((arena.read(out) == 0xFFFF).all(), f"{name}: a captured call runs at once")
            rng, replays = random.Random(5), 0
            for seed in range(5):
                lengths = [rng.choice([0, 1, 64, rng.randint(0, 300)]) for _ in range(3)] + [280]
                other = Batch(core, [1] * 4, lengths, seed)
                pages, table = held.pages.copy(), np.full_like(held.table, -3)
                pages[:len(other.pages)], table[:, :other.table.shape[1]] = other.pages, other.table
                for array, contents in (("pages", pages), ("block_table", table), ("lengths", other.lengths), ("q", other.q),
                                        ("out", np.full(out.shape, 0xFFFF)), ("lse", np.full(lse.shape, np.nan))):
                    Arena.write(held.device[array], contents)
                launch()
                error, row, difference, nothing = other.errors(arena.read(out), arena.read(lse))
                replays += 1
                report(error <= OUT_TOLERANCE and row <= ROW_TOLERANCE and difference <= LSE_TOLERANCE and nothing,
                       f"{name}: replay with lengths {lengths}: {error:.1e}, of a row {row:.1e}, lse {difference:.1e}, empty rows {nothing}")
            close()


def run_tester(names):
    """Checks that must fail: a token changed after the kernel ran, and a tolerance below bfloat16's precision."""
    for name in names:
        with checks.open_bundle(name) as bundle:
            batch, out, lse = check(bundle, CORES[name], name, [1] * 3, [100, 200, 300])
            error, _, difference, _ = batch.errors(out, lse)
            report(error > 1e-5, "outputs of bfloat16 lie within 1e-5: they are compared with themselves")
            batch.pages[batch.table[1, 0], 3] ^= 0x8000
            error, row, difference, _ = batch.errors(out, lse)
            report(error > OUT_TOLERANCE and row > ROW_TOLERANCE and difference > LSE_TOLERANCE, "the tester does not see a changed token")
            with Arena(band=256) as arena:
                array = arena.given("constant", np.zeros(5, np.int32))
                Arena.write(array, np.arange(5))
                last = mla_mlir.dlpack.Array("last", array.address + 20, (1,), (1,), "int32", array.device)
                Arena.write(last, np.zeros(1))
                report(arena.touched() == ["behind constant", "constant"], "the tester does not see what a kernel may not touch")
