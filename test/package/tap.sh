# For scenarios in plain sh that write TAP. Debian's sh has `local`.
number=0
# ok NAME COMMAND...: one test; its output is shown where it fails.
ok() {
  local name=$1 output
  shift
  number=$((number + 1))
  if output=$("$@" 2>&1); then
    echo "ok $number - $name"
  else
    echo "not ok $number - $name"
    echo "$output" | tail -n 40 | sed 's/^/# /'
  fi
}

# soon SECONDS COMMAND...: succeeds once the command does.
soon() {
  local deadline=$(($(date +%s) + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$(date +%s)" -lt $deadline ] || { "$@"; return 1; }
    sleep 0.5
  done
}

# Every path of the root file system that a package may answer for.
paths() { find / -xdev \( -path /var/log -o -path /var/lib/dpkg -o -path /tmp -o -path /proc -o -path /scenario \) -prune -o -print | sort; }
