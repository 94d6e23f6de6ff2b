#!/usr/bin/env bash
# Replays AgentDojo's ground truth through the judge of tool calls (benchmarks/bench_agentdojo.py); its rows come from an
# environment of its own (some 500 MB, below $OSTIARY_AGENTDOJO_ENV or /tmp). AgentDojo is no dependency of ours, and its
# texts never come into this repository.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
place=${OSTIARY_AGENTDOJO_ENV:-/tmp/ostiary-agentdojo}
python=${PYTHON:-python3}

if ! "$place/bin/python" -c 'import agentdojo' 2>/dev/null; then
  printf 'agentdojo: making an environment in %s (a minute or two, once)\n' "$place" >&2
  "$python" -m venv "$place"
  "$place/bin/pip" install --quiet 'agentdojo==0.1.35'
fi
cd "$here"
exec env OSTIARY_AGENTDOJO_ENV="$place" PYTHONPATH="$here/src" "$python" benchmarks/bench_agentdojo.py "$@"
