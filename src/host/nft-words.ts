/**
 * Statements of rules in nft's own language: those that we make, in libnftables-json(5)'s shapes. Every string is held to
 * what cannot mean anything but itself; everything else, also a field too many, is `Unspeakable`.
 */

export type Fields = Readonly<Record<string, unknown>>;

/** There are no words for it here: whoever wants it said says it in JSON. */
export class Unspeakable extends Error {}

const name = /^[A-Za-z][A-Za-z0-9-]*$/;
const address = /^(?:[0-9.]+|[0-9a-f]*:[0-9a-f:.]*)$/;
/** An address or a zone link: what else is an interface's name could be a word of nft's. */
const elementWord = /^(?:vif\d+\.\d+|[0-9.]+|[0-9a-f]*:[0-9a-f:.]*)$/;
/** Stands in quotes. */
const interfaceName = /^[A-Za-z0-9_.:-]{1,15}\*?$/;
/** Names of a protocol's fields, of their symbolic values, and of a connection's. */
const term = /^[a-z][a-z0-9-]*(?: saddr| daddr)?$/;

const bare = new Set(['accept', 'counter', 'drop', 'masquerade', 'return']);
const comparisons = ['==', '!=', '<', 'in'];

export function statement(value: unknown): string {
  const [kind, inner] = only(value);
  if (bare.has(kind) && inner === null) return kind;
  switch (kind) {
    case 'counter':
      // As listed: whoever says it again begins at zero.
      fields(inner, 'packets', 'bytes');
      return kind;
    case 'match':
      return match(fields(inner, 'op', 'left', 'right'));
    case 'jump':
      return `jump ${nameOf(fields(inner, 'target')['target'])}`;
    case 'set':
      return update(fields(inner, 'op', 'elem', 'set', 'stmt'));
    case 'limit':
      return limit(fields(inner, 'rate', 'per', 'burst'));
    case 'mangle':
      return mangle(fields(inner, 'key', 'value'));
    default:
      throw new Unspeakable(kind);
  }
}

/** `vif7.0 . 10.75.0.3` */
export function elementOf(value: unknown): string {
  const parts = typeof value === 'string' ? [value] : list(fields(value, 'concat')['concat']);
  return parts.map((part) => word(part, elementWord)).join(' . ');
}

export function nameOf(value: unknown): string {
  return word(value, name);
}

/** `ifname . ipv4_addr` */
export function typeOf(value: unknown): string {
  return [value]
    .flat()
    .map((part) => word(part, /^[a-z0-9_]+$/))
    .join(' . ');
}

export function integer(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw new Unspeakable('integer');
}

export function word(value: unknown, shape: RegExp): string {
  if (typeof value === 'string' && shape.test(value)) return value;
  throw new Unspeakable('word');
}

export function list(value: unknown): readonly unknown[] {
  if (Array.isArray(value) && value.length > 0) return value;
  throw new Unspeakable('list');
}

/** The object, which has no fields but these. */
export function fields(value: unknown, ...known: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Unspeakable('object');
  if (Object.keys(value).some((key) => !known.includes(key))) throw new Unspeakable('field');
  return value as Fields;
}

/** The object's only field. */
export function only(value: unknown): [kind: string, inner: unknown] {
  if (typeof value !== 'object' || value === null) throw new Unspeakable('object');
  const [entry, ...others] = Object.entries(value);
  if (entry === undefined || others.length > 0) throw new Unspeakable('kind');
  return entry;
}

function match({ op, left, right }: Fields): string {
  if (typeof op !== 'string' || !comparisons.includes(op)) throw new Unspeakable('comparison');
  if (right === false && op === '==') return `${fib(left)} missing`;
  const isMasked = typeof left === 'object' && left !== null && '&' in left;
  const isSilent = op === 'in' || (op === '==' && !isMasked);
  return `${leftSide(left)}${isSilent ? ' ' : ` ${op} `}${rightSide(right, left, op)}`;
}

function leftSide(value: unknown): string {
  const [kind, inner] = only(value);
  if (kind === 'concat') return list(inner).map(selector).join(' . ');
  return kind === '&' ? masked(kind, inner) : selector(value);
}

/** `iifname`, `meta mark`, `ip saddr`, `ct original ip saddr`. */
function selector(value: unknown): string {
  const [kind, inner] = only(value);
  if (kind === 'payload') {
    const { protocol, field } = fields(inner, 'protocol', 'field');
    return `${word(protocol, term)} ${word(field, term)}`;
  }
  if (kind !== 'meta' && kind !== 'ct') throw new Unspeakable(kind);
  const { key, dir } = fields(inner, 'key', 'dir');
  const side = dir === undefined ? '' : `${word(dir, /^(?:original|reply)$/)} `;
  const said = `${side}${word(key, term)}`;
  return kind === 'meta' && said.endsWith('name') ? said : `${kind} ${said}`;
}

function rightSide(value: unknown, left: unknown, op: string): string {
  if (typeof value === 'string' && value.startsWith('@')) return `@${nameOf(value.slice(1))}`;
  if (op === 'in')
    return list(value)
      .map((each) => word(each, term))
      .join(',');
  const [kind, inner] = typeof value === 'object' && value !== null ? only(value) : ['', undefined];
  if (kind === 'set')
    return `{ ${list(inner)
      .map((each) => constant(each, left))
      .join(', ')} }`;
  return constant(value, left);
}

function constant(value: unknown, left: unknown): string {
  if (typeof value === 'number') return '&' in fieldsOf(left) ? hex(value) : String(integer(value));
  if (typeof value === 'string') {
    if (isInterface(left)) return `"${word(value, interfaceName)}"`;
    return address.test(value) ? value : word(value, term);
  }
  const { addr, len } = fields(fields(value, 'prefix')['prefix'], 'addr', 'len');
  return `${word(addr, address)}/${integer(len)}`;
}

function isInterface(left: unknown): boolean {
  const key = (fieldsOf(left)['meta'] as Fields | undefined)?.['key'];
  return key === 'iifname' || key === 'oifname';
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

/** `meta mark & 0x10000000` */
function masked(operator: string, value: unknown): string {
  const [key, mask, ...others] = list(value);
  if (others.length > 0) throw new Unspeakable('operands');
  return `${selector(key)} ${operator} ${hex(mask)}`;
}

function hex(value: unknown): string {
  return `0x${integer(value).toString(16)}`;
}

function fib(value: unknown): string {
  const [kind, inner] = only(value);
  if (kind !== 'fib') throw new Unspeakable(kind);
  const { result, flags } = fields(inner, 'result', 'flags');
  return `fib ${list(flags)
    .map((flag) => word(flag, term))
    .join(' . ')} ${word(result, term)}`;
}

function mangle({ key, value }: Fields): string {
  if (typeof value === 'number') return `${selector(key)} set ${integer(value)}`;
  const [operator, operands] = only(value);
  if (operator !== '&' && operator !== '|') throw new Unspeakable(operator);
  return `${selector(key)} set ${masked(operator, operands)}`;
}

/** `update @rates { iifname limit rate 10/second burst 30 packets }` */
function update({ op, elem, set, stmt }: Fields): string {
  if (typeof set !== 'string' || !set.startsWith('@')) throw new Unspeakable('set');
  const stateful = stmt === undefined ? [] : list(stmt).map(statement);
  const element = [leftSide(elem), ...stateful].join(' ');
  return `${word(op, /^(?:add|update)$/)} @${nameOf(set.slice(1))} { ${element} }`;
}

function limit({ rate, per, burst }: Fields): string {
  return `limit rate ${integer(rate)}/${word(per, /^second$/)} burst ${integer(burst)} packets`;
}
