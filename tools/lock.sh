#!/usr/bin/env bash
# Writes requirements/{run,dev,opa,compile}.txt anew: one lock for every Python from 3.11 on, each file pinned by hash.
# Usage: tools/lock.sh [uv options, such as --upgrade or --upgrade-package NAME]
set -euo pipefail
cd "$(dirname "$0")/.."

uv=build/lock/bin/uv
if [ ! -x "$uv" ]; then
  "${PYTHON:-python3}" -m venv build/lock
  build/lock/bin/python -m pip install --quiet "uv==0.13.9"
fi

compile() {
  "$uv" pip compile --quiet --universal --generate-hashes --no-emit-index-url \
    --custom-compile-command "make lock" "$@"
}

compile --python-version 3.11 --extra server --extra risk --extra report --extra pipeline --extra gateway --extra biometrics --extra redteam --extra postgres --extra history --extra grpc --extra kafka --extra dev "$@" \
  pyproject.toml requirements/build.in --output-file requirements/dev.txt
compile --python-version 3.11 --extra server --extra risk --extra pipeline --extra gateway --extra biometrics --extra postgres --extra grpc --constraint requirements/dev.txt \
  pyproject.toml requirements/build.in --output-file requirements/run.txt
compile --python-version 3.11 --constraint requirements/dev.txt \
  requirements/compile.in --output-file requirements/compile.txt
compile --python-version 3.14 --no-deps requirements/opa.in --output-file requirements/opa.txt
