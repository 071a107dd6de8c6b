"""Runs a command with its errors on standard output. Exit status 0 if it succeeds exactly where the processor has tiles of bf16."""
import subprocess
import sys

done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
print(done.stdout, end="")
has_tiles = {"amx_bf16", "amx_tile", "avx512_bf16"} <= set(open("/proc/cpuinfo").read().split())
sys.exit((done.returncode == 0) != has_tiles)
