# ===- torch.py - torch.ops.mla ------------------------------------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""Registers layers and attention kernels of bundles as operations of torch, with fake kernels, for torch.compile and CUDA
graphs.

    name = mla_mlir.torch.register(mla_mlir.load("layer.mla"))
    out = torch.ops.mla.layer(hidden, pages, block_table, lengths, cu_seqlens, name, layer=0, max_queries=1)

They run on torch's current stream and allocate their workspace with torch. `max_length` is a bound of the lengths, 0 for the
capacity of a row of the block table; sizes captured in a graph must bound those of later replays. Shapes are those of
Bundle.step and of Bundle.latent_attention_call. On a CPU, attention kernels are computed by torch: bundles have none. They
are causal there, without windows.
"""
import functools
import itertools
import threading

import torch
from torch import Tensor
from torch.library import custom_op

from . import attention_reference, cores
from .bundle import Call, load
from .dlpack import CPU, CUDA, Array
from .errors import ArgumentError, Error

_bundles, _names, _lock = {}, set(), threading.Lock()


def register(bundle, name=None):
    """Register the bundle for the operations, and return its name: by default its path, with a number appended if a bundle
    had that name before. A given name replaces the bundle of that name. The bundle stays open until unregister."""
    with _lock:
        if name is None:
            path = bundle.info.path
            numbered = (f"{path}#{number}" for number in itertools.count(2))
            name = next(name for name in itertools.chain([path], numbered) if name not in _names)
        _names.add(name)
        _bundles[name] = bundle
    return name


def unregister(name):
    """Remove the bundle. Graphs and compiled functions that use it must not run any more."""
    _bundles.pop(name, None)


@functools.cache
def core(heads, kv_lora_rank, qk_rope_head_dim, page, cache_dtype, device, causal=True):
    """Return the name of the registered bundle of cores.bundle on the device. The first call opens it, and may compile it."""
    if torch.cuda.is_current_stream_capturing():
        raise Error("MLA_UNSUPPORTED", f"the kernel of {heads} heads, widths {kv_lora_rank} and {qk_rope_head_dim} and pages "
                                            f"of {page} is not loaded, which a capture cannot do; run the call once before")
    with torch.cuda.device(device):
        return register(load(cores.bundle(heads, kv_lora_rank, qk_rope_head_dim, page, cache_dtype, causal)))


def _find(name):
    if name not in _bundles:
        raise ArgumentError("bundle", f"{name!r} is not registered; pass what mla_mlir.torch.register returned")
    return _bundles[name]


def array(name, tensor):
    """Return what dlpack.view would, without a capsule: the current stream needs no synchronization."""
    device = (CUDA, tensor.device.index) if tensor.is_cuda else (CPU, 0)
    dtype = str(tensor.dtype).removeprefix("torch.")
    if tensor.device.type not in ("cpu", "cuda"):
        raise ArgumentError(name, f"is on {tensor.device}, must be on cpu or cuda")
    return Array(name, tensor.data_ptr(), tuple(tensor.shape), tensor.stride(), dtype, device, owner=tensor)


def _arrays(**tensors):
    return [array(name, tensor) for name, tensor in tensors.items()]


def _optional(name, tensor):
    return None if tensor is None else array(name, tensor)


def _enqueue(call: Call, device):
    size = call.workspace_bytes()
    workspace = torch.empty(size, dtype=torch.uint8, device=device)
    stream = torch.cuda.current_stream(device).cuda_stream if device.type == "cuda" else 0
    call.enqueue(stream, (workspace.data_ptr() if size else None, size))


@custom_op("mla::layer", mutates_args=("pages",))
def layer(hidden: Tensor, pages: Tensor, block_table: Tensor, lengths: Tensor, cu_seqlens: Tensor, bundle: str, layer: int,
          max_queries: int, max_length: int = 0, phase: str = "auto") -> Tensor:
    """Bundle.step: append the new tokens' rows to `pages` and return the layer's result."""
    opened, out = _find(bundle), torch.empty_like(hidden, memory_format=torch.contiguous_format)
    if hidden.numel() == 0:
        return out
    arrays = _arrays(hidden=hidden, pages=pages, block_table=block_table, lengths=lengths, cu_seqlens=cu_seqlens, out=out)
    call = opened.step_call(*arrays, max_queries=max_queries, max_length=max_length or None, layer=layer, phase=phase)
    _enqueue(call, hidden.device)
    return out


@layer.register_fake
def _(hidden, pages, block_table, lengths, cu_seqlens, bundle, layer, max_queries, max_length=0, phase="auto"):
    return torch.empty_like(hidden, memory_format=torch.contiguous_format)


@custom_op("mla::latent_attention", mutates_args=(), device_types="cuda")
def latent_attention(q_latent: Tensor, q_rope: Tensor, pages: Tensor, block_table: Tensor, lengths: Tensor,
                     cu_seqlens: Tensor, bundle: str, max_queries: int, max_length: int = 0, scale: float = 0.0,
                     sinks: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Attention of absorbed queries over the cache: (out [tokens, heads, kv_lora_rank], lse [tokens, heads] float32).
    scale 0: the model's. sinks: [heads] float32, of a bundle with sinks; lse is without them."""
    opened = _find(bundle)
    q_latent, q_rope = _evenly_apart(q_latent), _evenly_apart(q_rope)
    out, lse = _latent_results(q_latent)
    arrays = _arrays(q_latent=q_latent, q_rope=q_rope, pages=pages, block_table=block_table, lengths=lengths,
                     cu_seqlens=cu_seqlens, out=out, lse=lse)
    call = opened.latent_attention_call(*arrays, max_queries=max_queries, max_length=max_length or None, scale=scale,
                                        sinks=_optional("sinks", sinks))
    _enqueue(call, q_latent.device)
    return out, lse


