#!/usr/bin/env bash
# Runs a command beside a Postgres and a Redis of its own, which end when it ends.
#
#   scripts/with-services.sh COMMAND [ARGUMENT...]
#
# The command gets DATABASE_URL (a superuser: tests create their own databases) and REDIS_URL, both on 127.0.0.1.
# No cluster or server of the machine is touched. DTS_SERVICES_FSYNC=on makes Postgres wait for the disk, for figures
# that must count it; off by default, since the tests kill the gateway and never the machine.
set -euo pipefail

readonly START_SECONDS=20 PORT_TRIES=5
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

fail() {
  echo "with-services: $*" >&2
  exit 69
}

# A server may not outlive this script, even when the script is killed with -9: the kernel sends the signal.
# setpriv keeps the process id (no shell or PAM session between us and the server) and can change the user as well,
# which Postgres wants: it refuses to run as root.
tied() { # SIGNAL USER COMMAND...
  local signal=$1 user=$2
  shift 2
  if ! command -v setpriv >/dev/null; then
    [ -z "$user" ] || fail "root needs setpriv (package util-linux)"
    exec "$@"
  fi
  local as=()
  [ -z "$user" ] || as=(--reuid "$user" --regid "$user" --clear-groups --reset-env)
  exec setpriv "${as[@]}" --pdeathsig "$signal" "$@"
}

# Below the range that the kernel hands out by itself, so a test's port 0 cannot take it between the draw and the bind.
draw_port() {
  shuf -i 20000-32000 -n 1
}

until_up() { # PID PROBE...
  local pid=$1 deadline=$((SECONDS + START_SECONDS))
  shift
  while [ $SECONDS -lt $deadline ]; do
    if "$@" >/dev/null 2>&1; then return 0; fi
    kill -0 "$pid" 2>/dev/null || return 1
    sleep 0.05
  done
  return 1
}

start_postgres() {
  local bin user='' run=() password port try
  bin=$("$here/packages.sh" --postgres-bin) || fail "no Postgres server here: run scripts/packages.sh"
  install -d -m 700 "$dir/postgres"
  if [ "$(id -u)" = 0 ]; then
    user=postgres
    id "$user" >/dev/null 2>&1 || fail "root needs the user 'postgres' (package postgresql)"
    chown "$user:$user" "$dir/postgres"
    run=(setpriv --reuid "$user" --regid "$user" --clear-groups --reset-env)
  fi
  # A password of this run alone: other users of the machine stay out, and tests can look for it in logs and answers.
  password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  (umask 077 && echo "$password" >"$dir/postgres/password")
  [ -z "$user" ] || chown "$user:$user" "$dir/postgres/password"
  "${run[@]}" "$bin/initdb" --pgdata="$dir/postgres/data" --username=postgres --pwfile="$dir/postgres/password" \
    --auth-host=scram-sha-256 --auth-local=trust --encoding=UTF8 --locale=C --no-sync >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; fail "initdb failed"; }
  for try in $(seq $PORT_TRIES); do
    port=$(draw_port)
    (tied INT "$user" "$bin/postgres" -D "$dir/postgres/data" -p "$port" \
      -c listen_addresses=127.0.0.1 -c unix_socket_directories="$dir/postgres" \
      -c fsync="${DTS_SERVICES_FSYNC:-off}" -c full_page_writes="${DTS_SERVICES_FSYNC:-off}" \
      -c max_connections=400 -c shared_buffers=64MB -c timezone=UTC -c log_min_messages=warning) \
      >>"$dir/postgres.log" 2>&1 &
    postgres=$!
    # Asked through our own socket: whoever else might own the port cannot answer for us.
    if until_up "$postgres" "$bin/pg_isready" -h "$dir/postgres" -p "$port"; then
      export DATABASE_URL="postgres://postgres:$password@127.0.0.1:$port/postgres"
      return
    fi
    stop QUIT "$postgres"
    postgres=''
    echo "with-services: Postgres did not come up on port $port (try $try)" >&2
  done
  cat "$dir/postgres.log" >&2
  fail "Postgres did not start"
}

start_redis() {
  local port try
  command -v redis-server >/dev/null || fail "no Redis server here: run scripts/packages.sh"
  for try in $(seq $PORT_TRIES); do
    port=$(draw_port)
    (tied TERM '' redis-server --bind 127.0.0.1 --port "$port" --unixsocket "$dir/redis.sock" --dir "$dir" \
      --save '' --appendonly no --daemonize no) >>"$dir/redis.log" 2>&1 &
    redis=$!
    if until_up "$redis" redis-cli -s "$dir/redis.sock" ping; then
      export REDIS_URL="redis://127.0.0.1:$port/"
      return
    fi
    stop TERM "$redis"
    redis=''
    echo "with-services: Redis did not come up on port $port (try $try)" >&2
  done
  cat "$dir/redis.log" >&2
  fail "Redis did not start"
}

stop() { # SIGNAL PID
  [ -n "$2" ] || return 0
  kill -s "$1" "$2" 2>/dev/null || true
  wait "$2" 2>/dev/null || true
}

# shellcheck disable=SC2317,SC2329 # reached through the traps
clean_up() {
  local status=$?
  trap - EXIT INT TERM HUP
  stop TERM "$command"
  stop TERM "$redis"
  stop QUIT "$postgres" # at once: its data is thrown away
  rm -rf "$dir"
  exit "$status"
}

[ $# -gt 0 ] || { sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 64; }
command='' postgres='' redis=''
dir=$(mktemp -d "${TMPDIR:-/tmp}/dts-services.XXXXXX")
chmod 711 "$dir" # the postgres user has to pass through
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# From a folder that the postgres user may enter; the command itself starts where we were called.
pushd "$dir" >/dev/null
start_postgres
start_redis
popd >/dev/null
"$@" <&0 &
command=$!
status=0
wait "$command" || status=$?
command=''
exit "$status"
