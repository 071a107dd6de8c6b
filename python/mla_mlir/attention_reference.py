# ===- attention_reference.py - The attention alone, by torch ------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""Computes what the attention kernels of a bundle compute, in float32 with torch's operations, one sequence at a time: for
CPUs, and as a reference. See mla_latent_attention and mla_naive_attention in runtime.h for the arrays.
Packed pages are recognised by the bytes of their rows."""
import torch

from . import packed
from .errors import ArgumentError


def _attend(scores, values, scale, sinks):
    """scores: [heads, n, l], unscaled; values: [heads or 1, l, width]; sinks: [heads], in the denominators only, or None.
    Query i of n attends to the first l - n + i + 1 keys."""
    if not scale:
        raise ArgumentError("scale", "is 0, but a CPU has no kernel that knows the model's; pass it")
    _, n, length = scores.shape
    seen = torch.arange(length)[None] <= torch.arange(n)[:, None] + (length - n)
    scores = (scores * scale).masked_fill(~seen, float("-inf"))
    lse = torch.logsumexp(scores, -1)
    whole = lse if sinks is None else torch.logaddexp(lse, sinks.float()[:, None])
    weights = torch.exp(scores - whole[..., None]).nan_to_num(0.0)  # a query without keys
    return (weights @ values).transpose(0, 1), lse.transpose(0, 1)


def _spans(bounds):
    listed = bounds.tolist()
    return list(zip(listed, listed[1:]))


def _floats(rows, latent, rope):
    """Rows of a cache, [..., latent + rope], as float32."""
    if rows.element_size() > 1:
        return rows.float()
    return packed.unpack(rows, packed.find_format(rows.shape[-1], latent, rope), latent, rope)


def latent(q_latent, q_rope, pages, block_table, lengths, cu_seqlens, scale, sinks=None):
    out, lse = torch.zeros_like(q_latent), q_latent.new_full(q_latent.shape[:2], float("-inf"), dtype=torch.float32)
    width, page = q_latent.shape[2], pages.shape[1]
    pages = pages.view(torch.uint8) if pages.element_size() == 1 else pages  # torch does not index float8 on a CPU
    for s, ((begin, end), length) in enumerate(zip(_spans(cu_seqlens), lengths.tolist())):
        if begin == end or not length:
            continue
        rows = pages[block_table[s, : -(-length // page)].long()].flatten(0, 1)[:length]
        rows = _floats(rows, width, q_rope.shape[2])
        queries = torch.cat([q_latent[begin:end], q_rope[begin:end]], -1).float().transpose(0, 1)
        result, sums = _attend(queries @ rows.T, rows[None, :, :width], scale, sinks)
        out[begin:end], lse[begin:end] = result.to(out.dtype), sums
    return out, lse


def naive(q_nope, q_rope, k_nope, k_rope, v, cu_seqlens, cu_keys, scale, sinks=None):
    out = q_nope.new_zeros((*q_nope.shape[:2], v.shape[2]))
    for (begin, end), (first, last) in zip(_spans(cu_seqlens), _spans(cu_keys)):
        if begin == end:
            continue
        scores = torch.einsum("qhd,khd->hqk", q_nope[begin:end].float(), k_nope[first:last].float())
        scores += torch.einsum("qhd,kd->hqk", q_rope[begin:end].float(), k_rope[first:last].float())
        out[begin:end] = _attend(scores, v[first:last].float().transpose(0, 1), scale, sinks)[0].to(out.dtype)
    return out
