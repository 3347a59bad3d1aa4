/** The conditions of iptables that are known here, as nft expressions (iptables-extensions(8)). */
import type { NftObject } from '../host/port.ts';
import type { Family } from '../model/address.ts';

export interface SavedMatch {
  /** Of the last `-m`. */
  readonly module: string;
  readonly option: string;
  readonly values: readonly string[];
  readonly negated: boolean;
  readonly family: Family;
  readonly all: readonly string[];
}

type Translate = (saved: SavedMatch, value: string) => NftObject[];

export function translateMatch(saved: SavedMatch): NftObject[] {
  const { module, option, values } = saved;
  const translate = known[option];
  if (translate !== undefined) return translate(saved, values[0] ?? '');
  return [{ undecided: `${module === '' ? '' : `-m ${module} `}${[option, ...values].join(' ')}` }];
}

function is({ negated }: SavedMatch, left: NftObject, right: unknown): NftObject[] {
  return [{ match: { op: negated ? '!=' : '==', left, right } }];
}

function payload(protocol: string, field: string): NftObject {
  return { payload: { protocol, field } };
}

function ip({ family }: SavedMatch): 'ip' | 'ip6' {
  return family === 'ipv4' ? 'ip' : 'ip6';
}

const link =
  (key: 'iifname' | 'oifname'): Translate =>
  (saved, value) =>
    is(saved, { meta: { key } }, value.replace(/\+$/, '*'));
const address =
  (field: 'saddr' | 'daddr'): Translate =>
  (saved, value) =>
    is(saved, payload(ip(saved), field), prefixOf(value));
const range =
  (field: 'saddr' | 'daddr'): Translate =>
  (saved, value) =>
    is(saved, payload(ip(saved), field), { range: value.split('-') });
const port =
  (field: 'sport' | 'dport'): Translate =>
  (saved, value) =>
    is(saved, payload('th', field), ports(value));
const state: Translate = ({ negated }, value) => connectionStates(value, negated);
const icmp: Translate = ({ family, negated }, value) => (value === 'any' ? [] : icmpType(value, family, negated));
const unless: Translate = ({ negated }) => (negated ? [] : [never]);
const nothing: Translate = () => [];

const known: Readonly<Record<string, Translate>> = {
  '-i': link('iifname'),
  '-o': link('oifname'),
  '-s': address('saddr'),
  '-d': address('daddr'),
  '-p': (saved, value) => (value === 'all' ? [] : is(saved, { meta: { key: 'l4proto' } }, value)),
  '--src-range': range('saddr'),
  '--dst-range': range('daddr'),
  '--sport': port('sport'),
  '--sports': port('sport'),
  '--dport': port('dport'),
  '--dports': port('dport'),
  '--ctstate': state,
  '--state': state,
  '--icmp-type': icmp,
  '--icmpv6-type': icmp,
  '--mark': ({ module, negated }, value) => marks(module, value, negated),
  '--dst-type': (saved) => addressType(saved, 'daddr'),
  '--src-type': (saved) => addressType(saved, 'saddr'),
  '--tcp-flags': (saved, mask) =>
    is(saved, { '&': [payload('tcp', 'flags'), flags(mask)] }, flags(saved.values[1] ?? '')),
  '--syn': (saved) => is(saved, { '&': [payload('tcp', 'flags'), ['fin', 'syn', 'rst', 'ack']] }, 'syn'),
  '--pkt-type': (saved, value) => is(saved, { meta: { key: 'pkttype' } }, value),
  // addrtype's own flags, judged together with the type; and words for people.
  '--limit-iface-in': nothing,
  '--limit-iface-out': nothing,
  '--comment': nothing,
  // Filled in only for bridged packets: a routed one never came by a bridge's port, as far as is known here.
  '--physdev-in': unless,
  '--physdev-out': unless,
  '--physdev-is-in': unless,
  '--physdev-is-out': unless,
  '--physdev-is-bridged': unless,
  // Second and further fragments.
  '-f': unless,
};

/** A condition that no packet fulfils. */
const never: NftObject = { match: { op: '==', left: { meta: { key: 'l4proto' } }, right: { set: [] } } };

/** iptables-save prints 10.0.0.0/8 and, for IPv4 masks that are no prefix, 10.0.0.0/255.0.255.0. */
function prefixOf(text: string): unknown {
  const [addr = '', length] = text.split('/');
  if (length === undefined) return addr;
  return /^\d+$/.test(length) ? { prefix: { addr, len: Number(length) } } : { undecided: text };
}

function ports(text: string): unknown {
  const items = text.split(',').map((item) => {
    const [low = '', high] = item.split(':');
    return high === undefined ? Number(low) : { range: [Number(low), Number(high === '' ? 65535 : high)] };
  });
  return { set: items };
}

/** SNAT and DNAT are conntrack's status, not its state. */
function connectionStates(text: string, negated: boolean): NftObject[] {
  const names = text.toLowerCase().split(',');
  const states = names.filter((name) => name !== 'snat' && name !== 'dnat');
  if (states.length < names.length) return [{ undecided: `--ctstate ${text}` }];
  return [{ match: { op: negated ? '!' : 'in', left: { ct: { key: 'state' } }, right: states } }];
}

/** `8` or `3/1`. */
function icmpType(text: string, family: Family, negated: boolean): NftObject[] {
  const protocol = family === 'ipv4' ? 'icmp' : 'icmpv6';
  const [type = '', code] = text.split('/');
  const match = (field: string, right: string): NftObject => ({
    match: { op: negated ? '!=' : '==', left: { payload: { protocol, field } }, right },
  });
  if (code === undefined) return [match('type', type)];
  return negated ? [{ undecided: `--icmp-type ${text}` }] : [match('type', type), match('code', code)];
}

function marks(module: string, text: string, negated: boolean): NftObject[] {
  const [value = '', mask = '0xffffffff'] = text.split('/');
  const left = module === 'connmark' ? { ct: { key: 'mark' } } : { meta: { key: 'mark' } };
  return [{ match: { op: negated ? '!=' : '==', left: { '&': [left, Number(mask)] }, right: Number(value) } }];
}

function addressType({ values, negated, all }: SavedMatch, field: 'daddr' | 'saddr'): NftObject[] {
  const by = all.includes('--limit-iface-in') ? ['iif'] : all.includes('--limit-iface-out') ? ['oif'] : [];
  const types = (values[0] ?? '').toLowerCase().split(',');
  const left = { fib: { result: 'type', flags: [field, ...by] } };
  return [{ match: { op: negated ? '!=' : '==', left, right: { set: types } } }];
}

function flags(text: string): unknown {
  if (text === 'NONE') return 0;
  return text === 'ALL' ? 63 : text.toLowerCase().split(',');
}
