#!/usr/bin/env python3
"""Times DeepSeek-V3's products of weights, W_UQ·W_UK (26 GFLOP) and W_UV·W_O (120 GFLOP), and OpenBLAS sgemm.

Both are computed as in mla-compile, in tiles and in the layouts of both targets: packed f32 for the CPU, rows of bf16 for the
H100. OpenBLAS (numpy's) multiplies the same factors in f32, head by head, on as many threads. Rounds interleave all; figures
are medians of rounds and of the ratios within a round. On a shared machine only the ratios by processor time on one thread
(--threads=1) are meaningful. `anonymous_MiB` is the anonymous memory after a round, with and without checks, less that before
the first product, when only the inputs and the code are in memory: tiles, probes and free memory of the allocator, not a
peak. Prints JSON.

`of_openblas` is OpenBLAS's time over that of mla-compile; `certificate_of_own` is the processor time of the checks over that of
a product without checks.

usage: prepare_products.py [--build=BUILD | --tool=PREPARE_PRODUCTS] [--rounds=5] [--heads=128] [--threads=N]
                           [--commit=COMMIT]                                     (needs numpy, with OpenBLAS)
"""
import argparse, json, os, pathlib, statistics, subprocess, tempfile, time

import needs
import provenance

HEADS, NOPE, RANK, Q_RANK, HIDDEN, VALUE = 128, 128, 512, 1536, 7168, 128
FUNCTIONS = {
    "q": ("""func.func @prepare.q(%k: tensor<{h}x{nope}x{l}xf32> {{mla.weight = "k"}}, %q: tensor<{h}x{nope}x{r}xf32> {{mla.weight = "q"}}) -> {result} {{
  %e = tensor.empty() : tensor<{h}x{l}x{nope}xf32>
  %t = linalg.transpose ins(%k : tensor<{h}x{nope}x{l}xf32>) outs(%e : tensor<{h}x{l}x{nope}xf32>) permutation = [0, 2, 1]
  %w = mla.compose %t, %q : (tensor<{h}x{l}x{nope}xf32>, tensor<{h}x{nope}x{r}xf32>) -> tensor<{h}x{l}x{r}xf32>
  {end}
}}""", """%c = tensor.collapse_shape %w [[0, 1], [2]] : tensor<{h}x{l}x{r}xf32> into tensor<{hl}x{r}xf32>
  %o = tensor.empty() : tensor<{hl32}x{r}x32xf32>
  %p = linalg.pack %c inner_dims_pos = [0] inner_tiles = [32] into %o : tensor<{hl}x{r}xf32> -> tensor<{hl32}x{r}x32xf32>
  return %p : tensor<{hl32}x{r}x32xf32>""", "tensor<{hl32}x{r}x32xf32>",
          """%b = arith.truncf %w : tensor<{h}x{l}x{r}xf32> to tensor<{h}x{l}x{r}xbf16>
  return %b : tensor<{h}x{l}x{r}xbf16>""", "tensor<{h}x{l}x{r}xbf16>"),
    "o": ("""func.func @prepare.o(%o: tensor<{d}x{h}x{v}xf32> {{mla.weight = "o"}}, %v: tensor<{h}x{v}x{l}xf32> {{mla.weight = "v"}}) -> {result} {{
  %e = tensor.empty() : tensor<{h}x{d}x{v}xf32>
  %t = linalg.transpose ins(%o : tensor<{d}x{h}x{v}xf32>) outs(%e : tensor<{h}x{d}x{v}xf32>) permutation = [1, 0, 2]
  %w = mla.compose %t, %v : (tensor<{h}x{d}x{v}xf32>, tensor<{h}x{v}x{l}xf32>) -> tensor<{h}x{d}x{l}xf32>
  %f = tensor.empty() : tensor<{d}x{h}x{l}xf32>
  %s = linalg.transpose ins(%w : tensor<{h}x{d}x{l}xf32>) outs(%f : tensor<{d}x{h}x{l}xf32>) permutation = [1, 0, 2]
  {end}
}}""", """%c = tensor.collapse_shape %s [[0], [1, 2]] : tensor<{d}x{h}x{l}xf32> into tensor<{d}x{hl}xf32>
  %n = tensor.empty() : tensor<{d32}x{hl}x32xf32>
  %p = linalg.pack %c inner_dims_pos = [0] inner_tiles = [32] into %n : tensor<{d}x{hl}xf32> -> tensor<{d32}x{hl}x32xf32>
  return %p : tensor<{d32}x{hl}x32xf32>""", "tensor<{d32}x{hl}x32xf32>",
          """%b = arith.truncf %s : tensor<{d}x{h}x{l}xf32> to tensor<{d}x{h}x{l}xbf16>
  return %b : tensor<{d}x{h}x{l}xbf16>""", "tensor<{d}x{h}x{l}xbf16>"),
}


