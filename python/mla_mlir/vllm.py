# ===- vllm.py - An attention backend of vLLM ----------------------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""Decode on vLLM's latent cache by compiled kernels: 1 to 8 query tokens per sequence, also in full CUDA graphs. Projections, the cache and prefill remain vLLM's, as with all its MLA backends. Written for vLLM 0.33:

    vllm serve MODEL --attention-backend CUSTOM        # registered by mla_mlir's plugin

The cache is vLLM's for MLA, by --kv-cache-dtype:
    auto, bfloat16   [num_blocks, block_size, kv_lora_rank + qk_rope_head_dim], bf16
    fp8, fp8_e4m3    the same in e4m3, mla-compile's fp8_tensor, times the layer's _k_scale
    fp8_ds_mla       [num_blocks, block_size, 656] bytes, mla-compile's fp8_row: widths of 512 and 64 only
"""
import math
from dataclasses import dataclass, replace
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

from . import packed
from . import torch as ops
from .cores import MAX_QUERIES

PAGES = (64, 16, 32, 128)  # vLLM prefers the first


CACHE_DTYPES = {"auto": None, "bfloat16": None, "fp8": "fp8_tensor", "fp8_e4m3": "fp8_tensor", "fp8_ds_mla": "fp8_row"}


class LatentAttentionBackend(MLACommonBackend):
    supported_dtypes: ClassVar[list] = [torch.bfloat16]
    supported_kv_cache_dtypes: ClassVar[list] = list(CACHE_DTYPES)

    @staticmethod
    def get_kv_cache_shape(num_blocks, block_size, num_kv_heads, head_size, cache_dtype_str="auto"):
        row = packed.layout("fp8_row", 512, 64)[2] if cache_dtype_str == "fp8_ds_mla" else head_size
        return num_blocks, block_size, row

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
            ops.core(self.num_heads, self.mla_dims.kv_lora_rank, self.mla_dims.qk_rope_head_dim, kv_cache_spec.block_size,
                     CACHE_DTYPES[getattr(kv_cache_spec, "cache_dtype_str", None) or "auto"],
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
        if kv_cache_dtype not in CACHE_DTYPES:
            raise NotImplementedError(f"mla_mlir: kv_cache_dtype is {kv_cache_dtype}; expected one of {', '.join(CACHE_DTYPES)}")
        widths = self.kv_lora_rank, head_size - self.kv_lora_rank
        if kv_cache_dtype == "fp8_ds_mla" and widths != (512, 64):
            raise NotImplementedError(f"mla_mlir: kv_cache_dtype is fp8_ds_mla, which has kv_lora_rank 512 and qk_rope_head_dim "
                                      f"64, the model {widths[0]} and {widths[1]}; use fp8")
        self.cache_dtype = CACHE_DTYPES[kv_cache_dtype]
        self.supports_quant_query_input = False  # queries are bf16 with any cache

    def forward_mqa(self, q, kv_c_and_k_pe_cache, attn_metadata, layer):
        """Return the result, [tokens, heads, kv_lora_rank], and its natural LSE, [tokens, heads]. q: [tokens, heads,
        kv_lora_rank + qk_rope_head_dim], or its two parts."""
        decode, latent = attn_metadata.decode, self.kv_lora_rank
        # A row holds latent and key divided by the scale: it is a factor of scores and of the result.
        cache_scale = layer._k_scale_float if self.cache_dtype == "fp8_tensor" else 1.0
        if not (math.isfinite(cache_scale) and cache_scale > 0):
            raise ValueError(f"mla_mlir: _k_scale of {getattr(layer, 'layer_name', 'a layer')} is {cache_scale}, must be "
                             "positive and finite")
        q_latent, q_rope = q if isinstance(q, tuple) else (q[..., :latent], q[..., latent:])
        name = "none"  # a CPU needs no bundle
        if q_latent.is_cuda:
            name = ops.core(q_latent.shape[1], latent, q_rope.shape[2], kv_c_and_k_pe_cache.shape[1], self.cache_dtype,
                            q_latent.device)
        # The block table bounds the lengths, so that a captured graph serves all that fit.
        out, lse = torch.ops.mla.latent_attention(q_latent, q_rope, kv_c_and_k_pe_cache,
                                                  decode.block_table, decode.seq_lens, decode.query_start_loc, name,
                                                  decode.max_query_len, 0, float(self.scale) * cache_scale)
        return out if cache_scale == 1.0 else out.mul_(cache_scale), lse

    def _compute_prefill_context(self, q, kv_c_and_k_pe_cache, attn_metadata, k_scale):
        """vLLM's gather of what a prefill's earlier chunks have cached does not read rows of fp8_row: it gets a copy of these
        pages in bf16."""
        if self.cache_dtype != "fp8_row":
            return super()._compute_prefill_context(q, kv_c_and_k_pe_cache, attn_metadata, k_scale)
        pages, block_table = self._unpacked_context(kv_c_and_k_pe_cache, attn_metadata.prefill, q.dtype)
        metadata = replace(attn_metadata, prefill=replace(attn_metadata.prefill, block_table=block_table))
        kept, self.kv_cache_dtype = self.kv_cache_dtype, "auto"
        try:
            return super()._compute_prefill_context(q, pages, metadata, k_scale)
        finally:
            self.kv_cache_dtype = kept

    def _unpacked_context(self, cache, prefill, dtype):
        """The pages of the contexts in `dtype`, and the block table of the copy."""
        table, page = prefill.block_table, cache.shape[1]
        used = (prefill.chunked_context.seq_lens.sum(0) + page - 1) // page
        held = (torch.arange(table.shape[1])[None] < used[:, None]).to(table.device)
        pages = packed.unpack(cache[table[held].long()], self.cache_dtype, self.kv_lora_rank,
                              self.head_size - self.kv_lora_rank)
        numbers = torch.zeros_like(table)
        numbers[held] = torch.arange(pages.shape[0], dtype=table.dtype, device=table.device)
        return pages.to(dtype), numbers
