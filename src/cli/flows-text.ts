/** Connections as people and programs read them. Pure. */
import { basename } from 'node:path';
import type { Bookkeeping } from '../host/traffic.ts';
import type { Counter } from '../nft/counters.ts';
import type { PolicedZone } from '../policy/model.ts';
import type { Flow, Peer } from '../traffic/flow.ts';
import type { Verdict } from '../traffic/zone-book.ts';
import type { FlowOrder } from './flow-options.ts';
import type { Paint } from './paint.ts';
import { table } from './table.ts';
import { printable } from './terminal.ts';
import { cut } from './text-width.ts';
import { bytes, shortDuration } from './units.ts';

export interface FlowView {
  /** Unix milliseconds. */
  readonly now: number;
  /** Columns; infinite where nothing has to fit. */
  readonly width: number;
  readonly paint: Paint;
}

export type FlowEventKind = 'begin' | 'end';

const unknown = '-';

export function flowTable(flows: readonly Flow[], { now, width, paint }: FlowView): string[] {
  const hasNames = flows.some(({ zone }) => zone.name !== undefined);
  const figures = (title: string, dispensable: number, cell: (flow: Flow) => string) => {
    return { title, align: 'right', dispensable, cells: flows.map(cell) } as const;
  };
  return table(
    [
      { title: 'ZONE', cells: flows.map(({ zone }) => zoneText(zone)), tones: flows.map(() => 'strong') },
      ...(hasNames ? [{ title: 'LINK', dispensable: 7, cells: flows.map(({ zone }) => zone.link) }] : []),
      { title: 'DIR', cells: flows.map(({ direction }) => direction) },
      { title: 'PEER', cells: flows.map(({ peer }) => peerText(peer)) },
      { title: 'PORT', cells: flows.map(portText) },
      { title: 'STATE', dispensable: 5, cells: flows.map(({ state }) => state) },
      figures('SENT', 1, ({ sent }) => bytesText(sent)),
      figures('RECEIVED', 2, ({ received }) => bytesText(received)),
      figures('AGE', 3, ({ beganAt }) => (beganAt === undefined ? unknown : shortDuration(now - beganAt))),
      {
        title: 'POLICY',
        dispensable: 4,
        cells: flows.map(({ verdict }) => verdictText(verdict)),
        tones: flows.map(({ verdict: { kind } }) => (kind === 'audit' || kind === 'unruled' ? 'warning' : 'plain')),
      },
    ],
    width,
    paint,
  );
}

/** `12:00:05.123  begin  web     out  443/tcp  api.example.com (203.0.113.7)  agents.toml:6 "api.example.com:443"` */
export function eventLine(kind: FlowEventKind, flow: Flow, { now, width }: FlowView): string {
  const { zone, direction, peer, sent, received, beganAt, verdict } = flow;
  const carried =
    kind === 'end' && sent !== undefined && received !== undefined
      ? [`${bytes(sent.bytes)} sent, ${bytes(received.bytes)} received`]
      : [];
  const age =
    kind === 'end' && beganAt !== undefined ? [`after ${shortDuration((flow.endedAt ?? now) - beganAt)}`] : [];
  const policy = verdict.kind === 'none' ? [] : [verdictText(verdict)];
  const words = [
    clock(now),
    kind.padEnd(5),
    zoneText(zone).padEnd(8),
    direction.padEnd(3),
    portText(flow).padEnd(8),
    peerText(peer),
    [...carried, ...age, ...policy].join(', '),
  ];
  return cut(words.join('  ').trimEnd(), width);
}

export function lostLine(events: number, now: number): string {
  return `${clock(now)}  ${lostText(events)}`;
}

export function lostText(events: number): string {
  return `${events} ${events === 1 ? 'event is' : 'events are'} lost: the kernel could not queue them, of whatever connections`;
}

export function flowJson(flow: Flow, now: number): object {
  const { zone, direction, peer, protocol, port, answeredBy, state, sent, received, beganAt, endedAt, verdict } = flow;
  return {
    link: zone.link,
    zone: zone.name ?? null,
    direction,
    peer: peerJson(peer),
    protocol,
    port: port ?? null,
    answeredBy: answeredBy === undefined ? null : { address: answeredBy.address, port: answeredBy.port ?? null },
    state,
    sent: sent ?? null,
    received: received ?? null,
    beganAt: beganAt ?? null,
    seconds: beganAt === undefined ? null : Math.max(0, Math.round((endedAt ?? now) - beganAt) / 1000),
    policy: verdictJson(verdict),
  };
}

