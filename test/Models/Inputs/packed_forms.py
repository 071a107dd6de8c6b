"""Packed forms of a matrix W [out, in], written from their descriptions and none of the compiler's code.

FORMS: by name, a function of a module's name and its matrix in float64 that returns the tensors, and the numbers that they
stand for in float64; and quantization_config.
"""
import numpy as np

from elements import decode, decode_e4m3, encode, encode_e4m3


def pack(codes, bits, axis, container=np.uint32):
    """Pack integers along an axis, the first in the lowest bits."""
    codes = np.moveaxis(codes.astype(np.uint64), axis, -1)
    each = 8 * container().itemsize // bits
    codes = codes.reshape(*codes.shape[:-1], -1, each) << np.arange(0, bits * each, bits, dtype=np.uint64)
    return np.moveaxis(codes.sum(-1).astype(container), -1, axis)


def tensor(kind, array):
    return [kind, array.shape, np.ascontiguousarray(array).tobytes()]


def integers(w, bits, group_of, symmetric, kind):
    """Quantize [out, in] by groups of columns. Return codes [out, in], the tensor of scales [out, groups] and the numbers in
    it, zeros [out, groups]."""
    groups, most = group_of.max() + 1, 2**bits - 1
    low = np.stack([w[:, group_of == g].min(1) for g in range(groups)], 1)
    high = np.stack([w[:, group_of == g].max(1) for g in range(groups)], 1)
    if symmetric:
        scale, zero = np.maximum(-low, high) / (most // 2), np.full(low.shape, 2 ** (bits - 1))
    else:
        low, high = np.minimum(low, 0), np.maximum(high, 0)
        scale = (high - low) / most
        zero = np.clip(np.round(-low / scale), 1, most)  # 0 has no code in the first version of GPTQ
    stored, scale = encode(scale, kind)
    codes = np.clip(np.round(w / scale[:, group_of]) + zero[:, group_of], 0, most)
    return codes, stored, scale, zero


def numbers(codes, scale, zero, group_of):
    return (codes - zero[:, group_of]) * scale[:, group_of]


def neighbours(w, group):
    return np.arange(w.shape[1]) // (group or w.shape[1])


def shuffled(w, group):
    """Groups of columns in the order of activations."""
    return np.random.default_rng(w.shape[1]).permutation(neighbours(w, group))


def transposed(stored):
    kind, shape, data = stored
    return tensor(kind, np.frombuffer(data, {"F32": np.float32}.get(kind, np.uint16)).reshape(shape).T)


def awq(group=32):
    def make(module, w):
        group_of = neighbours(w, group)
        codes, stored, scale, zero = integers(w, 4, group_of, False, "F16")
        order = np.arange(w.shape[0]).reshape(-1, 8)[:, [0, 2, 4, 6, 1, 3, 5, 7]].ravel()
        return {
            module + ".qweight": tensor("I32", pack(codes.T[:, order], 4, 1)),
            module + ".qzeros": tensor("I32", pack(zero.T[:, order], 4, 1)),
            module + ".scales": transposed(stored),
        }, numbers(codes, scale, zero, group_of)

    return make


def gptq(bits=4, symmetric=True, order=None, keeps_zeros=False, with_bias=False, kind="F16"):
    def make(module, w):
        group_of = (order or neighbours)(w, 32)
        codes, stored, scale, zero = integers(w, bits, group_of, symmetric, kind)
        tensors = {
            module + ".qweight": tensor("I32", pack(codes.T, bits, 0)),
            module + ".qzeros": tensor("I32", pack(zero.T - (not keeps_zeros), bits, 1)),
            module + ".scales": transposed(stored),
        }
        if order:
            tensors[module + ".g_idx"] = tensor("I32", group_of.astype(np.int32))
        if with_bias:
            tensors[module + ".bias"] = tensor("F16", np.zeros(w.shape[0], np.float16))
        return tensors, numbers(codes, scale, zero, group_of)

    return make


def compressed(bits=4, symmetric=True, order=None, group=32, kind="BF16"):
    def make(module, w):
        group_of = (order or neighbours)(w, group)
        codes, stored, scale, zero = integers(w, bits, group_of, symmetric, kind)
        tensors = {
            module + ".weight_packed": tensor("I32", pack(codes, bits, 1)),
            module + ".weight_scale": stored,
            module + ".weight_shape": tensor("I64", np.array(w.shape, np.int64)),
        }
        if not symmetric:
            tensors[module + ".weight_zero_point"] = tensor("I32", pack(zero, bits, 0))
        if order:
            tensors[module + ".weight_g_idx"] = tensor("I32", group_of.astype(np.int32))
        return tensors, numbers(codes, scale, zero, group_of)

    return make


E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6])


def encode_e2m1(x):
    return np.abs(np.abs(x)[..., None] - E2M1).argmin(-1) + 8 * np.signbit(x)


def decode_e2m1(codes):
    return np.where(codes & 8, -1, 1) * E2M1[codes & 7]


