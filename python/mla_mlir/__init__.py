# ===- __init__.py - Compiled multi-head latent attention ----------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""Compiles attention layers and runs them on DLPack tensors, without copies.

    mla_mlir.compile("layer.mla", weights="layer0.safetensors")
    bundle = mla_mlir.load("layer.mla")
    with bundle.cache(pages=64) as cache:
        sequence = cache.sequence()
        with cache.batch([sequence], [33]) as batch:       # a prompt of 33 tokens; committed at the end of the block
            out = batch.run(hidden)                        # [33, hidden_size], numpy, torch, or anything with __dlpack__

    mla_mlir.compile("model.mla", weights="model.safetensors", scope="model")
    mla_mlir.load("model.mla").generate([1, 17, 4], max_new_tokens=32)

An engine that manages pages and tables itself calls Bundle.step. With torch, `import mla_mlir.torch` registers torch.ops.mla.
`mla_mlir.locate` describes how the executable and the library are found; importing needs neither them nor torch.
"""
from .bundle import Bundle, load
from .cache import Cache, Sequence
from .comm import Comm, use_device
from .compiler import CompileError, compile
from .errors import ArgumentError, Error
from .generate import Generator, Token

__version__ = "0.1.0"
__all__ = ["ArgumentError", "Bundle", "Cache", "Comm", "CompileError", "Error", "Generator", "Sequence", "Token", "compile", "load",
           "use_device"]
