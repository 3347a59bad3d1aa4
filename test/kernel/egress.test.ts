/** What policies let zones reach, by addresses: real packets, and files that change under the daemon. */
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { farHost, hostUplink } from '../lab/addresses.ts';
import { startEchoServer, startTransfer, tcpConnect, udpExchange } from '../lab/echo.ts';
import { isCutOff, openScene, reaches, type Scene, untilNothingToDo } from '../lab/served.ts';
import { waitFor } from '../lab/wait-for.ts';

const families = ['ipv4', 'ipv6'] as const;

function policy(allow: readonly string[], more = ''): string {
  return `[[policy]]\nlinks = ["vif7.0"]\n[policy.egress]\nallow = ${JSON.stringify(allow)}\n${more}`;
}

function written(address: string, rest: string): string {
  return address.includes(':') ? `[${address}]${rest}` : `${address}${rest}`;
}

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
  const { host, internet } = scene.world;
  await Promise.all([
    startEchoServer(internet, 7000),
    startEchoServer(internet, 7001),
    startEchoServer(host, 7000),
    startEchoServer(host, 7001),
    startEchoServer(scene.zones[1], 7000),
  ]);
  return () => scene.world.destroy();
});

async function enforce(allow: readonly string[], more = ''): Promise<void> {
  await scene.world.files.writePolicy('test.toml', policy(allow, more));
  const rules = JSON.stringify([allow, more]);
  await waitFor(
    async () => {
      const { zones } = await scene.daemon.status();
      const { stdout } = await scene.world.cli(['plan']);
      return zones.length === 2 && stdout.startsWith('nothing to do') && stdout;
    },
    { what: `${rules} to be in force`, deadlineMs: 8_000 },
  );
}

const opens = async (to: string | undefined, port: number) =>
  (await tcpConnect(scene.zones[0], String(to), port, { timeoutMs: 700 })).ok;

describe.each(families)('a zone with a policy (%s)', (family) => {
  it('reaches what is listed, and nothing else', async () => {
    const [zone, other] = scene.zones;
    await enforce([written(farHost[family], ':7000')]);
    await waitFor(async () => !(await opens(farHost[family], 7001)), { what: 'the policy to be in force' });
    expect(await opens(farHost[family], 7000)).toBe(true);
    expect(await opens(hostUplink[family], 7000)).toBe(false);
    expect(await opens(other[family], 7000)).toBe(false);
    expect((await udpExchange(zone, farHost[family], 7000, { timeoutMs: 500 })).ok).toBe(false);
    expect(await isCutOff(zone, farHost[family])).toBe(true);
    // The other one has none.
    expect(await reaches(other, farHost[family])).toBe(true);
    expect(await reaches(other, zone[family])).toBe(true);
  });

  it('is told at once: a reset, an unreachable', async () => {
    const [zone] = scene.zones;
    const answer = await tcpConnect(zone, farHost[family], 7001, { timeoutMs: 3000 });
    expect(answer).toEqual({ ok: false, error: 'ECONNREFUSED' });
  });

  it.each([
    ['a prefix and a span of ports', { ipv4: '198.51.100.0/24:6999-7001', ipv6: '[2001:db8:99::/64]:6999-7001' }],
    ['every address', { ipv4: '0.0.0.0/0:7001', ipv6: '[::/0]:7001' }],
  ])('reaches %s, and dom0 not by it', async (_name, rules) => {
    await enforce([rules[family]]);
    await waitFor(() => opens(farHost[family], 7001), { what: 'the rule to be in force' });
    expect(await opens(hostUplink[family], 7001)).toBe(false);
  });

  it('reaches dom0, another zone, and echo, each where it is listed', async () => {
    const [zone, other] = scene.zones;
    await scene.world.files.writeZone(other.link, { ipv4: other.ipv4, ipv6: other.ipv6, name: 'db' });
    await enforce(['host:7000', 'zone:db:7000', 'icmp']);
    await waitFor(() => opens(other[family], 7000), { what: 'the rule to be in force' });
    expect(await opens(hostUplink[family], 7000)).toBe(true);
    expect(await opens(hostUplink[family], 7001)).toBe(false);
    expect(await opens(farHost[family], 7000)).toBe(false);
    expect(await reaches(zone, farHost[family])).toBe(true);
    // A zone of another name is another one.
    await scene.world.files.writeZone(other.link, { ipv4: other.ipv4, ipv6: other.ipv6, name: 'web' });
    await waitFor(async () => !(await opens(other[family], 7000)), { what: 'the rule to lead nowhere' });
  });

  it('does not reach what is denied, whatever allows it', async () => {
    const [zone] = scene.zones;
    await enforce([written(farHost[family], ':7000'), 'icmp'], `deny = ["${farHost[family]}"]`);
    await waitFor(() => isCutOff(zone, farHost[family]), { what: 'the denial to be in force' });
    expect(await opens(farHost[family], 7000)).toBe(false);
    expect(await reaches(zone, hostUplink[family])).toBe(true);
  });

  it('keeps a connection that rules allow, and loses one that they do not allow any more', async () => {
    const [zone] = scene.zones;
    await enforce([written(farHost[family], ':7000')]);
    await waitFor(() => opens(farHost[family], 7000), { what: 'the rule to be in force' });
    const transfer = await startTransfer(zone, farHost[family], 7000);
    await enforce([written(farHost[family], ':7000-7001')]);
    await waitFor(() => opens(farHost[family], 7001), { what: 'the other rule to be in force' });
    const { bytes } = transfer.progress();
    await waitFor(() => transfer.progress().bytes > bytes, { what: 'the transfer to go on' });
    await enforce([written(farHost[family], ':7001')]);
    await waitFor(
      async () => {
        const before = transfer.progress().bytes;
        await delay(300);
        return transfer.progress().bytes === before;
      },
      { what: 'the transfer to end', deadlineMs: 20_000 },
    );
    await transfer.stop();
  });

  it.each(['dom0', 'a sibling'])('loses it also where %s is about to send', async (peer) => {
    const [zone, other] = scene.zones;
    const [rule, address] = peer === 'dom0' ? ['host', hostUplink[family]] : ['zone:db', String(other[family])];
    await scene.world.files.writeZone(other.link, { ipv4: other.ipv4, ipv6: other.ipv6, name: 'db' });
    await enforce([`${rule}:7000`]);
    await waitFor(() => opens(address, 7000), { what: 'the rule to be in force' });
    const transfer = await startTransfer(zone, address, 7000);
    await enforce(['host:7001']);
    await waitFor(() => opens(hostUplink[family], 7001), { what: 'the other rule to be in force' });
    await transfer.waitForSilence(1000);
    await transfer.stop();
  });
});