def nvfp4(codes_name, global_name, is_divisor):
    def make(module, w):
        blocks = w.reshape(w.shape[0], -1, 16)
        whole = np.float32(np.abs(w).max() / (6 * 448))
        whole = np.float32(1 / whole) if is_divisor else whole
        factor = 1 / np.float64(whole) if is_divisor else np.float64(whole)
        scales = encode_e4m3(np.abs(blocks).max(-1) / 6 / factor)
        scale = decode_e4m3(scales.tobytes()).reshape(scales.shape)[..., None]
        codes = encode_e2m1(blocks / np.where(scale == 0, 1, scale * factor))
        values = decode_e2m1(codes) * scale
        return {
            module + codes_name: tensor("U8", pack(codes.reshape(w.shape), 4, 1, np.uint8)),
            module + ".weight_scale": tensor("F8_E4M3", scales),
            module + global_name: tensor("F32", np.array([whole], np.float32).reshape([1] if is_divisor else [])),
        }, (values / np.float64(whole) if is_divisor else values * factor).reshape(w.shape)

    return make


def microscaled(codes_name, kind, encode_element, decode_element, largest, bits):
    def make(module, w):
        blocks = w.reshape(w.shape[0], -1, 32)
        power = np.ceil(np.log2(np.abs(blocks).max(-1) / largest))
        codes = encode_element(blocks / 2 ** power[..., None])
        container = "U8" if bits == 4 else "F8_E4M3"
        return {
            module + codes_name: tensor(container, pack(codes.reshape(w.shape), bits, 1, np.uint8)),
            module + ".weight_scale": tensor(kind, (power + 127).astype(np.uint8)),
        }, (decode_element(codes) * 2 ** power[..., None]).reshape(w.shape)

    return make


def int8(module, w):
    stored, scale = encode(np.abs(w).max(1, keepdims=True) / 127, "BF16")
    codes = np.clip(np.round(w / scale), -128, 127).astype(np.int8)
    return {module + ".weight": tensor("I8", codes), module + ".weight_scale": stored}, codes * scale


def table_e4m3(codes):
    return decode_e4m3(codes.astype(np.uint8).tobytes()).reshape(codes.shape)


def packed(group):
    weights = {"num_bits": 4, "type": "int", "strategy": "group", "group_size": group}
    return {
        "quant_method": "compressed-tensors", "format": "pack-quantized", "ignore": ["lm_head"],
        "config_groups": {"group_0": {"targets": ["Linear"], "weights": weights}},
    }  # fmt: skip


PACKED = packed(32)
GPTQ = {"quant_method": "gptq", "bits": 4, "group_size": 32, "desc_act": False, "sym": True, "checkpoint_format": "gptq"}
AWQ = {"quant_method": "awq", "bits": 4, "group_size": 32, "version": "gemm", "zero_point": True}
FORMS = {
    "awq": (awq(), AWQ),
    "awq-80": (awq(80), {**AWQ, "group_size": 80}),
    "gptq": (gptq(), GPTQ),
    "gptq-act-order": (gptq(order=shuffled), {**GPTQ, "desc_act": True}),
    "gptq-asymmetric": (gptq(symmetric=False, order=neighbours, with_bias=True), {**GPTQ, "sym": False}),
    "gptq-v2": (gptq(symmetric=False, keeps_zeros=True), {**GPTQ, "sym": False, "checkpoint_format": "gptq_v2"}),
    "gptq-8-bits": (gptq(bits=8, order=shuffled, kind="BF16"), {**GPTQ, "bits": 8}),
    "gptq-2-bits": (gptq(bits=2, symmetric=False), {**GPTQ, "bits": 2, "sym": False}),
    "compressed": (compressed(), PACKED),
    "compressed-80": (compressed(group=80), packed(80)),
    "compressed-asymmetric": (compressed(symmetric=False, kind="F16"), PACKED),
    "compressed-act-order": (compressed(order=shuffled), PACKED),
    "compressed-channel": (compressed(bits=8, group=None, kind="F32"), PACKED),
    "nvfp4-modelopt": (nvfp4(".weight", ".weight_scale_2", False), {"quant_method": "modelopt", "quant_algo": "NVFP4"}),
    "nvfp4-compressed": (nvfp4(".weight_packed", ".weight_global_scale", True), {**PACKED, "format": "nvfp4-pack-quantized"}),
    "mxfp4-compressed": (microscaled(".weight_packed", "U8", encode_e2m1, decode_e2m1, 6, 4), {**PACKED, "format": "mxfp4-pack-quantized"}),
    "mxfp4-quark": (microscaled(".weight", "F8_E8M0", encode_e2m1, decode_e2m1, 6, 4), {"quant_method": "quark"}),
    "mxfp8": (microscaled(".weight", "U8", encode_e4m3, table_e4m3, 448, 8), {"quant_method": "modelopt", "quant_algo": "MXFP8"}),
    "int8": (int8, {**PACKED, "format": "int-quantized"}),
}
