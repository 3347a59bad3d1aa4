/** `protect-network flows`: who zones talk to, now or as connections begin and end. */
import type { ConfigPaths } from '../config/config.ts';
import { createTraffic } from '../host/index.ts';
import type { Bookkeeping, Traffic } from '../host/traffic.ts';
import { ExitCode, ProtectNetworkError } from '../model/errors.ts';
import type { LinkName } from '../model/link-name.ts';
import type { DaemonConfig } from '../policy/daemon-config.ts';
import { Best } from '../traffic/best.ts';
import { type Flow, flowOf } from '../traffic/flow.ts';
import { readBook } from '../traffic/read-book.ts';
import type { ZoneBook } from '../traffic/zone-book.ts';
import { readDaemonFiles } from './daemon-files.ts';
import { endable, whenAborted } from './ending.ts';
import type { FlowOptions } from './flow-options.ts';
import { compareFlows, eventLine, flowJson, flowTable, lostLine, lostText, notesOn } from './flows-text.ts';
import { type KnownZones, knownZones, zonesCalled } from './known-zones.ts';
import { LineWriter } from './line-writer.ts';
import { isData, printData, printTable, widthOf } from './listing.ts';
import { LiveBook } from './live-book.ts';
import { painter } from './paint.ts';
import { standardOutput, warn } from './terminal.ts';

export async function listFlows(paths: ConfigPaths, options: FlowOptions): Promise<ExitCode> {
  const { config, known } = await readKnown(paths);
  const traffic = createTraffic();
  try {
    const book = readBook(traffic, config, known.zones);
    const links = linksOf(options.zone, book);
    const kept = traffic.bookkeeping();
    const notes = [...doubtsOf(known), ...notesOn(kept)];
    const best = await readFlows(traffic, book, { ...options, links });
    await show(best, notes, options);
    return ExitCode.ok;
  } finally {
    traffic.close();
  }
}

/** The first ones by their order, of all that zones have part in. */
export async function readFlows(
  traffic: Traffic,
  book: ZoneBook,
  {
    filter,
    order,
    limit,
    links,
  }: Pick<FlowOptions, 'filter' | 'order' | 'limit'> & {
    readonly links: ReadonlySet<LinkName> | undefined;
  },
): Promise<Best<Flow>> {
  const best = new Best(limit, compareFlows(order));
  if (!traffic.bookkeeping().tracks) return best;
  await traffic.visitFlows((tracked) => {
    const flow = flowOf(tracked, book, { ...filter, links });
    if (flow !== undefined) best.add(flow);
  });
  return best;
}

async function show(best: Best<Flow>, notes: readonly string[], options: FlowOptions): Promise<void> {
  const { format, hasHeaders, noColor, limit } = options;
  const [flows, now] = [best.sorted(), Date.now()];
  if (isData(format)) {
    await printData({ count: best.count, flows: flows.map((flow) => flowJson(flow, now)), notes }, format);
    return;
  }
  const { hasColour } = standardOutput(noColor);
  const lines = flowTable(flows, { now, width: widthOf(options), paint: painter(hasColour) });
  await printTable(lines, hasHeaders, flows.length === 0 ? 'no connection' : undefined);
  const missing = best.count - flows.length;
  if (missing > 0) warn(`${missing} more connections are not shown: --limit is ${limit}`);
  for (const note of notes) warn(note);
}

type FollowOptions = FlowOptions & { readonly json: boolean };

/** Until it is interrupted. */
export function followFlows(paths: ConfigPaths, options: FollowOptions): Promise<ExitCode> {
  return endable(({ signal }) => follow(paths, options, signal));
}

async function follow(paths: ConfigPaths, options: FollowOptions, ended: AbortSignal): Promise<ExitCode> {
  const { config, known } = await readKnown(paths);
  const traffic = createTraffic();
  const kept = traffic.bookkeeping();
  if (kept.events === 'none' || !kept.tracks) throw untold(kept);
  const book = new LiveBook(traffic, paths, config, known.zones);
  const lines = new LineWriter();
  const begun = new Beginnings();
  const filter = { ...options.filter, links: linksOf(options.zone, book.current) };
  const { width } = standardOutput(options.noColor);
  const view = { width, paint: painter(false) };
  for (const note of [...doubtsOf(known), ...notesOn(kept), ...endsUntold(kept)]) warn(note);
  const stop = traffic.followFlows({
    heard(kind, tracked) {
      const seen = flowOf(tracked, book.current, filter);
      if (seen === undefined) return;
      const now = Date.now();
      const flow = { ...seen, beganAt: begun.of(kind, seen, now) };
      if (options.json) lines.add(JSON.stringify({ event: kind, at: now, ...flowJson(flow, now) }));
      else lines.add(eventLine(kind, flow, { ...view, now }));
    },
    lost(events) {
      const now = Date.now();
      lines.add(options.json ? JSON.stringify({ event: 'lost', at: now, events }) : lostLine(events, now));
      if (!options.json && !standardOutput(true).isTerminal) warn(lostText(events));
    },
  });
  await whenAborted(ended);
  stop();
  book.close();
  await lines.end();
  traffic.close();
  return ExitCode.ok;
}

/** When connections began that we have seen begin, of as many as a busy host has; then all is forgotten. */
class Beginnings {
  static readonly #most = 100_000;
  readonly #at = new Map<number, number>();

  of(kind: 'begin' | 'end', { id, beganAt }: Flow, now: number): number | undefined {
    if (beganAt !== undefined) return beganAt;
    if (kind === 'end') {
      const known = this.#at.get(id);
      this.#at.delete(id);
      return known;
    }
    if (this.#at.size >= Beginnings.#most) this.#at.clear();
    this.#at.set(id, now);
    return now;
  }
}

export async function readKnown(paths: ConfigPaths): Promise<{ config: DaemonConfig; known: KnownZones }> {
  const config = await readDaemonFiles(paths);
  return { config, known: await knownZones(config) };
}

/** Undefined for all of them. Throws `refused` for what is no zone. */
export function linksOf(asked: string | undefined, { zones }: ZoneBook): ReadonlySet<LinkName> | undefined {
  return asked === undefined ? undefined : new Set(zonesCalled(asked, zones).map(({ link }) => link));
}

export function doubtsOf({ doubt }: KnownZones): string[] {
  return doubt === undefined ? [] : [`addresses are those that the kernel holds, and names of ${doubt}`];
}

function endsUntold({ events }: Bookkeeping): string[] {
  if (events === 'all') return [];
  return [
    'of connections that began before now the kernel does not tell the end (net.netfilter.nf_conntrack_events is 2)',
  ];
}

function untold({ tracks }: Bookkeeping): ProtectNetworkError {
  if (!tracks)
    return new ProtectNetworkError('refused', 'this kernel tracks no connections: there is nothing to follow');
  const fix = 'sysctl -w net.netfilter.nf_conntrack_events=2';
  return new ProtectNetworkError(
    'refused',
    `the kernel tells of no connections, as net.netfilter.nf_conntrack_events is 0: ${fix} has it tell of those that begin from then on`,
  );
}
