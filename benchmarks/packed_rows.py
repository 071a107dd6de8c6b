"""Rounds rows to a packed cache with torch, as docs/fp8.md says; mla_mlir.packed reads them."""
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "python"))

from mla_mlir.packed import COLUMNS, layout, unpack  # noqa: E402, F401

LARGEST, LEAST = 448.0, 2.0**-126


def to_bytes(values):
    return values.contiguous().view(torch.uint8)


def to_e4m3(values):
    """Saturates; NaN stays NaN."""
    return to_bytes(values.clamp(-LARGEST, LARGEST).to(torch.float8_e4m3fn))


def pack(rows, fmt, latent):
    """rows [..., latent + rope], a float type -> [..., bytes], uint8"""
    columns, keys = rows.float().split((latent, rows.shape[-1] - latent), -1)
    scales_at, rope_at, size = layout(fmt, latent, keys.shape[-1])
    out = torch.zeros(*rows.shape[:-1], size, dtype=torch.uint8, device=rows.device)
    if fmt == "fp8_row":
        count = -(-latent // COLUMNS)
        groups = torch.nn.functional.pad(columns, (0, count * COLUMNS - latent)).unflatten(-1, (count, COLUMNS))
        scales = (groups.abs().amax(-1) / LARGEST).clamp_min(LEAST)
        columns = (groups / scales[..., None]).flatten(-2)[..., :latent]
        out[..., scales_at:scales_at + 4 * count] = to_bytes(scales)
    stored = to_bytes(keys.to(torch.bfloat16)) if fmt == "fp8_row" else to_e4m3(keys)
    out[..., rope_at:rope_at + stored.shape[-1]] = stored
    out[..., :latent] = to_e4m3(columns)
    return out
