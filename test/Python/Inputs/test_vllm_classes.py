"""Tests the backend in classes of a real vLLM, without an engine: what it declares, how vLLM's builder calls it, what it
decodes."""
import dataclasses
import inspect
import os
import types
import unittest

os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
import torch
import vllm
from mla_mlir import vllm_plugin
from vllm.config import DeviceConfig, VllmConfig, set_current_vllm_config
from vllm.model_executor.layers.attention import mla_attention
from vllm.v1.attention.backend import AttentionType, CommonAttentionMetadata
from vllm.v1.attention.backends.registry import AttentionBackendEnum

HEADS, LATENT, NOPE, ROPE, VALUE, PAGE = 4, 512, 128, 64, 128, 64
SCALE = (NOPE + ROPE) ** -0.5


def engine_config():
    return VllmConfig(device_config=DeviceConfig(device="cpu"))


def backend():
    vllm_plugin.register()
    return AttentionBackendEnum.CUSTOM.get_class()


def impl(config, kv_cache_dtype="auto"):
    with set_current_vllm_config(config):
        return backend().get_impl_cls()(
            num_heads=HEADS, head_size=LATENT + ROPE, scale=SCALE, num_kv_heads=1, alibi_slopes=None, sliding_window=None,
            kv_cache_dtype=kv_cache_dtype, logits_soft_cap=None, attn_type=AttentionType.DECODER, kv_sharing_target_layer_name=None,
            q_lora_rank=None, kv_lora_rank=LATENT, qk_nope_head_dim=NOPE, qk_rope_head_dim=ROPE, qk_head_dim=NOPE + ROPE,
            v_head_dim=VALUE, kv_b_proj=None, indexer=None)


def metadata(queries, lengths, table):
    """Of decodes, built by vLLM's own build() with this backend's _build_decode. Its __init__ needs a model and a GPU."""
    builder = object.__new__(backend().get_builder_cls())
    attributes = {"device": torch.device("cpu"), "reorder_batch_threshold": 8, "dcp_world_size": 1, "use_pcp": False,
                  "metadata_cls": mla_attention.MLACommonMetadata, "non_causal_multi_token_decode": False,
                  "model_config": types.SimpleNamespace(get_head_size=lambda: LATENT + ROPE),
                  "vllm_config": types.SimpleNamespace(speculative_config=None)}
    for name, value in attributes.items():
        setattr(builder, name, value)
    starts = torch.tensor([0, *queries]).cumsum(0).to(torch.int32)
    given = {"query_start_loc": starts, "query_start_loc_cpu": starts, "num_reqs": len(queries), "num_actual_tokens": sum(queries),
             "seq_lens": torch.tensor(lengths, dtype=torch.int32), "max_query_len": max(queries), "max_seq_len": max(lengths),
             "block_table_tensor": table, "slot_mapping": torch.zeros(sum(queries), dtype=torch.int64), "causal": True}
    known = {field.name for field in dataclasses.fields(CommonAttentionMetadata)}
    return builder.build(0, CommonAttentionMetadata(**{name: value for name, value in given.items() if name in known}))


class Classes(unittest.TestCase):
    def test_decodes(self):
        torch.manual_seed(0)
        queries, lengths = [1, 3, 8], [130, 64, 70]
        cache = torch.randn(8, PAGE, LATENT + ROPE)
        table = torch.tensor([[3, 0, 1, 7], [5, 7, 7, 7], [6, 2, 7, 7]], dtype=torch.int32)
        q = torch.randn(sum(queries), HEADS, LATENT + ROPE)
        found = metadata(queries, lengths, table)
        self.assertEqual((found.num_decodes, found.num_prefills), (3, 0))
        self.assertEqual((found.decode.max_query_len, found.decode.max_seq_len), (8, 130))
        out, lse = impl(engine_config()).forward_mqa((q[..., :LATENT], q[..., LATENT:]), cache, found, types.SimpleNamespace())
        begin = 0
        for row, (count, length) in enumerate(zip(queries, lengths)):
            rows = cache[table[row].long()].flatten(0, 1)[:length]
            for i in range(count):
                scores = q[begin + i] @ rows[:length - count + i + 1].T * SCALE
                expected = scores.softmax(-1) @ rows[:length - count + i + 1, :LATENT]
                self.assertLess(((out[begin + i] - expected).norm() / expected.norm()).item(), 1e-5)
                self.assertLess((lse[begin + i] - scores.logsumexp(-1)).abs().max().item(), 1e-4)
            begin += count

    def test_what_vllm_asks(self):
        """The reasons for which vLLM rejects the backend, which it prints."""
        usual = {"head_size": LATENT + ROPE, "dtype": torch.bfloat16, "kv_cache_dtype": "auto", "block_size": 64, "use_mla": True,
                 "has_sink": False, "use_sparse": False, "use_mm_prefix": False, "use_per_head_quant_scales": False,
                 "device_capability": types.SimpleNamespace(major=9), "attn_type": AttentionType.DECODER}
        known = inspect.signature(backend().validate_configuration).parameters
        for change, reasons in (({}, []), ({"dtype": torch.float16}, ["dtype not supported"]),
                                ({"use_pcp": True}, ["PCP not supported"]), ({"use_dcp": True}, ["DCP not supported"]),
                                ({"kv_cache_dtype": "fp8_ds_mla"}, []), ({"kv_cache_dtype": "fp8"}, []),
                                ({"kv_cache_dtype": "fp8_e5m2"}, ["kv_cache_dtype not supported"]),
                                ({"use_sparse": True}, ["sparse not supported"]), ({"block_size": 24}, ["block_size not supported"]),
                                ({"device_capability": types.SimpleNamespace(major=10)}, ["compute capability not supported"])):
            if set(change) <= set(known):
                self.assertEqual(backend().validate_configuration(**{**usual, **change}), reasons, change)
        self.assertEqual(backend().get_preferred_block_size(16), 64)

    def test_layouts(self):
        if not hasattr(mla_attention.AttentionBackend, "supported_kv_cache_layouts"):
            self.assertEqual(backend().get_kv_cache_stride_order(include_num_layers_dimension=True), (0, 1, 2, 3))
            self.assertEqual(backend().get_kv_cache_shape(8, 64, 1, 576, "fp8_ds_mla"), (8, 64, 656))
            return
        self.assertTrue(all(layout.is_layer_compact for layout in backend().supported_kv_cache_layouts()))

    def test_adapters(self):
        config = engine_config()
        config.lora_config = types.SimpleNamespace(target_modules=None)
        with self.assertRaisesRegex(NotImplementedError, "LoRA adapters may change kv_b_proj"):
            impl(config)


print("vllm", vllm.__version__)
unittest.main()
