"""Generates with vLLM's own engine on a CPU, with this backend in the place of vLLM's CPU_MLA, and compares:
test_vllm_engine.py SCRATCH_DIR"""
import json
import os
import pathlib
import random
import sys

os.environ.update(VLLM_ENABLE_V1_MULTIPROCESSING="0", VLLM_NO_USAGE_STATS="1", HF_HUB_OFFLINE="1", VLLM_CPU_KVCACHE_SPACE="1",
                  VLLM_LOGGING_LEVEL=os.environ.get("VLLM_LOGGING_LEVEL", "ERROR"), VLLM_HOST_IP="127.0.0.1",
                  GLOO_SOCKET_IFNAME="lo", VLLM_USE_FLASHINFER_SAMPLER="0", TORCHDYNAMO_DISABLE="1")
SCRATCH = pathlib.Path(sys.argv[1])
CONFIG = {"architectures": ["DeepseekV2ForCausalLM"], "model_type": "deepseek_v2", "vocab_size": 512, "hidden_size": 256,
          "intermediate_size": 512, "moe_intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
          "num_key_value_heads": 4, "n_shared_experts": 1, "n_routed_experts": 4, "num_experts_per_tok": 2,
          "first_k_dense_replace": 2, "moe_layer_freq": 1, "kv_lora_rank": 512, "q_lora_rank": None, "qk_nope_head_dim": 128,
          "qk_rope_head_dim": 64, "v_head_dim": 128, "hidden_act": "silu", "max_position_embeddings": 2048, "rms_norm_eps": 1e-6,
          "rope_theta": 10000.0, "rope_scaling": None, "attention_bias": False, "tie_word_embeddings": False, "bos_token_id": 0,
          "eos_token_id": 1, "pad_token_id": 0, "dtype": "bfloat16", "topk_method": "greedy", "n_group": 1, "topk_group": 1,
          "norm_topk_prob": False, "routed_scaling_factor": 1.0, "scoring_func": "softmax", "head_dim": 64, "use_cache": True}
LENGTHS = (1, 2, 7, 8, 9, 15, 16, 17, 31, 63, 64, 65, 100, 300)  # of prompts
TOKENS = 24  # that each makes


def make_model(directory):
    """Seeded weights, with scores of a few units: attention that looks somewhere."""
    import torch
    from safetensors.torch import save_file

    directory.mkdir()
    torch.manual_seed(1)
    matrix = lambda rows, columns, scale=1.0: (torch.randn(rows, columns) * scale * columns**-0.5).bfloat16()
    ones = lambda size: torch.ones(size, dtype=torch.bfloat16)
    c = CONFIG
    hidden, heads, latent, rope = c["hidden_size"], c["num_attention_heads"], c["kv_lora_rank"], c["qk_rope_head_dim"]
    nope, value, inner, vocab = c["qk_nope_head_dim"], c["v_head_dim"], c["intermediate_size"], c["vocab_size"]
    weights = {"model.embed_tokens.weight": matrix(vocab, hidden, hidden**0.5), "model.norm.weight": ones(hidden),
               "lm_head.weight": matrix(vocab, hidden, 4.0)}
    for i in range(c["num_hidden_layers"]):
        layer = {"self_attn.q_proj": matrix(heads * (nope + rope), hidden, 3.0),
                 "self_attn.kv_a_proj_with_mqa": matrix(latent + rope, hidden), "self_attn.kv_a_layernorm": ones(latent),
                 "self_attn.kv_b_proj": matrix(heads * (nope + value), latent), "self_attn.o_proj": matrix(hidden, heads * value, 2.0),
                 "mlp.gate_proj": matrix(inner, hidden), "mlp.up_proj": matrix(inner, hidden),
                 "mlp.down_proj": matrix(hidden, inner), "input_layernorm": ones(hidden), "post_attention_layernorm": ones(hidden)}
        weights.update({f"model.layers.{i}.{name}.weight": tensor for name, tensor in layer.items()})
    save_file(weights, directory / "model.safetensors", {"format": "pt"})
    (directory / "config.json").write_text(json.dumps(CONFIG))


