/** Sysctls of links and of the host as a whole, as `port.ts` has them. */
import type { Family } from '../model/address.ts';
import type { LinkName } from '../model/link-name.ts';

/** The place of a sysctl under /proc/sys/net. `link` is a link name, `all`, `default`, or undefined for `key` at the top. */
export interface SysctlPath {
  readonly family: Family;
  readonly group: 'conf' | 'neigh' | 'top';
  readonly link: string;
  readonly key: string;
}

/** Synchronous on purpose: a /proc access takes microseconds, a trip through the thread pool ten times that. */
export interface Sysctl {
  /** The value without its newline; undefined where there is no such sysctl (the link vanished, or IPv6 is off). */
  read(path: SysctlPath): string | undefined;
  /** Throws `vanished` where there is no such sysctl, `permission` or `refused` where the kernel does not take the value. */
  write(path: SysctlPath, value: string): void;
  /**
   * From now on a foreign write to the link's sysctls becomes an event; following a link again looks at its files anew
   * (they are others once the link had no IPv6 for a while). The kernel's own notices leave out `accept_ra`, redirects and
   * `proxy_delay`. Best effort: writes by way of another mount of /proc are not seen, nor is anything once the system's
   * bound on watches is reached.
   */
  follow(link: LinkName): void;
  unfollow(link: LinkName): void;
  /** Why some link could not be followed, if so. */
  readonly followProblem: string | undefined;
}
