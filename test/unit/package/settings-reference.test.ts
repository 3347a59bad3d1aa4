/** What operators are told of the settings, held to what the schema really does. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { denyEverything, settingsPage } from '../../../scripts/package/man-settings.ts';
import { settingsJsonSchema, settingsReference } from '../../../scripts/package/settings-reference.ts';
import { defaultMetadataAddresses, settingsSchema } from '../../../src/config/settings-schema.ts';

const example = readFileSync(join(import.meta.dirname, '../../../systemd/protect-network.toml.example'), 'utf8');
const reference = settingsReference(example);
const page = settingsPage(example, { version: '1.2.3', time: 0 }).replaceAll('\\-', '-');

interface Told {
  readonly default: unknown;
  readonly accepts: string;
  /** At the edge of what is accepted, and just beyond. */
  readonly fine: readonly unknown[];
  readonly refused: readonly unknown[];
}

const verdict: Told = { default: 'allow', accepts: '"allow" or "deny"', fine: ['deny'], refused: ['drop', true] };
const [longSocket, longPath] = [`/${'x'.repeat(106)}`, `/${'x'.repeat(4094)}`];
const list = (length: number, entry: (place: number) => string) => Array.from({ length }, (_, place) => entry(place));

/** A setting that is added, renamed, or has another default or bound makes this red: tell operators, then mend it. */
const told: Readonly<Record<string, Told>> = {
  'zones.directories': {
    default: ['control-api', 'xenstore', 'static'],
    accepts: 'a list of at least 1, nothing twice; each "control-api", "xenstore" or "static"',
    fine: [['static']],
    refused: [[], ['static', 'static'], ['dns']],
  },
  'zones.control-api': {
    default: 'unix:///var/lib/edera/protect/daemon.socket',
    accepts: '"unix://" and an absolute path of at most 107 bytes',
    fine: [`unix://${longSocket}`],
    refused: [`unix://${longSocket}x`, longSocket, ''],
  },
  'zones.xenstore': {
    default: '',
    accepts: 'an absolute path of at most 107 bytes, or ""',
    fine: ['', longSocket],
    refused: [`${longSocket}x`, 'xenbus'],
  },
  'zones.static-dir': {
    default: '/var/lib/edera/protect/network/zones.d',
    accepts: 'an absolute path of at most 4095 bytes',
    fine: [longPath],
    refused: [`${longPath}x`, ''],
  },
  'uplink.interfaces': {
    default: [],
    accepts: "a list of at most 64, nothing twice; each an interface that is no zone's link, of at most 15 characters",
    fine: [list(64, (place) => `eth${place}`), ['x'.repeat(15)]],
    refused: [list(65, (place) => `eth${place}`), ['eth0', 'eth0'], ['x'.repeat(16)], ['vif1.0']],
  },
  'uplink.masquerade4': { default: true, accepts: 'true or false', fine: [false], refused: ['no'] },
  'uplink.masquerade6': { default: true, accepts: 'true or false', fine: [false], refused: ['no'] },
  'uplink.source': {
    default: [],
    accepts: 'a list of at most 2; each an address of a host',
    fine: [['192.0.2.7'], ['2001:db8::7', '192.0.2.7']],
    refused: [['192.0.2.7', '192.0.2.8'], ['127.0.0.1'], ['224.0.0.1'], ['192.0.2.0/24'], ['fe80::1'], '192.0.2.7'],
  },
  'uplink.no-masquerade': {
    default: [],
    accepts: 'a list of at most 64; each an address or a prefix',
    fine: [list(64, (place) => `192.0.2.${place}`), ['10.200.0.0/16', '2001:db8::/32']],
    refused: [list(65, (place) => `192.0.2.${place}`), ['example.org'], ['10.200.0.1/16']],
  },
  'forward.placement': { default: 'auto', accepts: '"auto" or "first"', fine: ['first'], refused: ['last'] },
  'forward.mark': {
    default: 0x10000000,
    accepts: 'one bit of a 32-bit number, or 0 for none',
    fine: [0, 1, 0x80000000],
    refused: [3, 0x100000000, -1],
  },
  'isolation.anti-spoof': { default: true, accepts: 'true or false', fine: [false], refused: ['no'] },
  'isolation.zone-to-zone': verdict,
  'isolation.metadata': verdict,
  'isolation.metadata-addresses': {
    default: [...defaultMetadataAddresses],
    accepts: 'a list of at most 64; each an address or a prefix',
    fine: [[], list(64, (place) => `192.0.2.${place}`)],
    refused: [list(65, (place) => `192.0.2.${place}`), ['example.org']],
  },
  'isolation.host': verdict,
  'policy.dir': {
    default: '/etc/edera/policy.d',
    accepts: 'an absolute path of at most 4095 bytes',
    fine: [longPath],
    refused: [`${longPath}x`, '', 'policy.d'],
  },
  'policy.resolvers': {
    default: [],
    accepts: 'a list of at most 8, nothing twice; each an address of a host, or of loopback',
    fine: [list(8, (place) => `192.0.2.${place + 1}`), ['127.0.0.53', '::1', '2001:db8::53']],
    refused: [
      list(9, (place) => `192.0.2.${place + 1}`),
      ['::1', '::1'],
      ['192.0.2.53:53'],
      ['224.0.0.1'],
      ['ns.example'],
    ],
  },
  'fleet.block': {
    default: [],
    accepts: 'a list of at most 64; each an address or a prefix',
    fine: [[]],
    refused: [['10.75.2.0/24'], list(65, (place) => `10.75.2.${place}`), ['10.75.2.1/24']],
  },
  'fleet.prefixes': {
    default: [],
    accepts: 'a list of at most 64; each an address or a prefix',
    fine: [[]],
    refused: [['10.75.0.0/16'], ['example.org']],
  },
  'fleet.uplinks': {
    default: [],
    accepts: "a list of at most 64, nothing twice; each an interface that is no zone's link, of at most 15 characters",
    fine: [[]],
    refused: [['eth0'], ['vif1.0']],
  },
  'fleet.zones': {
    default: {},
    accepts: 'a table of at most 1024 names of zones, each with a list of at least 1 address of a host',
    fine: [{}],
    refused: [
      { db: ['10.75.3.8'] },
      { db: '10.75.3.8' },
      ['db'],
      Object.fromEntries(list(1025, String).map((name) => [name, []])),
    ],
  },
  'reconcile.resync-seconds': {
    default: 60,
    accepts: 'a whole number from 1 to 86400',
    fine: [1, 86400],
    refused: [0, 86401, 1.5],
  },
  'control.socket': {
    default: '/run/protect-network/control.sock',
    accepts: 'an absolute path of at most 107 bytes',
    fine: [longSocket],
    refused: [`${longSocket}x`, ''],
  },
  'control.metrics-listen': {
    default: '',
    accepts: 'an address and a port, IPv6 in brackets; or "" for none',
    fine: ['', '127.0.0.1:65535', '[::1]:1'],
    refused: ['127.0.0.1:65536', '::1:9475', 'localhost:9475'],
  },
};

