/** One command of nft's JSON on a ruleset that the caller throws away when any command fails. */
import type { NftJson, NftObject } from '../../src/host/nft-command.ts';
import type { NftRemoval } from '../../src/host/port.ts';
import { elementKey as keyOf } from '../../src/nft/ruleset.ts';
import { addElements, deleteElements } from './nft-elements.ts';
import type { BaseChain, FakeChain, FakeSet, FakeTable, Json, Ruleset } from './nft-state.ts';
import { isJson, isJumpedTo, isLookedUp } from './nft-state.ts';
import { acceptStatements, object, text } from './nft-statements.ts';
import { refused } from './refuse.ts';

type Author = { readonly foreign: boolean };
type Action = (ruleset: Ruleset, body: Json, author: Author) => number | undefined;

/** Of a set: nft lists a limit as it was given. */
const knownStatement = /^\[\{"(counter":null|ct count":\{[^{}]*\}|limit":\{[^{}]*\})\}\]$/;
const inTable = ['family', 'table', 'name'] as const;
const chainTypes = new Set(['filter', 'nat', 'route']);
const hooks = new Set(['prerouting', 'input', 'forward', 'output', 'postrouting', 'ingress']);
const setTypes = new Set(['ifname', 'ipv4_addr', 'ipv6_addr', 'mark', 'inet_proto', 'inet_service']);

/** Keyed by verb and kind; each returns the handle that nft echoes, if it does. */
const actions: Readonly<Record<string, Action>> = {
  'add table': (ruleset, body) => addTable(ruleset, body, false),
  'create table': (ruleset, body) => addTable(ruleset, body, true),
  'add chain': (ruleset, body) => addChain(tableOf(ruleset, body), body, false),
  'create chain': (ruleset, body) => addChain(tableOf(ruleset, body), body, true),
  'add set': (ruleset, body) => addSet(tableOf(ruleset, body), body, false),
  'create set': (ruleset, body) => addSet(tableOf(ruleset, body), body, true),
  'add element': (ruleset, body) => changeElements(ruleset, body, (set) => addElements(set, body['elem'], false)),
  'create element': (ruleset, body) => changeElements(ruleset, body, (set) => addElements(set, body['elem'], true)),
  'delete element': (ruleset, body) => changeElements(ruleset, body, (set) => deleteElements(set, body['elem'])),
  'add rule': addRule,
  'insert rule': insertRule,
  'delete rule': deleteRule,
  'delete table': (ruleset, body) => {
    const { family, name } = tableOf(ruleset, { ...object(body, ['family', 'name']), table: body['name'] });
    ruleset.tables.delete(`${family} ${name}`);
    return undefined;
  },
  'delete chain': (ruleset, body) => {
    const [table, name] = inside(ruleset, body, 'chains');
    if (isJumpedTo(table, name)) throw refused(`Could not process rule: Device or resource busy: chain ${name}`);
    table.chains.delete(name);
    return undefined;
  },
  'delete set': (ruleset, body) => {
    const [table, name] = inside(ruleset, body, 'sets');
    if (isLookedUp(table, name)) throw refused(`Could not process rule: Device or resource busy: set ${name}`);
    table.sets.delete(name);
    return undefined;
  },
  'flush table': (ruleset, body) => {
    const table = tableOf(ruleset, { ...object(body, ['family', 'name']), table: body['name'] });
    for (const chain of table.chains.values()) chain.rules = [];
    return undefined;
  },
  'flush chain': (ruleset, body) => {
    const [table, name] = inside(ruleset, body, 'chains');
    chainOf(table, name).rules = [];
    return undefined;
  },
  'flush set': (ruleset, body) => {
    const [table, name] = inside(ruleset, body, 'sets');
    table.sets.get(name)?.elements.clear();
    return undefined;
  },
};

/** Applies the command and returns what nft echoes of it: the object of an add or insert, with its handle. */
export function applyCommand(ruleset: Ruleset, command: NftJson, author: Author): NftObject | undefined {
  const [verb, content] = onlyEntry(command);
  if (author.foreign && verb === 'flush' && isJson(content) && 'ruleset' in content) {
    ruleset.tables.clear();
    return undefined;
  }
  const [kind, body] = onlyEntry(content);
  const action = actions[`${verb} ${kind}`];
  if (action === undefined) throw refused(`Unknown object passed to ${verb} command: ${kind}`);
  if (!isJson(body)) throw refused(`${verb} ${kind} without a body: ${text(body)}`);
  const handle = action(ruleset, body, author);
  if (verb !== 'add' && verb !== 'insert') return undefined;
  return { [kind]: { ...body, ...(handle === undefined ? {} : { handle }) } };
}

