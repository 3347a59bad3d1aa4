/** Our own settings as the rest of the program sees them. */

import type { Address, Family, Prefix } from '../model/address.ts';
import type { DirectoryName } from '../model/directory-name.ts';
import type { Fleet } from './fleet.ts';

export type Verdict = 'allow' | 'deny';

export interface ListenAddress {
  readonly host: Address;
  /** 1..65535. */
  readonly port: number;
}

export interface Settings {
  readonly zones: {
    /** Asked in this order; the first that knows a link wins. */
    readonly directories: readonly DirectoryName[];
    /** A gRPC target, `unix:///absolute/path`. */
    readonly controlApi: string;
    /** A socket or device; undefined: the first there is of the usual ones. */
    readonly xenstore: string | undefined;
    readonly staticDir: string;
  };
  readonly uplink: {
    /** Empty: whatever a zone's traffic leaves by that is not another zone's link. */
    readonly interfaces: readonly string[];
    /** False: zones leave under their own addresses. */
    readonly masquerade4: boolean;
    readonly masquerade6: boolean;
    /** What zones leave under; undefined: one of the host's addresses, which the kernel chooses. */
    readonly source: Readonly<Record<Family, Address | undefined>>;
    /** Destinations that see zones' own addresses, host addresses as /32 and /128. */
    readonly noMasquerade: readonly Prefix[];
  };
  readonly forward: {
    readonly placement: 'auto' | 'first';
    /** Exactly one bit of the 32-bit packet mark, or 0 for none. */
    readonly mark: number;
  };
  readonly isolation: {
    readonly antiSpoof: boolean;
    readonly zoneToZone: Verdict;
    readonly metadata: Verdict;
    /** What `metadata` is about, host addresses as /32 and /128. */
    readonly metadataAddresses: readonly Prefix[];
    readonly host: Verdict;
  };
  readonly policy: {
    /** Of the policy files. */
    readonly dir: string;
    /** Whom names are asked of; empty: those of /etc/resolv.conf. */
    readonly resolvers: readonly Address[];
  };
  readonly fleet: Fleet;
  readonly reconcile: {
    /** Seconds between passes that no event asked for, 1..86400. */
    readonly resyncSeconds: number;
  };
  readonly control: {
    readonly socket: string;
    readonly metricsListen: ListenAddress | undefined;
  };
}
