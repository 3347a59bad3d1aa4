/** Leases on the fake kernel: what is opened, what is refused, and what is left after anything. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Lease } from '../../../src/lifecycle/lease.ts';
import { Leases, type LeasesOptions, maxAddressesOfName, maxLeases } from '../../../src/lifecycle/leases.ts';
import { type Address, type Prefix, parseAddress, parsePrefix } from '../../../src/model/address.ts';
import { ProtectNetworkError } from '../../../src/model/errors.ts';
import { type LinkName, linkName } from '../../../src/model/link-name.ts';
import * as make from '../../../src/nft/commands.ts';
import { egressKeyType, egressSets, ownTable } from '../../../src/nft/names.ts';
import type { ZoneEgress } from '../../../src/policy/model.ts';
import { parseAllow, parseDeny } from '../../../src/policy/rule.ts';
import { nameRules } from '../../../src/policy/verdict.ts';
import { FakeHost } from '../../fake/kernel.ts';

const place = { file: 'policy.toml', line: 1, column: 1 };
const link = linkName(7, 0) ?? raise('no link');
const other = linkName(8, 0) ?? raise('no link');
const { family, name: table } = ownTable;
const own = address('192.0.2.1');

interface Place {
  readonly host: FakeHost;
  readonly leases: Leases;
  /** By link; replaced by tests. */
  readonly rules: Map<LinkName, ZoneEgress>;
}

async function open(): Promise<Place> {
  const host = new FakeHost();
  await host.nft.transact([
    make.addTable(family, table),
    ...(['ipv4', 'ipv6'] as const).map((each) =>
      make.addSet(family, table, {
        name: egressSets[each].leased,
        type: egressKeyType(each),
        leased: { size: 100_000 },
      }),
    ),
  ]);
  const rules = new Map<LinkName, ZoneEgress>();
  return { host, rules, leases: leasesOn(host, rules) };
}

function leasesOn(
  host: FakeHost,
  rules: ReadonlyMap<LinkName, ZoneEgress>,
  nft: LeasesOptions['nft'] = host.nft,
): Leases {
  return new Leases({
    nft,
    isOwn: async (each) => each === own,
    egressOf: (each) => rules.get(each),
    subnets: () => [prefix('10.75.0.0/16'), prefix('fdd4:1476:6c7e::/48')],
  });
}

function allowing(...texts: (string | { to: string; private: true })[]): ZoneEgress {
  return { mode: 'enforce', allow: texts.map((text) => valid(parseAllow(text, place))), deny: [] };
}

async function held({ host }: Place): Promise<string[]> {
  const sets = (['ipv4', 'ipv6'] as const).map((each) => ({
    set: { family, table, set: egressSets[each].leased },
    type: egressKeyType(each),
  }));
  const all = await Promise.all(sets.map(({ set, type }) => host.nft.leases(set, type)));
  return all.flat().map(({ key, comment }) => `${key} ${comment}`);
}

const api = 'api.example.com';
const request = (addresses: readonly string[], name = api, ttl = 60) => ({
  link,
  name,
  ttl,
  addresses: addresses.map(address),
});

