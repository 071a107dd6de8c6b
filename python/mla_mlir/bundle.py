# ===- bundle.py - Bundles and their kernels -----------------------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""Open bundles, and steps on the caller's memory. See "Enqueueing" in runtime.h for the arrays."""
import contextlib
import ctypes
import os
import threading
import types
import weakref

from . import dlpack, runtime, streams
from .cache import Cache
from .dlpack import result_like, view
from .errors import ArgumentError, integer, is_integer, listing
from .generate import Generator
from .owner import Owner, end_all
from .runtime import BundleInfo, EntryInfo, LatentAttention, NaiveAttention, OpenOptions, Saturation, Step


def _text(value):
    return os.fsdecode(value) if isinstance(value, bytes) else value


def _description(info):
    """Convert mla_bundle_info to a plain object: strings, layers as a tuple, dtypes by name."""
    fields = {name: _text(getattr(info, name)) for name, _ in BundleInfo._fields_}
    fields["layers"] = tuple(info.layers[i] for i in range(info.num_layers))
    fields["stop_tokens"] = tuple(info.stop_tokens[i] for i in range(info.num_stop_tokens))
    fields["adapters"] = tuple(_text(info.adapters[i]) for i in range(info.num_adapters))
    fields["own_cache_rows"] = bool(info.own_cache_rows)
    fields["dtype"], fields["cache_dtype"] = runtime.DTYPES[info.dtype], runtime.DTYPES[info.cache_dtype]
    fields["device_memory"] = bool(info.device_memory)
    return types.SimpleNamespace(**fields)


class Call:
    """A checked step or attention, which can be enqueued any number of times. It keeps its tensors alive. Fields of
    `struct` may be changed between calls."""

    def __init__(self, bundle, function, struct, arrays):
        struct.size = ctypes.sizeof(struct)
        self.bundle, self.struct, self.arrays = bundle, struct, arrays
        self._enqueue = getattr(runtime.loaded(), f"mla_enqueue_{function}")
        self._workspace = getattr(runtime.loaded(), f"mla_{'step' if function == 'layer' else function}_workspace")

    def workspace_bytes(self):
        """Return the bytes that the call needs for the sizes in the struct."""
        needed = ctypes.c_uint64()
        self._workspace(self.bundle.handle, self.struct, ctypes.byref(needed))
        return needed.value

    def enqueue(self, stream=None, workspace=None):
        """Enqueue the call. workspace: (address, bytes), aligned to 256 bytes; None for the bundle's workspace of the
        stream. That one cannot grow while the stream is being captured: run a call of the same size on the stream before,
        or pass a workspace. A graph may use a captured workspace until the bundle is closed."""
        self.struct.stream = self.bundle.stream(stream)
        if workspace is not None:
            self._enqueue_with(workspace)
            return
        with self.bundle._lock:  # another thread's call may grow the workspace
            self._enqueue_with(self.bundle._own_workspace(self.workspace_bytes(), self.struct.stream or 0))

    def _enqueue_with(self, workspace):
        self.struct.workspace, self.struct.workspace_bytes = workspace
        self._enqueue(self.bundle.handle, self.struct)


