#!/usr/bin/env bash
# From a fresh Debian 12 to a result: packages, build, then a layer with YaRN compiled for this CPU and checked against
# what Hugging Face transformers computed. Safe to run again.
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
