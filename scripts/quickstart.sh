#!/usr/bin/env bash
# Installs packages, builds, compiles a layer with YaRN and a small model for this CPU, compares them with results of
# Hugging Face transformers, and generates tokens, on a fresh Debian 12. Can be run again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
trap 'echo "error: quickstart: failed; the reason is above" >&2' ERR

layer=test/Models/golden/v3_yarn.safetensors
model=test/Models/golden/models/v3_moe.safetensors
out=build/quickstart

run() {
  printf '\n$ %s\n' "$*"
  "$@"
}

bash scripts/build.sh mla-compile mla-run mla-opt

mkdir -p "$out"
run build/bin/mla-compile --weights="$layer" --plan=absorb -o "$out/v3_yarn.mla"
run build/bin/mla-run "$out/v3_yarn.mla" --check="$layer"
run build/bin/mla-compile --weights="$model" --scope=model -o "$out/v3_moe.mla"
run build/bin/mla-run "$out/v3_moe.mla" --check="$model"
run build/bin/mla-run "$out/v3_moe.mla" --generate --prompt=185,151,226,66,197 --max-new-tokens=24
printf '\nquickstart: passed. Next: build/bin/mla-compile --help, build/bin/mla-run --help, scripts/test.sh\n'
