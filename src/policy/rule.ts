/** Entries of `allow` and `deny`, from their text. Pure. */
import { networkOf } from '../config/subnet.ts';
import { quote } from '../config/toml-decode.ts';
import { familyOf, hostLength, type Prefix, parseAddress, parsePrefix } from '../model/address.ts';
import { zoneName } from '../model/zone-name.ts';
import type { AllowRule, DenyRule, Place, PortRule, Ports, Target, Transport } from './model.ts';
import { parsePattern } from './pattern.ts';

/** An entry of `allow` as it stands in the file. */
export type Written = string | { readonly to: string; readonly private?: boolean | undefined };

/** Each takes an element in the kernel for each address of the name. */
const maxPortsOfName = 64;

/** What is wrong, and what was expected, to be put behind the text. */
class Wrong extends Error {}

/** The rule, or a sentence that says what is wrong and what was expected. */
export function parseAllow(written: Written, place: Place): AllowRule | string {
  const [text, isPrivate] = typeof written === 'string' ? [written, false] : [written.to, written.private === true];
  return attempt(text, () => {
    const rule = allowRule(text, place);
    if (!isPrivate) return rule;
    if (rule.kind === 'ports' && rule.target.kind === 'name') return { ...rule, target: { ...rule.target, isPrivate } };
    throw new Wrong(`is no name, and private is about the addresses that a name has; expected ${quote(text)} alone`);
  });
}

/** The rule, or a sentence that says what is wrong and what was expected. */
export function parseDeny(text: string, place: Place): DenyRule | string {
  return attempt(text, () => ({ text, place, target: denyTarget(text) }));
}

/** Whether the names of a rule may lead to private addresses. */
export function isPrivate(rule: AllowRule | DenyRule): boolean {
  return 'target' in rule && 'isPrivate' in rule.target && rule.target.isPrivate;
}

/** Equal for rules that say the same. */
export function keyOf(rule: AllowRule | DenyRule): string {
  if ('kind' in rule && rule.kind === 'icmp') return 'icmp';
  const target = targetKey(rule.target);
  return 'ports' in rule ? `${target} ${rule.transport} ${rule.ports.first}-${rule.ports.last}` : target;
}

function targetKey(target: Target | DenyRule['target']): string {
  if (target.kind === 'name') return `name ${target.pattern.text}`;
  if (target.kind === 'prefix') return `prefix ${target.prefix.text}`;
  return target.kind === 'zone' ? `zone ${target.name}` : 'host';
}

function attempt<T>(text: string, parse: () => T): T | string {
  try {
    return parse();
  } catch (error) {
    if (error instanceof Wrong) return `${quote(text)} ${error.message}`;
    throw error;
  }
}

