#!/usr/bin/env bash
# Installs what the tests need of the system, one after the other: a browser, bubblewrap, PostgreSQL and nginx.
# `make test` begins it while pip is at work, which leaves a core idle; whoever calls it a second time waits for the first.
# Quick when all is there. It never fails: the tests say what they miss.
set -uo pipefail
cd "$(dirname "$0")/.."

mkdir -p build
exec 9>build/.packages.lock
if command -v flock >/dev/null; then flock 9; fi
for each in browser system postgres nginx; do
  "tools/$each.sh" 9>&-
done
exit 0
