/** A transfer and both monitors, kept through what must not be noticed: a directory's death, our own. */
import { farHost } from './addresses.ts';
import { startEchoServer, startTransfer, type Transfer } from './echo.ts';
import type { EventLog } from './event-log.ts';
import type { Namespace } from './namespace.ts';
import type { World } from './world.ts';
import type { Zone } from './zone.ts';

/** All that happened; `nothing` where nothing did. */
export interface Noticed {
  readonly nft: readonly string[];
  readonly ip: readonly string[];
  /** TCP segments that either end sent again and that the other did not have yet. On a busy machine some are sent twice in vain. */
  readonly lost: number;
  /** Why the connection ended. */
  readonly broken: string | null;
}

export const nothing: Noticed = { nft: [], ip: [], lost: 0, broken: null };

/** From a zone to the far host; both are watched on return. One at a time in a world. */
export async function startVigil(world: World, zone: Zone): Promise<Vigil> {
  const server = await startEchoServer(world.internet);
  const transfer = await startTransfer(zone, farHost.ipv4, server.port);
  const [nft, ip] = await Promise.all([
    world.host.eventLog('nft', ['monitor']),
    world.host.eventLog('ip', ['-o', 'monitor', 'link', 'address', 'route', 'rule', 'netconf', 'nexthop']),
  ]);
  const ends = [zone, world.internet];
  return new Vigil({ world, ends, transfer, nft, ip, before: await lostBy(ends), stopServer: () => server.stop() });
}

interface Parts {
  readonly world: World;
  readonly ends: readonly Namespace[];
  readonly transfer: Transfer;
  readonly nft: EventLog;
  readonly ip: EventLog;
  readonly before: number;
  readonly stopServer: () => Promise<void>;
}

export class Vigil {
  readonly #parts: Parts;
  #questions = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Waits until a second's worth of bytes (1 KiB each 5 ms) has come, in the order of their sequence as TCP has it. */
  async flows(): Promise<void> {
    await this.#parts.transfer.waitForMore(200_000, 15_000);
  }

  /** Everything since the start up to now. The bytes still flow: it waits for some sent after the question. */
  async noticed(): Promise<Noticed> {
    const { world, ends, transfer, nft, ip, before } = this.#parts;
    await transfer.waitForMore(20_000, 10_000);
    this.#questions += 1;
    const table = `vigil${this.#questions}`;
    const subnet = `10.98.${this.#questions}.0/24`;
    const nftLines = await nft.settled(() => world.host.nft(`add table inet ${table}`), table);
    const ipLines = await ip.settled(() => world.host.ip(`route add ${subnet} dev uplink0`), subnet);
    return {
      nft: nftLines.filter((line) => !/vigil|^# new generation/.test(line)),
      ip: ipLines.filter((line) => !line.startsWith('10.98.')),
      lost: (await lostBy(ends)) - before,
      broken: transfer.progress().broken,
    };
  }

  /** Lines of either monitor that name the link or address, as of a moment ago. */
  mentions(text: string): string[] {
    return [...this.#parts.nft.lines, ...this.#parts.ip.lines].filter((line) => line.includes(text));
  }

  async stop(): Promise<void> {
    await Promise.all([this.#parts.transfer.stop(), this.#parts.nft.stop(), this.#parts.ip.stop()]);
    await this.#parts.stopServer();
  }
}

/** TCP segments that were sent again, less what the receiver reported to have had already (RFC 2883). */
export async function lostBy(ends: readonly Namespace[]): Promise<number> {
  const counts = ends.map(async (end) => {
    const [snmp, netstat] = await Promise.all(
      ['snmp', 'netstat'].map((file) => end.mustExec('cat', [`/proc/net/${file}`])),
    );
    const had = ['TCPDSACKRecv', 'TCPDSACKOfoRecv'].map((name) => counter(netstat, 'TcpExt', name));
    return had.reduce((left, count) => left - count, counter(snmp, 'Tcp', 'RetransSegs'));
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

/** One figure of a file whose lines come in pairs: names, then values. */
function counter(text: string | undefined, protocol: string, name: string): number {
  const lines = text?.split('\n').filter((line) => line.startsWith(`${protocol}:`)) ?? [];
  const [names, values] = lines.map((line) => line.split(' '));
  const count = Number(values?.[names?.indexOf(name) ?? -1]);
  if (Number.isNaN(count)) throw new Error(`the kernel counts no ${protocol} ${name}`);
  return count;
}
