"""Compares steps of whole layers on ragged batches with benchmarks/replay.py in float64: projections of few and many tokens over all
tiles and their tails, the append of rows, the gather of cached ones, and the merge of splits.

NAME is that of a golden file, or of a generated layer: `wide`, `uneven`, or `joined`, whose projections to the latents of queries and of
keys are one product; `extras` is v3_yarn with a window, sinks and a gate, which no model's import makes yet. NAME:PLAN: one of
make_bundles.PLANS, else auto."""
import json
import re
import subprocess

import numpy as np

import checks
import check_golden
import make_bundles
import replay
from checks import report
from device_arrays import Arena, from_bits, to_bits
from mla_mlir import locate

TOLERANCE, ROW_TOLERANCE = 1.5e-2, 3e-2  # bf16 after four roundings; the tolerance of mla-run --check is 2e-2
# New tokens of each sequence: 1, 2, 15, 16, 17, 33, 65, 129 and 257 in all, then decode at lengths around 200 with odd and
# even sums: if odd, registers hold the last key and an uninitialized one.
STEPS = ([1, 0, 0], [1, 1, 0], [9, 1, 5], [8, 8, 0], [2, 10, 5], [30, 1, 2], [1, 63, 1], [64, 0, 65], [0, 1, 0], [128, 65, 64], [1, 1, 1],
         [8, 3, 5])
# Rank of queries, and P, R, V, L: no whole tiles; whole tiles of ranks; no whole tiles of the latent.
GENERATED = {"wide": (264, (64, 32, 80, 128)), "joined": (256, (64, 32, 80, 128)), "uneven": (256, (64, 32, 80, 208))}


def make_wide(name):
    """Write a layer of sizes that no tile divides, with more tiles than SMs."""
    rng, heads, hidden, (rank, dims) = np.random.default_rng(0), 6, 1032, GENERATED[name]
    p, r, v, latent = dims
    config = {**make_bundles.config(heads, dims), "hidden_size": hidden, "q_lora_rank": rank}
    shapes = {"q_a_proj": (rank, hidden), "q_b_proj": (heads * (p + r), rank), "kv_a_proj_with_mqa": (latent + r, hidden),
              "kv_b_proj": (heads * (p + v), latent), "o_proj": (hidden, heads * v)}
    tensors = {f"{name}.weight": rng.standard_normal(shape, np.float32) * shape[1] ** -0.5 for name, shape in shapes.items()}
    tensors |= {f"{name}.weight": 1 + 0.1 * rng.standard_normal(size, np.float32)
                for name, size in (("q_a_layernorm", rank), ("kv_a_layernorm", latent))}
    tensors = {f"model.layers.0.self_attn.{name}": value for name, value in tensors.items()}
    replay.write_safetensors(str(checks.directory / f"{name}.safetensors"), tensors, {"config": json.dumps(config)})


WINDOW = 21


class ExtraLayer(replay.Layer):
    """v3_yarn with a window, with sinks that are the first scales of the latent's norm, and gated by its queries without position."""

    def nope_scores(self, x, latent, per_position):
        self.gate = np.einsum("bti,hpi->bthp", x, self.w_q_nope)
        scores = super().nope_scores(x, latent, per_position)
        return checks.masked(scores.reshape(-1, *scores.shape[2:]), window=WINDOW).reshape(scores.shape)

    def softmax(self, scores):
        sinks = self.weight("kv_a_layernorm.weight")[:scores.shape[1]]
        return checks.softmax(scores[0], sinks)[0][None]

    def output(self, probabilities, latent):
        values = np.einsum("bnl,hvl->bnhv", latent, self.w_uv)
        attended = np.einsum("bhtn,bnhv->bthv", probabilities, values)
        return np.einsum("bthv,dhv->btd", attended / (1 + np.exp(-self.gate)), self.w_o)


def make_extras():
    """Write the imported module of v3_yarn with a window, sinks and a gate; return its path."""
    path = checks.directory / "extras.mlir"
    command = [locate.compiler(), f"--weights={check_golden.weights_of('v3_yarn')}", "--target=h100", "--emit=import", "-o", path]
    subprocess.run(list(map(str, command)), check=True, stderr=subprocess.DEVNULL)
    edits = ((r"( *)(%o = mla\.attention .*) \{(scale = .*tensor<\?x4x32xf32>)\) -> (tensor<\?x4x32xf32>)",
              r"\1%sinks = tensor.extract_slice %kv_a_layernorm[0] [4] [1] : tensor<64xf32> to tensor<4xf32>\n"
              rf"\1\2 sinks(%sinks) {{mask = #mla.mask<window = {WINDOW}>, \3, tensor<4xf32>) -> \4\n"
              r"\1%gated = mla.gate %o by %q_nope : (\4, \4) -> \4"),
             (r"from_heads %o,", "from_heads %gated,"))
    text = path.read_text()
    for pattern, by in edits:
        text, count = re.subn(pattern, by, text)
        assert count == 2, f"{path} has no {pattern} in both phases"
    path.write_text(text)
    return path


