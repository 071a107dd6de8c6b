"""Compares steps of layers that multiply e4m3 with a CPU's bundle of the same options, which computes the same in f32: it quantizes x at
the same places, and its weights are exact. Both start from the cache that the device left. It is in bf16: of
numbers next to a tie of e4m3, one would round up what the other rounds down.

NAME is that of a golden file, or of a generated layer whose heads consist of parts of blocks, so that all products are of e4m3: `blocks`,
or `joined`, whose projections to the latents of queries and of keys are one product;
":" and a form of both phases, or a plan of make_bundles.PLANS; ":1": one term of an element of x."""
import json

import numpy as np

import checks
import check_golden
import make_bundles
import safetensors_file
from checks import report
from device_arrays import Arena, from_bits, to_bits
from packed_rows import to_e4m3

# By terms: the device rounds to bf16 between kernels, and so may move a number over a tie of e4m3. Of one term, that is up to 1/8 of it.
TOLERANCES = {1: 6e-2, 2: 1e-2}
# New tokens of each sequence.
STEPS = ([17, 1, 0], [1, 1, 0], [0, 70, 5], [1, 1, 1], [3, 0, 66], [1, 1, 1])
# A head has 192 rows of W_UQ and of W_UKV: one and a half blocks.
BLOCKS_DIMS = 128, 64, 64, 128
BLOCKS = {**make_bundles.config(3, BLOCKS_DIMS), "hidden_size": 336,
          "quantization_config": {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic", "weight_block_size": [128, 128]}}
RANKS = {"blocks": 208, "joined": 256}  # of queries


def make_blocks(name):
    """Write a layer of sizes of columns that blocks of 128 do not divide."""
    rng, heads, (p, r, v, latent), hidden, rank = np.random.default_rng(0), 3, BLOCKS_DIMS, 336, RANKS[name]
    shapes = {"q_a_proj": (rank, hidden), "q_b_proj": (heads * (p + r), rank), "kv_a_proj_with_mqa": (latent + r, hidden),
              "kv_b_proj": (heads * (p + v), latent), "o_proj": (hidden, heads * v)}
    tensors = {}
    for key, shape in shapes.items():
        blocks = [-(-size // 128) for size in shape]
        codes = to_e4m3(np.clip(rng.standard_normal(shape) * 128, -448, 448).astype(np.float32))
        scales = (shape[1] ** -0.5 / 128 * np.exp(rng.uniform(-1, 1, blocks))).astype(np.float32)
        tensors[key + ".weight"] = ("F8_E4M3", shape, codes.tobytes())
        tensors[key + ".weight_scale_inv"] = ("F32", blocks, scales.tobytes())
    for key, size in (("q_a_layernorm", rank), ("kv_a_layernorm", latent)):
        tensors[key + ".weight"] = ("F32", [size], (1 + 0.1 * rng.standard_normal(size)).astype(np.float32).tobytes())
    safetensors_file.write(checks.directory / f"{name}.safetensors", {f"model.layers.0.self_attn.{key}": value for key, value in tensors.items()},
                           {"config": json.dumps(BLOCKS | {"q_lora_rank": rank})})


def parse(name):
    """Return (weights, plan, terms)."""
    stem, plan, *terms = name.split(":")
    weights = checks.directory / f"{stem}.safetensors" if stem in RANKS else check_golden.weights_of(stem)
    forms = make_bundles.PLANS[plan]
    return weights, forms if "=" in forms else f"prefill={forms},decode={forms}", 1 if terms else 2


def paths_of(name):
    return [checks.directory / (name.replace(":", "_") + suffix) for suffix in ("_h100", "_cpu")]


def jobs(names):
    for name in RANKS:
        make_blocks(name)
    made = []
    for name in names:
        weights, forms, terms = parse(name)
        device, cpu = paths_of(name)
        arguments = [f"--weights={weights}", "--dtype=fp8", f"--token-terms={terms}", f"--plan={forms}", "--page=16", "--cache-dtype=bf16"]
        made += [(device, arguments), (cpu, [*arguments, "--target=cpu"])]
    return made


class Sequences:
    def __init__(self, device, cpu):
        self.device, self.cpu, self.rng = device, cpu, np.random.default_rng(1)
        self.lengths, entries = [0] * len(STEPS[0]), -(-sum(map(max, STEPS)) // device.info.page)
        self.table = self.rng.permutation(len(self.lengths) * entries).reshape(-1, entries).astype(np.int32)
        self.pages = np.zeros((self.table.size, device.info.page, device.info.cache_row), np.uint16)

    def tables(self, counts):
        return self.table, np.array(self.lengths, np.int32), np.cumsum([0, *counts]).astype(np.int32)

    def step(self, counts):
        """Return (results, cached rows) of the device and of the CPU, from the same cache."""
        hidden = to_bits(self.rng.standard_normal((sum(counts), self.device.info.hidden_size)))
        self.lengths = [a + b for a, b in zip(self.lengths, counts)]
        bounds = {"max_queries": max(counts), "max_length": max(self.lengths)}
        with Arena() as arena:
            pages, out = arena.given("pages", self.pages, constant=False), arena.empty("out", hidden.shape, "bfloat16")
            given = [arena.given(name, value) for name, value in zip(("block_table", "lengths", "cu_seqlens"), self.tables(counts))]
            call = self.device.step_call(arena.given("hidden", hidden), pages, *given, out, cached=sum(self.lengths), **bounds)
            call.enqueue(workspace=arena.workspace(call.workspace_bytes()))
            checks.synchronize()
            found, cached = arena.read(out), arena.read(pages)
        expected, expected_pages = np.empty_like(hidden), self.pages.copy()
        self.cpu.step(hidden, expected_pages, *self.tables(counts), expected, **bounds)
        self.pages = cached
        return (from_bits(found), from_bits(expected)), (from_bits(cached), from_bits(expected_pages))


def run(names):
    for name in names:
        (device, cpu), tolerance = paths_of(name), TOLERANCES[parse(name)[2]]
        with checks.open_bundle(device) as on_device, checks.open_bundle(cpu) as on_cpu:
            sequences = Sequences(on_device, on_cpu)
            for counts in STEPS:
                (found, expected), (rows, expected_rows) = sequences.step(counts)
                error, row, cache = checks.relative(found, expected), checks.worst_row(found, expected), checks.relative(rows, expected_rows)
                report(error <= tolerance and row <= 5 * tolerance and cache <= TOLERANCES[2],
                       f"{name} new tokens {counts}, lengths {sequences.lengths}: error {error:.1e}, of a row {row:.1e}, of cached rows {cache:.1e}")
