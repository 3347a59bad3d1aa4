/** Our routes on the host, as desired and as observed: one host route per zone address, and one local route per gateway. */
import type { Address } from '../model/address.ts';

export interface ObservedRoutes {
  /** Addresses routed to each link, by ifindex. Only routes of our protocol. */
  readonly byLink: Map<number, Set<Address>>;
  /** Gateways the host answers for. */
  readonly gateways: Set<Address>;
  /** Prefixes, as text, of which this host sends nothing on that has no better route. */
  readonly blocks: Set<string>;
}

export interface DesiredRoutes {
  readonly ifindex: number;
  readonly addresses: readonly Address[];
}
