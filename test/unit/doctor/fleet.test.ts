/** What doctor says of a host that is one of several, by what its BIRD says. */
import { expect, it } from 'vitest';
import { checkFleet } from '../../../src/doctor/checks/fleet.ts';
import { checkSubnets } from '../../../src/doctor/checks/subnets.ts';
import type { Snapshot } from '../../../src/doctor/host-snapshot.ts';
import { destinationsIn, sessionsIn } from '../../../src/host/bird.ts';
import type { BirdView } from '../../../src/host/survey-port.ts';
import { prefixesOf } from '../../../src/model/address.ts';
import { configOf } from '../lifecycle/support.ts';
import { route, sound } from './support.ts';

const uplinks = ['eth0'];
const own = '10.75.0.7/32';

function host(change: Partial<Snapshot> = {}, more: readonly string[] = []): Snapshot {
  const fleet = {
    block: prefixesOf('10.75.0.0/24'),
    prefixes: prefixesOf('10.75.0.0/16'),
    uplinks: [...uplinks, ...more],
    zones: [],
  };
  return { ...sound, config: configOf({ fleet }), bird: bird({}), ...change };
}

function bird(change: Partial<BirdView>): BirdView {
  const sessions = [{ name: 'router1', isUp: true, detail: 'Established' }];
  return { sessions, learned: new Set([own]), exported: new Map([['router1', new Set([own])]]), ...change };
}

function told(snapshot: Snapshot): string[] {
  return checkFleet(snapshot).map(({ level, what }) => `${level}: ${what}`);
}

it('says nothing without a fleet, and that all is well with one', () => {
  expect(told(sound)).toEqual([]);
  expect(told(host())).toEqual(['ok: zones are announced to the other hosts of the fleet, and nothing else is']);
});

it.each<[string, Snapshot, string]>([
  ['nobody announces', host({ bird: undefined }), 'bad: no routing daemon runs on this host'],
  [
    'FRR does',
    host({ bird: undefined, processes: new Set(['bgpd']) }),
    'warning: bgpd runs on this host, and birdc gets no answer',
  ],
  [
    'the only session is down',
    host({ bird: bird({ sessions: [{ name: 'router1', isUp: false, detail: 'Active' }], exported: new Map() }) }),
    "bad: BIRD's session router1 is down: Active",
  ],
  [
    '`learn` is missing',
    host({ bird: bird({ learned: new Set(), exported: new Map([['router1', new Set()]]) }) }),
    'bad: BIRD does not know 1 of 1 routes of zones, for instance 10.75.0.7/32',
  ],
  [
    'the filter is too narrow',
    host({ bird: bird({ exported: new Map([['router1', new Set()]]) }) }),
    "bad: BIRD's session router1 does not announce 1 of 1 routes of zones, for instance 10.75.0.7/32",
  ],
  [
    'the filter is too wide',
    host({ bird: bird({ exported: new Map([['router1', new Set([own, '10.99.0.0/16'])]]) }) }),
    "warning: BIRD's session router1 announces 1 routes that are none of zones, for instance 10.99.0.0/16",
  ],
  [
    'the source check of several uplinks is strict',
    host({ sysctls: new Map([...sound.sysctls, ['net/ipv4/conf/eth0/rp_filter', '1']]) }, ['lo']),
    'warning: rp_filter of eth0 is 1, and the fleet has several uplinks',
  ],
  ['an uplink is not there', host({}, ['eth9']), 'bad: fleet.uplinks names eth9, and this host has no such interface'],
])('tells where %s', (_, snapshot, sentence) => {
  expect(told(snapshot)).toEqual([sentence]);
});

it('takes routes to zones of other hosts for what they are, by the links to those alone', () => {
  const by = (device: string) => host({ routes: [...sound.routes, route('10.75.3.8', device, { protocol: 'bird' })] });
  expect(checkSubnets(by('eth0')).filter(({ level }) => level !== 'ok')).toEqual([]);
  expect(checkSubnets(by('lan0')).filter(({ level }) => level !== 'ok')).toHaveLength(1);
});

it('reads what birdc prints', () => {
  const text = `BIRD 2.0.12 ready.
Name       Proto      Table      State  Since         Info
device1    Device     ---        up     03:25:18.470
router1    BGP        ---        up     03:25:18.470  Established
router2    BGP        ---        start  2026-11-30    Active        Socket: Connection closed
`;
  expect(sessionsIn(text)).toEqual([
    { name: 'router1', isUp: true, detail: 'Established' },
    { name: 'router2', isUp: false, detail: 'Active        Socket: Connection closed' },
  ]);
  const routes = `Table master4:
10.75.2.7/32         unicast [kernel4 02:55:37.829] * (90)
	dev vif7.0
fdd4:1476:6c7e:3::8/128 unicast [router1 02:55:38.019 from 10.0.1.254] * (100) [AS4200000003?]
	via fd00:1::3 on eth0
`;
  expect([...destinationsIn(routes)]).toEqual(['10.75.2.7/32', 'fdd4:1476:6c7e:3::8/128']);
});
