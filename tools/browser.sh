#!/usr/bin/env bash
# Installs Debian's Chromium for tests/browser when there is none. Quick when there is one; OSTIARY_CHROMIUM names another.
# It never fails: without a browser the tests themselves are skipped with a word, or fail where CI=true.
set -uo pipefail

browser=${OSTIARY_CHROMIUM:-/usr/bin/chromium}
say() { printf 'browser: %s\n' "$*" >&2; }

[ -x "$browser" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  say "there is no \`$browser\`, and installing it takes root and apt-get: install Chromium, or set OSTIARY_CHROMIUM"
  exit 0
fi
say "installing Debian's chromium (a minute, once)"
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install --yes --quiet --no-install-recommends chromium >/dev/null; }
install 2>/dev/null || { apt-get update --quiet >/dev/null && install; } || say "chromium could not be installed"
exit 0
