"""Checks the launch lists of a bundle for the H100 against its PTX and its weights."""

import itertools
import json
import pathlib
import re
import struct
import sys

SIZES = {"tokens", "batch", "max_queries", "max_length", "cached", "pages", "table_width", "processors"}
STRIDES = {"q_stride", "q_rope_stride"}  # of queries, in entries of the attention alone
ENTRY_BUFFERS = {"hidden", "cu_seqlens", "pages", "block_table", "lengths", "out"}
CORE_BUFFERS = {
    "latent_attention": {"q_latent", "q_rope", "pages", "block_table", "lengths", "cu_seqlens", "out", "lse"},
    "naive_attention": {"q_nope", "q_rope", "k_nope", "k_rope", "v", "cu_seqlens", "cu_keys", "out"},
    "step_check": {"cu_seqlens", "lengths", "block_table", "out"},
}
PARAMETER = re.compile(r"\.param (?:\.align \d+ )?\.(b8|u64|u32|f32)[^,]*?(\[128\])?,?$")
KINDS = {"map": "b8", "pointer": "u64", "i32": "u32", "f32": "f32"}


def read_entries(ptx):
    """Yield the name and the kinds of parameters of every kernel."""
    for name, parameters in re.findall(r"\.entry (\w+)\((.*?)\n\)", ptx, re.DOTALL):
        yield name, [PARAMETER.search(line.strip().rstrip(",")).group(1) for line in parameters.strip().splitlines()]


def check_expression(expression, sizes):
    if isinstance(expression, list):
        operator, left, right = expression
        assert operator in ("+", "*", "//", "ceil/", "%"), operator
        check_expression(left, sizes)
        check_expression(right, sizes)
    else:
        assert isinstance(expression, int) or expression in sizes, expression


def evaluate(expression, sizes):
    if not isinstance(expression, list):
        return sizes.get(expression, expression)
    operator, left, right = expression[0], evaluate(expression[1], sizes), evaluate(expression[2], sizes)
    return {"+": left + right, "*": left * right, "//": left // (right or 1), "ceil/": -(-left // (right or 1)), "%": left % (right or 1)}[
        operator
    ]


def limits_of(item, highest=False):
    """Return the values of limit0, limit1, …: the compiler's, or the highest possible."""
    limits = [limit for choice in item.get("choices", []) for limit in choice["most" if highest else "limits"]]
    return {f"limit{i}": limit for i, limit in enumerate(limits)}


def check_choices(item, sizes):
    for choice in item.get("choices", []):
        check_expression(choice["size"], sizes)
        assert choice["limits"] == sorted(choice["limits"]) and len(choice["limits"]) == len(choice["most"]), choice
        assert all(0 < limit <= most for limit, most in zip(choice["limits"], choice["most"])), choice
    assert {launch["choice"] for launch in item["launches"] if "choice" in launch} == set(range(len(item.get("choices", []))))


def is_skipped(launch, queries, processors, limits):
    sizes = dict.fromkeys(SIZES, 1) | limits | {"tokens": queries, "max_queries": queries, "processors": processors} | dict.fromkeys(STRIDES, 64)
    return min(evaluate(expression, sizes) for expression in launch["grid"]) == 0


def product_of(launch):
    """Return what a launch computes: a product or an attention, of whose classes of steps it is one, or anything else by itself."""
    few, latent, rest = launch["kernel"].partition("latent_attention_")
    if latent and few in ("", "few_rows16_"):
        return rest
    name, _, tile = launch["kernel"].partition("_tile")
    if name.startswith("direct_product_"):
        return name.partition("_append_")[0].replace("direct_product_", "projection_")
    return name if tile and name.startswith("projection_") else id(launch)


