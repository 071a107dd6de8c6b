# ===- packed.py - Rows of a packed cache, by torch -----------------------===#
#
# Part of mla-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===---------------------------------------------------------------------===#
"""What the bytes of a packed cache hold: docs/fp8.md has the layouts."""
import torch

from .errors import ArgumentError

COLUMNS = 128  # of the latent share a scale in fp8_row
FORMATS = ("fp8_tensor", "fp8_row")


def _align(offset):
    return -(-offset // 16) * 16


def layout(cache_format, kv_lora_rank, qk_rope_head_dim):
    """Bytes of a row before its scales and before k_rope, and in all."""
    if cache_format == "fp8_tensor":
        rope = _align(kv_lora_rank)
        return kv_lora_rank, rope, _align(rope + qk_rope_head_dim)
    scales = -(-kv_lora_rank // 4) * 4
    rope = _align(scales + 4 * -(-kv_lora_rank // COLUMNS))
    return scales, rope, _align(rope + 2 * qk_rope_head_dim)


def find_format(row, kv_lora_rank, qk_rope_head_dim):
    """The format whose rows have so many bytes."""
    sizes = {layout(name, kv_lora_rank, qk_rope_head_dim)[2]: name for name in FORMATS}
    if row not in sizes:
        raise ArgumentError("pages", f"has rows of {row} bytes; expected " +
                            " or ".join(f"{size} ({name})" for size, name in sizes.items()))
    return sizes[row]


def unpack(rows, cache_format, kv_lora_rank, qk_rope_head_dim):
    """The latents and keys of packed rows, [..., kv_lora_rank + qk_rope_head_dim] float32."""
    rows, (scales, rope, row) = rows.view(torch.uint8), layout(cache_format, kv_lora_rank, qk_rope_head_dim)
    if rows.shape[-1] != row:
        raise ArgumentError("pages", f"has rows of {rows.shape[-1]} bytes, must have {row} of {cache_format}")

    def part(first, count, dtype):
        size = torch.empty(0, dtype=dtype).element_size()
        return rows[..., first:first + count * size].contiguous().view(dtype).float()

    latent = part(0, kv_lora_rank, torch.float8_e4m3fn)
    if cache_format == "fp8_tensor":
        return torch.cat([latent, part(rope, qk_rope_head_dim, torch.float8_e4m3fn)], -1)
    groups = part(scales, -(-kv_lora_rank // COLUMNS), torch.float32)
    latent = latent * groups.repeat_interleave(COLUMNS, -1)[..., :kv_lora_rank]
    return torch.cat([latent, part(rope, qk_rope_head_dim, torch.bfloat16)], -1)
