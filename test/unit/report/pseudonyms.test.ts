/** What stands in the place of addresses and names: the same everywhere, nobody's own, and of the same kind. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressAt, contains, fromBigInt, parseAddress, parsePrefix, prefixesOf } from '../../../src/model/address.ts';
import { AddressPseudonyms } from '../../../src/report/address-pseudonyms.ts';
import { Pseudonyms } from '../../../src/report/pseudonyms.ts';

const key = Buffer.alloc(32, 7);
const addresses = new AddressPseudonyms(key);
const pseudonyms = new Pseudonyms({ key, hostname: 'dom0.corp.example.net', names: ['web', 'web-2', 'a "b"'] });

const anyAddress = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }).map((value) => fromBigInt(value, 'ipv4')),
  fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map((value) => fromBigInt(value, 'ipv6')),
);

describe('addresses', () => {
  it('have as much in common at the beginning as before, and so no two become one', () => {
    const [subnet] = prefixesOf('10.75.0.0/16');
    if (subnet === undefined) throw new Error('no prefix');
    const all = Array.from({ length: 2000 }, (_, place) => addressAt(subnet, BigInt(place)));
    const mapped = all.map((address) => addresses.of(address));
    expect(new Set(mapped).size).toBe(all.length);
    const around = parsePrefix(pseudonyms.in('10.75.0.0/16'));
    if (around === undefined) throw new Error('no prefix');
    expect(mapped.every((address) => contains(around, address))).toBe(true);
    expect(around.text).not.toBe('10.75.0.0/16');
  });

  it('stay of their kind', () => {
    const kinds = prefixesOf(
      '10.0.0.0/8',
      '192.168.0.0/16',
      '224.0.0.0/4',
      'fd00::/8',
      'fe80::/64',
      '2000::/3',
      '::/127',
    );
    fc.assert(
      fc.property(anyAddress, (address) => {
        const other = addresses.of(address);
        expect(parseAddress(other)).toBe(other);
        for (const kind of kinds) expect(contains(kind, other)).toBe(contains(kind, address));
      }),
    );
  });

  it.each(['0.0.0.0', '127.0.0.1', '169.254.169.254', '255.255.255.255', '::1', '::', 'ff02::1', '255.255.0.0'])(
    '%s is nobody in particular, and stays',
    (text) => expect(pseudonyms.in(`a ${text} b`)).toBe(`a ${text} b`),
  );
});

describe('a text', () => {
  it.each(['10', '10.75', '00', '00:16', 'fdd4', '8f3c2a10', ' 10', '{ 10', 'saddr 10', ' fdd4:1476'])(
    'with a zone called %j keeps no part of an address',
    (name) => {
      const hostile = new Pseudonyms({ key, hostname: 'dom0', names: [name, 'db', 'web-10.75.0.9'] });
      const text = hostile.in(
        'ip saddr { 10.75.0.3, 10.75.0.4 } fdd4:1476:6c7e::8 00:16:3e:01:02:03 8f3c2a10-1111-2222-3333-444455556666',
      );
      for (const part of ['75.0.3', '0.4 ', '6c7e::8', '01:02:03', '2222-3333']) expect(text).not.toContain(part);
      expect(hostile.in('db:5432 web-10.75.0.9')).toMatch(/^zone-\d:5432 zone-\d$/);
    },
  );

  it('keeps all but what tells of somebody', () => {
    const text = `table inet edera { # handle 6
	iifname "vif7.0" ip saddr 203.0.113.9 counter packets 12 bytes 34 drop comment "12:34:56" }
vif7.0 (web): fdd4:1476:6c7e::8: was refused at 2026-03-01T12:00:05.120Z, nft 1.0.6 (Lester Gooch #5)
link/ether 00:16:3e:01:02:03 brd ff:ff:ff:ff:ff:ff; web-2 is not web2 but web; {"name":"a \\"b\\""}
zone 6f0c7b1e-43a1-4b58-8c0e-1f6a3e0d9b11 asked for api.corp.example.net and example.net, dom0 dom0.corp.example.net
protect-network.service systemd-networkd.service net/ipv4/conf/vif7.0/rp_filter = 1 10.75.0.3:443 [fdd4:1476:6c7e::3]:53`;
    const told = pseudonyms.in(text);
    for (const secret of [
      '203.0.113',
      '1476',
      '01:02:03',
      '"web',
      'web-2 ',
      '(web)',
      '6f0c7b1e',
      'corp',
      'api',
      'dom0',
      '10.75.',
      '\\"b',
    ])
      expect(told).not.toContain(secret);
    const kept = told
      .replaceAll(/zone-\d/g, 'ZONE')
      .replaceAll(/(?:name-\d\.)*domain-\d\.example/g, 'DOMAIN')
      .replaceAll(/00000000-0000-4000-8000-\d{12}/g, 'UUID')
      .replaceAll(/00:16:3e:00:00:01/g, 'MAC');
    expect(
      kept.replaceAll(/\b(?:\d+\.){3}\d+\b|fd[\da-f]{2}:[\da-f:]*[\da-f]/g, 'ADDRESS'),
    ).toBe(`table inet edera { # handle 6
	iifname "vif7.0" ip saddr ADDRESS counter packets 12 bytes 34 drop comment "12:34:56" }
vif7.0 (ZONE): ADDRESS: was refused at 2026-03-01T12:00:05.120Z, nft 1.0.6 (Lester Gooch #5)
link/ether MAC brd ff:ff:ff:ff:ff:ff; ZONE is not web2 but ZONE; {"name":"ZONE"}
zone UUID asked for DOMAIN and DOMAIN, host host
protect-network.service systemd-networkd.service net/ipv4/conf/vif7.0/rp_filter = 1 ADDRESS:443 [ADDRESS]:53`);
  });

  it('says the same of the same', () => {
    const [first, second] = ['10.75.0.3 web api.example.org', 'web: 10.75.0.3, www.example.org'].map((text) =>
      pseudonyms.in(text).split(/[ :,]+/),
    );
    expect([second?.[1], second?.[0]]).toEqual([first?.[0], first?.[1]]);
    expect(second?.[2]?.split('.').slice(1)).toEqual(first?.[2]?.split('.').slice(1));
  });

  it('is another one with another key', () => {
    const other = new Pseudonyms({ key: Buffer.alloc(32, 8), hostname: '', names: [] });
    expect(other.in('203.0.113.9')).not.toBe(pseudonyms.in('203.0.113.9'));
  });
});
