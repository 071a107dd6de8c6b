"""The faults that mutations.py plants: an edit of the PTX, the kernels to edit, and the kind of fault that the device reports."""

import dataclasses
import re
from typing import Callable

NUMERIC = "numeric"  # defined behavior with another result: only the comparison with golden values detects it


class NotFound(Exception):
    pass


@dataclasses.dataclass
class Mutant:
    name: str
    kind: str
    kernel: str  # the prefix of the kernels' names
    edit: Callable[[str], str]
    model: str = "v3_yarn"
    workload: str = "check"
    device: str = "policy=lazy"  # of MLA_EMULATOR
    text: str = ""  # another pattern of the message
    reporter: str = ""  # the prefix of the reporting kernel's name, if different

    @property
    def reported_by(self):
        return self.reporter or self.kernel


# Edits: functions that mutate the text of a kernel.

LINE = r"^[^\n]*{}[^\n]*\n"
WAIT = r"\{\n\t\.reg \.pred\s+P1;[^{}]*mbarrier\.try_wait\.parity[^{}]*DONE: \n\t\}\n"
REFILL_AND_LABEL = r"^\tcp\.async\.bulk\.tensor\.3d\.shared(?:[^\n]*\n\t)*?[^\n]*\n\$L__BB\d+_\d+:\n"


def line(pattern):
    """Return a pattern for a whole line that contains the pattern."""
    return LINE.format(pattern)


def search(pattern, text, start=0, end=None):
    found = re.finditer(pattern, text, re.MULTILINE)
    return [m for m in found if m.start() >= start and (end is None or m.end() <= end)]


def locate(text, pattern, after=None, before=None):
    """Find the first match after the first match of `after`; with `before` alone, the last match before it."""
    start, end = 0, len(text)
    if after:
        start = locate(text, after).end()
    if before:
        anchors = search(before, text, start)
        if not anchors:
            raise NotFound(f"no match of {before}")
        end = anchors[0].start()
    matches = search(pattern, text, start, end)
    if not matches:
        raise NotFound(f"no match of {pattern}")
    return matches[-1 if before and not after else 0]


def replace(pattern, replacement, **where):
    """Replace one match; the replacement may refer to groups of the pattern."""

    def edit(text):
        match = locate(text, pattern, **where)
        return text[: match.start()] + match.expand(replacement) + text[match.end() :]

    return edit


def drop(pattern, **where):
    return replace(pattern, "", **where)


def replace_all(pattern, replacement):
    def edit(text):
        edited, count = re.subn(pattern, replacement, text, flags=re.MULTILINE)
        if not count:
            raise NotFound(f"no match of {pattern}")
        return edited

    return edit


def drop_all(pattern):
    return replace_all(pattern, "")


def move_behind(pattern, anchor, **where):
    """Move one match after the first match of the anchor that follows it."""

    def edit(text):
        match = locate(text, pattern, **where)
        anchors = search(anchor, text, match.end())
        if not anchors:
            raise NotFound(f"no match of {anchor} behind {pattern}")
        end = anchors[0].end()
        return text[: match.start()] + text[match.end() : end] + match.group(0) + text[end:]

    return edit


def flip_parity(**where):
    """Wait for the other parity."""

    def edit(text):
        wait = locate(text, WAIT, **where)
        flipped, count = re.subn(
            r"(mbarrier\.try_wait\.parity\.shared\.b64 P1, \[%r\d+\]), (%r\d+),",
            r".reg .b32 flipped;\n\txor.b32 flipped, \2, 1;\n\t\1, flipped,",
            wait.group(0),
        )
        if count != 1:
            raise NotFound("no parity in " + wait.group(0))
        return text[: wait.start()] + flipped + text[wait.end() :]

    return edit


def only_lanes(instruction, condition, **where):
    """Execute an instruction under a condition on %laneid, such as "lt 16"."""
    operator, value = condition.split()
    test = "{\n\t.reg .b32 lane;\n\t.reg .pred some;\n\tmov.u32 lane, %laneid;\n"
    test += f"\tsetp.{operator}.u32 some, lane, {value};\n"
    return replace(rf"^\t({instruction}[^\n]*)\n", test + r"\t@some \1\n\t}\n", **where)


