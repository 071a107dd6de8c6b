"""Compares steps of a small model without experts: the next tokens with the logits, a captured step with an enqueued one, and both with
mla_run_model. NAME is that of a key of MODELS."""
import ctypes
import json

import numpy as np

import checks
from checks import report
from device_arrays import Arena
from mla_mlir import runtime

# The vocabularies are one that a CTA reads in one turn, and one with a second turn and a tail.
CONFIG = {
    "model_type": "youtu", "hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4, "q_lora_rank": 64, "kv_lora_rank": 64,
    "qk_nope_head_dim": 32, "qk_rope_head_dim": 16, "v_head_dim": 32, "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "hidden_act": "silu",
    "max_position_embeddings": 2048, "num_hidden_layers": 2, "tie_word_embeddings": False,
}
MODELS = {"small": 264, "large": 16384 + 4104}
SEQUENCES, WIDTH = 5, 2  # a row of the block table has room for two pages


def jobs(names):
    made = []
    for name in names:
        path = checks.directory / f"{name}.json"
        path.write_text(json.dumps({**CONFIG, "vocab_size": MODELS[name]}))
        made.append((checks.directory / f"model_{name}",
                     [f"--config={path}", "--scope=model", "--layers=all", "--plan=decode=absorb,prefill=naive"]))
    return made


class Step:
    """A decode step of SEQUENCES sequences, in an arena: the last has a NaN in its cache, the first a token outside the vocabulary."""

    def __init__(self, bundle, arena):
        info, rng = bundle.info, np.random.default_rng(0)
        self.bundle, self.rows = bundle, SEQUENCES
        ids = rng.integers(0, info.vocab_size, SEQUENCES).astype(np.int32)
        ids[0] = -5
        self.ids = arena.given("ids", ids, constant=False)
        self.lengths = arena.given("lengths", np.array([1] + [3] * (SEQUENCES - 1), np.int32), constant=False)
        table = arena.given("block_table", rng.permutation(SEQUENCES * WIDTH).reshape(SEQUENCES, WIDTH).astype(np.int32))
        cached = (rng.standard_normal((SEQUENCES * WIDTH, info.page, info.cache_row)).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
        last = self.read_table(arena, table)[-1, 0]
        cached[last, 0, 0] = 0x7FC0
        layers = [arena.given("pages", cached, constant=False) for _ in info.layers]
        self.pages = (ctypes.c_void_p * len(layers))(*(pages.address for pages in layers))
        bounds = arena.given("cu_seqlens", np.arange(SEQUENCES + 1, dtype=np.int32))
        self.logits, self.next = arena.empty("logits", (SEQUENCES, info.vocab_size), "float32"), arena.empty("next", (SEQUENCES,), "int32")
        self.struct = runtime.ModelStep(
            size=ctypes.sizeof(runtime.ModelStep), which=runtime.LOGITS_LAST, tokens=SEQUENCES, batch=SEQUENCES, max_queries=1,
            max_length=WIDTH * info.page, num_pages=SEQUENCES * WIDTH, table_width=WIDTH, ids=self.ids.address,
            cu_seqlens=bounds.address, pages=ctypes.addressof(self.pages), block_table=table.address, lengths=self.lengths.address,
            logits=self.logits.address, next=self.next.address)
        needed = ctypes.c_uint64()
        runtime.loaded().mla_model_workspace(bundle.handle, self.struct, ctypes.byref(needed))
        self.struct.workspace, self.struct.workspace_bytes = arena.workspace(needed.value)

    @staticmethod
    def read_table(arena, table):
        return arena.read(table)

    def enqueue(self):
        runtime.loaded().mla_enqueue_model(self.bundle.handle, self.struct)
        checks.synchronize()


def expected_next(logits):
    return np.where(np.isnan(logits).any(1), -1, np.where(np.isnan(logits), -np.inf, logits).argmax(1))


def check_step(bundle, name):
    with Arena(8192) as arena:
        step = Step(bundle, arena)
        step.enqueue()
        logits, tokens = arena.read(step.logits), arena.read(step.next)
        report(bool((tokens == expected_next(logits)).all()), f"{name}: next tokens {tokens}, of the logits {expected_next(logits)}")
        report(bool((logits[0] == 0).all()) and tokens[0] == 0, f"{name}: no token of the vocabulary has logits {logits[0]}")
        report(tokens[-1] == -1 and not np.isnan(logits[:-1]).any(), f"{name}: NaN in a cache gives {tokens}")
        report(len(set(tokens[1:-1])) > 1, f"{name}: all next tokens are {tokens}")
        step.enqueue()
        report(bool((arena.read(step.next) == tokens).all()) and not arena.touched(), f"{name}: repeats, touched {arena.touched()}")


def check_graph(bundle, name):
    """A captured step in which next is ids, launched twice, against two enqueued ones."""
    results = []
    for captured in (False, True):
        with Arena() as arena:
            step, graph = Step(bundle, arena), ctypes.c_void_p()
            step.struct.next = step.ids.address
            if captured:
                runtime.loaded().mla_model_graph_create(bundle.handle, step.struct, ctypes.byref(graph))
            made = []
            for lengths in ([1] + [3] * (SEQUENCES - 1), [2] + [4] * (SEQUENCES - 1)):
                arena.write(step.lengths, np.array(lengths, np.int32))
                if captured:
                    runtime.loaded().mla_graph_launch(graph, None)
                    checks.synchronize()
                else:
                    step.enqueue()
                made.append((arena.read(step.ids), arena.read(step.logits)))
            runtime.loaded().mla_graph_destroy(graph)
            results.append(made)
    for (tokens, logits), (other, others) in zip(*results):
        report(bool((tokens == other).all()) and logits.tobytes() == others.tobytes(), f"{name}: a graph makes {other}, not {tokens}")
    report(bool((results[0][0][0] != results[0][1][0]).any()), f"{name}: both steps make {results[0][0][0]}")


def run(names):
    for name in names:
        with checks.open_bundle(f"model_{name}") as bundle:
            check_step(bundle, name)
            check_graph(bundle, name)
