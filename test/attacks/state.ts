/** What a zone must not change: dom0's routes with what it learned about them, its addresses, its neighbours. */
import type { Namespace } from '../lab/namespace.ts';
import { type Cast, honestPort, type Party, watchedPort } from './attack.ts';

/** The links of the zone and of its sibling. */
export type Links = readonly [zone: string, sibling: string];

/** Sorted lines without what changes by itself: timers, states, use counts. */
export async function stateOf(host: Namespace, cast: Cast, links: Links = ['vif7.0', 'vif8.0']): Promise<string[]> {
  const families = ['-4', '-6'] as const;
  const texts = await Promise.all(
    families.map(async (flag) => {
      const family = flag === '-4' ? 'ipv4' : 'ipv6';
      const paths = [cast.far, cast.sibling, cast.nextHop].map((to) => `route get ${to[family]}`);
      const questions = ['route show table all', 'address show', 'neighbour show', ...paths];
      // `-force`: a path may be gone, which is a change like others. `-o`: one object, one line.
      const input = `${questions.join('\n')}\n`;
      const { stdout } = await host.exec('ip', ['-o', flag, '-force', '-batch', '-'], { input });
      return stdout;
    }),
  );
  const honest = honestNeighbours(cast, links);
  const lines = texts.join('').split('\n').map(normal);
  return [...new Set(lines)].filter((line) => line !== '' && isSettled(line) && !honest.has(line)).sort();
}

/** Lines that are new, and routes or addresses that are gone. (A neighbour that was not spoken to may be forgotten.) */
export function changes(before: readonly string[], after: readonly string[]): string[] {
  const came = after.filter((line) => !before.includes(line)).map((line) => `+ ${line}`);
  const went = before.filter((line) => !after.includes(line) && !line.includes(' lladdr ')).map((line) => `- ${line}`);
  return [...came, ...went];
}

/** Connections that were tracked for what attacks send; those of honest packets have another source port. */
export async function trackedAttacks(host: Namespace): Promise<string[]> {
  const texts = await Promise.all(
    ['ipv4', 'ipv6'].map((family) => host.mustExec('conntrack', ['-L', '-f', family], { timeoutMs: 30_000 })),
  );
  return texts.flatMap((text) =>
    text
      .split('\n')
      .filter((line) => line.includes(` dport=${watchedPort} `) && !line.includes(` sport=${honestPort} `)),
  );
}

function normal(line: string): string {
  return line
    .replace(/\\/g, ' ')
    .replace(/ (expires|valid_lft|preferred_lft|users|age|used|probes|ref) \S+/g, '')
    .replace(/ (REACHABLE|STALE|DELAY|PROBE|PERMANENT)\b/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}

/** A neighbour without a hardware address is only a question that was asked. */
function isSettled(line: string): boolean {
  return !/ (FAILED|INCOMPLETE)$/.test(line);
}

/** What everybody's own addresses are at. */
function honestNeighbours(cast: Cast, [zone, sibling]: Links): Set<string> {
  const on = (link: string, { mac, ...addresses }: Party): string[] =>
    [addresses.ipv4, addresses.ipv6, addresses.linkLocal].flatMap((address) =>
      ['', ' router'].map((flag) => `${address} dev ${link} lladdr ${mac}${flag}`),
    );
  return new Set([...on(zone, cast.zone), ...on(sibling, cast.sibling), ...on('uplink0', cast.nextHop)]);
}
