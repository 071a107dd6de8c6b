#!/usr/bin/env bash
# Installs packages, builds, compiles a layer with YaRN for this CPU and compares it with results of Hugging Face
# transformers, on a fresh Debian 12. Can be run again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
trap 'echo "error: quickstart: failed; the reason is above" >&2' ERR

golden=test/Models/golden/v3_yarn.safetensors
bundle=build/quickstart/v3_yarn.mla
compile=(build/bin/mla-compile --weights="$golden" --plan=absorb -o "$bundle")
check=(build/bin/mla-run "$bundle" --check="$golden")

bash scripts/build.sh mla-compile mla-run mla-opt

mkdir -p "${bundle%/*}"
printf '\n$ %s\n' "${compile[*]}"
"${compile[@]}"
printf '$ %s\n' "${check[*]}"
"${check[@]}"
printf '\nquickstart: passed. Next: build/bin/mla-compile --help, build/bin/mla-run --help, scripts/test.sh\n'
