#!/bin/busybox sh
# Init of a zone. Its command line says what Edera would have it know: zone.ipv4=, zone.ipv6=, and zone.ping=, whom to ping
# until there is an answer. Then each line from the console, `NUMBER COMMAND`, is run, and its end marked.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
exec </dev/hvc0 >/dev/hvc0 2>&1
stty -echo
echo "@@init"
n=0
while [ -e /modules/$n.ko ]; do
  insmod /modules/$n.ko
  n=$((n + 1))
done
word() { tr ' ' '\n' </proc/cmdline | sed -n "s/^$1=//p"; }
ip link set lo up
until [ -e /sys/class/net/eth0 ]; do sleep 0.05; done
echo "@@driver"
ip link set eth0 up
for address in $(word zone.ipv4); do
  ip addr add "$address/16" dev eth0
  ip route add default via 10.75.0.1 dev eth0
done
for address in $(word zone.ipv6); do
  ip -6 addr add "$address/48" dev eth0
  ip -6 route add default via fdd4:1476:6c7e::1 dev eth0
done
echo "@@configured"
if [ -n "$(word zone.ping)" ]; then
  until ping -c 1 -W 1 "$(word zone.ping)" >/dev/null; do :; done
  echo "@@answered"
fi &
echo "@@shell"
while :; do
  IFS= read -r line || { sleep 1; continue; }
  (eval "${line#* }") </dev/null
  echo "@@${line%% *} rc=$?"
done
