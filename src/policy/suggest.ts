/** The rules that would have allowed what policies denied. Pure. */
import { type Address, isPrivate } from '../model/address.ts';
import type { Transport } from './model.ts';

/** Something that a zone wanted; as the daemon tells it. */
export interface Wanted {
  /** Unix milliseconds. */
  readonly at: number;
  readonly times: number;
  readonly name: string | null;
  readonly address: string | null;
  /** dom0 has the address. */
  readonly host: boolean;
  /** The zone that has the address. */
  readonly zone: string | null;
  readonly transport: Transport | 'icmp' | null;
  readonly port: number | null;
  readonly deniedBy: string | null;
}

export interface Suggestion {
  /** As `allow` takes it, where there is no `obstacle`; else what was wanted. */
  readonly rule: string;
  readonly private: boolean;
  /** Why no rule can be suggested as it stands. */
  readonly obstacle: string | null;
  readonly times: number;
  /** Unix milliseconds. */
  readonly lastAt: number;
}

/** Sorted, each once: names, zones, addresses, the rest; what no rule can allow comes last. */
export function suggest(wanted: readonly Wanted[]): Suggestion[] {
  const reached = new Set(wanted.flatMap(({ name, port }) => (name === null || port === null ? [] : [name])));
  const useful = wanted.filter(({ name, address }) => address !== null || !reached.has(name ?? ''));
  const alike = Map.groupBy(useful.map(draft), ({ rule, obstacle }) => `${rule}\n${obstacle}`);
  const merged = [...alike.values()].flatMap((same): Draft[] => {
    const [first] = same;
    if (first === undefined) return [];
    const times = same.reduce((sum, each) => sum + each.times, 0);
    const isHidden = same.some((each) => each.private);
    return [{ ...first, private: isHidden, times, lastAt: Math.max(...same.map(({ lastAt }) => lastAt)) }];
  });
  return merged.sort(inOrder).map(({ rank: _, ...suggestion }) => suggestion);
}

interface Draft extends Suggestion {
  readonly rank: number;
}

function inOrder(one: Draft, other: Draft): number {
  const obstacles = Number(one.obstacle !== null) - Number(other.obstacle !== null);
  return obstacles || one.rank - other.rank || (one.rule < other.rule ? -1 : 1);
}

function draft({ at, times, name, address, host, zone, transport, port, deniedBy }: Wanted): Draft {
  const seen = { private: false, times, lastAt: at };
  const denied = deniedBy === null ? null : `${deniedBy} denies it`;
  if (address === null)
    return {
      ...seen,
      rank: 0,
      rule: `${name}:PORT`,
      obstacle: denied ?? 'the zone asked for the name only; the port is missing',
    };
  if (transport === 'icmp') return { ...seen, rank: 3, rule: 'icmp', obstacle: denied };
  if (transport === null || port === null)
    return { ...seen, rank: 3, rule: address, obstacle: denied ?? 'neither TCP, UDP nor ICMP: no rule can allow it' };
  const behind = `:${port}${transport === 'udp' ? '/udp' : ''}`;
  if (host) return { ...seen, rank: 1, rule: `host${behind}`, obstacle: denied };
  if (name !== null) {
    return { ...seen, rank: 0, rule: `${name}${behind}`, private: isPrivate(address as Address), obstacle: denied };
  }
  if (zone !== null) return { ...seen, rank: 1, rule: `zone:${zone}${behind}`, obstacle: denied };
  const place = address.includes(':') ? `[${address}]` : address;
  return { ...seen, rank: 2, rule: `${place}${behind}`, obstacle: denied };
}
