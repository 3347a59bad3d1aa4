/** Everything the checks look at, read once. What could not be read is empty here and stands in `unread`. */
import type { Config, ConfigPaths } from '../config/config.ts';
import type { FileOwnership } from '../config/read-file.ts';
import type { Status, ZoneState } from '../control/status.ts';
import type { DirectoryState } from '../directories/zone-directory.ts';
import type { OutlookFacts } from '../faults/outlook.ts';
import type { Fill, LegacyFilter, NftObject } from '../host/port.ts';
import type { BirdView, FoundTool, SurveyedLink, SurveyedRoute, SurveyedTool } from '../host/survey-port.ts';
import type { Address, Family } from '../model/address.ts';
import type { DirectoryName } from '../model/directory-name.ts';
import type { Fault } from '../model/fault.ts';
import { parseLinkName } from '../model/link-name.ts';

export interface Snapshot {
  /** Effective user id. */
  readonly user: number;
  readonly kernelRelease: string;
  /** Undefined: not installed. */
  readonly tools: ReadonlyMap<SurveyedTool, FoundTool | undefined>;
  readonly paths: ConfigPaths;
  /** Undefined where a settings file is wrong; `configProblem` says how, or what is wrong with a policy. */
  readonly config: Config | undefined;
  readonly configProblem: string | undefined;
  readonly files: readonly FileFacts[];
  /** By name below /proc/sys; what the kernel does not have is missing. */
  readonly sysctls: ReadonlyMap<string, string>;
  readonly links: readonly SurveyedLink[];
  readonly routes: readonly SurveyedRoute[];
  /** Every table's objects but the elements of sets; undefined where it could not be read. */
  readonly ruleset: readonly NftObject[] | undefined;
  /** Undefined where the rules could not be read. */
  readonly foreign: readonly Fault[] | undefined;
  /** Undefined where it could not be read. */
  readonly outlook: OutlookFacts | undefined;
  /** The dry run of our own transaction; undefined where there was none. */
  readonly trial: { readonly refusal: string | undefined } | undefined;
  readonly saved: ReadonlyMap<Family, string>;
  /** The filter tables of iptables-legacy. */
  readonly legacy: ReadonlyMap<Family, LegacyFilter>;
  readonly daemon: DaemonFacts;
  /** Undefined where nobody could be asked. */
  readonly zones: ZonesFacts | undefined;
  readonly connections: Fill | undefined;
  readonly neighbours: ReadonlyMap<Family, Fill>;
  /** Looked at in a fleet; undefined where no BIRD answers. */
  readonly bird: BirdView | undefined;
  /** Names of the processes in our network namespace. */
  readonly processes: ReadonlySet<string>;
  /** Of the files that keep network managers away from zone links, those that are installed. */
  readonly dropIns: ReadonlySet<ManagerName>;
  readonly unread: readonly Unread[];
}

export interface Unread {
  readonly what: string;
  readonly why: string;
}

export type FileRole = 'daemon.toml' | 'settings' | 'static-dir' | 'zone' | 'socket' | 'socket-dir';

export interface FileFacts {
  readonly role: FileRole;
  readonly path: string;
  readonly stats: FileOwnership;
  /** What is wrong with the symbolic link at `path`, if it is one. */
  readonly linkDistrust: string | undefined;
}

/** `silent`: it should answer and does not. `unknown`: where it would answer is not known. */
export type DaemonFacts =
  | { readonly kind: 'answers'; readonly status: Status; readonly ownVersion: string }
  | { readonly kind: 'absent' | 'silent' | 'unknown'; readonly why: string };

export interface ZonesFacts {
  readonly directories: readonly DirectoryFacts[];
  readonly zones: readonly ZoneFacts[];
  /** What else whoever was asked finds wrong. */
  readonly faults: readonly Fault[];
}

export interface DirectoryFacts {
  readonly name: DirectoryName;
  readonly state: DirectoryState;
  readonly detail: string;
  readonly problems: readonly string[];
}

export interface ZoneFacts {
  readonly link: string;
  readonly name: string | undefined;
  readonly addresses: readonly Address[];
  readonly directory: DirectoryName | undefined;
  readonly origin: string | undefined;
  /** `asked`: no daemon serves it, and a directory gives it these addresses. */
  readonly state: ZoneState | 'asked';
  readonly reason: string | null;
  readonly fix: string | null;
  /** A directory gives it an address, or has an entry for it that cannot be used. */
  readonly wanted: boolean;
  readonly carrier: boolean | null;
}

export type ManagerName = 'systemd-networkd' | 'NetworkManager';

/** The daemon is at work, so that what is missing is not just what its start would bring. */
export function isServed({ daemon }: Snapshot): boolean {
  return daemon.kind === 'answers';
}

export function zoneLinks({ links }: Snapshot): SurveyedLink[] {
  return links.filter(({ name }) => parseLinkName(name) !== undefined);
}

export function sysctl(snapshot: Snapshot, name: string): string | undefined {
  return snapshot.sysctls.get(name);
}

/** The families that zones have, by the settings. */
export function subnetsOf({ config }: Snapshot): { family: Family; subnet: NonNullable<Config['subnets'][Family]> }[] {
  return (['ipv4', 'ipv6'] as const).flatMap((family) => {
    const subnet = config?.subnets[family];
    return subnet === undefined ? [] : [{ family, subnet }];
  });
}

/** By which links zones' traffic leaves, in a family. */
export function uplinksOf({ config, routes }: Snapshot, family: Family): string[] {
  const named = config?.settings.uplink.interfaces ?? [];
  if (named.length > 0) return [...named];
  const defaults = routes.filter(
    (route) => route.family === family && route.destination === 'default' && route.type === 'unicast',
  );
  const devices = defaults.flatMap(({ devices }) => devices);
  return [...new Set(devices)].filter((name) => parseLinkName(name) === undefined);
}
