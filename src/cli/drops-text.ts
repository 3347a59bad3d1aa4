/** Dropped packets as people and programs read them. Pure. */

import { dropKinds } from '../nft/names.ts';
import type { PolicedZone } from '../policy/model.ts';
import type { DropCount, DropPromise, DropSample } from '../traffic/drops.ts';
import { protocolName } from '../traffic/flow.ts';
import type { ZoneBook } from '../traffic/zone-book.ts';
import { clock, type FlowView, peerText, portText, zoneText } from './flows-text.ts';
import { table } from './table.ts';
import { cut } from './text-width.ts';
import { bytes, count, duration } from './units.ts';

export const dropPromises: readonly DropPromise[] = [...dropKinds, 'isolation'];

/** The last packet of a kind that was told of. */
export interface LastDrop {
  /** Unix milliseconds. */
  readonly at: number;
  readonly source: string | null;
  readonly destination: string;
}

export interface DropRow extends DropCount {
  readonly zone: PolicedZone | undefined;
  readonly last: LastDrop | undefined;
}

export function dropTable(rows: readonly DropRow[], { now, width, paint }: FlowView): string[] {
  const hasNames = rows.some(({ zone }) => zone?.name !== undefined);
  const cells = (cell: (row: DropRow) => string) => rows.map(cell);
  return table(
    [
      { title: 'ZONE', cells: cells(callOf), tones: rows.map(() => 'strong') },
      ...(hasNames ? [{ title: 'LINK', dispensable: 4, cells: cells(({ link }) => link) }] : []),
      { title: 'KIND', cells: cells(({ kind }) => kind) },
      { title: 'PACKETS', align: 'right', cells: cells(({ counter }) => count(counter.packets)) },
      { title: 'BYTES', align: 'right', dispensable: 2, cells: cells(({ counter }) => bytes(counter.bytes)) },
      {
        title: 'LAST',
        align: 'right',
        dispensable: 1,
        cells: cells(({ last }) => (last ? `${duration(now - last.at)} ago` : '-')),
      },
      { title: 'SOURCE', dispensable: 3, cells: cells(({ last }) => last?.source ?? '-') },
      { title: 'DESTINATION', dispensable: 3, cells: cells(({ last }) => last?.destination ?? '-') },
    ],
    width,
    paint,
  );
}

export function dropJson({ kind, link, counter, zone, last }: DropRow): object {
  return { link, zone: zone?.name ?? null, kind, ...counter, last: last ?? null };
}

/** A sample and whose it is: by the link that it came by. */
export interface ZoneSample extends DropSample {
  readonly link: string;
  readonly zone: PolicedZone | undefined;
}

/** `12:00:05.123  source        web       10.75.0.99 to 203.0.113.7  443/tcp` */
export function sampleLine(
  sample: ZoneSample,
  book: ZoneBook,
  { now, width }: Pick<FlowView, 'now' | 'width'>,
): string {
  const { kind, source, destination, protocol, port } = sample;
  const peer = {
    address: destination,
    zone: book.zoneAt(destination),
    isHost: book.isHost(destination),
    name: undefined,
  };
  const what = portText({ protocol: protocolName(protocol), port });
  const words = [clock(now), kind.padEnd(12), callOf(sample).padEnd(8), `${source} to ${peerText(peer)}`, what];
  return cut(words.join('  '), width);
}

export function sampleJson({ kind, link, zone, source, destination, protocol, port }: ZoneSample, now: number): object {
  return {
    event: 'drop',
    at: now,
    kind,
    link,
    zone: zone?.name ?? null,
    source,
    destination,
    protocol: protocolName(protocol),
    port: port ?? null,
  };
}

/** What was dropped in a second beside what was shown of it. */
export interface Unshown extends DropCount {
  readonly zone: PolicedZone | undefined;
  readonly shown: number;
}

export function unshownLine(drops: Unshown, { now, width }: Pick<FlowView, 'now' | 'width'>): string {
  const { kind, counter, shown } = drops;
  const more = counter.packets - shown;
  const words = [
    clock(now),
    kind.padEnd(12),
    callOf(drops).padEnd(8),
    `${more} more ${more === 1 ? 'packet' : 'packets'}, not shown`,
  ];
  return cut(words.join('  '), width);
}

export function unshownJson({ kind, link, zone, counter, shown }: Unshown, now: number): object {
  return { event: 'count', at: now, kind, link, zone: zone?.name ?? null, ...counter, shown };
}

function callOf({ zone, link }: { readonly zone: PolicedZone | undefined; readonly link: string }): string {
  return zone === undefined ? link : zoneText(zone);
}
