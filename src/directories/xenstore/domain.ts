/**
 * What xenstore says about one domain's links: `ip` of its vif backends, as `xl` writes it, or the keys of krata up to
 * 0.0.12 (`guest`) and 0.0.15 (`zone`). Values are read as bytes: an address is ASCII, and anything else is no address.
 */
import { type Address, parseAddressWithOptionalLength } from '../../model/address.ts';
import { domidOf, type LinkName, parseLinkName } from '../../model/link-name.ts';
import { say } from '../../words/say.ts';
import { directoryWarnings } from '../../words/warnings.ts';
import {
  below,
  hasErrno,
  path,
  type Store,
  type XenstoreClient,
  XenstoreError,
  type XenstorePath,
} from '../../xenstore/index.ts';
import type { Unusable, ZoneEntry } from '../zone-entry.ts';
import { believe, isSuspicion, unlessMissing } from './trust.ts';

export const backendFolder = path('/local/domain/0/backend/vif');

const maxDevices = 64;
const maxAddresses = 16;
const nameShape = /^[\x21-\x7e]{1,64}$/;

export interface DomainReading {
  readonly name: string | undefined;
  readonly entries: readonly ZoneEntry[];
  readonly problems: readonly string[];
  /** Nodes whose permissions count for this reading and which no watch of ours covers. */
  readonly unwatched: readonly XenstorePath[];
}

/** An address list found at `origin`, before it is an entry. */
interface Finding {
  readonly link: LinkName;
  readonly origin: XenstorePath;
  readonly addresses: readonly Address[];
  readonly unusable?: Unusable;
}

interface Findings<T> {
  readonly found: readonly T[];
  /** What domain 0 has written and is no address. Never of a suspect node: whoever can write one could raise alarms at will. */
  readonly refused: readonly T[];
  readonly problems: readonly string[];
}

interface BackendFindings extends Findings<Finding> {
  readonly links: readonly LinkName[];
}

type KrataFindings = Findings<Omit<Finding, 'link'>>;

const nothing = { found: [], refused: [], problems: [] };

/** Where early krata keeps a domain's addresses; what is watched for changes of them. */
export function krataFolder(domid: number): XenstorePath {
  return below(domainFolder(domid), 'krata', 'network');
}

/**
 * The domains with a vif backend; none where a guest could write their folder. The list says only where to look: each
 * domain is believed by its own reading. So it needs no transaction, which every domain that comes or goes would upset.
 */
export async function listDomains(client: XenstoreClient): Promise<{ domids: Set<number>; problems: string[] }> {
  const listing = await believe(client, [backendFolder], () => client.directory(backendFolder));
  if (listing.kind === 'missing') return { domids: new Set(), problems: [] };
  if (listing.kind === 'suspect') return { domids: new Set(), problems: [listing.problem] };
  return { domids: new Set(listing.value.flatMap((name) => parseDomid(name) ?? [])), problems: [] };
}

/** The domain id that a folder of the vif backends is named by. */
export function parseDomid(name: string): number | undefined {
  return parseLinkName(`vif${name}.0`) === undefined ? undefined : Number(name);
}

/**
 * Reads the domain anew, its name only where `knownName` is undefined; undefined where it has no vif backend.
 * Rejects with XenstoreError where it cannot be read.
 */
export async function readDomain(
  client: XenstoreClient,
  domid: number,
  knownName: string | undefined,
): Promise<DomainReading | undefined> {
  const [backend, name] = await Promise.all([
    inTransaction(client, (store) => readBackend(store, domid)),
    knownName ?? readName(client, domid),
  ]);
  if (backend === undefined) return undefined;
  const { found, problems, links } = backend;
  // `ip` comes first: krata's keys are looked for where there is none. A suspicion is not to be lost to their failing.
  const wanted = found.length < links.length && !problems.some(isSuspicion);
  const krata = wanted ? await readKrata(client, domid) : nothing;
  const [link] = links;
  const ofOnly = (findings: KrataFindings['found']) =>
    link !== undefined && links.length === 1 ? findings.map((finding) => ({ ...finding, link })) : [];
  const known = [...found, ...ofOnly(krata.found)];
  const guess = say(directoryWarnings.ambiguousLink, { node: krataFolder(domid), n: domid, n2: links.length });
  const unclear = krata.found.length > 0 && links.length !== 1 ? [guess] : [];
  const unnamed = unclear.flatMap((why) =>
    links.map((each): Finding => ({ link: each, ...unusable(krataFolder(domid), why) })),
  );
  const refused = [...backend.refused, ...ofOnly(krata.refused), ...unnamed];
  const lacking = refused.filter((each) => known.every((finding) => finding.link !== each.link));
  return {
    name,
    entries: [...known, ...lacking].map((finding) => ({ ...finding, name })),
    problems: [...problems, ...krata.problems, ...unclear],
    unwatched:
      krata.found.length + krata.problems.length > 0 ? [domainFolder(domid), below(domainFolder(domid), 'krata')] : [],
  };
}

function unusable(origin: XenstorePath, why: string): Omit<Finding, 'link'> {
  return { origin, addresses: [], unusable: { why, fix: undefined } };
}

function devidOf(link: LinkName): number {
  return Number(link.slice(link.indexOf('.') + 1));
}

function domainFolder(domid: number): XenstorePath {
  return below(path('/local/domain'), domid);
}

/**
 * What `read` found, once the transaction has committed. A suspicion must not wait for that, as a guest that can write
 * what we read could keep it from ever happening: where only conflicts are left, it counts, and nothing found does.
 */
