"""Compares the small kernels of a decoder with numpy: rows of a table, sums, SwiGLU, norms of the stream, and routers.

A case is a function of operations whose kernels are launched without a bundle (kernel_module.py); results are scratch memory."""
import dataclasses

import numpy as np

import check_rows
import checks
import kernel_module
from checks import report
from decoder_cases import TOKENS, extended, function, run_twice, sizes_of, sliced, tensor
from device_arrays import from_bits, to_bits

#===-- rows of a table -------------------------------------------------------------------------------------------------------===#

EMBEDDINGS = {"embed": (320, 128), "embed_narrow": (7, 8), "embed_wide": (129, 2056)}


def embed_module(name):
    rows, width = EMBEDDINGS[name]
    return function("case", f"%hidden: {tensor('?', 8)}, %ids: tensor<?xi32>",
                    f'%table = mla.weight "table" : {tensor(rows, width)}\n'
                    f"%y = mla.embed %ids, %table : {tensor(rows, width)} -> {tensor('?', width)}\n")


def run_embed(name):
    rows, width = EMBEDDINGS[name]
    rng = np.random.default_rng(0)
    table = to_bits(rng.standard_normal((rows, width)))
    for tokens in TOKENS:
        ids = rng.integers(0, rows, tokens).astype(np.int32)
        ids[1:5] = [-1, rows, 2**31 - 1, -(2**31)][:max(tokens - 1, 0)]
        found, = run_twice(name, sizes_of(tokens), {"hidden": np.zeros((tokens, 8), np.uint16), "cu_seqlens": ids, "weight:table": table},
                           [((tokens, width), "bfloat16")])
        is_row = (ids >= 0) & (ids < rows)
        expected = np.where(is_row[:, None], table[np.where(is_row, ids, 0)], np.uint16(0))
        report((found == expected).all(), f"{name} of {tokens} tokens: rows {np.flatnonzero((found != expected).any(axis=1))} differ")
        report((found != table[ids % rows]).any() or tokens == 1, f"{name}: ids that are no rows are not seen")


#===-- sums ------------------------------------------------------------------------------------------------------------------===#

# Trees of terms: columns of the hidden states.
SUMS = {
    "sum_bf16": (264, "bf16", (0, 1)),
    "sum_f32": (1032, "f32", (0, 1)),
    "sum_chain": (128, "f32", (((0, 1), 2), 3)),
    "sum_tree": (128, "bf16", ((0, 1), (2, (1, 3)))),
}


def count_terms(tree):
    return tree + 1 if isinstance(tree, int) else max(map(count_terms, tree))


def add(tree, terms, place):
    """Add up the terms of a tree by place(name of left, name of right)."""
    return terms[tree] if isinstance(tree, int) else place(*(add(part, terms, place) for part in tree))


def sum_module(name):
    width, element, tree = SUMS[name]
    count, lines = count_terms(tree), []
    whole = tensor("?", count * width, element=element)
    body = f"%t = tensor.dim %hidden, %c0 : {whole}\n"
    for i in range(count):
        body += sliced(f"s{i}", "hidden", [count * width], i * width, width, element)

    def operand(value):  # each use has its own cast
        if value[0] != "s" or element == "f32":
            return value
        lines.append(extended(f"e{len(lines)}", value, [width], element))
        return f"e{len(lines) - 1}"

    def place(left, right):
        left, right = operand(left), operand(right)
        lines.append(f"%a{len(lines)} = arith.addf %{left}, %{right} : {tensor('?', width, element='f32')}\n")
        return f"a{len(lines) - 1}"

    result = add(tree, [f"s{i}" for i in range(count)], place)
    rounded = f"%y = arith.truncf %{result} : {tensor('?', width, element='f32')} to {tensor('?', width)}\n"
    return function("case", f"%hidden: {whole}", body + "".join(lines) + rounded)


