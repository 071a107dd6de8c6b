"""compare_printed.py EXPECTED ACTUAL TOLERANCE: compares the numbers that two runs printed, by relative L2 error. Exit status 0 if it is below."""
import re
import sys

NUMBER = re.compile(r"-?\d+\.?\d*(?:e[+-]?\d+)?|nan|inf")


def numbers_of(path):
    rows = [line for line in open(path) if line.lstrip().startswith("[")]
    return [float(text) for row in rows for text in NUMBER.findall(row)]


expected, actual = numbers_of(sys.argv[1]), numbers_of(sys.argv[2])
if not expected or len(expected) != len(actual):
    sys.exit(f"error: {len(expected)} and {len(actual)} numbers")
error = (sum((a - b) ** 2 for a, b in zip(expected, actual)) / sum(a * a for a in expected)) ** 0.5
print(f"{len(expected)} numbers, relative L2 error {error:.2e}")
sys.exit(not error < float(sys.argv[3]))
