"""Bundles with a packed cache from numpy: test_packed.py GOLDEN_DIR SCRATCH_DIR"""
import pathlib
import sys
import unittest

import golden
import mla_mlir
import numpy as np

GOLDEN, SCRATCH = (pathlib.Path(argument) for argument in sys.argv[1:3])
LATENT, ROPE = 128, 32  # of v3_plain


def e4m3(codes):
    """Values of e4m3, from its definition."""
    sign = np.where(codes & 0x80, -1.0, 1.0)
    exponent, fraction = (codes >> 3 & 15).astype(int), (codes & 7).astype(int)
    magnitude = np.where(exponent == 0, fraction * 2.0**-9, (8 + fraction) * 2.0 ** (exponent - 10.0))
    return sign * np.where((codes & 0x7F) == 0x7F, np.nan, magnitude)


def unpacked(rows, cache_format):
    """[tokens, LATENT + ROPE] of packed rows."""
    latent = e4m3(rows[:, :LATENT])
    if cache_format == "fp8_tensor":
        return np.concatenate([latent, e4m3(rows[:, LATENT:LATENT + ROPE])], 1)
    scales = rows[:, LATENT:LATENT + 4].copy().view(np.float32)
    bits = rows[:, LATENT + 16:LATENT + 16 + 2 * ROPE].copy().view(np.uint16)
    return np.concatenate([latent * scales, (bits.astype(np.uint32) << 16).view(np.float32)], 1)


