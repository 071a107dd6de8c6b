# ===- vllm_plugin.py - What vLLM loads in every process -----------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""The entry point "vllm.general_plugins" of the package."""


def register():
    """Makes mla_mlir.vllm's backend the one that vLLM calls CUSTOM, unless another has that name."""
    from vllm.v1.attention.backends.registry import AttentionBackendEnum, register_backend

    if not AttentionBackendEnum.CUSTOM.is_overridden():
        register_backend(AttentionBackendEnum.CUSTOM, "mla_mlir.vllm.LatentAttentionBackend")
