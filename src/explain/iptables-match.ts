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

export function translateMatch(saved: SavedMatch): NftObject[] {
  const { option, values, negated, family, module } = saved;
  const [value = ''] = values;
  const ip = family === 'ipv4' ? 'ip' : 'ip6';
  const is = (left: NftObject, right: unknown) => [{ match: { op: negated ? '!=' : '==', left, right } }];
  switch (option) {
    case '-i':
    case '-o':
      return is({ meta: { key: option === '-i' ? 'iifname' : 'oifname' } }, value.replace(/\+$/, '*'));
    case '-s':
    case '-d':
      return is({ payload: { protocol: ip, field: option === '-s' ? 'saddr' : 'daddr' } }, prefixOf(value));
    case '-p':
      return value === 'all' ? [] : is({ meta: { key: 'l4proto' } }, value);
    case '--dport':
    case '--dports':
    case '--sport':
    case '--sports':
      return is({ payload: { protocol: 'th', field: option.startsWith('--d') ? 'dport' : 'sport' } }, ports(value));
    case '--ctstate':
    case '--state':
      return connectionStates(value, negated);
    case '--icmp-type':
    case '--icmpv6-type':
      return value === 'any' ? [] : icmpType(value, family, negated);
    case '--mark':
      return marks(module, value, negated);
    case '--dst-type':
    case '--src-type':
      return addressType(saved, option === '--dst-type' ? 'daddr' : 'saddr');
    // addrtype's own flags, judged together with the type.
    case '--limit-iface-in':
    case '--limit-iface-out':
    case '--comment':
      return [];
    // Filled in only for bridged packets: a routed one never came by a bridge's port, as far as is known here.
    case '--physdev-in':
    case '--physdev-out':
    case '--physdev-is-in':
    case '--physdev-is-out':
    case '--physdev-is-bridged':
      return negated ? [] : [never];
    case '--src-range':
    case '--dst-range':
      return is(
        { payload: { protocol: ip, field: option === '--src-range' ? 'saddr' : 'daddr' } },
        { range: value.split('-') },
      );
    case '--tcp-flags':
      return is({ '&': [{ payload: { protocol: 'tcp', field: 'flags' } }, flags(value)] }, flags(values[1] ?? ''));
    case '--syn':
      return is({ '&': [{ payload: { protocol: 'tcp', field: 'flags' } }, ['fin', 'syn', 'rst', 'ack']] }, 'syn');
    case '--pkt-type':
      return is({ meta: { key: 'pkttype' } }, value);
    case '-f':
      return negated ? [] : [never];
    default:
      return [{ undecided: `${module === '' ? '' : `-m ${module} `}${[option, ...values].join(' ')}` }];
  }
}

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
  const link = all.includes('--limit-iface-in') ? ['iif'] : all.includes('--limit-iface-out') ? ['oif'] : [];
  const types = (values[0] ?? '').toLowerCase().split(',');
  const left = { fib: { result: 'type', flags: [field, ...link] } };
  return [{ match: { op: negated ? '!=' : '==', left, right: { set: types } } }];
}

function flags(text: string): unknown {
  if (text === 'NONE') return 0;
  return text === 'ALL' ? 63 : text.toLowerCase().split(',');
}
