/** The ruleset as text in nft's words, without handles and counts. Unknown parts appear as their JSON. */
import type { FakeChain, FakeElement, FakeRule, FakeSet, FakeTable, Json, Ruleset } from './nft-state.ts';
import { isJson } from './nft-state.ts';

/** Tables, sets, chains and elements sorted, rules in their order. */
export function renderRuleset({ tables }: Ruleset): string[] {
  return [...tables.values()]
    .map(renderTable)
    .sort((a, b) => (headOf(a) < headOf(b) ? -1 : 1))
    .flat();
}

function renderTable(table: FakeTable): string[] {
  const others = table.others.map((object) => JSON.stringify(object));
  const sets = sorted(table.sets).flatMap(([name, set]) => renderSet(name, set));
  const chains = sorted(table.chains).flatMap(([name, chain]) => renderChain(name, chain));
  return [`table ${table.family} ${table.name}`, ...indent([...others.sort(), ...sets, ...chains])];
}

function renderSet(name: string, set: FakeSet): string[] {
  const { stmt: _stmt, ...rest } = set.rest;
  const head = `set ${name} ${[set.type].flat().join(' . ')}${set.counted ? ' counter' : ''}${restOf(rest)}`;
  return [head, ...indent([...set.elements.values()].map(renderElement).sort())];
}

function renderElement({ value, comment }: FakeElement): string {
  const parts = isJson(value) && Array.isArray(value['concat']) ? value['concat'] : [value];
  return parts.map(plain).join(' . ') + commentOf(comment);
}

function renderChain(name: string, { base, rest, rules }: FakeChain): string[] {
  const hook = base ? ` ${base.type} hook ${base.hook} priority ${base.prio} policy ${base.policy}` : '';
  return [`chain ${name}${hook}${restOf(rest)}`, ...indent(rules.map(renderRule))];
}

function renderRule({ expr, comment }: FakeRule): string {
  return expr.map(renderStatement).join(' ') + commentOf(comment);
}

function renderStatement(statement: unknown): string {
  if (!isJson(statement)) return JSON.stringify(statement);
  const [[name, body] = ['', undefined]] = Object.entries(statement);
  if (name === 'counter') return 'counter';
  if (body === null) return name;
  if (!isJson(body)) return JSON.stringify(statement);
  if (name === 'jump' || name === 'goto') return `${name} ${body['target']}`;
  if (name === 'mangle') return `${expression(body['key'])} set ${expression(body['value'])}`;
  if (name === 'match') return renderMatch(body);
  return JSON.stringify(statement);
}

function renderMatch({ op, left, right }: Json): string {
  const isPlain = op === 'in' || (op === '==' && !(isJson(left) && '&' in left));
  const operator = isPlain ? '' : `${op} `;
  const value = Array.isArray(right) ? right.map(expression).join(',') : expression(right);
  return `${expression(left)} ${operator}${value}`;
}

function expression(value: unknown): string {
  if (!isJson(value)) return quoted(value);
  const [[name, body] = ['', undefined]] = Object.entries(value);
  if (Array.isArray(body)) return list(name, body);
  if (!isJson(body)) return JSON.stringify(value);
  if (name === 'meta')
    return /^(mark|l4proto|nfproto|protocol)$/.test(String(body['key'])) ? `meta ${body['key']}` : `${body['key']}`;
  if (name === 'payload' && 'base' in body) return `@${body['base']},${body['offset']},${body['len']}`;
  if (name === 'payload') return `${body['protocol']} ${body['field']}`;
  if (name === 'ct') return `ct ${[body['dir'], body['key']].filter(Boolean).join(' ')}`;
  if (name === 'fib') return `fib ${[body['flags']].flat().join(' . ')} ${body['result']}`;
  if (name === 'prefix') return `${plain(body['addr'])}/${body['len']}`;
  return JSON.stringify(value);
}

function list(name: string, parts: readonly unknown[]): string {
  if (name === 'concat') return parts.map(expression).join(' . ');
  if (name === 'set') return `{ ${parts.map(expression).join(', ')} }`;
  if (name === 'range') return parts.map(expression).join('-');
  return parts.map(expression).join(` ${name} `);
}

/** Marks are numbers of bits, so numbers above a port's are shown in hexadecimal. */
function quoted(value: unknown): string {
  if (typeof value === 'number') return value > 0xffff ? `0x${value.toString(16)}` : String(value);
  if (typeof value === 'string') return /[*"\s]|^vif/.test(value) ? `"${value}"` : value;
  return JSON.stringify(value);
}

function plain(value: unknown): string {
  return typeof value === 'string' ? value : expression(value);
}

function commentOf(comment: string | undefined): string {
  return comment === undefined ? '' : ` comment "${comment}"`;
}

function restOf(rest: Json): string {
  return Object.keys(rest).length === 0 ? '' : ` ${JSON.stringify(rest)}`;
}

function headOf(lines: readonly string[]): string {
  return lines[0] ?? '';
}

function sorted<Value>(map: ReadonlyMap<string, Value>): [string, Value][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
