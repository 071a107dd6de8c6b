#!/usr/bin/env python3
# ===- mla_runtime.py - The runtime's C API for torch tensors ---------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===------------------------------------------------------------------------===#
"""Opens bundles for a GPU and enqueues their kernels on torch's memory and stream, through ctypes.

    bundle = mla_runtime.Bundle("layer0.mla")
    call = bundle.latent_attention(q[..., :512], q[..., 512:], pages, table, lengths, cu_seqlens, out, lse,
                                   max_queries=1)
    call()                      # enqueues on the current stream; may be captured in a graph

Making a call checks its tensors and allocates its workspace; calling it only enqueues. Struct for struct it follows
runtime/include/mla/runtime.h: `mla_runtime.py --check` compares their layouts with what a C compiler says.
The library is the one of MLA_RUNTIME_LIBRARY, else build/lib/libmla-runtime.so.0.
"""
import ctypes
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PHASES = {"auto": 0, "prefill": 1, "decode": 2}


class Error(RuntimeError):
    """A call that failed: `status` is its name, the text what mla_last_error says."""

    def __init__(self, status, text):
        super().__init__(f"{status}: {text}")
        self.status = status


def _struct(name, fields):
    """fields: 'type name name …; type name …' with the types below."""
    types = {
        "text": ctypes.c_char_p,
        "enum": ctypes.c_int32,
        "i32": ctypes.c_int32,
        "i64": ctypes.c_int64,
        "u64": ctypes.c_uint64,
        "size": ctypes.c_size_t,
        "f64": ctypes.c_double,
        "pointer": ctypes.c_void_p,
        "i64s": ctypes.POINTER(ctypes.c_int64),
    }
    listed = []
    for part in fields.split(";"):
        kind, *names = part.split()
        listed += [(field, types[kind]) for field in names]
    return type(name, (ctypes.Structure,), {"_fields_": listed})


BundleInfo = _struct(
    "mla_bundle_info",
    "text path producer target isa model_type cache_format plan; enum dtype cache_dtype; i64 page tensor_parallel rank"
    " hidden_size num_attention_heads heads q_lora_rank kv_lora_rank qk_nope_head_dim qk_rope_head_dim v_head_dim;"
    " f64 rms_norm_eps rope_theta; i64s layers; i64 num_layers num_entries; i32 device_memory; text device;"
    " f64 code_seconds weights_seconds",
)
EntryInfo = _struct(
    "mla_entry_info", "text symbol; enum phase; text q o; i64 first_tokens last_tokens first_context last_context weight_bytes"
)
Step = _struct(
    "mla_step",
    "size size; i64 layer; enum phase; i32 reserved; i64 tokens batch max_queries max_length cached num_pages"
    " table_width; pointer hidden cu_seqlens pages block_table lengths out workspace; u64 workspace_bytes;"
    " pointer stream",
)
LatentAttention = _struct(
    "mla_latent_attention",
    "size size; i64 tokens batch max_queries max_length cached num_pages table_width q_stride; pointer q_latent q_rope"
    " pages block_table lengths cu_seqlens out lse workspace; u64 workspace_bytes; pointer stream; i64 indices_settled; f64 scale",
)
NaiveAttention = _struct(
    "mla_naive_attention",
    "size size; i64 tokens batch max_queries max_length cached q_stride; pointer q_nope q_rope k_nope k_rope v"
    " cu_seqlens cu_keys out workspace; u64 workspace_bytes; pointer stream; f64 scale",
)


def _load():
    path = os.environ.get("MLA_RUNTIME_LIBRARY") or str(ROOT / "build" / "lib" / "libmla-runtime.so.0")
    lib = ctypes.CDLL(path)
    lib.mla_last_error.restype = ctypes.c_char_p
    lib.mla_status_name.restype = ctypes.c_char_p
    lib.mla_version.restype = ctypes.c_char_p
    lib.mla_bundle_open.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_void_p)]
    lib.mla_bundle_close.argtypes = [ctypes.c_void_p]
    lib.mla_bundle_close.restype = None
    lib.mla_bundle_get_info.argtypes = [ctypes.c_void_p]
    lib.mla_bundle_get_info.restype = ctypes.POINTER(BundleInfo)
    lib.mla_bundle_get_entry.argtypes = [ctypes.c_void_p, ctypes.c_int64]
    lib.mla_bundle_get_entry.restype = ctypes.POINTER(EntryInfo)
    for enqueue, workspace, struct in (
        ("mla_enqueue_layer", "mla_step_workspace", Step),
        ("mla_enqueue_latent_attention", "mla_latent_attention_workspace", LatentAttention),
        ("mla_enqueue_naive_attention", "mla_naive_attention_workspace", NaiveAttention),
    ):
        getattr(lib, enqueue).argtypes = [ctypes.c_void_p, ctypes.POINTER(struct)]
        getattr(lib, workspace).argtypes = [ctypes.c_void_p, ctypes.POINTER(struct), ctypes.POINTER(ctypes.c_uint64)]
    lib.mla_step_check.argtypes = [ctypes.c_void_p, ctypes.POINTER(Step)]
    return lib


