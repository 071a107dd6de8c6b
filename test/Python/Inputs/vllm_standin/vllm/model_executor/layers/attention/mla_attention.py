"""Stands for vllm.model_executor.layers.attention.mla_attention of vLLM 0.33: what an MLA backend inherits, and what calls it.

Names, keywords and the order of arguments are vLLM's; what they do is what a backend can rely on, and no more."""
import enum
import types
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch

M = TypeVar("M")


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
        self.kv_cache_spec, self.device = kv_cache_spec, device
        self.metadata_cls = metadata_cls or MLACommonMetadata
        self.num_heads, self.mla_dims = vllm_config.num_heads, vllm_config.mla_dims
        if vllm_config.num_speculative_tokens is not None and self.query_len_support != QueryLenSupport.SINGLE_ONLY:
            self.reorder_batch_threshold = max(self.reorder_batch_threshold, 1 + vllm_config.num_speculative_tokens)

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
                max_query_len=min(common.max_query_len, self.reorder_batch_threshold),
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

    def _compute_prefill_context(self, q, kv_c_and_k_pe_cache, attn_metadata, k_scale):
        """vLLM gathers the context's rows, attends to them and gives the result; here only the rows."""
        assert self.kv_cache_dtype == "auto" and kv_c_and_k_pe_cache.shape[-1] == self.head_size
        prefill = attn_metadata.prefill
        lengths = prefill.chunked_context.seq_lens.sum(0).tolist()
        return [kv_c_and_k_pe_cache[table.long()].flatten(0, 1)[:length]
                for table, length in zip(prefill.block_table, lengths)]


def config(num_heads, dims, num_speculative_tokens=None):
    """What a builder reads of a VllmConfig."""
    return types.SimpleNamespace(num_heads=num_heads, mla_dims=types.SimpleNamespace(**dims),
                                 num_speculative_tokens=num_speculative_tokens)
