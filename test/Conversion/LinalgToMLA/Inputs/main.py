"""main.py: copies a module with @layer of layer.mlir, and adds a @main that calls it and prints the result.
main.py A B: compares two printed results, with a tolerance of 1e-5 of the largest number.
"""
import math
import re
import sys

SHAPES = [(4, 8), (2, 8, 8), (9, 8), (5,), (2, 4, 5), (2, 3, 5), (8, 6), (4, 5)]


def nested(values, shape):
    if not shape:
        return f"{values.pop(0):.6f}"
    return "[" + ", ".join(nested(values, shape[1:]) for _ in range(shape[0])) + "]"


def numbers(path):
    data = open(path).read().split("data =")[1]
    return [float(x) for x in re.findall(r"-?(?:inf|nan|\d+(?:\.\d+)?(?:e[+-]?\d+)?)", data)]


if len(sys.argv) > 1:
    a, b = map(numbers, sys.argv[1:])
    error = max(abs(x - y) for x, y in zip(a, b, strict=True)) / max(map(abs, a))
    print(f"largest difference {error:.1e}")
    sys.exit(not error <= 1e-5)

module = sys.stdin.read()
lines, types = [], []
for index, shape in enumerate(SHAPES):
    size = math.prod(shape)
    values = [math.sin(1.7 * i + 0.9 * index + 0.01 * i * i) for i in range(size)]
    types.append(f"tensor<{'x'.join(map(str, shape))}xf32>")
    lines.append(f"    %a{index} = arith.constant dense<{nested(values, shape)}> : {types[-1]}")
arguments = ", ".join(f"%a{i}" for i in range(len(SHAPES)))
lines += [f"    %r = call @layer({arguments}) : ({', '.join(types)}) -> tensor<4x8xf32>",
          "    %p = tensor.cast %r : tensor<4x8xf32> to tensor<*xf32>",
          "    call @printMemrefF32(%p) : (tensor<*xf32>) -> ()"]
end = module.rindex("}")
body = "\n".join(lines)
print(module[:end] + '  func.func private @printMemrefF32(tensor<*xf32> {bufferization.access = "read"})\n'
      f"  func.func @main() {{\n{body}\n    return\n  }}\n}}")
