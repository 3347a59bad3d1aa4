/** The zones of `status` as a table. Pure. */
import type { ZoneState, ZoneStatus } from '../control/status.ts';
import type { Counter } from '../nft/counters.ts';
import type { Paint, Tone } from './paint.ts';
import type { Rate } from './rates.ts';
import { type Column, table } from './table.ts';
import { textWidth } from './text-width.ts';
import { bytes, count, shortDuration } from './units.ts';

export interface ZoneTable {
  readonly zones: readonly ZoneStatus[];
  readonly hasPolicies: boolean;
  readonly rates: ReadonlyMap<number, Rate> | undefined;
  readonly now: number;
  readonly width: number;
  readonly paint: Paint;
}

const tones: Record<ZoneState, Tone> = {
  ready: 'good',
  opening: 'warning',
  failed: 'bad',
  unserved: 'bad',
  taken: 'bad',
};
const unknown = '-';
/** Names are for people and may be long; addresses are not to be pushed out by them. */
const maxAddressesOnOneLine = 2;

export function zoneTable({ zones, hasPolicies, rates, now, width, paint }: ZoneTable): string[] {
  const figures = (title: string, dispensable: number, cell: (zone: ZoneStatus) => string): Column => {
    return { title, align: 'right', dispensable, cells: zones.map(cell) };
  };
  /** Rates where there are any, for then they are what is watched; packets otherwise. */
  const trafficColumn = (packets: string, perSecond: string, what: 'sent' | 'received'): Column[] => {
    if (rates === undefined) return [figures(packets, 9, (zone) => (zone[what] ? count(zone[what].packets) : unknown))];
    return [figures(perSecond, 5, ({ ifindex }) => rateText(rates.get(ifindex)?.[what]))];
  };
  const columnsWith = (addresses: (zone: ZoneStatus) => string | readonly string[]): Column[] => [
    { title: 'LINK', cells: zones.map(({ link }) => link), tones: zones.map(() => 'strong') },
    { title: 'NAME', dispensable: 7, cells: zones.map(({ name }) => name ?? '') },
    { title: 'ADDRESSES', dispensable: 1, cells: zones.map(addresses) },
    {
      title: 'STATE',
      cells: zones.map((zone) => `${stateText(zone)} ${shortDuration(now - zone.since)}`),
      tones: zones.map((zone) => (lacksCarrier(zone) ? 'warning' : tones[zone.state])),
    },
    ...(hasPolicies ? [{ title: 'POLICY', dispensable: 2, cells: zones.map(({ policy }) => policy) }] : []),
    figures('SENT', 3, ({ sent }) => bytesOf(sent)),
    ...trafficColumn('PACKETS', 'SENT/S', 'sent'),
    figures('RECEIVED', 4, ({ received }) => bytesOf(received)),
    ...trafficColumn('PACKETS', 'RECEIVED/S', 'received'),
    {
      ...figures('SPOOFED', zones.some(isSpoofing) ? 2 : 6, ({ spoofed }) =>
        spoofed ? count(spoofed.packets) : unknown,
      ),
      tones: zones.map((zone) => (isSpoofing(zone) ? 'warning' : 'plain')),
    },
    { title: 'DIRECTORY', dispensable: 8, cells: zones.map(({ directory }) => directory ?? '') },
  ];
  const onOneLine = table(
    columnsWith(({ addresses }) => addresses.join(' ')),
    Number.POSITIVE_INFINITY,
    paintNothing,
  );
  const fits = onOneLine.every((line) => textWidth(line) <= width);
  const isShort = zones.every(({ addresses }) => addresses.length <= maxAddressesOnOneLine);
  return table(
    columnsWith(({ addresses }) => (fits && isShort ? addresses.join(' ') : addresses)),
    width,
    paint,
  );
}

/** Served, and nobody at the other end: the guest's interface is down. No failure of this host's. */
function lacksCarrier({ state, carrier }: ZoneStatus): boolean {
  return state === 'ready' && carrier === false;
}

function stateText(zone: ZoneStatus): string {
  return lacksCarrier(zone) ? `${zone.state}, no carrier` : zone.state;
}

const paintNothing: Paint = (_tone, text) => text;

function isSpoofing({ spoofed }: ZoneStatus): boolean {
  return spoofed !== null && spoofed.packets > 0;
}

function bytesOf(counter: Counter | null): string {
  return counter === null ? unknown : bytes(counter.bytes);
}

function rateText(perSecond: number | null | undefined): string {
  return perSecond === null || perSecond === undefined ? unknown : bytes(perSecond);
}