function allowRule(text: string, place: Place): AllowRule {
  const lower = text.toLowerCase();
  if (lower === 'icmp') return { kind: 'icmp', text, place };
  if (/^icmp(v?6)?[:/]/.test(lower) || /^icmpv?6$/.test(lower))
    throw new Wrong('is unknown; expected "icmp", which has no port and is both ICMP and ICMPv6');
  if (/^[a-z][a-z0-9+.-]*:\/\//.test(lower)) throw new Wrong(`is a URL; expected ${withoutUrl(text)}`);
  const { target, rest } = lower.startsWith('zone:')
    ? zoneTarget(text)
    : lower.startsWith('[')
      ? bracketed(text)
      : plain(text);
  const rule = { kind: 'ports', text, place, target, ...transportOf(rest) } satisfies PortRule;
  const count = rule.ports.last - rule.ports.first + 1;
  if (target.kind === 'name' && count > maxPortsOfName) {
    throw new Wrong(
      `spans ${count} ports; expected at most ${maxPortsOfName} for a name, each address of which is opened port by port`,
    );
  }
  return rule;
}

const urlPorts = new Map([
  ['http:', 80],
  ['ws:', 80],
  ['https:', 443],
  ['wss:', 443],
  ['ssh:', 22],
  ['git:', 9418],
]);

/** What of a URL a rule can say, quoted. */
function withoutUrl(text: string): string {
  const url = URL.parse(text);
  const port = url?.port || urlPorts.get(url?.protocol ?? '');
  if (url === null || url.hostname === '' || port === undefined)
    return 'a name and a port, such as "api.example.com:443"';
  return quote(`${url.hostname}:${port}`);
}

/** `rest` is `443`, `8000-8010`, `123/udp`. */
interface Parts {
  readonly target: Target;
  readonly rest: string;
}

function zoneTarget(text: string): Parts {
  const behind = text.slice('zone:'.length);
  const colon = behind.lastIndexOf(':');
  const name = colon < 0 ? behind : behind.slice(0, colon);
  if (name === '') throw new Wrong('names no zone; expected one such as "zone:db:5432"');
  if (colon < 0) {
    const isPort = /^\d+(-\d+)?(\/\w*)?$/.test(name);
    const what = isPort
      ? `names no zone; expected one such as ${quote(`zone:db:${name}`)}`
      : `has no port; expected one such as ${quote(`zone:${name}:5432`)}`;
    throw new Wrong(what);
  }
  if (/[*?]/.test(name)) throw new Wrong('has a pattern for a zone; expected its whole name');
  if (!zoneName.test(name)) throw new Wrong('has a name that no zone has; expected 1 to 63 printable characters');
  return { target: { kind: 'zone', name }, rest: behind.slice(colon + 1) };
}

function bracketed(text: string): Parts {
  const [, inside = '', outside = '', rest] = /^\[([^\]]*)\](\/[^:]*)?(?::(.*))?$/.exec(text) ?? [];
  const address = parseAddress(inside.split('/', 1)[0] ?? '');
  if (address === undefined || familyOf(address) === 'ipv4') {
    throw new Wrong('has no IPv6 address in the brackets; expected one such as "[2001:db8::1]:443"');
  }
  if (outside !== '' && /^\/\d+$/.test(outside)) {
    throw new Wrong(
      `has the length outside of the brackets; expected ${quote(`[${inside}${outside}]:${rest ?? '443'}`)}`,
    );
  }
  if (rest === undefined) throw new Wrong(`has no port; expected one such as ${quote(`[${inside}]:443`)}`);
  return { target: prefixTarget(inside, (prefix) => `[${prefix}]:${rest}`), rest };
}

function plain(text: string): Parts {
  const unbracketed = withBrackets(text);
  if (unbracketed !== undefined)
    throw new Wrong(`has an IPv6 address without brackets; expected ${quote(unbracketed)}`);
  const colon = text.lastIndexOf(':');
  const [word, rest] = colon < 0 ? [text] : [text.slice(0, colon), text.slice(colon + 1)];
  if (rest === undefined) throw new Wrong(`has no port; expected one such as ${withPort(text)}`);
  if (word === '') throw new Wrong(`names no destination; expected one such as ${quote(`api.example.com:${rest}`)}`);
  if (word.toLowerCase() === 'host') return { target: { kind: 'host' }, rest };
  if (word === '*' || word === '**') {
    throw new Wrong(
      `would be every name; expected ${quote(`0.0.0.0/0:${rest}`)} for every IPv4 address, ${quote(`[::/0]:${rest}`)} for every IPv6 one`,
    );
  }
  if (looksLikeIpv4(word)) return { target: prefixTarget(word, (prefix) => `${prefix}:${rest}`), rest };
  if (word.includes('/'))
    throw new Wrong(`has a path or a length behind a name; expected one such as "api.example.com:443"`);
  const pattern = parsePattern(word);
  if (typeof pattern === 'string') throw new Wrong(pattern);
  return { target: { kind: 'name', pattern, isPrivate: false }, rest };
}

/** As it should have been written; undefined where no IPv6 address stands in `text`. */
function withBrackets(text: string): string | undefined {
  const [, head = '', tail = ''] = /^(.*):(\d+(?:-\d+)?(?:\/[a-z]*)?)$/.exec(text) ?? [];
  if (isIpv6(head)) return `[${head}]:${tail}`;
  return isIpv6(text) ? `[${text}]:443` : undefined;
}

function isIpv6(text: string): boolean {
  const address = parseAddress(text.replace(/\/\d+$/, ''));
  return address !== undefined && familyOf(address) === 'ipv6';
}

function withPort(text: string): string {
  const word = text.toLowerCase();
  if (word === 'host') return '"host:9100"';
  const [, front, protocol] = /^(.*)\/(tcp|udp)$/.exec(word) ?? [];
  const [name, rest] = front === undefined ? [text, '443'] : [front, `443/${protocol}`];
  const isRule = looksLikeIpv4(name) || typeof parsePattern(name) !== 'string';
  return quote(`${isRule ? name : 'api.example.com'}:${rest}`);
}