describe('a name', () => {
  it('opens its addresses on each port of each rule that allows it, for as long as its time says and ten minutes', async () => {
    const place = await open();
    place.rules.set(link, allowing('api.example.com:443', '*.example.com:8000-8001', 'api.example.com:443/udp'));
    const answer = await place.leases.open(request(['198.51.100.7', '2001:db8::7'], api, 100));
    expect(answer).toMatchObject({ kind: 'leased', addresses: ['198.51.100.7', '2001:db8::7'] });
    expect((await held(place)).length).toBe(8);
    expect(await held(place)).toContain('vif7.0 198.51.100.7 tcp 8001 api.example.com');
    const [first] = await place.host.nft.leases({ family, table, set: 'leased4' }, egressKeyType('ipv4'));
    expect(first?.seconds).toBeCloseTo(700, 0);
  });

  it.each<[string, ZoneEgress | undefined, readonly string[]]>([
    ['no policy is about the zone', undefined, ['198.51.100.7']],
    ['no rule names it', allowing('www.example.com:443'), ['198.51.100.7']],
    ['a rule names addresses only', allowing('198.51.100.7:443'), ['198.51.100.7']],
    [
      'it leads to private addresses',
      allowing('api.example.com:443'),
      ['10.75.0.9', '127.0.0.1', '169.254.169.254', '::1'],
    ],
    ['it leads to dom0', allowing('api.example.com:443'), [own]],
    [
      'what it leads to is denied',
      { ...allowing('api.example.com:443'), deny: [valid(parseDeny('198.51.100.0/24', place))] },
      ['198.51.100.7'],
    ],
    [
      'the name is denied',
      { ...allowing('*.example.com:443'), deny: [valid(parseDeny('api.example.com', place))] },
      ['198.51.100.7'],
    ],
  ])('opens nothing where %s', async (_why, rules, addresses) => {
    const place = await open();
    if (rules !== undefined) place.rules.set(link, rules);
    expect((await place.leases.open(request(addresses))).kind).toBe('refused');
    expect(await held(place)).toEqual([]);
  });

  it('leads to private addresses by a rule that says so, and tells of the others only', async () => {
    const place = await open();
    place.rules.set(link, allowing('api.example.com:443', { to: 'api.example.com:22', private: true }));
    const answer = await place.leases.open(request(['10.1.2.3', '198.51.100.7']));
    expect(answer).toMatchObject({ addresses: ['10.1.2.3', '198.51.100.7'] });
    expect((await held(place)).sort()).toEqual([
      'vif7.0 10.1.2.3 tcp 22 api.example.com',
      'vif7.0 198.51.100.7 tcp 22 api.example.com',
      'vif7.0 198.51.100.7 tcp 443 api.example.com',
    ]);
  });

  it('in audit mode opens what rules allow, and is remembered where none does', async () => {
    const place = await open();
    place.rules.set(link, { ...allowing('api.example.com:443'), mode: 'audit' });
    expect((await place.leases.open(request(['198.51.100.7']))).kind).toBe('leased');
    expect((await place.leases.open(request(['198.51.100.8'], 'other.example.org'))).kind).toBe('leased');
    expect(await held(place)).toEqual(['vif7.0 198.51.100.7 tcp 443 api.example.com']);
    expect(place.leases.nameOf(link, address('198.51.100.8'))).toBe('other.example.org');
  });
});

describe('bounds', () => {
  it('a name has so many addresses at most, and a zone so many leases, while all are in use', async () => {
    const place = await open();
    place.rules.set(link, allowing('*.example.com:443'));
    const many = Array.from({ length: 600 }, (_, index) => `198.51.${100 + (index >> 8)}.${index & 255}`);
    for (let start = 0; start < maxAddressesOfName; start += 64) {
      expect((await place.leases.open(request(many.slice(start, start + 64)))).kind).toBe('leased');
    }
    expect(await place.leases.open(request(many.slice(512, 513)))).toMatchObject({ kind: 'refused' });
    for (let name = 0; name < 7; name += 1) {
      for (let start = 0; start < 512; start += 64)
        await place.leases.open(request(many.slice(start, start + 64), `n${name}.example.com`));
    }
    expect(place.leases.of(link).length).toBeLessThanOrEqual(maxLeases);
    expect((await held(place)).length).toBe(place.leases.of(link).length);
  });
});

describe('rules that change meanwhile', () => {
  it('keep what was about to be opened from being so', async () => {
    const { host, rules, ...place } = await open();
    const leases: Leases = leasesOn(host, rules, {
      ...methodsOf(host),
      lease: async (set, elements) => {
        rules.set(link, allowing('www.example.com:443'));
        await leases.judge(link);
        await host.nft.lease(set, elements);
      },
    });
    rules.set(link, allowing('api.example.com:443'));
    expect(await leases.open(request(['198.51.100.7']))).toEqual({ kind: 'refused', reason: 'no rule' });
    expect(await held({ ...place, host, rules })).toEqual([]);
    expect(leases.of(link)).toEqual([]);
  });

  it('are not undone by what was about to be renewed', async () => {
    const place = await open();
    const { rules, leases } = place;
    rules.set(link, allowing('api.example.com:443'));
    await leases.open(request(['198.51.100.7', '2001:db8::7']));
    const used = leases.of(link);
    rules.delete(link);
    await leases.judge(link);
    await leases.renew(link, used);
    expect(await held(place)).toEqual([]);
  });

  it('end at the next attempt what the kernel did not let go', async () => {
    const place = await open();
    const { host, rules } = place;
    let isRefused = true;
    const release: LeasesOptions['nft']['release'] = async (set, keys) => {
      if (isRefused) throw new ProtectNetworkError('refused', 'out of memory');
      await host.nft.release(set, keys);
    };
    const leases = leasesOn(host, rules, { ...methodsOf(host), release });
    rules.set(link, allowing('api.example.com:443'));
    await leases.open(request(['198.51.100.7']));
    rules.delete(link);
    await expect(leases.judge(link)).rejects.toThrow('out of memory');
    isRefused = false;
    await leases.judge(link);
    expect(await held(place)).toEqual([]);
  });

  it('may take the sets along', async () => {
    const { host, rules, leases } = await open();
    rules.set(link, allowing('api.example.com:443'));
    await leases.open(request(['198.51.100.7']));
    rules.delete(link);
    await host.nft.transact([make.deleteSet(family, table, egressSets.ipv4.leased)]);
    await leases.judge(link);
    expect(leases.of(link)).toEqual([]);
  });
});