PROJECTION = "projection_"
NORMALIZE = "normalize_"
LATENT = "latent_attention_l128_r32_page64_o"
NAIVE = "naive_attention_p"
LATENT_DECODE = dict(kernel=LATENT, model="v3_plain", workload="decode")
FEW_DECODE = dict(kernel="few_rows16_latent_attention_l128_r32", model="few_rows", workload="decode")
NAIVE_PREFILL = dict(kernel=NAIVE, workload="prefill")

SPIN = "$spin:\n\t{\n\t.reg .b32 n;\n\t.reg .pred again;\n\tmov.u32 n, %tid.x;\n"
SPIN += "\tsetp.lt.u32 again, n, 4096;\n\t@again bra $spin;\n\t}\n"
FULL = dict(before=r"wgmma\.fence")  # the consumer's wait: before the products
FILL = dict(after=r"griddepcontrol\.wait")  # the producer's loads: after the preceding grid's end
DESCRIPTOR = r"add\.s64 \t(%rd\d+), (%rd\d+), (4611686293305\d{6});"


def descriptor(change):
    """Change the constant part of the first descriptor."""

    def edit(text):
        match = locate(text, DESCRIPTOR)
        value = change(int(match.group(3))) & (1 << 64) - 1
        value = value - (1 << 64) if value >> 63 else value
        return text[: match.start(3)] + str(value) + text[match.end(3) :]

    return edit


