/**
 * What must be looked at in the next pass, and why. Events only add to it. What is desired is computed anew in every pass,
 * so a cause alone is enough where configuration or a zone directory changed.
 */

import { type HostEvent, unnamedTable } from '../host/port.ts';
import type { Address } from '../model/address.ts';
import { reversePathTable } from '../nft/names.ts';
import { observedKeys } from '../nft/observe.ts';
import { tableKey } from '../nft/ruleset.ts';
import { isForwarding, isLoopback } from './describe-event.ts';
import type { LostProxies } from './proxy-watch.ts';

export class Dirty {
  /** Re-read everything. */
  all = false;
  /** People asked for it (a start, a new configuration): what changes then is no repair. */
  isAsked = false;
  /** Tables to read again, as `family name`; then all that should be in any of them is compared. */
  readonly tables = new Set<string>();
  /** Somebody took away what the mirror knows of: nothing has to be read, and what is known of all tables is to be compared. */
  isRulesetTouched = false;
  /** The same where all of it is of `links`. */
  areElementsTouched = false;
  /** Somebody touched the second layer's table: it comes first. */
  ipv6Guard = false;
  /** Links whose neighbour proxies for their siblings have to be looked at, and nothing else. */
  readonly siblings = new Set<number>();
  /** Neighbour proxies that links lost behind our back, by ifindex. */
  readonly proxies = new Map<number, ReadonlySet<Address>>();
  /** Links to look at, by ifindex. */
  readonly links = new Set<number>();
  /** Links whose zone has lost its carrier for a while, or has it again. */
  readonly carriers = new Set<number>();
  /** In the order of arrival, for the log. */
  readonly causes: string[] = [];
  /** When the first cause came, in performance.now() milliseconds. */
  since: number | undefined;

  /** `ifindex`: the link that the event is about, where it is about one. `known`: whom, where nothing has to be read for it. */
  take(event: HostEvent, ifindex: number | undefined, known?: ReadonlySet<number> | 'all'): void {
    if (known === 'all') {
      this.isRulesetTouched = true;
    } else if (known !== undefined) {
      this.areElementsTouched = true;
      this.lookAt([...known]);
    } else if (event.kind === 'nft') {
      this.lackTables(event.tables.has(unnamedTable) ? observedKeys : event.tables);
      this.ipv6Guard ||= event.tables.has(tableKey(reversePathTable.family, reversePathTable.name));
    } else if (isForwarding(event)) {
      // Every pass looks at the host's forwarding, and nothing else hangs on it.
      return;
    } else if (event.kind === 'lost' || ifindex === undefined || isLoopback(event)) this.all = true;
    else this.links.add(ifindex);
  }

  /** Whether somebody else changed a table that we have something in. */
  get isRulesetSuspect(): boolean {
    return this.isRulesetTouched || this.areElementsTouched || this.tables.size > 0;
  }

  lackTables(tables: ReadonlySet<string>): void {
    for (const table of tables) if (observedKeys.has(table)) this.tables.add(table);
  }

  lookAt(due: 'all' | readonly number[]): void {
    if (due === 'all') this.all = true;
    else for (const ifindex of due) this.links.add(ifindex);
  }

  tell(siblings: readonly number[]): void {
    for (const ifindex of siblings) this.siblings.add(ifindex);
  }

  lackProxies(missing: LostProxies): void {
    for (const [ifindex, addresses] of missing) {
      this.links.add(ifindex);
      this.proxies.set(ifindex, addresses);
    }
  }

  turnCarrier(ifindex: number): void {
    this.links.add(ifindex);
    this.carriers.add(ifindex);
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
