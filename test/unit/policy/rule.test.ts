import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AllowRule, DenyRule } from '../../../src/policy/model.ts';
import { keyOf, parseAllow, parseDeny, type Written } from '../../../src/policy/rule.ts';

const place = { file: '/etc/edera/policy.d/a.toml', line: 5, column: 3 };

/** What a rule says, briefly. */
function said(rule: AllowRule | DenyRule | string): string {
  return typeof rule === 'string' ? `wrong: ${rule}` : keyOf(rule);
}

describe('a rule of allow', () => {
  it.each([
    ['api.example.com:443', 'name api.example.com tcp 443-443'],
    ['API.example.com.:443/TCP', 'name api.example.com tcp 443-443'],
    ['*.example.com:443', 'name *.example.com tcp 443-443'],
    ['**.example.org:8000-8010/udp', 'name **.example.org udp 8000-8010'],
    ['db:5432', 'name db tcp 5432-5432'],
    ['192.0.2.0/24:5432', 'prefix 192.0.2.0/24 tcp 5432-5432'],
    ['198.51.100.7:123/udp', 'prefix 198.51.100.7/32 udp 123-123'],
    ['0.0.0.0/0:1-65535', 'prefix 0.0.0.0/0 tcp 1-65535'],
    ['[2001:db8:7::/48]:443', 'prefix 2001:db8:7::/48 tcp 443-443'],
    ['[2001:DB8::0:1]:53/udp', 'prefix 2001:db8::1/128 udp 53-53'],
    ['[::/0]:443', 'prefix ::/0 tcp 443-443'],
    ['zone:db:5432', 'zone db tcp 5432-5432'],
    ['zone:My db: two:53/udp', 'zone My db: two udp 53-53'],
    ['host:9100', 'host tcp 9100-9100'],
    ['icmp', 'icmp'],
  ])('%s', (text, meaning) => {
    const rule = parseAllow(text, place);
    expect(said(rule)).toBe(meaning);
    expect(rule).toMatchObject({ text, place });
  });

  it('may lead to private addresses where it says so', () => {
    const rule = parseAllow({ to: 'git.corp.example:22', private: true }, place);
    expect(rule).toMatchObject({ text: 'git.corp.example:22', target: { kind: 'name', isPrivate: true } });
    expect(parseAllow({ to: 'git.corp.example:22' }, place)).toMatchObject({ target: { isPrivate: false } });
    expect(parseAllow('git.corp.example:22', place)).toMatchObject({ target: { isPrivate: false } });
  });

  it.each<[Written, string]>([
    ['api.example.com', '"api.example.com" has no port; expected one such as "api.example.com:443"'],
    ['api.example.com/udp', '"api.example.com/udp" has no port; expected one such as "api.example.com:443/udp"'],
    ['*', '"*" has no port; expected one such as "api.example.com:443"'],
    ['api.example.com 443', 'has no port; expected one such as "api.example.com:443"'],
    ['api.example.org/443', 'has no port; expected one such as "api.example.com:443"'],
    ['192.0.2.0/24', '"192.0.2.0/24" has no port; expected one such as "192.0.2.0/24:443"'],
    ['host', '"host" has no port; expected one such as "host:9100"'],
    ['[2001:db8::1]', '"[2001:db8::1]" has no port; expected one such as "[2001:db8::1]:443"'],
    ['zone:db', '"zone:db" has no port; expected one such as "zone:db:5432"'],
    ['zone:5432', '"zone:5432" names no zone; expected one such as "zone:db:5432"'],
    ['zone::5432', '"zone::5432" names no zone; expected one such as "zone:db:5432"'],
    ['zone:', '"zone:" names no zone; expected one such as "zone:db:5432"'],
    [`zone:${'x'.repeat(64)}:1`, 'has a name that no zone has; expected 1 to 63 printable characters'],
    ['zone:agent-*:443', 'has a pattern for a zone; expected its whole name'],
    ['api.example.com:', 'has no port behind the colon; expected a number from 1 to 65535'],
    [':443', '":443" names no destination; expected one such as "api.example.com:443"'],
    ['', '"" has no port'],
    ['api.example.com:0', '"api.example.com:0" has the port 0; expected 1 to 65535'],
    ['api.example.com:65536', 'has the port 65536; expected 1 to 65535'],
    ['api.example.com:1-70000', 'has the port 70000; expected 1 to 65535'],
    [
      'api.example.com:8000-8064',
      'spans 65 ports; expected at most 64 for a name, each address of which is opened port by port',
    ],
    ['api.example.com:8010-8000', 'has a range that ends before it begins; expected 8000-8010'],
    ['api.example.com:https', 'has the port "https"; expected a number from 1 to 65535, or a range such as 8000-8010'],
    ['api.example.com:80,443', 'has the port "80,443"; expected a number'],
    ['api.example.com:*', 'has "*" for a port; expected "1-65535" for every port'],
    ['api.example.com:443/sctp', 'has the unknown protocol "sctp"; expected "/udp", or "/tcp" or nothing for TCP'],
    ['api.example.com:443/', 'has the unknown protocol ""'],
    ['api.*.com:443', '"api.*.com:443" has a wildcard that is no label of its own at the front'],
    ['*:443', '"*:443" would be every name; expected "0.0.0.0/0:443" for every IPv4 address, "[::/0]:443" for every'],
    ['10.0.0.256:443', '"10.0.0.256" is no IPv4 address; expected four numbers from 0 to 255'],
    ['10.0.0:443', '"10.0.0" is no IPv4 address'],
    ['010.0.0.1:443', '"010.0.0.1" is no IPv4 address'],
    [
      '192.0.2.5/24:5432',
      'has bits set behind the first 24; expected "192.0.2.0/24:5432", or "192.0.2.5:5432" for the',
    ],
    [
      '[2001:db8::7/64]:443',
      'has bits set behind the first 64; expected "[2001:db8::/64]:443", or "[2001:db8::7]:443"',
    ],
    ['192.0.2.0/33:443', 'has no prefix length behind "/"; expected a number from 0 to 32'],
    ['192.0.2.0/:443', 'has no prefix length behind "/"'],
    ['192.0.2.0/024:443', 'has no prefix length behind "/"'],
    ['[2001:db8::/129]:443', 'has no prefix length behind "/"; expected a number from 0 to 128'],
    ['[2001:db8::]/48:443', 'has the length outside of the brackets; expected "[2001:db8::/48]:443"'],
    ['2001:db8::1:443', 'has an IPv6 address without brackets; expected "[2001:db8::1]:443"'],
    ['2001:db8::/48:443/udp', 'has an IPv6 address without brackets; expected "[2001:db8::/48]:443/udp"'],
    ['2001:db8::', 'has an IPv6 address without brackets; expected "[2001:db8::]:443"'],
    ['[192.0.2.1]:443', 'has no IPv6 address in the brackets; expected one such as "[2001:db8::1]:443"'],
    ['[fe80::1%eth0]:443', 'has no IPv6 address in the brackets'],
    ['[2001:db8::1:443', 'has no IPv6 address in the brackets'],
    ['[::ffff:192.0.2.1]:443', 'is an IPv4 address in the form of an IPv6 one'],
    ['https://api.example.com/v1', '"https://api.example.com/v1" is a URL; expected "api.example.com:443"'],
    ['http://api.example.com:8080', 'is a URL; expected "api.example.com:8080"'],
    ['ssh://git@git.example.com/x.git', 'is a URL; expected "git.example.com:22"'],
    ['https://[2001:db8::1]/', 'is a URL; expected "[2001:db8::1]:443"'],
    ['gopher://example.com', 'is a URL; expected a name and a port, such as "api.example.com:443"'],
    ['api.example.com/v1:443', 'has a path or a length behind a name'],
    ['bücher.example:443', 'expected the name as DNS has it, "xn--bcher-kva.example"'],
    ['icmp:8', 'is unknown; expected "icmp", which has no port and is both ICMP and ICMPv6'],
    ['icmpv6', 'is unknown; expected "icmp"'],
    ['api.example.com :443', 'has " " in a name'],
    [{ to: '10.0.0.0/8:443', private: true }, 'is no name, and private is about the addresses that a name has'],
    [{ to: 'host:443', private: true }, 'is no name'],
    [{ to: 'icmp', private: true }, 'is no name'],
    [{ to: 'git.corp.example', private: true }, '"git.corp.example" has no port'],
  ])('%j is refused with a sentence', (written, sentence) => {
    expect(parseAllow(written, place)).toEqual(expect.stringContaining(sentence));
  });
});

