#!/usr/bin/env bash
# scripts/build.sh [TARGET...]: installs missing packages, configures ./build and builds the targets, by default all.
# Uses ccache if it is installed; CMAKE_BUILD_PARALLEL_LEVEL bounds the jobs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bash scripts/packages.sh
launcher=$(command -v ccache || true)
cmake --preset default -DCMAKE_C_COMPILER_LAUNCHER="$launcher" -DCMAKE_CXX_COMPILER_LAUNCHER="$launcher"
cmake --build --preset default ${1:+--target "$@"}
