/** The second layer against forged IPv6 sources: a table that is all ours. Pure. */
import type { NftCommand } from '../host/port.ts';
import { addChain, addRule, addTable, deleteTable } from './commands.ts';
import { reversePathChains } from './layout-guard.ts';
import type { LayoutSettings } from './layout-model.ts';
import { reversePathTable } from './names.ts';
import { holds } from './plan-own.ts';
import { type Ruleset, tableKey } from './ruleset.ts';

/** There is nothing in the table worth keeping, so that whatever is wrong with it is fixed by making it anew. */
export function planReversePath(settings: LayoutSettings, observed: Ruleset): NftCommand[] {
  const { family, name } = reversePathTable;
  const table = observed.get(tableKey(family, name));
  if (!isWanted(settings)) return table === undefined ? [] : [deleteTable(family, name)];
  const isWhole =
    table?.isDormant !== true &&
    reversePathChains(settings).every((chain) => holds(table?.chains.get(chain.name), chain));
  return isWhole ? [] : remakeReversePath(settings);
}

/** Works whatever is there: adding a table that exists changes nothing, and deletes are of what is there by then. */
export function remakeReversePath(settings: LayoutSettings): NftCommand[] {
  if (!isWanted(settings)) return [];
  const { family, name } = reversePathTable;
  const ref = (chain: string) => ({ family, table: name, chain });
  return [
    addTable(family, name),
    deleteTable(family, name),
    addTable(family, name),
    ...reversePathChains(settings).flatMap((chain) => [
      addChain(ref(chain.name), chain.hook),
      ...chain.rules.map((expr) => addRule(ref(chain.name), expr)),
    ]),
  ];
}

function isWanted({ antiSpoof, subnets }: LayoutSettings): boolean {
  return antiSpoof && subnets.ipv6 !== undefined;
}
