"""Compares single products of e4m3 with float64: kinds of heads, blocks, groups, terms, and tiles that their sizes do not divide.

A case is a layer that consists of the product: its module has the entries below, its checkpoint their weights besides those of a layer.
Around the product are others by selections, 0 and 1 in bf16, which are exact: they make heads of hidden states, and hidden states of a
result. x is what mla.quantize stands for, computed here; results differ by their rounding to bf16."""
import dataclasses
import json
import re
import subprocess

import numpy as np

import checks
import make_bundles
import safetensors_file
from checks import report
from device_arrays import Arena, from_bits, to_bits
from mla_mlir import locate
from packed_rows import E4M3, LARGEST, LEAST, to_e4m3

HIDDEN, TOLERANCE = 512, 4e-3
NORM_TOLERANCE = 3e-2  # quotients of a norm are often next to a tie, and may be rounded the other way
TOKENS, TOKENS_OF_CLASSES, MANY_TOKENS = (1, 3, 17, 70), (1, 16, 17, 64, 69, 70, 130), (1, 70, 130, 300)
# Tokens on the tensor cores' M, 64 or 128 of a warpgroup.
ON_M = {"tokens_on_m": 1, "rows": 128, "blocks": 1, "splits": 1, "stages": 3}
ON_M_ONCE, ON_M_TWICE = ON_M | {"tokens": 128}, ON_M | {"tokens": 256}


@dataclasses.dataclass
class Product:
    kind: str  # of mla.project; "norm": plain, of the result of a norm; "float": plain, with a result of f32, which is normalized
    heads: int
    rows: int
    columns: int
    block: tuple  # rows and columns of the weight, as in the checkpoint
    group: int  # of x, as the compiler should choose
    terms: int
    schedule: object = dataclasses.field(default_factory=dict)  # of one class, or a list of classes; the rest is chosen

    @property
    def weight_shape(self):
        """Of the checkpoint's weight: rows and columns of all heads side by side."""
        inside, outside = self.kind == "from_heads", self.kind in ("to_heads", "per_head")
        return (self.heads if outside else 1) * self.rows, (self.heads if inside else 1) * self.columns

    @property
    def tokens(self):
        if isinstance(self.schedule, list):
            return TOKENS_OF_CLASSES
        return MANY_TOKENS if self.schedule.get("tokens_on_m") else TOKENS

    @property
    def tolerance(self):
        return NORM_TOLERANCE if self.kind == "norm" and self.terms == 1 else TOLERANCE


