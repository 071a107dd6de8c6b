"""Checks that mla_step_check finds one wrong number in tables of many sequences and accepts valid tables, and that calls reject bad arguments."""
import numpy as np

import check_decode
import checks
from checks import report
from device_arrays import Arena
from mla_mlir import Error


def changed(array, index, value):
    return [value if i == index else old for i, old in enumerate(array)]


def run(names):
    for name in names:
        with checks.open_bundle(name) as bundle:
            refuse_tables(bundle)
            refuse_arguments(bundle, name)
            check_decode.check(bundle, check_decode.CORES[name], "after refusals", [1] * 2, [100, 50])


def refuse_tables(bundle):
    batch, width, num_pages, page = 37, 70, 5000, bundle.info.page
    lengths = [1 + (997 * s) % (width * page) for s in range(batch)]
    lengths[5] = width * page
    used = [-(-n // page) for n in lengths]
    cu = list(range(batch + 1))
    table = [[(s * width + e) % num_pages if e < used[s] else -7 for e in range(width)] for s in range(batch)]

    def verdict(cu=cu, lengths=lengths, table=table):
        with Arena() as arena:
            given = [arena.given(key, np.array(a, np.int64).astype(np.int32))
                     for key, a in (("block_table", table), ("lengths", lengths), ("cu_seqlens", cu))]
            try:
                bundle.check_step(*given, tokens=batch, num_pages=num_pages, max_queries=1, max_length=width * page)
            except Error as error:
                return str(error)
            return "right"

    report(verdict() == "right", f"step check: right tables are refused: {verdict()}")
    for s, e, value in ((0, 0, -1), (5, width - 1, num_pages), (5, 33, 2**31 - 1), (36, used[36] - 1, -(2**31)), (5, 31, num_pages)):
        text = verdict(table=changed(table, s, changed(table[s], e, value)))
        report(f"sequence {s}: block_table[{s}][{e}] is {value};" in text, f"step check: page {value} at [{s}][{e}]: {text}")
    two = changed(table, 5, changed(changed(table[5], 40, -2), 37, -3))
    report("block_table[5][37] is -3" in verdict(table=two), f"step check: the first of two: {verdict(table=two)}")
    for s, value, says in ((7, 0, "less than its query tokens"), (8, -(2**31), "less than its query tokens"), (9, width * page + 1, "more than max_length")):
        text = verdict(lengths=changed(lengths, s, value))
        report(f"sequence {s}: lengths[{s}] is {value}, {says}" in text, f"step check: length {value}: {text}")
    for i, value, says in ((0, 1, "sequence 0: cu_seqlens[0] is 1;"), (12, 10, "sequence 11: cu_seqlens[12] is 10, less"),
                           (37, 38, "sequence 36: cu_seqlens[37] is 38, more than tokens"), (4, 5, "sequence 3: it has 2 query tokens")):
        text = verdict(cu=changed(cu, i, value))
        report(says in text, f"step check: cu_seqlens[{i}] = {value}: {text}")


def refuse_arguments(bundle, name):
    """Check that bad arguments give a status that names them, and that nothing runs."""
    batch = check_decode.Batch(check_decode.CORES[name], [1] * 2, [100, 50])
    with Arena() as arena:
        call, out, _ = batch.call(bundle, arena)
        workspace = arena.workspace(call.workspace_bytes())
        pages = call.struct.pages
        for field, value in (("q_latent", 0), ("pages", pages + 2), ("lengths", 0), ("out", 0), ("tokens", -1), ("max_length", 10**9),
                             ("max_queries", 9), ("batch", 0)):
            before = getattr(call.struct, field)
            setattr(call.struct, field, value)
            try:
                call.enqueue(workspace=workspace)
                report(False, f"{field} = {value} is accepted")
            except Error as error:
                report(field in str(error), f"{field} = {value}: the message does not name it: {error}")
            setattr(call.struct, field, before)
        try:
            call.enqueue(workspace=(workspace[0], 16))
            report(False, "a workspace of 16 bytes is accepted")
        except Error as error:
            report("workspace_bytes" in str(error), f"workspace_bytes = 16: the message does not name it: {error}")
        checks.synchronize()
        report((arena.read(out) == 0xFFFF).all() and not arena.touched(), "a refused call runs")
