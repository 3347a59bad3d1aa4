import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ControlZone, readZone } from '../../../../src/directories/control-api/control-zone.ts';
import { resolveEntries } from '../../../../src/directories/control-api/entries.ts';
import { methodsOf, type ServiceName } from '../../../../src/directories/control-api/messages.ts';
import { applyEvent } from '../../../../src/directories/control-api/session.ts';
import { backoff, listSpacing } from '../../../../src/directories/control-api/waiting.ts';
import type { LinkName } from '../../../../src/model/link-name.ts';
import type { WireZone } from '../../../control-api/server.ts';
import { ederaZone, krataZone } from '../../../control-api/zones.ts';
import { link } from './harness.ts';

/** Over the wire and back, so that absent fields look as they do in a reply. */
function received(zone: WireZone, service: ServiceName = 'protect.control.v1'): ControlZone {
  const { responseSerialize, responseDeserialize } = methodsOf(service).listZones;
  const { zones } = responseDeserialize(responseSerialize({ zones: [zone] })) as { zones: unknown[] };
  return readZone(service, zones[0]);
}

function resolve(
  zones: readonly WireZone[],
  links: readonly LinkName[] = [],
  service: ServiceName = 'protect.control.v1',
) {
  const { entries, problems } = resolveEntries(
    zones.map((zone) => received(zone, service)),
    links,
  );
  const usable = entries.filter(({ unusable }) => unusable === undefined);
  return { served: usable.map(({ link, addresses }) => `${link} ${addresses}`), problems };
}

/** Links that have no network for a reason, and the reason. */
function refused(
  zones: readonly WireZone[],
  links: readonly LinkName[] = [],
  service: ServiceName = 'protect.control.v1',
): string[] {
  const { entries } = resolveEntries(
    zones.map((zone) => received(zone, service)),
    links,
  );
  return entries.flatMap(({ link, unusable }) => (unusable === undefined ? [] : [`${link}: ${unusable.why}`]));
}

const nothing = { served: [], problems: [] };

