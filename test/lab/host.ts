/** The dom0 host: a namespace with eyes. */
import { z } from 'zod';
import { protocolName } from '../../src/host/route-numbers.ts';
import { routeTypes } from '../../src/netlink/route.ts';
import { EventLog } from './event-log.ts';
import { Namespace } from './namespace.ts';
import { maskNft } from './nft-mask.ts';

/** A number or a name: some releases of `ip -N` print the one and some the other. */
export function routeType(text: string): string {
  return routeTypes[Number(text)] ?? text;
}

/** A route as `ip -j route` prints it; what the tests look at. */
const route = z.looseObject({
  type: z.string().transform(routeType).default('unicast'),
  dst: z.string(),
  dev: z.string().optional(),
  gateway: z.string().optional(),
  protocol: z.coerce.number().transform(protocolName).optional(),
  flags: z.array(z.string()).default([]),
});
export type RouteLine = z.infer<typeof route>;

const proxy = z.looseObject({ dst: z.string(), dev: z.string() });

const ruleset = z.object({ nftables: z.array(z.record(z.string(), z.unknown())) });
export type NftObjects = z.infer<typeof ruleset>['nftables'];

export class ObservedHost extends Namespace {
  /** The routes of a table, `main` unless named. */
  async routes(family: 4 | 6 = 4, table = 'main'): Promise<RouteLine[]> {
    const text = await this.mustExec('ip', ['-j', '-N', '-d', `-${family}`, 'route', 'show', 'table', table]);
    return z.array(route).parse(parseList(text));
  }

  /** Proxy entries of both families, as `address device`, sorted. (IPv4 ones are rare: proxy_arp needs none.) */
  async proxies(): Promise<string[]> {
    const texts = await Promise.all(
      [4, 6].map((family) => this.mustExec('ip', ['-j', `-${family}`, 'neigh', 'show', 'proxy'])),
    );
    const entries = texts.flatMap((text) => z.array(proxy).parse(parseList(text)));
    return entries.map(({ dst, dev }) => `${dst} ${dev}`).sort();
  }

  /** The ruleset as nft prints it, or what `list` names: `['table', 'inet', 'edera']`. */
  async nftJson(list: readonly string[] = ['ruleset']): Promise<NftObjects> {
    return ruleset.parse(JSON.parse(await this.mustExec('nft', ['-j', 'list', ...list]))).nftables;
  }

  /** Runs commands in nft's own language as one transaction; throws with nft's words. (nft cannot open Node's stdin, a socket.) */
  async nft(script: string): Promise<void> {
    await this.mustExec('nft', [script]);
  }

  /**
   * Routes, proxy entries and ruleset as text, for byte comparison of before and after: handles, counters and what
   * else changes by itself is masked, set elements are sorted.
   */
  async snapshot(): Promise<string> {
    const [routes4, routes6, proxies, objects] = await Promise.all([
      this.mustExec('ip', ['-4', 'route', 'show', 'table', 'all']),
      this.mustExec('ip', ['-6', 'route', 'show', 'table', 'all']),
      this.proxies(),
      this.nftJson(),
    ]);
    const rules = maskNft(objects).map((object) => JSON.stringify(object));
    const routes = `${routes4}${routes6}`.split('\n').map((line) => line.replace(/ expires \d+sec/, '').trimEnd());
    return [...routes.filter((line) => line !== ''), '', ...proxies, '', ...rules, ''].join('\n');
  }

  /** Collects the lines of a monitor, e.g. `('ip', ['-o', 'monitor', 'link', 'route'])`; the kernel has subscribed it on return. */
  eventLog(command: string, args: readonly string[]): Promise<EventLog> {
    return EventLog.start(this, command, args);
  }
}

/** iproute2 prints nothing at all, instead of `[]`, for some empty lists. */
function parseList(text: string): unknown {
  return text.trim() === '' ? [] : JSON.parse(text);
}
