/**
 * A zone that a directory gives an address and that has no network is a failure for everybody who is asked: `status`, its
 * exit code, `/healthz`, the metrics and `doctor`. The fix that is printed, typed as it stands, ends it.
 */
import { chmod, chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../src/control/status.ts';
import { farHost, hostUplink, internetGateway } from '../lab/addresses.ts';
import type { Namespace } from '../lab/namespace.ts';
import { openScene, reaches, type Scene } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';

const settings = { reconcile: { 'resync-seconds': 1 } };
let scene: Scene;
beforeAll(async () => {
  // Of sysctls for all links only the resync hears.
  scene = await openScene({ settings });
});
afterAll(() => scene.world.destroy());

interface Told {
  readonly status: Status;
  readonly check: { readonly exitCode: number; readonly stdout: string };
  readonly healthz: number;
  readonly ready: string | undefined;
  readonly doctor: { readonly exitCode: number; readonly stdout: string };
  readonly text: string;
}

/** What each of them says now. */
async function ask({ world, daemon }: Scene): Promise<Told> {
  const status = await daemon.status();
  const check = await world.cli(['status', '--check']);
  const doctor = await world.cli(['doctor']);
  const { stdout: text } = await world.cli(['status']);
  const healthz = await daemon.get('/healthz').then(
    () => 200,
    () => 503,
  );
  const ready = /^protect_network_ready (\d)$/m.exec(await daemon.get('/metrics'))?.[1];
  return { status, check, healthz, ready, doctor, text: onOneLine(text) };
}

function onOneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}

async function untilState({ daemon }: Scene, state: Status['state']): Promise<Status> {
  return waitFor(
    async () => {
      const status = await daemon.status();
      return status.state === state && status.zones.every((zone) => zone.state !== 'opening') && status;
    },
    { what: `the state ${state}`, deadlineMs: 15_000, everyMs: 50 },
  );
}

async function isAgreed(told: Told): Promise<void> {
  const isReady = told.status.state === 'ready';
  expect(told).toMatchObject({
    check: { exitCode: isReady ? 0 : 1 },
    healthz: isReady ? 200 : 503,
    ready: isReady ? '1' : '0',
    doctor: { exitCode: isReady ? 0 : 1 },
  });
  expect(told.check.stdout).toMatch(new RegExp(`^protect-network ${told.status.state} - .*\\n$`));
  expect(told.text).toContain(`: ${told.status.state}`);
}

/** The commands that `text` prints behind "fix:" or doctor's "do". */
function fixesIn({ status }: Told): string[] {
  const { faults, zones } = status;
  const grave = faults.filter(({ level }) => level === 'bad');
  const told = [...grave, ...zones.filter(({ wanted, state }) => wanted && state !== 'ready')].map(({ fix }) => fix);
  return [...new Set(told.filter((fix) => fix !== null))];
}

/** As it was before anything was broken, whatever was mended meanwhile. */
async function putBack({ world: { host, files }, zones }: Scene): Promise<void> {
  await host.exec('ip', ['link', 'del', 'xenbr0']);
  for (const priority of ['1000', '999']) await host.exec('ip', ['rule', 'del', 'pref', priority]);
  await host.exec('nft', ['delete', 'table', 'inet', 'other']);
  await host.setSysctls({ 'net/ipv4/conf/all/arp_ignore': 0 });
  await host.ip('link set uplink0 up');
  await routes(host);
  await chmod(files.zones, 0o755);
  for (const { link, ipv4, ipv6 } of zones) await files.writeZone(link, { ipv4, ipv6 });
  await files.writeDefaults();
  await files.writeSettings(settings);
}

/** What whoever configures the host's network does once a link is up again. */
async function routes(host: Namespace): Promise<void> {
  await host.mustExec('ip', ['address', 'replace', `${hostUplink.ipv6}/64`, 'dev', 'uplink0', 'nodad']);
  await host.mustExec('ip', ['route', 'replace', 'default', 'via', internetGateway.ipv4]);
  await host.mustExec('ip', ['-6', 'route', 'replace', 'default', 'via', internetGateway.ipv6, 'dev', 'uplink0']);
}

