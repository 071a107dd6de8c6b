"""Tests mla_mlir.flash_mla on a CPU, against float64."""
import inspect
import math
import unittest

import mla_mlir
import torch
from mla_mlir import flash_mla

HEADS = 3


def reference(q, rows, length, latent, causal, scale):
    """One sequence: q [queries, heads, width], rows [length, width]."""
    queries, heads, _ = q.shape
    out, lse = torch.zeros(queries, heads, latent, dtype=torch.float64), torch.full((heads, queries), math.inf, dtype=torch.float64)
    for i in range(queries):
        seen = max(0, length - queries + i + 1) if causal else length
        if seen:
            scores = q[i].double() @ rows[:seen].double().T * scale
            lse[:, i], out[i] = scores.logsumexp(-1), scores.softmax(-1) @ rows[:seen, :latent].double()
    return out, lse


class Batch:
    """Sequences on scattered pages. What no sequence owns is NaN, and no page's number."""

    def __init__(self, lengths=(150, 5, 0, 64), queries=1, width=576, latent=512, page=64):
        torch.manual_seed(0)
        self.lengths, self.latent, self.page = lengths, latent, page
        counts = [-(-length // page) for length in lengths]
        numbers = torch.randperm(sum(counts) + 2, dtype=torch.int32).split([*counts, 2])
        self.table = torch.full((len(lengths), max(counts) + 1), 2147480000, dtype=torch.int32)
        self.pages = torch.full((sum(counts) + 2, page, 1, width), math.nan, dtype=torch.bfloat16)
        self.rows = [torch.randn(length, width).bfloat16() for length in lengths]
        self.q = torch.randn(len(lengths), queries, HEADS, width).bfloat16()
        for row, own, held in zip(self.table, numbers, self.rows):
            row[:len(own)] = own
            for i, token in enumerate(held):
                self.pages[own[i // page], i % page, 0] = token

    def arguments(self, meta=None):
        return self.q, self.pages, self.table, torch.tensor(self.lengths, dtype=torch.int32), self.latent, meta

    def expected(self, causal, scale=None):
        scale = scale or self.q.shape[-1]**-0.5
        made = [reference(q, rows, length, self.latent, causal, scale) for q, rows, length in zip(self.q, self.rows, self.lengths)]
        return torch.stack([out for out, _ in made]), torch.stack([lse for _, lse in made])


class FlashMLA(unittest.TestCase):
    def close(self, found, expected, tolerance=2e-3):
        out, lse = found
        self.assertEqual((out.dtype, lse.dtype), (torch.bfloat16, torch.float32))
        self.assertEqual((out.shape, lse.shape), (expected[0].shape, expected[1].shape))
        self.assertLess(((out.double() - expected[0]).norm() / expected[0].norm()).item(), tolerance)
        torch.testing.assert_close(lse.double(), expected[1], rtol=1e-5, atol=1e-5)

    def test_is_flash_mla_by_any_number_of_queries(self):
        for queries in (1, 2, 4, 8, 9, 16, 19):
            for causal in (False, True):
                batch = Batch(queries=queries)
                meta, none = flash_mla.get_mla_metadata()
                self.assertIsNone(none)
                for _ in range(2):  # layers of a step
                    found = flash_mla.flash_mla_with_kvcache(*batch.arguments(meta), none, causal=causal)
                    self.close(found, batch.expected(causal))

    def test_other_lengths_in_the_same_tensors(self):
        """A captured graph runs again after its tensors were written."""
        batch = Batch(queries=9)
        given = batch.arguments(flash_mla.get_mla_metadata()[0])
        flash_mla.flash_mla_with_kvcache(*given, causal=True)
        batch.lengths, batch.rows[0] = (100, 5, 0, 64), batch.rows[0][:100]
        given[3].copy_(torch.tensor(batch.lengths))
        self.close(flash_mla.flash_mla_with_kvcache(*given, causal=True), batch.expected(True))

    def test_the_mask_is_seen(self):
        batch = Batch(queries=4)
        with self.assertRaises(AssertionError):
            self.close(flash_mla.flash_mla_with_kvcache(*batch.arguments(), causal=True), batch.expected(False))

    def test_a_wrong_page_is_seen(self):
        batch = Batch((150, 150))
        batch.table[:] = batch.table.flip(0)
        with self.assertRaises(AssertionError):
            self.close(flash_mla.flash_mla_with_kvcache(*batch.arguments()), batch.expected(False))

    def test_calls_of_older_releases(self):
        batch = Batch(queries=2)
        q, pages, table, lengths, latent, _ = batch.arguments()
        meta, splits = flash_mla.get_mla_metadata(lengths, 2 * HEADS, 1)
        self.close(flash_mla.flash_mla_with_kvcache(q, pages, table, lengths, latent, meta, splits, 0.05, True),
                   batch.expected(True, 0.05))
        found = flash_mla.flash_mla_with_kvcache(q=q, k_cache=pages, block_table=table, cache_seqlens=lengths, head_dim_v=latent,
                                                 tile_scheduler_metadata=flash_mla.get_mla_metadata(
                                                     cache_seqlens=lengths, num_q_tokens_per_head_k=6, num_heads_k=1)[0],
                                                 num_splits=None, softmax_scale=None, causal=True, is_fp8_kvcache=False,
                                                 indices=None)
        self.close(found, batch.expected(True))

    def test_has_the_parameters_of_flash_mla(self):
        """Of 9241ae3, in their order; others behind them."""
        names = list(inspect.signature(flash_mla.flash_mla_with_kvcache).parameters)
        self.assertEqual(names[:16], ["q", "k_cache", "block_table", "cache_seqlens", "head_dim_v", "tile_scheduler_metadata",
                                      "num_splits", "softmax_scale", "causal", "is_fp8_kvcache", "indices", "attn_sink",
                                      "extra_k_cache", "extra_indices_in_kvcache", "topk_length", "extra_topk_length"])

    def test_parts_of_larger_tensors(self):
        batch = Batch(queries=2)
        q, pages, table, lengths, latent, meta = batch.arguments()
        wide = torch.full((4, 2, HEADS + 1, 600), math.nan, dtype=torch.bfloat16)
        wide[:, :, :HEADS, :576] = q
        columns = torch.full((4, 9), 2147480000, dtype=torch.int32)
        columns[:, :table.shape[1]] = table
        self.close(flash_mla.flash_mla_with_kvcache(wide[:, :, :HEADS, :576], pages, columns[:, :table.shape[1]], lengths, latent,
                                                    meta, causal=True), batch.expected(True))

    def test_other_widths_and_pages(self):
        for width, latent, page in ((512, 512, 64), (320, 256, 16)):
            batch = Batch(width=width, latent=latent, page=page)
            self.close(flash_mla.flash_mla_with_kvcache(*batch.arguments()), batch.expected(False))

    def test_a_cache_in_fp8(self):
        batch = Batch(queries=2)
        latent = batch.pages[..., :512].float().view(-1, 64, 1, 4, 128)
        scales = latent.abs().amax(-1) / 448
        codes = (latent / scales[..., None]).to(torch.float8_e4m3fn)
        parts = codes.view(*latent.shape[:3], 512), scales, batch.pages[..., 512:].contiguous()
        bytes = torch.cat([part.view(torch.uint8) for part in parts], -1)
        self.assertEqual(bytes.shape[-1], 656)
        held = torch.cat([(codes.float() * scales[..., None]).flatten(-2), parts[2].float()], -1)
        batch.rows = [held[batch.table[i, :-(-n // 64)].long()].flatten(0, 2)[:n] for i, n in enumerate(batch.lengths)]
        for dtype in (torch.uint8, torch.int8, torch.float8_e4m3fn):
            batch.pages = bytes.view(dtype)
            self.close(flash_mla.flash_mla_with_kvcache(*batch.arguments(), causal=True, is_fp8_kvcache=True), batch.expected(True))

    def refuses(self, text, change=(), **more):
        batch = Batch(queries=2)
        names = ("q", "k_cache", "block_table", "cache_seqlens", "head_dim_v", "tile_scheduler_metadata")
        given = {**dict(zip(names, batch.arguments())), **dict(change), **more}
        with self.assertRaisesRegex(mla_mlir.ArgumentError, "^" + text):
            flash_mla.flash_mla_with_kvcache(**given)

    def test_refuses_by_name(self):
        batch = Batch(queries=2)
        q, pages, table, lengths, *_ = batch.arguments()
        self.refuses("q: is a NoneType, must be a tensor", q=None)
        self.refuses("q: has dtype float16, must be bfloat16", q=q.half())
        self.refuses(r"q: has shape \[4, 2, 1728\]", q=q.flatten(2))
        self.refuses(r"q: has shape \[0, 2, 3, 576\]; every size must be positive", q=q[:0])
        self.refuses("k_cache: has 2 heads, must have 1: all heads of queries share the latent", k_cache=pages.expand(-1, -1, 2, -1))
        self.refuses(r"k_cache: has shape \[.*, 64, 1, 512\], must be \[any, any, 1, 576\]", k_cache=pages[..., :512])
        self.refuses("k_cache: has dtype float16, must be bfloat16", k_cache=pages.half())
        self.refuses("k_cache: has strides .*must be contiguous", k_cache=torch.cat([pages, pages], 1)[:, :64])
        self.refuses(r"k_cache: has dtype bfloat16, must be uint8", is_fp8_kvcache=True)
        self.refuses(r"k_cache: has shape .*, must be \[any, any, 1, 656\]", k_cache=pages.view(torch.uint8), is_fp8_kvcache=True)
        self.refuses("block_table: is a NoneType", block_table=None)
        self.refuses("block_table: has dtype int64, must be int32", block_table=table.long())
        self.refuses(r"cache_seqlens: has shape \[3\], must be \[4\]", cache_seqlens=lengths[:3])
        self.refuses("head_dim_v: is 577, must be from 1 to 576", head_dim_v=577)
        self.refuses("head_dim_v: is a float, must be an integer", head_dim_v=512.0)
        for scale in (0.0, -1.0, math.nan, math.inf):
            self.refuses(f"softmax_scale: is {scale}, must be positive and finite", softmax_scale=scale)
        for name in ("indices", "attn_sink", "extra_k_cache", "extra_indices_in_kvcache", "topk_length", "extra_topk_length"):
            self.refuses(f"{name}: is a Tensor, must be None: only dense attention is supported", {name: table})
        self.refuses("tile_scheduler_metadata: is a Tensor, must be what get_mla_metadata returned", tile_scheduler_metadata=table)
        self.refuses("num_splits: is a Tensor, must be None, as get_mla_metadata returns it", num_splits=table)
        self.refuses("out: is a Tensor, must be None", out=q)
        self.refuses("enable_batch_invariant: is True, must be False", enable_batch_invariant=True)

    def test_refuses_metadata_of_another_shape(self):
        meta, _ = flash_mla.get_mla_metadata()
        flash_mla.flash_mla_with_kvcache(*Batch(queries=2).arguments(meta), causal=True)
        self.refuses("tile_scheduler_metadata: was used for 4 sequences of 2 queries, causal=True, on cpu; now 4, 2, False, cpu; "
                     "call get_mla_metadata for each", tile_scheduler_metadata=meta)


unittest.main()
