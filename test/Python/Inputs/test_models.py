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

    def test_tokens_are_the_same_in_any_company(self):
        """Alone, and with others in any order, so many at once: greedily and at random, by the sequence's number."""
        fed = {9: self.ids["golden.0.prompt"], 4: self.ids["golden.1.prompt"], 6: [5], 0: self.ids["golden.2.prompt"][:7]}
        counts = {9: 20, 4: 5, 6: 11, 0: 1}

        def generate(order, at_once, **choice):
            made = {}
            with self.model.cache(pages=24) as cache, mla_mlir.Generator(cache, at_once, **choice) as generator:
                for number in order:
                    generator.add(number, fed[number], counts[number])
                for token in generator:
                    made.setdefault(token.sequence, []).append(token.token)
                self.assertEqual(cache.free_pages, cache.num_pages)
            return made

        for choice in ({}, {"temperature": 1.5, "seed": 5}, {"temperature": 1, "top_k": 40, "top_p": 0.9}):
            alone = {number: generate([number], 1, **choice)[number] for number in fed}
            self.assertEqual({number: len(tokens) for number, tokens in alone.items()}, counts)
            for order in ([9, 4, 6, 0], [0, 6, 4, 9], [6, 9, 0, 4]):
                for at_once in (1, 2, 3, 4):
                    with self.subTest(choice=choice, order=order, at_once=at_once):
                        self.assertEqual(generate(order, at_once, **choice), alone)
        self.assertEqual(alone[9], generate([9], 1, temperature=1, top_k=40, top_p=0.9)[9])
        self.assertNotEqual(alone[9], generate([9], 1, temperature=1, top_k=40, top_p=0.9, seed=2)[9])

    def test_prompts_join_while_others_run(self):
        first, second = self.ids["golden.0.prompt"], self.ids["golden.1.prompt"]
        made = {0: [], 1: []}
        with self.model.cache(pages=8) as cache, mla_mlir.Generator(cache, 2) as generator:
            generator.add(0, first, 24)
            for _ in range(5):
                made[0] += [token.token for token in generator.step()]
            generator.add(1, second, 24)
            for token in generator:
                made[token.sequence].append(token.token)
        self.assertEqual(made, {0: self.ids["golden.0.tokens"], 1: self.ids["golden.1.tokens"]})

    def test_a_generator_without_cache_or_bundle(self):
        prompt, bundle = self.ids["golden.0.prompt"], mla_mlir.load(self.model.info.path)
        with self.subTest("bundle"):
            cache = bundle.cache(pages=8)
            generator = mla_mlir.Generator(cache, 1)
            generator.add(0, prompt, 4)
            generator.step()
            bundle.close()
            with self.assertRaisesRegex(mla_mlir.Error, "generator: has no bundle any more; make another one"):
                generator.step()
            generator.close()
            cache.close()
        with self.subTest("cache"), self.model.cache(pages=8) as cache:
            generator = mla_mlir.Generator(cache, 1)
            generator.add(0, prompt, 4)
            cache.close()
            for call in (generator.step, lambda: generator.add(1, prompt, 4)):
                with self.assertRaisesRegex(mla_mlir.Error, "generator: has no cache any more"):
                    call()
            generator.close()
            with self.assertRaisesRegex(mla_mlir.Error, "generator: is closed"):
                generator.step()
        for name, value in (("top_k", 5), ("top_p", 0.5)):
            with self.assertRaisesRegex(mla_mlir.ArgumentError, f"{name}: has no effect without a temperature"):
                self.model.generate(prompt, 1, **{name: value})

    def test_sampling_and_stopping(self):
        prompt, tokens = self.ids["golden.0.prompt"], self.ids["golden.0.tokens"]
        self.assertEqual(self.model.generate(prompt, 24, temperature=2, top_k=1), tokens)
        self.assertEqual(self.model.generate(prompt, 24, stop=[tokens[5]]), tokens[: tokens.index(tokens[5]) + 1])
        sampled = self.model.generate([prompt, prompt], 24, temperature=1, seed=3, max_sequences=1)
        self.assertEqual(sampled, self.model.generate([prompt, prompt], 24, temperature=1, seed=3))
        self.assertNotEqual(sampled[0], sampled[1])
        with self.model.cache(pages=8) as cache, mla_mlir.Generator(cache, 1, stop=[tokens[2]]) as generator:
            generator.add(0, prompt, 24)
            generator.add(1, prompt, 2)
            self.assertEqual([token.finish for token in generator], [None] * tokens.index(tokens[2]) + ["stop", None, "length"])

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
                            ([[1.5]], "prompts[0][0]: is a float, must be an integer"), ([[1], 2], "prompts[1]: is a int, must be a list"),
                            ([1, [2]], "prompts[1]: is a list, must be an integer")):
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
        for prompts, says in (([1, 320], "prompt[1] is 320, but the model has tokens 0 to 319"), ([[1], []], "prompts[1]: is empty"),
                              ([1, 1 << 40], "prompts[1]: is 1099511627776, must be from"), ([1, "2"], "prompts[1]: is a str"),
                              ([1] * 2040, "a prompt of 2040 tokens and 16 new ones exceed the model's context of 2048 tokens")):
            with self.assertRaises(Exception) as caught:
                self.model.generate(prompts)
            self.assertIn(says, str(caught.exception))
        for count in (0, -1, None, 1.5):
            with self.assertRaisesRegex(mla_mlir.ArgumentError, "max_new_tokens: is (0|-1|a NoneType|a float), must be"):
                self.model.generate([1], count)
        for choice, says in (({"temperature": -1}, "sampling->temperature is -1"), ({"temperature": 1, "top_p": 2}, "sampling->top_p is 2"),
                             ({"temperature": "hot"}, "temperature: is a str, must be a number"), ({"temperature": 1, "top_k": 1.5}, "top_k: is a float"),
                             ({"stop": [320]}, r"stop\[0\] is 320"), ({"stop": 2}, "stop: is a int, must be a list"),
                             ({"max_sequences": 0}, "max_sequences: is 0, must be from 1"), ({"seed": -1}, "seed: is -1")):
            with self.subTest(says), self.assertRaisesRegex((mla_mlir.Error, mla_mlir.ArgumentError), says):
                self.model.generate([1], **choice)
        layers = mla_mlir.load(mla_mlir.compile(SCRATCH / "layers.mla", weights=MODEL, scope="layer"))
        with self.assertRaisesRegex(mla_mlir.ArgumentError, "bundle: is of layers, and takes no tokens"):
            layers.generate([1])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
