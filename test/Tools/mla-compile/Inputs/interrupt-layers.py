#!/usr/bin/env python3
"""interrupt-layers.py SIGNAL OUT COMMAND…: runs a compilation and sends the signal once some layers are complete.

Exits with 0 if the process ended by the signal (or with status 130), leaving OUT.partial and no OUT.
"""
import os, signal, subprocess, sys, time

name, out, command = sys.argv[1], sys.argv[2], sys.argv[3:]
record = out + ".partial/layers.json"
# A shell starts what runs in the background with SIGINT ignored, and programs inherit that.
process = subprocess.Popen(command, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
while process.poll() is None and not (os.path.exists(record) and open(record).read().count("\n") >= 3):
    time.sleep(0.002)
process.send_signal(getattr(signal, name))
status = process.wait()
if status not in (130, -signal.SIGKILL):
    sys.exit(f"ended with {status} and was not interrupted")
if os.path.exists(out):
    sys.exit("an interrupted compilation left its output")
print("complete layers:", open(record).read().count("\n"))
