/** `explain` of zones with policies: each verdict is what happens to a real packet, and names the rule in its file. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Verdict } from '../../src/explain/step.ts';
import type { Report } from '../../src/explain/walk.ts';
import { farHost, hostUplink } from '../lab/addresses.ts';
import { programPath } from '../lab/daemon.ts';
import { startEchoServer, tcpConnect, udpExchange } from '../lab/echo.ts';
import { type Ask, Explainer } from '../lab/explainer.ts';
import { openScene, reaches, type Scene } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';

const families = ['ipv4', 'ipv6'] as const;
type Family = (typeof families)[number];
/** The second address of the far host is what a name leads to. */
const leasedPort = 7003;
/** Of their lines in the file: the first rule is in line 5. */
const allow = {
  ipv4: [
    '198.51.100.10:7000',
    '198.51.100.0/24:7001-7002',
    'zone:db:7000',
    'host:7000',
    'icmp',
    'api.example.com:7003',
  ],
  ipv6: [
    '[2001:db8:99::10]:7000',
    '[2001:db8:99::/64]:7001-7002',
    'zone:db:7000',
    'host:7000',
    'icmp',
    'api.example.com:7003',
  ],
};

let scene: Scene;
let explainer: Explainer;
let file: string;
beforeAll(async () => {
  scene = await openScene();
  const { world, zones } = scene;
  file = join(world.files.policies, 'test.toml');
  explainer = new Explainer(world);
  await Promise.all([
    ...[7000, 7001, 7003, 7004].map((port) => startEchoServer(world.internet, port)),
    ...[7000, 7001].map((port) => startEchoServer(world.host, port)),
    startEchoServer(zones[1], 7000),
    world.files.writeZone(zones[1].link, { ipv4: zones[1].ipv4, ipv6: zones[1].ipv6, name: 'db' }),
  ]);
  return () => {
    explainer.stop();
    world.destroy();
  };
});

