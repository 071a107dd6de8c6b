"""Tests mla_mlir.vllm in a stand-in for the engine, on a CPU. The cache and the projections of the engine are here."""
import types
import unittest

import torch
from mla_mlir import vllm_plugin
from vllm.model_executor.layers.attention import mla_attention
from vllm.v1.attention.backend import AttentionType
from vllm.v1.attention.backends.registry import AttentionBackendEnum, register_backend

HEADS, DIMS = 4, {"q_lora_rank": None, "kv_lora_rank": 64, "qk_nope_head_dim": 16, "qk_rope_head_dim": 8, "v_head_dim": 12}
LATENT, NOPE, ROPE, VALUE = 64, 16, 8, 12
SCALE = (NOPE + ROPE) ** -0.5


class Engine:
    """One layer of a model in an engine: requests with pages from a pool, and the backend that is registered."""

    def __init__(self, block_size, dtype, blocks=40):
        backend = AttentionBackendEnum.CUSTOM.get_class()
        assert block_size in backend.get_supported_kernel_block_sizes() and dtype in (torch.float32, *backend.supported_dtypes)
        torch.manual_seed(0)
        self.block_size, self.dtype = block_size, dtype
        self.kv_b = (torch.randn(LATENT, HEADS, NOPE + VALUE) * LATENT**-0.5).to(dtype)
        self.impl = backend.get_impl_cls()(
            HEADS, LATENT + ROPE, SCALE, 1, None, None, "auto", None, AttentionType.DECODER, None, q_lora_rank=None,
            kv_lora_rank=LATENT, qk_nope_head_dim=NOPE, qk_rope_head_dim=ROPE, qk_head_dim=NOPE + ROPE, v_head_dim=VALUE,
            kv_b_proj=None)
        spec = types.SimpleNamespace(block_size=block_size)
        self.builder = backend.get_builder_cls()(spec, ["layer"], mla_attention.config(HEADS, DIMS), torch.device("cpu"))
        self.cache = torch.full((blocks, block_size, LATENT + ROPE), float("nan"), dtype=dtype)
        self.free, self.blocks = torch.randperm(blocks).tolist(), {}
        self.history = {}  # for the reference attention: all latents and keys of a request

    def step(self, queries):
        """queries: {request: new tokens}. Return the backend's attention of the decodes and the reference attention."""
        queries = dict(sorted(queries.items(), key=lambda item: item[1]))
        for request, count in queries.items():
            self.append(request, count)
        common = self.common(queries)
        metadata = self.builder.build(0, common)
        q = torch.randn(metadata.num_decode_tokens, HEADS, NOPE + ROPE).to(self.dtype)
        # vLLM's absorption: W_UK applied to the queries before, W_UV after.
        q_latent = torch.einsum("thp,lhp->thl", q[..., :NOPE], self.kv_b[..., :NOPE])
        out, lse = self.impl.forward_mqa((q_latent, q[..., NOPE:]), self.cache, metadata, None)
        found = torch.einsum("thl,lhv->thv", out, self.kv_b[..., NOPE:])
        return found, lse, *self.plain(list(queries.items())[:metadata.num_decodes], q)

    def append(self, request, count):
        rows = torch.randn(count, LATENT + ROPE).to(self.dtype)
        old = self.history.get(request, rows[:0])
        self.history[request] = torch.cat([old, rows])
        table = self.blocks.setdefault(request, [])
        for position, row in enumerate(rows, len(old)):
            if position // self.block_size == len(table):
                table.append(self.free.pop())
            self.cache[table[position // self.block_size], position % self.block_size] = row

    def common(self, queries):
        starts = torch.tensor([0, *queries.values()]).cumsum(0).to(torch.int32)
        lengths = [len(self.history[request]) for request in queries]
        width = 2 + max(len(self.blocks[request]) for request in queries)
        table = torch.zeros(len(queries), width, dtype=torch.int32)
        for row, request in enumerate(queries):
            table[row, :len(self.blocks[request])] = torch.tensor(self.blocks[request])
        return types.SimpleNamespace(query_start_loc=starts, query_start_loc_cpu=starts, max_query_len=max(queries.values()),
                                     max_seq_len=max(lengths), seq_lens=torch.tensor(lengths, dtype=torch.int32),
                                     block_table_tensor=table)

    def plain(self, decodes, q):
        """Attention over up-projected keys and values, in float64."""
        results, sums, begin = [], [], 0
        for request, count in decodes:
            rows, queries = self.history[request].double(), q[begin:begin + count].double()
            begin += count
            up = torch.einsum("kl,lhw->khw", rows[:, :LATENT], self.kv_b.double())
            scores = torch.einsum("qhp,khp->hqk", queries[..., :NOPE], up[..., :NOPE])
            scores = (scores + torch.einsum("qhr,kr->hqk", queries[..., NOPE:], rows[:, LATENT:])) * SCALE
            seen = torch.arange(len(rows))[None] <= torch.arange(count)[:, None] + (len(rows) - count)
            scores = scores.masked_fill(~seen, float("-inf"))
            results.append(torch.einsum("hqk,khv->qhv", scores.softmax(-1), up[..., NOPE:]))
            sums.append(scores.logsumexp(-1).T)
        return torch.cat(results), torch.cat(sums)


class Backend(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        vllm_plugin.register()

    def test_is_registered(self):
        backend = AttentionBackendEnum.CUSTOM.get_class()
        self.assertEqual((backend.__module__, backend.get_name(), backend.is_mla()), ("mla_mlir.vllm", "CUSTOM", True))
        self.assertEqual(backend.get_supported_kernel_block_sizes()[0], 64)
        self.assertFalse([size for size in backend.get_supported_kernel_block_sizes() if size % 16])
        self.assertTrue(backend.supports_compute_capability(types.SimpleNamespace(major=9)))
        self.assertFalse(backend.supports_compute_capability(types.SimpleNamespace(major=10)))

    def test_another_custom_backend_stays(self):
        register_backend(AttentionBackendEnum.CUSTOM, "another.Backend")
        vllm_plugin.register()
        with self.assertRaises(ModuleNotFoundError):
            AttentionBackendEnum.CUSTOM.get_class()
        register_backend(AttentionBackendEnum.CUSTOM, "mla_mlir.vllm.LatentAttentionBackend")

    def decodes(self, block_size, dtype, tolerance):
        engine = Engine(block_size, dtype)
        engine.append("a", 70), engine.append("b", 5), engine.append("c", 2 * 64 - 1)
        for queries in ({"a": 1, "b": 1, "c": 1}, {"a": 2, "b": 8, "c": 1}, {"c": 3}, {"a": 1, "b": 9, "c": 1}, {"d": 8, "a": 4}):
            found, lse, expected, expected_lse = engine.step(queries)
            self.assertEqual(len(found), sum(count for count in queries.values() if count <= 8))
            self.assertLess(((found - expected).norm() / expected.norm()).item(), tolerance)
            self.assertLess((lse - expected_lse).abs().max().item(), 10 * tolerance)

    def test_decodes_pages_of_64(self):
        self.decodes(64, torch.float32, 1e-5)

    def test_decodes_pages_of_16_bf16(self):
        self.decodes(16, torch.bfloat16, 2e-2)

    def test_a_wrong_page_is_seen(self):
        engine = Engine(64, torch.float32)
        engine.append("a", 70), engine.append("b", 70)
        engine.blocks["a"], engine.blocks["b"] = engine.blocks["b"], engine.blocks["a"]
        found, _, expected, _ = engine.step({"a": 1})
        self.assertGreater(((found - expected).norm() / expected.norm()).item(), 1e-2)

    def test_refuses(self):
        backend = AttentionBackendEnum.CUSTOM.get_class()
        usual = dict(num_heads=4, head_size=72, scale=1.0, num_kv_heads=1, alibi_slopes=None, sliding_window=None,
                     kv_cache_dtype="auto", logits_soft_cap=None, attn_type=AttentionType.DECODER,
                     kv_sharing_target_layer_name=None, q_lora_rank=None, kv_lora_rank=64, qk_nope_head_dim=16,
                     qk_rope_head_dim=8, qk_head_dim=24, v_head_dim=12, kv_b_proj=None)
        for name, value in (("sliding_window", 128), ("logits_soft_cap", 30.0), ("alibi_slopes", [1.0])):
            with self.assertRaisesRegex(NotImplementedError, name):
                backend.get_impl_cls()(**{**usual, name: value})
        with self.assertRaisesRegex(NotImplementedError, "only decoders'"):
            backend.get_impl_cls()(**{**usual, "attn_type": AttentionType.ENCODER})
        with self.assertRaisesRegex(NotImplementedError, "decode of 11 tokens"):
            backend.get_builder_cls()(types.SimpleNamespace(block_size=64), ["layer"], mla_attention.config(4, DIMS, 10),
                                      torch.device("cpu"))


unittest.main()
