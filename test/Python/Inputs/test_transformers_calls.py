"""Tests arguments, caches, copies and threads of patched models: test_transformers_calls.py SCRATCH_DIR"""
import copy
import gc
import inspect
import io
import pathlib
import sys
import threading
import unittest
import warnings
from unittest import mock

import mla_mlir.transformers as mla
import small_models
import torch
import transformers

SCRATCH = pathlib.Path(sys.argv[1])
transformers.logging.set_verbosity_error()
warnings.simplefilter("ignore", FutureWarning)  # past_key_values is renamed in 5.24
torch.set_grad_enabled(False)
torch.manual_seed(5)
IDS = torch.randint(3, 512, (2, 12))
PADDED = torch.ones_like(IDS)
PADDED[0, :5] = 0


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def generate(model, ids=IDS, tokens=12, **keywords):
    return model.generate(ids, max_new_tokens=tokens, do_sample=False, **keywords)


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.eager, cls.patched = small_models.model("deepseek_v3", None), mla.patch(small_models.model("deepseek_v3", None))

    def refuses(self, text, call, kind=ValueError):
        with self.assertRaisesRegex(kind, "^" + text):
            call()

    def same(self, run):
        self.assertEqual(run(self.patched), run(self.eager))


class Arguments(Case):
    def test_a_cache_by_either_name(self):
        """The forward's past_key_values is named cache in later releases, which accept both."""
        parameters = inspect.signature(self.eager.forward).parameters
        for name in ("past_key_values", "cache") if "cache" in parameters else ("past_key_values",):
            for model in (self.patched, self.patched.model):
                cache = mla.LatentCache(self.patched)
                for ids in IDS.split(4, 1):
                    model(ids, **{name: cache})
                self.assertEqual((cache.get_seq_length(), cache.pages.lengths), (12, [12, 12]))

    def test_a_positional_cache(self):
        cache = mla.LatentCache(self.patched)
        self.patched.model(IDS, None, None, cache)
        self.assertEqual(cache.get_seq_length(), 12)

    def test_generation_with_and_without_a_mask(self):
        for mask in (None, torch.ones_like(IDS), PADDED):
            keywords = {} if mask is None else {"attention_mask": mask}
            self.same(lambda model: generate(model, **keywords).tolist())

    def test_a_loop_with_a_cache_of_the_callers(self):
        def loop(model, masked):
            cache, ids, tokens = transformers.DynamicCache(config=model.config), IDS[:1], []
            for seen in range(12, 18):
                keywords = {"attention_mask": torch.ones(1, seen, dtype=torch.long)} if masked else {}
                ids = model(ids, past_key_values=cache, use_cache=True, **keywords).logits[:, -1:].argmax(-1)
                tokens.append(int(ids))
            return tokens, cache.get_seq_length()

        for masked in (False, True):
            self.same(lambda model: loop(model, masked))

    def test_a_refused_call_leaves_the_callers_cache(self):
        cache = transformers.DynamicCache(config=self.eager.config)
        self.refuses("attention_mask: has shape", lambda: self.patched(IDS, past_key_values=cache, attention_mask=IDS[:, 1:]))
        close(self.eager(IDS, past_key_values=cache).logits, self.eager(IDS).logits)

    def test_caches_that_are_refused(self):
        filled = self.eager(IDS).past_key_values
        self.refuses("past_key_values: is a DynamicCache that", lambda: self.patched(IDS, past_key_values=filled))
        static = transformers.StaticCache(config=self.eager.config, max_cache_len=32)
        self.refuses("past_key_values: is a StaticCache", lambda: self.patched(IDS, past_key_values=static))
        self.refuses("past_key_values: is a StaticCache", lambda: generate(self.patched, cache_implementation="static"))
        offloaded = transformers.DynamicCache(config=self.eager.config)
        offloaded.offloading = True
        self.refuses("past_key_values: is a DynamicCache with offloading", lambda: self.patched(IDS, past_key_values=offloaded))
        other = mla.patch(small_models.model("deepseek_v3", None, seed=9))
        self.refuses("past_key_values: is of another patched model",
                     lambda: self.patched(IDS, past_key_values=mla.LatentCache(other)))

    def test_positions_that_count_the_tokens(self):
        for given in (torch.arange(12)[None], torch.arange(100, 112)[None], torch.stack([torch.arange(12), torch.arange(7, 19)])):
            close(self.patched(IDS, position_ids=given).logits, self.eager(IDS, position_ids=given).logits)
        counted = (PADDED.cumsum(-1) - 1).clamp(min=0)
        for keywords in ({}, {"position_ids": counted}):
            found, expected = (model(IDS, attention_mask=PADDED, **keywords).logits for model in (self.patched, self.eager))
            close(found[PADDED.bool()], expected[PADDED.bool()])

    def test_positions_that_do_not(self):
        for text, positions in (("row 1 has 13 at column 5, must be 5", torch.stack([torch.arange(12), torch.arange(12)])),
                                ("row 0 has 0 at column 6, must be 6", torch.arange(6).repeat(2)[None]),
                                ("has shape .2, 11., must be .2, 12. or .1, 12.", torch.arange(11).repeat(2, 1)),
                                ("has shape .3, 2, 12., must be", torch.arange(12).repeat(3, 2, 1))):
            if "13" in text:
                positions[1, 5] = 13
            self.refuses("position_ids: " + text, lambda: self.patched(IDS, position_ids=positions))

    def test_positions_of_a_continued_sequence(self):
        def run(model, first, second):
            cache = model(IDS[:, :8], position_ids=torch.arange(first, first + 8)[None], use_cache=True).past_key_values
            positions = None if second is None else torch.arange(second, second + 4)[None]
            return model(IDS[:, 8:], position_ids=positions, past_key_values=cache).logits

        close(run(self.patched, 3, 11), run(self.eager, 3, 11))
        close(run(self.patched, 0, None), run(self.eager, 0, None))
        for second, found in ((8, 8), (None, 8)):
            self.refuses("(position_ids|attention_mask): row 0 has", lambda: run(self.patched, 3, second))

    def test_a_gap_in_a_mask(self):
        gap = torch.ones_like(IDS)
        gap[1, 4:6] = 0
        self.refuses(r"attention_mask: row 1 has a gap before column 6.* pass position_ids", lambda: self.patched(IDS, attention_mask=gap))
        counted = (gap.cumsum(-1) - 1).clamp(min=0)
        found, expected = (model(IDS, attention_mask=gap, position_ids=counted).logits for model in (self.patched, self.eager))
        close(found[gap.bool()], expected[gap.bool()])
        self.refuses("position_ids: row 1 has 6 at column 6, must be 4",
                     lambda: self.patched(IDS, attention_mask=gap, position_ids=torch.arange(12)[None]))

    def test_masks_of_zeros(self):
        zeros = torch.zeros_like(IDS)
        self.assertTrue(self.patched(IDS, attention_mask=zeros).logits.isfinite().all())
        half = torch.ones_like(IDS)
        half[0] = 0
        found, expected = (model(IDS, attention_mask=half).logits for model in (self.patched, self.eager))
        close(found[1], expected[1])
        # An empty DynamicCache is converted.
        cache = mla.LatentCache(self.patched)
        self.patched(IDS, attention_mask=zeros, past_key_values=cache)
        self.assertEqual((cache.pages.lengths, cache.get_seq_length()), ([0, 0], 12))
        cache.batch_repeat_interleave(2)
        found = self.patched(IDS.repeat_interleave(2, 0), past_key_values=cache,
                             attention_mask=torch.cat([zeros, torch.ones_like(IDS)], 1).repeat_interleave(2, 0)).logits
        close(found[::2], self.eager(IDS).logits)

    def test_masks_that_are_no_tensors(self):
        self.refuses("attention_mask: is a dict, must be a tensor", lambda: self.patched(IDS, attention_mask={"full_attention": None}))

    def test_what_compiled_layers_cannot_give(self):
        self.refuses("output_attentions: is True", lambda: self.patched(IDS, output_attentions=True))
        self.refuses("is_causal: is False", lambda: self.patched(IDS, is_causal=False))
        for name in ("cu_seq_lens_q", "max_length_k", "seq_idx", "cache_position", "softcap"):
            self.refuses(f"{name}: is not known", lambda: self.patched(IDS, **{name: torch.arange(2)}))
        with mock.patch.object(self.patched.model.config, "is_causal", False, create=True):
            self.refuses("is_causal: is False", lambda: self.patched(IDS))
        model = small_models.model("deepseek_v3", None, attn_implementation="eager", output_attentions=True)
        self.refuses("output_attentions: is True", lambda: mla.patch(model)(IDS))
        try:
            self.patched.train()
            with mock.patch.object(self.patched.model.config, "attention_dropout", 0.1):
                self.refuses("attention_dropout: ", lambda: self.patched(IDS))
        finally:
            self.patched.eval()

    def test_what_they_can(self):
        keywords = {"output_attentions": False, "is_causal": True, "output_hidden_states": True, "num_items_in_batch": 24,
                    "labels": IDS, "logits_to_keep": 0, "token_type_ids": torch.zeros_like(IDS), "use_cache": None}
        found, expected = (model(IDS, **keywords) for model in (self.patched, self.eager))
        close(found.loss, expected.loss)
        self.assertEqual(len(found.hidden_states), 4)
        for one, other in zip(found.hidden_states, expected.hidden_states):
            close(one, other)
        embeds = self.eager.get_input_embeddings()(IDS)
        close(self.patched(inputs_embeds=embeds).logits, self.eager(IDS).logits)
        self.assertIsInstance(self.patched(IDS, return_dict=False), tuple)

    def test_a_failed_call_leaves_no_step(self):
        with mock.patch.object(type(self.patched.model.norm), "forward", side_effect=ZeroDivisionError), \
                self.assertRaises(ZeroDivisionError):
            self.patched(IDS)
        attention = self.patched.model.layers[0].self_attn
        self.refuses("a compiled attention runs within its model only", lambda: attention(torch.zeros(2, 12, 128)), RuntimeError)


