/** Asks the operator's resolvers, in turn, with a time limit for each. */
import type { Address } from '../model/address.ts';
import { messageOf, ProtectNetworkError } from '../model/errors.ts';
import { type AddressType, type Resolved, readResolved } from './chain.ts';
import { limits } from './limits.ts';
import { makeQuery } from './query.ts';
import { rcodes } from './question.ts';
import { askByTcp, askByUdp } from './transports.ts';
import { flags, headerBytes } from './wire.ts';

export class Upstream {
  #resolvers: readonly Address[] = [];
  /** The one that answered last is asked first. */
  #first = 0;
  #inFlight = 0;

  get resolvers(): readonly Address[] {
    return this.#resolvers;
  }

  use(resolvers: readonly Address[]): void {
    this.#resolvers = resolvers;
    this.#first = 0;
  }

  /**
   * Throws `busy` where too much is in flight, `refused` where every resolver said that it cannot tell, `unreachable` where one
   * at least said nothing.
   */
  async ask(name: string, type: AddressType): Promise<Resolved> {
    if (this.#inFlight >= limits.inFlightUpstream)
      throw new ProtectNetworkError('busy', 'too many names are asked for');
    this.#inFlight += 1;
    try {
      return await this.#askInTurn(name, type);
    } finally {
      this.#inFlight -= 1;
    }
  }

  async #askInTurn(name: string, type: AddressType): Promise<Resolved> {
    const resolvers = this.#resolvers;
    const refusals = new Set<Address>();
    const failures: string[] = [];
    for (let attempt = 0; attempt < limits.attempts && refusals.size < resolvers.length; attempt += 1) {
      const turn = (this.#first + attempt) % resolvers.length;
      const resolver = resolvers[turn];
      if (resolver === undefined || refusals.has(resolver)) continue;
      try {
        const resolved = await this.#attempt(resolver, name, type);
        if (resolvers === this.#resolvers) this.#first = turn;
        if (resolved !== undefined) return resolved;
        refusals.add(resolver);
      } catch (error) {
        failures.push(`${resolver}: ${messageOf(error)}`);
      }
    }
    if (resolvers.length === 0) failures.push('none is configured');
    if (failures.length === 0) throw new ProtectNetworkError('refused', `no resolver could resolve ${name}`);
    throw new ProtectNetworkError('unreachable', [...new Set(failures)].join(', '));
  }

  /** Undefined where the resolver has an answer, and that is that it cannot tell. Throws where it has none. */
  async #attempt(resolver: Address, name: string, type: AddressType): Promise<Resolved | undefined> {
    const query = makeQuery(name, type);
    const byUdp = await askByUdp(resolver, query);
    const isWhole = byUdp !== 'other case' && (byUdp.readUInt16BE(2) & flags.truncated) === 0;
    const answer = isWhole ? byUdp : await askByTcp(resolver, query);
    const rcode = answer.readUInt16BE(2) & flags.rcode;
    if (rcode !== rcodes.noError && rcode !== rcodes.nxDomain) return undefined;
    return readResolved(answer, headerBytes + query.question.length, name, type);
  }
}
