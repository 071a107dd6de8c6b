# ===- cache.py - The runtime's paged cache ------------------------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""The caches, sequences and batches of runtime.h, for programs without a cache."""
import contextlib
import ctypes
import weakref

from . import runtime, streams
from .dlpack import result_like, view
from .errors import INT32, ArgumentError, Error, integer, listing
from .owner import Owner, end_all

_TYPES = {"float32": "<f4", "bfloat16": "<u2", "uint8": "|u1"}


class Pages:
    """A view of one layer's pages, [pages, page, info.cache_row], for numpy.asarray on a CPU and
    torch.as_tensor on a GPU. bfloat16 appears as uint16, the bytes of a packed cache as uint8. The arrays are valid until the cache is closed."""

    def __init__(self, cache, layer):
        data, dims, dtype = ctypes.c_void_p(), (ctypes.c_int64 * 3)(), ctypes.c_int32()
        runtime.loaded().mla_cache_pages(cache.handle, integer("layer", layer), ctypes.byref(data), dims, ctypes.byref(dtype))
        self._interface = {"shape": tuple(dims), "typestr": _TYPES[runtime.DTYPES[dtype.value]], "data": (data.value, False),
                           "version": 3}
        self.cache, self.address = cache, data.value  # the cache keeps the memory alive

    def __getattr__(self, name):
        interfaces = ("__array_interface__", "__cuda_array_interface__")
        if name not in interfaces or name != interfaces[self.cache.bundle.info.device_memory]:
            raise AttributeError(f"'Pages' has no attribute '{name}'")
        if not self.cache.handle:
            raise Error("MLA_INVALID_ARGUMENT", "pages: their cache is closed")
        return self._interface


class Sequence:
    """A sequence of a cache."""

    def __init__(self, cache, number):
        self.cache, self.number = cache, number

    def _call(self, function, *arguments):
        return getattr(runtime.loaded(), function)(self.cache.handle, self.number, *arguments)

    def __len__(self):
        length = ctypes.c_int64()
        self._call("mla_sequence_length", ctypes.byref(length))
        return length.value

    def pages(self):
        """Return the sequence's page numbers, in the order of its tokens; -1 for pages that other ranks hold."""
        count = ctypes.c_int64()
        self._call("mla_sequence_pages", None, 0, ctypes.byref(count))
        numbers = (ctypes.c_int32 * max(1, count.value))()
        self._call("mla_sequence_pages", numbers, count.value, ctypes.byref(count))
        return list(numbers[: count.value])

    def fork(self):
        """Create a sequence of the same tokens, which shares their pages."""
        copy = ctypes.c_int64()
        self._call("mla_sequence_fork", ctypes.byref(copy))
        return Sequence(self.cache, copy.value)

    def set_adapter(self, adapter):
        """Choose the adapter of the next tokens: a name of info.adapters, its number, or None for none. A copy has its
        original's. With info.own_cache_rows only a sequence without tokens may get another one."""
        known = self.cache.bundle.info.adapters
        if isinstance(adapter, str) and adapter not in known:
            raise ArgumentError("adapter", f"is '{adapter}', which the bundle does not have: {', '.join(known) or 'it has none'}")
        number = -1 if adapter is None else known.index(adapter) if isinstance(adapter, str) else adapter
        self._call("mla_sequence_set_adapter", integer("adapter", number, (-1, max(0, len(known) - 1))))

    def truncate(self, length):
        """Drop all but the first `length` tokens."""
        self._call("mla_sequence_truncate", integer("length", length))

    def free(self):
        """Free the sequence and release its pages."""
        self._call("mla_sequence_free")


def _refuse_to_copy(self, memo=None):
    """Reject copies, which would use or free what the original has freed."""
    raise TypeError(f"a {type(self).__name__} cannot be copied or pickled")