def run_sum(name):
    width, element, tree = SUMS[name]
    rng, count = np.random.default_rng(1), count_terms(tree)
    for tokens in TOKENS:
        # Far apart, and some cancel, so that another order has another result.
        values = rng.standard_normal((tokens, count, width)) * np.exp(rng.uniform(-9, 9, (tokens, count, width)))
        if count > 2:
            values[:, 2, ::2] = -values[:, 0, ::2]
        hidden = to_bits(values) if element == "bf16" else values.astype(np.float32)
        found, = run_twice(name, sizes_of(tokens), {"hidden": hidden.reshape(tokens, -1)}, [((tokens, width), "bfloat16")])
        terms = [(from_bits(hidden) if element == "bf16" else hidden)[:, i].astype(np.float32) for i in range(count)]
        expected = to_bits(add(tree, terms, np.add))
        report((found == expected).all(), f"{name} of {tokens} tokens: {(found != expected).sum()} elements differ")
        other = to_bits(add(tree, terms[::-1] if count > 2 else [terms[0], terms[0]], np.add))
        report((found != other).any(), f"{name}: other terms are not seen")


#===-- SwiGLU ----------------------------------------------------------------------------------------------------------------===#

SWIGLUS = {"swiglu": (0, 264, "bf16"), "swiglu_f32": (0, 128, "f32"), "swiglu_choices": (3, 1032, "bf16"), "swiglu_narrow": (5, 8, "bf16")}


def swiglu_module(name):
    choices, width, element = SWIGLUS[name]
    wide = [choices, 2 * width] if choices else [2 * width]
    x = tensor("?", *wide, element=element)
    half = tensor("?", *wide[:-1], width, element=element)
    body = (f"%t = tensor.dim %x, %c0 : {x}\n" + sliced("gate", "x", wide, 0, width, element) + sliced("up", "x", wide, width, width, element) +
            f"%y = mla.swiglu %gate, %up : {half} -> {tensor('?', *wide[:-1], width)}\n")
    if not choices:
        return function("case", f"%x: {x}", body)
    # Of a core, which may have arguments of three dimensions.
    return f'func.func @naive_attention(%x: {x} {{mla.buffer = "k_nope"}}) {{\n%c0 = arith.constant 0 : index\n{body}return\n}}\n'


def run_swiglu(name):
    choices, width, element = SWIGLUS[name]
    rng = np.random.default_rng(2)
    for tokens in TOKENS:
        x = rng.standard_normal((tokens, max(choices, 1), 2, width)) * 4
        x[:, :, 0, :4] = [-100, 100, -0.0, 1e-20]  # no overflow becomes NaN
        stored = to_bits(x) if element == "bf16" else x.astype(np.float32)
        x = from_bits(stored) if element == "bf16" else stored.astype(np.float64)
        shape = (tokens, choices, width) if choices else (tokens, width)
        found, = run_twice(name, sizes_of(tokens), {"k_nope" if choices else "hidden": stored.reshape(*shape[:-1], 2 * width)},
                           [(shape, "bfloat16")], "naive_attention" if choices else "case")
        gate, up = x[:, :, 0], x[:, :, 1]
        found, expected = from_bits(found).reshape(gate.shape), gate / (1 + np.exp(-gate)) * up
        error = np.abs(found - expected).max() / np.abs(expected).max()
        exact = np.allclose(found, expected, rtol=2**-8, atol=1e-30)
        report(exact, f"{name} of {tokens} tokens: error {error:.1e}")
        report(not np.allclose(found, up / (1 + np.exp(-up)) * gate, rtol=2**-8, atol=1e-30), f"{name}: swapped operands are not seen")


#===-- norms -----------------------------------------------------------------------------------------------------------------===#

# Rows of the stream, of which a warp or a CTA has one.
NORMS = {"norm": (2048, "bf16"), "norm_wide": (7168, "bf16"), "norm_f32": (2080, "f32"), "norm_undivided": (2056, "bf16")}


def norm_module(name):
    width, element = NORMS[name]
    x, gamma = tensor("?", width, element=element), tensor(width, element="f32")
    return function("case", f"%x: {x}", f'%gamma = mla.weight "gamma" : {gamma}\n'
                    f"%y = mla.rms_norm %x, %gamma {{epsilon = 1.0e-6 : f64}} : {x}, {gamma} -> {tensor('?', width)}\n")


