/** A guest's link under another name (xl's vifname, an emulated card) has no network, and lets nothing through. */
import { describe, expect, it } from 'vitest';
import { families } from '../../src/model/address.ts';
import { farHost, hostUplink, netbackMac } from '../lab/addresses.ts';
import { ethernet, etherTypes, icmp, icmpv6, ipv4, ipv6 } from '../lab/frames/packets.ts';
import { frameTools } from '../lab/frames/tools.ts';
import { reaches, type Scene, untilState, withScene } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';

const rounds = 5;
const nobodys = { ipv4: '203.0.113.9', ipv6: '2001:db8:9::9' };

describe.each(['web0', 'vif7.0-emu'])('a zone’s link that is called %s now', (name) => {
  it('sends nothing to dom0 or the outside, under any source, and is named', () =>
    withScene({ routeBack: true, beforeDaemon: ({ host, internet }) => watchFor([host, internet]) }, async (scene) => {
      const { world, daemon } = scene;
      // IPv4 as where the operator has no strict rp_filter: the guard holds alone.
      await world.host.exec('sh', ['-c', 'for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done']);
      // The control: what is looked for is seen.
      expect(await heard(scene)).toBe(0);
      await send(scene, 'own');
      await waitFor(async () => (await heard(scene)) === 4 * rounds, { what: 'the zone to be heard' });
      await rename(scene, name);
      await waitFor(async () => (await daemon.status()).warnings.some((text) => text.startsWith(`${name} `)), {
        what: 'a warning',
      });
      await world.host.exec('sh', ['-c', 'for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done']);
      for (const source of ['own', 'sibling', 'nobody'] as const) await send(scene, source);
      // A sibling that is served is heard still, behind all of these.
      await send(scene, 'own', 1);
      await waitFor(async () => (await heard(scene)) >= 8 * rounds, { what: 'the sibling to be heard' });
      expect(await heard(scene)).toBe(8 * rounds);
      const { warnings } = await daemon.status();
      expect(warnings.filter((text) => text.startsWith(`${name} `))).toEqual([
        expect.stringMatching(/has no network\b.*\bwhat (this one|it) sends is dropped/),
      ]);
    }));
});

it('a zone’s link under another name sends no IPv6 while somebody has taken our main table away', () =>
  withScene({ routeBack: true, beforeDaemon: ({ host, internet }) => watchFor([host, internet]) }, async (scene) => {
    const { world, daemon } = scene;
    await rename(scene, 'web0');
    const table = () => world.host.mustExec('nft', ['list', 'table', 'ip6', 'edera-reverse-path']);
    await waitFor(async () => (await table()).includes('"web0"'), { what: 'the second layer to name it' });
    // Nothing is repaired meanwhile.
    await daemon.kill();
    await world.host.nft('delete table inet edera');
    for (const source of ['own', 'nobody'] as const) await send(scene, source);
    // A sibling is heard behind these.
    await send(scene, 'own', 1);
    await waitFor(async () => (await heard(scene, 'icmpv6')) >= 2 * rounds, { what: 'the sibling to be heard' });
    expect(await heard(scene, 'icmpv6')).toBe(2 * rounds);
    // The control.
    await world.host.nft('delete table ip6 edera-reverse-path');
    await send(scene, 'nobody');
    await waitFor(async () => (await heard(scene, 'icmpv6')) > 2 * rounds, { what: 'what is forged to be heard' });
  }));

