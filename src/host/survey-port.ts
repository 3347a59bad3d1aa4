import type { Address, Family } from '../model/address.ts';
import type { Fill } from './conntrack-port.ts';
import type { LinkTies, Route } from './port.ts';

/**
 * A look at what the daemon does not live on, for commands of people. Read-only, unhurried, each call by itself, so that
 * one tool that is missing leaves the rest to be seen.
 */
export interface Survey {
  /** As uname(2) has it, e.g. `6.1.0-13-amd64`. */
  readonly kernelRelease: string;
  /** The tool's path and the first line it prints about its version; undefined where it is not installed. */
  tool(name: SurveyedTool): Promise<FoundTool | undefined>;
  links(): Promise<SurveyedLink[]>;
  /** Every table's. */
  routes(): Promise<SurveyedRoute[]>;
  /** What iptables says about tables that nft holds, whose extensions nft does not print; undefined without the tool. */
  savedRules(family: Family): Promise<string | undefined>;
  /** Connections tracked now, and how many can be; undefined where nothing is tracked. */
  connections(): Fill | undefined;
  /** Neighbours of all links, and how many the kernel holds at most; undefined outside the initial network namespace. */
  neighbours(family: Family): Fill | undefined;
  /** Undefined where no BIRD answers. */
  bird(): Promise<BirdView | undefined>;
  /** The names, of at most 15 bytes, of the processes that share our network namespace. */
  processes(): ReadonlySet<string>;
}

/** Destinations as BIRD prints them, `10.75.2.7/32`. */
export interface BirdView {
  readonly sessions: readonly { readonly name: string; readonly isUp: boolean; readonly detail: string }[];
  /** Routes of our protocol that it knows. */
  readonly learned: ReadonlySet<string>;
  /** What each session that is up is told, by its name. */
  readonly exported: ReadonlyMap<string, ReadonlySet<string>>;
}

export type SurveyedTool = 'ip' | 'nft' | 'iptables';

export interface FoundTool {
  readonly path: string;
  readonly version: string;
}

export interface SurveyedLink extends LinkTies {
  readonly name: string;
  readonly mtu: number;
  readonly addresses: readonly Address[];
}

export interface SurveyedRoute extends Pick<Route, 'family' | 'destination' | 'table' | 'protocol'> {
  /** As iproute2 names it: `unicast`, `local`, `blackhole` … */
  readonly type: string;
  /** None for a blackhole, several for a multipath route. */
  readonly devices: readonly string[];
}
