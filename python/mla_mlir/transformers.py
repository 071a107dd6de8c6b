# ===- transformers.py - Hugging Face models -----------------------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""Replaces the attentions of a DeepSeek V2 or V3 model by compiled layers.

    model = AutoModelForCausalLM.from_pretrained(…)
    mla_mlir.transformers.patch(model)
    model.generate(**tokenizer(prompts, padding=True, return_tensors="pt"))
"""
import contextlib
import inspect
import json
import pathlib
import shutil
import sys
import tempfile
import warnings
import weakref

import torch
from safetensors.torch import save_file
from transformers.cache_utils import Cache, CacheLayerMixin, DynamicCache

from . import compiler
from . import torch as ops
from .attention import CompiledAttention, LatentPages, Steps, refuse_to_pickle
from .bundle import load
from .errors import integer
from .plain_modules import check_attention, check_attention_function, check_rotary

RELEASES = tuple(f"5.{minor}" for minor in range(17, 25))  # of transformers
OPTIONS = ("plan", "page", "device", "cache", "cache_dtype", "cache_scale", "batch_invariant")
FAMILIES = ("deepseek_v2", "deepseek_v3")
_DTYPES = {torch.float32: "f32", torch.bfloat16: "bf16"}


class _Layer(CacheLayerMixin):
    """A layer of a cache, in the interface of transformers. It has the pages of all layers."""

    is_sliding, is_croppable, supports_early_init = False, True, False

    def __init__(self, pages):
        super().__init__()
        self.pages = pages

    def lazy_initialization(self, key_states, value_states):
        raise NotImplementedError("a latent cache is written by compiled layers only; patch the model that uses it")

    def update(self, key_states, value_states, *args, **kwargs):
        return self.lazy_initialization(key_states, value_states)

    def get_seq_length(self):
        return self.pages.seen

    def get_mask_sizes(self, query_length):
        return self.pages.seen + query_length, 0

    def get_max_length(self):
        return -1

    @property
    def batch_size(self):
        return len(self.pages.lengths) or -1

    def reset(self):
        self.pages.clear()

    def crop(self, tokens_to_remove):
        """Drop -tokens_to_remove tokens; if positive, as in earlier releases, keep that many."""
        removed = -tokens_to_remove if tokens_to_remove <= 0 else max(0, self.pages.seen - tokens_to_remove)
        self.pages.drop_last(removed)

    def reorder_cache(self, beam_idx):
        self.pages.select(beam_idx)

    def batch_repeat_interleave(self, repeats):
        self.pages.select(torch.arange(len(self.pages.lengths)).repeat_interleave(repeats))

    def batch_select_indices(self, indices):
        self.pages.select(indices)


class LatentCache(Cache):
    """past_key_values (`cache` in transformers 5.24) of a patched model: pages of the latents of all layers, without
    padding. They grow on demand; max_length, in tokens, reserves them. copy.deepcopy copies the pages. A patched model
    converts an empty DynamicCache to a LatentCache."""

    def __init__(self, model, max_length=0):
        patched = _patched(model)
        super().__init__(layers=[])
        self.hold(LatentPages(patched.bundle, patched.name, patched.device, integer("max_length", max_length, (0, 2**63 - 1))))

    def hold(self, pages):
        self.pages, self.layers, self.layer_class_to_replicate = pages, [_Layer(pages)], None

    def nbytes(self):
        """Return the bytes of the pages."""
        return self.pages.nbytes()


def _decoder(model):
    return getattr(model, "model", model)


def _patched(model):
    decoder = model.get_decoder() if hasattr(model, "get_decoder") else model
    patched = getattr(decoder, "mla_mlir", None)
    if patched is None:
        raise ValueError("model: is not patched; call mla_mlir.transformers.patch first")
    return patched


# Arguments of a decoder besides its own parameters that attentions do not use: for the loss, for outputs, and tokenizers'.
_UNUSED = {"return_dict", "output_hidden_states", "output_router_logits", "num_items_in_batch", "ignore_index", "shift_labels",
           "token_type_ids"}
# The only value of an argument or a field of the config that compiled layers support, and why.
_AGREED = {"output_attentions": (False, "compiled layers do not return probabilities"),
           "is_causal": (True, "compiled layers are causal")}


class _Patched:
    """The bundle of a model, and the hooks that begin and end its steps."""

    def __init__(self, decoder, bundle, device):
        self.bundle, self.device = bundle, device
        self.name, self.steps = ops.register(bundle), Steps()
        weakref.finalize(self, ops.unregister, self.name)
        self.signature = inspect.signature(decoder.forward)
        self.cache_name = "cache" if "cache" in self.signature.parameters else "past_key_values"

    def __deepcopy__(self, memo):
        return self  # a copy of a model has the same weights

    def __reduce__(self):
        refuse_to_pickle()

    def before(self, decoder, args, kwargs):
        given = self.signature.bind_partial(*args, **kwargs).arguments
        given.update(given.pop("kwargs", {}))
        if self.cache_name == "cache" and "past_key_values" in given and "cache" not in given:
            given["cache"] = given.pop("past_key_values")
        inputs = given.get("input_ids") if given.get("input_ids") is not None else given.get("inputs_embeds")
        if inputs is None:
            return None  # the model raises an error
        self._check(decoder, given)
        cache = self._cache(decoder, given)
        kept = isinstance(cache, LatentCache)
        pages = cache.pages if kept else LatentPages(self.bundle, self.name, self.device)
        batch, tokens = inputs.shape[:2]
        self.steps.current = pages.begin(batch, tokens, given.get("attention_mask"), given.get("position_ids"))
        if cache is not None and not kept:  # the call has been checked
            cache.__class__ = LatentCache
            cache.hold(pages)
        given[self.cache_name] = cache
        return (), given

    def _check(self, decoder, given):
        """Reject arguments that compiled layers do not support."""
        known = {*self.signature.parameters, *_UNUSED, *_AGREED}
        for name, value in given.items():
            if name not in known and value is not None:
                raise ValueError(f"{name}: is not known to compiled layers; leave it out")
        for name, (agreed, reason) in _AGREED.items():
            value = given.get(name)
            value = getattr(decoder.config, name, agreed) if value is None else value
            if value is not None and bool(value) != agreed:
                raise ValueError(f"{name}: is {value}, but {reason}")
        if decoder.training and getattr(decoder.config, "attention_dropout", 0):
            raise ValueError("attention_dropout: is not computed by compiled layers; call model.eval()")
        mask = given.get("attention_mask")
        if mask is not None and not isinstance(mask, torch.Tensor):
            raise ValueError(f"attention_mask: is a {type(mask).__name__}, must be a tensor, [batch, tokens]")
        if mask is not None and mask.dim() != 2:
            raise ValueError(f"attention_mask: has {mask.dim()} dimensions, must have 2, [batch, tokens]: compiled layers "
                             "are causal")

    def _cache(self, decoder, given):
        """Return the cache of this call, or None."""
        cache = given.get(self.cache_name)
        use = given.get("use_cache")
        if isinstance(cache, LatentCache):
            if cache.pages.bundle is not self.bundle:
                raise ValueError("past_key_values: is of another patched model")
            return cache
        if cache is None and not (decoder.config.use_cache if use is None else use):
            return None
        if cache is None:
            return LatentCache(decoder)
        # generate() creates a DynamicCache for any model.
        if type(cache) is not DynamicCache or cache.get_seq_length() or cache.offloading:
            kind = type(cache).__name__ + (" with offloading" if getattr(cache, "offloading", False) else "")
            raise ValueError(f"past_key_values: is a {kind} that compiled layers did not write; pass an "
                             "mla_mlir.transformers.LatentCache, or nothing")
        return cache

    def after(self, decoder, args, result):
        """End the step. After a failure, there is no result."""
        step, self.steps.current = self.steps.current, None
        if result is not None:
            step.commit()


def _check_release():
    """Reject releases that are not listed: they may pass the cache, masks or positions in another way."""
    release = sys.modules["transformers"].__version__
    if ".".join(release.split(".")[:2]) not in RELEASES:
        raise ValueError(f"transformers: is of release {release}, must be of {RELEASES[0]} to {RELEASES[-1]}")


def _check_modules(model, family):
    """Reject modules that compute something else than the config and the weights say."""
    decoder = _decoder(model)
    for index, layer in enumerate(decoder.layers):
        check_attention(f"layers.{index}.self_attn", layer.self_attn, family)
    check_rotary("rotary_emb", decoder.rotary_emb)
    check_attention_function(decoder.config)


def _check(model):
    """Check the model. Return its attentions, by layer, and their device and dtype."""
    _check_release()
    kind = getattr(model.config, "model_type", None)
    if kind not in FAMILIES:
        raise ValueError(f"model: has model_type {kind}, must be one of {', '.join(FAMILIES)}")
    if getattr(_decoder(model), "mla_mlir", None) is not None:
        raise ValueError("model: is patched already")
    if getattr(model, "peft_config", None):
        raise ValueError("model: has PEFT adapters; merge them first, model = model.merge_and_unload()")
    attentions = [layer.self_attn for layer in _decoder(model).layers]
    _check_modules(model, kind)
    kinds = {(parameter.device, parameter.dtype) for attention in attentions for parameter in attention.parameters()}
    if len(kinds) != 1:
        raise ValueError("model: its attentions' weights must be on one device, of one dtype; they are "
                         f"{sorted(map(str, kinds))}")
    device, dtype = kinds.pop()
    if device.type not in ("cpu", "cuda") or dtype not in _DTYPES or (device.type == "cuda" and dtype != torch.bfloat16):
        raise ValueError(f"model: its attentions are {dtype} on {device}; give float32 or bfloat16 on cpu, or bfloat16 on cuda")
    return attentions, device, dtype


def save_attentions(model, directory):
    """Write config.json and the attentions' weights under their checkpoint names, for mla-compile."""
    directory = pathlib.Path(directory)
    tensors = {f"model.layers.{i}.self_attn.{name}": tensor.detach().cpu().contiguous()
               for i, layer in enumerate(_decoder(model).layers) for name, tensor in layer.self_attn.state_dict().items()}
    save_file(tensors, directory / "model.safetensors", {"format": "pt"})
    (directory / "config.json").write_text(json.dumps(model.config.to_dict(), indent=1, default=str))


