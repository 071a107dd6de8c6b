#!/usr/bin/env python3
"""Checks the Python package on a GPU: python3 PACK/python_check.py [STAGE …], in the folder that make_python_pack.py wrote.

Stages, each in its own process: ops (operations against float32 references, opcheck), streams (other streams, pending work
elsewhere), graph (CUDA graphs with changing contents), flash_mla (FlashMLA's functions, also in a graph), compile (torch.compile), model (small DeepSeek models: logits with forced tokens
within 2e-2 of eager float32, and the same tokens wherever the two best differ by more), generate (transformers, if importable:
generate() against eager, cache and time per token). Exit status 0 only if all passed; some checks must fail, to test the check.
Stages that need a GPU report if there is none, and if the pack is of --target=cpu."""
import json
import os
import pathlib
import sys

import stages

HERE = pathlib.Path(__file__).resolve().parent
LIMITS = {"ops": 150, "streams": 60, "graph": 60, "flash_mla": 60, "compile": 150, "model": 150, "generate": 240}
TOLERANCE = 2e-2
os.environ.setdefault("MLA_RUNTIME_LIBRARY", str(HERE / "libmla-runtime.so.0"))
sys.path.insert(0, str(HERE / "python"))
pack = json.loads((HERE / "pack.json").read_text())
ON_GPU = pack["target"] == "h100"
DEVICE = "cuda" if ON_GPU else "cpu"
cases = bad = 0


def report(ok, text):
    global cases, bad
    cases += 1
    bad += not ok
    print(("ok   " if ok else "BAD  ") + text, flush=True)


def skipped(why):
    report(True, "skipped: " + why)


def relative(found, expected):
    found, expected = found.double().cpu(), expected.double().cpu()
    return ((found - expected).norm() / expected.norm()).item()


def int32(values):
    import torch

    return torch.tensor(values, dtype=torch.int32, device=DEVICE)


def open_bundle(path):
    """Open and register a bundle of the pack on torch's device."""
    import mla_mlir
    import mla_mlir.torch
    import torch

    if ON_GPU:
        torch.zeros(1, device="cuda")  # the bundle is opened in the current context
    bundle = mla_mlir.load(HERE / path)
    return bundle, mla_mlir.torch.register(bundle)


class LayerStep:
    """Random tokens for a layer: three sequences, of which one is prefilled, in scattered pages with invalid page numbers after them."""

    def __init__(self, bundle, queries=(1, 1, 3), lengths=(70, 1, 130), seed=0):
        import torch

        info = bundle.info
        torch.manual_seed(seed)
        self.row = info.kv_lora_rank + info.qk_rope_head_dim
        self.hidden = torch.randn(sum(queries), info.hidden_size).to(DEVICE, torch.bfloat16)
        self.pages = torch.randn(12, info.page, self.row).to(DEVICE, torch.bfloat16)
        order = torch.randperm(12).tolist()
        self.table = int32([[order.pop() for _ in range(3)] + [2**30] for _ in lengths])
        self.lengths, self.queries = int32(lengths), max(queries)
        bounds = [0]
        for count in queries:
            bounds.append(bounds[-1] + count)
        self.cu_seqlens = int32(bounds)

    def arguments(self):
        return self.hidden, self.pages, self.table, self.lengths, self.cu_seqlens

    def op(self, name, layer=0):
        import torch

        return torch.ops.mla.layer(*self.arguments(), name, layer, self.queries)


def attention_arguments(core, queries=(1, 2, 3), lengths=(100, 2, 777), seed=0):
    import torch

    torch.manual_seed(seed)
    heads, latent, rope = core["num_attention_heads"], core["kv_lora_rank"], core["qk_rope_head_dim"]
    q = torch.randn(sum(queries), heads, latent + rope).to(DEVICE, torch.bfloat16)
    pages = torch.randn(40, 64, latent + rope).to(DEVICE, torch.bfloat16)
    table = torch.randperm(39)[: 3 * 13].view(3, 13).to(DEVICE, torch.int32)
    bounds = [0]
    for count in queries:
        bounds.append(bounds[-1] + count)
    # q_latent and q_rope are parts of one row.
    return q[..., :latent], q[..., latent:], pages, table, int32(lengths), int32(bounds)


#===-- operations ------------------------------------------------------------------------------------------------------===#


