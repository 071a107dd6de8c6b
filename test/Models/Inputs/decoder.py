#!/usr/bin/env python3
"""Computes a golden model in float64, and writes what goes into its layers and comes out of them.

It is a reference independent of the compiler: attention is that of benchmarks/replay.py, and norms, residuals, MLPs and
routers are below, from the formulas of transformers 5.17. It is trusted because its logits agree with the file's.

    decoder.py MODEL.safetensors               compares the logits of all prompts
    decoder.py MODEL.safetensors --layer=K --write=OUT.safetensors
                                               writes a golden file of layer K as mla-run --check reads it
    decoder.py MODEL.safetensors --golden=OUT.safetensors
                                               writes the likeliest tokens after the prompts, and logits, of other weights
                                               than those of the file's
"""
import argparse
import json
import math
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "benchmarks"))
import replay  # noqa: E402

replay.DECODERS["I32"] = lambda raw: raw.view(np.int32)


def silu(x):
    return x / (1 + np.exp(-x))


def largest(scores, count):
    """Return the indices of the largest scores, of equal ones the first."""
    return np.argsort(-scores, kind="stable")[:count]


class Router:
    """DeepseekV2Moe.route_tokens_to_experts, DeepseekV3MoE.route_tokens_to_experts; Glm4MoeLite's is the latter.
    LongcatFlashTopkRouter has the scores of the first and the correction of the second, no groups, and no norm;
    Mistral4TopkRouter the scores of the first, and groups and norm of the second."""

    def __init__(self, config, gate, correction):
        self.config, self.gate, self.correction = config, gate, correction
        self.model = config["model_type"]

    def scores(self, x):
        logits = self.gate @ x
        if self.model in ("deepseek_v2", "longcat_flash", "mistral4"):
            powers = np.exp(logits - logits.max())
            return powers / powers.sum()
        return 1 / (1 + np.exp(-logits))

    def allowed(self, corrected):
        """Return the corrected scores, -inf for experts of other groups than the best."""
        groups = self.config.get("n_group", 1)
        if groups == 1 or (self.model == "deepseek_v2" and self.config.get("topk_method") == "greedy"):
            return corrected
        parts = corrected.reshape(groups, -1)
        best = parts.max(axis=1) if self.model == "deepseek_v2" else np.sort(parts, axis=1)[:, -2:].sum(axis=1)
        kept = np.full_like(parts, -np.inf)
        for group in largest(best, self.config["topk_group"]):
            kept[group] = parts[group]
        return kept.reshape(-1)

    def choose(self, x):
        scores = self.scores(x)
        corrected = scores if self.correction is None else scores + self.correction
        experts = largest(self.allowed(corrected), self.config.get("num_experts_per_tok") or self.config["moe_topk"])
        weights = scores[experts]
        if self.model != "deepseek_v2" and self.config.get("norm_topk_prob"):
            weights = weights / (weights.sum() + 1e-20)
        return experts, weights * self.config["routed_scaling_factor"]


