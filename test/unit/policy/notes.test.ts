/** What of policies does nothing, or contradicts itself, is told with its place. */
import { expect, it } from 'vitest';
import { policyFaults } from '../../../src/faults/policies.ts';
import type { Address } from '../../../src/model/address.ts';
import type { LinkName } from '../../../src/model/link-name.ts';
import { PolicyBook } from '../../../src/policy/book.ts';
import type { PolicedZone } from '../../../src/policy/model.ts';
import { aboutNoZone, contradictions } from '../../../src/policy/notes.ts';
import { parsePolicyFile } from '../../../src/policy/policy-file.ts';

const zone = (name: string, link = 'vif7.0'): PolicedZone => ({ name, link: link as LinkName, addresses: [] });
const policiesIn = async (text: string) => new PolicyBook((await parsePolicyFile('/p/a.toml', text)).policies);
const audit = 'egress.mode = "audit"';
const [connected, away] = [
  { connected: true, since: 0, resolversAnswer: true },
  { connected: false, since: 0, resolversAnswer: true },
];

it('a policy about no zone, and a rule that leads to none', async () => {
  const policies = await policiesIn(
    '[[policy]]\nzones = ["web"]\negress.allow = ["zone:db:5432"]\n[[policy]]\nzones = ["we?x"]\negress.allow = []',
  );
  expect(aboutNoZone(policies, [zone('web')], [])).toEqual([
    '/p/a.toml:3:17: "zone:db:5432" opens nothing: there is no zone "db"',
    expect.stringMatching(/^\/p\/a\.toml:4:\d+: this policy is about no zone$/),
  ]);
  const distant = [{ name: 'db', addresses: ['10.75.3.8' as Address] }];
  expect(aboutNoZone(policies, [zone('web'), zone('we1x', 'vif9.0')], distant)).toEqual([]);
  expect(aboutNoZone(policies, [zone('web'), zone('db', 'vif8.0'), zone('we1x', 'vif9.0')], [])).toEqual([]);
});

it('an audit beside an enforce, and what is allowed and denied at once', async () => {
  const policies = await policiesIn(
    [
      `[[policy]]\nzones = ["web"]\n${audit}`,
      '[[policy]]\nlinks = ["vif7.0"]',
      'egress.allow = ["192.0.2.0/28:443", "192.0.0.0/16:443", "a.example.com:443", "icmp"]',
      'egress.deny = ["192.0.2.0/24", "a.example.com"]',
    ].join('\n'),
  );
  expect(contradictions(policies, [zone('web'), zone('web')])).toEqual([
    '/p/a.toml:1:1: mode "audit" is not in force for zone web: /p/a.toml:4 enforces',
    '/p/a.toml:6:17: "192.0.2.0/28:443" opens nothing: /p/a.toml:7 denies "192.0.2.0/24"',
    '/p/a.toml:6:57: "a.example.com:443" opens nothing: /p/a.toml:7 denies "a.example.com"',
  ]);
  // Each for itself is in order.
  expect(contradictions(policies, [zone('web', 'vif9.0')])).toEqual([]);
});

it('a forwarder that is away for ten seconds is a fault where a zone may ask for names, and for whom no other', async () => {
  const names = await policiesIn('[[policy]]\nzones = ["web"]\negress.allow = ["a.example.com:443"]');
  const others = await policiesIn('[[policy]]\nzones = ["web"]\negress.allow = ["icmp"]');
  const audited = await policiesIn(`[[policy]]\nzones = ["web"]\n${audit}`);
  const zones = [zone('web')];
  const fault = { level: 'bad', fix: 'systemctl start protect-network-dns' };
  expect(policyFaults(names, zones, away, 10_000, [])).toMatchObject([fault]);
  expect(policyFaults(audited, zones, away, 10_000, [])).toMatchObject([fault]);
  expect(policyFaults(names, zones, away, 9999, [])).toEqual([]);
  expect(policyFaults(names, zones, connected, 10_000, [])).toEqual([]);
  expect(policyFaults(others, zones, away, 10_000, [])).toEqual([]);
});

it('resolvers of which none answers are a fault at once, where a zone may ask for names, and for whom no other', async () => {
  const names = await policiesIn('[[policy]]\nzones = ["web"]\negress.allow = ["a.example.com:443"]');
  const others = await policiesIn('[[policy]]\nzones = ["web"]\negress.allow = ["icmp"]');
  const silent = { ...connected, resolversAnswer: false };
  expect(policyFaults(names, [zone('web')], silent, 0, [])).toMatchObject([
    { level: 'bad', what: 'no resolver answers the forwarder of names', fix: null },
  ]);
  expect(policyFaults(others, [zone('web')], silent, 0, [])).toEqual([]);
});
