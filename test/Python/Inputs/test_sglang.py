"""Tests mla_mlir.sglang with SGLang's own layer, pools and registry on a CPU. The model runner and the batch are here."""
import argparse
import types
import unittest

import sglang
import torch
from mla_mlir import sglang_plugin
from sglang.srt.arg_groups.choices import ATTENTION_BACKEND_CHOICES
from sglang.srt.layers.attention.attention_registry import ATTENTION_BACKENDS
from sglang.srt.layers.radix_attention import RadixAttention
from sglang.srt.mem_cache.memory_pool import MLATokenToKVPool, ReqToTokenPool
from sglang.srt.model_executor.forward_batch_info import ForwardMode
from sglang.srt.runtime_context import get_context
from sglang.srt.server_args import ServerArgs

HEADS, LATENT, ROPE, SCALE, SLOTS, ROOM = 4, 64, 16, 0.125, 1024, 256


class Runner:
    """What a backend reads of a ModelRunner."""

    def __init__(self, page_size, **changed):
        self.use_mla_backend, self.page_size, self.device, self.kv_index_translator = True, page_size, "cpu", None
        self.dtype = self.kv_cache_dtype = torch.bfloat16
        self.token_to_kv_pool = MLATokenToKVPool(SLOTS, page_size, torch.bfloat16, LATENT, ROPE, 1, "cpu", False)
        self.req_to_token_pool = ReqToTokenPool(4, ROOM, "cpu", False)
        vars(self).update(changed)


def backend(runner):
    sglang_plugin.register()
    return ATTENTION_BACKENDS["mla_mlir"](runner)


