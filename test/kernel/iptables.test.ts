/** Everybody else's iptables goes on working beside us, and saving and restoring with it opens nothing. */
import { describe, expect, it } from 'vitest';
import { farHost, gateway } from '../lab/addresses.ts';
import { copiesOfOurs } from '../lab/iptables.ts';
import { isCutOff, reaches, type Scene, untilNothingToDo, untilState, withScene } from '../lab/served.ts';
import type { Zone } from '../lab/zone.ts';

const flavours = [
  { iptables: 'iptables-nft', family: 'ipv4' },
  { iptables: 'ip6tables-nft', family: 'ipv6' },
] as const;

describe('iptables with the daemon running', () => {
  it('lists filter and nat, and tells no lie about our rules', () =>
    withScene({}, async ({ world: { host } }) => {
      for (const { iptables } of flavours) {
        for (const args of [
          ['-S'],
          ['-t', 'nat', '-S'],
          ['-t', 'mangle', '-S'],
          ['-t', 'raw', '-S'],
          ['-L', '-v', '-n'],
        ]) {
          const { exitCode, stderr } = await host.exec(iptables, args);
          expect({ exitCode, stderr }, `${iptables} ${args.join(' ')}`).toEqual({
            exitCode: 0,
            stderr: expect.not.stringMatching(/incompatible/),
          });
        }
        const rules = (await host.mustExec(iptables, ['-S'])).split('\n');
        expect(rules.filter((rule) => / FORWARD .*EDERA-FORWARD/.test(rule))).toEqual(['-A FORWARD -j EDERA-FORWARD']);
        expect(rules).toContain('-A EDERA-FORWARD -o vif7.0 -j ACCEPT');
        expect(rules).toContain('-A EDERA-FORWARD -i vif7.0 -j ACCEPT');
        expect(
          rules.filter((rule) => /^-A \S+ -j ACCEPT$/.test(rule)),
          'an accept without a condition',
        ).toEqual([]);
      }
    }));

  it('can add, insert and delete rules of its own, which we leave alone', () =>
    withScene({}, async ({ world, zones: [one] }) => {
      const { host } = world;
      const rule = ['FORWARD', '-i', one.link, '-p', 'icmp', '-j', 'DROP'];
      await host.mustExec('iptables-nft', ['-A', ...rule]);
      // Our jump moves behind it.
      await untilNothingToDo(world);
      expect(await isCutOff(one, farHost.ipv4)).toBe(true);
      expect(await reaches(one, farHost.ipv6)).toBe(true);
      await host.mustExec('iptables-nft', ['-D', ...rule]);
      expect(await reaches(one, farHost.ipv4)).toBe(true);
    }));
});

