#!/usr/bin/env python3
"""Packs the check of the Python package for a GPU: python3 make_python_pack.py OUT [--target=h100|cpu] [--site=DIR]

OUT is one folder of less than 60 MB to copy to a machine with torch: bundles, the package, the runtime's library, the weights of small
models, and results of transformers, computed here in float32 and bf16 on the CPU. --site copies transformers and its imports from that
site-packages folder, for machines without it. Then run python3 OUT/python_check.py there. --target=cpu is for testing the check without
a GPU. Needs torch, transformers and mla-compile (MLA_MLIR_PREFIX), but neither a GPU nor CUDA."""
import argparse
import json
import os
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "test" / "Python" / "Inputs")]

import mla_mlir  # noqa: E402
import small_models  # noqa: E402
import torch  # noqa: E402
from mla_mlir import cores, locate  # noqa: E402
from mla_mlir.transformers import save_attentions  # noqa: E402

TOKENS = 64
LENGTHS = (3, 70, 129, 40)
WIDER = dict(hidden_size=256, intermediate_size=512, moe_intermediate_size=128, num_hidden_layers=2, num_attention_heads=8,
             num_key_value_heads=8, kv_lora_rank=256, qk_nope_head_dim=64, qk_rope_head_dim=32, v_head_dim=64, n_routed_experts=4,
             first_k_dense_replace=2, max_position_embeddings=1024, initializer_range=0.06)
YARN = {**small_models.YARN, "mscale": 1.0, "mscale_all_dim": 1.0, "original_max_position_embeddings": 256}
MODELS = {
    "v3": ("deepseek_v3", dict(q_lora_rank=192, rope_parameters=YARN)),
    "v2": ("deepseek_v2", dict(q_lora_rank=None)),
}
# The attention core of a layer with small other weights.
CORE = {"model_type": "deepseek_v3", "hidden_size": 64, "num_attention_heads": 16, "q_lora_rank": None, "kv_lora_rank": 512,
        "qk_nope_head_dim": 64, "qk_rope_head_dim": 64, "v_head_dim": 64, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
        "max_position_embeddings": 4096, "num_hidden_layers": 1}
# The imports of transformers for these models; its other models are left out.
SITE = ("transformers", "huggingface_hub", "tokenizers", "safetensors", "regex", "yaml", "_yaml", "tqdm", "packaging", "filelock",
        "typing_extensions.py", "fsspec", "httpx", "httpcore", "h11", "anyio", "idna", "certifi", "sniffio", "requests",
        "urllib3", "charset_normalizer", "typer", "click", "rich", "shellingham")
KEPT_MODELS = {"auto", "deepseek_v2", "deepseek_v3"}


def rounded(model, dtype):
    """Convert the parameters of the model to that type. Buffers are kept: RoPE's frequencies are float32 in every loaded model, but
    model.bfloat16() would round them."""
    for parameter in model.parameters():
        parameter.data = parameter.data.to(dtype)
    return model


@torch.no_grad()
def forced_logits(model, sequences, mask, tokens):
    """Return the logits of the last prompt token and of each of the `tokens` forced ones, step by step: [batch, tokens + 1, vocabulary]."""
    prompt = mask.shape[1]
    out = model(sequences[:, :prompt], attention_mask=mask, use_cache=True)
    found = [out.logits[:, -1]]
    for i in range(tokens):
        mask = torch.cat([mask, torch.ones_like(mask[:, :1])], 1)
        out = model(sequences[:, prompt + i:prompt + i + 1], attention_mask=mask, past_key_values=out.past_key_values)
        found.append(out.logits[:, -1])
    return torch.stack(found, 1).float()


def pack_model(out, name, target):
    family, more = MODELS[name]
    # Weights that are exact in bf16: their rounding is not tested.
    model = rounded(small_models.model(family, seed=5, **WIDER, **more), torch.bfloat16)
    weights = {key: value.clone() for key, value in model.state_dict().items()}
    place = out / name
    place.mkdir(parents=True)
    save_attentions(model, place)
    mla_mlir.compile(place / "attention.mla", weights=place, layers="all", target=target, dtype="bf16")
    (place / "model.safetensors").unlink()

    ids, mask = small_models.batch(LENGTHS).values()
    model = rounded(model, torch.float32)
    with torch.no_grad():
        sequences = model.generate(ids, attention_mask=mask, max_new_tokens=TOKENS, do_sample=False)
    f32 = forced_logits(model, sequences, mask, TOKENS)
    bf16 = forced_logits(rounded(model, torch.bfloat16), sequences, mask, TOKENS)
    torch.save({"weights": weights, "sequences": sequences, "mask": mask, "f32": f32, "bf16": bf16}, place / "golden.pt")


def make_cores(place):
    """Fill the cache of the kernels that FlashMLA's functions use."""
    os.environ["MLA_MLIR_CACHE"] = str(place)
    for rope, cache_dtype, causal in ((64, None, True), (64, None, False), (64, "fp8_row", True), (0, None, True)):
        cores.bundle(CORE["num_attention_heads"], CORE["kv_lora_rank"], rope, 64, cache_dtype, causal)


def copy_site(site, out):
    def unneeded(directory, names):
        if pathlib.Path(directory) == site / "transformers" / "models":
            return [n for n in names if (site / "transformers" / "models" / n).is_dir() and n not in KEPT_MODELS]
        return [n for n in names if n in ("__pycache__", "tests", "pipelines", "inference") or n.startswith("_yaml.")]

    for name in SITE:
        if (site / name).is_dir():
            shutil.copytree(site / name, out / name, ignore=unneeded)
            for info in site.glob(f"{name.replace('_', '?')}-*.dist-info"):
                shutil.copytree(info, out / info.name, dirs_exist_ok=True)
        elif (site / name).exists():
            shutil.copy(site / name, out / name)
    for info in site.glob("*aml-*.dist-info"):
        shutil.copytree(info, out / info.name, dirs_exist_ok=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--target", default="h100", choices=["h100", "cpu"])
    parser.add_argument("--site", type=pathlib.Path)
    given = parser.parse_args()
    out = given.out
    out.mkdir(parents=True)
    for name in MODELS:
        pack_model(out, name, given.target)
    mla_mlir.compile(out / "core.mla", config=CORE, target=given.target, dtype="bf16")
    if given.target == "h100":
        make_cores(out / "cores")
    (out / "pack.json").write_text(json.dumps({"target": given.target, "core": CORE, "tokens": TOKENS}, indent=1))
    shutil.copytree(ROOT / "python" / "mla_mlir", out / "python" / "mla_mlir", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(locate.runtime_library(), out / locate.LIBRARY)
    for script in ("python_check.py", "stages.py", "minimal_model.py"):
        shutil.copy(HERE / script, out)
    shutil.copy(ROOT / "benchmarks" / "generate.py", out)
    if given.site:
        copy_site(given.site.resolve(), out / "site")
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    print(f"{out}: {size / 2**20:.0f} MiB; on a machine with torch: python3 {out.name}/python_check.py")


if __name__ == "__main__":
    main()
