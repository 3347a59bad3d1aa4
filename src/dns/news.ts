/** What the forwarder logs: on transitions, and of what zones cause at most once a minute. */
import type { Logger } from 'pino';
import type { Address } from '../model/address.ts';
import type { LinkName } from '../model/link-name.ts';
import { type Clock, limits } from './limits.ts';
import { Seldom } from './seldom.ts';
import type { Zone } from './zones.ts';

export class News {
  readonly #log: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly #seldom: Seldom;
  #isConnected: boolean | undefined;
  #areResolversDead = false;

  constructor(log: Pick<Logger, 'info' | 'warn' | 'error'>, now: Clock) {
    this.#log = log;
    this.#seldom = new Seldom(now);
  }

  connected(path: string, zones: number): void {
    this.#isConnected = true;
    this.#log.info({ event: 'dns-daemon' }, `connected to the daemon at ${path}; policed zones: ${zones}`);
  }

  notConnected(path: string, reason: string): void {
    if (this.#isConnected !== false)
      this.#log.warn(
        { event: 'dns-daemon', reason },
        `no connection to the daemon at ${path}: ${reason}; new names of enforced zones fail until there is one; retrying`,
      );
    this.#isConnected = false;
  }

  listening(addresses: readonly Address[], port: number, resolvers: readonly Address[]): void {
    const asking = resolvers.length === 0 ? 'no resolver' : resolvers.join(', ');
    this.#log.info(
      { event: 'dns-listening', addresses },
      `answering at ${addresses.join(', ')}, port ${port}; asking ${asking}`,
    );
  }

  notListening(address: Address, port: number, reason: string): void {
    this.#log.error(
      { event: 'dns-listening', addresses: [address], reason },
      `cannot answer at ${address}, port ${port}: ${reason}; names of policed zones fail there; retrying`,
    );
  }

  get resolversAnswer(): boolean {
    return !this.#areResolversDead;
  }

  resolversDead(reason: string): void {
    if (!this.#areResolversDead)
      this.#log.warn(
        { event: 'dns-resolvers', reason },
        `no resolver answers: ${reason}; new names of policed zones fail until one does`,
      );
    this.#areResolversDead = true;
  }

  resolversAlive(): void {
    if (this.#areResolversDead) this.#log.info({ event: 'dns-resolvers' }, 'resolvers answer again');
    this.#areResolversDead = false;
  }

  limited(zone: Zone): void {
    if (this.#seldom.count(`limited ${zone.link}`) === undefined) return;
    this.#log.warn(
      { event: 'dns-limited', ...fieldsOf(zone) },
      `zone ${zone.title} sends more queries than it may (${limits.queriesPerSecond} a second, bursts of ${limits.queryBurst}, ${limits.inFlightPerZone} unanswered, ${limits.tcpConnectionsPerZone} TCP connections); the rest is not answered`,
    );
  }

  /** `address` was taken out of an answer. */
  keptPrivate(zone: Zone, name: string, address: Address): void {
    if (this.#seldom.count(`private ${zone.link} ${name}`) === undefined) return;
    this.#log.warn(
      { event: 'dns-private', ...fieldsOf(zone), destination: address },
      `zone ${zone.title}: ${name} leads to the private address ${address}, which was taken out of the answer; a rule with private = true lets it pass`,
    );
  }

  notOpened(zone: Zone, name: string, reason: string): void {
    if (this.#seldom.count(`refused ${zone.link} ${name}`) === undefined) return;
    this.#log.warn(
      { event: 'dns-not-opened', ...fieldsOf(zone), reason },
      `zone ${zone.title}: ${name} was not answered: the daemon did not open its addresses: ${reason}`,
    );
  }

  /** To be called now and then. */
  forget(): void {
    this.#seldom.due();
  }
}

function fieldsOf({ link, title }: Zone): { link: LinkName; zone: string } {
  return { link, zone: title };
}
