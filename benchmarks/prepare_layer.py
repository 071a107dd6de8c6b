#!/usr/bin/env python3
"""Times compiling one attention layer of DeepSeek-V3, from a checkpoint in its real format to a bundle.

Writes a random checkpoint of the layer in the sizes and format of the released model (weights in F8_E4M3 with an f32 scale per
128 x 128 block, norms in bf16, config.json) to a temporary directory, runs mla-compile on it, and prints JSON. A case is
TARGET:PLAN. For each: wall and processor seconds of the whole command (including ptxas, if installed), bytes of the checkpoint
and of the bundle, and the peak memory without mapped files, sampled as RssAnon + RssShmem in /proc/PID/status. It includes
neither the checkpoint, which is mapped (RssFile), nor the bundle, which is written with pwrite. On a shared machine wall
times mean little.

usage: prepare_layer.py [--build=BUILD | --tool=MLA_COMPILE] [--threads=N] [--case=h100:fold …] [--scratch=DIR]
                        [--commit=COMMIT]                                                       (needs numpy)
"""
import argparse, json, os, pathlib, shutil, struct, subprocess, sys, tempfile, time

import needs
import provenance

CONFIG = provenance.ROOT / "test/Models/configs/deepseek-v3.json"
CASES = ("h100:absorb", "h100:fold", "cpu:absorb", "cpu:fold")
PIECE = 1 << 24


def tensors_of(config):
    """Return names, dtypes and shapes of model.layers.0.self_attn, in file order."""
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    q_rank, rank, rope = config["q_lora_rank"], config["kv_lora_rank"], config["qk_rope_head_dim"]
    nope, value = config["qk_nope_head_dim"], config["v_head_dim"]
    rows, columns = config["quantization_config"]["weight_block_size"]
    weights = {"q_a_proj": (q_rank, hidden), "q_b_proj": (heads * (nope + rope), q_rank),
               "kv_a_proj_with_mqa": (rank + rope, hidden), "kv_b_proj": (heads * (nope + value), rank),
               "o_proj": (hidden, heads * value)}
    for name, (n, k) in weights.items():
        yield f"{name}.weight", "F8_E4M3", (n, k)
        yield f"{name}.weight_scale_inv", "F32", (-(-n // rows), -(-k // columns))
    yield "q_a_layernorm.weight", "BF16", (q_rank,)
    yield "kv_a_layernorm.weight", "BF16", (rank,)


def quantiles_of_e4m3():
    """Return 2^16 bit patterns of e4m3, normally distributed, with 448 at four standard deviations."""
    import numpy, statistics
    normal = statistics.NormalDist(sigma=448 / 4)
    numbers = numpy.array([normal.inv_cdf((i + 0.5) / (1 << 16)) for i in range(1 << 16)])
    values = numpy.array([(8 + bits % 8) * 2.0 ** (bits // 8 - 10) if bits >= 8 else bits * 2.0 ** -9
                          for bits in range(127)])
    middles = (values[1:] + values[:-1]) / 2
    return (numpy.searchsorted(middles, abs(numbers)) | (numbers < 0) * 128).astype(numpy.uint8)


def pieces_of(dtype, count, random, quantiles):
    """Yield the elements of a tensor in pieces that fit in memory."""
    import numpy
    for begin in range(0, count, PIECE):
        size = min(PIECE, count - begin)
        if dtype == "F8_E4M3":
            yield quantiles[random.integers(0, 1 << 16, size, numpy.uint16)]
        elif dtype == "F32":  # scales for a standard deviation of 0.02
            yield (0.02 * 4 / 448 * random.uniform(0.7, 1.4, size)).astype(numpy.float32)
        else:
            yield (random.uniform(0.5, 2, size).astype(numpy.float32).view(numpy.uint32) >> 16).astype(numpy.uint16)


def write_checkpoint(directory):
    import numpy
    config = json.loads(CONFIG.read_text())
    shutil.copy(CONFIG, directory / "config.json")
    random, quantiles = numpy.random.default_rng(0), quantiles_of_e4m3()
    bytes_of = {"F8_E4M3": 1, "BF16": 2, "F32": 4}
    header, end, counts = {}, 0, []
    for name, dtype, shape in tensors_of(config):
        counts.append((dtype, int(numpy.prod(shape))))
        begin, end = end, end + bytes_of[dtype] * counts[-1][1]
        header[f"model.layers.0.self_attn.{name}"] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(directory / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for dtype, count in counts:
            for piece in pieces_of(dtype, count, random, quantiles):
                file.write(piece.tobytes())


def bytes_of_tree(directory):
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def memory_of(pid):
    """Return the memory fields of /proc/PID/status in KiB; empty if the process has ended."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("Rss", "VmHWM"))}


def run(command, threads):
    """Run a command. Return its wall and processor seconds and its sampled peak memory."""
    start, peak, resident = time.perf_counter(), 0, 0
    process = subprocess.Popen(command, env={**os.environ, "MLA_NUM_THREADS": str(threads)})
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        memory = memory_of(process.pid)
        peak = max(peak, memory.get("RssAnon", 0) + memory.get("RssShmem", 0))
        resident = max(resident, memory.get("VmHWM", 0))
        time.sleep(0.005)
    if status:
        sys.exit(f"{' '.join(command)}: ended with status {os.waitstatus_to_exitcode(status)}")
    return {"wall_seconds": time.perf_counter() - start, "processor_seconds": usage.ru_utime + usage.ru_stime,
            "peak_beyond_files_MiB": peak / 1024, "peak_resident_MiB": resident / 1024}


def prepare(tool, checkpoint, case, scratch, threads):
    target, plan = case.split(":")
    bundle = scratch / case.replace(":", "_")
    command = [str(tool), f"--weights={checkpoint}", f"--target={target}", f"--plan={plan}", "-o", str(bundle)]
    result = {**run(command, threads), "read_bytes": bytes_of_tree(checkpoint), "written_bytes": bytes_of_tree(bundle)}
    shutil.rmtree(bundle)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=provenance.ROOT / "build")
    parser.add_argument("--tool", type=pathlib.Path, help="mla-compile, if not in BUILD/bin")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--case", action="append", help=f"TARGET:PLAN, repeatable; default {' '.join(CASES)}")
    parser.add_argument("--scratch", help="directory for 0.2 GB of checkpoint and up to 3 GB of bundle")
    provenance.add_option(parser)
    args = parser.parse_args()
    tool = needs.program(args.tool or args.build / "bin/mla-compile")
    needs.module("numpy")
    result = {**provenance.describe(args.commit), "threads": args.threads}
    with tempfile.TemporaryDirectory(dir=args.scratch) as scratch:
        checkpoint = pathlib.Path(scratch) / "checkpoint"
        checkpoint.mkdir()
        write_checkpoint(checkpoint)
        for case in args.case or CASES:
            result[case] = prepare(tool, checkpoint, case, pathlib.Path(scratch), args.threads)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
