#!/usr/bin/env bash
# iproute2 6.1 (Debian 12): some commands take `-j` and print text for people, with exit 0, so that a JSON parser fails on
# the first character. Seen: `ip -j monitor` (all objects), `ip -j mptcp limits`, `tc -j -s class show`.
# Expected: JSON, or a refusal of -j. The neighbouring `ip -j mptcp endpoint`, `tc -j qdisc show` do print JSON.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "needs root for a network namespace" >&2; exit 77; }
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
apt-get download -qq iproute2=6.1.0-3 >/dev/null
dpkg-deb -x ./iproute2_*.deb .
export ip="$dir/bin/ip" tc="$dir/sbin/tc"; [ -x "$ip" ] || ip="$dir/sbin/ip"
export ip
unshare --net bash -uc '
  "$ip" link set lo up; "$ip" link add v0 type veth peer name v1
  "$ip" -j mptcp limits | sed "s/^/limits: /"
  "$tc" qdisc add dev v0 root tbf rate 1mbit burst 10k latency 10ms
  "$tc" -j qdisc show dev v0 | head -c 2 | sed "s/^/qdisc: /"; echo
  "$tc" -j class show dev v0 | sed "s/^/class: /"
  "$ip" -j monitor route >monitor & sleep_until() { for try in $(seq 100); do grep -q 192.0.2 monitor && return; "$ip" route replace 192.0.2.0/24 dev lo; sleep 0.05; done; }
  sleep_until; kill $!; head -n 1 monitor | sed "s/^/monitor: /"' >seen 2>/dev/null
cat seen
grep -q '^limits: add_addr_accepted' seen
grep -q '^qdisc: \[{' seen
grep -q '^class: class tbf' seen
grep -q '^monitor: 192.0.2.0/24 dev lo' seen