ALL = [
    # Proxies and fences.
    Mutant("store without proxy fence", "proxy-fence", PROJECTION, drop(line(r"fence\.proxy\.async"))),
    Mutant("mbarriers without their fence", "proxy-fence", PROJECTION, drop(line(r"fence\.mbarrier_init"))),
    Mutant("probabilities without proxy fence", "proxy-fence",
           edit=drop_all(line(r"fence\.proxy\.async")), **LATENT_DECODE),
    # mbarriers.
    Mutant("full wait with flipped parity", "race", PROJECTION, flip_parity(**FULL)),
    Mutant("empty wait with flipped parity", "barrier", PROJECTION,
           flip_parity(**FILL), text="more arrivals than expected"),
    Mutant("full wait dropped", "race", PROJECTION, drop(WAIT, **FULL)),
    Mutant("full wait that does not try again", "copy-pending", PROJECTION, replace(r"^\s*bra\.uni\s+LAB_WAIT;[^\n]*\n", "", **FULL)),
    Mutant("keys read without waiting for their copy", "copy-pending", edit=drop(WAIT, **FULL), **LATENT_DECODE),
    Mutant("empty wait dropped", "barrier", PROJECTION, drop(WAIT, **FILL), text="more arrivals than expected"),
    Mutant("mbarriers expect another arrival", "deadlock", PROJECTION,
           replace(r"mov\.b32 \t(%r\d+), 1;(?=\n[^\n]*\n\tmbarrier\.init)", r"mov.b32 \t\1, 2;")),
    Mutant("mbarriers expect no arrival", "invalid", PROJECTION,
           replace(r"mov\.b32 \t(%r\d+), 1;(?=\n[^\n]*\n\tmbarrier\.init)", r"mov.b32 \t\1, 0;")),
    Mutant("mbarrier without init", "barrier", PROJECTION, drop(line(r"mbarrier\.init"))),
    Mutant("too many bytes expected", "deadlock", PROJECTION,
           replace_all(r"(mov\.b32 \t%r\d+, )(\d+)(?=;\n\tmbarrier\.arrive\.expect_tx)", r"\g<1>1\2")),
    Mutant("too few bytes expected", "deadlock", PROJECTION,
           replace_all(r"(mov\.b32 \t%r\d+, )(\d+)(?=;\n\tmbarrier\.arrive\.expect_tx)", r"\g<1>1024")),
    Mutant("arrival twice", "barrier", PROJECTION, replace(r"^(\tmbarrier\.arrive\.shared\.b64[^\n]*\n)", r"\1\1")),
    Mutant("arrival dropped", "deadlock", PROJECTION, drop_all(line(r"mbarrier\.arrive\.shared"))),
    # Products.
    Mutant("last product waits for all but one", "product-pending", PROJECTION,
           replace(r"wgmma\.wait_group\.sync\.aligned \t0;", r"wgmma.wait_group.sync.aligned \t1;")),
    Mutant("latent scores wait for all but one", "product-pending",
           edit=replace(r"wgmma\.wait_group\.sync\.aligned \t0;", r"wgmma.wait_group.sync.aligned \t1;"), **LATENT_DECODE),
    Mutant("naive scores wait for all but one", "product-pending",
           edit=replace(r"wgmma\.wait_group\.sync\.aligned \t0;", r"wgmma.wait_group.sync.aligned \t1;"), **NAIVE_PREFILL),
    Mutant("product without wgmma.fence", "product-fence", PROJECTION, drop(line(r"wgmma\.fence"))),
    Mutant("scores without wgmma.fence", "product-fence", edit=drop(line(r"wgmma\.fence")), **NAIVE_PREFILL),
    Mutant("product without commit", "product-pending", PROJECTION, drop(line(r"wgmma\.commit_group"))),
    Mutant("accumulator read before the wait", "product-pending", PROJECTION,
           move_behind(line(r"wgmma\.wait_group\.sync\.aligned \t0"), line(r"cvt\.rn\.bf16x2\.f32"))),
    Mutant("stage released before its product", "race", PROJECTION,
           replace(r"wgmma\.wait_group\.sync\.aligned \t1;", r"wgmma.wait_group.sync.aligned \t2;"), device="policy=random:1"),
    # Descriptors.
    Mutant("descriptor beyond shared memory", "out-of-bounds", PROJECTION, descriptor(lambda value: value | 0x3fff)),
    Mutant("descriptor of another swizzle", "unsupported", PROJECTION, descriptor(lambda value: value ^ 3 << 62)),
    Mutant("descriptor of the next columns", NUMERIC, PROJECTION, descriptor(lambda value: value + 2)),
    Mutant("descriptor of another stage", "copy-pending", PROJECTION, descriptor(lambda value: value + 640)),
    # Addresses and tensor maps.
    Mutant("copy to a misaligned address", "misaligned", PROJECTION,
           replace(r"(\[%rd\d+\+)1024\], \[%rd", r"\g<1>1032], [%rd")),
    Mutant("copy beyond shared memory", "out-of-bounds", PROJECTION,
           replace(r"(\[%rd\d+\+)1024\], \[%rd", r"\g<1>1048576], [%rd")),
    Mutant("tensor map that is none", "tensor-map", PROJECTION,
           replace(r"(cp\.async\.bulk\.tensor\.3d\.shared::cta[^\n]*\[%rd\d+\+1024\], \[%rd\d+)", r"\1+64")),
    Mutant("rows stored one row further", NUMERIC, PROJECTION,
           replace(r"^(\tcp\.async\.bulk\.tensor\.3d\.global[^\n]*\{%r\d+, )(%r\d+)", r"\tadd.s32 \t\2, \2, 1;\n\1\2")),
    Mutant("stmatrix to a misaligned address", "misaligned", PROJECTION,
           replace(r"(stmatrix[^\n]*\[%rd\d+\+\d+)\d\]", r"\g<1>8]")),
    Mutant("stmatrix beyond shared memory", "out-of-bounds", PROJECTION,
           replace(r"(stmatrix[^\n]*\[%rd\d+\+)(\d+)\]", r"\g<1>1\2]")),
    Mutant("load beyond a buffer", "out-of-bounds", NORMALIZE,
           replace(r"(ld\.global\.v4\.b32 [^\n]*\[%rd\d+)\]", r"\1+1073741824]")),
    Mutant("load from a misaligned address", "misaligned", NORMALIZE,
           replace(r"(ld\.global\.v4\.b32 [^\n]*\[%rd\d+)\]", r"\1+4]")),
    # Grids.
    Mutant("read without griddepcontrol.wait", "dependent-launch", NORMALIZE, drop(line(r"griddepcontrol\.wait")),
           reporter=PROJECTION),
    Mutant("read before griddepcontrol.wait", "dependent-launch", NORMALIZE,
           move_behind(line(r"griddepcontrol\.wait"), line(r"ld\.global\.v4")), reporter=PROJECTION),
    Mutant("copies without griddepcontrol.wait", "dependent-launch", PROJECTION, drop(line(r"griddepcontrol\.wait")),
           reporter=NORMALIZE),
    # Barriers of the block.
    Mutant("staged rows without barrier", "race", PROJECTION, drop(line(r"bar\.sync"), after=r"fence\.proxy\.async")),
    Mutant("barrier of more threads than arrive", "deadlock", PROJECTION,
           replace(r"(bar\.sync \t%r\d+), 128", r"\1, 160")),
    Mutant("barrier of fewer threads than arrive", "barrier", PROJECTION,
           replace(r"(bar\.sync \t%r\d+), 128", r"\1, 96")),
    Mutant("barrier of more threads than the block has", "invalid", PROJECTION,
           replace(r"(bar\.sync \t%r\d+), 128", r"\1, 256")),
    Mutant("barrier of half a warp", "invalid", PROJECTION, replace(r"(bar\.sync \t%r\d+), 128", r"\1, 112")),
    Mutant("zeros without barrier", "race", edit=drop_all(line(r"bar\.sync \t12, 128")), **LATENT_DECODE),
    Mutant("arrival at a named barrier dropped", "deadlock", edit=drop(line(r"bar\.arrive")), **LATENT_DECODE),
    Mutant("refill before its product has read", "race",
           edit=move_behind(line(r"wgmma\.wait_group\.sync\.aligned \t0"), REFILL_AND_LABEL, after=r"bar\.arrive 8"), **LATENT_DECODE),
    Mutant("warpgroups without their barrier", "race", edit=drop_all(line(r"bar\.sync \t9, 256")), **LATENT_DECODE),
    # Divergence.
    Mutant("aligned instruction under a condition", "divergence", PROJECTION, only_lanes(r"wgmma\.fence", "lt 16")),
    Mutant("shuffle of half a warp", "divergence", NORMALIZE, only_lanes(r"shfl\.sync\.bfly", "lt 16")),
    Mutant("bar.warp.sync without some lanes", "divergence",
           edit=replace(r"bar\.warp\.sync \t-1", r"bar.warp.sync \t15"), **LATENT_DECODE),
    # Copies of cp.async and of bulk stores.
    Mutant("cp.async without wait", "copy-pending", "latent_attention_l", drop(line(r"cp\.async\.wait_group")),
           device="policy=lazy,multiprocessors=1"),
    Mutant("staging overwritten while it is stored", "race", PROJECTION,
           drop(line(r"cp\.async\.bulk\.wait_group\.read"))),
    Mutant("exit while a store reads", "copy-pending", PROJECTION,
           drop_all(line(r"cp\.async\.bulk\.wait_group\.read"))),
    # Tokens that threads copy, each warpgroup's to its ring.
    Mutant("copied tokens without proxy fence", "proxy-fence", edit=drop_all(line(r"fence\.proxy\.async")), **FEW_DECODE),
    Mutant("copied tokens read without waiting", "copy-pending", edit=drop(WAIT, **FULL), **FEW_DECODE),
    Mutant("copies that count on no barrier", "copy-pending", edit=drop_all(line(r"cp\.async\.mbarrier\.arrive")), **FEW_DECODE),
    Mutant("tile released while it is multiplied", "race",
           edit=replace_all(r"wgmma\.wait_group\.sync\.aligned \t1;", r"wgmma.wait_group.sync.aligned \t7;"),
           device="policy=lazy,multiprocessors=1", **FEW_DECODE),
    Mutant("probabilities without barrier", "race", edit=drop_all(line(r"bar\.sync \t%r\d+, 128")), **FEW_DECODE),
    # Others.
    Mutant("too many registers", "deadlock", edit=replace(r"(setmaxnreg\.inc\.sync\.aligned\.u32 \t)232", r"\g<1>240"),
           **NAIVE_PREFILL),
    Mutant("more registers by setmaxnreg.dec", "invalid",
           edit=replace(r"setmaxnreg\.inc", r"setmaxnreg.dec"), **NAIVE_PREFILL),
    Mutant("rows stored beyond the sequences", "out-of-bounds",
           edit=drop(line(r"@%p\d+ bra"), before=r"st\.global\.v4"), **NAIVE_PREFILL),
    Mutant("condition of a register that nobody wrote", "uninitialized", NORMALIZE,
           drop(line(r"add\.s32 \t%r\d+, %r\d+, %r\d+"), before=r"griddepcontrol\.wait")),
    Mutant("endless loop", "limit", NORMALIZE, replace(r"^\tret;", SPIN + "\tret;"),
           device="policy=lazy,instructions=100000"),
]