function methodsOf({ nft }: FakeHost): LeasesOptions['nft'] {
  return {
    lease: (set, elements) => nft.lease(set, elements),
    release: (set, keys) => nft.release(set, keys),
    leases: (set, type) => nft.leases(set, type),
  };
}

describe('after anything', () => {
  const names = ['api.example.com', 'www.example.com', 'db.example.org'];
  const addresses = ['198.51.100.7', '198.51.100.8', '10.75.0.9', '2001:db8::7'];
  const anyRules = fc.option(
    fc
      .subarray(['api.example.com:443', '*.example.com:80', '**.example.org:443', 'www.example.com:443/udp'])
      .map((texts) => allowing(...texts)),
    { nil: undefined },
  );
  const anyStep: fc.Arbitrary<Step> = fc.oneof(
    fc.record({
      kind: fc.constant('ask' as const),
      link: fc.constantFrom(link, other),
      name: fc.constantFrom(...names),
      addresses: fc.subarray(addresses, { minLength: 1 }),
    }),
    fc.record({ kind: fc.constant('rules' as const), link: fc.constantFrom(link, other), rules: anyRules }),
    fc.record({ kind: fc.constantFrom('restart' as const, 'flush' as const, 'compare' as const) }),
  );

  it('no address is held whose name no rule of that zone allows, and what was told of is held', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { maxLength: 25 }), async (steps) => {
        let place = await open();
        for (const step of steps) {
          place = await after(step, place);
          const keys = await held(place);
          expect(keys.filter((key) => !isAllowed(key, place.rules))).toEqual([]);
          expect(keys.sort()).toEqual([link, other].flatMap((each) => place.leases.of(each).map(textOf(each))).sort());
        }
      }),
      { numRuns: 150 },
    );
  });
});

type Step =
  | { readonly kind: 'ask'; readonly link: LinkName; readonly name: string; readonly addresses: readonly string[] }
  | { readonly kind: 'rules'; readonly link: LinkName; readonly rules: ZoneEgress | undefined }
  | { readonly kind: 'restart' | 'flush' | 'compare' };

async function after(step: Step, place: Place): Promise<Place> {
  const { host, rules, leases } = place;
  if (step.kind === 'ask') {
    await leases.open({ ...step, ttl: 60, addresses: step.addresses.map(address) });
    return place;
  }
  if (step.kind === 'rules') {
    if (step.rules === undefined) rules.delete(step.link);
    else rules.set(step.link, step.rules);
    await leases.judge(step.link);
    return place;
  }
  const sets = Object.values(egressSets).map(({ leased }) => leased);
  if (step.kind === 'flush') host.foreignNft(sets.map((name) => ({ flush: { set: { family, table, name } } })));
  const next = step.kind === 'restart' ? leasesOn(host, rules) : leases;
  await next.compare(true);
  return { ...place, leases: next };
}

function isAllowed(key: string, rules: Place['rules']): boolean {
  const [of = '', , transport, port, name = ''] = key.split(' ');
  const egress = rules.get(of as LinkName);
  const allowed = egress === undefined ? [] : nameRules(egress, name);
  return allowed.some((each) => each.transport === transport && each.ports.first === Number(port));
}

function textOf(of: LinkName) {
  return ({ address: to, transport, port, name }: Lease) => `${of} ${to} ${transport} ${port} ${name}`;
}

function valid<Rule>(rule: Rule | string): Rule {
  return typeof rule === 'string' ? raise(rule) : rule;
}

function address(text: string): Address {
  return parseAddress(text) ?? raise(text);
}

function prefix(text: string): Prefix {
  return parsePrefix(text) ?? raise(text);
}

function raise(what: string): never {
  throw new Error(what);
}
