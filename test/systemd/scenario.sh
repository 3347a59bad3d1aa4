# Runs inside the image, as root, under real systemd. Beside it: old.deb and new.deb, the same program in two versions.
# Writes TAP.
cd /scenario || exit 1
. ./tap.sh
unit=protect-network forwarder=protect-network-dns
far4=198.51.100.1 far6=2001:db8:ffff::1

property() { systemctl show -p "$1" --value $unit; }
main_pid() { property MainPID; }
is_active() { [ "$(property ActiveState)/$(property SubState)" = active/running ]; }
zone_exec() { ip netns exec zone "$@"; }
reaches() { zone_exec ping -q -c 3 -i 0.3 -W 5 "$1"; }
# Everything of the kernel that the daemon writes, without counters.
host_state() {
  # Without what packets themselves put into sets, which comes and goes within a minute.
  nft -s list ruleset | grep -v 'timeout 1m\( }\|,\)'
  for family in 4 6; do ip -$family route show table all proto 75; done
  ip -6 neigh show proxy
  grep -H . /proc/sys/net/ipv4/conf/vif*/* /proc/sys/net/ipv6/conf/vif*/* /proc/sys/net/ipv4/ip_forward 2>/dev/null
}
unchanged() { host_state >after; diff before after; }
logged() { journalctl -q --no-pager -u $unit -o cat "$@"; }

### The world: an internet and a zone.
ip link set lo up
ip netns add internet
ip netns add zone
ip link add uplink0 type veth peer name eth0 netns internet
ip link add vif1.0 type veth peer name eth0 netns zone
ip addr add 192.0.2.1/24 dev uplink0
ip addr add 2001:db8:2::1/64 dev uplink0 nodad
ip link set uplink0 up
ip route add default via 192.0.2.2
ip -6 route add default via 2001:db8:2::2
ip netns exec internet sh -c "ip link set lo up; ip addr add 192.0.2.2/24 dev eth0; ip addr add 2001:db8:2::2/64 dev eth0 nodad
  ip link set eth0 up; ip addr add $far4/32 dev lo; ip addr add $far6/128 dev lo nodad
  busybox nc -ll -p 9 -e /bin/busybox cat >/dev/null 2>&1 &"
zone_exec sh -c 'ip link set lo up; ip addr add 10.75.0.3/16 dev eth0; ip addr add fdd4:1476:6c7e::3/48 dev eth0 nodad
  ip link set eth0 up; ip route add default via 10.75.0.1; ip -6 route add default via fdd4:1476:6c7e::1'
# Something that stands for xenstore's device: only whether the daemon may open it is looked at.
mkdir -p /dev/xen && mknod -m 600 /dev/xen/xenbus c 1 3

### Installation
# All that is emulated takes ten to fifty times as long.
mkdir -p /run/systemd/system/$unit.service.d
printf '[Service]\nTimeoutStartSec=900\nTimeoutStopSec=300\nWatchdogSec=900\n' >/run/systemd/system/$unit.service.d/slow.conf
echo force-unsafe-io >/etc/dpkg/dpkg.cfg.d/unsafe-io
paths >files.before
ok 'the package installs and starts the daemon, which says that it is ready' dpkg -i old.deb
ok 'it is active' is_active
ok 'it is enabled' systemctl is-enabled $unit
ok 'a zone is taken up' protect-network zone set vif1.0 --ipv4 10.75.0.3 --ipv6 fdd4:1476:6c7e::3 --name web
ok 'status says that the zone is ready' soon 60 sh -c "protect-network status | grep -E 'vif1.0.*ready'"
ok 'the zone reaches the outside (IPv4)' soon 30 reaches $far4
ok 'the zone reaches the outside (IPv6)' soon 30 reaches $far6
ok 'systemctl status has a sentence on the zones' soon 30 sh -c "systemctl show -p StatusText --value $unit | grep 'zones: 1 ready'"
ok 'the unit file has no fault' systemd-analyze verify --man=no /lib/systemd/system/$unit.service
exposure() { systemd-analyze security --no-pager ${1:-$unit} | tail -n 1 | awk '{ print; exit !($(NF-2) <= 1.5) }'; }
ok 'the exposure is at most 1.5' exposure
ok "the forwarder's unit file has no fault" systemd-analyze verify --man=no /lib/systemd/system/$forwarder.service
ok "the forwarder's exposure is at most 1.5" exposure $forwarder
ok 'the forwarder was started with the daemon, and is ready' soon 60 systemctl is-active --quiet $forwarder
forwarder_status() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$(systemctl show -p MainPID --value $forwarder)/status"; }
ok 'the forwarder is no root, and has no capability' sh -c "[ $(forwarder_status CapEff) = 0000000000000000 ] && [ $(forwarder_status CapBnd) = 0000000000000000 ] && [ '$(forwarder_status Uid | cut -f 1)' != 0 ]"
forwarder_said() { journalctl -q --no-pager -u $forwarder -o cat | grep -q "$1"; }
mkdir -p /etc/edera/policy.d
printf '[[policy]]\nzones = ["web"]\n[policy.egress]\nallow = ["icmp", "api.example.com:443"]\n' >/etc/edera/policy.d/web.toml
ok 'a policy is in force' soon 60 sh -c 'nft list set inet edera policed | grep -q vif1.0'
ok 'the forwarder, which is another user, is connected to the daemon' soon 60 forwarder_said 'connected to the daemon'
ok 'it answers on the gateway' soon 60 forwarder_said 'answering at'
rm -r /etc/edera/policy.d && rmdir /etc/edera
ok 'the policy is gone' soon 60 sh -c '! nft list table inet edera | grep -q policed'

