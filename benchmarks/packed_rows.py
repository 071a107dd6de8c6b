"""Rows of a packed cache in torch: what mla/cache_format.h and docs/fp8.md say, for tests and benchmarks."""
import torch

GROUP, LARGEST, LEAST = 128, 448.0, 2.0**-126


def align(n, to=16):
    return -(-n // to) * to


def layout(fmt, latent, rope):
    """(offset of the scales, how many, offset of k_rope, bytes of a row)"""
    scaled = fmt == "fp8_row"
    scales, count = (align(latent, 4), -(-latent // GROUP)) if scaled else (latent, 0)
    start = align(scales + 4 * count)
    return scales, count, start, align(start + rope * (2 if scaled else 1))


def to_e4m3(x):
    return x.clamp(-LARGEST, LARGEST).to(torch.float8_e4m3fn)  # clamp keeps NaN


def pack(rows, fmt, latent):
    """rows [..., latent + rope], a float type -> [..., bytes], uint8"""
    rows = rows.float()
    rope = rows.shape[-1] - latent
    scales_at, count, rope_at, size = layout(fmt, latent, rope)
    out = torch.zeros(*rows.shape[:-1], size, dtype=torch.uint8, device=rows.device)
    columns, keys = rows[..., :latent], rows[..., latent:]
    if fmt == "fp8_row":
        groups = torch.nn.functional.pad(columns, (0, count * GROUP - latent)).unflatten(-1, (count, GROUP))
        scales = (groups.abs().amax(-1) / LARGEST).clamp_min(LEAST)
        columns = (groups / scales[..., None]).flatten(-2)[..., :latent]
        out[..., scales_at:scales_at + 4 * count] = scales.contiguous().view(torch.uint8)
        out[..., rope_at:rope_at + 2 * rope] = keys.to(torch.bfloat16).contiguous().view(torch.uint8)
    else:
        out[..., rope_at:rope_at + rope] = to_e4m3(keys).contiguous().view(torch.uint8)
    out[..., :latent] = to_e4m3(columns).contiguous().view(torch.uint8)
    return out


def unpack(packed, fmt, latent, rope):
    """The numbers that are cached: [..., bytes] -> [..., latent + rope], float32"""
    scales_at, count, rope_at, _ = layout(fmt, latent, rope)
    columns = packed[..., :latent].contiguous().view(torch.float8_e4m3fn).float()
    if fmt == "fp8_row":
        scales = packed[..., scales_at:scales_at + 4 * count].contiguous().view(torch.float32)
        columns = columns * scales.repeat_interleave(GROUP, -1)[..., :latent]
        keys = packed[..., rope_at:rope_at + 2 * rope].contiguous().view(torch.bfloat16).float()
    else:
        keys = packed[..., rope_at:rope_at + rope].contiguous().view(torch.float8_e4m3fn).float()
    return torch.cat((columns, keys), -1)
