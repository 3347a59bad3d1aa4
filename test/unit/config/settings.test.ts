import { chmodSync, chownSync, lchownSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/config.ts';
import { capacityOf } from '../../../src/config/fleet.ts';
import { loadSettings } from '../../../src/config/load-settings.ts';
import { defaultSettings, settingsSchema } from '../../../src/config/settings-schema.ts';
import { subnetOf, whyNotUsable } from '../../../src/config/subnet.ts';
import { parseToml } from '../../../src/config/toml-file.ts';
import { type Address, type Prefix, parseAddress, parsePrefix } from '../../../src/model/address.ts';
import { errorOf, temporaryDirectory } from './support.ts';

const examplePath = join(import.meta.dirname, '../../../systemd/protect-network.toml.example');
const isRoot = process.geteuid?.() === 0;

describe('the settings', () => {
  test('are the documented defaults where there is no file, without a warning', () => {
    expect(loadSettings(join(temporaryDirectory(), 'none.toml'))).toEqual({ settings: defaultSettings, warnings: [] });
    expect(defaultSettings).toMatchObject({
      zones: {
        directories: ['control-api', 'xenstore', 'static'],
        controlApi: 'unix:///var/lib/edera/protect/daemon.socket',
        xenstore: undefined,
        staticDir: '/var/lib/edera/protect/network/zones.d',
      },
      uplink: { interfaces: [], masquerade4: true, masquerade6: true, source: {}, noMasquerade: [] },
      forward: { placement: 'auto', mark: 0x10000000 },
      isolation: { antiSpoof: true, zoneToZone: 'allow', metadata: 'allow', host: 'allow' },
      policy: { dir: '/etc/edera/policy.d', resolvers: [] },
      fleet: { block: [], prefixes: [], uplinks: [], zones: [] },
      reconcile: { resyncSeconds: 60 },
      control: { socket: '/run/protect-network/control.sock', metricsListen: undefined },
    });
    expect(defaultSettings.isolation.metadataAddresses.map(({ text }) => text)).toContain('169.254.0.0/16');
  });

  test('of the example file are the defaults, with every key there is', () => {
    const text = readFileSync(examplePath, 'utf8');
    expect(parseToml(examplePath, text, settingsSchema)).toEqual(defaultSettings);
    const keys = Object.entries(parse(text)).flatMap(([table, value]) =>
      Object.keys(value).map((key) => `${table}.${key}`),
    );
    expect(keys.sort()).toEqual(knownKeys());
  });

  test('take what is written', () => {
    const text = `
[zones]
directories = ["static"]
xenstore = "/run/xenstored/socket"
[uplink]
interfaces = ["eth0", "bond0.100"]
[forward]
mark = 0x80000000
[isolation]
metadata-addresses = ["169.254.0.0/16", "fd00:ec2::254"]
[control]
metrics-listen = "[::1]:9475"
`;
    const settings = parseToml('s', text, settingsSchema);
    expect(settings.zones.directories).toEqual(['static']);
    expect(settings.zones.xenstore).toBe('/run/xenstored/socket');
    expect(settings.uplink.interfaces).toEqual(['eth0', 'bond0.100']);
    expect(settings.forward).toEqual({ placement: 'auto', mark: 0x80000000 });
    const prefixes = settings.isolation.metadataAddresses.map(({ text }) => text);
    expect(prefixes).toEqual(['169.254.0.0/16', 'fd00:ec2::254/128']);
    expect(settings.control.metricsListen).toEqual({ host: '::1', port: 9475 });
    expect(parseToml('s', 'forward.mark = 0', settingsSchema).forward.mark).toBe(0);
  });

  test.each([
    ['zones.directories = []', '1:21', 'at least one zone directory'],
    ['zones.directories = ["static", "static"]', '1:32', 'is in the list already'],
    ['zones.directories = ["static", "dns"]', '1:32', 'expected "control-api", "xenstore" or "static"'],
    ['zones.control-api = "http://x"', '1:21', 'is not a Unix socket'],
    ['zones.control-api = "unix:///a/../b"', '1:21', 'is not normalised; expected "/b"'],
    [`zones.control-api = "unix:///${'x'.repeat(107)}"`, '1:21', 'has 108 bytes; expected at most 107'],
    ['zones.xenstore = "xenbus"', '1:18', 'is not an absolute path'],
    ['zones.static-dir = ""', '1:20', 'is not an absolute path'],
    ['zones.static-dir = "/a/"', '1:20', 'is not normalised; expected "/a"'],
    ['zones.static-dir = "/a\\u0000"', '1:20', 'contains a NUL'],
    ['zones.static-dir = 3', '1:20', 'expected a text in quotes'],
    ['uplink.interfaces = "eth0"', '1:21', 'expected a list of interface names'],
    ['uplink.interfaces = ["eth0", "vif1.0"]', '1:30', "is a zone's link"],
    ['uplink.interfaces = ["a234567890123456"]', '1:22', 'is not an interface name'],
    ['uplink.interfaces = ["a b"]', '1:22', 'is not an interface name'],
    ['uplink.interfaces = ["..", "e"]', '1:22', 'is not an interface name'],
    ['uplink.masquerade6 = "off"', '1:22', 'expected true or false'],
    ['uplink.source = ["10.0.0.1", "10.0.0.2"]', '1:30', 'is a second IPv4 address; expected at most one'],
    ['uplink.source = ["::1"]', '1:18', 'is not an address of a host'],
    ['uplink.no-masquerade = ["10.200.0.1/16"]', '1:25', 'is neither an address nor a prefix'],
    ['forward.placement = "last"', '1:21', 'expected "auto" or "first"'],
    ['forward.mark = -1', '1:16', 'expected one bit'],
    ['forward.mark = 0x100000000', '1:16', 'expected one bit'],
    ['forward.mark = 1.5', '1:16', 'expected one bit'],
    ['forward.mark = 9223372036854775807', '1:16', 'expected one bit'],
    ['isolation.anti-spoof = "yes"', '1:24', 'expected true or false'],
    ['isolation.host = "Deny"', '1:18', 'expected "allow" or "deny"'],
    ['isolation.metadata-addresses = ["169.254.169.254/16"]', '1:33', 'is neither an address nor a prefix'],
    ['reconcile.resync-seconds = 86401', '1:28', 'from 1 to 86400'],
    ['control.socket = "run/x"', '1:18', 'is not an absolute path'],
    ['control.metrics-listen = "localhost:9475"', '1:26', 'is not an address with a port'],
    ['control.metrics-listen = "127.0.0.1:65536"', '1:26', 'is not an address with a port'],
    ['control.metrics-listen = "::1:9475"', '1:26', 'is not an address with a port'],
    [fleetText(['10.75.2.0/24', '10.80.0.0/24']), '2:26', '10.80.0.0/24 is in none of fleet.prefixes'],
    [fleetText(['10.75.2.0/24', '10.75.2.7']), '2:26', '10.75.2.7/32 overlaps 10.75.2.0/24'],
    [fleetText(['10.0.0.0/8']), '2:10', '10.0.0.0/8 is in none of fleet.prefixes'],
    [fleetText(['10.75.2.0/24'], '[]'), '4:11', 'fleet.uplinks is empty; expected all of block, prefixes and uplinks'],
    ['[fleet]\nblock = ["10.75.2.0/24"]', '1:1', 'fleet.prefixes is empty'],
    [
      fleetText(['10.75.2.0/24'], '["eth0"]\nzones = { db = ["10.80.3.8"] }'),
      '5:17',
      '10.80.3.8 is in none of fleet.prefixes',
    ],
    [
      fleetText(['10.75.2.0/24'], '["eth0"]\nzones = { db = ["10.75.2.8"] }'),
      '5:17',
      '10.75.2.8 is in 10.75.2.0/24, a block of this host',
    ],
    [fleetText(['10.75.2.0/24'], '["eth0"]\nzones = { db = [] }'), '5:16', 'expected at least one address'],
    [fleetText(['10.75.2.0/24'], '["eth0"]\nzones = { "" = ["10.75.3.8"] }'), '5:16', 'a name of 1 to 63'],
    ['[fleet.zones]\ndb = ["10.75.3.8"]', '1:2', 'fleet.block is empty'],
    ['zones = 1', '1:9', 'zones is 1; expected a table'],
    ['[isolation]\nanti_spoof = true', '2:1', 'did you mean "anti-spoof"?'],
  ])('%s is refused', (text, place, words) => {
    const { message } = errorOf(() => parseToml('s', text, settingsSchema));
    expect(message.split(' ', 1)[0]).toBe(`s:${place}:`);
    expect(message).toContain(words);
  });

  test('warn where metrics are not for this host alone', () => {
    const path = join(temporaryDirectory(), 's.toml');
    writeFileSync(path, 'control.metrics-listen = "0.0.0.0:9475"\n', { mode: 0o644 });
    expect(loadSettings(path).warnings.join()).toContain('0.0.0.0 can be read from other hosts');
  });
});

describe('the settings file', () => {
  test('is refused where others may write it', () => {
    const path = join(temporaryDirectory(), 's.toml');
    writeFileSync(path, '');
    chmodSync(path, 0o664);
    expect(errorOf(() => loadSettings(path)).code).toBe('config-invalid');
    chmodSync(path, 0o644);
    expect(loadSettings(path).settings).toEqual(defaultSettings);
  });

  test.runIf(isRoot)("is refused where it, or the link that leads to it, is somebody else's", () => {
    const directory = temporaryDirectory();
    const [path, link] = [join(directory, 's.toml'), join(directory, 'link.toml')];
    writeFileSync(path, '', { mode: 0o644 });
    symlinkSync(path, link);
    expect(loadSettings(link).settings).toEqual(defaultSettings);
    lchownSync(link, 65534, 65534);
    expect(errorOf(() => loadSettings(link)).message).toContain('the symbolic link is not trusted');
    chownSync(path, 65534, 65534);
    expect(errorOf(() => loadSettings(path)).message).toContain('owned by user 65534');
  });
});

test('both files broken are told in one error', () => {
  const directory = temporaryDirectory();
  const paths = { config: join(directory, 'daemon.toml'), settings: join(directory, 's.toml') };
  writeFileSync(paths.config, 'network = 5', { mode: 0o644 });
  writeFileSync(paths.settings, 'x = 5', { mode: 0o644 });
  const error = errorOf(() => loadConfig(paths));
  expect(error.code).toBe('config-invalid');
  expect(error.message).toContain(`${paths.config}:1:11: network is 5`);
  expect(error.message).toContain(`${paths.settings}:1:1: unknown key "x"`);
});

test("an address to leave under that is in the zones' subnet is refused", () => {
  const directory = temporaryDirectory();
  const paths = { config: join(directory, 'daemon.toml'), settings: join(directory, 's.toml') };
  writeFileSync(paths.config, '[network.ipv4]\nsubnet = "10.75.0.0/16"\n', { mode: 0o644 });
  writeFileSync(paths.settings, 'uplink.source = ["2001:db8::1", "10.75.0.2"]', { mode: 0o644 });
  const error = errorOf(() => loadConfig(paths));
  expect(error.code).toBe('config-invalid');
  expect(error.message).toContain(`${paths.settings}:1:33: `);
  expect(error.message).toContain("uplink.source: 10.75.0.2 is in the zones' subnet 10.75.0.0/16");
  writeFileSync(paths.settings, 'uplink.source = ["10.76.0.2"]', { mode: 0o644 });
  expect(loadConfig(paths).settings.uplink.source).toEqual({ ipv4: '10.76.0.2', ipv6: undefined });
});

describe('the blocks of a fleet', () => {
  function load(settings: string, config = '[network.ipv4]\nsubnet = "10.75.0.0/16"\n[network.ipv6]\nsubnet = ""\n') {
    const directory = temporaryDirectory();
    const paths = { config: join(directory, 'daemon.toml'), settings: join(directory, 's.toml') };
    writeFileSync(paths.config, config, { mode: 0o644 });
    writeFileSync(paths.settings, settings, { mode: 0o644 });
    return { paths, load: () => loadConfig(paths) };
  }

  test.each([
    ['10.80.0.0/24', "is not in the zones' subnet 10.75.0.0/16; expected a part of it"],
    ['fdd4:1476:6c7e:2::/64', 'IPv6 is switched off for zones; expected no block of it'],
  ])('%s has to be in the subnet of its family', (block, words) => {
    const { paths, load: attempt } = load(fleetText(['10.75.2.0/24', block], undefined, ['0.0.0.0/0', '::/0']));
    const error = errorOf(attempt);
    expect(error.code).toBe('config-invalid');
    expect(error.message).toContain(`${paths.settings}:2:26: fleet.block: ${block}: ${words}`);
  });

  test('are where zones may have addresses, each without its network and broadcast address', () => {
    const { subnets, settings } = load(fleetText(['10.75.2.0/24', '10.75.9.0/32', '10.75.8.2/31'])).load();
    expect(settings.fleet.uplinks).toEqual(['eth0']);
    const why = (text: string) => whyNotUsable(subnets, parseAddress(text) as Address);
    expect(['10.75.2.7', '10.75.9.0', '10.75.8.2', '10.75.8.3'].map(why)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(why('10.75.3.7')).toBe(
      "10.75.3.7 is outside this host's part of the fleet, 10.75.2.0/24, 10.75.9.0/32, 10.75.8.2/31 (fleet.block)",
    );
    expect(why('10.75.2.0')).toBe('10.75.2.0 is the network address of 10.75.2.0/24');
    expect(why('10.75.2.255')).toBe('10.75.2.255 is the broadcast address of 10.75.2.0/24');
  });

  test.each([
    ['10.75.2.0/24', 254n],
    ['10.75.0.0/24', 252n],
    ['10.75.2.7/32', 1n],
    ['10.75.2.6/31', 2n],
    ['fdd4:1476:6c7e:2::/64', 2n ** 64n - 1n],
  ])('%s has room for %d addresses', (text, count) => {
    const subnet = subnetOf(parsePrefix('10.75.0.0/16') as Prefix);
    expect(capacityOf(parsePrefix(text) as Prefix, subnet.reserved)).toBe(count);
  });
});

function fleetText(block: readonly string[], uplinks = '["eth0"]', prefixes: readonly string[] = ['10.75.0.0/16']) {
  return `[fleet]\nblock = ${JSON.stringify(block).replaceAll(',', ', ')}\nprefixes = ${JSON.stringify(prefixes)}\nuplinks = ${uplinks}`;
}

function knownKeys(): string[] {
  const camel = Object.entries(defaultSettings).flatMap(([table, value]) =>
    Object.keys(value).map((key) => `${table}.${key}`),
  );
  return camel.map((key) => key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)).sort();
}