def module(product, layout, heads):
    sizes = dict(h=heads, nope=NOPE, l=RANK, r=Q_RANK, d=HIDDEN, v=VALUE, hl=heads * RANK, hl32=heads * RANK // 32,
                 d32=HIDDEN // 32)
    body, panels, panels_type, rows, rows_type = FUNCTIONS[product]
    end, result = (panels, panels_type) if layout == "panels" else (rows, rows_type)
    return body.format(end=end.format(**sizes), result=result.format(**sizes), **sizes)


class Ours:
    def __init__(self, tool, product, layout, heads, scratch):
        path = pathlib.Path(scratch) / f"{product}-{layout}.mlir"
        path.write_text(module(product, layout, heads))
        self.process = subprocess.Popen([str(tool), str(path), product], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def run(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def openblas(product, heads):
    import numpy
    random = numpy.random.default_rng(0)
    n, k, m = (RANK, NOPE, Q_RANK) if product == "q" else (HIDDEN, VALUE, RANK)
    # Reuse one head's memory for all results, to measure sgemm without page faults.
    a, b = (random.random(shape, numpy.float32) - 0.5 for shape in ((heads, n, k), (heads, k, m)))
    out = numpy.empty((n, m), numpy.float32)
    start, cpu = time.perf_counter(), time.process_time()
    for head in range(heads):
        numpy.matmul(a[head], b[head], out=out)
    return time.perf_counter() - start, time.process_time() - cpu, 2 * heads * n * k * m


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=provenance.ROOT / "build")
    parser.add_argument("--tool", type=pathlib.Path, help="prepare-products, if not in BUILD/bin")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--heads", type=int, default=HEADS)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    provenance.add_option(parser)
    args = parser.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MLA_NUM_THREADS"] = str(args.threads)
    numpy = needs.module("numpy")
    tool, results = needs.program(args.tool or args.build / "bin/prepare-products"), {}
    with tempfile.TemporaryDirectory() as scratch:
        for product in ("q", "o"):
            for layout in ("panels", "rows"):
                ours, rounds = Ours(tool, product, layout, args.heads, scratch), []
                for _ in range(args.rounds):
                    blas, cpu, flops = openblas(product, args.heads)
                    rounds.append({**ours.run(), "openblas_seconds": blas, "openblas_cpu_seconds": cpu})
                ours.close()
                median = {key: statistics.median(r[key] for r in rounds) for key in rounds[0]}
                ratio = lambda ours, blas: statistics.median(r[blas] / r[ours] for r in rounds)
                results[f"{product} {layout}"] = {
                    "GFLOP": flops / 1e9, **median, "GFLOPs": flops / median["seconds"] / 1e9,
                    "openblas_GFLOPs": flops / median["openblas_seconds"] / 1e9,
                    "of_openblas": ratio("seconds", "openblas_seconds"),
                    "of_openblas_by_cpu_time": ratio("cpu_seconds", "openblas_cpu_seconds"),
                    "certified_of_openblas_by_cpu_time": ratio("certified_cpu_seconds", "openblas_cpu_seconds"),
                    "certificate_of_own": statistics.median(r["certified_cpu_seconds"] / r["cpu_seconds"] - 1
                                                            for r in rounds)}
    print(json.dumps({**provenance.describe(args.commit), "threads": args.threads, "heads": args.heads,
                      "rounds": args.rounds, "numpy": numpy.__version__, **results}, indent=1))


if __name__ == "__main__":
    main()
