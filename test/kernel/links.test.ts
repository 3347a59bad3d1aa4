/** Links as they come: strict names, renames, rebirths, lost events, dead helpers. */
import { describe, expect, it } from 'vitest';
import { farHost, netbackMac } from '../lab/addresses.ts';
import { ipBatch } from '../lab/command.ts';
import { sysctlLine } from '../lab/namespace.ts';
import { addServedZone, isCutOff, reaches, untilForgotten, untilState, withScene } from '../lab/served.ts';
import { farIndex, withoutDad } from '../lab/topology.ts';
import { pause, waitFor } from '../lab/wait-for.ts';
import { type World, withWorld } from '../lab/world.ts';
import type { Zone } from '../lab/zone.ts';

describe('a link that is no zone’s', () => {
  it('gets nothing, whatever the directory says', () =>
    withScene({}, async ({ world, daemon }) => {
      const names = ['vif0.1', 'vif01.2', 'vif3.01', 'vif7.0-emu', 'vif32752.0', 'xvif'];
      const before = await world.host.snapshot();
      for (const name of names) {
        await world.writeZoneFile(name, { ipv4: '10.75.0.50', ipv6: 'fdd4:1476:6c7e::50' });
        await world.addLink(name);
      }
      // A zone that came later is served: the daemon has seen all of these by then.
      const witness = await addServedZone(world, daemon, { domid: 9 });
      await witness.remove();
      await untilForgotten(daemon, witness.link);
      await expect.poll(() => world.host.snapshot(), { timeout: 20_000 }).toBe(before);
      const { zones, directories } = await daemon.status();
      for (const name of names) {
        expect(await world.host.mustExec('ip', ['link', 'show', name]), name).toContain('state DOWN');
        expect(await world.host.sysctl(`net/ipv4/conf/${name}/proxy_arp`), name).toBe('0');
        expect(zones.map(({ link }) => link)).not.toContain(name);
        expect(String(directories[0]?.problems)).toContain(`${name}.toml: is not a link name`);
      }
    }));
});

describe('a zone link that no directory knows', () => {
  it('gets nothing but a log line, and its packets are dropped', () =>
    withScene({}, async ({ world, daemon }) => {
      const before = await world.host.snapshot();
      const zone = await world.addZone({ domid: 66 });
      const line = await daemon.waitForLog(({ link, state }) => link === 'vif66.0' && state === 'unserved');
      expect(line['msg']).toBe('vif66.0 has no network: no zone directory knows this link');
      expect(await world.host.snapshot()).toBe(before);
      expect(await world.host.mustExec('ip', ['link', 'show', zone.link])).toContain('state DOWN');
      await world.host.ip(`link set ${zone.link} up`, `route add ${zone.ipv4}/32 dev ${zone.link}`);
      expect(await isCutOff(zone, '192.0.2.1')).toBe(true);
      const guard = await world.host.mustExec('nft', ['list', 'chain', 'inet', 'edera', 'forged']);
      expect(Number(/counter packets (\d+) bytes \d+ drop\s*}/.exec(guard)?.[1])).toBeGreaterThan(0);
    }));

  it('is served as soon as its file comes, and closed as soon as it goes', () =>
    withScene({}, async ({ world, daemon }) => {
      const zone = await world.addZone({ domid: 66 });
      await untilState(daemon, zone.link, 'unserved');
      await world.declareZone(zone);
      await untilState(daemon, zone.link);
      expect(await reaches(zone, farHost.ipv4)).toBe(true);
      await world.removeZoneFile(zone.link);
      await untilState(daemon, zone.link, 'unserved');
      for (const to of [farHost.ipv4, farHost.ipv6]) expect(await isCutOff(zone, to), to).toBe(true);
    }));
});

