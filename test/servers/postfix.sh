# Source this file as root. It starts a Postfix whose files are all in one folder:
#
#   start_postfix FOLDER MASTER_LINE MAIN_CONFIG    MASTER_LINE and MAIN_CONFIG may be empty
#   stop_postfix FOLDER

start_postfix() {
  local folder=$1 master=$2 main=$3
  mkdir "$folder/etc" "$folder/queue" "$folder/data"
  chown postfix "$folder/data"
  cat >"$folder/etc/main.cf" <<CONFIG
compatibility_level = 3.6
queue_directory = $folder/queue
data_directory = $folder/data
maillog_file = $folder/postfix.log
maillog_file_prefixes = $folder
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination =
$main
CONFIG
  grep -vE '^(#|smtp +inet|$)' /usr/share/postfix/master.cf.dist | sed -E 's/^(([^ ]+ +){4})y/\1n/' >"$folder/etc/master.cf"
  [ -z "$master" ] || echo "$master" >>"$folder/etc/master.cf"
  postfix -c "$folder/etc" start >"$folder/start.log" 2>&1
}

stop_postfix() { postfix -c "$1/etc" stop; }
