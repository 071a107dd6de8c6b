"""Whole models on a GPU, without torch or numpy: test_gpu_models.py GOLDEN_DIR SCRATCH_DIR"""
import pathlib
import subprocess
import sys
import unittest

import mla_mlir

GOLDEN, SCRATCH = (pathlib.Path(argument) for argument in sys.argv[1:3])
sys.path.insert(0, str(GOLDEN.parent / "Inputs"))
import safetensors_file  # noqa: E402

MODEL = GOLDEN / "models" / "youtu.safetensors"
SPOIL = GOLDEN.parents[1] / "Emulator" / "Inputs" / "spoil_embedding.py"


class GpuModels(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.path = mla_mlir.compile(SCRATCH / "model.mla", weights=MODEL, scope="model", target="h100",
                                    plan="decode=absorb,prefill=naive")
        cls.model = mla_mlir.load(cls.path)
        tensors, _ = safetensors_file.read(str(MODEL))
        cls.ids = {name: list(memoryview(data).cast("i")) for name, (dtype, _, data) in tensors.items() if dtype == "I32"}

    def test_tokens_of_transformers(self):
        prompts, tokens = ([self.ids[f"golden.{i}.{key}"] for i in (1, 2)] for key in ("prompt", "tokens"))
        self.assertEqual(self.model.generate(prompts, max_new_tokens=4), [made[:4] for made in tokens])
        self.assertEqual(self.model.generate(prompts[0], 1), tokens[0][:1])

    def test_joining_and_sampling(self):
        """A sequence's tokens are the same alone and with another that joins later, also at random."""
        first, second = self.ids["golden.1.prompt"], self.ids["golden.2.prompt"][:3]
        for choice in ({}, {"temperature": 1.0, "top_k": 50}):
            made = {}
            with self.model.cache(pages=4) as cache, mla_mlir.Generator(cache, 2, **choice) as generator:
                generator.add(0, first, 5)
                for token in generator.step() + generator.step():
                    made.setdefault(token.sequence, []).append(token.token)
                generator.add(1, second, 2)
                for token in generator:
                    made.setdefault(token.sequence, []).append(token.token)
            self.assertEqual(made[0], self.model.generate(first, 5, **choice))
            self.assertEqual(len(made[1]), 2)

    def test_refusals(self):
        with self.assertRaisesRegex(mla_mlir.Error, r"prompt\[1\] is 320, but the model has tokens 0 to 319"):
            self.model.generate([1, 320])

    def test_nan_is_no_token(self):
        spoiled = SCRATCH / "spoiled.mla"
        subprocess.run(["cp", "-r", self.path, spoiled], check=True)
        subprocess.run([sys.executable, SPOIL, spoiled, str(self.ids["golden.1.tokens"][0])], check=True)
        with mla_mlir.load(spoiled) as model:
            with self.assertRaisesRegex(mla_mlir.Error, "logits are NaN"):
                model.generate(self.ids["golden.1.prompt"], 3)
            self.assertEqual(len(model.generate([1, 2], 1)), 1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
