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
import type { Dirty } from './dirty.ts';
import type { Plan } from './pass-plan.ts';
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

/** `open`: links that were served completely before the pass. `plan.ingress`: what of it puts back. */
export function repairsIn(
  plan: Plan,
  dirty: Dirty,
  open: ReadonlySet<number>,
  labelOf: (ifindex: number) => LinkLabel,
): Repairs {
  if (dirty.isAsked) return { put: [], movesJump: false };
  // Somebody else changed a table we have something in, or nobody has looked for a while, in which no zone came or went.
  const isQuiet = dirty.links.size === 0 && !movesZones(plan, open);
  const isRulesetSuspect = dirty.tables.size > 0 || (dirty.all && isQuiet);
  const movesJump = isRulesetSuspect && isMove(plan.nft);
  const first = dirty.shield ? [`the table ${tableKey(reversePathTable.family, reversePathTable.name)}`] : [];
  const ruleset = [
    ...first,
    ...summarise(plan.ingress),
    ...(isRulesetSuspect && !movesJump ? summarise(plan.nft) : []),
  ];
  const put: Repair[] = [
    ...plan.install.flatMap((change) => installed(change, dirty, open, labelOf)),
    ...[...plan.sysctls, ...plan.linkForwarding]
      .filter(({ ifindex }) => open.has(ifindex))
      .map((change) => ({ ...written('sysctl', change), ...labelOf(change.ifindex) })),
    ...(open.size === 0 ? [] : plan.forwarding.map((change) => written('forwarding', change))),
    ...ruleset.map((what): Repair => ({ kind: 'nftables', what })),
  ];
  return { put, movesJump };
}

/** Births and deaths whose events were lost: what they change in the ruleset is nobody's doing. */
function movesZones({ install, purgeAfter }: Plan, open: ReadonlySet<number>): boolean {
  return purgeAfter.length > 0 || install.some((change) => 'ifindex' in change && !open.has(change.ifindex));
}

function installed(
  change: RtnetlinkChange,
  dirty: Dirty,
  open: ReadonlySet<number>,
  labelOf: (ifindex: number) => LinkLabel,
): Repair[] {
  if (!('ifindex' in change) || !open.has(change.ifindex)) return [];
  const label = labelOf(change.ifindex);
  const { link } = label;
  if (change.kind === 'link-up') return [{ kind: 'link', what: `${link} was down`, ...label }];
  if (change.kind === 'route-add')
    return [{ kind: 'route', what: `the route ${change.address} via ${link}`, ...label }];
  // Proxies for siblings come and go with the siblings.
  if (change.kind !== 'proxy-add' || !dirty.proxies.has(change.ifindex)) return [];
  return [{ kind: 'neighbour-proxy', what: `the neighbour proxy ${change.address} on ${link}`, ...label }];
}

function written(kind: 'sysctl' | 'forwarding', { path, was }: SysctlChange | ForwardingChange): Repair {
  return { kind, what: `${sysctlName(path)} (was ${was ?? 'unreadable'})` };
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
