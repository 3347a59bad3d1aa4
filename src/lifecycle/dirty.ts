/**
 * What must be looked at in the next pass, and why. Events only add to it. What is desired is computed anew in every pass,
 * so a cause alone is enough where configuration or a zone directory changed.
 */

import type { HostEvent } from '../host/port.ts';
import { reversePathTable } from '../nft/names.ts';
import { tableKey } from '../nft/ruleset.ts';
import { isLoopback } from './describe-event.ts';

export class Dirty {
  /** Re-read everything. */
  all = false;
  /** People asked for it (a start, a new configuration): what changes then is no repair. */
  isAsked = false;
  /** Re-read our nft tables. */
  ruleset = false;
  /** Somebody touched the second layer's table: it comes first. */
  shield = false;
  /** Look at other people's firewalls again. */
  foreign = false;
  /** Links whose neighbour proxies for their siblings have to be looked at, and nothing else. */
  readonly siblings = new Set<number>();
  /** Links that lost a neighbour proxy behind our back. */
  readonly proxies = new Set<number>();
  /** Links to look at, by ifindex. */
  readonly links = new Set<number>();
  /** In the order of arrival, for the log. */
  readonly causes: string[] = [];
  /** When the first cause came, in performance.now() milliseconds. */
  since: number | undefined;

  /** `ifindex`: the link that the event is about, where it is about one. */
  take(event: HostEvent, ifindex: number | undefined): void {
    if (event.kind === 'nft') {
      this.ruleset = true;
      this.shield ||= event.tables.has(tableKey(reversePathTable.family, reversePathTable.name));
    } else if (event.kind === 'lost' || ifindex === undefined || isLoopback(event)) this.all = true;
    else this.links.add(ifindex);
  }

  lackProxies(links: readonly number[]): void {
    for (const ifindex of links) {
      this.links.add(ifindex);
      this.proxies.add(ifindex);
    }
  }

  because(cause: string): this {
    this.since ??= performance.now();
    // A flood of events needs no list of them.
    if (this.causes.length < 8 && !this.causes.includes(cause)) this.causes.push(cause);
    return this;
  }

  get isEmpty(): boolean {
    return this.since === undefined;
  }
}
