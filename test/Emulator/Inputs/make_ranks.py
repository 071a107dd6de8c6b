#!/usr/bin/env python3
"""Writes bundles of several ranks by hand, with every collective, of all ranks and of pairs: for the emulated device, or
for the CPU, with code that this compiles.

    make_ranks.py OUT RANKS [--silent]
    make_ranks.py OUT RANKS --cpu COMPILER... -- RUNTIME INCLUDE

Kernels may overlap others by their manifest, but do not wait for them: so none overlaps a collective, or results are
undefined, which the device reports. Rank r has the weight r + 1. A layer of n ranks multiplies hidden states by what `factor` returns, and the logits of a
token t are largest at t + 1. OUT/golden.safetensors has a prompt and a step. With --silent the last rank takes part in no collective but that of one
rank.
"""

import json
import pathlib
import platform
import struct
import subprocess
import sys

HIDDEN, VOCABULARY = 8, 40

PREAMBLE = """.version 8.6
.target sm_90a
.address_size 64
"""
# The number of a thread, which ends if it is beyond `n`.
INDEX = """
  .reg .pred %p<8>; .reg .b16 %h<8>; .reg .b32 %r<16>; .reg .f32 %f<8>; .reg .b64 %rd<16>;
  mov.u32 %r1, %ctaid.x;
  mov.u32 %r2, %tid.x;
  mad.lo.s32 %r3, %r1, 64, %r2;
  ld.param.u32 %r4, [{kernel}_param_{last}];
  setp.ge.s32 %p1, %r3, %r4;
  @%p1 bra DONE;
"""


def entry(kernel, parameters, body):
    """A kernel whose last parameter is its number of threads."""
    listed = ",\n".join(f"  .param .{kind} {kernel}_param_{i}" for i, kind in enumerate(parameters))
    index = INDEX.format(kernel=kernel, last=len(parameters) - 1)
    loads = "".join(f"  ld.param.u64 %rd{i + 1}, [{kernel}_param_{i}];\n" for i, kind in enumerate(parameters) if kind == "u64")
    return f".visible .entry {kernel}(\n{listed}\n)\n.maxntid 64, 1, 1\n{{{index}{loads}{body}DONE:\n  ret;\n}}\n"


# out[i] = in[offset + i] * weight[0]
SCALE = entry("scale", ["u64", "u64", "u64", "u32", "u32"], """
  mov.b16 %h0, 0;
  ld.param.u32 %r5, [scale_param_3];
  add.s32 %r6, %r3, %r5;
  mul.wide.s32 %rd4, %r6, 2;
  add.s64 %rd5, %rd1, %rd4;
  ld.global.b16 %h1, [%rd5];
  ld.global.b16 %h2, [%rd2];
  mov.b32 %r7, {%h0, %h1};
  mov.b32 %r8, {%h0, %h2};
  mov.b32 %f1, %r7;
  mov.b32 %f2, %r8;
  mul.rn.f32 %f3, %f1, %f2;
  cvt.rn.bf16.f32 %h3, %f3;
  mul.wide.s32 %rd6, %r3, 2;
  add.s64 %rd7, %rd3, %rd6;
  st.global.b16 [%rd7], %h3;
""")

# hidden[i] = ids[i / HIDDEN]
EMBED = entry("embed", ["u64", "u64", "u32"], f"""
  shr.s32 %r5, %r3, {HIDDEN.bit_length() - 1};
  mul.wide.s32 %rd3, %r5, 4;
  add.s64 %rd4, %rd1, %rd3;
  ld.global.u32 %r6, [%rd4];
  cvt.rn.f32.s32 %f1, %r6;
  cvt.rn.bf16.f32 %h1, %f1;
  mul.wide.s32 %rd5, %r3, 2;
  add.s64 %rd6, %rd2, %rd5;
  st.global.b16 [%rd6], %h1;
""")

# logits[i] = -(hidden[row, 0] * factor + 1 - column)^2
LOGITS = entry("logits", ["u64", "u64", "f32", "u32"], f"""
  mov.b16 %h0, 0;
  div.s32 %r5, %r3, {VOCABULARY};
  mul.lo.s32 %r6, %r5, {VOCABULARY};
  sub.s32 %r7, %r3, %r6;
  mul.wide.s32 %rd3, %r5, {2 * HIDDEN};
  add.s64 %rd4, %rd1, %rd3;
  ld.global.b16 %h1, [%rd4];
  mov.b32 %r8, {{%h0, %h1}};
  mov.b32 %f1, %r8;
  ld.param.f32 %f2, [logits_param_2];
  fma.rn.f32 %f3, %f1, %f2, 0f3F800000;
  cvt.rn.f32.s32 %f4, %r7;
  sub.rn.f32 %f5, %f3, %f4;
  neg.f32 %f6, %f5;
  mul.rn.f32 %f7, %f5, %f6;
  mul.wide.s32 %rd5, %r3, 4;
  add.s64 %rd6, %rd2, %rd5;
  st.global.f32 [%rd6], %f7;
""")

