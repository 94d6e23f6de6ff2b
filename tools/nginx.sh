#!/usr/bin/env bash
# Installs Debian's nginx for the tests of the edge when there is none. Quick when there is one.
# It never fails: without nginx the tests themselves are skipped with a word, or fail where CI=true.
# The system's own nginx is neither started nor enabled: each test starts one of its own below a temporary folder.
set -uo pipefail

say() { printf 'nginx: %s\n' "$*" >&2; }

[ -x /usr/sbin/nginx ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  say "there is no /usr/sbin/nginx, and installing it takes root and apt-get"
  exit 0
fi
say "installing Debian's nginx (a few seconds, once)"
export DEBIAN_FRONTEND=noninteractive
# The package would start a server; policy-rc.d is how Debian is told not to (there may be one already, as in containers).
policy=/usr/sbin/policy-rc.d
[ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && trap 'rm -f "$policy"' EXIT; }
install() { apt-get install --yes --quiet --no-install-recommends nginx-light >/dev/null; }
install 2>/dev/null || { apt-get update --quiet >/dev/null && install; } || say "nginx could not be installed"
exit 0
