/** Reads what nftables holds in the five tables we have something in. Everything of others is kept as it came. */
import { z } from 'zod';
import type { Nft, NftFamily, NftObject } from '../host/port.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import { elementValue } from '../rules/lookup.ts';
import { isRecord } from '../rules/ruleset.ts';
import { filterTable, ingressTable, ownTable, reversePathTable } from './names.ts';
import { Chain, elementKey, hookOf, type Ruleset, setText, type Table, tableKey, toRule } from './ruleset.ts';

/** The tables to look at, whether they exist or not. */
const observedTables: readonly { family: NftFamily; name: string }[] = [
  ownTable,
  reversePathTable,
  ingressTable,
  { family: 'ip', name: filterTable },
  { family: 'ip6', name: filterTable },
];

/** The same as `family name`. */
export const observedKeys: ReadonlySet<string> = new Set(
  observedTables.map(({ family, name }) => tableKey(family, name)),
);

type Fields = Readonly<Record<string, unknown>>;

const flaggedSchema = z.object({ flags: z.union([z.string(), z.array(z.string())]).optional() });

/** Reads the tables named by `keys` and takes the others from `known`. */
export async function observeRuleset(
  nft: Pick<Nft, 'table' | 'rules'>,
  keys: ReadonlySet<string> = observedKeys,
  known: Ruleset = new Map(),
): Promise<Ruleset> {
  const ruleset: Ruleset = new Map([...known].filter(([key]) => !keys.has(key)));
  await Promise.all(
    observedTables.map(async ({ family, name }) => {
      const key = tableKey(family, name);
      // In tables of others only our chain and our jump are ours.
      const list = name === filterTable ? nft.rules : nft.table;
      const objects = keys.has(key) ? await list.call(nft, family, name) : undefined;
      if (objects !== undefined) ruleset.set(key, parseTable(objects));
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
      const chain = fieldsOf('chain', object);
      table.chains.set(requireText(chain['name'], 'chain', 'name'), new Chain(hookOf(chain)));
    } else if ('set' in object) {
      const { name, type, flags, elem = [] } = fieldsOf('set', object);
      const parts = [type].flat().map(String);
      table.sets.set(requireText(name, 'set', 'name'), {
        type: parts,
        text: setText(type, flags),
        elements: keysOf(elem),
      });
    }
  }
  for (const object of objects) {
    if (!('rule' in object)) continue;
    const rule = fieldsOf('rule', object);
    const { handle } = rule;
    if (typeof handle !== 'number' || !Number.isSafeInteger(handle)) throw garbled('rule', 'handle');
    table.chains.get(requireText(rule['chain'], 'rule', 'chain'))?.append(toRule(rule, handle));
  }
  return table;
}

function keysOf(elements: unknown): Set<string> {
  if (!Array.isArray(elements)) throw garbled('set', 'elem');
  return new Set(elements.map((element) => elementKey(elementValue(element))));
}

/** By the object of the table itself (nft(8), flags of tables). */
export function isDormant(object: NftObject): boolean {
  return [flaggedSchema.safeParse(object['table']).data?.flags ?? []].flat().includes('dormant');
}

/** What is listed by the thousand is checked by hand: a schema takes several times as long. */
function fieldsOf(kind: string, object: NftObject): Fields {
  const fields = object[kind];
  if (isRecord(fields)) return fields;
  throw garbled(kind, 'not an object');
}

function requireText(value: unknown, kind: string, field: string): string {
  if (typeof value === 'string') return value;
  throw garbled(kind, field);
}

function garbled(kind: string, wrong: string): ProtectNetworkError {
  return new ProtectNetworkError('garbled', `nft listed a ${kind} that cannot be read: ${wrong}`);
}
