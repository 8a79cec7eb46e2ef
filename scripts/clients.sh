#!/usr/bin/env bash
# Brings the official SDKs that the tests drive into .tools/, at the versions pinned under tests/clients/.
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

node=$tools/node
packages=(tests/clients/node/package.json tests/clients/node/package-lock.json)
if ! current "$node" "${packages[@]}"; then
  echo "clients: installing the Node SDKs into .tools/node" >&2
  rm -rf "$node"
  mkdir -p "$node"
  cp "${packages[@]}" "$node"
  (cd "$node" && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error >&2)
  stamp "$node" "${packages[@]}" >"$node/.installed"
fi

printf 'export %s=%q\n' \
  DTS_TEST_PYTHON "$python/bin/python" \
  DTS_TEST_TCCLI "$python/bin/tccli" \
  DTS_TEST_NODE "$(command -v node)" \
  DTS_TEST_NODE_MODULES "$node/node_modules"
