"""Tests mla_mlir.compile and the cache of kernels, without numpy: test_compiler.py GOLDEN_DIR SCRATCH_DIR"""
import contextlib
import io
import json
import os
import pathlib
import shutil
import struct
import sys
import unittest
from unittest import mock

import mla_mlir
from mla_mlir import cores, locate

GOLDEN, SCRATCH = (pathlib.Path(argument) for argument in sys.argv[1:3])
CONFIG = {"model_type": "deepseek_v3", "vocab_size": 64, "hidden_size": 64, "intermediate_size": 64, "num_attention_heads": 2,
          "q_lora_rank": None, "kv_lora_rank": 64, "qk_nope_head_dim": 16, "qk_rope_head_dim": 16, "v_head_dim": 16,
          "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "max_position_embeddings": 1024, "num_hidden_layers": 1}


def write_adapter(directory, hidden_size, outputs):
    """Write a LoRA adapter of rank 1 of the first layer's o_proj, all ones."""
    directory.mkdir()
    (directory / "adapter_config.json").write_text(json.dumps(
        {"peft_type": "LORA", "r": 1, "lora_alpha": 1, "target_modules": ["o_proj"], "bias": "none"}))
    name, header, data = "base_model.model.model.layers.0.self_attn.o_proj.lora_{}.weight", {}, b""
    for letter, shape in (("A", [1, outputs]), ("B", [hidden_size, 1])):
        values = struct.pack(f"<{shape[0] * shape[1]}f", *[1.0] * (shape[0] * shape[1]))
        header[name.format(letter)] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    (directory / "adapter_model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)


def said(call):
    """Return the result of a call, and what it writes to stderr."""
    with contextlib.redirect_stderr(io.StringIO()) as error:
        return call(), error.getvalue()


class Compiling(unittest.TestCase):
    def test_an_adapter_is_merged(self):
        write_adapter(SCRATCH / "adapter", 256, 384)
        plain, tuned = (pathlib.Path(mla_mlir.compile(SCRATCH / name, weights=GOLDEN / "v3_plain.safetensors", adapter=adapter))
                        for name, adapter in (("plain.mla", None), ("tuned.mla", SCRATCH / "adapter")))
        one, other = ((path / "weights.safetensors").read_bytes() for path in (plain, tuned))
        self.assertNotEqual(one, other)

    def test_a_report(self):
        report = json.loads(mla_mlir.compile(config=CONFIG, report="json", baseline=CONFIG, batch=2, context=128))
        self.assertIsInstance(report, dict)
        self.assertIn("attention", mla_mlir.compile(config=CONFIG, report="text").lower())
        self.assertIn("plan: fold", mla_mlir.compile(config=CONFIG, report="text", plan="fold", target="h200"))
        path = mla_mlir.compile(SCRATCH / "report.html", config=CONFIG, report="html")
        self.assertIn("<html", pathlib.Path(path).read_text())
        for option, value in (("page", 64), ("layers", 0), ("emit", "bundle")):
            with self.assertRaisesRegex(mla_mlir.CompileError, f"--report does not accept --{option}") as caught:
                mla_mlir.compile(config=CONFIG, report="text", **{option: value})
            self.assertEqual(caught.exception.status, 2)
        with self.assertRaisesRegex(mla_mlir.CompileError, "--batch requires --report"):
            mla_mlir.compile(SCRATCH / "none", config=CONFIG, batch=2)

    def test_a_level_of_processors(self):
        with self.assertRaisesRegex(mla_mlir.CompileError, "--cpu: expected native, .*, got 'pentium'"):
            mla_mlir.compile(SCRATCH / "none", config=CONFIG, cpu="pentium")

    def test_a_given_plan_is_explained(self):
        for plan in ("auto", "decode.q=fold"):
            text, error = said(lambda: mla_mlir.compile(config=CONFIG, plan=plan, emit="plan"))
            self.assertIn("mla.plan", text)
            self.assertIn("plan: 2 heads", error)
        # Otherwise only the summary line.
        error = said(lambda: mla_mlir.compile(config=CONFIG, emit="plan"))[1]
        self.assertRegex(error, r"\Amla-compile: standard output: layer 0, cpu, [^\n]*\n\Z")

    def test_standard_output_is_returned(self):
        self.assertIn("mla.plan", mla_mlir.compile("-", config=CONFIG, emit="plan"))

    def test_warnings_name_the_caller(self):
        sparse = {**CONFIG, "model_type": "glm_moe_dsa", "index_topk": 64, "q_lora_rank": 16}
        with self.assertWarnsRegex(UserWarning, "index_topk") as caught:
            mla_mlir.compile(config=sparse, emit="import")
        self.assertEqual(os.path.basename(caught.filename), os.path.basename(__file__))

    def test_a_compiler_that_does_not_run(self):
        (SCRATCH / "bin").mkdir()
        (SCRATCH / "bin" / "mla-compile").write_text("no program")
        with mock.patch.dict(os.environ, MLA_MLIR_PREFIX=str(SCRATCH)), \
                self.assertRaisesRegex(mla_mlir.Error, "mla-compile: cannot be run: .*set MLA_MLIR_PREFIX"):
            mla_mlir.compile(SCRATCH / "none", config=CONFIG)


class Kernels(unittest.TestCase):
    """The cache of vLLM's kernels, with a compiler that changes within a release."""

    WIDTHS = {"heads": 16, "kv_lora_rank": 64, "qk_rope_head_dim": 16, "page": 64}

    def setUp(self):
        self.tree = SCRATCH / self.id().rpartition(".")[2]
        (self.tree / "bin").mkdir(parents=True)
        self.program = self.tree / "bin" / "mla-compile"
        shutil.copy(locate.compiler(), self.program)
        made = {"MLA_MLIR_CACHE": str(self.tree / "cache"), "MLA_RUNTIME_LIBRARY": locate.runtime_library(),
                "MLA_MLIR_PREFIX": str(self.tree)}
        self.compiled = []

        def compile(output, cache_dtype=None, core_mask=None, core_sinks=None, **_):
            self.compiled.append(output)
            self.cache_dtype, self.extras = cache_dtype, (core_mask, core_sinks)
            pathlib.Path(output).mkdir()
            return output

        for patcher in (mock.patch.dict(os.environ, made), mock.patch("mla_mlir.compiler.compile", compile)):
            patcher.start()
            self.addCleanup(patcher.stop)

    def test_another_compiler_makes_its_own(self):
        first = cores.bundle(**self.WIDTHS)
        self.assertEqual(cores.bundle(**self.WIDTHS), first)
        self.assertEqual(len(self.compiled), 1, "the second time nothing is compiled")
        with self.program.open("ab") as file:
            file.write(b"another build")
        second = cores.bundle(**self.WIDTHS)
        self.assertNotEqual(second, first)
        self.assertEqual((len(self.compiled), second.name), (2, first.name))

    def test_caches_have_kernels_of_their_own(self):
        first = cores.bundle(**self.WIDTHS)
        self.assertIsNone(self.cache_dtype)
        for name in ("fp8_row", "fp8_tensor"):
            packed = cores.bundle(**self.WIDTHS, cache_dtype=name)
            self.assertEqual((packed.name, self.cache_dtype), (f"{first.stem}-{name}.mla", name))
        self.assertEqual(len(self.compiled), 3)

    def test_masks_and_sinks_have_kernels_of_their_own(self):
        first = cores.bundle(**self.WIDTHS)
        self.assertEqual(self.extras, ("causal", False))
        for options, suffix, extras in (({"window": 513}, "-window513", ("window=513", False)),
                                        ({"window": 513, "sinks": True}, "-window513-sinks", ("window=513", True)),
                                        ({"causal": False}, "-none", ("none", False)), ({"sinks": True}, "-sinks", ("causal", True))):
            made = cores.bundle(**self.WIDTHS, **options)
            self.assertEqual((made.name, self.extras), (f"{first.stem}{suffix}.mla", extras))
        self.assertEqual(len(self.compiled), 5)
        for options in ({"window": 0}, {"window": 2**31}, {"window": 1.5}, {"window": 8, "causal": False}):
            with self.assertRaisesRegex(ValueError, "^window: is "):
                cores.bundle(**self.WIDTHS, **options)

    def test_the_same_compiler_elsewhere_finds_them(self):
        first = cores.bundle(**self.WIDTHS)
        copied = self.tree / "moved"
        shutil.copytree(self.tree / "bin", copied / "bin")
        with mock.patch.dict(os.environ, {"MLA_MLIR_PREFIX": str(copied)}):
            self.assertEqual(cores.bundle(**self.WIDTHS), first)

    def test_without_a_compiler_what_was_made_serves(self):
        first = cores.bundle(**self.WIDTHS)
        self.program.unlink()
        self.assertEqual(cores.bundle(**self.WIDTHS), first)
        with self.assertRaisesRegex(mla_mlir.Error, "mla-compile: is not in .*; set MLA_MLIR_PREFIX"):
            cores.bundle(**{**self.WIDTHS, "heads": 8})


unittest.main(argv=sys.argv[:1])
