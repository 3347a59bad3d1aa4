/**
 * Answers one query of one zone. The order is the promise: the name that was asked is judged first, nothing of it goes to a
 * resolver unless a rule allows it, and nothing a resolver says goes to the zone before the daemon has opened it.
 */
import type { Address } from '../model/address.ts';
import { hasCode, messageOf } from '../model/errors.ts';
import { type ForwarderMessage, maxLeasedAddresses } from '../policy/messages.ts';
import { type Answer, blocked, encodeAnswer, extended, failed, refused } from './answer.ts';
import type { Cache, Entry } from './cache.ts';
import type { AddressType } from './chain.ts';
import type { DaemonChannel } from './daemon-channel.ts';
import { Bucket, type Clock, limits } from './limits.ts';
import type { News } from './news.ts';
import { addressOfPointer } from './pointer.ts';
import { judgeQuery, type Question, rcodes } from './question.ts';
import { Seldom } from './seldom.ts';
import { types } from './wire.ts';
import type { Verdict, Zone, Zones } from './zones.ts';

export interface ForwarderOptions {
  readonly zones: Zones;
  readonly cache: Cache;
  readonly daemon: Pick<DaemonChannel, 'lease' | 'send'>;
  readonly news: News;
  readonly now: Clock;
}

type Later<T> = T | Promise<T>;

