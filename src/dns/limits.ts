/** Every bound of the forwarder, in one place; docs/dns.md tells operators of them. */

export const limits = {
  /** Of one zone: what is beyond is dropped without an answer. */
  queriesPerSecond: 50,
  queryBurst: 200,
  /** Of one zone, while resolvers or the daemon are asked. */
  inFlightPerZone: 64,
  tcpConnectionsPerZone: 32,
  /** Of all zones together. */
  inFlightUpstream: 512,
  /** Connections of sources that are no zone's are closed at once; answers to their datagrams: so many a second. */
  refusalsPerSecond: 20,
  /** Bytes of a query. A name has 255 at most; the rest is EDNS padding (RFC 8467) and cookies. */
  queryBytes: 1232,
  /** Seconds that a TCP connection of a zone's may be silent. */
  tcpIdleSeconds: 10,
  /** Bytes that one connection has been told and has not read yet. */
  tcpUnreadBytes: 64 * 1024,
  /** What we tell resolvers that we take by UDP, and take ourselves at most (DNS flag day 2020). */
  udpBytes: 1232,
  /** Of a resolver's answer by TCP: 512 addresses with their owner's name compressed, and some more. */
  upstreamTcpBytes: 16 * 1024,
  /** CNAMEs behind one name (unbound: 11, glibc: none). */
  chainLength: 16,
  /** Of one name and family, which a resolver may name. */
  addressesPerName: 512,
  /** Milliseconds for one attempt; the resolvers are asked in turn. Clients wait 5 s (resolv.conf(5), musl). */
  attemptMs: 1100,
  attempts: 4,
  /** Datagrams from the resolver's address that are no answer to the question, before that attempt is given up. */
  wrongAnswers: 16,
  /** Milliseconds for the daemon to open addresses. */
  leaseMs: 2000,
  /** Names and types in the cache, and addresses in all of its answers together. */
  cachedAnswers: 20_000,
  cachedAddresses: 65_536,
  /** Seconds for which an answer without addresses is kept. */
  negativeSeconds: 5,
  /** Seconds told at most. */
  toldSeconds: 300,
  /** Seconds told of an answer whose time is over while no resolver answers (RFC 8767 5). */
  staleSeconds: 30,
  /** Seconds that a lease outlasts what a zone is told, or the daemon is asked again. */
  leaseReserveSeconds: 60,
  /** Addresses of one zone whose leases are known here: as many as the kernel holds. */
  leasesPerZone: 4096,
  /** Milliseconds between two reports of the same zone and name, and of how many pairs one is remembered. */
  reportEveryMs: 60_000,
  reportsRemembered: 4096,
  /** Bytes of messages to a daemon that does not read them. */
  unreadByDaemon: 1024 * 1024,
} as const;

/** Milliseconds of a clock that only goes forward. */
export type Clock = () => number;
export const monotonic: Clock = () => performance.now();

/** So many at once, and so many a second in the long run. */
export class Bucket {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #now: Clock;
  #left: number;
  #at: number;

  constructor(perSecond: number, burst: number, now: Clock) {
    [this.#perSecond, this.#burst, this.#now] = [perSecond, burst, now];
    [this.#left, this.#at] = [burst, now()];
  }

  /** False where there is none left. */
  take(): boolean {
    const now = this.#now();
    this.#left = Math.min(this.#burst, this.#left + ((now - this.#at) / 1000) * this.#perSecond);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
