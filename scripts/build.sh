#!/usr/bin/env bash
# scripts/build.sh [--preset=NAME] [TARGET...]: installs missing packages, configures ./build and builds the targets, by
# default all; with a preset of CMakePresets.json its directory and its targets.
# Uses ccache if it is installed; CMAKE_BUILD_PARALLEL_LEVEL bounds the jobs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

preset=default
if [[ ${1:-} == --preset=* ]]; then
  preset=${1#*=}
  shift
fi
bash scripts/packages.sh
launcher=$(command -v ccache || true)
cmake --preset "$preset" -DCMAKE_C_COMPILER_LAUNCHER="$launcher" -DCMAKE_CXX_COMPILER_LAUNCHER="$launcher"
export NINJA_STATUS=${NINJA_STATUS:-'[%f/%t, %p, %e s] '} # finished of all, seconds since the start
cmake --build --preset "$preset" ${1:+--target "$@"}
