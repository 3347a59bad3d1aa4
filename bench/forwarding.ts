/**
 * What a forwarded packet costs by the number of zones: the sender's processor time for small UDP packets that go through
 * the real rules and pairs of virtual links, in both directions and families. Beside it the documented pairs of rules
 * alone, and packets between two networks of which none is a zone's: these also on a bare host, and on one that translates
 * somebody else's addresses, as most with containers do, and so tracks every connection.
 */

import { farHost } from '../test/lab/addresses.ts';
import { Namespace } from '../test/lab/namespace.ts';
import { pause, waitFor } from '../test/lab/wait-for.ts';
import { createWorld, type World } from '../test/lab/world.ts';
import type { Zone } from '../test/lab/zone.ts';
import { compile, declare, range, untilReady } from './lab.ts';
import { type BenchOptions, figures, type Report, rounded } from './report.ts';

const port = 7007;
/** The zone that sends and receives; the others’ domains follow. */
const domid = 7;

type Rules = 'ours' | 'documented' | 'none' | 'translating';

/** A host with its zones and what else sends. */
interface Place {
  readonly rules: Rules;
  readonly zones: number;
  readonly world: World;
  readonly flood: string;
  readonly zone: Zone;
  readonly bystander: Namespace;
}

/** One stream of packets. */
interface Stream {
  readonly name: string;
  from(place: Place): Namespace;
  to(place: Place): string;
  /** Only these are of interest. */
  readonly with: readonly Rules[];
}

const streams: readonly Stream[] = [
  { name: 'out IPv4', from: ({ zone }) => zone, to: () => farHost.ipv4, with: ['ours', 'documented'] },
  {
    name: 'in IPv4',
    from: ({ world }) => world.internet,
    to: ({ zone }) => String(zone.ipv4),
    with: ['ours', 'documented'],
  },
  { name: 'out IPv6', from: ({ zone }) => zone, to: () => farHost.ipv6, with: ['ours', 'documented'] },
  {
    name: 'in IPv6',
    from: ({ world }) => world.internet,
    to: ({ zone }) => String(zone.ipv6),
    with: ['ours', 'documented'],
  },
  {
    name: 'not a zone’s, IPv4',
    from: ({ bystander }) => bystander,
    to: () => farHost.ipv4,
    with: ['ours', 'none', 'translating', 'documented'],
  },
];

export async function benchForwarding({ quick }: BenchOptions): Promise<Report> {
  const sizes = quick ? [1, 100, 1000] : [1, 100, 1000, 5000];
  const [rounds, packets] = quick ? [5, 20_000] : [15, 100_000];
  const places: Place[] = [];
  const times = new Map<string, number[]>();
  try {
    for (const rules of ['none', 'translating'] as const) places.push(await placeWith(rules, 0));
    for (const zones of sizes) places.push(await placeWith('ours', zones));
    for (const zones of sizes) places.push(await placeWith('documented', zones));
    for (let round = 0; round < rounds; round += 1) {
      for (const stream of streams) await once(stream, places, packets, times);
    }
  } finally {
    for (const { world } of places) world.destroy();
  }
  return reportOf(times, sizes);
}

/** One stream in all places that it is sent in, one after the other. */
async function once(
  { name, from, to, with: among }: Stream,
  places: readonly Place[],
  packets: number,
  times: Map<string, number[]>,
): Promise<void> {
  for (const place of places.filter(({ rules }) => among.includes(rules))) {
    // The documented pairs are walked one by one: as many packets as elsewhere would take minutes.
    const count = place.rules === 'documented' && place.zones > 100 ? Math.round(packets / 20) : packets;
    const printed = await from(place).mustExec(place.flood, ['send', to(place), String(port), String(count)]);
    const key = keyOf(name, place.rules, place.zones);
    times.set(key, [...(times.get(key) ?? []), Number(printed)]);
  }
}

function keyOf(stream: string, rules: Rules, zones: number): string {
  return `${stream}/${rules}/${zones}`;
}

async function placeWith(rules: Rules, zones: number): Promise<Place> {
  const world = await createWorld({ routeBack: true });
  const zone = await world.addZone({ domid });
  const flood = await compile(world, 'flood');
  const bystander = await addBystander(world);
  if (rules === 'ours') {
    await world.declareZone(zone);
    await declare(world, range(domid + 1, zones - 1));
    if (zones > 1) await world.addManyLinks(zones - 1, domid + 1);
    await untilReady(await world.startDaemon({ debug: false, deadlineMs: 300_000 }), zones);
  } else {
    await world.host.setSysctls({ 'net/ipv4/ip_forward': 1, 'net/ipv6/conf/all/forwarding': 1 });
    if (rules === 'documented') await document(world, zone, zones);
    if (rules === 'translating') await translate(world);
  }
  const place = { rules, zones, world, flood, zone, bystander };
  for (const sink of [world.internet, zone])
    await sink.spawn(flood, ['sink', String(port)]).waitForLine((line) => line === 'ready');
  await waitFor(async () => (await bystander.exec('ping', ['-c', '1', '-W', '1', farHost.ipv4])).exitCode === 0, {
    what: 'the bystander to reach the internet',
    deadlineMs: 20_000,
  });
  if (rules === 'ours' || rules === 'documented')
    await waitFor(async () => (await zone.exec('ping', ['-c', '1', '-W', '1', farHost.ipv4])).exitCode === 0, {
      what: 'the zone to reach the internet',
      deadlineMs: 20_000,
    });
  await pause(500);
  return place;
}

