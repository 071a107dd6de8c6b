"""Elements of tensors of safetensors files as numpy arrays of float64, and back."""
import numpy as np


def decode_e4m3(data):
    bits = np.frombuffer(data, np.uint8)
    exponent, mantissa = (bits >> 3 & 15).astype(int), (bits & 7).astype(np.float64)
    size = np.where(exponent > 0, (8 + mantissa) * 2.0 ** (exponent - 10), mantissa * 2.0**-9)
    return np.where(bits & 128, -size, size)


def decode(kind, shape, data):
    if kind == "F8_E4M3":
        return decode_e4m3(data).reshape(shape)
    if kind == "BF16":
        return (np.frombuffer(data, np.uint16).astype(np.uint32) << 16).view(np.float32).reshape(shape).astype(np.float64)
    return np.frombuffer(data, {"F32": np.float32, "F16": np.float16}[kind]).reshape(shape).astype(np.float64)


def encode(numbers, kind):
    """Return the tensor, and the numbers that it holds."""
    if kind == "BF16":
        data = (numbers.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16).tobytes()
    else:
        data = numbers.astype({"F32": np.float32, "F16": np.float16}[kind]).tobytes()
    return [kind, numbers.shape, data], decode(kind, numbers.shape, data)


def encode_e4m3(numbers):
    """Round to nearest, ties to even codes. The numbers are at most 448."""
    values = decode_e4m3(np.arange(127, dtype=np.uint8).tobytes())  # of the codes 0 to 126, in order
    sizes = np.abs(numbers)
    above = np.clip(np.searchsorted(values, sizes), 1, 126)
    below, half = above - 1, (values[above - 1] + values[above]) / 2
    code = np.where((sizes > half) | ((sizes == half) & (above % 2 == 0)), above, below)
    return (code | np.where(np.signbit(numbers), 128, 0)).astype(np.uint8)
