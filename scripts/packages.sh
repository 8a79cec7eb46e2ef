#!/usr/bin/env bash
# Makes sure that the programs which the tests start are here: Postgres, Redis, Python, Node, Chromium.
#
#   scripts/packages.sh                  install what is missing (Debian and its children, as root), or say what to install
#   scripts/packages.sh --postgres-bin   print the folder of the Postgres server's programs
#   scripts/packages.sh --chromium       print the browser's program
set -euo pipefail

postgres_bin() {
  local folder
  # Debian keeps the server's programs of each version in a folder of their own, outside PATH; the newest is wanted.
  for folder in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV) "$(dirname "$(command -v initdb || echo /-)")"; do
    if [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ] && [ -x "$folder/pg_isready" ]; then
      echo "$folder"
      return 0
    fi
  done
  return 1
}

browser() {
  command -v chromium || command -v chromium-browser || command -v google-chrome-stable
}

missing() {
  postgres_bin >/dev/null || echo postgresql
  command -v redis-server >/dev/null && command -v redis-cli >/dev/null || echo redis-server
  python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
  command -v node >/dev/null || echo nodejs
  command -v npm >/dev/null || echo npm
  browser >/dev/null || echo chromium
  command -v setpriv >/dev/null || echo util-linux
}

install() {
  # A package that starts its server on installation would leave a stranger running on this machine.
  local policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update
  apt-get install -y --no-install-recommends "$@"
}

if [ "${1-}" = --postgres-bin ]; then
  postgres_bin
  exit
fi

if [ "${1-}" = --chromium ]; then
  browser
  exit
fi

mapfile -t packages < <(missing)
[ ${#packages[@]} -gt 0 ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  install "${packages[@]}"
  mapfile -t packages < <(missing)
  [ ${#packages[@]} -gt 0 ] || exit 0
  echo "packages: still missing after the installation: ${packages[*]}" >&2
elif command -v apt-get >/dev/null; then
  echo "packages: the tests need programs that are not here, and only root can install them. Please run:" >&2
  echo "  sudo apt-get install -y --no-install-recommends ${packages[*]}" >&2
else
  echo "packages: the tests need programs that are not here. Debian calls their packages: ${packages[*]}" >&2
  echo "  (the Postgres server with initdb in PATH, redis-server and redis-cli, Python 3.10 with venv, Node 18 with npm, Chromium)" >&2
fi
exit 69
