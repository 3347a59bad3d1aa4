/** How links and zones come and go while others run, and that nothing of them stays. */
import assert from 'node:assert/strict';
import { farHost } from '../../lab/addresses.ts';
import { pause, waitFor } from '../../lab/wait-for.ts';
import type { Lab } from './lab.ts';
import { nothingLeft } from './left-over.ts';
import { lateAnswerPort } from './ports.ts';
import { mustRun } from './shell.ts';
import { check } from './tap.ts';
import { createZone, knownVifs, patience, type Zone } from './zone.ts';

const second = { ipv4: '10.75.0.30', ipv6: 'fdd4:1476:6c7e::30' };
const third = { name: 'three', ipv4: '10.75.0.5', ipv6: 'fdd4:1476:6c7e::5' };

/** `doomed` crashes; another zone restarts, and powers itself off. */
export async function endings(lab: Lab, doomed: Zone): Promise<void> {
  await ends(lab, doomed, 'a crash', () => typed(doomed, 'echo c >/proc/sysrq-trigger'));
  const three = await createZone(third);
  await lab.daemon.ready(three.link);
  await three.meet();
  await reboot(lab, three);
  await ends(lab, three, 'poweroff by the guest', () => typed(three, 'poweroff -f'));
}

/** A line that ends the zone. */
async function typed(zone: Zone, line: string): Promise<void> {
  zone.type(`0 ${line}`);
  await zone.leave();
}

/** A second link of a running zone comes and goes. */
export async function hotplug({ daemon }: Lab, zone: Zone): Promise<void> {
  const link = `vif${zone.domid}.1`;
  await check('xl network-attach: the new link is served', async () => {
    const told = ['mac=00:16:3e:4b:01:01', `ip=${second.ipv4} ${second.ipv6}`, 'script=vif-connected'];
    await mustRun('xl', ['network-attach', zone.name, ...told]);
    await daemon.ready(link);
    const steps = [
      'until [ -e /sys/class/net/eth1 ]; do sleep 0.1; done; ip link set eth1 up',
      `ip addr add ${second.ipv4}/32 dev eth1; ip route add 10.75.0.1/32 dev eth1 table 7`,
      `ip route add default via 10.75.0.1 dev eth1 table 7; ip rule add from ${second.ipv4} table 7`,
    ];
    for (const step of steps) await zone.must(step);
    const line = `ping -c 1 -W 3 -I ${second.ipv4} ${farHost.ipv4}`;
    await waitFor(async () => (await zone.exec(line)).exitCode === 0, { what: 'a way by the new link', ...patience });
  });
  await check('xl network-detach: nothing is left of it', async () => {
    await zone.must(`ip rule del from ${second.ipv4}`);
    await mustRun('xl', ['network-detach', zone.name, '1']);
    await daemon.gone(link);
    await nothingLeft([link, second.ipv4, second.ipv6]);
  });
  await check('its first link is as it was', async () => assert.ok(await zone.reaches(farHost.ipv4)));
}

/** The same address under another domain id, while what the zone asked for before is still being answered. */
async function reboot({ daemon, place }: Lab, zone: Zone): Promise<void> {
  const before = zone.link;
  // Whose answers never end.
  const asking = 'for i in 1 2 3 4 5; do echo spoken; sleep 0.3; done';
  await zone.exec(`(${asking}) | timeout 4 nc.openbsd -u -p 5555 ${farHost.ipv4} ${lateAnswerPort}`);
  const answers = () => place.sightings.filter(({ kind }) => kind === 'late').length;
  await check('reboot: the zone is served under its new domain id', async () => {
    await waitFor(() => answers() > 0, { what: 'answers that come late', ...patience });
    zone.type('0 reboot -f');
    await zone.leave();
    await daemon.gone(before);
    await zone.meet();
    assert.notEqual(zone.link, before);
    await daemon.ready(zone.link);
    assert.ok(await zone.reaches(farHost.ipv4));
    await nothingLeft([before]);
  });
  await check('reboot: what its predecessor asked for does not reach it', async () => {
    const sent = answers();
    await waitFor(() => answers() > sent + 5, { what: 'more answers', ...patience });
    const counted = await zone.must("awk '/^Udp:/ { line = $0 } END { print line }' /proc/net/snmp");
    const [, received, unwanted] = counted.trim().split(/\s+/).map(Number);
    assert.deepEqual({ received, unwanted }, { received: 0, unwanted: 0 });
  });
}

/** `end` ends the zone, and nothing of it stays. */
export async function ends({ daemon }: Lab, zone: Zone, how: string, end: () => Promise<void>): Promise<void> {
  await check(`${how}: nothing is left of the zone`, async () => {
    const { link } = zone;
    await end();
    await waitFor(async () => !(await knownVifs()).includes(link), { what: `xenstore to forget ${link}`, ...patience });
    await daemon.gone(link);
    await nothingLeft([link, zone.ipv4, zone.ipv6]);
    await pause(200);
    await nothingLeft([link, zone.ipv4, zone.ipv6]);
  });
}
