/** Where no name may lead, in whatever family it is written. */
import { describe, expect, it } from 'vitest';
import { type Address, parseAddress, parsePrefix } from '../../../src/model/address.ts';
import { isKeptFrom } from '../../../src/policy/private-addresses.ts';

const own = ['203.0.113.7/32', '2001:db8:7::/48'].flatMap((text) => parsePrefix(text) ?? []);

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}

describe('an address is kept from zones', () => {
  it.each([
    ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.53', '169.254.169.254', '172.31.255.255', '192.168.0.1'],
    ...['192.0.0.192', '198.18.0.1', '224.0.0.251', '255.255.255.255', '168.63.129.16', '203.0.113.7'],
    ...['::', '::1', '::ffff:198.51.100.7', '::10.1.2.3', 'fe80::1', 'fec0::1', 'ff02::1', 'fd00:ec2::254'],
    ...['64:ff9b::10.1.2.3', '64:ff9b::169.254.169.254', '64:ff9b:1::1', '2002:a01:203::1', '2002:7f00:1::', '2001::1'],
    // This host's own address behind NAT64 and 6to4.
    ...['64:ff9b::203.0.113.7', '2002:cb00:7107::1', '2001:db8:7::9'],
  ])('%s', (text) => expect(isKeptFrom(address(text), own)).toBe(true));
});

describe('an address is not', () => {
  it.each([
    ...['198.51.100.7', '1.1.1.1', '172.32.0.1', '100.128.0.1', '203.0.113.8', '168.63.129.17', '198.20.0.1'],
    ...['2001:db8:99::7', '2606:4700::1111', '64:ff9b::198.51.100.7', '2002:c633:6407::1', '2001:4860:4860::8888'],
  ])('%s', (text) => expect(isKeptFrom(address(text), own)).toBe(false));
});
