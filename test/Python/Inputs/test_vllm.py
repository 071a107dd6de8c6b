"""Tests mla_mlir.vllm in a stand-in for the engine, on a CPU. The cache and the projections of the engine are here."""
import types
import unittest
from unittest import mock

import torch
from mla_mlir import vllm_plugin, vllm_release
from vllm import config as engine_config
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

    def test_releases(self):
        for release in ("0.26.0", "0.30.1", "0.33.0", "0.33.1rc2"):
            vllm_release.check(release)
        for release in ("0.25.1", "0.34.0", "1.30.0", "dev"):
            with self.assertRaisesRegex(ImportError, f"vllm is of release {release}, must be of 0.26 to 0.33"):
                vllm_release.check(release)

    def test_a_release_without_max_query_len(self):
        with mock.patch.object(mla_attention, "release", "0.30"):
            self.decodes(64, torch.float32, 1e-5)

    def test_bounds_of_a_step(self):
        """A kernel gets the bounds that the engine knows, not those of the block table; a table that is smaller bounds too."""
        given, queries = [], {"a": 2, "b": 1}
        latent_attention = torch.ops.mla.latent_attention

        def watch(*args):
            given.append(args[7:9])
            return latent_attention(*args)

        for release in ("0.30", "0.33"):
            engine = Engine(64, torch.float32)
            engine.append("a", 70)
            with mock.patch.object(mla_attention, "release", release), mock.patch("mla_mlir.vllm.torch.ops.mla.latent_attention", watch):
                engine.step(queries)
        engine.builder.vllm_config = mla_attention.config(HEADS, DIMS, num_speculative_tokens=3, enable_adaptive_verification=True)
        metadata = engine.builder.build(0, engine.common(queries))
        metadata.decode.max_seq_len = 10**6
        with mock.patch("mla_mlir.vllm.torch.ops.mla.latent_attention", watch):
            engine.impl.forward_mqa(torch.randn(3, HEADS, LATENT + ROPE), engine.cache, metadata, None)
        room = metadata.decode.block_table.shape[1] * 64
        self.assertEqual(given, [(2, 72), (2, 72), (8, room)])

    def test_declares(self):
        backend = AttentionBackendEnum.CUSTOM.get_class()
        self.assertEqual(backend.get_preferred_block_size(16), 64)
        self.assertEqual([layout.name for layout in backend.supported_kv_cache_layouts()], ["LBNHC", "LBHNC"])
        self.assertFalse(backend.get_impl_cls().supports_pcp or backend.get_impl_cls().supports_dcp)
        self.assertEqual(backend.get_builder_cls().get_varlen_cudagraph_max_query_len(None, None), 8)
        self.assertEqual(backend.supported_dtypes, [torch.bfloat16])

    def test_adapters(self):
        for targets in (None, [], ["q_proj", "kv_b_proj"], ["self_attn.kv_b_proj"]):
            with mock.patch.object(engine_config.current, "lora_config", types.SimpleNamespace(target_modules=targets)), \
                    self.assertRaisesRegex(NotImplementedError, "LoRA adapters may change kv_b_proj"):
                self.impl("auto")
        with mock.patch.object(engine_config.current, "lora_config", types.SimpleNamespace(target_modules=["q_proj", "o_proj"])):
            self.impl("auto")

    def test_a_wrong_page_is_seen(self):
        engine = Engine(64, torch.float32)
        engine.append("a", 70), engine.append("b", 70)
        engine.blocks["a"], engine.blocks["b"] = engine.blocks["b"], engine.blocks["a"]
        found, _, expected, _ = engine.step({"a": 1})
        self.assertGreater(((found - expected).norm() / expected.norm()).item(), 1e-2)

    def impl(self, kv_cache_dtype, latent=512, rope=64):
        return AttentionBackendEnum.CUSTOM.get_class().get_impl_cls()(
            HEADS, latent + rope, SCALE, 1, None, None, kv_cache_dtype, None, AttentionType.DECODER, None, q_lora_rank=None,
            kv_lora_rank=latent, qk_nope_head_dim=NOPE, qk_rope_head_dim=rope, qk_head_dim=NOPE + rope, v_head_dim=VALUE,
            kv_b_proj=None)

    def packed(self, kv_cache_dtype, tokens, k_scale=1.0):
        """Rows as vLLM's concat_and_cache_mla makes them, and what they hold."""
        latent, key = torch.randn(tokens, 512), torch.randn(tokens, 64)
        if kv_cache_dtype != "fp8_ds_mla":
            rows = (torch.cat([latent, key], -1) / k_scale).clamp(-448, 448).to(torch.float8_e4m3fn)  # torch does not saturate
            return rows, rows.float() * k_scale
        scales = latent.view(tokens, 4, 128).abs().amax(-1) / 448
        codes = (latent.view(tokens, 4, 128) / scales[..., None]).to(torch.float8_e4m3fn)
        held = (codes.float() * scales[..., None]).view(tokens, 512)
        key = key.bfloat16()
        rows = [codes.view(tokens, 512).view(torch.uint8), scales.view(torch.uint8), key.view(torch.uint8)]
        return torch.cat(rows, -1), torch.cat([held, key.float()], -1)

    def cache(self, kv_cache_dtype, length, page=64, k_scale=1.0):
        """Pages of which 3, 0 and 1 hold a sequence, and its rows."""
        shape = AttentionBackendEnum.CUSTOM.get_class().get_kv_cache_shape(4, page, 1, 576, kv_cache_dtype)
        rows, held = self.packed(kv_cache_dtype, length, k_scale)
        self.assertEqual(shape[-1], rows.shape[-1])
        cache = torch.full(shape, 0xFF, dtype=torch.uint8)  # NaN in e4m3, bf16 and f32
        for position, row in enumerate(rows.view(torch.uint8)):
            cache[(3, 0, 1)[position // page], position % page] = row
        return cache if kv_cache_dtype == "fp8_ds_mla" else cache.view(torch.float8_e4m3fn), held

    def test_decodes_fp8(self):
        torch.manual_seed(0)
        # fp8_ds_mla has scales of its own.
        for name, k_scale in (("fp8", 1.0), ("fp8_e4m3", 1.0), ("fp8", 0.01), ("fp8_e4m3", 3.5), ("fp8_ds_mla", 0.5)):
            impl = self.impl(name)
            self.assertFalse(impl.supports_quant_query_input)
            cache, held = self.cache(name, 130, k_scale=k_scale)
            decode = types.SimpleNamespace(block_table=torch.tensor([[3, 0, 1, 9]], dtype=torch.int32), max_query_len=1,
                                           max_seq_len=130,
                                           seq_lens=torch.tensor([130], dtype=torch.int32),
                                           query_start_loc=torch.tensor([0, 1], dtype=torch.int32))
            q = torch.randn(1, HEADS, 576)
            layer = types.SimpleNamespace(_k_scale_float=k_scale, layer_name="model.layers.0")
            out, lse = impl.forward_mqa(q, cache, types.SimpleNamespace(decode=decode), layer)
            scores = q[0] @ held.T * SCALE
            expected = scores.softmax(-1) @ held[:, :512]
            self.assertLess(((out[0] - expected).norm() / expected.norm()).item(), 1e-5)
            self.assertLess((lse[0] - scores.logsumexp(-1)).abs().max().item(), 1e-4)
            for wrong in (0.0, float("nan"), float("inf")) if name == "fp8" else ():
                layer._k_scale_float = wrong
                with self.assertRaisesRegex(ValueError, f"_k_scale of model.layers.0 is {wrong}, must be positive and finite"):
                    impl.forward_mqa(q, cache, types.SimpleNamespace(decode=decode), layer)

    def test_refuses_other_caches(self):
        backend = AttentionBackendEnum.CUSTOM.get_class()
        self.assertEqual(backend.supported_kv_cache_dtypes, ["auto", "bfloat16", "fp8", "fp8_e4m3", "fp8_ds_mla"])
        with self.assertRaisesRegex(NotImplementedError, "kv_cache_dtype is fp8_e5m2; expected one of auto, bfloat16, fp8"):
            self.impl("fp8_e5m2")
        with self.assertRaisesRegex(NotImplementedError, "fp8_ds_mla, which has kv_lora_rank 512 .* the model 256 and 64"):
            self.impl("fp8_ds_mla", latent=256)

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
            backend.get_builder_cls()(types.SimpleNamespace(block_size=64), ["layer"], mla_attention.config(4, DIMS, num_speculative_tokens=10),
                                      torch.device("cpu"))


unittest.main()
