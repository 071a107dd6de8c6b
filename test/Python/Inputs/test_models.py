"""Whole models without torch or numpy: test_models.py GOLDEN_DIR SCRATCH_DIR"""
import array
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

    def test_lists(self):
        """Prompts may be anything that is iterated like a list; what is not is an error of this package."""
        prompt = self.ids["golden.0.prompt"]
        expected = self.model.generate(prompt, 2)
        self.assertEqual(self.model.generate(memoryview(array.array("i", prompt)), 2), expected)
        self.assertEqual(self.model.generate((prompt, iter(prompt)), 2), [expected, expected])
        for wrong, says in ((None, "prompts: is a NoneType, must be a list"), (5, "prompts: is a int, must be a list"),
                            ("1,2", "prompts: is a str, must be a list"), ({1: 2}, "prompts: is a dict, must be a list"),
                            ([None], "prompts[0]: is a NoneType, must be a list"), ([1.5], "prompts[0]: is a float, must be a list"),
                            ([[1.5]], "ids[0]: is a float, must be an integer"), ([[1], 2], "prompts[1]: is a int, must be a list"),
                            ([1, [2]], "ids[1]: is a list, must be an integer")):
            with self.subTest(says), self.assertRaises(mla_mlir.ArgumentError) as caught:
                self.model.generate(wrong)
            self.assertEqual(str(caught.exception), says)
        with self.model.cache(pages=2) as cache:
            sequence = cache.sequence()
            for sequences, tokens, says in ((None, [1], "sequences: is a NoneType, must be a list"), ([sequence], 1, "tokens: is a int, must be a list")):
                with self.assertRaises(mla_mlir.ArgumentError) as caught, cache.batch(sequences, tokens):
                    pass
                self.assertEqual(str(caught.exception), says)
            with self.assertRaisesRegex(mla_mlir.ArgumentError, "ids: is a NoneType, must be a list"), cache.batch([sequence], [1]) as batch:
                batch.next_tokens(None)

    def test_refusals(self):
        for prompts, says in (([1, 320], "ids[1] is 320, but the model has tokens 0 to 319"), ([[1], []], "prompts[1]: is empty"),
                              ([1, 1 << 40], "ids[1]: is 1099511627776, must be from"), ([1, "2"], "ids[1]: is a str")):
            with self.assertRaises(Exception) as caught:
                self.model.generate(prompts)
            self.assertIn(says, str(caught.exception))
        for count in (0, -1, None, 1.5):
            with self.assertRaisesRegex(mla_mlir.ArgumentError, "max_new_tokens: is (0|-1|a NoneType|a float), must be"):
                self.model.generate([1], count)
        layers = mla_mlir.load(mla_mlir.compile(SCRATCH / "layers.mla", weights=MODEL, scope="layer"))
        with self.assertRaisesRegex(mla_mlir.ArgumentError, "bundle: is of layers, and takes no tokens"):
            layers.generate([1])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
