/** What `GET /v1/policy?zone=LINK-OR-NAME` answers: of each such zone what is open by names, and what no rule allowed. */
import type { Address } from '../model/address.ts';
import type { Mode, Transport } from '../policy/model.ts';
import type { PolicyState } from './status.ts';

export interface PolicyAnswer {
  /** None where there is no such zone; several where zones have the same name. */
  readonly zones: readonly ZonePolicy[];
}

export interface ZonePolicy {
  readonly link: string;
  readonly name: string | null;
  readonly policy: PolicyState;
  readonly leases: readonly LeaseStatus[];
  /** The youngest first. */
  readonly denials: readonly DenialStatus[];
}

export interface LeaseStatus {
  readonly name: string;
  readonly address: Address;
  readonly transport: Transport;
  readonly port: number;
  /** Until it ends, unless it is renewed. */
  readonly seconds: number;
}

/** Something that a zone wanted and no rule allows now. */
export interface DenialStatus {
  /** Unix milliseconds of the last time. */
  readonly at: number;
  /** How often it was told; the kernel tells of a destination once a minute. */
  readonly times: number;
  readonly mode: Mode;
  /** That was asked for, or that the address had for the zone. */
  readonly name: string | null;
  /** Null where it did not get further than its name. */
  readonly address: string | null;
  /** dom0 has the address. */
  readonly host: boolean;
  /** Name of the zone that has the address. */
  readonly zone: string | null;
  /** Null of what is neither, and of names. */
  readonly transport: Transport | 'icmp' | null;
  readonly port: number | null;
  /** `FILE:LINE` of the rule of `deny` that forbids it; no `allow` helps. */
  readonly deniedBy: string | null;
}
