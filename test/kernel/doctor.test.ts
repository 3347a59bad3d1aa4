/** One host with a running daemon, broken in one way after the other: `doctor` names what is broken, and nothing else. */
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openScene, type Scene } from '../lab/served.ts';

const printed = z.object({
  findings: z.array(
    z.object({
      check: z.string(),
      level: z.enum(['bad', 'warning', 'ok']),
      what: z.string(),
      why: z.string().nullable(),
      fix: z.string().nullable(),
    }),
  ),
});
type Findings = z.infer<typeof printed>['findings'];

let scene: Scene;
/** What is said before anything is broken. */
let sound: Findings;
beforeAll(async () => {
  scene = await openScene();
  sound = (await doctor()).findings;
});
afterAll(() => scene.world.destroy());

async function doctor(): Promise<{ exitCode: number; findings: Findings }> {
  const { stdout, stderr, exitCode } = await scene.world.cli(['doctor', '--json']);
  expect(stderr).toBe('');
  return { exitCode, findings: printed.parse(JSON.parse(stdout)).findings };
}

function told(findings: Findings, level: string): string[] {
  return findings.filter((finding) => finding.level === level).map(({ check, what }) => `${check}: ${what}`);
}

interface Fault {
  readonly name: string;
  readonly level: 'bad' | 'warning';
  readonly finding: RegExp;
  make(scene: Scene): Promise<unknown>;
  mend(scene: Scene): Promise<unknown>;
}

const faults: readonly Fault[] = [
  {
    name: 'an uplink that does not forward',
    level: 'bad',
    finding: /^forwarding: net\/ipv4\/conf\/uplink0\/forwarding is 0$/,
    make: ({ world: { host } }) => host.setSysctls({ 'net/ipv4/conf/uplink0/forwarding': 0 }),
    mend: ({ world: { host } }) => host.setSysctls({ 'net/ipv4/conf/uplink0/forwarding': 1 }),
  },
  {
    name: 'an uplink that lives on router advertisements it no longer takes',
    level: 'bad',
    finding: /^uplinks: net\/ipv6\/conf\/uplink0\/accept_ra is 1/,
    make: async ({ world: { host } }) => {
      await host.setSysctls({ 'net/ipv6/conf/uplink0/accept_ra': 1 });
      await host.ip('route add default via 2001:db8::2 dev uplink0 proto ra metric 2048');
    },
    mend: async ({ world: { host } }) => {
      await host.ip('route del default via 2001:db8::2 dev uplink0 proto ra metric 2048');
      await host.setSysctls({ 'net/ipv6/conf/uplink0/accept_ra': 0 });
    },
  },
  {
    name: 'a table of somebody else’s that drops',
    level: 'bad',
    finding: /^foreign-firewalls: the chain forward of table inet other drops zones' packets/,
    make: async ({ world: { host } }) => {
      await host.nft('add table inet other');
      await host.nft('add chain inet other forward { type filter hook forward priority 10; policy drop; }');
    },
    mend: ({ world: { host } }) => host.nft('delete table inet other'),
  },
  {
    name: 'a table of iptables-legacy that drops',
    level: 'bad',
    finding: /^legacy-tables: the filter table of iptables-legacy drops zones' packets/,
    make: ({ world: { host } }) => host.mustExec('iptables-legacy', ['-P', 'FORWARD', 'DROP']),
    mend: ({ world: { host } }) => host.mustExec('iptables-legacy', ['-P', 'FORWARD', 'ACCEPT']),
  },
  {
    name: 'a bridge inside the zones’ subnet',
    level: 'bad',
    finding: /^subnets: the route to 10\.75\.8\.0\/24 via docker0 .* lies inside the zones' 10\.75\.0\.0\/16$/,
    make: ({ world: { host } }) =>
      host.ip(
        'link add docker0 type veth peer name docker1',
        'link set docker0 up',
        'link set docker1 up',
        'route add 10.75.8.0/24 dev docker0',
      ),
    mend: ({ world: { host } }) => host.ip('link del docker0'),
  },
  {
    name: 'a zone’s address on the host',
    level: 'bad',
    finding: /^subnets: 10\.75\.1\.7 is the address of the zone at vif7\.0, and this host's own on uplink0$/,
    make: ({ world: { host } }) => host.ip('address add 10.75.1.7/32 dev uplink0'),
    mend: ({ world: { host } }) => host.ip('address del 10.75.1.7/32 dev uplink0'),
  },
  {
    name: 'somebody who sets our mark by iptables',
    level: 'bad',
    finding: /^marks: 0x10000000, .*: iptables -t mangle PREROUTING sets it$/,
    make: ({ world: { host } }) => host.mustExec('iptables-nft', [...mangle('-A')]),
    mend: async ({ world: { host } }) => {
      await host.mustExec('iptables-nft', [...mangle('-D')]);
      await host.nft('delete table ip mangle');
    },
  },
  {
    name: 'somebody who looks for our mark in nftables',
    level: 'warning',
    finding: /^marks: 0x10000000, .*: inet other c \(handle \d+\) matches it$/,
    make: async ({ world: { host } }) => {
      await host.nft('add table inet other');
      await host.nft('add chain inet other c');
      await host.nft('add rule inet other c meta mark and 0x30000000 == 0x30000000 counter');
    },
    mend: ({ world: { host } }) => host.nft('delete table inet other'),
  },
  {
    name: 'a settings file that anybody may write',
    level: 'bad',
    finding: /^configuration: .*protect-network\.toml: writable by group or others/,
    make: ({ world: { files } }) => chmod(files.settings, 0o666),
    mend: ({ world: { files } }) => chmod(files.settings, 0o644),
  },
  {
    name: 'a zone file that anybody may write',
    level: 'bad',
    finding: /^files: .*vif9\.0\.toml: writable by group or others/,
    make: async ({ world: { files } }) => {
      await files.writeZone('vif9.0', { ipv4: '10.75.0.9' });
      await chmod(join(files.zones, 'vif9.0.toml'), 0o666);
    },
    mend: ({ world: { files } }) => files.removeZone('vif9.0'),
  },
  {
    name: 'a link too small for IPv6',
    level: 'bad',
    finding: /^mtu: uplink0 has an MTU of 1200/,
    make: ({ world: { host } }) => host.ip('link set uplink0 mtu 1200'),
    mend: ({ world: { host } }) =>
      host.ip(
        'link set uplink0 mtu 1500',
        'address add 2001:db8::1/64 dev uplink0 nodad',
        'route add default via 2001:db8::2 dev uplink0',
      ),
  },
  {
    name: 'loose checks of sources everywhere',
    level: 'warning',
    finding: /^sysctls: net\/ipv4\/conf\/all\/rp_filter is 2$/,
    make: ({ world: { host } }) => host.setSysctls({ 'net/ipv4/conf/all/rp_filter': 2 }),
    mend: ({ world: { host } }) => host.setSysctls({ 'net/ipv4/conf/all/rp_filter': 0 }),
  },
];

