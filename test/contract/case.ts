/** A sentence of the host port, checked on any implementation of it. Knows no test runner, so that one can run in a namespace. */
import { setTimeout as delay } from 'node:timers/promises';
import type { NftJson } from '../../src/host/nft-command.ts';
import type { Host } from '../../src/host/port.ts';
import type { Address, Family, Ipv4Address, Ipv6Address } from '../../src/model/address.ts';
import type { ProtectNetworkError } from '../../src/model/errors.ts';
import { hasCode } from '../../src/model/errors.ts';

export interface ContractCase {
  readonly name: string;
  run(host: Host, world: World): Promise<void>;
}

/** Both directions of a tracked connection. */
export interface Flow {
  readonly src: string;
  readonly dst: string;
  readonly replySrc: string;
  readonly replyDst: string;
}

/** What others do to the kernel under the host. Each case gets a fresh one, with `lo` up and nothing else. */
export interface World {
  /** A link that is down, with a carrier; resolves to its ifindex. */
  addLink(name: string): Promise<number>;
  addBridge(name: string): Promise<number>;
  /** A device on top of another. */
  addMacvlan(name: string, lower: string): Promise<number>;
  /** Makes the link a port of the bridge, or of none. */
  setMaster(name: string, bridge: string | undefined): Promise<void>;
  deleteLink(name: string): Promise<void>;
  setLink(name: string, state: 'up' | 'down'): Promise<void>;
  renameLink(from: string, to: string): Promise<void>;
  /** A host route in the main table, `static` unless it is one that a lease of DHCP came with. */
  addRoute(address: Address, device: string, protocol?: 'static' | 'dhcp'): Promise<void>;
  /** A host route without a device, of the protocol that is ours, in the main table. */
  addHole(type: 'throw' | 'prohibit' | 'unreachable' | 'blackhole', address: Address): Promise<void>;
  /** The link becomes a port of a new bridge, and leaves it again. */
  visitBridge(name: string): Promise<void>;
  /** Leaves a file that is no namespace where iproute2 keeps them. No link can be made after that. */
  leaveStrayFile(): Promise<void>;
  /** Gives our protocol number a name of the host's own. */
  nameProtocol(): Promise<void>;
  /** A default route of protocol static in the main table. */
  addDefaultRoute(family: Family, device: string): Promise<void>;
  /** Every host route of the main table, as `address dev link proto protocol`, sorted. */
  routes(family: Family): Promise<string[]>;
  addProxy(address: Address, device: string): Promise<void>;
  /** Puts somebody's qdisc `htb 1:` at the root of the link, in place of whatever is there; takes away whatever is. */
  setQdisc(name: string, to: 'htb' | 'none'): Promise<void>;
  /** A transaction of another process. */
  nft(commands: readonly NftJson[]): Promise<void>;
  addFlow(flow: Flow): Promise<void>;
  /** The connections tracked, as `source > destination`, sorted. */
  flows(): Promise<string[]>;
}

export const zone4 = '10.75.0.3' as Ipv4Address;
export const zone6 = 'fdd4:1476:6c7e::3' as Ipv6Address;
export const gateway6 = 'fdd4:1476:6c7e::1' as Ipv6Address;
/** No link of a test ever gets this far. */
export const neverAnIfindex = 999_999;

/** Long enough for a helper process to start on a busy machine; a state that holds is seen within milliseconds. */
const deadlineMs = 5_000;

/** Waits for `look` to return something; fails with `what` and `seen` at the deadline. */
export async function eventually<Value>(
  what: string,
  look: () => Value | undefined,
  seen: () => unknown,
): Promise<Value> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const value = look();
    if (value !== undefined) return value;
    if (performance.now() > deadline) throw new Error(`${what} did not happen; seen: ${JSON.stringify(seen())}`);
    await delay(2);
  }
}

/** The error with which the attempt fails. Fails itself where there is none, or one with another code. */
export async function failure(code: ProtectNetworkError['code'], attempt: () => unknown): Promise<ProtectNetworkError> {
  try {
    await attempt();
  } catch (error) {
    if (hasCode(error, code)) return error;
    throw new Error(`expected code ${code}, got ${String(error)}`, { cause: error });
  }
  throw new Error(`expected code ${code}, got no error`);
}