describe('a link that changes', () => {
  it('by a rename loses what it had under the old name, and gets what is due to the new one', () =>
    withScene({}, async ({ world, daemon, zones: [one] }) => {
      await world.host.ip(`link set ${one.link} down`, `link set ${one.link} name vif70.0`);
      await untilState(daemon, 'vif70.0', 'unserved');
      await untilForgotten(daemon, one.link);
      for (const trace of ['vif7.0', String(one.ipv4), String(one.ipv6)])
        await expect.poll(() => world.host.snapshot(), { timeout: 20_000 }).not.toContain(trace);
      await world.writeZoneFile('vif70.0', { ipv4: one.ipv4, ipv6: one.ipv6 });
      await untilState(daemon, 'vif70.0');
      for (const to of [farHost.ipv4, farHost.ipv6]) expect(await reaches(one, to), to).toBe(true);
      // Dies under its new name.
      await world.host.ip('link del vif70.0');
      await untilForgotten(daemon, 'vif70.0');
      await expect.poll(() => world.host.snapshot(), { timeout: 20_000 }).not.toContain('vif70.0');
    }));

  it('by going down and up again, or down alone, is wired again', () =>
    withScene({}, async ({ world, daemon, zones: [one, two] }) => {
      const before = await world.host.snapshot();
      await world.host.ip(`link set ${one.link} down`, `link set ${one.link} up`, `link set ${two.link} down`);
      await waitFor(async () => sortedLines(await world.host.snapshot()) === sortedLines(before), {
        what: 'the state before',
      });
      expect((await daemon.status()).failures).toEqual([]);
      for (const to of [farHost.ipv4, farHost.ipv6, two.ipv4, two.ipv6]) expect(await reaches(one, to), to).toBe(true);
    }));

  it.each([false, true])(
    'by dying and being reborn at once under its name is served with its new index (daemon asleep: %s)',
    (asleep) =>
      withScene({}, async ({ world, daemon, zones: [one] }) => {
        const { ifindex } = await untilState(daemon, one.link);
        if (asleep) process.kill(daemon.pid, 'SIGSTOP');
        await rebear(world, one);
        process.kill(daemon.pid, 'SIGCONT');
        await waitFor(async () => (await untilState(daemon, one.link)).ifindex !== ifindex, { what: 'the new index' });
        expect((await daemon.status()).zones.filter(({ link }) => link === one.link)).toHaveLength(1);
        for (const to of [farHost.ipv4, farHost.ipv6]) expect(await reaches(one, to), to).toBe(true);
      }),
  );

  it('by coming and going while it is being served does no harm to others', () =>
    withScene({}, async ({ world, daemon, zones: [one] }) => {
      const before = await world.host.snapshot();
      for (let round = 0; round < 15; round += 1) {
        await world.writeZoneFile('vif99.0', { ipv4: '10.75.0.99', ipv6: 'fdd4:1476:6c7e::99' });
        await world.addLink('vif99.0');
        // Each round dies at another moment of its opening.
        await pause(round * 2);
        await world.host.ip('link del vif99.0');
      }
      await untilForgotten(daemon, 'vif99.0');
      const witness = await addServedZone(world, daemon, { domid: 9 });
      await witness.remove();
      await untilForgotten(daemon, witness.link);
      await expect.poll(() => world.host.snapshot(), { timeout: 20_000 }).toBe(before);
      expect((await daemon.status()).failures).toEqual([]);
      expect(await reaches(one, farHost.ipv4)).toBe(true);
    }));
});

describe('links that are there before the daemon', () => {
  it('are served, up or down', () =>
    withWorld({}, async (world) => {
      const zones = await Promise.all([world.addZone({ domid: 1 }), world.addZone({ domid: 32751, devid: 3 })]);
      await Promise.all(zones.map((zone) => world.declareZone(zone)));
      await world.host.ip(`link set ${zones[0].link} up`);
      const daemon = await world.startDaemon();
      for (const zone of zones) {
        await untilState(daemon, zone.link);
        expect(await reaches(zone, farHost.ipv4)).toBe(true);
      }
    }));
});

/** The link dies and another of its name is there in the same breath, with the same guest behind it. */
async function rebear({ host }: World, zone: Zone): Promise<void> {
  await ipBatch([
    `netns exec ${host.name} ip link del ${zone.link}`,
    `link add eth0 ${farIndex} netns ${zone.name} type veth peer name ${zone.link} address ${netbackMac} netns ${host.name}`,
    sysctlLine(zone.name, withoutDad('eth0')),
  ]);
  await zone.configure();
}

function sortedLines(text: string): string {
  return text.split('\n').sort().join('\n');
}
