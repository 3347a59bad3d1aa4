/** Reads what nftables holds in the four tables we have something in. Everything of others is kept as it came. */
import { z } from 'zod';
import type { Nft, NftFamily, NftObject } from '../host/port.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import { filterTable, ownTable, reversePathTable } from './names.ts';
import { Chain, elementKey, hookOf, type Ruleset, setText, type Table, tableKey, toRule } from './ruleset.ts';

/** The tables to look at, whether they exist or not. */
export const observedTables: readonly { family: NftFamily; name: string }[] = [
  ownTable,
  reversePathTable,
  { family: 'ip', name: filterTable },
  { family: 'ip6', name: filterTable },
];

/** The same as `family name`. */
export const observedKeys: ReadonlySet<string> = new Set(
  observedTables.map(({ family, name }) => tableKey(family, name)),
);

const chainSchema = z.looseObject({ name: z.string() });
const ruleSchema = z.looseObject({ chain: z.string(), handle: z.number().int() });
const setSchema = z.looseObject({
  name: z.string(),
  type: z.unknown().optional(),
  elem: z.array(z.unknown()).optional(),
  stmt: z.unknown().optional(),
  flags: z.unknown().optional(),
});
const flaggedSchema = z.object({ flags: z.union([z.string(), z.array(z.string())]).optional() });
const countedElementSchema = z.looseObject({ elem: z.looseObject({ val: z.unknown() }) });

export async function observeRuleset(nft: Nft): Promise<Ruleset> {
  const ruleset: Ruleset = new Map();
  await Promise.all(
    observedTables.map(async ({ family, name }) => {
      const objects = await nft.table(family, name);
      if (objects !== undefined) ruleset.set(tableKey(family, name), parseTable(objects));
    }),
  );
  return ruleset;
}

/** Throws `garbled` for an object without what every one of its kind has, foreign ones included. */
export function parseTable(objects: readonly NftObject[]): Table {
  const table: Table = { chains: new Map(), sets: new Map() };
  for (const object of objects) {
    if ('table' in object) {
      table.isDormant = isDormant(object);
    } else if ('chain' in object) {
      const chain = read('chain', chainSchema, object);
      table.chains.set(chain.name, new Chain(hookOf(chain)));
    } else if ('set' in object) {
      const set = read('set', setSchema, object);
      const elements = new Set((set.elem ?? []).map((element) => elementKey(elementValue(element))));
      table.sets.set(set.name, { text: setText(set.type, set.stmt, set.flags), elements });
    }
  }
  for (const object of objects) {
    if (!('rule' in object)) continue;
    const rule = read('rule', ruleSchema, object);
    table.chains.get(rule.chain)?.append(toRule(rule, rule.handle));
  }
  return table;
}

/** By the object of the table itself (nft(8), flags of tables). */
export function isDormant(object: NftObject): boolean {
  return [flaggedSchema.safeParse(object['table']).data?.flags ?? []].flat().includes('dormant');
}

function read<T extends z.ZodType>(kind: string, schema: T, object: NftObject): z.infer<T> {
  const parsed = schema.safeParse(object[kind]);
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues[0]?.path.join('.');
  throw new ProtectNetworkError('garbled', `nft listed a ${kind} that cannot be read: ${wrong}`, {
    cause: parsed.error,
  });
}

/** An element with a counter is listed as `{"elem": {"val": …, "counter": …}}`, one without as its bare value. */
export function elementValue(element: unknown): unknown {
  const counted = countedElementSchema.safeParse(element);
  return counted.success ? counted.data.elem.val : element;
}
