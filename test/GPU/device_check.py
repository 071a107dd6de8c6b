#!/usr/bin/env python3
"""Runs the checks that need a GPU: python3 device_check.py BUNDLES RUN_DIR [STAGE …]

BUNDLES is the output of make_bundles.py; RUN_DIR has mla-run and libmla-runtime.so. Stages run in separate processes, so that one that
fails or hangs does not affect others: golden, decode, prefill, graph, refuse, sanitize. Exit status 0 only if all passed; one check must
fail, to test the check. References are float32 or better; results and memory after buffers are poisoned first; every case runs twice and
must repeat bit by bit."""
import json, os, pathlib, random, subprocess, sys

import stages

HERE = pathlib.Path(__file__).resolve().parent
LIMITS = {"golden": 240, "decode": 120, "prefill": 90, "graph": 60, "refuse": 60, "sanitize": 150}
bundles, run_dir = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
golden_dir = HERE.parent / "Models" / "golden"
os.environ.setdefault("MLA_RUNTIME_LIBRARY", str(run_dir / "libmla-runtime.so.0"))
sys.path.insert(0, str(HERE.parents[1] / "benchmarks"))


if len(sys.argv) == 3:
    stages.run_all("device check", LIMITS, [__file__, str(bundles), str(run_dir)])

manifest = json.loads((bundles / "bundles.json").read_text())
CANARY = -12345.0
cases = bad = 0


def report(ok, text):
    global cases, bad
    cases += 1
    bad += not ok
    if not ok:
        print("BAD  " + text, flush=True)


#===-- golden files through mla-run ------------------------------------------------------------------------------------===#


def golden():
    env = dict(os.environ, LD_LIBRARY_PATH=str(run_dir))
    for name in manifest["golden"]:
        stem = name[len("golden_"):].rsplit("_", 1)[0]
        matches = sorted(golden_dir.glob(stem + "*")) or [bundles / f"{stem}.safetensors"]  # or generated with the bundles
        file = matches[0] if matches[0].is_file() else next(matches[0].glob("*golden*"), None) or sorted(matches[0].glob("*.safetensors"))[0]
        done = subprocess.run([str(run_dir / "mla-run"), str(bundles / name), f"--check={file}"], capture_output=True, text=True, env=env)
        last = (done.stdout.strip().splitlines() or done.stderr.strip().splitlines() or ["no output"])[-1]
        print(f"{name}: exit {done.returncode}: {last}", flush=True)
        report(done.returncode == 0, name + "\n" + done.stdout + done.stderr)
    # The check must be able to fail.
    name = manifest["golden"][0]
    stem = name[len("golden_"):].rsplit("_", 1)[0]
    done = subprocess.run([str(run_dir / "mla-run"), str(bundles / name), f"--check={sorted(golden_dir.glob(stem + '*'))[0]}",
                           "--tolerance=1e-5"], capture_output=True, text=True, env=env)
    report(done.returncode == 1, "mla-run accepts bf16 within 1e-5: it compares nothing")


#===-- the attention cores ----------------------------------------------------------------------------------------------===#


def with_canary(shape, dtype):
    """Return a poisoned tensor of this shape, and the canary after it."""
    import torch

    count = 1
    for size in shape:
        count *= size
    whole = torch.full((count + 4096,), float("nan"), dtype=dtype, device="cuda")
    whole[count:] = CANARY
    return whole[:count].view(shape), whole[count:]


