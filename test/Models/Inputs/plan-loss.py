"""plan-loss.py PLANNED.mlir LIMIT: compares the time of the planned forms with the cheapest ones, by the cost model

Over prefill steps of many sizes and contexts; fails if the ratio exceeds LIMIT."""
import subprocess
import sys

planned, limit = sys.argv[1], float(sys.argv[2])
worst = 0, ""
for tokens in (16, 32, 64, 128, 192, 256, 512, 2048):
    for cached in (0, 256, 512, 1024, 4096, 32768):
        options = f"--mla-print-costs=tokens={tokens} context={tokens + cached}"
        costs = subprocess.run(["mla-opt", planned, options, "-o", "/dev/null"], capture_output=True, text=True, check=True)
        table = costs.stderr[costs.stderr.index("@prefill"):].split("\n@")[0].splitlines()[2:]
        rows = [(line.startswith("*"), float(line.split()[-1])) for line in table]
        taken = [total for is_taken, total in rows if is_taken]
        assert len(taken) == 1, table
        worst = max(worst, (taken[0] / min(total for _, total in rows), f"{tokens} tokens on {cached}"))
print("at most %.2f times the cheapest forms, of %s" % worst)
sys.exit(worst[0] > limit)
