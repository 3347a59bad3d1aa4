/** `protect-network drops`: what of zones was dropped, by which promise. */
import type { ConfigPaths } from '../config/config.ts';
import { fetchPolicy } from '../control/fetch-status.ts';
import type { ZoneStatus } from '../control/status.ts';
import { createTraffic } from '../host/index.ts';
import type { Traffic } from '../host/traffic.ts';
import { ExitCode, hasCode, messageOf, ProtectNetworkError } from '../model/errors.ts';
import { readDrops } from '../nft/counters.ts';
import { ingressTable } from '../nft/names.ts';
import type { DaemonConfig } from '../policy/daemon-config.ts';
import { type DropCount, type DropPromise, DropSampler, DropTally, dropCountsIn } from '../traffic/drops.ts';
import { readBook } from '../traffic/read-book.ts';
import { suspectTable } from '../traffic/suspects.ts';
import type { ZoneBook } from '../traffic/zone-book.ts';
import {
  type DropRow,
  dropJson,
  dropTable,
  type LastDrop,
  sampleJson,
  sampleLine,
  unshownJson,
  unshownLine,
  type ZoneSample,
} from './drops-text.ts';
import { endable, whenAborted } from './ending.ts';
import { doubtsOf, linksOf, readKnown } from './flows.ts';
import type { KnownZones } from './known-zones.ts';
import { LineWriter } from './line-writer.ts';
import { type Format, isData, printData, printTable, widthOf } from './listing.ts';
import { LiveBook } from './live-book.ts';
import { painter } from './paint.ts';
import { standardOutput, warn } from './terminal.ts';

export interface DropOptions {
  /** A link or a name. */
  readonly zone: string | undefined;
  readonly kind: DropPromise | undefined;
  readonly format: Format;
  readonly hasHeaders: boolean;
  readonly noColor: boolean;
}

type FollowOptions = Omit<DropOptions, 'format' | 'hasHeaders'> & { readonly json: boolean };

const everyMs = 1000;
/** Until the samples of what was counted are heard. */
const heardMs = 200;
/** Zones whose last denial is asked for: one question each. */
const maxAsked = 50;

export async function listDrops(paths: ConfigPaths, options: DropOptions): Promise<ExitCode> {
  const { config, known } = await readKnown(paths);
  const traffic = createTraffic();
  try {
    const book = readBook(traffic, config, known.zones);
    const links = linksOf(options.zone, book);
    const rows = await readDropRows(traffic, book, { ...options, links, config, status: known.status });
    const notes = [...doubtsOf(known), ...(typeof known.status === 'string' ? ['the last packets are not known'] : [])];
    const { format } = options;
    if (isData(format)) {
      await printData({ drops: rows.map(dropJson), notes }, format);
      return ExitCode.ok;
    }
    const { hasColour } = standardOutput(options.noColor);
    const lines = dropTable(rows, { now: Date.now(), width: widthOf(options), paint: painter(hasColour) });
    await printTable(lines, options.hasHeaders, rows.length === 0 ? 'nothing was dropped' : undefined);
    for (const note of notes) warn(note);
    return ExitCode.ok;
  } finally {
    traffic.close();
  }
}

export interface DropQuestion {
  readonly kind: DropPromise | undefined;
  readonly links: ReadonlySet<string> | undefined;
  readonly config: DaemonConfig;
  readonly status: KnownZones['status'];
}

/** The most packets first, each with the last one that the daemon was told of. */
export async function readDropRows(
  traffic: Traffic,
  book: ZoneBook,
  { kind, links, config, status }: DropQuestion,
): Promise<DropRow[]> {
  const counts = dropCountsIn(await readDrops(traffic.nft, true)).filter(
    (each) => (kind === undefined || each.kind === kind) && (links === undefined || links.has(each.link)),
  );
  const byLink = new Map(book.zones.map((each) => [each.link as string, each]));
  const denials = typeof status === 'string' ? new Map() : await readDenials(config.settings.control.socket, counts);
  const rows = counts.map((each): DropRow => {
    const told = typeof status === 'string' ? undefined : status.zones.find(({ link }) => link === each.link);
    return {
      ...each,
      zone: byLink.get(each.link),
      last: each.kind === 'denied' ? denials.get(each.link) : lastOf(each, told),
    };
  });
  return rows.sort((one, other) => other.counter.packets - one.counter.packets);
}

async function readDenials(socket: string, counts: readonly DropCount[]): Promise<Map<string, LastDrop | undefined>> {
  const denied = counts.flatMap(({ kind, link }) => (kind === 'denied' ? link : [])).slice(0, maxAsked);
  return new Map(await Promise.all(denied.map(async (link) => [link, await lastDenial(socket, link)] as const)));
}

function lastOf({ kind }: DropCount, zone: ZoneStatus | undefined): LastDrop | undefined {
  if (kind === 'source') return zone?.lastForgery ?? undefined;
  return kind === 'unassigned' ? (zone?.lastUnassigned ?? undefined) : undefined;
}

async function lastDenial(socket: string, link: string): Promise<LastDrop | undefined> {
  try {
    const { zones } = await fetchPolicy(socket, link);
    const last = zones
      .flatMap(({ denials }) => denials)
      .find(({ mode, address }) => mode === 'enforce' && address !== null);
    if (last?.address === undefined || last.address === null) return undefined;
    const port = last.port === null ? '' : ` port ${last.port}`;
    return { at: last.at, source: null, destination: `${last.address}${port}` };
  } catch (error) {
    if (hasCode(error, 'unreachable', 'timeout', 'refused', 'garbled', 'permission')) return undefined;
    throw error;
  }
}

