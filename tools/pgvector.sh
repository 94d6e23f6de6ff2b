#!/usr/bin/env bash
# Unpacks a PostgreSQL with pgvector (from the wheel `pgserver`) below $OSTIARY_PGVECTOR or /tmp/ostiary-pgvector, for
# the tests of vectors in PostgreSQL. Debian 12 has no package of pgvector: without this they are skipped with a word.
set -euo pipefail

place=${OSTIARY_PGVECTOR:-/tmp/ostiary-pgvector}
python=${PYTHON:-python3}

if [ ! -x "$place/pgserver/pginstall/bin/postgres" ]; then
  mkdir -p "$place"
  "$python" -m pip download --quiet --no-deps --dest "$place" 'pgserver==0.1.4'
  "$python" -m zipfile -e "$place"/pgserver-0.1.4-*.whl "$place"
  chmod -R a+rX "$place"
  chmod a+x "$place"/pgserver/pginstall/bin/*
fi
printf '%s\n' "$place/pgserver/pginstall/bin"