def run_norm(name):
    width, element = NORMS[name]
    rng = np.random.default_rng(4)
    gamma = (1 + 0.1 * rng.standard_normal(width)).astype(np.float32)
    for tokens in TOKENS:
        x = rng.standard_normal((tokens, width)) * np.exp(rng.uniform(-9, 9, (tokens, 1)))
        x[0, width - 1] = 1e3  # of one part
        stored = to_bits(x) if element == "bf16" else x.astype(np.float32)
        x = from_bits(stored) if element == "bf16" else stored.astype(np.float64)
        found, = run_twice(name, sizes_of(tokens), {"hidden": stored, "weight:gamma": gamma}, [((tokens, width), "bfloat16")])
        found, scaled = from_bits(found), x / np.sqrt((x * x).mean(axis=1, keepdims=True) + 1e-6)
        report(np.allclose(found, gamma * scaled, rtol=2**-8, atol=1e-30), f"{name} of {tokens} tokens: another norm")
        report(not np.allclose(found, np.roll(gamma, 8) * scaled, rtol=2**-8, atol=1e-30), f"{name}: another gamma is not seen")


#===-- norms of sums ---------------------------------------------------------------------------------------------------------===#

# Rows of terms, which something else reads too if the sum is stored.
NORMS_OF_SUMS = {
    "normsum": (2048, "bf16", ((0, 1), 2), True),
    "normsum_wide": (7168, "bf16", (0, 1), True),
    "normsum_f32": (1032, "f32", (0, 1), True),
    "normsum_narrow": (8, "bf16", (0, 1), True),
    "normsum_undivided": (2056, "bf16", (0, (1, 2)), True),
    "normsum_only": (520, "bf16", (0, 1), False),
}


def norm_of_sum_module(name):
    width, element, tree, stored = NORMS_OF_SUMS[name]
    count, f32 = count_terms(tree), tensor("?", width, element="f32")
    whole, gamma = tensor("?", count * width, element=element), tensor(width, element="f32")
    lines, values = [f"%t = tensor.dim %hidden, %c0 : {whole}\n"], []
    for i in range(count + stored):  # the last is the first term again, for the other reader
        lines.append(sliced(f"s{i}", "hidden", [count * width], i % count * width, width, element))
        lines.append(extended(f"e{i}", f"s{i}", [width], element))
        values.append(f"e{i}" if element == "bf16" else f"s{i}")

    def place(left, right):
        lines.append(f"%a{len(lines)} = arith.addf %{left}, %{right} : {f32}\n")
        return f"a{len(lines) - 1}"

    x = add(tree, values, place)
    lines.append(f'%gamma = mla.weight "gamma" : {gamma}\n'
                 f"%y = mla.rms_norm %{x}, %gamma {{epsilon = 1.0e-6 : f64}} : {f32}, {gamma} -> {f32}\n")
    if stored:
        lines.append(f"%z = arith.addf %{x}, %{values[count]} : {f32}\n%r = arith.truncf %z : {f32} to {tensor('?', width)}\n")
    return function("case", f"%hidden: {whole}", "".join(lines))


