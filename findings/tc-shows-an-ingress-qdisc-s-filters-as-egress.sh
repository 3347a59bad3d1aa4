#!/usr/bin/env bash
# tc of iproute2 6.1.0 (Debian 12), seen on Linux 6.18: `tc filter show dev LINK egress` lists the filters of a link's `ingress`
# qdisc, which look at incoming packets only. With the `clsact` qdisc the same question lists what is at the egress, here nothing.
# Expected: no filter in both cases.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "needs root for network namespaces" >&2; exit 77; }
dir=$(mktemp -d); ns=finding-$$
clean() { ip netns del "$ns" 2>/dev/null || true; rm -rf "$dir"; }
trap clean EXIT; cd "$dir"
apt-get download -qq iproute2=6.1.0-3 >/dev/null 2>&1
dpkg-deb -x ./iproute2*.deb .
ip netns add "$ns"
ip -n "$ns" link add in0 type veth peer name in1
tc() { ip netns exec "$ns" "$dir/sbin/tc" "$@"; }
for qdisc in ingress clsact; do
  tc qdisc add dev in0 "$qdisc"
  tc filter add dev in0 ingress protocol ip pref 7 bpf da bytecode '1,6 0 0 2'
  echo "$qdisc: ingress $(tc filter show dev in0 ingress | grep -c 'direct-action'), egress $(tc filter show dev in0 egress | grep -c 'direct-action' || true)"
  tc qdisc del dev in0 "$qdisc"
done | tee seen
[ "$(cat seen)" = $'ingress: ingress 1, egress 1\nclsact: ingress 1, egress 0' ]
