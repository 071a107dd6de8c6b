"""Several ranks from Python: test_ranks.py CPU_RANKS GPU_RANKS SCRATCH_DIR

The bundles are those of test/Emulator/Inputs/make_ranks.py, of two ranks."""
import ctypes
import os
import pathlib
import pickle
import sys
import threading
import unittest

import mla_mlir

CPU, GPU, SCRATCH = (pathlib.Path(argument) for argument in sys.argv[1:4])


def on_threads(work, arguments):
    """Return the results of work(argument), or what it raised, each on a thread."""
    results = [None] * len(arguments)

    def run(i):
        try:
            results[i] = work(arguments[i])
        except Exception as error:  # noqa: BLE001: of any kind
            results[i] = error

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(arguments))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def generate(comm, path=CPU):
    with mla_mlir.load(path, comm=comm) as bundle:
        return bundle.generate([[1, 2], [5]], max_new_tokens=4)


IN_PROGRESS = 7  # ncclInProgress
TOKENS = [[3, 4, 5, 6], [6, 7, 8, 9]]


class Ranks(unittest.TestCase):
    def test_threads(self):
        comms = mla_mlir.Comm.local(2)
        self.assertEqual([(comm.rank, comm.ranks) for comm in comms], [(0, 2), (1, 2)])
        self.assertEqual(on_threads(generate, comms), [TOKENS, TOKENS])
        for comm in comms:
            comm.close()

    def test_a_file(self):
        path = SCRATCH / "meeting"
        comms = on_threads(lambda rank: mla_mlir.Comm.open_file(path, 2, rank), [0, 1])
        self.assertEqual(on_threads(generate, comms), [TOKENS, TOKENS])

    def test_devices(self):
        id = mla_mlir.Comm.create_id()

        def run(rank):
            mla_mlir.use_device(rank)
            with mla_mlir.Comm.create(id, 2, rank) as comm:
                tokens = generate(comm, GPU)
                comm.wait()
                comm.check()
                return tokens

        self.assertEqual(on_threads(run, [0, 1]), [TOKENS, TOKENS])

    def test_communicators_of_the_caller(self):
        nccl = ctypes.CDLL(os.environ["MLA_LIBNCCL"])
        id = mla_mlir.runtime.CommId()
        self.assertEqual(nccl.ncclGetUniqueId(ctypes.byref(id)), 0)

        def run(rank):
            mla_mlir.use_device(rank)
            own, status = ctypes.c_void_p(), ctypes.c_int(IN_PROGRESS)
            self.assertIn(nccl.ncclCommInitRankConfig(ctypes.byref(own), 2, id, rank, None), (0, IN_PROGRESS))
            while status.value == IN_PROGRESS:
                nccl.ncclCommGetAsyncError(own, ctypes.byref(status))
            with mla_mlir.Comm.wrap_nccl(own.value) as comm:
                tokens = comm.rank, comm.ranks, generate(comm, GPU)
            # It is the caller's still.
            with mla_mlir.Comm.wrap_nccl(own.value) as comm:
                return *tokens, generate(comm, GPU)

        self.assertEqual(on_threads(run, [0, 1]), [(rank, 2, TOKENS, TOKENS) for rank in range(2)])

    def missing_device(self, timeout, abort_after=None):
        """Make a step on one rank that the other does not. Return its error."""
        id = mla_mlir.Comm.create_id()
        opened = threading.Barrier(2)

        def run(rank):
            mla_mlir.use_device(rank)
            comm = mla_mlir.Comm.create(id, 2, rank, timeout=timeout)
            bundle = mla_mlir.load(GPU, comm=comm)
            opened.wait()
            error = None
            if rank == 0 and abort_after:
                threading.Timer(abort_after, comm.abort).start()
            if rank == 0:
                with self.assertRaises(mla_mlir.Error) as caught:
                    bundle.generate([1], max_new_tokens=2)
                error = str(caught.exception)
                with self.assertRaisesRegex(mla_mlir.Error, "MLA_RANK_ERROR"):
                    comm.check()
            opened.wait()
            bundle.close()
            comm.close()
            return error

        error, none = on_threads(run, [0, 1])
        self.assertIsNone(none)
        return error

    def test_a_missing_device(self):
        error = self.missing_device(timeout=0.5)
        self.assertRegex(error, "MLA_RANK_ERROR: .*the work on the device did not end within 0.5 seconds")

    def test_abort_on_a_device(self):
        self.assertRegex(self.missing_device(timeout=60, abort_after=0.2), "MLA_RANK_ERROR: .*rank 0 called mla_comm_abort")

    def test_a_missing_rank(self):
        comms = mla_mlir.Comm.local(2, timeout=0.2)
        with self.assertRaisesRegex(mla_mlir.Error, "MLA_RANK_ERROR: .*rank 1 of 2 did not come to mla_all_reduce within 0.2 seconds"):
            generate(comms[0])
        with self.assertRaisesRegex(mla_mlir.Error, "MLA_RANK_ERROR"):
            comms[1].check()

    def test_abort(self):
        comms = mla_mlir.Comm.local(2)
        comms[1].abort()
        with self.assertRaisesRegex(mla_mlir.Error, "rank 1 of 2 called mla_comm_abort"):
            generate(comms[0])

    def test_bundles(self):
        info = mla_mlir.load(CPU / "rank1", inspect=True).info
        self.assertEqual((info.ranks, info.group_rank, info.first_head, info.token_ranks), (2, 1, 1, 1))
        with self.assertRaisesRegex(mla_mlir.Error, "is rank 1 of 2, which runs with a communicator only"):
            mla_mlir.load(CPU / "rank1")
        comm = mla_mlir.Comm.local(2)[0]
        bundle = mla_mlir.load(str(CPU).encode(), comm=comm)
        with self.assertRaisesRegex(mla_mlir.Error, "1 bundles use it; close them first"):
            mla_mlir.runtime.loaded().mla_comm_destroy(comm.handle)
        bundle.close()
        with self.assertRaisesRegex(mla_mlir.Error, "is for target h100, but the communicator is for ranks on a CPU"):
            mla_mlir.load(GPU, comm=comm)
        comm.close()
        comm.close()

    def test_arguments(self):
        for ranks in (0, 2000, "2"):
            with self.assertRaisesRegex(mla_mlir.ArgumentError, "ranks: is"):
                mla_mlir.Comm.local(ranks)
        with self.assertRaisesRegex(mla_mlir.ArgumentError, "id: must be the bytes of Comm.create_id"):
            mla_mlir.Comm.create(b"short", 2, 0)
        with self.assertRaisesRegex(mla_mlir.Error, "timeout_seconds is -1"):
            mla_mlir.Comm.local(2, timeout=-1)
        with self.assertRaisesRegex(mla_mlir.Error, "rank is 3; give 0 to 1"):
            mla_mlir.Comm.open_file(SCRATCH / "none", 2, 3)
        with self.assertRaisesRegex(mla_mlir.ArgumentError, "holds a NUL"):
            mla_mlir.Comm.open_file("a\0b", 2, 0)
        with self.assertRaisesRegex(mla_mlir.Error, "device is 7, but the driver shows 2 devices"):
            mla_mlir.use_device(7)
        with self.assertRaises(TypeError):
            pickle.dumps(mla_mlir.Comm.local(1)[0])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
