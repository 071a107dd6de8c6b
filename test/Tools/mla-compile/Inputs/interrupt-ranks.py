#!/usr/bin/env python3
"""interrupt-ranks.py SIGNAL OUT COMMAND…: runs a compilation of ranks and sends the signal once one is finished."""
import os, signal, subprocess, sys, time

name, out, command = sys.argv[1], sys.argv[2], sys.argv[3:]
record = out + "/ranks.partial"
# A shell starts background processes with SIGINT ignored, which programs inherit.
process = subprocess.Popen(command, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
while process.poll() is None and not (os.path.exists(record) and os.path.getsize(record)):
    time.sleep(0.002)
number = getattr(signal, name)
process.send_signal(number)
status = process.wait()
if status not in (-number, 128 + number):
    sys.exit(f"ended with {status} and was not interrupted")