def ops():
    import mla_mlir
    import torch
    from mla_mlir import attention_reference

    core, name = open_bundle("core.mla")
    info, scale = core.info, (core.info.qk_nope_head_dim + core.info.qk_rope_head_dim) ** -0.5
    given = attention_arguments(pack["core"])
    on_host = [tensor.cpu() for tensor in given]
    out, lse = torch.ops.mla.latent_attention(*given, name, max_queries=3, scale=scale)
    # The reference computes in float32 and rounds its result to the queries' type.
    expected, expected_lse = attention_reference.latent(on_host[0].float(), on_host[1].float(), *on_host[2:], scale)
    error, error_lse = relative(out, expected), (lse.cpu() - expected_lse).abs().max().item()
    report(error <= 4e-3 and error_lse <= 1e-4, f"ops.latent_attention: error {error:.1e}, lse {error_lse:.1e}")
    on_host[2][on_host[3][2, 1].item(), 5] *= -1
    changed = attention_reference.latent(on_host[0].float(), on_host[1].float(), *on_host[2:], scale)[0]
    report(relative(out, changed) > 4e-3, "a changed token of the cache is seen: the tester can fail")

    heads, keys = info.heads, 9
    q = torch.randn(5, heads, info.qk_nope_head_dim + info.qk_rope_head_dim).to(DEVICE, torch.bfloat16)
    q_nope, q_rope = q[..., :info.qk_nope_head_dim], q[..., info.qk_nope_head_dim:]
    k_nope, k_rope, v = (torch.randn(keys, *shape).to(DEVICE, torch.bfloat16) for shape in
                         ((heads, info.qk_nope_head_dim), (info.qk_rope_head_dim,), (heads, info.v_head_dim)))
    naive = (q_nope, q_rope, k_nope, k_rope, v, int32([0, 3, 5]), int32([0, 6, 9]))
    result = torch.ops.mla.naive_attention(*naive, name, max_queries=3, max_length=6, scale=scale)
    host = [tensor.cpu() if tensor.dtype == torch.int32 else tensor.cpu().float() for tensor in naive]
    error = relative(result, attention_reference.naive(*host, scale))
    report(error <= 5e-3, f"ops.naive_attention: error {error:.1e}")

    layer, layer_name = open_bundle("v3/attention.mla")
    step = LayerStep(layer)
    for op, arguments, keywords in (
        (torch.ops.mla.layer.default, (*step.arguments(), layer_name, 0, step.queries), {}),
        (torch.ops.mla.latent_attention.default, (*given, name, 3), {"scale": scale}),
        (torch.ops.mla.naive_attention.default, (*naive, name, 3, 6), {"scale": scale}),
    ):
        try:
            torch.library.opcheck(op, arguments, keywords)
            report(True, f"opcheck {op} on {DEVICE}")
        except Exception as error:
            report(False, f"opcheck {op} on {DEVICE}: {error}")

    expected_pages = step.pages.clone()
    expected = layer.step(step.hidden, expected_pages, *step.arguments()[2:], max_queries=step.queries)
    found = step.op(layer_name)
    report(torch.equal(found, expected) and torch.equal(step.pages, expected_pages), "ops.layer is Bundle.step, bit by bit")
    other = "cpu" if ON_GPU else "meta"
    for argument, change, text in (
        ("hidden", {"hidden": step.hidden.to(other)}, "is on"), ("pages", {"pages": step.pages.float()}, "has dtype float32"),
        ("lengths", {"lengths": step.lengths.long()}, "has dtype int64"), ("hidden", {"hidden": step.hidden.repeat(1, 2)[:, ::2]}, "strides"),
        ("block_table", {"block_table": step.table[:2]}, "has shape"),
    ):
        names = ("hidden", "pages", "block_table", "lengths", "cu_seqlens")
        arguments = dict(zip(names, step.arguments())) | change
        try:
            layer.step(**arguments, max_queries=step.queries, out=torch.empty_like(step.hidden))
            report(False, f"{argument}: {list(change)} is accepted")
        except mla_mlir.ArgumentError as error:
            report(error.argument == argument and text in str(error), f"refused: {error}")


