"""Tests arguments that must not be truncated, used too late or confused: test_arguments.py GOLDEN_DIR SCRATCH_DIR"""
import copy
import ctypes
import os
import pathlib
import pickle
import subprocess
import sys
import unittest

import mla_mlir
import numpy as np
from mla_mlir import runtime

GOLDEN, SCRATCH = (pathlib.Path(argument) for argument in sys.argv[1:3])
TOO_LARGE = 2**64 + 4  # C would convert it to 4


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        path = SCRATCH / "layer.mla"
        if not path.exists():
            mla_mlir.compile(path, weights=GOLDEN / "v3_plain.safetensors", plan="decode=absorb,prefill=absorb")
        cls.bundle = mla_mlir.load(path)

    def refuses(self, argument, call, text="must be from"):
        with self.assertRaisesRegex(mla_mlir.ArgumentError, text) as caught:
            call()
        self.assertEqual(caught.exception.argument, argument)

    def fails(self, text, call):
        with self.assertRaisesRegex(mla_mlir.Error, text):
            call()


class Integers(Case):
    def test_of_a_cache(self):
        self.refuses("pages", lambda: self.bundle.cache(pages=TOO_LARGE))
        self.refuses("pages", lambda: self.bundle.cache(pages=4.0), "is a float, must be an integer")
        with self.bundle.cache(pages=np.int64(4)) as cache:
            self.assertEqual(cache.num_pages, 4)
            self.refuses("layer", lambda: cache.pages(2**64))
            sequence = cache.sequence()
            for tokens in (2**32 + 3, -(2**32) + 3, 2**31):
                self.refuses("tokens[1]", lambda: cache.batch([cache.sequence(), sequence], [1, tokens]).__enter__())
            self.assertEqual((len(sequence), cache.free_pages), (0, 4))
            with cache.batch([sequence], [3]) as batch:
                self.refuses("layer", lambda: batch.run(np.zeros((3, 256), np.float32), layer=2**64))
            self.refuses("length", lambda: sequence.truncate(2**64 + 1))
            self.assertEqual(len(sequence), 3)

    def test_of_a_step(self):
        tables = np.array([[0]], np.int32), np.array([3], np.int32), np.array([0, 3], np.int32)
        hidden, pages = np.zeros((3, 256), np.float32), np.zeros((1, 64, 160), np.float32)

        def step(**changed):
            return self.bundle.step(hidden, pages, *tables, **{"max_queries": 3, **changed})

        for name in ("max_queries", "max_length", "cached", "layer"):
            self.refuses(name, lambda: step(**{name: 2**64 + 3}))
        self.refuses("max_queries", lambda: step(max_queries=None), "is a NoneType, must be an integer")
        for name in ("tokens", "num_pages", "max_queries", "cached"):
            sizes = {"tokens": 3, "num_pages": 1, "max_queries": 3, name: 2**64 + 3}
            self.refuses(name, lambda: self.bundle.check_step(*tables, **sizes))
        call = self.bundle.step_call(hidden, pages, *tables, np.zeros_like(hidden), max_queries=3)
        self.refuses("max_length", lambda: setattr(call.struct, "max_length", 2**64 + 3))
        self.refuses("workspace", lambda: call.enqueue(workspace=(2**64 + 256, 256)))
        self.refuses("workspace_bytes", lambda: call.enqueue(workspace=(256, 2**64 + 256)))

    def test_every_integer_of_every_struct_and_function(self):
        for struct in runtime.STRUCTS:
            for field, kind in struct._fields_:
                if kind in (ctypes.c_char_p, ctypes.c_double) or issubclass(kind, (ctypes._Pointer, ctypes.Array)):
                    continue
                bits = 8 * ctypes.sizeof(kind)
                with self.subTest(f"{struct.__name__}.{field}"), self.assertRaises(mla_mlir.ArgumentError):
                    struct(**{field: 2**bits + 1})
        for name, (_, *arguments) in runtime._FUNCTIONS.items():
            for place, kind in enumerate(arguments):
                if kind in (ctypes.c_int32, ctypes.c_int64, ctypes.c_uint64):
                    taken = getattr(runtime.loaded(), name).argtypes[place]
                    with self.subTest(f"{name}[{place}]"), self.assertRaises(mla_mlir.ArgumentError):
                        taken.from_param(2**64 + 1)

    def test_a_path_ends_at_its_end(self):
        self.refuses("path", lambda: mla_mlir.load(f"{self.bundle.info.path}\0.mla"), "which holds a NUL")
        for path in (None, 3):
            self.refuses("path", lambda: mla_mlir.load(path), "must be the path of a bundle")
        for output, config, says in ((3, {}, "output: is a int, must be a path"), ("x", {"a": {1}}, "config: must be a path or a dictionary")):
            with self.assertRaisesRegex(mla_mlir.CompileError, says):
                mla_mlir.compile(output, config=config)
        for path in ("a\0b", "\ud800"):
            with self.assertRaisesRegex(mla_mlir.CompileError, "an argument cannot be given to mla-compile"):
                mla_mlir.compile(path, config="config.json")

    def test_a_path_may_have_any_bytes(self):
        path = self.bundle.info.path
        link = os.path.join(os.path.dirname(os.path.abspath(path)), os.fsdecode(b"\xff.mla"))
        os.symlink(os.path.abspath(path), link)
        with mla_mlir.load(link) as bundle:
            self.assertEqual(bundle.info.path, link)


