/** The policed zones, as the daemon tells of them: who asks, what its policies allow, what it has in flight. */
import { type Address, type Prefix, parsePrefix } from '../model/address.ts';
import { ProtectNetworkError } from '../model/errors.ts';
import type { LinkName } from '../model/link-name.ts';
import type { DaemonMessage, ZoneMessage } from '../policy/messages.ts';
import type { NamePattern } from '../policy/model.ts';
import { matchesPattern, parsePattern } from '../policy/pattern.ts';
import type { Resolved } from './chain.ts';
import { Leases } from './leases.ts';
import { Bucket, type Clock, limits } from './limits.ts';

/** `private`: it may lead to private addresses, too. */
export type Verdict = 'denied' | 'allowed' | 'private';

type PolicyMessage = Extract<DaemonMessage, { kind: 'policy' }>;
type ZonesMessage = Extract<DaemonMessage, { kind: 'zones' }>;

export class Zone {
  readonly link: LinkName;
  readonly bucket: Bucket;
  readonly leases: Leases;
  /** Addresses that the daemon is opening, so that equal questions wait for one answer of it. */
  readonly opening = new Map<Resolved, Promise<readonly Address[]>>();
  inFlight = 0;
  connections = 0;
  /** Changes with each word of the daemon about this zone. */
  generation = 0;
  #message: ZoneMessage;
  #allow: Rules;
  #deny: Rules;

  constructor(message: ZoneMessage, now: Clock) {
    this.link = message.link;
    this.bucket = new Bucket(limits.queriesPerSecond, limits.queryBurst, now);
    this.leases = new Leases(now);
    this.#message = message;
    [this.#allow, this.#deny] = rulesOf(message);
  }

  get title(): string {
    return this.#message.name ?? this.link;
  }

  get isAudited(): boolean {
    return this.#message.mode === 'audit';
  }

  get addresses(): readonly Address[] {
    return this.#message.addresses;
  }

  /** What was leased under the rules before has to be asked for again. */
  change(message: ZoneMessage): void {
    [this.#allow, this.#deny] = rulesOf(message);
    this.#message = message;
    this.forget();
  }

  forget(): void {
    this.generation += 1;
    this.leases.clear();
    this.opening.clear();
  }

  judge(name: string): Verdict {
    if (this.#deny.of(name).length > 0) return 'denied';
    const allowed = this.#allow.of(name);
    if (allowed.length === 0) return 'denied';
    return allowed.some(({ isPrivate }) => isPrivate) ? 'private' : 'allowed';
  }
}

export class Zones {
  readonly #byLink = new Map<LinkName, Zone>();
  readonly #byAddress = new Map<Address, Zone>();
  readonly #now: Clock;

  constructor(now: Clock) {
    this.#now = now;
  }

  get size(): number {
    return this.#byLink.size;
  }

  /** `address` in the kernel's spelling. */
  at(address: string): Zone | undefined {
    return this.#byAddress.get(address as Address);
  }

  /** Throws `garbled`; nothing is as it was then, and the daemon is asked to tell all again. */
  apply(message: PolicyMessage | ZonesMessage): void {
    const [changed, gone] =
      message.kind === 'zones' ? [message.changed, message.gone] : [message.zones, this.#missingIn(message)];
    for (const link of gone) this.#remove(link);
    for (const each of changed) this.#put(each);
  }

  #missingIn({ zones }: PolicyMessage): LinkName[] {
    const links = new Set(zones.map(({ link }) => link));
    return [...this.#byLink.keys()].filter((link) => !links.has(link));
  }

  #put(message: ZoneMessage): void {
    const zone = this.#byLink.get(message.link);
    if (zone !== undefined) this.#removeAddresses(zone);
    const put = zone ?? new Zone(message, this.#now);
    if (zone !== undefined) zone.change(message);
    this.#byLink.set(message.link, put);
    for (const address of message.addresses) this.#byAddress.set(address, put);
  }

  #remove(link: LinkName): void {
    const zone = this.#byLink.get(link);
    if (zone === undefined) return;
    zone.forget();
    this.#removeAddresses(zone);
    this.#byLink.delete(link);
  }

  #removeAddresses(zone: Zone): void {
    for (const address of zone.addresses) if (this.#byAddress.get(address) === zone) this.#byAddress.delete(address);
  }
}

interface Rule {
  readonly pattern: NamePattern;
  readonly isPrivate: boolean;
}

/** Found by what a name ends with, so that hundreds of rules cost no more than a few. */
class Rules {
  readonly #byBase = new Map<string, Rule[]>();

  constructor(rules: readonly Rule[]) {
    for (const rule of rules) this.#byBase.getOrInsert(rule.pattern.base, []).push(rule);
  }

  of(name: string): Rule[] {
    const found: Rule[] = [];
    for (let base = name; ; base = base.slice(base.indexOf('.') + 1)) {
      found.push(...(this.#byBase.get(base) ?? []).filter(({ pattern }) => matchesPattern(pattern, name)));
      if (!base.includes('.')) return found;
    }
  }
}

function rulesOf({ allow, deny }: ZoneMessage): [allow: Rules, deny: Rules] {
  return [
    new Rules(allow.map(({ pattern, isPrivate }) => ({ pattern: patternOf(pattern), isPrivate }))),
    new Rules(deny.map((pattern) => ({ pattern: patternOf(pattern), isPrivate: false }))),
  ];
}

function patternOf(text: string): NamePattern {
  const pattern = parsePattern(text);
  if (typeof pattern !== 'string') return pattern;
  throw new ProtectNetworkError('garbled', `the pattern ${JSON.stringify(text)} ${pattern}`);
}

/** Throws `garbled`. */
export function ownPrefixes(texts: readonly string[]): Prefix[] {
  return texts.map((text) => {
    const prefix = parsePrefix(text);
    if (prefix === undefined) throw new ProtectNetworkError('garbled', `${JSON.stringify(text)} is no prefix`);
    return prefix;
  });
}
