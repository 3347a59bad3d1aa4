/** What people write, and other programs for them: daemon.toml, our settings, static zone files. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../../src/config/config.ts';
import { daemonTomlSchema } from '../../../src/config/daemon-toml.ts';
import { settingsSchema } from '../../../src/config/settings-schema.ts';
import { parseToml } from '../../../src/config/toml-file.ts';
import { readStaticZone } from '../../../src/directories/static/zone-file.ts';
import { parseAddress } from '../../../src/model/address.ts';
import { mutateText } from '../mutate-text.ts';
import { outcomeOf, promised, type Target } from '../target.ts';

const words = [
  ...[
    '[network.ipv4]',
    '[network.ipv6]',
    '[[network]]',
    'network',
    'subnet',
    'subnet = ""',
    'network.ipv4.subnet',
    '{',
  ],
  ...['[zones]', '[forward]', '[isolation]', '[control]', 'metadata-addresses', 'directories', 'mark', 'interfaces'],
  ...['ipv4 = ', 'ipv6 = ', 'name = ', 'inf', 'nan', '1979-05-27T07:32:00Z', '0b1', '0o7', '1_0', "'''", '"""', '\\"'],
  ...['10.75.0.0/16', '10.75.0.0/33', '0.0.0.0/0', 'fdd4::/48', 'a.b.c.d = 1', '"" = 1', 'x = {y = {}}', '[a.a.a.a]'],
];
const mutate = mutateText(words, 256 * 1024);
/** A disk takes milliseconds for a file that is written over. */
const memory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
/** Every problem shows its line, cut at 160 characters, and there are 20 at most: no matter how much was read. */
const outputBound = (bytes: number) => 24 * 1024 + 16 * bytes;

export function daemonToml(): Target {
  return {
    name: 'daemon-toml',
    mutate,
    outputBound,
    feed: (input) => {
      const subnets = parseToml('daemon.toml', input.toString('utf8'), daemonTomlSchema);
      return outcomeOf(`${subnets.ipv4?.prefix.length} ${subnets.ipv6?.prefix.length}`, subnets);
    },
  };
}

export function settings(): Target {
  return {
    name: 'settings',
    mutate,
    outputBound,
    feed: (input) => outcomeOf('settings', parseToml('settings.toml', input.toString('utf8'), settingsSchema)),
  };
}

/** The files themselves, with bytes that are no text, as the daemon loads them. */
export function configFiles(): Target {
  const directory = mkdtempSync(join(memory, 'protect-network-fuzz-'));
  const [config, own] = ['daemon.toml', 'protect-network.toml'].map((name) => join(directory, name));
  return {
    name: 'config-files',
    mutate,
    // Both files' problems.
    outputBound: (bytes) => 2 * outputBound(bytes),
    feed: (input) => {
      writeFileSync(String(config), input, { mode: 0o644 });
      writeFileSync(String(own), input, { mode: 0o644 });
      return outcomeOf('config', loadConfig({ config: String(config), settings: String(own) }));
    },
    close: async () => rmSync(directory, { recursive: true, force: true }),
  };
}

export function staticZone(): Target {
  const directory = mkdtempSync(join(memory, 'protect-network-fuzz-'));
  const name = 'vif7.0.toml';
  return {
    name: 'static-zone',
    mutate,
    outputBound,
    feed: (input) => {
      writeFileSync(join(directory, name), input, { mode: 0o644 });
      const zone = readStaticZone(directory, name);
      promised(zone !== undefined, 'a file that is there came to nothing');
      if (zone?.entry === undefined || zone.problem !== undefined)
        return outcomeOf(`problem ${maskedReason(zone?.problem)}`, zone);
      const { addresses } = zone.entry;
      promised(
        addresses.length > 0 && addresses.every((each) => parseAddress(each) === each),
        'an entry of no address',
      );
      return outcomeOf(`entry ${addresses.length}`, zone);
    },
    close: async () => rmSync(directory, { recursive: true, force: true }),
  };
}

function maskedReason(problem = ''): string {
  return problem
    .replace(/^\S+ /, '')
    .replaceAll(/"[^"]*"|\d+/g, '_')
    .slice(0, 60);
}
