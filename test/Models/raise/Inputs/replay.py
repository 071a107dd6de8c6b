"""Runs @attention of a module on the numbers that export.py wrote.

replay.py main GOLDEN CASE                 standard input, a module, with a @main that calls it and prints the result
replay.py compare GOLDEN CASE TOLERANCE    compares standard input, the output of that, with the results of transformers
                                           (relative L2)
"""
import json
import re
import struct
import sys

import numpy as np

NUMPY = {"F32": "<f4", "I64": "<i8"}
MLIR = {"float32": "f32", "bfloat16": "bf16", "int64": "i64"}


def load(path):
    data = open(path, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        bytes_ = data[8 + size + begin : 8 + size + end]
        tensors[name] = np.frombuffer(bytes_, NUMPY[entry["dtype"]]).reshape(entry["shape"])
    return tensors, metadata


def constant(index, x, dtype):
    """Return the elements, which are exact in bfloat16: the upper half of a float32."""
    element = MLIR[dtype if x.dtype == np.float32 else str(x.dtype)]
    bits = (x.view(np.uint32) >> 16).astype("<u2") if element == "bf16" else x
    tensor = f"tensor<{'x'.join(map(str, x.shape))}x{element}>"
    return f'    %a{index} = arith.constant dense<"0x{bits.tobytes().hex()}"> : {tensor}', tensor


def add_main(module, tensors, case):
    lines, types = [], []
    for index, name in enumerate(case["arguments"]):
        x = tensors[name]
        if name in ("hidden", "positions"):
            x = x[: case["batch"]]
        line, tensor = constant(index, np.ascontiguousarray(x), case["dtype"])
        lines.append(line)
        types.append(tensor)
    result = types[0]
    wide = result.replace("bf16", "f32")
    lines.append(f"    %r = call @attention({', '.join(f'%a{i}' for i in range(len(types)))}) : "
                 f"({', '.join(types)}) -> {result}")
    if wide != result:
        lines.append(f"    %w = arith.extf %r : {result} to {wide}")
    lines.append(f"    %p = tensor.cast %{'w' if wide != result else 'r'} : {wide} to tensor<*xf32>")
    lines.append("    call @printMemrefF32(%p) : (tensor<*xf32>) -> ()")
    body = "\n".join(lines)
    printer = '  func.func private @printMemrefF32(tensor<*xf32> {bufferization.access = "read"})'
    main = f"{printer}\n  func.func @main() {{\n{body}\n    return\n  }}\n"
    # Before the module's last brace, which resources follow.
    end = module.rindex("}", 0, module.find("\n{-#") if "\n{-#" in module else len(module))
    return module[:end] + main + module[end:]


def compare(printed, expected, tolerance):
    numbers = re.findall(r"-?(?:inf|nan|\d+(?:\.\d+)?(?:e[+-]?\d+)?)", printed.split("data =")[1])
    got = np.array(numbers, dtype=np.float64)
    want = expected.reshape(-1).astype(np.float64)
    if got.shape != want.shape:
        sys.exit(f"error: {got.size} numbers were printed; {want.size} are expected")
    error = np.linalg.norm(got - want) / np.linalg.norm(want)
    print(f"relative error {error:.2e}, tolerance {tolerance:.2e}")
    sys.exit(not error <= tolerance)


def main():
    mode, golden, name = sys.argv[1:4]
    tensors, metadata = load(golden)
    case = json.loads(metadata[name])
    if mode == "main":
        sys.stdout.write(add_main(sys.stdin.read(), tensors, case))
    else:
        compare(sys.stdin.read(), tensors[f"{name}.out"], float(sys.argv[4]))


if __name__ == "__main__":
    main()
