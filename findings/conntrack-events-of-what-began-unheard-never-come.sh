#!/usr/bin/env bash
# `conntrack -E` of conntrack-tools 1.4.7 (Debian 12) on Linux 6.18: of a connection that began before anybody listened no end is told,
# nor anything else. nf_conntrack_events is 2 unless set: a connection gets the room for its events as it begins, and only where somebody
# listens. conntrack(8) names no such condition, and the sysctl says 1 on older kernels, where the end comes.
# Expected: DESTROY for both, whenever they began.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "needs root for network namespaces" >&2; exit 77; }
dir=$(mktemp -d); ns=finding-$$
clean() { ip netns pids "$ns" 2>/dev/null | xargs -r kill; ip netns del "$ns" 2>/dev/null || true; rm -rf "$dir"; }
trap clean EXIT; cd "$dir"
apt-get download -qq conntrack=1:1.4.7-1+b2 >/dev/null 2>&1
dpkg-deb -x conntrack_*.deb .
inside() { ip netns exec "$ns" "$@"; }
begin() { inside perl -e 'use Socket; socket(S,PF_INET,SOCK_DGRAM,0); send(S,"x",0,sockaddr_in($ARGV[0],inet_aton("127.0.0.1")))' "$1"; }
ip netns add "$ns"
inside ip link set lo up
inside nft -f - <<'N'
table inet t { chain c { type filter hook output priority 0; ct state new counter; }; }
N
{
  for setting in "$(inside cat /proc/sys/net/netfilter/nf_conntrack_events)" 1; do
    inside sysctl -qw net.netfilter.nf_conntrack_events="$setting"
    begin 2001
    ip netns exec "$ns" "$dir/usr/sbin/conntrack" -E -p udp >log 2>/dev/null & listener=$!
    until inside ss -f netlink | grep -q "conntrack/$listener "; do sleep 0.05; done
    begin 2002
    for port in 2001 2002; do inside "$dir/usr/sbin/conntrack" -D -p udp --dport "$port" >/dev/null 2>&1; done
    until grep -q 'DESTROY.*dport=2002' log; do sleep 0.05; done
    kill "$listener"; wait "$listener" 2>/dev/null || true
    for port in 2001 2002; do
      echo "nf_conntrack_events=$setting, begun $([ $port = 2001 ] && echo before || echo after): $(grep -oE "(NEW|DESTROY).*dport=$port" log | cut -d']' -f1 | xargs)"
    done
  done
} | tee seen
[ "$(cat seen)" = 'nf_conntrack_events=2, begun before: 
nf_conntrack_events=2, begun after: NEW DESTROY
nf_conntrack_events=1, begun before: DESTROY
nf_conntrack_events=1, begun after: NEW DESTROY' ]
