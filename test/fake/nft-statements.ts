/**
 * What a rule may hold, and what the kernel gives back for it. Stricter than nft 1.0.6, which ignores unknown keys in
 * silence: here every key must be known.
 */
import { familyOf, parseAddress } from '../../src/model/address.ts';
import type { FakeTable, Json } from './nft-state.ts';
import { holds, isJson } from './nft-state.ts';
import { refused } from './refuse.ts';

export interface RulePlace {
  readonly table: FakeTable;
  readonly chain: string;
  /** Somebody else's rules may hold iptables' own statements. */
  readonly foreign: boolean;
}

const operators = new Set(['==', '!=', '<', '>', '<=', '>=', 'in']);
const terminal = new Set(['accept', 'drop', 'return', 'jump', 'goto', 'reject', 'masquerade', 'snat', 'dnat']);
/** Bits of `ct state`, the order in which nft prints them (include/uapi/linux/netfilter/nf_conntrack_common.h). */
const ctStates = ['invalid', 'established', 'related', 'new', 'untracked'];
/** IFNAMSIZ less its NUL. */
const maxNameLength = 15;

/** The keys each expression has; a key with `?` may be missing. */
const expressionKeys: Readonly<Record<string, readonly string[]>> = {
  meta: ['key'],
  payload: ['protocol', 'field'],
  ct: ['key', 'family?', 'dir?'],
  fib: ['result', 'flags'],
  exthdr: ['name'],
  prefix: ['addr', 'len'],
};
const rawPayloadKeys = ['base', 'offset', 'len'];
const listExpressions = new Set(['concat', 'set', 'range', '&', '|', '^', '<<', '>>']);

/** The statements as the kernel would list them; throws `refused` for what nft refuses or this kernel does not know. */
export function acceptStatements(expr: unknown, place: RulePlace): Json[] {
  if (!Array.isArray(expr) || expr.length === 0) throw refused('rule without statements');
  const statements = expr.map((statement: unknown) => acceptStatement(statement, place));
  const end = statements.findIndex((statement) => Object.keys(statement).some((name) => terminal.has(name)));
  if (end >= 0 && end < statements.length - 1) throw refused('Statement after terminal statement has no effect');
  return statements.filter((statement, index) => !isImplied(statement, statements.slice(index + 1)));
}

function acceptStatement(statement: unknown, place: RulePlace): Json {
  if (!isJson(statement) || Object.keys(statement).length !== 1) throw refused(`not a statement: ${text(statement)}`);
  const [[name, body] = ['', undefined]] = Object.entries(statement);
  switch (name) {
    case 'match':
      return { match: acceptMatch(object(body, ['op', 'left', 'right']), place) };
    case 'counter':
      // Values are ignored on add: a counter always starts at 0.
      if (body !== null) object(body, ['packets', 'bytes']);
      return { counter: { packets: 0, bytes: 0 } };
    case 'accept':
    case 'drop':
    case 'return':
    case 'continue':
      if (body !== null) throw refused(`"${name}" takes nothing: ${text(body)}`);
      return { [name]: null };
    case 'jump':
    case 'goto':
      return { [name]: acceptJump(object(body, ['target']), place) };
    case 'mangle': {
      const { key, value } = object(body, ['key', 'value']);
      return { mangle: { key: acceptExpression(key, place), value: acceptExpression(value, place) } };
    }
    case 'masquerade':
      return { masquerade: acceptMasquerade(body, place) };
    case 'snat':
      return { snat: acceptSourceNat(object(body, ['family', 'addr']), place) };
    case 'dnat':
      return { dnat: acceptDestinationNat(object(body, ['family', 'addr', 'port']), place) };
    case 'reject':
      return { reject: acceptReject(body, place) };
    case 'log':
      return { log: body === null ? null : object(body, ['prefix?', 'level?', 'group?']) };
    case 'limit':
      return { limit: { burst: 5, ...object(body, ['rate', 'per', 'burst?', 'inv?']) } };
    case 'set':
      return { set: acceptSetStatement(object(body, ['op', 'elem', 'set', 'stmt?']), place) };
    case 'xt':
      if (place.foreign) return { xt: body };
  }
  throw refused(`Unknown statement object '${name}'.`);
}

