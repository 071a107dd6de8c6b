"""Compares MLPs, gated and of experts, with float64: tiles that their sizes do not divide, classes of tokens, experts without tokens.

A case is a layer that consists of the MLP of hidden states; its module has the entries below, its checkpoint their weights besides those of a
layer. What kernels store is rounded to bf16 here too: the gated product, and the rows of choices before they are summed."""
import dataclasses
import json
import pathlib
import re

import numpy as np

import checks
import make_bundles
import reschedule
import safetensors_file
from check_products import HIDDEN, emit, layer_weights, step, tensor
from checks import report
from device_arrays import from_bits, to_bits
from mla_mlir import locate

TOLERANCE = 4e-3
TOKENS = (1, 3, 17, 70)


@dataclasses.dataclass
class Mlp:
    width: int
    experts: int = 0  # 0: one MLP for all tokens
    choices: int = 1
    shared: int = 0  # more experts, which every token has
    skew: float = 0  # of the router: the larger, the more tokens choose the same experts
    schedule: object = dataclasses.field(default_factory=dict)  # of both products: classes, or one; the rest is chosen
    tokens: tuple = TOKENS

    @property
    def weights(self):
        count = (max(self.experts, 1) + self.shared,) if self.experts else ()
        shapes = {"up": (*count, 2 * self.width, HIDDEN), "down": (*count, HIDDEN, self.width)}
        return shapes | ({"router": (self.experts, HIDDEN)} if self.experts else {})


WIDE = {"tokens": 64, "rows": 128, "stages": 2, "blocks": 1, "turns": 1}
CLASSES = [{"limit": 3, "tokens": 16, "rows": 64, "stages": 4, "blocks": 1, "turns": 2}, {"limit": 16, "tokens": 32, "rows": 64, "stages": 3, "blocks": 1, "turns": 1},
           {"tokens": 160, "rows": 64, "stages": 2, "blocks": 1, "turns": 1}]
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
    if not m.experts:
        y = tensor("?", 2 * m.width, element="f32")
        activated, h = slices("h", "y", 0, m.width)
        return (text + f"%y = mla.project %hidden, %w_up : ({x}, {w['up']}) -> {y}\n{activated}"
                f"%out = mla.project %h, %w_down : ({h}, {w['down']}) -> {out}\n")
    count = m.choices + m.shared
    logits, numbers, factors = tensor("?", m.experts, element="f32"), tensor("?", count, element="i32"), tensor("?", count, element="f32")
    y = tensor("?", count, 2 * m.width, element="f32")
    activated, h = slices("h", "y", count, m.width)
    return (text + f"%logits = mla.project %hidden, %w_router : ({x}, {w['router']}) -> {logits}\n"
            f"%e, %f = mla.route softmax %logits {{normalized, factor = 2.0 : f64, shared = {m.shared} : i64}} : {logits} -> {numbers}, {factors}\n"
            f"%y = mla.experts_project %hidden, %w_up of %e : ({x}, {w['up']}, {numbers}) -> {y}\n{activated}"
            f"%out = mla.experts_project %h, %w_down of %e summed %f : ({h}, {w['down']}, {numbers}, {factors}) -> {out}\n")


def prepare(m):
    return "".join(f'func.func @prepare.{name}() -> {tensor(*shape)} {{\n%w = mla.weight "{name}" : {tensor(*shape)}\nreturn %w : {tensor(*shape)}\n}}\n'
                   for name, shape in m.weights.items())


def weights_of(name):
    m, rng = MLPS[name], np.random.default_rng(len(name))
    made = {key: rng.standard_normal(shape) / np.sqrt(shape[-1]) for key, shape in m.weights.items()}
    if m.experts:
        made["router"] *= np.exp(-m.skew * np.arange(m.experts) / m.experts)[:, None] * 2
    return {key: to_bits(value) for key, value in made.items()}


def scheduled(text, schedule):
    """Give the products of the MLP a schedule, and let the compiler choose what that leaves open."""
    if not schedule:
        return text
    classes = [schedule] if isinstance(schedule, dict) else schedule
    listed = "[" + ", ".join("{" + ", ".join(f"{key} = {value}" for key, value in choices.items()) + "}" for choices in classes) + "]"
    names = [name for name in ("h", "out") if f'"{name}"' in text]
    return reschedule.rescheduled(pathlib.Path(locate.compiler()).with_name("mla-opt"), text, {name: listed for name in names})


