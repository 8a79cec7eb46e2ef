#!/usr/bin/env bash
# Brings the official SDKs that the tests drive into .tools/, at the versions pinned under tests/clients/, and what drives
# the browser, pinned under tests/console/.
# Nothing is done when they are there already. Prints where they are, as lines for `eval`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

root=$PWD
tools=$root/.tools
mkdir -p "$tools"
if command -v flock >/dev/null; then # two `make test` at once must not install over each other
  exec 9>"$tools/lock"
  flock 9
fi

# A stamp holds what was installed; it is written last, so a broken installation is made again from nothing.
current() { # FOLDER FILE...
  local folder=$1
  shift
  [ -f "$folder/.installed" ] && [ "$(cat "$folder/.installed")" = "$(stamp "$folder" "$@")" ]
}
stamp() { # FOLDER FILE...: the folder belongs to it, because virtual environments cannot be moved
  echo "$1"
  shift
  cat "$@" | sha256sum
}

python=$tools/python
requirements=tests/clients/requirements.txt
if ! current "$python" $requirements || ! "$python/bin/python" -c 'import aliyunsdkcore, alibabacloud_dts20200101, tencentcloud.dts' 2>/dev/null; then
  echo "clients: installing the Python SDKs and tccli into .tools/python" >&2
  rm -rf "$python"
  python3 -m venv "$python"
  "$python/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -r $requirements >&2
  stamp "$python" $requirements >"$python/.installed"
fi

node_packages() { # FOLDER PINS WHAT
  local folder=$1 packages=("$2/package.json" "$2/package-lock.json")
  if ! current "$folder" "${packages[@]}"; then
    echo "clients: installing $3 into .tools/${folder##*/}" >&2
    rm -rf "$folder"
    mkdir -p "$folder"
    cp "${packages[@]}" "$folder"
    (cd "$folder" && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error >&2)
    stamp "$folder" "${packages[@]}" >"$folder/.installed"
  fi
}

node_packages "$tools/node" tests/clients/node 'the Node SDKs'
node_packages "$tools/console" tests/console "the browser's driver"

printf 'export %s=%q\n' \
  DTS_TEST_PYTHON "$python/bin/python" \
  DTS_TEST_TCCLI "$python/bin/tccli" \
  DTS_TEST_NODE "$(command -v node)" \
  DTS_TEST_NODE_MODULES "$tools/node/node_modules" \
  DTS_TEST_CONSOLE_MODULES "$tools/console/node_modules" \
  DTS_TEST_CHROMIUM "$(scripts/packages.sh --chromium || true)"