_library = None


def library():
    """The runtime, loaded at the first call."""
    global _library
    if _library is None:
        _library = _load()
    return _library


def check(status):
    if status != 0:
        lib = library()
        raise Error(lib.mla_status_name(status).decode(), lib.mla_last_error().decode(errors="replace"))


def _address(tensor):
    return None if tensor is None else tensor.data_ptr()


def _expect(name, tensor, dtype, shape):
    """shape: sizes, None where any is right."""
    if tensor.dtype != dtype or not tensor.is_cuda or not tensor.is_contiguous():
        raise ValueError(f"{name}: must be contiguous {dtype} on the GPU, is {tensor.dtype} on {tensor.device}")
    if tensor.dim() != len(shape) or any(want is not None and have != want for have, want in zip(tensor.shape, shape)):
        raise ValueError(f"{name}: has shape {list(tensor.shape)}, must have {shape}")


def _head_stride(name, tensor, dtype, heads, width, stride=None):
    """Elements between the heads of a [tokens, heads, width] part of larger rows."""
    if tensor.dtype != dtype or not tensor.is_cuda or list(tensor.shape[1:]) != [heads, width]:
        raise ValueError(f"{name}: is {tensor.dtype} {list(tensor.shape)}, must be {dtype} [tokens, {heads}, {width}]")
    # Of a dimension of size 1 torch's stride says nothing.
    found = tensor.stride(1) if heads > 1 else tensor.stride(0) if tensor.shape[0] > 1 else stride or width
    rows = tensor.shape[0] == 1 or tensor.stride(0) == heads * found
    if tensor.stride(2) != 1 or not rows or (stride is not None and found != stride):
        raise ValueError(f"{name}: has strides {tensor.stride()}; heads must be as far apart as in the other part")
    return found


class Call:
    """Something to enqueue. It keeps its tensors alive; `struct` may be changed between calls."""

    def __init__(self, bundle, enqueue, workspace, struct, tensors):
        import torch

        struct.size = ctypes.sizeof(struct)
        self.bundle, self.struct, self.tensors = bundle, struct, tensors
        self.enqueue = getattr(library(), enqueue)
        needed = ctypes.c_uint64()
        check(getattr(library(), workspace)(bundle.handle, struct, ctypes.byref(needed)))
        self.workspace = torch.empty(max(needed.value, 1), dtype=torch.uint8, device="cuda")
        struct.workspace = self.workspace.data_ptr()
        struct.workspace_bytes = needed.value

    def __call__(self):
        import torch

        self.struct.stream = torch.cuda.current_stream().cuda_stream
        check(self.enqueue(self.bundle.handle, self.struct))


