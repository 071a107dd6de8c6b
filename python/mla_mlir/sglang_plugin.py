# ===- sglang_plugin.py - The plugin of SGLang ----------------------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""The entry point "sglang.srt.plugins", which SGLang loads in every process."""


def register():
    """Register mla_mlir.sglang's backend as mla_mlir, which --decode-attention-backend then takes."""
    from sglang.srt.arg_groups.choices import ATTENTION_BACKEND_CHOICES
    from sglang.srt.layers.attention.attention_registry import register_attention_backend

    if "mla_mlir" not in ATTENTION_BACKEND_CHOICES:
        ATTENTION_BACKEND_CHOICES.append("mla_mlir")
    register_attention_backend("mla_mlir")(_create)


def _create(runner):
    from .sglang import LatentAttentionBackend

    return LatentAttentionBackend(runner)
