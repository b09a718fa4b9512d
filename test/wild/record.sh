#!/usr/bin/env bash
# Records the dialogues of real mail clients with this server, as the transcripts of fixtures/wild:
#
#   test/wild/record.sh [CLIENT...]
#
# Without a name, it records all clients. The client connects to smtp-transcript record, which terminates TLS and forwards
# to the program (-r discard). Then the engine plays the recording and adds its side (play --update). This needs a build
# and the clients: Debian's swaks, curl, msmtp, s-nail, postfix, exim4-daemon-light (or the path of an unpacked Exim in
# EXIM), python3 and openssl. Postfix and Exim must be started by root. Passwords are not recorded.
set -euo pipefail
cd "$(dirname "$0")/../.."
. test/servers/postfix.sh

work=$(mktemp -d)
chmod 755 "$work"
stop() { :; }
trap 'stop >/dev/null 2>&1 || true; jobs -p | xargs -r kill 2>/dev/null || true; rm -rf "$work"' EXIT
cert=$PWD/fixtures/tls/certificate.pem
key=$PWD/fixtures/tls/key.pem
printf 'From: a@s.example\nTo: b@r.example\nSubject: Hello\n\nA line.\n.A line behind a dot.\n' >"$work/mail"

free_port() {
  node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'
}

await_port() {
  for _ in $(seq 100); do (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return; sleep 0.1; done
  echo "port $1 is closed" >&2
  exit 2
}

# record NAME TITLE CONDITIONS COMMAND: the command finds the recording proxy at $port.
record() {
  local name=$1 title=$2 conditions=$3
  shift 3
  local upstream
  upstream=$(free_port)
  port=$(free_port)
  local login=() tls=() record_tls=()
  case $conditions in *mechanisms*) login=(-u tim --allow-plaintext-auth) ;; esac
  case $conditions in *tls=*) tls=(-c "$cert" -k "$key") record_tls=(--tls-cert "$cert" --tls-key "$key") ;; esac
  PASSWORD=tanstaaftanstaaf node dist/cli.js -r discard -h relay.test -n Relay -a "127.0.0.1:$upstream" "${login[@]}" "${tls[@]}" >"$work/relay.log" 2>&1 &
  local relay=$!
  await_port "$upstream"
  rm -rf "$work/out"
  node dist/transcript/cli.js record --listen "127.0.0.1:$port" --server "127.0.0.1:$upstream" "${record_tls[@]}" \
    --output "$work/out" --count 1 >"$work/record.log" 2>&1 &
  local recorder=$!
  # Do not connect to the port to see whether it is open: the connection would be recorded.
  for _ in $(seq 100); do grep -q . "$work/record.log" && break; ss -ltn | grep -q ":$port " && break; sleep 0.1; done
  "$@" >"$work/client.log" 2>&1 || { echo "$name failed:" >&2; cat "$work/client.log" "$work/record.log" >&2; exit 1; }
  timeout 20 tail --pid="$recorder" -f /dev/null || { echo "$name: nothing was recorded" >&2; cat "$work/client.log" >&2; exit 1; }
  kill "$relay"
  wait "$relay" || true
  local file=fixtures/wild/$name.smtp
  { echo "Title: $title"; echo 'Spec: RFC 5321 section 3'; [ -z "$conditions" ] || echo "With: $conditions"; sed '1,/^$/{/^$/!d}' "$work"/out/recording-1.smtp; } >"$file"
  # Replace names and numbers that differ between machines or runs.
  sed -i "s/\b$(hostname)\b/client.example/g; s/127\.0\.0\.1:$port/relay.test:25/g" "$file"
  node dist/transcript/cli.js play --update --runner as-written "$file" >/dev/null
  echo "$file"
}

