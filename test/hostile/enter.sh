#!/bin/sh
# enter.sh COMMAND…: runs it on a machine where everybody has been before. Runs as the first program of a mount and a network
# namespace of its own, in the root that scripts/test-hostile.mjs has made, and changes nothing outside of them.
set -e
here=$(dirname "$0")
mount -t sysfs sysfs /sys
sysctl -q -p "$here/sysctl.conf"
readlink /proc/self/ns/net >/run/machine-namespace
install -m 755 "$here/ip" /usr/local/sbin/ip
ip link set lo up

# A name for each number that has none.
for file in rt_protos rt_tables rt_scopes rt_dsfield rt_realms group; do
  number=0
  while [ $number -le 255 ]; do
    grep -qE "^(0x0*$(printf %x $number)|$number)[[:space:]]" /etc/iproute2/$file || echo "$number my$number" >>/etc/iproute2/$file
    number=$((number + 1))
  done
done
sed -i 's/^75 .*/75 myproto/' /etc/iproute2/rt_protos

mkdir -p /run/netns
: >/run/netns/cni-0d15ea5e

sed s,SUBNET,172.17.0.0/16, "$here/docker.rules" | iptables-restore
sed s,SUBNET,fd00:d0c::/64, "$here/docker.rules" | ip6tables-restore
nft -f "$here/firewalld.nft"

expect() { # what is asked, the answer, what there should be
  [ "$2" = "$3" ] || { echo "test:hostile: $1: '$2' instead of '$3'" >&2; exit 1; }
}
ip netns add probe
expect 'rp_filter of a new namespace' "$(ip netns exec probe cat /proc/sys/net/ipv4/conf/default/rp_filter)" 2
ip netns del probe
expect 'who speaks' "$(cat /nonexistent 2>&1)" 'cat: /nonexistent: Datei oder Verzeichnis nicht gefunden'
expect 'nc' "$(nc --version 2>&1 | cut -d' ' -f1)" Ncat:
exec "$@"
