"""Functions of operations whose kernels are launched without a bundle (kernel_module.py), and a run of them."""
import checks
import kernel_module
from checks import report
from device_arrays import Arena

TOKENS = (1, 5, 33)


def tensor(*sizes, element="bf16"):
    return f"tensor<{'x'.join(map(str, sizes))}x{element}>"


def function(name, arguments, body):
    return f"func.func @{name}({arguments}) attributes {{{kernel_module.REGIME}}} {{\n%c0 = arith.constant 0 : index\n{body}return\n}}\n"


def extended(result, x, shape, element):
    """x in f32."""
    return f"%{result} = arith.extf %{x} : {tensor('?', *shape)} to {tensor('?', *shape, element='f32')}\n" if element == "bf16" else ""


def sliced(result, source, wide, first, count, element):
    """Columns of a tensor of T rows."""
    middle = "".join(f", {size}" for size in wide[:-1])
    offsets, strides = ", ".join("0" for _ in wide), ", ".join("1" for _ in range(len(wide) + 1))
    return (f"%{result} = tensor.extract_slice %{source}[{offsets}, {first}] [%t{middle}, {count}] [{strides}] : "
            f"{tensor('?', *wide, element=element)} to {tensor('?', *wide[:-1], count, element=element)}\n")


def run_twice(name, sizes, contents, shapes, function="case"):
    """Return the results of the function, which must be the same with memory after each array."""
    results, touched = [], []
    for band in (0, 8192):
        module = kernel_module.KernelModule(checks.directory / name)
        with Arena(band) as arena:
            buffers = {key: arena.given(key, value) for key, value in contents.items()}
            made = module.run(function, sizes, buffers, arena, shapes)
            checks.synchronize()
            results.append([arena.read(array) for array in made])
            touched += arena.touched()
        module.close()
    report(all(a.tobytes() == b.tobytes() for a, b in zip(*results)) and not touched, f"{name}: differs in another place, or touched {touched}")
    return results[0]


def sizes_of(tokens):
    return {"tokens": tokens, "cached": tokens, "batch": tokens - 1}  # lengths, which stand for ids, are one more than sequences
