import { describe, expect, it } from 'vitest';
import type { AskedDirectory, DirectoryState } from '../../../src/directories/zone-directory.ts';
import type { Claims } from '../../../src/lifecycle/claims.ts';
import { judgeClaims } from '../../../src/lifecycle/claims.ts';
import type { Address } from '../../../src/model/address.ts';
import type { DirectoryName } from '../../../src/model/directory-name.ts';
import type { LinkName } from '../../../src/model/link-name.ts';
import { address, link } from '../nft/support.ts';
import { subnetsOf } from './support.ts';

type Entries = Readonly<Record<string, readonly string[]>>;

const both = subnetsOf('10.75.0.0/16', 'fdd4:1476:6c7e::/48');

describe('the order of directories', () => {
  it('the first that knows a link wins, and who disagrees is reported with both places', () => {
    const claims = judge([
      asked('control-api', { 'vif7.0': ['10.75.0.3'] }),
      asked('static', { 'vif7.0': ['10.75.0.4'] }),
    ]);
    expect(grants(claims)).toEqual({ 'vif7.0': ['10.75.0.3'] });
    expect(problems(claims)).toEqual([
      'vif7.0: control-api says 10.75.0.3 (control-api/vif7.0), static says 10.75.0.4 (static/vif7.0); ' +
        'control-api takes precedence',
    ]);
  });

  it('who says the same in another order does not disagree', () => {
    const claims = judge([
      asked('control-api', { 'vif7.0': ['10.75.0.3', 'fdd4:1476:6c7e::3'] }),
      asked('static', { 'vif7.0': ['fdd4:1476:6c7e::3', '10.75.0.3'] }),
    ]);
    expect(problems(claims)).toEqual([]);
  });

  it('who says the same twice does not disagree (sameAddresses compares lists, one of them without repeats)', () => {
    const claims = judge([
      asked('control-api', { 'vif7.0': ['10.75.0.3'] }),
      asked('static', { 'vif7.0': ['10.75.0.3', '10.75.0.3'] }),
    ]);
    expect(problems(claims)).toEqual([]);
  });

  it('a later directory fills in what earlier ones do not know', () => {
    const claims = judge([
      asked('control-api', { 'vif7.0': ['10.75.0.3'] }),
      asked('static', { 'vif8.0': ['10.75.0.4'] }),
    ]);
    expect(grants(claims)).toEqual({ 'vif7.0': ['10.75.0.3'], 'vif8.0': ['10.75.0.4'] });
    expect(claims.granted.get(link('vif8.0'))).toMatchObject({ directory: 'static', origin: 'static/vif8.0' });
  });

  it('a name that only the second knows is the zone’s, where both say the same addresses', () => {
    const named = (name: DirectoryName, zone: string | undefined) => {
      const { snapshot } = asked(name, { 'vif7.0': ['10.75.0.3'] });
      return { name, snapshot: { ...snapshot, entries: snapshot.entries.map((entry) => ({ ...entry, name: zone })) } };
    };
    const claims = judge([named('xenstore', undefined), named('static', 'agent-1')]);
    expect(claims.granted.get(link('vif7.0'))).toMatchObject({ directory: 'xenstore', name: 'agent-1' });
    const first = judge([named('xenstore', 'web'), named('static', 'agent-1')]);
    expect(first.granted.get(link('vif7.0'))).toMatchObject({ name: 'web' });
  });

  it('a first answer that cannot be used is not replaced by a later one', () => {
    const claims = judge([
      asked('control-api', { 'vif7.0': ['192.0.2.1'] }),
      asked('static', { 'vif7.0': ['10.75.0.4'] }),
    ]);
    expect(grants(claims)).toEqual({});
    expect(claims.refused.get(link('vif7.0'))?.reason).toBe('192.0.2.1 is outside the zone subnet 10.75.0.0/16');
  });
});

