#!/usr/bin/env bash
# Runs the tests, with everything that they need, and leaves nothing running.
#
#   scripts/test.sh          all of them; load, kill and replicas' scenarios short
#   scripts/test.sh soak     these scenarios alone, release build, at the figures that the README quotes
#
# What is missing is brought first: Debian packages (as root; else it says what to install), the official SDKs
# into .tools/. A test that lacks one of these fails: none is skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

closing='^ *Summary \[|^test result:' # of nextest and of cargo test
readonly SOAKED='load|kill|replicas' # modules of tests/it with scenarios that can be long

phase() {
  printf '\n== %s (%d s since the start)\n' "$*" "$SECONDS"
}

run() { # the output is kept, for the counts at the end
  "$@" 2>&1 | tee -a "$log"
}

# Every process that the tests start inherits this name, so one that was left behind can be told from anybody else's.
left_running() {
  local environment pid
  for environment in /proc/[0-9]*/environ; do
    pid=${environment#/proc/}
    pid=${pid%/environ}
    if [ "$pid" != $$ ] && [ "$pid" != $BASHPID ] &&
      grep -qzxF "DTS_TEST_RUN=$DTS_TEST_RUN" "$environment" 2>/dev/null &&
      ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null; then
      printf '  %s %s\n' "$pid" "$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)"
    fi
  done
}

nothing_left() {
  local left='' deadline=$((SECONDS + 5))
  [ -d /proc/self ] || return 0
  while left=$(left_running) && [ -n "$left" ] && [ $SECONDS -lt $deadline ]; do sleep 0.1; done
  [ -z "$left" ] || { printf 'test: these were left running:\n%s\n' "$left" >&2; return 1; }
}

everything() {
  if cargo nextest --version >/dev/null 2>&1; then
    run scripts/with-services.sh cargo nextest run --workspace --no-fail-fast || failed=1
  else
    # The same order as .config/nextest.toml asks for, with the runner that every toolchain has.
    run scripts/with-services.sh cargo test --workspace --lib --bins --tests --no-fail-fast -- \
      --skip load:: --skip kill:: || failed=1
    run scripts/with-services.sh cargo test --workspace --lib --bins --tests --no-fail-fast -- \
      --test-threads=1 load:: kill:: || failed=1
  fi
  phase 'documentation tests'
  run cargo test --workspace --doc || failed=1
}

soak() {
  export DTS_TEST_SOAK=1
  if cargo nextest --version >/dev/null 2>&1; then
    closing='^ *Summary \[' # what the tests print is shown, their own closing lines too
    run scripts/with-services.sh cargo nextest run --release --profile soak --test it \
      -E "test(/^($SOAKED)::/)" --no-capture --no-fail-fast || failed=1
  else
    run scripts/with-services.sh cargo test --release --test it --no-fail-fast -- \
      --test-threads=1 --nocapture load:: kill:: replicas:: || failed=1
  fi
}

count() { # RUNNER'S WORD: sums "12 passed" over the closing lines; nextest names only what there was
  sed 's/\x1b\[[0-9;]*m//g' "$log" | grep -E "$closing" | { grep -oE "[0-9]+ $1" || true; } |
    awk '{ sum += $1 } END { print sum + 0 }'
}

case ${1-} in
  '') build=(cargo build --workspace --bins --tests) ;;
  soak) build=(cargo build --release --bins --test it) ;; # each binary more is a minute or two of linking
  *) sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 64 ;;
esac
log=$(mktemp "${TMPDIR:-/tmp}/dts-test.XXXXXX")
trap 'rm -f "$log"' EXIT
failed=0
if [ -t 1 ]; then export CARGO_TERM_COLOR=always; fi

phase 'what the tests need'
scripts/packages.sh
clients=$(scripts/clients.sh)
eval "$clients"

# Bins and tests in one go: built one after the other they would be resolved with different features, and built twice.
phase 'build'
"${build[@]}"

phase 'tests'
DTS_TEST_RUN=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
export DTS_TEST_RUN
if [ "${1-}" = soak ]; then soak; else everything; fi
nothing_left || failed=1

passed=$(count passed) broken=$(count failed)
[ "$passed" -gt 0 ] || failed=1
printf '\n%d s\ntest: %d passed, %d failed\n' "$SECONDS" "$passed" "$broken"
exit $failed
