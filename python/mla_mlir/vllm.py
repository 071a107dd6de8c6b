# ===- vllm.py - An attention backend of vLLM ----------------------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""Decode on vLLM's latent cache by compiled kernels: 1 to 8 query tokens per sequence, also in full CUDA graphs. Projections,
the cache and prefill remain vLLM's, as with all its MLA backends. For vLLM 0.26 to 0.33:

    vllm serve MODEL --attention-backend CUSTOM        # registered by mla_mlir's plugin

The cache is vLLM's for MLA, by --kv-cache-dtype:
    auto, bfloat16   [num_blocks, block_size, kv_lora_rank + qk_rope_head_dim], bf16
    fp8, fp8_e4m3    the same in e4m3, mla-compile's fp8_tensor, times the layer's _k_scale
    fp8_ds_mla       [num_blocks, block_size, 656] bytes, mla-compile's fp8_row: widths of 512 and 64 only
"""
import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from vllm.version import __version__ as release

from . import packed, vllm_release
from . import torch as ops
from .cores import MAX_QUERIES

vllm_release.check(release)  # other releases may lack what follows

from vllm.config import get_current_vllm_config
from vllm.model_executor.layers.attention.mla_attention import (
    MLACommonBackend,
    MLACommonDecodeMetadata,
    MLACommonImpl,
    MLACommonMetadata,
    MLACommonMetadataBuilder,
    QueryLenSupport,
)
from vllm.v1.attention.backend import AttentionCGSupport, AttentionType

PAGES = (64, 16, 32, 128)  # the first without --block-size

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

    @classmethod
    def get_preferred_block_size(cls, default_block_size):
        return PAGES[0]

    @classmethod
    def supported_kv_cache_layouts(cls):
        """Those in which the pages of a layer lie one after another. Releases before 0.29 have no other."""
        from vllm.v1.kv_cache_interface import KVCacheLayout

        return KVCacheLayout.LBNHC, KVCacheLayout.LBHNC

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
    max_seq_len: int


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

    @classmethod
    def get_varlen_cudagraph_max_query_len(cls, vllm_config, kv_cache_spec):
        """A graph serves any mix of 0 to so many query tokens: kernels read their numbers from query_start_loc."""
        return MAX_QUERIES

    def _build_decode(self, block_table_tensor, seq_lens_device, max_seq_len, query_start_loc_cpu, query_start_loc_device,
                      num_decode_tokens, dcp_tot_seq_lens_device, max_query_len=None):
        """max_query_len: from vLLM 0.31 on. max_seq_len bounds the lengths; when a graph is captured, it is that of the model."""
        return LatentAttentionDecodeMetadata(block_table=block_table_tensor, seq_lens=seq_lens_device,
                                             dcp_tot_seq_lens=dcp_tot_seq_lens_device, query_start_loc=query_start_loc_device,
                                             max_query_len=self._longest(query_start_loc_cpu, max_query_len),
                                             max_seq_len=max_seq_len)

    def _longest(self, query_start_loc_cpu, max_query_len):
        """Return a bound of the query tokens of a sequence. With adaptive verification the host does not know the numbers."""
        if getattr(self.vllm_config.speculative_config, "enable_adaptive_verification", False):
            return self.reorder_batch_threshold
        if max_query_len is None:
            max_query_len = int((query_start_loc_cpu[1:] - query_start_loc_cpu[:-1]).max())
        return max(max_query_len, 1)


def _check_adapters(lora_config):
    """Reject adapters of kv_b_proj: vLLM computes decode with W_UK and W_UV of the weights without them."""
    targets = None if lora_config is None else getattr(lora_config, "target_modules", None)
    if lora_config is not None and (not targets or any("kv_b_proj" in target for target in targets)):
        raise NotImplementedError("mla_mlir: LoRA adapters may change kv_b_proj, which decode would leave out; name the modules "
                                  "without it in --lora-target-modules, or merge the adapters")


class LatentAttentionImpl(MLACommonImpl[MLACommonMetadata]):
    can_return_lse_for_decode: bool = True
    supports_pcp: bool = False  # a rank would hold a part of a sequence's tokens
    supports_dcp: bool = False

    def __init__(self, num_heads, head_size, scale, num_kv_heads, alibi_slopes, sliding_window, kv_cache_dtype,
                 logits_soft_cap, attn_type, kv_sharing_target_layer_name, **mla_args):
        super().__init__(num_heads, head_size, scale, num_kv_heads, alibi_slopes, sliding_window, kv_cache_dtype,
                         logits_soft_cap, attn_type, kv_sharing_target_layer_name, **mla_args)
        for name, value in (("alibi_slopes", alibi_slopes), ("sliding_window", sliding_window),
                            ("logits_soft_cap", logits_soft_cap)):
            if value:
                raise NotImplementedError(f"mla_mlir: {name} is not supported")
        _check_adapters(get_current_vllm_config().lora_config)
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
        room = decode.block_table.shape[1] * kv_c_and_k_pe_cache.shape[1]
        out, lse = torch.ops.mla.latent_attention(q_latent, q_rope, kv_c_and_k_pe_cache, decode.block_table, decode.seq_lens,
                                                  decode.query_start_loc, name, decode.max_query_len,
                                                  min(decode.max_seq_len, room), float(self.scale) * cache_scale)
        return out if cache_scale == 1.0 else out.mul_(cache_scale), lse