# Rows and columns that tiles, steps of 128 columns and blocks do not divide.
PRODUCTS = {
    "plain": Product("plain", 1, 200, 336, (128, 128), 128, 2),
    "plain_one_term": Product("plain", 1, 200, 336, (128, 128), 128, 1),
    "plain_group64": Product("plain", 1, 136, 208, (64, 64), 64, 2),
    "plain_group32": Product("plain", 1, 136, 208, (64, 32), 32, 2),
    "plain_group32_one_term": Product("plain", 1, 136, 208, (64, 32), 32, 1),
    "plain_per_row": Product("plain", 1, 72, 400, (1, 400), 128, 2),
    "plain_per_tensor": Product("plain", 1, 72, 400, (72, 400), 128, 1),
    "plain_splits": Product("plain", 1, 200, 336, (128, 128), 128, 2, {"splits": 2}),
    "plain_splits_one_term": Product("plain", 1, 200, 464, (128, 64), 64, 1, {"splits": 4, "stages": 2}),
    "plain_wide_tiles": Product("plain", 1, 200, 336, (128, 128), 128, 2, {"tokens": 64, "rows": 128, "stages": 2}),
    "plain_wide_tiles_one_term": Product("plain", 1, 200, 336, (128, 128), 128, 1, {"tokens": 96, "rows": 64, "stages": 2}),
    "plain_turns": Product("plain", 1, 200, 464, (128, 128), 128, 2, {"turns": 2, "stages": 4, "rows": 64, "tokens": 32}),
    "plain_turns_one_term": Product("plain", 1, 200, 464, (128, 64), 64, 1, {"turns": 3, "stages": 6, "rows": 64, "tokens": 32, "blocks": 1}),
    # A kernel for up to 16 tokens, one for up to 64, and one for more.
    "plain_classes": Product("plain", 1, 200, 464, (128, 128), 128, 2, [
        {"limit": 16, "tokens": 16, "rows": 64, "turns": 3, "stages": 6, "blocks": 1, "splits": 2, "streamed": 1},
        {"limit": 64, "tokens": 64, "rows": 64, "turns": 2, "stages": 4, "blocks": 1, "splits": 1, "streamed": 1},
        {"tokens": 128, "rows": 64, "turns": 1, "stages": 2, "blocks": 1, "splits": 2, "streamed": 1}]),
    "plain_classes_one_term": Product("plain", 1, 200, 464, (128, 64), 64, 1, [
        {"limit": 1, "tokens": 16},
        {"limit": 69, "tokens": 32, "rows": 64, "turns": 1, "stages": 2, "blocks": 1, "splits": 4},
        {"limit": 70, "tokens": 64, "rows": 128, "turns": 1, "stages": 2, "blocks": 1, "splits": 1},
        {"tokens": 128, "rows": 64, "turns": 2, "stages": 4, "blocks": 1, "splits": 1}]),
    "plain_on_m": Product("plain", 1, 200, 464, (128, 128), 128, 1, ON_M_TWICE),
    "plain_on_m_once": Product("plain", 1, 456, 336, (128, 128), 128, 1, ON_M_ONCE),
    "plain_on_m_three": Product("plain", 1, 200, 464, (128, 128), 128, 1, ON_M | {"tokens": 192}),
    "plain_on_m_wide": Product("plain", 1, 456, 464, (128, 128), 128, 1, ON_M_ONCE | {"rows": 192}),
    "plain_on_m_wide_two_terms": Product("plain", 1, 328, 336, (64, 128), 128, 2, ON_M_ONCE | {"rows": 192, "stages": 2}),
    "plain_on_m_few": Product("plain", 1, 200, 464, (128, 128), 128, 1, ON_M | {"tokens": 64, "streamed": 1}),
    "plain_on_m_two_terms": Product("plain", 1, 200, 464, (128, 128), 128, 2, ON_M_TWICE | {"stages": 2}),
    "plain_on_m_two_terms_once": Product("plain", 1, 200, 336, (64, 128), 128, 2, ON_M_ONCE | {"rows": 64}),
    "plain_on_m_per_tensor": Product("plain", 1, 72, 400, (72, 400), 128, 1, ON_M_TWICE | {"stages": 4}),
    "plain_on_m_splits": Product("plain", 1, 200, 464, (128, 128), 128, 1, ON_M_TWICE | {"splits": 2}),
    "float_on_m_splits": Product("float", 1, HIDDEN, 336, (128, 128), 128, 1, ON_M_ONCE | {"splits": 3}),
    "per_head_on_m_splits": Product("per_head", 2, 64, 256, (64, 128), 128, 1, ON_M_ONCE | {"splits": 2, "rows": 64}),
    "to_heads_on_m": Product("to_heads", 2, 192, 336, (64, 128), 128, 1, ON_M_TWICE),
    "per_head_on_m": Product("per_head", 3, 64, 160, (64, 128), 128, 1, ON_M_ONCE | {"rows": 64}),
    "from_heads_on_m": Product("from_heads", 3, 200, 128, (128, 128), 128, 1, ON_M_TWICE),
    "norm_on_m": Product("norm", 1, 200, HIDDEN, (128, 128), 128, 2, ON_M_ONCE),
    "norm": Product("norm", 1, 200, HIDDEN, (128, 128), 128, 2),
    "norm_one_term_group64": Product("norm", 1, 72, HIDDEN, (64, 64), 64, 1),
    "float": Product("float", 1, HIDDEN, 336, (128, 128), 128, 2),
    "float_splits": Product("float", 1, HIDDEN, 336, (128, 128), 128, 1, {"splits": 3}),
    "to_heads": Product("to_heads", 3, 96, 336, (128, 128), 128, 2),
    "to_heads_per_row": Product("to_heads", 3, 40, 336, (1, 336), 128, 1),
    "to_heads_block64": Product("to_heads", 2, 192, 208, (64, 128), 128, 1, {"rows": 128, "tokens": 32}),
    "per_head": Product("per_head", 3, 96, 160, (128, 128), 128, 2),
    "per_head_one_term": Product("per_head", 3, 136, 96, (128, 32), 32, 1),
    "per_head_splits": Product("per_head", 2, 72, 208, (128, 64), 64, 2, {"splits": 2}),
    "from_heads": Product("from_heads", 3, 200, 128, (128, 128), 128, 2),
    "from_heads_group64": Product("from_heads", 2, 200, 192, (128, 128), 64, 2),
    "from_heads_group32_one_term": Product("from_heads", 3, 136, 96, (128, 128), 32, 1),
    "from_heads_splits": Product("from_heads", 3, 136, 128, (128, 128), 128, 2, {"splits": 3}),
    "from_heads_per_tensor": Product("from_heads", 2, 72, 160, (72, 320), 32, 2),
}

