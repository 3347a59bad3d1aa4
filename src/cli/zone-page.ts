/** Everything about one zone, each part by itself: one that cannot be had keeps no other away. */
import type { ZoneStatus } from '../control/status.ts';
import { explainEach } from '../explain/explain.ts';
import { parseRequest } from '../explain/request.ts';
import type { ZoneFacts } from '../explain/snapshot.ts';
import type { Report } from '../explain/walk.ts';
import { createInspection, createJournal } from '../host/index.ts';
import type { Inspection, Neighbour } from '../host/inspection.ts';
import type { PolicyRule, TableRoute } from '../host/routing-tables.ts';
import { procSysctl } from '../host/sysctl.ts';
import type { Bookkeeping, Traffic } from '../host/traffic.ts';
import { families, familyOf } from '../model/address.ts';
import { messageOf, ProtectNetworkError } from '../model/errors.ts';
import { type Counter, type CounterTotals, readTraffic } from '../nft/counters.ts';
import type { DaemonConfig } from '../policy/daemon-config.ts';
import type { PolicedZone } from '../policy/model.ts';
import { type Rule, refText } from '../rules/ruleset.ts';
import type { Flow } from '../traffic/flow.ts';
import type { ZoneBook, ZoneLease } from '../traffic/zone-book.ts';
import { readDropRows } from './drops.ts';
import type { DropRow } from './drops-text.ts';
import { readFlows } from './flows.ts';
import type { JournalEntry } from './journal-entry.ts';
import type { KnownZones } from './known-zones.ts';
import { journalNames } from './log-line.ts';
import { entriesOf, loggedUnits } from './logs.ts';

/** `why` is a sentence: what could not be had, and why. */
export type Part<Value> = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly why: string };

export interface ZonePage {
  readonly zone: PolicedZone;
  readonly config: DaemonConfig;
  /** Of all zones. */
  readonly names: ReadonlySet<string | undefined>;
  /** Of the daemon; undefined where it knows no such link. */
  readonly status: Part<ZoneStatus | undefined>;
  /** What the directories say now, and what explain says of packets to the gateways of the uplink. */
  readonly explained: Part<Explained>;
  readonly traffic: Part<Measured | undefined>;
  readonly drops: Part<readonly DropRow[]>;
  readonly leases: readonly ZoneLease[];
  readonly connections: Part<Connections>;
  readonly routing: Part<Routing>;
  readonly neighbours: Part<readonly Neighbour[]>;
  readonly log: Part<readonly JournalEntry[]>;
}

export interface Explained {
  readonly facts: ZoneFacts | undefined;
  /** Of any table that name the link, each with where it stands. */
  readonly rules: readonly string[];
  readonly reports: readonly Report[];
}

/** Since the link was opened; undefined where nothing of it is counted, as it is not served. Bytes a second over so many milliseconds. */
export interface Measured {
  readonly sent: Counter;
  readonly received: Counter;
  readonly perSecond: { readonly sent: number; readonly received: number };
  readonly milliseconds: number;
}

export interface Connections {
  readonly count: number;
  readonly flows: readonly Flow[];
  readonly kept: Bookkeeping;
}

export interface Routing {
  readonly routes: readonly TableRoute[];
  readonly policyRules: readonly PolicyRule[];
}

const shownFlows = 10;
const shownLines = 10;
/** What is measured for less time is no rate. */
const measuredMs = 50;

export interface PageQuestion {
  readonly zone: PolicedZone;
  readonly config: DaemonConfig;
  readonly told: KnownZones['status'];
  /** Who has which address, by `traffic`. */
  readonly book: ZoneBook;
  readonly traffic: Traffic;
}

export async function readPage({ zone, config, told, book, traffic }: PageQuestion): Promise<ZonePage> {
  const { link } = zone;
  const inspection = createInspection();
  const before = await part(() => readTraffic(traffic.nft));
  const begun = performance.now();
  const [explained, drops, connections, routing, neighbours, log] = await Promise.all([
    part(() => readExplained(inspection, config, zone)),
    part(() => readDropRows(traffic, book, { kind: undefined, links: new Set([link]), config, status: told })),
    part(() => readConnections(traffic, book, zone)),
    part(() => readRouting(inspection, link)),
    part(async () => (await inspection.neighbours('resolved')).filter(({ dev }) => dev === link)),
    part(() => readLog(zone)),
  ]);
  const rest = measuredMs - (performance.now() - begun);
  if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
  const after = await part(() => readTraffic(traffic.nft));
  const measured = measuredBetween(link, before, after, performance.now() - begun);
  const leases = book.leasesOf(link);
  const status = statusIn(told, link);
  const names = new Set(book.zones.map(({ name }) => name));
  return {
    zone,
    config,
    names,
    status,
    explained,
    traffic: measured,
    drops,
    leases,
    connections,
    routing,
    neighbours,
    log,
  };
}

