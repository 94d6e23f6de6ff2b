#!/usr/bin/env bash
# Everything CI does, in CI's order. `tools/check.sh` runs all steps, `tools/check.sh lint types` the named ones.
# PYTEST_ARGS adds options to the last step.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
export OSTIARY_SHARED="${OSTIARY_SHARED:-$PWD/../shared}"

lint() { ruff check . && ruff format --check .; }
types() { mypy --num-workers 2; }
rooms() { lint-imports; }
deps() { deptry . && (cd sdk && deptry .); }
docs() { NO_MKDOCS_2_WARNING=1 mkdocs build --strict --site-dir build/site; }
tests() {
  tools/packages.sh # Chromium, bubblewrap, PostgreSQL, nginx
  # Hundreds of tests start processes; where PYTHONDONTWRITEBYTECODE is set each would compile the sources anew.
  python -m compileall -q -j 2 src sdk/src
  # Threads that spin while they wait took half of the cores away from the other tests.
  export OMP_WAIT_POLICY=passive OPENBLAS_NUM_THREADS=1
  # Two workers, for two cores; a worker takes over tests that the other has not begun.
  # shellcheck disable=SC2086
  pytest --numprocesses 2 --dist worksteal ${PYTEST_ARGS:-}
}

steps=("$@")
[ ${#steps[@]} -gt 0 ] || steps=(lint types rooms deps docs tests)
for step in "${steps[@]}"; do
  case $step in
    lint | types | rooms | deps | docs | tests) ;;
    *) echo "unknown step \`$step\`: lint types rooms deps docs tests" >&2; exit 2 ;;
  esac
  printf -- '--- %s\n' "$step" >&2
  begin=$SECONDS
  "$step"
  [ "$step" = tests ] || printf -- '--- %s: ok, %s s\n' "$step" "$((SECONDS - begin))" >&2
done
