/** What is typed after `explain`, and which packets it means on a host with three zones. */
import { describe, expect, it } from 'vitest';
import { Facts } from '../../../src/explain/facts.ts';
import { parseRequest, type Words } from '../../../src/explain/request.ts';
import { subjectOf } from '../../../src/explain/subject.ts';
import { address, emptySnapshot, linkWith } from './support.ts';

const asked = (to: string) => ({ subject: 'vif7.0', to });

describe('the words of a command line', () => {
  it.each([
    ['198.51.100.10', { address: '198.51.100.10' }, undefined],
    ['198.51.100.10:443', { address: '198.51.100.10' }, 443],
    ['[2001:db8::1]:443', { address: '2001:db8::1' }, 443],
    ['[2001:db8::1]', { address: '2001:db8::1' }, undefined],
    ['2001:db8::1', { address: '2001:db8::1' }, undefined],
    ['vif8.0', { link: 'vif8.0' }, undefined],
    ['vif8.0:5432', { link: 'vif8.0' }, 5432],
    ['db:5432', { name: 'db' }, 5432],
  ])('--to %s', (to, party, port) => {
    const transport = port === undefined ? 'icmp' : 'tcp';
    expect(parseRequest(asked(to))).toMatchObject({ to: party, port, transport, ambiguous: undefined });
  });

  it.each<[Words, RegExp]>([
    [asked('198.51.100.10:70000'), /the port '70000' is not a number from 1 to 65535/],
    [asked('198.51.100.10:0'), /the port '0' is not/],
    [asked('[2001:db8::1]:http'), /the port 'http' is not/],
    [asked('[2001:db8::zz]:443'), /--to is '2001:db8::zz'; expected an address/],
    [asked('2001:db8:0:0:0:0:0:1:443'), /stands in brackets: \[2001:db8:0:0:0:0:0:1\]:443/],
    [asked('2001:db8:zz'), /--to is '2001:db8'; expected an address/],
    [asked(''), /--to is ''/],
    [{ ...asked('198.51.100.10'), udp: true }, /--udp needs a port/],
    [{ subject: 'vif7.0', ipv4: true, ipv6: true }, /-4 and -6 exclude each other/],
    [{ ...asked('2001:db8::1'), ipv4: true }, /-4 is IPv4 and --to 2001:db8::1 is IPv6; a packet has one family/],
    [
      { ...asked('10.75.0.8'), from: '2001:db8::1' },
      /--to 10\.75\.0\.8 is IPv4 and --from 2001:db8::1 is IPv6; a packet has one family/,
    ],
  ])('%j is refused', (words, why) => {
    expect(() => parseRequest(words)).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringMatching(why) }),
    );
  });
});

const zone = (link: string, name: string, addresses: readonly string[]) => ({
  link,
  name,
  addresses: addresses.map(address),
  claimed: [],
  directory: 'static',
  origin: '',
  refused: null,
});
const fallback = { type: 'unicast', dst: 'default', table: 'main', protocol: 'boot', flags: [] };
const host = new Facts({
  ...emptySnapshot,
  zones: [
    zone('vif7.0', 'web', ['10.75.0.7', 'fdd4:1476:6c7e::7']),
    zone('vif8.0', 'db', ['10.75.0.8', 'fdd4:1476:6c7e::8:443']),
    zone('vif9.0', 'two', ['10.75.0.9']),
    zone('vif10.0', 'two', ['10.75.0.10']),
    { ...zone('vif11.0', 'none', []), refused: 'no zone directory knows this link' },
  ],
  links: [linkWith(2, 'eth1', '192.0.2.1')],
  rules: { ipv4: [{ priority: 0, table: 'main' }], ipv6: [{ priority: 0, table: 'main' }] },
  routes: {
    ipv4: [
      // wg-quick's and OpenVPN's way to say "default" without replacing it.
      { ...fallback, family: 'ipv4', dst: '0.0.0.0/1', dev: 'wg0' },
      { ...fallback, family: 'ipv4', dev: 'eth0' },
      { ...fallback, family: 'ipv4', dst: '192.0.2.0/24', dev: 'eth1' },
    ],
    ipv6: [{ ...fallback, family: 'ipv6', dev: 'eth0' }],
  },
});
const packets = (words: Words) =>
  subjectOf(parseRequest(words), host).packets.map(
    ({ source, destination, input }) => `${source} > ${destination} by ${input}`,
  );