#===-- modules ---------------------------------------------------------------------------------------------------------------===#


def tensor(*sizes, element="bf16"):
    return f"tensor<{'x'.join(map(str, sizes))}x{element}>"


def project(result, x, weight, kind, shapes, element="bf16"):
    """shapes: of x, the weight and the result, without tokens."""
    a, w, y = tensor("?", *shapes[0]), tensor(*shapes[1]), tensor("?", *shapes[2], element=element)
    return f'%{weight} = mla.weight "{weight}" : {w}\n%{result} = mla.project {kind} %{x}, %{weight} : ({a}, {w}) -> {y}\n'


def body(p):
    """Return the operations from %hidden to %out."""
    h, n, k, kind = p.heads, p.rows, p.columns, p.kind
    if kind == "norm":
        t, g = tensor("?", HIDDEN), tensor(HIDDEN, element="f32")
        n32, w = tensor("?", HIDDEN, element="f32"), tensor(n, k)
        return (f'%gamma = mla.weight "gamma" : {g}\n%x = mla.rms_norm %hidden, %gamma {{epsilon = 1.0e-6 : f64}} : {t}, {g} -> {n32}\n'
                f'%product = mla.weight "product" : {w}\n%y = mla.project %x, %product : ({n32}, {w}) -> {tensor("?", n)}\n' +
                project("out", "y", "after", "", [[n], [HIDDEN, n], [HIDDEN]]))
    if kind == "float":
        f, g = tensor("?", HIDDEN, element="f32"), tensor(HIDDEN, element="f32")
        return (project("x", "hidden", "before", "", [[HIDDEN], [k, HIDDEN], [k]]) + project("y", "x", "product", "", [[k], [n, k], [n]], "f32") +
                f'%gamma = mla.weight "gamma" : {g}\n%out = mla.rms_norm %y, %gamma {{epsilon = 1.0e-6 : f64}} : {f}, {g} -> {tensor("?", HIDDEN)}\n')
    inside, outside = kind in ("per_head", "from_heads"), kind in ("to_heads", "per_head")
    x, y = [h, k] if inside else [k], [h, n] if outside else [n]
    w = {"plain": [n, k], "to_heads": [h, n, k], "per_head": [h, n, k], "from_heads": [n, h, k]}[kind]
    before = project("x", "hidden", "before", "to_heads" if inside else "", [[HIDDEN], [*x, HIDDEN], x])
    after = project("out", "y", "after", "from_heads" if outside else "", [y, [HIDDEN, *y], [HIDDEN]])
    return before + project("y", "x", "product", kind.replace("plain", ""), [x, w, y]) + after


