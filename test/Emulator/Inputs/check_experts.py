"""Compares MLPs, gated and of experts, with float64: tiles that their sizes do not divide, classes of tokens, experts without tokens.

A case is a layer that consists of the MLP of hidden states; its module has the entries below, its checkpoint their weights besides those of a
layer. What kernels store is rounded to bf16 here too: the gated product, and the rows of choices before they are summed. In e4m3 the rows that
both products multiply are quantized here as mla.quantize says; the router is in bf16."""
import dataclasses
import json
import re

import numpy as np

import checks
import make_bundles
import safetensors_file
from check_products import HIDDEN, MANY_TOKENS, ON_M, emit, layer_weights, quantized, schedule_options, step, tensor
from checks import report
from device_arrays import from_bits, to_bits
from packed_rows import E4M3, to_e4m3

TOLERANCE = 4e-3
GPU_TOLERANCES = {0: TOLERANCE, 1: 6e-2, 2: 8e-3}  # by terms: what is quantized between both products differs by a code
TOKENS = (1, 3, 17, 70)


@dataclasses.dataclass
class Mlp:
    width: int
    experts: int = 0  # 0: one MLP for all tokens
    choices: int = 1
    shared: int = 0  # more experts, which every token has
    normed: bool = False  # of the norm of twice the hidden states, which are then added to the result
    skew: float = 0  # of the router: the larger, the more tokens choose the same experts
    schedule: object = dataclasses.field(default_factory=dict)  # of both products: classes, or one; the rest is chosen
    tokens: tuple = TOKENS
    terms: int = 0  # of an element of a token in e4m3; 0: all is bf16
    block: tuple = (128, 128)  # with a scale: rows and columns of the gates, the ups or the downs of one expert

    @property
    def tolerance(self):
        return GPU_TOLERANCES[self.terms] if checks.on_gpu() else TOLERANCE

    @property
    def count(self):
        return self.experts + self.shared if self.experts else 1

    @property
    def pieces(self):
        """The weights in e4m3 of which one is made, one above the other: their number, and their shape."""
        return {"up": (2 * self.count, (self.width, HIDDEN)), "down": (self.count, (HIDDEN, self.width))} if self.terms else {}

    @property
    def weights(self):
        count = (self.count,) if self.experts else ()
        shapes = {"up": (*count, 2 * self.width, HIDDEN), "down": (*count, HIDDEN, self.width)}
        return shapes | ({"router": (self.experts, HIDDEN)} if self.experts else {})

    def blocks(self, shape):
        return [-(-size // (block or size)) for size, block in zip(shape, self.block)]

    @property
    def gamma(self):
        return {"gamma": (HIDDEN,)} if self.normed else {}


WIDE = {"tokens_on_m": 0, "tokens": 64, "rows": 128, "stages": 2, "blocks": 1, "turns": 1}
ON_M_ONCE, ON_M_TWICE = ({key: value for key, value in ON_M.items() if key != "splits"} | {"tokens": tokens, "turns": 1} for tokens in (128, 256))
CLASSES = [{"tokens_on_m": 0, "limit": 3, "tokens": 16, "rows": 64, "stages": 4, "blocks": 1, "turns": 2}, {"tokens_on_m": 0, "limit": 16, "tokens": 32, "rows": 64, "stages": 3, "blocks": 1, "turns": 1},
           {"tokens_on_m": 0, "tokens": 160, "rows": 64, "stages": 2, "blocks": 1, "turns": 1}]
MLPS = {
    "dense": Mlp(136),
    "dense_wide_tiles": Mlp(200, schedule=WIDE),
    "dense_classes": Mlp(72, schedule=CLASSES),
    "experts": Mlp(72, 8, 3),
    "experts_one_choice": Mlp(64, 8, 1),
    "experts_shared": Mlp(40, 8, 2, shared=2),
    "experts_skewed": Mlp(72, 24, 2, skew=4, schedule={"tokens": 16}),
    "experts_wide_tiles": Mlp(136, 8, 2, shared=1, schedule=WIDE),
    "experts_classes": Mlp(72, 8, 3, schedule=CLASSES),
    "experts_many": Mlp(16, 72, 6, tokens=(1, 33)),
    "e4m3_dense": Mlp(208, terms=2),
    "e4m3_dense_one_term": Mlp(144, terms=1, block=(64, 64)),
    "e4m3_dense_wide_tiles": Mlp(208, terms=1, schedule=WIDE),
    "e4m3_dense_classes": Mlp(80, terms=2, schedule=CLASSES[:2] + [{"tokens_on_m": 0, "tokens": 64, "rows": 128, "stages": 2, "blocks": 1, "turns": 1}]),
    "e4m3_experts": Mlp(80, 8, 3, terms=2, tokens=(*TOKENS, 128)),
    "e4m3_experts_one_term": Mlp(80, 8, 3, terms=1, tokens=(*TOKENS, 128)),
    "e4m3_experts_per_row": Mlp(48, 8, 1, terms=2, block=(1, 0)),
    "e4m3_experts_per_tensor": Mlp(48, 8, 2, terms=1, block=(0, 0)),
    "e4m3_experts_shared": Mlp(64, 8, 2, shared=2, terms=2),
    "e4m3_experts_skewed": Mlp(80, 24, 2, skew=4, schedule={"tokens": 16}, terms=1, block=(32, 64)),
    "e4m3_experts_wide_tiles": Mlp(144, 8, 2, shared=1, schedule=WIDE, terms=2),
    "e4m3_experts_classes": Mlp(80, 8, 3, schedule=CLASSES, terms=1),
    "e4m3_dense_on_m": Mlp(192, terms=1, block=(64, 128), schedule=ON_M_TWICE, tokens=MANY_TOKENS),
    "e4m3_dense_on_m_two_terms": Mlp(128, terms=2, schedule=ON_M_ONCE, tokens=MANY_TOKENS),
    "e4m3_experts_on_m": Mlp(128, 4, 2, shared=1, terms=1, schedule=ON_M_TWICE, tokens=MANY_TOKENS),
    "e4m3_experts_on_m_once": Mlp(64, 8, 3, terms=1, block=(64, 128), schedule=ON_M_ONCE | {"rows": 64}, tokens=MANY_TOKENS),
    # Up to eight tokens take two launches from the stream to the sorted choices.
    "normed": Mlp(72, 8, 3, normed=True, tokens=(1, 3, 8, 9, 17, 70)),
    "normed_shared": Mlp(40, 40, 2, shared=2, normed=True, tokens=(1, 3, 17)),
    "normed_most": Mlp(16, 72, 30, shared=2, normed=True, tokens=(2, 8)),
}


def slices(result, source, count, width):
    """Return the gate, the up and what is activated."""
    inner, sizes = ("0, ", f"{count}, ") if count else ("", "")
    whole = [count, 2 * width] if count else [2 * width]
    half = [count, width] if count else [width]
    text = ""
    for name, first in (("gate", 0), ("up", width)):
        text += (f"%{name} = tensor.extract_slice %{source}[0, {inner}{first}] [%tokens, {sizes}{width}] [{', '.join(['1'] * (len(whole) + 1))}] : "
                 f"{tensor('?', *whole, element='f32')} to {tensor('?', *half, element='f32')}\n")
    t = tensor("?", *half, element="f32")
    return text + f"%{result} = mla.swiglu %gate, %up : {t} -> {t}\n", t


def body(m):
    """Return the operations from %hidden to %out."""
    x, w = tensor("?", HIDDEN), {name: tensor(*shape) for name, shape in m.weights.items()}
    text = "%c0 = arith.constant 0 : index\n" + f"%tokens = tensor.dim %hidden, %c0 : {x}\n"
    text += "".join(f'%w_{name} = mla.weight "{name}" : {shape}\n' for name, shape in w.items())
    out = tensor("?", HIDDEN)
    if m.normed:
        f, g = tensor("?", HIDDEN, element="f32"), tensor(HIDDEN, element="f32")
        text += "".join(f"%{name} = arith.extf %hidden : {x} to {f}\n" for name in ("left", "right"))
        text += (f'%gamma = mla.weight "gamma" : {g}\n%stream = arith.addf %left, %right : {f}\n'
                 f"%x = mla.rms_norm %stream, %gamma {{epsilon = 1.0e-6 : f64}} : {f}, {g} -> {f}\n")
    if not m.experts:
        y = tensor("?", 2 * m.width, element="f32")
        activated, h = slices("h", "y", 0, m.width)
        return (text + f"%y = mla.project %hidden, %w_up : ({x}, {w['up']}) -> {y}\n{activated}"
                f"%out = mla.project %h, %w_down : ({h}, {w['down']}) -> {out}\n")
    count = m.choices + m.shared
    logits, numbers, factors = tensor("?", m.experts, element="f32"), tensor("?", count, element="i32"), tensor("?", count, element="f32")
    y = tensor("?", count, 2 * m.width, element="f32")
    activated, h = slices("h", "y", count, m.width)
    rows, last = "%hidden", f"%out = mla.experts_project %h, %w_down of %e summed %f : ({h}, {w['down']}, {numbers}, {factors}) -> {out}\n"
    if m.normed:
        rows, x = "%x", f
        last = last.replace("%out", "%mixed").replace(f"-> {out}", f"-> {f}") + f"%sum = arith.addf %mixed, %stream : {f}\n%out = arith.truncf %sum : {f} to {out}\n"
    return (text + f"%logits = mla.project {rows}, %w_router : ({x}, {w['router']}) -> {logits}\n"
            f"%e, %f = mla.route softmax %logits {{normalized, factor = 2.0 : f64, shared = {m.shared} : i64}} : {logits} -> {numbers}, {factors}\n"
            f"%y = mla.experts_project {rows}, %w_up of %e : ({x}, {w['up']}, {numbers}) -> {y}\n{activated}{last}")


def prepare_pieces(m, name, shape):
    """Return the function of a weight of dequantized pieces."""
    count, piece = m.pieces[name]
    e, s = tensor(*piece, element="f8E4M3FN"), tensor(*m.blocks(piece), element="f32")
    d, all_rows, made = tensor(*piece, element="f32"), (count * piece[0], piece[1]), tensor(*shape, element="f32")
    block = ", ".join(str(block or size) for block, size in zip(m.block, piece))
    text = f"func.func @prepare.{name}() -> {tensor(*shape)} {{\n"
    for i in range(count):
        text += (f'%e{i} = mla.weight "{name}.{i}" : {e}\n%s{i} = mla.weight "{name}.{i}.scale" : {s}\n'
                 f"%d{i} = mla.dequantize %e{i}, %s{i} {{block = array<i64: {block}>}} : {e}, {s} -> {d}\n")
    last = "d0"
    if count > 1:
        text += f"%all = tensor.concat dim(0) {', '.join(f'%d{i}' for i in range(count))} : ({', '.join([d] * count)}) -> {tensor(*all_rows, element='f32')}\n"
        last = "all"
    if len(shape) == 3:
        text += f"%h = tensor.expand_shape %{last} [[0, 1], [2]] output_shape {list(shape)} : {tensor(*all_rows, element='f32')} into {made}\n"
        last = "h"
    return text + f"%r = arith.truncf %{last} : {made} to {tensor(*shape)}\nreturn %r : {tensor(*shape)}\n}}\n"


def prepare(m):
    f32 = {name: tensor(*shape, element="f32") for name, shape in m.gamma.items()}
    text = "".join(f'func.func @prepare.{name}() -> {t} {{\n%w = mla.weight "{name}" : {t}\nreturn %w : {t}\n}}\n' for name, t in f32.items())
    for name, shape in m.weights.items():
        t = tensor(*shape)
        text += prepare_pieces(m, name, shape) if name in m.pieces else f'func.func @prepare.{name}() -> {t} {{\n%w = mla.weight "{name}" : {t}\nreturn %w : {t}\n}}\n'
    return text


def made_weights(name):
    """Return the tensors of the checkpoint, and the numbers of every weight."""
    m, rng, tensors, numbers = MLPS[name], np.random.default_rng(len(name)), {}, {}
    for key, shape in m.weights.items():
        if key in m.pieces:
            tensors_of_key, numbers[key] = made_pieces(m, key, rng)
            tensors |= tensors_of_key
            numbers[key] = numbers[key].reshape(shape)
            continue
        made = rng.standard_normal(shape) / np.sqrt(shape[-1])
        if key == "router":
            made *= np.exp(-m.skew * np.arange(m.experts) / m.experts)[:, None] * 2
        bits = to_bits(made)
        tensors[key], numbers[key] = ("BF16", bits.shape, bits.tobytes()), from_bits(bits).astype(np.float64)
    for key, shape in m.gamma.items():
        numbers[key] = (1 + 0.1 * rng.standard_normal(shape)).astype(np.float32)
        tensors[key] = ("F32", shape, numbers[key].tobytes())
    return tensors, numbers


def made_pieces(m, key, rng):
    (count, piece), tensors, rows = m.pieces[key], {}, []
    for i in range(count):
        codes = to_e4m3((rng.standard_normal(piece) * 100).astype(np.float32))
        scales = (np.exp(rng.uniform(-1, 1, m.blocks(piece))) / 100 / np.sqrt(piece[1])).astype(np.float32)  # far apart: a wrong one is seen
        tensors[f"{key}.{i}"], tensors[f"{key}.{i}.scale"] = ("F8_E4M3", piece, codes.tobytes()), ("F32", scales.shape, scales.tobytes())
        spread = [scales.astype(np.float64)]
        for axis, (block, size) in enumerate(zip(m.block, piece)):
            spread.append(spread[-1].repeat(block or size, axis).take(range(size), axis))
        rows.append(E4M3[codes] * spread[-1])
    return tensors, np.concatenate(rows)


def job(name):
    m, base = MLPS[name], checks.directory / name
    config = {**make_bundles.config(1, (16, 16, 16, 64)), "hidden_size": HIDDEN}
    layer, module, checkpoint = base.with_suffix(".json"), base.with_suffix(".mlir"), base.with_suffix(".safetensors")
    elements = ["--dtype=fp8", f"--token-terms={m.terms}", "--cache-dtype=bf16"] if m.terms else ["--dtype=bf16"]
    # Made weights are in e4m3 where the config says so.
    announced = {"quantization_config": {"quant_method": "fp8", "fmt": "e4m3", "weight_block_size": [128, 128]}} if m.terms else {}
    layer.write_text(json.dumps(config | announced))
    head = emit([f"--config={layer}"], "plan", module, *elements, "--plan=decode=absorb,prefill=absorb")
    cache = re.search(r"!mla.cache<[^>]*>", head).group(0)
    text = head.split("\n", 1)[0] + "\n"
    for phase in ("prefill", "decode"):
        t = tensor("?", HIDDEN)
        text += (f"func.func @{phase}(%hidden: {t}, %cu: tensor<?xi32>, %cache: {cache}) -> ({t}, {cache}) attributes {{mla.phase = #mla.phase<{phase}>, "
                 f"mla.regime = #mla.regime<{{phase = {phase}, q = absorb, o = absorb}}>}} {{\n{body(m)}return %out, %cache : {t}, {cache}\n}}\n")
    module.write_text(text + prepare(m) + "}\n")
    kernels = emit([module], "kernels", base.with_suffix(".kernels.mlir"))
    products = [kernel for kernel in ("h", "out") if f'"{kernel}"' in kernels]
    if m.schedule:
        kernels = emit([module], "kernels", base.with_suffix(".kernels.mlir"), *schedule_options(products, m.schedule))
    assert kernels.split("@prepare.")[0].count("mla.dequantize") == (8 if m.terms else 0), name  # x and the weight of two products of two phases
    safetensors_file.write(checkpoint, made_weights(name)[0] | layer_weights(config), {"config": json.dumps(config)})
    return base, [base.with_suffix(".kernels.mlir"), f"--weights={checkpoint}"]


def jobs(names):
    return [job(name) for name in names]


def rounded(x):
    return from_bits(to_bits(x)).astype(np.float64)


def activate(y, width):
    gate, up = y[..., :width], y[..., width:]
    return rounded(up * gate / (1 + np.exp(-gate)))


def multiplied(m, x):
    """Return the rows that a product multiplies."""
    return quantized(x, min(128, m.block[1] or 128), m.terms) if m.terms else x


def reference(m, x, w, factor=2.0):
    stream = 2 * x if m.normed else np.zeros_like(x)
    if m.normed:
        x = rounded(w["gamma"] * stream / np.sqrt((stream * stream).mean(-1, keepdims=True) + 1e-6))
    if not m.experts:
        return multiplied(m, activate(multiplied(m, x) @ w["up"].T, m.width)) @ w["down"].T
    logits = x @ w["router"].T
    scores = np.exp(logits - logits.max(-1, keepdims=True))
    scores /= scores.sum(-1, keepdims=True)
    out, x = np.zeros((len(x), HIDDEN)), multiplied(m, x)
    for t in range(len(x)):
        chosen = np.argsort(-scores[t], kind="stable")[:m.choices]
        mixed = [(e, factor * scores[t, e] / scores[t, chosen].sum()) for e in chosen] + [(m.experts + i, 1.0) for i in range(m.shared)]
        for expert, weight in mixed:
            h = multiplied(m, activate(w["up"][expert] @ x[t], m.width)[None])[0]
            out[t] += weight * rounded(w["down"][expert] @ h)
    return out + stream


def run(names):
    for name in names:
        m, weights, rng = MLPS[name], made_weights(name)[1], np.random.default_rng(0)
        with checks.open_bundle(name) as bundle:
            for tokens in m.tokens:
                hidden = to_bits(rng.standard_normal((tokens, HIDDEN)))
                x = from_bits(hidden).astype(np.float64)
                (out, touched), (again, touched_again) = step(bundle, hidden), step(bundle, hidden, band=8192)
                found, expected = from_bits(out), reference(m, x, weights)
                error, repeats = checks.worst_row(found, expected), bool((out == again).all())
                report(error <= m.tolerance and repeats and not touched + touched_again,
                       f"{name} of {tokens} tokens: error of a row {error:.1e}, repeats {repeats}, touched {touched + touched_again}")
        # Checks that must fail: a weight of another row, gates for ups, another gamma, another number of terms.
        rolled, turned = np.roll(weights["down"], 1, axis=-2), np.roll(weights["up"], m.width, axis=-2)
        wrong = [("weight", m, dict(weights, down=rolled)), ("order of gates and ups", m, dict(weights, up=turned))]
        if m.normed:
            wrong.append(("gamma", m, dict(weights, gamma=np.roll(weights["gamma"], 1))))
        if m.terms and m.tolerance < GPU_TOLERANCES[1]:
            wrong.append(("number of terms", dataclasses.replace(m, terms=3 - m.terms), weights))
        for what, other, numbers in wrong:
            error = checks.worst_row(found, reference(other, x, numbers))
            report(error > m.tolerance, f"{name}: another {what} is not seen: error of a row {error:.1e}")
