# ===- runtime.py - The runtime's C API ----------------------------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""runtime/include/mla/runtime.h and model.h through ctypes, struct for struct and function for function.

A test compares the layouts with the header's, as a C compiler lays them out.
"""
import ctypes
import threading
import types

from . import locate
from .errors import INT32, INT64, UINT64, ArgumentError, Error, integer

PHASES = {"auto": 0, "prefill": 1, "decode": 2}
LOGITS_LAST = 1  # of mla_logits
DTYPES = {0: "float32", 1: "bfloat16", 4: "uint8"}  # by mla_dtype; uint8: the bytes of a packed cache


def expect_phase(value):
    if not isinstance(value, str) or value not in PHASES:
        raise ArgumentError("phase", f"is {value!r}, must be one of {', '.join(PHASES)}")


_TYPES = {
    "text": ctypes.c_char_p,
    "enum": ctypes.c_int32,
    "i32": ctypes.c_int32,
    "i64": ctypes.c_int64,
    "u64": ctypes.c_uint64,
    "size": ctypes.c_size_t,
    "f64": ctypes.c_double,
    "pointer": ctypes.c_void_p,
    "i32s": ctypes.POINTER(ctypes.c_int32),
    "i64s": ctypes.POINTER(ctypes.c_int64),
    "texts": ctypes.POINTER(ctypes.c_char_p),
}
_BOUNDS = {"enum": INT32, "i32": INT32, "i64": INT64, "u64": UINT64, "size": UINT64, "pointer": UINT64}


class _Struct(ctypes.Structure):
    """A struct that checks integers when they are set; errors name the field."""

    def __setattr__(self, name, value):
        if name in self._bounds and not (value is None and name in self._pointers):
            value = integer(name, value, self._bounds[name])
        super().__setattr__(name, value)

    def plain(self):
        """Return an object with the same fields."""
        return types.SimpleNamespace(**{name: getattr(self, name) for name, _ in self._fields_})


def _struct(name, fields):
    """fields: 'type name name …; type name …', with the types above."""
    listed, bounds, pointers = [], {}, set()
    for part in fields.split(";"):
        kind, *names = part.split()
        listed += [(field, _TYPES[kind]) for field in names]
        bounds.update((field, _BOUNDS[kind]) for field in names if kind in _BOUNDS)
        pointers.update(names if kind == "pointer" else ())
    return type(name, (_Struct,), {"_bounds": bounds, "_pointers": pointers, "_fields_": listed})


BundleInfo = _struct(
    "mla_bundle_info",
    "text path producer target isa model_type cache_format plan; enum dtype cache_dtype; i64 page tensor_parallel rank"
    " hidden_size num_attention_heads heads q_lora_rank kv_lora_rank qk_nope_head_dim qk_rope_head_dim v_head_dim;"
    " f64 rms_norm_eps rope_theta; i64s layers; i64 num_layers num_entries; i32 device_memory; text device;"
    " f64 code_seconds weights_seconds; i64 num_kernels cache_row vocab_size; text products; f64 cache_scale; i32s stop_tokens;"
    " i64 num_stop_tokens max_context weights_bytes streams; texts adapters; i64 num_adapters; i32 own_cache_rows;"
    " i64 ranks group_rank first_head token_ranks",
)
OpenOptions = _struct("mla_open_options", "size size; pointer progress context comm")
CommOptions = _struct("mla_comm_options", "size size; f64 timeout_seconds")
CommId = type("mla_comm_id", (ctypes.Structure,), {"_fields_": [("bytes", ctypes.c_char * 128)]})
EntryInfo = _struct("mla_entry_info", "text symbol; enum phase; text q o; i64 first_tokens last_tokens first_context last_context weight_bytes")
Step = _struct(
    "mla_step",
    "size size; i64 layer; enum phase; i32 reserved; i64 tokens batch max_queries max_length cached num_pages"
    " table_width; pointer hidden cu_seqlens pages block_table lengths out workspace; u64 workspace_bytes;"
    " pointer stream adapters",
)
LatentAttention = _struct(
    "mla_latent_attention",
    "size size; i64 tokens batch max_queries max_length cached num_pages table_width q_stride; pointer q_latent q_rope"
    " pages block_table lengths cu_seqlens out lse workspace; u64 workspace_bytes; pointer stream; i64 indices_settled;"
    " f64 scale; pointer sinks; i64 q_rope_stride",
)
NaiveAttention = _struct(
    "mla_naive_attention",
    "size size; i64 tokens batch max_queries max_length cached q_stride; pointer q_nope q_rope k_nope k_rope v"
    " cu_seqlens cu_keys out workspace; u64 workspace_bytes; pointer stream; f64 scale; pointer sinks; i64 q_rope_stride",
)
Saturation = _struct("mla_saturation", "i64 tokens sequence position column; f64 value")
ModelStep = _struct(
    "mla_model_step",
    "size size; enum phase which; i64 tokens batch max_queries max_length cached num_pages table_width; pointer ids"
    " cu_seqlens pages block_table lengths logits next workspace; u64 workspace_bytes; pointer stream",
)
Sampling = _struct("mla_sampling", "size size; f64 temperature; i64 top_k; f64 top_p; u64 seed")
GeneratorOptions = _struct(
    "mla_generator_options", "size size; pointer cache; i64 max_sequences; pointer sampling stop; i64 num_stop")
Generated = _struct("mla_generated", "i64 sequence; i32 token; enum finish")
STRUCTS = (BundleInfo, EntryInfo, Step, LatentAttention, NaiveAttention, Saturation, ModelStep, Sampling, GeneratorOptions,
           Generated, OpenOptions, CommOptions, CommId)

_handle, _i32, _i64, _u64, _text = ctypes.c_void_p, ctypes.c_int32, ctypes.c_int64, ctypes.c_uint64, ctypes.c_char_p
_f32 = ctypes.c_float
_to = ctypes.POINTER

# name: (result, arguments); "status" is checked and raises.
_FUNCTIONS = {
    "mla_version": (_text,),
    "mla_num_threads": (_i32,),
    "mla_bundle_open_with": ("status", _text, _to(OpenOptions), _to(_handle)),
    "mla_bundle_inspect": ("status", _text, _to(_handle)),
    "mla_bundle_close": (None, _handle),
    "mla_bundle_get_info": (_to(BundleInfo), _handle),
    "mla_bundle_get_entry": (_to(EntryInfo), _handle, _i64),
    "mla_cache_create": ("status", _handle, _i64, _to(_handle)),
    "mla_cache_destroy": ("status", _handle),
    "mla_cache_num_pages": (_i64, _handle),
    "mla_cache_free_pages": (_i64, _handle),
    "mla_cache_pages": ("status", _handle, _i64, _to(_handle), _to(_i64), _to(_i32)),
    "mla_sequence_create": ("status", _handle, _to(_i64)),
    "mla_sequence_free": ("status", _handle, _i64),
    "mla_sequence_fork": ("status", _handle, _i64, _to(_i64)),
    "mla_sequence_truncate": ("status", _handle, _i64, _i64),
    "mla_sequence_set_adapter": ("status", _handle, _i64, _i32),
    "mla_sequence_length": ("status", _handle, _i64, _to(_i64)),
    "mla_sequence_pages": ("status", _handle, _i64, _to(_i32), _i64, _to(_i64)),
    "mla_batch_begin": ("status", _handle, _to(_i64), _to(_i32), _i64, _to(_handle)),
    "mla_batch_set_stream": ("status", _handle, _handle),
    "mla_batch_commit": ("status", _handle),
    "mla_batch_abort": ("status", _handle),
    "mla_batch_tokens": (_i64, _handle),
    "mla_batch_max_length": (_i64, _handle),
    "mla_run_layer": ("status", _handle, _i64, _handle, _i32, _handle, _handle),
    "mla_run_model": ("status", _handle, _handle, _i32, _to(_i32), _i32, _to(_f32)),
    "mla_model_workspace": ("status", _handle, _to(ModelStep), _to(_u64)),
    "mla_enqueue_model": ("status", _handle, _to(ModelStep)),
    "mla_model_graph_create": ("status", _handle, _to(ModelStep), _to(_handle)),
    "mla_graph_launch": ("status", _handle, _handle),
    "mla_graph_destroy": (None, _handle),
    "mla_sample": ("status", _to(Sampling), _to(_f32), _i64, _u64, _u64, _to(_i32)),
    "mla_generator_create": ("status", _handle, _to(GeneratorOptions), _to(_handle)),
    "mla_generator_add": ("status", _handle, _i64, _to(_i32), _i64, _i64),
    "mla_generator_step": ("status", _handle, _to(Generated), _i64, _to(_i64)),
    "mla_generator_destroy": (None, _handle),
    "mla_step_workspace": ("status", _handle, _to(Step), _to(_u64)),
    "mla_enqueue_layer": ("status", _handle, _to(Step)),
    "mla_step_check": ("status", _handle, _to(Step)),
    "mla_step_saturation": ("status", _handle, _to(Step), _to(Saturation)),
    "mla_batch_saturation": ("status", _handle, _i64, _handle, _to(Saturation)),
    "mla_latent_attention_workspace": ("status", _handle, _to(LatentAttention), _to(_u64)),
    "mla_enqueue_latent_attention": ("status", _handle, _to(LatentAttention)),
    "mla_naive_attention_workspace": ("status", _handle, _to(NaiveAttention), _to(_u64)),
    "mla_enqueue_naive_attention": ("status", _handle, _to(NaiveAttention)),
    "mla_comm_create_local": ("status", _i64, _to(CommOptions), _to(_handle)),
    "mla_comm_open_file": ("status", _text, _i64, _i64, _to(CommOptions), _to(_handle)),
    "mla_comm_create_id": ("status", _to(CommId)),
    "mla_comm_create": ("status", _to(CommId), _i64, _i64, _to(CommOptions), _to(_handle)),
    "mla_comm_wrap_nccl": ("status", _handle, _to(CommOptions), _to(_handle)),
    "mla_comm_wait": ("status", _handle, _handle),
    "mla_comm_ranks": (_i64, _handle),
    "mla_comm_rank": (_i64, _handle),
    "mla_comm_check": ("status", _handle),
    "mla_comm_abort": ("status", _handle),
    "mla_comm_destroy": ("status", _handle),
    "mla_device_use": ("status", _i32),
    "mla_device_malloc": ("status", _u64, _to(_handle)),
    "mla_device_free": ("status", _handle),
    "mla_device_copy_in": ("status", _handle, _handle, _u64),
    "mla_device_copy_out": ("status", _handle, _handle, _u64),
    "mla_device_synchronize": ("status",),
}


class _Integer:
    """An argument of the C integer type `kind`, checked against its bounds."""

    def __init__(self, kind, bounds):
        self.kind, self.bounds = kind, bounds

    def from_param(self, value):
        return self.kind(integer("argument", value, self.bounds))


_INTEGERS = {_i32: _Integer(_i32, INT32), _i64: _Integer(_i64, INT64), _u64: _Integer(_u64, UINT64)}


def _check(status, function, arguments):
    if status != 0:
        lib = loaded()
        raise Error(lib.mla_status_name(status).decode(), lib.mla_last_error().decode(errors="replace"))


def _open():
    path = locate.runtime_library()
    try:
        return ctypes.CDLL(path)
    except OSError as error:
        raise Error("MLA_IO_ERROR", f"{path}: cannot be loaded: {error}; set MLA_MLIR_PREFIX or MLA_RUNTIME_LIBRARY to "
                                    "another") from error


def _load():
    lib = _open()
    for name in ("mla_last_error", "mla_status_name", *_FUNCTIONS):
        if not hasattr(lib, name):
            raise Error("MLA_UNSUPPORTED", f"{lib._name}: has no {name}; give the library of this package's release")
    lib.mla_last_error.restype = lib.mla_status_name.restype = _text
    lib.mla_status_name.argtypes = [_i32]
    for name, (result, *arguments) in _FUNCTIONS.items():
        function = getattr(lib, name)
        function.argtypes = [_INTEGERS.get(argument, argument) for argument in arguments]
        function.restype = _i32 if result == "status" else result
        if result == "status":
            function.errcheck = _check
    return lib


_library, _lock = None, threading.Lock()


def loaded():
    """Return the runtime; load it at the first call. Its functions raise Error for a status other than MLA_OK."""
    global _library
    if _library is None:
        with _lock:
            _library = _library or _load()
    return _library