def run_norm_of_sum(name):
    width, element, tree, stored = NORMS_OF_SUMS[name]
    rng, count = np.random.default_rng(6), count_terms(tree)
    gamma = (1 + 0.1 * rng.standard_normal(width)).astype(np.float32)
    for tokens in TOKENS:
        values = rng.standard_normal((tokens, count, width)) * np.exp(rng.uniform(-3, 3, (tokens, count, 1)))
        hidden = to_bits(values) if element == "bf16" else values.astype(np.float32)
        terms = [(from_bits(hidden) if element == "bf16" else hidden)[:, i].astype(np.float32) for i in range(count)]
        found, *others = run_twice(name, sizes_of(tokens), {"hidden": hidden.reshape(tokens, -1), "weight:gamma": gamma},
                                   [((tokens, width), "bfloat16")] * (3 if stored else 1))
        x = add(tree, terms, np.add)
        for what, result, expected in zip(("sum", "reader's sum"), others, (to_bits(x), to_bits(from_bits(to_bits(x)) + terms[0]))):
            report((result == expected).all(), f"{name} of {tokens} tokens: {(result != expected).sum()} elements of the {what} differ")

        def norm(rows):
            rows = rows.astype(np.float64)
            return gamma * rows / np.sqrt((rows * rows).mean(axis=1, keepdims=True) + 1e-6)

        same = [np.allclose(from_bits(found), norm(rows), rtol=2**-8, atol=1e-30) for rows in (x, terms[0])]
        report(same[0], f"{name} of {tokens} tokens: another norm")
        report(not same[1], f"{name}: a norm of one term is not seen")


#===-- direct products -------------------------------------------------------------------------------------------------------===#


@dataclasses.dataclass
class Direct:
    rows: int
    columns: int
    heads: int = 0  # 0: a plain projection
    border: int = 0  # rows of the first of two weights
    element: str = "bf16"


DIRECT = {
    "direct": Direct(24, 2048),
    "direct_narrow": Direct(40, 8),
    "direct_wide": Direct(8, 7168),
    "direct_parts": Direct(72, 328),  # neither the lanes nor the CTAs are full
    "direct_f32": Direct(16, 136, element="f32"),
    "direct_border": Direct(200, 160, border=128),
    "direct_heads": Direct(40, 48, heads=3),
}
SKIPPED = 8  # columns in front of those that a head multiplies


def direct_module(name):
    d = DIRECT[name]
    wide = d.columns + SKIPPED if d.heads else d.columns
    x, y = tensor("?", max(d.heads, 1) * wide), tensor("?", *([d.heads] if d.heads else []), d.rows, element=d.element)
    weights = [(f"w{i}", tensor(*([d.heads] if d.heads else []), rows, d.columns)) for i, rows in enumerate([d.border, d.rows - d.border] if d.border else [d.rows])]
    body = "".join(f'%{weight} = mla.weight "{weight}" : {shape}\n' for weight, shape in weights)
    body += (f'%y = mla.kernel projection "y"(%a = %hidden, {", ".join(f"%{weight}i = %{weight}" for weight, _ in weights)}) schedule <projection, {{direct = 1}}> : '
             f'({x}, {", ".join(shape for _, shape in weights)}) -> {y} {{\n')
    operand, shape, weight, heads = "a", x, "w0i", ""
    if d.heads:
        split, shape, heads = tensor("?", d.heads, wide), tensor("?", d.heads, d.columns), "per_head "
        body += (f"%z = arith.constant 0 : index\n%t = tensor.dim %a, %z : {x}\n"
                 f"%h = tensor.expand_shape %a [[0], [1, 2]] output_shape [%t, {d.heads}, {wide}] : {x} into {split}\n"
                 f"%s = tensor.extract_slice %h[0, 0, {SKIPPED}] [%t, {d.heads}, {d.columns}] [1, 1, 1] : {split} to {shape}\n")
        operand = "s"
    whole = tensor(*([d.heads] if d.heads else []), d.rows, d.columns)
    if d.border:
        body += f"%w = tensor.concat dim(0) %w0i, %w1i : ({weights[0][1]}, {weights[1][1]}) -> {whole}\n"
        weight = "w"
    body += f"%r = mla.project {heads}%{operand}, %{weight} : ({shape}, {whole}) -> {y}\nmla.yield %r : {y}\n}}\n"
    return f"func.func @case(%hidden: {x}) attributes {{{kernel_module.REGIME}}} {{\n{body}return\n}}\n"


