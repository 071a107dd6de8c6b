"""Compares kernels that join rows, that pass rows on and that gate them with numpy; cases of check_decoder.py."""
import numpy as np

from checks import report
from decoder_cases import TOKENS, function, run_twice, sizes_of, sliced, tensor
from device_arrays import from_bits, to_bits

#===-- rows of two parts, and choices that return their input ------------------------------------------------------------------===#

JOINS = {"join": (128, 128), "join_wide": (1032, 2056), "join_narrow": (8, 264)}


def join_module(name):
    left, right = JOINS[name]
    whole = tensor("?", left + right)
    return function("case", f"%hidden: {whole}", f"%t = tensor.dim %hidden, %c0 : {whole}\n" +
                    sliced("left", "hidden", [left + right], 0, left, "bf16") + sliced("right", "hidden", [left + right], left, right, "bf16") +
                    f"%y = tensor.concat dim(1) %right, %left : ({tensor('?', right)}, {tensor('?', left)}) -> {whole}\n")


def run_join(name):
    left, right = JOINS[name]
    for tokens in TOKENS:
        hidden = to_bits(np.random.default_rng(5).standard_normal((tokens, left + right)))
        found, = run_twice(name, sizes_of(tokens), {"hidden": hidden}, [((tokens, left + right), "bfloat16")])
        report((found == np.roll(hidden, right, axis=1)).all(), f"{name} of {tokens} tokens differs")
        report((found != hidden).any(), f"{name}: parts in another order are not seen")


# Columns, choices of twelve scores, and the first number that is no expert.
PASSES = {"pass": (128, 3, 8), "pass_wide": (2056, 5, 6), "pass_none": (264, 2, 12)}


def pass_module(name):
    width, chosen, first = PASSES[name]
    whole, row, logits = (tensor("?", size, element="f32") for size in (width + 16, width, 12))
    x, gamma, numbers, weights = tensor("?", width), tensor(width, element="f32"), tensor("?", chosen, element="i32"), tensor("?", chosen, element="f32")
    return function("case", f"%hidden: {whole}", f"%t = tensor.dim %hidden, %c0 : {whole}\n" +
                    sliced("row", "hidden", [width + 16], 0, width, "f32") + sliced("logits", "hidden", [width + 16], width, 12, "f32") +
                    f'%gamma = mla.weight "gamma" : {gamma}\n'
                    f"%x = mla.rms_norm %row, %gamma {{epsilon = 1.0e-6 : f64}} : {row}, {gamma} -> {x}\n"
                    f"%e, %f = mla.route softmax %logits : {logits} -> {numbers}, {weights}\n"
                    f"%y = mla.pass_choices %x of %e weighted %f from {first} : ({x}, {numbers}, {weights}) -> {x}\n")


def run_pass(name):
    width, chosen, first = PASSES[name]
    rng = np.random.default_rng(6)
    for tokens in TOKENS:
        contents = {"hidden": rng.standard_normal((tokens, width + 16)).astype(np.float32), "weight:gamma": np.ones(width, np.float32)}
        x, numbers, weights, found = run_twice(name, sizes_of(tokens), contents, [((tokens, width), "bfloat16"), ((tokens, chosen), "int32"),
                                                                                  ((tokens, chosen), "float32"), ((tokens, width), "bfloat16")])
        passed = lambda least: from_bits(x) * np.where(numbers >= least, weights, 0).sum(axis=1, keepdims=True)
        report(np.allclose(from_bits(found), passed(first), rtol=2**-7, atol=1e-30), f"{name} of {tokens} tokens differs")
        report(not np.allclose(from_bits(found), passed(0), rtol=2**-7, atol=1e-30), f"{name}: other choices are not seen")


#===-- gates -----------------------------------------------------------------------------------------------------------------===#

# Heads, columns, whether there is one gate per head, elements of x and of the gate.
GATES = {"gate": (3, 264, False, "bf16", "bf16"), "gate_heads": (5, 136, True, "bf16", "bf16"), "gate_f32": (2, 8, False, "f32", "bf16"),
         "gate_heads_f32": (4, 128, True, "bf16", "f32")}


def gate_module(name):
    heads, width, per_head, *elements = GATES[name]
    x, y = tensor("?", heads, width, element=elements[0]), tensor("?", heads, width)
    gate, buffer = tensor("?", heads, *([] if per_head else [width]), element=elements[1]), "k_rope" if per_head else "v"
    # Of a core, which may have arguments of two and three dimensions.
    return (f'func.func @naive_attention(%x: {x} {{mla.buffer = "k_nope"}}, %g: {gate} {{mla.buffer = "{buffer}"}}) {{\n'
            f"%y = mla.gate %x by %g : ({x}, {gate}) -> {y}\nreturn\n}}\n")


def run_gate(name):
    heads, width, per_head, *elements = GATES[name]
    rng = np.random.default_rng(7)
    for tokens in TOKENS:
        shapes = (tokens, heads, width), (tokens, heads, *([] if per_head else [width]))
        x, gate = (rng.standard_normal(shape) * 4 for shape in shapes)
        gate[..., 0] = [-100, 100, 0][tokens % 3]  # no overflow becomes NaN
        stored = [to_bits(values) if element == "bf16" else values.astype(np.float32) for values, element in zip((x, gate), elements)]
        x, gate = (from_bits(bits) if element == "bf16" else bits.astype(np.float64) for bits, element in zip(stored, elements))
        found, = run_twice(name, sizes_of(tokens), {"k_nope": stored[0], "k_rope" if per_head else "v": stored[1]},
                           [((tokens, heads, width), "bfloat16")], "naive_attention")
        factor = 1 / (1 + np.exp(-gate)).reshape(*gate.shape, *([1] if per_head else []))
        report(np.allclose(from_bits(found), x * factor, rtol=2**-8, atol=1e-30), f"{name} of {tokens} tokens differs")
        report(not np.allclose(from_bits(found), x * np.roll(factor, 1, axis=1), rtol=2**-8, atol=1e-30), f"{name}: other heads' gates are not seen")


KINDS = {name: kind for names, kind in ((JOINS, (join_module, run_join)), (PASSES, (pass_module, run_pass)), (GATES, (gate_module, run_gate)))
         for name in names}
