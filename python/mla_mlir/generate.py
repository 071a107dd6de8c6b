# ===- generate.py - Tokens of a whole model ------------------------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""mla_generator of model.h: sequences that join and end between steps."""
import ctypes
import typing

from . import runtime
from .errors import INT32, ArgumentError, Error, integer, listing, number
from .owner import Owner
from .runtime import Generated, GeneratorOptions, Sampling

FINISHES = (None, "stop", "length")  # by mla_finish


class Token(typing.NamedTuple):
    """A new token. finish: why the sequence ends with it, "stop" or "length"; None if it goes on."""

    sequence: int
    token: int
    finish: typing.Optional[str]


def tokens(name, values):
    """Convert to an array of int32."""
    listed = listing(name, values)
    return (ctypes.c_int32 * len(listed))(*(integer(f"{name}[{i}]", value, INT32) for i, value in enumerate(listed)))


class Generator(Owner):
    """Continues prompts, at most max_sequences at once, in a cache of its bundle. Others wait until sequences and pages are
    free. Use it as a context, within that of the cache.

    temperature   0: the likeliest token, of equal ones the first; else at random, with probabilities of logits divided by it
    top_k, top_p  among so many likeliest, and the fewest whose probabilities sum to this; 0: all
                  without a temperature they are errors
    seed          a choice depends on seed, the number of the sequence and the tokens before, not on what else runs
    stop          tokens that end a sequence; None: those of the model's config (info.stop_tokens); []: none
    """

    def __init__(self, cache, max_sequences, *, temperature=0.0, top_k=0, top_p=0.0, seed=1, stop=None):
        self.cache, self.handle = cache, ctypes.c_void_p()
        if not cache.bundle.info.vocab_size:
            raise ArgumentError("bundle", "is of layers, and takes no tokens; compile with scope=\"model\"")
        for name, given in (("top_k", top_k), ("top_p", top_p)):
            if given and not temperature:
                raise ArgumentError(name, "has no effect without a temperature; give temperature, too")
        sampling = Sampling(size=ctypes.sizeof(Sampling), temperature=number("temperature", temperature), top_k=top_k,
                            top_p=number("top_p", top_p), seed=seed)
        stops = tokens("stop", cache.bundle.info.stop_tokens if stop is None else stop)
        options = GeneratorOptions(size=ctypes.sizeof(GeneratorOptions), cache=cache.handle.value, max_sequences=max_sequences,
                                   sampling=ctypes.addressof(sampling), stop=ctypes.addressof(stops), num_stop=len(stops))
        runtime.loaded().mla_generator_create(cache.bundle.handle, options, ctypes.byref(self.handle))
        self._made, self._closed = (Generated * max_sequences)(), False
        cache.generators.add(self)
        cache.bundle.generators.add(self)

    def _open(self):
        """Return the handle. Closing the cache or the bundle ends a generator."""
        if not self.handle:
            what = "is closed" if self._closed else f"has no {'bundle' if self.cache.handle else 'cache'} any more"
            raise Error("MLA_INVALID_ARGUMENT", f"generator: {what}; make another one")
        return self.handle

    def add(self, sequence, prompt, max_new_tokens=16, name="prompt"):
        """Add a prompt, a list of token numbers. `sequence` is its number, in results and for the choice of its tokens.
        `name` begins messages about the prompt."""
        ids = tokens(name, prompt)
        if not len(ids):
            raise ArgumentError(name, "is empty; give at least one token")
        runtime.loaded().mla_generator_add(self._open(), integer("sequence", sequence), ids, len(ids), max_new_tokens)

    def step(self):
        """Run the waiting prompts that there is room for, or else a step of all running sequences. Return a Token of each
        sequence that ran; an empty list if nothing waits or runs."""
        count = ctypes.c_int64()
        runtime.loaded().mla_generator_step(self._open(), self._made, len(self._made), ctypes.byref(count))
        return [Token(made.sequence, made.token, FINISHES[made.finish]) for made in self._made[: count.value]]

    def __iter__(self):
        """Yield the tokens of all steps until nothing waits or runs."""
        while made := self.step():
            yield from made

    def end(self):
        """Free the generator, which its cache and its bundle must outlive: they call this before they are closed."""
        handle, self.handle = self.handle, ctypes.c_void_p()
        if self.cache.handle and self.cache.bundle.handle:
            runtime.loaded().mla_generator_destroy(handle)

    def close(self):
        self.end()
        self._closed = True
