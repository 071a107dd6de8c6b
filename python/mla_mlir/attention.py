# ===- attention.py - Compiled attention as a module of torch ------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""Connects a model that computes padded batches, [batch, tokens, hidden_size], with layers that take packed tokens and
pages: the cache of a batch, a step of the batch, and the module that replaces an attention.

    pages = LatentPages(bundle, name, device)
    step = pages.begin(batch, tokens, mask) # mask: of all tokens so far, [batch, seen + tokens]
    attention.steps.current = step          # for all layers of the model
    …                                       # the model runs
    step.commit()
"""
import threading

import torch
from torch import nn

from . import torch as _ops  # noqa: F401  registers torch.ops.mla

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "uint8": torch.uint8}


class LatentPages:
    """The latent cache of a batch of sequences, for all layers of a bundle. Sequence b has the pages b * width to
    (b + 1) * width - 1 of each layer; width grows by at least an eighth when a sequence needs more. Padding is not cached."""

    def __init__(self, bundle, name, device, max_length=0):
        self.bundle, self.name, self.device, self.max_length = bundle, name, torch.device(device), max_length
        self.mask = None  # of the tokens so far, on the host: [batch, seen], False where there was padding
        self.shifts = None  # [batch]: the position of a sequence's first token; a layer counts from 0
        self.lengths, self.width, self.pages, self.table = [], 0, None, None

    def __deepcopy__(self, memo):
        """Return a copy with its own pages."""
        copied = memo[id(self)] = LatentPages(self.bundle, self.name, self.device, self.max_length)
        copied.mask, copied.shifts = self.mask, self.shifts  # replaced, never modified
        copied.lengths = list(self.lengths)
        if self.pages is not None:
            copied._hold(self.pages.clone())
        return copied

    def __reduce__(self):
        refuse_to_pickle()

    @property
    def seen(self):
        """Return the tokens per row so far, including padding."""
        return 0 if self.mask is None else self.mask.shape[1]

    def nbytes(self):
        return 0 if self.pages is None else self.pages.nbytes

    def begin(self, batch, tokens, attention_mask=None, position_ids=None):
        """Begin a step of `tokens` tokens per row. attention_mask: [batch, seen + tokens], 0 for padding. position_ids:
        [batch or 1, tokens], by default the columns' numbers; apart from padding they must be consecutive."""
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
        shifts = self._shifts(mask, tokens, position_ids)
        self._reserve(batch, mask)
        return Step(self, mask, tokens, shifts)

    def _shifts(self, mask, tokens, position_ids):
        """Return the position of each sequence's first token, after the step. RoPE depends only on distances, so a sequence
        may start at any position, for example after padding; its positions must be consecutive, as layers count them."""
        batch, total = mask.shape
        new, given = mask[:, total - tokens:], position_ids
        if given is None:
            given = torch.arange(total - tokens, total)[None]
        elif given.dim() != 2 or given.shape[0] not in (1, batch) or given.shape[1] != tokens:
            raise ValueError(f"position_ids: has shape {list(given.shape)}, must be [{batch}, {tokens}] or [1, {tokens}]")
        positions = given.to("cpu", torch.int64).expand(batch, tokens)
        found = positions - (mask.cumsum(1)[:, total - tokens:] - 1)
        shifts = found.gather(1, new.int().argmax(1, keepdim=True)).flatten()  # of the first new token that is not padding
        if self.shifts is not None:
            shifts = torch.where(self.mask.any(1), self.shifts, shifts)
        wrong = ((found != shifts[:, None]) & new).nonzero()
        if len(wrong):
            row, column = wrong[0].tolist()
            place, gap = int(positions[row, column]), int(found[row, column] - shifts[row])
            if position_ids is None:
                raise ValueError(f"attention_mask: row {row} has a gap before column {total - tokens + column}, which the "
                                 "positions of its tokens would count; pass position_ids that do not "
                                 "(attention_mask.cumsum(-1) - 1)")
            raise ValueError(f"position_ids: row {row} has {place} at column {column}, must be {place - gap}: compiled layers "
                             "count the tokens of a sequence, padding aside, one by one")
        return shifts

    def _reserve(self, batch, mask):
        page = self.bundle.info.page
        longest = max(int(mask.sum(1).max()), self.max_length)
        need = -(-longest // page)
        if need <= self.width:
            return
        info, width = self.bundle.info, max(need, self.width + self.width // 8)
        grown = torch.empty(info.num_layers, batch, width, page, info.cache_row, dtype=DTYPES[info.cache_dtype],
                            device=self.device)
        if self.pages is not None:
            grown[:, :, : self.width] = self.pages
        self._hold(grown)

    def _hold(self, pages):
        """pages: [layers, batch, width, page, row]"""
        batch, self.width = pages.shape[1:3]
        self.pages = pages
        self.table = torch.arange(batch * self.width, dtype=torch.int32, device=self.device).view(batch, self.width)

    def layer(self, index):
        """Return the pages of one layer, in the shape that kernels take."""
        return self.pages[index].flatten(0, 1)

    def select(self, rows):
        """Keep these sequences, in this order. A sequence that is listed several times is copied."""
        if self.mask is None:
            return
        if self.pages is not None:
            self._hold(self.pages.index_select(1, rows.to(self.device)))
        rows = rows.cpu()
        self.mask, self.shifts = self.mask[rows], self.shifts[rows]
        self.lengths = self.mask.sum(1).tolist()

    def drop_last(self, tokens):
        """Drop the last `tokens` tokens of each row, including padding."""
        if tokens and self.mask is not None:
            self.mask = self.mask[:, :-tokens]
            self.lengths = self.mask.sum(1).tolist()

    def clear(self):
        """Drop all sequences. The next step may have any number of rows."""
        self.mask = self.shifts = self.pages = self.table = None
        self.lengths, self.width = [], 0


class Step:
    """The new tokens of a batch, packed, and the tables that all layers share."""

    def __init__(self, pages, mask, tokens, shifts):
        self.pages, self.mask, self.shifts, self.before = pages, mask, shifts, pages.mask
        new = mask[:, mask.shape[1] - tokens:]
        counts, self.lengths = new.sum(1).tolist(), mask.sum(1).tolist()
        self.max_queries, self.max_length = max(counts), max(self.lengths)
        bounds = [0]
        for count in counts:
            bounds.append(bounds[-1] + count)
        tables = torch.tensor(self.lengths + bounds, dtype=torch.int32).to(pages.device, non_blocking=True)
        self.lengths_tensor, self.cu_seqlens = tables[: len(counts)], tables[len(counts):]
        # The indices of the tokens among all rows; None if there is no padding.
        self.places = None if bounds[-1] == new.numel() else new.flatten().nonzero().flatten().to(pages.device)
        self.indices = {layer: index for index, layer in enumerate(pages.bundle.info.layers)}

    def run(self, layer, hidden):
        """Run a layer. hidden and the result: [batch, tokens, hidden_size]. Padding gets zeros."""
        if not self.max_queries:
            return torch.zeros_like(hidden)
        rows = hidden.reshape(-1, hidden.shape[-1])
        packed = rows if self.places is None else rows.index_select(0, self.places)
        out = torch.ops.mla.layer(packed, self.pages.layer(self.indices[layer]), self.pages.table, self.lengths_tensor,
                                  self.cu_seqlens, self.pages.name, layer, self.max_queries, self.max_length)
        if self.places is not None:
            out = torch.zeros_like(rows).index_copy_(0, self.places, out)
        return out.view_as(hidden)

    def commit(self):
        """Add the tokens to the sequences, after all layers have run."""
        if self.pages.mask is not self.before:
            raise RuntimeError("past_key_values: another call has used the cache meanwhile; give each call its own")
        self.pages.mask, self.pages.lengths, self.pages.shifts = self.mask, self.lengths, self.shifts


def refuse_to_pickle():
    raise TypeError("a patched model and its caches cannot be pickled; save the model before mla_mlir patches it")


class Steps(threading.local):
    """The current step of this thread, shared by all layers of a model."""

    current = None

    def __deepcopy__(self, memo):
        return self  # a copy of a model shares its hooks

    def __reduce__(self):
        refuse_to_pickle()


class CompiledAttention(nn.Module):
    """Replaces an attention. It uses only the hidden states; masks, positions and the cache are in the step."""

    def __init__(self, steps, layer_idx):
        super().__init__()
        self.steps, self.layer_idx = steps, layer_idx

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, strict, missing, unexpected, errors):
        if any(key.startswith(prefix) for key in state_dict):
            errors.append(f"{prefix[:-1]}: is compiled, and takes no weights; load them before mla_mlir patches the model")

    def forward(self, hidden_states, *_, **__):
        if self.steps.current is None:
            raise RuntimeError("a compiled attention runs within its model only; call the model")
        return self.steps.current.run(self.layer_idx, hidden_states), None