function acceptMatch(match: Json, place: RulePlace): Json {
  const op = match['op'];
  if (typeof op !== 'string' || !operators.has(op)) throw refused(`Unknown relational op '${text(op)}'.`);
  const left = acceptExpression(match['left'], place);
  const right = acceptRight(left, match['right'], place);
  if (place.table.family !== 'inet' && holds(left, (part) => isJson(part) && part['key'] === 'nfproto')) {
    throw refused('meta nfproto is only useful in the inet family');
  }
  return { op, left, right };
}

function acceptRight(left: unknown, right: unknown, place: RulePlace): unknown {
  if (typeof right === 'string' && right.startsWith('@')) return acceptLookup(left, right, place);
  if (Array.isArray(right)) {
    if (!holds(left, (part) => isJson(part) && 'ct' in part)) throw refused(`a bare list is for ct: ${text(right)}`);
    return right.toSorted((a, b) => ctStates.indexOf(String(a)) - ctStates.indexOf(String(b)));
  }
  if (isJson(right) && Object.keys(right).some((key) => key === 'meta' || key === 'payload' || key === '&')) {
    throw refused(`Expression ${text(right)} not allowed in context (RHS).`);
  }
  // `fib … missing`
  if (right === false && isJson(left) && 'fib' in left) return right;
  // `exthdr frag exists`
  if (right === true && isJson(left) && 'exthdr' in left) return right;
  return spell(left, acceptExpression(right, place));
}

/** Elements that packets make: the set must take them for a while only, or it would fill for good. */
function acceptSetStatement(body: Json, place: RulePlace): Json {
  const elem = acceptExpression(body['elem'], place);
  const set = acceptLookup(elem, String(body['set']), place);
  const { flags } = place.table.sets.get(set.slice(1))?.rest ?? {};
  if (![flags].flat().includes('timeout')) throw refused(`Operation not supported: ${set} has no timeout`);
  const stmt = Array.isArray(body['stmt']) ? { stmt: body['stmt'].map((part) => acceptStatement(part, place)) } : {};
  return { op: body['op'], elem, set, ...stmt };
}

/** The set must exist in the same table and have as many parts as what is looked up. */
function acceptLookup(left: unknown, right: string, { table }: RulePlace): string {
  const set = table.sets.get(right.slice(1));
  if (set === undefined) throw refused(`No such file or directory; set ${right} in table ${table.name}`);
  const parts = isJson(left) && Array.isArray(left['concat']) ? left['concat'].length : 1;
  if (parts !== [set.type].flat().length) throw refused(`datatype mismatch, expected ${text(set.type)}`);
  return right;
}

/** Addresses in the kernel's spelling; a full-length prefix is an address. */
function spell(left: unknown, right: unknown): unknown {
  if (isJson(right) && Array.isArray(right['set'])) return { set: right['set'].map((part) => spell(left, part)) };
  const protocol = addressProtocol(left);
  if (protocol !== undefined) return spellAddress(protocol, right);
  if (typeof right === 'string' && right.length > maxNameLength && text(left).includes('ifname"')) {
    throw refused('String exceeds maximum length of 16');
  }
  return right;
}

function addressProtocol(left: unknown): string | undefined {
  const payload = isJson(left) && isJson(left['payload']) ? left['payload'] : {};
  return /^[sd]addr$/.test(String(payload['field'])) ? String(payload['protocol']) : undefined;
}

function spellAddress(protocol: string, value: unknown): unknown {
  if (isJson(value) && isJson(value['prefix'])) {
    const { addr, len } = value['prefix'];
    const address = spellAddress(protocol, addr);
    return len === (protocol === 'ip' ? 32 : 128) ? address : { prefix: { addr: address, len } };
  }
  if (typeof value !== 'string') return value;
  const address = parseAddress(value);
  if (address === undefined || (familyOf(address) === 'ipv4') !== (protocol === 'ip')) {
    throw refused(`Could not resolve hostname: ${value}`);
  }
  return address;
}

