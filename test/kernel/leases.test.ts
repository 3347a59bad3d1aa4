/** Names that policies allow, whole: the daemon, the forwarder beside it, Debian's unbound behind it, and packets. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { farHost } from '../lab/addresses.ts';
import type { LongRunning } from '../lab/command.ts';
import { type Daemon, programPath } from '../lab/daemon.ts';
import type { read } from '../lab/dns-messages.ts';
import { startEchoServer, tcpConnect } from '../lab/echo.ts';
import { openScene, type Scene, untilNothingToDo, untilState } from '../lab/served.ts';
import { startUnbound } from '../lab/unbound.ts';
import { waitFor } from '../lab/wait-for.ts';

/** Nobody is there: what is asked of it is answered all the same. */
const anyServer = { ipv4: '192.0.2.99', ipv6: '2001:db8:0:53::99' } as const;
const records = [
  `api.example.com. 60 IN A ${farHost.ipv4}`,
  `api.example.com. 60 IN AAAA ${farHost.ipv6}`,
  `other.example.org. 60 IN A ${farHost.ipv4}`,
  `evil.api.example.com. 60 IN A ${farHost.ipv4}`,
  'inner.example.com. 60 IN A 10.75.0.8',
];
const families = ['ipv4', 'ipv6'] as const;
const types = { ipv4: 'A', ipv6: 'AAAA' } as const;

let scene: Scene;
let daemon: Daemon;
let forwarder: LongRunning;
let unbound: LongRunning;
beforeAll(async () => {
  const policy = { resolvers: [farHost.ipv4] };
  scene = await openScene({ settings: { policy } });
  daemon = scene.daemon;
  const { internet, files } = scene.world;
  const addresses = [farHost.ipv4, farHost.ipv6];
  unbound = await startUnbound(internet, { directory: files.directory, addresses, records });
  await Promise.all([
    startEchoServer(internet, 7000),
    startEchoServer(internet, 7001),
    files.writeZone(scene.zones[0].link, { ipv4: scene.zones[0].ipv4, ipv6: scene.zones[0].ipv6, name: 'agent' }),
  ]);
  await enforce(['api.example.com:7000', 'inner.example.com:7000']);
  startForwarder();
  await answered('api.example.com/A');
  return () => scene.world.destroy();
});

function startForwarder(): void {
  const words = ['dns', '--log-format', 'json', '--settings', scene.world.files.settings];
  forwarder = scene.world.host.spawn(programPath, words);
}

function enforce(allow: readonly string[], mode = 'enforce'): Promise<void> {
  return scene.world.files.writePolicy(
    'agent.toml',
    `[[policy]]\nzones = ["agent*"]\n[policy.egress]\nmode = "${mode}"\nallow = ${JSON.stringify(allow)}\n`,
  );
}

type Told = ReturnType<typeof read>;

async function ask(question: string, server: string = anyServer.ipv4): Promise<Told | null> {
  const program = join(import.meta.dirname, '../lab/dns-client.ts');
  const stdout = await scene.zones[0].mustExec(process.execPath, [program, server, question]);
  return JSON.parse(stdout) as Told | null;
}

function answered(question: string, server?: string): Promise<Told> {
  const what = `an answer to ${question}`;
  return waitFor(
    async () => {
      const told = await ask(question, server);
      return told !== null && told.rcode === 'NOERROR' && told.answers.length > 0 ? told : undefined;
    },
    { what, deadlineMs: 20_000 },
  );
}

async function opens(to: string, port = 7000): Promise<boolean> {
  return (await tcpConnect(scene.zones[0], to, port, { timeoutMs: 700 })).ok;
}

async function leased(family: 'ipv4' | 'ipv6'): Promise<string> {
  const set = family === 'ipv4' ? 'leased4' : 'leased6';
  return scene.world.host.mustExec('nft', ['list', 'set', 'inet', 'edera', set]);
}

describe.each(families)('a name that a rule allows (%s)', (family) => {
  it('is open on its port, to whom was told of it, from the first packet on', async () => {
    await answered(`api.example.com/${types[family]}`, anyServer[family]);
    expect(await opens(farHost[family])).toBe(true);
    expect(await opens(farHost[family], 7001)).toBe(false);
    expect(await leased(family)).toContain(`"vif7.0" . ${farHost[family]} . tcp . 7000 timeout`);
    expect(await leased(family)).toContain('comment "api.example.com"');
  });

  it('stays open over the death of the daemon, and is put back after a flush', async () => {
    await daemon.stop('SIGKILL');
    expect(await opens(farHost[family])).toBe(true);
    daemon = await scene.world.startDaemon({ settings: { policy: { resolvers: [farHost.ipv4] } } });
    await untilState(daemon, 'vif7.0');
    await untilNothingToDo(scene.world);
    expect(await opens(farHost[family])).toBe(true);
    await scene.world.host.mustExec('nft', ['flush', 'ruleset']);
    await waitFor(async () => (await leased(family).catch(() => '')).includes('api.example.com'), {
      what: 'the lease to be back',
      deadlineMs: 20_000,
    });
    await untilNothingToDo(scene.world);
    expect(await opens(farHost[family])).toBe(true);
    expect(await opens(farHost[family], 7001)).toBe(false);
  });
});