### Confinement
status_of() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$(main_pid)/status"; }
ok 'it has CAP_NET_ADMIN and nothing else' sh -c "[ $(status_of CapEff) = 0000000000001000 ]"
ok 'it can gain no privileges, and its system calls are filtered' sh -c "[ $(status_of NoNewPrivs) = 1 ] && [ $(status_of Seccomp) = 2 ]"
inside() { nsenter -t "$(main_pid)" -m "$@"; }
ok 'it can write the sysctls of the network' inside sh -c 'echo 1 >/proc/sys/net/ipv4/conf/vif1.0/proxy_arp'
for file in /proc/sys/kernel/core_pattern /proc/sys/vm/drop_caches /sys/kernel/uevent_helper /etc/passwd /usr/sbin/nft /var/lib/x; do
  ok "it cannot write $file" sh -c "! nsenter -t $(main_pid) -m sh -c 'echo >>$file' 2>/dev/null"
done
ok 'it can reach the device of xenstore, and no disk' inside sh -c 'test -c /dev/xen/xenbus && ! test -e /dev/vda'
opened() { protect-network status --json | grep -A 6 '"name": "xenstore"' | tee device; ! grep -qE 'EPERM|EACCES|ENOENT|not permitted|denied|absent' device; }
ok 'the device of xenstore may be opened' opened

### Reload
mkdir -p /etc/edera
host_state >before
printf '[isolation]\nmetadata = "deny"\n' >/etc/edera/protect-network.toml
ok 'systemctl reload succeeds' systemctl reload $unit
ok 'what was changed is in force' soon 30 sh -c 'nft list ruleset | grep 169.254.0.0/16'
ok 'it is active again' soon 30 is_active
printf 'nonsense = 1\n' >/etc/edera/protect-network.toml
ok 'reload of a broken file succeeds all the same' systemctl reload $unit
ok 'the status says why it is not in force' soon 30 sh -c "systemctl show -p StatusText --value $unit | grep 'configuration refused: .*nonsense'"
ok 'the old one stays in force' sh -c 'nft list ruleset | grep 169.254.0.0/16'
rm /etc/edera/protect-network.toml
systemctl reload $unit
ok 'all is as before' soon 30 unchanged

### The journal
ip link add vif9.0 type veth peer name vif9peer
ok 'warnings have the priority of a warning' soon 30 sh -c "journalctl -q -u $unit -p warning -o cat | grep vif9.0"
ok 'news have not' sh -c "journalctl -q -u $unit -p info -o cat | grep 'vif1.0 is ready' && ! journalctl -q -u $unit -p warning -o cat | grep 'is ready'"
ok 'journalctl finds a zone by its name' sh -c "journalctl -q -u $unit -o cat PROTECT_NETWORK_ZONE=web | grep 'vif1.0 is ready'"
ok 'and what happened to a link, and nothing else' sh -c "journalctl -q -o cat PROTECT_NETWORK_EVENT=zone-unserved PROTECT_NETWORK_LINK=vif9.0 >found; grep vif9.0 found && ! grep -v vif9.0 found"
ok 'nothing of the log went by standard output' sh -c "! journalctl -q -u $unit -o cat _TRANSPORT=stdout | grep vif"
ok 'logs finds a zone by its name' sh -c "protect-network logs --zone web | grep 'vif1.0 is ready' && ! protect-network logs --zone web | grep vif9.0"
systemctl restart systemd-journald
ip link del vif9.0
ip link add vif10.0 type veth peer name vif10peer
ok 'a journal that was started again hears of it' soon 30 sh -c "journalctl -q -o cat PROTECT_NETWORK_LINK=vif10.0 | grep 'vif10.0 has no network'"
ip link del vif10.0
ok 'nothing is left of its other end, a link of the host called as zones are' soon 60 sh -c '! nft list ruleset | grep -q vif10peer'

