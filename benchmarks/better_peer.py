#!/usr/bin/env python3
"""Compares an implementation with the better of the others case by case, from the JSON of one run of decode_grid.py.

    better_peer.py RESULTS.json [NAME]          NAME: the implementation to compare; default mla-mlir

A ratio is the time of the better peer divided by ours: above 1, ours is faster. The geometric means are by the floor of the case.
Peers with wrong results do not count. Cases where ours is wrong, fails or is absent are listed, and the exit status is then 1.
"""
import json, math, sys

CLASSES = ((0, 10), (10, 60), (60, math.inf))
NOISE = 0.02  # a ratio of 0.98 or more is not behind


def ran(result):
    return isinstance(result, dict) and result.get("right", False)


def compare(rows, name):
    """Return the compared (ratio, row, peer), and (case, reason) of the others."""
    compared, others = [], []
    for row in rows:
        peers = {peer: result["us"] for peer, result in row.items() if peer != name and ran(result)}
        ours = row.get(name)
        if not ran(ours):
            others.append((row["case"], "absent" if ours is None else ours.get("error", "wrong")))
        elif peers:
            peer = min(peers, key=peers.get)
            compared.append((peers[peer] / ours["us"], row, peer))
    return compared, others


def line(ratio, row, peer, name):
    return f"{row['case']:30s} floor {row['floor_us']:7.1f}  {name} {row[name]['us']:7.1f} ({row[name]['sol']:.2f} of the floor)  " \
           f"{peer} {row[peer]['us']:7.1f}  ratio {ratio:.3f}"


def mean(ratios):
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def summary(title, compared):
    ratios = [ratio for ratio, _, _ in compared]
    behind = sum(ratio < 1 - NOISE for ratio in ratios)
    return f"{title:24s} {len(ratios):3d} cases  {behind:3d} behind  geometric mean {mean(ratios):.3f}  least {min(ratios):.3f}"


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    name = sys.argv[2] if len(sys.argv) == 3 else "mla-mlir"
    with open(sys.argv[1], encoding="utf-8") as file:
        compared, others = compare(json.load(file)["rows"], name)
    if not compared:
        sys.exit(f"error: {sys.argv[1]}: no case has results of both {name} and a peer; run decode_grid.py with the modules of both")
    for entry in compared:
        print(line(*entry, name))
    print()
    for least, most in CLASSES:
        part = [entry for entry in compared if least <= entry[1]["floor_us"] < most]
        if part:
            print(summary(f"floor {least} to {most} us" if most < math.inf else f"floor from {least} us", part))
    print(summary("all", compared))
    print("\nleast ratios")
    for entry in sorted(compared, key=lambda entry: entry[0])[:10]:
        print(line(*entry, name))
    for case, reason in others:
        print(f"{case:30s} {name}: {reason}")
    sys.exit(1 if others else 0)


if __name__ == "__main__":
    main()
