# ===- vllm.py - An attention backend of vLLM ----------------------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""Decode on vLLM's latent cache by compiled kernels: 1 to 8 query tokens per sequence, also in full CUDA graphs. Projections, the cache and prefill remain vLLM's, as with all its MLA backends. Written for vLLM 0.33:

    vllm serve MODEL --attention-backend CUSTOM        # registered by mla_mlir's plugin

The cache is [num_blocks, block_size, kv_lora_rank + qk_rope_head_dim], bf16, as vLLM has it for MLA.
"""
import functools
from dataclasses import dataclass
from typing import ClassVar

import torch
from vllm.model_executor.layers.attention.mla_attention import (
    MLACommonBackend,
    MLACommonDecodeMetadata,
    MLACommonImpl,
    MLACommonMetadata,
    MLACommonMetadataBuilder,
    QueryLenSupport,
)
from vllm.v1.attention.backend import AttentionCGSupport, AttentionType

from . import cores
from . import torch as ops
from .bundle import load

MAX_QUERIES = 8
PAGES = (64, 16, 32, 128)  # vLLM prefers the first


@functools.cache
def _core(heads, kv_lora_rank, qk_rope_head_dim, page, device):
    """Return the name of the registered bundle. The first call may compile it."""
    with torch.cuda.device(device):
        return ops.register(load(cores.bundle(heads, kv_lora_rank, qk_rope_head_dim, page)))


class LatentAttentionBackend(MLACommonBackend):
    supported_dtypes: ClassVar[list] = [torch.bfloat16]
    supported_kv_cache_dtypes: ClassVar[list] = ["auto", "bfloat16"]

    @staticmethod
    def get_supported_kernel_block_sizes(kv_cache_spec=None):
        return list(PAGES)

    @staticmethod
    def get_name():
        return "CUSTOM"

    @staticmethod
    def get_impl_cls():
        return LatentAttentionImpl

    @staticmethod
    def get_builder_cls():
        return LatentAttentionMetadataBuilder

    @classmethod
    def supports_compute_capability(cls, capability):
        return capability.major == 9


@dataclass
class LatentAttentionDecodeMetadata(MLACommonDecodeMetadata):
    query_start_loc: torch.Tensor
    max_query_len: int


class LatentAttentionMetadataBuilder(MLACommonMetadataBuilder[MLACommonMetadata]):
    _cudagraph_support: ClassVar[AttentionCGSupport] = AttentionCGSupport.UNIFORM_BATCH
    query_len_support: ClassVar[QueryLenSupport] = QueryLenSupport.VARLEN
    reorder_batch_threshold: int = MAX_QUERIES

    def __init__(self, kv_cache_spec, layer_names, vllm_config, device):
        super().__init__(kv_cache_spec, layer_names, vllm_config, device, supports_dcp_with_varlen=False)
        # vLLM raises the threshold for speculative decoding.
        if self.reorder_batch_threshold > MAX_QUERIES:
            raise NotImplementedError(f"mla_mlir: decode of {self.reorder_batch_threshold} tokens per sequence; at most "
                                      f"{MAX_QUERIES}")
        if torch.device(device).type == "cuda":  # before a graph is captured: opening a bundle allocates
            _core(self.num_heads, self.mla_dims.kv_lora_rank, self.mla_dims.qk_rope_head_dim, kv_cache_spec.block_size,
                  torch.empty(0, device=device).device)  # with its index

    def _build_decode(self, block_table_tensor, seq_lens_device, max_seq_len, query_start_loc_cpu, query_start_loc_device,
                      num_decode_tokens, max_query_len, dcp_tot_seq_lens_device):
        return LatentAttentionDecodeMetadata(block_table=block_table_tensor, seq_lens=seq_lens_device,
                                             dcp_tot_seq_lens=dcp_tot_seq_lens_device,
                                             query_start_loc=query_start_loc_device, max_query_len=max_query_len)


class LatentAttentionImpl(MLACommonImpl[MLACommonMetadata]):
    can_return_lse_for_decode: bool = True

    def __init__(self, num_heads, head_size, scale, num_kv_heads, alibi_slopes, sliding_window, kv_cache_dtype,
                 logits_soft_cap, attn_type, kv_sharing_target_layer_name, **mla_args):
        super().__init__(num_heads, head_size, scale, num_kv_heads, alibi_slopes, sliding_window, kv_cache_dtype,
                         logits_soft_cap, attn_type, kv_sharing_target_layer_name, **mla_args)
        for name, value in (("alibi_slopes", alibi_slopes), ("sliding_window", sliding_window),
                            ("logits_soft_cap", logits_soft_cap)):
            if value:
                raise NotImplementedError(f"mla_mlir: {name} is not supported")
        if attn_type != AttentionType.DECODER:
            raise NotImplementedError(f"mla_mlir: attention of type {attn_type} is not supported, only decoders'")

    def forward_mqa(self, q, kv_c_and_k_pe_cache, attn_metadata, layer):
        """Return the result, [tokens, heads, kv_lora_rank], and its natural LSE, [tokens, heads]. q: [tokens, heads,
        kv_lora_rank + qk_rope_head_dim], or its two parts."""
        decode, latent = attn_metadata.decode, self.kv_lora_rank
        q = torch.cat(q, dim=-1) if isinstance(q, tuple) else q.contiguous()
        name = "none"  # a CPU needs no bundle
        if q.is_cuda:
            name = _core(q.shape[1], latent, q.shape[2] - latent, kv_c_and_k_pe_cache.shape[1], q.device)
        # The block table bounds the lengths, so that a captured graph serves all that fit.
        return torch.ops.mla.latent_attention(q[..., :latent], q[..., latent:], kv_c_and_k_pe_cache, decode.block_table,
                                              decode.seq_lens, decode.query_start_loc, name, decode.max_query_len, 0,
                                              float(self.scale))
