#!/usr/bin/env python3
"""Times the emulated device: python3 emulator_speed.py [--build DIR] [--json FILE]

Compiles the attention core of DeepSeek-V3 with 16 heads and small other weights for the H100, and runs its decode steps on one
host thread. Prints thread instructions per second of processor time, from the difference that two more steps make."""
import argparse, json, os, pathlib, resource, statistics, subprocess, tempfile

import provenance

CONFIG = {"model_type": "deepseek_v3", "hidden_size": 64, "num_attention_heads": 16, "q_lora_rank": None, "kv_lora_rank": 512,
          "qk_nope_head_dim": 16, "qk_rope_head_dim": 64, "v_head_dim": 16, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
          "max_position_embeddings": 131072, "num_hidden_layers": 1}
CASES = ((2, 300), (16, 300), (8, 4000))  # sequences, cached tokens


def run(command, policy):
    """Run a command. Return its output and its processor time in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    env = dict(os.environ, MLA_EMULATOR=f"policy={policy},threads=1")
    text = subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return text, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(tool, policy, batch, context):
    """Measure two steps: medians of five pairs of runs."""
    seconds = []
    for _ in range(5):
        took = []
        for steps in (1, 3):
            text, time = run([*tool, "--bench", f"--batch={batch}", f"--context={context}", f"--steps={steps}", "--counters", "--json"], policy)
            took.append((time, json.loads(text)))
        seconds.append(took[1][0] - took[0][0])
    counts = [{key: sum(kernel[key] for kernel in result["counters"]) for key in ("thread_instructions", "product_flops")} for _, result in took]
    added = {key: counts[1][key] - counts[0][key] for key in counts[0]}
    median = statistics.median(seconds)
    return {**added, "processor_seconds": round(median, 3), "step_seconds": round(took[1][1]["median_seconds"], 3),
            "instructions_a_second": round(added["thread_instructions"] / median)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=provenance.ROOT / "build")
    parser.add_argument("--json", type=pathlib.Path)
    provenance.add_option(parser)
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        (directory / "config.json").write_text(json.dumps(CONFIG))
        bundle = directory / "core.mla"
        subprocess.run([arguments.build / "bin" / "mla-compile", f"--config={directory / 'config.json'}", "--target=h100", "-o", bundle],
                       check=True, stderr=subprocess.DEVNULL)
        tool = [arguments.build / "bin" / "mla-run", bundle, "--emulate"]
        for policy in ("eager", "lazy", "random:1"):
            for batch, context in CASES:
                rows.append({"policy": policy, "batch": batch, "context": context, **measure(tool, policy, batch, context)})
                print(f"{policy:9} batch {batch:3} context {context:5}: {rows[-1]['thread_instructions'] / 1e6:7.1f} M thread instructions, "
                      f"{rows[-1]['processor_seconds']:6.2f} s, {rows[-1]['instructions_a_second'] / 1e6:6.1f} M per second", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps({**provenance.describe(arguments.commit), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