class Decode(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(0)
        published = get_context().override_server_args()
        published.install()
        self.addCleanup(published.restore)
        self.layer = RadixAttention(HEADS, LATENT + ROPE, SCALE, 1, 0, v_head_dim=LATENT)

    def requests(self, runner, lengths):
        """Fill pages in a scattered order. Return the rows of each request, without its last token."""
        page, pool, table = runner.page_size, runner.token_to_kv_pool, runner.req_to_token_pool.req_to_token
        free, histories = (torch.randperm(SLOTS // page) + 1).tolist(), []
        for request, length in enumerate(lengths, 1):
            slots = torch.cat([torch.arange(page) + free.pop() * page for _ in range(-(-length // page))])
            table[request, : len(slots)] = slots.int()
            rows = torch.randn(length - 1, LATENT + ROPE).bfloat16()
            pool.get_key_buffer(0)[slots[: length - 1], 0] = rows
            histories.append(rows)
        return histories

    def batch(self, runner, lengths):
        ids = torch.arange(1, len(lengths) + 1)
        last = runner.req_to_token_pool.req_to_token[ids, torch.tensor(lengths) - 1].long()
        return types.SimpleNamespace(forward_mode=ForwardMode.DECODE, batch_size=len(lengths), req_pool_indices=ids,
                                     seq_lens=torch.tensor(lengths), seq_lens_cpu=torch.tensor(lengths), out_cache_loc=last,
                                     out_cache_loc_is_physical=True, kv_loc_plan=None)

    def decode(self, page_size, graphs):
        lengths = [1, page_size, page_size + 1, 130]
        runner = Runner(page_size)
        found = backend(runner)
        histories, batch = self.requests(runner, lengths), self.batch(runner, lengths)
        if graphs:
            found.init_cuda_graph_state(8, 8)
            found.init_forward_metadata_out_graph(batch)
        else:
            found.init_forward_metadata(batch)
        q, k = torch.randn(len(lengths), HEADS, LATENT + ROPE).bfloat16(), torch.randn(len(lengths), 1, LATENT + ROPE).bfloat16()
        out = found.forward(q.flatten(1), k, k[..., :LATENT], self.layer, batch)
        self.assertEqual(out.shape, (len(lengths), HEADS * LATENT))
        for row, history in enumerate(histories):
            rows = torch.cat([history, k[row]]).double()
            expected = (q[row].double() @ rows.T * SCALE).softmax(-1) @ rows[:, :LATENT]
            got = out[row].view(HEADS, LATENT).double()
            self.assertLess(((got - expected).norm() / expected.norm()).item(), 1e-2)
        return found, batch, q, out

    def test_decodes(self):
        for page_size in (16, 64):
            for graphs in (False, True):
                self.decode(page_size, graphs)

    def test_a_wrong_page_is_seen(self):
        runner = Runner(64)
        found = backend(runner)
        self.requests(runner, [70, 70])
        batch = self.batch(runner, [70, 70])
        q = torch.randn(2, HEADS * (LATENT + ROPE)).bfloat16()
        found.init_forward_metadata(batch)
        right = found.forward_decode(q, None, None, self.layer, batch)
        batch.req_pool_indices = batch.req_pool_indices.flip(0)
        found.init_forward_metadata(batch)
        wrong = found.forward_decode(q, None, None, self.layer, batch)
        self.assertGreater(((right - wrong).norm() / right.norm()).item(), 0.1)

    def test_graphs_keep_addresses(self):
        found, batch, *_ = self.decode(64, True)
        first = [tensor.data_ptr() for tensor in found.forward_metadata[:2]]
        found.init_forward_metadata_out_graph(batch, in_capture=True)
        self.assertEqual([tensor.data_ptr() for tensor in found.forward_metadata[:2]], first)
        self.assertEqual((found.forward_metadata[2], found.get_cuda_graph_seq_len_fill_value()), (0, 1))

    def test_registers(self):
        sglang_plugin.register()
        sglang_plugin.register()
        self.assertEqual(ATTENTION_BACKEND_CHOICES.count("mla_mlir"), 1)
        parser = argparse.ArgumentParser()
        ServerArgs.add_cli_args(parser)
        given = ["--model-path", "none", "--decode-attention-backend", "mla_mlir", "--prefill-attention-backend", "fa3"]
        self.assertEqual(parser.parse_args(given).decode_attention_backend, "mla_mlir")

    def test_refuses(self):
        for changed, text in (({"use_mla_backend": False}, "attention is not MLA"), ({"dtype": torch.float16}, "--dtype is torch.float16"),
                              ({"kv_cache_dtype": torch.float8_e4m3fn}, "--kv-cache-dtype is torch.float8_e4m3fn"),
                              ({"kv_index_translator": types.SimpleNamespace(reads_are_translated=True)}, "a unified pool")):
            with self.assertRaisesRegex(ValueError, text):
                backend(Runner(64, **changed))
        with self.assertRaisesRegex(ValueError, "--page-size is 1, must be one of 16, 32, 64, 128"):
            backend(Runner(1))
        for changed, text in (({"speculative_algorithm": "EAGLE"}, "--speculative-algorithm is EAGLE, must be left out"),
                              ({"dcp_size": 2}, "--dcp-size is 2, must be 1")):
            runner = Runner(64)
            with get_context().override_server_args(**changed), self.assertRaisesRegex(ValueError, text):
                backend(runner)
        found, batch, q, _ = self.decode(64, False)
        batch.forward_mode = ForwardMode.EXTEND
        for call in (lambda: found.init_forward_metadata(batch), lambda: found.forward(q, None, None, self.layer, batch)):
            with self.assertRaisesRegex(NotImplementedError, "decode only; name another backend in --prefill-attention-backend"):
                call()
        batch.forward_mode = ForwardMode.DECODE
        with self.assertRaisesRegex(ValueError, "topk_indices of layer 0 is given"):
            found.forward_decode(q, None, None, self.layer, batch, topk_indices=torch.zeros(1))
        found.pool.kv_buffer[0] = torch.zeros(SLOTS, 2, 1, LATENT + ROPE, dtype=torch.bfloat16)[:, 0]
        with self.assertRaisesRegex(ValueError, "cache of a layer is not contiguous"):
            found.forward_decode(q, None, None, self.layer, batch)
        self.layer.logit_cap = 30.0
        with self.assertRaisesRegex(ValueError, "logit_cap of layer 0 is 30.0, must be 0"):
            found.forward_decode(q, None, None, self.layer, batch)


print("sglang", sglang.__version__)
unittest.main()
