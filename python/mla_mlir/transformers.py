# ===- transformers.py - Hugging Face models -----------------------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""Puts compiled layers in the place of the attention of a DeepSeek V2 or V3 model.

    model = AutoModelForCausalLM.from_pretrained(…)
    mla_mlir.transformers.patch(model)
    model.generate(**tokenizer(prompts, padding=True, return_tensors="pt"))
"""
import contextlib
import inspect
import json
import pathlib
import shutil
import tempfile
import weakref

import torch
from safetensors.torch import save_file
from transformers.cache_utils import Cache, CacheLayerMixin, DynamicCache

from . import compiler
from . import torch as ops
from .attention import CompiledAttention, LatentPages, Steps
from .bundle import load

FAMILIES = ("deepseek_v2", "deepseek_v3")
_DTYPES = {torch.float32: "f32", torch.bfloat16: "bf16"}


class _Layer(CacheLayerMixin):
    """The pages, which are of all layers, as transformers asks a cache's layers about them."""

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
        self.pages.drop_last(self.pages.seen)

    def crop(self, tokens_to_remove):
        """Negative: so many tokens fewer. Positive, as earlier releases had it: so many are left."""
        removed = -tokens_to_remove if tokens_to_remove <= 0 else max(0, self.pages.seen - tokens_to_remove)
        self.pages.drop_last(removed)

    def reorder_cache(self, beam_idx):
        self.pages.select(beam_idx)

    def batch_repeat_interleave(self, repeats):
        self.pages.select(torch.arange(len(self.pages.lengths)).repeat_interleave(repeats))

    def batch_select_indices(self, indices):
        self.pages.select(indices)


class LatentCache(Cache):
    """past_key_values of a patched model: pages of the latents of all layers, without the padding. They grow as they
    must; max_length, in tokens, makes room from the beginning."""

    def __init__(self, model, max_length=0):
        patched = _patched(model)
        self.pages = LatentPages(patched.bundle, patched.name, patched.device, max_length)
        super().__init__(layers=[_Layer(self.pages)])

    def nbytes(self):
        """Bytes of the pages."""
        return self.pages.nbytes()


def _decoder(model):
    return getattr(model, "model", model)


def _patched(model):
    patched = getattr(_decoder(model), "mla_mlir", None)
    if patched is None:
        raise ValueError("model: is not patched; call mla_mlir.transformers.patch first")
    return patched


class _Patched:
    """The bundle of a model, and the hooks that begin and end its steps."""

    def __init__(self, decoder, bundle, device):
        self.bundle, self.device = bundle, device
        self.name, self.steps = ops.register(bundle), Steps()
        weakref.finalize(self, ops.unregister, self.name)
        self.signature = inspect.signature(decoder.forward)

    def before(self, decoder, args, kwargs):
        given = self.signature.bind_partial(*args, **kwargs).arguments
        given.update(given.pop("kwargs", {}))
        inputs = given.get("input_ids") if given.get("input_ids") is not None else given.get("inputs_embeds")
        if inputs is None:
            return None  # the model refuses it
        cache = self._cache(decoder, given)
        pages = cache.pages if cache is not None else LatentPages(self.bundle, self.name, self.device)
        mask = given.get("attention_mask")
        if mask is not None and mask.dim() != 2:
            raise ValueError(f"attention_mask: has {mask.dim()} dimensions, must have 2, [batch, tokens]: compiled layers "
                             "are causal")
        self.steps.current = pages.begin(inputs.shape[0], inputs.shape[1], mask)
        given["past_key_values"] = cache
        return (), given

    def _cache(self, decoder, given):
        """The cache of this call; None if there is to be none."""
        cache = given.get("past_key_values")
        use = given.get("use_cache")
        if isinstance(cache, LatentCache):
            return cache
        if cache is None and not (decoder.config.use_cache if use is None else use):
            return None
        # generate() makes a DynamicCache for whatever model.
        if cache is not None and (type(cache) is not DynamicCache or cache.get_seq_length()):
            raise ValueError(f"past_key_values: is a {type(cache).__name__} that compiled layers did not write; pass an "
                             "mla_mlir.transformers.LatentCache, or nothing")
        return LatentCache(decoder)

    def after(self, decoder, args, result):
        self.steps.current.commit()
        self.steps.current = None