def streams():
    """Check that a step waits for pending work on its tensors on other streams, and runs on the given stream."""
    import torch

    if not ON_GPU:
        return skipped("streams are a GPU's")
    bundle, name = open_bundle("v3/attention.mla")
    expected = LayerStep(bundle).op(name).clone()
    torch.cuda.synchronize()

    step, side = LayerStep(bundle), torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        found = step.op(name)
    side.synchronize()
    report(torch.equal(found, expected), "ops.layer on a stream that is not the default one")

    # On the current stream the hidden states are written late; the step runs on another stream and must wait for them.
    step, out = LayerStep(bundle), torch.empty_like(expected)
    hidden, step.hidden = step.hidden, torch.zeros_like(step.hidden)
    torch.cuda.synchronize()
    torch.cuda._sleep(200_000_000)
    step.hidden.copy_(hidden)
    bundle.step(*step.arguments(), out, max_queries=step.queries, stream=side)
    side.synchronize()
    report(torch.equal(out, expected), "Bundle.step(stream=) comes after work of the producers' stream")

    # The same with the address alone: there is no synchronization, and the zeros are read.
    step, out = LayerStep(bundle), torch.empty_like(expected)
    hidden, step.hidden = step.hidden, torch.zeros_like(step.hidden)
    call = bundle.step_call(*step.arguments(), out, max_queries=step.queries, stream=side)
    call.enqueue(side)  # allocates the workspace
    torch.cuda.synchronize()
    torch.cuda._sleep(200_000_000)
    step.hidden.copy_(hidden)
    call.enqueue(side)
    side.synchronize()
    report(not torch.equal(out, expected), "without the hand-over it would not: the tester can fail")

    with torch.cuda.stream(side):
        out = torch.empty_like(expected)
        bundle.step(*LayerStep(bundle).arguments(), out, max_queries=3)
    side.synchronize()
    report(torch.equal(out, expected), "Bundle.step without a stream takes torch's current one")


def graph():
    """Check that a captured step can be replayed with other lengths, tables and hidden states."""
    import torch

    if not ON_GPU:
        return skipped("CUDA graphs are a GPU's")
    bundle, name = open_bundle("v3/attention.mla")
    core, core_name = open_bundle("core.mla")
    held = LayerStep(bundle, (1, 1, 1), (70, 1, 130))
    queries = attention_arguments(pack["core"], (1, 1, 1), (100, 2, 777))
    held.op(name), torch.ops.mla.latent_attention(*queries, core_name, 1)
    torch.cuda.synchronize()
    captured = torch.cuda.CUDAGraph()
    with torch.cuda.graph(captured):
        out = held.op(name)
        attended, lse = torch.ops.mla.latent_attention(*queries, core_name, 1)
    for seed, lengths in enumerate(((70, 1, 130), (1, 192, 64), (65, 128, 3))):
        other = LayerStep(bundle, (1, 1, 1), lengths, seed)
        for into, value in zip(held.arguments(), other.arguments()):
            into.copy_(value)
        changed = attention_arguments(pack["core"], (1, 1, 1), tuple(4 * n for n in lengths), seed)
        for into, value in zip(queries, changed):
            into.copy_(value)
        captured.replay()
        torch.cuda.synchronize()
        expected = other.op(name)
        same = torch.equal(out, expected) and torch.equal(held.pages, other.pages)
        report(same, f"graph: layer replayed with lengths {lengths}")
        expected, expected_lse = torch.ops.mla.latent_attention(*changed, core_name, 1)
        report(torch.equal(attended, expected) and torch.equal(lse, expected_lse), f"graph: latent attention, lengths {lengths}")


def flash_mla_arguments(queries, lengths=(100, 2, 0, 777), width=576, cache_dtype=None, seed=0):
    """Arguments of flash_mla_with_kvcache, on the host."""
    import torch
    from mla_mlir import packed

    torch.manual_seed(seed)
    row = packed.layout(cache_dtype, 512, width - 512)[2] if cache_dtype else width
    pages = torch.randn(60, 64, 1, width).bfloat16()
    if cache_dtype:  # finite codes, scales and keys
        pages = torch.randint(0, 64, (60, 64, 1, row), dtype=torch.uint8)
    table = torch.randperm(60)[:52].view(4, 13).int()
    return torch.randn(len(lengths), queries, 16, width).bfloat16(), pages, table, torch.tensor(lengths, dtype=torch.int32), 512


def flash_mla():
    import torch
    from mla_mlir.flash_mla import flash_mla_with_kvcache, get_mla_metadata

    if not ON_GPU:
        return skipped("a CPU has no kernel of the attention alone")
    os.environ["MLA_MLIR_CACHE"] = str(HERE / "cores")
    for queries, causal, width, cache_dtype in ((1, True, 576, None), (4, True, 576, None), (19, True, 576, None), (1, False, 576, None),
                                                (3, False, 576, None), (19, False, 576, None), (2, True, 512, None), (2, True, 576, "fp8_row")):
        host, keywords = flash_mla_arguments(queries, (100, 2, 0, 777), width, cache_dtype), dict(causal=causal, is_fp8_kvcache=bool(cache_dtype))
        given = [value.to(DEVICE) for value in host[:4]]
        out, lse = flash_mla_with_kvcache(*given, 512, get_mla_metadata()[0], **keywords)
        expected, expected_lse = flash_mla_with_kvcache(*host, None, **keywords)
        error, error_lse = relative(out, expected), (lse.cpu() - expected_lse).nan_to_num(posinf=0).abs().max().item()  # inf - inf is NaN
        same = torch.equal(lse.isposinf().cpu(), expected_lse.isposinf())
        report(error <= 5e-3 and error_lse <= 1e-3 and same, f"flash_mla: {queries} queries, causal={causal}, width {width}, cache {cache_dtype}: "
                                                             f"error {error:.1e}, lse {error_lse:.1e}")
    for queries, causal in ((1, True), (2, False), (9, True)):
        flash_mla_graph(queries, causal)


