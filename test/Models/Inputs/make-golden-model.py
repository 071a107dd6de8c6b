"""make-golden-model.py OUT_DIR [NAME...]

Makes golden models of routers that few models have, or those of the given names: a decoder of Hugging Face transformers
with random weights, in float32 with eager attention. Three prompts, each with 24 tokens that are generated greedily, and
the logits of all of them. Needs torch and transformers 5; the files in test/Models/golden/models were made with torch 2.11
and transformers 5.17. No test runs this.
"""
import json
import pathlib
import sys
import tempfile

import numpy as np
import torch
import transformers
from safetensors import safe_open
from safetensors.torch import save_file

PROMPTS, GENERATED, DEVIATION = (5, 37, 70), 24, 0.08
SIZES = {"vocab_size": 160, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 4,
         "q_lora_rank": 48, "kv_lora_rank": 64, "qk_nope_head_dim": 16, "qk_rope_head_dim": 16, "v_head_dim": 16,
         "intermediate_size": 96, "moe_intermediate_size": 32, "n_routed_experts": 12, "num_experts_per_tok": 3,
         "n_shared_experts": 1, "first_k_dense_replace": 1, "routed_scaling_factor": 2.5, "rms_norm_eps": 1e-6,
         "max_position_embeddings": 2048, "tie_word_embeddings": False, "initializer_range": DEVIATION,
         "eos_token_id": None}  # fmt: skip
SMALL = SIZES | {"vocab_size": 64, "hidden_size": 32, "num_attention_heads": 2, "num_key_value_heads": 2, "q_lora_rank": 16,
                 "kv_lora_rank": 32, "qk_nope_head_dim": 16, "v_head_dim": 16, "intermediate_size": 48, "moe_intermediate_size": 16,
                 "n_routed_experts": 8, "num_experts_per_tok": 3, "n_group": 4, "topk_group": 2, "norm_topk_prob": True,
                 "initializer_range": 0.2, "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}}  # fmt: skip
INDEX = {"index_topk": 128, "index_n_heads": 2, "index_head_dim": 32}
MODELS = {
    # DeepSeek-V3's router, in families with decoders of their own. No text is longer than index_topk.
    "deepseek_v32": ("DeepseekV32", SMALL | INDEX | {"mlp_layer_types": ["dense", "sparse"]}),
    "glm_moe_dsa": ("GlmMoeDsa", SMALL | INDEX | {"mlp_layer_types": ["dense", "sparse"], "indexer_types": ["full", "shared"]}),
    # The softmax, groups compared by their two best, normalized. A scale of queries from position 64 on.
    "mistral4": ("Mistral4", SIZES | {"n_group": 4, "topk_group": 2, "norm_topk_prob": True, "rope_parameters": {
        "rope_type": "yarn", "rope_theta": 10000.0, "factor": 8.0, "original_max_position_embeddings": 64, "beta_fast": 32.0,
        "beta_slow": 1.0, "mscale": 1.0, "mscale_all_dim": 1.0, "llama_4_scaling_beta": 0.1}}),
    # The softmax, groups compared by the best.
    "v2_groups": ("DeepseekV2", SIZES | {"n_group": 4, "topk_group": 2, "topk_method": "group_limited_greedy"}),
}  # fmt: skip


def make(name):
    """Return a model with random weights; norms and corrections vary, too."""
    kind, sizes = MODELS[name]
    config = getattr(transformers, kind + "Config")(**sizes)
    config._attn_implementation = "eager"
    model = getattr(transformers, kind + "ForCausalLM")(config).eval()
    generator = torch.Generator().manual_seed({"mistral4": 1, "v2_groups": 2}.get(name, sum(map(ord, name))))
    with torch.no_grad():
        for buffer_name, buffer in model.named_buffers():
            if buffer_name.endswith("e_score_correction_bias"):
                buffer.copy_(0.1 * torch.randn(buffer.shape, generator=generator))
        for parameter in model.parameters():
            random = torch.randn(parameter.shape, generator=generator)
            deviation = max(DEVIATION, sizes["initializer_range"])
            parameter.copy_(1 + 0.1 * random if parameter.dim() == 1 else deviation * random)
    return model


def run(model, seed):
    """Return the tensors of all prompts. Logits are computed with the tokens given, without a cache."""
    tensors, random = {}, np.random.default_rng(seed)
    for number, length in enumerate(PROMPTS):
        ids = torch.from_numpy(random.integers(0, model.config.vocab_size, length))[None]
        with torch.no_grad():
            for _ in range(GENERATED):
                ids = torch.cat([ids, model(ids, use_cache=False).logits[:, -1:].argmax(-1)], -1)
            logits = model(ids, use_cache=False).logits[0]
        tensors[f"golden.{number}.prompt"] = ids[0, :length].to(torch.int32)
        tensors[f"golden.{number}.tokens"] = ids[0, length:].to(torch.int32)
        tensors[f"golden.{number}.logits"] = logits.float()
    return tensors


def checkpoint(model):
    """Return the tensors that transformers saves, under the names of checkpoints."""
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        with safe_open(pathlib.Path(folder) / "model.safetensors", "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}


def main():
    folder, names = pathlib.Path(sys.argv[1]), sys.argv[2:] or MODELS
    for name in names:
        model = make(name)
        metadata = {"format": "golden-model-1", "config": json.dumps(model.config.to_dict()), "transformers": transformers.__version__}
        save_file(checkpoint(model) | {k: v.contiguous() for k, v in run(model, len(name)).items()}, folder / f"{name}.safetensors", metadata)


if __name__ == "__main__":
    main()
