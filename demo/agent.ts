/** The chapter of a zone that may reach one name and nothing else. */
import { join } from 'node:path';
import { farHost } from '../test/lab/addresses.ts';
import { type Daemon, programPath } from '../test/lab/daemon.ts';
import type { read } from '../test/lab/dns-messages.ts';
import { type EchoServer, startEchoServer, tcpConnect } from '../test/lab/echo.ts';
import { waitFor } from '../test/lab/wait-for.ts';
import type { World } from '../test/lab/world.ts';
import type { Zone } from '../test/lab/zone.ts';
import type { Story } from './story.ts';

const name = 'api.example.com';

/** `agent` is a zone of that name, `other` one that it must not reach. */
export async function tellOfAgent(story: Story, world: World, daemon: Daemon, agent: Zone, other: Zone): Promise<void> {
  const [service, neighbour] = await Promise.all([
    startEchoServer(world.internet, 443),
    startEchoServer(world.internet, 8443),
  ]);
  await startNames(world);
  await world.files.writePolicy(
    'agent.toml',
    `[[policy]]\nzones = ["agent"]\negress.allow = ["${name}:${service.port}"]\n`,
  );
  story.fact(`its policy: egress.allow = ["${name}:${service.port}"]`);
  await story.check('it cannot reach the address before it has asked for the name', () =>
    denied(agent, farHost.ipv4, service),
  );
  await story.check('it asks for the name, and is told', () => told(agent, daemon));
  await story.check('… and reaches it with the first packet', async () => {
    const seen = await tcpConnect(agent, farHost.ipv4, service.port);
    return seen.ok ? `TCP to ${farHost.ipv4} port ${service.port}` : undefined;
  });
  await story.check('no other port of it', () => denied(agent, farHost.ipv4, neighbour));
  await story.check('no other name', async () => {
    const answer = await ask(agent, 'www.example.com');
    return answer?.rcode === 'NXDOMAIN' ? 'www.example.com does not exist' : undefined;
  });
  const inner = await startEchoServer(other, 5432);
  await story.check('no other zone', () => denied(agent, other.ipv4 ?? '', inner));
  await story.check('the log says what it wanted', async () => {
    const line = await daemon.waitForLog(({ event, port }) => event === 'denied' && port === neighbour.port, 5_000);
    return String(line['msg']);
  });
}

async function startNames(world: World): Promise<void> {
  const program = join(import.meta.dirname, 'resolver.ts');
  const resolver = world.internet.spawn(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    program,
    farHost.ipv4,
  ]);
  await resolver.waitForLine((line) => line === 'ready');
  world.host.spawn(programPath, ['dns', '--log-format', 'json', '--settings', world.files.settings]);
}

/** Once the policy is in force and the forwarder is there. */
function told(agent: Zone, daemon: Daemon): Promise<string | undefined> {
  return waitFor(
    async () => {
      const { zones, forwarder } = await daemon.status();
      const isPoliced = zones.some(({ link, policy }) => link === agent.link && policy === 'enforced');
      if (!isPoliced || forwarder?.connected !== true) return undefined;
      return (await ask(agent, name))?.answers[0];
    },
    { what: `an answer to ${name}`, deadlineMs: 20_000 },
  );
}

async function ask(zone: Zone, question: string): Promise<ReturnType<typeof read> | null> {
  const program = join(import.meta.dirname, '../test/lab/dns-client.ts');
  // Whom it asks makes no difference.
  const words = ['--disable-warning=ExperimentalWarning', program, '203.0.113.53', `${question}/A`];
  return JSON.parse(await zone.mustExec(process.execPath, words)) as ReturnType<typeof read> | null;
}

/** Waits for the policy, where it is new. */
function denied(zone: Zone, to: string, { port }: EchoServer): Promise<string | undefined> {
  return waitFor(
    async () => {
      const answer = await tcpConnect(zone, to, port, { timeoutMs: 2000 });
      return answer.ok ? undefined : `refused: ${answer.error}`;
    },
    { what: `port ${port} of ${to} to be closed`, deadlineMs: 10_000 },
  );
}