async function inTransaction<T extends BackendFindings | KrataFindings | undefined>(
  client: XenstoreClient,
  read: (store: Store) => Promise<T>,
): Promise<T> {
  let latest: T | undefined;
  try {
    return await client.transaction(async (store) => {
      latest = await read(store);
      return { end: 'commit', value: latest };
    });
  } catch (error) {
    if (!hasErrno(error, 'EAGAIN') || !latest?.problems.some(isSuspicion)) throw error;
    return { ...latest, found: [], refused: [] };
  }
}

async function readBackend(store: Store, domid: number): Promise<BackendFindings | undefined> {
  const folder = below(backendFolder, domid);
  const listing = await believe(store, [backendFolder, folder], () => store.directory(folder));
  if (listing.kind === 'missing') return undefined;
  if (listing.kind === 'suspect') return { ...nothing, links: [], problems: [listing.problem] };
  const all = listing.value.flatMap((name) => parseLinkName(`vif${domid}.${name}`) ?? []);
  const links = all.sort((a, b) => devidOf(a) - devidOf(b)).slice(0, maxDevices);
  const readings = await Promise.all(links.map((link) => readDevice(store, link)));
  const tooMany = say(directoryWarnings.tooManyDevices, { node: folder, n: all.length, n2: maxDevices });
  return {
    links,
    found: readings.flatMap(({ found }) => found),
    refused: readings.flatMap(({ refused }) => refused),
    problems: [...readings.flatMap(({ problems }) => problems), ...(all.length > maxDevices ? [tooMany] : [])],
  };
}

async function readDevice(store: Store, link: LinkName): Promise<Omit<BackendFindings, 'links'>> {
  const folder = below(backendFolder, domidOf(link), devidOf(link));
  const node = below(folder, 'ip');
  const value = await believe(store, [folder, node], () => store.readBytes(node));
  if (value.kind === 'suspect') return { ...nothing, problems: [value.problem] };
  if (value.kind === 'missing') return nothing;
  const { addresses, problems } = parseAddresses(node, value.value);
  const { found, refused } = judge(node, addresses, problems);
  const ofLink = (finding: Omit<Finding, 'link'>): Finding => ({ link, ...finding });
  return { found: found.map(ofLink), refused: refused.map(ofLink), problems };
}

function judge(
  origin: XenstorePath,
  addresses: readonly Address[],
  problems: readonly string[],
): Pick<KrataFindings, 'found' | 'refused'> {
  if (addresses.length > 0) return { found: [{ origin, addresses }], refused: [] };
  return { found: [], refused: problems.length > 0 ? [unusable(origin, problems.join('; '))] : [] };
}

/** krata's keys name no link: it is the domain's only one. Most hosts have no such keys, which costs one request. */
async function readKrata(client: XenstoreClient, domid: number): Promise<KrataFindings> {
  const folder = krataFolder(domid);
  if ((await unlessMissing(client.directory(folder))) === undefined) return nothing;
  return inTransaction(client, (store) => readKrataFolder(store, domid));
}

async function readKrataFolder(store: Store, domid: number): Promise<KrataFindings> {
  const folder = krataFolder(domid);
  const domain = domainFolder(domid);
  const listing = await believe(store, [domain, below(domain, 'krata'), folder], () => store.directory(folder));
  if (listing.kind === 'missing') return nothing;
  if (listing.kind === 'suspect') return { ...nothing, problems: [listing.problem] };
  const form = ['zone', 'guest'].find((name) => listing.value.includes(name));
  if (form === undefined) return nothing;
  const readings = await Promise.all(
    ['ipv4', 'ipv6'].map(async (key) => {
      const node = below(folder, form, key);
      const value = await believe(store, [below(folder, form), node], () => store.readBytes(node));
      if (value.kind === 'believed') return { node, ...parseAddresses(node, value.value) };
      return { node, addresses: [], problems: value.kind === 'suspect' ? [value.problem] : [] };
    }),
  );
  const problems = readings.flatMap((reading) => reading.problems);
  const mistakes = problems.filter((problem) => !isSuspicion(problem));
  const addresses = readings.flatMap((reading) => reading.addresses);
  return { ...judge(below(folder, form), addresses, mistakes), problems };
}

/**
 * The domain's name for people; undefined where a guest could have chosen it, or it is long or not plain ASCII.
 * Nothing but logs rests on it, so it is not committed (while a domain is being built its folder changes all the time),
 * and where xenstored refuses it the addresses count without it.
 */
async function readName(client: XenstoreClient, domid: number): Promise<string | undefined> {
  const node = below(domainFolder(domid), 'name');
  try {
    return await client.transaction(async (store) => {
      const name = await believe(store, [domainFolder(domid), node], () => store.readBytes(node));
      const text = name.kind === 'believed' ? name.value.toString('latin1') : '';
      return { end: 'abort', value: nameShape.test(text) ? text : undefined };
    });
  } catch (error) {
    if (error instanceof XenstoreError && error.errno !== undefined) return undefined;
    throw error;
  }
}

function parseAddresses(node: XenstorePath, value: Buffer): { addresses: Address[]; problems: string[] } {
  const words = value
    .toString('latin1')
    .split(/[ \t\n]+/)
    .filter((word) => word !== '');
  const problems: string[] = [];
  const addresses = new Set<Address>();
  for (const word of words.slice(0, maxAddresses)) {
    const address = parseAddressWithOptionalLength(word);
    if (address === undefined)
      problems.push(say(directoryWarnings.badWord, { node, text: JSON.stringify(word.slice(0, 60)) }));
    else addresses.add(address);
  }
  if (words.length > maxAddresses) {
    problems.push(say(directoryWarnings.tooManyAddresses, { node, n: words.length, n2: maxAddresses }));
  }
  return { addresses: [...addresses], problems };
}