### Ends of all kinds, with traffic running
# traffic COMMAND...: no ping lost, no TCP segment sent again, no change on the host while the command runs.
traffic() {
  host_state >before
  local again
  again=$(zone_exec awk '/^Tcp:/ { last = $13 } END { print last }' /proc/net/snmp)
  # A line now and then: a stream at full speed times out by itself where every packet is emulated.
  zone_exec sh -c "while sleep 0.3 && [ ! -e /scenario/over ]; do echo line; done | busybox nc $far4 9 >echoed" &
  # Not by zone_exec: a function in the background is a shell of its own, and the signal below would not reach ping.
  ip netns exec zone ping -q -i 0.2 -w 600 $far4 >ping4 & local four=$!
  ip netns exec zone ping -q -i 0.2 -w 600 $far6 >ping6 & local six=$!
  sleep 2
  "$@" || echo "FAILED: $*"
  sleep 2
  kill -INT $four $six
  wait $four $six
  touch over
  wait
  rm over
  cat ping4 ping6
  echo "segments sent again: $(($(zone_exec awk '/^Tcp:/ { last = $13 } END { print last }' /proc/net/snmp) - again))" | tee again
  [ -s echoed ] && grep -q ' 0% packet loss' ping4 && grep -q ' 0% packet loss' ping6 && grep -q ': 0$' again && unchanged
}
new_pid() { soon 240 sh -c "p=\$(systemctl show -p MainPID --value $unit); [ \$p != 0 ] && [ \$p != $1 ]" && soon 240 is_active; }
killed() { local pid; pid=$(main_pid); kill -KILL "$pid"; new_pid "$pid"; }
ok 'SIGKILL: systemd starts it again, and traffic does not notice' traffic killed
ok 'stop: traffic does not notice' traffic systemctl stop $unit
ok 'stopped: the zone still reaches the outside' reaches $far4
ok 'start: traffic does not notice' traffic systemctl start $unit
printf '[Service]\nWatchdogSec=60\n' >/run/systemd/system/$unit.service.d/watchdog.conf
systemctl daemon-reload
systemctl restart $unit
sleep 70
ok 'a living daemon is left alone by the watchdog' sh -c "[ $(property NRestarts) -le 1 ] && ! journalctl -q -u $unit -o cat | grep -i 'watchdog timeout'"
frozen() { local pid; pid=$(main_pid); kill -STOP "$pid"; new_pid "$pid"; }
ok 'SIGSTOP: the watchdog has it started again, and traffic does not notice' traffic frozen
ok 'that was the watchdog' sh -c "journalctl -q -u $unit -o cat | grep -i 'watchdog timeout'"
rm /run/systemd/system/$unit.service.d/watchdog.conf
systemctl daemon-reload
upgrade() { local pid; pid=$(main_pid); dpkg -i new.deb && [ "$(main_pid)" != "$pid" ] && is_active; }
ok 'upgrade: traffic does not notice' traffic upgrade

### Removal
ok 'a disabled unit stays so when it is upgraded' sh -c "systemctl disable --now $unit && dpkg -i old.deb && ! systemctl is-enabled $unit"
systemctl enable --now $unit
ok 'it is removed' dpkg -r $unit
ok 'nothing of it is left in the kernel' sh -c "! { nft list ruleset; ip route show table all proto 75; ip -6 route show table all proto 75; ip -6 neigh show proxy; } | grep -iE 'edera|vif|fdd4|10\.75\.'"
ok 'what zone set wrote is left' test -e /var/lib/edera/protect/network/zones.d/vif1.0.toml
ok 'it is purged' dpkg -P $unit
paths >files.after
ok 'no file is left' diff files.before files.after
ok 'no unit is left' sh -c "! systemctl cat $unit"

echo "1..$number"
echo '# the journal of the unit:'
journalctl -q --no-pager -u $unit -o short-monotonic | sed 's/^/# /'
