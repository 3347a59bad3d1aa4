/** What policies say, as values: which zones they are about, what these may reach, and where each rule stands. */
import type { Address, Prefix } from '../model/address.ts';
import type { LinkName } from '../model/link-name.ts';

/** Where a rule stands: `/etc/edera/policy.d/agents.toml:6:3`. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type Transport = 'tcp' | 'udp';

/** 1..65535, `first` at most `last`. */
export interface Ports {
  readonly first: number;
  readonly last: number;
}

/**
 * A name that zones may ask for, in lower case without the last dot. `labels` says how many labels may stand in front of
 * `base`: none (`api.example.com`), exactly one (`*.example.com`), one or more (`**.example.com`).
 */
export interface NamePattern {
  readonly base: string;
  readonly labels: 'none' | 'one' | 'some';
  /** As it is written in files. */
  readonly text: string;
}

/** What an entry of `allow` leads to. `host` is dom0 itself, `zone` another zone of this host by its name. */
export type Target =
  | { readonly kind: 'name'; readonly pattern: NamePattern; readonly isPrivate: boolean }
  | { readonly kind: 'prefix'; readonly prefix: Prefix }
  | { readonly kind: 'zone'; readonly name: string }
  | { readonly kind: 'host' };

interface Written {
  /** As it is written: `api.anthropic.com:443`. */
  readonly text: string;
  readonly place: Place;
}

export type AllowRule = PortRule | IcmpRule;

export interface PortRule extends Written {
  readonly kind: 'ports';
  readonly target: Target;
  readonly transport: Transport;
  readonly ports: Ports;
}

/** ICMP and ICMPv6, echo requests above all, to wherever nothing denies it. */
export interface IcmpRule extends Written {
  readonly kind: 'icmp';
}

/** Wins over every `allow`: a prefix for all of its addresses, a name for what it would have been answered with. */
export interface DenyRule extends Written {
  readonly target: Extract<Target, { kind: 'prefix' }> | { readonly kind: 'name'; readonly pattern: NamePattern };
}

export type Mode = 'enforce' | 'audit';
/** What the modes are called where a zone's state is told. */
export const policyStates = { enforce: 'enforced', audit: 'audit' } as const satisfies Record<Mode, string>;

export interface Egress {
  readonly mode: Mode;
  readonly allow: readonly AllowRule[];
  readonly deny: readonly DenyRule[];
}

/** Which zones a policy is about: by name with `*` and `?`, by link, by address. One that fits is enough. */
export interface Selector {
  readonly zones: readonly string[];
  readonly links: readonly LinkName[];
  readonly addresses: readonly Prefix[];
}

/** One `[[policy.publish]]`: a port of this host that leads to one of the zone. `text` is what `listen` says: `443/tcp`. */
export interface Publication extends Written {
  /** One of this host's; undefined for all of them but the gateways and loopback. */
  readonly address: Address | undefined;
  readonly transport: Transport;
  readonly port: number;
  /** Port in the zone. */
  readonly to: number;
  /** Who may; empty for everybody. */
  readonly from: readonly Prefix[];
}

/** Undefined where nothing is said. */
export interface Limits {
  /** That the zone has begun, tracked at once. */
  readonly connections: number | undefined;
  readonly newConnections: Rate | undefined;
  /** Bits a second from the zone, and to it. */
  readonly send: number | undefined;
  readonly receive: number | undefined;
}

export interface Rate {
  readonly count: number;
  readonly per: 'second' | 'minute' | 'hour';
}

/** One `[[policy]]`. */
export interface Policy {
  /** Of its `[[policy]]`. */
  readonly place: Place;
  readonly selector: Selector;
  readonly egress: Egress | undefined;
  readonly publish: readonly Publication[];
  readonly limits: Limits | undefined;
}

/** A zone as policies see it. */
export interface PolicedZone {
  readonly link: LinkName;
  /** Undefined where its directory tells none. */
  readonly name: string | undefined;
  readonly addresses: readonly Address[];
}

/** What holds for one zone: all policies that name it, added up. `enforce` wins over `audit`. */
export interface ZoneEgress {
  readonly mode: Mode;
  readonly allow: readonly AllowRule[];
  readonly deny: readonly DenyRule[];
}

/** What holds for one zone: all policies that name it, added up. */
export interface ZonePolicy {
  /** Undefined where none has egress: it may reach everything. */
  readonly egress: ZoneEgress | undefined;
  /** The smallest of each. */
  readonly limits: Limits;
}

/** Bounds, per POLICY file and zone: what is beyond is refused with its place. */
export const maxRules = 256;
