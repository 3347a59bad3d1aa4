/** The shared filter table of a family, out of everybody's objects. Pure. */
import { z } from 'zod';
import type { NftObject } from '../host/port.ts';
import type { Family } from '../model/address.ts';
import { filterFamilies, filterTable } from '../nft/names.ts';
import { parseTable } from '../nft/observe.ts';
import type { Table } from '../nft/ruleset.ts';

/** Chains, rules and sets say where they are; a table has a name instead. */
const placeSchema = z.looseObject({ family: z.string(), table: z.string() });

/** Undefined where there is no such table, or nothing in it. */
export function filterTableOf(family: Family, ruleset: readonly NftObject[]): Table | undefined {
  const objects = ruleset.filter((object) =>
    Object.values(object).some((value) => {
      const place = placeSchema.safeParse(value);
      return place.success && place.data.family === filterFamilies[family] && place.data.table === filterTable;
    }),
  );
  return objects.length === 0 ? undefined : parseTable(objects);
}
