/**
 * A zone as either service tells it, reduced to what matters here: which link it claims for which addresses. The two
 * services use the same field numbers for different things, so the caller says who answered; nothing is sniffed.
 */
import { z } from 'zod';
import { type Address, parseAddressWithOptionalLength } from '../../model/address.ts';
import { domidOf, type LinkName, parseLinkName } from '../../model/link-name.ts';
import { say } from '../../words/say.ts';
import { directoryWarnings } from '../../words/warnings.ts';
import type { ServiceName } from './messages.ts';
import { printable } from './printable.ts';

export interface ControlZone {
  /** The zone's id; a symbol of its own where it has no usable one, so that it stands for itself only. */
  readonly key: string | symbol;
  /** Its id for people: printable, bounded. */
  readonly id: string;
  readonly name: string | undefined;
  /** It exited, failed or is being destroyed: the host no longer vouches for its addresses. */
  readonly ended: boolean;
  /** Empty for a zone that is not ours, not placed yet or ended. */
  readonly claims: readonly LinkClaim[];
  /** What it should have a network by, and has not. */
  readonly refusals: readonly LinkRefusal[];
  /** What is wrong with it, one sentence each. */
  readonly problems: readonly string[];
}

export interface LinkClaim {
  readonly domid: number;
  /** Undefined with krata, which names no interface: the domain's only link is meant. */
  readonly link: LinkName | undefined;
  readonly addresses: readonly Address[];
}

export interface LinkRefusal extends Omit<LinkClaim, 'addresses'> {
  /** A sentence of `problems`, or several. */
  readonly why: string;
}

/** Reads one zone of a reply of `service`. Never throws: what cannot be used has a problem and no claims. */
export function readZone(service: ServiceName, raw: unknown): ControlZone {
  const parsed = schemas[service].safeParse(raw);
  if (!parsed.success) return unusable(raw, parsed.error.issues[0]);
  const { id, name, backend, state, domid, interfaces } = parsed.data;
  const zone = { key: id, id: printable(id, 128), name: printable(name, 63) || undefined };
  const phase = phases[service][state] ?? 'unknown';
  const left = { ...zone, ended: phase === 'ended', claims: [], refusals: [], problems: [] };
  if (backend !== defaultBackend || phase === 'ended' || unplacedDomids.has(domid)) return left;
  if (phase === 'unknown')
    return {
      ...left,
      problems: [say(directoryWarnings.unknownState, { id: zone.id, n: state })],
    };
  const read = interfaces.map((told) => readInterface(told, domid, zone.id));
  const refusals = read.flatMap(({ refused }) => refused ?? []);
  return {
    ...left,
    claims: read.flatMap(({ claim }) => claim ?? []),
    refusals,
    problems: read.flatMap(({ problems = [] }) => problems),
  };
}

interface Interface {
  readonly hostInterface: string | undefined;
  readonly addresses: readonly string[];
}

interface Read {
  readonly claim?: LinkClaim;
  readonly refused?: LinkRefusal;
  readonly problems?: readonly string[];
}

function readInterface({ hostInterface, addresses: told }: Interface, domid: number, id: string): Read {
  // Interfaces are announced before they have a link or an address: nothing to say about them yet.
  if (hostInterface === '' || told.length === 0) return {};
  const link = hostInterface === undefined ? undefined : parseLinkName(hostInterface);
  const stranger = (why: string): Read => ({ refused: { domid, link: undefined, why }, problems: [why] });
  if (hostInterface !== undefined && link === undefined) {
    return stranger(say(directoryWarnings.notALink, { id, text: printable(hostInterface, 64) }));
  }
  if (link !== undefined && domidOf(link) !== domid) {
    return stranger(say(directoryWarnings.otherDomain, { id, link, n: domidOf(link), n2: domid }));
  }
  const addresses = told.flatMap((text) => parseAddressWithOptionalLength(text) ?? []);
  const problems = told
    .filter((text) => parseAddressWithOptionalLength(text) === undefined)
    .map((text) => say(directoryWarnings.notAnAddress, { id, text: printable(text, 64) }));
  if (addresses.length > 0) return { claim: { domid, link, addresses: [...new Set(addresses)] }, problems };
  return { refused: { domid, link, why: problems.slice(0, maxNamed).join('; ') }, problems };
}

