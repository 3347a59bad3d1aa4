/** What the settings deny zones stays denied, whoever else accepts what; only the operator's own allow comes before. */
import { beforeAll, describe, expect, it } from 'vitest';
import { farHost, hostUplink } from '../lab/addresses.ts';
import { isCutOff, openScene, reaches, type Scene, untilNothingToDo } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';

const tables = { ipv4: 'iptables', ipv6: 'ip6tables' } as const;
const families = ['ipv4', 'ipv6'] as const;
const denyAll = {
  isolation: {
    'zone-to-zone': 'deny',
    metadata: 'deny',
    'metadata-addresses': [farHost.ipv4, farHost.ipv6],
    host: 'deny',
  },
} as const;

describe.each(families)('denied zones (%s)', (family) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ settings: denyAll });
    await untilNothingToDo(scene.world);
    return () => scene.world.destroy();
  });
  const tool = tables[family];

  it('reach neither each other, nor metadata, nor dom0', async () => {
    const [one, two] = scene.zones;
    for (const to of [two[family], farHost[family], hostUplink[family]]) expect(await isCutOff(one, to), to).toBe(true);
  });

  it.each([
    ['accepts all forwarded traffic first', ['-I', 'FORWARD', '-j', 'ACCEPT']],
    [
      'accepts echo requests, as ufw does',
      ['-I', 'FORWARD', '-p', family === 'ipv4' ? 'icmp' : 'icmpv6', '-j', 'ACCEPT'],
    ],
  ])('do not by a tool that %s', async (_name, rule) => {
    const [one, two] = scene.zones;
    await scene.world.host.mustExec(tool, rule);
    await waitFor(() => isFirst(scene, tool), { what: 'the denials to be first again' });
    for (const to of [two[family], farHost[family]]) expect(await isCutOff(one, to), to).toBe(true);
    await scene.world.host.mustExec(tool, ['-D', ...rule.slice(1)]);
    await untilNothingToDo(scene.world);
  });

  it('do where EDERA-USER accepts it, in either direction, and dom0 where user-input does', async () => {
    const [one, two] = scene.zones;
    const { host } = scene.world;
    const allow = ['EDERA-USER', '-i', one.link, '-o', two.link, '-j', 'ACCEPT'];
    const back = ['EDERA-USER', '-i', two.link, '-o', one.link, '-j', 'ACCEPT'];
    for (const rule of [allow, back]) await host.mustExec(tool, ['-A', ...rule]);
    expect(await reaches(one, two[family])).toBe(true);
    for (const rule of [allow, back]) await host.mustExec(tool, ['-D', ...rule]);
    expect(await isCutOff(one, two[family])).toBe(true);
    const input = ['inet', 'edera', 'user-input'];
    await host.mustExec('nft', ['add', 'rule', ...input, 'iifname', one.link, 'accept']);
    expect(await reaches(one, hostUplink[family])).toBe(true);
    await host.mustExec('nft', ['flush', 'chain', ...input]);
    expect(await isCutOff(one, hostUplink[family])).toBe(true);
  });

  it('leave rules that iptables can read, save and restore', async () => {
    const { host } = scene.world;
    const saved = await host.mustExec(`${tool}-save`);
    expect(saved).toContain('EDERA-DENY');
    const rules = () => host.mustExec(tool, ['-S']);
    const before = await rules();
    await host.mustExec(`${tool}-restore`, [], { input: saved });
    await untilNothingToDo(scene.world);
    expect(await rules()).toBe(before);
  });

  it('are let through once the settings allow it again, and nothing of the denials is left', async () => {
    const [one, two] = scene.zones;
    await scene.world.files.writeSettings({});
    for (const to of [two[family], farHost[family], hostUplink[family]]) {
      await waitFor(() => reaches(one, to), { what: `${one.link} to reach ${to}` });
    }
    expect(await scene.world.host.mustExec('nft', ['list', 'ruleset'])).not.toContain('EDERA-DENY');
  });
});

async function isFirst({ world }: Scene, tool: string): Promise<boolean> {
  const rules = (await world.host.mustExec(tool, ['-S', 'FORWARD']))
    .split('\n')
    .filter((line) => line.startsWith('-A'));
  return rules[0]?.includes('EDERA-DENY') === true;
}