class Decode:
    """One batch: random queries and pages, NaN in rows without a token, invalid page numbers after a sequence's last."""

    def __init__(self, core, queries, lengths, seed=0, scale=1.0):
        import torch

        self.core, (_, self.rope, _, self.latent) = core, core["dims"]
        torch.manual_seed(seed)
        page, width = core["page"], self.latent + self.rope
        need = [-(-n // page) for n in lengths]
        order = torch.randperm(sum(need) + 3, device="cuda").to(torch.int32)
        self.pages = torch.randn(sum(need) + 3, page, width, device="cuda", dtype=torch.bfloat16)
        self.table = torch.full((len(lengths), max(need) + 2), 2**30, device="cuda", dtype=torch.int32)
        used = 0
        for i, (count, n) in enumerate(zip(need, lengths)):
            self.table[i, :count] = order[used:used + count]
            used += count
            if n % page:
                self.pages[self.table[i, count - 1].long(), n % page:] = float("nan")
        self.pages[order[used:].long()] = float("nan")
        self.cu = torch.tensor([0] + list(queries), device="cuda").cumsum(0).to(torch.int32)
        self.lengths = torch.tensor(lengths, dtype=torch.int32, device="cuda")
        self.q = torch.randn(sum(queries), core["heads"], width, device="cuda", dtype=torch.bfloat16) * scale
        self.out, self.behind_out = with_canary((sum(queries), core["heads"], self.latent), torch.bfloat16)
        self.lse, self.behind_lse = with_canary((sum(queries), core["heads"]), torch.float32)
        self.max_queries = max(queries)

    def call(self, bundle):
        return bundle.latent_attention(self.q[..., :self.latent], self.q[..., self.latent:], self.pages, self.table, self.lengths, self.cu,
                                       self.out, self.lse, max_queries=self.max_queries)

    def reference(self, scale):
        import torch

        out, lse = torch.zeros_like(self.out, dtype=torch.float64), torch.full_like(self.lse, float("-inf"), dtype=torch.float64)
        for i, n in enumerate(self.lengths.tolist()):
            a, b = self.cu[i].item(), self.cu[i + 1].item()
            if n == 0:
                continue
            rows = self.pages[self.table[i, :-(-n // self.core["page"])].long()].reshape(-1, self.pages.shape[2])[:n].double()
            scores = torch.einsum("qhd,kd->hqk", self.q[a:b].double(), rows) * scale
            seen = n - (b - a) + torch.arange(b - a, device="cuda")
            scores.masked_fill_(torch.arange(n, device="cuda")[None, None] > seen[None, :, None], float("-inf"))
            lse[a:b] = scores.logsumexp(-1).transpose(0, 1)
            out[a:b] = torch.einsum("hqk,kd->qhd", scores.softmax(-1).nan_to_num(), rows[:, :self.latent])
        return out, lse

    def errors(self, scale):
        import torch

        out, lse = self.reference(scale)
        seen = torch.isfinite(lse)
        error = ((self.out.double() - out).norm() / out.norm().clamp_min(1e-20)).item()
        error_lse = (self.lse.double() - lse)[seen].abs().max().item() if seen.any() else 0.0
        nothing = bool((self.lse[~seen] == float("-inf")).all()) and bool((self.out[~seen] == 0).all())
        untouched = bool((self.behind_out == CANARY).all()) and bool((self.behind_lse == CANARY).all())
        return error, error_lse, nothing, untouched


def check_decode(bundle, core, name, queries, lengths, seed=0):
    import torch

    batch = Decode(core, queries, lengths, seed)
    call, scale = batch.call(bundle), (core["dims"][0] + core["dims"][1]) ** -0.5
    call()
    torch.cuda.synchronize()
    first = batch.out.clone(), batch.lse.clone()
    call()
    torch.cuda.synchronize()
    repeats = bool((batch.out == first[0]).all()) and bool((batch.lse == first[1]).all())
    error, error_lse, nothing, untouched = batch.errors(scale)
    report(error <= 3e-3 and error_lse <= 2e-5 and nothing and untouched and repeats,
           f"{name} b{len(lengths)} queries {max(queries)} lengths {min(lengths)}..{max(lengths)}: error {error:.1e} lse {error_lse:.1e}, "
           f"empty rows {nothing}, canaries {untouched}, repeats {repeats}")
    return batch


def decode():
    import mla_runtime

    rng = random.Random(1)
    for name, core in manifest["cores"].items():
        if not name.startswith("core"):
            continue
        page = core["page"]
        with mla_runtime.Bundle(bundles / name) as bundle:
            edges = [0, 1, page - 1, page, page + 1, 63, 64, 65, 127, 128, 129, 2 * page - 1, 2 * page + 1]
            check_decode(bundle, core, name, [1] * len(edges), edges)
            for n in edges:
                check_decode(bundle, core, name, [1], [n], seed=n)
            for b in (1, 2, 7, 40, 130):
                check_decode(bundle, core, name, [1] * b, [rng.randint(0, 1500) for _ in range(b)], seed=b)
            for q in (2, 3, 5, 8):
                check_decode(bundle, core, name, [q] * 9, [rng.randint(0, 700) for _ in range(9)], seed=q)
                check_decode(bundle, core, name, [rng.randint(1, q) for _ in range(9)], [rng.randint(0, 300) for _ in range(9)], seed=q)
            if core["heads"] in (16, 128) and page == 64:
                check_decode(bundle, core, name, [1], [131072])
                check_decode(bundle, core, name, [1] * 512, [rng.randint(0, 600) for _ in range(512)])
        if core["invariant"]:
            invariant(name, core)
        print(f"{name}: {cases} cases so far, {bad} bad", flush=True)
    tester(manifest["cores"]["core_h16"])


def invariant(name, core):
    """Check that a sequence's result does not depend on the rest of the batch."""
    import mla_runtime, torch

    with mla_runtime.Bundle(bundles / name) as bundle:
        rng = random.Random(3)
        lengths = [5000] + [rng.randint(1, 9000) for _ in range(30)]
        batch = Decode(core, [1] * len(lengths), lengths)
        batch.call(bundle)()
        torch.cuda.synchronize()
        full = batch.out[0].clone()
        alone = Decode(core, [1], lengths[:1])
        alone.pages, alone.table, alone.q = batch.pages, batch.table[:1].contiguous(), batch.q[:1].contiguous()
        alone.call(bundle)()
        torch.cuda.synchronize()
        report(bool((alone.out[0] == full).all()), f"{name}: a sequence alone differs from the same in a batch")


def tester(core):
    """A check that must fail: one token of one sequence is changed after the kernel ran."""
    import mla_runtime, torch

    with mla_runtime.Bundle(bundles / "core_h16") as bundle:
        batch = Decode(core, [1] * 3, [100, 200, 300])
        batch.call(bundle)()
        torch.cuda.synchronize()
        batch.pages[batch.table[1, 0].long(), 3] *= -1
        error, error_lse, _, _ = batch.errors((core["dims"][0] + core["dims"][1]) ** -0.5)
        report(error > 3e-3 or error_lse > 2e-5, "the tester does not see a changed token")


def prefill():
    import mla_runtime, torch

    rng = random.Random(2)
    for name, core in manifest["cores"].items():
        if not name.startswith("naive"):
            continue
        p, r, v, _ = core["dims"]
        h = core["heads"]
        with mla_runtime.Bundle(bundles / name) as bundle:
            for trial in range(8):
                b = (1, 1, 3, 9, 20, 2, 1, 5)[trial]
                keys = [rng.choice([1, 63, 64, 65, 127, 128, 129, 300, rng.randint(1, 1200)]) for _ in range(b)]
                queries = [n if trial % 2 == 0 else rng.randint(1, n) for n in keys]
                torch.manual_seed(trial)
                q = torch.randn(sum(queries), h, p + r, device="cuda", dtype=torch.bfloat16)
                kn, kr, vv = (torch.randn(sum(keys), *s, device="cuda", dtype=torch.bfloat16) for s in ((h, p), (r,), (h, v)))
                cu = torch.tensor([0] + queries, device="cuda").cumsum(0).to(torch.int32)
                ck = torch.tensor([0] + keys, device="cuda").cumsum(0).to(torch.int32)
                out, behind = with_canary((sum(queries), h, v), torch.bfloat16)
                call = bundle.naive_attention(q[..., :p], q[..., p:], kn, kr, vv, cu, ck, out, max_queries=max(queries), max_length=max(keys))
                call()
                torch.cuda.synchronize()
                first = out.clone()
                call()
                torch.cuda.synchronize()
                worst = 0.0
                for i in range(b):
                    a, z, c, d = cu[i].item(), cu[i + 1].item(), ck[i].item(), ck[i + 1].item()
                    s = torch.einsum("qhd,khd->hqk", q[a:z, :, :p].double(), kn[c:d].double())
                    s += torch.einsum("qhd,kd->hqk", q[a:z, :, p:].double(), kr[c:d].double())
                    seen = (d - c) - (z - a) + torch.arange(z - a, device="cuda")
                    s = (s * (p + r) ** -0.5).masked_fill(torch.arange(d - c, device="cuda")[None, None] > seen[None, :, None], float("-inf"))
                    ref = torch.einsum("hqk,khd->qhd", s.softmax(-1), vv[c:d].double())
                    worst = max(worst, ((out[a:z].double() - ref).norm() / ref.norm()).item())
                repeats, untouched = bool((out == first).all()), bool((behind == CANARY).all())
                report(worst <= 3.5e-3 and repeats and untouched, f"{name} keys {keys} queries {queries}: error {worst:.1e}, repeats {repeats}, "
                       f"canaries {untouched}")
        print(f"{name}: {cases} cases so far, {bad} bad", flush=True)


#===-- graphs, refusals, sanitizer ----------------------------------------------------------------------------------------===#


def graph():
    """Check that a captured step can be replayed with other lengths, tables and queries."""
    import mla_runtime, torch

    core = manifest["cores"]["core_h20"]
    with mla_runtime.Bundle(bundles / "core_h20") as bundle:
        first = Decode(core, [1] * 6, [1000] * 6)
        call = first.call(bundle)
        call()
        torch.cuda.synchronize()
        captured = torch.cuda.CUDAGraph()
        with torch.cuda.graph(captured):
            call()
        rng = random.Random(5)
        for seed in range(12):
            lengths = [rng.choice([0, 1, 64, rng.randint(0, 1000)]) for _ in range(5)] + [1000]
            other = Decode(core, [1] * 6, lengths, seed)
            count, width = min(len(other.pages), len(first.pages)), first.table.shape[1]
            if len(other.pages) > len(first.pages):
                continue
            first.pages[:count] = other.pages[:count]
            first.table.fill_(-3)
            first.table[:, :min(width, other.table.shape[1])] = other.table[:, :width]
            first.lengths.copy_(other.lengths)
            first.q.copy_(other.q)
            first.out.fill_(float("nan"))
            captured.replay()
            torch.cuda.synchronize()
            error, error_lse, nothing, _ = first.errors((core["dims"][0] + core["dims"][1]) ** -0.5)
            report(error <= 3e-3 and error_lse <= 2e-5 and nothing, f"replay with lengths {lengths}: {error:.1e} {error_lse:.1e} {nothing}")
    report(cases >= 6, "too few replays")


def refuse():
    """Check that bad arguments give a status that names them, and that the context stays usable."""
    import mla_runtime, torch

    core = manifest["cores"]["core_h16"]
    with mla_runtime.Bundle(bundles / "core_h16") as bundle:
        batch = Decode(core, [1] * 2, [100, 50])
        for field, value in (("q_latent", 0), ("pages", batch.pages.data_ptr() + 2), ("lengths", 0), ("out", 0), ("tokens", -1),
                             ("max_length", 10**9), ("max_queries", 9), ("workspace_bytes", 16), ("batch", 0)):
            call = batch.call(bundle)
            setattr(call.struct, field, value)
            try:
                call()
                report(False, f"{field} = {value} is accepted")
            except mla_runtime.Error as error:
                report(field in str(error), f"{field} = {value}: the message does not name it: {error}")
        refuse_tables(bundle)
        check_decode(bundle, core, "after refusals", [1] * 2, [100, 50])


def refuse_tables(bundle):
    """Check that mla_step_check finds one wrong number in tables of many sequences, and accepts valid tables."""
    import mla_runtime, torch

    batch, width, num_pages, page = 37, 70, 5000, bundle.info.page
    lengths = [1 + (997 * s) % (width * page) for s in range(batch)]
    lengths[5] = width * page
    used = [-(-n // page) for n in lengths]
    cu = list(range(batch + 1))
    table = [[(s * width + e) % num_pages if e < used[s] else -7 for e in range(width)] for s in range(batch)]

    def verdict(cu=cu, lengths=lengths, table=table):
        arrays = [torch.tensor(a, dtype=torch.int32, device="cuda") for a in (table, lengths, cu)]
        try:
            bundle.check_step(*arrays, tokens=batch, num_pages=num_pages, max_queries=1, max_length=width * page)
        except mla_runtime.Error as error:
            return str(error)
        return "right"

    def changed(array, index, value):
        return [value if i == index else old for i, old in enumerate(array)]

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
                           (37, 38, "sequence 36: cu_seqlens[37] is 38, more than tokens"), (4, 5, "sequence 3: it has 2 query tokens"),
                           (37, 36, "sequence 36: cu_seqlens[37] is 36, the last, less than tokens, 37")):
        text = verdict(cu=changed(cu, i, value))
        report(says in text, f"step check: cu_seqlens[{i}] = {value}: {text}")


def sanitize():
    script = [sys.executable, __file__, str(bundles), str(run_dir), "small"]
    # Without racecheck: it reports writes and reads on both sides of a barrier of all threads (BAR.SYNC 0) if one warpgroup has
    # arrived at another barrier of the CTA on which another warpgroup has waited.
    for tool in ("memcheck", "synccheck"):
        done = subprocess.run(["compute-sanitizer", "--tool", tool, "--report-api-errors", "no", "--error-exitcode", "9", *script], capture_output=True, text=True)
        print(f"compute-sanitizer {tool}: exit {done.returncode}: {done.stdout.strip().splitlines()[-1:]}", flush=True)
        report(done.returncode == 0, done.stdout[-2000:] + done.stderr[-500:])


def small():
    import mla_runtime

    for name in ("core_h16", "core_page16"):
        with mla_runtime.Bundle(bundles / name) as bundle:
            check_decode(bundle, manifest["cores"][name], name, [1] * 3, [100, 0, 300])


for stage in sys.argv[3:]:
    globals()[stage]()
print(f"{' '.join(sys.argv[3:])}: {cases} cases, {bad} bad")
sys.exit(bad > 0 or cases == 0)  # a stage without bundles does not pass
