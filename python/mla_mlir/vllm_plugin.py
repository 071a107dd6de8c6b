# ===- vllm_plugin.py - The plugin of vLLM --------------------------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""The entry point "vllm.general_plugins", which vLLM loads in every process."""


def register():
    """Register mla_mlir.vllm's backend as vLLM's CUSTOM, unless another is registered. Nothing is imported: an engine that does
    not use the backend runs with any release."""
    from vllm.v1.attention.backends.registry import AttentionBackendEnum, register_backend

    if not AttentionBackendEnum.CUSTOM.is_overridden():
        register_backend(AttentionBackendEnum.CUSTOM, "mla_mlir.vllm.LatentAttentionBackend")