class Copies(Case):
    def test_a_copied_cache(self):
        def continuations(model, cache):
            cache, tokens = model(IDS[:1], past_key_values=cache, use_cache=True).past_key_values, []
            for start in (0, 4):
                ids = torch.cat([IDS[:1], IDS[1:, start:start + 4]], 1)
                tokens.append(generate(model, ids, 5, past_key_values=copy.deepcopy(cache))[0, -5:].tolist())
            return tokens, cache.get_seq_length()

        self.same(lambda model: continuations(model, transformers.DynamicCache(config=model.config)))
        self.assertEqual(continuations(self.patched, mla.LatentCache(self.patched, max_length=100)),
                         continuations(self.eager, transformers.DynamicCache(config=self.eager.config)))
        self.assertEqual(copy.deepcopy(mla.LatentCache(self.patched)).get_seq_length(), 0)

    def test_a_cleared_cache(self):
        cache = mla.LatentCache(self.patched)
        cache.crop(-3)
        for rows in (2, 1):
            close(self.patched(IDS[:rows], past_key_values=cache).logits, self.eager(IDS[:rows]).logits)
            cache.reset()
            self.assertEqual((cache.get_seq_length(), cache.nbytes()), (0, 0))

    def test_a_copied_model(self):
        expected = generate(self.patched).tolist()
        model = mla.patch(small_models.model("deepseek_v3", None))
        copied = copy.deepcopy(model)
        del model
        gc.collect()
        self.assertEqual(generate(copied).tolist(), expected)
        for what in (copied, mla.LatentCache(copied)):
            with self.assertRaisesRegex(TypeError, "patched model and its caches cannot be pickled"):
                torch.save(what, io.BytesIO())

    def test_saving(self):
        for model in (self.patched, self.patched.model, copy.deepcopy(self.patched)):
            self.refuses("save_pretrained: ", lambda: model.save_pretrained(SCRATCH / "saved"))
        self.assertFalse((SCRATCH / "saved").exists())
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            state = self.patched.state_dict()
        self.assertIn("state_dict: has none of the attentions' weights", " ".join(str(warning.message) for warning in said))
        self.assertFalse([name for name in state if "self_attn" in name])
        with self.assertRaisesRegex(RuntimeError, "self_attn: is compiled, and takes no weights"):
            self.patched.load_state_dict(self.eager.state_dict(), strict=False)

    def test_two_models_of_one_directory(self):
        seeds = (0, 7)
        expected = [generate(small_models.model("deepseek_v3", None, seed=seed)).tolist() for seed in seeds]
        models = [mla.patch(small_models.model("deepseek_v3", None, seed=seed), SCRATCH / "shared") for seed in seeds]
        for _ in range(2):
            self.assertEqual([generate(model).tolist() for model in models], expected[-len(models):])
            del models[0]  # the other continues
            gc.collect()