def _evenly_apart(q):
    """Return a part of queries as a kernel reads it, with heads equally far apart: as it is, or a copy."""
    return q if q.stride(2) == 1 and q.stride(0) == q.shape[1] * q.stride(1) else q.contiguous()


def _latent_results(q_latent):
    return q_latent.new_empty(q_latent.shape), q_latent.new_empty(q_latent.shape[:2], dtype=torch.float32)


@latent_attention.register_fake
def _(q_latent, q_rope, pages, block_table, lengths, cu_seqlens, bundle, max_queries, max_length=0, scale=0.0, sinks=None):
    return _latent_results(q_latent)


@latent_attention.register_kernel("cpu")
def _(q_latent, q_rope, pages, block_table, lengths, cu_seqlens, bundle, max_queries, max_length=0, scale=0.0, sinks=None):
    return attention_reference.latent(q_latent, q_rope, pages, block_table, lengths, cu_seqlens, scale, sinks)


@custom_op("mla::naive_attention", mutates_args=(), device_types="cuda")
def naive_attention(q_nope: Tensor, q_rope: Tensor, k_nope: Tensor, k_rope: Tensor, v: Tensor, cu_seqlens: Tensor,
                    cu_keys: Tensor, bundle: str, max_queries: int, max_length: int, scale: float = 0.0,
                    sinks: Tensor | None = None) -> Tensor:
    """Attention over up-projected keys and values: [tokens, heads, v_head_dim]. scale and sinks are as in
    latent_attention."""
    opened = _find(bundle)
    out = _naive_result(q_nope, v)
    arrays = _arrays(q_nope=q_nope, q_rope=q_rope, k_nope=k_nope, k_rope=k_rope, v=v, cu_seqlens=cu_seqlens, cu_keys=cu_keys,
                     out=out)
    call = opened.naive_attention_call(*arrays, max_queries=max_queries, max_length=max_length, scale=scale,
                                       sinks=_optional("sinks", sinks))
    _enqueue(call, q_nope.device)
    return out


def _naive_result(q_nope, v):
    return q_nope.new_empty((*q_nope.shape[:2], v.shape[2]))


@naive_attention.register_fake
def _(q_nope, q_rope, k_nope, k_rope, v, cu_seqlens, cu_keys, bundle, max_queries, max_length, scale=0.0, sinks=None):
    return _naive_result(q_nope, v)


@naive_attention.register_kernel("cpu")
def _(q_nope, q_rope, k_nope, k_rope, v, cu_seqlens, cu_keys, bundle, max_queries, max_length, scale=0.0, sinks=None):
    return attention_reference.naive(q_nope, q_rope, k_nope, k_rope, v, cu_seqlens, cu_keys, scale, sinks)
