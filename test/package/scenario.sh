# Runs as root in a fresh Debian root, in a network namespace of its own, without systemd. Beside it: old.deb, new.deb, and
# a control API at its usual place which knows vif8.0. Writes TAP.
cd /scenario || exit 1
. ./tap.sh
program=protect-network

paths >files.before
ok 'it installs where no service manager runs' dpkg -i old.deb
ok 'it says its version' sh -c "$program --version | grep '^protect-network [0-9]'"
ok 'check accepts a host without settings' $program check
ok 'status says that no daemon runs, with its exit code' sh -c "$program status 2>&1 | grep 'systemctl start'; $program status 2>/dev/null; [ \$? = 75 ]"
ok 'the unit is enabled for the next boot' test -L /etc/systemd/system/multi-user.target.wants/$program.service
ok 'every file is as it was packed' sh -c "dpkg --verify $program && dpkg -V $program | wc -c | grep -x 0"
ok 'nothing that is installed may be written by others than root' sh -c "! dpkg -L $program | xargs -d '\n' stat -Lc '%U:%G %A %n' | grep -vE '^root:root .....-..-. '"
ok 'it brings a settings example that check accepts' sh -c "install -m 600 /usr/share/doc/$program/examples/$program.toml example.toml && $program check --settings /scenario/example.toml"
ok 'it brings man pages, documentation and alert rules' sh -c "cd /usr/share && test -e man/man8/$program.8.gz -a -e man/man5/$program.toml.5.gz -a -e doc/$program/docs/alerts.md -a -e $program/monitoring/alerts.yaml"
ok 'it brings completions that bash can load' bash -c "source /usr/share/bash-completion/completions/$program && complete -p $program"

# The daemon, with all that it depends on and the bundled gRPC.
ip link set lo up
ip link add vif7.0 type veth peer name peer7
ip link add vif8.0 type veth peer name peer8
$program run >log 2>&1 &
daemon=$!
ok 'the daemon runs' soon 60 $program status
ok 'a static zone is served' sh -c "$program zone set vif7.0 --ipv4 10.75.0.7"
ok 'it is ready' soon 60 sh -c "$program status | grep -E 'vif7.0 .*ready'"
ok 'a zone of the control API is served' soon 60 sh -c "$program status | grep -E 'vif8.0 .*ready'"
kill $daemon
wait $daemon
ok 'it ends in order' [ $? = 0 ]
sed 's/^/# /' log

nft list ruleset >rules
ok 'it is upgraded' dpkg -i new.deb
ok 'it is removed' dpkg -r $program
ok 'without a running systemd, as in the making of an image, removal leaves the kernel alone' sh -c "nft list ruleset | diff rules - && grep -q edera rules"
ok 'what zone set wrote is left' test -e /var/lib/edera/protect/network/zones.d/vif7.0.toml
ok 'it is purged' dpkg -P $program
# The control API's own place is not ours.
paths | grep -v '^/run/protect-network' >files.after
ok 'no file is left' diff files.before files.after
echo "1..$number"
