#!/usr/bin/env python3
"""Compiles the bundles of the device check: python3 make_bundles.py MLA_COMPILE OUT [GOLDEN_DIR]

The attention cores are compiled from layers with few and small other weights, which are generated, so that all bundles together are small
enough to copy to a machine with a GPU. OUT/bundles.json lists them. Needs no GPU and no CUDA toolkit."""
import concurrent.futures, json, pathlib, subprocess, sys

HERE = pathlib.Path(__file__).parent

# name -> heads, (P, R, V, L), page, more flags
CORES = {f"core_h{h}": (h, (16, 64, 16, 512), 64, []) for h in (1, 5, 8, 10, 12, 16, 20, 32, 40, 64, 96, 128)}
CORES |= {f"core_page{p}": (16, (16, 64, 16, 512), p, []) for p in (16, 32, 128)}
CORES |= {f"core_fp8_row_h{h}": (h, (16, 64, 16, 512), 64, ["--cache-dtype=fp8_row"]) for h in (16, 32, 64, 128)}
CORES |= {
    "core_l256_r32": (40, (16, 32, 16, 256), 64, []),
    "core_l256_r64": (32, (16, 64, 16, 256), 64, []),
    "core_p256_r0": (16, (256, 0, 256, 512), 64, []),
    "core_invariant": (16, (16, 64, 16, 512), 64, ["--batch-invariant"]),
    "core_invariant_h128": (128, (16, 64, 16, 512), 64, ["--batch-invariant"]),
    "naive_h16": (16, (128, 64, 128, 64), 64, []),
    "naive_h128": (128, (128, 64, 128, 64), 64, []),
    "naive_p192": (5, (192, 64, 256, 64), 64, []),
    "naive_p64_r32": (10, (64, 32, 64, 64), 64, []),
    "naive_p256_r0": (5, (256, 0, 256, 64), 64, []),
    "naive_p64_r64": (12, (64, 64, 128, 64), 64, []),
}
# name -> --plan. If only one side is absorbed, keys or values are latents that all heads share; the others are up-projected.
PLANS = {p: p for p in ("auto", "absorb", "naive", "fold")}
PLANS |= {
    "qnaive": "prefill.q=naive,prefill.o=absorb,decode.q=naive,decode.o=fold",
    "onaive": "prefill.q=fold,prefill.o=naive,decode.q=absorb,decode.o=naive",
}


def cache_of(flags):
    return next((flag.split("=")[1] for flag in flags if flag.startswith("--cache-dtype=")), "bf16")


def mask_of(flags):
    """Return (whether the attention is causal, keys of its window or 0) of a core."""
    mask = next((flag.split("=", 1)[1] for flag in flags if flag.startswith("--core-mask=")), "causal")
    return mask != "none", int(mask.split("=")[1]) if "=" in mask else 0


def config(heads, dims):
    p, r, v, latent = dims
    return {
        "model_type": "deepseek_v3", "hidden_size": 64, "num_attention_heads": heads, "q_lora_rank": None, "kv_lora_rank": latent,
        "qk_nope_head_dim": p, "qk_rope_head_dim": r, "v_head_dim": v, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
        "max_position_embeddings": 131072, "num_hidden_layers": 1,
    }


def compile_bundle(compiler, out, arguments):
    subprocess.run([compiler, *arguments, "--target=h100", "-o", str(out)], check=True)
    return out.name


def make_long_prefill(golden, out):
    """Generate the weights and, separately, the expected results of a prefill with causal borders far from the sequence's end,
    replayed in float64."""
    weights = out / "long_prefill_weights.safetensors"
    edit = HERE.parent / "Models" / "Inputs" / "edit-golden.py"
    subprocess.run([sys.executable, edit, golden / "v3_plain.safetensors", weights, "long-prefill", "700"], check=True)
    replay = HERE.parents[1] / "benchmarks" / "replay.py"
    subprocess.run([sys.executable, replay, weights, "--tolerance=10", f"--write={out / 'long_prefill.safetensors'}"], check=True,
                   stdout=subprocess.DEVNULL)
    return weights


def plans_of(stem):
    return tuple(PLANS) if stem in ("v3_plain", "v3_yarn", "mistral4") else ("auto",)


def core_job(name, core, out):
    """Return (path of the bundle, arguments of mla-compile)."""
    heads, dims, page, flags = core
    path = out / f"{name}.json"
    path.write_text(json.dumps(config(heads, dims)))
    return out / name, [f"--config={path}", f"--page={page}", *flags]


def golden_job(weights, plan, out):
    return out / f"golden_{weights.stem}_{plan}", [f"--weights={weights}", f"--plan={PLANS[plan]}"]


def long_prefill_jobs(golden, out):
    weights = make_long_prefill(golden, out)
    plans = {"absorb": "prefill=absorb", "naive": "prefill=naive", "qnaive": PLANS["qnaive"], "onaive": PLANS["onaive"]}
    return [(out / f"golden_long_prefill_{name}", [f"--weights={weights}", f"--plan={plan}"]) for name, plan in plans.items()]


def main():
    compiler, out = sys.argv[1], pathlib.Path(sys.argv[2])
    golden = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else HERE.parent / "Models" / "golden"
    out.mkdir(parents=True, exist_ok=True)
    jobs = [core_job(name, core, out) for name, core in CORES.items()]
    for weights in sorted(path for path in golden.iterdir() if path.is_dir() or path.suffix == ".safetensors"):
        jobs += [golden_job(weights, plan, out) for plan in plans_of(weights.stem)]
    jobs += long_prefill_jobs(golden, out)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        done = list(pool.map(lambda job: compile_bundle(compiler, *job), jobs))
    cores = {name: {"heads": c[0], "dims": c[1], "page": c[2], "invariant": "--batch-invariant" in c[3], "cache": cache_of(c[3])}
             for name, c in CORES.items()}
    (out / "bundles.json").write_text(json.dumps({"cores": cores, "golden": [d for d in done if d.startswith("golden_")]}, indent=1))


if __name__ == "__main__":
    main()
