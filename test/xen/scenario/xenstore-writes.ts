/** A zone that writes itself an address wherever xenstore lets it. */
import assert from 'node:assert/strict';
import { pause } from '../../lab/wait-for.ts';
import type { Lab } from './lab.ts';
import { run } from './shell.ts';
import { check, note } from './tap.ts';
import type { Zone } from './zone.ts';

const wished = '10.75.0.66';

/** `stranger`: known to no directory. `known`: one that is served, and wants another address. */
export async function xenstoreWrites(lab: Lab, stranger: Zone, known: Zone): Promise<void> {
  for (const zone of [stranger, known]) {
    await check(`${zone.name} gets no address by writing into xenstore`, () => writes(lab, zone));
  }
}

async function writes({ daemon }: Lab, zone: Zone): Promise<void> {
  const before = await daemon.zone(zone.link);
  const each = `xenstore-write $path ${wished} 2>/dev/null && echo $path`;
  const { output } = await zone.exec(`for path in ${paths(zone).join(' ')}; do ${each}; done`);
  const written = output.split('\n').filter((line) => line !== '');
  note(`${zone.name} may write ${written.length} of ${paths(zone).length} nodes: ${written.join(' ')}`);
  assert.ok(written.length > 0, 'nothing could be written: nothing was tried');
  assert.deepEqual(
    written.filter((path) => path.startsWith('/local/domain/0/')),
    [],
  );
  // Longer than the daemon's watches take, and its look at what no watch covers.
  await pause(1500);
  const { zones } = await daemon.status();
  const now = zones.find(({ link }) => link === zone.link);
  assert.deepEqual(now?.addresses, before?.addresses);
  assert.equal(now?.state, before?.state);
  assert.ok(zones.every(({ addresses }) => addresses.every((address) => String(address) !== wished)));
  assert.equal((await run('ip', ['route', 'show', wished])).stdout, '');
}

/** What the daemon reads, what looks like it, and what a domain may usually write. */
function paths({ domid }: Zone): string[] {
  const [backend, domain] = [`/local/domain/0/backend/vif/${domid}/0`, `/local/domain/${domid}`];
  return [
    ...['ip', 'mac', 'state', 'script', 'new', 'hotplug-status'].map((name) => `${backend}/${name}`),
    `/local/domain/0/backend/vif/${domid}/1/ip`,
    ...['ip', 'mac', 'backend', 'new'].map((name) => `${domain}/device/vif/0/${name}`),
    ...['network/zone/ipv4', 'network/guest/ipv4', 'network/zone/ipv6'].map((name) => `${domain}/krata/${name}`),
    ...['name', 'vm', 'new', 'device/vif/1/ip', 'data/ip', 'attr/ip', 'feature/ip', 'drivers/ip'].map(
      (name) => `${domain}/${name}`,
    ),
    ...['/vm/ip', `/libxl/${domid}/device/vif/0/ip`, '/tool/ip', '/ip'],
  ];
}
