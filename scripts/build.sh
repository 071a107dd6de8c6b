#!/usr/bin/env bash
# scripts/build.sh [TARGET...]: installs the packages that lack, configures ./build and builds it (all of it, without
# TARGET). Uses ccache if there is one; CMAKE_BUILD_PARALLEL_LEVEL bounds the jobs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bash scripts/packages.sh
launcher=$(command -v ccache || true)
cmake --preset default -DCMAKE_C_COMPILER_LAUNCHER="$launcher" -DCMAKE_CXX_COMPILER_LAUNCHER="$launcher"
cmake --build --preset default ${1:+--target "$@"}
