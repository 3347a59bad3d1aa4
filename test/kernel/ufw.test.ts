/** ufw beside us, whoever came first and with either way to refuse: zones work, and what the operator tells ufw holds for them. */
import { beforeAll, describe, expect, it } from 'vitest';
import { farHost } from '../lab/addresses.ts';
import { documented } from '../lab/documentation.ts';
import { startTransfer } from '../lab/echo.ts';
import { copiesOfOurs, flavours, savedByOthers } from '../lab/iptables.ts';
import type { Namespace } from '../lab/namespace.ts';
import { openScene, type Scene } from '../lab/served.ts';
import { Ufw } from '../lab/ufw.ts';
import { allWays, openWays, type Ways } from '../lab/ways.ts';

const families = ['ipv4', 'ipv6'] as const;
const prefixes = { ipv4: 'ufw', ipv6: 'ufw6' } as const;

describe('ufw that was there first, denying what is routed', () => {
  let scene: Scene;
  let ufw: Ufw;
  let ways: Ways;
  let before: string;
  beforeAll(async () => {
    scene = await openScene({
      routeBack: true,
      beforeDaemon: async (world) => {
        ufw = await Ufw.install(world);
        await ufw.run('enable');
        before = await ufwsRules(world.host);
      },
    });
    ways = await openWays(scene);
    return () => scene.world.destroy();
  }, 120_000);

  it('leaves every way of a zone open, and keeps its rules to the byte', async () => {
    expect(before).toContain(':FORWARD DROP');
    expect(await ways.open()).toEqual(allWays);
    expect(await ufwsRules(scene.world.host)).toBe(before);
    expect((await scene.daemon.status()).warnings).toEqual([]);
  });

  it('has its route rules obeyed by zones, in both families', async () => {
    const { world } = scene;
    const [, ...rule] = documented('vif7.0 does not leave by uplink0').trim().split(' ');
    await ufw.run(...rule);
    const left = allWays.filter((way) => !way.startsWith('out'));
    expect(await ways.openAfterRepair(left)).toEqual(left);
    await ufw.run('route', 'delete', ...rule.slice(1));
    expect(await ways.openAfterRepair()).toEqual(allWays);
    expect(await ufwsRules(world.host)).toBe(before);
  }, 120_000);

  it('may be reloaded, disabled and enabled again', async () => {
    for (const command of ['reload', 'disable', 'enable']) {
      await ufw.run(command);
      expect(await ways.openAfterRepair(), command).toEqual(allWays);
    }
    expect(await ufwsRules(scene.world.host)).toBe(before);
    for (const family of families) {
      expect(new Set(Object.values(await copiesOfOurs(scene.world.host, family)))).toEqual(new Set([1]));
    }
  }, 180_000);
});

describe('ufw that is enabled while we run', () => {
  let scene: Scene;
  let ufw: Ufw;
  let ways: Ways;
  beforeAll(async () => {
    scene = await openScene({ routeBack: true });
    ufw = await Ufw.install(scene.world);
    ways = await openWays(scene);
    return () => scene.world.destroy();
  });

  it('breaks no transfer of a zone, and cuts none off', async () => {
    const { server } = ways;
    const transfers = await Promise.all(
      families.map((family) => startTransfer(scene.zones[0], farHost[family], server.port)),
    );
    await ufw.run('enable');
    for (const transfer of transfers) {
      await transfer.waitForMore(5_000, 20_000);
      await transfer.stop();
    }
    expect(await ways.openAfterRepair()).toEqual(allWays);
  }, 120_000);

  it('with DEFAULT_FORWARD_POLICY=REJECT has our jump ahead of its reject, behind its rules', async () => {
    await ufw.setForwardPolicy('REJECT');
    await ufw.run('reload');
    expect(await ways.openAfterRepair()).toEqual(allWays);
    await expectAheadOfReject(scene);
  }, 120_000);

  it('with REJECT is as good when we come second', async () => {
    const { world, daemon } = scene;
    await daemon.stop();
    expect(await world.cli(['cleanup'])).toMatchObject({ exitCode: 0 });
    const before = await ufwsRules(world.host);
    expect(await ways.open([])).toEqual([]);
    await world.startDaemon({ deadlineMs: 60_000 });
    expect(await ways.openAfterRepair()).toEqual(allWays);
    await expectAheadOfReject(scene);
    expect(await ufwsRules(world.host)).toBe(before);
  }, 120_000);
});

async function expectAheadOfReject({ world }: Scene): Promise<void> {
  for (const family of families) {
    const forward = (await world.host.mustExec(flavours[family], ['-S', 'FORWARD'])).trim().split('\n');
    const chains = ['before-logging', 'before', 'after', 'after-logging', 'reject', 'track'];
    const jumps = chains.map((chain) => `-A FORWARD -j ${prefixes[family]}-${chain}-forward`);
    expect(forward).toEqual([
      '-P FORWARD DROP',
      ...jumps.slice(0, 4),
      '-A FORWARD -j EDERA-FORWARD',
      ...jumps.slice(4),
    ]);
  }
}

/** Without the chains that limit: the package's user6.rules lacks some of their rules, which ufw adds with the first rule of its own. */
async function ufwsRules(host: Namespace): Promise<string> {
  const lines = (await savedByOthers(host)).split('\n');
  return lines.filter((line) => !/^-A ufw6?-user-limit/.test(line)).join('\n');
}
