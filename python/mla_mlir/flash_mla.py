# ===- flash_mla.py - FlashMLA's interface -------------------------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""The functions for dense decode of FlashMLA (github.com/deepseek-ai/FlashMLA) on compiled kernels. Change the import:

    from mla_mlir.flash_mla import flash_mla_with_kvcache, get_mla_metadata

Arguments and results are FlashMLA's, with one head of keys and values, in bf16. Also, widths and pages are any that
mla-compile knows, and a cache in FP8 is dense too. On a CPU, torch's operations compute the result, for tests.
"""
import dataclasses
import math
from typing import Optional

import torch

from . import packed
from . import torch as ops
from .cores import MAX_QUERIES
from .errors import ArgumentError, integer, number


@dataclasses.dataclass
class FlashMLASchedMeta:
    """What all calls of a step share, made by the first. It is for one batch size, seq_len_q and causal. A graph that
    captured a call needs it as long as it runs."""

    made_for: Optional[tuple] = None
    cu_seqlens: Optional[torch.Tensor] = None
    unseen: Optional[torch.Tensor] = None  # see _Groups


def get_mla_metadata(*args, **kwargs):
    """Return an empty FlashMLASchedMeta and None. Kernels divide the batch themselves; arguments of older interfaces
    (cache_seqlens, num_q_tokens_per_head_k, num_heads_k) are accepted and not needed."""
    return FlashMLASchedMeta(), None


def flash_mla_with_kvcache(q, k_cache, block_table, cache_seqlens, head_dim_v, tile_scheduler_metadata, num_splits=None,
                           softmax_scale=None, causal=False, is_fp8_kvcache=False, indices=None, attn_sink=None,
                           extra_k_cache=None, extra_indices_in_kvcache=None, topk_length=None, extra_topk_length=None,
                           out=None, enable_batch_invariant=False):
    """Return (out [batch, seq_len_q, heads, head_dim_v] bf16, softmax_lse [batch, heads, seq_len_q] float32).

    q              [batch, seq_len_q, heads, head_dim] bf16
    k_cache        [blocks, page, 1, head_dim] bf16; with is_fp8_kvcache bytes of fp8_row (docs/fp8.md), for 576 and 512
                   FlashMLA's 656 per token
    block_table    [batch, blocks per sequence] int32; cache_seqlens: [batch] int32
    causal         query i of n sees the first length - n + i + 1 tokens, else all

    A query that sees no token gets zeros, and infinity as softmax_lse, as FlashMLA has it."""
    _refuse(indices=indices, attn_sink=attn_sink, extra_k_cache=extra_k_cache, topk_length=topk_length,
            extra_indices_in_kvcache=extra_indices_in_kvcache, extra_topk_length=extra_topk_length)
    _expect_defaults(num_splits, out, enable_batch_invariant)
    batch, queries, heads, width = _expect_queries(q)
    latent = integer("head_dim_v", head_dim_v, (1, width))
    cache_dtype = "fp8_row" if is_fp8_kvcache else None
    _expect_cache(q, k_cache, packed.layout(cache_dtype, latent, width - latent)[2] if cache_dtype else width, cache_dtype)
    _expect("cache_seqlens", cache_seqlens, "int32", [batch], q)
    _expect("block_table", block_table, "int32", [batch, None], q)
    meta = _metadata(tile_scheduler_metadata, batch, queries, bool(causal), q.device)
    table, lengths = _grouped(meta, block_table, cache_seqlens)
    name = "none"  # a CPU needs no bundle
    if q.is_cuda:
        name = ops.core(heads, latent, width - latent, k_cache.shape[1], cache_dtype, q.device, _is_causal(queries, causal))
    rows, scale = q.reshape(batch * queries, heads, width), _scale(softmax_scale, width)
    result, lse = torch.ops.mla.latent_attention(rows[..., :latent], rows[..., latent:], k_cache.squeeze(2), table, lengths,
                                                 meta.cu_seqlens, name, _group(queries, causal, q.device), 0, scale)
    lse.nan_to_num_(nan=math.nan, posinf=math.inf, neginf=math.inf)
    return result.view(batch, queries, heads, latent), lse.view(batch, queries, heads).transpose(1, 2)


# --- arguments ---


def _kind(value):
    return f"a {type(value).__name__}"


def _refuse(**sparse):
    for name, value in sparse.items():
        if value is not None:
            raise ArgumentError(name, f"is {_kind(value)}, must be None: only dense attention is supported")


def _expect_defaults(num_splits, out, enable_batch_invariant):
    if num_splits is not None:
        raise ArgumentError("num_splits", f"is {_kind(num_splits)}, must be None, as get_mla_metadata returns it")
    if out is not None:
        raise ArgumentError("out", f"is {_kind(out)}, must be None: the result is a new tensor")
    if enable_batch_invariant:
        raise ArgumentError("enable_batch_invariant", f"is {enable_batch_invariant}, must be False: compile a bundle with "
                                                      "batch_invariant and use torch.ops.mla.latent_attention")


def _expect(name, value, dtype, shape, q):
    if not isinstance(value, torch.Tensor):
        raise ArgumentError(name, f"is {_kind(value)}, must be a tensor")
    return ops.array(name, value).expect(dtype, shape, [ops.array("q", q).device])


def _expect_queries(q):
    array = _expect("q", q, "bfloat16", [None] * 4, q)
    if 0 in q.shape:
        array.fail(f"has shape {list(q.shape)}; every size must be positive")
    return q.shape


def _expect_cache(q, k_cache, row, cache_dtype):
    array = _expect("k_cache", k_cache, "uint8" if cache_dtype else "bfloat16", [None] * 4, q)
    if k_cache.shape[2] != 1:
        array.fail(f"has {k_cache.shape[2]} heads, must have 1: all heads of queries share the latent")
    array.expect_contiguous("uint8" if cache_dtype else "bfloat16", [None, None, 1, row], [array.device])


def _scale(softmax_scale, width):
    if softmax_scale is None:
        return width**-0.5
    scale = number("softmax_scale", softmax_scale)
    if not 0 < scale < math.inf:
        raise ArgumentError("softmax_scale", f"is {scale}, must be positive and finite")
    return scale


# --- groups of queries ---
#
# A kernel takes a few queries of a sequence. More are several sequences with the same pages: groups, of which each sees all
# but `unseen` tokens of its sequence.


def _is_causal(queries, causal):
    """Return the kernel's mask: with one query per sequence there is no difference."""
    return bool(causal) or queries == 1


