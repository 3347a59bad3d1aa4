#!/bin/bash
# Process 1 of dom0: mounts, Xen's modules and daemons, the package, and the scenario, whose report goes out by the second
# serial line. The kernel's command line says which xenstored (test.oxenstored), and whether there is udev (test.udev).
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LANG=C
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm
# As every init and udev make them.
ln -s /proc/self/fd /dev/fd
for stream in 0:stdin 1:stdout 2:stderr; do ln -s "fd/${stream%:*}" "/dev/${stream#*:}"; done
mount -t devpts devpts /dev/pts
for place in /run /tmp; do mount -t tmpfs tmpfs $place; done
mkdir -p /run/lock /run/xen /run/xenstored /var/log/xen/console
hostname dom0
ip link set lo up
for module in xenfs xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xen-netback; do modprobe $module; done
mount -t xenfs xenfs /proc/xen
told() { grep -qw "$1" /proc/cmdline; }
if told test.udev; then
  /lib/systemd/systemd-udevd --daemon
  udevadm trigger --action=add
  udevadm settle -t 60
fi
tools=$(echo /usr/lib/xen-4.*/bin)
if told test.oxenstored; then store=oxenstored; else store=xenstored; fi
# Where it ends, the report says how.
{
  $tools/$store --no-fork --pid-file /run/xen/xenstored.pid
  echo "$store ended with $?"
} >/var/log/xen/store.log 2>&1 </dev/null &
for try in $(seq 200); do xenstore-exists / 2>/dev/null && break; sleep 0.1; done
$tools/xen-init-dom0
$tools/xenconsoled --pid-file=/run/xen/xenconsoled.pid --log=guest --log-dir=/var/log/xen/console
{
  echo "# dom0 is up after $(cut -d' ' -f1 /proc/uptime) s: $store, $(pgrep -c udevd) udevd"
  ln -s /input/old/usr /opt/protect-network
  ln -s /opt/protect-network/sbin/protect-network /usr/sbin/protect-network
  /opt/protect-network/lib/protect-network/node /input/scenario/main.mjs $(sed -n 's/.*test.plan=\([^ ]*\).*/\1/p' /proc/cmdline)
  echo "# the scenario ended with $? after $(cut -d' ' -f1 /proc/uptime) s"
} >/dev/ttyS1 2>&1
sync
echo o >/proc/sysrq-trigger
sleep 60