class Bundle:
    """An open bundle, in torch's context of the current device."""

    def __init__(self, path):
        import torch

        torch.zeros(1, device="cuda")  # makes the context current
        self.handle = ctypes.c_void_p()
        check(library().mla_bundle_open(os.fsencode(path), ctypes.byref(self.handle)))
        self.info = library().mla_bundle_get_info(self.handle).contents
        if not self.info.device_memory:
            self.close()
            raise ValueError(f"{path}: is for the host; compile it with --target=h100")

    def close(self):
        """Waits for the device. Graphs that captured calls must not be replayed any more."""
        if self.handle:
            library().mla_bundle_close(self.handle)
        self.handle = ctypes.c_void_p()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def layers(self):
        return [self.info.layers[i] for i in range(self.info.num_layers)]

    def entries(self):
        found = [library().mla_bundle_get_entry(self.handle, i).contents for i in range(self.info.num_entries)]
        return [
            {name: getattr(entry, name) for name, _ in EntryInfo._fields_}
            | {name: getattr(entry, name).decode() for name in ("symbol", "q", "o")}
            for entry in found
        ]

    def _check_cache(self, pages, block_table, lengths, cu_seqlens):
        import torch

        info, batch = self.info, lengths.shape[0]
        _expect("pages", pages, torch.bfloat16, [None, info.page, info.kv_lora_rank + info.qk_rope_head_dim])
        _expect("block_table", block_table, torch.int32, [batch, None])
        _expect("lengths", lengths, torch.int32, [batch])
        _expect("cu_seqlens", cu_seqlens, torch.int32, [batch + 1])

    def layer(self, hidden, pages, block_table, lengths, cu_seqlens, out, *, max_queries, max_length=None, cached=0,
              layer=None, phase="auto"):
        """A whole layer: hidden and out are [tokens, hidden_size]. max_length defaults to the room in the table."""
        import torch

        self._check_cache(pages, block_table, lengths, cu_seqlens)
        _expect("hidden", hidden, torch.bfloat16, [None, self.info.hidden_size])
        _expect("out", out, torch.bfloat16, list(hidden.shape))
        struct = Step(
            layer=self.layers()[0] if layer is None else layer,
            phase=PHASES[phase],
            tokens=hidden.shape[0],
            batch=lengths.shape[0],
            max_queries=max_queries,
            max_length=max_length or block_table.shape[1] * self.info.page,
            cached=cached,
            num_pages=pages.shape[0],
            table_width=block_table.shape[1],
            hidden=_address(hidden),
            cu_seqlens=_address(cu_seqlens),
            pages=_address(pages),
            block_table=_address(block_table),
            lengths=_address(lengths),
            out=_address(out),
        )
        tensors = (hidden, pages, block_table, lengths, cu_seqlens, out)
        return Call(self, "mla_enqueue_layer", "mla_step_workspace", struct, tensors)

    def check_step(self, block_table, lengths, cu_seqlens, *, tokens, num_pages, max_queries, max_length):
        """Waits for the current stream, and raises an Error that names the first entry that breaks a bound."""
        import torch

        batch = lengths.shape[0]
        _expect("lengths", lengths, torch.int32, [batch])
        _expect("block_table", block_table, torch.int32, [batch, None])
        _expect("cu_seqlens", cu_seqlens, torch.int32, [batch + 1])
        step = Step(
            size=ctypes.sizeof(Step), layer=self.info.layers[0], tokens=tokens, batch=batch, max_queries=max_queries,
            max_length=max_length, num_pages=num_pages, table_width=block_table.shape[1],
            cu_seqlens=_address(cu_seqlens), block_table=_address(block_table), lengths=_address(lengths),
            stream=torch.cuda.current_stream().cuda_stream,
        )
        check(library().mla_step_check(self.handle, step))

    def latent_attention(self, q_latent, q_rope, pages, block_table, lengths, cu_seqlens, out, lse, *, max_queries,
                         max_length=None, cached=0, indices_settled=False, scale=0.0):
        """q_latent and q_rope: [tokens, heads, …], parts of one tensor or two with heads equally far apart."""
        import torch

        info, tokens = self.info, q_latent.shape[0]
        self._check_cache(pages, block_table, lengths, cu_seqlens)
        stride = _head_stride("q_latent", q_latent, torch.bfloat16, info.heads, info.kv_lora_rank,
                              info.kv_lora_rank + info.qk_rope_head_dim if info.heads == tokens == 1 else None)
        if info.qk_rope_head_dim:
            _head_stride("q_rope", q_rope, torch.bfloat16, info.heads, info.qk_rope_head_dim, stride)
        _expect("out", out, torch.bfloat16, [tokens, info.heads, info.kv_lora_rank])
        _expect("lse", lse, torch.float32, [tokens, info.heads])
        struct = LatentAttention(
            tokens=tokens,
            batch=lengths.shape[0],
            max_queries=max_queries,
            max_length=max_length or block_table.shape[1] * info.page,
            cached=cached,
            num_pages=pages.shape[0],
            table_width=block_table.shape[1],
            q_stride=stride,
            q_latent=_address(q_latent),
            q_rope=_address(q_rope) if info.qk_rope_head_dim else None,
            pages=_address(pages),
            block_table=_address(block_table),
            lengths=_address(lengths),
            cu_seqlens=_address(cu_seqlens),
            out=_address(out),
            lse=_address(lse),
            indices_settled=indices_settled,
            scale=scale,
        )
        tensors = (q_latent, q_rope, pages, block_table, lengths, cu_seqlens, out, lse)
        return Call(self, "mla_enqueue_latent_attention", "mla_latent_attention_workspace", struct, tensors)

    def naive_attention(self, q_nope, q_rope, k_nope, k_rope, v, cu_seqlens, cu_keys, out, *, max_queries, max_length,
                        scale=0.0):
        """Queries as in latent_attention; k_nope and v [keys, heads, …], k_rope [keys, …]."""
        import torch

        info, tokens, keys = self.info, q_nope.shape[0], k_nope.shape[0]
        stride = _head_stride("q_nope", q_nope, torch.bfloat16, info.heads, info.qk_nope_head_dim,
                              info.qk_nope_head_dim + info.qk_rope_head_dim if info.heads == tokens == 1 else None)
        if info.qk_rope_head_dim:
            _head_stride("q_rope", q_rope, torch.bfloat16, info.heads, info.qk_rope_head_dim, stride)
            _expect("k_rope", k_rope, torch.bfloat16, [keys, info.qk_rope_head_dim])
        _expect("k_nope", k_nope, torch.bfloat16, [keys, info.heads, info.qk_nope_head_dim])
        _expect("v", v, torch.bfloat16, [keys, info.heads, info.v_head_dim])
        _expect("cu_seqlens", cu_seqlens, torch.int32, [None])
        _expect("cu_keys", cu_keys, torch.int32, list(cu_seqlens.shape))
        _expect("out", out, torch.bfloat16, [tokens, info.heads, info.v_head_dim])
        struct = NaiveAttention(
            tokens=tokens,
            batch=cu_seqlens.shape[0] - 1,
            max_queries=max_queries,
            max_length=max_length,
            cached=keys,
            q_stride=stride,
            q_nope=_address(q_nope),
            q_rope=_address(q_rope) if info.qk_rope_head_dim else None,
            k_nope=_address(k_nope),
            k_rope=_address(k_rope) if info.qk_rope_head_dim else None,
            v=_address(v),
            cu_seqlens=_address(cu_seqlens),
            cu_keys=_address(cu_keys),
            out=_address(out),
            scale=scale,
        )
        tensors = (q_nope, q_rope, k_nope, k_rope, v, cu_seqlens, cu_keys, out)
        return Call(self, "mla_enqueue_naive_attention", "mla_naive_attention_workspace", struct, tensors)


