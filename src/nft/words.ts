/** Commands in nft's own language, for people: what `plan` and the log print can be given to nft as it stands. Pure. */
import { acceptedLink, type NftCommand, type NftObject, type SetLayout } from '../host/nft-command.ts';

/** E.g. `add rule ip filter EDERA-FORWARD oifname "vif7.0" counter accept`. */
export function describeCommand(command: NftCommand): string {
  const [verb = '', object = ''] = command.kind.split('-');
  const place = `${command.family} ${command.table}`;
  switch (command.kind) {
    case 'add-table':
    case 'delete-table':
      return `${verb} table ${place}`;
    case 'add-chain':
    case 'flush-chain':
    case 'delete-chain':
      return `${verb} ${object} ${place} ${command.chain}${hookOf(command)}`;
    case 'add-rule':
      return `add rule ${place} ${command.chain} ${statements(command.expr)}`;
    case 'accept-link':
      return `add rule ${place} ${command.chain} ${statements(acceptedLink(command))}`;
    case 'insert-rule': {
      const before = command.before === undefined ? '' : ` handle ${command.before}`;
      return `insert rule ${place} ${command.chain}${before} ${statements(command.expr)}`;
    }
    case 'delete-rule':
      return `delete rule ${place} ${command.chain} handle ${command.handle}`;
    case 'add-set': {
      const parts = [`type ${[command.layout.type].flat().join(' . ')}`, ...setParts(command.layout)];
      return `add set ${place} ${command.set} { ${parts.join('; ')}; }`;
    }
    case 'delete-set':
      return `delete set ${place} ${command.set}`;
    case 'add-elements':
    case 'delete-elements':
      return `${verb} element ${place} ${command.set} { ${command.keys.map((key) => key.replaceAll(' ', ' . ')).join(', ')} }`;
  }
}

function setParts({ counted = false, filled, intervals, over, leased }: SetLayout): string[] {
  return [
    ...(counted ? ['counter'] : []),
    ...(over === undefined ? [] : [overText(over)]),
    ...(filled === undefined ? [] : [`size ${filled.size}`, 'flags dynamic,timeout', `timeout ${filled.timeout}s`]),
    ...(intervals === true ? ['flags interval'] : []),
    ...(leased === undefined ? [] : [`size ${leased.size}`, 'flags timeout']),
  ];
}

function overText(over: NonNullable<SetLayout['over']>): string {
  if ('connections' in over) return `ct count over ${over.connections}`;
  if ('bytesPerSecond' in over) return `limit rate over ${over.bytesPerSecond} bytes/second burst ${over.burst} bytes`;
  return `limit rate over ${over.count}/${over.per} burst ${over.burst} packets`;
}

function hookOf(command: NftCommand): string {
  if (command.kind !== 'add-chain' || command.hook === undefined) return '';
  const { type, hook, dev, prio, policy } = command.hook;
  const device = dev === undefined ? '' : ` device "${dev}"`;
  const end = policy === undefined ? '' : ` policy ${policy};`;
  return ` { type ${type} hook ${hook}${device} priority ${prio};${end} }`;
}

function statements(expr: readonly NftObject[]): string {
  return expr.map(statement).join(' ');
}

function statement(part: NftObject): string {
  const [kind = '', inner] = only(part);
  const {
    left,
    right,
    op,
    key,
    value,
    target,
    family,
    addr,
    elem,
    set,
    stmt,
    rate,
    per,
    burst,
    inv,
    port,
    type,
    expr: reason,
  } = (inner ?? {}) as Fields;
  switch (kind) {
    case 'match':
      return match(left as NftObject, right, String(op));
    case 'jump':
    case 'goto':
      return `${kind} ${target}`;
    case 'reject':
      return `reject with ${[type, reason].filter(Boolean).join(' ')}`;
    case 'snat':
      return `snat ${family} to ${addr}`;
    case 'dnat':
      return `dnat ${family} to ${String(addr).includes(':') ? `[${addr}]` : addr}:${port}`;
    case 'limit':
      return `limit rate ${inv === true ? 'over ' : ''}${rate}/${per} burst ${burst} packets`;
    case 'set':
      return `${op} ${set} { ${[selector(elem as NftObject), ...((stmt ?? []) as NftObject[]).map(statement)].join(' ')} }`;
    case 'mangle':
      return `${selector(key as NftObject)} set ${typeof value === 'object' ? selector(value as NftObject) : value}`;
    default:
      return kind;
  }
}

type Fields = Readonly<Record<string, unknown>>;

function match(left: NftObject, right: unknown, op: string): string {
  if (typeof right === 'boolean') return `${selector(left)} ${right ? 'exists' : 'missing'}`;
  const isMasked = '&' in left;
  const sign = op === 'in' || (op === '==' && !isMasked) ? '' : `${op} `;
  const isName = String((left['meta'] as Fields | undefined)?.['key']).match(/^[io]if(name|kind)$/) !== null;
  const one = (value: unknown) => constant(value, { isMasked, isName });
  const several = (values: unknown) => (values as unknown[]).map(one);
  if (Array.isArray(right)) return `${selector(left)} ${sign}${several(right).join(',')}`;
  const set = (right as Fields | undefined)?.['set'];
  return `${selector(left)} ${sign}${set === undefined ? one(right) : `{ ${several(set).join(', ')} }`}`;
}

function constant(value: unknown, { isMasked, isName }: { isMasked: boolean; isName: boolean }): string {
  if (typeof value === 'number') return isMasked ? hex(value) : String(value);
  if (typeof value === 'string') return isName && !value.startsWith('@') ? `"${value}"` : value;
  const { prefix, range } = value as { prefix?: Fields; range?: readonly string[] };
  return range === undefined ? `${prefix?.['addr']}/${prefix?.['len']}` : range.join('-');
}

/** `iifname`, `meta mark & 0x1`, `ip saddr`, `ct original ip saddr`, `@th,112,8`, `iifname . ip saddr`. */
function selector(value: NftObject | number): string {
  if (typeof value === 'number') return hex(value);
  const [kind = '', inner] = only(value);
  if (Array.isArray(inner)) return inner.map(selector).join(kind === 'concat' ? ' . ' : ` ${kind} `);
  const { key, dir, protocol, field, base, offset, len, flags, result, name } = inner as Fields;
  switch (kind) {
    case 'payload':
      return base === undefined ? `${protocol} ${field}` : `@${base},${offset},${len}`;
    case 'ct':
      return `ct ${dir === undefined ? '' : `${dir} `}${key}`;
    case 'fib':
      return `fib ${(flags as string[]).join(' . ')} ${result}`;
    case 'exthdr':
      return `exthdr ${name}`;
    default:
      return String(key).endsWith('ifname') ? String(key) : `meta ${key}`;
  }
}

function only(value: NftObject): [kind: string, inner: unknown] | [] {
  return Object.entries(value)[0] ?? [];
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
