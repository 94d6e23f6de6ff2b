#!/usr/bin/env bash
# Installs Ostiary from this checkout into .venv: `tools/install.sh run` to run it, `tools/install.sh dev` to work on it.
# - Needs python3 (3.11 or newer, with venv) and the package index that pip is set up with; PYTHON=... names another python3.
# - Every package comes from requirements/*.txt and must have the hash written there; nothing is resolved anew.
# - Quick when nothing changed: a stamp in .venv holds a digest of what was installed.
# - Compiles the busiest signals where a C compiler and Python's headers are (a minute on two cores); without, plain Python
#   says the same more slowly (ADR-0021). OSTIARY_COMPILE=0 leaves it. `run` keeps them fresh, `dev` does it once.
set -euo pipefail
cd "$(dirname "$0")/.."

what=${1:-run}
lock=requirements/$what.txt
python=${PYTHON:-python3}
stamp=.venv/.installed-$what

say() { printf 'ostiary: %s\n' "$*" >&2; }

if ! "$python" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  say "\`$python\` must be Python 3.11 or newer with its venv module; name another one: PYTHON=python3.12 make up"
  exit 1
fi

[ -x .venv/bin/python ] || { say "creating .venv"; "$python" -m venv .venv; }

digest=$(.venv/bin/python - "$lock" requirements/opa.txt pyproject.toml sdk/pyproject.toml <<'PY'
import hashlib, pathlib, sys
print(sys.version_info[:2], pathlib.Path.cwd(), *(hashlib.sha256(pathlib.Path(p).read_bytes()).hexdigest() for p in sys.argv[1:]))
PY
)

compile_signals() {
  [ "${OSTIARY_COMPILE:-1}" = 0 ] || .venv/bin/python tools/compile.py --fetch || say "the signals run as plain Python"
}

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$digest" ]; then
  [ "$what" = dev ] || compile_signals
  exit 0
fi

pip() { .venv/bin/python -m pip --disable-pip-version-check "$@"; }
say "installing $lock (a minute or two, once)"
# The lock is whole, so nothing is resolved: pip finds no pin of `pydantic` for somebody's `pydantic[email]`.
pip install -qq --require-hashes --no-deps --requirement "$lock"
# OPA's wheel asks for Python 3.14 in its metadata and runs from 3.11 on: ADR-0002.
pip install -qq --require-hashes --ignore-requires-python --no-deps --requirement requirements/opa.txt
pip install -qq --no-deps --no-build-isolation --editable . --editable sdk
printf '%s\n' "$digest" >"$stamp"
compile_signals
say "installed into .venv"