describe('a rule of deny', () => {
  it.each([
    ['203.0.113.0/24', 'prefix 203.0.113.0/24'],
    ['203.0.113.7', 'prefix 203.0.113.7/32'],
    ['2001:db8::/32', 'prefix 2001:db8::/32'],
    ['2001:db8::1', 'prefix 2001:db8::1/128'],
    ['*.example.com', 'name *.example.com'],
    ['**.com', 'name **.com'],
    ['Ads.Example.com.', 'name ads.example.com'],
  ])('%s', (text, meaning) => {
    const rule = parseDeny(text, place);
    expect(said(rule)).toBe(meaning);
    expect(rule).toMatchObject({ text, place });
  });

  it.each([
    ['203.0.113.0/24:443', 'has a port or brackets, and deny is about every port; expected "203.0.113.0/24"'],
    ['[2001:db8::]:443', 'has a port or brackets, and deny is about every port; expected "2001:db8::"'],
    ['[2001:db8::/32]', 'expected "2001:db8::/32"'],
    ['api.example.com:443', 'expected "api.example.com"'],
    ['203.0.113.7/24', 'has bits set behind the first 24; expected "203.0.113.0/24", or "203.0.113.7" for the address'],
    ['203.0.113.300', '"203.0.113.300" is no IPv4 address'],
    ['zone:db', '"zone:db" cannot be denied; deny takes an address, a prefix or a name'],
    ['host', 'cannot be denied'],
    ['icmp', 'cannot be denied'],
    ['https://example.com', 'is a URL; deny takes an address, a prefix or a name'],
    ['example.com/x', 'has "/" behind a name'],
    ['a.*.com', 'has a wildcard that is no label'],
    ['', 'has an empty label'],
  ])('%s is refused with a sentence', (text, sentence) => {
    expect(parseDeny(text, place)).toEqual(expect.stringContaining(sentence));
  });
});

const piece = fc.oneof(
  fc.constantFrom(
    'api.example.com',
    '*',
    '**.',
    ':',
    '/',
    '[',
    ']',
    '443',
    '-',
    'udp',
    'zone:',
    'host',
    'icmp',
    '::1',
    '10.0.0.0',
    '://',
    '\n',
  ),
  fc.string({ unit: 'grapheme', maxLength: 4 }),
);

it('any text is a rule or a sentence of one line that quotes it', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      for (const rule of [parseAllow(pieces.join(''), place), parseDeny(pieces.join(''), place)]) {
        if (typeof rule === 'string') expect(rule).toMatch(/^".*$/u);
        else expect(rule.text).toBe(pieces.join(''));
      }
    }),
    { numRuns: 2000 },
  );
});

it('what is expected instead is a rule, for any mistake that says so', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const text = pieces.join('');
      const rule = parseAllow(text, place);
      if (typeof rule !== 'string' || !/URL|bits set|brackets/.test(rule) || text.includes('"')) return;
      for (const [, instead = ''] of rule.matchAll(/expected "([^"]*)"/g))
        expect(said(parseAllow(instead, place))).not.toMatch(/wrong.*(URL|bits set|brackets)/);
    }),
    { numRuns: 2000 },
  );
});