def _compile(model, directory, options, device, dtype):
    """Compile a model's weights, and return the path of the bundle."""
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise ValueError(f"{unknown[0]}: is none of patch's options, which are {', '.join(OPTIONS)}")
    directory.mkdir(parents=True, exist_ok=True)
    save_attentions(model, directory)
    return compiler.compile(directory / "attention.mla", weights=directory, layers="all", dtype=_DTYPES[dtype],
                            target=compiler.GPU_TARGET if device.type == "cuda" else "cpu", **options)


def _check_bundle(model, info, layers, device, dtype):
    """Check that a given bundle has the model's shapes. Whether it has the model's weights cannot be checked."""
    config, target = model.config, compiler.GPU_TARGET if device.type == "cuda" else "cpu"
    if info.layers != tuple(range(layers)):
        raise ValueError(f"bundle: has the layers {list(info.layers)}, the model has {layers}")
    names = ("hidden_size", "num_attention_heads", "kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim")
    wanted = {name: getattr(config, name) for name in names}
    wanted.update(q_lora_rank=config.q_lora_rank or 0, tensor_parallel=1, target=target, dtype=str(dtype).partition(".")[2])
    for name, value in wanted.items():
        if getattr(info, name) != value:
            raise ValueError(f"bundle: has {name} {getattr(info, name)}, must have {value}")


