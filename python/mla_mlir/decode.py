# ===- decode.py - Decode steps of a model on a GPU -----------------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""Greedy decode steps of a whole model on a GPU, each a launch of one graph. Tokens stay on the device and are only read."""
import ctypes

from . import runtime
from .runtime import ModelStep


class DeviceIntegers:
    """An array of int32 in device memory."""

    def __init__(self, numbers):
        self.host, self.address = (ctypes.c_int32 * len(numbers))(*numbers), ctypes.c_void_p()
        runtime.loaded().mla_device_malloc(max(ctypes.sizeof(self.host), 1), ctypes.byref(self.address))
        self.send()

    def send(self):
        runtime.loaded().mla_device_copy_in(self.address, ctypes.addressof(self.host), ctypes.sizeof(self.host))

    def read(self):
        runtime.loaded().mla_device_copy_out(ctypes.addressof(self.host), self.address, ctypes.sizeof(self.host))
        return list(self.host)


class DecodeGraph:
    """The graph of a step that appends one token to each sequence of a cache, for up to `steps` steps. `tokens` are the first
    ones. Use it as a context."""

    def __init__(self, cache, sequences, tokens, steps):
        self.cache, self.sequences, self.memory, self.graph = cache, sequences, [], ctypes.c_void_p()
        self.tokens, self.steps = tokens, steps

    def __enter__(self):
        lib, bundle = runtime.loaded(), self.cache.bundle
        with bundle.context():
            lengths = [len(sequence) for sequence in self.sequences]
            self.reserved = self.cache.batch(self.sequences, [self.steps] * len(self.sequences))
            batch = self.reserved.__enter__()
            try:
                self._capture(lib, bundle, lengths, batch.max_length)
            except BaseException as error:
                self.__exit__(type(error), error, None)
                raise
        return self

    def _integers(self, numbers):
        array = DeviceIntegers(numbers)
        self.memory.append(array.address)
        return array

    def _capture(self, lib, bundle, lengths, most):
        rows = [sequence.pages() for sequence in self.sequences]
        width, count = max(map(len, rows)), len(rows)
        self.ids, self.lengths = self._integers(self.tokens), self._integers(lengths)
        table = self._integers([page for row in rows for page in row + [0] * (width - len(row))])
        bounds = self._integers(range(count + 1))
        pages = (ctypes.c_void_p * bundle.info.num_layers)(*(self.cache.pages(layer).address for layer in bundle.info.layers))
        step = ModelStep(size=ctypes.sizeof(ModelStep), which=runtime.LOGITS_LAST, tokens=count, batch=count, max_queries=1,
                         max_length=most, num_pages=self.cache.num_pages, table_width=width, ids=self.ids.address.value,
                         next=self.ids.address.value, cu_seqlens=bounds.address.value, lengths=self.lengths.address.value,
                         block_table=table.address.value, pages=ctypes.addressof(pages))
        needed, workspace = ctypes.c_uint64(), ctypes.c_void_p()
        lib.mla_model_workspace(bundle.handle, step, ctypes.byref(needed))
        lib.mla_device_malloc(needed.value, ctypes.byref(workspace))
        self.memory.append(workspace)
        step.workspace, step.workspace_bytes = workspace.value, needed.value
        lib.mla_model_graph_create(bundle.handle, step, ctypes.byref(self.graph))

    def step(self):
        """Append the current tokens, and return the next."""
        with self.cache.bundle.context():
            for i in range(len(self.sequences)):
                self.lengths.host[i] += 1
            self.lengths.send()
            runtime.loaded().mla_graph_launch(self.graph, None)
            return self.ids.read()

    def __exit__(self, kind, error, trace):
        lib = runtime.loaded()
        with self.cache.bundle.context():
            if kind:  # a launch may still be running
                lib.mla_device_synchronize()
            lib.mla_graph_destroy(self.graph)
            for address in self.memory:
                lib.mla_device_free(address)
        return self.reserved.__exit__(kind, error, trace)
