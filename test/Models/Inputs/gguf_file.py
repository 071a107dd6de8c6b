"""Writes GGUF files, and the numbers of their element types, from the descriptions of ggml and none of the compiler's code."""
import struct

import numpy as np

from elements import decode, encode


def half(x):
    """Return the bytes of F16 of the last dimension, and its numbers."""
    stored = x.astype(np.float16)
    return stored[..., None].view(np.uint8), stored.astype(np.float64)[..., None]


def nibbles(codes):
    """Two codes per byte, half of the block apart."""
    low, high = np.split(codes.astype(np.uint8), 2, -1)
    return low | high << 4


def q8_0(x):
    d, scale = half(np.abs(x).max(-1) / 127)
    codes = np.clip(np.round(x / np.where(scale == 0, 1, scale)), -128, 127).astype(np.int8)
    return np.concatenate([d, codes.view(np.uint8)], -1), codes * scale


def fifth_bits(codes):
    return np.packbits((codes >> 4 & 1).astype(np.uint8), axis=-1, bitorder="little")


def symmetric(bits):
    def make(x):
        zero = 2 ** (bits - 1)
        d, scale = half(np.abs(x).max(-1) / (zero - 0.5))
        codes = np.clip(np.round(x / scale) + zero, 0, 2 * zero - 1).astype(np.uint8)
        parts = [d] + ([fifth_bits(codes)] if bits == 5 else []) + [nibbles(codes & 15)]
        return np.concatenate(parts, -1), (codes.astype(np.float64) - zero) * scale

    return make


def with_minimum(bits):
    def make(x):
        low, high = x.min(-1), x.max(-1)
        d, scale = half((high - low) / (2**bits - 1))
        m, minimum = half(low)
        codes = np.clip(np.round((x - minimum) / scale), 0, 2**bits - 1).astype(np.uint8)
        parts = [d, m] + ([fifth_bits(codes)] if bits == 5 else []) + [nibbles(codes & 15)]
        return np.concatenate(parts, -1), codes * scale + minimum

    return make


def k_with_minimums(bits):
    def make(x):
        sub = x.reshape(*x.shape[:-1], 8, 32)
        low, high = -np.minimum(sub.min(-1), 0), sub.max(-1)
        scales = (high + low) / (2**bits - 1)
        d, scale = half(scales.max(-1) / 63)
        m, minimum = half(low.max(-1) / 63)
        sc = np.clip(np.round(scales / scale), 1, 63).astype(np.uint8)
        mn = np.clip(np.round(low / np.where(minimum == 0, 1, minimum)), 0, 63).astype(np.uint8)
        factor, offset = (scale * sc)[..., None], (minimum * mn)[..., None]
        codes = np.clip(np.round((sub + offset) / factor), 0, 2**bits - 1).astype(np.uint8)
        packed = np.zeros((*x.shape[:-1], 12), np.uint8)
        packed[..., :4] = sc[..., :4] | sc[..., 4:] >> 4 << 6
        packed[..., 4:8] = mn[..., :4] | mn[..., 4:] >> 4 << 6
        packed[..., 8:] = sc[..., 4:] & 15 | (mn[..., 4:] & 15) << 4
        pairs = codes.reshape(*x.shape[:-1], 4, 2, 32)
        low_bits = (pairs[..., 0, :] & 15 | (pairs[..., 1, :] & 15) << 4).reshape(*x.shape[:-1], 128)
        fifth = (codes >> 4 << np.arange(8, dtype=np.uint8)[:, None]).sum(-2).astype(np.uint8)
        parts = [d, m, packed] + ([fifth] if bits == 5 else []) + [low_bits]
        return np.concatenate(parts, -1), (factor * codes - offset).reshape(x.shape)

    return make


def q6_k(x):
    sub = x.reshape(*x.shape[:-1], 16, 16)
    scales = np.abs(sub).max(-1) / 31
    d, scale = half(scales.max(-1) / 127)
    sc = np.clip(np.round(scales / scale), 1, 127).astype(np.int8)
    sc[..., 1::2] *= -1  # scales have a sign
    factor = (scale * sc)[..., None]
    codes = (np.clip(np.round(sub / factor), -32, 31) + 32).astype(np.uint8).reshape(x.shape)
    quarters = codes.reshape(*x.shape[:-1], 2, 4, 32)
    low = quarters & 15
    low = np.concatenate([low[..., 0, :] | low[..., 2, :] << 4, low[..., 1, :] | low[..., 3, :] << 4], -1)
    high = (quarters >> 4 << np.arange(0, 8, 2, dtype=np.uint8)[:, None]).sum(-2).astype(np.uint8)
    numbers = factor * (codes.astype(np.float64) - 32).reshape(sub.shape)
    parts = [low.reshape(*x.shape[:-1], 128), high.reshape(*x.shape[:-1], 64), sc.view(np.uint8), d]
    return np.concatenate(parts, -1), numbers.reshape(x.shape)


def plain(kind):
    def make(x):
        stored, numbers = encode(x, kind)
        return np.frombuffer(stored[2], np.uint8).reshape(*x.shape[:-1], -1), numbers

    return make


# By name: the number in a file, the elements of a block, and a function that returns the bytes of blocks and their numbers.
TYPES = {
    "F32": (0, 1, plain("F32")), "F16": (1, 1, plain("F16")), "BF16": (30, 1, plain("BF16")),
    "Q4_0": (2, 32, symmetric(4)), "Q4_1": (3, 32, with_minimum(4)), "Q5_0": (6, 32, symmetric(5)),
    "Q5_1": (7, 32, with_minimum(5)), "Q8_0": (8, 32, q8_0),
    "Q4_K": (12, 256, k_with_minimums(4)), "Q5_K": (13, 256, k_with_minimums(5)), "Q6_K": (14, 256, q6_k),
}  # fmt: skip


def quantize(name, x):
    """Return the type's number and the bytes of an array, and what they stand for."""
    number, elements, make = TYPES[name]
    data, numbers = make(x.reshape(-1, elements) if elements > 1 else x.reshape(-1, x.shape[-1]))
    return (number, data.tobytes()), numbers.reshape(x.shape)


def text(value):
    return struct.pack("<Q", len(value)) + value.encode()


def value(x):
    if isinstance(x, str):
        return struct.pack("<I", 8) + text(x)
    if isinstance(x, list):  # of texts, a vocabulary
        return struct.pack("<IIQ", 9, 8, len(x)) + b"".join(map(text, x))
    return struct.pack("<If", 6, x) if isinstance(x, float) else struct.pack("<II", 4, x)


def write(path, metadata, tensors, alignment=32):
    """tensors: by name, shape (row-major), type's number and bytes."""
    header, data = b"", b""
    for key, x in metadata.items():
        header += text(key) + value(x)
    for name, (shape, number, stored) in tensors.items():
        data += b"\0" * (-len(data) % alignment)
        header += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *reversed(shape), number, len(data))
        data += stored
    header = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata)) + header
    with open(path, "wb") as file:
        file.write(header + b"\0" * (-len(header) % alignment) + data)
