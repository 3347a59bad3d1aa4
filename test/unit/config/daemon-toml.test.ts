import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { daemonTomlSchema, loadDaemonToml, subnetOf, whyNotUsable } from '../../../src/config/daemon-toml.ts';
import { parseToml } from '../../../src/config/toml-file.ts';
import { parseAddress, parsePrefix } from '../../../src/model/address.ts';
import { errorOf, temporaryDirectory } from './support.ts';

describe('daemon.toml', () => {
  test('that is missing means the defaults and a warning that names it', () => {
    const path = join(temporaryDirectory(), 'daemon.toml');
    const { subnets, warnings } = loadDaemonToml(path);
    expect([subnets.ipv4?.prefix.text, subnets.ipv6?.prefix.text]).toEqual(['10.75.0.0/16', 'fdd4:1476:6c7e::/48']);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(path);
  });

  test('that is empty means the defaults without a warning', () => {
    const path = join(temporaryDirectory(), 'daemon.toml');
    writeFileSync(path, '', { mode: 0o644 });
    expect(loadDaemonToml(path).subnets.ipv4?.prefix.text).toBe('10.75.0.0/16');
    expect(loadDaemonToml(path).warnings).toEqual([]);
  });

  test('that others may write is used, with a warning', () => {
    const path = join(temporaryDirectory(), 'daemon.toml');
    writeFileSync(path, '[network.ipv4]\nsubnet = "10.9.0.0/16"\n');
    chmodSync(path, 0o666);
    const { subnets, warnings } = loadDaemonToml(path);
    expect(subnets.ipv4?.prefix.text).toBe('10.9.0.0/16');
    expect(warnings.join()).toContain('writable by group or others (mode 0666)');
  });

  test('may hold anything else of any type', () => {
    const text = `
oci = 9223372036854775807
dates = [1979-05-27T07:32:00Z, 07:32:00]
"__proto__" = { constructor = 1 }
[[network.peers]]
subnet = 5
[network.ipv4]
subnet = "192.168.0.0/24"
gateway = ["whatever"]
[network.nameservers]
ipv6 = false
`;
    expect(parseToml('d', text, daemonTomlSchema).ipv4?.prefix.text).toBe('192.168.0.0/24');
  });

  test('switches a family off by an empty subnet, but not both', () => {
    expect(parseToml('d', 'network.ipv6.subnet = ""', daemonTomlSchema).ipv6).toBeUndefined();
    const both = '[network]\nipv4 = { subnet = "" }\nipv6.subnet = ""\n';
    expect(errorOf(() => parseToml('d', both, daemonTomlSchema)).message).toMatch(
      /^d:2:19: .*expected a subnet for at least one/,
    );
  });

  test.each([
    ['network = 5', '1:11', 'network is 5; expected a table'],
    ['[network]\nipv4 = "10.0.0.0/8"', '2:8', 'network.ipv4 is "10.0.0.0/8"; expected a table'],
    ['[network.ipv4]\nsubnet = 10', '2:10', 'network.ipv4.subnet is 10; expected a prefix such as'],
    ['[network.ipv4]\nsubnet = "10.75.0.3/16"', '2:10', 'expected "10.75.0.0/16"'],
    ['[network.ipv6]\nsubnet = "fd00::1:2/64"', '2:10', 'expected "fd00::/64"'],
    ['[network.ipv4]\nsubnet = "10.75.0.0"', '2:10', 'is not an IPv4 prefix'],
    ['[network.ipv4]\nsubnet = "fd00::/64"', '2:10', 'is not an IPv4 prefix'],
    ['[network.ipv4]\nsubnet = "10.75.0.0/30"', '2:10', 'it needs room for'],
    ['[network.ipv6]\nsubnet = "fd00::/126"', '2:10', 'it needs room for'],
    ['[network.ipv4]\nsubnet = "0.0.0.0/0"', '2:10', 'is too large'],
    ['[network.ipv4]\nsubnet = "127.5.0.0/16"', '2:10', 'overlaps the loopback range 127.0.0.0/8'],
    ['[network.ipv4]\nsubnet = "169.0.0.0/8"', '2:10', 'overlaps the link-local range'],
    ['[network.ipv4]\nsubnet = "239.1.0.0/16"', '2:10', 'overlaps the multicast range'],
    ['[network.ipv4]\nsubnet = "0.5.0.0/16"', '2:10', 'overlaps the unspecified range'],
    ['[network.ipv6]\nsubnet = "fe80::/64"', '2:10', 'overlaps the link-local range'],
    ['[network.ipv6]\nsubnet = "ff02::/64"', '2:10', 'overlaps the multicast range'],
    ['[network.ipv6]\nsubnet = "::ffff:10.0.0.0/112"', '2:10', 'overlaps the unspecified, loopback and IPv4-mapped'],
  ])('%j is refused', (text, place, words) => {
    const { message } = errorOf(() => parseToml('d', text, daemonTomlSchema));
    expect(message.startsWith(`d:${place}: `)).toBe(true);
    expect(message).toContain(words);
  });

  test.each(['10.0.0.0/8', '10.75.0.8/29', '100.64.0.0/10'])('%s is a subnet', (subnet) => {
    expect(parseToml('d', `network.ipv4.subnet = "${subnet}"`, daemonTomlSchema).ipv4?.prefix.text).toBe(subnet);
  });
});

describe('the addresses of a subnet', () => {
  const ipv4 = subnetOf(must(parsePrefix('10.75.0.0/29')));
  const ipv6 = subnetOf(must(parsePrefix('fd00::/125')));

  test('are gateway and host, and those that no zone may have', () => {
    expect([ipv4.gateway, ipv4.host, ipv6.gateway, ipv6.host]).toEqual([
      '10.75.0.1',
      '10.75.0.2',
      'fd00::1',
      'fd00::2',
    ]);
    expect([...ipv4.reserved]).toEqual(['10.75.0.0', '10.75.0.1', '10.75.0.2', '10.75.0.7']);
    expect([...ipv6.reserved]).toEqual(['fd00::', 'fd00::1', 'fd00::2']);
  });

  test.each([
    ['10.75.0.3', undefined],
    ['10.75.0.6', undefined],
    ['fd00::7', undefined],
    ['10.75.0.0', 'network address'],
    ['10.75.0.1', 'gateway'],
    ['10.75.0.2', "host's own"],
    ['10.75.0.7', 'broadcast'],
    ['10.75.0.8', 'outside the zone subnet 10.75.0.0/29'],
    ['fd00::', 'network address'],
    ['fd01::3', 'outside the zone subnet fd00::/125'],
  ])('%s: %s', (text, words) => {
    const why = whyNotUsable({ ipv4, ipv6 }, must(parseAddress(text)));
    if (words === undefined) expect(why).toBeUndefined();
    else expect(why).toContain(words);
  });

  test('of a family that is switched off are none', () => {
    expect(whyNotUsable({ ipv4, ipv6: undefined }, must(parseAddress('fd00::3')))).toContain('IPv6 is switched off');
  });
});

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the test is wrong');
  return value;
}
