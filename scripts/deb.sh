#!/usr/bin/env bash
# scripts/deb.sh [DIRECTORY]: builds everything and writes Debian packages of runtime, programs, libraries with headers, and
# documentation, by default to ./dist.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=${1:-dist}
bash scripts/packages.sh --deb
bash scripts/build.sh
mkdir -p "$out"
cpack --config build/CPackConfig.cmake -G DEB -B build/deb
mv build/deb/*.deb "$out"
ls -l "$out"/*.deb
