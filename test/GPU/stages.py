"""The stages of a check, each in a process of its own, so that one that fails or hangs ends alone."""
import subprocess
import sys
import time


def run_all(title, limits, command):
    """Runs `command` with each stage's name behind it, within its seconds; ends the process, with 0 only if all passed."""
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