/** `10.0.0.0/8`, and what was meant for such a thing. */
function looksLikeIpv4(word: string): boolean {
  return /^\d[\d.]*(\/.*)?$/.test(word);
}

/** Throws what is wrong. `spell` puts the right prefix in the place of the wrong one. */
function prefixTarget(text: string, spell: (prefix: string) => string): Extract<Target, { kind: 'prefix' }> {
  const [bare = '', length] = text.split('/', 2);
  const address = parseAddress(bare);
  if (address === undefined) {
    throw new Wrong(
      `is neither an address nor a name: ${quote(bare)} is no IPv4 address; expected four numbers from 0 to 255`,
    );
  }
  const longest = hostLength(familyOf(address));
  const prefix = parsePrefix(length === undefined ? `${address}/${longest}` : `${address}${text.slice(bare.length)}`);
  if (prefix !== undefined) return { kind: 'prefix', prefix: ofPackets(prefix) };
  if (!/^\/(0|[1-9]\d{0,2})$/.test(text.slice(bare.length)) || Number(length) > longest) {
    throw new Wrong(`has no prefix length behind "/"; expected a number from 0 to ${longest}`);
  }
  const right = `${networkOf(address, Number(length))}/${length}`;
  throw new Wrong(
    `has bits set behind the first ${length}; expected ${quote(spell(right))}, or ${quote(spell(address))} for the address alone`,
  );
}

/** RFC 4291 2.5.5.2: no packet has such an address, so that a rule about it would be about nothing. */
function ofPackets(prefix: Prefix): Prefix {
  if (!prefix.address.startsWith('::ffff:')) return prefix;
  throw new Wrong(
    'is an IPv4 address in the form of an IPv6 one; expected it in its own form, such as "192.0.2.7:443"',
  );
}

function transportOf(rest: string): { transport: Transport; ports: Ports } {
  const [ports = '', ...protocols] = rest.split('/');
  const protocol = protocols.length === 0 ? 'tcp' : protocols.join('/').toLowerCase();
  if (protocol !== 'tcp' && protocol !== 'udp') {
    throw new Wrong(`has the unknown protocol ${quote(protocol)}; expected "/udp", or "/tcp" or nothing for TCP`);
  }
  return { transport: protocol, ports: parsePorts(ports) };
}

function parsePorts(text: string): Ports {
  if (text === '') throw new Wrong('has no port behind the colon; expected a number from 1 to 65535');
  if (text === '*') throw new Wrong('has "*" for a port; expected "1-65535" for every port');
  const [, from = '', to = from] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  if (from === '')
    throw new Wrong(`has the port ${quote(text)}; expected a number from 1 to 65535, or a range such as 8000-8010`);
  const [first, last] = [Number(from), Number(to)];
  const beyond = [first, last].find((port) => port < 1 || port > 65535);
  if (beyond !== undefined) throw new Wrong(`has the port ${beyond}; expected 1 to 65535`);
  if (first > last) throw new Wrong(`has a range that ends before it begins; expected ${last}-${first}`);
  return { first, last };
}

function denyTarget(text: string): DenyRule['target'] {
  const lower = text.toLowerCase();
  const kinds = 'deny takes an address, a prefix or a name';
  if (/^[a-z][a-z0-9+.-]*:\/\//.test(lower)) throw new Wrong(`is a URL; ${kinds}`);
  if (/^(zone:|host(:|$)|icmp(:|\/|$))/.test(lower)) throw new Wrong(`cannot be denied; ${kinds}`);
  const bare = isIpv6(text) ? undefined : (/^\[(.*?)\]/.exec(text)?.[1] ?? text.split(':', 1)[0]);
  if (bare !== undefined && bare !== text)
    throw new Wrong(`has a port or brackets, and deny is about every port; expected ${quote(bare)}`);
  if (isIpv6(text) || looksLikeIpv4(text)) return prefixTarget(text, (prefix) => prefix);
  if (text.includes('/')) throw new Wrong(`has "/" behind a name; ${kinds}`);
  const pattern = parsePattern(text);
  if (typeof pattern === 'string') throw new Wrong(pattern);
  return { kind: 'name', pattern };
}