describe('the packets that are meant', () => {
  it.each<[string, Words, string[]]>([
    [
      'both families where none is named',
      { subject: 'web' },
      ['10.75.0.7 > 1.1.1.1 by vif7.0', 'fdd4:1476:6c7e::7 > 2606:4700:4700::1111 by vif7.0'],
    ],
    ['one with -6', { subject: 'web', ipv6: true }, ['fdd4:1476:6c7e::7 > 2606:4700:4700::1111 by vif7.0']],
    [
      'a sibling by its name, in both families',
      { subject: 'web', to: 'db' },
      ['10.75.0.7 > 10.75.0.8 by vif7.0', 'fdd4:1476:6c7e::7 > fdd4:1476:6c7e::8:443 by vif7.0'],
    ],
    ['a sibling that has one family only', { subject: 'web', to: 'vif9.0' }, ['10.75.0.7 > 10.75.0.9 by vif7.0']],
    [
      'the IPv4 address of a zone that is named by its IPv6 one',
      { subject: 'fdd4:1476:6c7e::7', to: '198.51.100.10' },
      ['10.75.0.7 > 198.51.100.10 by vif7.0'],
    ],
    [
      'a zone’s address that looks like one with a port',
      { subject: 'web', to: 'fdd4:1476:6c7e::8:443' },
      ['fdd4:1476:6c7e::7 > fdd4:1476:6c7e::8:443 by vif7.0'],
    ],
    [
      'a sibling’s address comes by its link',
      { subject: 'db', from: '10.75.0.7' },
      ['10.75.0.7 > 10.75.0.8 by vif7.0'],
    ],
    [
      'so does its name',
      { subject: 'db', from: 'web' },
      ['10.75.0.7 > 10.75.0.8 by vif7.0', 'fdd4:1476:6c7e::7 > fdd4:1476:6c7e::8:443 by vif7.0'],
    ],
    [
      'the host’s own address comes by no link',
      { subject: 'db', from: '192.0.2.1' },
      ['192.0.2.1 > 10.75.0.8 by undefined'],
    ],
    [
      'a neighbour comes by the link that leads there',
      { subject: 'db', from: '192.0.2.9' },
      ['192.0.2.9 > 10.75.0.8 by eth1'],
    ],
    [
      'a half of a default route counts',
      { subject: 'db', from: 'outside', ipv4: true },
      ['1.1.1.1 > 10.75.0.8 by wg0'],
    ],
    ['the other half does not', { subject: 'db', from: '198.51.100.9' }, ['198.51.100.9 > 10.75.0.8 by eth0']],
  ])('%s', (_what, words, expected) => expect(packets(words)).toEqual(expected));

  it.each<[Words, RegExp, string]>([
    [
      { subject: 'eth0' },
      /'eth0' is neither a zone link such as vif7\.0 nor an address, nor the name of a zone/,
      'usage',
    ],
    [asked('example.org'), /--to is 'example\.org', .*names of hosts are not resolved: give the address/, 'usage'],
    [{ subject: 'two' }, /several zones are named 'two': vif9\.0, vif10\.0/, 'usage'],
    [{ subject: 'vif9.0', ipv6: true }, /vif9\.0 has no IPv6 address; it has 10\.75\.0\.9/, 'usage'],
    [{ subject: '10.75.0.9', to: 'fdd4:1476:6c7e::7' }, /vif9\.0 has no IPv6 address/, 'usage'],
    [{ subject: 'web', from: 'web' }, /--from 10\.75\.0\.7 is vif7\.0 itself/, 'usage'],
    [asked('none'), /--to is vif11\.0, which has no network: no zone directory knows this link/, 'refused'],
    [
      asked('2001:db8:2::10:443'),
      /an address, or port 443 of 2001:db8:2::10\? Write \[2001:db8:2::10:443\] or \[2001:db8:2::10\]:443/,
      'usage',
    ],
    [asked('2001:db8::443'), /an address, or port 443 of 2001:db8::\?/, 'usage'],
  ])('%j is refused', (words, why, code) => {
    expect(() => packets(words)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(why) }));
  });

  it.each(['2606:4700:4700::1111', '2001:4860:4860::8888', '2001:db8::10', '[2001:db8:2::10:443]'])(
    '%s is no more than an address',
    (to) => expect(packets(asked(to))).toHaveLength(1),
  );
});
