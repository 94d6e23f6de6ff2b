#!/usr/bin/env bash
# Runs tests/feast against a real Feast in an environment of its own (some 600 MB, below $OSTIARY_FEAST_ENV or /tmp).
# Feast is no dependency of ours: without this the tests are skipped with a word.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
place=${OSTIARY_FEAST_ENV:-/tmp/ostiary-feast}
python=${PYTHON:-python3}

if ! "$place/bin/python" -c 'import feast, pytest, pytest_socket, pytest_timeout' 2>/dev/null; then
  printf 'feast: making an environment in %s (a minute or two, once)\n' "$place" >&2
  "$python" -m venv "$place"
  "$place/bin/pip" install --quiet 'feast==0.67.*' httpx msgspec pytest pytest-socket pytest-timeout
fi
cd "$here"
# Fixtures of the suite (backends) need all of ours.
# Warnings of Feast and what it brings are its own affair. Its telemetry would call home.
FEAST_USAGE=False PYTHONPATH="$here/sdk/src" exec "$place/bin/python" -m pytest -q -p no:backends -p no:stores -p no:cacheprovider \
  -o filterwarnings=default -W ignore tests/feast "$@"