# next[i] = the column of the largest logit of row i
NEXT = entry("next", ["u64", "u64", "u32"], f"""
  mul.wide.s32 %rd3, %r3, {4 * VOCABULARY};
  add.s64 %rd4, %rd1, %rd3;
  mov.u32 %r5, 0;
  mov.u32 %r6, 0;
  ld.global.f32 %f1, [%rd4];
LOOP:
  ld.global.f32 %f2, [%rd4];
  setp.gt.f32 %p2, %f2, %f1;
  selp.f32 %f1, %f2, %f1, %p2;
  selp.b32 %r6, %r5, %r6, %p2;
  add.s64 %rd4, %rd4, 4;
  add.s32 %r5, %r5, 1;
  setp.lt.s32 %p3, %r5, {VOCABULARY};
  @%p3 bra LOOP;
  mul.wide.s32 %rd5, %r3, 4;
  add.s64 %rd6, %rd2, %rd5;
  st.global.u32 [%rd6], %r6;
""")

PTX = PREAMBLE + SCALE + EMBED + LOGITS + NEXT


def factor(ranks):
    """What a layer multiplies hidden states by: the sums of pairs, summed over all ranks, and once more."""
    weights = range(1, ranks + 1)
    return 2 * sum(weights) * sum(weights)


def launch(kernel, count, arguments):
    return {"kernel": kernel, "grid": [["ceil/", count, 64], 1, 1], "threads": 64, "shared": 0, "overlap": True,
            "args": arguments + [{"i32": count}]}


def pointer(buffer):
    return {"pointer": buffer, "offset": 0}


def layer(ranks):
    count = ["*", "tokens", HIDDEN]

    def scale(source, weight, target, offset=0):
        return launch("scale", count, [pointer(source), pointer(weight), pointer(target), {"i32": offset}])

    def collective(kind, group, source, target):
        return {"collective": kind, "ranks": group, "in": pointer(source), "out": pointer(target), "count": count,
                "dtype": "bf16", "part": "MLP"}

    return {
        "workspace": [{"name": f"temp:{i}", "bytes": ["*", count, 2 * size]} for i, size in enumerate([1, 1, ranks, ranks, 1])],
        "launches": [
            scale("hidden", "weight:rank", "temp:0"),
            collective("all_reduce", 2, "temp:0", "temp:0"),
            collective("all_reduce", ranks, "temp:0", "temp:0"),
            scale("temp:0", "weight:rank", "temp:1"),
            collective("all_gather", ranks, "temp:1", "temp:2"),
            collective("all_to_all", ranks, "temp:2", "temp:3"),
            # Block 1 from rank 1, which is the one of this rank's number.
            scale("temp:3", "weight:one", "temp:4", count),
            collective("all_reduce", 1, "temp:4", "temp:1"),
            collective("all_reduce", ranks, "temp:1", "out"),
        ],
    }


def manifest(ranks, rank, sizes, is_silent):
    def list_of():
        made = layer(ranks)
        if is_silent:
            made["launches"] = [dict(item, overlap=False) for item in made["launches"] if item.get("ranks", 1) == 1]
        return made

    every = {"tokens": [0, -1], "context": [0, -1], "weights": ["rank", "one"]}
    logits = ["*", "tokens", VOCABULARY]
    ends = [
        {"symbol": "embed", "phase": "embed", "weights": [], "workspace": [],
         "launches": [launch("embed", ["*", "tokens", HIDDEN], [pointer("ids"), pointer("hidden")])]},
        {"symbol": "logits", "phase": "logits", "weights": [], "workspace": [],
         "launches": [launch("logits", logits, [pointer("hidden"), pointer("logits"), {"f32": 1 / factor(ranks)}])]},
    ]
    return {
        "magic": "mla-bundle", "version": 5, "producer": "a test", "target": "h100", "isa": "sm_90a", "dtype": "bf16",
        "scope": "model", "page": 4, "cache": {"format": "standard", "dtype": "bf16"}, "tensor_parallel": 1, "rank": 0,
        "ranks": {"count": ranks, "rank": rank, "tokens": 1},
        "model": {"model_type": "deepseek_v3", "hidden_size": HIDDEN, "num_attention_heads": ranks, "heads": 1,
                  "q_lora_rank": 0, "kv_lora_rank": 16, "qk_nope_head_dim": 16, "qk_rope_head_dim": 8,
                  "v_head_dim": 16, "rms_norm_eps": 1e-6, "rope_theta": 10000, "vocab_size": VOCABULARY},
        "layers": [0], "plan": "a plan",
        "entries": [
            {"symbol": "decode", "phase": "decode", "q": "fold", "o": "absorb", **every, **list_of()},
            {"symbol": "prefill", "phase": "prefill", "q": "naive", "o": "naive", **every, **list_of()},
            *ends,
        ],
        "cores": [{"name": "next", "workspace": [],
                   "launches": [launch("next", "tokens", [pointer("logits"), pointer("next")])]}],
        "files": sizes,
    }  # fmt: skip


