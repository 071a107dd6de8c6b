# ===- attention.py - Compiled attention as a module of torch ------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""What stands between a model that computes padded batches, [batch, tokens, hidden_size], and layers that take packed tokens
and pages: the cache of a batch, one step of it, and the module in the place of an attention.

    pages = LatentPages(bundle, name, device)
    step = pages.begin(mask)                # of all tokens so far, [batch, seen + tokens], or a number of new tokens
    attention.steps.current = step          # for all layers of the model
    …                                       # the model runs
    step.commit()
"""
import torch
from torch import nn

from . import torch as _ops  # noqa: F401  registers torch.ops.mla

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class LatentPages:
    """The latent cache of a batch of sequences, for all layers of a bundle. Sequence b has the pages b * width to
    (b + 1) * width - 1 of each layer; width grows by an eighth when a sequence needs more. Padding is not cached."""

    def __init__(self, bundle, name, device, max_length=0):
        self.bundle, self.name, self.device, self.max_length = bundle, name, torch.device(device), max_length
        self.mask = None  # of the tokens so far, on the host: [batch, seen], False where there was padding
        self.lengths, self.width, self.pages, self.table = [], 0, None, None

    @property
    def seen(self):
        """Tokens a row so far, padding included."""
        return 0 if self.mask is None else self.mask.shape[1]

    def nbytes(self):
        return 0 if self.pages is None else self.pages.nbytes

    def begin(self, batch, tokens, attention_mask=None):
        """A step of `tokens` tokens a row. attention_mask: [batch, seen + tokens], not 0 where a token is none of padding."""
        total = self.seen + tokens
        if self.lengths and batch != len(self.lengths):
            raise ValueError(f"input_ids: has {batch} rows, the cache has {len(self.lengths)}")
        if attention_mask is None:
            mask = torch.ones(batch, total, dtype=torch.bool)
            if self.mask is not None:
                mask[:, : self.seen] = self.mask
        elif tuple(attention_mask.shape) != (batch, total):
            raise ValueError(f"attention_mask: has shape {list(attention_mask.shape)}, must be [{batch}, {total}], of the "
                             f"{self.seen} tokens in the cache and the {tokens} new ones")
        else:
            mask = attention_mask.to("cpu", torch.bool)
        if self.mask is not None and not torch.equal(mask[:, : self.seen], self.mask):
            raise ValueError("attention_mask: differs from that of the cached tokens; a token cannot be masked afterwards")
        self._reserve(batch, mask)
        return Step(self, mask, tokens)

    def _reserve(self, batch, mask):
        page = self.bundle.info.page
        longest = max(int(mask.sum(1).max()), self.max_length)
        need = -(-longest // page)
        if need <= self.width:
            return
        info, width = self.bundle.info, max(need, self.width + self.width // 8)
        grown = torch.empty(info.num_layers, batch, width, page, info.kv_lora_rank + info.qk_rope_head_dim,
                            dtype=DTYPES[info.cache_dtype], device=self.device)
        if self.pages is not None:
            grown[:, :, : self.width] = self.pages
        self._hold(grown)
        self.lengths = self.lengths or [0] * batch

    def _hold(self, pages):
        """pages: [layers, batch, width, page, row]"""
        batch, self.width = pages.shape[1:3]
        self.pages = pages
        self.table = torch.arange(batch * self.width, dtype=torch.int32, device=self.device).view(batch, self.width)

    def layer(self, index):
        """The pages of one layer as kernels take them."""
        return self.pages[index].flatten(0, 1)

    def select(self, rows):
        """Keeps these sequences, in this order; one may be there several times, and is copied."""
        if self.pages is None:
            return
        self._hold(self.pages.index_select(1, rows.to(self.device)))
        self.lengths = [self.lengths[row] for row in rows.tolist()]
        self.mask = self.mask[rows.cpu()]

    def drop_last(self, tokens):
        """Drops the last `tokens` tokens of each row, padding included."""
        if tokens:
            self.mask = self.mask[:, :-tokens]
            self.lengths = self.mask.sum(1).tolist()


class Step:
    """The new tokens of a batch, packed, and the tables that all layers share."""

    def __init__(self, pages, mask, tokens):
        self.pages, self.mask = pages, mask
        new = mask[:, mask.shape[1] - tokens:]
        counts, self.lengths = new.sum(1).tolist(), mask.sum(1).tolist()
        self.max_queries, self.max_length = max(counts), max(self.lengths)
        bounds = [0]
        for count in counts:
            bounds.append(bounds[-1] + count)
        tables = torch.tensor(self.lengths + bounds, dtype=torch.int32).to(pages.device, non_blocking=True)
        self.lengths_tensor, self.cu_seqlens = tables[: len(counts)], tables[len(counts):]
        # The places of the tokens among all rows; None if there is no padding among them.
        self.places = None if bounds[-1] == new.numel() else new.flatten().nonzero().flatten().to(pages.device)
        self.indices = {layer: index for index, layer in enumerate(pages.bundle.info.layers)}

    def run(self, layer, hidden):
        """hidden, result: [batch, tokens, hidden_size]; 0 where there is padding."""
        rows = hidden.reshape(-1, hidden.shape[-1])
        packed = rows if self.places is None else rows.index_select(0, self.places)
        out = torch.ops.mla.layer(packed, self.pages.layer(self.indices[layer]), self.pages.table, self.lengths_tensor,
                                  self.cu_seqlens, self.pages.name, layer, self.max_queries, self.max_length)
        if self.places is not None:
            out = torch.zeros_like(rows).index_copy_(0, self.places, out)
        return out.view_as(hidden)

    def commit(self):
        """The tokens are part of the sequences now: all layers ran."""
        self.pages.mask, self.pages.lengths = self.mask, self.lengths


class Steps:
    """The step under way, which all layers of a model look at."""

    current = None


class CompiledAttention(nn.Module):
    """Stands in the place of an attention; what a model passes besides hidden states is in the step."""

    def __init__(self, steps, layer_idx):
        super().__init__()
        self.steps, self.layer_idx = steps, layer_idx

    def forward(self, hidden_states, *_, **__):
        if self.steps.current is None:
            raise RuntimeError("a compiled attention runs within its model only; call the model")
        return self.steps.current.run(self.layer_idx, hidden_states), None