it('a name that no rule allows does not exist, and is told of', async () => {
  const told = await ask('other.example.org/A');
  expect(told?.rcode).toBe('NXDOMAIN');
  await daemon.waitForLog(({ msg }) => msg === 'denied: zone agent asked for other.example.org: no rule', 20_000);
});

it.each([
  ['be it below an allowed one', 'evil.api.example.com/A', anyServer.ipv4],
  ['be it asked for by TCP', 'other.example.org/A/tcp', anyServer.ipv6],
  ['be it asked of the resolver itself', 'evil.api.example.com/A/tcp', farHost.ipv4],
] as const)('a name that no rule allows does not exist, %s', async (_how, question, server) => {
  expect((await ask(question, server))?.rcode).toBe('NXDOMAIN');
  expect(await leased('ipv4')).not.toMatch(/evil|other/);
});

it('a name that leads to a zone’s own subnet opens nothing', async () => {
  const told = await ask('inner.example.com/A');
  expect(told?.answers ?? []).toEqual([]);
  expect(await leased('ipv4')).not.toContain('inner.example.com');
});

it('a denied address has the name that the zone knows it by', async () => {
  await answered('api.example.com/A');
  await opens(farHost.ipv4, 7001);
  const said = `denied: zone agent to api.example.com:7001 (${farHost.ipv4}): no rule`;
  await daemon.waitForLog(({ msg }) => msg === said, 20_000);
});

it('a forwarder that dies leaves what is open open, and answers again when it is back', async () => {
  await forwarder.stop('SIGKILL');
  expect(await opens(farHost.ipv4)).toBe(true);
  startForwarder();
  await answered('api.example.com/A');
});

it('a rule that goes takes its leases along, and one that comes opens at the next question', async () => {
  await enforce(['other.example.org:7001']);
  await waitFor(async () => !(await opens(farHost.ipv4)), { what: 'the port to be closed', deadlineMs: 20_000 });
  expect(await leased('ipv4')).not.toContain('api.example.com');
  expect((await ask('api.example.com/A'))?.rcode).toBe('NXDOMAIN');
  await answered('other.example.org/A');
  expect(await opens(farHost.ipv4, 7001)).toBe(true);
});

it('the zone under another link needs to ask again, and has what it asks for', async () => {
  const [zone, other] = scene.zones;
  await scene.world.files.writeZone(other.link, { ipv4: other.ipv4, ipv6: other.ipv6, name: 'agent-2' });
  await waitFor(async () => !(await tcpConnect(other, farHost.ipv4, 7001, { timeoutMs: 500 })).ok, {
    what: 'the other zone to be policed',
    deadlineMs: 20_000,
  });
  const program = join(import.meta.dirname, '../lab/dns-client.ts');
  await other.mustExec(process.execPath, [program, anyServer.ipv4, 'other.example.org/A']);
  expect((await tcpConnect(other, farHost.ipv4, 7001)).ok).toBe(true);
  expect((await tcpConnect(zone, farHost.ipv4, 7001)).ok).toBe(true);
});

it('resolvers that do not answer are a fault of the host, and none once one does', async () => {
  const isDegraded = async () =>
    (await daemon.status()).faults.some(({ what }) => what.startsWith('no resolver answers'));
  await enforce(['**.example.org:7001']);
  process.kill(unbound.pid, 'SIGSTOP');
  await waitFor(
    async () => {
      await ask(`silent-${Date.now()}.example.org/A`);
      return isDegraded();
    },
    { what: 'the fault', deadlineMs: 40_000 },
  );
  expect((await scene.world.cli(['status', '--check'])).exitCode).toBe(1);
  process.kill(unbound.pid, 'SIGCONT');
  await waitFor(
    async () => {
      await ask(`new-${Date.now()}.example.org/A`);
      return !(await isDegraded());
    },
    { what: 'the fault to be over', deadlineMs: 20_000 },
  );
});

it('no other user is told anything, or takes the forwarder’s place', async () => {
  const script = `
    const socket = require('node:net').connect(process.argv[1]);
    let bytes = 0;
    socket.on('data', (data) => { bytes += data.length; });
    socket.on('close', () => console.log(bytes));
    socket.on('error', () => undefined);`;
  const path = join(scene.world.files.directory, 'dns.sock');
  await scene.world.host.mustExec('chmod', ['755', scene.world.files.directory]);
  const asNobody = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, '-e', script, path];
  expect((await scene.world.host.mustExec('setpriv', asNobody)).trim()).toBe('0');
  await answered('other.example.org/A');
});

it('the last policy that goes takes its leases along, and nothing fails', async () => {
  const before = daemon.log.length;
  expect(await leased('ipv4')).toContain('other.example.org');
  await rm(join(scene.world.files.policies, 'agent.toml'));
  const reloaded = await waitFor(() => daemon.log.slice(before).find(({ event }) => event === 'reloaded'), {
    what: 'the policy to be gone',
    deadlineMs: 20_000,
  });
  expect(reloaded['msg']).toMatch(/^configuration reloaded; in force/);
  expect(daemon.log.slice(before).filter(({ event }) => event === 'pass-failed')).toEqual([]);
});
