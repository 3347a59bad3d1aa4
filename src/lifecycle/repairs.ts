/** Tells the repairs in a plan from the work that new zones and new settings make. Pure. */

import type { SysctlChange } from '../arp/model.ts';
import type { RepairKind } from '../control/status.ts';
import type { Link, NftCommand, RtnetlinkChange } from '../host/port.ts';
import { sysctlName } from '../host/sysctl.ts';
import { forwardHookChain, reversePathTable } from '../nft/names.ts';
import { leadsToOurs } from '../nft/placement.ts';
import { tableKey } from '../nft/ruleset.ts';
import { summarise } from '../nft/summary.ts';
import type { ForwardingChange } from '../routes/forwarding.ts';
import type { DesiredZone } from './desired.ts';
import type { Dirty } from './dirty.ts';
import type { PassFailures } from './pass.ts';
import type { Plan } from './pass-plan.ts';
import { undoing } from './undoing.ts';
import type { ZoneRecords } from './zone-record.ts';

export interface Repair {
  readonly kind: RepairKind;
  /** What is put back, in a few words. */
  readonly what: string;
  /** The zone link concerned, where it is one, and what the zone behind it is called. */
  readonly link?: string | undefined;
  readonly zone?: string | undefined;
}

/** A link as people know it. */
export interface LinkLabel {
  readonly link: string;
  readonly zone: string | undefined;
}

export interface Repairs {
  readonly put: readonly Repair[];
  /** The tables it was put back in, as `family name`. */
  readonly tables: ReadonlySet<string>;
  /** Our jump goes behind somebody's new rules: nobody did anything wrong. */
  readonly movesJump: boolean;
}

/** Labels of links that may be gone or unknown. */
export function labels(links: ReadonlyMap<number, Link>, records: ZoneRecords): (ifindex: number) => LinkLabel {
  return (ifindex) => ({
    link: links.get(ifindex)?.name ?? `link ${ifindex}`,
    zone: records.get(ifindex)?.served?.name,
  });
}

/**
 * Only what was in force is put back: `before` is what each link had, by ifindex.
 * `plan.ingress`: what of it puts back.
 */
export function repairsIn(
  plan: Plan,
  failures: PassFailures,
  dirty: Dirty,
  before: ReadonlyMap<number, DesiredZone>,
  labelOf: (ifindex: number) => LinkLabel,
): Repairs {
  if (dirty.isAsked) return { put: [], tables: new Set(), movesJump: false };
  const isDone = ({ ifindex }: { readonly ifindex: number }) => before.has(ifindex) && !failures.links.has(ifindex);
  // Somebody else changed a table we have something in, or nobody has looked for a while.
  const isSuspect = failures.nft === undefined && (dirty.isRulesetSuspect || dirty.all);
  const undone = isSuspect ? undoing(plan.nft, before.values()) : [];
  const movesJump = isMove(undone);
  const commands = [...plan.ingress, ...(movesJump ? [] : undone)];
  const reversePath = tableKey(reversePathTable.family, reversePathTable.name);
  const remade = dirty.ipv6Guard ? [reversePath] : [];
  const ruleset = [...remade.map((table) => `the table ${table}`), ...summarise(commands)];
  const switchedOff = plan.forwarding.filter(({ path }) => path.key !== 'accept_ra');
  const put: Repair[] = [
    ...(failures.nft === undefined ? plan.install : [])
      .filter((change) => 'ifindex' in change && isDone(change))
      .flatMap((change) => installed(change, dirty, before, labelOf)),
    ...(before.size === 0 || failures.nft !== undefined ? [] : plan.install).flatMap(blockPutBack),
    ...[...plan.sysctls, ...plan.linkForwarding]
      .filter(isDone)
      .map((change) => ({ ...written('sysctl', change), ...labelOf(change.ifindex) })),
    ...(before.size === 0 || failures.links.has(0) ? [] : switchedOff.map((change) => written('forwarding', change))),
    ...ruleset.map((what): Repair => ({ kind: 'nftables', what })),
  ];
  const touched = movesJump ? undone : commands;
  const tables = new Set([...remade, ...touched.map(({ family, table }) => tableKey(family, table))]);
  return { put, tables, movesJump };
}

function installed(
  change: RtnetlinkChange,
  dirty: Dirty,
  before: ReadonlyMap<number, DesiredZone>,
  labelOf: (ifindex: number) => LinkLabel,
): Repair[] {
  if (!('ifindex' in change)) return [];
  const label = labelOf(change.ifindex);
  const { link } = label;
  if (change.kind === 'link-up') return [{ kind: 'link', what: `${link} was down`, ...label }];
  if (change.kind === 'route-add') {
    if (dirty.carriers.has(change.ifindex)) return [];
    if (before.get(change.ifindex)?.addresses.includes(change.address) !== true) return [];
    return [{ kind: 'route', what: `the route ${change.address} via ${link}`, ...label }];
  }
  if (change.kind === 'shaper-set') {
    if (before.get(change.ifindex)?.access?.receive !== change.bitsPerSecond) return [];
    return [{ kind: 'shaper', what: `the shaper of ${link}`, ...label }];
  }
  // Proxies for siblings come and go with the siblings.
  if (change.kind !== 'proxy-add' || dirty.proxies.get(change.ifindex)?.has(change.address) !== true) return [];
  return [{ kind: 'neighbour-proxy', what: `the neighbour proxy ${change.address} on ${link}`, ...label }];
}

function blockPutBack(change: RtnetlinkChange): Repair[] {
  return change.kind === 'block-add' ? [{ kind: 'route', what: `the unreachable route ${change.prefix.text}` }] : [];
}

function written(kind: 'sysctl' | 'forwarding', { path, was }: SysctlChange | ForwardingChange): Repair {
  return { kind, what: `${sysctlName(path)}${was === undefined ? '' : ` (was ${was})`}` };
}

/** A jump of ours that goes and comes again in the same transaction, and nothing else. */
function isMove(commands: readonly NftCommand[]): boolean {
  return commands.some(({ kind }) => kind === 'delete-rule') && commands.every(isAboutJump);
}

/** A rule of `FORWARD` that goes, or one that comes and jumps to a chain of ours. */
function isAboutJump(command: NftCommand): boolean {
  if (!('chain' in command) || command.chain !== forwardHookChain) return false;
  return command.kind === 'delete-rule' || ('expr' in command && leadsToOurs(command.expr));
}