def run_direct(name):
    d, rng = DIRECT[name], np.random.default_rng(7)
    heads, wide = max(d.heads, 1), d.columns + (SKIPPED if d.heads else 0)
    weights = to_bits(rng.standard_normal((heads, d.rows, d.columns)))
    given = {"weight:w0": weights[:, :d.border or d.rows], **({"weight:w1": weights[:, d.border:]} if d.border else {})}
    for tokens in TOKENS:
        hidden = to_bits(rng.standard_normal((tokens, heads, wide)))
        shape = (tokens, heads, d.rows) if d.heads else (tokens, d.rows)
        stored = "bfloat16" if d.element == "bf16" else "float32"
        found, = run_twice(name, sizes_of(tokens), {"hidden": hidden.reshape(tokens, -1)} | given, [(shape, stored)])
        found = (from_bits(found) if d.element == "bf16" else found).astype(np.float64).reshape(tokens, heads, d.rows)
        x, w = from_bits(hidden).astype(np.float64)[..., wide - d.columns:], from_bits(weights).astype(np.float64)
        relative, absolute = 2**-8 if d.element == "bf16" else 0, 1e-5 * np.sqrt(d.columns)

        def differs(rows):
            return not np.allclose(found, np.einsum("thk,hnk->thn", x, rows), rtol=relative, atol=absolute)

        report(not differs(w), f"{name} of {tokens} tokens: another product")
        report(differs(np.roll(w, 1, axis=1)), f"{name}: other rows are not seen")
        report(differs(np.roll(w, 8, axis=2)) or d.columns == 8, f"{name}: other columns are not seen")


#===-- routers ---------------------------------------------------------------------------------------------------------------===#


@dataclasses.dataclass
class Router:
    experts: int
    chosen: int
    scoring: str = "softmax"
    corrected: bool = False
    groups: int = 1
    kept: int = 1
    best: int = 1
    normalized: bool = False
    factor: float = 1.0


ROUTERS = {
    "route_v2_lite": Router(64, 6),
    "route_v2": Router(160, 6, groups=8, kept=3, factor=16.0),
    "route_v3": Router(256, 8, "sigmoid", True, 8, 4, 2, True, 2.5),
    "route_k2": Router(384, 8, "sigmoid", True, normalized=True, factor=2.827),
    "route_few": Router(8, 3, factor=2.5),
    "route_all": Router(40, 16, "sigmoid", True, 5, 2, 3, True),  # every expert of the kept groups
    "route_many_groups": Router(512, 16, "sigmoid", False, 32, 5, 4, True),
    "route_most": Router(1024, 32, normalized=True),
}


def route_module(name):
    r = ROUTERS[name]
    row = tensor("?", r.experts, element="f32")
    body = f'%b = mla.weight "correction" : {tensor(r.experts, element="f32")}\n' if r.corrected else ""
    corrected = f" corrected %b : {tensor(r.experts, element='f32')}" if r.corrected else ""
    normalized = "normalized, " if r.normalized else ""
    body += (f"%experts, %weights = mla.route {r.scoring} %x{corrected} {{groups = {r.groups}, kept = {r.kept}, best = {r.best}, {normalized}"
             f"factor = {r.factor} : f64}} : {row} -> {tensor('?', r.chosen, element='i32')}, {tensor('?', r.chosen, element='f32')}\n")
    return function("case", f"%x: {row}", body)


def largest(scores, first, count):
    """Return the first of the largest scores from `first` on; NaN is never larger."""
    best, index = -np.inf, first
    for i in range(first, first + count):
        if scores[i] > best:
            best, index = scores[i], i
    return index


