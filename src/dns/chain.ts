/** What of a resolver's answer counts: the CNAMEs that lead from the asked name on, and the addresses at their end. */
import { type Address, parseAddress } from '../model/address.ts';
import { maxNameLength } from '../policy/messages.ts';
import { limits } from './limits.ts';
import { flags, type Record, readRecords } from './wire.ts';

export type AddressType = 'A' | 'AAAA';

/** What a resolver says of a name, whoever asks. */
export interface Resolved {
  readonly exists: boolean;
  /** Targets of CNAMEs in order, in lower case. */
  readonly chain: readonly string[];
  readonly addresses: readonly Address[];
  /** Seconds: the least of all records that count; of an answer without any, zero. */
  readonly ttl: number;
}

const plainName = /^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/;

/**
 * The answer section of `bytes` behind its question, which ends at `from`; what follows is not looked at. Undefined where it is
 * broken, or its CNAMEs lead in a circle or too far. Never throws.
 */
export function readResolved(bytes: Buffer, from: number, asked: string, type: AddressType): Resolved | undefined {
  try {
    const exists = (bytes.readUInt16BE(2) & flags.rcode) === 0;
    return follow(readRecords(bytes, from, bytes.readUInt16BE(6)), asked, type, exists);
  } catch {
    // Whatever the parser stumbled over: the message is broken.
    return undefined;
  }
}

function follow(records: readonly Record[], asked: string, type: AddressType, exists: boolean): Resolved | undefined {
  const aliases = chainOf(records, asked);
  if (aliases === undefined) return undefined;
  const chain = aliases.map(targetOf);
  const owner = chain.at(-1) ?? asked;
  const counted: Record[] = [...aliases];
  const addresses = new Set<Address>();
  for (const record of records) {
    if (record.type !== type || record.name.toLowerCase() !== owner) continue;
    const address = parseAddress(String(record.data));
    if (address === undefined || addresses.size >= limits.addressesPerName) continue;
    addresses.add(address);
    counted.push(record);
  }
  const ttl = counted.length === 0 ? 0 : Math.min(...counted.map(secondsOf));
  return { exists, chain, addresses: [...addresses], ttl };
}

/** The CNAME records that lead from `asked` on; undefined where they do not end, or lead to no name. */
function chainOf(records: readonly Record[], asked: string): Record[] | undefined {
  const aliases = records.filter(({ type }) => type === 'CNAME');
  const chain: Record[] = [];
  const seen = new Set<string>();
  for (let owner = asked; ; ) {
    seen.add(owner);
    const alias = aliases.find(({ name }) => name.toLowerCase() === owner);
    if (alias === undefined) return chain;
    owner = targetOf(alias);
    if (seen.has(owner) || chain.length >= limits.chainLength) return undefined;
    if (owner.length > maxNameLength || !plainName.test(owner)) return undefined;
    chain.push(alias);
  }
}

function targetOf({ data }: Record): string {
  return String(data).toLowerCase();
}

/** RFC 2181 8: with the highest bit set it means none. */
function secondsOf({ ttl }: Record): number {
  return ttl >= 2 ** 31 ? 0 : ttl;
}