/** Until it is interrupted. */
export function followDrops(paths: ConfigPaths, options: FollowOptions): Promise<ExitCode> {
  return endable(({ signal }) => follow(paths, options, signal));
}

async function follow(paths: ConfigPaths, options: FollowOptions, ended: AbortSignal): Promise<ExitCode> {
  const { config, known } = await readKnown(paths);
  const traffic = createTraffic();
  const book = new LiveBook(traffic, paths, config, known.zones);
  const follower = new Follower(traffic, book, options);
  for (const note of doubtsOf(known)) warn(note);
  const stop = await follower.start();
  const unmark = await sampleSuspects(traffic, config);
  warn('what is printed are samples; a line each second says how many more were dropped');
  try {
    await whenAborted(ended);
  } finally {
    await unmark();
  }
  await stop();
  book.close();
  traffic.close();
  return ExitCode.ok;
}

/** Where somebody else has the table, what that has traced is heard here, too, and counts are as exact. */
async function sampleSuspects(traffic: Traffic, config: DaemonConfig): Promise<() => Promise<void>> {
  try {
    return await traffic.sample(suspectTable(config));
  } catch (error) {
    if (!(error instanceof ProtectNetworkError)) throw error;
    warn(
      `of stray, error, flood, untranslated and isolation only what others have traced is shown: ${messageOf(error)}`,
    );
    return async () => undefined;
  }
}

class Follower {
  readonly #traffic: Traffic;
  readonly #book: LiveBook;
  readonly #options: FollowOptions;
  readonly #links: ReadonlySet<string> | undefined;
  readonly #sampler = new DropSampler();
  readonly #lines = new LineWriter();
  readonly #view: { readonly width: number };
  #names: ReadonlyMap<number, string>;
  #isAnyTaken = false;
  /** For which `#isAnyTaken` holds. */
  #asked: ZoneBook | undefined;

  constructor(traffic: Traffic, book: LiveBook, options: FollowOptions) {
    this.#traffic = traffic;
    this.#book = book;
    this.#options = options;
    this.#links = linksOf(options.zone, book.current);
    this.#view = { width: standardOutput(options.noColor).width };
    this.#names = traffic.linkNames();
  }

  /** Resolves to what ends it. */
  async start(): Promise<() => Promise<void>> {
    const tally = new DropTally(await this.#counts());
    const stop = this.#traffic.followTraces({
      heard: (event) => {
        const sample = this.#sampler.heard(event);
        if (sample === undefined) return;
        const { link, zone } = this.#whose(sample);
        if (link === undefined || !this.#isWanted(sample.kind, link)) return;
        tally.shown(sample.kind, link);
        this.#show({ ...sample, link, zone });
      },
      // Counted all the same.
      lost: () => undefined,
    });
    let pending: Promise<void> = Promise.resolve();
    const timer = setInterval(() => {
      pending = pending.then(() => this.#count(tally));
    }, everyMs);
    return async () => {
      clearInterval(timer);
      await pending;
      await this.#count(tally);
      stop();
      await this.#lines.end();
    };
  }

  /** Whether some link is taken, which takes a process of nft's, is asked after changes to nftables only. */
  async #counts(): Promise<DropCount[]> {
    const { nft } = this.#traffic;
    const book = this.#book.current;
    if (book !== this.#asked)
      this.#isAnyTaken = (await nft.table(ingressTable.family, ingressTable.name)) !== undefined;
    this.#asked = book;
    return dropCountsIn(await readDrops(nft, this.#isAnyTaken));
  }

  async #count(tally: DropTally): Promise<void> {
    const counts = await this.#counts();
    await new Promise((resolve) => setTimeout(resolve, heardMs));
    const now = Date.now();
    for (const each of tally.grown(counts)) {
      if (!this.#isWanted(each.kind, each.link)) continue;
      const drops = { ...each, zone: this.#zoneOf(each.link) };
      if (this.#options.json) this.#lines.add(JSON.stringify(unshownJson(drops, now)));
      else if (each.counter.packets > each.shown) this.#lines.add(unshownLine(drops, { ...this.#view, now }));
    }
  }

  #show(sample: ZoneSample): void {
    const now = Date.now();
    if (this.#options.json) this.#lines.add(JSON.stringify(sampleJson(sample, now)));
    else this.#lines.add(sampleLine(sample, this.#book.current, { ...this.#view, now }));
  }

  /** By the link; of what leaves the kernel tells none, and its source is the zone's own. */
  #whose({ ifindex, source }: { ifindex: number | undefined; source: string }) {
    if (ifindex === undefined) {
      const zone = this.#book.current.zoneAt(source);
      return { link: zone?.link, zone };
    }
    if (!this.#names.has(ifindex)) this.#names = this.#traffic.linkNames();
    const link = this.#names.get(ifindex);
    return { link, zone: link === undefined ? undefined : this.#zoneOf(link) };
  }

  #zoneOf(link: string) {
    return this.#book.current.zones.find((zone) => zone.link === link);
  }

  #isWanted(kind: DropPromise, link: string): boolean {
    const { kind: wanted } = this.#options;
    return (wanted === undefined || wanted === kind) && (this.#links === undefined || this.#links.has(link));
  }
}
