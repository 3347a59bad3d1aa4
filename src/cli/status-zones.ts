/** The zones as a table, in `status` and in `top`. Pure. */
import type { ZoneState, ZoneStatus } from '../control/status.ts';
import type { Counter } from '../nft/counters.ts';
import { type BarStyle, historyBar } from './history-bar.ts';
import type { Paint, Tone } from './paint.ts';
import { droppedPackets, type History, type Rate, type Rates } from './rates.ts';
import { type Column, hasRoom, type Range, table } from './table.ts';
import { cut } from './text-width.ts';
import { bytes, count, shortDuration } from './units.ts';

export interface ZoneTable {
  readonly zones: readonly ZoneStatus[];
  readonly hasPolicies: boolean;
  readonly rates: Rates | undefined;
  readonly now: number;
  readonly width: number;
  readonly paint: Paint;
}

export interface WatchedZones extends ZoneTable {
  readonly history: History;
  readonly bars: BarStyle;
}

export const zoneTones: Record<ZoneState, Tone> = {
  ready: 'good',
  opening: 'warning',
  failed: 'bad',
  unserved: 'bad',
  taken: 'bad',
};
const unknown = '-';
/** Names are for people and may be long; addresses are not to be pushed out by them. */
const maxAddressesOnOneLine = 2;
/** Below it, a zone's name or else its link is all there is room for. */
const narrow = 60;
const barWidth = 8;

export function zoneTable(view: ZoneTable): string[] {
  const { zones, hasPolicies, rates, width, paint } = view;
  /** Rates where there are any, for then they are what is watched; packets otherwise. */
  const trafficColumn = (packets: string, perSecond: string, what: 'sent' | 'received'): Column[] => {
    const packetsOf = (zone: ZoneStatus) => (zone[what] ? count(zone[what].packets) : unknown);
    if (rates === undefined) return [figures(zones, packets, 9, packetsOf)];
    return [figures(zones, perSecond, 5, ({ ifindex }) => bytesPerSecond(rates.get(ifindex)?.[what]))];
  };
  const columnsWith = (addresses: (zone: ZoneStatus) => string | readonly string[]): Column[] => [
    linkColumn(zones),
    { title: 'NAME', dispensable: 0, cells: zones.map(({ name }) => nameCell(name ?? '', width)) },
    { title: 'ADDRESSES', dispensable: 1, cells: zones.map(addresses) },
    stateColumn(view),
    ...(hasPolicies ? [policyColumn(zones, 2)] : []),
    figures(zones, 'SENT', 3, ({ sent }) => bytesOf(sent)),
    ...trafficColumn('PACKETS', 'SENT/S', 'sent'),
    figures(zones, 'RECEIVED', 4, ({ received }) => bytesOf(received)),
    ...trafficColumn('PACKETS', 'RECEIVED/S', 'received'),
    {
      ...figures(zones, 'SPOOFED', zones.some(isSpoofing) ? 2 : 6, ({ spoofed }) =>
        spoofed ? count(spoofed.packets) : unknown,
      ),
      tones: zones.map((zone) => (isSpoofing(zone) ? 'warning' : 'plain')),
    },
    directoryColumn(zones, 8),
  ];
  const onOneLine = columnsWith(({ addresses }) => addresses.join(' '));
  const isShort = zones.every(({ addresses }) => addresses.length <= maxAddressesOnOneLine);
  return table(
    isShort && hasRoom(onOneLine, width) ? onOneLine : columnsWith(({ addresses }) => addresses),
    width,
    paint,
  );
}

