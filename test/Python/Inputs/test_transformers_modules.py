"""Tests which changes of a model's modules patch() rejects, and modes of generate(): test_transformers_modules.py"""
import sys
import types
import unittest

import mla_mlir.transformers as mla
import small_models
import torch
import transformers
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

transformers.logging.set_verbosity_error()
torch.set_grad_enabled(False)
torch.manual_seed(5)
IDS = torch.randint(3, 512, (2, 12))


def model(**changed):
    return small_models.model("deepseek_v3", None, **changed)


def patch(model):
    return mla.patch(model, plan="decode=absorb,prefill=naive")


def logits(model):
    return model(IDS).logits


class Modules(unittest.TestCase):
    def refuses(self, text, change, **changed):
        """The change has an effect on the original, and patch() names it."""
        changes = model(**changed)
        attention = changes.model.layers[1].self_attn
        before = logits(changes)
        change(attention if "rotary" not in text else changes.model.rotary_emb)
        self.assertGreater((logits(changes) - before).abs().max().item(), 1e-2)
        with self.assertRaisesRegex(ValueError, "^model: " + text):
            patch(changes)

    def test_hooks(self):
        twice = lambda module, args, result: (result[0] * 2, *result[1:]) if isinstance(result, tuple) else result * 2
        self.refuses("layers.1.self_attn has hooks", lambda a: a.register_forward_hook(twice))
        self.refuses("layers.1.self_attn.o_proj has hooks", lambda a: a.o_proj.register_forward_hook(twice))
        self.refuses("layers.1.self_attn.kv_b_proj has hooks",
                     lambda a: a.kv_b_proj.register_forward_pre_hook(lambda module, args: (args[0] * 2,)))

    def test_functions_of_a_program(self):
        def replace(module, name, change):
            given = getattr(module, name)
            setattr(module, name, lambda *args, **keywords: change(given(*args, **keywords)))

        self.refuses("layers.1.self_attn.forward is replaced", lambda a: replace(a, "forward", lambda r: (r[0] * 2, None)))
        self.refuses("layers.1.self_attn.expand_kv is replaced",
                     lambda a: replace(a, "expand_kv", lambda r: (r[0], r[1] * 2)))
        self.refuses("layers.1.self_attn.o_proj.forward is replaced", lambda a: replace(a.o_proj, "forward", lambda r: r * 2))

    def test_a_class_of_a_program(self):
        def derive(attention):
            class Own(type(attention)):
                def expand_kv(self, *latents):
                    keys, values = super().expand_kv(*latents)
                    return keys, values * 2

            attention.__class__ = Own

        self.refuses("layers.1.self_attn is a .*Own, must be of transformers.models.deepseek_v3.modeling_deepseek_v3", derive)

    def test_numbers(self):
        self.refuses(r"layers.1.self_attn.scaling is 0.5, must be 0\.1", lambda a: setattr(a, "scaling", 0.5))
        self.refuses("layers.1.self_attn.kv_a_layernorm.variance_epsilon is 9.0, must be 1e-06",
                     lambda a: setattr(a.kv_a_layernorm, "variance_epsilon", 9.0))

    def test_frequencies(self):
        self.refuses("rotary_emb.inv_freq differs", lambda rotary: rotary.inv_freq.mul_(0.3))
        self.refuses("rotary_emb.attention_scaling is 1.5, must be 1.0", lambda rotary: setattr(rotary, "attention_scaling", 1.5))
        found = patch(model(rope_parameters=small_models.YARN))
        torch.testing.assert_close(logits(found), logits(model(rope_parameters=small_models.YARN)), rtol=1e-4, atol=1e-4)
        patch(model().bfloat16())  # rounds them

    def test_modules_of_another_class(self):
        linear = torch.nn.Linear(128, 128, bias=False)
        linear.__class__ = type("Quantized", (torch.nn.Linear,), {})
        changed = model()
        changed.model.layers[1].self_attn.o_proj = linear
        with self.assertRaisesRegex(ValueError, "model: layers.1.self_attn.o_proj is a .*Quantized, must be a .*Linear; merge"):
            patch(changed)
        changed = model()
        changed.model.layers[2].self_attn.sinks = torch.nn.Identity()
        with self.assertRaisesRegex(ValueError, "model: layers.2.self_attn.sinks is none of the attention of the family"):
            patch(changed)

    def test_an_attention_function_of_a_program(self):
        ALL_ATTENTION_FUNCTIONS.register("halved", lambda *args, scaling=None, **keywords:
                                         sdpa_attention_forward(*args, scaling=scaling / 2, **keywords))
        with self.assertRaisesRegex(ValueError, "attn_implementation: halved is a function of __main__"):
            patch(model(attn_implementation="halved"))
        for name in ("eager", "sdpa"):
            torch.testing.assert_close(logits(patch(model(attn_implementation=name))), logits(model()), rtol=1e-4, atol=1e-4)

    def test_other_layers(self):
        """Attentions are compiled in the order in which the model has them."""
        def swapped():
            made = model()
            one, two, three = made.model.layers
            made.model.layers = torch.nn.ModuleList([one, three, two])
            return made

        torch.testing.assert_close(logits(patch(swapped())), logits(swapped()), rtol=1e-4, atol=1e-4)
        self.assertGreater((logits(swapped()) - logits(model())).abs().max().item(), 1e-2)


class Generation(unittest.TestCase):
    """Modes of generate() that use a cache in their own ways."""

    @classmethod
    def setUpClass(cls):
        cls.eager, cls.patched, cls.assistant = model(), patch(model()), patch(model(seed=3))

    def same(self, ids=IDS, **keywords):
        def run(model):
            torch.manual_seed(0)
            return model.generate(ids, **{"max_new_tokens": 10, "do_sample": False, **keywords}).tolist()

        self.assertEqual(run(self.patched), run(self.eager))

    def test_drafts(self):
        self.same(IDS[:1], prompt_lookup_num_tokens=3)
        self.same(IDS[:1], assistant_model=self.assistant)

    def test_prompts_in_chunks(self):
        self.same(prefill_chunk_size=5)

    def test_several_answers(self):
        self.same(num_beams=3, num_return_sequences=3)
        self.same(do_sample=True, num_return_sequences=2)

    def test_a_caches_class_that_is_refused(self):
        paged = types.new_class("PagedAttentionCache", (transformers.DynamicCache,))
        with self.assertRaisesRegex(ValueError, "past_key_values: is a PagedAttentionCache that"):
            self.patched(IDS, past_key_values=paged())


unittest.main(argv=sys.argv[:1])
