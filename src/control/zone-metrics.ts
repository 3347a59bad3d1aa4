/** The zones' own figures, for a bounded number of them. Pure. */
import { byKind, type Counter } from '../nft/counters.ts';
import { dropKinds } from '../nft/names.ts';
import { counter, type Family, family, info, type Sample } from './open-metrics.ts';
import type { ZoneStatus } from './status.ts';

/** Zones with labels of their own: each is ten time series in whatever collects them. */
export const maxLabelledZones = 1000;
/** What the rest is summed under; no link can have this name. */
const otherLabel = 'other';

interface Traffic {
  readonly label: string;
  readonly sent: Counter | null;
  readonly received: Counter | null;
  readonly dropped: ZoneStatus['dropped'];
}

export function zoneFamilies(zones: readonly ZoneStatus[]): Family[] {
  // The longest on this host first: a newcomer never takes the labels from a zone that has them.
  const ordered = [...zones].sort((one, other) => one.ifindex - other.ifindex);
  const labelled = ordered.slice(0, maxLabelledZones);
  const traffic = trafficOf(labelled, ordered.slice(maxLabelledZones));
  const beyond = `At most ${maxLabelledZones} links have their own; the rest are summed as "${otherLabel}".`;
  return [
    family(
      'zone',
      'info',
      'The zone behind a link.',
      labelled.map(({ link, name, directory }) => info({ link, name: name ?? '', directory: directory ?? '' })),
    ),
    family(
      'zone_taken',
      'info',
      'Zone links that are a port or member of a bridge, bond or VRF, or have a device on top that takes their packets.',
      labelled.flatMap(({ link, takenBy }) =>
        takenBy === null ? [] : [info({ link, device: takenBy.device, kind: takenBy.kind ?? '' })],
      ),
    ),
    family(
      'zone_packets',
      'counter',
      `Packets that a zone sent and received. ${beyond}`,
      traffic.flatMap((zone) => directions(zone, 'packets')),
    ),
    family(
      'zone_bytes',
      'counter',
      `Bytes that a zone sent and received. ${beyond}`,
      traffic.flatMap((zone) => directions(zone, 'bytes')),
    ),
    family(
      'zone_dropped_packets',
      'counter',
      'Packets from a zone that were dropped: source (not its own), unassigned (neighbour discovery under an address ' +
        `that no zone has), stray (to an address of the subnet that no zone has), error (ICMP about others' connections), ` +
        `flood (neighbour discovery), untranslated (would have left under the zone's own address), ` +
        `denied (no policy allows it), limit (new connections beyond a policy's limits or a quarter of the connection table), bandwidth (sent faster than a policy lets it). ${beyond}`,
      traffic.flatMap(({ label, dropped }) =>
        dropKinds.flatMap((kind) => {
          const drops = dropped[kind];
          return drops === null ? [] : [counter(drops.packets, { link: label, kind })];
        }),
      ),
    ),
  ];
}

function trafficOf(labelled: readonly ZoneStatus[], rest: readonly ZoneStatus[]): Traffic[] {
  const own = labelled.map((zone) => ({ ...zone, label: zone.link }));
  if (rest.length === 0) return own;
  const total = (pick: (zone: ZoneStatus) => Counter | null) => rest.map(pick).reduce(sum, null);
  const other: Traffic = {
    label: otherLabel,
    sent: total((zone) => zone.sent),
    received: total((zone) => zone.received),
    dropped: byKind((kind) => total(({ dropped }) => dropped[kind])),
  };
  return [...own, other];
}

function sum(one: Counter | null, other: Counter | null): Counter | null {
  if (one === null || other === null) return one ?? other;
  return { packets: one.packets + other.packets, bytes: one.bytes + other.bytes };
}

/** What could not be read has no sample: a zero would look like a restart. */
function directions({ label, sent, received }: Traffic, what: keyof Counter): Sample[] {
  return [
    ...(sent === null ? [] : [counter(sent[what], { link: label, direction: 'sent' })]),
    ...(received === null ? [] : [counter(received[what], { link: label, direction: 'received' })]),
  ];
}