/** `family name` of the table that a command touches. */
export function touchedTable(command: NftJson): string {
  const [, content] = onlyEntry(command);
  const [kind, body] = onlyEntry(content);
  return isJson(body) ? `${body['family']} ${kind === 'table' ? body['name'] : body['table']}` : '';
}

/** What the kernel tells one by one, where nothing else is done: elements and rules that are deleted. */
export function removalsIn(commands: readonly NftJson[]): NftRemoval[] | undefined {
  const removals: NftRemoval[] = [];
  for (const command of commands) {
    const [verb, content] = onlyEntry(command);
    const [kind, body] = onlyEntry(content);
    if (verb !== 'delete' || !isJson(body)) return undefined;
    const table = `${body['family']} ${body['table']}`;
    if (kind === 'rule' && typeof body['handle'] === 'number') {
      removals.push({ kind, table, chain: String(body['chain']), handle: body['handle'] });
    } else if (kind === 'element') {
      const values = [body['elem']].flat();
      removals.push(
        ...values.map((value) => ({ kind, table, set: String(body['name']), key: () => keyOf(value) }) as const),
      );
    } else return undefined;
  }
  return removals;
}

function addTable(ruleset: Ruleset, body: Json, mustBeNew: boolean): number {
  const { family, name } = object(body, ['family', 'name']);
  if (!['ip', 'ip6', 'inet', 'netdev'].includes(String(family))) throw refused(`Unknown family '${text(family)}'.`);
  const there = ruleset.tables.get(`${family} ${name}`);
  if (there !== undefined && mustBeNew) throw refused(`Could not process rule: File exists: table ${name}`);
  if (there !== undefined) return there.handle;
  ruleset.lastTableHandle += 1;
  const handle = ruleset.lastTableHandle;
  const fresh = { lastHandle: 0, sets: new Map(), chains: new Map(), others: [] };
  ruleset.tables.set(`${family} ${name}`, { family: String(family), name: String(name), handle, ...fresh });
  return handle;
}

function addChain(table: FakeTable, body: Json, mustBeNew: boolean): number {
  const { name } = object(body, [...inTable, 'type?', 'hook?', 'dev?', 'prio?', 'policy?']);
  const there = table.chains.get(String(name));
  const base = parseBase(body, there?.base?.policy ?? 'accept');
  const { dev } = body;
  if ((base !== undefined && table.family === 'netdev') !== (dev !== undefined))
    throw refused(`a base chain of netdev, and no other, has a device: ${text(body)}`);
  if (there === undefined) {
    const handle = nextHandle(table);
    table.chains.set(String(name), { handle, base, rest: dev === undefined ? {} : { dev }, rules: [] });
    return handle;
  }
  if (mustBeNew) throw refused(`Could not process rule: File exists: chain ${name}`);
  if (base !== undefined) updateBase(there, base);
  return there.handle;
}

/** `kept`: the policy where the command names none. */
function parseBase(body: Json, kept: string): BaseChain | undefined {
  if (['type', 'hook', 'prio', 'policy'].every((key) => body[key] === undefined)) return undefined;
  const { type, hook, prio, policy = kept } = body;
  if (!chainTypes.has(String(type)) || !hooks.has(String(hook)))
    throw refused(`Invalid chain type or hook: ${text(body)}`);
  if (!Number.isInteger(prio)) throw refused(`a priority is a number here: ${text(prio)}`);
  if (type === 'nat' && Number(prio) <= -200) throw refused('Operation not supported: nat before conntrack');
  if (policy !== 'accept' && policy !== 'drop') throw refused(`Unknown policy: ${text(policy)}`);
  return { type: String(type), hook: String(hook), prio: Number(prio), policy };
}

/** Of an existing chain only the policy can change. */
function updateBase(chain: FakeChain, base: BaseChain): void {
  const { type, hook, prio } = chain.base ?? {};
  if (type !== base.type || hook !== base.hook || prio !== base.prio || chain.base === undefined) {
    throw refused('Could not process rule: Operation not supported');
  }
  chain.base.policy = base.policy;
}

