# ===- sglang.py - An attention backend of SGLang -------------------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""Decode of MLA models on SGLang's latent cache by compiled kernels, also in CUDA graphs. Prefill, projections and the cache
remain SGLang's. Written for SGLang 0.5.23:

    python -m sglang.launch_server --model MODEL --page-size 64 --decode-attention-backend mla_mlir \\
        --prefill-attention-backend fa3
"""
import torch
from sglang.srt.layers.attention.base_attn_backend import AttentionBackend
from sglang.srt.mem_cache.memory_pool import KVWriteLoc
from sglang.srt.runtime_context import get_parallel, get_spec

from . import torch as ops

PAGES = (16, 32, 64, 128)


def _refuse(name, value, expected):
    raise ValueError(f"mla_mlir: {name} is {value}, must be {expected}")


def check(runner, speculative, ranks):
    """Reject what decode does not support."""
    if not runner.use_mla_backend:
        _refuse("the model's attention", "not MLA", "MLA")
    if runner.page_size not in PAGES:
        _refuse("--page-size", runner.page_size, "one of " + ", ".join(map(str, PAGES)))
    for name, value in (("--dtype", runner.dtype), ("--kv-cache-dtype", runner.kv_cache_dtype)):
        if value != torch.bfloat16:
            _refuse(name, value, torch.bfloat16)
    if speculative is not None:
        _refuse("--speculative-algorithm", speculative, "left out")
    if ranks != 1:
        _refuse("--dcp-size", ranks, "1")
    if getattr(runner.kv_index_translator, "reads_are_translated", False):
        _refuse("the cache", "a unified pool", "a pool of its own")


class LatentAttentionBackend(AttentionBackend):
    needs_cpu_seq_lens = False

    def __init__(self, runner):
        super().__init__()
        check(runner, get_spec().speculative_algorithm, get_parallel().attn_dcp_size)
        self.page, self.device, self.pool = runner.page_size, torch.device(runner.device), runner.token_to_kv_pool
        self.req_to_token = runner.req_to_token_pool.req_to_token
        self.kept = None  # block tables and lengths of graphs, which keep their addresses

    def init_cuda_graph_state(self, max_bs, max_num_tokens):
        columns = -(-self.req_to_token.shape[1] // self.page)
        self.kept = (torch.zeros(max_bs, columns, dtype=torch.int32, device=self.device),
                     torch.zeros(max_bs, dtype=torch.int32, device=self.device))

    def get_cuda_graph_seq_len_fill_value(self):
        return 1

    def init_forward_metadata(self, forward_batch):
        """Of a step without a graph."""
        on_host = forward_batch.seq_lens_cpu
        longest = 0 if on_host is None or not len(on_host) else int(on_host.max())
        self.forward_metadata = *self._tables(forward_batch), longest

    def init_forward_metadata_out_graph(self, forward_batch, in_capture=False):
        """Of a captured or replayed step: its tables are copied to where the graph reads them."""
        table, lengths = self._tables(forward_batch)
        kept = [tensor[: len(table)] for tensor in self.kept]
        kept[0].copy_(table), kept[1].copy_(lengths)
        self.forward_metadata = *kept, 0  # the capacity of the block table bounds all replays

    def _tables(self, forward_batch):
        """Return the block table and the lengths. A page's slots follow one another: its first tells its number."""
        if not forward_batch.forward_mode.is_decode_or_idle():
            raise NotImplementedError("mla_mlir: computes decode only; name another backend in --prefill-attention-backend")
        slots = self.req_to_token[:, :: self.page].index_select(0, forward_batch.req_pool_indices)
        return slots // self.page, forward_batch.seq_lens.to(torch.int32)

    def forward_extend(self, *args, **keywords):
        raise NotImplementedError("mla_mlir: computes decode only; name another backend in --prefill-attention-backend")

    def forward_decode(self, q, k, v, layer, forward_batch, save_kv_cache=True, **keywords):
        """q: [tokens, heads * (kv_lora_rank + qk_rope_head_dim)], absorbed. Return [tokens, heads * kv_lora_rank]."""
        self._check_layer(layer, keywords)
        if k is not None and save_kv_cache:
            self.pool.set_kv_buffer(layer, KVWriteLoc.for_batch(forward_batch), k, v)
        q = q.view(-1, layer.tp_q_head_num, layer.head_dim)
        latent, table, lengths, longest = layer.v_head_dim, *self.forward_metadata
        pages = self._pages(layer)
        name = "none"  # a CPU needs no bundle
        if q.is_cuda:
            name = ops.core(q.shape[1], latent, layer.head_dim - latent, self.page, None, q.device)
        starts = torch.arange(len(q) + 1, dtype=torch.int32, device=q.device)
        out, _ = torch.ops.mla.latent_attention(q[..., :latent], q[..., latent:], pages, table, lengths, starts, name, 1, longest,
                                                layer.scaling)
        return out.flatten(1)

    def _pages(self, layer):
        rows = self.pool.get_key_buffer(layer.layer_id)
        if not rows.is_contiguous():
            _refuse("the cache of a layer", "not contiguous", "so: leave out --enable-page-major-kv-layout")
        return rows.view(-1, self.page, layer.head_dim)

    def _check_layer(self, layer, keywords):
        for name, value, expected in (("logit_cap", layer.logit_cap, 0), ("sliding_window_size", layer.sliding_window_size, -1),
                                      ("xai_temperature_len", layer.xai_temperature_len, -1), ("heads of keys", layer.tp_k_head_num, 1)):
            if value != expected:
                _refuse(f"{name} of layer {layer.layer_id}", value, expected)
        for name, value in keywords.items():
            if value is not None:
                _refuse(f"{name} of layer {layer.layer_id}", "given", "left out")
