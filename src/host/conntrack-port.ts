/** Tracked connections, as `port.ts` has them. */
import type { Address } from '../model/address.ts';

export interface Fill {
  readonly count: number;
  readonly max: number;
}

export interface Conntrack {
  /** Deletes every entry that names one of `addresses` as source or destination in either direction. Returns how many. */
  purge(addresses: readonly Address[]): Promise<number>;
  /** Connections tracked now, and how many can be; undefined while nothing is tracked. */
  fill(): Fill | undefined;
  /** How many connections each address has begun. */
  countBySource(): Promise<ReadonlyMap<Address, number>>;
  /** The connections that `addresses` have begun. */
  begunBy(addresses: readonly Address[]): Promise<BegunConnection[]>;
  /** Forgets them; those that are gone are no error. */
  end(connections: readonly BegunConnection[]): Promise<void>;
}

export interface BegunConnection {
  readonly source: Address;
  /** Who answers, whatever was asked: behind a translation of the destination. */
  readonly destination: Address;
  readonly transport: 'tcp' | 'udp' | 'icmp' | 'other';
  /** 0 where the protocol has none. */
  readonly port: number;
  /** The port that was asked, ahead of any translation. */
  readonly askedPort: number;
}
