#!/usr/bin/env bash
# Installs Debian's PostgreSQL server for the tests of feature sets when there is none. Quick when there is one.
# It never fails: without a server the tests themselves are skipped with a word, or fail where CI=true.
# No cluster of the system is made or started: each test starts one of its own below a temporary folder.
set -uo pipefail

say() { printf 'postgres: %s\n' "$*" >&2; }

for found in /usr/lib/postgresql/*/bin/initdb; do [ -x "$found" ] && exit 0; done
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  say "there is no PostgreSQL below /usr/lib/postgresql, and installing it takes root and apt-get"
  exit 0
fi
say "installing Debian's postgresql (half a minute, once)"
export DEBIAN_FRONTEND=noninteractive
install() {
  apt-get install --yes --quiet --no-install-recommends postgresql-common >/dev/null &&
    sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf &&
    apt-get install --yes --quiet --no-install-recommends postgresql >/dev/null
}
install 2>/dev/null || { apt-get update --quiet >/dev/null && install; } || say "postgresql could not be installed"
exit 0
