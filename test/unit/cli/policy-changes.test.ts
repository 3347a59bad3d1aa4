import { expect, it } from 'vitest';
import { policyChanges } from '../../../src/cli/policy-changes.ts';
import type { Policy } from '../../../src/policy/model.ts';
import { parsePolicyFile } from '../../../src/policy/policy-file.ts';

async function read(files: Record<string, string>): Promise<Policy[]> {
  const parsed = Object.entries(files).map(async ([file, text]) => (await parsePolicyFile(file, text)).policies);
  return (await Promise.all(parsed)).flat();
}

const policy = (rules: string, zone = 'web') => `[[policy]]\nzones = ["${zone}"]\negress = { ${rules} }\n`;

const limited = (limits: string) => `[[policy]]\nzones = ["web"]\n[policy.limits]\n${limits}\n`;
const published = (port: string) => `[[policy]]\nzones = ["web"]\n[[policy.publish]]\n${port}\n`;

it.each<[string, Record<string, string>, Record<string, string>, string[]]>([
  [
    'a rule more and one less',
    { 'a.toml': policy('allow = ["icmp", "a.example:1"]') },
    { 'a.toml': policy('allow = ["icmp", "b.example:1"]') },
    ['a.toml: + allow "b.example:1", − allow "a.example:1"'],
  ],
  [
    'a new file',
    {},
    { 'a.toml': policy('deny = ["10.0.0.0/8"]') },
    ['a.toml: + zones "web", + mode "enforce", + deny "10.0.0.0/8"'],
  ],
  ['a file that is gone', { 'a.toml': policy('mode = "audit"') }, {}, ['a.toml: − zones "web", − mode "audit"']],
  [
    'what is private now',
    { 'a.toml': policy('allow = ["a.example:1"]') },
    { 'a.toml': policy('allow = [{ to = "a.example:1", private = true }]') },
    ['a.toml: + allow "a.example:1" (private), − allow "a.example:1"'],
  ],
  ['nothing but another line', { 'a.toml': policy('') }, { 'a.toml': `# \n${policy('')}` }, []],
  [
    'the same in other policies',
    { 'a.toml': policy('', 'x') + policy('mode = "audit"', 'y') },
    { 'a.toml': policy('mode = "audit"', 'x') + policy('', 'y') },
    ['a.toml: rearranged'],
  ],
  [
    'other limits',
    { 'a.toml': limited('connections = 20\nsend = "1mbit"') },
    { 'a.toml': limited('connections = 30\nsend = "1mbit"') },
    ['a.toml: + at most 30 connections at once, − at most 20 connections at once'],
  ],
  [
    'a port that is published, and to whom',
    { 'a.toml': published('listen = "443/tcp"\nto = 8443') },
    { 'a.toml': published('listen = "443/tcp"\nto = 8443\nfrom = ["192.0.2.0/24", "192.0.3.0/24"]') },
    ['a.toml: + publish "443/tcp" to 8443 from 192.0.2.0/24 and 192.0.3.0/24, − publish "443/tcp" to 8443'],
  ],
  [
    'many',
    {},
    { 'a.toml': policy(`allow = [${Array.from({ length: 20 }, (_, place) => `"host:${place + 1}"`).join()}]`) },
    [expect.stringMatching(/^a\.toml: \+ zones "web", .*, \+ allow "host:6", and 14 more$/)],
  ],
])('%s is told', async (_what, before, after, told) => {
  expect(policyChanges(await read(before), await read(after))).toEqual(told);
});

it('tells nothing of files that were not read again', async () => {
  const policies = await read({ 'a.toml': policy('allow = ["icmp"]') });
  expect(policyChanges(policies, [...policies, ...(await read({ 'b.toml': policy('') }))])).toEqual([
    'b.toml: + zones "web", + mode "enforce"',
  ]);
});
