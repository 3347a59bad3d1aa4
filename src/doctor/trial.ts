/** Our own transaction as a dry run beside what is there: our tables under other names, the shared ones as they are. */
import type { NftCommand, NftFamily, NftObject } from '../host/port.ts';
import { type Family, families } from '../model/address.ts';
import { linkName } from '../model/link-name.ts';
import type { LayoutSettings } from '../nft/layout-model.ts';
import { filterFamilies, filterTable, ownTable, reversePathTable } from '../nft/names.ts';
import { parseTable } from '../nft/observe.ts';
import { planRuleset } from '../nft/plan.ts';
import { type Ruleset, tableKey } from '../nft/ruleset.ts';

/** No object that is there may decide whether the kernel knows ours. */
const suffix = '-dry-run';
const ownNames: ReadonlySet<unknown> = new Set([ownTable.name, reversePathTable.name]);

export function trialOf(layout: LayoutSettings, ruleset: readonly NftObject[]): NftCommand[] {
  const link = linkName(1, 0);
  const addresses = families.flatMap((family) => layout.subnets[family]?.address ?? []);
  const zones = link === undefined ? [] : [{ link, addresses }];
  const shared: Ruleset = new Map(families.flatMap((family) => filterTableOf(family, ruleset)));
  return planRuleset(layout, shared, { kind: 'all', zones, prune: false }).map(renamed);
}

function filterTableOf(family: Family, ruleset: readonly NftObject[]) {
  const nftFamily = filterFamilies[family];
  const objects = ruleset.filter(
    (object) => placeOf(object).family === nftFamily && placeOf(object).table === filterTable,
  );
  return objects.length === 0 ? [] : [[tableKey(nftFamily, filterTable), parseTable(objects)] as const];
}

function placeOf(object: NftObject): { family?: NftFamily; table?: string } {
  return (Object.values(object)[0] ?? {}) as { family?: NftFamily; table?: string };
}

function renamed(command: NftCommand): NftCommand {
  return JSON.parse(JSON.stringify(command), function (this: Record<string, unknown>, key, value: unknown) {
    const isName = key === 'table' || (key === 'name' && !('table' in this));
    return isName && ownNames.has(value) ? `${String(value)}${suffix}` : value;
  }) as NftCommand;
}
