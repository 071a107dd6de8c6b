//===- HelpText.h - What --help prints ------------------------ -*- C++ -*-===//
//
// Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MLA_RUN_HELPTEXT_H
#define MLA_RUN_HELPTEXT_H

namespace mla::run {

inline constexpr const char *helpText =
    R"(usage: mla-run BUNDLE --check=FILE [--tolerance=T] [--layer=K] [--adapter-of=A,...]
       mla-run BUNDLE --self-check [--weights=PATH] [--config=FILE] [--seed=N] [--batch=N] [--tokens=N] [--steps=N]
                                   [--tolerance=T] [--layer=K]
       mla-run BUNDLE --generate --prompt=IDS|@FILE [--prompt=...] [--max-new-tokens=N] [--max-sequences=N]
                                 [--temperature=T] [--top-k=N] [--top-p=P] [--seed=N] [--stop=ID,...] [--ignore-eos] [--json]
       mla-run BUNDLE --bench [--batch=N] [--context=N] [--steps=N] [--layer=K] [--json]
       mla-run BUNDLE --bench --phase=prefill [--tokens=N] [--batch=N] [--context=N] [--steps=N] [--layer=K] [--json]
       mla-run BUNDLE --profile[=TRACE.json], with the options of --bench
       mla-run BUNDLE --tune[=SIZES] [--phase=P] [--context=N] [--steps=N] [--layer=K]
       mla-run BUNDLE --info [--json]
       mla-run BUNDLE --certificate
       mla-run BUNDLE --rank=K --id=FILE [--timeout=SECONDS] and one of --check, --self-check, --generate and --bench
       mla-run BUNDLE --emulate and one of --check, --self-check, --generate, --bench, --profile, --tune and --info, as
                                above; with --counters all but the last three

Runs a bundle, the directory that mla-compile writes.