def _group(queries, causal, device):
    """Return the queries of a group. Torch's operations on a CPU are causal."""
    return min(queries, MAX_QUERIES) if causal or device.type == "cuda" else 1


def _metadata(meta, batch, queries, causal, device):
    if meta is None:
        meta = FlashMLASchedMeta()
    if not isinstance(meta, FlashMLASchedMeta):
        raise ArgumentError("tile_scheduler_metadata", f"is {_kind(meta)}, must be what get_mla_metadata returned")
    if meta.made_for is None:
        _make(meta, batch, queries, causal, device)
    if meta.made_for != (batch, queries, causal, device):
        raise ArgumentError("tile_scheduler_metadata", "was used for {} sequences of {} queries, causal={}, on {}; now {}, {}, "
                            "{}, {}; call get_mla_metadata for each".format(*meta.made_for, batch, queries, causal, device))
    return meta


def _make(meta, batch, queries, causal, device):
    group, sizes = _group(queries, causal, device), {"dtype": torch.int32, "device": device}
    ends = torch.arange(group, queries + group, group, **sizes).clamp_(max=queries)  # of the groups of a sequence
    bounds = torch.arange(0, batch * queries, queries, **sizes)[:, None] + ends
    meta.made_for = batch, queries, causal, device
    meta.cu_seqlens = torch.nn.functional.pad(bounds.flatten(), (1, 0))
    if len(ends) > 1:
        meta.unseen = queries - ends if causal else torch.zeros_like(ends)


def _grouped(meta, block_table, lengths):
    """Return the block table and the lengths of the groups."""
    if meta.unseen is None:
        return block_table.contiguous(), lengths.contiguous()
    groups = len(meta.unseen)
    return block_table.repeat_interleave(groups, 0), (lengths[:, None] - meta.unseen).clamp_(min=0).flatten()
