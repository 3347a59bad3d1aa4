#!/usr/bin/env bash
# iproute2 6.1 (Debian 12): `ip -force -batch` promises to go on after a command that fails. After a route that the kernel
# refuses it does; after a neighbour command that the kernel refuses it ends, with 2, without the number of the line, and
# the lines that follow are never read.
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "needs root for a network namespace" >&2; exit 77; }
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
apt-get download -qq iproute2=6.1.0-3 >/dev/null
dpkg-deb -x ./iproute2_*.deb .
export ip="$dir/bin/ip"; [ -x "$ip" ] || ip="$dir/sbin/ip"
export ip
printf 'route del 198.51.100.0/24 dev lo\nroute add 192.0.2.0/25 dev lo\n' >route.batch
printf 'neigh del 192.0.2.200 dev lo\nroute add 192.0.2.128/25 dev lo\n' >neighbour.batch
unshare --net bash -uc '
  "$ip" link set lo up
  "$ip" -force -batch route.batch; echo "route: $?"
  "$ip" -force -batch neighbour.batch; echo "neighbour: $?"
  "$ip" route show' >seen 2>&1
cat seen
grep -q '^route: 1$' seen && grep -q '^192.0.2.0/25' seen
grep -q '^neighbour: 2$' seen && ! grep -q '^192.0.2.128/25' seen
grep -q '^Command failed route.batch:1$' seen && ! grep -q '^Command failed neighbour.batch' seen