def patch(model, directory=None, *, bundle=None, **options):
    """Compile the model's attentions from its weights and replace them, with a latent cache. Return the model. The model must
    be on its final device, in its final dtype, without adapters. The original attentions are dropped, so save_pretrained
    raises an error. Arguments of forward that compiled layers do not support are rejected.

    directory   where the bundle is written; by default a temporary directory
    bundle      path of a bundle compiled from these weights before, which is opened instead
    options     of mla_mlir.compile: plan, page, device, cache, cache_dtype, cache_scale and batch_invariant
    """
    attentions, device, dtype = _check(model)
    if bundle is not None and (directory is not None or options):
        raise ValueError(f"{'directory' if directory is not None else sorted(options)[0]}: has no meaning beside bundle, which "
                         "is made already")
    own = None
    if bundle is None:
        own = tempfile.mkdtemp(prefix="mla-mlir-") if directory is None else None
        bundle = _compile(model, pathlib.Path(own or directory), options, device, dtype)
    decoder = _decoder(model)
    with torch.cuda.device(device) if device.type == "cuda" else contextlib.nullcontext():
        opened = load(bundle)
    _check_bundle(model, opened.info, len(attentions), device, dtype)
    patched = _Patched(decoder, opened, device)
    if own:
        weakref.finalize(patched, shutil.rmtree, own, ignore_errors=True)
    install(decoder, patched)
    model.save_pretrained = decoder.save_pretrained = _refuse_to_save
    # transformers creates no mask for an unknown name.
    model.config._attn_implementation = decoder.config._attn_implementation = "mla_mlir"
    return model


def _refuse_to_save(*_, **__):
    raise ValueError("save_pretrained: a patched model has its attentions' weights no more; save it before the patch")


def _warn_of_state(*_):
    warnings.warn("state_dict: has none of the attentions' weights, which mla_mlir compiled", stacklevel=3)


def install(decoder, patched):
    """Install the compiled attentions and the hooks in a decoder."""
    for index, layer in enumerate(decoder.layers):
        layer.self_attn = CompiledAttention(patched.steps, index)
    decoder.register_forward_pre_hook(patched.before, with_kwargs=True)
    decoder.register_forward_hook(patched.after, always_call=True)
    decoder.register_state_dict_pre_hook(_warn_of_state)
    decoder.mla_mlir = patched
