import { isIPv6, SocketAddress } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Address,
  addressAt,
  contains,
  familyOf,
  hostLength,
  lastAddress,
  type Prefix,
  parseAddress,
  parseAddressWithOptionalLength,
  parsePrefix,
  toBigInt,
} from '../../../src/model/address.ts';

const ipv4Text = fc.ipV4();
const ipv6Text = fc.ipV6();
const anyText = fc.oneof(ipv4Text, ipv6Text);

describe('parseAddress', () => {
  it.each([
    ['10.75.0.3', '10.75.0.3'],
    ['FDD4:1476:6C7E:0:0:0:0:3', 'fdd4:1476:6c7e::3'],
    ['fdd4:1476:6c7e:0000::0003', 'fdd4:1476:6c7e::3'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
    ['::', '::'],
    ['::ffff:10.75.0.3', '::ffff:10.75.0.3'],
    ['::ffff:0a4b:0003', '::ffff:10.75.0.3'],
  ])('spells %s as %s', (text, spelling) => {
    expect(parseAddress(text)).toBe(spelling);
  });

  it.each([
    '',
    ' 10.75.0.3',
    '10.75.0.3 ',
    '10.75.0.3\n',
    '10.75.0.03',
    '010.75.0.3',
    '10.75.3',
    '10.75.0.256',
    '0x0a4b0003',
    '10.75.0.3/32',
    'fe80::1%eth0',
    'fe80::1%',
    '[::1]',
    ':::',
    '1::2::3',
    'fdd4:1476:6c7e',
    'localhost',
    '10.75.0.3\0',
    '٣.٣.٣.٣',
  ])('takes %j for no address', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  it('says of text that looks like an address what Node says', () => {
    const group = fc.constantFrom('0', '0', '0', '1', 'a0', '00', '0b', 'ffff', '12345', '', 'G');
    const groups = fc.array(group, { minLength: 1, maxLength: 9 });
    const gapped = fc.tuple(groups, groups).map(([head, tail]) => `${head.join(':')}::${tail.join(':')}`);
    const text = fc.oneof(
      groups.map((parts) => parts.join(':')),
      gapped,
    );
    fc.assert(
      fc.property(text, (candidate) => {
        const spelling = isIPv6(candidate)
          ? new SocketAddress({ address: candidate, family: 'ipv6' }).address
          : undefined;
        expect(parseAddress(candidate)).toBe(spelling);
      }),
      { numRuns: 5000 },
    );
  });

  it('spells every address as the kernel does, and takes its own spelling again', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const address = parsed(text);
        const family = text.includes(':') ? 'ipv6' : 'ipv4';
        expect(address).toBe(new SocketAddress({ address: text, family }).address);
        expect(parseAddress(address)).toBe(address);
        expect(familyOf(address)).toBe(family);
      }),
      { numRuns: 1000 },
    );
  });

  it('spells each number in one way only', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), (value) => {
        const groups = Array.from({ length: 8 }, (_, index) => (value >> BigInt(112 - 16 * index)) & 0xffffn);
        const long = parsed(groups.map((group) => group.toString(16).padStart(4, '0')).join(':'));
        const short = parsed(groups.map((group) => group.toString(16).toUpperCase()).join(':'));
        expect(long).toBe(short);
        expect(toBigInt(long)).toBe(value);
      }),
      { numRuns: 1000 },
    );
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        parseAddress(text);
        parsePrefix(text);
        parseAddressWithOptionalLength(text);
      }),
    );
  });
});

describe('parseAddressWithOptionalLength', () => {
  it.each([
    ['10.75.0.3', '10.75.0.3'],
    ['10.75.0.3/16', '10.75.0.3'],
    ['FDD4::3/128', 'fdd4::3'],
    ['10.75.0.3/0', '10.75.0.3'],
  ])('reads %s as %s', (text, address) => {
    expect(parseAddressWithOptionalLength(text)).toBe(address);
  });

  it.each(['10.75.0.3/33', '10.75.0.3/', '10.75.0.3/016', '10.75.0.3/+8', 'fdd4::3/129', '/16', '10.75.0.3/16/16'])(
    'refuses %s',
    (text) => {
      expect(parseAddressWithOptionalLength(text)).toBeUndefined();
    },
  );
});

describe('prefixes', () => {
  it.each([
    ['10.75.0.0/16', '10.75.0.0/16'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['::/0', '::/0'],
    ['10.75.0.3/32', '10.75.0.3/32'],
    ['FDD4:1476:6C7E:0::/48', 'fdd4:1476:6c7e::/48'],
  ])('reads %s', (text, canonical) => {
    expect(parsePrefix(text)?.text).toBe(canonical);
  });

  it.each(['10.75.0.0', '10.75.0.1/16', 'fdd4::1/64', '10.75.0.0/33', '10.75.0.0/1e1', '10.75.0.0/ 16', '/0', ''])(
    'takes %j for no prefix',
    (text) => {
      expect(parsePrefix(text)).toBeUndefined();
    },
  );

  it('hold exactly their own addresses', () => {
    fc.assert(
      fc.property(anyText, fc.nat(128), anyText, (text, bits, otherText) => {
        const prefix = prefixAround(parsed(text), bits);
        const other = parsed(otherText);
        const first = toBigInt(prefix.address);
        const last = toBigInt(lastAddress(prefix));
        const isInside = familyOf(other) === prefix.family && toBigInt(other) >= first && toBigInt(other) <= last;
        expect(contains(prefix, other)).toBe(isInside);
        expect(contains(prefix, parsed(text))).toBe(true);
        expect(last - first).toBe((1n << BigInt(hostLength(prefix.family) - prefix.length)) - 1n);
        expect(parsePrefix(prefix.text)).toEqual(prefix);
      }),
      { numRuns: 1000 },
    );
  });

  it('count their addresses from the first one', () => {
    const prefix = parsePrefix('10.75.0.0/16') as Prefix;
    expect(addressAt(prefix, 0n)).toBe('10.75.0.0');
    expect(addressAt(prefix, 258n)).toBe('10.75.1.2');
    expect(lastAddress(prefix)).toBe('10.75.255.255');
    const wide = parsePrefix('fdd4:1476:6c7e::/48') as Prefix;
    expect(addressAt(wide, 1n << 64n)).toBe('fdd4:1476:6c7e:1::');
    expect(lastAddress(wide)).toBe('fdd4:1476:6c7e:ffff:ffff:ffff:ffff:ffff');
  });
});

function parsed(text: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  return address;
}

/** The prefix of `bits` length (cut to the family's) that holds the address, by arithmetic of the test's own. */
function prefixAround(address: Address, bits: number): Prefix {
  const size = familyOf(address) === 'ipv4' ? 32 : 128;
  const length = Math.min(bits, size);
  const text = toBigInt(address).toString(2).padStart(size, '0').slice(0, length).padEnd(size, '0');
  const parts =
    size === 32
      ? (text.match(/.{8}/g) ?? []).map((part) => Number.parseInt(part, 2)).join('.')
      : (text.match(/.{16}/g) ?? []).map((part) => Number.parseInt(part, 2).toString(16)).join(':');
  const prefix = parsePrefix(`${parts}/${length}`);
  if (prefix === undefined) throw new Error(`${parts}/${length} is no prefix`);
  return prefix;
}
