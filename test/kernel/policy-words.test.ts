/** What operators see of policies: status, the verdict, what is suggested, what is open. Daemon, forwarder and unbound are real. */
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import type { Status } from '../../src/control/status.ts';
import { farHost } from '../lab/addresses.ts';
import type { LongRunning } from '../lab/command.ts';
import { programPath } from '../lab/daemon.ts';
import { startEchoServer, tcpConnect } from '../lab/echo.ts';
import { openScene, type Scene } from '../lab/served.ts';
import { startUnbound } from '../lab/unbound.ts';
import { waitFor } from '../lab/wait-for.ts';

let scene: Scene;
let forwarder: LongRunning | undefined;
const addresses = [farHost.ipv4, farHost.ipv6];
const records = [`api.example.com. 60 IN A ${farHost.ipv4}`];

beforeAll(async () => {
  scene = await openScene({ settings: { policy: { resolvers: [farHost.ipv4] } } });
  const { internet, files, host } = scene.world;
  const [{ link, ipv4, ipv6 }] = scene.zones;
  await Promise.all([
    startEchoServer(internet, 7000),
    startEchoServer(internet, 7001),
    startUnbound(internet, { directory: files.directory, addresses, records }),
    files.writeZone(link, { ipv4, ipv6, name: 'agent' }),
  ]);
  forwarder = host.spawn(programPath, ['dns', '--log-format', 'json', '--settings', files.settings]);
  return () => scene.world.destroy();
});

const write = (text: string) => scene.world.files.writePolicy('agent.toml', text);

async function untilStatus(what: string, fits: (status: Status) => boolean): Promise<Status> {
  return waitFor(
    async () => {
      const status = await scene.daemon.status();
      return fits(status) ? status : undefined;
    },
    { what, deadlineMs: 30_000 },
  );
}

const opens = async (to: string, port: number) => (await tcpConnect(scene.zones[0], to, port, { timeoutMs: 700 })).ok;

async function asks(name: string): Promise<boolean> {
  const program = join(import.meta.dirname, '../lab/dns-client.ts');
  const stdout = await scene.zones[0].mustExec(process.execPath, [program, '192.0.2.99', `${name}/A`]);
  return ((JSON.parse(stdout) as { answers: string[] } | null)?.answers.length ?? 0) > 0;
}

function suggested(...rules: string[]): Promise<string> {
  return waitFor(
    async () => {
      const { stdout } = await scene.world.cli(['policy', 'suggest', 'agent']);
      return rules.every((rule) => stdout.includes(rule)) ? stdout : undefined;
    },
    { what: `${rules.join(', ')} to be suggested`, deadlineMs: 20_000 },
  );
}

it('without a policy nothing is told of any', async () => {
  const status = await scene.daemon.status();
  expect(status.forwarder).toBeNull();
  expect(status.zones.map(({ policy }) => policy)).toEqual(['none', 'none']);
  expect((await scene.world.cli(['status'])).stdout).not.toContain('POLICY');
});

it('what audit lets pass is suggested by name, and passes once that is enforced', { timeout: 120_000 }, async () => {
  await write('[[policy]]\nzones = ["agent"]\negress.mode = "audit"\n');
  await untilStatus(
    'the audit',
    ({ zones, forwarder: seen }) => zones[0]?.policy === 'audit' && seen?.connected === true,
  );
  expect((await scene.world.cli(['status'])).stdout).toMatch(/POLICY.*\n.*vif7\.0.* audit /);
  await waitFor(() => asks('api.example.com'), { what: 'an answer', deadlineMs: 20_000 });
  expect(await opens(farHost.ipv4, 7000)).toBe(true);
  expect(await opens(farHost.ipv6, 7001)).toBe(true);
  const text = await suggested('"api.example.com:7000"', `"[${farHost.ipv6}]:7001"`);
  await scene.zones[0].exec('ping', ['-c', '1', '-W', '1', farHost.ipv4]);
  expect(await suggested('"icmp"')).toContain('mode = "audit"');
  await write(text.replace('mode = "audit"', 'mode = "enforce"'));
  await untilStatus('the policy', ({ zones }) => zones[0]?.policy === 'enforced');
  await waitFor(() => asks('api.example.com'), { what: 'an answer', deadlineMs: 20_000 });
  expect(await opens(farHost.ipv4, 7000)).toBe(true);
  expect(await opens(farHost.ipv6, 7001)).toBe(true);
  expect(await opens(farHost.ipv4, 7001)).toBe(false);
  // What a rule allows now is not suggested any more.
  const again = await suggested('"api.example.com:7001"');
  expect(again).not.toContain(':7000');
  expect(again).not.toContain(farHost.ipv6);
  const shown = await scene.world.cli(['policy', 'show', 'agent']);
  expect(shown.stdout).toMatch(/open by names now:\n {2}api\.example\.com {2}\S+:7000 {2}\d+m.* left/);
  const status = await untilStatus('a lease and a denial', ({ zones: [zone] }) => {
    return zone?.leases === 1 && (zone.dropped.denied?.packets ?? 0) > 0;
  });
  expect(status.state).toBe('ready');
});

it('a forwarder that stays away is one fault for status, --check, /healthz, the metric and doctor', {
  timeout: 120_000,
}, async () => {
  await forwarder?.stop('SIGKILL');
  const { faults } = await untilStatus('the fault', ({ state }) => state === 'degraded');
  const what = 'the forwarder of names is not connected';
  expect(faults).toContainEqual(
    expect.objectContaining({ level: 'bad', what, fix: 'systemctl start protect-network-dns' }),
  );
  const check = await scene.world.cli(['status', '--check']);
  expect([check.exitCode, check.stdout]).toEqual([1, expect.stringContaining(`: ${what}`)]);
  const doctor = await scene.world.cli(['doctor']);
  expect(doctor.stdout).toContain(what);
  const curl = (path: string) =>
    scene.world.host.exec('curl', ['-s', '--unix-socket', scene.world.files.socket, `http://localhost${path}`]);
  expect((await curl('/healthz')).stdout).toMatch(new RegExp(`^degraded\n[^]*${what}`));
  const metrics = (await curl('/metrics')).stdout;
  expect(metrics).toContain('protect_network_ready 0');
  expect(metrics).toContain('protect_network_forwarder_up 0');
  expect(metrics).toContain('protect_network_policed_zones{policy="enforced"} 1');
  expect(metrics).toContain('protect_network_leases 1');
});
