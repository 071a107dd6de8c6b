"""Whole models without torch or numpy: test_models.py GOLDEN_DIR SCRATCH_DIR"""
import pathlib
import sys
import unittest

import mla_mlir

GOLDEN, SCRATCH = (pathlib.Path(argument) for argument in sys.argv[1:3])
sys.path.insert(0, str(GOLDEN.parent / "Inputs"))
import safetensors_file  # noqa: E402

MODEL = GOLDEN / "models" / "v3_moe.safetensors"


class Models(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = mla_mlir.load(mla_mlir.compile(SCRATCH / "model.mla", weights=MODEL, scope="model"))
        tensors, _ = safetensors_file.read(str(MODEL))
        cls.ids = {name: list(memoryview(data).cast("i")) for name, (dtype, _, data) in tensors.items() if dtype == "I32"}

    def test_tokens_of_transformers(self):
        self.assertEqual(self.model.info.vocab_size, 320)
        prompts, tokens = ([self.ids[f"golden.{i}.{key}"] for i in range(3)] for key in ("prompt", "tokens"))
        self.assertEqual(self.model.generate(prompts, max_new_tokens=24), tokens)
        self.assertEqual(self.model.generate(prompts[0], 4), tokens[0][:4])
        self.assertEqual(self.model.generate([]), [])

    def test_a_sequence_joins(self):
        first, second = self.ids["golden.0.prompt"], self.ids["golden.1.prompt"]
        with self.model.cache(pages=8) as cache:
            a, b = cache.sequence(), cache.sequence()
            with cache.batch([a], [len(first)]) as batch:
                token = batch.next_tokens(first)
            with cache.batch([a, b], [1, len(second)]) as batch:
                tokens = batch.next_tokens([*token, *second])
        self.assertEqual([*token, *tokens],
                         [*self.ids["golden.0.tokens"][:2], self.ids["golden.1.tokens"][0]])

    def test_refusals(self):
        for prompts, says in (([1, 320], "ids[1] is 320, but the model has tokens 0 to 319"), ([[1], []], "prompts[1]: is empty"),
                              ([1, 1 << 40], "ids[1]: is 1099511627776, must be from"), ([1, "2"], "ids[1]: is a str")):
            with self.assertRaises(Exception) as caught:
                self.model.generate(prompts)
            self.assertIn(says, str(caught.exception))
        with self.assertRaisesRegex(mla_mlir.ArgumentError, "max_new_tokens: is 0"):
            self.model.generate([1], 0)
        layers = mla_mlir.load(mla_mlir.compile(SCRATCH / "layers.mla", weights=MODEL, scope="layer"))
        with self.assertRaisesRegex(mla_mlir.ArgumentError, "bundle: is of layers, and takes no tokens"):
            layers.generate([1])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
