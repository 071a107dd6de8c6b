"""mla-mlir's prefill attention for prefill_grid.py: the bundles' naive attention through the C API. See decode_module.py."""
import os, pathlib, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch
import mla_runtime

BUNDLES = pathlib.Path(os.environ["MLA_BUNDLES"])
NAME = "mla-mlir"
_open = {}


def supports(h, sq, sk):
    return (BUNDLES / f"naive_h{h}").exists()


def prepare(q, k_nope, k_rope, v, scale):
    h = q.shape[1]
    if h not in _open:
        _open[h] = mla_runtime.Bundle(BUNDLES / f"naive_h{h}")
    cu = torch.tensor([0, q.shape[0]], dtype=torch.int32, device="cuda")
    keys = torch.tensor([0, k_nope.shape[0]], dtype=torch.int32, device="cuda")
    out = torch.full((q.shape[0], h, v.shape[2]), float("nan"), dtype=q.dtype, device="cuda")
    call = _open[h].naive_attention(q[..., :128], q[..., 128:], k_nope, k_rope, v, cu, keys, out, max_queries=q.shape[0],
                                    max_length=k_nope.shape[0], scale=scale)

    def run():
        call()
        return out

    return run
