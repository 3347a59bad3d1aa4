/**
 * A pass's work as a value: it can be printed, compared, sent as JSON, and applied. Empty means healthy.
 *
 * The order of its parts is the order of application. Opening: connections of the previous owner are forgotten,
 * the guard knows the pair, then the link's sysctls, then link up and routes. Closing is the reverse.
 */
import type { SysctlChange } from '../arp/model.ts';
import { isRemoval, type NftCommand } from '../host/nft-command.ts';
import type { RtnetlinkChange } from '../host/port.ts';
import { commandLine } from '../host/rtnetlink-changes.ts';
import { sysctlName } from '../host/sysctl.ts';
import type { Address } from '../model/address.ts';
import { describeCommand } from '../nft/words.ts';
import type { ForwardingChange } from '../routes/forwarding.ts';

export interface Plan {
  /** Routes and neighbour proxies to take away. */
  readonly withdraw: readonly RtnetlinkChange[];
  /** Addresses about to be opened, whose old connections are forgotten first. */
  readonly purgeBefore: readonly Address[];
  /** At the links that others have taken, one transaction of its own: its failure is theirs alone. */
  readonly ingress: readonly NftCommand[];
  /** One transaction. */
  readonly nft: readonly NftCommand[];
  /** Addresses just closed. */
  readonly purgeAfter: readonly Address[];
  readonly forwarding: readonly ForwardingChange[];
  /** The links' own switches of forwarding. */
  readonly linkForwarding: readonly SysctlChange[];
  readonly sysctls: readonly SysctlChange[];
  /** Links to bring up, routes and neighbour proxies to add. */
  readonly install: readonly RtnetlinkChange[];
}

export const emptyPlan: Plan = {
  withdraw: [],
  purgeBefore: [],
  ingress: [],
  nft: [],
  purgeAfter: [],
  forwarding: [],
  linkForwarding: [],
  sysctls: [],
  install: [],
};

/** Changes to the host; a purge alone is none. */
export function countChanges(plan: Plan): number {
  const parts = [
    plan.withdraw,
    plan.ingress,
    plan.nft,
    plan.forwarding,
    plan.linkForwarding,
    plan.sysctls,
    plan.install,
  ];
  return parts.reduce((count, part) => count + part.length, 0);
}

export interface PlanLine {
  readonly tool: 'ip' | 'tc' | 'nft' | 'conntrack' | 'sysctl';
  readonly action: 'add' | 'remove' | 'set';
  readonly text: string;
}

/** The plan in the words of the tools, in order. `nameOf` turns an ifindex into a link's name for people. */
export function describePlan(plan: Plan, nameOf: (ifindex: number) => string): PlanLine[] {
  const rtnetlink = (change: RtnetlinkChange): PlanLine => ({
    tool: change.kind.startsWith('shaper') ? 'tc' : 'ip',
    action: change.kind === 'link-up' ? 'set' : change.kind.endsWith('-del') ? 'remove' : 'add',
    text:
      'ifindex' in change
        ? commandLine(change).replace(`if${change.ifindex}`, nameOf(change.ifindex))
        : commandLine(change),
  });
  const purge = (address: Address): PlanLine => ({
    tool: 'conntrack',
    action: 'remove',
    text: `connections of ${address}`,
  });
  const sysctl = ({ path, value, was }: ForwardingChange | SysctlChange): PlanLine => ({
    tool: 'sysctl',
    action: 'set',
    text: `${sysctlName(path)} = ${value}${was === undefined || was === value ? '' : ` (was ${was})`}`,
  });
  return [
    ...plan.withdraw.map(rtnetlink),
    ...plan.purgeBefore.map(purge),
    ...[...plan.ingress, ...plan.nft].map(
      (command): PlanLine => ({
        tool: 'nft',
        action: isRemoval(command) ? 'remove' : 'add',
        text: describeCommand(command),
      }),
    ),
    ...plan.purgeAfter.map(purge),
    ...[...plan.forwarding, ...plan.linkForwarding, ...plan.sysctls].map(sysctl),
    ...plan.install.map(rtnetlink),
  ];
}
