"""Bundles for a GPU on the fake driver, whose memory is the host's and which only notes launches: test_gpu_arguments.py SCRATCH_DIR"""
import json
import pathlib
import sys
import unittest

import mla_mlir
import numpy as np

SCRATCH = pathlib.Path(sys.argv[1])
CONFIG = {"model_type": "deepseek_v3", "hidden_size": 64, "num_attention_heads": 8, "q_lora_rank": None, "kv_lora_rank": 64,
          "qk_nope_head_dim": 16, "qk_rope_head_dim": 16, "v_head_dim": 16, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
          "max_position_embeddings": 1024, "num_hidden_layers": 1}


def for_fake_driver(path):
    """Puts in the place of the PTX what the fake driver reads: kernels, their threads and the sizes of their parameters."""
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
    """A tensor of a GPU library: bf16 where its memory is uint16."""

    def __init__(self, array, device=(2, 0)):
        self.array, self.device, self.streams = array, device, []

    def __dlpack_device__(self):
        return self.device

    def __dlpack__(self, stream=None):
        self.streams.append(stream)
        return self.array.__dlpack__()


def aligned(shape, dtype):
    """Memory as an allocator for GPUs gives it."""
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
        for stream in (-1, "main", True):
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
        self.assertEqual((struct.q_stride, struct.q_rope - struct.q_latent, struct.tokens, struct.batch), (80, 128, 3, 2))
        for q_latent, q_rope, says in (
            (aligned((3, 8, 64), np.uint16), rows[..., 64:], "q_rope: has strides .* heads must be 64 elements apart"),
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


unittest.main(argv=sys.argv[:1])
