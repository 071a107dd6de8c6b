"""Tests torch.ops.mla on a CPU: test_torch.py GOLDEN_DIR SCRATCH_DIR"""
import pathlib
import sys
import unittest

import mla_mlir
import mla_mlir.torch
import torch
from torch.library import opcheck

GOLDEN, SCRATCH = (pathlib.Path(argument) for argument in sys.argv[1:3])


def int32(values):
    return torch.tensor(values, dtype=torch.int32)


class Layer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        torch.manual_seed(0)
        path = mla_mlir.compile(SCRATCH / "layer.mla", weights=GOLDEN / "v3_plain.safetensors")
        cls.bundle = mla_mlir.load(path)
        cls.name = mla_mlir.torch.register(cls.bundle)
        cls.hidden = torch.randn(40, 256)

    def arguments(self, tokens=slice(0, 40), cu_seqlens=(0, 33, 40), lengths=(33, 7), pages=None):
        pages = torch.full((4, 64, 160), float("nan")) if pages is None else pages
        return (self.hidden[tokens].clone(), pages, int32([[2], [0]]), int32(lengths), int32(cu_seqlens), self.name, 0, 33)

    def test_is_the_step_of_the_bundle(self):
        given = self.arguments()
        pages = given[1].clone()
        expected = self.bundle.step(given[0], pages, *given[2:5], max_queries=33)
        self.assertIsInstance(expected, torch.Tensor)
        self.assertTrue(torch.equal(torch.ops.mla.layer(*given), expected))
        self.assertTrue(torch.equal(given[1].nan_to_num(), pages.nan_to_num()))
        self.assertGreater(pages.nan_to_num().abs().sum(), 0)

    def test_opcheck_layer(self):
        given = list(self.arguments())
        given[1] = torch.zeros(4, 64, 160)
        opcheck(torch.ops.mla.layer.default, tuple(given))

    def test_opcheck_attention(self):
        rows, q_rope = torch.randn(5, 4, 24), torch.randn(5, 4, 8)
        opcheck(torch.ops.mla.latent_attention.default,
                (rows[..., :16].contiguous(), q_rope, torch.randn(3, 16, 24), int32([[2, 0], [1, 0]]), int32([20, 9]),
                 int32([0, 3, 5]), "none", 3), {"scale": 0.2})
        opcheck(torch.ops.mla.naive_attention.default,
                (torch.randn(5, 4, 16), q_rope, torch.randn(9, 4, 16), torch.randn(9, 8), torch.randn(9, 4, 12),
                 int32([0, 3, 5]), int32([0, 6, 9]), "none", 3, 6), {"scale": 0.2})

    def test_attention_of_torch(self):
        """Compare both forms of one attention and torch's, on values for which they agree: W_UK and W_UV are 1."""
        heads, rows, q = 4, torch.randn(9, 24), torch.randn(3, 4, 24)
        out, lse = torch.ops.mla.latent_attention(q[..., :16], q[..., 16:], rows.view(1, 9, 24), int32([[0]]), int32([9]),
                                                  int32([0, 3]), "none", 3, scale=0.3)
        k_nope = rows[:, None, :16].expand(9, heads, 16).contiguous()
        naive = torch.ops.mla.naive_attention(q[..., :16], q[..., 16:], k_nope, rows[:, 16:], k_nope, int32([0, 3]),
                                              int32([0, 9]), "none", 3, 9, scale=0.3)
        seen = torch.arange(9)[None] <= torch.arange(3)[:, None] + 6
        expected = torch.nn.functional.scaled_dot_product_attention(
            q.transpose(0, 1), rows.expand(heads, 9, 24), rows[:, :16].expand(heads, 9, 16), attn_mask=seen, scale=0.3)
        torch.testing.assert_close(out, expected.transpose(0, 1))
        torch.testing.assert_close(naive, out)
        scores = (torch.einsum("qhd,kd->qhk", q, rows) * 0.3).masked_fill(~seen[:, None], float("-inf"))
        torch.testing.assert_close(lse, scores.logsumexp(-1))
        sinks = torch.tensor([0.0, 1.0, -2.0, 5.0])  # they share the denominators, and are not in the LSE
        gated, same = torch.ops.mla.latent_attention(q[..., :16], q[..., 16:], rows.view(1, 9, 24), int32([[0]]), int32([9]),
                                                     int32([0, 3]), "none", 3, scale=0.3, sinks=sinks)
        torch.testing.assert_close(gated, out * torch.sigmoid(lse - sinks)[..., None])
        torch.testing.assert_close(same, lse)
        naive = torch.ops.mla.naive_attention(q[..., :16], q[..., 16:], k_nope, rows[:, 16:], k_nope, int32([0, 3]),
                                              int32([0, 9]), "none", 3, 9, scale=0.3, sinks=sinks)
        torch.testing.assert_close(naive, gated)

    def test_compiles_without_breaks(self):
        def function(hidden, pages, table, lengths, cu_seqlens, bundle, layer, queries):
            out = torch.ops.mla.layer(torch.tanh(hidden), pages, table, lengths, cu_seqlens, bundle, layer, queries)
            return 2 * out + hidden

        compiled = torch.compile(function, fullgraph=True, backend=BACKEND)
        for tokens, cu_seqlens, lengths in ((slice(0, 40), (0, 33, 40), (33, 7)), (slice(0, 12), (0, 9, 12), (9, 3))):
            eager, other = (self.arguments(tokens, cu_seqlens, lengths, torch.zeros(4, 64, 160)) for _ in range(2))
            torch.testing.assert_close(compiled(*other), function(*eager))
            torch.testing.assert_close(other[1], eager[1])
            self.assertEqual(int((other[1] != 0).any(-1).sum()), tokens.stop, "rows of the cache that were written")

    def test_refuses_by_name(self):
        for at, bad, text in ((0, torch.zeros(40, 256, dtype=torch.float64), "hidden: has dtype float64"),
                              (0, torch.zeros(256, 40).T, "hidden: has strides"),
                              (1, torch.zeros(4, 64, 161)[..., :160], "pages: has strides"),
                              (1, torch.zeros(4, 64, 161), "pages: has shape"),
                              (3, torch.tensor([33, 7]), "lengths: has dtype int64"),
                              (5, "no.mla", "bundle: 'no.mla' is not registered")):
            given = list(self.arguments())
            given[at] = bad
            with self.assertRaisesRegex(mla_mlir.ArgumentError, "^" + text):
                torch.ops.mla.layer(*given)
        with self.assertRaisesRegex(mla_mlir.ArgumentError, "^hidden: cannot be read through DLPack: .*grad"):
            given = self.arguments()
            self.bundle.step(given[0].requires_grad_(), *given[1:5], out=torch.zeros(40, 256), max_queries=33)
        with self.assertRaisesRegex(mla_mlir.ArgumentError, "^scale: is 0"):
            torch.ops.mla.latent_attention(torch.zeros(1, 1, 16), torch.zeros(1, 1, 8), torch.zeros(1, 4, 24), int32([[0]]),
                                           int32([1]), int32([0, 1]), "none", 1)

    def test_each_registration_has_a_name_of_its_own(self):
        """Two bundles of one path have different names, and one can be unregistered."""
        path, given = self.bundle.info.path, list(self.arguments())
        expected = torch.ops.mla.layer(*given)
        names = [mla_mlir.torch.register(bundle) for bundle in (mla_mlir.load(path), mla_mlir.load(path), self.bundle)]
        self.assertEqual(len({self.name, *names}), 4)
        mla_mlir.torch.unregister(names[0])
        self.assertNotIn(mla_mlir.torch.register(self.bundle), names, "a name of the past comes again")
        for name in (self.name, *names[1:]):
            given[5] = name
            self.assertTrue(torch.equal(torch.ops.mla.layer(*given), expected))
        self.assertEqual(mla_mlir.torch.register(self.bundle, "mine"), "mine")
        self.assertEqual(mla_mlir.torch.register(mla_mlir.load(path), "mine"), "mine")

    def test_fake_tensors_need_no_bundle(self):
        with torch._subclasses.FakeTensorMode():
            out = torch.ops.mla.layer(torch.empty(5, 256, device="cuda"), torch.empty(4, 64, 160, device="cuda"),
                                      torch.empty(2, 1), torch.empty(2), torch.empty(3), "none", 0, 3)
            self.assertEqual((out.shape, out.device.type), ((5, 256), "cuda"))


# inductor generates code that needs a C++ compiler.
BACKEND = "aot_eager" if "--no-inductor" in sys.argv else "inductor"
unittest.main(argv=sys.argv[:1])