describe('the settings that operators are told of', () => {
  it('are the settings there are', () => {
    expect(reference.map(({ table, key }) => `${table}.${key}`)).toEqual(Object.keys(told));
  });

  it.each(reference.map((setting) => [`${setting.table}.${setting.key}`, setting] as const))(
    '%s has the default and the bounds that are told',
    (name, { table, key, defaultText, accepts, words }) => {
      const expected = told[name];
      const isAccepted = (value: unknown) => settingsSchema.safeParse({ [table]: { [key]: value } }).success;
      expect(parse(`value = ${defaultText}`)['value']).toEqual(expected?.default);
      expect(settingsSchema.parse({ [table]: { [key]: expected?.default } })).toEqual(settingsSchema.parse({}));
      expect(accepts).toBe(expected?.accepts);
      for (const value of expected?.fine ?? []) expect(isAccepted(value), JSON.stringify(value)).toBe(true);
      for (const value of expected?.refused ?? []) expect(isAccepted(value), JSON.stringify(value)).toBe(false);
      for (const [range] of words.matchAll(/\d+ to \d+/g)) expect(accepts).toContain(range);
    },
  );

  it.each(reference)('$table.$key is in the man page, with its default and what it takes', (setting) => {
    const { table, key, defaultText, accepts } = setting;
    const section = page.slice(page.indexOf(`.SS [${table}]`));
    const [first = ''] = defaultText.split('\n', 1);
    expect(section).toContain(first === defaultText ? `\n\\fB${key} = ${defaultText}\\fR\n` : `\n\\fB${key}\\fR\n`);
    expect(section).toContain(defaultText);
    expect(section.replaceAll('\n', ' ')).toContain(`Takes ${accepts}.`);
  });
});

it('the example of the man page is accepted', () => {
  const { isolation } = settingsSchema.parse(parse(denyEverything));
  expect([isolation.zoneToZone, isolation.metadata, isolation.host]).toEqual(['deny', 'deny', 'deny']);
});

describe('the JSON schema', () => {
  const schema = JSON.parse(settingsJsonSchema(example)) as {
    additionalProperties: boolean;
    properties: Record<string, { properties: Record<string, { description: string; default: unknown }> }>;
  };

  it('has every setting with its default and words, and refuses others', () => {
    const settings = Object.entries(schema.properties).flatMap(([table, { properties }]) =>
      Object.entries(properties).map(([key, value]) => [`${table}.${key}`, value] as const),
    );
    expect(settings.map(([name]) => name)).toEqual(Object.keys(told));
    for (const [name, { default: value, description }] of settings) {
      expect(value).toEqual(told[name]?.default);
      expect(description).toContain(`Takes ${told[name]?.accepts}.`);
    }
    expect(schema.additionalProperties).toBe(false);
  });

  it('has no word of ours that JSON Schema does not know', () => {
    expect(settingsJsonSchema(example)).not.toContain('"accepts"');
  });
});

it.each([
  ['without words', example.replace(/^# Where our jump[^[]*?(?=placement)/m, ''), 'says nothing of forward.placement'],
  ['that there is not', `${example}\n# New.\nspeed = 3\n`, 'control.speed of the example is no setting'],
])('a setting %s in the example is an error', (_what, text, message) => {
  expect(() => settingsReference(text)).toThrow(message);
});
