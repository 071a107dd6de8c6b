"""Tests bundles for a CPU with numpy: test_steps.py GOLDEN_DIR SCRATCH_DIR"""
import pathlib
import sys
import unittest

import golden
import mla_mlir
import numpy as np

GOLDEN, SCRATCH = (pathlib.Path(argument) for argument in sys.argv[1:3])


class Foreign:
    """A tensor of another library, with numpy's memory and its own description."""

    def __init__(self, array, device=(1, 0), error=None):
        self.array, self.device, self.error = array, device, error

    def __dlpack_device__(self):
        return self.device

    def __dlpack__(self, **keywords):
        if self.error:
            raise self.error
        return self.array.__dlpack__()


def relative(found, expected):
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


def bf16(values):
    """Round to nearest even. Return the bits."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def floats(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


class Steps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.file = GOLDEN / "v3_plain.safetensors"
        cls.path = mla_mlir.compile(SCRATCH / "layer.mla", weights=cls.file, page=16)
        cls.bundle = mla_mlir.load(cls.path)
        cls.recorded = [(h[0], o[0]) for h, o in golden.steps(golden.read(cls.file))]
        cls.hidden = np.concatenate([h for h, _ in cls.recorded])

    def arguments(self, **changed):
        """33 tokens of one sequence and 2 of another, in scattered pages, with invalid numbers in rows without a token."""
        given = {
            "hidden": self.hidden[:35].copy(),
            "pages": np.full((6, 16, 160), np.nan, np.float32),
            "block_table": np.array([[4, 0, 2, -7], [5, 2**30, 2**30, 99]], np.int32),
            "lengths": np.array([33, 2], np.int32),
            "cu_seqlens": np.array([0, 33, 35], np.int32),
            "max_queries": 33,
        }
        return {**given, **changed}

    def refuses(self, argument, text, **changed):
        with self.assertRaisesRegex(mla_mlir.ArgumentError, f"^{argument}: .*{text}") as caught:
            self.bundle.step(**self.arguments(**changed))
        self.assertEqual(caught.exception.argument, argument)

    def test_needs_no_torch(self):
        self.assertNotIn("torch", sys.modules)

    def test_description(self):
        info = self.bundle.info
        self.assertEqual((info.model_type, info.target, info.dtype, info.page), ("deepseek_v3", "cpu", "float32", 16))
        self.assertEqual((info.hidden_size, info.kv_lora_rank, info.layers), (256, 128, (0,)))
        self.assertEqual({entry.phase for entry in self.bundle.entries}, {"prefill", "decode"})
        self.assertIn("deepseek_v3", repr(self.bundle))

    def test_cache_as_recorded(self):
        with self.bundle.cache(pages=4) as cache:
            sequence = cache.sequence()
            for hidden, expected in self.recorded:
                with cache.batch([sequence], [len(hidden)]) as batch:
                    found = batch.run(hidden)
                self.assertLess(relative(found, expected), 1e-5)
            self.assertEqual((len(sequence), len(sequence.pages()), cache.free_pages), (35, 3, 1))

    def test_own_pages_as_recorded(self):
        given = self.arguments()
        out = np.zeros_like(given["hidden"])
        self.assertIs(self.bundle.step(**given, out=out), out)
        self.assertLess(relative(out[:33], self.recorded[0][1]), 1e-5)
        # Only the rows of tokens are written.
        rows = given["pages"][[4, 0, 2]].reshape(-1, 160)
        self.assertTrue(np.isfinite(rows[:33]).all() and np.isnan(rows[33:]).all() and np.isnan(given["pages"][[1, 3]]).all())
        for i, (hidden, expected) in enumerate(self.recorded[1:]):
            lengths, cu_seqlens = np.array([34 + i, 2], np.int32), np.array([0, 1, 1], np.int32)
            found = self.bundle.step(hidden, given["pages"], given["block_table"], lengths, cu_seqlens, max_queries=1)
            self.assertLess(relative(found, expected), 1e-5)

    def test_bfloat16_is_its_bits(self):
        path = mla_mlir.compile(SCRATCH / "bf16.mla", weights=self.file, dtype="bf16", layers=range(0, 1))
        with mla_mlir.load(path) as bundle, bundle.cache(pages=1) as cache:
            with cache.batch([cache.sequence()], [33]) as batch:
                found = batch.run(bf16(self.hidden[:33]))
                self.assertEqual(found.dtype, np.uint16)
                self.assertLess(relative(floats(found), self.recorded[0][1]), 2e-2)
                with self.assertRaisesRegex(mla_mlir.ArgumentError, "^hidden: has dtype float32, must be bfloat16"):
                    batch.run(self.hidden[:33])

    def test_sequences(self):
        with self.bundle.cache(pages=3) as cache:
            first = cache.sequence()
            with cache.batch([first], [33]) as batch:
                batch.run(self.hidden[:33])
            second = first.fork()
            self.assertEqual(cache.free_pages, 0)
            self.assertEqual(first.pages(), second.pages())
            second.truncate(16)
            third = cache.sequence()
            with self.assertRaises(mla_mlir.Error) as caught:
                with cache.batch([third], [1]):
                    self.fail("there is no page")
            self.assertEqual(caught.exception.status, "MLA_OUT_OF_PAGES")
            first.truncate(20)
            with self.assertRaises(ZeroDivisionError):
                with cache.batch([first], [3]) as batch:
                    batch.run(self.hidden[20:23])
                    raise ZeroDivisionError
            self.assertEqual(len(first), 20)
            with cache.batch([first], [2]) as batch:
                again = batch.run(self.hidden[20:22])
            self.assertLess(relative(again, self.recorded[0][1][20:22]), 1e-5)
            pages = np.asarray(cache.pages(0))
            self.assertEqual((pages.shape, pages.dtype), ((3, 16, 160), np.float32))
            self.assertTrue(np.isfinite(pages[first.pages()[0]]).all())
            second.free()
            with self.assertRaisesRegex(mla_mlir.Error, "sequence"):
                len(second)

    def test_wrong_device(self):
        for name in ("hidden", "pages", "block_table", "lengths", "cu_seqlens"):
            self.refuses(name, "is on cuda:1, must be on cpu", **{name: Foreign(self.arguments()[name], (2, 1))},
                         out=np.empty_like(self.hidden[:35]))
        self.refuses("out", "is on cuda:0", out=Foreign(self.hidden[:35].copy(), (2, 0)))

    def test_wrong_dtype(self):
        self.refuses("hidden", "has dtype float64, must be float32", hidden=self.hidden[:35].astype(np.float64))
        self.refuses("pages", "has dtype float16, must be float32", pages=np.zeros((6, 16, 160), np.float16))
        self.refuses("lengths", "has dtype int64, must be int32", lengths=np.array([33, 2]))
        self.refuses("block_table", "has dtype uint32", block_table=self.arguments()["block_table"].astype(np.uint32))
        self.refuses("out", "has dtype int32", out=np.zeros((35, 256), np.int32))

    def test_wrong_strides(self):
        self.refuses("hidden", "has strides .*must be contiguous", hidden=np.repeat(self.hidden[:35], 2, axis=0)[::2])
        self.refuses("pages", "has strides", pages=np.zeros((16, 6, 160), np.float32).swapaxes(0, 1))
        self.refuses("lengths", "has strides", lengths=np.array([33, 0, 2, 0], np.int32)[::2])
        self.refuses("out", "has strides", out=np.zeros((256, 35), np.float32).T)

    def test_wrong_shape(self):
        self.refuses("hidden", r"has shape \[35, 255\], must be \[any, 256\]", hidden=np.zeros((35, 255), np.float32))
        self.refuses("pages", r"has shape \[6, 16, 159\]", pages=np.zeros((6, 16, 159), np.float32))
        self.refuses("block_table", r"has shape \[1, 4\], must be \[2, any\]", block_table=np.zeros((1, 4), np.int32))
        self.refuses("cu_seqlens", r"has shape \[2\], must be \[3\]", cu_seqlens=np.array([0, 35], np.int32))
        self.refuses("out", r"has shape \[34, 256\], must be \[35, 256\]", out=np.zeros((34, 256), np.float32))
        with self.bundle.cache(pages=1) as cache, cache.batch([cache.sequence()], [2]) as batch:
            with self.assertRaisesRegex(mla_mlir.ArgumentError, r"^hidden: has shape \[3, 256\], must be \[2, 256\]"):
                batch.run(self.hidden[:3])

    def test_no_tensor(self):
        self.refuses("hidden", "is a list, must be a tensor with __dlpack__", hidden=[1.0])
        self.refuses("pages", "is a NoneType", pages=None)
        self.refuses("lengths", "cannot be read through DLPack: no export", lengths=Foreign(None, error=BufferError("no export")))
        self.refuses("out", "cannot be made like a Foreign", hidden=Foreign(self.hidden[:35]))

    def test_read_only(self):
        pages = np.zeros((6, 16, 160), np.float32)
        pages.flags.writeable = False
        self.refuses("pages", "read-?only", pages=pages)

    def test_wrong_contents(self):
        for changed, text in (
            ({"lengths": np.array([33, 65], np.int32)}, r"lengths\[1\] is 65, more than max_length"),
            ({"block_table": np.array([[4, 0, 6, 0], [5, 0, 0, 0]], np.int32)}, r"block_table\[0\]\[2\] is 6; give a page"),
            ({"cu_seqlens": np.array([0, 33, 36], np.int32)}, r"cu_seqlens\[2\] is 36, more than tokens"),
            ({"layer": 1}, "no layer 1"),
            ({"max_queries": 20}, "has 33 query tokens"),
        ):
            given = self.arguments(**changed)
            with self.assertRaisesRegex(mla_mlir.Error, text) as caught:
                self.bundle.step(**given)
            self.assertEqual(caught.exception.status, "MLA_INVALID_ARGUMENT")
            self.assertTrue(np.isnan(given["pages"]).all())
        self.refuses("phase", "is 'both', must be one of auto, prefill, decode", phase="both")
        self.refuses("phase", "is .'decode'., must be one of auto, prefill, decode", phase=["decode"])
        given = self.arguments()
        with self.assertRaisesRegex(mla_mlir.Error, "hidden and out overlap"):
            self.bundle.step(**given, out=given["hidden"])

    def test_attention_alone_is_for_gpus(self):
        rows = np.zeros((1, 4, 160), np.uint16)
        with self.assertRaises(mla_mlir.ArgumentError):
            self.bundle.latent_attention(rows, rows, rows, rows, rows, rows, rows, rows, max_queries=1)


class Compiling(unittest.TestCase):
    CONFIG = {"model_type": "deepseek_v3", "hidden_size": 64, "num_attention_heads": 2, "q_lora_rank": None, "kv_lora_rank": 64,
              "qk_nope_head_dim": 16, "qk_rope_head_dim": 16, "v_head_dim": 16, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
              "max_position_embeddings": 1024, "num_hidden_layers": 2}

    def fails(self, status, text, *arguments, **keywords):
        with self.assertRaisesRegex(mla_mlir.CompileError, text) as caught:
            mla_mlir.compile(*arguments, **keywords)
        self.assertEqual(caught.exception.status, status)

    def test_a_stage_as_text(self):
        text = mla_mlir.compile(config=self.CONFIG, plan="decode.q=fold", emit="plan")
        self.assertIn("q = fold", text)

    def test_layers_of_made_weights(self):
        path = mla_mlir.compile(SCRATCH / "made.mla", config=self.CONFIG, layers="all")
        with mla_mlir.load(path, inspect=True) as bundle:
            self.assertEqual(bundle.info.layers, (0, 1))
            with self.assertRaisesRegex(mla_mlir.Error, "only inspected"):
                bundle.step(np.zeros((1, 64), np.float32), np.zeros((1, 64, 80), np.float32), np.zeros((1, 1), np.int32),
                            np.ones(1, np.int32), np.array([0, 1], np.int32), max_queries=1)

    def test_messages_are_the_compilers(self):
        self.fails(1, "^/none.safetensors: no such file", SCRATCH / "none", weights="/none.safetensors")
        self.fails(1, "model_type llama has no latent attention", SCRATCH / "none", config={"model_type": "llama"})
        self.fails(2, "--page must be an integer", SCRATCH / "none", config=self.CONFIG, page=0)
        self.fails(2, "output: must be the directory")
        self.assertFalse((SCRATCH / "none").exists())

    def test_warnings_are_pythons(self):
        sparse = {**self.CONFIG, "model_type": "glm_moe_dsa", "index_topk": 64, "q_lora_rank": 16}
        with self.assertWarnsRegex(UserWarning, "index_topk"):
            mla_mlir.compile(config=sparse, emit="import")

    def test_a_bundle_that_is_not_there(self):
        with self.assertRaises(mla_mlir.Error) as caught:
            mla_mlir.load(SCRATCH / "no.mla")
        self.assertEqual(caught.exception.status, "MLA_IO_ERROR")


unittest.main(argv=sys.argv[:1])
