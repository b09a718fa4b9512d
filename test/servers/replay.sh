#!/usr/bin/env bash
# Starts a mail server on a free port of 127.0.0.1, replays transcripts against it, and stops it again. The server accepts
# and discards all mail:
#
#   test/servers/replay.sh SERVER [options and files of smtp-transcript replay]
#
# SERVER is aws-smtp-relay, smtp-server, aiosmtpd, postfix or exim. Postfix and Exim must be started by root. Their Debian
# packages are postfix, exim4-daemon-light and python3-aiosmtpd. EXIM may contain the path of an unpacked Exim. This needs
# a build (`npm run build`). The servers write only to a temporary folder.
set -euo pipefail
cd "$(dirname "$0")/../.."
. test/servers/postfix.sh

server=${1:-}
[ $# -gt 0 ] && shift
work=$(mktemp -d)
chmod 755 "$work"
stop() { :; }
trap 'stop >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
port=$(node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
cert=$PWD/fixtures/tls/certificate.pem
key=$PWD/fixtures/tls/key.pem

# Waits until the server sends its greeting.
await_greeting() {
  for _ in $(seq 100); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port" && read -r -t 2 line <&3 && [ "${line:0:3}" = 220 ]) 2>/dev/null; then return; fi
    sleep 0.1
  done
  echo "$server did not start; its log:" >&2
  cat "$work"/*.log "$work"/*/*.log >&2 2>/dev/null
  exit 2
}

in_background() {
  "$@" >"$work/server.log" 2>&1 &
  process=$!
  stop() { kill "$process"; wait "$process"; }
}

case $server in
  aws-smtp-relay)
    PASSWORD=secret in_background node dist/cli.js -r discard -a "127.0.0.1:$port" -c "$cert" -k "$key"
    set -- --with 'tls=offered, smtputf8=yes, binarymime=yes' "$@"
    ;;
  smtp-server)
    in_background node test/servers/smtp-server.mjs "$port" "$cert" "$key"
    ;;
  aiosmtpd)
    in_background /usr/bin/python3 -m aiosmtpd -n -c aiosmtpd.handlers.Sink -l "127.0.0.1:$port" --tlscert "$cert" --tlskey "$key" --no-requiretls
    ;;
  postfix)
    start_postfix "$work" "127.0.0.1:$port inet n - n - - smtpd" "
myhostname = postfix.test
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
default_transport = discard:
relay_transport = discard:
local_transport = discard:
smtpd_tls_security_level = may
smtpd_tls_cert_file = $cert
smtpd_tls_key_file = $key"
    stop() { stop_postfix "$work"; }
    ;;
  exim)
    getent passwd Debian-exim >/dev/null || useradd --system --no-create-home Debian-exim
    cat >"$work/exim.conf" <<CONFIG
primary_hostname = exim.test
daemon_smtp_ports = $port
local_interfaces = 127.0.0.1
spool_directory = $work/spool
log_file_path = $work/spool/%s.log
pid_file_path = $work/exim.pid
acl_smtp_rcpt = accept
acl_smtp_data = accept
host_lookup =
tls_advertise_hosts = *
tls_certificate = $cert
tls_privatekey = $key
keep_environment =
begin acl
begin routers
nowhere:
  driver = redirect
  data = :blackhole:
  allow_fail
CONFIG
    sed -i 's/^acl_smtp_rcpt = accept/acl_smtp_rcpt = all/; s/^acl_smtp_data = accept/acl_smtp_data = all/; s/^begin acl$/begin acl\nall:\n  accept/' "$work/exim.conf"
    mkdir "$work/spool"
    chown Debian-exim "$work/spool" "$work"
    in_background "${EXIM:-exim4}" -C "$work/exim.conf" -bdf
    ;;
  *)
    sed -n '2,/^set/p' "$0" | sed '$d; s/^# \{0,1\}//' >&2
    exit 2
    ;;
esac

await_greeting
status=0
node dist/transcript/cli.js replay --server "127.0.0.1:$port" "$@" || status=$?
exit "$status"