function mangle(verb: string): string[] {
  return ['-t', 'mangle', verb, 'PREROUTING', '-i', 'docker0', '-j', 'MARK', '--set-xmark', '0x10000000/0x10000000'];
}

describe('doctor', () => {
  it('finds nothing to fix on a sound host, and says whence each zone has its addresses', async () => {
    const { host } = scene.world;
    const before = await host.snapshot();
    const { exitCode, findings } = await doctor();
    expect(await host.snapshot()).toBe(before);
    expect(told(findings, 'bad')).toEqual([]);
    expect(exitCode).toBe(0);
    const { directory } = scene.world.files;
    expect(told(findings, 'ok').filter((text) => text.startsWith('zones: '))).toEqual([
      `zones: vif7.0 ready: 10.75.1.7 fdd4:1476:6c7e::107 (static, ${directory}/zones.d/vif7.0.toml)`,
      `zones: vif8.0 ready: 10.75.1.8 fdd4:1476:6c7e::108 (static, ${directory}/zones.d/vif8.0.toml)`,
    ]);
    expect(told(findings, 'ok')).toContain('kernel: the kernel accepts our whole ruleset (dry run)');
  });

  it.each(faults)('names $name', async ({ level, finding, make, mend }) => {
    await make(scene);
    const { exitCode, findings } = await doctor().finally(() => mend(scene));
    const news = told(findings, level).filter((text) => !told(sound, level).includes(text));
    expect(news).toEqual([expect.stringMatching(finding)]);
    expect(told(findings, 'bad')).toEqual(level === 'bad' ? news : []);
    expect(exitCode).toBe(level === 'bad' ? 1 : 0);
  });

  it('without the daemon names that, and who denies forwarding then', async () => {
    const { daemon, world } = scene;
    await daemon.stop();
    const { findings, exitCode } = await doctor();
    expect(told(findings, 'bad')).toEqual(['daemon: the daemon is not running']);
    expect(exitCode).toBe(1);
    expect(told(findings, 'ok').filter((text) => text.startsWith('zones: vif7.0'))).toEqual([
      expect.stringMatching(/^zones: vif7\.0 should have 10\.75\.1\.7 fdd4:1476:6c7e::107 \(static, /),
    ]);
    await world.host.mustExec('iptables-nft', ['-D', 'FORWARD', '-j', 'EDERA-FORWARD']);
    await world.host.mustExec('iptables-nft', ['-P', 'FORWARD', 'DROP']);
    expect(told((await doctor()).findings, 'bad')).toEqual([
      'daemon: the daemon is not running',
      'forward-chains: FORWARD of ip filter denies what no rule accepts, and our jump is not there',
    ]);
    const { stdout, exitCode: asText } = await world.cli(['doctor']);
    expect(asText).toBe(1);
    expect(stdout).toMatch(
      /^BAD {6}the daemon is not running\n {9}why {2}.*\n(?: {14}.*\n)* {9}do {3}systemctl enable --now/,
    );
    expect(stdout).toMatch(/\n2 things to fix(, \d+ warnings?)?\n$/);
  });

  it('says in the kernel’s words why our rules would be refused', async () => {
    const { host } = scene.world;
    await host.nft('flush chain ip filter EDERA-FORWARD');
    await host.nft('add rule ip filter EDERA-USER jump EDERA-FORWARD');
    expect(told((await doctor()).findings, 'bad')).toContainEqual(
      expect.stringMatching(/^kernel: the kernel refuses our ruleset: nft --check: .*Too many links/),
    );
  });
});
