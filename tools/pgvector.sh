#!/usr/bin/env bash
# Holds the store of vectors against a real PostgreSQL with pgvector, out of the wheel `pgserver` (below
# $OSTIARY_PGVECTOR_ENV or /tmp). Without this the tests are skipped with a word.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
place=${OSTIARY_PGVECTOR_ENV:-/tmp/ostiary-pgvector-env}
python=${PYTHON:-python3}

if [ ! -x "$place/bin/python" ] || ! compgen -G "$place/lib/python3*/site-packages/pgserver/pginstall/bin/initdb" >/dev/null; then
  printf 'pgvector: making an environment in %s (a minute, once)\n' "$place" >&2
  "$python" -m venv "$place"
  "$place/bin/pip" install --quiet 'pgserver==0.1.4'
fi
programs=$(compgen -G "$place/lib/python3*/site-packages/pgserver/pginstall/bin")
cd "$here"
OSTIARY_PGVECTOR="$programs" exec "$python" -m pytest -q -p no:cacheprovider tests/conformance/test_store_vectors.py "$@"