function acceptExpression(expression: unknown, place: RulePlace): unknown {
  if (typeof expression === 'string' || typeof expression === 'number') return expression;
  if (!isJson(expression) || Object.keys(expression).length !== 1) throw refused(`no expression: ${text(expression)}`);
  const [[name, body] = ['', undefined]] = Object.entries(expression);
  const keys = isJson(body) && name === 'payload' && 'base' in body ? rawPayloadKeys : expressionKeys[name];
  if (keys !== undefined) return { [name]: object(body, keys) };
  if (!listExpressions.has(name) || !Array.isArray(body)) throw refused(`Unknown expression type '${name}'.`);
  return { [name]: body.map((part: unknown) => acceptExpression(part, place)) };
}

function acceptJump(body: Json, { table }: RulePlace): Json {
  const target = table.chains.get(String(body['target']));
  if (target === undefined) throw refused(`No such file or directory; jump to chain ${text(body['target'])}`);
  if (target.base !== undefined) throw refused('Operation not supported: jump to a base chain');
  return body;
}

function acceptMasquerade(body: unknown, { table, chain }: RulePlace): unknown {
  const base = table.chains.get(chain)?.base;
  if (base !== undefined && (base.type !== 'nat' || base.hook !== 'postrouting')) {
    throw refused('Operation not supported: masquerade outside nat postrouting');
  }
  if (body === null) return null;
  const { flags } = object(body, ['flags']);
  return { flags: Array.isArray(flags) && flags.length === 1 ? flags[0] : flags };
}

function acceptSourceNat({ family, addr }: Json, { table, chain }: RulePlace): Json {
  const base = table.chains.get(chain)?.base;
  if (base !== undefined && base.type !== 'nat') throw refused('Operation not supported: snat outside a nat chain');
  if (family !== 'ip' && family !== 'ip6') throw refused(`no family of an address: ${text(family)}`);
  return { family, addr: spellAddress(family, addr) };
}

function acceptDestinationNat({ family, addr, port }: Json, { table, chain }: RulePlace): Json {
  const base = table.chains.get(chain)?.base;
  if (base !== undefined && (base.type !== 'nat' || !['prerouting', 'output'].includes(base.hook))) {
    throw refused('Operation not supported: dnat outside nat prerouting and output');
  }
  if (family !== 'ip' && family !== 'ip6') throw refused(`no family of an address: ${text(family)}`);
  return { family, addr: spellAddress(family, addr), port };
}

function acceptReject(body: unknown, { table }: RulePlace): Json {
  if (body !== null) return object(body, ['type', 'expr?']);
  const type = { ip: 'icmp', ip6: 'icmpv6' }[table.family] ?? 'icmpx';
  return { type, expr: 'port-unreachable' };
}

/** nft leaves out of its listings what a later payload match of the same rule implies. */
function isImplied(statement: Json, later: readonly Json[]): boolean {
  const { left, op, right } = isJson(statement['match']) ? statement['match'] : {};
  if (op !== '==' || !isJson(left) || !isJson(left['meta'])) return false;
  const key = left['meta']['key'];
  const implying =
    key === 'nfproto' ? { ipv4: 'ip', ipv6: 'ip6' }[String(right)] : key === 'l4proto' ? right : undefined;
  const payload = (part: unknown) =>
    isJson(part) &&
    isJson(part['payload']) &&
    [implying, l4Names[String(implying)]].includes(part['payload']['protocol']);
  return implying !== undefined && later.some((other) => isJson(other['match']) && holds(other['match'], payload));
}

const l4Names: Readonly<Record<string, string>> = { 'ipv6-icmp': 'icmpv6' };

/** The object, where it has all of `keys` (save those with `?`) and no other. */
export function object(value: unknown, keys: readonly string[]): Json {
  if (!isJson(value)) throw refused(`expected an object with ${keys.join(', ')}: ${text(value)}`);
  const known = new Set(keys.map((key) => key.replace('?', '')));
  for (const key of Object.keys(value)) if (!known.has(key)) throw refused(`unknown key "${key}" in ${text(value)}`);
  for (const key of keys) {
    if (!key.endsWith('?') && value[key] === undefined) throw refused(`Object item not found: ${key}`);
  }
  return value;
}

export function text(value: unknown): string {
  return JSON.stringify(value) ?? 'nothing';
}
