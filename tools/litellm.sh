#!/bin/sh
# Makes a virtual environment with LiteLLM's proxy, the peer of benchmarks/bench_gateway.py: tools/litellm.sh FOLDER
set -eu
folder=${1:?name a folder for the virtual environment}
python3 -m venv "$folder"
# 1.82.7 and 1.82.8 were backdoored (March 2026): the version is pinned, and nothing of ours ever imports it.
"$folder/bin/pip" install --quiet "litellm[proxy]==1.110.0"
"$folder/bin/litellm" --version
