/** Real firewalld beside us: what its own table rejects we can only tell, and what we tell people to type must do. */
import { describe, expect, it } from 'vitest';
import { farHost, hostUplink } from '../lab/addresses.ts';
import { startEchoServer, tcpConnect } from '../lab/echo.ts';
import { addServedZone, isCutOff, reaches, type Scene, withScene } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';
import type { Zone } from '../lab/zone.ts';
import { installFirewalld } from '../managers/firewalld.ts';

const families = ['ipv4', 'ipv6'] as const;

describe('firewalld', () => {
  it('rejects what zones send; what we say to type lets them pass, those born later too', { timeout: 240_000 }, () =>
    withScene({ routeBack: true }, async (scene) => {
      const { world, daemon, zones } = scene;
      const firewalld = await installFirewalld(world);
      const service = await startEchoServer(world.host);
      expect((await tcpConnect(zones[0], hostUplink.ipv4, service.port)).ok).toBe(true);
      await firewalld.start();
      const warning = await untilWarned(scene, /^firewalld .*drops zones' packets/);
      expect(warning).toContain('to the outside (IPv4, IPv6) and to other zones (IPv4, IPv6)');
      expect(await openWays(scene)).toEqual([]);
      await daemon.waitForLog(({ msg }) => msg === warning);
      expect(inOneLine((await world.cli(['status'])).stdout)).toContain(inOneLine(warning));
      expect((await world.cli(['status', '--json'])).stdout).toContain(JSON.stringify(warning));

      await firewalld.type(adviceOf(warning));
      await untilGone(scene, warning);
      await daemon.waitForLog(({ msg }) => msg === `resolved: ${warning}`);
      expect(await openWays(scene)).toEqual(allWays);
      const born = await addServedZone(world, daemon, { domid: 30 });
      expect(await openWays(scene, born)).toEqual(allWays);
      // firewalld goes on deciding what zones may reach of dom0 itself.
      expect((await tcpConnect(zones[0], hostUplink.ipv4, service.port)).ok).toBe(false);

      // It flushes the filter tables each time, with our chains in them.
      const changes: [string, () => Promise<unknown>][] = [
        ['reload', () => firewalld.command(['--reload'])],
        ['stop', () => firewalld.stop()],
        ['start', () => firewalld.start()],
      ];
      for (const [change, make] of changes) {
        await make();
        await untilOpen(scene, born, change);
        await expectNoForgery(born);
      }
      // A reload shuts everything for a moment, and the look at others' chains that tells so comes a moment later.
      await waitFor(async () => (await daemon.status()).warnings.length === 0, { what: 'no warning to be left' });
    }),
  );

  it('with its iptables backend writes where our jump stands, and zones need nothing', { timeout: 240_000 }, () =>
    withScene({ routeBack: true }, async (scene) => {
      const { world, daemon } = scene;
      const firewalld = await installFirewalld(world);
      await firewalld.configure('FirewallBackend', 'iptables');
      await firewalld.start();
      await untilOpen(scene);
      expect(await world.host.mustExec('iptables-nft', ['-S', 'FORWARD'])).toMatch(
        /EDERA-FORWARD\n.*FORWARD_(?:ZONES|POLICIES)\n.*REJECT/,
      );
      await firewalld.command(['--reload']);
      await untilOpen(scene);
      // A reload shuts everything for a moment, and the look at others' chains that tells so comes a moment later.
      await waitFor(async () => (await daemon.status()).warnings.length === 0, { what: 'no warning to be left' });
    }),
  );
});

describe('a table of an operator’s own on the forward hook', () => {
  it.each([
    ['with policy drop', 'policy drop;'],
    ['with a reject at its end', 'policy accept; ct state established,related accept; reject;'],
  ])('%s is told of, and opens as we say', (_what, body) =>
    withScene({ routeBack: true }, async (scene) => {
      const { world } = scene;
      await world.host.nft(
        `add table inet filter; add chain inet filter forward { type filter hook forward priority 10; }`,
      );
      const [policy, ...rules] = body.split(';').map((part) => part.trim());
      await world.host.nft(`add chain inet filter forward { ${policy}; }`);
      for (const rule of rules.filter((text) => text !== ''))
        await world.host.nft(`add rule inet filter forward ${rule}`);
      const warning = await untilWarned(scene, /the chain forward of table inet filter drops zones' packets/);
      expect(await openWays(scene)).toEqual([]);
      await world.host.mustExec('sh', ['-ec', adviceOf(warning)]);
      await untilGone(scene, warning);
      expect(await openWays(scene)).toEqual(allWays);
    }),
  );
});

const allWays = ['out', 'in', 'sibling'].flatMap((way) => families.map((family) => `${way} ${family}`));

/** The ways that a packet of or for a zone goes now. */
async function openWays({ world, zones }: Scene, zone: Zone = zones[0]): Promise<string[]> {
  const ways = families.flatMap((family): [string, Promise<boolean>][] => [
    [`out ${family}`, reaches(zone, farHost[family])],
    [`in ${family}`, reaches(world.internet, zone[family])],
    [`sibling ${family}`, reaches(zone, zones[1][family])],
  ]);
  const open = await Promise.all(ways.map(async ([way, isOpen]) => ((await isOpen) ? way : '')));
  return allWays.filter((way) => open.includes(way));
}

/** What firewalld flushes is put back a moment later. */
async function untilOpen(scene: Scene, zone?: Zone, change = 'its start'): Promise<void> {
  let open: string[] = [];
  const areOpen = async () => {
    open = await openWays(scene, zone);
    return open.length === allWays.length;
  };
  await waitFor(areOpen, { what: `every way to be open after ${change}`, deadlineMs: 30_000 }).catch(async (error) => {
    const rules = await scene.world.host.exec('nft', ['list', 'ruleset']);
    throw new Error(`open: ${open.join(', ')}\n${rules.stdout}`, { cause: error });
  });
}

async function expectNoForgery(zone: Zone): Promise<void> {
  await zone.forge('8.8.8.8');
  expect(await isCutOff(zone, farHost.ipv4, '8.8.8.8')).toBe(true);
  await zone.ip('address del 8.8.8.8/32 dev lo');
}

function untilWarned({ daemon }: Scene, pattern: RegExp): Promise<string> {
  return waitFor(async () => (await daemon.status()).warnings.find((warning) => pattern.test(warning)), {
    what: `a warning like ${pattern}`,
    deadlineMs: 30_000,
  });
}

async function untilGone({ daemon }: Scene, warning: string): Promise<void> {
  await waitFor(async () => !(await daemon.status()).warnings.some((each) => each === warning), {
    what: `the end of the warning ${warning}`,
    deadlineMs: 30_000,
  });
}

/** What the warning says to type. */
function adviceOf(warning: string): string {
  return warning.slice(warning.indexOf('; fix: ') + '; fix: '.length);
}

/** `status` wraps its lines. */
function inOneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}
