/** `plan` says what the daemon would do, exactly, and does nothing. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { untilState, withScene } from '../lab/served.ts';
import { type World, withWorld } from '../lab/world.ts';

const printedPlan = z.object({
  steps: z.array(z.object({ tool: z.string(), action: z.enum(['add', 'remove', 'set']), text: z.string() })),
  problems: z.array(z.string()),
});

describe('plan', () => {
  it('before the first start lists every object, changes nothing, and is what the daemon then does', () =>
    withWorld({}, async (world) => {
      const zone = await world.addZone({ domid: 7 });
      await world.declareZone(zone);
      await world.addLink('vif8.0');
      const before = await world.host.snapshot();
      const { stdout, exitCode } = await world.cli(['plan']);
      expect(exitCode).toBe(0);
      for (const step of [
        '+ nft add table inet edera',
        '+ nft add chain ip filter EDERA-FORWARD',
        '+ nft add rule ip filter EDERA-FORWARD oifname "vif7.0" counter accept',
        '+ ip route add 10.75.1.7/32 dev vif7.0 proto 75',
        '+ ip neighbour replace proxy fdd4:1476:6c7e::1 dev vif7.0 protocol 75',
        '~ ip link set dev vif7.0 up',
        '~ sysctl net/ipv4/conf/vif7.0/proxy_arp = 1 (was 0)',
        '~ sysctl net/ipv4/ip_forward = 1 (was 0)',
        'note: vif8.0: no zone directory knows this link',
      ]) {
        expect(stdout.split('\n')).toContain(step);
      }
      const { steps } = await planAsJson(world);
      expect(stdout).toContain(`${steps.length} steps\n`);
      expect(await world.host.snapshot()).toBe(before);
      expect(await world.host.mustExec('ip', ['link', 'show', zone.link])).toContain('state DOWN');
      const daemon = await world.startDaemon();
      await untilState(daemon, zone.link);
      const { lastPass } = await daemon.status();
      expect(lastPass?.changes).toBe(steps.filter(({ tool }) => tool !== 'conntrack').length);
    }));

  it('with everything in place has nothing to do, with and without the daemon', () =>
    withScene({}, async ({ world, daemon }) => {
      expect((await world.cli(['plan'])).stdout).toBe('nothing to do: the host is as it should be\n');
      expect(await planAsJson(world)).toMatchObject({ steps: [], problems: [] });
      await daemon.stop();
      expect((await world.cli(['plan'])).stdout).toBe('nothing to do: the host is as it should be\n');
    }));

  it('after harm names the repair and nothing else', () =>
    withScene({}, async ({ world, daemon }) => {
      await daemon.stop();
      const { host } = world;
      await host.ip('route del 10.75.1.7/32 dev vif7.0', 'neigh del proxy fdd4:1476:6c7e::108 dev vif7.0');
      await host.nft('delete element inet edera from4 { "vif8.0" . 10.75.1.8 }');
      await host.setSysctls({ 'net/ipv4/conf/vif8.0/rp_filter': 0 });
      await host.ip('route add 10.75.0.77/32 dev vif8.0 proto 75');
      expect((await world.cli(['plan'])).stdout.split('\n').sort()).toEqual(
        [
          '',
          '+ ip neighbour replace proxy fdd4:1476:6c7e::108 dev vif7.0 protocol 75',
          '+ ip route add 10.75.1.7/32 dev vif7.0 proto 75',
          '+ nft add element inet edera from4 { vif8.0 . 10.75.1.8 }',
          '- conntrack connections of 10.75.1.7',
          '- ip route del 10.75.0.77/32 dev vif8.0 proto 75',
          '6 steps',
          '~ sysctl net/ipv4/conf/vif8.0/rp_filter = 1 (was 0)',
        ].sort(),
      );
    }));
});

async function planAsJson(world: World): Promise<z.infer<typeof printedPlan>> {
  const { stdout, exitCode } = await world.cli(['plan', '--json']);
  expect(exitCode).toBe(0);
  return printedPlan.parse(JSON.parse(stdout));
}