def ours():
    """Register this backend as CPU_MLA. Only writing the cache remains vLLM's for CPUs, which has no concat_and_cache_mla."""
    import mla_mlir.vllm as backend
    from vllm.v1.attention.backends.mla.cpu_mla import CPUMLAImpl
    from vllm.v1.attention.backends.registry import AttentionBackendEnum, register_backend
    from vllm.v1.attention.selector import _cached_get_attn_backend

    class Impl(backend.LatentAttentionImpl):
        do_kv_cache_update = CPUMLAImpl.do_kv_cache_update
        calls, wrong = [], 1.0

        def forward_mqa(self, q, cache, metadata, layer):
            self.calls.append((metadata.decode.max_query_len, metadata.decode.max_seq_len))
            kept, self.scale = self.scale, self.scale * self.wrong
            try:
                return super().forward_mqa(q, cache, metadata, layer)
            finally:
                self.scale = kept

    backend.LatentAttentionBackend.get_impl_cls = staticmethod(lambda: Impl)
    for name in ("CPU_MLA", "AMX_MLA"):
        if name in AttentionBackendEnum.__members__:
            register_backend(AttentionBackendEnum[name], "mla_mlir.vllm.LatentAttentionBackend")
    _cached_get_attn_backend.cache_clear()  # of the engine before
    return Impl


def engine():
    from vllm import LLM

    llm = LLM(model=str(SCRATCH / "model"), skip_tokenizer_init=True, dtype="bfloat16", seed=0, enforce_eager=True, block_size=16,
              max_model_len=1024, max_num_seqs=16, max_num_batched_tokens=1024, disable_log_stats=True)
    layer = next(iter(llm.llm_engine.vllm_config.compilation_config.static_forward_context.values()))
    return llm, type(layer.impl)


def generate(llm):
    """Return (token, its log-probability) of each token, by prompt."""
    from vllm import SamplingParams

    pick = random.Random(7)
    prompts = [{"prompt_token_ids": [pick.randrange(2, CONFIG["vocab_size"]) for _ in range(n)]} for n in LENGTHS]
    asked = SamplingParams(temperature=0.0, max_tokens=TOKENS, min_tokens=TOKENS, ignore_eos=True, logprobs=1, detokenize=False)
    return [[(token, entries[token].logprob) for token, entries in zip(r.outputs[0].token_ids, r.outputs[0].logprobs)]
            for r in llm.generate(prompts, asked, use_tqdm=False)]


def compare(name, found, expected):
    """Print and return the root mean square of differences of log-probabilities, up to the first token at which answers part."""
    squares, same = [], 0
    for one, other in zip(found, expected):
        same += [token for token, _ in one] == [token for token, _ in other]
        for (token, logprob), (wanted, expected_logprob) in zip(one, other):
            if token != wanted:
                break
            squares.append((logprob - expected_logprob) ** 2)
    found = (sum(squares) / max(len(squares), 1)) ** 0.5
    print(f"{name}: {same} of {len(LENGTHS)} answers the same, log-probabilities differ by {found:.4f} (rms of {len(squares)} of "
          f"{len(LENGTHS) * TOKENS} tokens)", flush=True)
    return found


def main():
    import vllm

    if tuple(map(int, vllm.__version__.split(".")[:2])) < (0, 29):
        print(f"vllm {vllm.__version__} starts no model with MLA on a CPU: nothing to compare with\nOK")
        return
    make_model(SCRATCH / "model")
    llm, kind = engine()
    assert kind.__module__.startswith("vllm."), kind
    expected = generate(llm)
    del llm
    impl = ours()
    llm, kind = engine()
    assert kind is impl, kind
    good = compare("mla_mlir", generate(llm), expected)
    assert impl.calls and max(length for _, length in impl.calls) < 1024, "the engine's bounds are not used"
    print(f"vllm {vllm.__version__}: {len(impl.calls)} calls, of up to {max(count for count, _ in impl.calls)} tokens a sequence")
    impl.wrong = 1.05
    bad = compare("a scale that is 5% off", generate(llm), expected)
    assert good < 0.05, "differs from vLLM's own backend"
    assert bad > 2 * good, "a wrong scale is not seen"
    print("OK")


main()
