/**
 * The kinds of value that our settings hold, each as a schema; `accepts` is what the man page and the JSON schema say of
 * it where its type does not. How their messages read: see toml-decode.ts.
 */
import { posix } from 'node:path';
import { z } from 'zod';
import {
  type Address,
  familyNames,
  familyOf,
  hostPrefix,
  type Prefix,
  parseAddress,
  parsePrefix,
} from '../model/address.ts';
import { zoneName, zoneNameWords } from '../model/zone-name.ts';
import type { ListenAddress } from './settings.ts';
import { isHostAddress } from './subnet.ts';

/** sockaddr_un holds 108 bytes, its NUL included (unix(7)). */
export const maxSocketPath = 107;
/** PATH_MAX, less its NUL. */
export const maxFilePath = 4095;

const text = z.string({ error: 'a text in quotes' });

/** An absolute path without `.`, `..`, doubled or trailing slashes; `''` too where it is optional. */
export function path(maxBytes: number, presence: 'optional' | 'required' = 'required') {
  const orNone = presence === 'optional' ? ', or ""' : '';
  const accepts = `an absolute path of at most ${maxBytes} bytes${orNone}`;
  return judged(accepts, (value) => (value === '' && orNone !== '' ? undefined : whyNotPath(value, maxBytes)));
}

/** A gRPC target on a Unix socket, `unix:///absolute/path`. */
export const unixTarget = judged(`"unix://" and an absolute path of at most ${maxSocketPath} bytes`, (value) =>
  value.startsWith('unix:///')
    ? whyNotPath(value.slice('unix://'.length), maxSocketPath)
    : 'is not a Unix socket; expected one such as "unix:///var/lib/edera/protect/daemon.socket"',
);

/** A link of the host that is no zone's: 1..15 characters (IFNAMSIZ less its NUL) that need no quoting anywhere. */
export const interfaceName = judged("an interface that is no zone's link, of at most 15 characters", (value) => {
  if (value.startsWith('vif')) return "is a zone's link; expected a link towards the outside";
  if (/^[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,14}$/.test(value)) return undefined;
  return 'is not an interface name; expected 1 to 15 letters, digits and any of _ . : @ -';
});

/** One bit of the 32-bit packet mark, or 0. */
export const mark = z
  .int({ error: 'one bit of a 32-bit number such as 0x10000000, or 0 for none' })
  .superRefine((value, context) => {
    if (value === 0 || (value > 0 && value <= 0x80000000 && Number.isInteger(Math.log2(value)))) return;
    const message = `is ${value} (0x${value.toString(16)}); expected one bit of a 32-bit number such as 0x10000000, or 0 for none`;
    context.addIssue({ code: 'custom', message });
  })
  .meta({ minimum: 0, maximum: 0x80000000, accepts: 'one bit of a 32-bit number, or 0 for none' });

/** An address or a prefix; an address becomes the prefix that holds only it. */
export const prefix = z
  .string({ error: 'an address or a prefix in quotes' })
  .transform((value, context): Prefix => {
    const address = parseAddress(value);
    const parsed = address === undefined ? parsePrefix(value) : hostPrefix(address);
    if (parsed !== undefined) return parsed;
    const message = `${JSON.stringify(value)} is neither an address nor a prefix; expected one such as "192.0.2.7" or "192.0.2.0/24"`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  })
  .meta({ accepts: 'an address or a prefix' });

const source = text
  .transform((value, context): Address => {
    const address = parseAddress(value);
    if (address !== undefined && isHostAddress(address)) return address;
    const message = `${JSON.stringify(value)} is not an address of a host; expected one such as "192.0.2.7"`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  })
  .meta({ accepts: 'an address of a host' });

