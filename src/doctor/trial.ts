/** Our own transaction as a dry run beside what is there: our tables under other names, the shared ones as they are. */
import type { NftCommand, NftObject } from '../host/port.ts';
import { families } from '../model/address.ts';
import { linkName } from '../model/link-name.ts';
import type { LayoutSettings } from '../nft/layout-model.ts';
import { filterFamilies, filterTable, ownTable, reversePathTable } from '../nft/names.ts';
import { planRuleset } from '../nft/plan.ts';
import { underOtherNames } from '../nft/requirements.ts';
import { type Ruleset, tableKey } from '../nft/ruleset.ts';
import { filterTableOf } from './filter-table.ts';

const ownNames: ReadonlySet<string> = new Set([ownTable.name, reversePathTable.name]);

export function trialOf(layout: LayoutSettings, ruleset: readonly NftObject[]): NftCommand[] {
  const link = linkName(1, 0);
  const addresses = families.flatMap((family) => layout.subnets[family]?.address ?? []);
  const zones = link === undefined ? [] : [{ link, addresses }];
  const shared: Ruleset = new Map();
  for (const family of families) {
    const table = filterTableOf(family, ruleset);
    if (table !== undefined) shared.set(tableKey(filterFamilies[family], filterTable), table);
  }
  return underOtherNames(planRuleset(layout, shared, { kind: 'all', zones, prune: false }), ownNames);
}
