/** What a rule can see of a packet at a hook. */
import type { InspectedLink } from '../host/inspection.ts';
import type { RoutingTables } from '../host/routing-tables.ts';
import type { Address, Family } from '../model/address.ts';
import type { Connection, Glimpse } from './packet.ts';
import type { Hook, NamedSet } from './ruleset.ts';
import type { Value } from './value.ts';

export interface View {
  readonly packet: Glimpse;
  /** Undefined before connection tracking has seen the packet, and where it is untracked; see `untracked`. */
  readonly connection: Connection<Address | Value> | undefined;
  readonly untracked: boolean;
  readonly hook: Hook;
  /** Undefined where nobody looked at it. */
  readonly host: FibHost | undefined;
  readonly sets: ReadonlyMap<string, NamedSet>;
}

/** What rules may ask the host. */
export interface FibHost {
  readonly links: ReadonlyMap<string, InspectedLink>;
  readonly routing: Readonly<Record<Family, RoutingTables>>;
}
