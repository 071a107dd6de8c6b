"""Rows of a packed cache in numpy: what mla/cache_format.h says. Formats are named as for --cache-dtype."""
import numpy as np

import replay
from device_arrays import from_bits, to_bits

GROUP, LARGEST, LEAST = 128, np.float32(448), np.float32(2.0**-126)
E4M3 = replay.e4m3_table().astype(np.float32)
POSITIVE = E4M3[:127]  # in order


def align(n, to=16):
    return -(-n // to) * to


def layout(fmt, latent, rope):
    """(offset of the scales, how many, offset of k_rope, bytes of a row)"""
    scaled = fmt == "fp8_row"
    scales, count = (align(latent, 4), -(-latent // GROUP)) if scaled else (latent, 0)
    start = align(scales + 4 * count)
    return scales, count, start, align(start + rope * (2 if scaled else 1))


def to_e4m3(values):
    """The bits of the nearest number of e4m3, ties to even; what exceeds 448 saturates, NaN is 0x7f."""
    magnitude = np.minimum(np.abs(values), LARGEST)
    above = np.clip(np.searchsorted(POSITIVE, magnitude), 1, 126)
    low, high = POSITIVE[above - 1], POSITIVE[above]
    odd = above % 2 == 1  # of the upper one
    up = (magnitude - low > high - magnitude) | ((magnitude - low == high - magnitude) & ~odd)
    code = np.where(up, above, above - 1).astype(np.uint8)
    code = np.where(np.isnan(values), np.uint8(0x7F), code)
    return code | (np.signbit(values).astype(np.uint8) << 7)


def raw(array):
    """The bytes of the elements, in the last dimension."""
    array = np.ascontiguousarray(array)
    return array.view(np.uint8).reshape(*array.shape[:-1], -1)


def pack(rows, fmt, latent):
    """rows [..., latent + rope] -> [..., bytes]"""
    rows = np.asarray(rows, np.float32)
    rope = rows.shape[-1] - latent
    scales_at, count, rope_at, size = layout(fmt, latent, rope)
    packed = np.zeros((*rows.shape[:-1], size), np.uint8)
    columns, keys = rows[..., :latent], rows[..., latent:]
    if fmt == "fp8_row":
        starts = np.arange(0, latent, GROUP)
        scales = np.maximum(np.maximum.reduceat(np.abs(columns), starts, axis=-1) / LARGEST, LEAST)
        columns = columns / scales.repeat(GROUP, -1)[..., :latent]
        packed[..., scales_at:scales_at + 4 * count] = raw(scales)
        packed[..., rope_at:rope_at + 2 * rope] = raw(to_bits(keys))
    else:
        packed[..., rope_at:rope_at + rope] = to_e4m3(keys)
    packed[..., :latent] = to_e4m3(columns)
    return packed


def unpack(packed, fmt, latent, rope):
    """The numbers that are cached, float64."""
    scales_at, count, rope_at, _ = layout(fmt, latent, rope)
    columns = E4M3[packed[..., :latent]].astype(np.float64)
    if fmt == "fp8_tensor":
        return np.concatenate((columns, E4M3[packed[..., rope_at:rope_at + rope]]), -1)
    scales = np.ascontiguousarray(packed[..., scales_at:scales_at + 4 * count]).view(np.float32)
    keys = np.ascontiguousarray(packed[..., rope_at:rope_at + 2 * rope]).view(np.uint16)
    return np.concatenate((columns * scales.repeat(GROUP, -1)[..., :latent], from_bits(keys)), -1)