function addSet(table: FakeTable, body: Json, mustBeNew: boolean): number {
  const {
    family: _f,
    table: _t,
    name,
    type,
    elem,
    ...rest
  } = object(body, [...inTable, ...['type', 'stmt?', 'flags?', 'comment?', 'size?', 'timeout?', 'elem?']]);
  if ([type].flat().some((part) => !setTypes.has(String(part)))) throw refused(`Unknown datatype: ${text(type)}`);
  if (rest['stmt'] !== undefined && !knownStatement.test(text(rest['stmt']))) {
    throw refused(`the only statements known in a set are a counter and limits: ${text(rest['stmt'])}`);
  }
  if ([rest['flags'] ?? []].flat().includes('dynamic')) throw refused('Invalid set flag at index 0.');
  const there = table.sets.get(String(name));
  if (there !== undefined && (mustBeNew || text(there.type) !== text(type))) {
    throw refused(`Could not process rule: File exists: set ${name}`);
  }
  const settype = type as FakeSet['type'];
  const counted = text(rest['stmt']) === '[{"counter":null}]';
  const set = there ?? { handle: nextHandle(table), type: settype, counted, rest, elements: new Map() };
  table.sets.set(String(name), set);
  if (elem !== undefined) addElements(set, elem, false);
  return set.handle;
}

function changeElements(ruleset: Ruleset, body: Json, change: (set: FakeSet) => void): undefined {
  const { name } = object(body, [...inTable, 'elem']);
  const set = tableOf(ruleset, body).sets.get(String(name));
  if (set === undefined) throw refused(`No such file or directory: set ${name}`);
  change(set);
  return undefined;
}

/** nft 1.0.6 ignores `handle` on add in JSON and appends: whoever gives one expects something else, so it is refused. */
function addRule(ruleset: Ruleset, body: Json, author: Author): number {
  const keys = ['family', 'table', 'chain', 'expr', 'comment?', ...(author.foreign ? ['handle?'] : [])];
  const chain = chainOf(tableOf(ruleset, body), object(body, keys)['chain']);
  const at = body['handle'] === undefined ? chain.rules.length : positionOf(chain, body['handle']) + 1;
  return placeRule(ruleset, body, author, at);
}

function insertRule(ruleset: Ruleset, body: Json, author: Author): number {
  const keys = ['family', 'table', 'chain', 'expr', 'comment?', 'handle?'];
  const chain = chainOf(tableOf(ruleset, body), object(body, keys)['chain']);
  return placeRule(ruleset, body, author, body['handle'] === undefined ? 0 : positionOf(chain, body['handle']));
}

function placeRule(ruleset: Ruleset, body: Json, { foreign }: Author, at: number): number {
  const table = tableOf(ruleset, body);
  const name = String(body['chain']);
  const expr = acceptStatements(body['expr'], { table, chain: name, foreign });
  const comment = body['comment'];
  const handle = nextHandle(table);
  const rule = { handle, ...(comment === undefined ? {} : { comment: String(comment) }), expr };
  chainOf(table, name).rules.splice(at, 0, rule);
  return handle;
}

function deleteRule(ruleset: Ruleset, body: Json): undefined {
  const { chain: name, handle } = object(body, ['family', 'table', 'chain', 'handle']);
  const chain = chainOf(tableOf(ruleset, body), name);
  chain.rules.splice(positionOf(chain, handle), 1);
  return undefined;
}

function positionOf(chain: FakeChain, handle: unknown): number {
  const position = chain.rules.findIndex((rule) => rule.handle === handle);
  if (position < 0) throw refused(`Could not process rule: No such file or directory: rule handle ${text(handle)}`);
  return position;
}

/** Sets, chains and rules of a table share one sequence of handles. */
function nextHandle(table: FakeTable): number {
  table.lastHandle += 1;
  return table.lastHandle;
}

function tableOf(ruleset: Ruleset, body: Json): FakeTable {
  const table = ruleset.tables.get(`${body['family']} ${body['table']}`);
  if (table === undefined) throw refused(`No such file or directory: table ${body['family']} ${body['table']}`);
  return table;
}

function chainOf(table: FakeTable, name: unknown): FakeChain {
  const chain = table.chains.get(String(name));
  if (chain === undefined) throw refused(`No such file or directory: chain ${name}`);
  return chain;
}

/** The table and the name of an object that exists in it. */
function inside(ruleset: Ruleset, body: Json, kind: 'chains' | 'sets'): [FakeTable, string] {
  const { name } = object(body, inTable);
  const table = tableOf(ruleset, body);
  if (!table[kind].has(String(name))) throw refused(`No such file or directory: ${kind} of ${table.name}: ${name}`);
  return [table, String(name)];
}

function onlyEntry(value: unknown): [string, unknown] {
  const entries = isJson(value) ? Object.entries(value) : [];
  const [entry] = entries;
  if (entry === undefined || entries.length > 1) throw refused(`expected an object with one key: ${text(value)}`);
  return entry;
}
