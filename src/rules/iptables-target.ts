/** The targets of iptables that are known here, as nft statements (iptables-extensions(8)). */
import type { NftObject } from '../host/port.ts';
import type { Family } from '../model/address.ts';

/** `['-j', 'DNAT', '--to-destination', '10.0.0.1:80']`; nothing for a rule without a target. */
export function translateTarget([verb, name = '', ...options]: readonly string[], family: Family): NftObject[] {
  if (verb === undefined) return [];
  if (verb === '-g') return [{ goto: { target: name } }];
  const plain = plainTargets[name];
  if (plain !== undefined) return [plain];
  switch (name) {
    case 'MASQUERADE':
      return [{ masquerade: null }];
    case 'REDIRECT':
      return [{ redirect: { ...portOf(optionValue(options, '--to-ports')) } }];
    case 'DNAT':
      return [{ dnat: endpoint(optionValue(options, '--to-destination'), family) }];
    case 'SNAT':
      return [{ snat: endpoint(optionValue(options, '--to-source'), family) }];
    case 'MARK':
      return [mark('meta', optionValue(options, '--set-xmark'), name)];
    case 'CONNMARK':
      return connectionMark(options);
    case 'CT':
      return options.includes('--notrack') ? [{ notrack: null }] : zonesOf(options);
    default:
      if (harmless.has(name)) return [{ log: null }];
      // A chain of somebody's may be called anything; one that is not there is an extension nobody told us of.
      return [opaque.has(name) ? { 'undecided-target': name } : { jump: { target: name } }];
  }
}

/** A target of which only the name is known, as nft prints it. */
export function bareTarget(name: string): NftObject {
  return plainTargets[name] ?? (harmless.has(name) ? { log: null } : { 'undecided-target': `${name} of iptables` });
}

const plainTargets: Readonly<Record<string, NftObject>> = {
  ACCEPT: { accept: null },
  DROP: { drop: null },
  REJECT: { reject: null },
  RETURN: { return: null },
  LOG: { log: null },
  NFLOG: { log: null },
  NOTRACK: { notrack: null },
  TARPIT: { drop: null },
  QUEUE: { queue: null },
  NFQUEUE: { queue: null },
};
/** Targets that change neither the way nor anything that is looked at here, and those that do it unseen. */
const harmless = new Set([
  'TCPMSS',
  'TOS',
  'DSCP',
  'CLASSIFY',
  'CHECKSUM',
  'TTL',
  'HL',
  'TRACE',
  'SET',
  'AUDIT',
  'SECMARK',
  'CONNSECMARK',
]);
const opaque = new Set(['TPROXY', 'SYNPROXY', 'NETMAP', 'TEE', 'CLUSTERIP', 'HMARK', 'RATEEST', 'LED']);

function optionValue(options: readonly string[], option: string): string {
  const at = options.indexOf(option);
  return at < 0 ? '' : (options[at + 1] ?? '');
}

function portOf(text: string): { port?: number } {
  return /^\d+$/.test(text) ? { port: Number(text) } : {};
}

/** `10.0.0.1`, `10.0.0.1-10.0.0.9:80`, `[fd00::1]:80`, `:80`. */
function endpoint(text: string, family: Family): NftObject {
  const match =
    family === 'ipv4' ? /^([^:]*)(?::(\d+).*)?$/.exec(text) : /^\[?([^\]]*?)\]?(?:(?<=\]):(\d+).*)?$/.exec(text);
  const [low = '', high] = (match?.[1] ?? '').split('-');
  const addr = high === undefined ? low : { range: [low, high] };
  return {
    family: family === 'ipv4' ? 'ip' : 'ip6',
    ...(low === '' ? {} : { addr }),
    ...portOf(match?.[2] ?? ''),
  };
}

/** `--set-xmark VALUE/MASK`: the masked bits are cleared, then the value is joined by exclusive or. */
function mark(kind: 'meta' | 'ct', text: string, name: string): NftObject {
  const [value = '', mask = '0xffffffff'] = text.split('/');
  if (value === '') return { 'undecided-target': name };
  const key = { [kind]: { key: 'mark' } };
  const cleared = { '&': [key, (0xffffffff & ~Number(mask)) >>> 0] };
  return { mangle: { key, value: { '^': [cleared, Number(value)] } } };
}

function zonesOf(options: readonly string[]): NftObject[] {
  const ways = [
    ['--zone', undefined],
    ['--zone-orig', 'original'],
    ['--zone-reply', 'reply'],
  ] as const;
  return ways.flatMap(([option, dir]): NftObject[] => {
    const zone = optionValue(options, option);
    if (zone === '') return [];
    if (!/^\d+$/.test(zone)) return [{ 'undecided-target': 'CT' }];
    return [{ mangle: { key: { ct: { key: 'zone', ...(dir && { dir }) } }, value: Number(zone) } }];
  });
}

function connectionMark(options: readonly string[]): NftObject[] {
  const set = optionValue(options, '--set-xmark');
  if (set !== '') return [mark('ct', set, 'CONNMARK')];
  if (options.some((option) => option.includes('mask') && !optionValue(options, option).startsWith('0xffffffff'))) {
    return [{ 'undecided-target': 'CONNMARK' }];
  }
  if (options.includes('--restore-mark'))
    return [{ mangle: { key: { meta: { key: 'mark' } }, value: { ct: { key: 'mark' } } } }];
  if (options.includes('--save-mark'))
    return [{ mangle: { key: { ct: { key: 'mark' } }, value: { meta: { key: 'mark' } } } }];
  return [{ 'undecided-target': 'CONNMARK' }];
}
