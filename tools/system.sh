#!/usr/bin/env bash
# Installs what the training sandbox needs of the system: bubblewrap (and git, which writes a commit's files out).
# Quick when it is there. It never fails: where no sandbox can run, its tests are skipped with a word, or fail where CI=true.
set -uo pipefail

say() { printf 'system: %s\n' "$*" >&2; }

missing=()
[ -x /usr/bin/bwrap ] || missing+=(bubblewrap)
[ -x /usr/bin/setpriv ] || missing+=(util-linux)
command -v git >/dev/null || missing+=(git)
[ -x /usr/bin/python3 ] || missing+=(python3-minimal)
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    say "missing: ${missing[*]}; installing takes root and apt-get"
    exit 0
  fi
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  install() { apt-get install --yes --quiet --no-install-recommends "${missing[@]}" >/dev/null; }
  install 2>/dev/null || { apt-get update --quiet >/dev/null && install; } || say "${missing[*]} could not be installed"
fi
# Some distributions let only root make user namespaces; a run of an ordinary user needs them.
for setting in /proc/sys/kernel/unprivileged_userns_clone /proc/sys/user/max_user_namespaces; do
  [ -r "$setting" ] && [ "$(cat "$setting")" = 0 ] && say "$setting is 0: ordinary users can start no sandbox here"
done
restricted=/proc/sys/kernel/apparmor_restrict_unprivileged_userns
[ -r $restricted ] && [ "$(cat $restricted)" = 1 ] && say "AppArmor lets no ordinary user start a sandbox: give bwrap a profile"
exit 0
