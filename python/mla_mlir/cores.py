# ===- cores.py - Bundles of the attention kernel alone -------------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""Bundles for engines that use only the attention kernel. It depends only on heads, widths and the page, so the rest of the
layer is small and its weights are left out. Bundles are compiled at first use and cached in MLA_MLIR_CACHE, by default
~/.cache/mla-mlir."""
import contextlib
import functools
import hashlib
import os
import pathlib
import shutil
import tempfile

from . import compiler, locate, runtime
from .errors import ArgumentError, Error, integer

#: The query tokens of a sequence that the kernel takes: MLA_MAX_DECODE_QUERIES of mla/abi.h.
MAX_QUERIES = 8


def directory():
    return pathlib.Path(os.environ.get("MLA_MLIR_CACHE") or pathlib.Path.home() / ".cache" / "mla-mlir")


def config(heads, kv_lora_rank, qk_rope_head_dim):
    return {"model_type": "deepseek_v3", "hidden_size": 64, "num_attention_heads": heads, "q_lora_rank": None,
            "kv_lora_rank": kv_lora_rank, "qk_nope_head_dim": 16, "qk_rope_head_dim": qk_rope_head_dim, "v_head_dim": 16,
            "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "max_position_embeddings": 131072, "num_hidden_layers": 1}


@functools.cache
def _digest(path, size, modified):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256") if hasattr(hashlib, "file_digest") else hashlib.sha256(file.read())


def _compiler():
    """Return a hash of the compiler and the runtime library, which distinguishes builds of the same release."""
    whole = hashlib.sha256()
    for path in (locate.compiler(), locate.runtime_library()):
        status = os.stat(path)
        whole.update(_digest(path, status.st_size, status.st_mtime_ns).digest())
    return whole.hexdigest()[:16]


def _folder(name):
    """Return the folder of a bundle; the cache has one folder per compiler."""
    try:
        return directory() / _compiler()
    except Error:  # without a compiler: the bundle was compiled elsewhere
        made = sorted(directory().glob(f"*/{name}"), key=lambda path: path.stat().st_mtime)
        if not made:
            raise
        return made[-1].parent


def _scores(causal, window, sinks):
    """Return (suffix of names, options of mla-compile) of a mask and sinks."""
    if window is not None and not causal:
        raise ArgumentError("window", "is of a causal attention; leave out causal=False")
    if window is not None:
        integer("window", window, (1, 2**31 - 1))
    mask = f"window={window}" if window is not None else "causal" if causal else "none"
    suffix = "" if mask == "causal" else f"-{mask.replace('=', '')}"
    return suffix + ("-sinks" if sinks else ""), {"core_mask": mask, "core_sinks": sinks}


def bundle(heads, kv_lora_rank, qk_rope_head_dim, page, cache_dtype=None, causal=True, window=None, sinks=False):
    """Return the path of a GPU bundle with the latent attention of these widths, compiled by the installed compiler; without
    a compiler, the newest bundle of this release. cache_dtype: None, "fp8_row" or "fp8_tensor". window: how many keys a query
    sees, its own included, as transformers' sliding_window counts; None: all up to its own, or, if not causal, all. sinks:
    calls are given a logit per head, which joins the denominator of the softmax. Several processes may call this at once."""
    release = runtime.loaded().mla_version().decode()
    extras, options = _scores(causal, window, sinks)
    suffix = (f"-{cache_dtype}" if cache_dtype else "") + extras
    name = f"{release}-latent-h{heads}-l{kv_lora_rank}-r{qk_rope_head_dim}-page{page}{suffix}.mla"
    path = _folder(name) / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        own = tempfile.mkdtemp(prefix="making-", dir=path.parent)
        try:
            made = compiler.compile(os.path.join(own, name), config=config(heads, kv_lora_rank, qk_rope_head_dim),
                                    target=compiler.GPU_TARGET, page=page, cache_dtype=cache_dtype, no_weights=True,
                                    **options)
            with contextlib.suppress(OSError):  # another process was faster
                os.rename(made, path)
        finally:
            shutil.rmtree(own, ignore_errors=True)
    return path