/** A network behind the host that is no zone's. */
async function addBystander(world: World): Promise<Namespace> {
  await world.addLink('lan0');
  const bystander = new Namespace(`${world.prefix}-peers`);
  const link = (await bystander.mustExec('ip', ['-br', 'link', 'show', 'type', 'veth'])).split(/[@\s]/)[0] ?? '';
  await world.host.ip('address add 192.168.77.1/24 dev lan0', 'link set lan0 up');
  await bystander.ip(`address add 192.168.77.2/24 dev ${link}`, 'route add default via 192.168.77.1');
  await world.internet.ip('route add 192.168.77.0/24 via 192.0.2.1');
  return bystander;
}

/** As for a bridge of containers: one rule, that no packet of ours matches. */
async function translate({ host }: World): Promise<void> {
  const chain = 'add chain ip nat POSTROUTING { type nat hook postrouting priority 100; }';
  await host.nft(`add table ip nat; ${chain}; add rule ip nat POSTROUTING ip saddr 172.17.0.0/16 masquerade`);
}

/** What the zone-networking document has people type, for as many zones; this one's stand last. */
async function document({ host }: World, { link, ipv4, ipv6 }: Zone, zones: number): Promise<void> {
  await host.ip(`link set ${link} up`, `route add ${ipv4}/32 dev ${link}`, `route add ${ipv6}/128 dev ${link}`);
  await host.ip(`neigh add proxy fdd4:1476:6c7e::1 dev ${link}`);
  await host.setSysctls({ [`net/ipv4/conf/${link}/proxy_arp`]: 1, [`net/ipv6/conf/${link}/proxy_ndp`]: 1 });
  const subnets = { ip: 'ip saddr 10.75.0.0/16', ip6: 'ip6 saddr fdd4:1476:6c7e::/48' };
  for (const [family, subnet] of Object.entries(subnets)) {
    const forward = `add chain ${family} filter FORWARD { type filter hook forward priority 0; }`;
    const nat = `add chain ${family} nat POSTROUTING { type nat hook postrouting priority 100; }`;
    await host.nft(`add table ${family} filter; ${forward}; add table ${family} nat; ${nat}`);
    await host.nft(`add rule ${family} nat POSTROUTING ${subnet} oifname "uplink0" masquerade`);
    const pairs = [...range(domid + 1, zones - 1), domid].flatMap((each) =>
      ['oifname', 'iifname'].map((key) => `add rule ${family} filter FORWARD ${key} "vif${each}.0" counter accept`),
    );
    // An argument has at most 128 KiB.
    for (let start = 0; start < pairs.length; start += 1000)
      await host.nft(pairs.slice(start, start + 1000).join('; '));
  }
}

function reportOf(times: ReadonlyMap<string, readonly number[]>, sizes: readonly number[]): Report {
  const median = (stream: string, rules: Rules, zones: number) => {
    const series = times.get(keyOf(stream, rules, zones));
    return series === undefined ? null : rounded(figures(series).median, 0);
  };
  const rows = streams.flatMap(({ name, with: all }) =>
    all.map((rules) => ({
      stream: name,
      rules,
      ...(rules === 'none' || rules === 'translating'
        ? { 'without us': median(name, rules, 0) }
        : Object.fromEntries(sizes.map((zones) => [`${zones} zones`, median(name, rules, zones)]))),
    })),
  );
  const [first = 1, most = 1] = [sizes[0], sizes.at(-1)];
  const ratio = (stream: string) =>
    rounded((median(stream, 'ours', most) ?? Number.NaN) / (median(stream, 'ours', first) ?? Number.NaN), 3);
  const other = 'not a zone’s, IPv4';
  const among = (stream: string) =>
    rounded((median(stream, 'ours', most) ?? Number.NaN) / (median(stream, 'translating', 0) ?? Number.NaN), 3);
  return {
    title: 'Forwarding: nanoseconds of processor time for a packet of 46 bytes, medians',
    rows,
    targets: [
      ...streams
        .filter(({ name }) => name !== other)
        .map(({ name }) => ({
          what: `${name}: ${most} zones, in multiples of ${first}`,
          value: ratio(name),
          limit: 1.1,
        })),
      {
        what: `${other}, with ${most} zones, in multiples of a host without us`,
        value: rounded((median(other, 'ours', most) ?? Number.NaN) / (median(other, 'none', 0) ?? Number.NaN), 3),
        limit: 1.05,
      },
    ],
    notes: [
      'The whole way is counted: sending, two pairs of virtual links, the host’s rules and connection tracking.',
      `Where somebody else’s addresses are translated already: ${among(other)} times.`,
      'documented: a pair of rules for each zone and masquerade, nothing else; the zone that sends has the last pair.',
    ],
  };
}