def job(name):
    m, base = MLPS[name], checks.directory / name
    config = {**make_bundles.config(1, (16, 16, 16, 64)), "hidden_size": HIDDEN}
    layer, module, checkpoint = base.with_suffix(".json"), base.with_suffix(".mlir"), base.with_suffix(".safetensors")
    layer.write_text(json.dumps(config))
    head = emit([f"--config={layer}"], "plan", module, "--dtype=bf16", "--plan=decode=absorb,prefill=absorb")
    cache = re.search(r"!mla.cache<[^>]*>", head).group(0)
    text = head.split("\n", 1)[0] + "\n"
    for phase in ("prefill", "decode"):
        t = tensor("?", HIDDEN)
        text += (f"func.func @{phase}(%hidden: {t}, %cu: tensor<?xi32>, %cache: {cache}) -> ({t}, {cache}) attributes {{mla.phase = #mla.phase<{phase}>, "
                 f"mla.regime = #mla.regime<{{phase = {phase}, q = absorb, o = absorb}}>}} {{\n{body(m)}return %out, %cache : {t}, {cache}\n}}\n")
    module.write_text(text + prepare(m) + "}\n")
    kernels = emit([module], "kernels", base.with_suffix(".kernels.mlir"))
    base.with_suffix(".kernels.mlir").write_text(scheduled(kernels, m.schedule))
    tensors = {key: ("BF16", value.shape, value.tobytes()) for key, value in weights_of(name).items()}
    safetensors_file.write(checkpoint, tensors | layer_weights(config), {"config": json.dumps(config)})
    return base, [base.with_suffix(".kernels.mlir"), f"--weights={checkpoint}"]


def jobs(names):
    return [job(name) for name in names]


def rounded(x):
    return from_bits(to_bits(x)).astype(np.float64)


def activate(y, width):
    gate, up = y[..., :width], y[..., width:]
    return rounded(up * gate / (1 + np.exp(-gate)))


def reference(m, x, weights, factor=2.0):
    w = {key: from_bits(value).astype(np.float64) for key, value in weights.items()}
    if not m.experts:
        return activate(x @ w["up"].T, m.width) @ w["down"].T
    logits = x @ w["router"].T
    scores = np.exp(logits - logits.max(-1, keepdims=True))
    scores /= scores.sum(-1, keepdims=True)
    out = np.zeros((len(x), HIDDEN))
    for t in range(len(x)):
        chosen = np.argsort(-scores[t], kind="stable")[:m.choices]
        mixed = [(e, factor * scores[t, e] / scores[t, chosen].sum()) for e in chosen] + [(m.experts + i, 1.0) for i in range(m.shared)]
        for expert, weight in mixed:
            out[t] += weight * rounded(w["down"][expert] @ activate(w["up"][expert] @ x[t], m.width))
    return out


def run(names):
    for name in names:
        m, weights, rng = MLPS[name], weights_of(name), np.random.default_rng(0)
        with checks.open_bundle(name) as bundle:
            for tokens in m.tokens:
                hidden = to_bits(rng.standard_normal((tokens, HIDDEN)))
                x = from_bits(hidden).astype(np.float64)
                (out, touched), (again, touched_again) = step(bundle, hidden), step(bundle, hidden, band=8192)
                found, expected = from_bits(out), reference(m, x, weights)
                error, repeats = checks.worst_row(found, expected), bool((out == again).all())
                report(error <= TOLERANCE and repeats and not touched + touched_again,
                       f"{name} of {tokens} tokens: error of a row {error:.1e}, repeats {repeats}, touched {touched + touched_again}")
        # A check that must fail: a weight of another row.
        swapped = dict(weights, down=np.roll(weights["down"], 1, axis=-2))
        error = checks.worst_row(found, reference(m, x, swapped))
        report(error > TOLERANCE, f"{name}: another weight is not seen: error of a row {error:.1e}")