class Decoder:
    def __init__(self, path):
        tensors, metadata = replay.read_safetensors(path)
        self.metadata, self.config = metadata, json.loads(metadata["config"])
        self.golden = {name: value for name, value in tensors.items() if name.startswith("golden.")}
        self.weights = {name: value for name, value in tensors.items() if name not in self.golden}
        c = self.config
        self.semantics = replay.Semantics(c)
        mini = c["model_type"] == "minicpm3"
        self.residual = c["scale_depth"] / math.sqrt(c["num_hidden_layers"]) if mini else 1.0
        self.embedding = c["scale_emb"] if mini else 1.0
        self.logits = c["dim_model_base"] / c["hidden_size"] if mini else 1.0

    def weight(self, name):
        return self.weights[name].astype(np.float64)

    def norm(self, x, name):
        return self.weight(name) * x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + self.config["rms_norm_eps"])

    def parts(self, prefix):
        """Return gate, up and down. Mistral-4 has those of all experts in one tensor."""
        experts, _, number = prefix.rpartition(".")
        if experts + ".gate_up_proj" in self.weights:
            gate_up, down = (self.weight(f"{experts}.{name}_proj")[int(number)] for name in ("gate_up", "down"))
            return *np.split(gate_up, 2), down
        return (self.weight(f"{prefix}.{part}_proj.weight") for part in ("gate", "up", "down"))

    def mlp(self, x, prefix):
        gate, up, down = self.parts(prefix)
        return (silu(x @ gate.T) * (x @ up.T)) @ down.T

    def experts(self, x, prefix):
        correction = prefix + ".gate.e_score_correction_bias"
        router = Router(self.config, self.weight(prefix + ".gate.weight"),
                        self.weight(correction) if correction in self.weights else None)
        out = self.mlp(x, prefix + ".shared_experts")
        for token in range(x.shape[1]):
            for expert, weight in zip(*router.choose(x[0, token])):
                out[:, token] += weight * self.mlp(x[:, token], f"{prefix}.experts.{expert}")
        return out

    def layer(self, number, attention, stream):
        prefix = f"model.layers.{number}."
        stream = stream + self.residual * attention.step(self.norm(stream, prefix + "input_layernorm.weight"))
        x = self.norm(stream, prefix + "post_attention_layernorm.weight")
        part = self.experts if prefix + "mlp.gate.weight" in self.weights else self.mlp
        return stream + self.residual * part(x, prefix + "mlp")

    def routed_or_passed(self, x, prefix):
        """LongcatFlashMoE: numbers beyond the experts stand for the token itself."""
        router = Router(self.config, self.weight(prefix + ".router.classifier.weight"),
                        self.weight(prefix + ".router.e_score_correction_bias"))
        out = np.zeros_like(x)
        for token in range(x.shape[1]):
            for expert, weight in zip(*router.choose(x[0, token])):
                own = x[:, token]
                out[:, token] += weight * (self.mlp(own, f"{prefix}.experts.{expert}")
                                           if expert < self.config["n_routed_experts"] else own)
        return out

    def half(self, number, attention, stream):
        """Half of a LongcatFlashDecoderLayer, whose first carries what its experts give to the end of the second."""
        prefix, which = f"model.layers.{number // 2}.", number % 2
        stream = stream + attention.step(self.norm(stream, f"{prefix}input_layernorm.{which}.weight"))
        x = self.norm(stream, f"{prefix}post_attention_layernorm.{which}.weight")
        if which == 0:
            self.carried = self.routed_or_passed(x, prefix + "mlp")
        stream = stream + self.mlp(x, f"{prefix}mlps.{which}")
        return stream + self.carried if which else stream

    def attentions(self):
        return [replay.Layer(self.semantics, self.weights, i, "naive", "none")
                for i in range(self.config["num_hidden_layers"])]

    def step(self, attentions, ids, watch=None):
        """Return the logits of new tokens, and layer `watch`'s (hidden, out)."""
        run = self.half if self.semantics.two_attentions else self.layer
        stream, seen = self.embedding * self.weight("model.embed_tokens.weight")[ids][None], None
        for number, attention in enumerate(attentions):
            before, stream = stream, run(number, attention, stream)
            if number == watch:
                seen = before, stream
        normed = self.logits * self.norm(stream, "model.norm.weight")
        return (normed @ self.weight("lm_head.weight").T)[0], seen

    def steps(self, sizes, ids, watch=None):
        """Run steps of these sizes. Return the logits, and layer `watch`'s (hidden, out) of every step."""
        attentions, logits, seen, begin = self.attentions(), [], [], 0
        for size in sizes:
            of_step, of_layer = self.step(attentions, ids[begin : begin + size], watch)
            logits.append(of_step)
            seen.append(of_layer)
            begin += size
        return np.concatenate(logits), seen

    def generate(self, prompt, count):
        """Return the likeliest next tokens, and the logits of the prompt and of these."""
        attentions, new, tokens, logits = self.attentions(), prompt, [], []
        for _ in range(count):
            logits.append(self.step(attentions, new)[0])
            new = np.array([logits[-1][-1].argmax()], np.int32)
            tokens.append(new)
        return np.concatenate(tokens), np.concatenate([*logits, self.step(attentions, new)[0]])

    def ids(self, prompt):
        return np.concatenate([self.golden[f"golden.{prompt}.prompt"], self.golden[f"golden.{prompt}.tokens"]])

    def check(self, tolerance=1e-5):
        for prompt in range(3):
            ids, expected = self.ids(prompt), self.golden[f"golden.{prompt}.logits"].astype(np.float64)
            logits, _ = self.steps([len(ids)], ids)
            error = np.linalg.norm(logits - expected) / np.linalg.norm(expected)
            print(f"golden.{prompt}.logits {error:.1e}")
            if not error <= tolerance:
                sys.exit(f"error: the logits of prompt {prompt} differ from the file's")

    def write(self, layer, path):
        """Write prefill, and three steps of decode, of the second prompt."""
        ids, written = self.ids(1), {}
        prompt = len(self.golden["golden.1.prompt"])
        _, seen = self.steps([prompt, 1, 1, 3], ids[: prompt + 5], watch=layer)
        for name, (hidden, out) in zip(["prefill", "decode.0", "decode.1", "decode.2"], seen):
            written[name + ".hidden"], written[name + ".out"] = hidden.astype(np.float32), out.astype(np.float32)
        replay.write_safetensors(path, written, {"config": json.dumps(self.config)})


    def write_golden(self, path):
        written = {}
        for name in [name for name in self.golden if name.endswith(".prompt")]:
            prompt = self.golden[name]
            tokens, logits = self.generate(prompt, len(self.golden[name.replace("prompt", "tokens")]))
            written[name], written[name.replace("prompt", "tokens")] = prompt, tokens
            written[name.replace("prompt", "logits")] = logits.astype(np.float32)
        replay.write_safetensors(path, written, {"config": json.dumps(self.config)})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--layer", type=int, default=0)
    parser.add_argument("--write", metavar="OUT.safetensors")
    parser.add_argument("--golden", metavar="OUT.safetensors")
    arguments = parser.parse_args()
    decoder = Decoder(arguments.file)
    if arguments.golden:
        decoder.write_golden(arguments.golden)
    elif arguments.write:
        decoder.write(arguments.layer, arguments.write)
    else:
        decoder.check()


if __name__ == "__main__":
    main()
