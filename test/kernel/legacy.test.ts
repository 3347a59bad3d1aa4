/** Tables of iptables-legacy beside us: harmless, or named with what to type where no rule of ours can win. */
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Daemon } from '../lab/daemon.ts';
import { documented, type } from '../lab/documentation.ts';
import { openScene, type Scene, untilPasses } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';
import { allWays, openWays, type Ways } from '../lab/ways.ts';

const flavours = [
  { iptables: 'iptables-legacy', names: '/proc/net/ip_tables_names' },
  { iptables: 'ip6tables-legacy', names: '/proc/net/ip6_tables_names' },
] as const;

describe('tables of iptables-legacy', () => {
  let scene: Scene;
  let ways: Ways;
  beforeAll(async () => {
    // Nothing announces a change of these tables: they are seen when everything is read again.
    scene = await openScene({ routeBack: true, settings: { reconcile: { 'resync-seconds': 5 } } });
    ways = await openWays(scene);
    return () => scene.world.destroy();
  });

  it('are not called into being by our looking', async () => {
    for (const { names } of flavours) expect(await scene.world.host.mustExec('cat', [names])).toBe('');
  });

  it('that accept all but somebody else’s packets change nothing, and nothing is said', async () => {
    const { host } = scene.world;
    for (const { iptables, names } of flavours) {
      for (const table of ['filter', 'nat', 'mangle']) await host.mustExec(iptables, ['-t', table, '-S']);
      await host.mustExec(iptables, ['-A', 'FORWARD', '-i', 'docker0', '-j', 'DROP']);
      expect(await host.mustExec('cat', [names])).toContain('filter');
    }
    await untilPasses(scene.daemon, 2);
    expect(await warningsOf(scene.daemon)).toEqual([]);
    expect(await ways.open()).toEqual(allWays);
  });

  it.each([
    ['iptables-legacy', 'ipv4', 'a policy of DROP', ['-P', 'FORWARD', 'DROP']],
    ['ip6tables-legacy', 'ipv6', 'a final reject', ['-A', 'FORWARD', '-j', 'REJECT']],
  ] as const)(
    '%s: that drop %s by %s are named in the log and in status, with what to type',
    async (iptables, family, _what, make) => {
      const { world, daemon } = scene;
      onTestFinished(async () => {
        await world.host.exec(iptables, ['-P', 'FORWARD', 'ACCEPT']);
        await world.host.exec(iptables, ['-F', 'FORWARD']);
      });
      await world.host.mustExec(iptables, [...make]);
      const left = allWays.filter((way) => !way.endsWith(family));
      expect(await ways.open(left)).toEqual(left);
      const [sentence = ''] = await waitFor(async () => (await warningsOf(daemon)).length > 0 && warningsOf(daemon), {
        what: 'a warning',
        deadlineMs: 30_000,
        everyMs: 100,
      });
      expect(sentence).toContain(`the filter table of ${iptables} drops zones' packets (${make.join(' ')}`);
      await daemon.waitForLog(({ msg, level }) => msg === sentence && level === 40);
      const status = await world.cli(['status']);
      expect(status.stdout.replace(/\s+/g, ' ')).toContain(`the filter table of ${iptables} drops zones' packets`);
      const mend = (sentence.split('; fix: ')[1] ?? '').split(' && ');
      expect(documented('the old tables let zones pass, both ways').split('\n')).toEqual(expect.arrayContaining(mend));
      await type(world.host, mend.join('\n'));
      expect(await ways.open()).toEqual(allWays);
      await daemon.waitForLog(({ msg }) => msg === `resolved: ${sentence}`, 30_000);
      expect(await warningsOf(daemon)).toEqual([]);
    },
  );
});

/** The daemon is asked again where it is too busy to answer. */
function warningsOf(daemon: Daemon): Promise<readonly string[]> {
  return waitFor(async () => (await daemon.status()).warnings, { what: 'the status', deadlineMs: 20_000, everyMs: 50 });
}
