"""Compares patched models with the originals of transformers, in float32 on a CPU: test_transformers.py SCRATCH_DIR"""
import pathlib
import sys
import unittest

import mla_mlir.transformers as mla
import small_models
import torch
import transformers

SCRATCH = pathlib.Path(sys.argv[1])


def generate(model, batch, tokens=64, **keywords):
    return model.generate(**batch, max_new_tokens=tokens, do_sample=False, output_logits=True, return_dict_in_generate=True,
                          **keywords)


@torch.no_grad()
def patched_and_expected(family, q_lora_rank, run, **changed):
    """Return the result of `run` on a model, and on the same model patched."""
    model = small_models.model(family, q_lora_rank, **changed)
    expected = run(model)
    return run(mla.patch(model)), expected


class Generation(unittest.TestCase):
    def same_tokens(self, family, q_lora_rank, **changed):
        found, expected = patched_and_expected(family, q_lora_rank, lambda model: generate(model, small_models.batch()), **changed)
        self.assertEqual(found.sequences.shape[1], 33 + 64)
        self.assertTrue(torch.equal(found.sequences, expected.sequences))
        torch.testing.assert_close(torch.stack(found.logits), torch.stack(expected.logits), rtol=1e-4, atol=1e-4)
        self.assertIsInstance(found.past_key_values, mla.LatentCache)

    def test_v2(self):
        self.same_tokens("deepseek_v2", None)

    def test_v2_low_rank_queries(self):
        self.same_tokens("deepseek_v2", 48)

    def test_v3(self):
        self.same_tokens("deepseek_v3", None)

    def test_v3_low_rank_queries_and_yarn(self):
        self.same_tokens("deepseek_v3", 48, rope_parameters=small_models.YARN)


class Behaviour(unittest.TestCase):
    """Other functions of a cache of transformers, on one model."""

    @classmethod
    @torch.no_grad()
    def setUpClass(cls):
        cls.eager = small_models.model("deepseek_v3", None)
        cls.patched = mla.patch(small_models.model("deepseek_v3", None), SCRATCH / "kept", page=16)
        cls.batch = small_models.batch()

    def test_other_weights_give_other_tokens(self):
        other = mla.patch(small_models.model("deepseek_v3", None, seed=7), SCRATCH / "other")
        expected = generate(other, self.batch, 8).sequences
        model = mla.patch(small_models.model("deepseek_v3", None), bundle=SCRATCH / "other" / "attention.mla")
        found = generate(model, self.batch, 8).sequences
        self.assertFalse(torch.equal(found, generate(self.eager, self.batch, 8).sequences), "the bundle's weights do not count")
        self.assertFalse(torch.equal(found, expected), "the model's weights do not count")

    def test_without_cache(self):
        with torch.no_grad():
            found = self.patched(**self.batch, use_cache=False)
            expected = self.eager(**self.batch, use_cache=False)
        self.assertIsNone(found.past_key_values)
        real = self.batch["attention_mask"].bool()
        torch.testing.assert_close(found.logits[real], expected.logits[real], rtol=1e-4, atol=1e-4)
        self.assertTrue(torch.equal(generate(self.patched, self.batch, 5, use_cache=False).sequences,
                                    generate(self.eager, self.batch, 5).sequences))

    def test_beams_reorder_the_cache(self):
        found, expected = (model.generate(**self.batch, max_new_tokens=20, do_sample=False, num_beams=3)
                           for model in (self.patched, self.eager))
        self.assertTrue(torch.equal(found, expected))

    def test_a_conversation_goes_on(self):
        """The second prompt continues the first's cache, with padding between them."""
        more = small_models.batch((9, 2, 4), seed=3)

        def talk(model, cache):
            first = generate(model, self.batch, 8, past_key_values=cache)
            mask = torch.cat([self.batch["attention_mask"], torch.ones(3, 8, dtype=torch.long), more["attention_mask"]], 1)
            ids = torch.cat([first.sequences, more["input_ids"]], 1)
            return generate(model, {"input_ids": ids, "attention_mask": mask}, 8, past_key_values=cache).sequences

        cache = mla.LatentCache(self.patched, max_length=40)
        # The last token of the first answer is not in the cache yet.
        self.assertTrue(torch.equal(talk(self.patched, cache), talk(self.eager, transformers.DynamicCache(config=self.eager.config))))
        self.assertEqual(cache.pages.lengths, [5 + 8 + 9 + 7, 33 + 8 + 2 + 7, 17 + 8 + 4 + 7])
        self.assertEqual(cache.nbytes(), cache.pages.pages.numel() * 4)

    def test_cropped_tokens_come_again(self):
        with torch.no_grad():
            out = self.patched(**self.batch)
            cache, mask = out.past_key_values, self.batch["attention_mask"]
            cache.crop(-3)
            self.assertEqual((cache.get_seq_length(), cache.pages.lengths), (30, [2, 30, 14]))
            again = self.patched(self.batch["input_ids"][:, -3:], attention_mask=mask, past_key_values=cache)
        torch.testing.assert_close(again.logits, out.logits[:, -3:], rtol=1e-4, atol=1e-4)

    def test_refuses(self):
        ids, mask = self.batch["input_ids"], self.batch["attention_mask"]
        cache = self.patched(**self.batch).past_key_values
        other = self.eager(**self.batch).past_key_values
        for text, call in (
            ("attention_mask: has 4 dimensions", lambda: self.patched(ids, attention_mask=mask[:, None, None].bool())),
            ("attention_mask: has shape .3, 33., must be .3, 34.", lambda: self.patched(ids[:, :1], attention_mask=mask, past_key_values=cache)),
            ("attention_mask: differs", lambda: self.patched(ids[:, :1], past_key_values=cache,
                                                             attention_mask=torch.ones(3, 34))),
            ("input_ids: has 2 rows, the cache has 3", lambda: self.patched(ids[:2, :1], past_key_values=cache)),
            ("past_key_values: is a DynamicCache", lambda: self.patched(ids[:, :1], past_key_values=other)),
            ("model: is patched already", lambda: mla.patch(self.patched)),
            ("model: is not patched", lambda: mla.LatentCache(self.eager)),
            ("model: its attentions are torch.float16", lambda: mla.patch(small_models.model("deepseek_v3", None).half())),
            ("model: has model_type llama", lambda: mla.patch(transformers.LlamaForCausalLM(transformers.LlamaConfig(
                vocab_size=8, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1)))),
        ):
            with self.assertRaisesRegex(ValueError, "^" + text):
                call()
        # A rejected step has no effect.
        self.assertEqual(cache.pages.lengths, [5, 33, 17])
        with self.assertRaisesRegex(RuntimeError, "within its model only"):
            self.patched.model.layers[0].self_attn(torch.zeros(1, 1, 128))


unittest.main(argv=sys.argv[:1])
