import { describe, expect, it } from 'vitest';
import { ProtectNetworkError } from '../../../src/model/errors.ts';
import { parsePolicyFile } from '../../../src/policy/policy-file.ts';
import { keyOf } from '../../../src/policy/rule.ts';

const file = '/etc/edera/policy.d/agents.toml';

/** The whole message of the error that is thrown for `text`. */
async function wrong(text: string): Promise<string> {
  const error: unknown = await parsePolicyFile(file, text).catch((error: unknown) => error);
  if (error instanceof ProtectNetworkError && error.code === 'config-invalid') return error.message;
  throw new Error(`not refused: ${JSON.stringify(error)}`);
}

/** The example of the documents, but for what policies do not take yet. */
const example = `[[policy]]
zones = ["agent-*"]

[policy.egress]
mode  = "enforce"
allow = [
  "api.anthropic.com:443",
  "*.githubusercontent.com:443",
  "192.0.2.0/24:5432", "[2001:db8:7::/48]:443", "198.51.100.7:123/udp", "198.51.100.8:8000-8010",
  "zone:db:5432", "host:9100", "icmp",
  { to = "git.corp.example:22", private = true },
]
deny  = ["203.0.113.0/24"]

[[policy]]
links = ["vif7.0"]
addresses = ["10.75.0.0/24", "fdd4:1476:6c7e::7"]
egress.mode = "audit"
`;

