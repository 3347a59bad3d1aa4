/** What is said to have changed, as the files would say it. */
import { expect, test } from 'vitest';
import { changesBetween } from '../../../src/cli/settings-text.ts';
import type { Config } from '../../../src/config/config.ts';
import { defaultSettings, settingsSchema } from '../../../src/config/settings-schema.ts';
import { subnetsOf } from '../lifecycle/support.ts';

function config(settings: object = {}, ipv4: string | undefined = '10.75.0.0/16'): Config {
  return { subnets: subnetsOf(ipv4, 'fdd4:1476:6c7e::/48'), settings: settingsSchema.parse(settings), warnings: [] };
}

const others = config(
  {
    zones: { directories: ['static'], xenstore: '/run/xs' },
    forward: { mark: 0x8000 },
    isolation: {
      'zone-to-zone': 'deny',
      'anti-spoof': false,
      'metadata-addresses': [
        ...defaultSettings.isolation.metadataAddresses.map(({ text }) => text).slice(1),
        '192.0.2.1',
      ],
    },
    control: { 'metrics-listen': '[::1]:9475' },
  },
  '10.76.0.0/16',
);

test('nothing, between equals', () => {
  expect(changesBetween(config(), config())).toEqual([]);
});

test('an address to leave under, as its list', () => {
  const named = config({ uplink: { source: ['2001:db8::7', '192.0.2.7'] } });
  expect(changesBetween(config(), named)).toEqual(['uplink.source = [] → ["192.0.2.7", "2001:db8::7"]']);
});

test('each key, from what it was to what it is', () => {
  expect(changesBetween(config(), others)).toEqual([
    'network.ipv4.subnet = "10.75.0.0/16" → "10.76.0.0/16"',
    'zones.directories = ["control-api", "xenstore", "static"] → ["static"]',
    'zones.xenstore = "" → "/run/xs"',
    'forward.mark = 0x10000000 → 0x8000',
    'isolation.anti-spoof = true → false',
    'isolation.zone-to-zone = "allow" → "deny"',
    'isolation.metadata-addresses + "192.0.2.1/32", − "169.254.0.0/16"',
    'control.metrics-listen = "" → "[::1]:9475"',
  ]);
});

test('a family that is switched off, and on again', () => {
  const [on, off] = [config(), { ...config(), subnets: subnetsOf(undefined, 'fdd4:1476:6c7e::/48') }];
  expect(changesBetween(on, off)).toEqual(['network.ipv4.subnet = "10.75.0.0/16" → ""']);
  expect(changesBetween(off, on)).toEqual(['network.ipv4.subnet = "" → "10.75.0.0/16"']);
});

test('an order that changed', () => {
  const changed = config({ zones: { directories: ['static', 'xenstore', 'control-api'] } });
  expect(changesBetween(config(), changed)).toEqual([
    'zones.directories = ["control-api", "xenstore", "static"] → ["static", "xenstore", "control-api"]',
  ]);
});
