/** What a command line asks, before anything of the host is known. Pure. */
import { type Address, type Family, familyNames, familyOf, parseAddress } from '../model/address.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import { type LinkName, parseLinkName } from '../model/link-name.ts';
import type { Transport } from '../rules/packet.ts';

/** An address, or a zone by its link or name. */
export type Party = { readonly address: Address } | { readonly link: LinkName } | { readonly name: string };

export interface Request {
  readonly subject: Party;
  readonly to: Party | undefined;
  readonly port: number | undefined;
  readonly transport: Transport;
  /** The packet comes to the zone instead of from it; a party names its sender. */
  readonly from: 'outside' | Party | undefined;
  /** Undefined where every family that fits is meant. */
  readonly family: Family | undefined;
  /** `to` can be read as another address with a port: a sentence that asks, for where nobody here has that address. */
  readonly ambiguous: string | undefined;
}

/** As typed. */
export interface Words {
  readonly subject: string;
  readonly to?: string | undefined;
  readonly from?: string | undefined;
  readonly udp?: boolean | undefined;
  readonly ipv4?: boolean | undefined;
  readonly ipv6?: boolean | undefined;
}

interface Target {
  readonly party: Party;
  readonly port: number | undefined;
  readonly ambiguous?: string;
}

/** Whoever asks for one of these ports tends to; other last groups are taken for what they are, a part of the address. */
const askedPorts = new Set(['22', '25', '53', '80', '123', '443', '587', '853', '993', '5432', '8080', '8443']);

/** Throws `usage`. */
export function parseRequest({ subject, to, from, udp = false, ipv4 = false, ipv6 = false }: Words): Request {
  if (ipv4 && ipv6) throw usage('-4 and -6 exclude each other; without either, both families are explained');
  const target = to === undefined ? undefined : parseTarget(to);
  if (udp && target?.port === undefined) throw usage('--udp needs a port in --to');
  const request: Request = {
    subject: partyOf(subject),
    to: target?.party,
    port: target?.port,
    transport: udp ? 'udp' : target?.port === undefined ? 'icmp' : 'tcp',
    from: from === undefined || from === 'outside' ? from : partyOf(from, '--from'),
    family: ipv4 ? 'ipv4' : ipv6 ? 'ipv6' : undefined,
    ambiguous: target?.ambiguous,
  };
  refuseMixed(request);
  return request;
}

/** `198.51.100.10`, `198.51.100.10:443`, `2001:db8::1`, `[2001:db8::1]:443`, `web`, `vif7.0:80`. */
function parseTarget(text: string): Target {
  const [, bracketed, bracketedPort] = /^\[([^\]]*)\](?::(.*))?$/.exec(text) ?? [];
  if (bracketed !== undefined) return { party: partyOf(bracketed, '--to'), port: portOf(bracketedPort, text) };
  const address = parseAddress(text);
  const [, start = '', end = ''] = /^(.*):([^:]*)$/.exec(text) ?? [];
  if (address !== undefined) return { party: { address }, port: undefined, ...doubtOf(text, start, end) };
  if (!text.includes(':')) return { party: partyOf(text, '--to'), port: undefined };
  const party = partyOf(start, '--to');
  if ('address' in party && familyOf(party.address) === 'ipv6')
    throw usage(`--to is '${text}'; an IPv6 address with a port stands in brackets: [${start}]:${end}`);
  return { party, port: portOf(end, text) };
}

function portOf(text: string | undefined, target: string): number | undefined {
  if (text === undefined) return undefined;
  const port = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65535) throw usage(`--to is '${target}': the port '${text}' is not a number from 1 to 65535`);
  return port;
}

/** An IPv6 address whose last group may be meant as a port: the rest is an address as well, or the group a usual port behind `::`. */
function doubtOf(text: string, start: string, end: string): Pick<Target, 'ambiguous'> {
  const isPort = /^[1-9]\d*$/.test(end);
  const rest = parseAddress(start) ?? (askedPorts.has(end) ? parseAddress(`${start}:`) : undefined);
  if (!isPort || rest === undefined || familyOf(rest) === 'ipv4') return {};
  return {
    ambiguous: `--to is '${text}': an address, or port ${end} of ${rest}? Write [${text}] or [${rest}]:${end}`,
  };
}

/** `option`: where it stands, and where the part ahead of a colon is no name. */
function partyOf(text: string, option?: string): Party {
  const address = parseAddress(text);
  if (address !== undefined) return { address };
  const link = parseLinkName(text);
  if (link !== undefined) return { link };
  if (option !== undefined && (text === '' || text.includes(':'))) {
    throw usage(`${option} is '${text}'; expected an address, a zone's link or a zone's name`);
  }
  return { name: text };
}

function refuseMixed({ family, to, from }: Request): void {
  const sides: [string, Family][] = [];
  if (family !== undefined) sides.push([family === 'ipv4' ? '-4' : '-6', family]);
  for (const [option, party] of [['--to', to] as const, ['--from', from] as const]) {
    if (typeof party === 'object' && 'address' in party)
      sides.push([`${option} ${party.address}`, familyOf(party.address)]);
  }
  const [first, other] = [sides[0], sides.find(([, each]) => each !== sides[0]?.[1])];
  if (first === undefined || other === undefined) return;
  const [is, differs] = [first, other].map(([said, each]) => `${said} is ${familyNames[each]}`);
  throw usage(`${is} and ${differs}; a packet has one family`);
}

function usage(message: string): ProtectNetworkError {
  return new ProtectNetworkError('usage', message);
}