def prepare(p):
    """Return the functions that compute the weights."""
    stored, (rows, columns), shapes = "", p.weight_shape, {}
    for name, shape in re.findall(r'mla.weight "(before|after)" : tensor<([0-9x]+)xbf16>', body(p)):
        stored += f'func.func @prepare.{name}() -> {tensor(shape)} {{\n%w = mla.weight "{name}" : {tensor(shape)}\nreturn %w : {tensor(shape)}\n}}\n'
        shapes[name] = [int(size) for size in shape.split("x")]
    if "gamma" in body(p):
        g = tensor(HIDDEN, element="f32")
        stored += f'func.func @prepare.gamma() -> {g} {{\n%w = mla.weight "gamma" : {g}\nreturn %w : {g}\n}}\n'
        shapes["gamma"] = [HIDDEN]
    blocks = [-(-size // block) for size, block in zip((rows, columns), p.block)]
    e, s, d = tensor(rows, columns, element="f8E4M3FN"), tensor(*blocks, element="f32"), tensor(rows, columns, element="f32")
    made = re.search(r'mla.weight "product" : tensor<([0-9x]+)xbf16>', body(p)).group(1)
    split = {"to_heads": "[[0, 1], [2]]", "per_head": "[[0, 1], [2]]", "from_heads": "[[0], [1, 2]]"}.get(p.kind)
    expand = f"%h = tensor.expand_shape %d {split} output_shape [{made.replace('x', ', ')}] : {d} into {tensor(made, element='f32')}\n" if split else ""
    stored += (f'func.func @prepare.product() -> {tensor(made)} {{\n%e = mla.weight "elements" : {e}\n%s = mla.weight "scales" : {s}\n'
               f'%d = mla.dequantize %e, %s {{block = array<i64: {p.block[0]}, {p.block[1]}>}} : {e}, {s} -> {d}\n{expand}'
               f"%r = arith.truncf %{'h' if split else 'd'} : {tensor(made, element='f32')} to {tensor(made)}\nreturn %r : {tensor(made)}\n}}\n")
    return stored, shapes, blocks


def selection(shape):
    """Return ones on the diagonal of a matrix, heads side by side."""
    if len(shape) == 3 and shape[0] == HIDDEN:  # from heads
        return np.eye(HIDDEN, shape[1] * shape[2]).reshape(shape)
    return np.eye(int(np.prod(shape[:-1])), shape[-1]).reshape(shape)


def emit(source, stage, out, *flags):
    command = [locate.compiler(), *map(str, source), "--target=h100", f"--emit={stage}", "-o", str(out), *flags]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return out.read_text()


def schedule_options(kernels, schedule):
    """Return the options that give kernels a schedule, of one class or a list of classes; the compiler chooses what it leaves open."""
    if not schedule:
        return []
    classes = [{"classes": 1, **schedule}] if isinstance(schedule, dict) else schedule
    listed = "/".join(",".join(f"{key}={value}" for key, value in choices.items()) for choices in classes)
    return [f"--schedule={kernel}:{listed}" for kernel in kernels]


def weights_of(name, p):
    """Return the elements, scales and other tensors, by name."""
    rng = np.random.default_rng(len(name))
    _, shapes, blocks = prepare(p)
    codes = to_e4m3((rng.standard_normal(p.weight_shape) * 100).astype(np.float32))
    scales = np.exp(rng.uniform(-8, -4, blocks)).astype(np.float32)  # far apart: a wrong one is seen
    return codes, scales, {key: selection(shape) if len(shape) > 1 else np.ones(shape) for key, shape in shapes.items()}


def job(name):
    p, base = PRODUCTS[name], checks.directory / name
    config = {**make_bundles.config(1, (16, 16, 16, 64)), "hidden_size": HIDDEN}
    layer, module, checkpoint = base.with_suffix(".json"), base.with_suffix(".mlir"), base.with_suffix(".safetensors")
    # Made weights are in e4m3 where the config says so.
    layer.write_text(json.dumps(config | {"quantization_config": {"quant_method": "fp8", "fmt": "e4m3", "weight_block_size": [128, 128]}}))
    head = emit([f"--config={layer}"], "plan", module, "--dtype=fp8", f"--token-terms={p.terms}", "--cache-dtype=bf16", "--plan=decode=absorb,prefill=absorb")
    cache = re.search(r"!mla.cache<[^>]*>", head).group(0)
    text = head.split("\n", 1)[0] + "\n"
    for phase in ("prefill", "decode"):
        t = tensor("?", HIDDEN)
        text += (f"func.func @{phase}(%hidden: {t}, %cu: tensor<?xi32>, %cache: {cache}) -> ({t}, {cache}) attributes {{mla.phase = #mla.phase<{phase}>, "
                 f"mla.regime = #mla.regime<{{phase = {phase}, q = absorb, o = absorb}}>}} {{\n{body(p)}return %out, %cache : {t}, {cache}\n}}\n")
    module.write_text(text + prepare(p)[0] + "}\n")
    rest = {"turns": 1, "tokens_on_m": 0}
    schedule = [rest | choices for choices in p.schedule] if isinstance(p.schedule, list) else rest | p.schedule if p.schedule else {}
    kernels = emit([module], "kernels", base.with_suffix(".kernels.mlir"), *schedule_options(["y"], schedule))
    assert f"group = {p.group} : i64" in kernels, name
    codes, scales, others = weights_of(name, p)
    tensors = {"elements": ("F8_E4M3", codes.shape, codes.tobytes()), "scales": ("F32", scales.shape, scales.tobytes())}
    for key, value in others.items():
        tensors[key] = ("BF16", value.shape, to_bits(value).tobytes()) if key != "gamma" else ("F32", value.shape, value.astype(np.float32).tobytes())
    safetensors_file.write(checkpoint, tensors | layer_weights(config), {"config": json.dumps(config)})
    return base, [base.with_suffix(".kernels.mlir"), f"--weights={checkpoint}"]


def layer_weights(config):
    """Return the tensors that a layer's checkpoint must have, which the module does not use."""
    p, r, v, latent, hidden = (config[key] for key in ("qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim", "kv_lora_rank", "hidden_size"))
    shapes = {"q_proj": (p + r, hidden), "kv_a_proj_with_mqa": (latent + r, hidden), "kv_b_proj": (p + v, latent), "o_proj": (hidden, v),
              "kv_a_layernorm": (latent,)}
    return {f"model.layers.0.self_attn.{name}.weight": ("F32", shape, bytes(4 * int(np.prod(shape)))) for name, shape in shapes.items()}


def jobs(names):
    return [job(name) for name in names]


#===-- references ------------------------------------------------------------------------------------------------------------===#


def quantized(x, group, terms):
    """Return what mla.quantize stands for, in float64."""
    columns, x = x.shape[-1], np.asarray(x, np.float32)
    scales = np.maximum(np.maximum.reduceat(np.abs(x), np.arange(0, columns, group), axis=-1) / LARGEST, LEAST)
    scales = scales.repeat(group, -1)[..., :columns]
    rest, total = x * (np.float32(1) / scales), 0.0
    for _ in range(terms):
        elements = E4M3[to_e4m3(rest)]
        total, rest = total + elements.astype(np.float64), rest - elements
    return total * scales


def norm(x):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6)


def reference(p, hidden, codes, scales):
    (rows, columns), tokens = p.weight_shape, len(hidden)
    weight = E4M3[codes].astype(np.float64) * scales.repeat(p.block[0], 0)[:rows].repeat(p.block[1], 1)[:, :columns]
    inside, outside = p.kind in ("per_head", "from_heads"), p.kind in ("to_heads", "per_head")
    x = norm(hidden) if p.kind == "norm" else hidden[:, :(p.heads if inside else 1) * p.columns]
    x = quantized(x.reshape(tokens, -1, p.columns), p.group, p.terms)
    if p.kind == "per_head":
        y = np.einsum("thk,hnk->thn", x, weight.reshape(p.heads, p.rows, p.columns))
    else:
        y = x.reshape(tokens, -1) @ weight.T
    y = norm(y) if p.kind == "float" else y
    return np.pad(y.reshape(tokens, -1), ((0, 0), (0, HIDDEN - y.size // tokens)))


#===-- runs ------------------------------------------------------------------------------------------------------------------===#


def step(bundle, hidden, band=0):
    tokens = len(hidden)
    with Arena(band) as arena:
        pages = arena.given("pages", np.zeros((5, bundle.info.page, bundle.info.cache_row), np.uint16), constant=False)
        out = arena.empty("out", hidden.shape, "bfloat16")
        call = bundle.step_call(arena.given("hidden", hidden), pages, arena.given("block_table", np.arange(5, dtype=np.int32)[None]),
                                arena.given("lengths", np.array([tokens], np.int32)), arena.given("cu_seqlens", np.array([0, tokens], np.int32)),
                                out, max_queries=tokens, max_length=tokens)
        call.enqueue(workspace=arena.workspace(call.workspace_bytes()))
        checks.synchronize()
        return arena.read(out), arena.touched()


def run(names):
    for name in names:
        p, (codes, scales, _), rng = PRODUCTS[name], weights_of(name, PRODUCTS[name]), np.random.default_rng(0)
        with checks.open_bundle(name) as bundle:
            for tokens in p.tokens:
                # Groups of other sizes; a token of zeros.
                hidden = rng.standard_normal((tokens, HIDDEN)) * np.exp(rng.uniform(-3, 3, (tokens, HIDDEN // 32))).repeat(32, 1)
                hidden[2:3] = 0
                hidden = to_bits(hidden)
                (out, touched), (again, touched_again) = step(bundle, hidden), step(bundle, hidden, band=8192)
                found, expected = from_bits(out), reference(p, from_bits(hidden), codes, scales)
                error, repeats = checks.worst_row(found, expected), bool((out == again).all())
                report(error <= p.tolerance and repeats and not touched + touched_again,
                       f"{name} of {tokens} tokens: error of a row {error:.1e}, repeats {repeats}, touched {touched + touched_again}")
        # Checks that must fail: another last scale, the other number of terms.
        wrong = scales.copy()
        wrong[-1, -1] *= 2
        for other, expected in (("scale", reference(p, from_bits(hidden), codes, wrong)),
                                ("terms", reference(dataclasses.replace(p, terms=3 - p.terms), from_bits(hidden), codes, scales))):
            error = checks.worst_row(found, expected)
            report(error > p.tolerance, f"{name}: another {other} is not seen: error of a row {error:.1e}")
