"""Runs the stages of a check in separate processes, so that one that fails or hangs does not affect others."""
import subprocess
import sys
import time


def run_all(title, limits, command):
    """Run `command` with each stage's name appended, with its time limit in seconds. Exit, with 0 only if all passed."""
    failed = []
    for stage, limit in limits.items():
        begin = time.time()
        try:
            status = subprocess.run([sys.executable, "-u", *command, stage], timeout=limit).returncode
        except subprocess.TimeoutExpired:
            status = "timeout"
        print(f"== {stage}: {'passed' if status == 0 else f'FAILED ({status})'} in {time.time() - begin:.0f} s", flush=True)
        if status != 0:
            failed.append(stage)
    print(f"{title}: " + ("all passed" if not failed else "FAILED: " + ", ".join(failed)))
    sys.exit(bool(failed))
