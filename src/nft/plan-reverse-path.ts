/** The second layer against forged IPv6 sources: a table with one chain, all of it ours. Pure. */
import type { NftCommand } from '../host/port.ts';
import { addChain, addRule, addTable, deleteTable } from './commands.ts';
import { reversePathChain } from './layout-guard.ts';
import type { LayoutSettings } from './layout-model.ts';
import { reversePathTable } from './names.ts';
import { holds } from './plan-own.ts';
import { type Ruleset, tableKey } from './ruleset.ts';

/** There is nothing in the table worth keeping, so that whatever is wrong with it is mended by making it anew. */
export function planReversePath({ antiSpoof, subnets }: LayoutSettings, observed: Ruleset): NftCommand[] {
  const { family, name } = reversePathTable;
  const table = observed.get(tableKey(family, name));
  const isWanted = antiSpoof && subnets.ipv6 !== undefined;
  if (isWanted && holds(table?.chains.get(reversePathChain.name), reversePathChain)) return [];
  const removal = table === undefined ? [] : [deleteTable(family, name)];
  if (!isWanted) return removal;
  const ref = { family, table: name, chain: reversePathChain.name };
  return [
    ...removal,
    addTable(family, name),
    addChain(ref, reversePathChain.hook && { ...reversePathChain.hook, policy: 'accept' }),
    ...reversePathChain.rules.map((expr) => addRule(ref, expr)),
  ];
}