describe("Edera's zones", () => {
  test.each([
    [1, 'vif3.0 10.75.0.3'],
    [2, 'vif3.0 10.75.0.3'],
    [3, 'vif3.0 10.75.0.3'],
    [4, ''],
    [5, ''],
    [6, ''],
    [7, ''],
  ])('state %i is served as "%s"', (state, expected) => {
    const { served, problems } = resolve([ederaZone('a', 3, ['10.75.0.3'], { state })]);
    expect(served.join()).toBe(expected);
    expect(problems).toEqual([]);
  });

  test.each([0, 8, -1])('state %i says nothing: not served, and said so', (state) => {
    const { served, problems } = resolve([ederaZone('a', 3, ['10.75.0.3'], { state })]);
    expect(served).toEqual([]);
    expect(problems).toEqual([`zone a is in state ${state}, which this version does not know; not served`]);
  });

  test.each([1, 2, 3, 4, 99])('backend %i is left alone', (backend) => {
    expect(resolve([ederaZone('a', 3, ['nonsense'], { backend })])).toEqual(nothing);
  });

  test.each([0, 2 ** 32 - 1])('domain %i is not placed yet', (domid) => {
    expect(resolve([ederaZone('a', domid, ['10.75.0.3'], { link: 'vif3.0' })])).toEqual(nothing);
  });

  test('a zone without status, spec or interfaces is not there yet', () => {
    expect(resolve([{ id: 'a' }, ederaZone('b', 3, [])]).served).toEqual([]);
    expect(resolve([ederaZone('b', 3, []), ederaZone('c', 4, ['10.75.0.4'], { link: '' })])).toEqual(nothing);
    expect(resolve([ederaZone('d', 5, [], { interfaces: [] })])).toEqual(nothing);
  });

  test('several interfaces, several addresses, with and without prefix', () => {
    const interfaces = [
      { hostInterface: 'vif3.0', addresses: ['10.75.0.3/16', 'fdd4::0003/48'] },
      { hostInterface: 'vif3.1', addresses: ['10.75.0.4'] },
      { hostInterface: 'vif3.0', addresses: ['10.75.0.5', '10.75.0.3'] },
    ];
    expect(resolve([ederaZone('a', 3, [], { interfaces })])).toEqual({
      served: ['vif3.0 10.75.0.3,fdd4::3,10.75.0.5', 'vif3.1 10.75.0.4'],
      problems: [],
    });
  });

  test('an address that is none is left out, the others stay', () => {
    const { served, problems } = resolve([ederaZone('a', 3, ['10.75.0.3/33', '10.75.0.4', '10.75.0.5 '])]);
    expect(served).toEqual(['vif3.0 10.75.0.4']);
    expect(problems).toEqual([
      'zone a: "10.75.0.3/33" is not an address; ignored',
      'zone a: "10.75.0.5 " is not an address; ignored',
    ]);
  });

  test.each(['eth0', 'vif03.0', 'vif3.0/../x', 'vif3.0-emu', 'vif3.0\n'])('"%s" is no link of a zone', (name) => {
    const { served, problems } = resolve([ederaZone('a', 3, ['10.75.0.3'], { link: name })]);
    expect(served).toEqual([]);
    expect(problems.join()).toMatch(/is not the name of a zone link; not served$/);
  });

  test("another domain's link is not served", () => {
    expect(resolve([ederaZone('a', 3, ['10.75.0.3'], { link: 'vif4.0' })])).toEqual({
      served: [],
      problems: ['zone a: vif4.0 belongs to domain 4, but the zone is domain 3; not served'],
    });
  });

  test('a link that two zones claim is served to neither; the rest is', () => {
    const zones = [
      ederaZone('b', 3, ['10.75.0.3']),
      ederaZone('a', 3, ['10.75.0.4']),
      ederaZone('c', 5, ['10.75.0.5']),
    ];
    const { served, problems } = resolve(zones);
    expect(served).toEqual(['vif5.0 10.75.0.5']);
    expect(problems).toEqual(['vif3.0 is claimed by zones a and b; served to neither']);
    expect(resolve(zones.reverse())).toEqual({ served, problems });
  });

  test('a link is told why its zone has no network by it', () => {
    const links = [link('vif3.0'), link('vif4.0'), link('vif5.0'), link('vif5.1')];
    expect(refused([ederaZone('a', 3, ['10.75.0.300'])], links)).toEqual([
      'vif3.0: zone a: "10.75.0.300" is not an address; ignored',
    ]);
    // The zone's own link, not the one that it was told of.
    expect(refused([ederaZone('a', 3, ['10.75.0.3'], { link: 'vif4.0' })], links)).toEqual([
      'vif3.0: zone a: vif4.0 belongs to domain 4, but the zone is domain 3; not served',
    ]);
    expect(refused([ederaZone('a', 3, ['10.75.0.3'], { link: 'web0' })], links)).toEqual([
      'vif3.0: zone a: "web0" is not the name of a zone link; not served',
    ]);
    expect(refused([ederaZone('a', 3, ['10.75.0.3']), ederaZone('b', 3, ['10.75.0.4'])], links)).toEqual([
      'vif3.0: vif3.0 is claimed by zones a and b; served to neither',
    ]);
    const unclear = 'zone a: domain 5 has several links (vif5.0, vif5.1) and krata does not name one; not served';
    expect(refused([krataZone('a', 5, '10.75.0.3/16')], links, 'krata.v1.control')).toEqual([
      `vif5.0: ${unclear}`,
      `vif5.1: ${unclear}`,
    ]);
  });

  test('a link that is served, of a zone that ended or has no address yet is told nothing', () => {
    const interfaces = [
      { hostInterface: 'vif3.0', addresses: ['10.75.0.3'] },
      { hostInterface: 'web0', addresses: ['10.75.0.4'] },
    ];
    expect(refused([ederaZone('a', 3, [], { interfaces })], [link('vif3.0')])).toEqual([]);
    expect(refused([ederaZone('a', 3, ['nonsense'], { state: 6 })], [link('vif3.0')])).toEqual([]);
    expect(refused([ederaZone('a', 3, [])], [link('vif3.0')])).toEqual([]);
  });

  test('an ended zone claims nothing, so its successor on the link is served', () => {
    const zones = [ederaZone('old', 3, ['10.75.0.3'], { state: 6 }), ederaZone('new', 3, ['10.75.0.3'])];
    expect(resolve(zones)).toEqual({ served: ['vif3.0 10.75.0.3'], problems: [] });
  });

  test('names and ids are made fit for a terminal', () => {
    const zone = received(ederaZone('a\u001b[2J\u202eb', 3, ['10.75.0.3'], { name: `x\u0007${'é'.repeat(100)}` }));
    expect(zone.id).toBe('a?[2J?b');
    expect(zone.name).toBe(`x?${'é'.repeat(61)}`);
    expect(received(ederaZone('a', 3, [], { name: '' })).name).toBeUndefined();
  });

  test('a zone without a usable id is a problem of its own', () => {
    const zones = [
      ederaZone('', 3, ['10.75.0.3']),
      ederaZone('x'.repeat(129), 4, []),
      ederaZone('a', 5, ['10.75.0.5']),
    ];
    const { served, problems } = resolve(zones);
    expect(served).toEqual(['vif5.0 10.75.0.5']);
    expect(problems.length).toBe(2);
  });

  test('a zone beyond all bounds is a problem, and problems are bounded', () => {
    const many = Array.from({ length: 65 }, () => '10.75.0.3');
    expect(resolve([ederaZone('a', 3, many)]).problems.join()).toMatch(/^zone a cannot be read: .*; not served$/);
    const zones = Array.from({ length: 1_000 }, (_, index) => ederaZone(`z${index}`, 3, ['10.75.0.3'], { state: 0 }));
    expect(resolve(zones).problems.length).toBe(201);
    expect(resolve(zones).problems.at(-1)).toBe('… and 800 more');
  });
});