export class Forwarder {
  readonly totals = { queries: 0, answered: 0, denied: 0, failed: 0, limited: 0 };
  readonly #options: ForwarderOptions;
  readonly #refusals: Bucket;
  /** By link and name. */
  readonly #notAllowed: Seldom<`${string} ${string}`>;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#refusals = new Bucket(limits.refusalsPerSecond, limits.refusalsPerSecond, options.now);
    this.#notAllowed = new Seldom(options.now);
  }

  /** The answer to a datagram or to a message of a TCP connection; undefined where there is none. Never throws or rejects. */
  answer(bytes: Buffer, source: string, isUdp: boolean): Later<Buffer | undefined> {
    const zone = this.#options.zones.at(source);
    if (zone === undefined) return this.#refuse(bytes, isUdp);
    this.totals.queries += 1;
    if (!zone.bucket.take() || zone.inFlight >= limits.inFlightPerZone) return this.#limit(zone);
    const judged = judgeQuery(bytes);
    if (judged.kind === 'nothing') return undefined;
    if (judged.kind === 'refusal') return encodeAnswer(judged.asked, { rcode: judged.rcode }, isUdp);
    const { question } = judged;
    const answer = this.#answer(zone, question);
    if (!(answer instanceof Promise)) return encodeAnswer(question, this.#counted(answer), isUdp);
    zone.inFlight += 1;
    return answer
      .catch((error) => this.#failure(error))
      .then((late) => encodeAnswer(question, this.#counted(late), isUdp))
      .finally(() => {
        zone.inFlight -= 1;
      });
  }

  /** To be called now and then: tells what was held back. */
  report(): void {
    for (const [key, times] of this.#notAllowed.due()) this.#send(key, times);
  }

  #refuse(bytes: Buffer, isUdp: boolean): Buffer | undefined {
    if (!this.#refusals.take()) return undefined;
    const judged = judgeQuery(bytes);
    if (judged.kind === 'nothing') return undefined;
    return encodeAnswer(judged.kind === 'refusal' ? judged.asked : judged.question, refused, isUdp);
  }

  #limit(zone: Zone): undefined {
    this.totals.limited += 1;
    this.#options.news.limited(zone);
  }

  #counted(answer: Answer): Answer {
    if (answer === blocked) this.totals.denied += 1;
    else if (answer.rcode === rcodes.servFail) this.totals.failed += 1;
    else this.totals.answered += 1;
    return answer;
  }

  #answer(zone: Zone, question: Question): Later<Answer> {
    const { name, type } = question;
    if (name === undefined || name === '') return blocked;
    const address = addressOfPointer(name);
    if (address !== undefined) return type === types.ptr ? this.#pointer(zone, address) : blocked;
    const verdict = zone.judge(name);
    if (verdict === 'denied') {
      this.#notAllowedBy(zone, name);
      if (!zone.isAudited) return blocked;
    }
    if (type === types.any) return { rcode: rcodes.noError, isMinimal: true, ttl: limits.toldSeconds };
    if (type !== types.a && type !== types.aaaa) return { rcode: rcodes.noError };
    return this.#addresses(zone, name, type === types.a ? 'A' : 'AAAA', verdict);
  }

  #pointer(zone: Zone, address: Address): Answer {
    const pointer = zone.leases.nameOf(address);
    return pointer === undefined ? blocked : { rcode: rcodes.noError, pointer, ttl: limits.leaseReserveSeconds };
  }

  /** At once where the cache and the leases have it all. */
  #addresses(zone: Zone, name: string, type: AddressType, verdict: Verdict): Later<Answer> {
    const { cache } = this.#options;
    const last = cache.last(name, type);
    if (last === undefined || cache.secondsLeft(last) <= 0) return this.#asked(zone, name, type, verdict, last);
    const ttl = Math.min(cache.secondsLeft(last), limits.toldSeconds);
    const addresses = this.#told(zone, name, verdict, last);
    return isOpen(zone, name, addresses, ttl)
      ? answerOf(last, addresses, ttl)
      : this.#leased(zone, name, verdict, last, addresses);
  }

  async #asked(
    zone: Zone,
    name: string,
    type: AddressType,
    verdict: Verdict,
    last: Entry | undefined,
  ): Promise<Answer> {
    const { cache, news } = this.#options;
    try {
      const entry = await cache.renew(name, type);
      news.resolversAlive();
      const addresses = this.#told(zone, name, verdict, entry);
      return await this.#leased(zone, name, verdict, entry, addresses);
    } catch (error) {
      if (hasCode(error, 'unreachable')) news.resolversDead(messageOf(error));
      const stale = last === undefined ? undefined : this.#stale(zone, name, verdict, last);
      if (stale === undefined) throw error;
      return stale;
    }
  }

  /** What was said last, to the end of its lease. */
  #stale(zone: Zone, name: string, verdict: Verdict, last: Entry): Answer | undefined {
    const addresses = this.#told(zone, name, verdict, last);
    const left = zone.leases.secondsLeft(name, addresses);
    if (addresses.length === 0 || left < 1) return undefined;
    return { ...answerOf(last, addresses, Math.min(left, limits.staleSeconds)), error: extended.stale };
  }

  /** Of `addresses`, those that the daemon has opened. */
  async #leased(
    zone: Zone,
    name: string,
    verdict: Verdict,
    entry: Entry,
    addresses: readonly Address[],
  ): Promise<Answer> {
    const ttl = Math.min(this.#options.cache.secondsLeft(entry), limits.toldSeconds);
    const wanted = verdict === 'private' ? addresses : addresses.filter((address) => entry.open.includes(address));
    if (isOpen(zone, name, wanted, ttl)) return answerOf(entry, addresses, ttl);
    try {
      const opened = new Set(await (zone.opening.get(entry.resolved) ?? this.#open(zone, name, entry, wanted)));
      const told = addresses.filter((address) => opened.has(address));
      if (told.length > 0 && !zone.isAudited) return answerOf(entry, told, ttl);
    } catch (error) {
      this.#options.news.notOpened(zone, name, messageOf(error));
    }
    // Audit drops nothing: the packets pass whether the kernel holds the addresses or not.
    return zone.isAudited ? answerOf(entry, addresses, ttl) : failed;
  }

  #open(zone: Zone, name: string, { resolved }: Entry, addresses: readonly Address[]): Promise<readonly Address[]> {
    const { generation } = zone;
    const opening = this.#options.daemon
      .lease(zone.link, name, addresses, resolved.ttl)
      .then((leased) => {
        // Opened under rules that hold no longer.
        if (zone.generation !== generation) return [];
        zone.leases.add(name, leased.addresses, leased.seconds);
        return leased.addresses;
      })
      .finally(() => zone.opening.delete(resolved));
    zone.opening.set(resolved, opening);
    return opening;
  }

  /** What a zone may be told of an entry's addresses, and be opened: at most as many as a message to the daemon holds. */
  #told(zone: Zone, name: string, verdict: Verdict, { open, resolved }: Entry): readonly Address[] {
    const { addresses } = resolved;
    const kept = open.length === addresses.length ? undefined : addresses.find((address) => !open.includes(address));
    if (kept !== undefined && verdict !== 'private') this.#options.news.keptPrivate(zone, name, kept);
    const told = verdict === 'private' || zone.isAudited ? addresses : open;
    return told.length > maxLeasedAddresses ? told.slice(0, maxLeasedAddresses) : told;
  }

  #failure(error: unknown): Answer {
    const isDead = hasCode(error, 'unreachable', 'timeout');
    return isDead ? { ...failed, error: extended.noReachableAuthority } : failed;
  }

  #notAllowedBy(zone: Zone, name: string): void {
    const key = `${zone.link} ${name}` as const;
    const times = this.#notAllowed.count(key);
    if (times !== undefined) this.#send(key, times);
  }

  #send(key: `${string} ${string}`, times: number): void {
    const [link, name] = key.split(' ') as [Extract<ForwarderMessage, { kind: 'not-allowed' }>['link'], string];
    this.#options.daemon.send({ kind: 'not-allowed', link, name, times });
  }
}

/** For longer than the zone is told that the answer holds. */
function isOpen(zone: Zone, name: string, addresses: readonly Address[], ttl: number): boolean {
  return zone.leases.secondsLeft(name, addresses) >= ttl + limits.leaseReserveSeconds;
}

function answerOf({ resolved }: Entry, addresses: readonly Address[], ttl: number): Answer {
  const { exists, chain } = resolved;
  return { rcode: exists ? rcodes.noError : rcodes.nxDomain, chain, addresses, ttl };
}
