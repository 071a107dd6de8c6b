"""Compares a profile with the work that the config says: check_profile.py CONFIG_FILE PROFILE.json TRACE.json PHASE BATCH TOKENS CONTEXT

CONFIG_FILE is a golden model, of DeepSeek-V3's layers. Products are counted from the formulas of the papers, and bytes of
the output side from its tensors; the trace must have the launches of the profile."""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[3] / "Models" / "Inputs"))
import safetensors_file  # noqa: E402

_, metadata = safetensors_file.read(sys.argv[1])
config = json.loads(metadata["config"])
profile, trace = (json.loads(pathlib.Path(path).read_text()) for path in sys.argv[2:4])
phase, (batch, tokens, context) = sys.argv[4], map(int, sys.argv[5:8])

D, Iq, L = config["hidden_size"], config["q_lora_rank"], config["kv_lora_rank"]
H, P, R, V = (config[key] for key in ("num_attention_heads", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim"))
layers, dense = config["num_hidden_layers"], config["first_k_dense_replace"]
chosen, width = config["num_experts_per_tok"] + config["n_shared_experts"], config["moe_intermediate_size"]
T, cached = batch * tokens, batch * (context + tokens)
pairs = batch * sum(context + i + 1 for i in range(tokens))
naive = phase == "prefill"
flops = {
    "query side": layers * 2 * T * (D * Iq + Iq * H * (P + R) + (0 if naive else H * P * L)),
    "attention": layers * 2 * H * (pairs * (P + R + V) + cached * (P + V) * L if naive else pairs * (2 * L + R)),
    "output side": layers * 2 * T * (H * V * D + (0 if naive else H * V * L)),
    "MLP": dense * 2 * T * 3 * D * config["intermediate_size"],
    "experts": (layers - dense) * 2 * T * (D * config["n_routed_experts"] + chosen * 3 * D * width),
    "rest": layers * 2 * T * D * (L + R) + 2 * batch * D * config["vocab_size"],
}
output = layers * 2 * (H * V * D + T * (H * V + D) + (0 if naive else H * V * L + T * H * (L + V)))

found = {part["part"]: part for part in profile["parts"]}
wrong = [f"{part}: {found.get(part, {}).get('flops')} flops, expected {want}" for part, want in flops.items()
         if part not in found or found[part]["flops"] != want]
if found["output side"]["bytes"] != output:
    wrong.append(f"output side: {found['output side']['bytes']} bytes, expected {output}")
if set(found) != set(flops) or profile["flops"] != sum(flops.values()):
    wrong.append(f"parts {sorted(found)}, {profile['flops']} flops in all")

events = [event for event in trace["traceEvents"] if event["ph"] == "X"]
tracks = {event["tid"]: event["args"]["name"] for event in trace["traceEvents"] if event["name"] == "thread_name"}
if sorted(tracks.values()) != sorted(flops) or any(tracks[event["tid"]] != event["cat"] for event in events):
    wrong.append(f"tracks {tracks}")
if len(events) != profile["launches"] or any(a["ts"] + a["dur"] != b["ts"] for a, b in zip(events, events[1:])):
    wrong.append(f"{len(events)} events, which are not one after the other")
for kernel in (kernel for part in profile["parts"] for kernel in part["kernels"]):
    if kernel["launches"] != sum(event["name"] == kernel["kernel"] and event["args"]["grid"] == " x ".join(map(str, kernel["grid"]))
                                 and event["cat"] == next(p["part"] for p in profile["parts"] if kernel in p["kernels"])
                                 for event in events):
        wrong.append(f"launches of {kernel['kernel']}")
print("\n".join(wrong) or "work as the config says")
sys.exit(bool(wrong))