def _check(model):
    """The attentions, by layer, and the device and dtype that they have in common."""
    kind = getattr(model.config, "model_type", None)
    if kind not in FAMILIES:
        raise ValueError(f"model: has model_type {kind}, must be one of {', '.join(FAMILIES)}")
    if getattr(_decoder(model), "mla_mlir", None) is not None:
        raise ValueError("model: is patched already")
    attentions = [layer.self_attn for layer in _decoder(model).layers]
    kinds = {(parameter.device, parameter.dtype) for attention in attentions for parameter in attention.parameters()}
    if len(kinds) != 1:
        raise ValueError("model: its attentions' weights must be on one device, of one dtype; they are "
                         f"{sorted(map(str, kinds))}")
    device, dtype = kinds.pop()
    if device.type not in ("cpu", "cuda") or dtype not in _DTYPES or (device.type == "cuda" and dtype != torch.bfloat16):
        raise ValueError(f"model: its attentions are {dtype} on {device}; give float32 or bfloat16 on cpu, or bfloat16 on cuda")
    return attentions, device, dtype


def save_attentions(model, directory):
    """Writes what mla-compile needs of a model: config.json, and the attentions' weights under their checkpoint names."""
    directory = pathlib.Path(directory)
    tensors = {f"model.layers.{i}.self_attn.{name}": tensor.detach().cpu().contiguous()
               for i, layer in enumerate(_decoder(model).layers) for name, tensor in layer.self_attn.state_dict().items()}
    save_file(tensors, directory / "model.safetensors", {"format": "pt"})
    (directory / "config.json").write_text(json.dumps(model.config.to_dict(), indent=1, default=str))


def patch(model, directory=None, *, bundle=None, **options):
    """Compiles the model's attentions from its own weights, and puts the compiled ones in their place, with a latent cache.
    Returns the model. The model must be on its device, in its dtype; its own attentions are dropped.

    directory   where the bundle is made, to keep it; by default a temporary one
    bundle      path of a bundle that was compiled from these weights before, to be opened instead
    options     of mla_mlir.compile, such as plan and page
    """
    attentions, device, dtype = _check(model)
    own = None
    if bundle is None:
        own = tempfile.mkdtemp(prefix="mla-mlir-") if directory is None else None
        place = pathlib.Path(own or directory)
        place.mkdir(parents=True, exist_ok=True)
        save_attentions(model, place)
        target = "h100" if device.type == "cuda" else "cpu"
        bundle = compiler.compile(place / "attention.mla", weights=place, layers="all", target=target, dtype=_DTYPES[dtype],
                                  **options)
    decoder = _decoder(model)
    with torch.cuda.device(device) if device.type == "cuda" else contextlib.nullcontext():
        opened = load(bundle)
    if opened.info.layers != tuple(range(len(attentions))):
        raise ValueError(f"bundle: has the layers {list(opened.info.layers)}, the model has {len(attentions)}")
    patched = _Patched(decoder, opened, device)
    if own:
        weakref.finalize(patched, shutil.rmtree, own, ignore_errors=True)
    install(decoder, patched)
    # A name that transformers has no mask for: it makes none.
    model.config._attn_implementation = decoder.config._attn_implementation = "mla_mlir"
    return model


def install(decoder, patched):
    """Puts compiled attentions and the hooks into a decoder."""
    for index, layer in enumerate(decoder.layers):
        layer.self_attn = CompiledAttention(patched.steps, index)
    decoder.register_forward_pre_hook(patched.before, with_kwargs=True)
    decoder.register_forward_hook(patched.after)
    decoder.mla_mlir = patched
