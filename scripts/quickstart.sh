#!/usr/bin/env bash
# Installs packages, builds, compiles a layer with YaRN and a small model for this CPU, compares them with results of
# Hugging Face transformers, and generates tokens, on a fresh Debian 12. Can be run again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
trap 'echo "error: quickstart: failed; the reason is above" >&2' ERR

layer=test/Models/golden/v3_yarn.safetensors
model=test/Models/golden/models/v3_moe.safetensors
out=build/quickstart

step() {
  printf '\n== quickstart %s, after %d:%02d minutes ==\n' "$1" $((SECONDS / 60)) $((SECONDS % 60))
}
run() {
  printf '\n$ %s\n' "$*"
  "$@"
}

step "1 of 3: packages, then the tools in some 450 steps; the first 200 are short"
bash scripts/build.sh mla-compile mla-run mla-opt

mkdir -p "$out"
step "2 of 3: a layer of attention"
run build/bin/mla-compile --weights="$layer" --plan=absorb -o "$out/v3_yarn.mla"
run build/bin/mla-run "$out/v3_yarn.mla" --check="$layer"
step "3 of 3: a model with experts"
run build/bin/mla-compile --weights="$model" --scope=model -o "$out/v3_moe.mla"
run build/bin/mla-run "$out/v3_moe.mla" --check="$model"
run build/bin/mla-run "$out/v3_moe.mla" --generate --prompt=185,151,226,66,197 --max-new-tokens=24
step passed
printf 'Next: build/bin/mla-compile --help, build/bin/mla-run --help, scripts/test.sh\n'
