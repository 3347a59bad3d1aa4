/**
 * The daemon's main job on a real kernel, as a story: zones appear, talk, cheat, are policed, repaired and go, all in network
 * namespaces that are gone afterwards. With a terminal it ends in a live table; `--once` leaves that out.
 */
import { parseArgs } from 'node:util';
import { farHost } from '../test/lab/addresses.ts';
import type { Daemon } from '../test/lab/daemon.ts';
import { startEchoServer, tcpConnect } from '../test/lab/echo.ts';
import { ping } from '../test/lab/ping.ts';
import { waitFor } from '../test/lab/wait-for.ts';
import { createWorld, type World } from '../test/lab/world.ts';
import type { Zone } from '../test/lab/zone.ts';
import { tellOfAgent } from './agent.ts';
import { Story } from './story.ts';
import { watchTable } from './watch.ts';

const usage = `Usage: npm start [-- --once]

The daemon's work in throwaway network namespaces. On a terminal it ends in a live
table of the zones; --once ends after the story.`;
const values = optionsOf(process.argv.slice(2));
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const isLive = !values.once && process.stdin.isTTY === true && process.stdout.isTTY === true;

const story = new Story(process.stdout, isLive ? 700 : 0);
const world = await createWorld({});
try {
  await tell(world);
} finally {
  world.destroy();
}
process.exit(story.failed ? 1 : 0);

async function tell(world: World): Promise<void> {
  await story.title('protect-network: zones, their network, and those who would rather have another one');
  story.say('This host and its internet are network namespaces; nothing of this machine is touched.');

  await story.chapter('The daemon starts on a host that has nothing yet');
  const daemon = await world.startDaemon({ settings: { policy: { resolvers: [farHost.ipv4] } } });
  // A second pass, when the last directory has answered, finds nothing left to do.
  const first = await daemon.waitForLog(({ event, changes }) => event === 'pass' && Number(changes) > 0);
  story.fact(`ready; ${first['changes']} objects in place in one nft transaction, ${first['milliseconds']} ms`);

  await story.chapter('A zone appears as vif7.0');
  const web = await bringZone(world, daemon, 7, 'web');
  await world.internet.spawn('true', []).ended;
  const echo = await startEchoServer(world.internet);
  await story.check('it reaches the outside over IPv4', async () => rtt(await ping(web, farHost.ipv4)));
  await story.check('… and over IPv6', async () => rtt(await ping(web, farHost.ipv6)));
  await story.check('the outside sees the host, not the zone', async () => {
    const seen = await tcpConnect(web, farHost.ipv4, echo.port);
    return seen.ok && seen.peer !== web.ipv4 ? `TCP from ${seen.peer}` : undefined;
  });

  await story.chapter('A second zone, vif8.0');
  const database = await bringZone(world, daemon, 8, 'db');
  const inner = await startEchoServer(database);
  await story.check('zones reach each other under their own addresses', async () => {
    const seen = await tcpConnect(web, database.ipv4 ?? '', inner.port);
    return seen.ok && seen.peer === web.ipv4 ? `${database.ipv4} sees ${seen.peer}` : undefined;
  });

  await story.chapter('The first zone is taken over and forges its source');
  for (const source of [database.ipv4 ?? '', '10.75.0.99', '8.8.8.8', database.ipv6 ?? '']) {
    await story.check(`packets from ${source} stay inside`, () => forge(web, source));
  }
  const drops = (await daemon.status()).zones.find((zone) => zone.link === web.link)?.spoofed?.packets ?? 0;
  story.fact(`the guard counted ${drops} forged packets on vif7.0`);

  await story.chapter('An agent, vif9.0, that may reach one name and nothing else');
  const agent = await bringZone(world, daemon, 9, 'agent');
  await tellOfAgent(story, world, daemon, agent, database);

  await story.chapter('Somebody types: nft flush ruleset');
  await story.check('the daemon restores everything and names the program', () => flush(world, daemon));
  await story.check('the zone is not interrupted', async () => rtt(await ping(web, farHost.ipv4)));

  if (isLive) await watchTable(world, [web, database, agent]);

  await story.chapter('The zones go');
  await web.remove();
  await database.remove();
  await agent.remove();
  await story.check('nothing of them is left', () => nothingLeft(world));
  await daemon.stop();
  story.end();
}

async function bringZone(world: World, daemon: Daemon, domid: number, name: string): Promise<Zone> {
  const zone = await world.addZone({ domid });
  await world.writeZoneFile(zone.link, { ipv4: zone.ipv4, ipv6: zone.ipv6, name });
  const line = await daemon.waitForLog((entry) => entry['link'] === zone.link && entry['state'] === 'ready', 5_000);
  story.fact(`${zone.link} (${name}) is ready with ${zone.ipv4} and ${zone.ipv6}: ${line['milliseconds']} ms`);
  return zone;
}

function rtt(result: { received: number; rttMs: readonly number[] }): string | undefined {
  return result.received > 0 ? `answered after ${result.rttMs[0]} ms` : undefined;
}

async function forge(zone: Zone, source: string): Promise<string | undefined> {
  await zone.forge(source);
  const target = source.includes(':') ? farHost.ipv6 : farHost.ipv4;
  const { received, sent } = await ping(zone, target, { source, count: 3, timeoutMs: 300, intervalMs: 10 });
  return received === 0 ? `${sent} sent, none got out` : undefined;
}

async function flush(world: World, daemon: Daemon): Promise<string | undefined> {
  await world.host.mustExec('nft', ['flush', 'ruleset']);
  const line = await daemon.waitForLog((entry) => 'culprits' in entry && 'what' in entry, 5_000);
  return String(line['msg']);
}

function nothingLeft(world: World): Promise<string | undefined> {
  return waitFor(
    async () => {
      const snapshot = await world.host.snapshot();
      return /vif[789]\.0/.test(snapshot) ? undefined : 'no route, no rule, no proxy entry';
    },
    { what: 'the traces of the zones to vanish', deadlineMs: 5_000 },
  );
}

function optionsOf(args: string[]) {
  const options = {
    once: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  } as const;
  try {
    return parseArgs({ args, options }).values;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exit(2);
  }
}