describe.each(flavours)('$iptables-save | $iptables-restore', ({ iptables, family }) => {
  /** The daemon sleeps, so that what is seen is the restored ruleset and not its repair. */
  async function restored(scene: Scene): Promise<void> {
    const { host } = scene.world;
    process.kill(scene.daemon.pid, 'SIGSTOP');
    await host.mustExec(`${iptables}-restore`, [], { input: await host.mustExec(`${iptables}-save`) });
  }

  it('leaves what could talk talking, and what could not silent', () =>
    withScene({}, async (scene) => {
      const { world, zones } = scene;
      const [one, two] = zones;
      const stranger = await strangerBroughtUpByHand(scene);
      const forged = { ipv4: ['8.8.8.8', two.ipv4], ipv6: ['2001:db8:77::7', two.ipv6] }[family].map(String);
      for (const source of forged) await one.forge(source);
      await world.host.mustExec(iptables, ['-P', 'FORWARD', 'DROP']);
      await restored(scene);
      expect(await reaches(one, farHost[family])).toBe(true);
      expect(await reaches(one, two[family])).toBe(true);
      expect(await isCutOff(stranger, farHost[family])).toBe(true);
      for (const source of forged) expect(await isCutOff(one, farHost[family], source), source).toBe(true);
    }));

  it('leaves a filter table that by itself stops who is no zone of ours', () =>
    // With a way back no masquerade is needed, which goes with our own table.
    withScene({ routeBack: true }, async (scene) => {
      const { host } = scene.world;
      const stranger = await strangerBroughtUpByHand(scene);
      await host.mustExec(iptables, ['-P', 'FORWARD', 'DROP']);
      await restored(scene);
      await host.nft('delete table inet edera');
      expect(await isCutOff(stranger, farHost[family])).toBe(true);
      expect(await reaches(scene.zones[0], farHost[family])).toBe(true);
      // The policy alone has stopped the stranger.
      await host.mustExec(iptables, ['-P', 'FORWARD', 'ACCEPT']);
      expect(await reaches(stranger, farHost[family])).toBe(true);
    }));

  it('is followed by a repair of whatever it lost', () =>
    withScene({}, async (scene) => {
      const { host } = scene.world;
      await restored(scene);
      await host.mustExec(iptables, ['-D', 'FORWARD', '-j', 'EDERA-FORWARD']);
      process.kill(scene.daemon.pid, 'SIGCONT');
      await untilNothingToDo(scene.world);
      expect(await host.mustExec(iptables, ['-S', 'FORWARD'])).toContain('-A FORWARD -j EDERA-FORWARD');
      expect(await reaches(scene.zones[0], farHost[family])).toBe(true);
    }));

  it(
    'with what was saved before we came, or loaded on top of ours, leaves nothing out and nothing double',
    () =>
      withScene({}, async ({ world, zones }) => {
        const { host } = world;
        const saved = await host.mustExec(`${iptables}-save`, ['-t', 'filter']);
        const expected = await copiesOfOurs(host, family);
        const withoutUs = saved.split('\n').filter((line) => !line.includes('EDERA-'));
        for (const [args, input] of [
          [[], withoutUs.join('\n')],
          [['--noflush'], saved],
        ] as const) {
          await host.mustExec(`${iptables}-restore`, args, { input });
          await untilNothingToDo(world);
          expect(await copiesOfOurs(host, family), args.join(' ')).toEqual(expected);
          expect(new Set(Object.values(expected))).toEqual(new Set([1]));
          for (const zone of zones) expect(await reaches(zone, farHost[family])).toBe(true);
        }
      }),
    120_000,
  );

  it(
    'at boot, before us, brings back accepts of a zone that is gone: our start takes them away',
    () =>
      withScene({}, async ({ world, daemon, zones: [one, two] }) => {
        const { host } = world;
        const saved = await host.mustExec(`${iptables}-save`);
        await daemon.stop();
        await world.cli(['cleanup']);
        await two.remove();
        await world.removeZoneFile(two.link);
        await host.mustExec(`${iptables}-restore`, [], { input: saved });
        expect(Object.keys(await copiesOfOurs(host, family)).join('\n')).toContain(two.link);
        const next = await world.startDaemon({ deadlineMs: 60_000 });
        await untilState(next, one.link);
        const copies = await copiesOfOurs(host, family);
        expect(Object.keys(copies).join('\n')).not.toContain(two.link);
        expect(new Set(Object.values(copies))).toEqual(new Set([1]));
        expect(await reaches(one, farHost[family])).toBe(true);
        await next.stop();
        await world.cli(['cleanup']);
        expect(await host.mustExec('nft', ['list', 'ruleset'])).not.toContain('EDERA-FORWARD');
      }),
    120_000,
  );
});

/** A zone that nobody declared, whose link an operator has wired as far as routing goes. */
async function strangerBroughtUpByHand({ world, daemon }: Scene): Promise<Zone> {
  const stranger = await world.addZone({ domid: 66 });
  const { link, ipv4, ipv6 } = stranger;
  await world.host.setSysctls({
    [`net/ipv6/conf/${link}/accept_dad`]: 0,
    [`net/ipv4/conf/${link}/proxy_arp`]: 1,
    [`net/ipv6/conf/${link}/proxy_ndp`]: 1,
    [`net/ipv4/neigh/${link}/proxy_delay`]: 0,
    [`net/ipv6/neigh/${link}/proxy_delay`]: 0,
  });
  await world.host.ip(
    `link set ${link} up`,
    `route add ${ipv4}/32 dev ${link}`,
    `route add ${ipv6}/128 dev ${link}`,
    `neigh add proxy ${gateway.ipv6} dev ${link}`,
  );
  await untilState(daemon, link, 'unserved');
  return stranger;
}