def check_grids(launches, limits):
    """Check that every launch runs if there are tokens, also on the smallest device; of each product's, those of one class.
    Two products of one size may follow each other."""
    launches = [launch for launch in launches if not launch["kernel"].startswith("projection_sum_")]
    for _, group in itertools.groupby(launches, product_of):
        group = list(group)
        # What a product of few tokens also appends, others append by a launch of its own.
        group += [other for other in launches if other not in group and other["kernel"].endswith("_" + group[0]["kernel"])]
        # 64 tokens of these 8 heads have as many row blocks as 4 tokens of 128 heads, which decode serves.
        runs = {sum(not is_skipped(launch, queries, processors, limits) for launch in group)
                for queries in (1, 8, 17, 64, 128, 129) for processors in (1, 7, 16, 132)}
        assert len(runs) == 1 and runs != {0}, (group[0]["kernel"], len(group), runs)


def check_argument(argument, buffers, sizes):
    """Return the argument's kind in PTX."""
    (kind,) = argument.keys() - {"offset"}
    value = argument[kind]
    if kind == "map":
        assert value["buffer"] in buffers, value["buffer"]
        assert len(value["dims"]) == len(value["box"]) == len(value["strides"]) + 1
        for expression in value["dims"] + value["strides"]:
            check_expression(expression, sizes)
    elif kind == "pointer":
        assert value in buffers, value
    elif kind == "i32":
        check_expression(value, sizes)
    return KINDS[kind]


def check_bindings(item, buffers, sizes):
    """Check that all buffers of the caller are bound, with types that need no table."""
    assert {binding["name"] for binding in item["bindings"]} == buffers, item["bindings"]
    assert len(item["bindings"]) == len(buffers)
    for binding in item["bindings"]:
        assert binding["dtype"] in ("f32", "bf16", "i32"), binding
        for extent in binding["shape"]:
            check_expression(extent, sizes)


def check_list(item, buffers, sizes, kernels):
    check_choices(item, sizes)
    sizes = sizes | limits_of(item).keys()
    temps = {memory["name"] for memory in item["workspace"]}
    assert len(temps) == len(item["workspace"])
    for memory in item["workspace"]:
        check_expression(memory["bytes"], sizes)
    for launch in item["launches"]:
        kinds = [check_argument(argument, buffers | temps, sizes) for argument in launch["args"]]
        assert kinds == kernels[launch["kernel"]], (launch["kernel"], kinds, kernels[launch["kernel"]])
        for expression in launch["grid"]:
            check_expression(expression, sizes)
        assert 0 < launch["threads"] <= 1024 and 0 <= launch["shared"] <= 232448
    for limits in (limits_of(item), limits_of(item, highest=True), dict.fromkeys(limits_of(item), 0)):
        check_grids(item["launches"], limits)
    assert item["launches"], "no launches"


def main():
    bundle = pathlib.Path(sys.argv[1])
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    kernels = dict(read_entries((bundle / "kernels.ptx").read_text(encoding="utf-8")))
    with open(bundle / "weights.safetensors", "rb") as file:
        weights = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    assert (manifest["target"], manifest["isa"], manifest["dtype"]) == ("h100", "sm_90a", "bf16")
    assert [entry["symbol"] for entry in manifest["entries"]] == ["decode", "prefill"]
    for entry in manifest["entries"]:
        for name in entry["weights"]:
            # Norms are f32, all others bf16.
            assert weights["layers.0." + name]["dtype"] == ("F32" if "layernorm" in name else "BF16"), name
        check_bindings(entry, ENTRY_BUFFERS, SIZES)
        buffers = ENTRY_BUFFERS | {"weight:" + name for name in entry["weights"]}
        check_list(entry, buffers, SIZES, kernels)
    assert {core["name"] for core in manifest["cores"]} == CORE_BUFFERS.keys()
    for core in manifest["cores"]:
        check_bindings(core, CORE_BUFFERS[core["name"]], SIZES | STRIDES)
        check_list(core, CORE_BUFFERS[core["name"]], SIZES | STRIDES, kernels)
    hidden, *_, out = manifest["entries"][0]["bindings"]
    assert hidden == {"name": "hidden", "dtype": "bf16", "shape": ["tokens", manifest["model"]["hidden_size"]]}, hidden
    assert out == hidden | {"name": "out"}, out
    assert "mla_probe" in kernels
    for name in ("kernels.ptx", "weights.safetensors"):
        assert manifest["files"][name] == (bundle / name).stat().st_size


main()
