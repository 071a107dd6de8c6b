#!/usr/bin/env python3
"""interrupt-ranks.py SIGNAL OUT COMMAND…: runs a compilation of ranks and sends the signal once one is finished."""
import os, signal, subprocess, sys, time

name, out, command = sys.argv[1], sys.argv[2], sys.argv[3:]
record = out + "/ranks.partial"
process = subprocess.Popen(command)
while process.poll() is None and not (os.path.exists(record) and os.path.getsize(record)):
    time.sleep(0.002)
process.send_signal(getattr(signal, name))
status = process.wait()
if status not in (130, -signal.SIGKILL):
    sys.exit(f"ended with {status} and was not interrupted")
