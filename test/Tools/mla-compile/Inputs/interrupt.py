"""interrupt.py SIGNAL FILE DIRECTORY COMMAND…: sends the signal once FILE is in a new directory of DIRECTORY, then checks what is left.

FILE is a file of a bundle, or '-' for the directory itself. COMMAND is a compilation into DIRECTORY/out.mla. Any bundle that mla-run opens in
DIRECTORY afterwards must be the previous one or, if the signal came too late, the finished one in its place. Prints the exit status,
and what is left."""

import os
import signal
import subprocess
import sys
import time


def has_come(directory, before, file):
    for name in set(os.listdir(directory)) - before:
        path = os.path.join(directory, name)
        if name != "out.mla" and os.path.isdir(path) and (file == "-" or os.path.exists(os.path.join(path, file))):
            return True
    return False


def catchable(number):
    return number not in (signal.SIGKILL, signal.SIGSTOP)


def opens(path):
    return subprocess.run(["mla-run", path, "--info"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def main():
    number, file, directory, command = getattr(signal, sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:]
    before = set(os.listdir(directory))
    # Whoever runs the tests may have it ignored.
    process = subprocess.Popen(command, preexec_fn=lambda: catchable(number) and signal.signal(number, signal.SIG_DFL))
    while process.poll() is None and not has_come(directory, before, file):
        time.sleep(0.0002)
    time.sleep(0.02)  # the handler knows FILE by then
    process.send_signal(number)
    status = process.wait()
    print("status", status if status >= 0 else signal.Signals(-status).name)
    for name in sorted(os.listdir(directory)):
        loads = opens(os.path.join(directory, name))
        print("left", "out.mla" if name == "out.mla" else "another", "opens" if loads else "does not open")
        if loads and name != "out.mla":
            sys.exit("error: " + name + " is no finished bundle, and opens")


main()
