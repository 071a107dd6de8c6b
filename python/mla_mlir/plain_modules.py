# ===- plain_modules.py - Attentions that are as their config says --------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""Checks that attentions of transformers compute what their config and weights say. A compiler sees only these: what else a
program has put into a module (hooks, functions of its own, changed numbers) would be lost silently."""
import torch
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

_HOOKS = ("_forward_hooks", "_forward_pre_hooks")
_ROLES = ("training", "layer_idx")  # do not change results


def _kind(module):
    return f"{type(module).__module__}.{type(module).__qualname__}"


def _check_functions(name, module, made):
    """Reject functions that a program has set on a module, for example forward or expand_kv, and its hooks."""
    for key in sorted(set(vars(module)) - set(vars(made))):
        if callable(vars(module)[key]):
            raise ValueError(f"model: {name}.{key} is replaced, must be the method of {_kind(module)}; compiled layers call no "
                             "functions of a program's own")
    for key in _HOOKS:
        if getattr(module, key):
            raise ValueError(f"model: {name} has hooks; remove them before the patch, compiled layers do not call them")


def _check_values(name, module, made):
    """Reject numbers that differ from those of a module made from the same config."""
    for key, value in vars(made).items():
        found = vars(module).get(key, value)
        if key not in _ROLES and not key.startswith("_") and isinstance(value, (bool, int, float, str)) and found != value:
            raise ValueError(f"model: {name}.{key} is {found}, must be {value} as the config says")


def _check_module(name, module, made):
    if type(module) is not type(made):
        raise ValueError(f"model: {name} is a {_kind(module)}, must be a {_kind(made)}; merge adapters first, and load the model "
                         "without quantization")
    _check_functions(name, module, made)
    _check_values(name, module, made)


def check_attention(name, attention, family):
    """Compare an attention, and all modules in it, with one made from its config."""
    home = f"transformers.models.{family}.modeling_{family}"
    if type(attention).__module__ != home:
        raise ValueError(f"model: {name} is a {_kind(attention)}, must be of {home}")
    with torch.device("meta"):
        made = type(attention)(attention.config, attention.layer_idx)
    expected, found = dict(made.named_modules()), dict(attention.named_modules())
    for inner in sorted({*expected, *found}):
        path = f"{name}.{inner}" if inner else name
        if inner not in found or inner not in expected:
            raise ValueError(f"model: {path} {'is missing' if inner not in found else 'is none of the attention of the family'}")
        _check_module(path, found[inner], expected[inner])


def check_rotary(name, rotary):
    """Compare the frequencies of a model with those that its config says; they may be rounded to the model's dtype."""
    made = type(rotary)(rotary.config)
    _check_module(name, rotary, made)
    found = rotary.inv_freq
    if not torch.equal(found.cpu(), made.inv_freq.to(found.dtype).cpu()):
        raise ValueError(f"model: {name}.inv_freq differs from the frequencies that the config says; set rope_parameters instead")


def check_attention_function(config):
    """Reject an attention function that a program has registered: it may compute something else."""
    name = config._attn_implementation
    function = ALL_ATTENTION_FUNCTIONS.get(name) if name else None
    function = getattr(function, "func", function)  # of a partial
    module = getattr(function, "__module__", None)
    if function is not None and str(module).partition(".")[0] != "transformers":
        raise ValueError(f"attn_implementation: {name} is a function of {module}, which compiled layers do not call; load the "
                         "model with eager or sdpa")
