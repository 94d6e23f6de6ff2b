#!/usr/bin/env bash
# Runs tests/retrievers against real langchain-core and llama-index-core in an environment of its own (some 400 MB, below
# $OSTIARY_RETRIEVERS_ENV or /tmp). They are no dependencies of ours: without this the tests are skipped with a word.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
place=${OSTIARY_RETRIEVERS_ENV:-/tmp/ostiary-retrievers}
python=${PYTHON:-python3}

if ! "$place/bin/python" -c 'import langchain_core, llama_index.core, pytest, pytest_socket, pytest_timeout' 2>/dev/null; then
  printf 'retrievers: making an environment in %s (a minute or two, once)\n' "$place" >&2
  "$python" -m venv "$place"
  "$place/bin/pip" install --quiet 'langchain-core<2' 'llama-index-core<1' httpx msgspec pytest pytest-socket pytest-timeout
fi
cd "$here"
# Fixtures of the suite (backends) need all of ours.
# Warnings of the frameworks and what they bring are their own affair. LangSmith would be called at home.
LANGCHAIN_TRACING_V2=false LANGSMITH_TRACING=false PYTHONPATH="$here/sdk/src" exec "$place/bin/python" -m pytest -q \
  -p no:backends -p no:stores -p no:cacheprovider -o filterwarnings=default -W ignore tests/retrievers "$@"