function peerJson({ address, port, name, zone, isHost }: Peer): object {
  return {
    address,
    port: port ?? null,
    name: name ?? null,
    link: zone?.link ?? null,
    zone: zone?.name ?? null,
    host: isHost,
  };
}

function verdictJson({ kind, rule, place }: Verdict): object {
  return { verdict: kind, rule: rule ?? null, file: place?.file ?? null, line: place?.line ?? null };
}

/** The most bytes, the oldest, or by what they are called first; of equal ones in a settled order. */
export function compareFlows(order: FlowOrder): (one: Flow, other: Flow) => number {
  const total = ({ sent, received }: Flow) => (sent?.bytes ?? 0) + (received?.bytes ?? 0);
  const age = ({ beganAt = Number.POSITIVE_INFINITY }: Flow) => beganAt;
  const byZone = (one: Flow, other: Flow) => compareTexts(zoneText(one.zone), zoneText(other.zone));
  const byPeer = (one: Flow, other: Flow) => compareTexts(peerText(one.peer), peerText(other.peer));
  const first: Record<FlowOrder, (one: Flow, other: Flow) => number> = {
    bytes: (one, other) => total(other) - total(one),
    age: (one, other) => (age(one) === age(other) ? 0 : age(one) - age(other)),
    zone: () => 0,
    peer: byPeer,
  };
  return (one, other) =>
    first[order](one, other) ||
    byZone(one, other) ||
    byPeer(one, other) ||
    (one.port ?? 0) - (other.port ?? 0) ||
    one.id - other.id;
}

/** What of the columns is missing, and what would fill them for connections that begin from then on. */
export function notesOn({ tracks, counts, times }: Bookkeeping): string[] {
  if (!tracks) return ['this kernel tracks no connections'];
  return [
    ...(counts ? [] : ['bytes are not counted on this host: sysctl -w net.netfilter.nf_conntrack_acct=1']),
    ...(times ? [] : ['ages are not kept on this host: sysctl -w net.netfilter.nf_conntrack_timestamp=1']),
  ];
}

export function zoneText({ name, link }: PolicedZone): string {
  return printable(name ?? link);
}

/** `db (10.75.1.8)`; the bare address of a stranger. */
export function peerText({ address, zone, name, isHost }: Pick<Peer, 'address' | 'zone' | 'name' | 'isHost'>): string {
  const called = name ?? zone?.name ?? zone?.link ?? (isHost ? 'host' : undefined);
  return called === undefined ? address : `${printable(called)} (${address})`;
}

export function portText({ protocol, port }: Pick<Flow, 'protocol' | 'port'>): string {
  return port === undefined ? protocol : `${port}/${protocol}`;
}

const words: Readonly<Record<Verdict['kind'], string>> = {
  none: unknown,
  rule: 'allowed',
  lease: 'allowed by name',
  published: 'published',
  forwarder: 'forwarder of names',
  audit: 'no rule (audit)',
  unruled: 'no rule now',
};

function verdictText({ kind, rule, place }: Verdict): string {
  if (rule === undefined || place === undefined) return words[kind];
  return printable(`${basename(place.file)}:${place.line} ${JSON.stringify(rule)}`);
}

function bytesText(counter: Counter | undefined): string {
  return counter === undefined ? unknown : bytes(counter.bytes);
}

/** Local time with milliseconds. A date in local time takes a microsecond, and thousands of lines share one. */
export function clock(unixMilliseconds: number): string {
  if (unixMilliseconds !== lastClock.at)
    lastClock = { at: unixMilliseconds, text: clockText(new Date(unixMilliseconds)) };
  return lastClock.text;
}

let lastClock = { at: Number.NaN, text: '' };

function clockText(date: Date): string {
  const digits = (value: number, count: number) => String(value).padStart(count, '0');
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()].map((each) => digits(each, 2));
  return `${parts.join(':')}.${digits(date.getMilliseconds(), 3)}`;
}

function compareTexts(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
