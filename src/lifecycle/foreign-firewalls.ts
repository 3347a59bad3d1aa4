/** Firewalls of others that every forwarded packet must pass besides ours: what they do to zones, and the fix. */
import type { Config } from '../config/config.ts';
import type { ForwardChain, Host, NftFamily } from '../host/port.ts';
import { families, familyNames, type Prefix } from '../model/address.ts';
import { messageOf } from '../model/errors.ts';
import type { Fault } from '../model/fault.ts';
import { parseLinkName } from '../model/link-name.ts';
import { type Fate, type ForeignTable, fateOf, foreignTable, type ZonePacket } from '../nft/foreign-forward.ts';
import { filterFamilies, filterTable, forwardHookChain, ownTable } from '../nft/names.ts';
import { isDormant } from '../nft/observe.ts';
import { tableKey } from '../nft/ruleset.ts';
import { fault, faults } from '../words/faults.ts';
import { firewalldCure } from './firewalld.ts';

interface ForeignChain extends ForwardChain {
  readonly rules: ForeignTable;
}

export interface ForeignFirewalls {
  readonly chains: readonly ForeignChain[];
  /** Where zones' traffic leaves the host, by its default routes. */
  readonly uplinks: readonly string[];
  /** What could not be read, and why. */
  readonly unreadable: readonly Fault[];
  /** nftables' generation before they were read; undefined where they could not be, or not all of them. */
  readonly generation: number | undefined;
}

export const noForeignFirewalls: ForeignFirewalls = { chains: [], uplinks: [], unreadable: [], generation: undefined };

/**
 * Never throws: a table that cannot be read is a problem to tell of, and no reason to leave zones without network. Rules are
 * not listed again while nftables' generation is that of `known`.
 */
export async function observeForeignFirewalls(host: Host, known = noForeignFirewalls): Promise<ForeignFirewalls> {
  try {
    const generation = await host.nft.generation();
    const firewalls = generation === known.generation ? known : await observe(host, generation);
    return { ...firewalls, uplinks: firewalls.chains.length === 0 ? [] : await uplinksOf(host) };
  } catch (error) {
    const reason = messageOf(error as Error);
    const unreadable = [fault(faults.unreadFirewalls, { reason })];
    return { ...noForeignFirewalls, unreadable };
  }
}

async function observe({ nft }: Host, generation: number): Promise<Omit<ForeignFirewalls, 'uplinks'>> {
  const unreadable: Fault[] = [];
  const foreign = (await nft.forwardChains()).filter((chain) => isRouted(chain) && !isOurs(chain));
  const places = new Map(foreign.map(({ family, table }) => [tableKey(family, table), { family, table }]));
  const tables = new Map<string, ForeignTable>();
  for (const [key, { family, table }] of places) {
    try {
      const objects = await nft.rules(family as NftFamily, table);
      if (objects !== undefined && !objects.some(isDormant)) tables.set(key, foreignTable(objects));
    } catch (error) {
      const gaps = { table: key, reason: messageOf(error as Error) };
      unreadable.push(fault(faults.unreadTable, gaps));
    }
  }
  const chains = foreign.flatMap((chain) => {
    const rules = tables.get(tableKey(chain.family, chain.table));
    return rules === undefined ? [] : [{ ...chain, rules }];
  });
  return { chains, unreadable, generation: unreadable.length === 0 ? generation : undefined };
}

async function uplinksOf({ rtnetlink }: Host): Promise<string[]> {
  const devices = (await rtnetlink.waysOut()).map(({ device }) => device);
  return [...new Set(devices)].filter((name) => parseLinkName(name) === undefined);
}

/** For each chain in which zones' packets end, or may end, and for each that cannot be read. */
export function foreignFaults(firewalls: ForeignFirewalls, config: Config): Fault[] {
  const faults = [...chainFaults(firewalls, config), ...firewalls.unreadable];
  return faults.map((fault) => ({ ...fault, isOfFirewalls: true }));
}

function chainFaults({ chains, uplinks }: ForeignFirewalls, config: Config): Fault[] {
  const { settings, subnets } = config;
  const prefixes = families.flatMap((family) => subnets[family]?.prefix ?? []);
  const leaving = settings.uplink.interfaces.length > 0 ? settings.uplink.interfaces : uplinks;
  const ways = settings.isolation.zoneToZone === 'allow' ? (['outside', 'zone'] as const) : (['outside'] as const);
  return chains.flatMap((chain) => {
    const concerned = prefixes.filter(
      ({ family }) => chain.family === 'inet' || chain.family === filterFamilies[family],
    );
    // Our mark lives from just before the filter priority to just after it.
    const mark = chain.prio === 0 ? settings.forward.mark : 0;
    const fates = concerned.flatMap((subnet) =>
      ways.map((to) => {
        const packet: ZonePacket = { to, subnet, uplinks: leaving, mark };
        return { packet, fate: fateOf(chain.rules, chain.name, chain.policy, packet) };
      }),
    );
    return judged(chain, prefixes, fates);
  });
}

/** A bridge's chains see what is bridged; zones' links are routed. */
function isRouted({ family }: ForwardChain): boolean {
  return family === 'ip' || family === 'ip6' || family === 'inet';
}

/** `FORWARD` of the filter tables is shared: our jump stands in it. */
function isOurs({ family, table, name }: ForwardChain): boolean {
  if (family === ownTable.family && table === ownTable.name) return true;
  return family !== 'inet' && table === filterTable && name === forwardHookChain;
}

interface Judged {
  readonly packet: ZonePacket;
  readonly fate: Fate;
}

function judged(chain: ForeignChain, subnets: readonly Prefix[], fates: readonly Judged[]): Fault[] {
  const lost = fates.filter(({ fate }) => fate === 'end');
  const doubtful = fates.filter(({ fate }) => fate === 'may-end');
  if (lost.length + doubtful.length === 0) return [];
  const isFirewalld = chain.table === 'firewalld';
  const who = isFirewalld
    ? `firewalld (chain ${chain.name} of table ${chain.family} ${chain.table})`
    : `the chain ${chain.name} of table ${chain.family} ${chain.table}`;
  const ended = [...lost, ...doubtful].map(({ packet }) => packet);
  const commands = isFirewalld ? firewalldCure(chain, subnets, ended) : plainCure(chain);
  const { chainDrops, chainMayDrop } = faults;
  if (lost.length > 0) return [fault(chainDrops, { chain: who, where: listed(lost), commands })];
  return [fault(chainMayDrop, { chain: who, where: listed(doubtful), commands })];
}

function listed(fates: readonly Judged[]): string {
  const places = { outside: 'to the outside', zone: 'to other zones' };
  const ways = (['outside', 'zone'] as const).flatMap((to) => {
    const hit = fates.filter(({ packet }) => packet.to === to).map(({ packet }) => familyNames[packet.subnet.family]);
    return hit.length === 0 ? [] : `${places[to]} (${hit.join(', ')})`;
  });
  return ways.join(' and ');
}

function plainCure({ family, table, name }: ForwardChain): string {
  const insert = (key: string) => `nft insert rule ${family} ${table} ${name} ${key} '"vif*"' accept`;
  return `${insert('iifname')} && ${insert('oifname')} # and where that table is loaded from, to make it permanent`;
}
