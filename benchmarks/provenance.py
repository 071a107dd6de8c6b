"""Describes the machine and the commit of a benchmark's figures."""
import datetime, os, pathlib, platform, shutil, subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent


def add_option(parser):
    parser.add_argument("--commit", help="the commit, if the tree is not a git repository")


def describe(commit=None):
    if not commit and shutil.which("git"):
        commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True,
                                text=True).stdout.strip()
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return {"date": str(datetime.date.today()), "commit": commit or None, "cpu": names[0] if names else platform.machine(),
            "cores": len(os.sched_getaffinity(0)), "load": os.getloadavg()[0]}
