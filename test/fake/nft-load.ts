/** Takes over a listing of nft, foreign contents and all. */
import type { NftObject } from '../../src/host/port.ts';
import type { FakeChain, FakeElement, FakeSet, FakeTable, Json, Ruleset } from './nft-state.ts';
import { isJson } from './nft-state.ts';

/** The ruleset with the objects in it; handles are kept where the objects have them. Throws on what has no place. */
export function loadObjects(ruleset: Ruleset, objects: readonly NftObject[]): Ruleset {
  for (const object of structuredClone(objects)) {
    const [[kind, body] = ['', undefined]] = Object.entries(object);
    if (kind === 'metainfo') continue;
    if (!isJson(body)) throw new Error(`not an object of a listing: ${JSON.stringify(object)}`);
    if (kind === 'table') loadTable(ruleset, body);
    else loadInto(tableOf(ruleset, body), kind, body, object);
  }
  return ruleset;
}

function loadTable(ruleset: Ruleset, body: Json): void {
  const [family, name] = [String(body['family']), String(body['name'])];
  if (ruleset.tables.has(`${family} ${name}`)) throw new Error(`table ${family} ${name} exists`);
  ruleset.lastTableHandle = Math.max(ruleset.lastTableHandle + 1, Number(body['handle'] ?? 0));
  const handle = Number(body['handle'] ?? ruleset.lastTableHandle);
  const fresh = { lastHandle: 0, sets: new Map(), chains: new Map(), others: [] };
  ruleset.tables.set(`${family} ${name}`, { family, name, handle, ...fresh });
}

function loadInto(table: FakeTable, kind: string, body: Json, object: NftObject): void {
  const handle = Number(body['handle'] ?? table.lastHandle + 1);
  table.lastHandle = Math.max(table.lastHandle, handle);
  const name = String(body['name']);
  if (kind === 'chain') table.chains.set(name, toChain(body, handle));
  else if (kind === 'set') table.sets.set(name, toSet(body, handle));
  else if (kind === 'rule') loadRule(table, body, handle);
  else table.others.push(object);
}

function toChain(body: Json, handle: number): FakeChain {
  const { family: _f, table: _t, name: _n, handle: _h, type, hook, prio, policy, ...rest } = body;
  const base = { type: String(type), hook: String(hook), prio: Number(prio), policy: String(policy ?? 'accept') };
  return { handle, base: hook === undefined ? undefined : base, rest, rules: [] };
}

function loadRule(table: FakeTable, body: Json, handle: number): void {
  const chain = table.chains.get(String(body['chain']));
  if (chain === undefined) throw new Error(`rule in a chain that was not loaded: ${body['chain']}`);
  const comment = body['comment'];
  const expr = Array.isArray(body['expr']) ? body['expr'] : [];
  chain.rules.push({ handle, ...(comment === undefined ? {} : { comment: String(comment) }), expr });
}

function toSet(body: Json, handle: number): FakeSet {
  const { family: _f, table: _t, name: _n, handle: _h, type, elem, ...rest } = body;
  const elements = (Array.isArray(elem) ? elem : []).map(toElement);
  return {
    handle,
    type: type as FakeSet['type'],
    counted: JSON.stringify(rest['stmt'] ?? '').includes('counter'),
    rest,
    elements: new Map(elements.map((element) => [JSON.stringify(element.value), element])),
  };
}

function toElement(element: unknown): FakeElement {
  const parts = isJson(element) && isJson(element['elem']) ? element['elem'] : { val: element };
  const { packets = 0, bytes = 0 } = isJson(parts['counter']) ? parts['counter'] : {};
  const counter = 'counter' in parts ? { packets: Number(packets), bytes: Number(bytes) } : undefined;
  return { value: parts['val'], comment: parts['comment'] as string | undefined, counter };
}

function tableOf(ruleset: Ruleset, body: Json): FakeTable {
  const table = ruleset.tables.get(`${body['family']} ${body['table']}`);
  if (table === undefined) throw new Error(`object of a table that was not loaded: ${JSON.stringify(body)}`);
  return table;
}