it('a zone whose link is called otherwise is a failure, in the same words for whoever is asked, and the fix works', () =>
  withScene({}, async (scene) => {
    const { world, daemon, zones } = scene;
    await rename(scene, 'web0');
    const { faults } = await waitFor(
      async () => {
        const status = await daemon.status();
        return status.state === 'degraded' && status;
      },
      { what: 'the daemon to be degraded' },
    );
    const [fault] = faults.filter(({ level }) => level === 'bad');
    const what = "web0 is a guest's vif7.0 under another name (vifname), and has no network";
    expect(fault).toMatchObject({ what, links: ['web0', 'vif7.0'] });
    const commands = [
      ['status'],
      ['status', '--check'],
      ['doctor'],
      ['explain', 'web0'],
      ['explain', 'vif7.0'],
      ['explain', String(zones[0].ipv4)],
      ['zone', 'set', 'web0', '--ipv4', '10.75.3.7'],
      ['zone', 'set', 'vif7.0', '--name', 'web'],
    ];
    for (const words of commands) {
      const { exitCode, stdout, stderr } = await world.cli(words);
      const told = `${stdout}${stderr}`.replaceAll(/\s+/g, ' ');
      expect(told, words.join(' ')).toContain(what);
      if (!words.includes('--check')) expect(told, words.join(' ')).toContain(fault?.fix);
      const succeeds = words[0] === 'status' ? words.length === 1 : words[2] === 'vif7.0';
      expect(exitCode, words.join(' ')).toBe(succeeds ? 0 : 1);
    }
    await world.host.mustExec('sh', ['-c', String(fault?.fix)]);
    await untilState(daemon, 'vif7.0');
    await waitFor(async () => (await daemon.status()).state === 'ready', { what: 'the daemon to be ready' });
    expect(await reaches(zones[0], farHost.ipv4)).toBe(true);
  }));

it('a link that has its zone’s name again is served, and the guard names nobody', () =>
  withScene({ routeBack: true, beforeDaemon: ({ host, internet }) => watchFor([host, internet]) }, async (scene) => {
    const { world, daemon } = scene;
    const guard = () => world.host.mustExec('nft', ['list', 'chain', 'inet', 'edera', 'guard']);
    await rename(scene, 'web0');
    await waitFor(async () => (await guard()).includes('"web0"'), { what: 'the guard to name it' });
    await rename(scene, 'vif7.0', 'web0');
    await untilState(daemon, 'vif7.0');
    expect(await guard()).not.toContain('web0');
    await send(scene, 'own');
    await waitFor(async () => (await heard(scene)) === 4 * rounds, { what: 'the zone to be heard' });
  }));

async function rename({ world }: Scene, to: string, from = 'vif7.0'): Promise<void> {
  await world.host.ip(`link set ${from} down`, `link set ${from} name ${to}`, `link set ${to} up`);
}

/** Echo requests to the far host and to dom0, in both families: 4 in each round. */
async function send({ world, zones }: Scene, source: 'own' | 'sibling' | 'nobody', sender = 0): Promise<void> {
  const zone = zones[sender === 0 ? 0 : 1];
  const mac = (await zone.mustExec('cat', ['/sys/class/net/eth0/address'])).trim();
  const data = Buffer.alloc(8);
  const frames = families.flatMap((family) =>
    [farHost, hostUplink].map((to) => {
      const from = { own: zone[family], sibling: zones[sender === 0 ? 1 : 0][family], nobody: nobodys[family] }[source];
      const ends = [String(from), to[family]] as const;
      const packet =
        family === 'ipv4' ? ipv4(...ends, icmp(8, 0, 1, data)) : ipv6(...ends, icmpv6(ends, 128, 0, 1, data));
      return ethernet(netbackMac, mac, etherTypes[family], packet);
    }),
  );
  const { send: sendFrames } = await frameTools(world);
  await sendFrames(zone, frames, { rounds });
}

/** Counts echo requests to themselves, behind all that may drop them. */
async function watchFor(places: readonly Scene['world']['internet'][]): Promise<void> {
  const rules = ['icmp type echo-request', 'icmpv6 type echo-request'].map(
    (what) => `add rule inet lab in ${what} counter`,
  );
  for (const place of places)
    await place.mustExec('nft', [
      ['add table inet lab', 'add chain inet lab in { type filter hook input priority 300; }', ...rules].join('; '),
    ]);
}

async function heard({ world }: Scene, protocol = ''): Promise<number> {
  const places = [world.host, world.internet];
  const chains = await Promise.all(
    places.map((place) => place.mustExec('nft', ['list', 'chain', 'inet', 'lab', 'in'])),
  );
  const pattern = new RegExp(`${protocol}.*packets (\\d+)`, 'g');
  const counts = chains.flatMap((text) => [...text.matchAll(pattern)].map(([, count]) => Number(count)));
  return counts.reduce((sum, count) => sum + count, 0);
}