describe('a policy file', () => {
  it('becomes policies, each rule with its place', async () => {
    const { policies, warnings } = await parsePolicyFile(file, example);
    const [first, second] = policies;
    expect(policies).toHaveLength(2);
    expect(first?.place).toEqual({ file, line: 1, column: 1 });
    expect(first?.selector).toEqual({ zones: ['agent-*'], links: [], addresses: [] });
    expect(first?.egress?.mode).toBe('enforce');
    expect(first?.egress?.allow.map((rule) => [keyOf(rule), rule.place.line, rule.place.column])).toEqual([
      ['name api.anthropic.com tcp 443-443', 7, 3],
      ['name *.githubusercontent.com tcp 443-443', 8, 3],
      ['prefix 192.0.2.0/24 tcp 5432-5432', 9, 3],
      ['prefix 2001:db8:7::/48 tcp 443-443', 9, 24],
      ['prefix 198.51.100.7/32 udp 123-123', 9, 49],
      ['prefix 198.51.100.8/32 tcp 8000-8010', 9, 73],
      ['zone db tcp 5432-5432', 10, 3],
      ['host tcp 9100-9100', 10, 19],
      ['icmp', 10, 32],
      ['name git.corp.example tcp 22-22', 11, 3],
    ]);
    expect(first?.egress?.deny.map((rule) => [keyOf(rule), rule.place])).toEqual([
      ['prefix 203.0.113.0/24', { file, line: 13, column: 10 }],
    ]);
    expect(second?.place.line).toBe(15);
    expect(second?.selector.links).toEqual(['vif7.0']);
    expect(second?.selector.addresses.map(({ text }) => text)).toEqual(['10.75.0.0/24', 'fdd4:1476:6c7e::7/128']);
    expect(second?.egress).toEqual({ mode: 'audit', allow: [], deny: [] });
    expect(warnings).toEqual([
      `${file}:8:3: "*.githubusercontent.com:443" is about every name under githubusercontent.com, where every customer of that provider can have one`,
    ]);
  });

  it('enforces where it does not say how, and may hold no policy', async () => {
    const { policies } = await parsePolicyFile(file, '[[policy]]\nzones = ["*"]\n[policy.egress]\n');
    expect(policies[0]?.egress).toEqual({ mode: 'enforce', allow: [], deny: [] });
    expect(await parsePolicyFile(file, '# nothing\n')).toEqual({ policies: [], warnings: [] });
  });

  it.each([
    ['[[policy]]\nzones = ["a"]\n', '1:1', 'policy[0] has no rules; expected [policy.egress]'],
    ['[[policy]]\n[policy.egress]\n', '1:1', 'policy[0] names no zone; expected zones, links or addresses'],
    ['[[policy]]\nzones = []\negress = {}\n', '1:1', 'policy[0] names no zone'],
    ['[[policy]]\nzone = ["a"]\negress = {}\n', '2:1', 'unknown key "policy[0].zone"; did you mean "zones"?'],
    ['[[policy]]\nzones = ["a"]\negres = {}\n', '3:1', 'unknown key "policy[0].egres"; did you mean "egress"?'],
    ['[[polcy]]\nzones = ["a"]\n', '1:1', 'unknown key "polcy"; did you mean "policy"?'],
    ['[[policy]]\nzones = ["a"]\n[policy.egress]\nalow = []\n', '4:1', 'did you mean "allow"?'],
    ['[[policy]]\nzones = ["a"]\n[policy.egress]\nmode = "off"\n', '4:8', 'expected "enforce" or "audit"'],
    ['[[policy]]\nzones = ["a"]\n[policy.limits]\nsent = "200mbit"\n', '4:1', 'unknown key "policy[0].limits.sent"'],
    ['[[policy]]\nzones = "a"\negress = {}\n', '2:9', 'policy[0].zones is "a"; expected a list of zone names'],
    ['[[policy]]\nzones = ["a", ""]\negress = {}\n', '2:15', 'expected a name of 1 to 63 printable characters, maybe'],
    [
      '[[policy]]\nlinks = ["eth0"]\negress = {}\n',
      '2:10',
      `"eth0" is not a zone's link; expected one such as "vif7.0"`,
    ],
    ['[[policy]]\naddresses = ["10.75.0.3/24"]\negress = {}\n', '2:14', 'is neither an address nor a prefix'],
    ['[policy]\nzones = ["a"]\n', '1:1', 'policy is a table; expected one or more [[policy]]'],
    [rules('"api.example.com"'), '4:10', '"api.example.com" has no port'],
    [
      rules('"a.example:1", "a.example:1"'),
      '4:25',
      '"a.example:1" is in the list already, in line 4; expected each once',
    ],
    [rules('"A.example.:1/tcp", { to = "a.example:1", private = true }'), '4:30', 'is in the list already'],
    [rules('{ to = "a.example:1", privat = true }'), '4:32', 'did you mean "private"?'],
    [rules('{ to = "a.example:1", private = "yes" }'), '4:10', 'is a table; expected a rule in quotes such as'],
    [rules('{ private = true }'), '4:10', 'expected a rule in quotes such as'],
    [
      rules('443'),
      '4:10',
      'policy[0].egress.allow[0] is 443; expected a rule in quotes such as "api.example.com:443", or',
    ],
    [
      rules('"*.co.uk:443"'),
      '4:10',
      '"*.co.uk:443" is about every name under co.uk, where anybody can have one; expected a',
    ],
    [rules('"**.com:443"'), '4:10', '"**.com:443" is about every name under com'],
    [rules('"a.example:1"', '"a.example", "10.0.0.0/8:1"'), '5:22', 'has a port or brackets'],
    [rules('"a.example:1"', '"10.0.0.1", "10.0.0.1/32"'), '5:21', 'is in the list already, in line 5'],
  ])('%j is refused at its place', async (text, place, sentence) => {
    const message = await wrong(text);
    expect(message.split(' ', 1)[0]).toBe(`${file}:${place}:`);
    expect(message).toContain(sentence);
  });

  it('names every wrong rule with its line and a caret', async () => {
    const text = `${rules('"api.example.com",\n  "host", "icmp", "icmp"')}[[policy]]\nzones = ["b"]\negress.deny = ["zone:x"]\n`;
    expect(await wrong(text)).toBe(
      [
        `${file}:4:10: "api.example.com" has no port; expected one such as "api.example.com:443"`,
        'allow = ["api.example.com",',
        '         ^',
        `${file}:5:3: "host" has no port; expected one such as "host:9100"`,
        '  "host", "icmp", "icmp"]',
        '  ^',
        `${file}:5:19: "icmp" is in the list already, in line 5; expected each once`,
        '  "host", "icmp", "icmp"]',
        '                  ^',
        `${file}:9:16: "zone:x" cannot be denied; deny takes an address, a prefix or a name`,
        'egress.deny = ["zone:x"]',
        '               ^',
      ].join('\n'),
    );
  });

  it('holds 256 rules a policy and no more', async () => {
    const list = (count: number) => Array.from({ length: count }, (_, place) => `"10.0.0.${place}:1"`).join(', ');
    expect((await parsePolicyFile(file, rules(list(255), '"10.1.0.0/16"'))).policies[0]?.egress?.allow).toHaveLength(
      255,
    );
    expect(await wrong(rules(list(256), '"10.1.0.0/16"'))).toContain(
      `${file}:3:1: policy[0].egress has 257 rules; expected at most 256 in one policy`,
    );
  });
});

function rules(allow: string, deny = ''): string {
  return `[[policy]]\nzones = ["a"]\n[policy.egress]\nallow = [${allow}]\ndeny = [${deny}]\n`;
}
