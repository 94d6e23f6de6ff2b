#!/usr/bin/env bash
# Builds a release into dist/: wheel and sdist (built twice, byte for byte alike), SBOM, and with KEY=release.key a signed
# statement of what they were built from. `ostiary release verify dist --key release.pem` checks it anywhere.
# The time in the files is that of the last commit, so the same commit gives the same bytes on any machine.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
out=${OUT:-dist}
say() { printf 'release: %s\n' "$*" >&2; }

[ -e "$out" ] && { say "\`$out\` is there: remove it first"; exit 1; }
commit=$(git rev-parse HEAD)
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH PYTHONHASHSEED=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Built from what is committed, and from nothing else that lies here.
build() {
  mkdir -p "$work/$1/src" "$work/$1/out"
  git archive "$commit" | tar -x -C "$work/$1/src"
  (cd "$work/$1/src" && umask "$2" && python -m hatchling build -d "$work/$1/out" >/dev/null)
}
build one 022
build two 077
(cd "$work/one/out" && sha256sum ./*) >"$work/one.sums"
(cd "$work/two/out" && sha256sum ./*) >"$work/two.sums"
cmp -s "$work/one.sums" "$work/two.sums" || { say "two builds of one commit differ:"; diff "$work/one.sums" "$work/two.sums" >&2; exit 1; }
mkdir -p "$out"
cp "$work"/one/out/* "$out/"
python tools/sbom.py "$out/ostiary.cdx.json"
if [ -n "${KEY:-}" ]; then
  ostiary release sign "$out" --key "$KEY" --commit "$commit" \
    --material requirements/run.txt --material requirements/opa.txt --material requirements/build.in
else
  say "not signed: KEY=release.key signs"
fi
(cd "$out" && sha256sum ./*)
