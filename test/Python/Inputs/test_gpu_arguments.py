"""Tests bundles for a GPU on the fake driver, which uses host memory and only records launches: test_gpu_arguments.py SCRATCH_DIR"""
import ctypes
import json
import os
import pathlib
import sys
import types
import unittest
from unittest import mock

import mla_mlir
import numpy as np
from mla_mlir import runtime, streams

SCRATCH = pathlib.Path(sys.argv[1])
CONFIG = {"model_type": "deepseek_v3", "hidden_size": 64, "num_attention_heads": 8, "q_lora_rank": None, "kv_lora_rank": 64,
          "qk_nope_head_dim": 16, "qk_rope_head_dim": 16, "v_head_dim": 16, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
          "max_position_embeddings": 1024, "num_hidden_layers": 1}


def for_fake_driver(path):
    """Replace the PTX by a module of the fake driver: kernels, their threads and the sizes of their parameters."""
    manifest = json.loads((path / "manifest.json").read_text())
    kernels = {"mla_probe": "32 8"}
    for part in manifest["entries"] + manifest["cores"]:
        for launch in part["launches"]:
            sizes = [8 if "pointer" in argument else 128 if "map" in argument else 4 for argument in launch["args"]]
            kernels[launch["kernel"]] = " ".join(map(str, [launch["threads"], *sizes]))
    text = "".join(f"kernel {name} {rest}\n" for name, rest in kernels.items())
    (path / "kernels.ptx").write_text(text)
    (path / "kernels.cubin").unlink(missing_ok=True)
    manifest["files"].pop("kernels.cubin", None)
    manifest["files"]["kernels.ptx"] = len(text)
    (path / "manifest.json").write_text(json.dumps(manifest))


class Tensor:
    """A tensor of a GPU library: bf16 if its memory is uint16."""

    def __init__(self, array, device=(2, 0)):
        self.array, self.device, self.streams = array, device, []

    def __dlpack_device__(self):
        return self.device

    def __dlpack__(self, stream=None):
        self.streams.append(stream)
        return self.array.__dlpack__()


