"""Runs a command as one process per rank, with --rank=K: run_ranks.py RANKS COMMAND... Fails if one fails."""
import subprocess
import sys

processes = [subprocess.Popen([*sys.argv[2:], f"--rank={rank}"]) for rank in reversed(range(int(sys.argv[1])))]
sys.exit(any([process.wait() for process in processes]))