describe('an address counts', () => {
  it.each([
    ['10.75.0.0', 'is the network address of 10.75.0.0/16'],
    ['10.75.0.1', 'is the gateway of 10.75.0.0/16'],
    ['10.75.0.2', "is the host's own address in 10.75.0.0/16"],
    ['10.75.255.255', 'is the broadcast address of 10.75.0.0/16'],
    ['10.76.0.3', 'is outside the zone subnet 10.75.0.0/16'],
    ['fdd4:1476:6c7e::', 'is the network address of fdd4:1476:6c7e::/48'],
    ['fdd4:1476:6c7e::1', 'is the gateway of fdd4:1476:6c7e::/48'],
    ['fdd4:1476:6c7e::2', "is the host's own address in fdd4:1476:6c7e::/48"],
    ['fdd4:1476:6c7f::3', 'is outside the zone subnet fdd4:1476:6c7e::/48'],
    ['fe80::3', 'is outside the zone subnet fdd4:1476:6c7e::/48'],
    ['::ffff:10.75.0.3', 'is outside the zone subnet fdd4:1476:6c7e::/48'],
  ])('not where it %s (%s)', (text, reason) => {
    const claims = judge([asked('static', { 'vif7.0': [text] })]);
    expect(grants(claims)).toEqual({});
    expect(claims.refused.get(link('vif7.0'))?.reason).toBe(`${text} ${reason}`);
    expect(claims.refused.get(link('vif7.0'))).toMatchObject({ isWanted: true, origin: 'static/vif7.0' });
  });

  it('and it is still called as its directory has it', () => {
    const { name, snapshot } = asked('static', { 'vif7.0': ['10.76.0.3'] });
    const entries = snapshot.entries.map((entry) => ({ ...entry, name: 'web' }));
    const claims = judge([{ name, snapshot: { ...snapshot, entries } }]);
    expect(claims.refused.get(link('vif7.0'))?.name).toBe('web');
  });

  it('up to the last of its subnet', () => {
    const last = ['10.75.255.254', 'fdd4:1476:6c7e:ffff:ffff:ffff:ffff:ffff'];
    expect(grants(judge([asked('static', { 'vif7.0': last })]))).toEqual({ 'vif7.0': last });
  });

  it('only with all others of its link: half a zone would hide the mistake', () => {
    const claims = judge([asked('static', { 'vif7.0': ['10.75.0.3', 'fdd4:1476:6c7e::1'], 'vif8.0': ['10.75.0.3'] })]);
    expect(grants(claims)).toEqual({ 'vif8.0': ['10.75.0.3'] });
  });

  it('once, though it is said twice', () => {
    expect(grants(judge([asked('static', { 'vif7.0': ['10.75.0.3', '10.75.0.3'] })]))).toEqual({
      'vif7.0': ['10.75.0.3'],
    });
  });

  it('not at all where none is given', () => {
    expect(judge([asked('static', { 'vif7.0': [] })]).refused.get(link('vif7.0'))?.reason).toBe(
      'no address is assigned to it',
    );
  });
});

describe('an entry that cannot be used', () => {
  const broken = { why: 'its file is not used: FILE: owned by user 1000; expected root', fix: 'chown root FILE' };
  const unusable = asked('static', {});
  const entry = { link: link('vif7.0'), addresses: [], name: undefined, origin: 'FILE', unusable: broken };
  const withBroken = { ...unusable, snapshot: { ...unusable.snapshot, entries: [entry] } };

  it('is why the link has no network, with the command that helps', () => {
    const { refused } = judge([withBroken]);
    const why = { reason: broken.why, fix: broken.fix, directory: 'static', isWanted: true };
    expect(refused.get(link('vif7.0'))).toMatchObject(why);
  });

  it('keeps no other directory from being heard, whichever is asked first', () => {
    const other = asked('control-api', { 'vif7.0': ['10.75.0.3'] });
    for (const both of [
      [withBroken, other],
      [other, withBroken],
    ]) {
      const claims = judge(both);
      expect(grants(claims)).toEqual({ 'vif7.0': ['10.75.0.3'] });
      expect([claims.refused.size, problems(claims)]).toEqual([0, []]);
    }
  });
});

describe('a family that is switched off', () => {
  const ipv4Only = subnetsOf('10.75.0.0/16', undefined);

  it('leaves the other, and is no mistake of whoever gave the address', () => {
    const claims = judge([asked('static', { 'vif7.0': ['10.75.0.3', 'fdd4:1476:6c7e::3'] })], { subnets: ipv4Only });
    expect(grants(claims)).toEqual({ 'vif7.0': ['10.75.0.3'] });
    expect(problems(claims)).toEqual([]);
  });

  it('leaves a link with nothing else without anything, and says why', () => {
    const claims = judge([asked('static', { 'vif7.0': ['fdd4:1476:6c7e::3'] })], { subnets: ipv4Only });
    expect(claims.refused.get(link('vif7.0'))?.reason).toBe(
      'fdd4:1476:6c7e::3 cannot be used: IPv6 is switched off for zones',
    );
  });
});

