/** Our commands in nft's own language, for plans and logs. Only expressions that `expressions.ts` builds, and JSON for the rest. */
import type { NftCommand } from '../host/port.ts';

type Fields = Readonly<Record<string, unknown>>;

/** E.g. `add rule ip filter EDERA-FORWARD oifname "vif7.0" counter accept`. */
export function describeCommand(command: NftCommand): string {
  const [[verb, object] = ['', {}]] = Object.entries(command);
  const [[kind, value] = ['', {}]] = Object.entries(object) as [string, Fields][];
  const place = `${String(value['family'])} ${String(kind === 'table' ? value['name'] : value['table'])}`;
  switch (kind) {
    case 'table':
      return `${verb} table ${place}`;
    case 'chain':
      return `${verb} chain ${place} ${String(value['name'])}${describeHook(value)}`;
    case 'set':
      return `${verb} set ${place} ${String(value['name'])}${verb === 'add' ? describeSetType(value) : ''}`;
    case 'element':
      return `${verb} element ${place} ${String(value['name'])} { ${listOf(value['elem']).map(describeElement).join(', ')} }`;
    case 'rule':
      return describeRule(verb, place, value);
    default:
      return JSON.stringify(command);
  }
}

function describeSetType(value: Fields): string {
  const counter = value['stmt'] === undefined ? '' : ' counter;';
  const { size, timeout } = value;
  const filled =
    timeout === undefined ? '' : ` size ${String(size)}; flags dynamic,timeout; timeout ${String(timeout)}s;`;
  return ` { type ${concat(value['type'], ' . ')};${counter}${filled} }`;
}

function describeHook(value: Fields): string {
  if (value['hook'] === undefined) return '';
  const { type, hook, prio, policy } = value;
  return ` { type ${String(type)} hook ${String(hook)} priority ${String(prio)}; ${policy === undefined ? '' : `policy ${String(policy)}; `}}`;
}

function describeRule(verb: string, place: string, value: Fields): string {
  const chain = `${place} ${String(value['chain'])}`;
  const handle = value['handle'] === undefined ? '' : ` handle ${String(value['handle'])}`;
  if (verb === 'delete') return `delete rule ${chain}${handle}`;
  return `${verb} rule ${chain}${handle} ${listOf(value['expr']).map(describeExpression).join(' ')}`;
}

function describeExpression(expression: unknown): string {
  const [[kind, value] = ['', null]] = Object.entries(expression as Fields);
  switch (kind) {
    case 'match':
      return describeMatch(value as Fields);
    case 'jump':
      return `jump ${String((value as Fields)['target'])}`;
    case 'counter':
      return 'counter';
    case 'set':
      return describeUpdate(value as Fields);
    case 'limit':
      return describeLimit(value as Fields);
    case 'mangle':
      return `${operand((value as Fields)['key'])} set ${operand((value as Fields)['value'])}`;
    default:
      return value === null ? kind : JSON.stringify(expression);
  }
}

/** `update @rates { iifname limit rate 10/second burst 30 packets }` */
function describeUpdate({ op, elem, set, stmt }: Fields): string {
  return `${String(op)} ${String(set)} { ${operand(elem)} ${listOf(stmt).map(describeExpression).join(' ')} }`;
}

function describeLimit({ rate, per, burst }: Fields): string {
  return `limit rate ${String(rate)}/${String(per)} burst ${String(burst)} packets`;
}

function describeMatch({ op, left, right }: Fields): string {
  if (right === false) return `${operand(left)} missing`;
  // nft lets `==` go unsaid, but not behind a computed left side.
  const isSilent = op === 'in' || (op === '==' && !('&' in (left as Fields)));
  const operator = isSilent ? ' ' : ` ${String(op)} `;
  const named = typeof right === 'string' && !right.startsWith('@') && isInterface(left);
  return `${operand(left)}${operator}${named ? `"${right}"` : operand(right)}`;
}

function isInterface(left: unknown): boolean {
  const key = ((left as Fields)['meta'] as Fields | undefined)?.['key'];
  return key === 'iifname' || key === 'oifname';
}

function operand(value: unknown): string {
  if (typeof value === 'number') return `0x${value.toString(16)}`;
  if (Array.isArray(value)) return value.map(operand).join(',');
  if (typeof value !== 'object' || value === null) return String(value);
  const [[kind, inner] = ['', null]] = Object.entries(value as Fields);
  if (kind === 'meta' || kind === 'ct') return describeKey(kind, inner as Fields);
  if (kind === 'payload') return `${String((inner as Fields)['protocol'])} ${String((inner as Fields)['field'])}`;
  if (kind === 'fib') return `fib ${concat((inner as Fields)['flags'], ' . ')} ${String((inner as Fields)['result'])}`;
  if (kind === 'concat') return listOf(inner).map(operand).join(' . ');
  if (kind === 'prefix') return `${String((inner as Fields)['addr'])}/${String((inner as Fields)['len'])}`;
  if (kind === 'set') return `{ ${listOf(inner).map(operand).join(', ')} }`;
  if (kind === '&' || kind === '|') return listOf(inner).map(operand).join(` ${kind} `);
  return JSON.stringify(value);
}

/** `iifname`, `meta mark`, `ct state`, `ct original ip saddr`. */
function describeKey(kind: 'meta' | 'ct', { key, dir }: Fields): string {
  const name = dir === undefined ? String(key) : `${String(dir)} ${String(key)}`;
  return kind === 'meta' && name.endsWith('name') ? name : `${kind} ${name}`;
}

function describeElement(element: unknown): string {
  const parts = (element as Fields)['concat'];
  return Array.isArray(parts) ? concat(parts, ' . ') : String(element);
}

function concat(value: unknown, separator: string): string {
  return Array.isArray(value) ? value.join(separator) : String(value);
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
