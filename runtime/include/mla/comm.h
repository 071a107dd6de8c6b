//===- comm.h - Communicators of several ranks --------------------*- C -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A bundle with info->ranks above 1 is a part of a model: its layers exchange
// data with those of the other ranks. Each rank opens its own bundle with its own
// communicator, and all ranks run the same steps in the same order. Hidden states
// and results are whole, and equal bit by bit, on every rank. Part of runtime.h,
// whose conventions hold here.
//
// If a rank fails, does not come within the time limit, or leaves, the calls of
// all others end with MLA_RANK_ERROR, which tells the rank. The communicator is
// then of no more use: results are undefined, every later call fails alike.
// Destroy it, and make new ones to go on.
//
//===----------------------------------------------------------------------===//

#ifndef MLA_COMM_H
#define MLA_COMM_H

#include "mla/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The end of one rank. One thread at a time may run steps with it. It does not work in a child of fork(). */
typedef struct mla_comm mla_comm;

typedef struct mla_comm_options {
  size_t size;            /* sizeof(mla_comm_options) */
  double timeout_seconds; /* how long to wait for other ranks at most; 0: 60 */
} mla_comm_options;

/*===-- CPU ----------------------------------------------------------------===*/

/* Creates the communicators of ranks that are threads of this process, comms[0] to comms[ranks - 1]. Options may be
 * NULL. The threads that run layers, mla_num_threads(), are divided among the ranks. */
MLA_API mla_status mla_comm_create_local(int64_t ranks, const mla_comm_options *options, mla_comm **comms);

/* Creates the communicator of a rank that is a process of its own on this machine. All ranks name the same file, which
 * need not exist: rank 0 makes it, of memory that all share, and removes it when all ranks have come. It should be on
 * a file system in memory, such as /dev/shm. Returns when all ranks have come, or MLA_RANK_ERROR if one does not within
 * the time limit. The ranks divide the processors, unless MLA_NUM_THREADS says how many threads each has. */
MLA_API mla_status mla_comm_open_file(const char *path, int64_t ranks, int64_t rank, const mla_comm_options *options,
                                      mla_comm **comm);

/*===-- GPU ----------------------------------------------------------------===*/

/* NCCL is loaded at run time: libnccl.so.2, or the library named by the variable MLA_LIBNCCL. MLA_NO_DEVICE without
 * it. NVLink multicast (NVLS) is off, unless the variable NCCL_NVLS_ENABLE is set. */

/* Names a new group of ranks: NCCL's id. */
typedef struct mla_comm_id {
  char bytes[128];
} mla_comm_id;

/* One rank calls this, and sends the id to all others: by MPI_Bcast, a file, or torch.distributed. */
MLA_API mla_status mla_comm_create_id(mla_comm_id *id);

/* Creates the communicator of a rank, on the thread's current CUDA context, else the primary context of device 0; each
 * rank has a device of its own. All ranks call this at the same time, as threads or processes, on any machines. Returns
 * when all have come, or MLA_RANK_ERROR if one does not within the time limit. */
MLA_API mla_status mla_comm_create(const mla_comm_id *id, int64_t ranks, int64_t rank, const mla_comm_options *options,
                                   mla_comm **comm);

/* Uses the caller's ncclComm_t, made in the current CUDA context by the library that MLA_LIBNCCL or the loader finds.
 * It must outlive the communicator, which does not destroy it; but if a rank fails, ncclCommAbort frees it, and the
 * caller must not use it any more. All ranks call this. */
MLA_API mla_status mla_comm_wrap_nccl(void *nccl_comm, const mla_comm_options *options, mla_comm **comm);

/* Waits for the work on a stream of the communicator's context, as cudaStreamSynchronize does, but within the time
 * limit: if a rank is missing or has failed, aborts the communicator, which ends its kernels, and returns
 * MLA_RANK_ERROR. For steps that the caller enqueued or captured; calls of this library that wait do this themselves.
 * Graphs that captured its collectives must then not be launched any more.
 * On a CPU, where nothing runs later, as mla_comm_check. */
MLA_API mla_status mla_comm_wait(mla_comm *comm, void *stream);

/*===-- All ----------------------------------------------------------------===*/

/* Return the number of ranks, and which one this is; 0 for NULL. */
MLA_API int64_t mla_comm_ranks(const mla_comm *comm);
MLA_API int64_t mla_comm_rank(const mla_comm *comm);

/* Returns MLA_OK, or MLA_RANK_ERROR if a rank has failed. Does not wait. */
MLA_API mla_status mla_comm_check(mla_comm *comm);

/* Ends all waiting of all ranks with MLA_RANK_ERROR, and the communicator with it; of a GPU for other ranks when their
 * time limit ends. For a rank that cannot go on. Any thread may call it while another runs a step. */
MLA_API mla_status mla_comm_abort(mla_comm *comm);

/* Frees a communicator; ranks that still wait for this one fail. Rejected while bundles opened with it are open. NULL
 * is allowed. */
MLA_API mla_status mla_comm_destroy(mla_comm *comm);

#ifdef __cplusplus
}
#endif

#endif /* MLA_COMM_H */
