/** Neighbour proxies: the addresses for which the host answers neighbour solicitations on a link. */
import type { Address } from '../model/address.ts';
import type { WantedSysctl } from './link-sysctls.ts';

/** By ifindex. Only entries of our protocol number. */
export type ObservedProxies = Map<number, Set<Address>>;

/** A link's, by name; undefined for one that does not exist. */
export type SysctlValues = ReadonlyMap<string, string | undefined>;

export interface SysctlChange extends WantedSysctl {
  readonly ifindex: number;
  /** The value found; undefined where none was looked for, since it is written in any case. */
  readonly was: string | undefined;
}