class Bundle(Owner):
    """A loaded bundle. `info` has the fields of mla_bundle_info (runtime.h), `entries` the compiled forms.

    Methods take tensors of any library with DLPack, on the device of the bundle, and do not copy them. On a GPU they return
    when kernels are enqueued on `stream`: keep tensors alive and unchanged until the kernels have run.
    """

    def __init__(self, path, inspect=False, comm=None):
        self.handle, self._context, self.generators = ctypes.c_void_p(), None, weakref.WeakSet()
        self.comm = comm  # which must outlive the bundle
        lib = runtime.loaded()
        try:
            path = os.fsdecode(os.fspath(path))
        except TypeError:
            raise ArgumentError("path", f"is a {type(path).__name__}, must be the path of a bundle") from None
        if b"\0" in os.fsencode(path):
            raise ArgumentError("path", f"is {path!r}, which holds a NUL")
        if comm is not None and os.path.exists(os.path.join(path, "ranks.json")):
            path = os.path.join(path, f"rank{comm.rank}")
        if inspect:
            lib.mla_bundle_inspect(os.fsencode(path), ctypes.byref(self.handle))
        else:
            options = OpenOptions(size=ctypes.sizeof(OpenOptions), comm=comm.handle.value if comm is not None else None)
            lib.mla_bundle_open_with(os.fsencode(path), options, ctypes.byref(self.handle))
        self.info = _description(lib.mla_bundle_get_info(self.handle).contents)
        self.entries = tuple(self._entry(i) for i in range(self.info.num_entries))
        # By stream: (address, bytes, whether a graph has captured it); and the addresses that only graphs still use.
        self._workspaces, self._captured, self._lock = {}, [], threading.Lock()
        self.devices = ((dlpack.CPU, 0), (dlpack.CUDA_HOST, None))
        if self.info.device_memory:
            self._context = None if inspect else streams.Context()
            self.devices = ((dlpack.CUDA, self._context.index if self._context else 0), (dlpack.CUDA_MANAGED, None))

    def _entry(self, index):
        entry = runtime.loaded().mla_bundle_get_entry(self.handle, index).contents
        fields = {name: _text(getattr(entry, name)) for name, _ in EntryInfo._fields_}
        return types.SimpleNamespace(**{**fields, "phase": ("auto", "prefill", "decode")[entry.phase]})

    def close(self):
        """Wait for the device, end the bundle's generators and close it. Graphs that captured its calls must not be
        replayed. Caches stay valid."""
        end_all(self.generators)
        handle, self.handle = self.handle, ctypes.c_void_p()
        if not handle:
            return
        own = [address for address, *_ in self._workspaces.values()] + self._captured
        self._workspaces, self._captured = {}, []
        if own:
            with self._context:
                runtime.loaded().mla_device_synchronize()
            for address in own:
                runtime.loaded().mla_device_free(address)
        runtime.loaded().mla_bundle_close(handle)
        if self._context:
            self._context.release()

    def __deepcopy__(self, memo):
        return self  # immutable until close()

    def __reduce__(self):
        raise TypeError("a bundle cannot be pickled; load its path again")

    def stream(self, stream):
        """Return the handle of a stream of the bundle's device; 0 for the legacy default stream and for a CPU."""
        return streams.handle(stream, self.devices[0][1]) if self.info.device_memory else 0

    def __repr__(self):
        info = self.info
        return f"<mla bundle {info.path}: {info.model_type}, layers {list(info.layers)}, {info.target} {info.dtype}>"

    def context(self):
        """Return the bundle's CUDA context, to make it current with `with`; nothing for a CPU."""
        return self._context or contextlib.nullcontext()

    def cache(self, pages):
        """Create a paged cache."""
        return Cache(self, pages)

    # --- whole models ---

    def generate(self, prompts, max_new_tokens=16, *, max_sequences=None, **choice):
        """Continue prompts. prompts: a list of token numbers, or of such lists, of which max_sequences run at once (all by
        default); others join when some have ended. Return the new tokens, likewise: at most max_new_tokens, or up to one that
        ends a text. choice: temperature, top_k, top_p, seed and stop of Generator. A prompt's place in the list is its number
        for random choices. Requires a bundle of scope "model"."""
        listed = listing("prompts", prompts)
        single = bool(listed) and is_integer(listed[0])
        names = ["prompts"] if single else [f"prompts[{i}]" for i in range(len(listed))]
        fed = [listed] if single else [listing(name, prompt) for name, prompt in zip(names, listed)]
        count = integer("max_new_tokens", max_new_tokens, (1, 1 << 20))
        most = integer("max_sequences", len(fed) if max_sequences is None else max_sequences, (min(1, len(fed)), 1 << 20))
        if not fed:
            return []
        span = self.info.page * self.info.token_ranks
        needs = sorted((-(-(len(prompt) + count) // span) for prompt in fed), reverse=True)
        made = [[] for _ in fed]
        with self.cache(sum(needs[:most])) as cache, Generator(cache, min(most, len(fed)), **choice) as generator:
            for i, prompt in enumerate(fed):
                generator.add(i, prompt, count, names[i])
            for token in generator:
                made[token.sequence].append(token.token)
        return made[0] if single else made

    # --- steps on the caller's memory ---

    def step(self, hidden, pages, block_table, lengths, cu_seqlens, out=None, *, max_queries, max_length=None, cached=0,
             layer=None, phase="auto", adapters=None, stream=None):
        """Append tokens to the caller's pages and return the layer's result: `out`, or a new tensor like hidden.

        hidden, out   [tokens, hidden_size], of info.dtype
        pages         [num_pages, page, info.cache_row], of info.cache_dtype; the new tokens' rows are written. The bytes of a
                      packed cache may be uint8, int8 or float8_e4m3fn
        block_table   [batch, width] int32; lengths: [batch] int32, including new tokens; cu_seqlens: [batch + 1] int32
        max_queries   bound of the new tokens per sequence; max_length: bound of the lengths, by default the capacity of a
                      row of the block table
        layer         a number of info.layers, by default the first
        adapters      of a bundle with adapters: [batch] int32, the number of each sequence's in info.adapters, or -1 for none
        """
        out = result_like("hidden", hidden) if out is None else out
        call = self.step_call(hidden, pages, block_table, lengths, cu_seqlens, out, max_queries=max_queries,
                              max_length=max_length, cached=cached, layer=layer, phase=phase, adapters=adapters, stream=stream)
        call.enqueue(stream)
        return out

    def step_call(self, hidden, pages, block_table, lengths, cu_seqlens, out, *, max_queries, max_length=None, cached=0,
                  layer=None, phase="auto", adapters=None, stream=None):
        """Return the step as a Call. Pending work on the tensors runs before anything enqueued on `stream` afterwards."""
        look = self._looker(stream)
        hidden, out = look("hidden", hidden), look("out", out)
        hidden.expect_contiguous(self.info.dtype, [None, self.info.hidden_size * self.info.streams], self.devices)
        out.expect_contiguous(self.info.dtype, hidden.shape, self.devices, writable=True)
        runtime.expect_phase(phase)
        tables, sizes = self._tables(look, block_table, lengths, cu_seqlens, max_length)
        pages, num_pages = self._pages(look, pages, writable=True)
        struct = Step(layer=self.info.layers[0] if layer is None else layer, phase=runtime.PHASES[phase],
                      tokens=hidden.shape[0], max_queries=max_queries, cached=cached, num_pages=num_pages, **sizes)
        if adapters is not None:
            tables += (look("adapters", adapters).expect_contiguous("int32", [sizes["batch"]], self.devices),)
        return self._call("layer", struct, (hidden, out, pages, *tables))

    def check_step(self, block_table, lengths, cu_seqlens, *, tokens, num_pages, max_queries, max_length=None, cached=0,
                   stream=None):
        """Check the contents of a step's tables, after waiting for the stream. Raise an Error that names the first entry out
        of bounds. For debugging; on a CPU step() does this."""
        tables, sizes = self._tables(self._looker(stream), block_table, lengths, cu_seqlens, max_length)
        struct = Step(size=ctypes.sizeof(Step), layer=self.info.layers[0], tokens=tokens, num_pages=num_pages,
                      max_queries=max_queries, cached=cached, **sizes)
        for array in tables:
            setattr(struct, array.name, array.address)
        struct.stream = self.stream(stream)
        runtime.loaded().mla_step_check(self.handle, struct)

    def saturation(self, pages, block_table, lengths, cu_seqlens, *, tokens, max_queries, max_length=None, cached=0,
                   stream=None):
        """Count the tokens of a step, after it ran, of which a packed cache does not hold what was computed: an object with
        the fields of mla_saturation (runtime.h), of which `tokens` is 0 if there is none. For debugging: it waits for the
        stream."""
        look = self._looker(stream)
        tables, sizes = self._tables(look, block_table, lengths, cu_seqlens, max_length)
        pages, num_pages = self._pages(look, pages)
        struct = Step(size=ctypes.sizeof(Step), layer=self.info.layers[0], tokens=tokens, num_pages=num_pages,
                      max_queries=max_queries, cached=cached, **sizes)
        for array in (pages, *tables):
            setattr(struct, array.name, array.address)
        struct.stream = self.stream(stream)
        result = Saturation()
        runtime.loaded().mla_step_saturation(self.handle, struct, ctypes.byref(result))
        return result.plain()

    # --- the attention alone, on a GPU ---

    def latent_attention(self, *arrays, stream=None, **sizes):
        """Enqueue the attention of absorbed queries over the latent. Arguments are those of latent_attention_call."""
        self.latent_attention_call(*arrays, stream=stream, **sizes).enqueue(stream)

    def latent_attention_call(self, q_latent, q_rope, pages, block_table, lengths, cu_seqlens, out, lse, *, max_queries,
                              max_length=None, cached=0, indices_settled=False, scale=0.0, sinks=None, stream=None):
        """Return the attention as a Call. q_latent, q_rope: [tokens, heads, …], two tensors or parts of larger ones, each with
        heads equally far apart; q_rope is None if there is no rope. out: [tokens, heads, kv_lora_rank]; lse: [tokens, heads]
        float32, natural logarithms, without sinks. sinks: [heads] float32, for a bundle whose attention has them."""
        info, look = self.info, self._looker(stream)
        arrays, strides = self._queries(look, "q_latent", q_latent, info.kv_lora_rank, q_rope)
        tokens = arrays[0].shape[0]
        out, lse = look("out", out), look("lse", lse)
        out.expect_contiguous("bfloat16", [tokens, info.heads, info.kv_lora_rank], self.devices, writable=True)
        lse.expect_contiguous("float32", [tokens, info.heads], self.devices, writable=True)
        tables, sizes = self._tables(look, block_table, lengths, cu_seqlens, max_length)
        pages, num_pages = self._pages(look, pages)
        struct = LatentAttention(tokens=tokens, max_queries=max_queries, cached=cached, num_pages=num_pages,
                                 indices_settled=indices_settled, scale=scale, **strides, **sizes)
        return self._call("latent_attention", struct, (*arrays, pages, *tables, out, lse, *self._sinks(look, sinks)))

    def naive_attention(self, *arrays, stream=None, **sizes):
        """Enqueue the attention over keys and values. Arguments are those of naive_attention_call."""
        self.naive_attention_call(*arrays, stream=stream, **sizes).enqueue(stream)

    def naive_attention_call(self, q_nope, q_rope, k_nope, k_rope, v, cu_seqlens, cu_keys, out, *, max_queries, max_length,
                             scale=0.0, sinks=None, stream=None):
        """Return the attention as a Call. Queries and sinks are as in latent_attention_call; k_nope and v: [keys, heads, …]; k_rope:
        [keys, qk_rope_head_dim] or None."""
        info, look = self.info, self._looker(stream)
        queries, strides = self._queries(look, "q_nope", q_nope, info.qk_nope_head_dim, q_rope)
        k_nope, v, out = look("k_nope", k_nope), look("v", v), look("out", out)
        cu_seqlens, cu_keys = look("cu_seqlens", cu_seqlens), look("cu_keys", cu_keys)
        k_nope.expect_contiguous("bfloat16", [None, info.heads, info.qk_nope_head_dim], self.devices)
        keys = k_nope.shape[0]
        v.expect_contiguous("bfloat16", [keys, info.heads, info.v_head_dim], self.devices)
        arrays = [*queries, k_nope, v, out, cu_seqlens, cu_keys]
        if info.qk_rope_head_dim:
            k_rope = look("k_rope", k_rope)
            arrays.append(k_rope.expect_contiguous("bfloat16", [keys, info.qk_rope_head_dim], self.devices))
        out.expect_contiguous("bfloat16", [queries[0].shape[0], info.heads, info.v_head_dim], self.devices, writable=True)
        cu_seqlens.expect_contiguous("int32", [None], self.devices)
        cu_keys.expect_contiguous("int32", cu_seqlens.shape, self.devices)
        struct = NaiveAttention(tokens=queries[0].shape[0], batch=cu_seqlens.shape[0] - 1, max_queries=max_queries,
                                max_length=max_length, cached=keys, scale=scale, **strides)
        return self._call("naive_attention", struct, [*arrays, *self._sinks(look, sinks)])

    # --- shared by all calls ---

    def _looker(self, stream):
        number = streams.for_dlpack(self.stream(stream)) if self.info.device_memory else None
        return lambda name, value: view(name, value, number)

    def _sinks(self, look, sinks):
        return [] if sinks is None else [look("sinks", sinks).expect_contiguous("float32", [self.info.heads], self.devices)]

    def _call(self, function, struct, arrays):
        for array in arrays:
            setattr(struct, array.name, array.address)
        return Call(self, function, struct, arrays)

    def _tables(self, look, block_table, lengths, cu_seqlens, max_length):
        lengths = look("lengths", lengths).expect_contiguous("int32", [None], self.devices)
        batch = lengths.shape[0]
        table = look("block_table", block_table).expect_contiguous("int32", [batch, None], self.devices)
        cu_seqlens = look("cu_seqlens", cu_seqlens).expect_contiguous("int32", [batch + 1], self.devices)
        room = table.shape[1] * self.info.page
        sizes = {"batch": batch, "table_width": table.shape[1], "max_length": room if max_length is None else max_length}
        return (table, lengths, cu_seqlens), sizes

    def _pages(self, look, pages, writable=False):
        pages = look("pages", pages)
        pages.expect_contiguous(self.info.cache_dtype, [None, self.info.page, self.info.cache_row], self.devices, writable)
        return pages, pages.shape[0]

    def _queries(self, look, name, first, width, q_rope):
        """Return both parts of the queries, and the strides of their heads in elements."""
        heads, rope = self.info.heads, self.info.qk_rope_head_dim
        first = look(name, first).expect("bfloat16", [None, heads, width], self.devices)
        strides = {"q_stride": _head_stride(first)}
        if not rope:
            return [first], strides
        second = look("q_rope", q_rope).expect("bfloat16", [first.shape[0], heads, rope], self.devices)
        return [first, second], strides | {"q_rope_stride": _head_stride(second)}

    def _own_workspace(self, needed, stream):
        """Return memory on the bundle's device for calls on one stream. Growing it waits for the device. A workspace that a
        graph has captured is kept."""
        if not needed:
            return None, 0
        with self._context as context:
            capturing = context.is_capturing(stream)
            address, size, captured = self._workspaces.get(stream, (None, 0, False))
            if size < needed and capturing:
                raise ArgumentError("workspace", f"is not given, and the bundle's own of this stream has {size} of {needed} "
                                                 "bytes and cannot grow while the stream is being captured; run the call once "
                                                 "there before, or pass a workspace")
            if size < needed:
                self._let_go(stream)
                memory = ctypes.c_void_p()
                runtime.loaded().mla_device_malloc(needed, ctypes.byref(memory))
                address, size, captured = memory.value, needed, False
            self._workspaces[stream] = address, size, captured or capturing
            return address, size

    def _let_go(self, stream):
        """Free a stream's workspace, unless graphs use it. The context must be current."""
        address, _, captured = self._workspaces.pop(stream, (None, 0, False))
        if captured:
            self._captured.append(address)
        elif address:
            runtime.loaded().mla_device_synchronize()
            runtime.loaded().mla_device_free(address)


def _head_stride(array):
    """Return the elements between heads of [tokens, heads, width], which may be a slice of larger rows. Strides of
    dimensions of size 1 are ignored."""
    tokens, heads, width = array.shape
    found = array.strides[1] if heads > 1 else array.strides[0] if tokens > 1 else -(-width // 8) * 8
    if (array.shape[2] > 1 and array.strides[2] != 1) or (tokens > 1 and array.strides[0] != heads * found):
        array.fail(f"has strides {list(array.strides)}; elements of a head must be adjacent, and heads equally far apart")
    return found


def load(path, inspect=False, comm=None):
    """Open the bundle at `path`; with the Comm of a rank, that rank's, of all that are there. inspect: load no code, to inspect a bundle for another machine. A bundle for a CPU is native
    code: open only trusted bundles. A bundle for a GPU is loaded on torch's current device if torch is loaded and has
    used it, else on device 0."""
    return Bundle(path, inspect, comm)
