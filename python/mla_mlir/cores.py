# ===- cores.py - Bundles for engines that project themselves ------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""Bundles of which only the attention kernel is used: it depends on heads, widths and page alone, so the rest of the layer is
made, and narrow. They are kept in MLA_MLIR_CACHE, by default ~/.cache/mla-mlir, and compiled when they are first wanted."""
import contextlib
import os
import pathlib
import shutil
import tempfile

from . import compiler, runtime


def directory():
    return pathlib.Path(os.environ.get("MLA_MLIR_CACHE") or pathlib.Path.home() / ".cache" / "mla-mlir")


def config(heads, kv_lora_rank, qk_rope_head_dim):
    return {"model_type": "deepseek_v3", "hidden_size": 64, "num_attention_heads": heads, "q_lora_rank": None,
            "kv_lora_rank": kv_lora_rank, "qk_nope_head_dim": 16, "qk_rope_head_dim": qk_rope_head_dim, "v_head_dim": 16,
            "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "max_position_embeddings": 131072, "num_hidden_layers": 1}


def bundle(heads, kv_lora_rank, qk_rope_head_dim, page):
    """Path of an H100 bundle with the latent attention of these widths. Several processes may ask at once."""
    release = runtime.loaded().mla_version().decode()
    path = directory() / f"{release}-latent-h{heads}-l{kv_lora_rank}-r{qk_rope_head_dim}-page{page}.mla"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        own = tempfile.mkdtemp(prefix="making-", dir=path.parent)
        try:
            made = compiler.compile(os.path.join(own, path.name), config=config(heads, kv_lora_rank, qk_rope_head_dim),
                                    target="h100", page=page)
            with contextlib.suppress(OSError):  # another process was faster
                os.rename(made, path)
        finally:
            shutil.rmtree(own, ignore_errors=True)
    return path
