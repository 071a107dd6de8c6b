#!/usr/bin/env bash
# scripts/check_wheel.sh WHEEL GOLDEN [PYTHON...]: for every Python, installs the wheel mla-mlir in a new environment, without
# an index, compiles the golden layer, and compares the bundle with it; prints the seconds of all that, and the processor
# time of the import. Needs no checkout. With KEEP=DIRECTORY the bundles stay there, as PYTHON'S VERSION.mla.
set -euo pipefail

wheel=${1:?the wheel} golden=${2:?the golden layer}
shift 2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
unset MLA_MLIR_PREFIX MLA_RUNTIME_LIBRARY PYTHONPATH

import_time='
import time
start = time.process_time()
import mla_mlir
print("%.3f" % (time.process_time() - start))'

check() {
  local programs=$scratch/$2/bin bundle=${KEEP:-$scratch}/$2.mla start end
  "$1" -m venv "$scratch/$2"
  start=$EPOCHREALTIME
  "$programs/python" -m pip install --quiet --no-index --disable-pip-version-check "$wheel"
  [[ -x $programs/mla-compile ]] || { echo "error: $wheel: brings no mla-compile" >&2; return 1; }
  "$programs/mla-compile" --weights="$golden" --plan=decode=absorb,prefill=naive -o "$bundle" 2>/dev/null
  "$programs/mla-run" "$bundle" --check="$golden" >/dev/null
  end=$EPOCHREALTIME
  cd "$scratch" # where no checkout is in Python's path
  awk -v start="$start" -v end="$end" -v import="$("$programs/python" -c "$import_time")" -v version="$2" \
    'BEGIN { printf "Python %s: installed, compiled and checked in %.1f s; import %.3f s\n", version, end - start, import
             exit import > 0.1 }' || { echo "error: the import takes more than 0.1 s" >&2; return 1; }
}

for python in "${@:-python3}"; do
  version=$("$python" -c 'import platform; print(platform.python_version())')
  (check "$python" "$version")
done