describe("krata's zones", () => {
  const krata = 'krata.v1.control';

  test.each([
    [1, true],
    [2, true],
    [3, false],
    [4, false],
    [5, false],
    [6, false],
  ])('state %i is served: %s', (state, expected) => {
    const { served, problems } = resolve([krataZone('a', 3, '10.75.0.3/16', '', state)], [link('vif3.20')], krata);
    expect(served.length === 1).toBe(expected);
    expect(problems).toEqual([]);
  });

  test("the domain's only link is taken, whatever its device", () => {
    const links = [link('vif33.0'), link('vif3.20')];
    expect(resolve([krataZone('a', 3, '10.75.0.3/16', 'fdd4::3/48')], links, krata).served).toEqual([
      'vif3.20 10.75.0.3,fdd4::3',
    ]);
  });

  test('no link yet is waited for, several are refused', () => {
    expect(resolve([krataZone('a', 3, '10.75.0.3/16')], [link('vif4.0')], krata)).toEqual(nothing);
    const { served, problems } = resolve([krataZone('a', 3, '10.75.0.3/16')], [link('vif3.2'), link('vif3.0')], krata);
    expect(served).toEqual([]);
    expect(problems.join()).toMatch(/domain 3 has several links \(vif3.0, vif3.2\)/);
  });

  test('the service that answered decides, not what the bytes look like', () => {
    const asKrata = received(krataZone('a', 3, '10.75.0.3/16'), krata);
    const asEdera = received(krataZone('a', 3, '10.75.0.3/16'));
    expect(asKrata.claims.length).toBe(1);
    expect(asEdera.claims.length).toBe(0);
  });
});