class Packed(unittest.TestCase):
    PLAN = "decode=absorb,prefill=absorb"  # two entries, which are compiled sooner
    ROWS = {"fp8_row": LATENT + 16 + 2 * ROPE, "fp8_tensor": LATENT + ROPE}

    @classmethod
    def setUpClass(cls):
        cls.file = GOLDEN / "v3_plain.safetensors"
        cls.bundles = {name: mla_mlir.load(mla_mlir.compile(SCRATCH / f"{name}.mla", weights=cls.file, page=16, plan=cls.PLAN,
                                                            cache_dtype=name)) for name in cls.ROWS}
        cls.standard = mla_mlir.load(mla_mlir.compile(SCRATCH / "standard.mla", weights=cls.file, page=16, plan=cls.PLAN))
        cls.hidden, cls.expected = ((a[0]) for a in golden.steps(golden.read(cls.file))[0])

    def step(self, bundle, pages, count=33):
        table = np.array([[4, 0, 2]], np.int32)
        return bundle.step(self.hidden[:count].copy(), pages, table, np.array([count], np.int32),
                           np.array([0, count], np.int32), max_queries=count)

    def test_description(self):
        for name, bundle in self.bundles.items():
            info = bundle.info
            self.assertEqual((info.cache_format, info.cache_dtype, info.cache_row), (name, "uint8", self.ROWS[name]))
        self.assertEqual((self.standard.info.cache_dtype, self.standard.info.cache_row), ("float32", LATENT + ROPE))

    def test_rows_hold_the_standard_rows_rounded(self):
        plain = np.zeros((6, 16, LATENT + ROPE), np.float32)
        self.step(self.standard, plain)
        want = plain[[4, 0, 2]].reshape(48, -1)[:33]
        for name, bundle in self.bundles.items():
            pages = np.full((6, 16, self.ROWS[name]), 0xFF, np.uint8)
            out = self.step(bundle, pages)
            self.assertLess(np.linalg.norm(out - self.expected) / np.linalg.norm(self.expected), 6e-2)
            rows = pages[[4, 0, 2]].reshape(48, -1)
            self.assertTrue((rows[33:] == 0xFF).all() and (pages[[1, 3, 5]] == 0xFF).all())
            found = unpacked(rows[:33], name)
            # Half a unit in the last of 3 bits (bf16: 7), of which a subnormal's is that of the least normal; both runs round
            # their own sums in f32.
            scale = np.abs(want[:, :LATENT]).max(1, keepdims=True) / 448 if name == "fp8_row" else 1
            latent = np.maximum(np.abs(want[:, :LATENT]) / 16, 2.0**-10 * scale)
            keys = np.abs(want[:, LATENT:])
            keys = keys * 2.0**-8 if name == "fp8_row" else np.maximum(keys / 16, 2.0**-10)
            excess = np.abs(found - want) / np.concatenate([latent, keys], 1)
            self.assertLess(np.nanmax(excess), 1.001, name)
            self.assertTrue(np.isfinite(found).all(), name)

    def test_the_runtimes_cache(self):
        for name, bundle in self.bundles.items():
            with bundle.cache(pages=4) as cache:
                sequence = cache.sequence()
                with cache.batch([sequence], [33]) as batch:
                    batch.run(self.hidden)
                pages = np.asarray(cache.pages(0))
                self.assertEqual((pages.dtype, pages.shape), (np.uint8, (4, 16, self.ROWS[name])))
                self.assertTrue(np.isfinite(unpacked(pages[sequence.pages()].reshape(48, -1)[:33], name)).all())

    def test_saturation(self):
        table, lengths, cu = np.array([[4, 0, 2]], np.int32), np.array([33], np.int32), np.array([0, 33], np.int32)
        sizes = {"tokens": 33, "max_queries": 33}
        for name, bundle in self.bundles.items():
            pages = np.full((6, 16, self.ROWS[name]), 0xFF, np.uint8)
            self.step(bundle, pages)
            self.assertEqual(bundle.saturation(pages, table, lengths, cu, **sizes).tokens, 0)
            pages[0, 3, LATENT + 16 * (name == "fp8_row") :] = 0xFF  # token 19: k_rope is NaN
            found = bundle.saturation(pages, table, lengths, cu, **sizes)
            self.assertEqual((found.tokens, found.sequence, found.position, found.column), (1, 0, 19, LATENT))
            self.assertTrue(np.isnan(found.value))
            with bundle.cache(pages=4) as cache:
                with cache.batch([cache.sequence()], [33]) as batch:
                    batch.run(1e6 * self.hidden)  # keys are not normalised
                    found = batch.saturation()
            limit = found.tokens > 0 and found.column >= LATENT and abs(found.value) == 448
            self.assertEqual(limit, name == "fp8_tensor", found)
        with self.assertRaisesRegex(mla_mlir.Error, "block_table\\[0\\]\\[1\\] is 9"):
            bundle.saturation(pages, np.array([[4, 9, 2]], np.int32), lengths, cu, **sizes)

    def test_types_of_one_byte(self):
        bundle, row = self.bundles["fp8_row"], self.ROWS["fp8_row"]
        pages = np.zeros((6, 16, row), np.int8)
        out = self.step(bundle, pages)
        np.testing.assert_array_equal(out, self.step(bundle, np.zeros((6, 16, row), np.uint8)))
        for wrong in (np.float32, np.uint16):
            with self.assertRaisesRegex(mla_mlir.ArgumentError, f"^pages: has dtype {np.dtype(wrong).name}.*, must be uint8"):
                self.step(bundle, np.zeros((6, 16, row), wrong))
        with self.assertRaisesRegex(mla_mlir.ArgumentError, r"^pages: has shape \[6, 16, 160\], must be \[any, 16, 208\]"):
            self.step(bundle, np.zeros((6, 16, 160), np.uint8))
        with self.assertRaisesRegex(mla_mlir.ArgumentError, "^pages: has dtype uint8, must be float32"):
            self.step(self.standard, np.zeros((6, 16, 160), np.uint8))

    def test_compile_refuses(self):
        with self.assertRaisesRegex(mla_mlir.CompileError, "--cache-dtype must be auto, .* got 'fp8'"):
            mla_mlir.compile(SCRATCH / "none", weights=self.file, cache_dtype="fp8")


unittest.main(argv=sys.argv[:1])
