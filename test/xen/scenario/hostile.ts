/** A zone whose root is an enemy: what it sends, and what it writes into xenstore. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import {
  type Attack,
  type Cast,
  fromZone,
  type Party,
  type Step,
  taggedPacket,
  wantsPreparation,
} from '../../attacks/attack.ts';
import { catalogue } from '../../attacks/catalogue.ts';
import { changes, stateOf } from '../../attacks/state.ts';
import { farHost, gateway, hostUplink, internetGateway, netbackMac } from '../../lab/addresses.ts';
import { LongRunning } from '../../lab/command.ts';
import { linkLocalOf } from '../../lab/frames/packets.ts';
import { tag } from '../../lab/frames/tools.ts';
import { waitFor } from '../../lab/wait-for.ts';
import type { Lab } from './lab.ts';
import { mustRun, sysctl } from './shell.ts';
import { check, note } from './tap.ts';
import { patience, type Zone } from './zone.ts';

export async function hostile(lab: Lab, zone: Zone, sibling: Zone): Promise<void> {
  const cast = await castOf(lab, zone, sibling);
  const attacks = ownAttacks();
  await check(`none of ${attacks.length} attacks by ${zone.name} gets out, or teaches dom0 anything`, () =>
    attack(lab, attacks, [zone, sibling], cast),
  );
  await check('a router advertisement takes nothing over, even where dom0 does not forward', () =>
    advertise(lab, zone, cast),
  );
}

async function attack(
  { place, daemon }: Lab,
  attacks: readonly Attack[],
  [zone, sibling]: readonly [Zone, Zone],
  cast: Cast,
): Promise<void> {
  const names = new Map<number, string>();
  let tags = 0;
  const mark = (name: string) => () => {
    tags += 1;
    names.set(tags, name);
    return tag(tags);
  };
  const frames = attacks.flatMap((each, round) =>
    each.steps(cast, mark(`${each.group}, ${each.name} (${each.family})`), round + 1).flatMap((step) => step.frames),
  );
  const honest = [cast.far, cast.sibling, cast.host].flatMap((to) =>
    (['ipv4', 'ipv6'] as const).map((family) =>
      fromZone(cast, taggedPacket(family, cast.zone[family], to[family], mark(`honest, to ${to[family]}`))),
    ),
  );
  const watches = [
    place.internet.spawn('/usr/local/bin/frame-watch', ['link', 'eth0']),
    new LongRunning('/usr/local/bin/frame-watch', ['local']),
  ];
  try {
    await sibling.must('frame-watch link eth0 >/tmp/watch & sleep 0.5');
    for (const watch of watches) await watch.waitForLine((line) => line === 'watching', patience);
    const before = await stateOf(place.dom0, cast, [zone.link, sibling.link]);
    await send(zone, frames);
    await send(zone, honest);
    const seen = async () => {
      const lines = [...watches.flatMap(({ stdout }) => stdout), ...(await sibling.must('cat /tmp/watch')).split('\n')];
      const found = lines.flatMap((line) => names.get(Number(/^\d+ (\d+) \d+$/.exec(line)?.[1])) ?? []);
      return [...new Set(found)];
    };
    const awaited = { what: 'the honest packets', ...patience };
    await waitFor(
      async () => (await seen()).filter((name) => name.startsWith('honest')).length === honest.length,
      awaited,
    );
    assert.deepEqual(
      (await seen()).filter((name) => !name.startsWith('honest')),
      [],
    );
    assert.deepEqual(changes(before, await stateOf(place.dom0, cast, [zone.link, sibling.link])), []);
    const status = await daemon.zone(zone.link);
    note(`${frames.length} frames; dropped and counted: ${JSON.stringify(status?.dropped)}`);
    assert.ok((status?.spoofed?.packets ?? 0) > 0, 'the daemon counted none of them');
  } finally {
    await sibling.exec('killall frame-watch');
    for (const watch of watches) await watch.stop();
  }
}

async function advertise({ daemon }: Lab, zone: Zone, cast: Cast): Promise<void> {
  const advertisements = catalogue.filter(({ name }) => name.startsWith('router advertisement'));
  const frames = advertisements.flatMap((each) => each.steps(cast, () => tag(0), 1).flatMap((step) => step.frames));
  assert.ok(frames.length > 0);
  // The daemon would switch forwarding on again at once.
  process.kill(daemon.pid, 'SIGSTOP');
  try {
    writeFileSync('/proc/sys/net/ipv6/conf/all/forwarding', '0');
    await send(zone, frames);
    await send(zone, frames);
    await zone.must(`ping -c 1 -W 5 ${gateway.ipv4}`);
    assert.equal(await mustRun('ip', ['-6', 'route', 'show', 'dev', zone.link, 'proto', 'ra']), '');
    assert.doesNotMatch(await mustRun('ip', ['-6', 'address', 'show', 'dev', zone.link]), /2001:db8:666/);
  } finally {
    process.kill(daemon.pid, 'SIGCONT');
  }
  const repaired = () => sysctl('net/ipv6/conf/all/forwarding') === '1';
  await waitFor(repaired, { what: 'the daemon to forward IPv6 again', ...patience });
}

/** A line of a console holds 4095 characters. */
async function send(zone: Zone, frames: readonly Buffer[]): Promise<void> {
  await zone.must('rm -f /tmp/frames');
  let line = '';
  for (const hex of [...frames.map((frame) => frame.toString('hex')), '']) {
    if (line !== '' && (hex === '' || line.length + hex.length > 3900)) {
      await zone.must(`for f in ${line}; do echo $f; done >>/tmp/frames`);
      line = '';
    }
    line += ` ${hex}`;
  }
  const sent = Number(await zone.must('frame-send eth0 1 0 /tmp/frames'));
  if (sent !== frames.length) throw new Error(`${sent} of ${frames.length} frames were sent`);
}

/** Those that one zone makes by itself, with nothing prepared. */
function ownAttacks(): Attack[] {
  return catalogue.filter((each) => !wantsPreparation(each) && steps(each).every(isOwn));
}

function isOwn({ from, genuine }: Step): boolean {
  return from === 'zone' && genuine !== true;
}

/** What an attack would send if everybody were somebody. */
function steps(attack: Attack): readonly Step[] {
  return attack.steps(nobody, () => tag(0), 1);
}

const someone: Party = { mac: netbackMac, linkLocal: 'fe80::1', ...farHost };
const nobody: Cast = {
  zone: someone,
  sibling: { ...someone, ...internetGateway },
  host: { ...someone, ...hostUplink },
  nextHop: someone,
  linkMac: netbackMac,
  gateway,
  far: farHost,
};

async function castOf({ place }: Lab, zone: Zone, sibling: Zone): Promise<Cast> {
  const party = (mac: string, { ipv4, ipv6 }: { readonly ipv4: string; readonly ipv6: string }): Party => ({
    ...{ mac, ipv4, ipv6 },
    linkLocal: linkLocalOf(mac),
  });
  return {
    zone: party(zone.mac, zone),
    sibling: party(sibling.mac, sibling),
    host: party(readFileSync('/sys/class/net/uplink0/address', 'utf8').trim(), hostUplink),
    nextHop: party((await place.internet.mustExec('cat', ['/sys/class/net/eth0/address'])).trim(), internetGateway),
    linkMac: netbackMac,
    gateway,
    far: farHost,
  };
}