function unusable(raw: unknown, issue: z.core.$ZodIssue | undefined): ControlZone {
  const { data } = z.object({ id: z.string().min(1).max(maxIdLength) }).safeParse(raw);
  const id = data === undefined ? '(no usable id)' : printable(data.id, maxIdLength);
  const reason = issue === undefined ? 'invalid' : `${issue.path.join('.')}: ${issue.message}`;
  const problems = [say(directoryWarnings.unreadZone, { id, reason })];
  return { key: data?.id ?? Symbol(id), id, name: undefined, ended: false, claims: [], refusals: [], problems };
}

type Phase = 'alive' | 'ended' | 'unknown';

/** ZoneState by number. What is not listed, UNKNOWN (0) and numbers of later releases included, is not served. */
const phases: Record<ServiceName, Readonly<Record<number, Phase>>> = {
  'protect.control.v1': { 1: 'alive', 2: 'alive', 3: 'alive', 4: 'ended', 5: 'ended', 6: 'ended', 7: 'ended' },
  'krata.v1.control': { 1: 'alive', 2: 'alive', 3: 'ended', 4: 'ended', 5: 'ended', 6: 'ended' },
};

/** ZoneNetworkBackend DEFAULT. NONE, EXTERNAL (a CNI plugin's), PASSTHROUGH and later ones are somebody else's. */
const defaultBackend = 0;
const unplacedDomids: ReadonlySet<number> = new Set([0, 0xffffffff]);

/** Bounds far above anything real, so that one zone cannot fill the memory or the log. */
const maxIdLength = 128;
const maxInterfaces = 64;
const maxAddresses = 64;
/** In one reason. */
const maxNamed = 4;
const shortText = z.string().max(256);

const zoneId = z.string().min(1).max(maxIdLength);
const spec = z.object({ name: z.string() });

const ederaZone = z
  .object({
    id: zoneId,
    spec: spec.extend({ networkOptions: z.object({ backend: z.int() }).nullable() }).nullable(),
    status: z
      .object({
        state: z.int(),
        domid: z.int(),
        networkStatus: z
          .object({
            interfaces: z
              .array(
                z.object({
                  hostInterface: shortText,
                  ips: z.array(z.object({ address: shortText })).max(maxAddresses),
                }),
              )
              .max(maxInterfaces),
          })
          .nullable(),
      })
      .nullable(),
  })
  .transform(({ id, spec, status }) => ({
    id,
    name: spec?.name ?? '',
    backend: spec?.networkOptions?.backend ?? defaultBackend,
    state: status?.state ?? 0,
    domid: status?.domid ?? 0,
    interfaces: (status?.networkStatus?.interfaces ?? []).map(
      ({ hostInterface, ips }): Interface => ({ hostInterface, addresses: ips.map(({ address }) => address) }),
    ),
  }));

const krataZone = z
  .object({
    id: zoneId,
    spec: spec.nullable(),
    status: z
      .object({
        state: z.int(),
        domid: z.int(),
        networkStatus: z.object({ zoneIpv4: shortText, zoneIpv6: shortText }).nullable(),
      })
      .nullable(),
  })
  .transform(({ id, spec, status }) => {
    const network = status?.networkStatus;
    const addresses = [network?.zoneIpv4 ?? '', network?.zoneIpv6 ?? ''].filter((address) => address !== '');
    return {
      id,
      name: spec?.name ?? '',
      backend: defaultBackend,
      state: status?.state ?? 0,
      domid: status?.domid ?? 0,
      interfaces: [{ hostInterface: undefined, addresses }] as Interface[],
    };
  });

const schemas = { 'protect.control.v1': ederaZone, 'krata.v1.control': krataZone };