swaks_clear() { swaks --server 127.0.0.1 --port "$port" --ehlo client.example --from a@s.example --to b@r.example,c@r.example --body @"$work/mail" --suppress-data; }
swaks_tls() { swaks --server 127.0.0.1 --port "$port" --ehlo client.example --from a@s.example --to b@r.example --tls --auth CRAM-MD5 --auth-user tim --auth-password tanstaaftanstaaf; }
swaks_pipeline() { swaks --server 127.0.0.1 --port "$port" --ehlo client.example --from a@s.example --to b@r.example,c@r.example --pipeline; }
curl_clear() { curl -sS "smtp://127.0.0.1:$port/client.example" --mail-from a@s.example --mail-rcpt b@r.example -T "$work/mail"; }
curl_tls() { curl -sS --ssl-reqd --insecure "smtp://127.0.0.1:$port/client.example" -u tim:tanstaaftanstaaf --mail-from a@s.example --mail-rcpt b@r.example --mail-rcpt c@r.example -T "$work/mail"; }
msmtp_tls() { msmtp --host=127.0.0.1 --port="$port" --domain=client.example --tls=on --tls-certcheck=off --auth=plain --user=tim --passwordeval='echo tanstaaftanstaaf' --from=a@s.example b@r.example <"$work/mail"; }
s_nail() { s-nail -:/ -S v15-compat -S mta="smtp://127.0.0.1:$port" -S smtp-auth=none -S smtp-hostname=client.example -S from=a@s.example -S hostname=client.example -s Hello -. b@r.example <"$work/mail"; }
smtp_source() { smtp-source -M client.example -f a@s.example -t b@r.example -s 1 -m 2 -d "inet:127.0.0.1:$port"; }
smtplib() {
  python3 - "$port" <<'PYTHON'
import smtplib, ssl, sys
client = smtplib.SMTP('127.0.0.1', int(sys.argv[1]), local_hostname='client.example')
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
client.starttls(context=context)
client.login('tim', 'tanstaaftanstaaf')
client.sendmail('a@s.example', ['b@r.example', 'c@r.example'], 'Subject: Hello\n\n.A line behind a dot.\n')
client.quit()
PYTHON
}
nodemailer() {
  node --input-type=module - "$port" <<'SCRIPT'
import { createTransport } from 'nodemailer'
const transport = createTransport({
  host: '127.0.0.1', port: Number(process.argv[2]), name: 'client.example', tls: { rejectUnauthorized: false },
  auth: { user: 'tim', pass: 'tanstaaftanstaaf' }, pool: true,
})
for (const subject of ['Hello', 'Hello again'])
  await transport.sendMail({ from: 'a@s.example', to: 'b@r.example', subject, text: 'A line.', date: new Date(0), messageId: '<1@client.example>' })
transport.close()
SCRIPT
}
s_client() {
  # Like a person who types each command and waits for its reply.
  { sleep 1; for line in 'EHLO client.example' 'MAIL FROM:<a@s.example>' 'rcpt to:<b@r.example>' DATA $'Subject: Hello\n\nA line.\n.' QUIT; do printf '%s\n' "$line"; sleep 0.3; done; } |
    openssl s_client -starttls smtp -crlf -quiet -connect "127.0.0.1:$port"
}
postfix_relay() {
  start_postfix "$work" '' "
myhostname = client.example
relayhost = [127.0.0.1]:$port
smtp_tls_security_level = may"
  stop() { stop_postfix "$work"; }
  sendmail -C "$work/etc" -f a@s.example b@r.example c@r.example <"$work/mail"
}
exim_client() {
  getent passwd Debian-exim >/dev/null || useradd --system --no-create-home Debian-exim
  mkdir "$work/spool"
  chown Debian-exim "$work/spool"
  cat >"$work/exim.conf" <<CONFIG
primary_hostname = client.example
spool_directory = $work/spool
log_file_path = $work/spool/%s.log
keep_environment =
never_users =
exim_path = $(command -v "${EXIM:-exim4}")
begin routers
smart:
  driver = manualroute
  route_list = * 127.0.0.1::$port byname
  self = send
  transport = smtp
begin transports
smtp:
  driver = smtp
  hosts_override
CONFIG
  "${EXIM:-exim4}" -C "$work/exim.conf" -odi -f a@s.example b@r.example <"$work/mail"
}

clients=${*:-swaks swaks-tls swaks-pipeline curl curl-tls msmtp s-nail smtp-source postfix exim smtplib nodemailer openssl}
tls='tls=offered'
mechanisms='mechanisms=PLAIN LOGIN CRAM-MD5'
for client in $clients; do
  case $client in
    swaks) record swaks 'swaks sends a mail to two recipients' '' swaks_clear ;;
    swaks-tls) record swaks-tls 'swaks says STARTTLS and logs in with CRAM-MD5' "$tls, $mechanisms" swaks_tls ;;
    swaks-pipeline) record swaks-pipeline 'swaks sends its commands in groups' '' swaks_pipeline ;;
    curl) record curl 'curl sends a file' '' curl_clear ;;
    curl-tls) record curl-tls 'curl says STARTTLS and logs in' "$tls, $mechanisms" curl_tls ;;
    msmtp) record msmtp 'msmtp says STARTTLS and logs in with PLAIN' "$tls, $mechanisms" msmtp_tls ;;
    s-nail) record s-nail 's-nail sends a mail' '' s_nail ;;
    smtp-source) record smtp-source 'smtp-source of Postfix sends two mails over one connection' '' smtp_source ;;
    postfix) record postfix 'Postfix relays a mail under TLS, in groups' "$tls" postfix_relay && stop && stop() { :; } ;;
    exim) record exim 'Exim relays a mail under TLS' "$tls" exim_client ;;
    smtplib) record smtplib "Python's smtplib says STARTTLS and logs in" "$tls, $mechanisms" smtplib ;;
    nodemailer) record nodemailer 'nodemailer sends two mails over one connection, under TLS and logged in' "$tls, $mechanisms" nodemailer ;;
    openssl) record openssl 'A person types a mail into openssl s_client' "$tls" s_client ;;
    *) sed -n '2,/^set/p' "$0" | sed '$d; s/^# \{0,1\}//' >&2; exit 2 ;;
  esac
done
