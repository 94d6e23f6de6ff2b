#!/usr/bin/env bash
# Runs the retrievers of the SDK inside real LangChain and LlamaIndex, in an environment of their own (below
# $OSTIARY_RETRIEVERS_ENV or /tmp). Neither is a dependency of ours: without this the tests are skipped with a word.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
place=${OSTIARY_RETRIEVERS_ENV:-/tmp/ostiary-retrievers}
python=${PYTHON:-python3}

if ! "$place/bin/python" -c 'import langchain_core, llama_index.core, pytest, pytest_socket, pytest_timeout' 2>/dev/null; then
  printf 'retrievers: making an environment in %s (a minute or two, once)\n' "$place" >&2
  "$python" -m venv "$place"
  "$place/bin/pip" install --quiet 'langchain-core==1.*' 'llama-index-core==0.14.*' httpx msgspec pytest pytest-socket pytest-timeout
fi
cd "$here"
# Warnings of theirs and what they bring are their own affair. Tracing would call home.
LANGSMITH_TRACING=false LANGCHAIN_TRACING_V2=false PYTHONPATH="$here/sdk/src" exec "$place/bin/python" -m pytest -q \
  -p no:cacheprovider --noconftest -o filterwarnings=default -W ignore tests/sdk/test_rag_retrievers.py "$@"