def route(r, logits, correction):
    """Return the numbers and weights of a token, as mla.route is documented."""
    x = logits.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        scores = np.exp(x - x[~np.isnan(x)].max(initial=-np.inf)) if r.scoring == "softmax" else 1 / (1 + np.exp(-x))
        scores = scores / scores.sum() if r.scoring == "softmax" else scores
        open_ = scores + correction if r.corrected else scores.copy()
        if r.groups > 1:
            size, sums = r.experts // r.groups, []
            for group in range(r.groups):
                part, total = open_.copy(), 0.0
                for i in range(r.best):
                    index = largest(part, group * size, size)
                    total, part[index] = total + (part[index] if part[index] > -np.inf else -np.inf), -np.inf
                sums.append(total)
            kept, sums = np.full_like(open_, -np.inf), np.array(sums)
            for _ in range(r.kept):
                group = largest(sums, 0, r.groups)
                sums[group], kept[group * size:(group + 1) * size] = -np.inf, open_[group * size:(group + 1) * size]
            open_ = kept
        numbers = []
        for _ in range(r.chosen):
            numbers.append(largest(open_, 0, r.experts))
            open_[numbers[-1]] = -np.inf
        weights = scores[numbers]
        if r.normalized:
            weights = weights / (weights.sum() + 1e-20)
    return numbers, weights * r.factor


def logits_of(r, tokens, rng):
    """Random logits; then equal ones, tokens with NaN, some of -inf, and scores far apart, or all small."""
    logits = (rng.standard_normal((tokens, r.experts)) * 2).astype(np.float32)
    logits[1:2] = rng.integers(-2, 3, r.experts)
    logits[2:3] = 0.5
    logits[3:4, r.experts // 2] = np.nan
    logits[4:5, ::3] = -np.inf
    logits[5:6] = np.nan
    logits[6:7] = logits[6:7] * 6 if r.scoring == "softmax" else logits[6:7] - 8  # not so far that f32 has ties
    return logits


def same(found, expected):
    return all(list(a) == list(b) for a, b in zip(found[0], expected[0])) and np.allclose(found[1], expected[1], rtol=1e-5, atol=1e-7, equal_nan=True)


def run_route(name):
    r, rng = ROUTERS[name], np.random.default_rng(3)
    correction = (rng.standard_normal(r.experts) * 0.1).astype(np.float32)
    correction[:2] = [-2, correction[3]]
    for tokens in TOKENS:
        logits = logits_of(r, tokens, rng)
        contents = {"hidden": logits} | ({"weight:correction": correction} if r.corrected else {})
        found = run_twice(name, sizes_of(tokens), contents, [((tokens, r.chosen), "int32"), ((tokens, r.chosen), "float32")])
        expected = tuple(zip(*(route(r, row, correction) for row in logits)))
        wrong = [t for t in range(tokens) if not same([part[t:t + 1] for part in found], [part[t:t + 1] for part in expected])]
        report(not wrong, f"{name} of {tokens} tokens: {[(t, [list(part[t]) for part in (*found, *expected)]) for t in wrong[:2]]}")
        report(((found[0] >= 0) & (found[0] < r.experts)).all(), f"{name}: numbers of no experts")
    # Checks that must fail: other routers.
    for change in ({"scoring": "sigmoid" if r.scoring == "softmax" else "softmax"}, {"corrected": not r.corrected}, {"normalized": not r.normalized},
                   {"best": r.best + 1} if r.groups > 1 else {}, {"factor": r.factor * 1.001}):
        other = dataclasses.replace(r, **change)
        differs = not same(found, tuple(zip(*(route(other, row, correction) for row in logits))))
        report(differs == bool(change), f"{name}: {change} is not seen")


#===-- the group -------------------------------------------------------------------------------------------------------------===#

KINDS = {name: kind for names, kind in ((DIRECT, (direct_module, run_direct)), (EMBEDDINGS, (embed_module, run_embed)), (SUMS, (sum_module, run_sum)), (SWIGLUS, (swiglu_module, run_swiglu)),
                                        (NORMS, (norm_module, run_norm)), (NORMS_OF_SUMS, (norm_of_sum_module, run_norm_of_sum)),
                                        (ROUTERS, (route_module, run_route))) for name in names} | check_rows.KINDS


def names_of(names):
    """Return the cases whose names begin so."""
    return [case for case in KINDS if case.split("_")[0] in names]


def jobs(names):
    for name in names_of(names):
        kernel_module.compile_module(checks.directory / name, KINDS[name][0](name), grouped=name in DIRECT)
    return []


def run(names):
    for name in names_of(names):
        KINDS[name][1](name)