interface Fault {
  readonly name: string;
  readonly says: RegExp;
  make(scene: Scene): Promise<unknown>;
  /** Where no command is printed that would. */
  mend?(scene: Scene): Promise<unknown>;
}

const faults: readonly Fault[] = [
  {
    name: 'a subnet in daemon.toml that is not the zones’',
    says: /daemon\.toml:2 says 10\.80\.0\.0\/16, both zones are in 10\.75\.0\.0\/16/,
    make: ({ world: { files } }) => files.writeConfig('[network.ipv4]\nsubnet = "10.80.0.0/16"\n'),
  },
  {
    name: 'a zone’s file that is somebody else’s',
    says: /vif7\.0: its file is not used: \S+vif7\.0\.toml: owned by user 1000; expected root/,
    make: ({ world: { files } }) => chown(join(files.zones, 'vif7.0.toml'), 1000, 0),
  },
  {
    name: 'a zone’s file that anybody may write',
    says: /vif7\.0: its file is not used: \S+vif7\.0\.toml: writable by group or others \(mode 0666\)/,
    make: ({ world: { files } }) => chmod(join(files.zones, 'vif7.0.toml'), 0o666),
  },
  {
    name: 'a directory of zones that anybody may write',
    says: /vif7\.0, vif8\.0: its file is not used: \S+zones\.d: writable by group or others \(mode 0777\)/,
    make: ({ world: { files } }) => chmod(files.zones, 0o777),
  },
  {
    name: 'a mistake in a zone’s file',
    says: /vif7\.0: its file is not used: \S+vif7\.0\.toml:1:\d+: /,
    make: ({ world: { files } }) => writeFile(join(files.zones, 'vif7.0.toml'), 'ipv4 = 10.75.1.7\n'),
    mend: ({ world, zones: [zone] }) => world.declareZone(zone),
  },
  {
    name: 'an address given twice',
    says: /vif8\.0: 10\.75\.1\.7 already belongs to vif7\.0/,
    make: ({ world }) => world.writeZoneFile('vif8.0', { ipv4: '10.75.1.7' }),
    mend: ({ world, zones: [, zone] }) => world.declareZone(zone),
  },
  {
    name: 'an address outside the subnet, where others are inside',
    says: /vif8\.0: 10\.99\.0\.8 is outside the zone subnet 10\.75\.0\.0\/16/,
    make: ({ world }) => world.writeZoneFile('vif8.0', { ipv4: '10.99.0.8' }),
    mend: ({ world, zones: [, zone] }) => world.declareZone(zone),
  },
  {
    name: 'an uplink that is down',
    says: /uplink0 is down, and there is no IPv4 and IPv6 default route/,
    make: ({ world: { host } }) => host.ip('link set uplink0 down'),
    mend: ({ world: { host } }) => routes(host),
  },
  {
    name: 'no default route of one family',
    says: /there is no IPv4 default route/,
    make: ({ world: { host } }) => host.ip('route del default'),
    mend: ({ world: { host } }) => host.ip(`route add default via ${internetGateway.ipv4}`),
  },
  {
    name: 'a policy rule that refuses what zones send',
    says: /ip rule pref 1000 from 10\.75\.0\.0\/16 lookup 100 leads packets of zones elsewhere/,
    make: ({ world: { host } }) =>
      host.ip('route add unreachable default table 100', 'rule add pref 1000 from 10.75.0.0/16 lookup 100'),
    mend: ({ world: { host } }) => host.ip('rule del pref 1000', 'route flush table 100'),
  },
  {
    name: 'a policy rule that leads answers away from zones',
    says: /ip rule pref 1000 from all to 10\.75\.0\.0\/16 lookup 101 leads packets of zones elsewhere/,
    make: ({ world: { host } }) =>
      host.ip(
        `route add default via ${internetGateway.ipv4} table 101`,
        'rule add pref 1000 to 10.75.0.0/16 lookup 101',
      ),
  },
  {
    name: 'a policy rule for what has not some mark',
    says: /ip rule pref 1000 not from all fwmark 0x20 lookup 102 leads packets of zones elsewhere/,
    make: ({ world: { host } }) =>
      host.ip(
        `route add default via ${internetGateway.ipv4} table 102`,
        'rule add pref 1000 not fwmark 0x20 lookup 102',
      ),
  },
  {
    name: 'a policy rule for one port',
    says: /ip rule pref 1000 from all ipproto udp dport 5353 lookup 103 leads packets of zones elsewhere/,
    make: ({ world: { host } }) =>
      host.ip(
        `route add default via ${internetGateway.ipv4} table 103`,
        'rule add pref 1000 ipproto udp dport 5353 lookup 103',
      ),
  },
  {
    name: 'a policy rule for one source port, where somebody else’s about another comes first',
    says: /ip rule pref 1000 from all ipproto tcp sport 8080-8090 lookup 104 leads packets of zones elsewhere/,
    make: ({ world: { host } }) =>
      host.ip(
        `route add default via ${internetGateway.ipv4} table 104`,
        'rule add pref 1000 ipproto tcp sport 8080-8090 lookup 104',
        'rule add pref 999 ipproto tcp sport 22 lookup main',
      ),
  },
  {
    name: 'a link that is a port of a bridge',
    says: /vif7\.0 is a port of bridge xenbr0: its packets go there/,
    make: ({ world: { host } }) => host.ip('link add xenbr0 type bridge', 'link set vif7.0 master xenbr0'),
  },
  {
    name: 'arp_ignore',
    says: /net\/ipv4\/conf\/all\/arp_ignore is 1/,
    make: ({ world: { host } }) => host.setSysctls({ 'net/ipv4/conf/all/arp_ignore': 1 }),
  },
  {
    name: 'somebody’s table that drops what zones send',
    says: /the chain forward of table inet other drops zones' packets/,
    make: async ({ world: { host } }) => {
      await host.nft('add table inet other');
      await host.nft('add chain inet other forward { type filter hook forward priority 10; policy drop; }');
    },
  },
];