/** One line for each zone, under the head: what changes by the second before what does not. */
export function watchedTable(view: WatchedZones, range: Range): string[] {
  const { zones, hasPolicies, rates, width, paint, history, bars } = view;
  const rate = (zone: ZoneStatus): Rate | undefined => rates?.get(zone.ifindex);
  const bar = ({ ifindex }: ZoneStatus) => historyBar((history.get(ifindex) ?? []).map(both), barWidth, bars);
  const historyColumn = { title: 'HISTORY', dispensable: 3, cells: zones.map(bar) };
  if (width < narrow) {
    const columns: Column[] = [
      { title: 'ZONE', cells: zones.map(({ name, link }) => nameCell(name ?? link, width)) },
      { title: 'STATE', cells: zones.map(({ state }) => state), tones: stateTones(zones) },
      figures(zones, 'BYTES/S', 1, (zone) => bytesPerSecond(both(rate(zone)))),
      historyColumn,
      droppedColumn(zones, rates),
    ];
    return table(columns, width, paint, range);
  }
  const columnsWith = (addresses: (zone: ZoneStatus) => string): Column[] => [
    linkColumn(zones),
    { title: 'NAME', cells: zones.map(({ name }) => nameCell(name ?? '', width)) },
    stateColumn(view),
    figures(zones, 'SENT/S', 1, (zone) => bytesPerSecond(rate(zone)?.sent)),
    figures(zones, 'RECEIVED/S', 1, (zone) => bytesPerSecond(rate(zone)?.received)),
    historyColumn,
    droppedColumn(zones, rates),
    { title: 'ADDRESSES', dispensable: 5, cells: zones.map(addresses) },
    ...(hasPolicies ? [policyColumn(zones, 6)] : []),
    figures(zones, 'SENT', 7, ({ sent }) => bytesOf(sent)),
    figures(zones, 'RECEIVED', 7, ({ received }) => bytesOf(received)),
    figures(zones, 'DROPPED', 8, (zone) => packetsOf(droppedPackets(zone))),
    directoryColumn(zones, 9),
  ];
  const all = columnsWith(({ addresses }) => addresses.join(' '));
  return table(hasRoom(all, width) ? all : columnsWith(firstAddress), width, paint, range);
}

function figures(
  zones: readonly ZoneStatus[],
  title: string,
  dispensable: number,
  cell: (zone: ZoneStatus) => string,
): Column {
  return { title, align: 'right', dispensable, cells: zones.map(cell) };
}

function linkColumn(zones: readonly ZoneStatus[]): Column {
  return { title: 'LINK', cells: zones.map(({ link }) => link), tones: zones.map(() => 'strong') };
}

function stateColumn({ zones, now }: ZoneTable): Column {
  const cells = zones.map((zone) => `${stateText(zone)} ${shortDuration(now - zone.since)}`);
  return { title: 'STATE', cells, tones: stateTones(zones) };
}

function stateTones(zones: readonly ZoneStatus[]): Tone[] {
  return zones.map((zone) => (lacksCarrier(zone) ? 'warning' : zoneTones[zone.state]));
}

function policyColumn(zones: readonly ZoneStatus[], dispensable: number): Column {
  return { title: 'POLICY', dispensable, cells: zones.map(({ policy }) => policy) };
}

function directoryColumn(zones: readonly ZoneStatus[], dispensable: number): Column {
  return { title: 'DIRECTORY', dispensable, cells: zones.map(({ directory }) => directory ?? '') };
}

/** Packets of every kind: it is the one to watch where something is dropped now. */
function droppedColumn(zones: readonly ZoneStatus[], rates: Rates | undefined): Column {
  const dropped = ({ ifindex }: ZoneStatus) => rates?.get(ifindex)?.dropped;
  const isDropping = (zone: ZoneStatus) => (dropped(zone) ?? 0) > 0;
  return {
    ...figures(zones, 'DROPPED/S', zones.some(isDropping) ? 2 : 4, (zone) => packetsOf(dropped(zone))),
    tones: zones.map((zone) => (isDropping(zone) ? 'warning' : 'plain')),
  };
}

/** A name may be long, and may hold a line end; what is beside it is not to be pushed out by it. */
function nameCell(name: string, width: number): string {
  return cut(name.replaceAll('\n', ' '), Math.max(8, Math.floor(width / 4)));
}

function firstAddress({ addresses }: ZoneStatus): string {
  const [first = '', ...more] = addresses;
  return more.length === 0 ? first : `${first} +${more.length}`;
}

/** Served, and nobody at the other end: the guest's interface is down. No failure of this host's. */
function lacksCarrier({ state, carrier }: ZoneStatus): boolean {
  return state === 'ready' && carrier === false;
}

/** In words, without how long it has been so. */
export function stateText(zone: ZoneStatus): string {
  return lacksCarrier(zone) ? `${zone.state}, no carrier` : zone.state;
}

function isSpoofing({ spoofed }: ZoneStatus): boolean {
  return spoofed !== null && spoofed.packets > 0;
}

/** Of both directions; null where neither is known. */
function both(rate: Rate | undefined): number | null {
  if (rate === undefined || (rate.sent === null && rate.received === null)) return null;
  return (rate.sent ?? 0) + (rate.received ?? 0);
}

function bytesOf(counter: Counter | null): string {
  return counter === null ? unknown : bytes(counter.bytes);
}

export function bytesPerSecond(rate: number | null | undefined): string {
  return rate === null || rate === undefined ? unknown : bytes(rate);
}

function packetsOf(packets: number | null | undefined): string {
  return packets === null || packets === undefined ? unknown : count(packets);
}