def flash_mla_graph(queries, causal):
    """Two layers of a step, with one metadata, in a graph that is replayed with other lengths."""
    import torch
    from mla_mlir.flash_mla import flash_mla_with_kvcache, get_mla_metadata

    def layers(given):
        meta = get_mla_metadata()[0]
        return [flash_mla_with_kvcache(*given, 512, meta, causal=causal) for _ in range(2)]

    given = [value.to(DEVICE) for value in flash_mla_arguments(queries)[:4]]
    layers(given)
    captured = torch.cuda.CUDAGraph()
    with torch.cuda.graph(captured):
        found = layers(given)
    for seed, lengths in enumerate(((777, 0, 64, 1), (5, 800, 832, 65))):
        for into, value in zip(given, flash_mla_arguments(queries, lengths, seed=seed)[:4]):
            into.copy_(value)
        captured.replay()
        expected = layers([value.clone() for value in given])
        same = all(torch.equal(a, b) for pair, other in zip(found, expected) for a, b in zip(pair, other))
        report(same, f"flash_mla in a graph: {queries} queries, causal={causal}, lengths {lengths}")
    before = torch.cuda.memory_allocated()
    for _ in range(3):
        layers(given)
    report(torch.cuda.memory_allocated() == before, "flash_mla keeps no memory")


def compile():
    import torch

    bundle, name = open_bundle("v3/attention.mla")

    def function(hidden, pages, table, lengths, cu_seqlens):
        return 2 * torch.ops.mla.layer(torch.tanh(hidden), pages, table, lengths, cu_seqlens, name, 0, 3) + hidden

    modes = ("default", "reduce-overhead") if ON_GPU else ("default",)
    for mode in modes:
        eager, other = LayerStep(bundle), LayerStep(bundle)
        expected = function(*eager.arguments())
        try:
            compiled = torch.compile(function, fullgraph=True, mode=mode)
            for _ in range(3):
                found = compiled(*other.arguments()).clone()
        except Exception as error:
            text = str(error).strip().splitlines()[-1][:150]
            missing = any(word in f"{type(error)} {error}".lower() for word in ("triton", "compiler", "gcc", "ninja"))
            if missing:
                skipped(f"torch.compile({mode}) lacks a tool here: {text}")
            else:
                report(False, f"torch.compile({mode}): {type(error).__name__}: {text}")
            continue
        error, rows = relative(found, expected), relative(other.pages, eager.pages)
        report(error <= 1e-2 and rows <= 1e-2, f"torch.compile({mode}), one graph: error {error:.1e}, of the cache {rows:.1e}")


#===-- models --------------------------------------------------------------------------------------------------------------===#


def forced_logits(path, golden):
    """Compute what make_python_pack.py computed with transformers, by the minimal model with compiled attentions."""
    import torch
    from mla_mlir.attention import LatentPages
    from minimal_model import MinimalModel

    bundle, name = open_bundle(f"{path}/attention.mla")
    config = json.loads((HERE / path / "config.json").read_text())
    weights = {key: value.to(DEVICE) for key, value in golden["weights"].items()}
    pages = LatentPages(bundle, name, DEVICE)
    sequences, mask = golden["sequences"].to(DEVICE), golden["mask"]

    def advance(ids, mask):
        step = pages.begin(*ids.shape, mask)
        logits = MinimalModel(config, weights, step.run).logits(ids)
        step.commit()
        return logits[:, -1].float().cpu()

    prompt, found = mask.shape[1], []
    with torch.no_grad():
        found.append(advance(sequences[:, :prompt], mask))
        for i in range(pack["tokens"]):
            mask = torch.cat([mask, torch.ones_like(mask[:, :1])], 1)
            found.append(advance(sequences[:, prompt + i:prompt + i + 1], mask))
    return torch.stack(found, 1), pages


