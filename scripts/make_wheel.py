#!/usr/bin/env python3
"""Makes a wheel of python/ with programs and libraries of an installed tree.

usage: make_wheel.py [--runtime] [--out=DIRECTORY] PREFIX

PREFIX is what `cmake --install BUILD --prefix PREFIX --strip` wrote, with the components runtime and tools. The wheel
mla-mlir has the compiler and the runtime, with --runtime the wheel mla-mlir-runtime the runtime alone. The tag is that of
the oldest glibc with which all files load (manylinux_2_N), or linux if they need libraries that not every system has.
Prints the path of the wheel. Equal inputs make equal wheels: files are sorted, and dated by SOURCE_DATE_EPOCH.

Needs setuptools and wheel, which write the metadata of python/pyproject.toml, and readelf.
"""
import argparse
import base64
import hashlib
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile

SOURCE = pathlib.Path(__file__).resolve().parent.parent
RUNTIME_PROGRAMS = ["mla-run"]
PROGRAMS = ["mla-compile", "mla-opt", *RUNTIME_PROGRAMS]
LIBRARIES = ["libmla-runtime.so.0", "libmla-emulated-cuda.so", "libmla-emulated-nccl.so"]
#: What every glibc system has; and our own, which is beside the programs.
COMMON = re.compile(r"lib(c|m|dl|rt|pthread)\.so\.\d+$|ld-linux[-\w]*\.so\.\d$|libmla-runtime\.so\.0$")
#: Debian's packages of what is linked in, whose terms the wheel repeats.
LINKED_IN = ["libstdc++-12-dev", "libzstd-dev", "llvm-22-dev", "rapidjson-dev", "zlib1g-dev"]


class Failure(Exception):
    """What is wrong, and what to do."""


def read_elf(path, option):
    done = subprocess.run(["readelf", "-W", option, path], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def platform_tag(paths):
    """Return the platform of a wheel with these programs and libraries."""
    machine = platform.machine()
    needed = {name for path in paths for name in re.findall(r"\(NEEDED\).*\[(.+)\]", read_elf(path, "--dynamic"))}
    if not all(map(COMMON.match, needed)):
        return f"linux_{machine}"
    minors = {int(minor) for path in paths for minor in re.findall(r"GLIBC_2\.(\d+)", read_elf(path, "--version-info"))}
    return f"manylinux_2_{max(minors)}_{machine}"


def collect(prefix, runtime):
    """Return the files of the package by their names in the wheel."""
    files = {f"mla_mlir/{path.name}": path for path in (SOURCE / "python" / "mla_mlir").glob("*.py")}
    for directory, names in (("bin", RUNTIME_PROGRAMS if runtime else PROGRAMS), ("lib", LIBRARIES)):
        for name in names:
            path = prefix / directory / name
            if not path.exists():
                raise Failure(f"{path}: does not exist; install the components runtime and tools, see --help")
            files[f"mla_mlir/{directory}/{name}"] = path.resolve()
    return files


def write_project(directory, runtime):
    """Write python/ with the scripts, and with the name, of the wheel."""
    shutil.copytree(SOURCE / "python", directory, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
    project = directory / "pyproject.toml"
    text = project.read_text()
    if runtime:
        text = text.replace('name = "mla-mlir"', 'name = "mla-mlir-runtime"')
    scripts = [f'{name} = "mla_mlir.programs:{name.replace("-", "_")}"\n' for name in
               (RUNTIME_PROGRAMS if runtime else PROGRAMS)]
    project.write_text(text + "\n[project.scripts]\n" + "".join(sorted(scripts)))


def write_metadata(directory, runtime):
    """Write the metadata by the backend of python/pyproject.toml, and return their directory."""
    write_project(directory / "project", runtime)
    code = "import setuptools.build_meta as b, sys; b.prepare_metadata_for_build_wheel(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", code, directory], cwd=directory / "project", stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    made = list(directory.glob("*.dist-info"))
    if done.returncode or len(made) != 1:
        raise Failure(f"setuptools makes no metadata:\n{done.stdout}")
    return made[0]


def check_version(metadata):
    """Check that Python's and CMake's files have one version, and return it."""
    ours = re.search(r"^Version: (.+)$", (metadata / "METADATA").read_text(), re.MULTILINE).group(1)
    theirs = re.search(r"^project\(mla-mlir VERSION (\S+)", (SOURCE / "CMakeLists.txt").read_text(), re.MULTILINE).group(1)
    if ours != theirs:
        raise Failure(f"python/pyproject.toml: the version is {ours}, that of CMakeLists.txt {theirs}; make them equal")
    return ours


def licenses():
    yield "LICENSE.TXT", SOURCE / "LICENSE.TXT"
    for package in LINKED_IN:
        path = pathlib.Path("/usr/share/doc", package, "copyright")
        if path.exists():
            yield f"{package}.txt", path


def describe(metadata, tag):
    """Return the contents of the wheel's own directory, by name, without the record."""
    texts = {name: (metadata / name).read_bytes() for name in ("METADATA", "entry_points.txt", "top_level.txt")}
    texts["WHEEL"] = f"Wheel-Version: 1.0\nGenerator: mla-mlir\nRoot-Is-Purelib: false\nTag: {tag}\n".encode()
    texts.update((f"licenses/{name}", path.read_bytes()) for name, path in licenses())
    return texts


def digest(data):
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def write_zip(path, entries):
    """Write the entries, [(name, mode, bytes)], in their order."""
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH") or 0)
    date = max(time.gmtime(seconds)[:6], (1980, 1, 1, 0, 0, 0))  # the first that a zip file can name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for name, mode, data in entries:
            info = zipfile.ZipInfo(name, date)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (0o100000 | mode) << 16
            file.writestr(info, data)


def make(prefix, runtime, out):
    files = collect(prefix, runtime)
    binaries = [path for name, path in files.items() if not name.endswith(".py")]
    tag = platform_tag(binaries)
    with tempfile.TemporaryDirectory(prefix="mla-wheel-") as scratch:
        metadata = write_metadata(pathlib.Path(scratch), runtime)
        distribution = f"{'mla_mlir_runtime' if runtime else 'mla_mlir'}-{check_version(metadata)}"
        described = describe(metadata, f"py3-none-{tag}")
    entries = [(name, 0o755 if path in binaries else 0o644, path.read_bytes()) for name, path in sorted(files.items())]
    entries += [(f"{distribution}.dist-info/{name}", 0o644, data) for name, data in sorted(described.items())]
    record = f"{distribution}.dist-info/RECORD"
    lines = [f"{name},{digest(data)},{len(data)}\n" for name, _, data in entries] + [f"{record},,\n"]
    out.mkdir(parents=True, exist_ok=True)
    wheel = out / f"{distribution}-py3-none-{tag}.whl"
    partial = wheel.with_suffix(".partial")
    write_zip(partial, [*entries, (record, 0o644, "".join(lines).encode())])
    partial.replace(wheel)
    return wheel


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runtime", action="store_true", help="the runtime alone")
    parser.add_argument("--out", type=pathlib.Path, default=SOURCE / "dist", help="the directory of the wheel")
    parser.add_argument("prefix", type=pathlib.Path)
    arguments = parser.parse_args()
    try:
        print(make(arguments.prefix, arguments.runtime, arguments.out))
    except (Failure, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"error: make_wheel: {error}")


if __name__ == "__main__":
    main()
