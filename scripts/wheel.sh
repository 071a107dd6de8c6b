#!/usr/bin/env bash
# scripts/wheel.sh [DIRECTORY]: builds the wheels mla-mlir (compiler and runtime, LLVM linked in) and mla-mlir-runtime, by
# default in ./dist. They need glibc alone. Two runs at one commit give the same bytes.
# Where ./build has a compiler of the same commit, compares the bundles of both.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=${1:-dist} prefix=build-wheel/prefix layer=test/Models/golden/v3_yarn.safetensors
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

bash scripts/build.sh --preset=wheel
rm -rf "$prefix"
for component in runtime tools; do
  cmake --install build-wheel --prefix "$prefix" --strip --component "$component" >/dev/null
done
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
rm -f "$out"/mla_mlir{,_runtime}-*.whl
for wheel in "" --runtime; do
  /usr/bin/python3 scripts/make_wheel.py $wheel --out="$out" "$prefix"
done

version() {
  "$1/bin/mla-compile" --version 2>/dev/null || true
}
compile() { # PREFIX TARGET
  local bundle=$scratch/$2-${1//\//-}
  "$1/bin/mla-compile" --weights="$layer" --target="$2" --plan=decode=absorb,prefill=naive -o "$bundle" 2>/dev/null
  echo "$bundle"
}
if [[ $(version build) == "$(version $prefix)" ]]; then
  for target in cpu h100; do
    diff -r "$(compile build $target)" "$(compile $prefix $target)" ||
      { echo "error: wheel: its bundle for $target is not that of build/bin/mla-compile" >&2; exit 1; }
  done
  echo "wheel: its bundles for cpu and h100 are those of build/bin/mla-compile"
else
  echo "wheel: bundles were not compared: build/bin/mla-compile is missing, or of another commit"
fi
