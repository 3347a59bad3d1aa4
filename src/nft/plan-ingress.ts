/**
 * The chains at the ingress of zones' links that somebody else has taken. Pure.
 *
 * A chain of the family `netdev` goes with its link before Linux 6.16, and stays without one since. So each is added, which
 * changes nothing where it is there, and deleted, before it is made: that works whatever is there by then.
 */
import type { ChainRef, NftCommand } from '../host/nft-command.ts';
import { type LinkName, parseLinkName } from '../model/link-name.ts';
import { addChain, addRule, addTable, deleteChain, deleteTable } from './commands.ts';
import { ingressChain } from './layout-ingress.ts';
import type { ChainLayout, ZonePair } from './layout-model.ts';
import { ingressTable } from './names.ts';
import { holds } from './plan-own.ts';
import { type Ruleset, tableKey } from './ruleset.ts';

export interface IngressScope {
  /** Taken links of zones. */
  readonly taken: readonly ZonePair[];
  /** Links whose chain goes, if they have one: those named, or all that are not in `taken`. */
  readonly free: 'all' | readonly LinkName[];
}

const { family, name } = ingressTable;

export function planIngress(observed: Ruleset, { taken, free }: IngressScope): NftCommand[] {
  const table = observed.get(tableKey(family, name));
  const chains: ReadonlyMap<string, unknown> = table?.chains ?? new Map();
  const missing = taken
    .map(ingressChain)
    .filter((chain) => table?.isDormant === true || !holds(table?.chains.get(chain.name), chain));
  const kept = new Set<string>(taken.map(({ link }) => link));
  const candidates = free === 'all' ? [...chains.keys()].filter((chain) => parseLinkName(chain) !== undefined) : free;
  const gone = candidates.filter((chain) => chains.has(chain) && !kept.has(chain));
  if (table !== undefined && missing.length === 0 && gone.length === chains.size)
    return [addTable(family, name), deleteTable(family, name)];
  if (missing.length === 0 && gone.length === 0) return [];
  return [addTable(family, name), ...gone.flatMap((chain) => removal(ref(chain))), ...missing.flatMap(remake)];
}

function remake({ name: chain, hook, rules }: ChainLayout): NftCommand[] {
  return [...removal(ref(chain)), addChain(ref(chain), hook), ...rules.map((expr) => addRule(ref(chain), expr))];
}

function removal(chain: ChainRef): NftCommand[] {
  return [addChain(chain), deleteChain(chain)];
}

function ref(chain: string): ChainRef {
  return { family, table: name, chain };
}