class Handles(Case):
    HIDDEN = np.ones((3, 256), np.float32)

    def test_a_batch_ends_with_its_block(self):
        with self.bundle.cache(pages=2) as cache:
            sequence = cache.sequence()
            with cache.batch([sequence], [3]) as ended:
                ended.run(self.HIDDEN)
            with self.assertRaises(ZeroDivisionError), cache.batch([sequence], [3]) as aborted:
                raise ZeroDivisionError
            with cache.batch([sequence], [3]) as batch:  # the runtime reuses its memory
                expected = batch.run(self.HIDDEN)
                for stale in (ended, aborted):
                    self.fails("batch: its block has ended", lambda: stale.run(2 * self.HIDDEN))
                self.assertTrue(np.array_equal(batch.run(self.HIDDEN), expected))

    def test_a_sequence_belongs_to_its_cache(self):
        with self.bundle.cache(pages=2) as cache, self.bundle.cache(pages=2) as other:
            sequence = cache.sequence()
            other.sequence()  # with the same number
            self.refuses("sequences[0]", lambda: other.batch([sequence], [1]).__enter__(), "is of another cache")

    def test_a_sequence_is_one(self):
        with self.bundle.cache(pages=2) as cache:
            for wrong in (None, 1):
                self.refuses("sequences[0]", lambda: cache.batch([wrong], [1]).__enter__(), "must be a sequence of this cache")

    def test_no_copies(self):
        """Two owners of a cache would free it twice; a copy of a batch would outlive it."""
        with self.bundle.cache(pages=2) as cache:
            with cache.batch([cache.sequence()], [3]) as batch:
                for owner in (cache, batch):
                    for copied in (copy.copy, copy.deepcopy, pickle.dumps):
                        with self.assertRaisesRegex(TypeError, "cannot be copied or pickled"):
                            copied(owner)
            with self.assertRaisesRegex(TypeError, "a Cache cannot be copied"):
                copy.deepcopy(cache.sequence())

    def test_pages_of_a_closed_cache(self):
        cache = self.bundle.cache(pages=2)
        pages = cache.pages(0)
        self.assertEqual(np.asarray(pages).shape, (2, 64, 160))
        cache.close()
        self.fails("their cache is closed", lambda: pages.__array_interface__)
        self.assertFalse(hasattr(pages, "__cuda_array_interface__"))


class Missing(unittest.TestCase):
    """In a separate process: the library is located once."""

    def says(self, code, **environment):
        code = f"import mla_mlir\ntry:\n    {code}\nexcept mla_mlir.Error as error:\n    print(error.status, error)"
        done = subprocess.run([sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True)
        self.assertEqual(done.stderr, "")
        return done.stdout

    def test_the_library(self):
        said = self.says("mla_mlir.load('none')", MLA_MLIR_PREFIX="/none")
        self.assertRegex(said, "^MLA_IO_ERROR .*libmla-runtime.so.0: is not in /none; set MLA_MLIR_PREFIX")
        said = self.says("mla_mlir.load('none')", MLA_RUNTIME_LIBRARY="/none/libmla-runtime.so.0")
        self.assertRegex(said, "^MLA_IO_ERROR .*/none/libmla-runtime.so.0: cannot be loaded: .*set MLA_MLIR_PREFIX or MLA_RUNTIME")
        said = self.says("mla_mlir.load('none')", MLA_RUNTIME_LIBRARY="libc.so.6")
        self.assertRegex(said, "^MLA_UNSUPPORTED .*libc.so.6: has no mla_")

    def test_the_compiler(self):
        said = self.says("mla_mlir.compile('x.mla', config={})", MLA_MLIR_PREFIX="/none")
        self.assertRegex(said, "^MLA_IO_ERROR .*mla-compile: is not in /none; set MLA_MLIR_PREFIX to the tree")


unittest.main(argv=sys.argv[:1])