def cpu_manifest(ranks, rank, sizes):
    """The same without launches, in f32."""
    made = manifest(ranks, rank, sizes, is_silent=False)
    made |= {"target": "cpu", "isa": "x86-64-v2" if platform.machine() == "x86_64" else "aarch64", "dtype": "f32",
             "cache": {"format": "standard", "dtype": "f32"}}  # fmt: skip
    del made["cores"]
    for item in made["entries"]:
        del item["launches"], item["workspace"]
        if item["phase"] in ("decode", "prefill"):
            item["symbol"] = "layer"
    return made


def bf16(value):
    return struct.pack("<f", value)[2:]


def f32(value):
    return struct.pack("<f", value)


def write_tensors(path, tensors):
    """Write {name: (dtype, shape, bytes)} as safetensors."""
    header, data = {}, b""
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 16 + 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def write_bundle(path, rank, code, manifest_of, dtype, number):
    """Write a bundle with the file `code`, which is there, and weights of that type."""
    ones = {"rank": rank + 1, "one": 1}
    tensors = {f"layers.0.{name}": (dtype, [8], number(value) * 8) for name, value in ones.items()}
    write_tensors(path / "weights.safetensors", tensors)
    sizes = {name: (path / name).stat().st_size for name in (code, "weights.safetensors")}
    (path / "manifest.json").write_text(json.dumps(manifest_of(sizes)), encoding="utf-8")


def write_gpu_rank(path, ranks, rank, is_silent):
    (path / "kernels.ptx").write_text(PTX, encoding="utf-8")
    write_bundle(path, rank, "kernels.ptx", lambda sizes: manifest(ranks, rank, sizes, is_silent), "BF16", bf16)


def write_cpu_rank(path, ranks, rank, arguments):
    end = arguments.index("--")
    compiler, (runtime, include) = arguments[:end], arguments[end + 1 :]
    source = pathlib.Path(__file__).with_name("ranks_code.c")
    sizes = [f"-DRANKS={ranks}", f"-DFACTOR={factor(ranks)}"]
    subprocess.run([*compiler, "-std=c11", "-O1", "-fPIC", "-shared", "-fvisibility=hidden", *sizes, f"-I{include}", source,
                    runtime, "-o", path / "code.so"], check=True)  # fmt: skip
    write_bundle(path, rank, "code.so", lambda sizes: cpu_manifest(ranks, rank, sizes), "F32", f32)


def write_golden(path, ranks):
    def states(values):
        return "F32", [1, len(values), HIDDEN], b"".join(struct.pack("<f", value) * HIDDEN for value in values)

    steps = {"prefill": [1, 2, 0, 1, 2], "decode.0": [2]}
    tensors = {f"{name}.hidden": states(values) for name, values in steps.items()}
    tensors |= {f"{name}.out": states([value * factor(ranks) for value in values]) for name, values in steps.items()}
    write_tensors(path, tensors)


def main():
    out, ranks = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    for rank in range(ranks):
        path = out / f"rank{rank}"
        path.mkdir(parents=True)
        if "--cpu" in sys.argv:
            write_cpu_rank(path, ranks, rank, sys.argv[sys.argv.index("--cpu") + 1 :])
        else:
            write_gpu_rank(path, ranks, rank, is_silent="--silent" in sys.argv and rank == ranks - 1)
    write_golden(out / "golden.safetensors", ranks)
    (out / "ranks.json").write_text(json.dumps({"magic": "mla-ranks", "version": 1, "ranks": ranks}), encoding="utf-8")


if __name__ == "__main__":
    main()
