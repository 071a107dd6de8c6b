"""Stands for vllm.model_executor.layers.attention.mla_attention of vLLM 0.33: what an MLA backend inherits, and what calls it.

Names, keywords and the order of arguments are vLLM's; what they do is what a backend can rely on, and no more."""
import enum
import types
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch

M = TypeVar("M")
release = "0.33"  # a builder is called as in this release


class QueryLenSupport(enum.Enum):
    SINGLE_ONLY = "single_only"
    UNIFORM = "uniform"
    VARLEN = "varlen"


class MLACommonBackend:
    @classmethod
    def get_supported_head_sizes(cls):
        return [320, 512, 576]

    @classmethod
    def is_mla(cls):
        return True

    @staticmethod
    def get_kv_cache_shape(num_blocks, block_size, num_kv_heads, head_size, cache_dtype_str="auto"):
        return num_blocks, block_size, head_size


@dataclass
class MLACommonDecodeMetadata:
    block_table: torch.Tensor
    seq_lens: torch.Tensor
    dcp_tot_seq_lens: torch.Tensor


@dataclass
class MLACommonMetadata(Generic[M]):
    num_reqs: int
    query_start_loc: torch.Tensor
    num_decodes: int
    num_decode_tokens: int
    num_prefills: int
    decode: MLACommonDecodeMetadata = None


class MLACommonMetadataBuilder(Generic[M]):
    query_len_support = QueryLenSupport.SINGLE_ONLY
    reorder_batch_threshold = 1

    def __init__(self, kv_cache_spec, layer_names, vllm_config, device, metadata_cls=None, supports_dcp_with_varlen=False):
        self.kv_cache_spec, self.vllm_config, self.device = kv_cache_spec, vllm_config, device
        self.metadata_cls = metadata_cls or MLACommonMetadata
        self.num_heads, self.mla_dims = vllm_config.num_heads, vllm_config.mla_dims
        speculative = vllm_config.speculative_config
        if speculative is not None and self.query_len_support != QueryLenSupport.SINGLE_ONLY:
            self.reorder_batch_threshold = max(self.reorder_batch_threshold, 1 + speculative.num_speculative_tokens)

    def build(self, common_prefix_len, common, fast_build=False):
        """Requests of at most reorder_batch_threshold query tokens come first, and are decoded."""
        starts = common.query_start_loc_cpu
        queries = (starts[1:] - starts[:-1]).tolist()
        decodes = sum(count <= self.reorder_batch_threshold for count in queries)
        assert all(count > self.reorder_batch_threshold for count in queries[decodes:]), "the engine orders its batch"
        metadata = self.metadata_cls(num_reqs=len(queries), query_start_loc=common.query_start_loc, num_decodes=decodes,
                                     num_decode_tokens=int(starts[decodes]), num_prefills=len(queries) - decodes)
        if decodes:
            metadata.decode = self._build_decode(
                block_table_tensor=common.block_table_tensor[:decodes, ...],
                seq_lens_device=common.seq_lens[:decodes],
                max_seq_len=common.max_seq_len,
                query_start_loc_cpu=starts[:decodes + 1],
                query_start_loc_device=common.query_start_loc[:decodes + 1],
                num_decode_tokens=metadata.num_decode_tokens,
                **({} if release == "0.30" else {"max_query_len": min(common.max_query_len, self.reorder_batch_threshold)}),
                dcp_tot_seq_lens_device=None,
            )
        return metadata


class MLACommonImpl(Generic[M]):
    def __init__(self, num_heads, head_size, scale, num_kv_heads, alibi_slopes, sliding_window, kv_cache_dtype, logits_soft_cap,
                 attn_type, kv_sharing_target_layer_name, q_lora_rank, kv_lora_rank, qk_nope_head_dim, qk_rope_head_dim,
                 qk_head_dim, v_head_dim, kv_b_proj, indexer=None, q_pad_num_heads=None):
        self.num_heads, self.head_size, self.scale, self.kv_cache_dtype = num_heads, head_size, scale, kv_cache_dtype
        self.kv_lora_rank, self.qk_nope_head_dim, self.qk_rope_head_dim = kv_lora_rank, qk_nope_head_dim, qk_rope_head_dim
        self.v_head_dim, self.kv_b_proj = v_head_dim, kv_b_proj
        self.supports_quant_query_input = True


def config(num_heads, dims, **speculative):
    """What a builder reads of a VllmConfig."""
    return types.SimpleNamespace(num_heads=num_heads, mla_dims=types.SimpleNamespace(**dims),
                                 speculative_config=types.SimpleNamespace(**speculative) if speculative else None)