class Threads(Case):
    def test_calls_side_by_side(self):
        rows = [IDS[i % 2:i % 2 + 1, :12 - i] for i in range(4)]
        expected, wrong = [generate(self.eager, ids, 30).tolist() for ids in rows], []
        barrier = threading.Barrier(len(rows))

        def work(i):
            for _ in range(5):
                barrier.wait()
                try:
                    with torch.no_grad():
                        found = generate(self.patched, rows[i], 30).tolist()
                    if found != expected[i]:
                        wrong.append(found)
                except Exception as error:
                    wrong.append(error)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(len(rows))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])

    def test_a_cache_is_of_one_call_at_a_time(self):
        pages = mla.LatentCache(self.patched).pages
        steps = [pages.begin(1, 3), pages.begin(1, 3)]
        steps[0].commit()
        self.refuses("past_key_values: another call", steps[1].commit, RuntimeError)


class Patching(Case):
    def test_releases(self):
        for release in ("5.16.1", "5.25.0", "5.170.0", "6.17.0"):
            with mock.patch.object(sys.modules["transformers"], "__version__", release):
                self.refuses(f"transformers: is of release {release}, must be of 5.17 to 5.24",
                             lambda: mla.patch(small_models.model("deepseek_v3", None)))

    def test_options(self):
        model = small_models.model("deepseek_v3", None)
        for name, value in (("adapter", SCRATCH), ("tp", 2), ("layers", 0), ("emit", "plan"), ("config", {})):
            self.refuses(f"{name}: is none of patch's options", lambda: mla.patch(model, **{name: value}))
        self.refuses("page: has no meaning beside bundle", lambda: mla.patch(model, bundle="x", page=16))
        self.refuses("directory: has no meaning beside bundle", lambda: mla.patch(model, SCRATCH / "x", bundle="x"))
        close(mla.patch(model, page=16, plan="naive")(IDS).logits, self.eager(IDS).logits)

    def test_a_bundle_of_other_shapes(self):
        mla.patch(small_models.model("deepseek_v3", None), SCRATCH / "shapes")
        for name, changed in (("num_attention_heads", {"num_attention_heads": 2, "num_key_value_heads": 2}),
                              ("kv_lora_rank", {"kv_lora_rank": 32}), ("q_lora_rank", {"q_lora_rank": 48})):
            model = small_models.model("deepseek_v3", **{"q_lora_rank": None, **changed})
            self.refuses(f"bundle: has {name}", lambda: mla.patch(model, bundle=SCRATCH / "shapes" / "attention.mla"))

    def test_adapters(self):
        try:
            import peft
        except ImportError:
            self.skipTest("no peft")
        config = peft.LoraConfig(r=2, target_modules=["kv_b_proj"], init_lora_weights=False)
        wrapped = peft.get_peft_model(small_models.model("deepseek_v3", None), config).eval()
        expected = wrapped(IDS).logits
        self.refuses("model: has PEFT adapters; merge them first", lambda: mla.patch(wrapped))
        self.refuses("model: layers.0.self_attn.kv_b_proj is a peft.*; merge", lambda: mla.patch(wrapped.base_model.model.model))
        close(mla.patch(wrapped.merge_and_unload())(IDS).logits, expected)


unittest.main(argv=sys.argv[:1])
