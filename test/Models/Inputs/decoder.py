#!/usr/bin/env python3
"""Computes a golden model in float64, and writes what goes into its layers and comes out of them.

It is a reference independent of the compiler: attention is that of benchmarks/replay.py, and norms, residuals, MLPs and
routers are below, from the formulas of transformers 5.17. It is trusted because its logits agree with the file's.

    decoder.py MODEL.safetensors               compares the logits of all prompts
    decoder.py MODEL.safetensors --layer=K --write=OUT.safetensors
                                               writes a golden file of layer K as mla-run --check reads it
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
    """DeepseekV2Moe.route_tokens_to_experts, DeepseekV3MoE.route_tokens_to_experts; Glm4MoeLite's is the latter."""

    def __init__(self, config, gate, correction):
        self.config, self.gate, self.correction = config, gate, correction
        self.softmax = config["model_type"] == "deepseek_v2"

    def scores(self, x):
        logits = self.gate @ x
        if self.softmax:
            powers = np.exp(logits - logits.max())
            return powers / powers.sum()
        return 1 / (1 + np.exp(-logits))

    def allowed(self, corrected):
        """Return the corrected scores, -inf for experts of other groups than the best."""
        groups = self.config["n_group"]
        if groups == 1 or (self.softmax and self.config.get("topk_method") == "greedy"):
            return corrected
        parts = corrected.reshape(groups, -1)
        best = parts.max(axis=1) if self.softmax else np.sort(parts, axis=1)[:, -2:].sum(axis=1)
        kept = np.full_like(parts, -np.inf)
        for group in largest(best, self.config["topk_group"]):
            kept[group] = parts[group]
        return kept.reshape(-1)

    def choose(self, x):
        scores = self.scores(x)
        corrected = scores if self.correction is None else scores + self.correction
        experts = largest(self.allowed(corrected), self.config["num_experts_per_tok"])
        weights = scores[experts]
        if not self.softmax and self.config["norm_topk_prob"]:
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

    def mlp(self, x, prefix):
        gate, up, down = (self.weight(f"{prefix}.{part}_proj.weight") for part in ("gate", "up", "down"))
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

    def steps(self, sizes, ids, watch=None):
        """Run steps of these sizes. Return the logits, and layer `watch`'s (hidden, out) of every step."""
        layers = [replay.Layer(self.semantics, self.weights, i, "naive", "none")
                  for i in range(self.config["num_hidden_layers"])]
        logits, seen, begin = [], [], 0
        for size in sizes:
            stream = self.embedding * self.weight("model.embed_tokens.weight")[ids[begin : begin + size]][None]
            for number, attention in enumerate(layers):
                before, stream = stream, self.layer(number, attention, stream)
                if number == watch:
                    seen.append((before, stream))
            logits.append((self.logits * self.norm(stream, "model.norm.weight")) @ self.weight("lm_head.weight").T)
            begin += size
        return np.concatenate(logits, axis=1)[0], seen

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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--layer", type=int, default=0)
    parser.add_argument("--write", metavar="OUT.safetensors")
    arguments = parser.parse_args()
    decoder = Decoder(arguments.file)
    if arguments.write:
        decoder.write(arguments.layer, arguments.write)
    else:
        decoder.check()


if __name__ == "__main__":
    main()