async function part<Value>(read: () => Promise<Value>): Promise<Part<Value>> {
  try {
    return { ok: true, value: await read() };
  } catch (error) {
    if (!(error instanceof ProtectNetworkError)) throw error;
    return { ok: false, why: messageOf(error) };
  }
}

function statusIn(told: KnownZones['status'], link: string): ZonePage['status'] {
  if (typeof told === 'string') return { ok: false, why: told };
  return { ok: true, value: told.zones.find((zone) => zone.link === link) };
}

/** To the next hop of each family's default route, or, where it has none, to an address on the internet. */
async function readExplained(inspection: Inspection, config: DaemonConfig, zone: PolicedZone): Promise<Explained> {
  const { link, addresses } = zone;
  const own = families.filter((family) => addresses.some((address) => familyOf(address) === family));
  const requests = await Promise.all(
    own.map(async (family) => {
      const to = gatewayIn(await inspection.routes(family));
      return parseRequest({ subject: link, to, ipv4: family === 'ipv4', ipv6: family === 'ipv6' });
    }),
  );
  const asked = requests.length > 0 ? requests : [parseRequest({ subject: link })];
  const { reports, facts } = await explainEach({ inspection, sysctl: procSysctl }, asked, config);
  const rules = facts.ruleset.flatMap(({ chains }) => [...chains.values()].flatMap((chain) => chain.rules));
  return {
    facts: facts.snapshot.zones.find((each) => each.link === link),
    rules: rules.filter(({ text }) => text.includes(`"${link}"`)).map(ruleText),
    reports,
  };
}

function ruleText({ ref, text }: Rule): string {
  return `${refText(ref)}: ${text}`;
}

function gatewayIn(routes: readonly TableRoute[]): string | undefined {
  const ways = routes.filter(({ dst, table, type }) => dst === 'default' && table === 'main' && type === 'unicast');
  const [best] = ways.toSorted((one, other) => (one.metric ?? 0) - (other.metric ?? 0));
  return best?.gateway ?? best?.nexthops?.find(({ gateway }) => gateway !== undefined)?.gateway;
}

async function readConnections(traffic: Traffic, book: ZoneBook, { link }: PolicedZone): Promise<Connections> {
  const none = { peer: undefined, port: undefined, protocol: undefined, direction: undefined, family: undefined };
  const options = { filter: none, order: 'bytes', limit: shownFlows, links: new Set([link]) } as const;
  const best = await readFlows(traffic, book, options);
  return { count: best.count, flows: best.sorted(), kept: traffic.bookkeeping() };
}

/** Without what the kernel makes for each link by itself. */
async function readRouting(inspection: Inspection, link: string): Promise<Routing> {
  const [routes, rules] = await Promise.all([
    Promise.all(families.map((family) => inspection.routes(family))),
    Promise.all(families.map((family) => inspection.policyRules(family))),
  ]);
  return {
    routes: routes.flat().filter(({ dev, protocol }) => dev === link && protocol !== 'kernel'),
    policyRules: rules.flat().filter(({ input }) => input === link),
  };
}

/** By the fields of our own lines, which the journal finds without reading all of itself. */
async function readLog({ link, name }: PolicedZone): Promise<JournalEntry[]> {
  const journal = createJournal();
  if (!journal.isKept) throw new ProtectNetworkError('vanished', 'this host keeps no journal');
  const { link: linkField, zone: zoneField } = journalNames;
  const anyOf = [`${linkField}=${link}`, ...(name === undefined ? [] : [`${zoneField}=${name}`])];
  const entries: JournalEntry[] = [];
  for await (const entry of entriesOf(journal, { units: loggedUnits, anyOf, lines: shownLines })) entries.push(entry);
  return entries;
}

type Totals = Pick<CounterTotals, 'sent' | 'received'>;

function measuredBetween(
  link: string,
  before: Part<Totals>,
  after: Part<Totals>,
  milliseconds: number,
): Part<Measured | undefined> {
  if (!before.ok) return before;
  if (!after.ok) return after;
  const [sent, received] = [after.value.sent.get(link), after.value.received.get(link)];
  if (sent === undefined || received === undefined) return { ok: true, value: undefined };
  const rate = (now: Counter, then: Counter | undefined) =>
    Math.max(0, Math.round(((now.bytes - (then?.bytes ?? now.bytes)) * 1000) / milliseconds));
  const perSecond = {
    sent: rate(sent, before.value.sent.get(link)),
    received: rate(received, before.value.received.get(link)),
  };
  return { ok: true, value: { sent, received, perSecond, milliseconds: Math.round(milliseconds) } };
}
