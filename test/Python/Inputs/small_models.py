"""Small DeepSeek models of transformers with a fixed seed: model(family, q_lora_rank), and a padded batch for them."""
import torch
import transformers

CLASSES = {
    "deepseek_v2": (transformers.DeepseekV2Config, transformers.DeepseekV2ForCausalLM),
    "deepseek_v3": (transformers.DeepseekV3Config, transformers.DeepseekV3ForCausalLM),
}
# initializer_range: with the default of 0.02 all logits of such a small model are nearly equal.
COMMON = dict(vocab_size=512, hidden_size=128, intermediate_size=256, moe_intermediate_size=64, num_hidden_layers=3,
              num_attention_heads=4, num_key_value_heads=4, n_routed_experts=8, n_shared_experts=1, num_experts_per_tok=2,
              first_k_dense_replace=1, kv_lora_rank=64, qk_nope_head_dim=32, qk_rope_head_dim=16, v_head_dim=32, n_group=1,
              topk_group=1, max_position_embeddings=512, initializer_range=0.08, pad_token_id=0, bos_token_id=1,
              eos_token_id=None)
YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "beta_fast": 32, "beta_slow": 1, "mscale": 0.707,
        "mscale_all_dim": 0.707, "original_max_position_embeddings": 128}


def model(family, q_lora_rank, seed=0, **changed):
    config, kind = CLASSES[family]
    torch.manual_seed(seed)
    return kind(config(**{**COMMON, "q_lora_rank": q_lora_rank, **changed})).eval()


def batch(lengths=(5, 33, 17), seed=1):
    """Return input_ids and attention_mask of prompts of these lengths, padded on the left."""
    torch.manual_seed(seed)
    longest = max(lengths)
    mask = torch.tensor([[0] * (longest - n) + [1] * n for n in lengths])
    return {"input_ids": torch.randint(3, 512, mask.shape) * mask, "attention_mask": mask}