describe('an address given twice', () => {
  const twice = [asked('static', { 'vif7.0': ['10.75.0.3'], 'vif8.0': ['10.75.0.3'] })];

  it('belongs to the first, and the second is told whose it is', () => {
    const claims = judge(twice);
    expect(grants(claims)).toEqual({ 'vif7.0': ['10.75.0.3'] });
    expect(claims.refused.get(link('vif8.0'))?.reason).toBe('10.75.0.3 already belongs to vif7.0');
  });

  it('belongs to whoever has it', () => {
    const claims = judge(twice, { holders: { '10.75.0.3': 'vif8.0' } });
    expect(grants(claims)).toEqual({ 'vif8.0': ['10.75.0.3'] });
    expect(claims.refused.get(link('vif7.0'))?.reason).toBe('10.75.0.3 already belongs to vif8.0');
  });

  it('across directories as well', () => {
    const claims = judge(
      [asked('control-api', { 'vif7.0': ['10.75.0.3'] }), asked('static', { 'vif8.0': ['10.75.0.3'] })],
      { holders: { '10.75.0.3': 'vif8.0' } },
    );
    expect(grants(claims)).toEqual({ 'vif8.0': ['10.75.0.3'] });
  });

  it('is free again where whoever has it claims another now', () => {
    const claims = judge([asked('static', { 'vif7.0': ['10.75.0.3'], 'vif8.0': ['10.75.0.4'] })], {
      holders: { '10.75.0.3': 'vif8.0', '10.75.0.4': 'vif7.0' },
    });
    expect(grants(claims)).toEqual({ 'vif7.0': ['10.75.0.3'], 'vif8.0': ['10.75.0.4'] });
  });

  it('does not go by another address of the same link (holding any address counts as holding all)', () => {
    const claims = judge([asked('static', { 'vif7.0': ['10.75.0.4', '10.75.0.3'], 'vif8.0': ['10.75.0.3'] })], {
      holders: { '10.75.0.4': 'vif7.0', '10.75.0.3': 'vif8.0' },
    });
    expect(grants(claims)).toEqual({ 'vif8.0': ['10.75.0.3'] });
  });
});

describe('a leftover', () => {
  it('of a link that is gone claims nothing and disturbs nobody', () => {
    const claims = judge([asked('static', { 'vif7.0': ['10.75.0.3'], 'vif8.0': ['10.75.0.3'] })], {
      links: ['vif8.0'],
    });
    expect(grants(claims)).toEqual({ 'vif8.0': ['10.75.0.3'] });
    expect(claims.refused.size).toBe(0);
    expect(problems(claims)).toEqual([]);
  });
});

describe('a directory that has yet to answer', () => {
  const served = [
    { link: link('vif7.0'), addresses: [address('10.75.0.3')], name: undefined, directory: 'static', origin: 'x' },
  ] as const;

  it('keeps what is served and unknown elsewhere', () => {
    const claims = judge([asked('control-api', {}, 'waiting')], { links: ['vif7.0'], served });
    expect(grants(claims)).toEqual({ 'vif7.0': ['10.75.0.3'] });
  });

  it('does not keep it once it has answered, nor against another that knows better', () => {
    expect(grants(judge([asked('control-api', {})], { links: ['vif7.0'], served }))).toEqual({});
    const other = asked('static', { 'vif7.0': ['10.75.0.4'] });
    expect(grants(judge([asked('control-api', {}, 'waiting'), other], { served }))).toEqual({
      'vif7.0': ['10.75.0.4'],
    });
  });
});

function asked(name: DirectoryName, entries: Entries, state: DirectoryState = 'answered'): AskedDirectory {
  const list = Object.entries(entries).map(([zone, addresses]) => ({
    link: link(zone),
    addresses: addresses.map(address),
    name: undefined,
    origin: `${name}/${zone}`,
  }));
  return { name, snapshot: { state, entries: list, problems: [], detail: '', since: 0 } };
}

interface Circumstances {
  readonly subnets?: typeof both;
  readonly links?: readonly string[];
  readonly holders?: Readonly<Record<string, string>>;
  readonly served?: Parameters<typeof judgeClaims>[0]['served'];
}

/** All links that a directory names are on the host unless told. */
function judge(directories: readonly AskedDirectory[], circumstances: Circumstances = {}): Claims {
  const named = directories.flatMap(({ snapshot }) => snapshot.entries.map((entry) => entry.link));
  const holders = Object.entries(circumstances.holders ?? {});
  return judgeClaims({
    directories,
    subnets: circumstances.subnets ?? both,
    links: new Set(circumstances.links?.map(link) ?? named),
    holders: new Map(holders.map(([held, holder]): [Address, LinkName] => [address(held), link(holder)])),
    served: circumstances.served ?? [],
  });
}

function grants({ granted }: Claims): Record<string, readonly string[]> {
  return Object.fromEntries([...granted].map(([name, claim]) => [name, claim.addresses]));
}

function problems(claims: Claims): string[] {
  return [...claims.problems.values()].flat();
}
