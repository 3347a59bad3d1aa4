/**
 * Other addresses in the place of real ones, for whoever may read a report and not learn them. What two addresses have in
 * common at their beginning, their pseudonyms have, too (J. Xu et al., Prefix-preserving IP address anonymization, 2002):
 * a subnet stays a subnet, and an address stays in it. Private stays private, and what means the same everywhere stays as it is.
 */
import { createHmac } from 'node:crypto';
import {
  type Address,
  contains,
  type Family,
  familyOf,
  fromBigInt,
  hostLength,
  type Prefix,
  prefixesOf,
  toBigInt,
} from '../model/address.ts';

/** Nobody is told by them: unspecified, loopback, netmasks, groups, metadata services. */
const public_ = prefixesOf(
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.169.254/32',
  '224.0.0.0/4',
  '255.0.0.0/8',
  '::/127',
  'ff02::/112',
  'fd00:ec2::254/128',
);

/** Kinds of addresses: an address of one gets a pseudonym of the same. */
const kinds = [
  ...public_,
  ...prefixesOf('10.0.0.0/8', '100.64.0.0/10', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16', '240.0.0.0/4'),
  ...prefixesOf('2000::/3', '64:ff9b::/96', '::ffff:0:0/96', 'fc00::/7', 'fd00::/8', 'fe80::/64', 'ff00::/8'),
  // Groups by which neighbours are asked for; the address that is asked for is at the end.
  ...prefixesOf('ff02::1:ff00:0/104'),
];

export class AddressPseudonyms {
  readonly #key: Buffer;
  readonly #known = new Map<Address, Address>();

  /** `key`: secret and random; with another one, everybody has another pseudonym. */
  constructor(key: Buffer) {
    this.#key = key;
  }

  of(address: Address): Address {
    const known = this.#known.get(address) ?? this.#compute(address);
    this.#known.set(address, known);
    return known;
  }

  /** No two addresses have the same: whether a bit is turned depends only on the bits before it. */
  #compute(address: Address): Address {
    if (public_.some((prefix) => contains(prefix, address))) return address;
    const family = familyOf(address);
    const bits = hostLength(family);
    const value = toBigInt(address);
    let turned = 0n;
    for (let length = 0; length < bits; length += 1) {
      const before = value >> BigInt(bits - length);
      if (this.#isTurned(family, before, length)) turned |= 1n << BigInt(bits - length - 1);
    }
    return fromBigInt(value ^ turned, family);
  }

  /** Never on the way to a kind. */
  #isTurned(family: Family, before: bigint, length: number): boolean {
    if (kinds.some((kind) => isOnTheWayTo(kind, family, before, length))) return false;
    return ((createHmac('sha256', this.#key).update(`${family} ${length} ${before}`).digest()[0] ?? 0) & 1) === 1;
  }
}

function isOnTheWayTo(kind: Prefix, family: Family, before: bigint, length: number): boolean {
  if (kind.family !== family || kind.length <= length) return false;
  return toBigInt(kind.address) >> BigInt(hostLength(family) - length) === before;
}