function written(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function policy(rules: readonly string[], more = ''): string {
  return `[[policy]]\nlinks = ["vif7.0"]\n[policy.egress]\nallow = [\n${rules.map((rule) => `  "${rule}",\n`).join('')}]\n${more}`;
}

/** Until the daemon has nothing to do any more. */
async function enforce(text: string): Promise<void> {
  await scene.world.files.writePolicy('test.toml', text);
  await waitFor(async () => (await scene.world.cli(['plan'])).stdout.startsWith('nothing to do'), {
    what: 'the policy to be in force',
    deadlineMs: 10_000,
  });
}

/** As the daemon holds what a zone has asked for. */
async function lease(family: Family, name: string): Promise<void> {
  const [set, address] = family === 'ipv4' ? ['leased4', farHost.ipv4] : ['leased6', farHost.ipv6];
  const element = `vif7.0 . ${address} . tcp . ${leasedPort} timeout 600s comment "${name}"`;
  await scene.world.host.nft(`add element inet edera ${set} { ${element} }`);
}

async function happens({ to = '', udp = false }: Ask): Promise<boolean> {
  const [zone] = scene.zones;
  const [, address = '', port] =
    /^\[?(.*?)\]?(?::(\d+))?$/.exec(to.includes(']') || !to.includes('::') ? to : `[${to}]`) ?? [];
  if (port === undefined) return reaches(zone, address);
  if (udp) return (await udpExchange(zone, address, Number(port), { timeoutMs: 500 })).ok;
  return (await tcpConnect(zone, address, Number(port), { timeoutMs: 700 })).ok;
}

/** The only report's verdict and its step about the policy; a real packet agrees. */
async function explained(
  ask: Ask,
): Promise<{ verdict: Verdict | undefined; told: string; report: Report | undefined }> {
  const [report] = await explainer.ask(ask);
  expect(await happens(ask), JSON.stringify(report, null, 1)).toBe(report?.verdict === 'passes');
  const steps = report?.sections.flatMap((section) => section.steps) ?? [];
  return { verdict: report?.verdict, told: steps.find(({ what }) => what === 'egress')?.text ?? '', report };
}

describe.each(families)('a zone with a policy (%s)', (family) => {
  const far = farHost[family];

  it('is allowed by the rule that is named, in its line', async () => {
    const other = String(scene.zones[1][family]);
    await enforce(policy(allow[family]));
    await lease(family, 'api.example.com');
    const rules: readonly (readonly [to: string, line: number])[] = [
      [written(far, 7000), 5],
      [written(far, 7001), 6],
      [written(other, 7000), 7],
      [written(hostUplink[family], 7000), 8],
      [far, 9],
    ];
    for (const [to, line] of rules) {
      const { verdict, told } = await explained({ subject: 'vif7.0', to });
      const text = allow[family][line - 5];
      expect({ to, verdict, told }).toEqual({
        to,
        verdict: 'passes',
        told: `allowed by ${file}:${line}:3: ${JSON.stringify(text)}`,
      });
    }
    const { told } = await explained({ subject: 'vif7.0', to: written(far, leasedPort) });
    expect(told).toMatch(/^allowed for 9 min \d+ s more, as an address of api\.example\.com, for which the zone asked/);
    expect(told).toContain(`${file}:10:3: "api.example.com:7003"`);
  });

  it('is denied what no rule allows, and the text that is printed opens that and nothing else', async () => {
    await enforce(policy(['icmp']));
    const ask = { subject: 'vif7.0', to: written(far, 7004) };
    const { verdict, told, report } = await explained(ask);
    expect({ verdict, told }).toEqual({ verdict: 'blocked', told: 'no rule of the zone’s policies allows it' });
    expect(report?.decisive?.fix).toEqual([
      `in ${file}, add as the first entry of egress.allow of the policy in line 1: "${written(far, 7004)}",`,
    ]);
    expect((await explained({ ...ask, to: written(hostUplink[family], 7001) })).verdict).toBe('blocked');
    expect((await explained({ ...ask, udp: true })).verdict).toBe('blocked');
    await enforce(policy(['icmp', written(far, 7004)]));
    expect((await explained(ask)).verdict).toBe('passes');
    expect((await explained({ ...ask, to: written(far, 7003) })).verdict).toBe('blocked');
  });

  it('is denied what deny names, whatever allows it, and nothing is proposed', async () => {
    await enforce(policy([written(far, 7000)], `deny = ["${far}"]\n`));
    const { verdict, told, report } = await explained({ subject: 'vif7.0', to: written(far, 7000) });
    expect({ verdict, told }).toEqual({ verdict: 'blocked', told: `denied by ${file}:7:9: "${far}"` });
    expect(report?.decisive).not.toHaveProperty('fix');
  });

  it('passes all in audit mode, and is told what would be denied', async () => {
    await enforce(policy(['icmp'], 'mode = "audit"\n'));
    const { verdict, told } = await explained({ subject: 'vif7.0', to: written(far, 7000) });
    expect(verdict).toBe('passes');
    expect(told).toMatch(/^passes because the mode is audit; "enforce" would deny it: no rule/);
  });
});

it('a policy that several zones share is left alone: one of the zone’s own is proposed, which works', async () => {
  const { files } = scene.world;
  const shared = '[[policy]]\nlinks = ["vif7.0", "vif8.0"]\negress.allow = ["icmp"]\n';
  await enforce(shared);
  const ask = { subject: 'vif7.0', to: written(farHost.ipv4, 7000) };
  const { report } = await explained(ask);
  const [fix = ''] = report?.decisive?.fix ?? [];
  const [where, ...lines] = fix.split('\n');
  expect(where).toBe(`at the end of ${files.policies}/test.toml, add:`);
  await enforce(`${shared}${lines.join('\n')}\n`);
  expect((await explained(ask)).verdict).toBe('passes');
  expect((await explained({ ...ask, to: written(farHost.ipv4, 7001) })).verdict).toBe('blocked');
  expect((await explainer.ask({ ...ask, subject: 'vif8.0' }))[0]?.verdict).toBe('blocked');
  expect((await tcpConnect(scene.zones[1], farHost.ipv4, 7000, { timeoutMs: 700 })).ok).toBe(false);
});

it('--live sees a real packet denied as computed', async () => {
  const { world, zones } = scene;
  await enforce(policy(['icmp']));
  const words = ['vif7.0', '--to', written(farHost.ipv4, 7004), '--live', '--seconds', '30'];
  const live = world.host.spawn(programPath, ['explain', ...words, ...world.files.options]);
  await waitFor(() => live.stderr.some((line) => line.includes('send it now')), { what: 'the watch to begin' });
  await waitFor(
    async () => {
      await tcpConnect(zones[0], farHost.ipv4, 7004, { timeoutMs: 200 });
      return !live.running;
    },
    { what: 'the end of the watch', deadlineMs: 40_000 },
  );
  expect(live.stdout.join('\n')).toMatch(/✓ a real packet was dropped by inet edera egress-denied .*, as computed/);
});

it('port 53 is sent to the forwarder of names, whatever server it is for', async () => {
  await enforce(policy(['icmp']));
  const [report] = await explainer.ask({ subject: 'vif7.0', to: '198.51.100.53:53', udp: true });
  const texts = report?.sections.flatMap(({ steps }) => steps.map(({ text }) => text)).join('\n');
  expect(report?.verdict).toBe('passes');
  expect(texts).toMatch(/from here on 10\.75\.1\.7 → 10\.75\.0\.1\n/);
  expect(texts).toContain('gets no answer: the forwarder of names is not connected');
});

describe('a name', () => {
  const ask = { subject: 'vif7.0', to: `api.example.com:${leasedPort}` };

  it('that is allowed is not answered while the forwarder is not connected', async () => {
    await enforce(policy(['icmp', 'api.example.com:7003']));
    const [report] = await explainer.ask(ask);
    expect(report).toMatchObject({ verdict: 'blocked', decisive: { fix: ['systemctl start protect-network-dns'] } });
    expect(report?.because).toMatch(/^the forwarder of names is not connected/);
  });

  it('that is allowed and not asked for yet cannot be decided, and its rule is named', async () => {
    scene.world.host.spawn(programPath, ['dns', '--settings', scene.world.files.settings]);
    await waitFor(async () => (await scene.daemon.status()).forwarder?.connected, { what: 'the forwarder to connect' });
    const { stdout, exitCode } = await scene.world.cli(['explain', ask.subject, '--to', ask.to]);
    expect(stdout).toMatch(/^\? TCP from vif7\.0 to api\.example\.com port 7003: cannot be decided\n/);
    expect(stdout).toContain(
      'no address is open for it: the zone has not asked for the name, or got no address that may be opened',
    );
    expect(stdout).toContain(`${file}:6:3: "api.example.com:7003"`);
    expect(exitCode).toBe(1);
  });

  it('that was asked for is explained by an address of each family', async () => {
    await lease('ipv4', 'api.example.com');
    await lease('ipv6', 'api.example.com');
    const reports = await explainer.ask(ask);
    expect(reports.map(({ verdict, packet }) => ({ verdict, packet }))).toEqual([
      { verdict: 'passes', packet: `TCP from 10.75.1.7 to ${farHost.ipv4} port 7003` },
      { verdict: 'passes', packet: `TCP from fdd4:1476:6c7e::107 to ${farHost.ipv6} port 7003` },
    ]);
    const { stdout } = await scene.world.cli(['explain', ask.subject, '--to', ask.to, '-4']);
    expect(stdout).toMatch(/^✓ TCP .*\n {2}✓ allowed for 9 min \d+ s more, as an address of api\.example\.com/);
  });

  it('that no rule allows is blocked, with the line to add', async () => {
    const [report] = await explainer.ask({ ...ask, to: 'other.example.org:443' });
    expect(report).toMatchObject({ verdict: 'blocked', facts: null });
    expect(report?.decisive?.fix).toEqual([
      `in ${file}, add as the first entry of egress.allow of the policy in line 1: "other.example.org:443",`,
    ]);
  });

  it('is not resolved for a zone without a policy', async () => {
    const { stderr, exitCode } = await scene.world.cli(['explain', 'vif8.0', '--to', 'api.example.com:443']);
    expect(stderr).toMatch(/no policy is about vif8\.0, so that names are not resolved here; give an address/);
    expect(exitCode).toBe(2);
  });
});
