#!/usr/bin/env python3
"""Times CPU decode of a DeepSeek-V2-Lite layer, absorbed and naive, and the machine's ceilings in the same run.

Several layers run in turn, so that no processor cache holds a layer's weights between its runs. Rounds interleave ceilings
and both forms; every figure is the median over rounds. Prints JSON.

usage: cpu_decode.py [--build=BUILD] [--context=4096] [--layers=6] [--rounds=5] [--dtype=f32]
"""
import argparse, json, pathlib, platform, statistics, subprocess, tempfile

import needs


def run(*command):
    return subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True).stdout


def bench(bins, bundle, args, steps):
    out = json.loads(run(bins / "mla-run", bundle, "--bench", f"--context={args.context}", f"--steps={steps}", "--json"))
    return out["median_seconds"], out["bytes"]


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=root / "build")
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dtype", default="f32")
    args = parser.parse_args()
    bins, config = args.build / "bin", json.loads((root / "test/Models/configs/deepseek-v2-lite.json").read_text())
    for name in ("mla-compile", "mla-run", "cpu-ceilings"):
        needs.program(bins / name)
    rounds = []
    with tempfile.TemporaryDirectory() as scratch:
        bundles = {}
        for plan in ("absorb", "naive"):
            bundles[plan] = pathlib.Path(scratch) / plan
            run(bins / "mla-compile", f"--config={root / 'test/Models/configs/deepseek-v2-lite.json'}",
                f"--layers=0-{args.layers - 1}", f"--dtype={args.dtype}", f"--plan={plan}", "-o", bundles[plan])
        for _ in range(args.rounds):
            ceilings = json.loads(run(bins / "cpu-ceilings"))
            absorb, moved = bench(bins, bundles["absorb"], args, 10)
            naive, _ = bench(bins, bundles["naive"], args, 2)
            rounds.append({**ceilings, "absorb_s": absorb, "naive_s": naive, "bytes": moved})
    median = {key: statistics.median(r[key] for r in rounds) for key in rounds[0]}
    heads, latent = config["num_attention_heads"], config["kv_lora_rank"]
    rope, nope, v = config["qk_rope_head_dim"], config["qk_nope_head_dim"], config["v_head_dim"]
    naive_flops = 2 * args.context * heads * (latent * (nope + v) + nope + rope + v)
    print(json.dumps({
        "cpu": platform.processor() or platform.machine(), "dtype": args.dtype, "context": args.context,
        "layers": args.layers, **median,
        "absorb_GBps": median["bytes"] / median["absorb_s"] / 1e9,
        "absorb_of_read_ceiling": statistics.median(r["bytes"] / r["absorb_s"] / 1e9 / r["read_GBps"] for r in rounds),
        "naive_GFLOPs": naive_flops / median["naive_s"] / 1e9,
        "naive_of_fma_ceiling": statistics.median(naive_flops / r["naive_s"] / 1e9 / r["fma_GFLOPs"] for r in rounds),
        "naive_over_absorb": statistics.median(r["naive_s"] / r["absorb_s"] for r in rounds)}, indent=1))


if __name__ == "__main__":
    main()