def parse(name):
    stem, _, plan = name.partition(":")
    if stem == "extras":
        return check_golden.weights_of("v3_yarn"), plan or "auto"
    return checks.directory / f"{stem}.safetensors" if stem in GENERATED else check_golden.weights_of(stem), plan or "auto"


def job(name):
    weights, plan = parse(name)
    if not name.startswith("extras"):
        return make_bundles.golden_job(weights, plan, checks.directory)
    return checks.directory / f"golden_extras_{plan}", [make_extras(), f"--weights={weights}", f"--plan={make_bundles.PLANS[plan]}"]


def jobs(names):
    for name in {name.partition(":")[0] for name in names} & GENERATED.keys():
        make_wide(name)
    return [job(name) for name in names]


class Sequences:
    """Sequences and their cache: pages of random numbers, NaN in rows without a token."""

    def __init__(self, bundle, weights, config, count, most, layer=replay.Layer, seed=0):
        self.info, self.rng = bundle.info, np.random.default_rng(seed)
        self.layers = [layer(replay.Semantics(config), weights, 0, "naive", "bf16") for _ in range(count)]
        self.lengths, entries = [0] * count, -(-most // self.info.page)
        self.table = self.rng.permutation(count * entries + 2)[:count * entries].reshape(count, entries).astype(np.int32)
        self.row = self.info.kv_lora_rank + self.info.qk_rope_head_dim
        self.pages = np.full((count * entries + 2, self.info.page, self.row), 0x7FC0, np.uint16)

    def step(self, bundle, counts):
        """Run a step twice and check it."""
        hidden = to_bits(self.rng.standard_normal((sum(counts), self.info.hidden_size)))
        self.lengths = [a + b for a, b in zip(self.lengths, counts)]
        (out, pages, touched), (again, pages_again, touched_again) = (self.run(bundle, counts, hidden, band) for band in (0, 8192))
        expected, latent, rope = self.replay(counts, hidden)
        found, rows = from_bits(out), self.new_rows(counts)
        error, row = checks.relative(found, expected), checks.worst_row(found, expected)
        appended = from_bits(pages.reshape(-1, self.row)[rows])
        width = latent.shape[1]
        cache = max(checks.worst_row(appended[:, :width], latent), checks.relative(appended[:, width:], rope) if rope.size else 0.0)
        before, after = self.pages.reshape(-1, self.row).copy(), pages.reshape(-1, self.row).copy()
        before[rows] = after[rows] = 0
        repeats, kept = bool((out == again).all() and (pages == pages_again).all()), bool((before == after).all())
        self.pages = pages
        report(error <= TOLERANCE and row <= ROW_TOLERANCE and cache <= ROW_TOLERANCE and repeats and kept and not touched + touched_again,
               f"{bundle.info.path} new tokens {counts}, lengths {self.lengths}: error {error:.1e}, of a row {row:.1e}, of cached rows {cache:.1e}, "
               f"repeats {repeats}, other rows are kept {kept}, touched {touched + touched_again}")

    def run(self, bundle, counts, hidden, band):
        with Arena(band) as arena:
            pages = arena.given("pages", self.pages, constant=False)
            out = arena.empty("out", hidden.shape, "bfloat16")
            table = self.table.copy()
            for s, length in enumerate(self.lengths):
                table[s, -(-length // self.info.page):] = 2**30
            call = bundle.step_call(arena.given("hidden", hidden), pages, arena.given("block_table", table),
                                    arena.given("lengths", np.array(self.lengths, np.int32)),
                                    arena.given("cu_seqlens", np.cumsum([0, *counts]).astype(np.int32)), out, max_queries=max(counts),
                                    max_length=max(self.lengths), cached=0 if band else sum(self.lengths))
            call.enqueue(workspace=arena.workspace(call.workspace_bytes()))
            checks.synchronize()
            return arena.read(out), arena.read(pages), arena.touched()

    def new_rows(self, counts):
        """Return the indices of the new tokens' rows among the rows of all pages."""
        page = self.info.page
        return [self.table[s, t // page] * page + t % page
                for s, (length, count) in enumerate(zip(self.lengths, counts)) for t in range(length - count, length)]

    def replay(self, counts, hidden):
        """Return (out, new rows of the latent, of the rotated keys)."""
        results, first = [], 0
        for layer, count in zip(self.layers, counts):
            if count:
                out = layer.step(from_bits(hidden[first:first + count])[None])[0]
                results.append((out, *(cached[0, -count:] for cached in layer.cache)))
            first += count
        return tuple(np.concatenate(parts) for parts in zip(*results))


def run(names):
    for name in names:
        path, plan = parse(name)
        if path.stem in GENERATED:
            weights, metadata = replay.read_safetensors(path)
            config = json.loads(metadata["config"])
        else:
            _, weights, _, config = replay.read_golden(path)
        is_extra = name.startswith("extras")
        with checks.open_bundle(f"golden_{'extras' if is_extra else path.stem}_{plan}") as bundle:
            sequences = Sequences(bundle, weights, config, 3, sum(map(max, STEPS)), ExtraLayer if is_extra else replay.Layer)
            for counts in STEPS:
                sequences.step(bundle, counts)
