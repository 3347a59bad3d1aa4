/** Takes away everything of ours in nftables, and what we made for others only where nobody uses it. */
import type { NftCommand } from '../host/port.ts';
import { families } from '../model/address.ts';
import { deleteChain, deleteTable } from './commands.ts';
import {
  filterFamilies,
  filterTable,
  forwardHookChain,
  ingressTable,
  madeForwardMarker,
  madeTableMarker,
  ownTable,
  reversePathTable,
  userChain,
  userInputChain,
} from './names.ts';
import { isOurJump, ourTargets } from './placement.ts';
import { planRemovedFamily } from './plan-filter.ts';
import { type Ruleset, type Table, tableKey } from './ruleset.ts';

export interface CleanupPlan {
  readonly commands: NftCommand[];
  /** What of the operator's stays, or goes along, one sentence each. */
  readonly notes: string[];
}

export function planCleanup(observed: Ruleset): CleanupPlan {
  const own = observed.get(tableKey(ownTable.family, ownTable.name));
  const commands: NftCommand[] = [];
  const notes: string[] = [];
  for (const family of families) {
    const nftFamily = filterFamilies[family];
    const table = observed.get(tableKey(nftFamily, filterTable));
    if (table === undefined) continue;
    const removal = planRemovedFamily(family, observed);
    commands.push(...removal);
    const keepsUser =
      table.chains.has(userChain) &&
      !removal.some((command) => command.kind === 'delete-chain' && command.chain === userChain);
    if (keepsUser)
      notes.push(`${nftFamily} ${filterTable} ${userChain} contains or is used by rules of yours; it stays`);
    const madeForward = own?.chains.has(madeForwardMarker(nftFamily)) === true;
    if (!madeForward || !isForwardUnused(table)) continue;
    const isTableUnused = own?.chains.has(madeTableMarker(nftFamily)) === true && holdsNothingElse(table) && !keepsUser;
    commands.push(
      isTableUnused
        ? deleteTable(nftFamily, filterTable)
        : deleteChain({ family: nftFamily, table: filterTable, chain: forwardHookChain }),
    );
  }
  const theirs = own?.chains.get(userInputChain)?.size ?? 0;
  if (theirs > 0)
    notes.push(`removing the table inet ${ownTable.name} also removes ${plural(theirs)} in ${userInputChain}`);
  const tables = [ownTable, reversePathTable, ingressTable].filter(({ family, name }) =>
    observed.has(tableKey(family, name)),
  );
  commands.push(...tables.map(({ family, name }) => deleteTable(family, name)));
  return { commands, notes };
}

function plural(rules: number): string {
  return rules === 1 ? 'your rule' : `your ${rules} rules`;
}

/** `FORWARD` as we made it: policy accept, and nothing in it but our jumps. */
function isForwardUnused(table: Table): boolean {
  const chain = table.chains.get(forwardHookChain);
  return chain !== undefined && chain.hook?.policy === 'accept' && chain.rules().every(isOurJump);
}

function holdsNothingElse(table: Table): boolean {
  const ours = new Set([forwardHookChain, ...ourTargets, userChain]);
  return table.sets.size === 0 && [...table.chains.keys()].every((name) => ours.has(name));
}
