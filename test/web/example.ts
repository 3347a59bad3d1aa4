/** A host with some of everything, for tests and pictures of the web view. */
import type { Status, ZoneStatus } from '../../src/control/status.ts';
import type { Talk, TalkEnd } from '../../src/control/talk.ts';
import { address, statusOf, zoneOf } from '../unit/control/canned.ts';

const zones: readonly (readonly [string, Partial<ZoneStatus>])[] = [
  ['web', {}],
  ['database', {}],
  ['mail', { carrier: false }],
  ['build-runner', { policy: 'enforced' }],
  ['monitoring', { policy: 'audit' }],
  [
    'staging',
    {
      state: 'unserved',
      reason: '10.80.0.9 is outside of the subnet 10.75.0.0/16',
      fix: 'protect-network zone set vif12.0 --ipv4 10.75.0.12',
      addresses: [],
    },
  ],
];

/** Bytes that the zones send in a second, each by another curve. */
const sentBy = (place: number, second: number) => 20_000 * (place + 1) ** 2 * (1.2 + Math.sin(second / (place + 2)));

/** `second`: of the host's life, whole or not. */
export function exampleStatus(second: number): Status {
  const now = Date.now();
  const total = (place: number) =>
    Array.from({ length: Math.ceil(second) }, (_, at) => sentBy(place, at)).reduce((sum, each) => sum + each, 0);
  const all = zones.map(([name, changes], place) => {
    const sent = total(place);
    const dropped = {
      ...zoneOf().dropped,
      ...(name === 'build-runner' ? { denied: { packets: Math.ceil(second) * 3, bytes: 1 } } : {}),
    };
    return zoneOf({
      link: `vif${place + 7}.0`,
      ifindex: place + 7,
      name,
      addresses: [address(`10.75.0.${place + 7}`), address(`fdd4:1476:6c7e::${place + 7}`)],
      since: now - (place + 1) * 4_000_000,
      sent: { packets: Math.ceil(sent / 900), bytes: Math.ceil(sent) },
      received: { packets: Math.ceil(sent / 700), bytes: Math.ceil(sent * 7.3) },
      dropped,
      ...changes,
      ...(changes.state === 'unserved' ? { sent: null, received: null } : {}),
    });
  });
  return statusOf({
    startedAt: now - 273_000_000,
    state: 'degraded',
    zones: all,
    repairs: 3,
    warnings: ['192.0.2.1, the gateway of eth0, does not answer'],
    lastRepairs: [
      {
        at: now - 65_000,
        milliseconds: 9.5,
        culprits: ['ufw (812)'],
        cause: '',
        what: ['our jump in ip filter FORWARD'],
      },
      {
        at: now - 7_800_000,
        milliseconds: 4.1,
        culprits: ['nft (4711)'],
        cause: '',
        what: ['table inet edera', 'chain guard'],
      },
    ],
  });
}

export function exampleTalk(): Talk {
  const zone = (place: number): TalkEnd => ({
    kind: 'zone',
    address: `10.75.0.${place + 7}`,
    link: `vif${place + 7}.0`,
    name: zones[place]?.[0] ?? null,
  });
  const outside = (text: string): TalkEnd => ({ kind: 'address', address: text, link: null, name: null });
  const pair = (from: TalkEnd, to: TalkEnd, connections: number, ...services: string[]) => {
    return { from, to, connections, services, hasMoreServices: false };
  };
  const pairs = [
    pair(outside('198.51.100.20'), zone(0), 210, '443/tcp'),
    pair(outside('198.51.100.77'), zone(0), 96, '443/tcp', '80/tcp'),
    pair(zone(0), zone(1), 64, '5432/tcp'),
    pair(zone(4), zone(0), 12, '9100/tcp'),
    pair(zone(4), zone(1), 12, '9100/tcp'),
    pair(zone(3), outside('203.0.113.10'), 31, '443/tcp'),
    pair(zone(3), { kind: 'host', address: '10.75.0.1', link: null, name: null }, 4, '53/udp'),
    pair(zone(2), outside('2001:db8::25'), 3, '25/tcp'),
  ];
  return { at: Date.now(), connections: pairs.reduce((sum, { connections }) => sum + connections, 0), pairs };
}