def check_layouts():
    """Compares every struct with the header, as the C compiler lays it out."""
    structs = (BundleInfo, EntryInfo, Step, LatentAttention, NaiveAttention)
    lines = ["#include <mla/runtime.h>", "#include <stdio.h>", "#include <stddef.h>", "int main(void) {"]
    expected = []
    for struct in structs:
        lines.append(f'printf("%zu\\n", sizeof({struct.__name__}));')
        expected.append((struct.__name__, ctypes.sizeof(struct)))
        for field, kind in struct._fields_:
            lines.append(f'printf("%zu\\n", offsetof({struct.__name__}, {field}) * 1000 + '
                         f'sizeof((({struct.__name__} *)0)->{field}));')
            expected.append((f"{struct.__name__}.{field}", getattr(struct, field).offset * 1000 + ctypes.sizeof(kind)))
    lines.append("return 0; }")
    with tempfile.TemporaryDirectory() as directory:
        source = pathlib.Path(directory) / "layout.c"
        source.write_text("\n".join(lines))
        program = pathlib.Path(directory) / "layout"
        subprocess.run([os.environ.get("CC", "cc"), "-I", str(ROOT / "runtime" / "include"), str(source), "-o",
                        str(program)], check=True)
        found = subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout.split()
    wrong = [f"{name}: {want} here, {have} in C" for (name, want), have in zip(expected, found) if want != int(have)]
    print("\n".join(wrong) or f"{len(structs)} structs as in runtime.h")
    return bool(wrong)


if __name__ == "__main__":
    if sys.argv[1:] != ["--check"]:
        sys.exit(__doc__)
    sys.exit(check_layouts())