def aligned(shape, dtype):
    """Memory aligned like that of a GPU allocator."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.zeros(size + 256, np.uint8)
    begin = -memory.ctypes.data % 256
    return memory[begin:begin + size].view(dtype).reshape(shape)


class Stream:
    cuda_stream = 77


class Arguments(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        path = SCRATCH / "gpu.mla"
        mla_mlir.compile(path, config=CONFIG, target="h100")
        for_fake_driver(path)
        cls.bundle = mla_mlir.load(path)

    def step(self, stream=None, **changed):
        given = {"hidden": aligned((3, 64), np.uint16), "pages": aligned((4, 64, 80), np.uint16),
                 "block_table": aligned((2, 2), np.int32), "lengths": aligned(2, np.int32),
                 "cu_seqlens": aligned(3, np.int32), "out": aligned((3, 64), np.uint16)}
        self.given = {name: Tensor(array) for name, array in given.items()} | changed
        return self.bundle.step(**self.given, max_queries=2, stream=stream)

    def test_producers_hear_of_the_stream(self):
        for stream, number in ((None, 1), (0, 1), (1, 1), (77, 77), (Stream(), 77)):
            self.assertIs(self.step(stream), self.given["out"])
            self.assertEqual({tuple(tensor.streams) for tensor in self.given.values()}, {(number,)}, stream)

    def test_wrong_streams(self):
        for stream in (-1, "main", True, 2**64 + 77):
            with self.assertRaisesRegex(mla_mlir.ArgumentError, "^stream: "):
                self.step(stream)

    def test_wrong_devices(self):
        for name, device, text in (("hidden", (1, 0), "is on cpu, must be on cuda:0"), ("pages", (2, 1), "is on cuda:1, must be"),
                                   ("lengths", (3, 0), "is on cpu"), ("out", (10, 0), "is on DLPack device 10")):
            tensor = aligned({"hidden": (3, 64), "pages": (4, 64, 80), "lengths": 2, "out": (3, 64)}[name],
                             np.int32 if name == "lengths" else np.uint16)
            with self.assertRaisesRegex(mla_mlir.ArgumentError, f"^{name}: {text}"):
                self.step(**{name: Tensor(tensor, device)})

    def test_misaligned(self):
        with self.assertRaisesRegex(mla_mlir.Error, "pages is not aligned to 16 bytes"):
            self.step(pages=Tensor(aligned(4 * 64 * 80 + 1, np.uint16)[1:].reshape(4, 64, 80)))

    def attend(self, q_latent, q_rope, heads=8, **changed):
        given = {"q_latent": q_latent, "q_rope": q_rope, "pages": aligned((4, 64, 80), np.uint16),
                 "block_table": aligned((2, 2), np.int32), "lengths": aligned(2, np.int32), "cu_seqlens": aligned(3, np.int32),
                 "out": aligned((3, heads, 64), np.uint16), "lse": aligned((3, heads), np.float32)} | changed
        call = self.bundle.latent_attention_call(*(Tensor(array) for array in given.values()), max_queries=2)
        call.enqueue()
        return call.struct

    def test_queries_are_parts_of_rows(self):
        rows = aligned((3, 8, 80), np.uint16)
        struct = self.attend(rows[..., :64], rows[..., 64:])
        self.assertEqual((struct.q_stride, struct.q_rope_stride, struct.q_rope - struct.q_latent), (80, 80, 128))
        self.assertEqual((struct.tokens, struct.batch), (3, 2))
        struct = self.attend(aligned((3, 8, 64), np.uint16), rows[..., 64:])
        self.assertEqual((struct.q_stride, struct.q_rope_stride), (64, 80))
        for q_latent, q_rope, says in (
            (rows[..., :64].swapaxes(0, 1).copy().swapaxes(0, 1), rows[..., 64:], "q_latent: has strides"),
            (rows[..., :128:2], rows[..., 64:], r"q_latent: has shape \[3, 8, 40\]"),
            (rows[:, :7, :64], rows[..., 64:], r"q_latent: has shape \[3, 7, 64\], must be \[any, 8, 64\]"),
        ):
            with self.assertRaisesRegex(mla_mlir.ArgumentError, "^" + says):
                self.attend(q_latent, q_rope)
        with self.assertRaisesRegex(mla_mlir.ArgumentError, "^lse: has dtype float64"):
            self.attend(rows[..., :64], rows[..., 64:], lse=aligned((3, 8), np.float64))

    def test_naive_attention(self):
        rows, keys = aligned((3, 8, 32), np.uint16), 9
        given = {"q_nope": rows[..., :16], "q_rope": rows[..., 16:], "k_nope": aligned((keys, 8, 16), np.uint16),
                 "k_rope": aligned((keys, 16), np.uint16), "v": aligned((keys, 8, 16), np.uint16),
                 "cu_seqlens": aligned(3, np.int32), "cu_keys": aligned(3, np.int32), "out": aligned((3, 8, 16), np.uint16)}

        def call(**changed):
            arrays = (Tensor(array) for array in (given | changed).values())
            return self.bundle.naive_attention_call(*arrays, max_queries=3, max_length=9)

        call().enqueue(5)
        self.assertEqual(call().struct.cached, keys)
        for name, array, says in (("v", aligned((8, 8, 16), np.uint16), r"has shape \[8, 8, 16\], must be \[9, 8, 16\]"),
                                  ("k_rope", aligned((keys, 8), np.uint16), r"has shape \[9, 8\]"),
                                  ("cu_keys", aligned(4, np.int32), r"has shape \[4\], must be \[3\]")):
            with self.assertRaisesRegex(mla_mlir.ArgumentError, f"^{name}: {says}"):
                call(**{name: array})

    def test_cache(self):
        with self.bundle.cache(pages=2) as cache, cache.batch([cache.sequence()], [3], stream=Stream()) as batch:
            hidden, out = Tensor(aligned((3, 64), np.uint16)), Tensor(aligned((3, 64), np.uint16))
            self.assertIs(batch.run(hidden, out), out)
            self.assertEqual((hidden.streams, out.streams), ([77], [77]))
            self.assertEqual(cache.pages(0).__cuda_array_interface__["shape"], (2, 64, 80))

    def test_stream_of_the_bundles_device(self):
        """The device of the bundle, not the current device."""
        asked = []

        def current_stream(device=None):
            asked.append(device)
            return types.SimpleNamespace(cuda_stream=70)

        cuda = types.SimpleNamespace(is_initialized=lambda: True, current_stream=current_stream)
        devices = ((2, 3), (13, None))
        with mock.patch.dict(sys.modules, torch=types.SimpleNamespace(cuda=cuda)), \
                mock.patch.object(self.bundle, "devices", devices):
            self.assertEqual(self.bundle.stream(None), 70)
        self.assertEqual(asked, [3])


class Workspace(unittest.TestCase):
    """The bundle's own workspace, for a kernel that needs more for more sequences."""

    NO_CONTEXT, PRIMARY, FOREIGN = range(3)

    @classmethod
    def setUpClass(cls):
        cls.path = SCRATCH / "workspace.mla"
        mla_mlir.compile(cls.path, config=CONFIG, target="h100")
        for_fake_driver(cls.path)
        cls.driver = ctypes.CDLL(os.environ["MLA_LIBCUDA"])

    def setUp(self):
        self.addCleanup(self.driver.fake_cuda_enter_context, self.NO_CONTEXT)
        self.contexts, self.freed = [], []
        lib = runtime.loaded()
        allocate, free = lib.mla_device_malloc, lib.mla_device_free

        def noted_malloc(*arguments):
            context = ctypes.c_void_p()
            self.driver.cuCtxGetCurrent(ctypes.byref(context))
            self.contexts.append(context.value)
            return allocate(*arguments)

        def noted_free(address):
            self.freed.append(address)
            return free(address)

        for patcher in (mock.patch.object(lib, "mla_device_malloc", noted_malloc),
                        mock.patch.object(lib, "mla_device_free", noted_free)):
            patcher.start()
            self.addCleanup(patcher.stop)

    def call(self, bundle, batch):
        rows = aligned((batch, 8, 80), np.uint16)
        given = (rows[..., :64], rows[..., 64:], aligned((4, 64, 80), np.uint16), aligned((batch, 64), np.int32),
                 aligned(batch, np.int32), aligned(batch + 1, np.int32), aligned((batch, 8, 64), np.uint16),
                 aligned((batch, 8), np.float32))
        return bundle.latent_attention_call(*map(Tensor, given), max_queries=1)

    def sizes(self, bundle):
        """A call that needs workspace, and one that needs more."""
        small, large = self.call(bundle, 1), self.call(bundle, 2000)
        self.assertGreater(small.workspace_bytes(), 0)
        self.assertGreater(large.workspace_bytes(), small.workspace_bytes())
        return small, large

    def current(self, kind):
        self.driver.fake_cuda_enter_context(kind)
        context = ctypes.c_void_p()
        self.driver.cuCtxGetCurrent(ctypes.byref(context))
        return context.value

    def test_lies_in_the_bundles_context(self):
        for opened, called in ((self.FOREIGN, self.PRIMARY), (self.FOREIGN, self.NO_CONTEXT), (self.PRIMARY, self.FOREIGN),
                               (self.NO_CONTEXT, self.FOREIGN)):
            expected = self.current(opened) or self.current(self.PRIMARY)
            self.driver.fake_cuda_enter_context(opened)
            with mla_mlir.load(self.path) as bundle:
                before = self.current(called)
                self.sizes(bundle)[0].enqueue()
                context = ctypes.c_void_p()
                self.driver.cuCtxGetCurrent(ctypes.byref(context))
                self.assertEqual(context.value, before, "the caller's context stays")
            self.assertEqual(self.contexts, [expected])
            self.contexts.clear()

    def test_grows_and_is_freed(self):
        with mla_mlir.load(self.path) as bundle:
            small, large = self.sizes(bundle)
            small.enqueue()
            first = small.struct.workspace
            small.enqueue()
            self.assertEqual((small.struct.workspace, self.freed), (first, []))
            large.enqueue()
            self.assertEqual(self.freed, [first])
        self.assertEqual(self.freed, [first, large.struct.workspace])

    def test_a_graph_keeps_what_it_captured(self):
        with mla_mlir.load(self.path) as bundle:
            small, large = self.sizes(bundle)
            small.enqueue()
            with mock.patch.object(streams.Context, "is_capturing", lambda self, stream: True):
                small.enqueue()
                captured = small.struct.workspace
                with self.assertRaisesRegex(mla_mlir.ArgumentError, "^workspace: .* cannot grow while the stream is being captured"):
                    large.enqueue()
                with self.assertRaisesRegex(mla_mlir.ArgumentError, "^workspace: .* has 0 of "):
                    small.enqueue(stream=77)
            large.enqueue()
            self.assertEqual(self.freed, [], "a replay writes there")
            self.assertNotEqual(large.struct.workspace, captured)
        self.assertEqual(self.freed, [large.struct.workspace, captured])


unittest.main(argv=sys.argv[:1])
