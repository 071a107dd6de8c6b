#!/usr/bin/env bash
# scripts/test.sh [ARGUMENT OF CTEST...]: installs packages, builds and runs all tests (ctest: GoogleTest, lit).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bash scripts/build.sh
log=build/Testing/Temporary/LastTest.log
rm -f "$log"
status=0
ctest --preset default "$@" || status=$?
if [[ -n ${MLA_ENGINES:-} ]]; then
  bash scripts/check_engines.sh "$MLA_ENGINES" || status=$?
else
  echo "skipped: tests in the engines that people run; MLA_ENGINES=DIR installs vLLM in DIR and runs them"
fi

# ctest hides the output of a passing test: print lit's count from the log.
if [[ -e $log ]]; then
  awk '/^[0-9]+\/[0-9]+ Testing: / { lit = $NF == "lit" }
       /^<end of output>/ { lit = count = 0 }
       lit && /^Testing Time:/ { count = 1; print "\nlit:" }
       count && NF' "$log"
fi
((status == 0)) || echo "error: tests: ctest ended with status $status; the failures are above" >&2
exit "$status"
