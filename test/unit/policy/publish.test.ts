import { describe, expect, it } from 'vitest';
import { parsePolicyFile } from '../../../src/policy/policy-file.ts';
import { conflictsIn, insideSubnets, parseListen, publishedBy } from '../../../src/policy/publish.ts';
import { address, link, prefix } from '../nft/support.ts';

describe('listen', () => {
  it.each([
    ['443/tcp', { address: undefined, transport: 'tcp', port: 443 }],
    ['192.0.2.2:53/udp', { address: '192.0.2.2', transport: 'udp', port: 53 }],
    ['[2001:DB8::2]:443/tcp', { address: '2001:db8::2', transport: 'tcp', port: 443 }],
  ])('%s', (text, parsed) => {
    expect(parseListen(text, [])).toEqual(parsed);
  });

  it.each([
    ['443', 'does not say whether it is TCP or UDP'],
    ['443/sctp', 'does not say whether it is TCP or UDP'],
    ['0/tcp', 'has no port'],
    ['65536/tcp', 'has no port'],
    ['8000-8010/tcp', 'has no port'],
    ['', 'has no port'],
    ['uplink0:443/tcp', 'has "uplink0" ahead of the port'],
    ['192.0.2.0/24:443/tcp', 'ahead of the port'],
    ['2001:db8::2:443/tcp', 'expected "[2001:db8::2]:443/tcp"'],
    ['[192.0.2.2]:443/tcp', 'expected "192.0.2.2:443/tcp"'],
    ['127.0.0.1:443/tcp', 'only this host reaches'],
    ['0.0.0.0:443/tcp', 'only this host reaches'],
    ['[fe80::1]:443/tcp', 'only this host reaches'],
    ['[::]:443/tcp', 'only this host reaches'],
  ])('%s is refused', (text, said) => {
    expect(parseListen(text, [])).toContain(said);
  });

  it('that nobody may use is refused', () => {
    expect(parseListen('192.0.2.2:443/tcp', [prefix('2001:db8::/32')])).toContain('is open to nobody');
    expect(parseListen('443/tcp', [prefix('2001:db8::/32')])).toMatchObject({ port: 443 });
  });
});

const entry = (zones: string, ...listen: string[]) =>
  `[[policy]]\nzones = ["${zones}"]\n${listen.map((text) => `[[policy.publish]]\nlisten = "${text}"\nto = 80\n`).join('')}`;

async function policiesIn(...texts: string[]) {
  const files = texts.map((text, index) => parsePolicyFile(`${index}.toml`, text));
  return (await Promise.all(files)).flatMap(({ policies }) => policies);
}

describe('a port that is published twice', () => {
  it.each([
    ['443/tcp', '443/tcp', true],
    ['443/tcp', '192.0.2.2:443/tcp', true],
    ['192.0.2.2:443/tcp', '443/tcp', true],
    ['192.0.2.2:443/tcp', '192.0.2.3:443/tcp', false],
    ['443/tcp', '443/udp', false],
    ['443/tcp', '444/tcp', false],
  ])('%s and %s: %s', async (one, other, isConflict) => {
    const policies = await policiesIn(entry('a', one), entry('b', other));
    const places = conflictsIn(policies).map(({ publication, first }) => [publication.place.file, first.place.file]);
    expect(places).toEqual(isConflict ? [['1.toml', '0.toml']] : []);
  });
});

const zone = (name: string, text: string, ...addresses: string[]) => ({
  ...{ link: link(text), name },
  addresses: addresses.map(address),
});

it('leads to the first zone that the first policy is about, whatever has the port otherwise', async () => {
  const policies = await policiesIn(entry('web-*', '443/tcp'), entry('db', '443/tcp', '5432/tcp'));
  const zones = [
    zone('db', 'vif1.0', '10.75.0.3'),
    zone('web-1', 'vif2.0', '10.75.0.4', '10.75.0.5', 'fdd4:1476:6c7e::4'),
    zone('web-2', 'vif3.0', '10.75.0.6'),
  ];
  const { ports, losers } = publishedBy(policies, zones);
  expect(ports.map(({ port, zone: { ipv4, ipv6 } }) => [port, ipv4, ipv6])).toEqual([
    [443, '10.75.0.4', 'fdd4:1476:6c7e::4'],
    [5432, '10.75.0.3', undefined],
  ]);
  expect(losers.map(({ publication, holder, ...loser }) => [publication.text, holder, loser.link])).toEqual([
    ['443/tcp', 'vif2.0', 'vif3.0'],
  ]);
});

it('at an address of zones is told', async () => {
  const policies = await policiesIn(entry('a', '10.75.0.1:443/tcp', '443/tcp', '192.0.2.2:80/tcp'));
  expect(insideSubnets(policies, [prefix('10.75.0.0/16')]).map(({ text }) => text)).toEqual(['10.75.0.1:443/tcp']);
});

it('a wrong one is told with its place, and what is missing', async () => {
  const wrong = async (text: string) => String(await parsePolicyFile('a.toml', text).catch((error: unknown) => error));
  expect(await wrong(entry('a', '443'))).toContain('a.toml:4:10: "443" does not say');
  expect(await wrong('[[policy]]\nzones = ["a"]\n[[policy.publish]]\nlisten = "443/tcp"\n')).toContain(
    'policy.publish',
  );
  expect(await wrong('[[policy]]\nzones = ["a"]\n')).toContain(
    'expected [policy.egress], [policy.limits] or [[policy.publish]]',
  );
});