describe('an event before its list', () => {
  const zone = (addresses: string[], state = 3) => received(ederaZone('a', 3, addresses, { state }));
  const takesEffect = (before: ControlZone | undefined, event: ControlZone) => {
    const zones = new Map(before === undefined ? [] : [[before.key, before]]);
    return applyEvent(zones, event) && zones.get(event.key) === event;
  };

  test('brings a zone that is not served', () => {
    expect(takesEffect(undefined, zone(['10.75.0.3']))).toBe(true);
    expect(takesEffect(zone([]), zone(['10.75.0.3']))).toBe(true);
  });

  test('ends a zone that is served', () => {
    expect(takesEffect(zone(['10.75.0.3']), zone(['10.75.0.3'], 5))).toBe(true);
  });

  test('leaves a zone that is served and goes on to the list', () => {
    expect(takesEffect(zone(['10.75.0.3']), zone(['10.75.0.4']))).toBe(false);
    expect(takesEffect(zone(['10.75.0.3']), zone([], 1))).toBe(false);
    expect(takesEffect(undefined, zone([]))).toBe(false);
  });
});

describe('garbage', () => {
  const services: ServiceName[] = ['protect.control.v1', 'krata.v1.control'];
  const links = [link('vif3.0'), link('vif3.1'), link('vif4.0')];

  function survive(service: ServiceName, bytes: Uint8Array): void {
    let zones: unknown[];
    try {
      ({ zones } = methodsOf(service).listZones.responseDeserialize(Buffer.from(bytes)) as { zones: unknown[] });
    } catch (error) {
      // The call fails with it, and so the list: nothing of the reply is used.
      expect(error).toBeInstanceOf(Error);
      return;
    }
    const { entries, problems } = resolveEntries(
      zones.map((zone) => readZone(service, zone)),
      links,
    );
    for (const { link, addresses, unusable } of entries) {
      expect(link).toMatch(/^vif\d+\.\d+$/);
      expect(addresses.length > 0).toBe(unusable === undefined);
    }
    for (const problem of problems) expect(problem).toMatch(/^[^\p{C}]{1,600}$/u);
  }

  test.each(services)('any bytes as a reply of %s are refused or read', (service) => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 256 }), (bytes) => survive(service, bytes)));
  });

  test.each(services)('a damaged reply of %s is refused or read', (service) => {
    const zones = [ederaZone('a', 3, ['10.75.0.3', 'fdd4::3']), krataZone('b', 4, '10.75.0.4/16', 'fdd4::4/48')];
    const whole = methodsOf(service).listZones.responseSerialize({ zones });
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(damage, fc.nat(whole.length), (changes, length) => {
        const bytes = Uint8Array.from(whole);
        for (const [at, value] of changes) bytes[at] = value;
        survive(service, bytes.subarray(0, length));
      }),
      { numRuns: 2_000 },
    );
  });

  test('invalid UTF-8 in a link name or an address is not taken for one', () => {
    const text = methodsOf('protect.control.v1').listZones.responseSerialize({
      zones: [ederaZone('a', 3, ['10.75.0.3'])],
    });
    const bytes = Buffer.from(text);
    bytes[bytes.indexOf('vif3.0') + 3] = 0xff;
    const { zones } = methodsOf('protect.control.v1').listZones.responseDeserialize(bytes) as { zones: unknown[] };
    const zone = readZone('protect.control.v1', zones[0]);
    expect(zone.claims).toEqual([]);
    expect(zone.problems.join()).toContain('is not the name');
  });
});

test('backoff begins at a quarter of a second, doubles, and ends at fifteen seconds', () => {
  expect([0, 1, 2, 3, 4, 5, 6, 50].map((attempt) => backoff(attempt, 0))).toEqual([
    250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000,
  ]);
  expect(backoff(0, 1)).toBe(500);
  expect(backoff(9, 1)).toBe(15_000);
});

test('lists are 20 ms apart, or four times what they take, but never more than a second', () => {
  expect([0, 5, 10, 100, 5_000].map(listSpacing)).toEqual([20, 20, 40, 400, 1_000]);
});
