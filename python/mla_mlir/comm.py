# ===- comm.py - Communicators of several ranks --------------------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""Communicators, with which the bundles of several ranks run together. See comm.h.

    comm = Comm.from_torch()                      # in every process of torch.distributed
    bundle = mla_mlir.load("ranks.mla", comm=comm)
"""
import ctypes
import os
import tempfile

from . import runtime
from .errors import ArgumentError, integer, number
from .owner import Owner

_RANKS = (1, 1024)  # up to MLA_LIMIT Ranks of launch_abi.def


def _path(path):
    path = os.fsencode(path)
    if b"\0" in path:
        raise ArgumentError("path", f"is {path!r}, which holds a NUL")
    return path


def _options(timeout):
    return runtime.CommOptions(size=ctypes.sizeof(runtime.CommOptions), timeout_seconds=number("timeout", timeout))


class Comm(Owner):
    """The communicator of one rank. `rank` is its number, `ranks` how many there are. One thread at a time runs steps with
    it. Close it after the bundles that were loaded with it. A rank that fails, or does not come within `timeout` seconds,
    is an Error of status MLA_RANK_ERROR on all ranks, after which a communicator is of no more use."""

    def __init__(self, handle):
        self.handle = handle
        self.rank, self.ranks = runtime.loaded().mla_comm_rank(handle), runtime.loaded().mla_comm_ranks(handle)

    # --- on a CPU ---

    @classmethod
    def local(cls, ranks, timeout=60):
        """Return the communicators of ranks that are threads of this process, which divide its processors."""
        handles = (ctypes.c_void_p * integer("ranks", ranks, _RANKS))()
        runtime.loaded().mla_comm_create_local(ranks, _options(timeout), handles)
        return [cls(ctypes.c_void_p(handle)) for handle in handles]

    @classmethod
    def open_file(cls, path, ranks, rank, timeout=60):
        """Meet the processes of the other ranks on this machine in a file, which need not exist."""
        handle = ctypes.c_void_p()
        runtime.loaded().mla_comm_open_file(_path(path), ranks, rank, _options(timeout), ctypes.byref(handle))
        return cls(handle)

    # --- on GPUs ---

    @staticmethod
    def create_id():
        """Return the id of a new group of ranks, NCCL's, as bytes for the other ranks."""
        made = runtime.CommId()
        runtime.loaded().mla_comm_create_id(ctypes.byref(made))
        return bytes(made)

    @classmethod
    def create(cls, id, ranks, rank, timeout=60):
        """Meet the other ranks by NCCL, each on its thread's current device (use_device, or torch.cuda.set_device and any
        tensor there)."""
        if not isinstance(id, bytes) or len(id) != ctypes.sizeof(runtime.CommId):
            raise ArgumentError("id", "must be the bytes of Comm.create_id()")
        handle, copied = ctypes.c_void_p(), runtime.CommId.from_buffer_copy(id)
        runtime.loaded().mla_comm_create(ctypes.byref(copied), ranks, rank, _options(timeout), ctypes.byref(handle))
        return cls(handle)

    @classmethod
    def wrap_nccl(cls, address, timeout=60):
        """Use an ncclComm_t, by its address, of the library that MLA_LIBNCCL or the loader finds. It must outlive this."""
        handle = ctypes.c_void_p()
        runtime.loaded().mla_comm_wrap_nccl(address, _options(timeout), ctypes.byref(handle))
        return cls(handle)

    # --- from torch.distributed ---

    @classmethod
    def from_torch(cls, group=None, device=None, timeout=60):
        """Make a communicator of the ranks of a process group, by default all. device: "cuda", or "cpu" for ranks on one
        machine; by default that of the group's backend. torch's own communicator is not used: it is not public."""
        import torch.distributed as distributed

        if device is None:
            device = "cuda" if distributed.get_backend(group) == "nccl" else "cpu"
        if device not in ("cpu", "cuda"):
            raise ArgumentError("device", f"is {device!r}, must be 'cpu' or 'cuda'")
        rank, ranks = distributed.get_rank(group), distributed.get_world_size(group)
        told = [(cls.create_id() if device == "cuda" else _unused_path()) if rank == 0 else None]
        distributed.broadcast_object_list(told, group=group, src=distributed.get_global_rank(group, 0) if group else 0)
        make = cls.create if device == "cuda" else cls.open_file
        return make(told[0], ranks, rank, timeout)

    # --- both ---

    def wait(self, stream=None):
        """Wait for the work on a stream, as torch's synchronize does, but within the time limit."""
        runtime.loaded().mla_comm_wait(self.handle, stream)

    def check(self):
        """Raise an Error if a rank has failed."""
        runtime.loaded().mla_comm_check(self.handle)

    def abort(self):
        """End all waiting of all ranks with an Error. Any thread may call this."""
        runtime.loaded().mla_comm_abort(self.handle)

    def close(self):
        """Free the communicator; close the bundles loaded with it first."""
        if self.handle:
            runtime.loaded().mla_comm_destroy(self.handle)
        self.handle = ctypes.c_void_p()

    def __reduce__(self):
        raise TypeError("a communicator cannot be copied or pickled; make one in every rank")

    def __repr__(self):
        return f"<mla communicator: rank {self.rank} of {self.ranks}>"


def _unused_path():
    """Return a path that no file has, in memory if possible."""
    directory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir()
    return os.path.join(directory, f"mla-ranks-{os.getpid()}-{os.urandom(8).hex()}")


def use_device(index):
    """Make the primary context of a GPU current in this thread: bundles that it loads are then on that device."""
    runtime.loaded().mla_device_use(index)
