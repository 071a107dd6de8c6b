"""A DeepSeek decoder with given attentions, for machines without transformers: embedding, norms, dense MLPs, logits.

It computes the same as DeepseekV2ForCausalLM and DeepseekV3ForCausalLM if all layers are dense (first_k_dense_replace)."""
import torch
from torch.nn import functional as F


class MinimalModel:
    """weights: a checkpoint's tensors by name. attentions: a function of (layer, hidden), [batch, tokens, hidden_size]."""

    def __init__(self, config, weights, attend):
        self.config, self.weights, self.attend = config, weights, attend

    def norm(self, name, x):
        wide = x.float()
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.config["rms_norm_eps"])
        return self.weights[name + ".weight"] * wide.to(x.dtype)

    def linear(self, name, x):
        return F.linear(x, self.weights[name + ".weight"])

    def mlp(self, name, x):
        return self.linear(name + ".down_proj", F.silu(self.linear(name + ".gate_proj", x)) * self.linear(name + ".up_proj", x))

    def logits(self, ids):
        x = F.embedding(ids, self.weights["model.embed_tokens.weight"])
        for layer in range(self.config["num_hidden_layers"]):
            name = f"model.layers.{layer}"
            x = x + self.attend(layer, self.norm(name + ".input_layernorm", x))
            x = x + self.mlp(name + ".mlp", self.norm(name + ".post_attention_layernorm", x))
        return self.linear("lm_head", self.norm("model.norm", x))