class Batch:
    """One step of some sequences, valid within the block of Cache.batch."""

    __copy__ = __deepcopy__ = __reduce__ = _refuse_to_copy

    def __init__(self, cache, handle, stream, count):
        self.cache, self.handle, self.stream, self.count = cache, handle, stream, count
        self.tokens = runtime.loaded().mla_batch_tokens(handle)
        self.max_length = runtime.loaded().mla_batch_max_length(handle)

    def run(self, hidden, out=None, *, layer=None, phase="auto"):
        """Run a layer. hidden and out: [tokens, hidden_size], in the order of the sequences. On a GPU it returns when the
        layer is enqueued. Return `out`, or a new tensor like hidden."""
        if not self.handle:
            raise Error("MLA_INVALID_ARGUMENT", "batch: its block has ended; begin another with Cache.batch")
        bundle = self.cache.bundle
        out = result_like("hidden", hidden) if out is None else out
        runtime.expect_phase(phase)
        number = streams.for_dlpack(self.stream) if bundle.info.device_memory else None
        shape = [self.tokens, bundle.info.hidden_size * bundle.info.streams]
        source = view("hidden", hidden, number).expect_contiguous(bundle.info.dtype, shape, bundle.devices)
        result = view("out", out, number).expect_contiguous(bundle.info.dtype, shape, bundle.devices, writable=True)
        layer = bundle.info.layers[0] if layer is None else integer("layer", layer)
        runtime.loaded().mla_run_layer(bundle.handle, layer, self.handle, runtime.PHASES[phase], source.address,
                                        result.address)
        return out

    def next_tokens(self, ids):
        """Run a whole model on token numbers, those of the first sequence first, and return the likeliest next token of
        every sequence, of equal ones the first."""
        if not self.handle:
            raise Error("MLA_INVALID_ARGUMENT", "batch: its block has ended; begin another with Cache.batch")
        ids = listing("ids", ids)
        if len(ids) != self.tokens:
            raise ArgumentError("ids", f"has {len(ids)} numbers for {self.tokens} tokens")
        bundle = self.cache.bundle
        if not bundle.info.vocab_size:
            raise ArgumentError("bundle", "is of layers, and takes no tokens; compile with scope=\"model\"")
        width = bundle.info.vocab_size
        numbers = (ctypes.c_int32 * self.tokens)(*(integer(f"ids[{i}]", number, INT32) for i, number in enumerate(ids)))
        logits = (ctypes.c_float * (self.count * width))()
        runtime.loaded().mla_run_model(bundle.handle, self.handle, runtime.PHASES["auto"], numbers, runtime.LOGITS_LAST, logits)
        if any(logit != logit for logit in logits):
            raise Error("MLA_INVALID_FILE", f"{bundle.info.path}: logits are NaN, so that no token is the likeliest")
        rows = (logits[i * width : (i + 1) * width] for i in range(self.count))
        return [row.index(max(row)) for row in rows]

    def saturation(self, *, layer=None):
        """Count the tokens, after run(), of which a packed cache does not hold what was computed, as Bundle.saturation."""
        if not self.handle:
            raise Error("MLA_INVALID_ARGUMENT", "batch: its block has ended; begin another with Cache.batch")
        bundle, result = self.cache.bundle, runtime.Saturation()
        layer = bundle.info.layers[0] if layer is None else integer("layer", layer)
        runtime.loaded().mla_batch_saturation(bundle.handle, layer, self.handle, ctypes.byref(result))
        return result.plain()


class Cache(Owner):
    """A pool of pages for all layers of a bundle. One page has page * info.cache_row elements of
    info.cache_dtype per layer."""

    __copy__ = __deepcopy__ = __reduce__ = _refuse_to_copy

    def __init__(self, bundle, pages):
        self.bundle, self.handle, self.generators = bundle, ctypes.c_void_p(), weakref.WeakSet()
        runtime.loaded().mla_cache_create(bundle.handle, integer("pages", pages), ctypes.byref(self.handle))

    def close(self):
        """End its generators, and free the cache and its sequences."""
        if self.handle:
            end_all(self.generators)
            runtime.loaded().mla_cache_destroy(self.handle)
        self.handle = ctypes.c_void_p()

    @property
    def num_pages(self):
        return runtime.loaded().mla_cache_num_pages(self.handle)

    @property
    def free_pages(self):
        return runtime.loaded().mla_cache_free_pages(self.handle)

    def pages(self, layer):
        """Return a view of a layer's pages."""
        return Pages(self, layer)

    def sequence(self, adapter=None):
        """Create an empty sequence. adapter: see Sequence.set_adapter."""
        number = ctypes.c_int64()
        runtime.loaded().mla_sequence_create(self.handle, ctypes.byref(number))
        sequence = Sequence(self, number.value)
        if adapter is not None:
            sequence.set_adapter(adapter)
        return sequence

    @contextlib.contextmanager
    def batch(self, sequences, tokens, stream=None):
        """Begin a step that appends tokens[i] new tokens to sequences[i], on `stream` (see Bundle.step). They are committed at
        the end of the block; after an exception nothing has changed. Raise MLA_OUT_OF_PAGES if pages are lacking: free or
        truncate sequences, or run fewer."""
        sequences, tokens = listing("sequences", sequences), listing("tokens", tokens)
        if len(sequences) != len(tokens):
            raise ArgumentError("tokens", f"has {len(tokens)} numbers for {len(sequences)} sequences")
        for i, sequence in enumerate(sequences):
            if not isinstance(sequence, Sequence):
                raise ArgumentError(f"sequences[{i}]", f"is a {type(sequence).__name__}, must be a sequence of this cache")
            if sequence.cache is not self:
                raise ArgumentError(f"sequences[{i}]", "is of another cache")
        lib, handle = runtime.loaded(), ctypes.c_void_p()
        numbers = (ctypes.c_int64 * len(sequences))(*(sequence.number for sequence in sequences))
        counts = (ctypes.c_int32 * len(tokens))(*(integer(f"tokens[{i}]", count, INT32) for i, count in enumerate(tokens)))
        lib.mla_batch_begin(self.handle, numbers, counts, len(counts), ctypes.byref(handle))
        batch = None
        try:
            number = self.bundle.stream(stream)
            if number:
                lib.mla_batch_set_stream(handle, number)
            batch = Batch(self, handle, number, len(sequences))
            yield batch
        except BaseException:
            lib.mla_batch_abort(handle)
            raise
        finally:
            if batch:
                batch.handle = None  # the runtime reuses the memory
        lib.mla_batch_commit(handle)