describe('a zone without network', () => {
  it('is a failure for nobody while all is well', async () => {
    const told = await ask(scene);
    expect(told.status.state).toBe('ready');
    await isAgreed(told);
    expect(told.check.stdout).toMatch(
      /^protect-network ready - 2 links, 2 ready \| zones=2 ready=2 failures=0 warnings=\d\n$/,
    );
  });

  it.each(faults)('$name', async ({ says, make, mend }) => {
    const { world, zones } = scene;
    try {
      await make(scene);
      await untilState(scene, 'degraded');
      const told = await ask(scene);
      await isAgreed(told);
      expect(told.check.stdout).toMatch(says);
      expect(told.text).toMatch(says);
      const bad = onOneLine(told.doctor.stdout).split(/(?= (?:WARNING|ok) )/)[0] ?? '';
      expect(bad.replaceAll(/ ha(s|ve) no network:/g, ':')).toMatch(says);
      // Said once.
      expect(bad.match(/\bBAD\b/g)).toHaveLength(1);
      const fixes = fixesIn(told);
      if (mend === undefined) expect(fixes).not.toEqual([]);
      for (const fix of fixes) {
        expect(onOneLine(told.text)).toContain(`fix: ${onOneLine(fix)}`);
        expect(told.doctor.stdout).toContain(` ${fix}\n`);
        await world.host.mustExec('sh', ['-c', fix]);
      }
      await mend?.(scene);
      await untilState(scene, 'ready');
      await isAgreed(await ask(scene));
      for (const zone of zones) expect(await reaches(zone, farHost.ipv4)).toBe(true);
    } finally {
      await putBack(scene);
      await untilState(scene, 'ready');
    }
  });
});