def compare_logits(label, found, expected):
    """Return the relative L2 error of the worst step, as mla-run --check computes it, and whether the best token is the same
    wherever it leads by more than TOLERANCE of the row's largest logit."""
    worst = max(relative(found[:, i], expected[:, i]) for i in range(found.shape[1]))
    clear, same = is_clear(expected), found.argmax(-1) == expected.argmax(-1)
    largest = ((found - expected).abs().amax(-1) / expected.abs().amax(-1)).max().item()
    return worst, bool(same[clear].all()), int(clear.sum()), (
        f"{label}: error of the worst step {worst:.1e}, of all {relative(found, expected):.1e}, largest difference {largest:.1e} of the "
        f"row's largest logit; {int(clear.sum())} of {same.numel()} tokens are clear, {int((same & clear).sum())} of these the same, "
        f"{int(same.sum())} of all")


def is_clear(logits):
    top = logits.topk(2, -1).values
    return (top[..., 0] - top[..., 1]) > TOLERANCE * logits.abs().amax(-1)


def model():
    import torch

    for path in ("v3", "v2"):
        golden = torch.load(HERE / path / "golden.pt", weights_only=True)
        found, pages = forced_logits(path, golden)
        worst, tokens, clear, text = compare_logits(f"{path} bf16 compiled beside eager float32", found, golden["f32"])
        report(worst <= TOLERANCE and tokens and clear > golden["mask"].shape[0] * pack["tokens"] // 4, text)
        print("     " + compare_logits(f"{path} bf16 eager on a CPU beside eager float32", golden["bf16"], golden["f32"])[-1])
        real = sum(pages.lengths)
        print(f"     {path} cache: {pages.nbytes()} bytes for {real} tokens and {golden['sequences'].numel()} places with padding")
        wrong = found.roll(1, 1)
        worst, tokens, *_ = compare_logits("", wrong, golden["f32"])
        report(worst > TOLERANCE and not tokens, f"{path}: another step's logits are refused: the tester can fail")


def generate():
    """Compare the patched model of transformers with the original."""
    import torch

    sys.path.append(str(HERE / "site"))
    try:
        import transformers
        import mla_mlir.transformers as mla
    except ImportError as error:
        return skipped(f"transformers cannot be imported here: {error}")
    if tuple(int(part) for part in transformers.__version__.split(".")[:2]) < (5, 17):
        return skipped(f"transformers is {transformers.__version__}, must be 5.17 or later")
    import generate as bench

    for path in ("v3", "v2"):
        golden = torch.load(HERE / path / "golden.pt", weights_only=True)
        config = transformers.AutoConfig.from_pretrained(HERE / path)
        made = transformers.AutoModelForCausalLM.from_config(config).eval()
        made.load_state_dict(golden["weights"])
        for parameter in made.parameters():  # not buffers, such as the frequencies of RoPE
            parameter.data = parameter.data.bfloat16()
        made = made.to(DEVICE)
        batch = {"input_ids": golden["sequences"][:, :golden["mask"].shape[1]].to(DEVICE), "attention_mask": golden["mask"].to(DEVICE)}
        eager = bench.measure(made, batch, pack["tokens"])
        mla.patch(made, bundle=HERE / path / "attention.mla")
        compiled = bench.measure(made, batch, pack["tokens"])
        # Both are bf16 and may differ at a token without a clear lead; the float32 model's logits determine the lead.
        expected = golden["sequences"][:, golden["mask"].shape[1]:]
        for label, result in (("eager", eager), ("compiled", compiled)):
            prefix = ((result["tokens"].cpu() == expected).long().cumprod(1).sum(1)).tolist()
            print(f"     {path} {label}: {result['ms_per_token']:.2f} ms a token, cache {result['cache_bytes']} bytes, greedy tokens as "
                  f"float32's up to {prefix}")
        lead = clear_prefix(golden)
        agree = ((compiled["tokens"].cpu() == expected).long().cumprod(1).sum(1)).tolist()
        report(all(a >= b for a, b in zip(agree, lead)), f"{path} generate(): the tokens of float32 up to the first unclear one, {lead}")


def clear_prefix(golden):
    """Return the tokens of each sequence before the first whose lead is within the tolerance."""
    return is_clear(golden["f32"][:, :-1]).long().cumprod(1).sum(1).tolist()


if __name__ == "__main__":
    if len(sys.argv) == 1:
        stages.run_all("python check", LIMITS, [__file__])
    for stage in sys.argv[1:]:
        globals()[stage]()
    print(f"{' '.join(sys.argv[1:])}: {cases} cases, {bad} bad")
    sys.exit(bad > 0 or cases == 0)
