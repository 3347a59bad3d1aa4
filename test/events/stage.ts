/**
 * A host with a daemon on it, another without one, and whatever may be done to both: the events of this folder know no
 * more. One implementation is on the fake kernel (test/unit/lifecycle), one on the real one (test/events/real).
 *
 * Verbs are tolerant: what is not there to be changed is left alone. They return once the kernel has taken it.
 */

import type { Config } from '../../src/config/config.ts';
import type { NftJson } from '../../src/host/nft-command.ts';
import type { SysctlPath } from '../../src/host/port.ts';
import type { Address } from '../../src/model/address.ts';
import type { Call } from '../fake/faults.ts';
import type { Fault } from '../fake/faulty-host.ts';
import type { ForeignRoute } from '../fake/kernel.ts';
import type { MemoryDirectory } from './memory-directory.ts';

export interface Stage {
  readonly directories: readonly MemoryDirectory[];
  addLink(name: string): unknown;
  deleteLink(name: string): unknown;
  /** The name dies and is born again before anybody could have looked. */
  rebear(name: string): unknown;
  /** Not where `to` is there already. */
  renameLink(from: string, to: string): unknown;
  setLink(name: string, up: boolean): unknown;
  /** Somebody else's act on the daemon's host alone: it hits what is ours. */
  damage(act: Act): unknown;
  /** Somebody deletes one of the routes that the daemon made, counted round where there are fewer. */
  deleteOwnRoute(which: number): unknown;
  /** Somebody else's act on either host. */
  foreign(act: Act): unknown;
  /** Somebody else's act on the daemon's host and, where that took it, on the other. */
  inTheWay(act: Act): unknown;
  /** The next `times` calls of that kind fail. */
  fail(call: Call, times: number): unknown;
  /** The call `ahead` of the next goes wrong. */
  order(fault: Fault, ahead: number): unknown;
  /** The helper of that command line dies. */
  kill(helper: string): unknown;
  /** The daemon is given time to do what it has to. */
  settle(): unknown;
  /** A second passes. */
  second(): unknown;
  /** A new process. */
  restart(): unknown;
  reload(config: Config): unknown;
  /** Events are dropped from here on. */
  silence(): unknown;
  /** Events come again, and the daemon is told that some were lost. */
  loseEvents(): unknown;
}

/** What somebody else does, by tools of theirs. */
export type Act =
  | {
      readonly kind: 'nft';
      readonly commands: readonly NftJson[];
      /** The same by iptables-nft, where that says it in another way. */
      readonly iptables?: readonly (readonly string[])[];
    }
  | { readonly kind: 'route-add'; readonly route: ForeignRoute }
  | { readonly kind: 'route-del'; readonly route: ForeignRoute }
  | { readonly kind: 'proxy-add'; readonly address: Address; readonly device: string }
  | { readonly kind: 'sysctl'; readonly path: SysctlPath; readonly value: string };