describe('no failure, but told', () => {
  it('a guest whose interface is down', async () => {
    const [zone] = scene.zones;
    await zone.ip('link set eth0 down');
    try {
      await waitFor(async () => (await scene.daemon.status()).zones[0]?.carrier === false, { what: 'no carrier' });
      const told = await ask(scene);
      expect(told.status.state).toBe('ready');
      await isAgreed(told);
      expect(told.text).toMatch(/vif7\.0 .*ready, no carrier/);
      expect(told.doctor.stdout).toMatch(/vif7\.0 ready, no carrier: /);
    } finally {
      await zone.ip('link set eth0 up', 'route replace default via 10.75.0.1 dev eth0 onlink');
    }
    await waitFor(async () => (await scene.daemon.status()).zones[0]?.carrier === true, { what: 'a carrier' });
  });

  it('a gateway that does not answer', async () => {
    const { host } = scene.world;
    await host.ip(`neigh replace ${internetGateway.ipv4} dev uplink0 nud failed`);
    try {
      const told = await ask(scene);
      expect(told.status.state).toBe('ready');
      await isAgreed(told);
      const sentence = `the gateway ${internetGateway.ipv4} does not answer on uplink0`;
      expect(told.text).toContain(sentence);
      expect(onOneLine(told.doctor.stdout)).toContain(`WARNING ${sentence}`);
    } finally {
      await host.ip(`neigh flush to ${internetGateway.ipv4} dev uplink0`);
    }
  });

  it('that forged sources are let through', async () => {
    const { files } = scene.world;
    await files.writeSettings({ ...settings, isolation: { 'anti-spoof': false } });
    try {
      const sentence = 'isolation.anti-spoof is false: a zone can send from any address';
      await waitFor(async () => (await scene.daemon.status()).warnings.some((text) => text.endsWith(sentence)), {
        what: 'the warning',
      });
      const told = await ask(scene);
      expect(told.status.state).toBe('ready');
      expect(told.text).toContain(sentence);
      expect(told.doctor.stdout).toContain('isolation.anti-spoof is false');
    } finally {
      await files.writeSettings(settings);
    }
  });

  it('a link that no directory knows', async () => {
    await scene.world.addLink('vif9.0');
    await waitFor(async () => (await scene.daemon.status()).zones.length === 3, { what: 'vif9.0' });
    const told = await ask(scene);
    expect(told.status.state).toBe('ready');
    await isAgreed(told);
    expect(told.text).toContain('vif9.0: no zone directory knows this link');
    await scene.world.host.ip('link del vif9.0');
  });
});

it('a link to come has IPv6, though conf/default switches it off', async () => {
  const { world, daemon } = scene;
  await world.host.setSysctls({ 'net/ipv6/conf/default/disable_ipv6': 1 });
  try {
    const zone = await world.addZone({ domid: 9 });
    await world.declareZone(zone);
    await waitFor(
      async () => (await daemon.status()).zones.find(({ link, state }) => link === 'vif9.0' && state === 'ready'),
      {
        what: 'vif9.0 to be ready',
        deadlineMs: 15_000,
      },
    );
    expect(await reaches(zone, farHost.ipv6)).toBe(true);
    await zone.unlink();
  } finally {
    await world.host.setSysctls({ 'net/ipv6/conf/default/disable_ipv6': 0 });
    await world.removeZoneFile('vif9.0');
  }
});

describe('status --wait', () => {
  it('says what is missing at the deadline', async () => {
    await scene.world.writeZoneFile('vif8.0', { ipv4: '10.99.0.8' });
    try {
      await untilState(scene, 'degraded');
      const { exitCode, stdout, stderr } = await scene.world.cli(['status', '--wait', 'ready', '--timeout', '1s']);
      expect({ exitCode, stdout, stderr }).toEqual({
        exitCode: 1,
        stdout: '',
        stderr: expect.stringMatching(/not ready after 1s: vif8\.0: 10\.99\.0\.8 is outside the zone subnet/),
      });
      const waiting = scene.world.cli(['status', '--wait', 'ready', '--timeout', '30s']);
      await putBack(scene);
      expect(await waiting).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^protect-network ready - /) });
    } finally {
      await putBack(scene);
    }
  });

  it('waits for a daemon that is only starting, and where none comes says so', async () => {
    const { world, daemon } = scene;
    await daemon.stop();
    expect(await world.cli(['status', '--check'])).toMatchObject({
      exitCode: 75,
      stdout: expect.stringMatching(/^protect-network unknown - protect-network is not running/),
    });
    expect(await world.cli(['status', '--wait', 'ready', '--timeout', '1s'])).toMatchObject({ exitCode: 75 });
    const waiting = world.cli(['status', '--wait', 'ready', '--timeout', '60s']);
    await world.startDaemon({ wait: 'nothing' });
    expect(await waiting).toMatchObject({ exitCode: 0 });
  });
});