it('what began while the rules were gone ends with their repair', async () => {
  const [zone] = scene.zones;
  await enforce([written(farHost.ipv4, ':7000')]);
  await waitFor(async () => !(await opens(farHost.ipv4, 7001)), { what: 'the policy to be in force' });
  process.kill(scene.daemon.pid, 'SIGSTOP');
  await scene.world.host.mustExec('nft', ['flush', 'ruleset']);
  // To another zone: nothing is translated meanwhile.
  const begun = await startTransfer(zone, String(scene.zones[1].ipv4), 7000).finally(() => {
    process.kill(scene.daemon.pid, 'SIGCONT');
  });
  await waitFor(
    async () => {
      const before = begun.progress().bytes;
      await delay(300);
      return begun.progress().bytes === before;
    },
    { what: 'the transfer to end', deadlineMs: 20_000 },
  );
  await begun.stop();
  await untilNothingToDo(scene.world);
});

it('nothing is left of policies that are gone', async () => {
  await scene.world.files.writePolicy('test.toml', '');
  await waitFor(() => reaches(scene.zones[0], farHost.ipv4), { what: 'the zone to be free' });
  await untilNothingToDo(scene.world);
  const rules = await scene.world.host.mustExec('nft', ['list', 'table', 'inet', 'edera']);
  expect(rules).not.toMatch(/egress|policed|allowed|leased/);
});

// What was told within the minute is not told again.
it('a denial is in the log once, with what was wanted', async () => {
  await enforce([written(farHost.ipv4, ':7000')]);
  await waitFor(async () => !(await opens(farHost.ipv4, 7001)), { what: 'the policy to be in force' });
  const line = await scene.daemon.waitForLog(({ event }) => event === 'denied');
  expect(line).toMatchObject({ msg: `denied: zone vif7.0 to ${farHost.ipv4}:7001: no rule`, link: 'vif7.0' });
});

it('in audit mode nothing is dropped, and all of it is told', async () => {
  await enforce([], 'mode = "audit"');
  await waitFor(() => opens(farHost.ipv4, 7001), { what: 'the mode to be in force' });
  expect(await reaches(scene.zones[0], farHost.ipv6)).toBe(true);
  expect((await udpExchange(scene.zones[0], farHost.ipv4, 7001)).ok).toBe(true);
  const said = `would be denied: zone vif7.0 to ${farHost.ipv4}:7001/udp: no rule`;
  await scene.daemon.waitForLog(({ msg }) => msg === said);
});