/** Where a resolver may be: loopback too, as dom0's own is there. */
export const resolver = text
  .transform((value, context): Address => {
    const address = parseAddress(value);
    if (address !== undefined && (isHostAddress(address) || isLoopback(address))) return address;
    const message = `${JSON.stringify(value)} is not an address of a resolver; expected one such as "192.0.2.53"`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  })
  .meta({ accepts: 'an address of a host, or of loopback' });

function isLoopback(address: Address): boolean {
  return address.startsWith('127.') || address === '::1';
}

const maxDistantZones = 1024;

/** Zones of other hosts with their addresses, by name. */
export const distantZones = z
  .record(
    z.string().regex(zoneName),
    z.array(source, { error: 'a list of addresses' }).min(1, { error: 'at least one address' }),
    {
      error: ({ code }) => (code === 'invalid_key' ? zoneNameWords : 'a table of names, each with a list of addresses'),
    },
  )
  .refine((zones) => Object.keys(zones).length <= maxDistantZones, { error: `at most ${maxDistantZones} names` })
  .transform((zones) => Object.entries(zones).map(([name, addresses]) => ({ name, addresses })))
  .meta({
    accepts: `a table of at most ${maxDistantZones} names of zones, each with a list of at least 1 address of a host`,
  });

/** Addresses to leave under, at most one of each family. */
export const sources = z
  .array(source, { error: 'a list of addresses' })
  .max(2, { error: 'at most one of each family' })
  .check((context) => {
    for (const [index, value] of context.value.entries()) {
      const same = context.value.findIndex((other) => familyOf(other) === familyOf(value));
      if (same === index) continue;
      const family = familyNames[familyOf(value)];
      const message = `${JSON.stringify(value)} is a second ${family} address; expected at most one of each family`;
      context.issues.push({ code: 'custom', input: value, path: [index], message });
    }
  });

/** `address:port`, IPv6 in brackets; `''` is undefined. No names: what is listened on must not depend on a resolver. */
export const listenAddress = text
  .transform((value, context): ListenAddress | undefined => {
    if (value === '') return undefined;
    const match = /^(?:\[([^\]]+)\]|([^:]+)):([1-9]\d{0,4})$/.exec(value);
    const host = parseAddress(match?.[1] ?? match?.[2] ?? '');
    const port = Number(match?.[3]);
    const bracketed = match?.[1] !== undefined;
    if (host !== undefined && port <= 65535 && bracketed === (familyOf(host) === 'ipv6')) return { host, port };
    const expected = 'expected one such as "127.0.0.1:9475" or "[::1]:9475", or "" for none';
    context.addIssue({
      code: 'custom',
      message: `${JSON.stringify(value)} is not an address with a port; ${expected}`,
    });
    return z.NEVER;
  })
  .meta({ accepts: 'an address and a port, IPv6 in brackets; or "" for none' });

/** Refuses a list that says something twice, at the second place. */
export function unique(context: z.core.ParsePayload<string[]>): void {
  for (const [index, value] of context.value.entries()) {
    if (context.value.indexOf(value) === index) continue;
    const message = `${JSON.stringify(value)} is in the list already; expected each once`;
    context.issues.push({ code: 'custom', input: value, path: [index], message });
  }
}

function judged(accepts: string, whyNot: (value: string) => string | undefined) {
  return text
    .superRefine((value, context) => {
      const wrong = whyNot(value);
      if (wrong !== undefined) context.addIssue({ code: 'custom', message: `${JSON.stringify(value)} ${wrong}` });
    })
    .meta({ accepts });
}

function whyNotPath(value: string, maxBytes: number): string | undefined {
  if (value.includes('\0')) return 'contains a NUL; expected an absolute path';
  if (!value.startsWith('/')) return 'is not an absolute path; expected one that begins with "/"';
  const normal = posix.resolve(value);
  if (normal !== value) return `is not normalised; expected ${JSON.stringify(normal)}`;
  const bytes = Buffer.byteLength(value);
  return bytes > maxBytes ? `has ${bytes} bytes; expected at most ${maxBytes}` : undefined;
}
