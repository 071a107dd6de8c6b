# ===- mla_runtime.py - Calls of the runtime for torch tensors --------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===------------------------------------------------------------------------===#
"""Bundles for a GPU, for benchmarks and tests: calls with their own workspace, which are enqueued on torch's current stream any
number of times.

    bundle = mla_runtime.Bundle("layer0.mla")
    call = bundle.latent_attention(q[..., :512], q[..., 512:], pages, table, lengths, cu_seqlens, out, lse,
                                   max_queries=1)
    call()                      # enqueues; may be captured in a graph

The library is located by mla_mlir (MLA_RUNTIME_LIBRARY, MLA_MLIR_PREFIX, build).
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "python"))

import mla_mlir  # noqa: E402
from mla_mlir import Error  # noqa: E402, F401


class Call:
    """A mla_mlir.bundle.Call with its workspace."""

    def __init__(self, call):
        import torch

        size = call.workspace_bytes()
        self.call, self.struct = call, call.struct
        self.workspace = torch.empty(max(size, 1), dtype=torch.uint8, device="cuda")
        self.struct.workspace, self.struct.workspace_bytes = self.workspace.data_ptr(), size

    def __call__(self):
        self.call.enqueue(workspace=(self.struct.workspace, self.struct.workspace_bytes))


class Bundle(mla_mlir.Bundle):
    """An open bundle in torch's context of the current device."""

    def __init__(self, path):
        import torch

        torch.zeros(1, device="cuda")  # makes the context current
        super().__init__(path)
        if not self.info.device_memory:
            self.close()
            raise ValueError(f"{path}: is for the host; compile it with --target=h100")

    def layer(self, *arrays, **sizes):
        return Call(self.step_call(*arrays, **sizes))

    def latent_attention(self, *arrays, **sizes):
        return Call(self.latent_attention_call(*arrays, **sizes))

    def naive_attention(self, *arrays, **sizes):
        return Call(self.naive_attention_call(*arrays, **sizes))