  --check=FILE      replay the steps of a golden file (safetensors) through the paged cache: prefill.hidden, then
                    decode.0.hidden, decode.1.hidden, ...; compare with prefill.out, decode.0.out, ...
                    Of a golden model: the logits golden.N.logits of its prompts, and the tokens golden.N.tokens
  --tolerance=T     largest relative L2 error allowed per tensor. Default: 1e-4 for f32, 2e-2 for bf16. With a packed cache
                    6e-2 for fp8_row and 8e-2 for fp8_tensor: a golden file does not have its rounding to e4m3, of up to
                    1/16 of a value. The reference of --self-check has it: 1e-3 for f32, 3e-2 for bf16. With products of
                    one term of e4m3 both allow 1e-1, and 1.2e-1 or 1.3e-1 where the cache is packed
  --layer=K         the layer to check (default: the bundle's first) or to measure (default: all in turn)
  --adapter-of=A,...  of a bundle with several adapters (mla-compile --unmerged): those of the sequences in turn, by name
                    or number, or none (default); also of --bench and --profile. --self-check gives the first sequence
                    none, and the others each
  --self-check      run a prefill of several prompts and decode steps on made-up hidden states, and compare with the layer
                    computed in float64 by plain loops: in naive form, with the checkpoint that the bundle was made of.
                    Where that is gone, with the bundle's own weights, which then are not checked themselves
  --weights=PATH    the checkpoint to compare with (a directory or file; default: the one that the bundle names)
  --config=FILE     its config.json (default: the one with --weights, or the one in the bundle)
  --seed=N          of hidden states and lengths, or of tokens chosen at random (default 1)
  --generate        continue prompts token by token; of a bundle of --scope=model. Prints the numbers of the new tokens, a
                    line per prompt; with --json also why each ended, and the seconds of the prompts and of the tokens
                    after their first
  --prompt=IDS      token numbers between commas; @FILE: those in a file
  --max-new-tokens=N  tokens to generate per prompt at most (default 16)
  --max-sequences=N  prompts that run at once (default: all); the others join when some have ended
  --temperature=T   choose tokens at random, with probabilities of logits divided by T (default 0: the likeliest). A choice
                    depends on the seed, the prompt's place on the command line and the token's in the text, and not on
                    what else runs
  --top-k=N         among the N likeliest tokens; --top-p=P: among the fewest whose probabilities sum to P. Default: all
  --stop=ID,...     tokens that end a text (default: eos_token_id of the model's config); --ignore-eos: none does
  --bench           measure the time of steps on a cache of random values; of a bundle for a GPU, of each kernel too, and
                    of a model there the time of whole decode steps
  --profile[=TRACE.json]  time each kernel of a step, and print a table by parts of the step: shares, and the bytes and
                    operations a second beside what the device reaches. Of a bundle for a CPU the times of its layers
                    and ends. TRACE.json gets the step for Perfetto (ui.perfetto.dev), a track per part
  --tune[=SIZES]    of a bundle for a GPU: measure the classes of kernels, of which each serves steps up to a size, and
                    write the best limits into the bundle, with the times; results stay the same. SIZES: tokens of the
                    steps, between commas; in decode one of as many sequences. Weights are not in L2. On the emulated
                    device instructions are counted instead of time
  --phase=P         decode (default): one token a sequence; or prefill
  --batch=N         sequences (default 1; of --self-check 3, or one more than there are adapters)
  --context=N       tokens cached a sequence before the step (default: 4096 for decode, 1024 for that of --tune, 0 for
                    prefill)
  --tokens=N        tokens of a prefill a sequence (default 1024); of --self-check those of the longest prompt
                    (default: 3 more than a page has)
  --steps=N         steps that are timed (default 20; 1 with --emulate); decode steps of --self-check (default 3)
  --json            the result as one JSON object
  --info            say what the bundle holds; needs no processor or GPU it was compiled for. With a GPU, the kernels'
                    registers too
  --certificate     say how every weight was checked against the checkpoint when it was made, and how far it was off
  --emulate         run a bundle of --target=h100 on a device that this processor emulates, without a GPU: slow, and
                    stricter than the chip. Undefined behavior of a kernel is an error
  --counters        print what each kernel executed on the emulated device
  --rank=K          of a bundle of several ranks (mla-compile --tp=N): run only rank K, as one process of several;
                    without it all ranks run as threads, on a GPU of their own or as shares of the processors. Rank 0
                    prints; --check and --self-check of all ranks also check that their results are equal bit by bit
  --id=FILE         where the processes meet: all name the same file, which need not exist
  --timeout=SECONDS how long to wait for other ranks at most (default 60)
  --help            this text
  --version         the release

A bundle of --target=h100 runs on the GPU; --bench then times at least 20 layers at a time, as the host enqueues them.
MLA_NUM_THREADS sets the number of threads (default: all processors the process may use).
MLA_LIBCUDA names the CUDA driver's library (default: libcuda.so.1). MLA_EMULATOR has settings of the emulated device,
such as policy=random:7,multiprocessors=8 (docs/emulator.md).
Exit status: 0 success; 1 failure, a tensor beyond the tolerance or a weight without certificate; 2 wrong usage.

Examples:
  mla-compile --weights=golden.safetensors -o layer0.mla && mla-run layer0.mla --check=golden.safetensors
  MLA_NUM_THREADS=8 mla-run layer0.mla --bench --batch=4 --context=8192 --json
  mla-run layer0.mla --bench --phase=prefill --tokens=2048
  mla-run layer0.mla --self-check --weights=DIR
  mla-run model.mla --profile=step.json --batch=8
  mla-run model.mla --generate --prompt=1,17,4 --prompt=@ids.txt --max-new-tokens=32
  mla-run h100.mla --emulate --counters --check=golden.safetensors
  mla-run ranks.mla --generate --prompt=1,17,4
  for k in 0 1; do mla-run ranks.mla --rank=$k --id=/dev/shm/run1 --generate --prompt=1,17,4 & done; wait
)";

} // namespace mla::run

#endif // MLA_RUN_HELPTEXT_H
