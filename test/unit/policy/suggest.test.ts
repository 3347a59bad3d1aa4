/** The rules that are suggested are such as files take, and say what was wanted. */
import { expect, it } from 'vitest';
import { suggestionLines } from '../../../src/cli/policy-suggest.ts';
import { decodeToml } from '../../../src/config/toml-decode.ts';
import { parsePolicyFile, policyFileSchema } from '../../../src/policy/policy-file.ts';
import { type Suggestion, suggest, type Wanted } from '../../../src/policy/suggest.ts';

const noon = Date.UTC(2026, 0, 2, 3, 4, 5);
const wants = (changes: Partial<Wanted>): Wanted => ({
  at: noon,
  times: 1,
  name: null,
  address: null,
  host: false,
  zone: null,
  transport: 'tcp',
  port: 443,
  deniedBy: null,
  ...changes,
});
const rulesOf = (suggestions: readonly Suggestion[]) => suggestions.map(({ rule }) => rule);

it('names where they are known, then zones and dom0, then addresses, each once, with how often and when last', () => {
  const suggestions = suggest([
    wants({ address: '198.51.100.7', times: 2 }),
    wants({ address: '198.51.100.8' }),
    wants({ address: '198.51.100.7', at: noon + 5, times: 3 }),
    wants({ address: '2001:db8::7', transport: 'udp', port: 123 }),
    wants({ address: '198.51.100.9', name: 'api.example.com' }),
    wants({ address: '2001:db8::9', name: 'api.example.com' }),
    wants({ address: '10.75.0.4', zone: 'db', port: 5432 }),
    wants({ address: '10.75.0.1', host: true, port: 9100 }),
    wants({ address: '198.51.100.9', transport: 'icmp', port: null }),
    wants({ address: '10.9.9.9', name: 'git.corp.example', port: 22 }),
  ]);
  expect(rulesOf(suggestions)).toEqual([
    'api.example.com:443',
    'git.corp.example:22',
    'host:9100',
    'zone:db:5432',
    '198.51.100.7:443',
    '198.51.100.8:443',
    '[2001:db8::7]:123/udp',
    'icmp',
  ]);
  expect(suggestions[4]).toMatchObject({ times: 5, lastAt: noon + 5 });
  expect(suggestions.filter((each) => each.private).map(({ rule }) => rule)).toEqual(['git.corp.example:22']);
  expect(suggestions.every(({ obstacle }) => obstacle === null)).toBe(true);
});

it('what no rule can allow as it stands comes last, with why', () => {
  const suggestions = suggest([
    wants({ address: '203.0.113.9', deniedBy: '/p/a.toml:3' }),
    wants({ address: '198.51.100.5', transport: null, port: null }),
    wants({ name: 'asked.example.com', transport: null, port: null }),
    wants({ name: 'api.example.com', transport: null, port: null }),
    wants({ address: '198.51.100.9', name: 'api.example.com' }),
  ]);
  expect(suggestions.map(({ rule, obstacle }) => [rule, obstacle])).toEqual([
    ['api.example.com:443', null],
    ['asked.example.com:PORT', 'the zone asked for the name only; the port is missing'],
    ['203.0.113.9:443', '/p/a.toml:3 denies it'],
    ['198.51.100.5', 'neither TCP, UDP nor ICMP: no rule can allow it'],
  ]);
});

it('is a file of policies that is valid as printed, in the mode that holds', async () => {
  const suggestions = suggest([
    wants({ address: '198.51.100.7' }),
    wants({ address: '10.9.9.9', name: 'git.corp.example', port: 22 }),
    wants({ name: 'asked.example.com', transport: null, port: null }),
  ]);
  const zone = { link: 'vif7.0', name: 'say "web"', policy: 'audit' } as const;
  const text = suggestionLines(zone, zone.name, suggestions).join('\n');
  const { policies } = await parsePolicyFile('/p/new.toml', text);
  expect(policies).toMatchObject([{ selector: { zones: ['say "web"'] }, egress: { mode: 'audit' } }]);
  expect(policies[0]?.egress?.allow.map((rule) => rule.text)).toEqual(['git.corp.example:22', '198.51.100.7:443']);
  expect(text).toContain('# "asked.example.com:PORT": the zone asked for the name only');
  const unnamed = suggestionLines({ ...zone, name: null, policy: 'enforced' }, 'vif7.0', suggestions).join('\n');
  const decoded = await parsePolicyFile('/p/new.toml', unnamed);
  expect(decoded.policies).toMatchObject([{ selector: { links: ['vif7.0'] }, egress: { mode: 'enforce' } }]);
});

it('says so where nothing was denied, and where no policy is about the zone', () => {
  const zone = { link: 'vif7.0', name: 'web' };
  for (const policy of ['none', 'enforced'] as const) {
    const text = suggestionLines({ ...zone, policy }, 'web', []).join('\n');
    expect(decodeToml(text, policyFileSchema)).toMatchObject({ ok: true });
    expect(text).toMatch(policy === 'none' ? /no policy is about it/ : /# Nothing\.$/);
  }
});
