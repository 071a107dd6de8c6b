"""mla-mlir's decode attention for decode_grid.py: the bundles' latent attention through the C API.

MLA_BUNDLES names the directory that test/GPU/make_bundles.py wrote, MLA_RUNTIME_LIBRARY the runtime. MLA_INVARIANT=1 selects
the batch-invariant bundles. No work is outside of the timing: the kernel divides the batch among SMs on the device."""
import json, os, pathlib, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch
import mla_runtime

BUNDLES = pathlib.Path(os.environ["MLA_BUNDLES"])
INVARIANT = bool(int(os.environ.get("MLA_INVARIANT", "0")))
CACHE = "bf16"
NAME = "invariant" if INVARIANT else "mla-mlir"
CORES = json.loads((BUNDLES / "bundles.json").read_text())["cores"]
_open = {}


def find(case, cache):
    for name, core in CORES.items():
        _, rope, _, latent = core["dims"]
        if name.startswith("core") and (core["invariant"], core["cache"]) == (INVARIANT, cache) and (
                core["heads"], latent, rope, core["page"]) == (case.h, case.d_ckv, case.d_rope, case.page):
            return name
    return None


def supports(case):
    return find(case, CACHE) is not None


def prepare(case, q, kv, table, lens, scale):
    return call(case, CACHE, q, kv, table, lens, scale)


def call(case, cache, q, kv, table, lens, scale):
    name = find(case, cache)
    if name not in _open:
        _open[name] = mla_runtime.Bundle(BUNDLES / name)
    b, s_q, h, d = q.shape
    cu = torch.arange(0, (b + 1) * s_q, s_q, dtype=torch.int32, device="cuda")
    rows = q.view(b * s_q, h, d)
    out = torch.full((b * s_q, h, case.d_ckv), float("nan"), dtype=q.dtype, device="cuda")
    lse = torch.full((b * s_q, h), float("nan"), device="cuda")
    attention = _open[name].latent_attention(rows[..., :case.d_ckv], rows[..., case.d_ckv:], kv, table, lens, cu, out, lse,
                                        max_queries=s_q, indices_settled=True, scale=scale)
    result = out.view(b, s_q, h, case.d_ckv), lse.view(b, s_q, h).transpose(1, 2)

    def run():
        attention()
        return result

    return run
